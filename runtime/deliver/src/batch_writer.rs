//! Batches of one step on their way: sent several at a time, journaled in order.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use migr_journal::{
    BatchId, Change, Intent, Operation, Planned, QuarantineNote, RecordResult, RepairNote, State, StepId, findings,
};
use migr_load::{Fault, MadeBeside, Refusal};
use migr_plan::ReasonCode;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::error::DeliverError;
use crate::groups;
use crate::in_doubt::InDoubt;
use crate::in_flight::{self, Ledger};
use crate::left_open::LeftOpen;
use crate::precheck::{self, Precheck, Prepared};
use crate::shared::Shared;
use crate::{
    Attempt, Bisector, Decided, HeldRecord, OpenIntent, RecordOutcome, Unit, UnitRecord, UnitResult, WriteResult,
};
use migr_decide::field_numbers::FieldNumbers;
use migr_decide::outcome_recorder::shown;
use migr_decide::outcomes::DecisionContext;
use migr_decide::record_write::{ExistingRecord, RecordWrite};
use migr_decide::written::LINK_KEY_SEPARATOR;
use migr_decide::{Event, SharedJournal};

/// With so many bytes under way no more batches are than the options say.
const MOST_BYTES: usize = 8 << 20;
/// Bytes of a record besides its body while it is under way: its key and id, here, in the unit, and twice in the
/// journal's intent.
const BESIDE_A_BODY: usize = 600;
/// Refusals that records to come are asked about by.
const MOST_TELLING: usize = 256;

/// Treatment of a refused record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Quarantine of the record.
    Quarantine,
    /// Note of the refusal: the fields stay empty.
    Note,
    /// Note of the refusal: the fields of a record that was written before hold what they held.
    Stays,
}

/// Sends batches of one step, several at a time, and journals them in order.
#[derive(Debug)]
pub struct BatchWriter<'s> {
    pub(crate) context: &'s DecisionContext,
    pub(crate) journal: &'s SharedJournal,
    /// State that the steps of a run share: the executor of batches, and the records quarantined so far.
    pub(crate) shared: Shared,
    /// The step, by its name.
    pub(crate) name: String,
    pub(crate) step: StepId,
    pub(crate) object: String,
    /// The export's file.
    pub(crate) file: String,
    pub(crate) refused: Refused,
    fields: FieldNumbers,
    /// Batches that are journaled together.
    gathered: Vec<Prepared>,
    /// Batches whose intent is journaled and that are not sent yet.
    journaled: VecDeque<Journaled>,
    flights: VecDeque<InFlight>,
    /// Batches whose outcome is not journaled yet.
    pub(crate) open: BTreeMap<BatchId, Open>,
    /// Refused records, by whether they are new.
    refused_new: Bisector,
    refused_changes: Bisector,
    /// Refusals so far that told who is at fault: of records to come it is asked beforehand.
    telling: Vec<Refusal>,
    /// Batches that are asked about together before they are sent.
    ahead: Precheck,
    /// A batch of the step was answered.
    is_answered: bool,
    /// Records whose answers were lost, until the step's others are through.
    pub(crate) doubtful: InDoubt,
    /// Records that an earlier run sent, and whose answers never came.
    pub(crate) left_open: LeftOpen,
    /// Names of what the destination makes by itself beside the records, as they are journaled, by the finding that holds them.
    beside: BTreeMap<&'static str, BTreeSet<String>>,
    /// Reasons of the changes that were not written since somebody asked, by the record's key.
    unwritten: BTreeMap<String, String>,
    /// Outcomes that go to the disk with the next intent: one wait for the disk instead of two.
    waiting: Vec<Change>,
    error: Option<DeliverError>,
}

/// A batch whose intent is journaled, before it is sent.
#[derive(Debug)]
struct Journaled {
    batch: BatchId,
    operation: Operation,
    records: Vec<UnitRecord>,
    /// Refusals that are known beforehand, by position; none where nobody asked for them.
    faults: Option<BTreeMap<usize, Fault>>,
}

/// Records that are sent together.
#[derive(Debug)]
struct InFlight {
    operation: Operation,
    /// Batch and place of each record, and the requests that it took part in.
    places: Vec<(BatchId, usize, u32)>,
    /// Records that the pool keeps back meanwhile; none where it is not an attempt of the pool's.
    rest: Option<Vec<HeldRecord>>,
    /// Bytes of memory that the records take, about.
    bytes: usize,
    task: JoinHandle<Result<UnitResult, DeliverError>>,
}

