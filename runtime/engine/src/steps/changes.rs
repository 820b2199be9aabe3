//! Changes of written records: what spec and export say now, where that is not what was written. Nothing is asked about records that are as they should be by
//! what the journal knows of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use migr_deliver::Refused;
use migr_journal::{Change, Operation, Reader, RepairNote, State, StepId, Written, WrittenReader};
use migr_load::{Body, Found, Map};
use migr_plan::{ReasonCode, Stage, Step};

use crate::EngineError;
use crate::stamps::{Stamps, is_changed};
use crate::step_writer::StepWriter;
use crate::steps::deferred::updated;
use crate::steps::exchange::is_unique;
use crate::steps::exchanging::{Portion, held_by, stays};
use crate::steps::following::{HandOn, Later};
use migr_decide::changes::{differences, failed_since};
use migr_decide::conflict_policy::ConflictPolicy;
use migr_decide::conflicts::{ChangedRecord, FieldDecision, decide};
use migr_decide::digests::HeldBeside;
use migr_decide::expected::{Derivation, Derived, Expected, Sample};
use migr_decide::families::LEFT_EMPTY;
use migr_decide::identities::unique_path;
use migr_decide::merging;
use migr_decide::outcomes::{Knowledge, Outcomes};
use migr_decide::parts::added;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::record_write::{FieldChange, RecordWrite};
use migr_decide::stage_run::StageRun;
use migr_decide::steps;
use migr_decide::taken;
use migr_decide::there::{before_update, held, in_words, stamped};
use migr_transform::Value;

/// Records that exchange values which one alone may hold, settled together.
pub(super) const EXCHANGING: usize = 2_000;

/// The journal keeps under this name and the stage's the fields that records which were there before are looked at for though nothing was written to them.
const LOOKS: &str = "looks.";

/// True where written records are to be brought to what spec and export say. No run begins this by itself.
pub(crate) fn is_open(stage: &Stage, reader: &Reader) -> Result<bool, EngineError> {
    Ok(match steps::find(reader, &Step::changes(&stage.id))? {
        Some(step) => !reader.is_done(step)?,
        None => false,
    })
}

/// The note of the fields that a stage's records which were there before are looked at for though nothing was written to them.
pub(crate) fn looks_note(stage: &str, fields: &[String]) -> Change {
    Change::finding(&format!("{LOOKS}{stage}"), serde_json::to_string(fields).unwrap_or_default())
}

/// Fields that changes which were begun and are not through look at.
pub(crate) fn looks_under_way(stage: &Stage, reader: &Reader) -> Result<Vec<String>, EngineError> {
    if is_open(stage, reader)? { looks_noted(stage, reader) } else { Ok(Vec::new()) }
}

