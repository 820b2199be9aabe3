//! A drawn migration carried out in the test's own process: what an audit says of the next run, and what that run does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use migr_engine::audit::{
    Audit, AuditOptions, Finding, FindingSink, PreviewEntry, PreviewSink, Quiet, audit as audited,
};
use migr_engine::{Context, VerifySummary, run, setup, verify};
use migr_load::{Destination, NewRecord, Schema};
use migr_plan::Plan;
use migr_sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use tempfile::TempDir;

use crate::case::{Case, Held, Moment};
use crate::drill::{Killed, body};
use crate::facts::{Journal, Store};
use crate::project::{Project, Server, runtime};

/// What an audit says.
pub(crate) struct Forecast {
    pub(crate) audit: Audit,
    pub(crate) findings: Vec<Finding>,
    pub(crate) preview: Vec<PreviewEntry>,
    /// The plan's last line, once it is counted.
    pub(crate) line: String,
}

/// What came of the run behind it.
pub(crate) struct Outcome {
    pub(crate) store_before: Store,
    pub(crate) store: Store,
    pub(crate) journal_before: Journal,
    pub(crate) journal: Journal,
    pub(crate) verified: VerifySummary,
    /// What another run changed, in words; empty where it changed nothing.
    pub(crate) again: String,
}

/// A forecast with what came of it.
pub(crate) struct Life {
    pub(crate) plan: Plan,
    pub(crate) forecast: Forecast,
    pub(crate) outcome: Outcome,
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

/// What is carried out: a project's files, and what the destination holds before.
pub(crate) struct Trial<'t> {
    pub(crate) files: Vec<(String, String)>,
    pub(crate) held: &'t [Held],
    pub(crate) moment: Moment,
    pub(crate) batch: u64,
}

impl<'t> From<&'t Case> for Trial<'t> {
    fn from(case: &'t Case) -> Self {
        Self { files: case.files(), held: &case.held, moment: case.moment, batch: case.batch }
    }
}

/// A workspace with members, and nothing else: each case begins with a copy of its file.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = Some(folder.path().join("workspace.db"));
        runtime().block_on(async {
            let sandbox = migr_sandbox::start(SandboxOptions { state, ..SandboxOptions::default() }).await.unwrap();
            sandbox.stop().await;
        });
        Self { folder }
    }

    fn wake(&self, folder: &Path) -> (Server, PathBuf) {
        let state = folder.join("workspace.db");
        std::fs::copy(self.folder.path().join("workspace.db"), &state).unwrap();
        (Server::new(SandboxOptions { state: Some(state.clone()), ..SandboxOptions::default() }), state)
    }
}

/// The trial's project, in a folder of its own.
fn project(trial: &Trial<'_>) -> Project {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &trial.files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let spec = folder.path().to_owned();
    Project::at(folder, &spec, trial.batch)
}

/// Carries a case out. An error is one that no migration may end with.
pub(crate) fn live(workspace: &Workspace, case: &Trial<'_>) -> Result<Life, String> {
    let project = project(case);
    let (server, state) = workspace.wake(project.path());
    let sandbox = server.sandbox();
    runtime().block_on(async {
        before(&project, sandbox, case).await?;
        let context = project.context(sandbox);
        let journal = |context: &Context| Journal::read(&context.journal.reader().unwrap());
        let store_before = Store::read(&state);
        let journal_before = journal(&context);
        let forecast = forecast(&context).await?;
        if Store::read(&state) != store_before {
            return Err("an audit changed the destination".to_owned());
        }
        if case.moment == Moment::BeforeSetup {
            set_up(&context).await?;
        }
        run(&context).await.map_err(|error| format!("run: {error}"))?;
        let store = Store::read(&state);
        let verified = verify(&context, None, &mut |_| ()).await.map_err(|error| format!("verify: {error}"))?;
        let journal = journal(&context);
        let fingerprint = sandbox.fingerprint().unwrap();
        let second = run(&context).await.map_err(|error| format!("second run: {error}"))?;
        let mut again = Vec::new();
        if !second.nothing_to_do {
            again.push("it found something to do");
        }
        if sandbox.fingerprint().unwrap() != fingerprint {
            again.push("it changed the destination");
        }
        let again = again.join(", ");
        let outcome = Outcome { store_before, store, journal_before, journal, verified, again };
        Ok(Life { plan: (*context.plan).clone(), forecast, outcome })
    })
}

