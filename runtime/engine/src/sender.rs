use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use migr_journal::{BatchId, Change, Intent, Operation, QuarantineNote, RecordResult, RepairNote, State, StepId};
use migr_load::LoadError;
use tokio::task::JoinHandle;

use crate::aside::shown;
use crate::executor::{Executor, Fate, Unit, UnitRecord};
use crate::item::Item;
use crate::{Context, EngineError, Event};

/// With so many bytes under way no more batches are than the options say.
const MOST_BYTES: usize = 8 << 20;
/// What a record takes besides its body while it is under way: its key and id, here, in the unit, and twice in the journal's intent.
const BESIDE_A_BODY: usize = 600;

/// What a refused record becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is set aside.
    Quarantine,
    /// Its record stays as it is, and the refusal is noted.
    Note,
}

/// Sends batches of one step, several at a time, and journals them in order.
#[derive(Debug)]
pub(crate) struct Sender<'s> {
    pub(crate) context: &'s Context,
    pub(crate) executor: Arc<dyn Executor>,
    /// The step, by its name.
    pub(crate) name: String,
    pub(crate) step: StepId,
    pub(crate) object: String,
    /// The export's file.
    pub(crate) file: String,
    pub(crate) refused: Refused,
    /// Records set aside in this run, all steps together.
    pub(crate) failures: Arc<AtomicU64>,
    flights: VecDeque<Flight>,
    /// Outcomes that go to the disk with the next intent: one wait for the disk instead of two.
    waiting: Vec<Change>,
    error: Option<LoadError>,
}

#[derive(Debug)]
struct Flight {
    batch: BatchId,
    operation: Operation,
    subjects: Vec<(String, u64)>,
    /// What it takes in memory, about.
    bytes: usize,
    task: JoinHandle<Result<Vec<Fate>, LoadError>>,
}

/// Where a sender's records go and are noted.
#[derive(Debug)]
pub(crate) struct Target<'t> {
    pub(crate) name: String,
    pub(crate) step: StepId,
    pub(crate) object: &'t str,
    pub(crate) file: &'t str,
    pub(crate) refused: Refused,
}

impl<'s> Sender<'s> {
    pub(crate) fn new(
        context: &'s Context,
        executor: Arc<dyn Executor>,
        failures: Arc<AtomicU64>,
        target: Target<'_>,
    ) -> Self {
        Self {
            context,
            executor,
            failures,
            name: target.name,
            step: target.step,
            object: target.object.to_owned(),
            file: target.file.to_owned(),
            refused: target.refused,
            flights: VecDeque::new(),
            waiting: Vec::new(),
            error: None,
        }
    }

    /// Sends a batch, with what is journaled together with its intent. Waits while too many are under way.
    pub(crate) async fn send(
        &mut self,
        items: Vec<Item>,
        operation: Operation,
        mut with: Vec<Change>,
    ) -> Result<(), EngineError> {
        while self.flights.len() >= self.in_flight() {
            self.land().await?;
        }
        if self.error.is_some() || items.is_empty() {
            return Ok(());
        }
        let batch = self.context.journal.lock().next_batch();
        let records = items.iter().map(Item::planned).collect();
        let mut changes = std::mem::take(&mut self.waiting);
        self.notes(&items, &mut changes);
        changes.append(&mut with);
        changes.push(Change::Intent(Intent { batch, step: self.step, operation, records }));
        self.context.journal.write_later(changes).await?;
        let bytes = items.iter().map(|item| item.size + BESIDE_A_BODY).sum();
        let subjects = items.iter().map(|item| (item.key.clone(), item.line)).collect();
        let records =
            items.into_iter().map(|item| UnitRecord { id: item.id, body: item.body, uploads: item.uploads }).collect();
        let unit = Unit { step: self.name.clone(), batch: batch.0, operation, object: self.object.clone(), records };
        let executor = Arc::clone(&self.executor);
        let task = tokio::spawn(async move { executor.execute(unit).await });
        self.flights.push_back(Flight { batch, operation, subjects, bytes, task });
        Ok(())
    }

