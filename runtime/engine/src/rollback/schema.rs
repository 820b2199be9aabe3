//! Rollback of the changes that setup made to the schema.

use std::collections::BTreeMap;

use migr_journal::Change;
use migr_load::{Deleted, Found, Listing, LoadError, Made, SetupRecord, UndoOutcome};
use migr_plan::SetupAction;
use serde_json::Value;

use super::Back;
use crate::EngineError;
use crate::begun::{BEGUN, Begun};
use migr_decide::parts::holds_something;

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
        if self.is_dry() {
            self.summary.schema_removed = records.len() as u64;
            if !records.is_empty() {
                self.summary.step(position, STEP).destroyed = records.len() as u64;
            }
            return Ok(());
        }
        if records.is_empty() || self.stops() {
            return Ok(());
        }
        let used = self.used(records.iter().map(|(_, record)| record)).await?;
        for (note, record) in records {
            if self.stops() {
                return Ok(());
            }
            let outcome = match used.get(&place(&record)) {
                Some(count) if *count > 0 && matches!(record.made, Made::Field { .. }) => UndoOutcome::Kept {
                    why: format!("{count} records hold values in it that this migration did not write"),
                },
                _ => match self.context.destination.undo_setup(&record).await {
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

    /// Number of records that hold something in the fields that setup made. What is ours is gone or given back by now.
    async fn used<'r>(
        &self,
        records: impl Iterator<Item = &'r SetupRecord>,
    ) -> Result<BTreeMap<(String, String), u64>, EngineError> {
        let schema = self.context.destination.known_schema().await?;
        let mut fields: BTreeMap<&str, Vec<(&str, Vec<String>)>> = BTreeMap::new();
        for record in records.filter(|record| matches!(record.made, Made::Field { .. })) {
            let SetupAction::CreateField { object, field, .. } = &record.action else { continue };
            let Some(found) = schema.field(object, field) else { continue };
            let keys = found.write_keys.values().cloned().chain([found.write_key.clone()]).collect();
            fields.entry(object).or_default().push((field, keys));
        }
        let mut used: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (object, fields) in fields {
            let mut after = None;
            loop {
                let page = self.context.destination.scan(object, Deleted::Both, after).await?;
                let holds =
                    |found: &Found, keys: &[String]| keys.iter().any(|key| found.values.get(key).is_some_and(is_used));
                after = page.next;
                let mut holding = page.records;
                holding.retain(|found| fields.iter().any(|(_, keys)| holds(found, keys)));
                if self.context.destination.listing(object) == Listing::Lagging {
                    // A list that lags shows records that are gone.
                    let ids: Vec<String> = holding.into_iter().map(|found| found.id).collect();
                    holding = self.fetch(object, &ids, Deleted::Both).await?;
                }
                for found in &holding {
                    for (field, _) in fields.iter().filter(|(_, keys)| holds(found, keys)) {
                        *used.entry((object.to_owned(), (*field).to_owned())).or_default() += 1;
                    }
                }
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(used)
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
