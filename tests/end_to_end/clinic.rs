//! A small migration that does everything that a migration can do: objects, fields and options are made, records created, updated, merged, taken out of the
//! trash, skipped and quarantined, links written, files uploaded, and references set that had to wait.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Project, repository};
use crate::stand_in::{StandIn, hurry};

/// The project; so many records go in a request.
pub(crate) fn clinic(batch: u32) -> Project {
    let project = Project::copy_of(&repository().join("tests/clinic"), Some(".migr"));
    hurry(&project, batch);
    project
}

/// What others have in the workspace: companies that the export has too, one of them in the trash, and one that it has not.
pub(crate) fn others(stand_in: &StandIn) {
    let company = |name: &str, domain: &str| {
        let link = json!({"primaryLinkUrl": format!("https://{domain}")});
        let made = stand_in.ask(&Method::POST, "/rest/companies", &json!({"name": name, "domainName": link}));
        made["data"]["createCompany"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    company("Acme Incorporated", "acme.example");
    company("Elsewhere", "elsewhere.example");
    let thrown = company("Beta before", "beta.example");
    stand_in.ask(&Method::DELETE, &format!("/rest/companies/{thrown}?soft_delete=true"), &Value::Null);
}
