//! One opportunity for a contact and pipeline, where the location allows no second one: what the server would refuse is foreseen, and never sent.

use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::stand_in::StandIn;
use crate::studio::studio;

/// The studio with a second deal of the first client in one pipeline, and a location that refuses it.
fn refusing() -> (Project, StandIn) {
    let project = studio();
    let deals = project.read("export/deals.csv");
    project.write("export/deals.csv", &format!("{deals}D5,Ada again,C1,lead,,\n"));
    let stand_in = StandIn::location(highlevel::Options { lag: Duration::ZERO, ..highlevel::Options::default() });
    stand_in.sandbox().set_location_setting("allowDuplicateOpportunity", false).expect("a setting");
    (project, stand_in)
}

/// Deals that an audit says will be created and quarantined, and those that a run then does so.
fn foreseen_and_done(project: &Project, stand_in: &StandIn) -> [(u64, u64); 2] {
    stand_in.migr(project, &["audit"]).exits(1);
    let lock: Value = serde_json::from_str(&project.read("migr.staging.lock")).expect("JSON");
    let stages = lock["stages"]["stages"].as_array().expect("stages");
    let deals = stages.iter().find(|stage| stage["id"] == "Deal").unwrap_or_else(|| panic!("{lock:#}"));
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let foreseen = (number(&deals["create"]), number(&deals["quarantine"]));
    stand_in.migr(project, &["run", "--no-approval"]).exits(5);
    let report = project.report();
    let deals =
        report["objects"].as_array().expect("a list").iter().find(|object| object["map"] == "Deal").expect("deals");
    [foreseen, (number(&deals["created"]), number(&deals["quarantined"]))]
}

/// Codes by which deals are quarantined, with their keys.
fn codes(project: &Project) -> Vec<(String, String)> {
    let report = project.report();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let deals = report["quarantine"].as_array().expect("a list").iter().filter(|entry| entry["map"] == "Deal");
    let mut codes: Vec<_> = deals.map(|entry| (text(&entry["key"]), text(&entry["code"]))).collect();
    codes.sort();
    codes
}

#[test]
fn a_second_deal_of_a_client_in_a_pipeline_is_foreseen_where_the_location_refuses_it() {
    let (project, stand_in) = refusing();
    assert_eq!(foreseen_and_done(&project, &stand_in), [(3, 2), (3, 2)]);
    let known = [("D4", "Q204"), ("D5", "Q302")].map(|(key, code)| (key.to_owned(), code.to_owned()));
    assert_eq!(codes(&project), known);
}

#[test]
fn a_deal_that_a_client_of_the_location_has_already_is_foreseen_too() {
    let (project, stand_in) = refusing();
    let location = highlevel::Options::default().location;
    let ada = json!({"locationId": location, "firstName": "Ada", "email": "ada@x.example"});
    let made = stand_in.ask(&Method::POST, "/contacts/", &ada);
    let contact = made["contact"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/opportunities/pipelines?locationId={location}");
    let pipelines = stand_in.ask(&Method::GET, &path, &Value::Null);
    let coaching = pipelines["pipelines"].as_array().expect("pipelines").iter().find(|one| one["name"] == "Coaching");
    let pipeline = coaching.expect("it is there")["id"].as_str().expect("an id").to_owned();
    let deal =
        json!({"locationId": location, "pipelineId": pipeline, "name": "There", "status": "won", "contactId": contact});
    stand_in.ask(&Method::POST, "/opportunities/", &deal);
    assert_eq!(foreseen_and_done(&project, &stand_in), [(2, 3), (2, 3)]);
}

#[test]
fn where_the_location_allows_several_each_deal_is_made() {
    let (project, stand_in) = refusing();
    stand_in.sandbox().set_location_setting("allowDuplicateOpportunity", true).expect("a setting");
    assert_eq!(foreseen_and_done(&project, &stand_in), [(4, 1), (4, 1)]);
}
