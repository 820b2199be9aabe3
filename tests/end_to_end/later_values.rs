//! Records that were there before and that a later export says more of: a field that nothing was written to gets its value.

use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::delta::with_window;
use crate::harness::Project;
use crate::small::Small;
use crate::stand_in::StandIn;

const FIRM: &str = "object Firm from \"firms.csv\" {\n  key id\n  id: text\n  name: text\n  domain: url\n  staff: integer\n  slogan: text\n}";

const BEFORE: &str =
    "id,name,domain,staff,slogan\nF1,Acme,acme.example,,\nF2,Beta,beta.example,3,Ours\nF3,Gamma,gamma.example,,\n";

/// A migration into a workspace that has the three firms, without what the first export lacks, after its first run.
fn moved(policy: &str) -> (Project, StandIn, String) {
    let maps = format!(
        "map Firm -> companies {{\n  match domainName.primaryLinkUrl\n  on existing {policy}\n  name = name\n  domainName = domain | domain\n  employees = staff\n  address = {{ addressCity: slogan }}\n}}\n"
    );
    let maps = maps.replace("  employees = staff\n", "  new employees \"Employees\": integer = staff\n");
    let held = |name: &str, city: &str| {
        let link = json!({"primaryLinkUrl": format!("https://{}.example", name.to_lowercase())});
        json!({"name": name, "domainName": link, "address": {"addressCity": city}})
    };
    let small = Small { objects: FIRM, maps: &maps, files: &[("firms.csv", BEFORE)], held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    for body in [held("Acme", ""), held("Beta", "Theirs"), held("Gamma", "")] {
        stand_in.ask(&Method::POST, "/rest/companies", &body);
    }
    with_window(&project, "on conflict keep");
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.migr(&project, &["verify"]).exits(0);
    (project, stand_in, before)
}

fn firm(stand_in: &StandIn, domain: &str) -> Value {
    let firms = stand_in.records("companies");
    let link = format!("https://{domain}");
    firms.iter().find(|firm| firm["domainName"]["primaryLinkUrl"] == *link).expect("a firm").clone()
}

#[test]
fn a_field_that_was_empty_everywhere_gets_what_a_later_export_says() {
    for policy in ["update", "fill"] {
        let (project, stand_in, before) = moved(policy);
        let later = "id,name,domain,staff,slogan\nF1,Acme,acme.example,12,First\nF2,Beta,beta.example,3,Ours\nF3,Gamma & Co,gamma.example,,\n";
        project.write("export/firms.csv", later);
        let audit = stand_in.migr(&project, &["audit", "--format", "json"]).json();
        let update = if policy == "fill" { 1 } else { 2 };
        assert_eq!(audit["stages"][0]["update"], update, "{policy}: {}", audit["stages"][0]);
        let delta = stand_in.migr(&project, &["delta"]).exits(0);
        let acme = firm(&stand_in, "acme.example");
        assert_eq!(
            (&acme["employees"], &acme["address"]["addressCity"]),
            (&json!(12), &json!("First")),
            "{policy}: {}",
            delta.stdout
        );
        let name = if policy == "fill" { "Gamma" } else { "Gamma & Co" };
        assert_eq!(firm(&stand_in, "gamma.example")["name"], name, "{policy}: {}", delta.stdout);
        stand_in.migr(&project, &["verify"]).exits(0);
        let asked = stand_in.requests();
        stand_in.migr(&project, &["delta"]).exits(0);
        assert!(stand_in.requests() - asked < 12, "{policy}: {} requests", stand_in.requests() - asked);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(stand_in.fingerprint(), before, "{policy}");
    }
}

/// Spec of clients that fill or update contacts of a location.
fn clients(policy: &str) -> String {
    format!(
        "use \"std/systems/highlevel\"\n\nmigration small {{\n  source old {{ files = \"export/*.csv\" }}\n  destination highlevel as staging {{ url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); settle = 1s }}\n  timezone = \"UTC\"\n  country = \"US\"\n  currency = \"USD\"\n  delta = 48h\n}}\n\nsystem old {{\n  object Client from \"clients.csv\" {{ key id; id: text; email: email; city: text; tags: list(text) split \";\" }}\n}}\n\nmap Client -> contacts {{\n  match email\n  on existing {policy}\n  lastName = id\n  email = email\n  city = city\n  tags = tags\n}}\n"
    )
}

#[test]
fn tags_that_a_delta_adds_and_takes_away_go_back_and_an_empty_field_gets_its_later_value() {
    for policy in ["fill", "update"] {
        let project = Project::empty();
        project.write("migration.migr", &clients(policy));
        project.write("export/clients.csv", "id,email,city,tags\nC1,ann@x.example,,gold;weekly\nC2,bob@x.example,,\n");
        let stand_in = StandIn::location(highlevel::Options { lag: Duration::ZERO, ..highlevel::Options::default() });
        let place = highlevel::Options::default().location;
        for (email, tags) in [("ann@x.example", json!(["theirs"])), ("bob@x.example", json!(["own"]))] {
            let body = json!({"locationId": place, "lastName": "Before", "email": email, "tags": tags});
            stand_in.ask(&Method::POST, "/contacts/", &body);
        }
        let contacts = || {
            let body = json!({"locationId": place, "page": 1, "pageLimit": 10});
            let found = stand_in.ask(&Method::POST, "/contacts/search", &body);
            let text = |contact: &Value| {
                let mut tags: Vec<String> =
                    contact["tags"].as_array().into_iter().flatten().map(Value::to_string).collect();
                tags.sort();
                format!("{} {} {} {}", contact["email"], contact["lastName"], contact["city"], tags.join(","))
            };
            let mut contacts: Vec<String> = found["contacts"].as_array().expect("a list").iter().map(text).collect();
            contacts.sort();
            contacts
        };
        let before = contacts();
        stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
        let later = "id,email,city,tags\nC1,ann@x.example,,gold;new\nC2,bob@x.example,Bern,first\n";
        project.write("export/clients.csv", later);
        stand_in.migr(&project, &["delta"]).exits(0);
        let there = contacts().join("\n");
        for words in ["\"gold\",\"new\",\"theirs\"", "\"Bern\" \"first\",\"own\""] {
            assert!(there.contains(words), "{policy}: {words} in {there}");
        }
        stand_in.migr(&project, &["verify"]).exits(0);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(contacts(), before, "{policy}");
    }
}
