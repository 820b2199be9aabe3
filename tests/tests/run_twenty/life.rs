//! Every stage of a migration's life while answers fail: audit, setup, records, links, files and references, verification, the way back.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use migr_engine::audit::{AuditError, AuditOptions, Quiet, audit};
use migr_engine::{Context, EngineError, RollbackContext, RollbackSummary, rollback, run, setup, verify};
use migr_load::LoadError;
use serde_json::{Value, json};

use crate::faults::{KINDS, Kind, failing, sets, shares, told};
use crate::project::{Project, Server, Workspace, number, runtime};
use crate::wire::{Act, Wire};

/// What each stage leaves.
#[derive(Debug, PartialEq)]
struct Left {
    audited: Value,
    written: String,
    report: Value,
    verified: String,
    went_back: [u64; 5],
    after: String,
}

/// A life over a line; a stage that gives up is begun again.
struct Life<'t> {
    project: Project,
    server: &'t Server,
    url: String,
    /// Some requests are never answered.
    is_silent: bool,
    /// Some answers say something else than what was asked.
    is_garbled: bool,
    begun: u64,
    here: String,
}

impl Life<'_> {
    fn stage<T, F>(&mut self, stage: &str, carry_out: impl Fn(Context) -> F) -> T
    where
        F: Future<Output = Result<T, EngineError>>,
    {
        for attempt in 0..20_u32 {
            if self.is_silent {
                // A busy machine needs longer for what does not fail.
                self.project.options.timeout = Duration::from_millis((200 << attempt).min(20_000));
            }
            self.begun += 1;
            let context = self.project.context_at(&self.url, self.server.sandbox().token());
            match runtime().block_on(carry_out(context)) {
                Ok(done) => return done,
                Err(EngineError::Load(LoadError::Unavailable { .. })) => {}
                Err(EngineError::Load(LoadError::Doubtful { .. })) if self.is_garbled => {}
                Err(error) => panic!("{stage}, {}: {error}", self.here),
            }
        }
        panic!("{stage}, {}: it makes no headway", self.here)
    }

    fn whole(&mut self) -> Left {
        let fingerprint = |server: &Server| server.sandbox().fingerprint().unwrap();
        let audited = self.stage("audit", async |context| audited(&context).await);
        self.stage("setup", async |context| setup(&context).await);
        let summary = self.stage("run", async |context| run(&context).await);
        let written = fingerprint(self.server);
        let verified = self.stage("verify", async |context| verify(&context, None, &mut |_| ()).await);
        let back =
            |dry_run| move |context: Context| async move { rollback(&RollbackContext::from(&context), dry_run).await };
        let looked = self.stage("rollback --dry-run", back(true));
        assert_eq!(
            fingerprint(self.server),
            written,
            "{}: looking what a rollback would do changed something",
            self.here
        );
        let done = self.stage("rollback", back(false));
        assert!(done.holds && done.complete, "{}: {done:#?}", self.here);
        Left {
            audited,
            written,
            report: told(&summary.report),
            verified: format!("{verified:?}"),
            went_back: undone(&looked),
            after: fingerprint(self.server),
        }
    }
}

fn undone(summary: &RollbackSummary) -> [u64; 5] {
    [summary.destroyed, summary.restored_fields, summary.restored_records, summary.trashed, summary.schema_removed]
}

async fn audited(context: &Context) -> Result<Value, EngineError> {
    let project = context.work.parent().unwrap();
    let options = AuditOptions {
        plan: &context.plan,
        project,
        spill: &context.work,
        destination: Some(Arc::clone(&context.destination)),
        journal: None,
        previous: None,
        salt: "salt",
        sink: None,
        attachments: None,
        preview: None,
        expected: BTreeMap::new(),
    };
    match audit(options, &Quiet).await {
        Ok(found) => Ok(json!([format!("{:?}", found.findings), format!("{:?}", found.lock)])),
        Err(AuditError::Load(error)) => Err(error.into()),
        Err(error) => panic!("{error}"),
    }
}

/// The whole life where so many of a hundred requests fail, each in one of some ways. Gives also how many requests failed, and how often a stage was begun.
fn lived(calm: &Project, workspace: &Workspace, kinds: &[Kind], percent: u64, seed: u64) -> (Left, u64, u64) {
    let server = workspace.wake();
    let (wire, failed) = failing(server.sandbox(), kinds, percent, seed);
    let mut life = Life {
        project: calm.anew(),
        server: &server,
        url: wire.url(),
        is_silent: kinds.contains(&Kind::Timeout),
        is_garbled: kinds.contains(&Kind::WrongJson),
        begun: 0,
        here: format!("{kinds:?} at {percent} % with seed {seed}"),
    };
    let left = life.whole();
    (left, failed.load(Ordering::Relaxed), life.begun)
}

#[test]
fn a_file_that_is_asked_for_and_never_comes_is_asked_for_again() {
    let server = Workspace::begun().wake();
    let mut project = Project::clinic(2);
    project.carry_out(server.sandbox()).unwrap();
    let silences = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&silences);
    let wire = Wire::to(&server.sandbox().url(), move |asked| {
        if asked.method == "GET" && asked.path.starts_with("/file") && counter.fetch_add(1, Ordering::Relaxed) == 0 {
            return Act::SilenceBefore;
        }
        Act::Pass
    });
    project.options.timeout = Duration::from_secs(2);
    let context = project.context_at(&wire.url(), server.sandbox().token());
    let summary = runtime().block_on(verify(&context, None, &mut |_| ())).unwrap();
    assert!(summary.holds, "{summary:?}");
    assert_eq!(silences.load(Ordering::Relaxed), 2, "once in vain, and once more");
}

/// `MIGR_DRILL_SEEDS` takes every set of kinds so many times, at one share after the other; the suite takes each kind once, and all together.
#[test]
fn whatever_fails_at_whatever_stage_the_whole_way_there_and_back_is_the_same() {
    let calm = Project::clinic(2);
    let workspace = Workspace::begun();
    let (expected, ..) = lived(&calm, &workspace, &KINDS, 0, 0);
    assert_eq!(expected.after, workspace.wake().sandbox().fingerprint().unwrap());
    assert_ne!(expected.written, expected.after);
    assert!(expected.went_back.iter().all(|undone| *undone > 0), "everything is gone back upon: {expected:?}");
    let seeds = number("MIGR_DRILL_SEEDS", 0);
    let sets = sets(|kinds| seeds > 0 || kinds == 1 || kinds == KINDS.len());
    let shares = shares(seeds);
    let tries: Vec<(&Vec<Kind>, u64, u64)> = (0_u64..seeds.max(1))
        .flat_map(|seed| {
            let in_turn = shares.iter().cycle().skip(usize::try_from(seed).unwrap());
            let numbered = sets.iter().zip(7000_u64..);
            numbered.zip(in_turn).map(move |((set, number), share)| (set, *share, number + 1000 * seed))
        })
        .collect();
    let (next, failed, begun) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((set, percent, seed)) = tries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (left, failures, stages) = lived(&calm, &workspace, set, *percent, *seed);
                    assert_eq!(left, expected, "{set:?} at {percent} % with seed {seed}");
                    failed.fetch_add(failures, Ordering::Relaxed);
                    begun.fetch_add(stages, Ordering::Relaxed);
                }
            });
        }
    });
    eprintln!(
        "{} lives of 6 stages, begun {} times, {} requests failed: lost 0, doubled 0, all gone back upon",
        tries.len(),
        begun.into_inner(),
        failed.into_inner()
    );
}
