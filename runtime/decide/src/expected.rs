//! Values that records of a stage should hold: derived from the source rows for every record that the journal has, as a verification compares them.

use std::path::PathBuf;
use std::sync::Arc;

use migr_extract::{Record, Row};
use migr_journal::{Mapped, NoteKind, Operation, RepairNote, State, StepId};
use migr_load::Map;
use migr_plan::{EmptyPolicy, ExistingPolicy, FieldMapping, FieldType, OnMissing, ReasonCode, Step};
use migr_transform::{Cells, Failure, Outcome, Pass, Repair, Value};

use crate::DecideError;
use crate::blame;
use crate::cells::{Kept, Lent};
use crate::defaults;
use crate::deferred::DeferredRows;
use crate::evaluate::remark;
use crate::families;
use crate::files::column_of;
use crate::forecast::CIRCLE;
use crate::merging;
use crate::parts::Taking;
use crate::record_lookup::RecordLookup;
use crate::record_write::FieldChange;
use crate::stage_run::StageRun;
use crate::taken;
use crate::written::{LINK_KEY_SEPARATOR, still_written};

/// Start of the note of a field that a person changed in the destination since it was written, and that was left so.
pub const CONFLICT: &str = "changed in the destination since it was written";

/// Notes on records and fields that could not be brought to what spec and export say.
pub const LEFT_NOTES: NoteKind<'_> = NoteKind { code: "R205", start: "left as it" };

/// Notes on fields that lost what was written, since another record has it by now.
pub const EMPTIED_NOTES: NoteKind<'_> = NoteKind { code: "R301", start: "left empty" };

/// Notes on fields that a person changed since.
pub const CONFLICT_NOTES: NoteKind<'_> = NoteKind { code: "R204", start: CONFLICT };

/// Which records are read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Every record.
    All,
    /// Those whose id's hash is smaller: always the same ones.
    Below(u64),
}

impl Sample {
    /// About so many of all.
    pub fn of(wanted: u64, total: u64) -> Self {
        if wanted >= total {
            return Self::All;
        }
        let share = u128::from(wanted) * u128::from(u64::MAX) / u128::from(total);
        Self::Below(u64::try_from(share).unwrap_or(u64::MAX))
    }

    fn takes(self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Below(limit) => {
                let hash = blake3::hash(id.as_bytes());
                let first = hash.as_bytes().first_chunk().copied().unwrap_or_default();
                u64::from_le_bytes(first) < limit
            }
        }
    }
}

/// Values that one record should hold by the source.
#[derive(Debug)]
pub struct Expected {
    /// The source key.
    pub key: String,
    /// The line of the export.
    pub line: u64,
    /// Id of the record.
    pub id: String,
    /// By index in the stage's fields.
    pub values: Vec<(usize, Value<'static>)>,
    /// Fields without a value since a failure was left out: of what is there that says nothing.
    pub failed: Vec<usize>,
    /// Manner in which the record takes what is written where it was there before: what it held besides is not this
    /// migration's. Absent where the migration made it.
    pub taking: Option<Taking>,
    /// The files behind some of them, by the same index.
    pub files: Vec<(usize, ExpectedFile)>,
    /// Notes on values of the export that written rules leave out or replace; asked for by [`Derivation::tells`].
    pub told: Vec<RepairNote>,
    /// Values of rows that give way where several are the record, by their key and line; asked for likewise.
    pub lost: Vec<(String, u64, FieldChange)>,
}

/// The file that a record should hold.
#[derive(Clone, Debug)]
pub struct ExpectedFile {
    /// Where it is in the export; none for one that was fetched.
    pub path: Option<PathBuf>,
    /// The hash of what was sent, as the journal has it.
    pub sent: Option<String>,
}

/// Link that should exist by the source.
#[derive(Debug)]
pub struct ExpectedLink {
    /// Key of the link in the journal.
    pub key: String,
    /// The line of the owner's row.
    pub line: u64,
    /// Id of the link.
    pub id: String,
    /// The record that is linked, for people.
    pub target: String,
    /// Native body of the link.
    pub body: Map,
}

/// Result of deriving the values of a record.
#[derive(Debug)]
pub enum Derived {
    /// Records.
    Records(Vec<Expected>),
    /// Index in the stage's links.
    Links(usize, Vec<ExpectedLink>),
    /// A record whose values cannot be derived again.
    Fails {
        /// The source key.
        key: String,
        /// The line of the export.
        line: u64,
        /// Reason, for people.
        reason: String,
    },
}

/// Goes on, or stops because nobody takes what is derived any more.
type HandOn<'h> = dyn FnMut(Derived) -> bool + 'h;

/// Derives what the records of one stage should hold.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// The stage.
    pub job: Arc<StageRun>,
    /// The step of its deferred fields.
    pub second: Option<StepId>,
    /// The step that filled in what was left empty.
    pub filled: Option<StepId>,
    /// The step that brought written records to what spec and export say since.
    pub changed: Option<StepId>,
    /// True where a field that a person changed in the destination since, and that was left so, is asked for no more.
    pub leaves_conflicts: bool,
    /// Fields, by index, that records which were there before are looked at for though nothing was written to them yet.
    pub looks: Vec<usize>,
    /// Records that are derived.
    pub sample: Sample,
    /// True where it is told what written rules leave out or replace.
    pub tells: bool,
}