fn looks_noted(stage: &Stage, reader: &Reader) -> Result<Vec<String>, EngineError> {
    let noted = reader.finding(&format!("{LOOKS}{}", stage.id))?;
    Ok(noted.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Indices of the fields of a stage by these names.
pub(crate) fn indices(stage: &Stage, fields: &[String]) -> Vec<usize> {
    let named = stage.fields.iter().enumerate().filter(|(_, field)| fields.contains(&field.field));
    named.map(|(index, _)| index).collect()
}

/// Steps that write records of a stage.
#[derive(Clone, Debug)]
pub(crate) struct WritingSteps {
    /// Steps that were begun.
    pub(crate) all: Vec<StepId>,
    deferred: Option<StepId>,
    backfill: Option<StepId>,
    changes: Option<StepId>,
}

impl WritingSteps {
    /// As a journal has them.
    pub(crate) fn of(job: &StageRun, known: &Knowledge) -> Result<Self, EngineError> {
        let deferred = known.find(&Step::deferred(&job.stage.id))?;
        let backfill = known.find(&Step::backfill(&job.stage.id))?;
        let changes = known.find(&Step::changes(&job.stage.id))?;
        let all = [Some(job.step), deferred, backfill, changes].into_iter().flatten().collect();
        Ok(Self { all, deferred, backfill, changes })
    }

    /// Steps of a stage that write its records, as far as a journal has them.
    pub(crate) fn of_stage(stage: &Stage, reader: &Reader) -> Result<Vec<StepId>, EngineError> {
        Self::of_id(&stage.id, reader)
    }

    /// The same of a stage's id.
    pub(crate) fn of_id(id: &str, reader: &Reader) -> Result<Vec<StepId>, EngineError> {
        let mut all = Vec::new();
        for step in [Step::records(id), Step::deferred(id), Step::backfill(id), Step::changes(id)] {
            all.extend(steps::find(reader, &step)?);
        }
        Ok(all)
    }

    /// Derivation of what the stage's records should hold.
    pub(crate) fn derivation(&self, job: Arc<StageRun>, looks: Vec<usize>) -> Derivation {
        Derivation {
            job,
            second: self.deferred,
            filled: self.backfill,
            changed: self.changes,
            leaves_conflicts: false,
            looks,
            sample: Sample::All,
            tells: true,
        }
    }
}

/// Values that a record which was there before held in the fields that were written to it.
pub(crate) fn held_before(job: &StageRun, world: &RecordLookup, record: &Expected) -> Result<Map, EngineError> {
    if record.taking.is_none() {
        return Ok(Map::new());
    }
    let image = world.reader.before_image(job.step, &record.id, Operation::Update)?;
    Ok(image.and_then(|image| serde_json::from_str(&image.image).ok()).unwrap_or_default())
}

/// Goes through the written records of a stage.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(super) job: Arc<StageRun>,
    steps: WritingSteps,
    looks: Vec<usize>,
    pub(super) policy: ConflictPolicy,
    stamps: Stamps,
    journal: std::path::PathBuf,
    /// Records that were sent other values, counted.
    changed: Arc<AtomicU64>,
    /// Records that wait for later ones to give up what they are to get.
    pub(super) waiting: Mutex<Vec<ChangedRecord>>,
}

/// Records that are to change, and notes about those that cannot.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    records: Vec<ChangedRecord>,
    notes: Vec<RepairNote>,
    /// True where the records are to get other values of those that one record alone may hold: they are settled together.
    are_exchanging: bool,
    /// True where no record follows.
    is_last: bool,
}

impl Later for Changes {
    type Batch = Gathered;

    fn job(&self) -> &StageRun {
        &self.job
    }

    fn object(&self) -> &str {
        &self.job.stage.destination_object
    }

    fn refused(&self) -> Refused {
        Refused::Stays
    }

    fn produce(&self, world: &RecordLookup, _: StepId, hand_on: &mut HandOn<'_, Gathered>) -> Result<(), EngineError> {
        let job = &*self.job;
        let size = job.context.destination.capabilities().batch_size.max(1);
        let written = WrittenReader::new(Reader::open(&self.journal)?);
        let (mut gathered, mut exchanging) = (Gathered::default(), Vec::new());
        let (mut failed, mut are_waiting) = (Ok(()), false);
        self.steps.derivation(Arc::clone(&self.job), self.looks.clone()).produce(world, &mut |derived| {
            let taken = self.take(world, &written, derived, &mut gathered);
            if taken.is_err() {
                failed = taken;
                return false;
            }
            exchanging.extend(gathered.records.extract_if(.., |record| is_unique(job, record)));
            if exchanging.len() >= EXCHANGING {
                are_waiting = true;
                if !hand_on(Gathered::exchanging(std::mem::take(&mut exchanging), false)) {
                    return false;
                }
            }
            let is_full = gathered.records.len() >= size || gathered.notes.len() >= size;
            !is_full || in_batches(size, std::mem::take(&mut gathered), hand_on)
        })?;
        failed?;
        if in_batches(size, gathered, hand_on) && (are_waiting || !exchanging.is_empty()) {
            hand_on(Gathered::exchanging(exchanging, true));
        }
        Ok(())
    }

