//! Rollback of the changes that setup made to the schema.

use std::collections::{BTreeMap, HashSet};

use migr_journal::Change;
use migr_load::{Deleted, Found, Listing, LoadError, Made, SetupRecord, UndoOutcome};
use migr_plan::SetupAction;
use migr_report::words::count;
use serde_json::Value;

use super::Back;
use super::summary::KeptField;
use crate::EngineError;
use crate::begun::{BEGUN, Begun};
use crate::since::digest;
use migr_decide::parts::holds_something;

/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;

/// Name of the schema's step in the report.
const STEP: &str = "setup";

impl Back {
    /// Takes back what setup made, the last first. What somebody uses since is left.
    pub(super) async fn undo_schema(&mut self) -> Result<(), EngineError> {
        let mut records = Vec::new();
        let notes = self.reader().setup()?;
        let begun = notes.iter().any(|note| note.outcome == BEGUN);
        let schema = if begun { Some(self.context.destination.known_schema().await?) } else { None };
        for note in notes.into_iter().rev() {
            if let Some(schema) = schema.as_ref().filter(|_| note.outcome == BEGUN) {
                // Setup was stopped before it noted the outcome: the schema tells.
                records
                    .extend(Begun::from_note(&note.undo).and_then(|begun| begun.made(schema)).map(|made| (note, made)));
                continue;
            }
            match serde_json::from_str::<SetupRecord>(&note.undo) {
                Ok(record) => records.push((note, record)),
                // It was there before: nothing was made.
                Err(_) if note.outcome != "done" => {}
                Err(error) => {
                    self.summary.not_undoable(Some(STEP), format!("{}: its note cannot be read: {error}", note.action));
                }
            }
        }
        let position = self.steps.len();
        if records.is_empty() || (self.stops() && !self.is_dry()) {
            return Ok(());
        }
        let used = self.used(records.iter().map(|(_, record)| record)).await?;
        for (note, record) in records {
            if self.stops() && !self.is_dry() {
                return Ok(());
            }
            let held = used.get(&place(&record)).copied().unwrap_or_default();
            let words = || {
                let verb = match (self.is_dry(), held.records) {
                    (true, _) => "would still hold",
                    (false, 1) => "still holds",
                    (false, _) => "still hold",
                };
                format!("{} {verb} a value in it", count(held.records, "record", "records"))
            };
            let outcome = match self.context.destination.irreversible(&record) {
                Some(why) => UndoOutcome::Irreversible { why },
                None if held.records > 0 && held.others == 0 => UndoOutcome::Irreversible { why: words() },
                None if held.records > 0 => UndoOutcome::Kept { why: words() },
                None if self.is_dry() => UndoOutcome::Undone,
                None => match self.context.destination.undo_setup(&record).await {
                    Ok(outcome) => outcome,
                    Err(LoadError::Missing { .. }) => UndoOutcome::Gone,
                    Err(error) if error.stops_the_run() => return Err(error.into()),
                    Err(error) => UndoOutcome::Kept { why: error.to_string() },
                },
            };
            match outcome {
                UndoOutcome::Undone | UndoOutcome::Gone => {
                    self.summary.schema_removed += u64::from(outcome == UndoOutcome::Undone);
                    self.summary.step(position, STEP).destroyed += 1;
                    if self.is_dry() {
                        continue;
                    }
                    let undone = Change::SetupUndone { position: note.position };
                    self.context.journal.write_later(vec![undone]).await?;
                }
                UndoOutcome::Irreversible { why } => {
                    self.summary.step(position, STEP).kept += 1;
                    self.summary.irreversible(Some(STEP), format!("{}: left, because {why}", note.action));
                }
                UndoOutcome::Kept { why } => {
                    self.summary.step(position, STEP).kept += 1;
                    self.summary.schema_left += 1;
                    self.summary.not_undoable(Some(STEP), format!("{}: left, because {why}", note.action));
                }
            }
        }
        Ok(())
    }

