//! Answers that fail, break off or never come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use migr_engine::EngineError;
use migr_load::LoadError;
use migr_report::Report;
use migr_sandbox::{Faults, Sandbox, SandboxOptions};
use serde_json::Value;

use crate::project::{Project, Server, counts, number, undisturbed};
use crate::wire::{Act, Asked, Wire};

#[test]
fn failing_requests_and_lost_answers_change_nothing_in_the_result() {
    let project = Project::example(20);
    let (expected, _) = undisturbed(&project);
    let faults =
        Faults { percent_500: 5.0, percent_reset_before: 2.0, percent_reset_after: 2.0, seed: 1, ..Faults::default() };
    let server = Server::new(SandboxOptions { faults, ..SandboxOptions::default() });
    let project = Project::example(20);
    let summary = project.carry_out(server.sandbox()).unwrap();
    assert_eq!(summary.report.imbalances(), []);
    assert_eq!(server.sandbox().fingerprint().unwrap(), expected);
}

/// `MIGR_DRILL_CONTACTS` and `MIGR_DRILL_SEED` make it longer or other.
#[test]
fn under_faults_of_every_kind_nothing_is_lost_and_nothing_is_doubled() {
    let contacts = u32::try_from(number("MIGR_DRILL_CONTACTS", 250)).unwrap();
    let Some(calm) = Project::generated(contacts, 60) else { return };
    let (expected, report) = undisturbed(&calm);
    let faults = Faults {
        percent_500: 5.0,
        percent_reset_before: 1.0,
        percent_reset_after: 1.0,
        percent_429: 2.0,
        percent_bad_json: 2.0,
        percent_timeout: 0.5,
        percent_half: 1.0,
        seed: number("MIGR_DRILL_SEED", 1),
        ..Faults::default()
    };
    let server = Server::new(SandboxOptions { faults, ..SandboxOptions::default() });
    let Some(mut project) = Project::generated(contacts, 60) else { return };
    project.options.timeout = Duration::from_secs(3);
    let summary = project.carry_out(server.sandbox()).unwrap();
    assert_eq!(summary.report.imbalances(), []);
    assert_eq!(counts(&summary.report), counts(&report));
    assert_eq!(summary.report.quarantine, report.quarantine);
    assert!(server.sandbox().fingerprint().unwrap() == expected, "the records are others");
    let records: u64 = report.objects.iter().map(|object| object.created).sum();
    let requests = server.sandbox().request_count();
    eprintln!(
        "{records} records, {requests} requests, of which about {} failed: lost 0, doubled 0",
        requests * 115 / 1000
    );
}

/// What can go wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    TooMany,
    Error,
    Unavailable,
    Timeout,
    ResetBefore,
    ResetAfter,
    HalfABody,
    WrongJson,
}
use Kind::{Error, HalfABody, ResetAfter, ResetBefore, Timeout, TooMany, Unavailable, WrongJson};

pub(crate) const KINDS: [Kind; 8] =
    [TooMany, Error, Unavailable, Timeout, ResetBefore, ResetAfter, HalfABody, WrongJson];

/// Requests of the records' API are limited, and no others.
fn is_limited(asked: &Asked<'_>) -> bool {
    asked.path.starts_with("/rest/") && !asked.path.starts_with("/rest/metadata")
}