    fn bytes(_: &Gathered) -> usize {
        // Their bodies are made once the destination was asked.
        0
    }

    async fn send(&self, step: StepId, sender: &mut StepWriter<'_>, batch: Gathered) -> Result<(), EngineError> {
        let Gathered { records, notes, are_exchanging, is_last } = batch;
        let mut records = records;
        if are_exchanging {
            let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            records.splice(0..0, waiting);
        }
        let capabilities = self.job.context.destination.capabilities();
        let mut ids: Vec<String> = records.iter().map(|record| record.expected.id.clone()).collect();
        ids.sort_unstable();
        let mut found: BTreeMap<String, (Found, bool)> = BTreeMap::new();
        for ids in ids.chunks(capabilities.batch_size.max(1)) {
            let there = self.job.context.destination.fetch_written(self.object(), ids).await?;
            found.extend(there.into_iter().map(|there| {
                let is_touched = is_changed(&self.stamps, self.object(), &there);
                (there.id.clone(), (there, is_touched))
            }));
        }
        if !are_exchanging {
            drop(sender.take_unwritten());
            return self.write((step, sender), (records.iter(), notes), &found, Portion::Whole);
        }
        self.exchange((step, sender), records, &found, is_last).await
    }
}

/// Values of a record without the members that its lists had before the migration.
fn given(held: &Map, before: &Map) -> Map {
    let ours = |(key, value): (&String, &serde_json::Value)| {
        let theirs = before.get(key).and_then(serde_json::Value::as_array);
        let is_ours = |item: &&serde_json::Value| theirs.is_none_or(|theirs| !theirs.contains(item));
        let value = match value.as_array() {
            Some(items) => items.iter().filter(is_ours).cloned().collect(),
            None => value.clone(),
        };
        (key.clone(), value)
    };
    held.iter().map(ours).collect()
}

/// A record that a crash kept from being noted as changed.
fn answered_before(known: &Knowledge, step: StepId, record: &Expected) -> Result<Option<RecordWrite>, EngineError> {
    let was_sent = known.before_image(step, &record.id, Operation::Update)?.is_some();
    let is_noted = known.id_of(step, &record.key)?.is_some();
    Ok((was_sent && !is_noted).then(|| RecordWrite::new(record.key.clone(), record.line, record.id.clone())))
}

/// Hands records on, at most so many together; false when nobody takes them any more.
fn in_batches(size: usize, gathered: Gathered, hand_on: &mut HandOn<'_, Gathered>) -> bool {
    let Gathered { mut records, notes, .. } = gathered;
    let mut notes = Some(notes).filter(|notes| !notes.is_empty());
    while !records.is_empty() || notes.is_some() {
        let rest = records.split_off(records.len().min(size));
        let records = std::mem::replace(&mut records, rest);
        if !hand_on(Gathered { records, notes: notes.take().unwrap_or_default(), ..Gathered::default() }) {
            return false;
        }
    }
    true
}

impl Gathered {
    fn exchanging(records: Vec<ChangedRecord>, is_last: bool) -> Self {
        Self { records, notes: Vec::new(), are_exchanging: true, is_last }
    }
}

impl Changes {
    /// Goes through a stage whose records are through; none in a forecast without a journal.
    pub(crate) fn of(
        job: Arc<StageRun>,
        known: &Knowledge,
        changed: Arc<AtomicU64>,
    ) -> Result<Option<Self>, EngineError> {
        let steps = WritingSteps::of(&job, known)?;
        let (reader, path, stamps) = match &job.context.outcomes {
            Outcomes::Journal(journal) => {
                let reader = journal.reader()?;
                let stamps = Stamps::of_earlier_runs(&reader)?;
                (reader, journal.lock().path().to_owned(), stamps)
            }
            Outcomes::Forecast(forecast) => {
                let (Some(reader), Some(path)) = (forecast.reader()?, forecast.journal()) else { return Ok(None) };
                // No run is under way that wrote anything.
                let stamps = Stamps::read(&reader)?;
                (reader, path.to_owned(), stamps)
            }
        };
        Ok(Some(Self {
            steps,
            looks: indices(&job.stage, &looks_noted(&job.stage, &reader)?),
            policy: ConflictPolicy::of(&job.context.plan),
            stamps,
            journal: path,
            job,
            changed,
            waiting: Mutex::default(),
        }))
    }