/// Brings a migration to the moment of its audit.
async fn before(project: &Project, sandbox: &Sandbox, case: &Trial<'_>) -> Result<(), String> {
    let mut context = project.context(sandbox);
    let schema = context.destination.schema().await.map_err(|error| format!("schema: {error}"))?;
    if case.moment == Moment::AfterSetup {
        set_up(&context).await?;
    }
    hold(&*context.destination, &schema, case.held).await?;
    match case.moment {
        Moment::BeforeSetup | Moment::AfterSetup => {}
        Moment::AfterKill(writes) => {
            set_up(&context).await?;
            context.destination = Arc::new(Killed::after(Arc::clone(&context.destination), writes));
            // A run with fewer writes goes through.
            let _ = run(&context).await;
        }
        Moment::AfterRun => {
            set_up(&context).await?;
            run(&context).await.map_err(|error| format!("first run: {error}"))?;
        }
    }
    Ok(())
}

async fn set_up(context: &Context) -> Result<(), String> {
    let done = setup(context).await.map_err(|error| format!("setup: {error}"))?;
    if done.blocked == 0 { Ok(()) } else { Err(format!("setup is blocked: {:?}", done.actions)) }
}

/// Makes records as others would.
async fn hold(destination: &dyn Destination, schema: &Schema, held: &[Held]) -> Result<(), String> {
    let held: Vec<&Held> = held.iter().filter(|one| schema.objects.contains_key(one.object)).collect();
    for batch in held.chunk_by(|one, next| one.object == next.object).flat_map(|same| same.chunks(60)) {
        let records: Vec<NewRecord> = batch
            .iter()
            .map(|one| NewRecord { id: one.id.clone(), parent: None, body: body(one.body.clone()).into() })
            .collect();
        let made = destination.create(batch[0].object, &records).await;
        made.map_err(|error| format!("{}: {error:?}", batch[0].object))?;
    }
    for one in held.iter().filter(|one| one.trashed) {
        let id = std::slice::from_ref(&one.id);
        destination.trash(one.object, id).await.map_err(|error| format!("trash: {error}"))?;
    }
    Ok(())
}

/// How many requests an audit sends.
pub(crate) fn requests_of_an_audit(workspace: &Workspace, trial: &Trial<'_>) -> Result<u64, String> {
    let project = project(trial);
    let (server, _) = workspace.wake(project.path());
    runtime().block_on(async {
        before(&project, server.sandbox(), trial).await?;
        let context = project.context(server.sandbox());
        let asked = server.sandbox().request_count();
        forecast(&context).await?;
        Ok(server.sandbox().request_count() - asked)
    })
}

/// Whether setup or the run refuses a migration before it changes anything; else what it did.
pub(crate) fn is_refused(workspace: &Workspace, trial: &Trial<'_>) -> Result<(), String> {
    let project = project(trial);
    let (server, _) = workspace.wake(project.path());
    let fingerprint = || server.sandbox().fingerprint().unwrap();
    runtime().block_on(async {
        before(&project, server.sandbox(), trial).await?;
        let context = project.context(server.sandbox());
        let begun = fingerprint();
        let refused = match set_up(&context).await {
            Ok(()) => run(&context).await.map(drop).map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        match refused {
            Ok(()) => Err("it was carried out".to_owned()),
            Err(_) if fingerprint() == begun => Ok(()),
            Err(error) => Err(format!("it changed the destination before it was refused: {error}")),
        }
    })
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
