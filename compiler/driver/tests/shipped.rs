//! The shipped library compiles, and its plans are what they were.

mod common;

use common::{compile_folder, shown};
use migr_driver::{Compilation, Project, compile, library};
use migr_source::MemorySystem;

fn shipped(migration: &str) -> Compilation {
    let path = format!("std/migrations/{migration}/migration.migr");
    let text = library().iter().find(|(shipped, _)| *shipped == path).map_or("", |(_, text)| text);
    compile_folder(&MemorySystem::default().with("migration.migr", text))
}

#[test]
fn visual_practice_to_twenty_compiles_to_its_plan() {
    let compilation = shipped("visual-practice-to-twenty");
    assert!(compilation.diagnostics.is_empty(), "{}", shown(&compilation));
    insta::assert_snapshot!(compilation.plan.unwrap().to_json().unwrap());
}

#[test]
fn the_practice_to_highlevel_compiles_to_its_plan() {
    let compilation = shipped("the-practice-to-highlevel");
    assert!(compilation.diagnostics.is_empty(), "{}", shown(&compilation));
    insta::assert_snapshot!(compilation.plan.unwrap().to_json().unwrap());
}

#[test]
fn stages_come_in_the_order_of_what_refers_to_what() {
    let plan = shipped("visual-practice-to-twenty").plan.unwrap();
    let order: Vec<&str> = plan.stages.iter().map(|stage| stage.id.as_str()).collect();
    let expected = [
        "Company",
        "Contact",
        "Deal",
        "Meeting",
        "CallOrEmail",
        "Note",
        "Task",
        "TreatmentPlan",
        "TreatmentPlanProvider",
        "Attachment",
    ];
    assert_eq!(order, expected);
    let reasons: Vec<&str> = plan.stages[1].edges.iter().map(|edge| edge.reason.as_str()).collect();
    assert_eq!(reasons, ["people.company refers to companies"]);
    assert_eq!(plan.stages[0].deferred[0].field, "parentCompany");
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    for migration in ["visual-practice-to-twenty", "the-practice-to-highlevel"] {
        let once = shipped(migration).plan.unwrap().to_json().unwrap();
        let again = shipped(migration).plan.unwrap().to_json().unwrap();
        assert_eq!(once, again);
        let read = migr_plan::Plan::from_json(&once).unwrap();
        assert_eq!(read.to_json().unwrap(), once);
    }
}

#[test]
fn a_plan_holds_no_secret_and_no_place_of_this_machine() {
    let json = shipped("visual-practice-to-twenty").plan.unwrap().to_json().unwrap();
    assert!(json.contains("\"from\": \"secret\""));
    assert!(!json.contains("/work") && !json.contains("/home"));
}

#[test]
fn the_named_destination_is_the_one_that_is_planned() {
    let path = "std/migrations/visual-practice-to-twenty/migration.migr";
    let text = library().iter().find(|(shipped, _)| *shipped == path).unwrap().1;
    let system = MemorySystem::default().with("migration.migr", text);
    let to = |name| compile(&Project { system: &system, entry: None, destination: Some(name), lock: None });
    assert_eq!(to("production").plan.unwrap().destination.name, "production");
    let wrong = to("prod");
    assert!(wrong.plan.is_none());
    assert_eq!(common::short(&wrong).lines().next().unwrap(), "migration.migr:7 E0201 there is no destination `prod`");
}

#[test]
fn catalogs_alone_are_checked_and_have_no_plan() {
    let mut system = MemorySystem::default();
    for (path, text) in library().iter().filter(|(path, _)| path.starts_with("std/systems/")) {
        system = system.with(path.trim_start_matches("std/systems/"), *text);
    }
    let compilation = compile_folder(&system);
    assert!(compilation.diagnostics.is_empty(), "{}", shown(&compilation));
    assert!(compilation.plan.is_none() && compilation.spec.is_none());
}

#[test]
fn the_tests_of_a_program_are_kept_for_a_runner() {
    let compilation = shipped("visual-practice-to-twenty");
    insta::assert_debug_snapshot!(compilation.tests);
}
