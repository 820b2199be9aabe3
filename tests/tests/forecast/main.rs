//! Forecast against outcome: drawn migrations, each audited, planned and run, and an audit's word held against what the run did.
#![expect(clippy::print_stderr, reason = "the form by hand says on stderr what it found")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod case;
mod compare;
mod draw;
#[path = "../../drill/mod.rs"]
#[expect(dead_code, reason = "what other suites do with the example")]
mod drill;
mod facts;
mod life;
mod meaning;
#[path = "../run_twenty/project.rs"]
#[expect(dead_code, reason = "what other suites do with a project")]
mod project;
mod shrink;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use case::{Case, Held, Moment};
use compare::{Difference, compare};
use life::{Trial, Workspace};
use project::number;
use serde_json::json;
use written::WRITTEN;

/// Cases in the suite.
const CASES: u64 = 60;

/// A migration of [`WRITTEN`] with three people of whom one refers to another.
const DEFERRED: &str = "a deferred reference of a record that is there changes it";

/// The differences of a case.
fn differences(workspace: &Workspace, case: &Case) -> Vec<Difference> {
    match life::live(workspace, &Trial::from(case)) {
        Ok(life) => {
            let mut found = compare(&life);
            found.extend(meaning::differences(case, &life));
            found
        }
        Err(error) => vec![Difference {
            what: "error",
            place: "the migration".to_owned(),
            forecast: "it goes through".to_owned(),
            outcome: error,
        }],
    }
}

/// A case, with its number and its differences.
type Differing = (u64, Case, Vec<Difference>);

/// The cases of some numbers that differ.
fn differing(workspace: &Workspace, seed: u64, numbers: std::ops::Range<u64>) -> Vec<Differing> {
    let (next, found) = (AtomicU64::new(numbers.start), Mutex::new(Vec::new()));
    // Much of the time goes by with waiting.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !numbers.contains(&number) {
                        break;
                    }
                    let case = draw::case(seed, number);
                    let differences = differences(workspace, &case);
                    if !differences.is_empty() {
                        found.lock().unwrap().push((number, case, differences));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(number, ..)| *number);
    found
}

/// The share that differs, by kind of difference, with one small case of each kind.
fn told(workspace: &Workspace, found: &[Differing], cases: u64) {
    let mut kinds: BTreeMap<String, Vec<&Differing>> = BTreeMap::new();
    for one in found {
        let signs: BTreeSet<String> = one.2.iter().map(Difference::sign).collect();
        for sign in signs {
            kinds.entry(sign).or_default().push(one);
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    eprintln!("{} of {cases} cases differ", found.len());
    for (sign, cases) in &kinds {
        let numbers: Vec<String> = cases.iter().take(8).map(|(number, ..)| number.to_string()).collect();
        eprintln!("  {:>4}  {sign}  (cases {})", cases.len(), numbers.join(", "));
    }
    if std::env::var_os("MIGR_FORECAST_ALL").is_some() {
        for (_, case, differences) in found {
            eprintln!("\n# {}", small(case, differences));
        }
    }
    let shrunk = usize::try_from(number("MIGR_FORECAST_SHRINK", 8)).unwrap();
    for (sign, cases) in kinds.iter().take(shrunk) {
        let (_, case, differences) = cases[0];
        let (case, differences) =
            shrink::shrink(case, differences.clone(), sign, &|case| self::differences(workspace, case));
        eprintln!("\n## {sign}\n\n{}", small(&case, &differences));
    }
}

/// A case as a developer reads it.
fn small(case: &Case, differences: &[Difference]) -> String {
    let spec = case.spec();
    let (_, maps) = spec.split_once("currency = \"USD\"\n}\n").unwrap();
    let mut text =
        format!("{}; {:?}, batches of {}\n```migr\n{}```\n", case.name, case.moment, case.batch, maps.trim_start());
    for table in case.tables.iter().filter(|table| table.object != "User") {
        let _ = writeln!(text, "```csv {}\n{}```", table.object, table.csv());
    }
    for held in &case.held {
        let place = if held.trashed { "in the trash" } else { "there" };
        let _ = writeln!(text, "- {} {} {place}: {}", held.object, held.id, held.body);
    }
    for difference in differences {
        let _ = writeln!(text, "- {difference}");
    }
    text
}

/// `MIGR_FORECAST_CASES`, `MIGR_FORECAST_SEED` and `MIGR_FORECAST_FROM` make it longer or other; `MIGR_FORECAST_SHRINK` says of how many kinds of difference
/// a case is made small.
#[test]
fn what_an_audit_says_of_each_record_is_what_the_next_run_does() {
    let (seed, cases) = (number("MIGR_FORECAST_SEED", 1), number("MIGR_FORECAST_CASES", CASES));
    let first = number("MIGR_FORECAST_FROM", 0);
    let workspace = Workspace::new();
    let found = differing(&workspace, seed, first..first + cases);
    if !found.is_empty() {
        told(&workspace, &found, cases);
    }
    assert!(found.is_empty(), "{} of {cases} cases differ", found.len());
}

#[test]
fn a_migration_written_by_hand_gets_the_decisions_that_are_right_and_were_foreseen() {
    let workspace = Workspace::new();
    let mut wrong = Vec::new();
    for written in WRITTEN {
        let held = (written.held)();
        let trial = Trial { files: written.files(), held: &held, moment: written.moment, batch: 60 };
        let found: Vec<String> = match life::live(&workspace, &trial) {
            _ if written.decisions.is_empty() => life::is_refused(&workspace, &trial).err().into_iter().collect(),
            Err(error) => vec![error],
            Ok(life) => {
                let mut found: Vec<String> = compare(&life).iter().map(ToString::to_string).collect();
                for (map, line, state) in written.decisions {
                    let of_map = life.outcome.journal.of(map).find(|(_, record)| record.line == *line);
                    let was = of_map.map(|(_, record)| record.state);
                    if was != Some(*state) {
                        found.push(format!("{map} line {line}: right is {state}, was {was:?}"));
                    }
                }
                found
            }
        };
        if !found.is_empty() {
            wrong.push(format!("{}:\n  {}", written.name, found.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_audit_asks_no_more_of_a_destination_that_holds_more() {
    let workspace = Workspace::new();
    let person = |number: u32| {
        let body = json!({"emails": {"primaryEmail": format!("p{number}@x.example")}});
        Held { object: "people", id: format!("00000000-0000-4000-8000-{number:012}"), body, trashed: false }
    };
    let requests = |count: u32| {
        let held: Vec<Held> = (1..=count).map(person).collect();
        let files = WRITTEN.iter().find(|written| written.name == DEFERRED).unwrap().files();
        let trial = Trial { files, held: &held, moment: Moment::BeforeSetup, batch: 200 };
        life::requests_of_an_audit(&workspace, &trial).unwrap()
    };
    let (few, many) = (requests(2), requests(4_000));
    assert!(many <= few + 3, "{few} requests where two people are there, {many} where four thousand are");
}
