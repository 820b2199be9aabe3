//! Forecast against outcome in a location: drawn migrations, each audited and run, an audit's word of each record and field held against the sandbox's own store,
//! who became which contact against an oracle that knows the rows alone, and the location after a rollback against the location before.
#![expect(clippy::print_stderr, reason = "the form by hand says on stderr what it found")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../forecast/compare.rs"]
mod compare;
mod draw;
#[path = "../../drill/mod.rs"]
#[expect(dead_code, reason = "what other suites do with the example")]
mod drill;
#[path = "../forecast/facts.rs"]
#[expect(dead_code, reason = "the other destination's store is read otherwise")]
mod facts;
mod life;
mod oracle;
#[path = "../run_twenty/project.rs"]
#[expect(dead_code, reason = "what other suites do with a project")]
mod project;
mod store;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use compare::{Difference, compare};
use draw::Case;
use project::number;
use serde_json::Value;
use written::{WRITTEN, Written};

/// Cases in the suite.
const CASES: u64 = 60;

fn differs(what: &'static str, place: &str, forecast: &str, outcome: String) -> Difference {
    Difference { what, place: place.to_owned(), forecast: forecast.to_owned(), outcome }
}

/// Everything in which a case came out otherwise than it was said, or than it is right.
fn differences(case: &Case) -> Vec<Difference> {
    let life = match life::live(case) {
        Ok(life) => life,
        Err(error) => return vec![differs("error", "the migration", "it goes through", error)],
    };
    let mut found = compare(&life);
    let faults = oracle::faults(case, &life);
    found.extend(faults.into_iter().map(|fault| differs("identity", "contacts", "each is one person", fault)));
    let left = life.left.into_iter();
    found.extend(left.map(|left| differs("rollback", "the location", "it is as before", left)));
    found
}

type Differing = (u64, Case, Vec<Difference>);

/// The cases of some numbers that differ.
fn differing(seed: u64, numbers: &std::ops::Range<u64>) -> Vec<Differing> {
    let (next, found) = (AtomicU64::new(numbers.start), Mutex::new(Vec::new()));
    // Much of the time goes by with waiting.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if !numbers.contains(&at) {
                        break;
                    }
                    let case = draw::case(seed, at);
                    let differences = differences(&case);
                    if !differences.is_empty() {
                        found.lock().unwrap().push((at, case, differences));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(at, ..)| *at);
    found
}

/// The kinds of difference with their cases, and one small case of each kind.
fn told(found: &[Differing]) {
    let mut kinds: BTreeMap<String, Vec<&Differing>> = BTreeMap::new();
    for one in found {
        let signs: BTreeSet<String> = one.2.iter().map(Difference::sign).collect();
        for sign in signs {
            kinds.entry(sign).or_default().push(one);
        }
    }
    for (sign, cases) in &kinds {
        let numbers: Vec<String> = cases.iter().take(8).map(|(number, ..)| number.to_string()).collect();
        eprintln!("  {:>4}  {sign}  (cases {})", cases.len(), numbers.join(", "));
    }
    let most = usize::try_from(number("MIGR_FORECAST_SHRINK", 8)).unwrap();
    for (sign, cases) in kinds.iter().take(most) {
        let (at, case, differences) = cases[0];
        let (case, differences) = shrunk(case, differences, sign);
        eprintln!("\n## {sign}, case {at}, {:?}\n{}", case.moment, small(&case));
        for difference in &differences {
            eprintln!("- {difference}");
        }
    }
}

/// A case with as few rows, and records of the location, as still show a kind of difference.
fn shrunk(case: &Case, differences: &[Difference], sign: &str) -> (Case, Vec<Difference>) {
    let (mut case, mut differences) = (case.clone(), differences.to_vec());
    let shows = |case: &Case| {
        let found = self::differences(case);
        found.iter().any(|difference| difference.sign() == sign).then_some(found)
    };
    loop {
        let smaller = case.smaller().into_iter().find_map(|smaller| shows(&smaller).map(|found| (smaller, found)));
        match smaller {
            Some(smaller) => (case, differences) = smaller,
            None => return (case, differences),
        }
    }
}

/// A case as a developer reads it.
fn small(case: &Case) -> String {
    let (_, maps) = case.spec.split_once("\nowners {").unwrap();
    let files = case.files.iter().map(|(name, text)| format!("{name}\n{text}"));
    format!("{maps}\n{:#}\n{}", case.before, files.collect::<Vec<_>>().join("\n"))
}

/// `MIGR_FORECAST_CASES`, `MIGR_FORECAST_SEED` and `MIGR_FORECAST_FROM` make it longer or other; `MIGR_FORECAST_SHRINK` says of how many kinds of difference
/// a case is made small.
#[test]
fn what_an_audit_says_of_a_location_is_what_the_next_run_does() {
    let (seed, cases) = (number("MIGR_FORECAST_SEED", 1), number("MIGR_FORECAST_CASES", CASES));
    let first = number("MIGR_FORECAST_FROM", 0);
    let found = differing(seed, &(first..first + cases));
    if !found.is_empty() {
        eprintln!("{} of {cases} cases differ", found.len());
        told(&found);
    }
    assert!(found.is_empty(), "{} of {cases} cases differ", found.len());
}

/// Everything in which a migration by hand came out otherwise than is right.
fn wrongs(written: &Written) -> Vec<String> {
    let case = written.case();
    let life = match life::live(&case) {
        Ok(life) => life,
        Err(error) => return vec![error],
    };
    let mut found: Vec<String> = compare(&life).iter().map(ToString::to_string).collect();
    found.extend(life.left);
    for (map, line, state) in written.decisions {
        let of_map = life.outcome.journal.of(map).find(|(_, record)| record.line == *line);
        let was = of_map.map(|(_, record)| record.state);
        if was != Some(*state) {
            found.push(format!("{map} line {line}: right is {state}, was {was:?}"));
        }
    }
    for (object, name, field, value) in written.holds {
        let is_it = |body: &serde_json::Map<String, Value>| body.values().any(|held| held.as_str() == Some(*name));
        let named = life.outcome.store.0.iter().find(|((of, _), stored)| of == object && is_it(&stored.body));
        let held = named.and_then(|(_, stored)| stored.body.get(*field)).and_then(Value::as_str);
        if named.is_none() || held != *value {
            found.push(format!("{object} {name} {field}: right is {value:?}, was {held:?}"));
        }
    }
    found
}

#[test]
fn a_migration_written_by_hand_gets_the_decisions_that_are_right_and_were_foreseen() {
    let wrong: Vec<String> = WRITTEN
        .iter()
        .filter_map(|written| {
            let found = wrongs(written);
            (!found.is_empty()).then(|| format!("{}:\n  {}", written.name, found.join("\n  ")))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
