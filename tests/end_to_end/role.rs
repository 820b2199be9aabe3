//! Fields that the role of the API key may not see or write: told before anything is written, nothing lost, nothing blanked.

use migr_sandbox::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::stand_in::StandIn;

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

map Person -> people {
  match emails.primaryEmail
  on existing fill
  name     = { firstName: name }
  emails   = { primaryEmail: email }
  jobTitle = title
}
"#;

const CATALOG: &str = r#"system clinic {
  object Person from "people.csv" { key person_id; person_id: text; name: text; email: text; title: text }
}
"#;

const PEOPLE: usize = 12;

fn project() -> Project {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    project.write("clinic.migr", CATALOG);
    let rows: Vec<String> =
        (0..PEOPLE).map(|row| format!("P{row},Ada,ada{row}@clinic.example,Chief of the export")).collect();
    project.write("export/people.csv", &format!("person_id,name,email,title\n{}\n", rows.join("\n")));
    project
}

/// A person who is there before, with a title that no export may replace.
fn resident(stand_in: &StandIn) -> String {
    let body = json!({
        "name": {"firstName": "Ada"}, "emails": {"primaryEmail": "ada0@clinic.example"}, "jobTitle": "Chief of the house"
    });
    let made = stand_in.ask(&Method::POST, "/rest/people", &body);
    made["data"]["createPerson"]["id"].as_str().unwrap().to_owned()
}

fn unreadable() -> Role {
    Role { unreadable: vec!["people.jobTitle".to_owned()], ..Role::default() }
}

#[test]
fn a_field_that_the_role_may_not_see_passes_for_no_empty_one() {
    let (stand_in, project) = (StandIn::new(), project());
    let resident = resident(&stand_in);
    let fingerprint = stand_in.fingerprint();
    stand_in.sandbox().set_role(unreadable());
    for command in [&["audit"][..], &["run", "--no-approval"]] {
        let told = stand_in.migr(&project, command).exits(3);
        assert!(told.stderr.contains("may not see people.jobTitle"), "{command:?}: {}", told.stderr);
    }
    assert_eq!(stand_in.fingerprint(), fingerprint, "nothing was written");
    // With the right the run goes on, and what was there stays.
    stand_in.sandbox().set_role(Role::default());
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let title = |id: &str| {
        let found = stand_in.ask(&Method::GET, &format!("/rest/people/{id}"), &Value::Null);
        found["data"]["person"]["jobTitle"].clone()
    };
    assert_eq!(title(&resident), "Chief of the house");
    let of_the_export =
        stand_in.records("people").iter().filter(|one| one["jobTitle"] == "Chief of the export").count();
    assert_eq!(of_the_export, PEOPLE - 1);
    // The right is taken away again: neither verify nor rollback takes the field for blank.
    let fingerprint_of_run = stand_in.fingerprint();
    stand_in.sandbox().set_role(unreadable());
    for command in [&["verify"][..], &["rollback"]] {
        let told = stand_in.migr(&project, command).exits(3);
        assert!(told.stderr.contains("may not see people.jobTitle"), "{command:?}: {}", told.stderr);
    }
    assert_eq!(stand_in.fingerprint(), fingerprint_of_run, "nothing was destroyed");
    stand_in.sandbox().set_role(Role::default());
    stand_in.migr(&project, &["verify"]).exits(0);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), fingerprint);
}

#[test]
fn a_field_that_the_role_may_not_write_stops_the_run_and_is_no_records_fault() {
    let (stand_in, project) = (StandIn::new(), project());
    let resident = resident(&stand_in);
    let fingerprint = stand_in.fingerprint();
    let unwritable = Role { unwritable: vec!["people.jobTitle".to_owned()], ..Role::default() };
    stand_in.sandbox().set_role(unwritable);
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(3);
    assert!(ran.stderr.contains("may not write what was sent to people"), "{}", ran.stderr);
    assert_eq!(stand_in.fingerprint(), fingerprint, "nothing was written");
    let left = stand_in.migr(&project, &["quarantine", "list"]).exits(0);
    assert!(!left.stdout.contains("PERMISSION"), "no record is at fault: {}", left.stdout);
    // With the right the same run goes on, and each record is there once.
    stand_in.sandbox().set_role(Role::default());
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let mails = stand_in.records("people");
    let mails =
        mails.iter().filter(|one| one["emails"]["primaryEmail"].as_str().unwrap_or_default().starts_with("ada"));
    assert_eq!(mails.count(), PEOPLE, "none is lost and none is doubled");
    assert!(
        stand_in.records("people").iter().any(|one| one["id"] == resident && one["jobTitle"] == "Chief of the house")
    );
    stand_in.migr(&project, &["verify"]).exits(0);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), fingerprint);
}
