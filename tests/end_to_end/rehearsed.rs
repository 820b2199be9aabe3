//! A rehearsal and a preview are whole: no member is invented, and fields of the second pass and owners are among what changes.

use std::collections::BTreeMap;

use migr_sandbox::SandboxOptions;
use reqwest::Method;
use serde_json::json;

use crate::harness::Project;
use crate::stand_in::StandIn;

const FALLBACK: &str = "reception@clinic.example";

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

owners {
  match User.email = workspaceMembers.userEmail
  fallback "reception@clinic.example"
}

map Firm -> companies {
  match domainName
  on existing update
  name         = name
  domainName   = site | url
  accountOwner = owner
  new parentFirm "Parent firm": -> companies inverse "Daughters" = parent on missing none
}
"#;

const CATALOG: &str = r#"system clinic {
  object User from "users.csv" { key email; email: text unique ignore case }
  object Firm from "firms.csv" {
    key firm_id
    firm_id: text; name: text; site: text; owner: -> User.email ignore case; parent: -> Firm
  }
}
"#;

fn project() -> Project {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    project.write("clinic.migr", CATALOG);
    project.write("export/users.csv", "email\njane@clinic.example\n");
    let firms = "firm_id,name,site,owner,parent\n\
                 F1,Acme,https://acme.example,jane@clinic.example,F2\n\
                 F2,Bolt,https://bolt.example,jane@clinic.example,\n";
    project.write("export/firms.csv", firms);
    project
}

#[test]
fn a_rehearsal_has_no_fallback_owner_whom_only_the_spec_names() {
    let project = project();
    let ran = project.migr(&["run", "--sandbox", "--no-approval"]).exits(1);
    assert!(ran.stderr.contains(&format!("the fallback owner `{FALLBACK}` is no member")), "{}", ran.stderr);
    project.write("members.txt", &format!("{FALLBACK}\n"));
    std::fs::remove_dir_all(project.path().join(".migr")).unwrap();
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(0);
}

#[test]
fn a_preview_tells_of_deferred_fields_and_of_owners_by_the_member() {
    let (project, members) = (project(), vec![FALLBACK.to_owned(), "jane@clinic.example".to_owned()]);
    let stand_in = StandIn::with(SandboxOptions { members, ..SandboxOptions::default() });
    let site = json!({"primaryLinkUrl": "https://acme.example"});
    stand_in.ask(&Method::POST, "/rest/companies", &json!({"name": "Acme", "domainName": site}));
    stand_in.migr(&project, &["audit"]).exits(0);
    let preview = project.read(".migr/staging/preview.csv");
    let changed = |field: &str| preview.lines().any(|line| line.contains("F1") && line.contains(field));
    assert!(changed("accountOwner") && changed("parentFirm"), "{preview}");
    let people = stand_in.records("workspaceMembers");
    let ids: BTreeMap<&str, &str> =
        people.iter().map(|one| (one["userEmail"].as_str().unwrap(), one["id"].as_str().unwrap())).collect();
    let jane = ids["jane@clinic.example"];
    let owner = preview.lines().find(|line| line.contains("F1") && line.contains("accountOwner")).unwrap();
    assert!(owner.contains(jane) || owner.contains("jane@clinic.example"), "{owner}");

    // What was said is what happens.
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let acme = stand_in.records("companies").into_iter().find(|one| one["name"] == "Acme").unwrap();
    assert_eq!(acme["accountOwnerId"], jane);
    assert!(acme["parentFirmId"].is_string(), "{acme}");
}
