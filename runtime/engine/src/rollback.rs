//! The journal backwards: what was created is destroyed, what was changed gets back what it held.
//!
//! Every step of it is journaled, and what to do is decided by what the destination holds now: a rollback that was killed can be run again.

mod beside;
mod created;
mod doubt;
mod revert;
mod schema;
mod set_aside;
mod summary;
mod theirs;
mod trash;
mod twins;
mod workflows;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use migr_journal::{BatchId, Change, Intent, Operation, Planned, Reader, RecordResult, State, StepRow, findings};
use migr_load::{Deleted, Destination, Found, LoadError};
use migr_plan::{Plan, RollbackClass, Stage, Step, StepKind};

use crate::{Context, EngineError};
use migr_decide::{CancellationFlag, Event, Progress, SharedJournal};

pub use set_aside::set_journal_aside;
pub use summary::{KeptField, NotUndone, RollbackSummary};
pub use theirs::ChangedPolicy;
use theirs::Theirs;

/// Context of a rollback: neither the export nor the plan that the journal was written by.
#[derive(Clone, Debug)]
pub struct RollbackContext {
    /// The destination.
    pub destination: Arc<dyn Destination>,
    /// The journal of what was done.
    pub journal: SharedJournal,
    /// The plan, for its order and the reasons that it gives for what cannot be undone.
    pub plan: Option<Arc<Plan>>,
    /// Progress that is told.
    pub progress: Arc<dyn Progress>,
    /// Flag that asks the rollback to stop.
    pub cancellation: CancellationFlag,
    /// Policy for created records that others changed or refer to since.
    pub changed: ChangedPolicy,
    /// Records that were there already, by ids of ours, when the journal was begun are destroyed too.
    pub adopted: bool,
    /// The one map that is taken back, with every map whose records depend on its; all of them where absent.
    pub map: Option<String>,
}

impl From<&Context> for RollbackContext {
    fn from(context: &Context) -> Self {
        Self {
            destination: Arc::clone(&context.destination),
            journal: context.journal.clone(),
            plan: Some(Arc::clone(&context.plan)),
            progress: Arc::clone(&context.progress),
            cancellation: context.cancellation.clone(),
            changed: ChangedPolicy::default(),
            adopted: false,
            map: None,
        }
    }
}

/// Stages whose records go with those of a map: its own, and those that refer to one of them.
fn with_dependants(plan: &Plan, map: &str) -> BTreeSet<String> {
    let mut stages: BTreeSet<String> =
        plan.stages.iter().filter(|stage| stage.map == map || stage.id == map).map(|stage| stage.id.clone()).collect();
    loop {
        let more: Vec<String> = plan
            .stages
            .iter()
            .filter(|stage| !stages.contains(&stage.id) && stage.edges.iter().any(|edge| stages.contains(&edge.on)))
            .map(|stage| stage.id.clone())
            .collect();
        if more.is_empty() {
            return stages;
        }
        stages.extend(more);
    }
}

/// Goes back to the state before, and checks that it is reached. With `dry_run` nothing is sent and nothing is journaled.
pub async fn rollback(context: &RollbackContext, dry_run: bool) -> Result<RollbackSummary, EngineError> {
    context.destination.known_schema().await?;
    let reader = context.journal.reader()?;
    let mut steps = in_order(reader.steps()?, context.plan.as_deref());
    let mut maps = Vec::new();
    if let Some(map) = &context.map {
        let plan = context.plan.as_deref();
        let stages = plan.map(|plan| with_dependants(plan, map)).unwrap_or_default();
        if stages.is_empty() {
            return Err(EngineError::NoMap { map: map.clone() });
        }
        let taken = plan.into_iter().flat_map(|plan| &plan.stages).filter(|stage| stages.contains(&stage.id));
        maps = taken.map(|stage| stage.map.clone()).collect();
        steps.retain(|row| stages.contains(Step::stage_of(&row.name)));
    }
    let mut back = Back {
        context: context.clone(),
        reader: Mutex::new(reader),
        steps,
        summary: RollbackSummary { dry_run, maps, ..RollbackSummary::default() },
        changed_restored: BTreeSet::new(),
        theirs: Theirs::new(),
        going: Theirs::new(),
        carriers: BTreeSet::new(),
    };
    if dry_run {
        back.all().await?;
        return Ok(back.summary.closed());
    }
    let command = context.map.as_ref().map_or_else(|| "rollback".to_owned(), |map| format!("rollback --map {map}"));
    context.journal.lock().begin_run(&command)?;
    let ended = back.all().await;
    back.summary.left |= ended.is_err();
    let summary = back.summary.closed();
    let word = match &ended {
        Ok(()) if summary.interrupted => "interrupted",
        Ok(()) => "done",
        Err(_) => "stopped",
    };
    let value = serde_json::to_string(&summary.report()).unwrap_or_default();
    // What was read back before says nothing of what is there now.
    let mut changes = vec![Change::finding(findings::ROLLBACK, value), Change::no_finding(findings::VERIFICATION)];
    if ended.is_ok() && summary.complete && context.map.is_some() {
        // What is left of them is how records ended that are there no more.
        changes.extend(back.steps.iter().map(|step| Change::Reset { step: step.id }));
    }
    context.journal.write_later(changes).await?;
    context.journal.lock().end_run(word)?;
    ended.map(|()| summary)
}

