//! Tests of locks: counting, reading back, hashes of members, the schema.

use super::*;
use crate::{
    Degradation, DegradedRecords, Destination, Estimate, FORMAT_VERSION, InputFile, Inputs, Limit, Options, Origin,
    Policies, Rollback, RollbackClass, Source, Stage, Summary,
};

fn stage(id: &str) -> Stage {
    Stage {
        id: id.to_owned(),
        map: id.to_owned(),
        formerly: None,
        description: None,
        source_object: id.to_owned(),
        destination_object: "people".to_owned(),
        depends_on: Vec::new(),
        edges: Vec::new(),
        when: None,
        distinct: None,
        association: None,
        matching: None,
        policies: Policies::default(),
        fields: Vec::new(),
        links: Vec::new(),
        deferred: Vec::new(),
        dropped: Vec::new(),
        there: None,
        rollback: Rollback { class: RollbackClass::Exact, reason: None },
        origin: Origin::default(),
    }
}

fn plan() -> Plan {
    let limit = |what: &str, value, per_seconds| Limit { what: what.to_owned(), value, per_seconds };
    Plan {
        format_version: FORMAT_VERSION,
        migration: "m".to_owned(),
        description: None,
        inputs: Inputs {
            files: vec![InputFile { path: "main.migr".to_owned(), hash: "blake3:1".to_owned() }],
            lock: None,
        },
        options: Options::default(),
        source: Source {
            system: "s".to_owned(),
            files: "export/*.csv".to_owned(),
            fetch: Vec::new(),
            blank: Vec::new(),
            objects: Vec::new(),
            dropped_files: Vec::new(),
        },
        destination: Destination {
            system: "twenty".to_owned(),
            connector: "twenty".to_owned(),
            name: "twenty".to_owned(),
            settings: indexmap::IndexMap::new(),
            limits: vec![limit("requests", 100, Some(60)), limit("batch", 200, None)],
            undocumented: Vec::new(),
            objects_stay: None,
            new_objects: indexmap::IndexMap::new(),
        },
        setup: Vec::new(),
        stages: vec![stage("Contact")],
        owners: None,
        picklists: Vec::new(),
        degradations: vec![Degradation {
            map: Some("Contact".to_owned()),
            what: "people.bio".to_owned(),
            reason: "HTML is kept as Markdown".to_owned(),
            kept_in: None,
            counts: DegradedRecords::Filled,
            records: None,
            origin: Origin::default(),
        }],
        rows: Vec::new(),
        accepted: Vec::new(),
        denied: Vec::new(),
        permits: Vec::new(),
        automations: Vec::new(),
        undeclared: Vec::new(),
        estimate: Estimate::default(),
        summary: Summary::default(),
    }
}

fn lock(plan: &Plan) -> Lock {
    Lock {
        format_version: LOCK_FORMAT_VERSION,
        migration: plan.migration.clone(),
        project: None,
        export: LockedExport::default(),
        denied: Vec::new(),
        accepted: Vec::new(),
        stages: LockedStages {
            inputs: counted_inputs(plan),
            with_destination: false,
            stages: vec![LockedStage {
                id: "Contact".to_owned(),
                read: 1_010,
                create: 1_000,
                skip: 4,
                quarantine: 6,
                links: 30,
                deferred: 1,
                fields: vec![FieldCount {
                    field: "bio".to_owned(),
                    filled: 700,
                    repaired: 0,
                    failed: 2,
                    lost: 0,
                    cut: 0,
                }],
                ..LockedStage::default()
            }],
            options: Vec::new(),
            owners: None,
        },
        destination: None,
    }
}

#[test]
fn a_lock_fills_the_plans_counts_estimate_and_degradations() {
    let mut plan = plan();
    let lock = lock(&plan);
    assert!(count(&mut plan, &lock));
    insta::assert_snapshot!(crate::render::summary_line(&plan.summary), @"Plan: 1000 create, 0 update, 0 unchanged, 4 skip, 6 quarantine; 0 schema changes; 0 blocking.");
    assert_eq!(plan.degradations[0].records, Some(700));
    // 5 calls of records, 1 of links, 1 of second writes, 2 of setup, 6 that read back; 15 calls at 100 a minute.
    assert_eq!(
        (plan.estimate.records, plan.estimate.requests, plan.estimate.seconds),
        (Some(1_030), Some(15), Some(9))
    );
    assert_eq!((plan.estimate.requests_at_most, plan.estimate.seconds_at_most), (Some(30), Some(18)));
    assert_eq!(plan.estimate.in_words().unwrap(), "15 to 30 requests, 9 s to 18 s by the destination's limits");
}

