//! Run of a plan, step by step.

use crate::opening;
use crate::wanted_schema;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use migr_deliver::{Executor, InProcess, Shared};
use migr_journal::{Change, Reader, SetupNote, findings};
use migr_load::LinkFetcher;
use migr_plan::{Step, StepKind};
use migr_report::Report;
use serde::Deserialize;
use tracing::Instrument as _;

use crate::lacking::lacking;
use crate::shared::Ended;
use crate::steps::backfill::Backfill;
use crate::steps::changes::{self, Changes};
use crate::steps::deferred::DeferredFields;
use crate::steps::links::Links;
use crate::steps::{backfill, following};
use crate::{Context, EngineError, crash, stage, stamps};
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::StageRun;
use migr_decide::steps;

/// Result of a run.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// True where the run was asked to stop; `migr run` goes on.
    pub interrupted: bool,
    /// Everything was done before: nothing was sent.
    pub nothing_to_do: bool,
    /// Records of earlier runs that were sent other values.
    pub changed: u64,
    /// Report of the run.
    pub report: Report,
}

/// Carries the plan out, in this process.
pub async fn run(context: &Context) -> Result<RunSummary, EngineError> {
    let mut executor = InProcess::new(Arc::clone(&context.destination));
    let hosts = &context.plan.source.fetch;
    if !hosts.is_empty() {
        let fetcher = LinkFetcher::new(hosts, &context.options.links)?;
        executor = executor.with_links(fetcher, context.work.clone());
    }
    run_with(context, Arc::new(executor)).await
}

/// Carries the plan out; units of work go to an executor.
pub async fn run_with(context: &Context, executor: Arc<dyn Executor>) -> Result<RunSummary, EngineError> {
    let reader = context.journal.reader()?;
    opening::same_export(context, &reader)?;
    if is_through(context, &reader)? {
        return summary(context, &reader, (false, true), 0);
    }
    is_set_up(context, &reader)?;
    opening::readable(&context.plan, &context.export)?;
    let schema = context.destination.known_schema().await?;
    let lacks = lacking(&context.plan, &schema, &*context.destination).await?;
    if !lacks.is_empty() {
        return Err(EngineError::Lacking { lacks: lacks.into_iter().map(|lack| lack.text).collect() });
    }
    let run = context.journal.lock().begin_run(&context.options.command)?;
    // What was read back, or taken back, says nothing of what is written now.
    for name in [findings::VERIFICATION, findings::ROLLBACK] {
        if reader.finding(name)?.is_some_and(|result| result != findings::NONE) {
            context.journal.write(&[Change::no_finding(name)])?;
        }
    }
    let (plan, command) = (&context.plan, &context.options.command);
    let span = tracing::info_span!("run", migration = plan.migration, destination = plan.destination.name, command);
    let changed = Arc::new(AtomicU64::new(0));
    let ended = all(context, executor, Arc::clone(&changed)).instrument(span).await;
    let word = match &ended {
        Ok(Ended::Through) => "done",
        Ok(Ended::Interrupted) => "interrupted",
        Err(_) => "stopped",
    };
    stamps::keep(context, run)?;
    context.journal.lock().end_run(word)?;
    summary(context, &reader, (ended? == Ended::Interrupted, false), changed.load(Ordering::Relaxed))
}

fn summary(
    context: &Context,
    reader: &Reader,
    (interrupted, nothing_to_do): (bool, bool),
    changed: u64,
) -> Result<RunSummary, EngineError> {
    let report = Report::read(&context.plan, reader)?;
    Ok(RunSummary { interrupted, nothing_to_do, changed, report })
}

pub(crate) fn is_through(context: &Context, reader: &Reader) -> Result<bool, EngineError> {
    for step in context.plan.steps() {
        let Some(stage) = context.plan.stage_of(&step) else { continue };
        let is_open = match step.kind {
            StepKind::Backfill => backfill::is_open(stage, reader)?,
            StepKind::Changes => changes::is_open(stage, reader)?,
            StepKind::Records | StepKind::Links(_) | StepKind::Deferred => !steps::is_done(reader, &step)?,
        };
        if is_open {
            return Ok(false);
        }
    }
    Ok(context.journal.lock().open_intents().is_empty())
}

