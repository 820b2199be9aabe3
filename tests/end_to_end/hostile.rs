//! A destination that changes while it is written to: others create what the export has, a field goes, the token ends.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::clinic;
use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::wire::{Act, Asked, Wire};

const RUN: &[&str] = &["run", "--no-approval"];

/// Runs the migration; before the first request of some kind something happens.
fn run_while(
    stand_in: &Arc<StandIn>,
    project: &Project,
    is_it: fn(&Asked<'_>) -> bool,
    happens: impl Fn(&StandIn) -> Act + Send + Sync + 'static,
) -> Ran {
    let (other, is_over) = (Arc::clone(stand_in), AtomicBool::new(false));
    let wire = Wire::to(&stand_in.url(), move |asked| {
        if is_it(asked) && !is_over.swap(true, Ordering::Relaxed) { happens(&other) } else { Act::Pass }
    });
    let output: Output = stand_in.command_over(&wire.url(), project.path(), RUN).output().expect("migr starts");
    Ran::from(output)
}

fn writes(asked: &Asked<'_>, object: &str) -> bool {
    asked.method == "POST" && asked.path.starts_with(&format!("/rest/batch/{object}"))
}

fn names(stand_in: &StandIn, address: &str) -> Vec<String> {
    let people = stand_in.records("people");
    let is_it = |person: &&Value| person["emails"]["primaryEmail"] == address;
    people.iter().filter(is_it).map(|person| person["name"]["firstName"].as_str().unwrap().to_owned()).collect()
}

/// The workspace as an undisturbed migration leaves it.
fn undisturbed() -> String {
    let (project, stand_in) = (clinic(2), StandIn::new());
    stand_in.migr(&project, RUN).exits(5);
    stand_in.fingerprint()
}

#[test]
fn what_others_create_during_a_run_is_not_doubled_and_the_record_can_be_tried_again() {
    let (project, stand_in) = (clinic(2), Arc::new(StandIn::new()));
    let others = |stand_in: &StandIn| {
        let body = json!({"name": {"firstName": "Somebody"}, "emails": {"primaryEmail": "ada@clinic.example"}});
        stand_in.ask(&Method::POST, "/rest/people", &body);
        Act::Pass
    };
    // Batches go side by side: it happens before the one that holds the record.
    let holds_it = |asked: &Asked<'_>| {
        writes(asked, "people") && String::from_utf8_lossy(asked.body).contains("ada@clinic.example")
    };
    run_while(&stand_in, &project, holds_it, others).exits(5);
    assert_eq!(names(&stand_in, "ada@clinic.example"), ["Somebody"]);
    let list = project.migr(&["quarantine", "list"]).exits(0).stdout;
    assert!(
        list.lines()
            .any(|line| line.starts_with("export/people.csv:2  Person P1 the destination refused it: the record ")
                && line.ends_with(" has the same emails.primaryEmail (Q501)")),
        "{list}"
    );
    assert!(project.report()["repairs"].to_string().contains("\"D1\""));
    stand_in.migr(&project, &["quarantine", "retry"]).exits(0);
    stand_in.migr(&project, RUN).exits(5);
    let list = project.migr(&["quarantine", "list"]).exits(0).stdout;
    assert!(!list.contains("P1"), "now it is the record that is there already, and what refers to it follows: {list}");
    assert_eq!(names(&stand_in, "ada@clinic.example"), ["Somebody"], "a name that is there is not overwritten");
    // The deal had been written without its person, as its rule says; now that the person is there, it has it.
    stand_in.migr(&project, &["verify"]).exits(0);
    let noted = project.report()["repairs"].to_string();
    assert!(!noted.contains("\"D1\"") && noted.contains("\"F4\""), "{noted}");
}

