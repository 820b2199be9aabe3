//! What a run would do to records that are there already, said before it is done: field by field, with what would become one and what lies in the trash.

use serde_json::{Value, json};

use crate::harness::Project;
use crate::stand_in::{StandIn, hurry};

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
  country = "US"
}

map Firm -> companies {
  match domainName
  on existing fill
  name       = name
  domainName = site | url
}

map Person -> people {
  match emails.primaryEmail
  on existing update
  on duplicate merge newest seen
  on deleted restore
  name     = { firstName: first, lastName: last }
  emails   = { primaryEmail: email }
  jobTitle = job
  phones   = { primaryPhoneNumber: phone | phone }
  company  = firm on missing none
  new cardNumber "Card number": text sensitive = card
}
"#;

const CATALOG: &str = r#"system clinic {
  object Firm from "firms.csv" { key firm_id; firm_id: text; name: text; site: text }
  object Person from "people.csv" {
    key person_id
    person_id: text; first: text; last: text; email: text; job: text; phone: text; firm: -> Firm; card: text sensitive
    seen: date format "%Y-%m-%d"
  }
}
"#;

const PEOPLE: &str = "person_id,first,last,email,job,phone,firm,card,seen\n";

fn project(people: &str) -> Project {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    project.write("clinic.migr", CATALOG);
    project.write(
        "export/firms.csv",
        "firm_id,name,site\nF1,Acme Corp,https://acme.example\nF2,Bolt,https://bolt.example\n",
    );
    project.write("export/people.csv", &format!("{PEOPLE}{people}"));
    hurry(&project, 200);
    project
}

/// An id that says which record it is.
fn id(number: u32) -> String {
    format!("20202020-0000-4000-8000-{number:012}")
}

fn person(number: u32, first: &str, email: &str, job: &str) -> Value {
    json!({"id": id(number), "name": {"firstName": first, "lastName": "Hill"}, "emails": {"primaryEmail": email}, "jobTitle": job})
}

#[test]
fn what_would_change_come_out_of_the_trash_or_become_one_is_said_before_the_run() {
    let server = StandIn::new();
    let post = reqwest::Method::POST;
    server.ask(
        &post,
        "/rest/companies",
        &json!({"id": id(1), "name": "Acme", "domainName": {"primaryLinkUrl": "https://acme.example"}}),
    );
    server.ask(
        &post,
        "/rest/companies",
        &json!({"id": id(2), "name": "", "domainName": {"primaryLinkUrl": "https://bolt.example"}}),
    );
    let people = [
        person(11, "Ada", "ada@x.example", "Nurse"),
        person(12, "Bob", "bob@x.example", "Cook"),
        person(13, "Cara", "cara@x.example", ""),
        person(14, "Dora", "dora@x.example", ""),
    ];
    server.ask(&post, "/rest/batch/people", &json!(people));
    server.ask(&reqwest::Method::PATCH, &format!("/rest/people/{}", id(12)), &json!({"companyId": id(1)}));
    server.ask(&reqwest::Method::DELETE, &format!("/rest/people/{}?soft_delete=true", id(13)), &Value::Null);
    let project = project(
        "P1,Ada,Hill,Ada@X.example,Doctor,,F1,,2024-01-01\n\
         P2,Bob,Hill,bob@x.example,Cook,,F1,,2024-01-01\n\
         P3,Cara,Hill,cara@x.example,Guard,,,4111-1111,2024-01-01\n\
         P4,Dora,Hill,dora@x.example,,,,,2024-03-01\n\
         P5,Dora,Hill,DORA@x.example,Driver,,,,2024-02-01\n\
         P6,Emil,Hill,emil@x.example,Clerk,,,,2024-01-01\n",
    );
    let audit = server.migr(&project, &["audit"]).exits(0);
    let said = audit.stdout.split("What a run would do").nth(1).unwrap_or_default();
    insta::assert_snapshot!("preview_of_a_run", said);
    insta::assert_snapshot!("preview_in_full", project.read(".migr/staging/preview.csv"));
    let plan = server.migr(&project, &["plan"]).exits(0);
    let counted: Vec<&str> =
        plan.stdout.lines().filter(|line| line.contains("record") || line.starts_with("Plan:")).collect();
    insta::assert_snapshot!("plan_of_records_that_are_there", counted.join("\n"));
    let before = server.fingerprint();
    server.migr(&project, &["audit"]).exits(0);
    assert_eq!(server.fingerprint(), before, "an audit changes nothing");

    // What was said is what happens.
    server.migr(&project, &["run", "--no-approval"]).exits(0);
    let report = project.report();
    let changed: Vec<String> = report["updated_fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["map"].as_str().unwrap(), one["field"].as_str().unwrap(), one["records"]))
        .collect();
    assert_eq!(changed, ["Firm name 1", "Person cardNumber 1", "Person company 1", "Person jobTitle 3"]);
    assert_eq!(report["before_and_after"], ".migr/staging/preview.csv");
    let people = report["objects"].as_array().unwrap().iter().find(|object| object["map"] == "Person").unwrap().clone();
    assert_eq!(
        (&people["created"], &people["updated"], &people["unchanged"], &people["skipped"]),
        (&json!(1), &json!(3), &json!(1), &json!(1)),
        "{people}"
    );
    // Of a record of several rows each value is told with the row that it is of.
    let why = server.migr(&project, &["why", "P4", "--format", "json"]).exits(0).json();
    let record = why["records"][0].clone();
    let job = record["fields"].as_array().unwrap().iter().find(|field| field["field"] == "jobTitle").unwrap().clone();
    assert_eq!(job["value"], "Driver", "{record:#}");
    assert!(job["notes"].to_string().contains("line 6"), "{job:#}");
}

#[test]
fn five_thousand_records_that_are_there_are_all_listed_and_few_are_shown() {
    let server = StandIn::new();
    for batch in 0..25 {
        let people: Vec<Value> = (batch * 200..batch * 200 + 200)
            .map(|number| person(1_000 + number, "Ada", &format!("p{number}@x.example"), "Nurse"))
            .collect();
        server.ask(&reqwest::Method::POST, "/rest/batch/people", &json!(people));
    }
    let row = |number: u32| {
        let job = if number.is_multiple_of(5) { "Nurse" } else { "Doctor" };
        format!("P{number},Ada,Hill,p{number}@x.example,{job},,,,2024-01-01")
    };
    let rows = (0..5_000).map(row).collect::<Vec<_>>().join("\n") + "\n";
    let project = project(&rows);
    let audit = server.migr(&project, &["audit", "--format", "json"]).exits(0).json();
    let people = &audit["preview"][0];
    assert_eq!((&people["changed"], &people["unchanged"]), (&json!(4_000), &json!(1_000)), "{people}");
    assert_eq!(people["fields"], json!([{"field": "jobTitle", "records": 4_000}]));
    assert_eq!(people["examples"].as_array().unwrap().len(), 10);
    assert_eq!(project.read(".migr/staging/preview.csv").lines().count(), 5_001);
    let stage = audit["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == "Person").unwrap();
    assert_eq!((&stage["update"], &stage["unchanged"]), (&json!(4_000), &json!(1_000)));
}
