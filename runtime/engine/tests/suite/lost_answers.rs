//! Lost answers: each record is written once, whatever is lost and whoever chooses ids.

use std::sync::Arc;
use std::time::Duration;

use migr_engine::{EngineError, Executor as _, InProcess, RecordOutcome, Unit, UnitRecord, UnitResult, Word};
use migr_journal::Operation;
use migr_load::{Body, IdPolicy, LoadError};
use serde_json::json;

use crate::common::memory::Fault;
use crate::common::{Memory, Project};
use crate::run::clinic;

fn body(number: usize) -> Body {
    Body::from(json!({"name": format!("N{number}")}).as_object().unwrap())
}

fn unit(operation: Operation, records: usize) -> Unit {
    let record = |number| UnitRecord { id: format!("00-{number}"), body: body(number), ..UnitRecord::default() };
    let (step, object) = ("Company".to_owned(), "companies".to_owned());
    Unit { step, batch: 1, operation, object, records: (0..records).map(record).collect() }
}

fn execute(destination: &Arc<Memory>, unit: Unit) -> Result<UnitResult, LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let executor = InProcess::new(Arc::clone(destination) as _).with_pause(Duration::from_micros(10));
    runtime.block_on(executor.execute(unit))
}

fn outcomes(result: UnitResult) -> Vec<RecordOutcome> {
    assert!(result.unresolved.is_empty(), "{result:?}");
    result.results.into_iter().map(|result| result.unwrap().outcome).collect()
}

/// Every way in which up to two answers are lost, before or after the write.
fn faults() -> Vec<Vec<Option<Fault>>> {
    let kinds = [None, Some(Fault::LostBefore), Some(Fault::LostAfter)];
    kinds.iter().flat_map(|first| kinds.iter().map(|second| vec![*first, *second])).collect()
}

#[test]
fn with_ids_of_ours_each_record_is_created_once_whatever_is_lost() {
    for faults in faults() {
        for records in [1, 3] {
            let destination = Arc::new(Memory::default());
            destination.faults(&faults);
            let result = execute(&destination, unit(Operation::Create, records)).unwrap();
            assert_eq!(outcomes(result), vec![RecordOutcome::Written { id: None }; records], "{faults:?}");
            assert_eq!(destination.live("companies"), records, "{faults:?}");
        }
    }
}

#[test]
fn with_ids_of_the_destination_a_record_is_sent_once_and_found_by_its_token() {
    for fault in [None, Some(Fault::LostBefore), Some(Fault::LostAfter)] {
        for records in [1, 3] {
            let destination = Arc::new(Memory::default());
            destination.ids(IdPolicy::Server { token: Some("token".to_owned()) });
            destination.faults(&[fault]);
            let result = execute(&destination, unit(Operation::Create, records)).unwrap();
            let known = |number: usize| RecordOutcome::Written { id: Some(format!("S{}", number + 1)) };
            let expected: Vec<_> = match fault {
                // Nobody knows whether the request is still on its way.
                Some(Fault::LostBefore) => vec![RecordOutcome::Uncertain("reset".to_owned()); records],
                _ => (0..records).map(known).collect(),
            };
            assert_eq!(outcomes(result), expected, "{fault:?}");
            assert_eq!(destination.requests(), [format!("create {records} companies")], "{fault:?}");
        }
    }
}

#[test]
fn without_a_token_a_lost_answer_leaves_the_record_uncertain_and_it_is_not_sent_again() {
    for fault in [Fault::LostBefore, Fault::LostAfter] {
        let destination = Arc::new(Memory::default());
        destination.ids(IdPolicy::Server { token: None });
        destination.faults(&[Some(fault)]);
        let result = execute(&destination, unit(Operation::Create, 2)).unwrap();
        assert_eq!(outcomes(result), vec![RecordOutcome::Uncertain("reset".to_owned()); 2], "{fault:?}");
        assert_eq!(destination.writes(), 1, "{fault:?}");
    }
}

#[test]
fn a_change_is_made_again_after_a_lost_answer() {
    for faults in faults() {
        let destination = Arc::new(Memory::default());
        for number in 0..2 {
            destination.holds("companies", &format!("00-{number}"), &json!({"name": "old"}), false);
        }
        destination.faults(&faults);
        let result = execute(&destination, unit(Operation::Update, 2)).unwrap();
        assert_eq!(outcomes(result), vec![RecordOutcome::Written { id: None }; 2], "{faults:?}");
        let names: Vec<_> =
            destination.all("companies").into_iter().map(|(_, values, _)| values["name"].clone()).collect();
        assert_eq!(names, ["N0", "N1"], "{faults:?}");
    }
}

