//! What every connector keeps, asked of each pair alike: the audit foresees the run, a second run writes nothing, what is read back holds, and a rollback leaves
//! what was there. Kills and faults are drilled of each pair by `killed.rs`, `writes.rs` and `faulty.rs`. A third connector is a row of [`Pair`].
#![cfg(unix)]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::Project;
use crate::killed::{Pair, ROLLBACK, RUN, Rest, SETUP, VERIFY, Wanted};

/// Counts of a map: read, created, updated, unchanged, skipped, quarantined.
type Counts = BTreeMap<String, [u64; 6]>;

fn counts(maps: &Value, name: &str, parts: [&str; 6]) -> Counts {
    let number = |map: &Value, part: &str| map[part].as_u64().unwrap_or_else(|| panic!("{part} is no number in {map}"));
    let maps = maps.as_array().expect("a list of maps").iter();
    maps.map(|map| (map[name].as_str().expect("a name").to_owned(), parts.map(|part| number(map, part)))).collect()
}

/// Number of a stand-in's records, by object.
fn records(project: &Project) -> BTreeMap<String, i64> {
    let state = rusqlite::Connection::open(project.path().join("workspace.db")).expect("the state");
    let mut counted = state.prepare("SELECT object, count(*) FROM records GROUP BY object").expect("a question");
    let rows = counted.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("an answer");
    rows.collect::<Result<_, _>>().expect("counts")
}

#[test]
fn a_run_makes_of_the_records_what_the_audit_foresaw() {
    for pair in Pair::ALL {
        let (project, stand_in) = Rest::of(pair, &[]).wake();
        let audit = stand_in.migr(&project, &["audit"]);
        assert!(audit.code <= 1, "{pair:?}: {}{}", audit.stdout, audit.stderr);
        let lock: Value = serde_json::from_str(&project.read("migr.staging.lock")).expect("JSON");
        let foreseen =
            counts(&lock["stages"]["stages"], "id", ["read", "create", "update", "unchanged", "skip", "quarantine"]);
        stand_in.migr(&project, RUN.0).exits(RUN.1);
        let parts = ["read", "created", "updated", "unchanged", "skipped", "quarantined"];
        assert_eq!(counts(&project.report()["objects"], "map", parts), foreseen, "{pair:?}");
    }
}

#[test]
fn a_second_run_writes_nothing_and_what_is_read_back_holds() {
    for pair in Pair::ALL {
        let (project, stand_in) = Rest::of(pair, &[RUN]).wake();
        let before = (stand_in.fingerprint(), stand_in.files());
        stand_in.migr(&project, RUN.0).exits(RUN.1);
        assert_eq!((stand_in.fingerprint(), stand_in.files()), before, "{pair:?}: a second run changed something");
        stand_in.migr(&project, VERIFY.0).exits(VERIFY.1);
        assert_eq!((stand_in.fingerprint(), stand_in.files()), before, "{pair:?}: verify changed something");
    }
}

#[test]
fn a_rollback_leaves_as_many_records_as_setup_and_a_rollback_alone_leave() {
    for pair in Pair::ALL {
        let rest = Rest::of(pair, &[]);
        let left = |(arguments, code): Wanted| {
            let (project, stand_in) = rest.wake();
            stand_in.migr(&project, arguments).exits(code);
            stand_in.migr(&project, ROLLBACK.0).exits(ROLLBACK.1);
            records(&project)
        };
        assert_eq!(left(RUN), left(SETUP), "{pair:?}: records or values of them are left");
    }
}
