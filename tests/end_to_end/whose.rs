//! Whose record it is: two projects in one workspace, a clone of one that has run, and two copies at work in turn.

use std::collections::BTreeSet;

use crate::clinic::{clinic, others};
use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;

/// Runs a command of a project of this id.
fn of(id: &str, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> Ran {
    let mut command = stand_in.command(project.path(), arguments);
    command.env("MIGR_PROJECT_ID", id);
    Ran::from(command.output().expect("migr starts"))
}

fn ids(stand_in: &StandIn, object: &str) -> BTreeSet<String> {
    stand_in.records(object).iter().map(|record| record["id"].as_str().expect("an id").to_owned()).collect()
}

/// Ids of the records that a map created.
fn created(project: &Project, map: &str) -> BTreeSet<String> {
    let trail = project.migr(&["journal"]).exits(0).stdout;
    let lines = trail.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"));
    lines
        .filter(|line| line["type"] == "created" && line["step"] == map)
        .map(|line| line["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Records of a map in the report, by how they ended.
fn ended(project: &Project, map: &str) -> [u64; 3] {
    let report = project.report();
    let objects = report["objects"].as_array().expect("a list");
    let object = objects.iter().find(|object| object["map"] == map).unwrap_or_else(|| panic!("{map}: {report:#}"));
    ["created", "updated", "unchanged"].map(|word| object[word].as_u64().expect("a number"))
}

/// A workspace in which others have something, and a project that has run there.
fn ran() -> (StandIn, Project) {
    let stand_in = StandIn::new();
    others(&stand_in);
    let project = clinic(2);
    stand_in.migr(&project, &["audit"]).exits(1);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    (stand_in, project)
}

#[test]
fn two_projects_of_one_name_and_equal_keys_make_records_of_their_own_and_take_back_none_of_the_others() {
    let (stand_in, first) = ran();
    let (before, deals) = (stand_in.fingerprint(), ids(&stand_in, "opportunities"));
    let second = clinic(2);
    of("another", &stand_in, &second, &["audit"]).exits(1);
    of("another", &stand_in, &second, &["run", "--no-approval"]).exits(5);
    assert_eq!(ended(&second, "Deal"), ended(&first, "Deal"));
    let both = ids(&stand_in, "opportunities");
    assert_eq!(both.len(), deals.len() * 2);
    assert!(both.is_superset(&deals));
    of("another", &stand_in, &second, &["rollback"]).exits(0);
    assert_eq!(ids(&stand_in, "opportunities"), deals);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn a_project_keeps_its_id_and_a_clone_has_the_same_one() {
    let (_stand_in, project) = ran();
    let id = |project: &Project| {
        let lock: serde_json::Value = serde_json::from_str(&project.read("migr.staging.lock")).expect("JSON");
        lock["project"].as_str().expect("an id").to_owned()
    };
    let kept = id(&project);
    let again = StandIn::new();
    of("never drawn", &again, &project, &["audit", "--offline"]).exits(1);
    assert_eq!(id(&project), kept);
    let clone = Project::copy_of(project.path(), Some(".migr"));
    of("never drawn", &again, &clone, &["audit"]).exits(1);
    assert_eq!(id(&clone), kept);
}

#[test]
fn a_run_without_an_audit_draws_an_id_that_the_audit_after_it_writes_down() {
    let stand_in = StandIn::new();
    let project = clinic(2);
    of("drawn by the run", &stand_in, &project, &["run", "--no-approval"]).exits(5);
    of("drawn later", &stand_in, &project, &["audit"]).exits(1);
    assert!(project.read("migr.staging.lock").contains("\"project\": \"drawn by the run\""));
}

#[test]
fn a_clone_with_a_newer_export_says_what_is_there_already_writes_what_differs_and_leaves_it_when_it_goes_back() {
    let (stand_in, project) = ran();
    let clone = Project::copy_of(project.path(), Some(".migr"));
    let deals = clone.read("export/deals.csv");
    clone.write("export/deals.csv", &deals.replace("D1,One,", "D1,One and a half,"));
    let (before, there) = (stand_in.fingerprint(), ids(&stand_in, "opportunities"));
    let said = stand_in.migr(&clone, &["run", "--no-approval"]).exits(5);
    assert!(said.stderr.contains("Deal: 2 records are there already, by ids of this migration"), "{}", said.stderr);
    assert_eq!(ended(&clone, "Deal"), [0, 1, 1]);
    assert_eq!(ids(&stand_in, "opportunities"), there);
    let names: BTreeSet<String> = stand_in
        .records("opportunities")
        .iter()
        .map(|deal| deal["name"].as_str().expect("a name").to_owned())
        .collect();
    assert!(names.contains("One and a half"), "{names:?}");
    stand_in.migr(&clone, &["verify"]).exits(0);
    let back = stand_in.migr(&clone, &["rollback"]).exits(0);
    assert!(back.stdout.contains("by an id of this migration, when the journal was begun"), "{}", back.stdout);
    assert!(back.stdout.contains("`migr rollback --adopted`"), "{}", back.stdout);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn what_a_clone_found_bearing_its_ids_goes_only_where_a_person_says_so() {
    let (stand_in, project) = ran();
    let made = created(&project, "Firm");
    let others: BTreeSet<String> = ids(&stand_in, "companies").difference(&made).cloned().collect();
    assert!(!made.is_empty() && !others.is_empty());
    let clone = Project::copy_of(project.path(), Some(".migr"));
    stand_in.migr(&clone, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&clone, &["rollback", "--adopted"]).exits(0);
    for object in ["opportunities", "notes", "noteTargets", "visits", "attachments"] {
        assert_eq!(ids(&stand_in, object), BTreeSet::new(), "{object}");
    }
    let left = ids(&stand_in, "companies");
    assert_eq!(left, others, "those of others stay, and no other");
}

#[test]
fn two_copies_that_run_in_turn_make_each_record_once() {
    let (stand_in, project) = ran();
    let copy = Project::copy_of(project.path(), None);
    let before = stand_in.fingerprint();
    for one in [&copy, &project, &copy] {
        stand_in.migr(one, &["run", "--no-approval"]).exits(5);
        assert_eq!(stand_in.fingerprint(), before);
    }
}
