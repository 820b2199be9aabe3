//! Forecast: what a run would note in the journal, kept while an audit goes through the steps of a run without writing.

mod arrived;
mod counts;
mod giving;
mod notes;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use migr_journal::{Change, Mapped, Operation, Reader, Settled, State, StepId};
use migr_load::Map;
use migr_plan::lock::{FieldCount, LockedStage};
use migr_plan::{ReasonCode, Stage, Step, StepKind};
use migr_spill::{KeyOutcome, Meeting, Outcomes, RepeatedKeys, RowSet};
use migr_transform::CreatedOption;
use serde::{Deserialize, Serialize};

use counts::by_row;
pub use notes::CIRCLE;
use notes::{NoteKind, tells_value};

use crate::decision::Subject;
use crate::decision::Told;
use crate::decision::{QuarantineReason, Reason, SkipReason};
use crate::identities::Identities;
use crate::new_options::NewOptions;
use crate::odd_days::OddDay;
use crate::preview::PreviewAction;
use crate::record_write::{FieldChange, RecordWrite};
use crate::spelling::{Alike, Spelt};
use crate::{DecideError, steps};

/// Different owners that are counted.
const OWNERS_COUNTED: usize = 20_000;

/// Outcomes of a run that does not take place.
#[derive(Debug)]
pub struct Forecast {
    /// The journal that a run would go on with.
    journal: Option<PathBuf>,
    /// The day of today.
    today: Date,
    store: Mutex<Store>,
}

#[derive(Debug)]
struct Store {
    noted: Outcomes,
    steps: BTreeMap<Step, StepId>,
    tallies: BTreeMap<StepId, LockedStage>,
    /// Number of a stage's fields, with the names of its links.
    links: BTreeMap<StepId, (usize, Vec<String>)>,
    options: NewOptions,
    /// Records by owner, by folded address; of a bounded number of owners.
    owned: BTreeMap<String, u64>,
    /// Objects of which records will be there that others may meet.
    coming: BTreeSet<String>,
    /// Steps of records whose answers a run before never got.
    closed: BTreeSet<StepId>,
    /// Digests of records of which nobody knows whether such a run's request arrived, by step and key.
    sent: BTreeMap<(StepId, String), String>,
    /// Lines of records of which something is noted, by step, kind and field.
    notes: BTreeMap<(StepId, NoteKind), BTreeMap<String, RowSet>>,
    /// Stages about whose records nothing is asked by their keys.
    unasked: BTreeSet<String>,
    /// Lines of the records of such stages, by the state in which they end.
    lines: BTreeMap<StepId, BTreeMap<State, RowSet>>,
    /// Keys that more than one line may have, by object.
    repeated: BTreeMap<String, Arc<RepeatedKeys>>,
    /// Fields whose values one record alone may hold together, by object.
    unique_together: BTreeMap<String, Vec<Vec<String>>>,
    /// Identities of a step's records that differ in spelling alone.
    spelt: BTreeMap<StepId, Vec<Alike<Spelt>>>,
    /// Values that one record alone may hold, as records will hold them.
    giving: giving::Giving,
    place: i64,
}

/// Something about one record that a person should know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Remark {
    /// Quarantine of the record, with its reason.
    Quarantined(QuarantineReason),
    /// Values of a row for which the record of several rows is quarantined.
    Blamed(Vec<Reason>),
    /// Written rules take effect in it.
    Adjusted(Vec<Reason>),
    /// Values of it are the destination's defaults.
    Defaulted(Vec<Reason>),
    /// Texts of it are longer than the destination is known to take.
    Long(Vec<Reason>),
    /// Days of it that it hardly means.
    OddDays(Vec<OddDay>),
    /// The destination has it.
    There {
        /// The record there.
        id: String,
        /// Action of a run for the record.
        action: PreviewAction,
    },
}

/// Record of a group that shares an identity.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// The line of the export.
    pub line: u64,
    /// The source key.
    pub key: String,
    /// Role of the record among the others.
    pub role: Role,
}

