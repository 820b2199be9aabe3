//! Stages that a migration makes in pipelines of others: where they stand, and what becomes of the stages beside them.

use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::stand_in::StandIn;
use crate::studio::hurried;

const SPEC: &str = r#"use "std/systems/highlevel"

system old {
  object Client from "clients.csv" { key id; id: text; name: text; email: email }
  object Deal from "deals.csv" { key id; id: text; name: text; client: -> Client; stage: text }
}
migration old_to_highlevel {
  source old { files = "export/*.csv" }
  destination highlevel as staging { url = env("STAGING_URL"); location = env("STAGING_LOCATION"); token = secret("STAGING_KEY"); settle = 1s }
  country = "US"
}
picklist Stage (stage) -> opportunities (pipeline, pipelineStage, status) {
  "Lead"  = ("Sales", "New lead", open)
  "First" = new ("Sales", "First call", open)
  "Trial" = new ("Sales", "Trial", open)
  "Won"   = ("Sales", "Signed", won)
  otherwise quarantine
}
map Client -> contacts {
  match email
  firstName = name
  email     = email
}
map Deal -> opportunities {
  name    = name
  contact = client
  (pipeline, pipelineStage, status) = stage | Stage
}
"#;

/// The project, and a location whose pipeline has some stages.
fn set_out(pipeline: &Value) -> (Project, StandIn) {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    hurried(&project);
    project.write("export/clients.csv", "id,name,email\n1,Ann,ann@x.example\n");
    project.write("export/deals.csv", "id,name,client,stage\nD1,Course,1,Trial\n");
    let before = json!({"country": "US", "pipelines": [pipeline]});
    let options = highlevel::Options { lag: Duration::ZERO, before: Some(before), ..highlevel::Options::default() };
    (project, StandIn::location(options))
}

/// The stages of the location's pipeline, each with its chance of winning.
fn stages(stand_in: &StandIn) -> Vec<(String, Value)> {
    let path = format!("/opportunities/pipelines?locationId={}", highlevel::Options::default().location);
    let found = stand_in.ask(&Method::GET, &path, &Value::Null);
    let stages = found["pipelines"][0]["stages"].as_array().expect("stages").iter();
    stages.map(|stage| (stage["name"].as_str().unwrap().to_owned(), stage["stageWinProbability"].clone())).collect()
}

fn named(names: &[&str]) -> Vec<(String, Value)> {
    names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
}

#[test]
fn a_new_stage_stands_where_its_row_does_and_those_of_others_keep_their_order() {
    let (project, stand_in) = set_out(&json!({"name": "Sales", "stages": ["Signed", "New lead", "Nurture", "Closed"]}));
    let before = stand_in.contents();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let wanted = ["Signed", "New lead", "First call", "Trial", "Nurture", "Closed"];
    assert_eq!(stages(&stand_in), named(&wanted));
    stand_in.migr(&project, &["verify"]).exits(0);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.contents(), before);
}

#[test]
fn chances_of_winning_that_a_location_gave_its_stages_stay() {
    let stage = |name: &str, chance: u8| json!({"name": name, "stageWinProbability": chance});
    let given = [stage("New lead", 10), stage("Signed", 100)];
    let (project, stand_in) = set_out(&json!({"name": "Sales", "stages": given}));
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let found = stages(&stand_in);
    assert_eq!((&found[0].1, &found[3].1), (&json!(10), &json!(100)), "{found:?}");
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stages(&stand_in), [("New lead".to_owned(), json!(10)), ("Signed".to_owned(), json!(100))]);
}

#[test]
fn a_pipeline_whose_chances_a_person_gave_gets_no_stage_without_one() {
    let stage = |name: &str, chance: u8| json!({"name": name, "stageWinProbability": chance});
    let given = [stage("New lead", 10), stage("Signed", 100)];
    let (project, stand_in) = set_out(&json!({"name": "Sales", "useOpportunityProbability": true, "stages": given}));
    let before = stand_in.contents();
    let audit = stand_in.migr(&project, &["audit"]).exits(1);
    let said = "nothing says which one \"First call\" has: make the stage in the location by hand";
    assert!(audit.stdout.split_whitespace().collect::<Vec<_>>().join(" ").contains(said), "{}", audit.stdout);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    assert_eq!(stand_in.contents(), before);
}
