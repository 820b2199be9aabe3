//! Requests of a rollback where each record costs one: what is compared is read once, and an answer that says that a record is gone needs no read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::Value;

use crate::harness::Ran;
use crate::stand_in::StandIn;
use crate::studio::studio;
use crate::wire::{Act, Wire};

fn location() -> StandIn {
    StandIn::location(highlevel::Options { lag: Duration::ZERO, ..highlevel::Options::default() })
}

/// Times that a rollback asks for a path: under a contact there is a look to compare, and one right before the contact goes.
fn most(path: &str) -> u64 {
    let is_list = ["notes", "tasks", "appointments"].iter().any(|name| path.ends_with(&format!("/{name}")));
    // Pipelines are changed as a whole: the last look at them is right before. So it is at the calendars of contacts that go.
    let is_booked = path.ends_with("/calendars/events");
    if is_list || is_booked || path.ends_with("/pipelines") || path.ends_with("/tags") { 2 } else { 1 }
}

#[test]
fn a_rollback_reads_each_record_and_each_fact_of_the_location_once() {
    let (project, stand_in) = (studio(), location());
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let asked: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    let changed: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (noted, also) = (Arc::clone(&asked), Arc::clone(&changed));
    let wire = Wire::to(&stand_in.url(), move |asked| {
        // Lists come in pages, and differ by their query.
        let is_list = asked.path.starts_with("/medias/files")
            || asked.path.starts_with("/opportunities/search") && !asked.path.contains("contactId=");
        if asked.method == "GET" && !is_list {
            *noted.lock().expect("the notes").entry(asked.path.to_owned()).or_default() += 1;
        }
        if ["PUT", "POST"].contains(&asked.method) {
            also.lock().expect("the notes").insert(asked.path.to_owned());
        }
        Act::Pass
    });
    let output = stand_in.command_over(&wire.url(), project.path(), &["rollback"]).output().expect("migr starts");
    Ran::from(output).exits(0);
    let asked = asked.lock().expect("the notes");
    let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
    let changed = changed.lock().expect("the notes");
    // What gets back what it held is read before and after.
    let left = asked.iter().filter(|(target, _)| !changed.contains(*target));
    let often: Vec<_> = left.filter(|(target, count)| **count > most(&path(target))).collect();
    assert!(often.is_empty(), "{often:#?}");
}

#[test]
fn setup_reads_the_location_once_and_goes_by_what_its_changes_told() {
    let (project, stand_in) = (studio(), location());
    let facts: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    let noted = Arc::clone(&facts);
    let wire = Wire::to(&stand_in.url(), move |asked| {
        let path = asked.path.split('?').next().unwrap_or_default();
        if asked.method == "GET" && ["/calendars/", "/users/search"].contains(&path) {
            *noted.lock().expect("the notes").entry(path.to_owned()).or_default() += 1;
        }
        Act::Pass
    });
    for _ in ["what is made", "what is there"] {
        facts.lock().expect("the notes").clear();
        let output = stand_in.command_over(&wire.url(), project.path(), &["setup"]).output().expect("migr starts");
        Ran::from(output).exits(0);
        let facts = facts.lock().expect("the notes");
        assert!(facts.values().all(|count| *count == 1), "{facts:?}");
    }
}

#[test]
fn an_answer_to_a_removal_that_does_not_say_that_it_is_done_is_no_proof() {
    for answer in ["{}", "{\"succeded\": false, \"id\": \"x\"}", "[]"] {
        let (project, stand_in) = (studio(), location());
        stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
        let is_told = AtomicBool::new(false);
        let wire = Wire::to(&stand_in.url(), move |asked| {
            let is_deal =
                asked.method == "DELETE" && asked.path.starts_with("/opportunities/") && asked.path.len() > 30;
            if is_deal && !is_told.swap(true, Ordering::Relaxed) {
                return Act::Answer(200, answer.to_owned());
            }
            Act::Pass
        });
        let output = stand_in.command_over(&wire.url(), project.path(), &["rollback"]).output().expect("migr starts");
        let ran = Ran::from(output).exits(6);
        assert!(ran.stdout.contains("it is still there after it was destroyed"), "{answer}: {}", ran.stdout);
        stand_in.migr(&project, &["rollback"]).exits(0);
        let location = highlevel::Options::default().location;
        let path = format!("/opportunities/search?locationId={location}&limit=100");
        let left = stand_in.ask(&Method::GET, &path, &Value::Null);
        assert_eq!(left["opportunities"].as_array().map(Vec::len), Some(0), "{answer}");
    }
}