/// Role of a record among those that share an identity with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Record that stays out for another reason.
    Out,
    /// Record that is written, as far as the others are concerned.
    Stays,
    /// Another one, of this key, stands for it.
    Follows(String),
    /// Record that is quarantined for what it shares.
    Quarantined,
    /// Record that is left behind by a written rule for what it shares.
    Skipped,
}

/// A remark with its record.
#[derive(Clone, Debug)]
pub struct Remarked {
    /// The line of the export.
    pub line: u64,
    /// The source key.
    pub key: String,
    /// The remark.
    pub remark: Remark,
}

/// A record that meets another: one of the destination, or one of the source that stands for it.
#[derive(Clone, Debug)]
pub struct Met {
    /// The line of the export.
    pub line: u64,
    /// The source key.
    pub key: String,
    /// Action for the record.
    pub action: PreviewAction,
    /// The destination's id, or the key of the other record.
    pub other: String,
    /// Fields that change.
    pub changes: Vec<FieldChange>,
}

impl Forecast {
    /// An empty one in a folder. `journal` is the file of the journal that a run would go on with, where there is one.
    pub fn create(folder: &Path, journal: Option<&Path>) -> Result<Self, DecideError> {
        let store = Store {
            noted: Outcomes::create(folder)?,
            steps: BTreeMap::new(),
            tallies: BTreeMap::new(),
            links: BTreeMap::new(),
            options: NewOptions::default(),
            owned: BTreeMap::new(),
            coming: BTreeSet::new(),
            closed: BTreeSet::new(),
            sent: BTreeMap::new(),
            notes: BTreeMap::new(),
            unasked: BTreeSet::new(),
            lines: BTreeMap::new(),
            repeated: BTreeMap::new(),
            unique_together: BTreeMap::new(),
            spelt: BTreeMap::new(),
            giving: giving::Giving::default(),
            place: 0,
        };
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        Ok(Self { journal: journal.map(Path::to_owned), today, store: Mutex::new(store) })
    }

    /// The day of today.
    pub fn today(&self) -> Date {
        self.today
    }

