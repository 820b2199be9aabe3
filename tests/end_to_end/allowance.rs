//! The allowance of a destination, counted on the line to it: how much of it a run uses, and how often it asks for more.
//!
//! `MIGR_DRILL_PACE=400` is the long form: so many records, one a request, at 100 requests a minute, with 0.1 and 1.5 s of latency.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use migr_sandbox::{RateLimit, SandboxOptions};

use crate::harness::{Project, Ran, number, repository};
use crate::stand_in::StandIn;
use crate::wire::{Act, Asked, Wire};

const SPEC: &str = r#"use "clinic"
use "twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

map Person -> people { name = { firstName: name } }
"#;

const CATALOG: &str =
    "system clinic {\n  object Person from \"people.csv\" { key person_id; person_id: text; name: text }\n}\n";

/// A project whose destination takes one record a request, and so many requests.
fn project(records: u64, limit: &str) -> Project {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    project.write("clinic.migr", CATALOG);
    let catalog = std::fs::read_to_string(repository().join("specs/systems/twenty.migr")).expect("the shipped catalog");
    let limited = catalog.replace("requests 100 per 60s; batch 200", &format!("requests {limit}; batch 1"));
    assert_ne!(limited, catalog, "the catalog's limits are written otherwise now");
    project.write("twenty.migr", &limited);
    let rows: Vec<String> = (0..records).map(|row| format!("P{row},Ada")).collect();
    project.write("export/people.csv", &format!("person_id,name\n{}\n", rows.join("\n")));
    project
}

/// Requests that went over the line.
#[derive(Default)]
struct Seen {
    /// Moments at which tokens were asked for.
    tokens: Vec<Instant>,
    /// Position of the first token of a record.
    first: Option<usize>,
    refused: u32,
}

/// Tokens that a request takes: none where it is about the schema, two where it asks for two lists.
fn tokens(asked: &Asked<'_>) -> usize {
    let is_of_the_schema = asked.path.starts_with("/rest/metadata") || asked.path.starts_with("/metadata");
    let asks_twice = String::from_utf8_lossy(asked.body).contains("workspaceMembers(first:1)");
    if is_of_the_schema { 0 } else { 1 + usize::from(asks_twice) }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("a count of requests"))
}

/// The largest share of what was allowed up to then, at the requests of the last tenth: they come in steps.
fn share(seen: &Seen, burst: f64, interval: Duration) -> f64 {
    let first = seen.first.expect("a record was sent");
    let (begun, before) = (seen.tokens[first], count(first));
    // What was asked for before the first record is gone from the bucket, but for what came back until then.
    let refilled = begun.duration_since(seen.tokens[0]).div_duration_f64(interval);
    let full = (burst - before + refilled).min(burst);
    let sent = seen.tokens.len() - first;
    let of = |(at, number): (&Instant, usize)| {
        count(number) / (full + at.duration_since(begun).div_duration_f64(interval)).max(1.0)
    };
    seen.tokens[first..].iter().zip(1..).skip(sent / 10 * 9).map(of).fold(0.0, f64::max)
}

fn counted(records: u64, (requests, per): (u32, Duration), latency: Duration) -> (f64, u32) {
    let project = project(records, &format!("{requests} per {}s", per.as_secs()));
    let rate = Some(RateLimit { requests, per });
    let stand_in = StandIn::with(SandboxOptions { rate, latency, ..SandboxOptions::default() });
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let noted = Arc::clone(&seen);
    let wire = Wire::to(&stand_in.url(), move |asked| {
        let mut seen = noted.lock().expect("a count");
        if seen.first.is_none() && asked.writes() && asked.path.contains("/people") {
            seen.first = Some(seen.tokens.len());
        }
        seen.tokens.extend(std::iter::repeat_n(Instant::now(), tokens(asked)));
        let noted = Arc::clone(&noted);
        Act::Change(
            None,
            Box::new(move |told| {
                let is_refused = told.status == 429 || String::from_utf8_lossy(&told.body).contains("LIMIT_REACHED");
                noted.lock().expect("a count").refused += u32::from(is_refused);
            }),
        )
    });
    let run = stand_in.command_over(&wire.url(), project.path(), &["run", "--no-approval"]).output();
    Ran::from(run.expect("migr starts")).exits(0);
    let seen = seen.lock().expect("a count");
    (share(&seen, f64::from(requests), per / requests), seen.refused)
}

#[test]
fn the_allowance_is_used_and_never_asked_for_more() {
    let long = number("MIGR_DRILL_PACE", 0);
    let cases = match long {
        0 => vec![(160, (60, Duration::from_secs(6)), 400)],
        records => [100, 1_500].map(|latency| (records, (100, Duration::from_secs(60)), latency)).to_vec(),
    };
    for (records, limit, latency) in cases {
        let (share, refused) = counted(records, limit, Duration::from_millis(latency));
        let case = format!(
            "{} requests in {:?}, {latency} ms: {share:.3} of the allowance, {refused} refused",
            limit.0, limit.1
        );
        eprintln!("{case}");
        assert_eq!(refused, 0, "{case}");
        // How fast a busy machine is says nothing in the suite.
        assert!(long == 0 || share >= 0.99, "{case}");
    }
}