#[test]
fn where_no_limit_is_known_no_time_is_told() {
    let mut plan = plan();
    plan.destination.limits.retain(|limit| limit.what != "requests");
    let lock = lock(&plan);
    assert!(count(&mut plan, &lock));
    assert_eq!((plan.estimate.requests, plan.estimate.seconds, plan.estimate.seconds_at_most), (Some(15), None, None));
    let words = plan.estimate.in_words().unwrap();
    assert_eq!(words, "15 to 30 requests, in a time that no limit of the destination tells");
    let scope = crate::scope(&plan, &lock).unwrap();
    assert_eq!((scope.seconds, scope.limits.len()), (None, 0));
}

#[test]
fn a_degradation_counts_the_records_that_lose_something() {
    for (counts, records) in [
        (DegradedRecords::Filled, 700),
        (DegradedRecords::Lost, 3),
        (DegradedRecords::Converted, 9),
        (DegradedRecords::Cut, 5),
    ] {
        let mut plan = plan();
        let mut lock = lock(&plan);
        (lock.stages.stages[0].fields[0].lost, lock.stages.stages[0].fields[0].repaired) = (3, 9);
        lock.stages.stages[0].fields[0].cut = 5;
        plan.degradations[0].counts = counts;
        assert!(count(&mut plan, &lock));
        assert_eq!(plan.degradations[0].records, Some(records), "{counts:?}");
    }
}

#[test]
fn counts_of_another_state_of_the_spec_are_not_used() {
    let mut plan = plan();
    let lock = lock(&plan);
    plan.inputs.files[0].hash = "blake3:2".to_owned();
    assert!(!count(&mut plan, &lock));
    assert_eq!(plan.summary.create, None);
}

#[test]
fn the_hash_of_the_lock_itself_makes_no_counts_stale() {
    let mut plan = plan();
    let lock = lock(&plan);
    plan.inputs.lock = Some(lock.hash().unwrap());
    assert!(count(&mut plan, &lock));
}

#[test]
fn a_lock_reads_back_as_it_was_and_refuses_other_versions() {
    let lock = lock(&plan());
    let text = lock.to_json().unwrap();
    assert_eq!(Lock::from_json(&text).unwrap(), lock);
    let other = text.replacen("\"format_version\": 1", "\"format_version\": 9", 1);
    insta::assert_snapshot!(Lock::from_json(&other).unwrap_err(), @"the lock file has format version 9, this program reads 1; make it anew with `migr audit`");
}

#[test]
fn a_member_is_found_by_its_hash_whatever_its_case() {
    let mut hashes = vec![member_hash("salt", "jane@clinic.example"), member_hash("salt", "joe@clinic.example")];
    hashes.sort();
    let members = LockedMembers {
        object: "workspaceMembers".to_owned(),
        field: "userEmail".to_owned(),
        salt: "salt".to_owned(),
        hashes,
    };
    assert!(members.contains(" Jane@Clinic.example"));
    assert!(!members.contains("ann@clinic.example"));
    assert_ne!(member_hash("salt", "jane@clinic.example"), member_hash("other", "jane@clinic.example"));
}

#[test]
fn the_schema_names_every_part_of_a_lock() {
    let schema = schema();
    let properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let parts = ["format_version", "migration", "project", "export", "stages", "destination", "denied", "accepted"];
    assert_eq!(properties, parts);
}

#[test]
fn what_is_no_lock_is_told_with_its_line() {
    let told = |text: &str| Lock::from_json(text).unwrap_err().to_string();
    assert!(told("{\"format_version\": 1,\n\"migration\": 5}").contains("expected a string at line 2 column 14"));
    assert!(told("{\"format_version\": {}}").contains("expected u64 at line 1"));
    assert!(told("{\"a\": [[], []]}").contains("format version 0"));
}
