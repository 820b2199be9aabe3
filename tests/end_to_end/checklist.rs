//! The schema is looked at before any record moves.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::stand_in::{StandIn, hurry};

/// An object in the metadata.
fn object(stand_in: &StandIn, name: &str) -> Value {
    let answer = stand_in.ask(&Method::GET, "/rest/metadata/objects", &Value::Null);
    let list = |value: &Value| value["objects"].as_array().or(value.as_array()).cloned();
    let objects =
        list(&answer["data"]).or_else(|| list(&answer)).unwrap_or_else(|| panic!("no objects in {answer:.300}"));
    objects.into_iter().find(|one| one["namePlural"] == name).expect("the object")
}

/// The id of a field in the metadata.
fn field(stand_in: &StandIn, name: &str, field: &str) -> String {
    let fields = object(stand_in, name)["fields"].as_array().expect("fields").clone();
    let found = fields.into_iter().find(|one| one["name"] == field).expect("the field");
    found["id"].as_str().expect("an id").to_owned()
}

#[test]
fn each_line_of_the_checklist_has_a_probe_and_a_state_and_setup_closes_them_all() {
    let project = Project::example();
    hurry(&project, 200);
    let stand_in = StandIn::new();
    let open = stand_in.migr(&project, &["setup", "--checklist"]).exits(4);
    let missing: Vec<&str> = open.stdout.lines().filter(|line| line.starts_with("missing ")).collect();
    assert!(
        missing.len() > 30 && missing.iter().all(|line| line.contains("(look at the metadata of ")),
        "{}",
        open.stdout
    );
    assert!(open.stdout.contains("there is no object `treatmentPlans`"), "{}", open.stdout);
    assert!(
        open.stdout.contains("`opportunities.stage` has no option DEMO_DONE, QUALIFIED, CONTRACT, LOST, ON_HOLD"),
        "{}",
        open.stdout
    );
    stand_in.migr(&project, &["setup"]).exits(0);
    let closed = stand_in.migr(&project, &["setup", "--checklist"]).exits(0);
    assert!(
        closed.stdout.lines().all(|line| line.starts_with("done ") || line.starts_with("Checklist: ")),
        "{}",
        closed.stdout
    );
}

#[test]
fn a_run_is_blocked_while_something_that_setup_made_is_missing_or_of_another_kind() {
    let project = Project::example();
    hurry(&project, 200);
    let stand_in = StandIn::new();
    stand_in.migr(&project, &["setup"]).exits(0);
    let id = field(&stand_in, "people", "city");
    stand_in.ask(&Method::DELETE, &format!("/rest/metadata/fields/{id}"), &Value::Null);
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    assert!(ran.stderr.contains("missing") && ran.stderr.contains("people.city"), "{}", ran.stderr);

    let object = object(&stand_in, "people")["id"].clone();
    let body = json!({"objectMetadataId": object, "type": "NUMBER", "name": "city", "label": "City"});
    stand_in.ask(&Method::POST, "/rest/metadata/fields", &body);
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    assert!(ran.stderr.contains("mismatch") && ran.stderr.contains("people.city"), "{}", ran.stderr);
    assert!(stand_in.records("treatmentPlans").is_empty(), "no record moved");

    let id = field(&stand_in, "people", "city");
    stand_in.ask(&Method::DELETE, &format!("/rest/metadata/fields/{id}"), &Value::Null);
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
}

#[test]
fn a_first_run_is_blocked_by_a_field_of_another_kind_before_any_record_moves() {
    let project = Project::example();
    hurry(&project, 200);
    let stand_in = StandIn::new();
    let before = stand_in.records("companies").len();
    let object = object(&stand_in, "people")["id"].clone();
    let body = json!({"objectMetadataId": object, "type": "NUMBER", "name": "city", "label": "City"});
    stand_in.ask(&Method::POST, "/rest/metadata/fields", &body);
    let listed = stand_in.migr(&project, &["setup", "--checklist"]).exits(4);
    let mismatch: Vec<&str> = listed.stdout.lines().filter(|line| line.starts_with("mismatch ")).collect();
    assert!(mismatch.len() == 1 && mismatch[0].contains("people.city"), "{}", listed.stdout);
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    assert!(ran.stderr.contains("the destination's schema stands in the way"), "{}", ran.stderr);
    assert_eq!(stand_in.records("companies").len(), before, "no record moved");
}

#[test]
fn a_block_binds_no_export_and_names_only_what_is_there() {
    let project = Project::example();
    hurry(&project, 200);
    let stand_in = StandIn::new();
    let object = object(&stand_in, "people")["id"].clone();
    let body = json!({"objectMetadataId": object, "type": "NUMBER", "name": "city", "label": "City"});
    stand_in.ask(&Method::POST, "/rest/metadata/fields", &body);
    let fingerprint = stand_in.fingerprint();
    for command in [&["setup"][..], &["run", "--no-approval"]] {
        let blocked = stand_in.migr(&project, command).exits(4);
        let said = format!("{}{}", blocked.stdout, blocked.stderr);
        assert!(said.contains("people.city"), "{command:?}: {said}");
        let paths = said.split(['`', ' ', '\n']).filter(|word| word.starts_with(".migr/"));
        for path in paths.map(|path| path.trim_end_matches(['.', ',', ';', ':'])) {
            assert!(project.path().join(path).exists(), "{command:?} names {path}, which is not there: {said}");
        }
        assert!(!said.contains("migr rollback") && !said.contains("where it stopped"), "{command:?}: {said}");
    }
    assert_eq!(stand_in.fingerprint(), fingerprint, "nothing was begun");
    // Another export and another spec are taken, since nothing of the first was begun.
    let contacts = project.read("export/contacts.csv");
    let (fewer, _) = contacts.trim_end().rsplit_once('\n').expect("several rows");
    project.write("export/contacts.csv", &format!("{fewer}\n"));
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("job_title | trim", "job_title"));
    let id = field(&stand_in, "people", "city");
    stand_in.ask(&Method::DELETE, &format!("/rest/metadata/fields/{id}"), &Value::Null);
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    assert!(!stand_in.records("people").is_empty());
}
