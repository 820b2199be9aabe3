//! A drawn migration carried out in the test's own process: the audit's counts, the run's, and the contacts that are there then.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use migr_connect::connect;
use migr_engine::audit::{AuditOptions, Quiet, audit};
use migr_engine::{CancellationFlag, Context, RunOptions, SharedJournal, Silent, run, setup, verify};
use migr_extract::Export;
use migr_journal::{Identity, Journal, State};
use migr_load::{Deleted, Endpoint, Found, HttpOptions, Rate, Secret};
use migr_plan::Plan;
use migr_sandbox::{Sandbox, highlevel};
use migr_source::{System, SystemError};

use crate::draw::{Case, Moment};
use crate::drill::Killed;
use crate::project::runtime;

/// Counts of a stage: created, updated, unchanged, skipped, quarantined.
pub(crate) type Counts = BTreeMap<String, [u64; 5]>;

/// Outcome of a case.
pub(crate) struct Life {
    pub(crate) said: Counts,
    pub(crate) was: Counts,
    /// Ids of contacts by the client's key, where one was written or another row's record stands for it.
    pub(crate) contacts: BTreeMap<String, String>,
    pub(crate) quarantined: Vec<String>,
    /// The contacts of the location.
    pub(crate) there: Vec<Found>,
    /// Findings of verify, in words; empty where all holds.
    pub(crate) unlike: String,
    pub(crate) again: bool,
    /// Reasons of the journal, for whoever reads.
    pub(crate) reasons: String,
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
        journal: SharedJournal::new(Journal::open(&folder.join(".migr/journal.db"), &identity).unwrap()),
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
    let plan = plan(&case.spec)?;
    runtime().block_on(async {
        let options = highlevel::Options {
            before: Some(case.before.clone()),
            lag: Duration::ZERO,
            ..highlevel::Options::default()
        };
        let sandbox = highlevel::start(options).await.map_err(|error| error.to_string())?;
        let mut context = context(&plan, folder.path(), &sandbox);
        context.destination.schema().await.map_err(|error| format!("schema: {error}"))?;
        match case.moment {
            Moment::BeforeSetup => {}
            Moment::AfterSetup => set_up(&context).await?,
            Moment::AfterKill(writes) => {
                set_up(&context).await?;
                context.destination = Arc::new(Killed::after(Arc::clone(&context.destination), writes));
                // A run with fewer writes goes through.
                let _ = run(&context).await;
                drop(context);
                // What an answer named is known to the process that got it alone.
                context = self::context(&plan, folder.path(), &sandbox);
                context.destination.schema().await.map_err(|error| format!("schema: {error}"))?;
            }
            Moment::AfterRun => {
                set_up(&context).await?;
                run(&context).await.map_err(|error| format!("first run: {error}"))?;
            }
        }
        let mut before = Before::read(&context).await?;
        let said = forecast(&context).await?;
        // Businesses have no id of the program: those that a killed run made are found by their names.
        let page = context.destination.scan("businesses", Deleted::Live, None).await;
        before.ids.extend(page.map_err(|error| error.to_string())?.records.into_iter().map(|found| found.id));
        if case.moment == Moment::BeforeSetup {
            set_up(&context).await?;
        }
        run(&context).await.map_err(|error| format!("run: {error}"))?;
        let mut life = outcome(&context, &before, said).await?;
        let verified = verify(&context, None, &mut |_| ()).await.map_err(|error| format!("verify: {error}"))?;
        if !verified.holds {
            let (differences, missing, findings) = (&verified.differences, &verified.missing, &verified.findings);
            life.unlike = format!("{differences:?} {missing:?} {findings:?}");
        }
        let fingerprint = sandbox.fingerprint().unwrap();
        run(&context).await.map_err(|error| format!("second run: {error}"))?;
        life.again = sandbox.fingerprint().unwrap() != fingerprint;
        sandbox.stop().await;
        Ok(life)
    })
}

async fn set_up(context: &Context) -> Result<(), String> {
    let done = setup(context).await.map_err(|error| format!("setup: {error}"))?;
    if done.blocked == 0 { Ok(()) } else { Err(format!("setup is blocked: {:?}", done.actions)) }
}

