//! Values that one record alone may hold and that a later export frees: who had gone without by `on taken none` gets them, and what is told of it is true.

use migr_sandbox::SandboxOptions;
use serde_json::{Value, json};

use crate::delta::with_window;
use crate::harness::Project;
use crate::small::Small;
use crate::stand_in::StandIn;

const PERSON: &str = "object Person from \"people.csv\" {\n  key id\n  id: text\n  email: email\n  seen: date\n}";

const MAPS: &str = "map Person -> people {\n  match personNo\n  on duplicate keep newest seen\n  name = { lastName: id }\n  new personNo \"No\": text = id\n  emails = { primaryEmail: email } on taken none\n}\n";

/// A migration after its first run, with those who go without an address.
fn moved(rows: &str) -> (Project, StandIn, String) {
    let rows = format!("id,email,seen\n{rows}");
    let small = Small { objects: PERSON, maps: MAPS, files: &[("people.csv", &rows)], held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::with(SandboxOptions::default()));
    with_window(&project, "on conflict keep");
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.migr(&project, &["verify"]).exits(0);
    (project, stand_in, before)
}

fn later(project: &Project, rows: &str) {
    project.write("export/people.csv", &format!("id,email,seen\n{rows}"));
}

/// Addresses by person.
fn addresses(stand_in: &StandIn) -> Value {
    let people = stand_in.records("people");
    let ours = people.iter().filter(|person| person["personNo"].as_str().is_some_and(|no| no.starts_with('P')));
    let address = |person: &Value| person["emails"]["primaryEmail"].as_str().unwrap_or_default().to_owned();
    ours.map(|person| (person["personNo"].as_str().unwrap_or_default().to_owned(), Value::from(address(person))))
        .collect()
}

/// Notes on values that were left out.
fn left_out(project: &Project, stand_in: &StandIn) -> Vec<String> {
    let report = stand_in.migr(project, &["report", "--format", "json"]).json();
    let all = report["repairs"].as_array().expect("a list");
    all.iter()
        .filter(|one| one["code"] == "R104")
        .map(|one| one["reason"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The audit's counts, and what the delta did: who changed.
#[track_caller]
fn brought(project: &Project, stand_in: &StandIn, updates: u64) -> String {
    let audit = stand_in.migr(project, &["audit", "--format", "json"]).json();
    assert_eq!(audit["stages"][0]["update"], updates, "{}", audit["stages"][0]);
    let delta = stand_in.migr(project, &["delta"]).exits(0).stdout;
    stand_in.migr(project, &["verify"]).exits(0);
    delta
}

#[test]
fn an_address_that_a_later_export_frees_goes_to_whom_went_without() {
    let (project, stand_in, before) =
        moved("P1,one@x.example,2024-03-01\nP2,one@x.example,2024-02-01\nP3,one@x.example,2024-01-01\n");
    assert_eq!(addresses(&stand_in), json!({"P1": "one@x.example", "P2": "", "P3": ""}));
    later(&project, "P1,other@x.example,2024-03-01\nP2,one@x.example,2024-02-01\nP3,one@x.example,2024-01-01\n");
    let delta = brought(&project, &stand_in, 2);
    assert!(delta.contains("1 value that another record gave up"), "{delta}");
    assert!(delta.contains("has it now: P2 emails.primaryEmail"), "{delta}");
    assert_eq!(addresses(&stand_in), json!({"P1": "other@x.example", "P2": "one@x.example", "P3": ""}));
    let notes = left_out(&project, &stand_in);
    assert_eq!(notes, ["left out: P2 (line 3) has the same value, which must be unique"]);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn an_address_of_its_own_in_a_later_export_is_written_to_whom_went_without() {
    let (project, stand_in, _) = moved("P1,one@x.example,2024-03-01\nP2,one@x.example,2024-02-01\n");
    later(&project, "P1,one@x.example,2024-03-01\nP2,two@x.example,2024-02-01\n");
    brought(&project, &stand_in, 1);
    assert_eq!(addresses(&stand_in), json!({"P1": "one@x.example", "P2": "two@x.example"}));
    assert_eq!(left_out(&project, &stand_in), [""; 0]);
}

#[test]
fn whom_goes_without_for_a_record_that_gives_way_in_the_same_delta_gets_the_address() {
    let (project, stand_in, _) = moved("P1,one@x.example,2024-03-01\n");
    later(&project, "P1,other@x.example,2024-03-01\nP4,one@x.example,2024-02-01\n");
    let audit = stand_in.migr(&project, &["audit", "--format", "json"]).json();
    assert!(!audit.to_string().contains("left out"), "{:#}", audit["findings"]);
    brought(&project, &stand_in, 1);
    assert_eq!(addresses(&stand_in), json!({"P1": "other@x.example", "P4": "one@x.example"}));
    assert_eq!(left_out(&project, &stand_in), [""; 0]);
}

#[test]
fn what_is_noted_goes_where_the_export_has_no_value_any_more() {
    let (project, stand_in, _) = moved("P1,one@x.example,2024-03-01\nP2,one@x.example,2024-02-01\n");
    later(&project, "P1,one@x.example,2024-03-01\nP2,,2024-02-01\n");
    brought(&project, &stand_in, 0);
    assert_eq!(addresses(&stand_in), json!({"P1": "one@x.example", "P2": ""}));
    assert_eq!(left_out(&project, &stand_in), [""; 0]);
}

#[test]
fn an_address_that_somebody_else_has_by_then_is_told_and_stays_left_out() {
    let (project, stand_in, _) = moved("P1,one@x.example,2024-03-01\nP2,one@x.example,2024-02-01\n");
    let theirs = json!({"name": {"lastName": "Theirs"}, "emails": {"primaryEmail": "two@x.example"}});
    stand_in.ask(&reqwest::Method::POST, "/rest/people", &theirs);
    later(&project, "P1,one@x.example,2024-03-01\nP2,two@x.example,2024-02-01\n");
    brought(&project, &stand_in, 0);
    assert_eq!(addresses(&stand_in), json!({"P1": "one@x.example", "P2": ""}));
    let notes = left_out(&project, &stand_in);
    assert!(notes.len() == 1 && notes[0].contains("of the destination has the same value"), "{notes:?}");
}