impl Kind {
    pub(crate) fn act(self, asked: &Asked<'_>, draw: u64) -> Act {
        let refusal = |status: u16, error: &str, message: &str| {
            Act::Answer(status, format!(r#"{{"statusCode":{status},"error":"{error}","messages":["{message}"]}}"#))
        };
        match self {
            TooMany if is_limited(asked) => refusal(429, "LIMIT_REACHED", "Limit reached (1000000 tokens per 1000 ms)"),
            TooMany | Error => refusal(500, "InternalServerErrorException", "Internal server error"),
            Unavailable => Act::Answer(503, "<html><body>Service Unavailable".to_owned()),
            Timeout if draw.is_multiple_of(2) => Act::SilenceBefore,
            Timeout => Act::SilenceAfter,
            ResetBefore => Act::CutBefore,
            ResetAfter => Act::CutAfter,
            HalfABody => Act::Half,
            WrongJson => Act::Garbage,
        }
    }
}

/// SplitMix64's finisher: the same seed and number draw the same.
fn draw(seed: u64, number: u64) -> u64 {
    let mut value = (seed << 32 ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The report without what tells when and by which runs it came about.
pub(crate) fn told(report: &Report) -> Value {
    let mut told: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    told.as_object_mut().unwrap().retain(|part, _| !["runs", "plans"].contains(&part.as_str()));
    told
}

/// The sets of ways with so many ways in them.
pub(crate) fn sets(is_wanted: impl Fn(usize) -> bool) -> Vec<Vec<Kind>> {
    let set =
        |bits: u32| KINDS.into_iter().enumerate().filter(move |(at, _)| bits & 1 << at != 0).map(|(_, kind)| kind);
    (1_u32..1 << KINDS.len()).map(|bits| set(bits).collect()).filter(|set: &Vec<Kind>| is_wanted(set.len())).collect()
}

/// Of a hundred requests so many fail.
pub(crate) fn shares(seeds: u64) -> &'static [u64] {
    if seeds > 0 { &[1, 5, 10, 20, 30] } else { &[30] }
}

/// A line to a server on which so many of a hundred requests fail, each in one of some ways, and how many did.
pub(crate) fn failing(server: &Sandbox, kinds: &[Kind], percent: u64, seed: u64) -> (Wire, Arc<AtomicU64>) {
    let chosen = kinds.to_vec();
    let failed = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&failed);
    let wire = Wire::to(&server.url(), move |asked| {
        let draw = draw(seed, asked.number);
        if draw % 100 >= percent {
            return Act::Pass;
        }
        counter.fetch_add(1, Ordering::Relaxed);
        match chosen[usize::try_from(draw / 100).unwrap_or_default() % chosen.len()] {
            // Of a file's bytes nobody can tell.
            Kind::WrongJson if asked.path.starts_with("/file") => Kind::HalfABody.act(asked, draw >> 40),
            kind => kind.act(asked, draw >> 40),
        }
    });
    (wire, failed)
}

/// Carries the small migration out where so many of a hundred requests fail, each in one of some ways; again where a run gave up. Gives how many requests
/// failed, and how often it was begun.
fn carried_out_among(
    calm: &Project,
    kinds: &[Kind],
    percent: u64,
    seed: u64,
    expected: &(String, Value),
) -> (u64, u64) {
    let server = Server::new(SandboxOptions::default());
    let (wire, failed) = failing(server.sandbox(), kinds, percent, seed);
    let mut project = calm.anew();
    let mut begun = 0;
    let summary = loop {
        if kinds.contains(&Timeout) {
            // A busy machine needs longer for what does not fail.
            project.options.timeout = Duration::from_millis((200 << begun).min(20_000));
        }
        begun += 1;
        match project.carry_out_at(&wire.url(), server.sandbox().token()) {
            Ok(summary) => break summary,
            Err(EngineError::Load(LoadError::Unavailable { .. })) if begun < 20 => {}
            Err(EngineError::Load(LoadError::Doubtful { .. })) if begun < 20 && kinds.contains(&WrongJson) => {}
            Err(error) => panic!("{kinds:?} at {percent} % with seed {seed}: {error}"),
        }
    };
    let here = format!("{kinds:?} at {percent} % with seed {seed}, begun {begun} times");
    assert!(server.sandbox().fingerprint().unwrap() == expected.0, "{here}: the records are others");
    let told = told(&summary.report);
    for (part, value) in expected.1.as_object().unwrap() {
        assert_eq!(told[part], *value, "{here}: the report's `{part}` is another");
    }
    (failed.load(Ordering::Relaxed), begun)
}

/// `MIGR_DRILL_SEEDS` takes every set of kinds, at 1, 5, 10, 20 and 30 of a hundred requests, so many times each; the suite takes each kind and each pair once.
#[test]
fn whatever_fails_in_whatever_combination_nothing_is_lost_and_nothing_is_doubled() {
    let calm = Project::clinic(2);
    let (fingerprint, report) = undisturbed(&calm);
    let expected = (fingerprint, told(&report));
    let seeds = number("MIGR_DRILL_SEEDS", 0);
    let sets = sets(|kinds| seeds > 0 || kinds <= 2 || kinds == KINDS.len());
    let tries: Vec<(&Vec<Kind>, u64, u64)> = (0_u64..)
        .zip(&sets)
        .flat_map(|(at, set)| {
            let each = move |share: &'static u64| (0..seeds.max(1)).map(move |seed| (set, *share, seed + 1000 * at));
            shares(seeds).iter().flat_map(each)
        })
        .collect();
    let (next, failed, begun) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    // Most of the time goes by with waiting.
    let side_by_side = if seeds > 0 { 16 } else { 4 };
    std::thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                while let Some((set, percent, seed)) = tries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let did = carried_out_among(&calm, set, *percent, *seed, &expected);
                    failed.fetch_add(did.0, Ordering::Relaxed);
                    begun.fetch_add(did.1, Ordering::Relaxed);
                }
            });
        }
    });
    eprintln!(
        "{} migrations, begun {} times, {} requests failed: lost 0, doubled 0, every report the same",
        tries.len(),
        begun.into_inner(),
        failed.into_inner()
    );
}
