//! Going back over more than the lists hold.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::clinic;
use crate::harness::{Ran, number};
use crate::stand_in::StandIn;

/// Fields of each firm that are filled.
const FIELDS: u64 = 10;

/// `MIGR_DRILL_FIRMS` makes it larger.
#[test]
fn more_than_ten_thousand_changed_fields_go_back_but_for_those_that_a_person_changed_since() {
    let firms = number("MIGR_DRILL_FIRMS", 1_010);
    let project = clinic(200);
    let spec = project.read("migration.migr");
    let fields = (0..FIELDS).fold(String::new(), |mut fields, at| {
        let _ = writeln!(fields, "  new count{at} \"Count {at}\": integer = employees");
        fields
    });
    project.write(
        "migration.migr",
        &spec.replace("map Firm -> companies {\n", &format!("map Firm -> companies {{\n{fields}")),
    );
    let rows = (0..firms).fold("firm_id,name,domain,employees,parent\n".to_owned(), |mut rows, at| {
        let _ = writeln!(rows, "F{at},Firm {at},firm{at}.example,{at},");
        rows
    });
    project.write("export/firms.csv", &rows);

    let stand_in = StandIn::new();
    let there: Vec<Value> = (0..firms)
        .map(|at| json!({"name": format!("There {at}"), "domainName": {"primaryLinkUrl": format!("https://firm{at}.example")}}))
        .collect();
    for batch in there.chunks(200) {
        stand_in.ask(&Method::POST, "/rest/batch/companies", &json!(batch));
    }
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let company =
        project.report()["objects"].as_array().unwrap().iter().find(|object| object["map"] == "Firm").cloned();
    assert_eq!(company.unwrap()["updated"], firms);

    let held: Vec<Value> =
        stand_in.records("companies").into_iter().filter(|company| company["count3"] != Value::Null).collect();
    assert_eq!(held.len() as u64, firms);
    let changed: Vec<&str> = held.iter().take(3).map(|company| company["id"].as_str().unwrap()).collect();
    for id in &changed {
        stand_in.ask(&Method::PATCH, &format!("/rest/companies/{id}"), &json!({"name": "By hand", "count3": -7}));
    }
    let went = |ran: &Ran| {
        let summary: Value = serde_json::from_str(ran.stdout.lines().next_back().unwrap()).unwrap();
        assert_eq!(summary["type"], "summary");
        ["restored_records", "restored_fields", "kept_because_changed"].map(|part| summary[part].as_u64().unwrap())
    };
    let looked = went(&stand_in.migr(&project, &["rollback", "--dry-run", "--format", "jsonl"]).exits(0));
    let done = went(&stand_in.migr(&project, &["rollback", "--format", "jsonl"]).exits(6));
    assert_eq!(looked, done, "a dry run says beforehand what is done");
    assert_eq!(done[2], 3, "three fields were changed by hand, and the name is none of ours");
    assert_eq!(done[1], firms * (FIELDS + 1) - 3);
    assert!(done[1] > 10_000);
    eprintln!("{} fields of {} records went back, {} were kept", done[1], done[0], done[2]);
    // Somebody who does not need them gives them up, and the field that was left for them.
    for company in held.iter().take(3) {
        let id = company["id"].as_str().unwrap();
        let was = json!({"name": company["name"], "count3": null});
        stand_in.ask(&Method::PATCH, &format!("/rest/companies/{id}"), &was);
    }
    let objects = stand_in.metadata();
    let companies = objects.iter().find(|object| object["namePlural"] == "companies").unwrap();
    let left = companies["fields"].as_array().unwrap().iter().find(|field| field["name"] == "count3").unwrap();
    stand_in.ask(&Method::DELETE, &format!("/rest/metadata/fields/{}", left["id"].as_str().unwrap()), &Value::Null);
    assert_eq!(stand_in.fingerprint(), before, "only those three fields were left");

    // A corrected spec runs from the start.
    project.write("migration.migr", &spec);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
}