/// A record of a batch, as what became of it is noted.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) key: String,
    line: u64,
    /// The fields that stay empty where it is refused.
    fields: Vec<String>,
}

/// A batch whose intent is journaled.
#[derive(Debug)]
pub(crate) struct Open {
    operation: Operation,
    pub(crate) subjects: Vec<Subject>,
    results: Vec<Option<WriteResult>>,
}

/// Where a sender's records go and are noted.
#[derive(Debug)]
pub struct Target<'t> {
    /// The step, by its name.
    pub name: String,
    /// The step, by its number.
    pub step: StepId,
    /// The destination object.
    pub object: &'t str,
    /// The export's file.
    pub file: &'t str,
    /// Treatment of refused records.
    pub refused: Refused,
    /// Numbers of the fields that the step writes.
    pub fields: FieldNumbers,
}

impl<'s> BatchWriter<'s> {
    /// Writer of a step's batches.
    pub fn new(context: &'s DecisionContext, journal: &'s SharedJournal, shared: &Shared, target: Target<'_>) -> Self {
        let left_open = shared.take_left_open(target.step);
        let open = |OpenIntent { intent, .. }: &OpenIntent| {
            let subject = |record: &Planned| Subject { key: record.key.clone(), line: record.line, fields: Vec::new() };
            let subjects = intent.records.iter().map(subject).collect();
            let results = vec![None; intent.records.len()];
            (intent.batch, Open { operation: intent.operation, subjects, results })
        };
        Self {
            context,
            journal,
            shared: shared.clone(),
            name: target.name,
            step: target.step,
            object: target.object.to_owned(),
            file: target.file.to_owned(),
            refused: target.refused,
            fields: target.fields,
            gathered: Vec::new(),
            journaled: VecDeque::new(),
            flights: VecDeque::new(),
            open: left_open.iter().map(open).collect(),
            refused_new: Bisector::default(),
            refused_changes: Bisector::default(),
            telling: Vec::new(),
            ahead: Precheck::default(),
            is_answered: false,
            doubtful: InDoubt::default(),
            left_open: LeftOpen::of(&left_open),
            beside: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            waiting: Vec::new(),
            error: None,
        }
    }

    /// Takes a batch, with what is journaled together with its intent. It is sent with the next [`Self::flush`].
    pub fn add(&mut self, items: Vec<RecordWrite>, operation: Operation, with: Vec<Change>) {
        let items = match operation {
            Operation::Create => self.left_open.keep(items, &mut self.doubtful.records),
            _ => items,
        };
        if items.is_empty() {
            self.waiting.extend(with);
            return;
        }
        if self.error.is_none() {
            self.gathered.push(Prepared { items, operation, with });
        }
    }

    /// Takes out of records that were found to be there those that an earlier run sent, as far as nobody knows whose they are.
    pub fn without_sent_before(&mut self, items: Vec<ExistingRecord>) -> Vec<ExistingRecord> {
        let keep = |ExistingRecord { item, deleted }: ExistingRecord| {
            let held = &mut self.doubtful.records;
            let item = if deleted { Some(item) } else { self.left_open.keep_found(item, held) };
            item.map(|item| ExistingRecord { item, deleted })
        };
        items.into_iter().filter_map(keep).collect()
    }