#[test]
fn a_destination_that_answers_nothing_ends_the_batch_and_leaves_it_open() {
    let destination = Arc::new(Memory::default());
    destination.faults(&[Some(Fault::LostBefore); 20]);
    let error = execute(&destination, unit(Operation::Create, 2)).unwrap_err();
    assert!(matches!(error, LoadError::Unavailable { attempts: 6, .. }), "{error:?}");
    assert_eq!(destination.writes(), 6);
}

#[test]
fn with_ids_of_the_destination_a_run_that_dies_anywhere_ends_as_one_that_does_not() {
    let token = || IdPolicy::Server { token: Some("token".to_owned()) };
    let whole = clinic();
    whole.destination.ids(token());
    whole.destination.batch(1);
    whole.run().unwrap();
    insta::assert_snapshot!(whole.destination.refers("people", "company", "companies").join("\n"), @r#"
    Ada -> Acme
    Bob -> Beta
    Cy -> nothing
    "#);
    assert_eq!(whole.destination.all("companies")[0].0, "S1");
    for at in 0..5 {
        for fault in [Fault::DiesBefore, Fault::DiesAfter, Fault::LostAfter] {
            let project = clinic();
            project.destination.ids(token());
            project.destination.batch(1);
            let mut faults = vec![None; at];
            faults.push(Some(fault));
            project.destination.faults(&faults);
            assert_eq!(project.run().is_err(), fault != Fault::LostAfter, "request {at}, {fault:?}");
            project.run().unwrap();
            let found = |project: &Project| {
                (project.counts(), project.reasons(), project.destination.refers("people", "company", "companies"))
            };
            assert_eq!(found(&project), found(&whole), "request {at}, {fault:?}");
        }
    }
}

#[test]
fn where_look_ups_lag_a_lost_answer_is_settled_behind_the_stage_and_sent_again_only_where_nothing_is_there() {
    for at in 0..5 {
        for (fault, blind, requests) in [(Fault::LostBefore, 1, 6), (Fault::LostAfter, 1, 5), (Fault::LostAfter, 0, 5)]
        {
            let project = clinic();
            project.destination.ids(IdPolicy::Server { token: Some("token".to_owned()) });
            project.destination.batch(1);
            project.destination.lags(Duration::from_millis(10), blind);
            let mut faults = vec![None; at];
            faults.push(Some(fault));
            project.destination.faults(&faults);
            project.run().unwrap();
            let (people, companies) = (project.destination.live("people"), project.destination.live("companies"));
            assert_eq!((people, companies), (3, 2), "request {at}, {fault:?}");
            let creations = project.destination.requests().iter().filter(|one| one.starts_with("create")).count();
            assert_eq!(creations, requests, "request {at}, {fault:?}");
            insta::allow_duplicates! {
                insta::assert_snapshot!(project.counts(), @r#"
                Company: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
                Contact: 3 read, 3 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
                "#);
            }
        }
    }
}

#[test]
fn what_is_uncertain_is_counted_beside_what_is_refused() {
    let project = clinic();
    project.destination.ids(IdPolicy::Server { token: None });
    project.destination.batch(1);
    project.destination.refuse("Bob");
    project.destination.faults(&[None, None, Some(Fault::LostAfter)]);
    project.run().unwrap();
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    Contact: 3 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 2 quarantined
    "#);
}

#[test]
fn without_a_token_what_a_crash_left_in_doubt_is_in_quarantine_and_not_sent_again() {
    let project = clinic();
    project.destination.ids(IdPolicy::Server { token: None });
    project.destination.faults(&[None, Some(Fault::DiesAfter)]);
    assert!(project.run().is_err());
    project.run().unwrap();
    assert_eq!(project.destination.live("people"), 3);
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    Contact: 3 read, 0 created, 0 updated, 0 unchanged, 0 skipped, 3 quarantined
    "#);
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined C1 export/contacts.csv:2 it may be in the destination or not, as the answer was lost: the run ended before the answer came. Look for it there; then `migr quarantine settle KEY --id ID` takes it, or `--create` has the next run send it again
    quarantined C2 export/contacts.csv:3 it may be in the destination or not, as the answer was lost: the run ended before the answer came. Look for it there; then `migr quarantine settle KEY --id ID` takes it, or `--create` has the next run send it again
    quarantined C3 export/contacts.csv:4 it may be in the destination or not, as the answer was lost: the run ended before the answer came. Look for it there; then `migr quarantine settle KEY --id ID` takes it, or `--create` has the next run send it again
    "#);
}

#[test]
fn without_a_token_what_a_crash_left_in_doubt_is_told_by_what_was_sent_once_the_stage_makes_it_again() {
    for fault in [Fault::DiesBefore, Fault::DiesAfter, Fault::LostBefore, Fault::LostAfter] {
        for at in 0..5 {
            let project = clinic();
            project.destination.ids(IdPolicy::Server { token: None });
            project.destination.tells_by_bodies();
            project.destination.batch(1);
            let mut faults = vec![None; at];
            faults.push(Some(fault));
            project.destination.faults(&faults);
            let dies = matches!(fault, Fault::DiesBefore | Fault::DiesAfter);
            assert_eq!(project.run().is_err(), dies, "request {at}, {fault:?}");
            project.run().unwrap();
            let (people, companies) = (project.destination.live("people"), project.destination.live("companies"));
            assert_eq!((people, companies), (3, 2), "request {at}, {fault:?}");
            insta::allow_duplicates! {
                insta::assert_snapshot!(project.counts(), @r#"
                Company: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
                Contact: 3 read, 3 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
                "#);
                insta::assert_snapshot!(project.destination.refers("people", "company", "companies").join("\n"), @r#"
                Ada -> Acme
                Bob -> Beta
                Cy -> nothing
                "#);
            }
        }
    }
}

fn waited<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn settle(project: &Project, key: &str, word: Word<'_>) -> Result<String, EngineError> {
    waited(migr_engine::settle(&project.context(), key, None, word))
}

#[test]
fn what_is_uncertain_stays_until_a_person_says_whether_it_is_there_and_then_each_record_is_there_once() {
    let project = clinic();
    project.destination.ids(IdPolicy::Server { token: None });
    project.destination.batch(1);
    // Acme is made and its answer lost, so Ada has no company; Bob's request never arrives.
    project.destination.faults(&[Some(Fault::LostAfter), None, Some(Fault::LostBefore)]);
    project.run().unwrap();
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 2 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 1 quarantined
    Contact: 3 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 2 quarantined
    "#);

    let retried = || waited(migr_engine::retry(&project.context(), None)).unwrap();
    let released = retried();
    assert_eq!((released.records, released.uncertain), (1, 2), "what is uncertain is not let go");
    project.run().unwrap();
    assert_eq!((project.destination.live("companies"), project.destination.live("people")), (2, 1));

    let id = |name: &str| {
        let all = project.destination.all("companies");
        all.into_iter().find(|(_, values, _)| values["name"] == name).map(|(id, ..)| id).unwrap()
    };
    let (acme, beta) = (id("Acme"), id("Beta"));
    let there = |id| Word::There { id, as_it_is: false };
    // Somebody else's, by a mistyped id.
    let other = "S77".to_owned();
    project.destination.holds("companies", &other, &json!({ "name": "Other" }), false);
    for (key, word, why) in [
        ("K9", Word::Create, "no record of the key K9 is uncertain"),
        ("K1", there("S99"), "the destination has no companies S99"),
        ("K1", there(&beta), "is the record of K2 of Company already"),
        ("K1", there(&other), "holds other values than were sent in name; nothing was done"),
    ] {
        let error = settle(&project, key, word).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(settle(&project, "K1", there(&acme)).unwrap(), "Company");
    assert_eq!(settle(&project, "C2", Word::Create).unwrap(), "Contact");
    let released = retried();
    assert_eq!((released.records, released.uncertain), (1, 0));
    project.run().unwrap();
    assert_eq!(
        (project.destination.live("companies"), project.destination.live("people")),
        (3, 3),
        "one of them is somebody else's"
    );
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    Contact: 3 read, 3 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    "#);
    insta::assert_snapshot!(project.destination.refers("people", "company", "companies").join("\n"), @r#"
    Ada -> Acme
    Bob -> Beta
    Cy -> nothing
    "#);
}