impl Derivation {
    /// Derives them in source order and hands them on.
    pub fn produce(&self, world: &RecordLookup, hand_on: &mut HandOn<'_>) -> Result<(), DecideError> {
        let job = &self.job;
        if job.file.is_empty() {
            return Ok(());
        }
        let waiting = DeferredRows::read(job, world)?;
        let others = self.steps_of_others(world)?;
        let size = job.context.destination.capabilities().page_size.max(1);
        let mut ready = Vec::new();
        let mut links: Vec<Vec<ExpectedLink>> = job.stage.links.iter().map(|_| Vec::new()).collect();
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            if !job.takes(record.line) {
                continue;
            }
            let cells = Lent(record);
            let Some((key, mapped)) = still_written(job, world, record.line, &cells)? else { continue };
            let Some(id) = mapped.id.clone().filter(|id| self.sample.takes(id)) else { continue };
            for (index, link) in self.links(world, record.line, &cells, &key, &mapped)? {
                let Some(waiting) = links.get_mut(index) else { continue };
                waiting.push(link);
                if waiting.len() >= size && !hand_on(Derived::Links(index, std::mem::take(waiting))) {
                    return Ok(());
                }
            }
            // Of rows that make one record of a distinct value the first does; another row's record is the winner's.
            if mapped.winner.is_some() || mapped.line != record.line {
                continue;
            }
            match self.record(world, record, (key, id), mapped.state, (&waiting, &others))? {
                Ok(expected) => ready.push(expected),
                Err(fails) => {
                    if !hand_on(fails) {
                        return Ok(());
                    }
                }
            }
            if ready.len() >= size && !hand_on(Derived::Records(std::mem::take(&mut ready))) {
                return Ok(());
            }
        }
        let mut goes_on = ready.is_empty() || hand_on(Derived::Records(ready));
        for (index, waiting) in links.into_iter().enumerate().filter(|(_, waiting)| !waiting.is_empty()) {
            goes_on = goes_on && hand_on(Derived::Links(index, waiting));
        }
        Ok(())
    }

    fn record(
        &self,
        world: &RecordLookup,
        record: Record<'_>,
        (key, id): (String, String),
        state: State,
        (waiting, others): (&DeferredRows, &OtherSteps),
    ) -> Result<Result<Expected, Derived>, DecideError> {
        let job = &self.job;
        let line = record.line;
        let cells = Lent(record);
        let fails = |failures: &[Failure]| {
            let reasons: Vec<String> = failures.iter().map(|it| format!("{}: {}", it.field, it.reason)).collect();
            Ok(Err(Derived::Fails { key: key.clone(), line, reason: reasons.join("; ") }))
        };
        let rows = waiting.rows(job, world, &key, record)?;
        let first = match families::values(job, world, &cells, rows.as_deref(), Pass::First)?.outcome() {
            Outcome::Ready(mut evaluated) => {
                if taken::is_asked(job) {
                    for path in world.reader.fields_noted(job.step, &key, taken::LEFT_OUT_NOTES)? {
                        migr_transform::take_out(&job.stage.fields, &mut evaluated.values, &path);
                    }
                }
                evaluated
            }
            Outcome::Quarantine(failures) => return fails(&failures),
            Outcome::Skip { reason } => {
                return fails(&[Failure { code: ReasonCode::Q104, field: String::new(), reason }]);
            }
        };
        let mut values = Vec::new();
        let wanted = self.wanted(world, job.step, &id, state)?;
        let of_others = Self::written_by_others(world, &id, &others.records)?;
        let deferred_of_others = Self::written_by_others(world, &id, &others.deferred)?;
        let is_theirs = |written: &Map, index: usize, value: &Value<'_>| {
            let field = job.stage.fields.get(index).filter(|_| !written.is_empty());
            field.is_some_and(|field| self.is_written(written, field, value))
        };
        let mut left_out: Vec<String> = first.repairs.iter().map(|repair| repair.field.clone()).collect();
        let (mut told, mut lost) = (Vec::new(), Vec::new());
        if self.tells {
            told.extend(first.repairs.iter().map(|repair| self.note(&key, line, repair)));
            if let Some(rows) = &rows {
                lost = self.lost(world, rows)?;
            }
        }
        for (index, value) in first.values {
            let value = self.or_default(state, index, value);
            let is_theirs = is_theirs(&of_others, index, &value) || is_theirs(&deferred_of_others, index, &value);
            if self.is_wanted(&wanted, index, &value) && !is_theirs {
                values.push((index, value.into_owned()));
            }
        }
        if !job.stage.deferred.is_empty() {
            // A field that fails was left empty, and noted; the others were written.
            let second = families::values(job, world, &cells, rows.as_deref(), Pass::Deferred)?.evaluated;
            left_out.extend(second.repairs.iter().map(|repair| repair.field.clone()));
            if self.tells {
                told.extend(second.repairs.iter().map(|repair| self.note(&key, line, repair)));
            }
            let wanted = match self.second {
                Some(step) => self.wanted(world, step, &id, state)?,
                None => Wanted::All,
            };
            for (index, value) in second.values {
                let cut = waiting.cut(world, line, (index, &value))?;
                let value = if cut.is_some() { Value::None } else { value };
                if let (Some(circle), Some(field)) = (cut.filter(|_| self.tells), job.stage.fields.get(index)) {
                    let reason = format!("{CIRCLE}: {circle}");
                    let repair = Repair { field: field.field.clone(), reason, code: ReasonCode::R301 };
                    told.push(RepairNote {
                        code: Some(ReasonCode::R301.to_string()),
                        ..self.note(&key, line, &repair)
                    });
                }
                // The deferred step writes values only; what a record held before stays.
                let stays = value.is_none() && state != State::Created;
                // A value is written over what the steps of records left, an empty one is not.
                let is_theirs = is_theirs(&deferred_of_others, index, &value)
                    || value.is_none() && is_theirs(&of_others, index, &value);
                if !stays && self.is_wanted(&wanted, index, &value) && !is_theirs {
                    values.push((index, value.into_owned()));
                }
            }
        }
        let is_failed = |(index, value): &(usize, Value<'static>)| {
            let field = job.stage.fields.get(*index);
            families::is_empty(value) && field.is_some_and(|field| left_out.contains(&field.field))
        };
        let failed: Vec<usize> = values.iter().filter(|one| is_failed(one)).map(|(index, _)| *index).collect();
        if self.changed.is_some() {
            // A later export left what was written before.
            values.retain(|(index, _)| !failed.contains(index));
        }
        let mut files = Vec::new();
        let mut left_out = Vec::new();
        for (index, value) in &values {
            let (Value::File(file), Some(field)) = (value, job.stage.fields.get(*index)) else { continue };
            let known = world.reader.file(&job.file, line, column_of(&job.object, field))?;
            if known.as_ref().is_some_and(|known| !known.is_sent()) && field.missing_file == OnMissing::None {
                left_out.push(*index);
                continue;
            }
            let standing = job.standard().standing(&file.path, None);
            let sent = known.and_then(|known| known.hash);
            if standing.path.is_none() && sent.is_none() {
                let reason = standing.fault(&file.path, field.sensitive);
                let reason = reason.unwrap_or_else(|| "nothing says that its file was sent".to_owned());
                return fails(&[Failure { code: ReasonCode::Q208, field: String::new(), reason }]);
            }
            files.push((*index, ExpectedFile { path: standing.path, sent }));
        }
        values.retain(|(index, _)| !left_out.contains(index));
        self.leave_conflicts(world, &key, &mut values)?;
        if let (Some(rows), false) = (&rows, told.is_empty()) {
            let blamed = blame::rows(job, world, rows)?;
            for note in &mut told {
                if let Some(row) = blame::row_of(&blamed, &note.field, &note.reason) {
                    note.line = row.line;
                }
            }
        }
        let taking = match (state, job.stage.policies.existing) {
            (State::Created, _) => None,
            (_, ExistingPolicy::Update) => Some(Taking::Over),
            _ => Some(Taking::Adding),
        };
        Ok(Ok(Expected { key, line, id, values, failed, taking, files, told, lost }))
    }

    fn note(&self, key: &str, line: u64, repair: &Repair) -> RepairNote {
        RepairNote {
            code: Some(remark(repair.code).to_string()),
            key: key.to_owned(),
            file: self.job.file.clone(),
            line,
            field: repair.field.clone(),
            reason: repair.reason.clone(),
        }
    }

    /// Values of several rows that give way where they are one record.
    fn lost(&self, world: &RecordLookup, rows: &[Kept]) -> Result<Vec<(String, u64, FieldChange)>, DecideError> {
        let job = &self.job;
        let mut all = Vec::new();
        for (at, change) in merging::lost(job, world, rows)? {
            let Some(row) = rows.get(at) else { continue };
            if let Ok(key) = job.key(row, world)? {
                all.push((key, row.0.line, change));
            }
        }
        Ok(all)
    }

    /// Takes out what a person changed in the destination since, and was left so.
    fn leave_conflicts(
        &self,
        world: &RecordLookup,
        key: &str,
        values: &mut Vec<(usize, Value<'static>)>,
    ) -> Result<(), DecideError> {
        let Some(step) = self.changed.filter(|_| self.leaves_conflicts) else { return Ok(()) };
        let left = world.reader.fields_noted(step, key, CONFLICT_NOTES)?;
        values.retain(|(index, _)| self.job.stage.fields.get(*index).is_none_or(|field| !left.contains(&field.field)));
        Ok(())
    }

    /// A value, or the destination's default in a record that was created without one.
    fn or_default<'v>(&self, state: State, index: usize, value: Value<'v>) -> Value<'v> {
        let field = self.job.stage.fields.get(index).filter(|_| state == State::Created);
        let given = field.and_then(|field| defaults::value(defaults::taken(field, &value)?, &field.ty));
        given.unwrap_or(value)
    }

    /// Which fields of a record this migration answers for.
    fn wanted(&self, world: &RecordLookup, step: StepId, id: &str, state: State) -> Result<Wanted, DecideError> {
        if state == State::Created {
            return Ok(Wanted::All);
        }
        if self.job.stage.policies.existing == ExistingPolicy::Update {
            return Ok(Wanted::Mapped);
        }
        let mut written = Map::new();
        for step in [Some(step), self.filled, self.changed].into_iter().flatten() {
            let image = world.reader.before_image(step, id, Operation::Update)?;
            written
                .extend(image.and_then(|image| serde_json::from_str::<Map>(&image.written).ok()).unwrap_or_default());
        }
        Ok(Wanted::Written(written))
    }

    /// Steps of later maps into the same object that were begun.
    fn steps_of_others(&self, world: &RecordLookup) -> Result<OtherSteps, DecideError> {
        let (job, mut steps) = (&self.job, OtherSteps::default());
        if !job.is_met {
            return Ok(steps);
        }
        let later = job.context.plan.stages.iter().skip(job.number + 1);
        for stage in later.filter(|stage| stage.destination_object == job.stage.destination_object) {
            steps.records.extend(world.reader.find(&Step::records(&stage.id))?);
            for step in [Step::deferred(&stage.id), Step::backfill(&stage.id)] {
                steps.deferred.extend(world.reader.find(&step)?);
            }
        }
        Ok(steps)
    }

    /// Keys of a record that later maps into the same object wrote: their own values are theirs to answer for.
    fn written_by_others(world: &RecordLookup, id: &str, steps: &[StepId]) -> Result<Map, DecideError> {
        let mut written = Map::new();
        for step in steps {
            let image = world.reader.before_image(*step, id, Operation::Update)?;
            let image = image.and_then(|image| serde_json::from_str::<Map>(&image.written).ok());
            written.extend(image.unwrap_or_default());
        }
        Ok(written)
    }

    fn is_wanted(&self, wanted: &Wanted, index: usize, value: &Value<'_>) -> bool {
        let Some(field) = self.job.stage.fields.get(index) else { return false };
        if matches!(value, Value::Default) || (field.ty == FieldType::File && value.is_none()) {
            return false;
        }
        match wanted {
            Wanted::All => true,
            // An empty value wipes nothing: what is there stays.
            Wanted::Mapped => {
                let is_kept = families::is_empty(value) && field.on_empty != EmptyPolicy::Clear;
                !field.create_only && field.ty != FieldType::File && !is_kept
            }
            Wanted::Written(written) => {
                let is_looked_at = self.looks.contains(&index) && field.ty != FieldType::File;
                let may_fill = is_looked_at && !families::is_empty(value) && !field.create_only;
                may_fill || self.is_written(written, field, value)
            }
        }
    }

    fn is_written(&self, written: &Map, field: &FieldMapping, value: &Value<'_>) -> bool {
        let body = self.job.context.destination.encode(&self.job.stage.destination_object, &[(field, value)]);
        body.is_ok_and(|body| !body.is_empty() && body.keys().all(|key| written.contains_key(key)))
    }

    fn links(
        &self,
        world: &RecordLookup,
        line: u64,
        cells: &dyn Cells,
        key: &str,
        mapped: &Mapped,
    ) -> Result<Vec<(usize, ExpectedLink)>, DecideError> {
        let job = &self.job;
        let mut expected = Vec::new();
        let (false, Some(owner)) = (job.stage.links.is_empty(), &mapped.id) else { return Ok(expected) };
        let Outcome::Ready(linked) = job.program.links(cells, world)? else { return Ok(expected) };
        let winner = mapped.winner.as_deref().unwrap_or(key);
        for (index, targets) in linked.links {
            let Some(mapping) = job.stage.links.get(index) else { continue };
            for target in targets {
                let object = &job.stage.destination_object;
                // What cannot be linked was noted when the run tried.
                let Ok(body) = job.context.destination.link_body(mapping, object, owner, &target) else { continue };
                expected.push((
                    index,
                    ExpectedLink {
                        key: format!("{winner}{LINK_KEY_SEPARATOR}{}", target.id),
                        line,
                        id: job.ids.link(&job.stage.id, winner, &mapping.field, &target.id),
                        target: format!("{} {}", target.object, target.id),
                        body,
                    },
                ));
            }
        }
        Ok(expected)
    }
}

/// Steps of later maps into an object, by their place in a run.
#[derive(Debug, Default)]
struct OtherSteps {
    /// Steps of records: before the deferred fields of every map.
    records: Vec<StepId>,
    /// Steps of deferred fields, and of what was filled in.
    deferred: Vec<StepId>,
}

/// Which fields of a record this migration answers for.
#[derive(Debug)]
enum Wanted {
    /// Every field: this migration made the record.
    All,
    /// Every field that is written to a record that was there.
    Mapped,
    /// Those that were empty there, by the keys that were written.
    Written(Map),
}