    /// Sends the batches that were added: their intents go to the disk together. Waits while too many are under way, and until refusals are looked into.
    pub async fn flush(&mut self) -> Result<(), DeliverError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.look_early().await?;
        self.settle_refused().await?;
        let gathered = std::mem::take(&mut self.gathered);
        if self.error.is_some() {
            return Ok(());
        }
        if self.telling.is_empty() {
            return self.begin(gathered.into_iter().map(|prepared| (prepared, None)).collect()).await;
        }
        for prepared in gathered {
            self.ahead.add(prepared);
        }
        if self.ahead.is_full() { self.send_ahead().await } else { Ok(()) }
    }

    pub(crate) async fn make_room(&mut self) -> Result<(), DeliverError> {
        while self.flights.len() >= self.in_flight() {
            self.land().await?;
        }
        Ok(())
    }

    /// Looks into refusals, where there are some.
    async fn settle_refused(&mut self) -> Result<(), DeliverError> {
        if self.refused_new.is_empty() && self.refused_changes.is_empty() { Ok(()) } else { self.settle().await }
    }

    /// Journals the intents of batches together, and sends what of them is not refused beforehand.
    async fn begin(&mut self, group: Vec<(Prepared, Option<BTreeMap<usize, Fault>>)>) -> Result<(), DeliverError> {
        let mut changes = std::mem::take(&mut self.waiting);
        let (mut opened, mut journaled) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
        self.notes(group.iter().flat_map(|(prepared, _)| &prepared.items), &mut changes);
        for (Prepared { items, operation, mut with }, faults) in group {
            let batch = self.journal.lock().next_batch();
            let (planned, names) = self.fields.planned(&*self.context.destination, &self.object, &items);
            if !names.is_empty() {
                changes.push(Change::Fields { step: self.step, names });
            }
            changes.append(&mut with);
            changes.extend(self.made_beside(&items)?);
            changes.push(Change::Intent(Intent { batch, step: self.step, operation, records: planned }));
            let results = vec![None; items.len()];
            let (mut subjects, mut records) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
            for item in items {
                subjects.push(Subject { key: item.key, line: item.line, fields: item.fields });
                records.push(UnitRecord {
                    id: item.id,
                    body: item.body,
                    held: item.before,
                    undone: item.undone,
                    uploads: item.uploads,
                });
            }
            opened.push((batch, Open { operation, subjects, results }));
            journaled.push(Journaled { batch, operation, records, faults });
        }
        self.journal.write_later(changes).await?;
        self.open.extend(opened);
        self.journaled.extend(journaled);
        self.send_journaled().await
    }

    /// The notes of what the destination will make by itself beside some records, where there is more of it than was noted.
    fn made_beside(&mut self, items: &[RecordWrite]) -> Result<Vec<Change>, DeliverError> {
        let mut all = MadeBeside::default();
        for item in items {
            let made = self.context.destination.made_beside(&self.object, &item.body);
            all.new.extend(made.new);
            all.untold.extend(made.untold);
        }
        let mut changes = Vec::new();
        for (finding, names) in [(findings::BESIDE, all.new), (findings::BESIDE_UNTOLD, all.untold)] {
            if names.is_empty() {
                continue;
            }
            let noted = match self.beside.entry(finding) {
                Entry::Occupied(noted) => noted.into_mut(),
                Entry::Vacant(place) => place.insert(findings::beside(&self.journal.reader()?, finding)?),
            };
            let before = noted.len();
            noted.extend(names);
            if noted.len() > before {
                changes.push(Change::finding(finding, serde_json::to_string(noted).unwrap_or_default()));
            }
        }
        Ok(changes)
    }

    /// Sends the batches whose intents are journaled, while nothing speaks against it: the others are noted as not sent in the end.
    async fn send_journaled(&mut self) -> Result<(), DeliverError> {
        loop {
            self.make_room().await?;
            self.settle_refused().await?;
            if self.error.is_some() || self.context.cancellation.is_cancelled() {
                return Ok(());
            }
            self.shared.within_limit()?;
            if !self.telling.is_empty() && self.journaled.iter().any(|journaled| journaled.faults.is_none()) {
                self.ask_about_journaled().await;
                continue;
            }
            let Some(Journaled { batch, operation, records, faults }) = self.journaled.pop_front() else {
                return Ok(());
            };
            let mut faults = faults.unwrap_or_default();
            let (mut sent, mut places) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
            let mut decided = Vec::new();
            for (position, record) in records.into_iter().enumerate() {
                let fault = faults.remove(&position);
                if let Some(result) = fault.and_then(|fault| crate::result(&record, fault, 0)) {
                    decided.push(Decided { batch, position, result });
                } else {
                    places.push((batch, position, 0));
                    sent.push(record);
                }
            }
            self.fly(operation, sent, places, None);
            let decided = self.adopt(decided).await?;
            self.decide(decided);
        }
    }

    /// Asks about the batches that are journaled and not sent, now that refusals tell what is refused.
    async fn ask_about_journaled(&mut self) {
        let asked = self.journaled.iter().map(|journaled| {
            (journaled.operation, journaled.records.iter().map(UnitRecord::suspect).collect::<Vec<_>>())
        });
        let asked: Vec<_> = asked.collect();
        match precheck::faults(&*self.context.destination, &self.object, &self.messages(), &asked).await {
            Ok(faults) => {
                for (journaled, faults) in self.journaled.iter_mut().zip(faults) {
                    journaled.faults = Some(faults);
                }
            }
            Err(error) => self.error = Some(error.into()),
        }
    }

    /// The refusals that told who is at fault, in their words.
    fn messages(&self) -> Vec<String> {
        self.telling.iter().map(|refusal| refusal.message.clone()).collect()
    }

    pub(crate) fn fly(
        &mut self,
        operation: Operation,
        records: Vec<UnitRecord>,
        places: Vec<(BatchId, usize, u32)>,
        rest: Option<Vec<HeldRecord>>,
    ) {
        let Some((batch, ..)) = places.first() else { return };
        let bytes = records.iter().map(|record| record.body.text().len() + BESIDE_A_BODY).sum();
        let unit = Unit { step: self.name.clone(), batch: batch.0, operation, object: self.object.clone(), records };
        let executor = Arc::clone(&self.shared.executor);
        let (number, records) = (unit.batch, unit.records.len());
        let (step, operation_name) = (&self.name, operation.as_str());
        let span =
            tracing::debug_span!("batch", number, step, operation = operation_name, object = self.object, records);
        let ledger = unit.has_files().then(|| self.ledger(&places));
        let task = tokio::spawn(async move { in_flight::fly(&*executor, unit, ledger).await }.instrument(span));
        self.flights.push_back(InFlight { operation, places, rest, bytes, task });
    }

    pub(crate) fn ledger(&self, places: &[(BatchId, usize, u32)]) -> Ledger {
        let subject = |(batch, position, _): &(BatchId, usize, u32)| {
            let subject = self.open.get(batch)?.subjects.get(*position)?;
            Some((subject.key.clone(), subject.line))
        };
        Ledger {
            journal: self.journal.clone(),
            step: self.step,
            file: self.file.clone(),
            subjects: places.iter().map(subject).collect(),
        }
    }

    fn pool(&mut self, operation: Operation) -> &mut Bisector {
        if operation == Operation::Update { &mut self.refused_changes } else { &mut self.refused_new }
    }

    /// Lands everything and finds out who of the refused records is at fault; the others are written.
    pub(crate) async fn settle(&mut self) -> Result<(), DeliverError> {
        loop {
            let allowed = self.shared.within_limit();
            for operation in [Operation::Create, Operation::Update] {
                while self.error.is_none() && allowed.is_ok() {
                    let is_flying = self.is_flying();
                    let Some(Attempt { records, rest }) = self.pool(operation).next(is_flying) else { break };
                    let (places, records) = records
                        .into_iter()
                        .map(|held| ((held.batch, held.position, held.attempts), held.record))
                        .unzip();
                    self.fly(operation, records, places, Some(rest));
                    self.make_room().await?;
                }
            }
            if self.is_flying() {
                self.land().await?;
                continue;
            }
            if self.error.is_some() || (self.refused_new.is_empty() && self.refused_changes.is_empty()) {
                return Ok(());
            }
            if allowed.is_err() {
                self.leave_the_rest();
                return allowed;
            }
            let context = self.context;
            let object = self.object.clone();
            for operation in [Operation::Create, Operation::Update] {
                let is_new = operation == Operation::Create;
                let explained = self.pool(operation).explain(&*context.destination, &object, is_new).await;
                match explained {
                    Ok(explained) => {
                        let decided = self.adopt(explained.decided).await?;
                        self.decide(decided);
                        self.learn(explained.telling);
                    }
                    // The intents stay open: the next run asks for the ids.
                    Err(error) => self.error = Some(error.into()),
                }
            }
        }
    }

    /// Journals what is known of the open batches. Everything that was sent was answered: what has no result was not written.
    fn leave_the_rest(&mut self) {
        self.leave_in_doubt();
        for (batch, open) in std::mem::take(&mut self.open) {
            self.outcome(batch, &open);
        }
    }

    fn learn(&mut self, telling: Vec<Refusal>) {
        for refusal in telling {
            if self.telling.len() < MOST_TELLING && !self.telling.contains(&refusal) {
                self.telling.push(refusal);
            }
        }
    }

    /// Asks about the batches that were held back, and sends them.
    async fn send_ahead(&mut self) -> Result<(), DeliverError> {
        let held = self.ahead.take();
        let faults = match held.faults(&*self.context.destination, &self.object, &self.messages()).await {
            Ok(faults) => faults,
            Err(error) => {
                self.error = Some(error.into());
                return Ok(());
            }
        };
        let mut batches = held.batches.into_iter().zip(faults.into_iter().map(Some)).peekable();
        while batches.peek().is_some() && self.journaled.is_empty() && self.error.is_none() {
            self.begin(batches.by_ref().take(groups::TOGETHER).collect()).await?;
        }
        Ok(())
    }

    /// Batches under way at most, those included that wait for their turn at the destination's pace.
    fn in_flight(&self) -> usize {
        let stated = self.shared.in_flight.max(1);
        let bytes: usize = self.flights.iter().map(|flight| flight.bytes).sum();
        // What the first answer refuses need not be sent in many batches: each would be refused too.
        let is_wide = self.is_answered && bytes <= MOST_BYTES;
        if is_wide { stated.max(self.context.destination.width()) } else { stated }
    }

    /// Journals something with the next intent.
    pub fn remember(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.waiting.extend(changes);
    }

    /// Notes what was repaired and who is missing in some records.
    pub fn notes<'i>(&self, items: impl Iterator<Item = &'i RecordWrite> + Clone, changes: &mut Vec<Change>) {
        let repairs: Vec<RepairNote> = items.clone().flat_map(|item| item.repairs.iter().cloned()).collect();
        if !repairs.is_empty() {
            changes.push(Change::Repairs { step: self.step, repairs });
        }
        let orphans: Vec<_> = items.flat_map(|item| item.orphans.iter().cloned()).collect();
        if !orphans.is_empty() {
            changes.push(Change::Orphans { step: self.step, orphans });
        }
    }

    /// True where something concerns every record, so that nothing more is worth sending.
    pub fn has_stopped(&self) -> bool {
        self.error.is_some()
    }

    /// Waits for the oldest batch under way. Dropped while it waits, it loses nothing.
    pub async fn land(&mut self) -> Result<(), DeliverError> {
        let Some(first) = self.flights.front_mut() else { return Ok(()) };
        let executed = (&mut first.task).await.map_err(|error| DeliverError::Worker { what: error.to_string() });
        let Some(flight) = self.flights.pop_front() else { return Ok(()) };
        self.is_answered = true;
        let UnitResult { results, unresolved, doubtful, attempts, stopped } = match executed? {
            Ok(executed) => executed,
            // Its intents stay open: the next run asks for the ids.
            Err(error) => {
                self.error = Some(error);
                return Ok(());
            }
        };
        let mut decided = Vec::with_capacity(results.len());
        for ((batch, position, before), result) in flight.places.iter().zip(results) {
            let after =
                |result: WriteResult| Decided { batch: *batch, position: *position, result: result.after(*before) };
            decided.extend(result.map(after));
        }
        self.doubtful.hold(doubtful, &flight.places, attempts);
        let refused = crate::refused(unresolved, &flight.places, attempts);
        self.pool(flight.operation).landed(refused, flight.rest);
        self.decide(decided);
        if let Some(error) = stopped {
            self.error.get_or_insert(error.into());
        }
        Ok(())
    }

    /// Notes results; a batch whose records all have theirs is journaled.
    pub(crate) fn decide(&mut self, decided: Vec<Decided>) {
        let mut touched: Option<BatchId> = None;
        for Decided { batch, position, result } in decided {
            if touched.is_some_and(|touched| touched != batch) {
                self.close(touched);
            }
            touched = Some(batch);
            if !result.is_written() && result.outcome != RecordOutcome::Unsent && self.refused == Refused::Quarantine {
                self.shared.failures.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(slot) = self.open.get_mut(&batch).and_then(|open| open.results.get_mut(position)) {
                *slot = Some(result);
            }
        }
        self.close(touched);
    }

    /// Journals batches of which nothing more will be known, unless some of their records are in doubt.
    pub(crate) fn close_as_they_are(&mut self, batches: BTreeSet<BatchId>) {
        for batch in batches {
            if self.doubtful.records.iter().any(|held| held.batch == batch) {
                continue;
            }
            if let Some(open) = self.open.remove(&batch) {
                self.outcome(batch, &open);
            }
        }
    }

    fn close(&mut self, batch: Option<BatchId>) {
        let Some(batch) = batch else { return };
        if !self.open.get(&batch).is_some_and(|open| open.results.iter().all(Option::is_some)) {
            return;
        }
        if let Some(open) = self.open.remove(&batch) {
            self.outcome(batch, &open);
        }
    }

    fn outcome(&mut self, batch: BatchId, open: &Open) {
        let Open { operation, subjects, results: known } = open;
        let written = if *operation == Operation::Update { State::Updated } else { State::Created };
        let mut results = Vec::with_capacity(known.len());
        let mut quarantine = Vec::new();
        let mut repairs = Vec::new();
        for (Subject { key, line, fields }, result) in subjects.iter().zip(known) {
            let Some(WriteResult { outcome, attempts }) = result else {
                results.push(RecordResult::default());
                continue;
            };
            let (state, id, reason) = match outcome {
                RecordOutcome::Unsent => {
                    results.push(RecordResult::default());
                    continue;
                }
                RecordOutcome::Written { id } => (written, id.clone(), None),
                RecordOutcome::Adopted { changed: true } => (State::Updated, None, None),
                RecordOutcome::There { .. } | RecordOutcome::Adopted { changed: false } => {
                    (State::Unchanged, None, None)
                }
                RecordOutcome::Refused(reason) => (State::Quarantined, None, Some(reason)),
                RecordOutcome::Uncertain(reason) => (State::Uncertain, None, Some(reason)),
            };
            results.push(RecordResult { state: Some(state), attempts: *attempts, reason: reason.cloned(), id });
            let Some(reason) = reason else { continue };
            let (code, reason) = match state {
                State::Uncertain => (ReasonCode::Q502, crate::uncertain(reason)),
                _ => (ReasonCode::Q501, format!("the destination refused it: {reason}")),
            };
            if self.refused == Refused::Stays {
                self.unwritten.insert(key.clone(), reason.clone());
            }
            match self.refused {
                Refused::Quarantine => quarantine.push(QuarantineNote {
                    key: key.clone(),
                    source_key: shown(key),
                    file: self.file.clone(),
                    line: *line,
                    field: None,
                    reason,
                    code: Some(code.to_string()),
                }),
                Refused::Note | Refused::Stays => repairs.extend(fields.iter().map(|field| RepairNote {
                    code: Some(
                        if self.refused == Refused::Stays { ReasonCode::R205 } else { ReasonCode::R301 }.to_string(),
                    ),
                    key: key.split(LINK_KEY_SEPARATOR).next().unwrap_or_default().to_owned(),
                    file: self.file.clone(),
                    line: *line,
                    field: field.clone(),
                    reason: match self.refused {
                        Refused::Stays => format!("left as it was written: {reason}"),
                        _ => format!("left empty: {reason}"),
                    },
                })),
            }
        }
        let refused = quarantine.len() as u64;
        let written = known.iter().flatten().filter(|result| result.is_written()).count() as u64;
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

    /// Waits for all that is under way, looks into what was refused, and journals it. What was held back is sent too, unless somebody asked to stop.
    pub async fn finish(&mut self) -> Result<(), DeliverError> {
        let settled = self.finish_sending().await;
        for Journaled { batch, .. } in std::mem::take(&mut self.journaled) {
            if let Some(open) = self.open.remove(&batch) {
                self.outcome(batch, &open);
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.journal.write_later(waiting).await?;
        settled?;
        match self.error.take() {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    async fn finish_sending(&mut self) -> Result<(), DeliverError> {
        if !self.context.cancellation.is_cancelled() {
            self.flush().await?;
        }
        self.settle().await?;
        while !self.ahead.is_empty() && self.error.is_none() && !self.context.cancellation.is_cancelled() {
            self.send_ahead().await?;
            self.settle().await?;
        }
        if self.error.is_none() {
            self.look_behind().await?;
        }
        Ok(())
    }

    /// Changes that were not written since the last such question, with the reasons, by the record's key: of a step whose refused records stay as they are.
    pub fn take_unwritten(&mut self) -> BTreeMap<String, String> {
        std::mem::take(&mut self.unwritten)
    }

    /// True where something is under way.
    pub fn is_flying(&self) -> bool {
        !self.flights.is_empty()
    }
}