    fn take(
        &self,
        world: &RecordLookup,
        written: &WrittenReader,
        derived: Derived,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        match derived {
            Derived::Records(records) => {
                for mut expected in records {
                    let of = written.of(&self.steps.all, &expected.key)?;
                    self.tell(world, &mut expected, &of, gathered)?;
                    let held = held_before(&self.job, world, &expected)?;
                    let differences = differences(&self.job, &expected, &of, &held, &self.looks);
                    let mapped = world.reader.id_of(self.job.step, &expected.key)?;
                    let Some(mapped) = mapped.filter(|_| !differences.is_empty()) else { continue };
                    gathered.records.push(ChangedRecord {
                        state: mapped.state,
                        expected,
                        differences,
                        written: of,
                        held,
                    });
                }
            }
            Derived::Links(..) => {}
            Derived::Fails { key, line, reason } => gathered.notes.push(RepairNote {
                code: Some(ReasonCode::R205.to_string()),
                key,
                file: self.job.file.clone(),
                line,
                field: String::new(),
                reason: format!("left as it was written: its values cannot be derived any more: {reason}"),
            }),
        }
        Ok(())
    }

    /// Notes the values of a record that written rules leave out or replace now, and those that give way where several rows are the record, unless they are noted.
    fn tell(
        &self,
        world: &RecordLookup,
        expected: &mut Expected,
        written: &Written,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let mut told = std::mem::take(&mut expected.told);
        if !told.is_empty() {
            let kept = failed_since(&self.job, expected, written).into_iter();
            let kept: Vec<&str> = kept.filter_map(|at| Some(self.job.stage.fields.get(at)?.field.as_str())).collect();
            for note in told.iter_mut().filter(|note| kept.contains(&note.field.as_str())) {
                if let Some(why) = note.reason.strip_suffix(LEFT_EMPTY) {
                    note.reason = format!("{why}what was written before stays");
                }
            }
        }
        let lost = std::mem::take(&mut expected.lost);
        if let Some(forecast) = self.job.context.outcomes.forecast() {
            let mut of: BTreeMap<(&String, u64), Vec<FieldChange>> = BTreeMap::new();
            // Changes of the record's own row are told with the record.
            for (key, line, change) in lost.iter().filter(|(key, ..)| *key != expected.key) {
                of.entry((key, *line)).or_default().push(change.clone());
            }
            for ((key, line), changes) in of {
                forecast.loses(self.job.step, (key, line), &changes)?;
            }
        } else {
            let notes = lost
                .into_iter()
                .map(|(key, line, change)| merging::gave_way(&self.job, (key, line), change.field, &expected.key));
            told.extend(notes);
        }
        gathered.notes.extend(world.reader.without_noted(&self.steps.all, told)?);
        Ok(())
    }

