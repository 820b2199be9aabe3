//! Forecast against outcome in a location: drawn migrations, each audited and run, an audit's counts held against the run's, and who became which contact against
//! an oracle that knows the rows alone.
#![expect(clippy::print_stderr, reason = "the form by hand says on stderr what it found")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod draw;
#[path = "../../drill/mod.rs"]
#[expect(dead_code, reason = "what other suites do with the example")]
mod drill;
mod life;
mod oracle;
#[path = "../run_twenty/project.rs"]
#[expect(dead_code, reason = "what other suites do with a project")]
mod project;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use draw::Case;
use project::number;

/// Cases in the suite.
const CASES: u64 = 60;

/// Everything in which a case came out otherwise than it was said, or than it is right.
fn differences(case: &Case) -> Vec<String> {
    let life = match life::live(case) {
        Ok(life) => life,
        Err(error) => return vec![error],
    };
    let mut found = Vec::new();
    for (stage, said) in &life.said {
        let was = life.was[stage];
        if *said != was {
            found.push(format!(
                "{stage}: said {said:?}, was {was:?} (created, updated, unchanged, skipped, quarantined)"
            ));
        }
    }
    if !life.unlike.is_empty() {
        found.push(format!("verify finds {}", life.unlike));
    }
    if life.again {
        found.push("another run changed something".to_owned());
    }
    found.extend(oracle::faults(case, &life));
    if !found.is_empty() {
        found.push(life.reasons);
    }
    found
}

/// `MIGR_FORECAST_CASES`, `MIGR_FORECAST_SEED` and `MIGR_FORECAST_FROM` make it longer or other.
#[test]
fn what_an_audit_says_of_a_location_is_what_the_next_run_does() {
    let (seed, cases) = (number("MIGR_FORECAST_SEED", 1), number("MIGR_FORECAST_CASES", CASES));
    let first = number("MIGR_FORECAST_FROM", 0);
    let (next, wrong) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= first + cases {
                        break;
                    }
                    let case = draw::case(seed, at);
                    let found = differences(&case);
                    if !found.is_empty() {
                        wrong.lock().unwrap().push((at, case, found));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort_by_key(|(at, ..)| *at);
    for (at, _, found) in &wrong {
        eprintln!("case {at}: {}", found[0]);
    }
    if let Some((at, case, found)) = wrong.first() {
        let (_, maps) = case.spec.split_once("fallback none\n}\n").unwrap();
        eprintln!("\n# case {at}, {:?}\n{maps}\n{:#}", case.moment, case.before);
        for (name, text) in &case.files {
            eprintln!("{name}\n{text}");
        }
        eprintln!("{}", found.join("\n"));
    }
    assert!(wrong.is_empty(), "{} of {cases} cases differ", wrong.len());
}