/// Every change of the schema that the plan needs was made: else all records would be quarantined for it.
fn is_set_up(context: &Context, reader: &Reader) -> Result<(), EngineError> {
    let notes = reader.setup()?;
    let mut open = Vec::new();
    for (position, action) in context.plan.setup.iter().enumerate() {
        match notes.iter().find(|note| note.position == position) {
            Some(note) if SetupNote::is_made(&note.outcome) => {}
            Some(note) => open.push(format!("{} ({})", note.action, note.outcome)),
            None => open.push(wanted_schema::in_words(action, &context.plan.picklists)),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(EngineError::SetupOpen { open }) }
}

async fn all(context: &Context, executor: Arc<dyn Executor>, changed: Arc<AtomicU64>) -> Result<Ended, EngineError> {
    let left_open = crash::close_open(context).await?;
    let owners = Arc::new(OwnerTable::load(&context.plan, &*context.destination).await?);
    let deciding = DecisionContext::from(context);
    let mut world = opening::world(&deciding, Arc::clone(&owners))?;
    opening::existing_records(&deciding, &mut world).await?;
    audited_files(context, &world)?;
    let shared =
        Shared::new(executor, context.options.in_flight, context.options.max_failures).with_left_open(left_open);
    let mut walk = Walk { changed, ..Walk::new(deciding, shared, owners) };
    for step in context.plan.steps() {
        let ended;
        (world, ended) = walk.step(&step, world).await?;
        if ended == Ended::Interrupted {
            return Ok(ended);
        }
    }
    Ok(Ended::Through)
}

/// Way through the steps of a plan, of a run or of a forecast of one.
#[derive(Debug)]
pub(crate) struct Walk {
    context: DecisionContext,
    shared: Shared,
    owners: Arc<OwnerTable>,
    jobs: BTreeMap<String, Arc<StageRun>>,
    /// Records of earlier runs that were sent other values.
    changed: Arc<AtomicU64>,
}

impl Walk {
    /// A way that begins.
    pub(crate) fn new(context: DecisionContext, shared: Shared, owners: Arc<OwnerTable>) -> Self {
        Self { context, shared, owners, jobs: BTreeMap::new(), changed: Arc::default() }
    }

    /// Carries one step out, unless the journal has it as done.
    pub(crate) async fn step(
        &mut self,
        step: &Step,
        mut world: RecordLookup,
    ) -> Result<(RecordLookup, Ended), EngineError> {
        let context = &self.context;
        let plan = Arc::clone(&context.plan);
        let Some(stage) = plan.stage_of(step) else { return Ok((world, Ended::Through)) };
        if matches!(step.kind, StepKind::Backfill | StepKind::Changes) && !world.reader.is_open(step)? {
            return Ok((world, Ended::Through));
        }
        let name = step.to_string();
        let span = tracing::info_span!("step", step = name, object = step.object(stage));
        let id = context.outcomes.begin(stage, step)?;
        let shared = &self.shared;
        let job = match self.jobs.get(&stage.id) {
            Some(job) => Arc::clone(job),
            None => Arc::new(StageRun::new(context, stage, id)?),
        };
        match step.kind {
            StepKind::Records => {
                self.jobs.insert(stage.id.clone(), Arc::clone(&job));
                world.begin_stage(&stage.id)?;
                let (mut world, ended) = if world.reader.is_done(id)? {
                    (world, Ended::Through)
                } else {
                    stage::run(job, world, shared).instrument(span).await?
                };
                world.end_stage(&stage.id, id)?;
                Ok((world, ended))
            }
            StepKind::Links(_) => {
                let Some(index) = step.link_index(stage) else { return Ok((world, Ended::Through)) };
                let is_foreseen = context.outcomes.forecast().is_some() && job.links_follow_rows();
                if is_foreseen && !world.reader.has_records(job.step)? {
                    // Nothing but what was counted with the records.
                    return Ok((world, Ended::Through));
                }
                following::run(Links { job, index }, (name, id), world, shared).instrument(span).await
            }
            StepKind::Deferred => {
                following::run(DeferredFields { job }, (name, id), world, shared).instrument(span).await
            }
            StepKind::Changes => {
                let Some(changes) = Changes::of(job, &world.reader, Arc::clone(&self.changed))? else {
                    return Ok((world, Ended::Through));
                };
                following::run(changes, (name, id), world, shared).instrument(span).await
            }
            StepKind::Backfill => {
                let filling = Backfill::of(job, &world.reader, &self.owners)?;
                following::run(filling, (name, id), world, shared).instrument(span).await
            }
        }
    }
}

/// Takes the files of the records as an audit found them.
fn audited_files(context: &Context, world: &RecordLookup) -> Result<(), EngineError> {
    let Some(path) = &context.options.audited_files else { return Ok(()) };
    let failed = |source| EngineError::File { path: path.display().to_string(), source };
    let list = match File::open(path) {
        Ok(list) => BufReader::new(list),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    world.spill.together::<_, EngineError>(|| {
        for line in list.lines() {
            let line = line.map_err(failed)?;
            let audited: AuditedFile = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
            if let Some(hash) = audited.hash {
                world.spill.add_audited(&audited.path, &hash)?;
            }
        }
        Ok(())
    })
}

/// Line of an audit's list, as far as it matters here.
#[derive(Deserialize)]
struct AuditedFile {
    path: String,
    hash: Option<String>,
}