    /// Keeps no more than the lines of records of stages about which nothing is asked by their keys, unless a journal has records of them.
    pub fn keep_lines_alone(&self, unasked: BTreeSet<String>) {
        if self.journal.is_none() {
            self.store().unasked = unasked;
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal that a run would go on with.
    pub fn reader(&self) -> Result<Option<Reader>, DecideError> {
        Ok(self.journal.as_deref().map(Reader::open).transpose()?)
    }

    /// The file of that journal.
    pub fn journal(&self) -> Option<&Path> {
        self.journal.as_deref()
    }

    /// The id of a step: the journal's, else one of its own.
    pub fn step(&self, stage: &Stage, step: &Step) -> Result<StepId, DecideError> {
        if let Some(known) = self.known(step) {
            return Ok(known);
        }
        let known = match self.reader()? {
            Some(reader) => steps::find(&reader, step)?,
            None => None,
        };
        let mut store = self.store();
        let id = known.unwrap_or_else(|| StepId::unbegun(store.steps.len()));
        store.steps.insert(step.clone(), id);
        if step.kind == migr_plan::StepKind::Records {
            store.tallies.insert(id, empty(stage));
            let links: Vec<String> = stage.links.iter().map(|link| link.field.clone()).collect();
            if !links.is_empty() {
                store.links.insert(id, (stage.fields.len(), links));
            }
            if store.unasked.contains(&stage.id) {
                store.lines.insert(id, BTreeMap::new());
            }
        }
        Ok(id)
    }

    /// The id of a step that was asked for before.
    pub fn known(&self, step: &Step) -> Option<StepId> {
        self.store().steps.get(step).copied()
    }

    /// Keys of an object that more than one line may have, where they were looked for.
    pub fn repeated_keys(&self, object: &str) -> Option<Arc<RepeatedKeys>> {
        self.store().repeated.get(object).cloned()
    }

    /// Keeps the keys of an object that more than one line may have.
    pub fn keep_repeated_keys(&self, object: &str, repeated: &Arc<RepeatedKeys>) {
        self.store().repeated.insert(object.to_owned(), Arc::clone(repeated));
    }

    /// Outcome of a source key, as far as this run decides it.
    pub fn outcome(&self, step: StepId, key: &str) -> Result<Option<Mapped>, DecideError> {
        let found = self.store().noted.get(step.number(), key)?;
        Ok(found.map(|found| Mapped {
            state: state(found.state),
            id: found.id,
            line: found.line,
            winner: found.survivor,
            parent: None,
        }))
    }

    /// Source key of a record that the run creates, by the record's id.
    pub fn created_key(&self, id: &str) -> Result<Option<String>, DecideError> {
        Ok(self.store().noted.key_of(id, number(State::Created))?)
    }

    /// Takes what a run would journal.
    pub fn write(&self, changes: &[Change]) -> Result<(), DecideError> {
        let mut store = self.store();
        for change in changes {
            match change {
                Change::Read { step, records } => store.tally(*step).read = *records,
                Change::Settled { records, .. } => {
                    for record in records {
                        store.settle(record)?;
                    }
                }
                Change::Repairs { step, repairs } => {
                    let Some(of) = store.stage_step(*step) else { continue };
                    let is_later = store.is_later(*step);
                    for note in repairs {
                        store.note(of, NoteKind::by_code(note.code.as_deref(), &note.reason), &note.field, note.line);
                        // Circles are told by the survey of the export.
                        if is_later && !note.reason.starts_with(CIRCLE) && tells_value(note.code.as_deref()) {
                            let (field, reason) = (note.field.clone(), note.reason.clone());
                            let reason = Reason::new(ReasonCode::R301, field, reason);
                            store.remark(of, (note.line, &note.key), &Remark::Adjusted(vec![reason]))?;
                        }
                    }
                }
                // Intents and files change no outcome.
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes records that a run would write.
    pub fn written(
        &self,
        step: StepId,
        of: StepId,
        operation: Operation,
        items: &[RecordWrite],
    ) -> Result<(), DecideError> {
        let mut store = self.store();
        for item in items {
            if step == of {
                let state = if operation == Operation::Create { State::Created } else { State::Updated };
                store.outcome(step, (&item.key, item.line), state, Some(&item.id), None)?;
            } else if operation == Operation::Create {
                // A link: the same one is not made twice.
                store.outcome(step, (&item.key, item.line), State::Created, Some(&item.id), None)?;
                store.tally(of).links += 1;
            } else if store.is_of(step, &StepKind::Changes) {
                store.changed(of, item)?;
            } else {
                store.deferred(of, item)?;
            }
            store.changes(of, item)?;
        }
        Ok(())
    }

    /// Takes fields of a written record that people changed in the destination since, and that stay so. `changes` says whether others of it change.
    pub fn conflicts(
        &self,
        of: StepId,
        (key, line, id): (&str, u64, &str),
        conflicts: Vec<FieldChange>,
        changes: bool,
    ) -> Result<(), DecideError> {
        let mut store = self.store();
        let action = if changes { PreviewAction::Change } else { PreviewAction::Keep };
        store.meet(of, (line, key), action, id)?;
        let item = RecordWrite { changes: conflicts, ..RecordWrite::new(key.to_owned(), line, id.to_owned()) };
        store.changes(of, &item)
    }

    /// Takes the values of a record that are not written, since the destination holds others.
    pub fn stays(
        &self,
        of: StepId,
        (key, line, id): (&str, u64, &str),
        changes: Vec<FieldChange>,
    ) -> Result<(), DecideError> {
        let item = RecordWrite { changes, ..RecordWrite::new(key.to_owned(), line, id.to_owned()) };
        self.store().changes(of, &item)
    }

    /// Takes a record that the export has no more, by the line that it had.
    pub fn vanished(
        &self,
        step: StepId,
        (key, line, id): (&str, u64, &str),
        action: PreviewAction,
    ) -> Result<(), DecideError> {
        self.store().meet(step, (line, key), action, id)
    }

    /// Takes what a record will hold that records of another stage may meet: its body, and the identities of a body by name.
    pub fn comes(
        &self,
        object: &str,
        id: &str,
        body: &Map,
        identities: &dyn Fn(&Map) -> Vec<(String, String)>,
    ) -> Result<(), DecideError> {
        let mut store = self.store();
        store.coming.insert(object.to_owned());
        let before = store.body(object, id)?;
        for (name, value) in before.as_ref().map(identities).unwrap_or_default() {
            store.noted.remove_coming_identity(object, &name, &value, id)?;
        }
        let mut whole = before.unwrap_or_default();
        whole.extend(body.iter().map(|(key, value)| (key.clone(), value.clone())));
        let text = serde_json::to_string(&whole).unwrap_or_default();
        store.noted.set_coming(object, id, &text)?;
        for (name, value) in identities(&whole) {
            store.noted.add_coming_identity(object, &name, &value, id)?;
        }
        Ok(())
    }

    /// Values that a record will hold besides what it holds now.
    pub fn coming(&self, object: &str, id: &str) -> Result<Option<Map>, DecideError> {
        let store = self.store();
        if store.coming.contains(object) { store.body(object, id) } else { Ok(None) }
    }

    /// Calls for the values of an identity, by its name, that records of an object will have: value and id.
    pub fn coming_identities(
        &self,
        object: &str,
        name: &str,
        found: impl FnMut(&str, &str) -> Result<(), DecideError>,
    ) -> Result<(), DecideError> {
        self.store().noted.coming_identities(object, name, found)
    }

    /// Takes a record that the destination has and that stays or changes there.
    pub fn there(
        &self,
        step: StepId,
        subject: (&str, u64),
        action: PreviewAction,
        id: &str,
    ) -> Result<(), DecideError> {
        let (key, line) = subject;
        let mut store = self.store();
        store.meet(step, (line, key), action, id)?;
        store.remark(step, (line, key), &Remark::There { id: id.to_owned(), action })
    }

    /// Keeps the fields whose values one record of an object alone may hold together.
    pub fn keep_unique_together(&self, object: &str, fields: Vec<Vec<String>>) {
        self.store().unique_together.insert(object.to_owned(), fields);
    }

    /// The fields whose values one record of an object alone may hold together, as they were kept.
    pub fn unique_together(&self, object: &str) -> Vec<Vec<String>> {
        self.store().unique_together.get(object).cloned().unwrap_or_default()
    }

    /// Takes a record that is quarantined.
    pub fn quarantined(
        &self,
        step: StepId,
        subject: Subject<'_>,
        reason: &QuarantineReason,
        identities: &Identities,
    ) -> Result<(), DecideError> {
        let mut store = self.store();
        let at = (subject.line, subject.key);
        match reason {
            QuarantineReason::Trashed { id }
            | QuarantineReason::Referred { id, .. }
            | QuarantineReason::Existing { id } => {
                store.meet(step, at, PreviewAction::SetAside, id)?;
            }
            QuarantineReason::SurvivorQuarantined { survivor, merges } => {
                let action = if *merges { PreviewAction::Merge } else { PreviewAction::GiveWay };
                store.meet(step, at, action, survivor)?;
            }
            _ => {}
        }
        for failure in reason.failures(subject.key, identities) {
            store.note(step, NoteKind::Failed, &failure.field, subject.line);
        }
        store.remark(step, at, &Remark::Quarantined(reason.clone()))?;
        if let QuarantineReason::Values(reasons) = reason {
            for (row, reasons) in by_row(reasons.iter().filter(|reason| reason.row.is_some()).cloned().collect()) {
                store.remark(step, (row.line, &row.key), &Remark::Blamed(reasons))?;
            }
        }
        let winner = match reason {
            QuarantineReason::SurvivorQuarantined { survivor, .. } => Some(survivor.as_str()),
            _ => None,
        };
        store.outcome(step, (subject.key, subject.line), State::Quarantined, None, winner)
    }

    /// Takes a record that is left behind by a written rule.
    pub fn skipped(
        &self,
        step: StepId,
        subject: Subject<'_>,
        reason: &SkipReason,
        id: Option<&str>,
    ) -> Result<(), DecideError> {
        let mut store = self.store();
        let at = (subject.line, subject.key);
        let mut winner = None;
        match reason {
            SkipReason::Existing { id } => {
                store.meet(step, at, PreviewAction::Keep, id)?;
                store.remark(step, at, &Remark::There { id: id.clone(), action: PreviewAction::Keep })?;
            }
            SkipReason::MergeInto { survivor, merges } => {
                let action = if *merges { PreviewAction::Merge } else { PreviewAction::GiveWay };
                store.meet(step, at, action, survivor)?;
                winner = Some(survivor.as_str());
            }
            SkipReason::SameKey { same: false, .. } => {
                store.meet(step, at, PreviewAction::GiveWay, subject.source_key)?;
            }
            SkipReason::Rule(_) | SkipReason::SameKey { .. } => {}
        }
        store.outcome(step, (subject.key, subject.line), State::Skipped, id, winner)
    }

    /// Takes the values of a record that lose to those of the record that it is merged into.
    pub fn loses(&self, step: StepId, (key, line): (&str, u64), changes: &[FieldChange]) -> Result<(), DecideError> {
        let text = serde_json::to_string(changes).unwrap_or_default();
        Ok(self.store().noted.set_lost(step.number(), (line, key), &text)?)
    }

    /// Takes the values of a record that is written.
    pub fn evaluated(
        &self,
        (step, stage): (StepId, usize),
        (key, line): (&str, u64),
        told: &Told,
    ) -> Result<(), DecideError> {
        let mut store = self.store();
        for option in &told.created {
            store.options.add(option.clone(), true, (stage, line, key));
        }
        let tally = store.tally(step);
        tally.links += told.links;
        store.count_values(step, (&told.filled, &told.lost, &told.cut));
        if told.has_orphans {
            store.note(step, NoteKind::Orphan, "", line);
        }
        if !told.defaults.is_empty() {
            for default in &told.defaults {
                store.note(step, NoteKind::Adjusted, &default.field, line);
            }
            store.remark(step, (line, key), &Remark::Defaulted(told.defaults.clone()))?;
        }
        if !told.long.is_empty() {
            store.remark(step, (line, key), &Remark::Long(told.long.clone()))?;
        }
        if !told.odd_days.is_empty() {
            store.remark(step, (line, key), &Remark::OddDays(told.odd_days.clone()))?;
        }
        if told.adjusted.is_empty() {
            return Ok(());
        }
        if self.journal.is_some() {
            store.giving.leave_out(step, line, &told.adjusted);
        }
        for adjusted in &told.adjusted {
            store.note(step, NoteKind::Adjusted, &adjusted.field, line);
        }
        let (of_rows, own): (Vec<Reason>, Vec<Reason>) =
            told.adjusted.iter().cloned().partition(|reason| reason.row.is_some());
        for (row, reasons) in by_row(of_rows) {
            store.remark(step, (row.line, &row.key), &Remark::Adjusted(reasons))?;
        }
        if own.is_empty() { Ok(()) } else { store.remark(step, (line, key), &Remark::Adjusted(own)) }
    }

    /// Takes records that share an identity.
    pub fn shared(&self, step: StepId, path: usize, value: &str, members: &[Member]) -> Result<(), DecideError> {
        let mut store = self.store();
        store.place += 1;
        let text = serde_json::to_string(members).unwrap_or_default();
        Ok(store.noted.add_group(step.number(), store.place, path, (value, &text))?)
    }

    /// Takes identities of a step's records that differ in spelling alone.
    pub fn spelt(&self, step: StepId, alike: Vec<Alike<Spelt>>) {
        self.store().spelt.insert(step, alike);
    }

    /// Identities of a step's records that differ in spelling alone.
    pub fn spelt_otherwise(&self, step: StepId) -> Vec<Alike<Spelt>> {
        self.store().spelt.get(&step).cloned().unwrap_or_default()
    }

    /// Takes an option of a record that is not written.
    pub fn option(&self, option: CreatedOption, place: (usize, u64, &str)) {
        self.store().options.add(option, false, place);
    }

    /// Counts a record of some owners.
    pub fn owned(&self, owners: &[String]) {
        let mut store = self.store();
        for owner in owners {
            if let Some(records) = store.owned.get_mut(owner) {
                *records += 1;
            } else if store.owned.len() < OWNERS_COUNTED {
                store.owned.insert(owner.clone(), 1);
            }
        }
    }

    /// Records by owner, by folded address.
    pub fn take_owned(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.store().owned)
    }

    /// New options from the values of picklists.
    pub fn take_options(&self) -> NewOptions {
        std::mem::take(&mut self.store().options)
    }
}

impl Store {
    fn tally(&mut self, step: StepId) -> &mut LockedStage {
        self.tallies.entry(step).or_default()
    }

    /// The step of the records of a step's stage.
    fn stage_step(&self, step: StepId) -> Option<StepId> {
        let (found, _) = self.steps.iter().find(|(_, id)| **id == step)?;
        self.steps.get(&Step::records(&found.stage)).copied()
    }

    fn note(&mut self, step: StepId, kind: NoteKind, field: &str, line: u64) {
        let field = field.split('.').next().unwrap_or_default();
        let fields = self.notes.entry((step, kind)).or_default();
        match fields.get_mut(field) {
            Some(lines) => lines.insert(line),
            None => fields.entry(field.to_owned()).or_default().insert(line),
        }
    }

    /// Number of records of which something of a kind is noted, in whatever field.
    fn noted_records(&self, step: StepId, kind: NoteKind) -> u64 {
        let fields = self.notes.get(&(step, kind)).into_iter().flat_map(BTreeMap::values);
        let all = fields.fold(RowSet::default(), |mut all, lines| {
            all.extend(lines);
            all
        });
        all.len()
    }

    fn body(&self, object: &str, id: &str) -> Result<Option<Map>, DecideError> {
        let found = self.noted.coming(object, id)?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn settle(&mut self, record: &Settled) -> Result<(), DecideError> {
        let id = record.id.as_deref();
        self.outcome(record.step, (&record.key, record.line), record.state, id, record.winner.as_deref())
    }

    fn outcome(
        &mut self,
        step: StepId,
        (key, line): (&str, u64),
        state: State,
        id: Option<&str>,
        winner: Option<&str>,
    ) -> Result<(), DecideError> {
        if let Some(lines) = self.lines.get_mut(&step) {
            for of_state in lines.values_mut() {
                of_state.remove(line);
            }
            lines.entry(state).or_default().insert(line);
            return Ok(());
        }
        let (id, survivor) = (id.map(str::to_owned), winner.map(str::to_owned));
        let outcome = KeyOutcome { state: number(state), id, line, survivor };
        Ok(self.noted.set(step.number(), key, &outcome)?)
    }

    fn remark(&mut self, step: StepId, (line, key): (u64, &str), remark: &Remark) -> Result<(), DecideError> {
        self.place += 1;
        let text = serde_json::to_string(remark).unwrap_or_default();
        Ok(self.noted.add_remark(step.number(), (line, key), self.place, &text)?)
    }

    fn meet(
        &mut self,
        step: StepId,
        (line, key): (u64, &str),
        action: PreviewAction,
        other: &str,
    ) -> Result<(), DecideError> {
        let meeting = Meeting {
            line,
            key: key.to_owned(),
            action: action.as_str().to_owned(),
            other: other.to_owned(),
            changes: "[]".to_owned(),
        };
        Ok(self.noted.set_meeting(step.number(), &meeting)?)
    }

    /// True where a step writes values of records that are through: their deferred fields, their links, and what changes of them.
    fn is_later(&self, step: StepId) -> bool {
        let is_it = |kind: &StepKind| matches!(kind, StepKind::Deferred | StepKind::Links(_) | StepKind::Changes);
        self.steps.iter().any(|(known, id)| *id == step && is_it(&known.kind))
    }

    fn is_of(&self, step: StepId, kind: &StepKind) -> bool {
        self.steps.iter().any(|(known, id)| *id == step && known.kind == *kind)
    }

    /// Takes a written record that gets other values; where others of its fields stay, it is known already.
    fn changed(&mut self, of: StepId, item: &RecordWrite) -> Result<(), DecideError> {
        // One whose answer never came counts for the run that settles it, whatever it gets then.
        let known = self.noted.get(of.number(), &item.key)?;
        if self.closed.contains(&of) && known.is_some_and(|known| known.state == number(State::Created)) {
            return Ok(());
        }
        self.outcome(of, (&item.key, item.line), State::Updated, Some(&item.id), None)?;
        if self.noted.changes(of.number(), item.line, &item.key)?.is_none() {
            self.meet(of, (item.line, &item.key), PreviewAction::Change, &item.id)?;
        }
        Ok(())
    }

    /// Counts the deferred fields of a record.
    fn deferred(&mut self, step: StepId, item: &RecordWrite) -> Result<(), DecideError> {
        let known = self.noted.get(step.number(), &item.key)?;
        if known.is_none() {
            // A run before this one wrote it.
            self.outcome(step, (&item.key, item.line), State::Updated, Some(&item.id), None)?;
        }
        let is_new = known.is_some_and(|known| known.state == number(State::Created));
        if !is_new && self.noted.changes(step.number(), item.line, &item.key)?.is_none() {
            self.meet(step, (item.line, &item.key), PreviewAction::Change, &item.id)?;
        }
        let tally = self.tally(step);
        tally.deferred += 1;
        for field in &item.fields {
            if let Some(count) = field_count(field, tally) {
                count.filled += 1;
            }
        }
        Ok(())
    }

    /// Adds fields that change to what is said of a record that is there.
    fn changes(&mut self, step: StepId, item: &RecordWrite) -> Result<(), DecideError> {
        if item.changes.is_empty() {
            return Ok(());
        }
        let known = self.noted.changes(step.number(), item.line, &item.key)?;
        let Some(known) = known else { return Ok(()) };
        let mut changes: Vec<FieldChange> = serde_json::from_str(&known).unwrap_or_default();
        changes.extend(item.changes.iter().cloned());
        let text = serde_json::to_string(&changes).unwrap_or_default();
        Ok(self.noted.set_changes(step.number(), (item.line, &item.key), &text)?)
    }
}

/// Counts of a stage of which nothing is known.
pub fn empty(stage: &Stage) -> LockedStage {
    let fields = stage.fields.iter();
    LockedStage {
        id: stage.id.clone(),
        fields: fields
            .map(|field| FieldCount { field: field.field.clone(), filled: 0, repaired: 0, failed: 0, lost: 0, cut: 0 })
            .collect(),
        ..LockedStage::default()
    }
}

/// The count of a field, or of the field that a part belongs to.
fn field_count<'t>(field: &str, tally: &'t mut LockedStage) -> Option<&'t mut FieldCount> {
    let name = field.split('.').next().unwrap_or_default();
    tally.fields.iter_mut().find(|count| count.field == name)
}

fn number(state: State) -> i64 {
    match state {
        State::Created => 1,
        State::Updated => 2,
        State::Unchanged => 3,
        State::Skipped => 4,
        State::Quarantined => 5,
        State::Uncertain => 6,
    }
}

fn state(number: i64) -> State {
    match number {
        1 => State::Created,
        2 => State::Updated,
        3 => State::Unchanged,
        4 => State::Skipped,
        6 => State::Uncertain,
        _ => State::Quarantined,
    }
}