async fn forecast(context: &Context) -> Result<Counts, String> {
    let (spill, journal) = (context.work.join("audit"), context.work.join("journal.db"));
    let options = AuditOptions {
        plan: &context.plan,
        project: context.work.parent().unwrap(),
        spill: &spill,
        destination: Some(Arc::clone(&context.destination)),
        journal: Some(&journal),
        previous: None,
        salt: "salt",
        sink: None,
        attachments: None,
        preview: None,
        expected: BTreeMap::new(),
    };
    let audit = audit(options, &Quiet).await.map_err(|error| format!("audit: {error}"))?;
    let counts = context.plan.stages.iter().map(|stage| {
        let of = audit.lock.stage(&stage.id).cloned().unwrap_or_default();
        (stage.id.clone(), [of.create, of.update, of.unchanged, of.skip, of.quarantine])
    });
    Ok(counts.collect())
}

/// State before the run: the records of the journal that were settled, and the contacts.
struct Before {
    settled: BTreeSet<(String, String)>,
    contacts: BTreeMap<String, String>,
    /// Ids of the businesses that are there.
    ids: BTreeSet<String>,
}

impl Before {
    async fn read(context: &Context) -> Result<Self, String> {
        let reader = context.journal.reader().unwrap();
        let mut settled = BTreeSet::new();
        for step in reader.steps().unwrap() {
            for row in reader.rows_after(step.id, None, 100_000).unwrap() {
                if matches!(row.mapped.state, State::Created | State::Updated | State::Unchanged) {
                    settled.insert((step.name.clone(), row.key));
                }
            }
        }
        let contacts = contacts(context).await?.into_iter().map(|it| (it.id.clone(), told(&it))).collect();
        Ok(Self { settled, contacts, ids: BTreeSet::new() })
    }
}

fn told(found: &Found) -> String {
    serde_json::to_string(&found.values).unwrap_or_default()
}

async fn contacts(context: &Context) -> Result<Vec<Found>, String> {
    let page = context.destination.scan("contacts", Deleted::Live, None).await;
    page.map(|page| page.records).map_err(|error| error.to_string())
}

async fn outcome(context: &Context, before: &Before, said: Counts) -> Result<Life, String> {
    let there = contacts(context).await?;
    let now: BTreeMap<&str, String> = there.iter().map(|it| (it.id.as_str(), told(it))).collect();
    let reader = context.journal.reader().unwrap();
    let mut was: Counts = context.plan.stages.iter().map(|stage| (stage.id.clone(), [0; 5])).collect();
    let (mut contacts, mut quarantined, mut reasons) = (BTreeMap::new(), Vec::new(), String::new());
    for step in reader.steps().unwrap() {
        let Some(counts) = was.get_mut(&step.name) else { continue };
        for row in reader.rows_after(step.id, None, 100_000).unwrap() {
            let was_settled = before.settled.contains(&(step.name.clone(), row.key.clone()));
            let place = match row.mapped.state {
                State::Created | State::Updated | State::Unchanged if was_settled => {
                    let id = row.mapped.id.as_deref().unwrap_or_default();
                    if before.contacts.get(id) == now.get(id) { 2 } else { 1 }
                }
                State::Created if row.mapped.id.as_ref().is_some_and(|id| before.ids.contains(id)) => 2,
                State::Created => 0,
                State::Updated => 1,
                State::Unchanged => 2,
                State::Skipped => 3,
                State::Quarantined => 4,
                State::Uncertain => return Err(format!("{} {} ended uncertain", step.name, row.key)),
            };
            counts[place] += 1;
            if step.name == "Client" {
                if let Some(id) = &row.mapped.id {
                    contacts.insert(row.key.clone(), id.clone());
                } else if place == 4 {
                    quarantined.push(row.key.clone());
                }
            }
        }
    }
    reader
        .remarks(|remark| {
            let _ = writeln!(reasons, "{remark:?}");
            Ok::<(), migr_journal::JournalError>(())
        })
        .unwrap();
    Ok(Life { said, was, contacts, quarantined, there, unlike: String::new(), again: false, reasons })
}