    /// Hands the records of a batch to the writer.
    pub(super) fn write<'r>(
        &self,
        (step, sender): (StepId, &mut StepWriter<'_>),
        (records, mut notes): (impl Iterator<Item = &'r ChangedRecord>, Vec<RepairNote>),
        found: &BTreeMap<String, (Found, bool)>,
        portion: Portion<'_>,
    ) -> Result<(), EngineError> {
        let (mut items, mut images, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
        let (known, mut answered, mut newly) = (self.job.context.outcomes.knowledge()?, Vec::new(), 0);
        for record in records {
            let Some(there) = found.get(&record.expected.id) else {
                let why = "it is in the destination no more; nothing was written".to_owned();
                notes.push(self.note(record, "", (ReasonCode::R205, why)));
                continue;
            };
            let (body, fields) = self.body(record, there, portion, &mut notes);
            let values = &there.0.values;
            let mut held = held(values, &body);
            let undone = self.taken_away(record, (values, &held), &body, &mut notes);
            let changes = self.foreseen(record, there, portion, &undone)?;
            if body.is_empty() {
                if !portion.is_ahead() {
                    answered.extend(answered_before(&known, step, &record.expected)?);
                }
                continue;
            }
            self.foresees_holding(&there.0, &body);
            // Going back destroys what was created.
            if record.state != State::Created {
                let image = stamped(&*self.job.context.destination, &held, values);
                // Of a list that is added to the image says what it comes to hold.
                let (destination, object) = (&self.job.context.destination, self.object());
                let comes_to = added(&body, values, &undone, |key| destination.is_added_to(object, key));
                images.push(before_update(step, (&record.expected.key, &record.expected.id), &image, &comes_to));
            }
            held.extend(portion.emptied(&record.expected.id).cloned().unwrap_or_default());
            newly += u64::from(portion.counts(&record.expected.id));
            let item = RecordWrite {
                fields,
                changes,
                undone: Body::from(&undone),
                before: Body::from(&held).digest(),
                ..RecordWrite::new(record.expected.key.clone(), record.expected.line, record.expected.id.clone())
            };
            let item = item.with_body(Body::from(body));
            if record.state == State::Unchanged {
                unchanged.push(RecordWrite::new(item.key.clone(), item.line, item.id.clone()));
            }
            items.push(item);
        }
        if !notes.is_empty() {
            sender.remember([Change::Repairs { step, repairs: notes }]);
        }
        if !images.is_empty() {
            sender.remember([Change::Before(images)]);
        }
        sender.remember(updated(step, &answered.iter().collect::<Vec<_>>()));
        sender.remember(updated(self.job.step, &unchanged.iter().collect::<Vec<_>>()));
        self.changed.fetch_add(newly, Ordering::Relaxed);
        if items.is_empty() { Ok(()) } else { sender.send(items, Operation::Update, Vec::new()) }
    }

    /// Tells a forecast which values that one record alone may hold a record comes to hold, or gives up.
    fn foresees_holding(&self, there: &Found, body: &Map) {
        let (job, object) = (&self.job, self.object());
        let Some(forecast) = job.context.outcomes.forecast().filter(|_| taken::is_asked(job)) else { return };
        let mut after = there.values.clone();
        after.extend(body.clone());
        for path in job.stage.fields.iter().filter_map(unique_path) {
            let of = |values: &Map| job.context.destination.unique_value(object, &path, values);
            let value = of(&after);
            if value != of(&there.values) {
                forecast.holds(object, &there.id, &path, value);
            }
        }
    }

    /// The native values that a record gets, with the names of their fields; what is not written is noted.
    fn body(
        &self,
        record: &ChangedRecord,
        (there, is_touched): &(Found, bool),
        portion: Portion<'_>,
        notes: &mut Vec<RepairNote>,
    ) -> (Map, Vec<String>) {
        let (mut body, mut fields) = (Map::new(), Vec::new());
        for (field, decision) in decide(&self.job, record, (&there.values, *is_touched)) {
            let native = decision.written(self.policy);
            if !portion.takes(&there.id, &field.field) {
                // A record that is refused for another field keeps this one too.
                fields.extend(native.filter(|_| portion.is_ahead()).map(|_| field.field.clone()));
                continue;
            }
            notes.extend(decision.note(self.policy).map(|reason| self.note(record, &field.field, reason)));
            if let Some(holder) = portion.holder(&there.id, &field.field) {
                if !portion.is_emptied(&there.id, &field.field) {
                    notes.push(self.note(record, &field.field, (ReasonCode::R205, stays(&held_by(holder)))));
                }
            } else if let Some(native) = native {
                // The outcome of a record that was emptied is noted by the step that emptied it.
                fields.extend(Some(&field.field).filter(|field| !portion.is_emptied(&there.id, field)).cloned());
                body.extend(native.clone());
            }
        }
        (body, fields)
    }

    /// Members that go from lists which are added to: those that the migration gave. Where somebody changed such a list since, nobody knows whose they are, and they
    /// stay, which is noted.
    fn taken_away(
        &self,
        record: &ChangedRecord,
        (there, held): (&Map, &Map),
        body: &Map,
        notes: &mut Vec<RepairNote>,
    ) -> Map {
        let (destination, object) = (&*self.job.context.destination, self.object());
        let ours = given(held, &record.held);
        let is_as_written = |values: &Map, key: &str| {
            HeldBeside::new(destination, object, &record.written, (values, false)).is_as_written(key)
        };
        let mut taken = Map::new();
        let gave = |key: &str| record.written.fields().any(|written| written == key);
        for (key, value) in ours.iter().filter(|(key, _)| destination.is_added_to(object, key) && gave(key)) {
            if is_as_written(there, key) || is_as_written(&ours, key) {
                taken.insert(key.clone(), value.clone());
                continue;
            }
            let wanted = body.get(key).and_then(serde_json::Value::as_array);
            let goes = |item: &serde_json::Value| wanted.is_none_or(|wanted| !wanted.contains(item));
            if value.as_array().is_some_and(|items| items.iter().any(goes)) {
                let why = "left as it was: others changed the list since, and what the export has no more stays in it";
                notes.push(self.note(record, key, (ReasonCode::R205, why.to_owned())));
            }
        }
        taken
    }

    /// Tells a forecast what people changed that stays; the fields that change come back in words. `taken` holds the members that go from lists which are added to.
    fn foreseen(
        &self,
        record: &ChangedRecord,
        (there, is_touched): &(Found, bool),
        portion: Portion<'_>,
        taken: &Map,
    ) -> Result<Vec<FieldChange>, EngineError> {
        let Some(forecast) = self.job.context.outcomes.forecast() else { return Ok(Vec::new()) };
        let (mut changes, mut stays) = (Vec::new(), Vec::new());
        for (field, decision) in decide(&self.job, record, (&there.values, *is_touched)) {
            let (FieldDecision::Write(native) | FieldDecision::Conflict(native)) = &decision else { continue };
            let is_it = |(index, _): &&(usize, Value<'static>)| {
                self.job.stage.fields.get(*index).is_some_and(|known| known.field == field.field)
            };
            let Some((_, value)) = record.expected.values.iter().find(is_it) else { continue };
            let is_added_to = |key: &str| self.job.context.destination.is_added_to(self.object(), key);
            let native = added(native, &there.values, taken, is_added_to);
            let mut change = in_words(forecast, (field, value), &native, &there.values)?;
            change.conflict = matches!(decision, FieldDecision::Conflict(_)).then_some(self.policy);
            change.stays = portion.holder(&there.id, &field.field).is_some();
            let is_written = !change.stays && decision.written(self.policy).is_some();
            if is_written { changes.push(change) } else { stays.push(change) }
        }
        if !stays.is_empty() {
            let Expected { key, line, id, .. } = &record.expected;
            forecast.conflicts(self.job.step, (key, *line, id), stays, !changes.is_empty())?;
        }
        Ok(changes)
    }

    pub(super) fn note(&self, record: &ChangedRecord, field: &str, (code, reason): (ReasonCode, String)) -> RepairNote {
        RepairNote {
            code: Some(code.to_string()),
            key: record.expected.key.clone(),
            file: self.job.file.clone(),
            line: record.expected.line,
            field: field.to_owned(),
            reason,
        }
    }
}