    /// Number of records that hold something in the fields that setup made: what is ours is gone or given back by now, or would be.
    async fn used<'r>(
        &self,
        records: impl Iterator<Item = &'r SetupRecord>,
    ) -> Result<BTreeMap<(String, String), Holders>, EngineError> {
        let destination = &self.context.destination;
        let schema = destination.known_schema().await?;
        let mut made: BTreeMap<String, Vec<Held>> = BTreeMap::new();
        for record in records.filter(|record| matches!(record.made, Made::Field { .. })) {
            let SetupAction::CreateField { object, field, .. } = &record.action else { continue };
            let Some(found) = schema.field(object, field) else { continue };
            let (holder, keys) = match destination.held_under(object, field) {
                Some((holder, key)) => (holder.to_owned(), vec![key]),
                None => (object.clone(), found.write_keys.values().cloned().chain([found.write_key.clone()]).collect()),
            };
            made.entry(holder).or_default().push(Held { place: (object.clone(), field.clone()), keys });
        }
        let mut used: BTreeMap<(String, String), Holders> = BTreeMap::new();
        for (object, fields) in made {
            let ours = if self.is_dry() { self.ours(&object)? } else { Ours::default() };
            let mut after = None;
            loop {
                let page = destination.scan(&object, Deleted::Both, after).await?;
                after = page.next;
                let mut holding = page.records;
                holding.retain(|found| fields.iter().any(|field| field.is_in(found)));
                if destination.listing(&object) == Listing::Lagging {
                    // A list that lags shows records that are gone.
                    let ids: Vec<String> = holding.into_iter().map(|found| found.id).collect();
                    holding = self.fetch(&object, &ids, Deleted::Both).await?;
                }
                for found in &holding {
                    for field in fields.iter().filter(|field| field.is_in(found)) {
                        if !self.is_dry() || self.would_hold(&object, found, field, &ours) {
                            let holders = used.entry(field.place.clone()).or_default();
                            holders.records += 1;
                            let keeps = self.carriers.contains(&(object.clone(), found.id.clone()));
                            holders.others += u64::from(field.place.0 == object || !keeps);
                        }
                    }
                }
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(used)
    }

    /// True where a record would hold a value in a field after the rollback: it stays, and the value is not one that it is given back without.
    fn would_hold(&self, object: &str, found: &Found, field: &Held, ours: &Ours) -> bool {
        let id = digest(&found.id);
        let is_kept = self.theirs.contains_key(&(object.to_owned(), found.id.clone()));
        if is_kept || field.place.0 != object {
            return is_kept || !ours.going.contains(&id);
        }
        let is_of_field = |kept: &&KeptField| {
            kept.object == object
                && kept.id == found.id
                && kept.field.as_ref().is_none_or(|key| field.keys.contains(key))
        };
        let is_changed =
            ours.changed.contains(&id) && self.summary.kept_because_changed.iter().any(|kept| is_of_field(&kept));
        is_changed || !ours.written.contains(&id)
    }

    /// The records of an object that the journal knows, read once.
    fn ours(&self, object: &str) -> Result<Ours, EngineError> {
        let mut ours = Ours::default();
        for step in self.steps.iter().filter(|step| step.object == object) {
            let mut after: Option<String> = None;
            loop {
                let rows = self.reader().rows_after(step.id, after.as_deref(), TOGETHER)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                for row in &rows {
                    let Some(id) = row.mapped.id.as_deref().map(digest) else { continue };
                    ours.written.insert(id);
                    if self.is_to_go(step, row)? {
                        ours.going.insert(id);
                    }
                }
            }
        }
        let kept = self.summary.kept_because_changed.iter().filter(|kept| kept.object == object);
        ours.changed.extend(kept.map(|kept| digest(&kept.id)));
        Ok(ours)
    }
}

/// Records of one object, by numbers that stand for their ids.
#[derive(Debug, Default)]
struct Ours {
    /// Every one that the migration wrote to.
    written: HashSet<u64>,
    /// Created ones that go.
    going: HashSet<u64>,
    /// Records of which something was changed by others since.
    changed: HashSet<u64>,
}

/// Records that hold a value in a field that setup made.
#[derive(Clone, Copy, Debug, Default)]
struct Holders {
    records: u64,
    /// Records among them that do not hold it for the one reason that what goes with a record alone stays with it.
    others: u64,
}

/// Field that setup made, and the keys by which records hold its values.
struct Held {
    /// Object and name of the field.
    place: (String, String),
    keys: Vec<String>,
}

impl Held {
    fn is_in(&self, found: &Found) -> bool {
        self.keys.iter().any(|key| found.values.get(key).is_some_and(is_used))
    }
}

fn place(record: &SetupRecord) -> (String, String) {
    match &record.action {
        SetupAction::CreateField { object, field, .. } | SetupAction::AddOptions { object, field, .. } => {
            (object.clone(), field.clone())
        }
        SetupAction::CreateObject { object, .. } => (object.clone(), String::new()),
    }
}

/// True where a value is more than the empty one that a new field has everywhere: of a new truth value that is no.
fn is_used(value: &Value) -> bool {
    *value != Value::Bool(false) && holds_something(value)
}
