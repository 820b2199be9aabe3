//! Answers of a location that are lost: what is there is seen where it can be, what is not is asked for again, and nothing waits for less.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use migr_sandbox::highlevel;
use serde_json::Value;

use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::studio::studio;
use crate::wire::{Act, Asked, Wire};

const DOWN: &str = r#"{"statusCode":503,"message":"Service Unavailable"}"#;

/// A line on which the first so many requests that make something meet one fate each.
fn disturbed(stand_in: &StandIn, is_it: fn(&Asked<'_>) -> bool, fates: Vec<fn() -> Act>) -> (Wire, Arc<AtomicUsize>) {
    let met = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&met);
    let wire = Wire::to(&stand_in.url(), move |asked| {
        if !is_it(asked) {
            return Act::Pass;
        }
        let at = counted.fetch_add(1, Ordering::Relaxed);
        fates.get(at).map_or(Act::Pass, |fate| fate())
    });
    (wire, met)
}

fn run(stand_in: &StandIn, wire: &Wire, project: &Project, arguments: &[&str]) -> Ran {
    Ran::from(stand_in.command_over(&wire.url(), project.path(), arguments).output().expect("migr starts"))
}

/// Number of the location's records of a kind that hold a text.
fn holding(state: &Path, kind: &str, text: &str) -> i64 {
    let state = rusqlite::Connection::open(state).expect("the location's state");
    let sql = "SELECT count(*) FROM records WHERE object = ?1 AND instr(body, ?2) > 0";
    state.query_row(sql, [kind, text], |row| row.get(0)).expect("a number")
}

fn down() -> Act {
    Act::Answer(503, DOWN.to_owned())
}

#[test]
fn a_pipeline_whose_answer_is_lost_or_that_meets_a_server_that_is_down_is_looked_for_and_asked_for_again() {
    let fates: [Vec<fn() -> Act>; 3] =
        [vec![down, down], vec![|| Act::CutAfter], vec![|| Act::CutBefore, down, || Act::CutAfter]];
    for (fates, asked) in fates.into_iter().zip([3, 1, 3]) {
        let project = studio();
        let state = project.path().join("location.db");
        let options =
            highlevel::Options { lag: Duration::ZERO, state: Some(state.clone()), ..highlevel::Options::default() };
        let stand_in = StandIn::location(options);
        let makes_one = |asked: &Asked<'_>| {
            asked.method == "POST" && asked.path == "/opportunities/pipelines" && asked.body.len() > 2
        };
        let (wire, met) = disturbed(&stand_in, makes_one, fates);
        let set_up = run(&stand_in, &wire, &project, &["setup"]).exits(0);
        assert!(set_up.stdout.contains("0 blocked"), "{}", set_up.stdout);
        assert_eq!(met.load(Ordering::Relaxed), asked, "{}", set_up.stdout);
        assert_eq!(holding(&state, "pipeline", "Workshops"), 1);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(holding(&state, "pipeline", "Workshops"), 0, "it is known as the migration's own");
    }
}

#[test]
fn contacts_whose_answers_are_lost_are_settled_by_their_addresses_where_a_location_allows_duplicates() {
    let project = studio();
    // A second client of one number, which the location allows.
    let clients = project.read("export/clients.csv");
    project.write("export/clients.csv", &clients.replace("bob@x.example,,", "bob@x.example,+12015550101,"));
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("match email or phone", "match email"));
    let state = project.path().join("location.db");
    // Searches tell of nothing in the time of a run.
    let lag = Duration::from_secs(3600);
    let stand_in =
        StandIn::location(highlevel::Options { lag, state: Some(state.clone()), ..highlevel::Options::default() });
    stand_in.sandbox().set_location_setting("allowDuplicateContact", true).expect("a setting");
    let makes_one = |asked: &Asked<'_>| {
        let is_of = |text: &str| String::from_utf8_lossy(asked.body).contains(text);
        asked.method == "POST" && asked.path == "/contacts/" && (is_of("ada@x.example") || is_of("bob@x.example"))
    };
    let (wire, met) = disturbed(&stand_in, makes_one, vec![|| Act::CutAfter, down]);
    let ran = run(&stand_in, &wire, &project, &["run", "--no-approval"]).exits(5);
    assert_eq!(met.load(Ordering::Relaxed), 3, "one of them is sent again");
    let report = project.report();
    let uncertain = |entry: &&Value| entry["map"] == "Client" && entry["code"] == "Q502";
    let uncertain: Vec<&Value> = report["quarantine"].as_array().expect("a list").iter().filter(uncertain).collect();
    assert!(uncertain.is_empty(), "{uncertain:?}\n{}", ran.stderr);
    for address in ["ada@x.example", "bob@x.example"] {
        assert_eq!(holding(&state, "contact", address), 1, "{address}");
    }
}

#[test]
fn businesses_whose_answers_are_lost_wait_for_no_search_since_their_list_is_read() {
    let project = studio();
    let spec = project.read("migration.migr").replace("settle = 1s", "settle = 90s");
    project.write("migration.migr", &spec);
    let state = project.path().join("location.db");
    let options =
        highlevel::Options { lag: Duration::ZERO, state: Some(state.clone()), ..highlevel::Options::default() };
    let stand_in = StandIn::location(options);
    let makes_one = |asked: &Asked<'_>| asked.method == "POST" && asked.path == "/businesses/";
    let (wire, met) = disturbed(&stand_in, makes_one, vec![down, || Act::CutAfter]);
    let begun = Instant::now();
    run(&stand_in, &wire, &project, &["sample"]);
    assert!(begun.elapsed() < Duration::from_secs(45), "it took {:?}", begun.elapsed());
    assert_eq!(met.load(Ordering::Relaxed), 2);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    for name in ["Acme", "Harbour Dental"] {
        assert_eq!(holding(&state, "business", name), 1, "{name}");
    }
}
