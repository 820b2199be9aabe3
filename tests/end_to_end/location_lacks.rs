//! Records and options that a location lacks though the spec names them: told with the line that names them, with what helps, and as items of the checklist.

use std::time::Duration;

use migr_sandbox::highlevel;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::stand_in::StandIn;
use crate::studio::studio;

/// The studio, and a location with some pipelines and calendars.
fn set_out(pipelines: &Value, calendars: &Value) -> (Project, StandIn) {
    let before = json!({
        "country": "US", "settings": {"allowDuplicateOpportunity": false}, "pipelines": pipelines, "calendars": calendars,
        "users": [{"name": "Jane Smith", "email": "jane.smith@clinic.example"}],
    });
    let options = highlevel::Options { lag: Duration::ZERO, before: Some(before), ..highlevel::Options::default() };
    (studio(), StandIn::location(options))
}

/// The line of the spec that holds a text.
fn line_of(project: &Project, text: &str) -> usize {
    let spec = project.read("migration.migr");
    spec.lines().position(|line| line.contains(text)).expect("a line of the spec") + 1
}

/// Text under the heading of a finding.
fn told<'a>(audit: &'a str, finding: &str) -> &'a str {
    let (_, rest) = audit.split_once(finding).unwrap_or_else(|| panic!("no {finding} in {audit}"));
    rest.split("\n\n").next().unwrap_or_default()
}

#[test]
fn a_calendar_that_a_location_lacks_is_told_with_its_line_and_is_an_item_of_the_checklist() {
    let pipelines = json!([{"name": "Coaching", "stages": ["New lead", "Signed"]}]);
    let (project, stand_in) = set_out(&pipelines, &json!([{"name": "Intro calls", "everybody": true}]));
    let place = format!("migration.migr:{}", line_of(&project, "existing calendars"));
    let lacks = "the destination has no calendars(name: \"Client sessions\")";
    let audit = stand_in.migr(&project, &["audit"]).exits(1).stdout;
    let said = told(&audit, "error[missing-existing]");
    assert!(said.contains(&format!("    {place}: {lacks}\n")), "{audit}");
    assert!(said.contains("meetings.csv:2 A1: calendar: \"Client sessions\" is the name of no record"), "{audit}");
    assert!(said.contains("→ Make them in the destination, or write the name of one that is there."), "{audit}");
    assert!(!audit.contains("\n    : "), "{audit}");
    let markdown = stand_in.migr(&project, &["audit", "--format", "markdown"]).exits(1).stdout;
    assert!(!markdown.contains("- ` ") && !markdown.contains("- `` "), "{markdown}");

    stand_in.migr(&project, &["setup"]).exits(0);
    let listed = stand_in.migr(&project, &["setup", "--checklist"]).exits(4).stdout;
    let item =
        format!("missing   have calendars(name: \"Client sessions\") for {place}  (look at the list of calendars)");
    assert!(listed.contains(&item) && listed.contains(lacks), "{listed}");
    assert!(listed.contains("done      have pipelines(name: \"Coaching\")"), "{listed}");
    assert!(listed.contains(" 1 open."), "{listed}");
}

#[test]
fn a_pipeline_that_a_location_lacks_is_to_be_made_there_or_by_setup_and_no_row_of_a_table_is_asked_for() {
    let calendars = json!([{"name": "Client sessions", "everybody": true}]);
    let (project, stand_in) = set_out(&json!([]), &calendars);
    let audit = stand_in.migr(&project, &["audit"]).exits(1).stdout;
    let said = told(&audit, "error[missing-existing]");
    assert!(said.contains("stage: \"Coaching\" is the name of no record of pipelines"), "{audit}");
    assert!(said.contains("let setup make it: `new (…)` in the row"), "{audit}");
    assert!(!audit.contains("unknown-picklist-value"), "{audit}");
    let listed = stand_in.migr(&project, &["setup", "--checklist"]).exits(4).stdout;
    let place = format!("migration.migr:{}", line_of(&project, "\"lead\""));
    assert!(listed.contains(&format!("missing   have pipelines(name: \"Coaching\") for {place}")), "{listed}");
    assert!(!listed.contains("pipelines(name: \"Workshops\")"), "setup makes it: {listed}");
    // The advice helps.
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("= (\"Coaching\"", "= new (\"Coaching\""));
    let audit = stand_in.migr(&project, &["audit"]).exits(1).stdout;
    assert!(!audit.contains("missing-existing"), "{audit}");
}