    /// Batches under way at most, those included that wait for their turn at the destination's pace.
    fn in_flight(&self) -> usize {
        let stated = self.context.options.in_flight.max(1);
        let bytes: usize = self.flights.iter().map(|flight| flight.bytes).sum();
        if bytes > MOST_BYTES { stated } else { stated.max(self.context.destination.width()) }
    }

    /// Journals something with the next intent.
    pub(crate) fn remember(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.waiting.extend(changes);
    }

    /// Notes what was repaired and who is missing in some records.
    pub(crate) fn notes(&self, items: &[Item], changes: &mut Vec<Change>) {
        let repairs: Vec<RepairNote> = items.iter().flat_map(|item| item.repairs.iter().cloned()).collect();
        if !repairs.is_empty() {
            changes.push(Change::Repairs { step: self.step, repairs });
        }
        let orphans: Vec<_> = items.iter().flat_map(|item| item.orphans.iter().cloned()).collect();
        if !orphans.is_empty() {
            changes.push(Change::Orphans { step: self.step, orphans });
        }
    }

    /// Whether something concerns every record, so that nothing more is worth sending.
    pub(crate) fn has_stopped(&self) -> bool {
        self.error.is_some()
    }

    /// Waits for the oldest batch under way. Dropped while it waits, it loses nothing.
    pub(crate) async fn land(&mut self) -> Result<(), EngineError> {
        let Some(first) = self.flights.front_mut() else { return Ok(()) };
        let fates = (&mut first.task).await.map_err(|error| EngineError::Worker { what: error.to_string() });
        let Some(flight) = self.flights.pop_front() else { return Ok(()) };
        match fates? {
            Ok(fates) => self.outcome(flight.batch, flight.operation, &flight.subjects, &fates),
            // Its intent stays open: the next run asks for the ids.
            Err(error) => self.error = Some(error),
        }
        Ok(())
    }

    fn outcome(&mut self, batch: BatchId, operation: Operation, subjects: &[(String, u64)], fates: &[Fate]) {
        let written = if operation == Operation::Update { State::Updated } else { State::Created };
        let mut results = Vec::with_capacity(fates.len());
        let mut quarantine = Vec::new();
        let mut repairs = Vec::new();
        for ((key, line), fate) in subjects.iter().zip(fates) {
            let state = if fate.refused.is_some() { State::Quarantined } else { written };
            results.push(RecordResult { state: Some(state), attempts: fate.attempts, reason: fate.refused.clone() });
            let Some(reason) = &fate.refused else { continue };
            let reason = format!("the destination refused it: {reason}");
            match self.refused {
                Refused::Quarantine => quarantine.push(QuarantineNote {
                    key: key.clone(),
                    source_key: shown(key),
                    file: self.file.clone(),
                    line: *line,
                    field: None,
                    reason,
                }),
                Refused::Note => {
                    let field = self.name.rsplit('.').next().unwrap_or_default().to_owned();
                    let key = key.split('\u{1e}').next().unwrap_or_default().to_owned();
                    repairs.push(RepairNote { key, file: self.file.clone(), line: *line, field, reason });
                }
            }
        }
        let refused = quarantine.len() as u64;
        let written = fates.iter().filter(|fate| fate.refused.is_none()).count() as u64;
        self.failures.fetch_add(refused, Ordering::Relaxed);
        self.waiting.push(Change::Outcome { batch, results, quarantine });
        if !repairs.is_empty() {
            self.waiting.push(Change::Repairs { step: self.step, repairs });
        }
        if written > 0 {
            self.context.tell(Event::Written { step: self.name.clone(), records: written });
        }
        if refused > 0 {
            self.context.tell(Event::SetAside { step: self.name.clone(), records: refused });
        }
    }

    /// Waits for all that is under way and journals it.
    pub(crate) async fn finish(&mut self) -> Result<(), EngineError> {
        while !self.flights.is_empty() {
            self.land().await?;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.context.journal.write_later(waiting).await?;
        match self.error.take() {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }

    /// Whether something is under way.
    pub(crate) fn is_flying(&self) -> bool {
        !self.flights.is_empty()
    }
}
