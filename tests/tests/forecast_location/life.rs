//! A drawn migration carried out in the test's own process: what an audit says of the next run, what that run does, and what a rollback leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use migr_connect::connect;
use migr_engine::audit::{
    Audit, AuditOptions, Finding, FindingSink, PreviewEntry, PreviewSink, Quiet, audit as audited,
};
use migr_engine::{
    CancellationFlag, Context, RollbackContext, RunOptions, SharedJournal, Silent, VerifySummary, rollback, run, setup,
    verify,
};
use migr_extract::Export;
use migr_journal::{Identity, Journal as JournalFile};
use migr_load::{Endpoint, HttpOptions, Rate, Secret};
use migr_plan::Plan;
use migr_sandbox::{Sandbox, highlevel};
use migr_source::{System, SystemError};
use serde_json::Value;

use crate::draw::{Case, Moment};
use crate::drill::Killed;
use crate::facts::{Journal, Store};
use crate::project::runtime;
use crate::store;

/// Word of an audit on a location.
pub(crate) struct Forecast {
    pub(crate) audit: Audit,
    pub(crate) findings: Vec<Finding>,
    pub(crate) preview: Vec<PreviewEntry>,
    /// The plan's last line, once it is counted.
    pub(crate) line: String,
}

/// Outcome of the run behind it.
pub(crate) struct Outcome {
    pub(crate) store_before: Store,
    pub(crate) store: Store,
    pub(crate) journal_before: Journal,
    pub(crate) journal: Journal,
    pub(crate) verified: VerifySummary,
    /// Changes of another run, in words; empty where it changed nothing.
    pub(crate) again: String,
}

/// A forecast with what came of it.
pub(crate) struct Life {
    pub(crate) plan: Plan,
    pub(crate) forecast: Forecast,
    pub(crate) outcome: Outcome,
    /// Differences between the location before the migration and after its rollback.
    pub(crate) left: Vec<String>,
}

/// Collects what an audit says of single records.
struct Sink<T>(Vec<T>);

impl FindingSink for Sink<Finding> {
    fn finding(&mut self, finding: &Finding) -> std::io::Result<()> {
        self.0.push(finding.clone());
        Ok(())
    }
}

impl PreviewSink for Sink<PreviewEntry> {
    fn entry(&mut self, entry: &PreviewEntry) -> std::io::Result<()> {
        self.0.push(entry.clone());
        Ok(())
    }
}

struct Disk(String);

impl System for Disk {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        let missing = || SystemError { path: path.to_owned(), reason: "it is not there".to_owned() };
        (path == "migration.migr").then(|| Arc::from(self.0.as_str())).ok_or_else(missing)
    }

    fn migr_files(&self, _folder: &str) -> Result<Vec<String>, SystemError> {
        Ok(vec!["migration.migr".to_owned()])
    }

    fn exists(&self, path: &str) -> bool {
        path == "migration.migr"
    }
}

fn plan(spec: &str) -> Result<Plan, String> {
    let disk = Disk(spec.to_owned());
    let compiled =
        migr_driver::compile(&migr_driver::Project { system: &disk, entry: None, destination: None, lock: None });
    compiled.plan.ok_or_else(|| format!("it does not compile: {:#?}", compiled.diagnostics))
}

fn context(plan: &Plan, folder: &Path, sandbox: &Sandbox) -> Context {
    let settings = [("location", highlevel::Options::default().location), ("settle", "0".to_owned())];
    let options = HttpOptions {
        attempts: 12,
        back_off: Duration::from_millis(5),
        longest_back_off: Duration::from_millis(50),
        timeout: Duration::from_secs(20),
        rate: Some(Rate { requests: 1_000_000, per_seconds: 1, burst: None }),
        allowances: false,
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..HttpOptions::default()
    };
    let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
    let hash = plan.without_reach().hash().unwrap();
    let identity = Identity { migration: &plan.migration, destination: &plan.destination.name, plan_hash: &hash };
    Context {
        plan: Arc::new(plan.clone()),
        export: Arc::new(Export::open(plan, folder).unwrap()),
        destination: Arc::from(connect(plan, endpoint, options).unwrap()),
        journal: SharedJournal::new(JournalFile::open(&folder.join(".migr/journal.db"), &identity).unwrap()),
        progress: Arc::new(Silent),
        cancellation: CancellationFlag::default(),
        options: RunOptions::default(),
        work: folder.join(".migr"),
    }
}