#[test]
fn a_name_that_several_calendars_have_is_advised_as_that_and_so_is_the_field_that_stays_empty_for_it() {
    let pipelines = json!([{"name": "Coaching", "stages": ["New lead", "Signed"]}]);
    let calendars =
        json!([{"name": "Client sessions", "everybody": true}, {"name": "client sessions", "everybody": true}]);
    let (project, stand_in) = set_out(&pipelines, &calendars);
    let spec = project.read("migration.migr").replace("\"Client sessions\")", "\"Client sessions\") on missing none");
    project.write("migration.migr", &spec);
    let audit = stand_in.migr(&project, &["audit"]).exits(1).stdout;
    let said = told(&audit, "warning[missing-existing]");
    assert!(said.contains("2 records of the destination are calendars(name: \"Client sessions\")"), "{audit}");
    assert!(said.contains("→ Give all but one of them another name there"), "{audit}");
    let said = told(&audit, "error[missing-existing]");
    assert!(said.contains("meetings.csv:2 A1: calendar: there is no value"), "{audit}");
}

#[test]
fn a_stage_that_a_pipeline_lacks_is_no_value_without_a_row() {
    let calendars = json!([{"name": "Client sessions", "everybody": true}]);
    let (project, stand_in) = set_out(&json!([{"name": "Coaching", "stages": ["New lead"]}]), &calendars);
    let audit = stand_in.migr(&project, &["audit"]).exits(1).stdout;
    let said = told(&audit, "error[missing-option]");
    assert!(said.contains("\"Signed\" is no option: its pipeline `Coaching` has no such stage"), "{audit}");
    assert!(said.contains("→ Make them in the destination, or write one that is there"), "{audit}");
    assert!(!audit.contains("unknown-picklist-value"), "{audit}");
}

#[test]
fn records_that_share_a_reference_are_told_by_the_key_of_what_they_refer_to() {
    let pipelines = json!([{"name": "Coaching", "stages": ["New lead", "Signed"]}]);
    let (project, stand_in) = set_out(&pipelines, &json!([{"name": "Client sessions", "everybody": true}]));
    let spec = project.read("migration.migr");
    let matched = "map Deal -> opportunities {\n  match name and contact\n";
    project.write("migration.migr", &spec.replace("map Deal -> opportunities {\n", matched));
    let deals = project.read("export/deals.csv");
    project.write("export/deals.csv", &format!("{deals}D5,Ada one,C1,booked,,\n"));
    let audit = stand_in.migr(&project, &["audit"]).exits(1).stdout;
    assert!(audit.contains("2 records have the name and contact \"Ada one + C1\""), "{audit}");
    assert!(audit.contains("it has the name and contact \"Ada one + C1\" of D1 (line 2)"), "{audit}");
}

#[test]
fn references_that_give_way_in_a_merge_are_told_by_the_keys_of_what_they_refer_to() {
    let pipelines = json!([{"name": "Coaching", "stages": ["New lead", "Signed"]}]);
    let (project, stand_in) = set_out(&pipelines, &json!([{"name": "Client sessions", "everybody": true}]));
    let spec = project.read("migration.migr");
    let merging = "  match email or phone\n  on duplicate merge newest born\n";
    let spec = spec.replace("  match email or phone\n", merging).replace("= born\n", "= born otherwise none\n");
    project.write("migration.migr", &spec);
    let clients = project.read("export/clients.csv");
    project.write(
        "export/clients.csv",
        &format!("{clients}C6,Ada,Lovelace,ada@x.example,,Harbour Dental,,1990-01-01,,\n"),
    );
    let audit = stand_in.migr(&project, &["audit"]).exits(1).stdout;
    assert!(
        audit.contains("C1: becomes one with C6, whose value counts, business \"Acme\" → \"Harbour Dental\""),
        "{audit}"
    );
    let kept_out =
        "born: \"tomorrow\" is not a date of the form %Y-%m-%d, and `on duplicate` tells by it which of several";
    assert!(audit.contains(kept_out), "{audit}");
}