#[test]
fn a_field_that_goes_during_a_run_stops_it_and_after_setup_it_goes_on() {
    let (project, stand_in) = (clinic(2), Arc::new(StandIn::new()));
    let ran = run_while(
        &stand_in,
        &project,
        |asked| writes(asked, "people"),
        |stand_in| {
            let objects = stand_in.metadata();
            let people = objects.iter().find(|object| object["namePlural"] == "people").unwrap();
            let field = people["fields"].as_array().unwrap().iter().find(|field| field["name"] == "seen").unwrap();
            let field = format!("/rest/metadata/fields/{}", field["id"].as_str().unwrap());
            stand_in.ask(&Method::DELETE, &field, &Value::Null);
            Act::Pass
        },
    )
    .exits(4);
    assert!(
        ran.stderr.ends_with(
            "error: the destination's data model was changed while records were written: Object person doesn't have any \"seen\" field. \
             `migr setup` makes what is missing; then run again: the run goes on where it stopped. Values that went with what was removed are listed by `migr verify`\n"
        ),
        "{}",
        ran.stderr
    );
    assert!(!project.migr(&["quarantine", "list"]).exits(0).stdout.contains("seen\" field"), "no record is to blame");
    stand_in.migr(&project, RUN).exits(4);
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, RUN).exits(5);
    for (address, name) in
        [("ada@clinic.example", "Ada"), ("grace@clinic.example", "Grace"), ("emmy@clinic.example", "Emmy")]
    {
        assert_eq!(names(&stand_in, address), [name]);
    }
    // What records held in the field before it went is gone with it, and that is told.
    let left = stand_in.migr(&project, &["verify"]);
    let different: Vec<&str> = left.stdout.lines().filter(|line| line.starts_with("different")).collect();
    assert!(different.iter().all(|line| line.contains(", seen: expected ")), "{}", left.stdout);
    assert_eq!(left.code, if different.is_empty() { 0 } else { 6 }, "{}", left.stdout);
}

#[test]
fn a_token_that_ends_during_a_run_stops_it_and_the_next_run_goes_on() {
    let expected = undisturbed();
    for (status, refusal) in [
        (401, r#"{"statusCode":401,"messages":["Token invalid."],"error":"UNAUTHENTICATED"}"#),
        (403, r#"{"statusCode":403,"messages":["Missing authentication token"],"error":"FORBIDDEN_EXCEPTION"}"#),
    ] {
        let (project, stand_in) = (clinic(2), Arc::new(StandIn::new()));
        let refuses = move |_: &StandIn| Act::Answer(status, refusal.to_owned());
        let ran = run_while(&stand_in, &project, |asked| writes(asked, "people"), refuses).exits(3);
        let said = "Make a new API key there, or check the secret, then run again; the run goes on where it stopped\n";
        assert!(
            ran.stderr.contains(&format!("refused the token ({status}): ")) && ran.stderr.ends_with(said),
            "{}",
            ran.stderr
        );
        let kept = project.migr(&["status"]).exits(0).stdout;
        assert!(kept.contains("next: `migr run` goes on where it stopped"), "{kept}");
        stand_in.migr(&project, RUN).exits(5);
        assert_eq!(stand_in.fingerprint(), expected);
    }
}

#[test]
fn an_answer_in_place_of_a_file_is_asked_again_before_the_file_is_called_another_one() {
    let (project, stand_in) = (clinic(2), Arc::new(StandIn::new()));
    stand_in.migr(&project, RUN).exits(5);
    let verify_while = |bad: u64| {
        let asked_for = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked_for);
        let wire = Wire::to(&stand_in.url(), move |asked| {
            let is_file = asked.method == "GET" && asked.path.starts_with("/file");
            if is_file && count.fetch_add(1, Ordering::Relaxed) < bad { Act::Garbage } else { Act::Pass }
        });
        let output = stand_in.command_over(&wire.url(), project.path(), &["verify"]).output().expect("migr starts");
        (Ran::from(output), asked_for.load(Ordering::Relaxed))
    };
    let (ran, asked) = verify_while(0);
    ran.exits(0);
    assert_eq!(asked, 1, "the one file is read once where it is what it should be");
    let (ran, asked) = verify_while(2);
    ran.exits(0);
    assert_eq!(asked, 3);
    let (ran, asked) = verify_while(u64::MAX);
    let said = ran.exits(6).stdout;
    assert_eq!(asked, 3);
    assert!(
        said.contains(
            "an HTML page of 34 bytes, three times; where that is an answer in place of the file, verify again later"
        ),
        "{said}"
    );
}

#[test]
fn a_file_of_which_no_answer_tells_whether_it_is_gone_is_asked_for_again_and_not_called_stored() {
    let (project, stand_in) = (clinic(2), StandIn::new());
    let before = stand_in.fingerprint();
    stand_in.migr(&project, RUN).exits(5);
    let asked_for = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked_for);
    let wire = Wire::to(&stand_in.url(), move |asked| {
        let is_file = asked.method == "GET" && asked.path.starts_with("/file");
        if is_file && count.fetch_add(1, Ordering::Relaxed) < 4 { Act::Answer(503, "{}".to_owned()) } else { Act::Pass }
    });
    let output = stand_in.command_over(&wire.url(), project.path(), &["rollback"]).output().expect("migr starts");
    let ran = Ran::from(output).exits(0);
    assert!(!ran.stdout.contains("stored still"), "{}", ran.stdout);
    assert_eq!(asked_for.load(Ordering::Relaxed), 5, "asked until an answer told");
    assert_eq!(stand_in.fingerprint(), before);
}