/// Links and deferred fields before records, later stages before earlier ones.
fn in_order(mut steps: Vec<StepRow>, plan: Option<&Plan>) -> Vec<StepRow> {
    let place = |step: &Step| plan?.stages.iter().position(|known| known.id == step.stage);
    steps.reverse();
    steps.sort_by_key(|row| {
        let step = Step::parse(&row.name);
        (step.kind == StepKind::Records, Reverse(place(&step)))
    });
    steps
}

/// A rollback at work.
#[derive(Debug)]
struct Back {
    context: RollbackContext,
    reader: Mutex<Reader>,
    /// In the order in which they are rolled back.
    steps: Vec<StepRow>,
    summary: RollbackSummary,
    /// Object and id of records that came out of the trash and were changed by a person since.
    changed_restored: BTreeSet<(String, String)>,
    /// Created records that others changed or refer to since, and that are left.
    theirs: Theirs,
    /// Created records that others changed or refer to since, and that go: a person has decided so.
    going: Theirs,
    /// Object and id of records that were there before and keep what goes with them alone.
    carriers: BTreeSet<(String, String)>,
}

impl Back {
    async fn all(&mut self) -> Result<(), EngineError> {
        self.classes();
        self.list_twins().await?;
        self.close_doubts().await?;
        let watch = self.watch_workflows().await?;
        // Before anything is destroyed: what is destroyed empties references to it.
        let refused = self.revert_all().await?;
        // Where the destination shows less than it should, nothing is destroyed on its word.
        if self.summary.missing > 0 && self.context.changed == ChangedPolicy::List {
            return Ok(());
        }
        let theirs = self.find_theirs().await?;
        *(if self.context.changed == ChangedPolicy::Destroy { &mut self.going } else { &mut self.theirs }) = theirs;
        self.destroy_created().await?;
        // A unique value may have been freed by what was destroyed.
        self.revert_again(refused).await?;
        self.trash_restored().await?;
        self.list_workflows(watch).await?;
        if self.context.map.is_some() {
            return Ok(());
        }
        self.remove_beside().await?;
        self.undo_schema().await
    }

    /// Notes what the plan knew beforehand to be irreversible.
    fn classes(&mut self) {
        let Some(plan) = self.context.plan.clone() else { return };
        for stage in plan.stages.iter().filter(|stage| stage.rollback.class == RollbackClass::Irreversible) {
            let reason = stage.rollback.reason.clone();
            let why = reason.unwrap_or_else(|| "the plan says that it cannot be undone".to_owned());
            self.summary.not_undoable(Some(&stage.id), why);
        }
        let is_taken_back = |stage: &&Stage| self.context.map.as_ref().is_none_or(|map| *map == stage.map);
        let partly = plan.stages.iter().filter(|stage| stage.rollback.class == RollbackClass::BestEffort);
        for reason in partly.filter(is_taken_back).filter_map(|stage| stage.rollback.reason.clone()) {
            if !self.summary.stays.contains(&reason) {
                self.summary.stays.push(reason);
            }
        }
    }

    fn is_dry(&self) -> bool {
        self.summary.dry_run
    }

    /// True where the rollback is to stop here.
    fn stops(&mut self) -> bool {
        self.summary.interrupted |= self.context.cancellation.is_cancelled();
        self.summary.interrupted
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self) -> usize {
        self.context.destination.capabilities().batch_size.max(1)
    }

    /// Records by id. An object that is gone has none.
    async fn fetch(&self, object: &str, ids: &[String], deleted: Deleted) -> Result<Vec<Found>, EngineError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        match self.context.destination.fetch(object, ids, deleted).await {
            Err(LoadError::Missing { .. }) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }

    /// Notes what is about to be done.
    async fn intend(
        &self,
        step: &StepRow,
        operation: Operation,
        records: Vec<Planned>,
    ) -> Result<BatchId, EngineError> {
        let batch = self.context.journal.lock().next_batch();
        let intent = Intent { batch, step: step.id, operation, records };
        self.context.journal.write_later(vec![Change::Intent(intent)]).await?;
        Ok(batch)
    }

    /// Notes what was done, and forgets the records that are as before.
    async fn done(
        &self,
        step: &StepRow,
        batch: BatchId,
        results: Vec<RecordResult>,
        keys: Vec<String>,
    ) -> Result<(), EngineError> {
        let records = keys.len() as u64;
        let mut changes = vec![Change::Outcome { batch, results, quarantine: Vec::new() }];
        if !keys.is_empty() {
            changes.push(Change::TakenBack { step: step.id, keys });
        }
        self.context.journal.write_later(changes).await?;
        if records > 0 {
            self.context.progress.event(Event::TakenBack { step: step.name.clone(), records });
        }
        Ok(())
    }
}

/// Result of one record of a rollback's batch. The journal asks for a state; the operation says what it means.
fn result(happened: bool, reason: Option<String>) -> RecordResult {
    RecordResult { state: happened.then_some(State::Updated), attempts: 1, reason, id: None }
}
