//! Tests of the count of requests over long times.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use indexmap::IndexMap;
use migr_plan::Limit;

use super::*;

const HOUR: i64 = 3_600_000;

/// A clock that is set by hand, in milliseconds.
#[derive(Debug)]
struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// An allowance of so many requests a day, and its clock.
fn daily(requests: u64, folder: &Path, at: i64) -> (Allowance, Arc<Set>) {
    let limit = |value, seconds| Limit { what: "requests".to_owned(), value, per_seconds: Some(seconds) };
    let destination = Destination {
        system: "crm".to_owned(),
        connector: "crm".to_owned(),
        name: "crm".to_owned(),
        settings: IndexMap::new(),
        limits: vec![limit(requests, 86_400), limit(100, 60)],
        undocumented: Vec::new(),
        new_objects: IndexMap::new(),
        objects_stay: None,
    };
    let set = Arc::new(Set(AtomicI64::new(at)));
    let clock: Arc<dyn Clock> = Arc::clone(&set) as Arc<dyn Clock>;
    let mut found = Allowance::of(&destination, Some(folder), &clock);
    assert_eq!(found.len(), 1, "what is allowed in a minute is a pace");
    (found.remove(0), set)
}

/// Takes requests until none is allowed; how many, and until when.
fn take_all(allowance: &Allowance) -> (u64, i64) {
    let mut taken = 0;
    loop {
        match allowance.take() {
            Ok(()) => taken += 1,
            Err(spent) => return (taken, spent.until.as_millisecond()),
        }
    }
}

#[test]
fn no_more_requests_go_in_a_day_than_are_allowed_and_it_is_said_when_the_next_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let (allowance, clock) = daily(200, folder.path(), 1000 * HOUR);
    assert_eq!(take_all(&allowance), (200, 1025 * HOUR), "the hour counts until a day after its end");
    clock.0.store(1024 * HOUR, Ordering::Relaxed);
    assert_eq!(take_all(&allowance), (0, 1025 * HOUR));
    clock.0.store(1025 * HOUR, Ordering::Relaxed);
    assert_eq!(take_all(&allowance), (200, 1050 * HOUR));
    assert_eq!(allowance.take().unwrap_err().allowance, "200 requests per 24h");
}

#[test]
fn what_was_used_in_each_hour_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (allowance, clock) = daily(20, folder.path(), 0);
    for hour in 0..20 {
        clock.0.store(hour * HOUR, Ordering::Relaxed);
        assert_eq!(allowance.take(), Ok(()));
    }
    assert_eq!(take_all(&allowance), (0, 25 * HOUR));
    clock.0.store(25 * HOUR, Ordering::Relaxed);
    assert_eq!(take_all(&allowance), (1, 26 * HOUR));
}

#[test]
fn the_count_outlives_a_process_and_what_it_took_and_did_not_use_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = daily(100_000, folder.path(), 0);
    for _ in 0..70 {
        assert_eq!(first.take(), Ok(()));
    }
    drop(first);
    let (second, _) = daily(100_000, folder.path(), HOUR);
    assert_eq!(take_all(&second).0, 100_000 - 70);
    // One that is killed gives nothing back: at most fifty.
    let (third, _) = daily(200_000, folder.path(), HOUR);
    assert_eq!(third.take(), Ok(()));
    std::mem::forget(third);
    let (fourth, _) = daily(200_000, folder.path(), HOUR);
    assert_eq!(take_all(&fourth).0, 100_000 - 50);
}

#[test]
fn a_clock_that_is_set_back_neither_locks_for_long_nor_lets_more_through() {
    let folder = tempfile::tempdir().unwrap();
    let (allowance, clock) = daily(10, folder.path(), 100_000 * HOUR);
    assert_eq!(take_all(&allowance).0, 10);
    clock.0.store(50 * HOUR, Ordering::Relaxed);
    assert_eq!(take_all(&allowance), (0, 75 * HOUR), "used now, by the clock that counts now");
    clock.0.store(75 * HOUR, Ordering::Relaxed);
    assert_eq!(take_all(&allowance).0, 10);
}

#[test]
fn a_clock_that_is_set_forward_over_the_days_end_is_believed_and_back_again_counts_all() {
    let folder = tempfile::tempdir().unwrap();
    let (allowance, clock) = daily(10, folder.path(), 0);
    assert_eq!(take_all(&allowance).0, 10);
    clock.0.store(1000 * HOUR, Ordering::Relaxed);
    assert_eq!(take_all(&allowance).0, 10);
    clock.0.store(1, Ordering::Relaxed);
    assert_eq!(take_all(&allowance), (0, 25 * HOUR));
}

#[test]
fn a_count_that_cannot_be_read_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (allowance, _) = daily(10, folder.path(), 0);
    std::fs::write(folder.path().join("requests-per-86400s.json"), "[[0,3]][[0,9],[1,").unwrap();
    assert_eq!(take_all(&allowance).0, 7, "what is left of a longer text does not count");
    let (allowance, _) = daily(10, folder.path(), 0);
    std::fs::write(folder.path().join("requests-per-86400s.json"), "no count").unwrap();
    assert_eq!(take_all(&allowance).0, 10);
}