/// Carries a case out. An error is one that no migration may end with.
pub(crate) fn live(case: &Case) -> Result<Life, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("export")).unwrap();
    for (name, text) in &case.files {
        std::fs::write(folder.path().join("export").join(name), text).unwrap();
    }
    for (name, text) in case.named {
        let path = folder.path().join("export").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let plan = plan(&case.spec)?;
    let state = folder.path().join("location.db");
    runtime().block_on(async {
        let options = highlevel::Options {
            state: Some(state.clone()),
            before: Some(case.before.clone()),
            lag: Duration::ZERO,
            ..highlevel::Options::default()
        };
        let sandbox = highlevel::start(options).await.map_err(|error| error.to_string())?;
        let begun = store::everything(&state);
        let context = before(case, &plan, folder.path(), &sandbox).await?;
        let journal = |context: &Context| Journal::read(&context.journal.reader().unwrap());
        let store_before = store::read(&state, &plan);
        let mut journal_before = journal(&context);
        let forecast = forecast(&context).await?;
        if store::read(&state, &plan) != store_before {
            return Err("an audit changed the location".to_owned());
        }
        if case.moment == Moment::BeforeSetup {
            set_up(&context).await?;
        }
        run(&context).await.map_err(|error| format!("run: {error}"))?;
        let store = store::read(&state, &plan);
        let verified = verify(&context, None, &mut |_| ()).await.map_err(|error| format!("verify: {error}"))?;
        let journal = journal(&context);
        let arrived = arrived(&journal_before, &journal, &store_before, &plan);
        journal_before.unanswered.extend(arrived);
        let fingerprint = sandbox.fingerprint().unwrap();
        let second = run(&context).await.map_err(|error| format!("second run: {error}"))?;
        let mut again = Vec::new();
        if !second.nothing_to_do {
            again.push("it found something to do");
        }
        if sandbox.fingerprint().unwrap() != fingerprint {
            again.push("it changed the location");
        }
        let again = again.join(", ");
        let back = rollback(&RollbackContext::from(&context), false).await;
        let back = back.map_err(|error| format!("rollback: {error}"))?;
        let mut left = differences(&begun, &store::everything(&state));
        if !left.is_empty() {
            left.push(format!("{back:?}"));
        }
        sandbox.stop().await;
        let outcome = Outcome { store_before, store, journal_before, journal, verified, again };
        Ok(Life { plan, forecast, outcome, left })
    })
}

/// Brings a migration to the moment of its audit.
async fn before(case: &Case, plan: &Plan, folder: &Path, sandbox: &Sandbox) -> Result<Context, String> {
    let open = || async {
        let context = context(plan, folder, sandbox);
        context.destination.schema().await.map_err(|error| format!("schema: {error}"))?;
        Ok::<_, String>(context)
    };
    let mut context = open().await?;
    match case.moment {
        Moment::BeforeSetup => {}
        Moment::AfterSetup => set_up(&context).await?,
        Moment::AfterKill(writes) => {
            set_up(&context).await?;
            context.destination = Arc::new(Killed::after(Arc::clone(&context.destination), writes));
            // A run with fewer writes goes through.
            let _ = run(&context).await;
            drop(context);
            // An id that an answer named is known to the process that got it alone.
            return open().await;
        }
        Moment::AfterRun => {
            set_up(&context).await?;
            run(&context).await.map_err(|error| format!("first run: {error}"))?;
        }
    }
    Ok(context)
}

/// Records that were there before the run, though nobody was told of their ids.
fn arrived(before: &Journal, after: &Journal, there: &Store, plan: &Plan) -> BTreeMap<(String, String), String> {
    let object = |step: &str| plan.stages.iter().find(|stage| stage.id == step).map(|stage| &stage.destination_object);
    let known = |((step, _), key): (&(String, String), &String)| {
        let id = after.get(step, key)?.id.clone()?;
        there.get(object(step)?, &id).map(|_| ((step.clone(), id), key.clone()))
    };
    before.unanswered.iter().filter_map(known).collect()
}

/// Differences between what a location held and what it holds, in words.
fn differences(
    begun: &BTreeMap<(String, String), serde_json::Map<String, Value>>,
    now: &BTreeMap<(String, String), serde_json::Map<String, Value>>,
) -> Vec<String> {
    let mut found = Vec::new();
    let places: BTreeSet<_> = begun.keys().chain(now.keys()).collect();
    for place in places {
        match (begun.get(place), now.get(place)) {
            (Some(_), None) => found.push(format!("{} {} is gone", place.0, place.1)),
            (None, Some(body)) => found.push(format!("{} {} is left: {}", place.0, place.1, Value::from(body.clone()))),
            (Some(before), Some(after)) => {
                let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
                for key in keys.into_iter().filter(|key| before.get(*key) != after.get(*key)) {
                    let (before, after) = (shown(before.get(key)), shown(after.get(key)));
                    found.push(format!("{} {} {key}: {before} → {after}", place.0, place.1));
                }
            }
            (None, None) => {}
        }
    }
    found
}

async fn set_up(context: &Context) -> Result<(), String> {
    let done = setup(context).await.map_err(|error| format!("setup: {error}"))?;
    if done.blocked == 0 { Ok(()) } else { Err(format!("setup is blocked: {:?}", done.actions)) }
}

async fn forecast(context: &Context) -> Result<Forecast, String> {
    let (mut findings, mut preview) = (Sink(Vec::new()), Sink(Vec::new()));
    let (spill, journal) = (context.work.join("audit"), context.work.join("journal.db"));
    let options = AuditOptions {
        plan: &context.plan,
        project: context.work.parent().unwrap(),
        spill: &spill,
        destination: Some(Arc::clone(&context.destination)),
        journal: Some(&journal),
        previous: None,
        salt: "salt",
        sink: Some(&mut findings),
        attachments: None,
        preview: Some(&mut preview),
        expected: BTreeMap::new(),
    };
    let audit = audited(options, &Quiet).await.map_err(|error| format!("audit: {error}"))?;
    let mut plan = (*context.plan).clone();
    if !migr_plan::lock::count(&mut plan, &audit.lock) {
        return Err("the plan does not take the audit's lock".to_owned());
    }
    let whole = migr_plan::render::terminal(&plan, &migr_plan::render::View::default());
    let line = whole.lines().last().unwrap_or_default().to_owned();
    Ok(Forecast { audit, findings: findings.0, preview: preview.0, line })
}

/// A value of a record as a person would write it.
pub(crate) fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}
