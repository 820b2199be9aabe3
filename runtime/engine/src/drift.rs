//! Drift: what others changed in the destination since the migration wrote there, by record and field. Reads only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use migr_journal::{MappedRow, Reader, State, StepId, WrittenReader};
use migr_load::{Deleted, Found};
use migr_plan::Stage;
use serde::Serialize;

use crate::held_otherwise::held_otherwise;
use crate::stamps::Stamps;
use crate::steps::changes::WritingSteps;
use crate::{Context, EngineError};
use migr_decide::vanished::TRASHED;

/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;

/// A record that others changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftedRecord {
    /// The map.
    pub map: String,
    /// Key of the record in the source.
    pub key: String,
    /// The destination object.
    pub object: String,
    /// The id there.
    pub id: String,
    /// Keys of the fields that hold another value than was written, sorted; none where the record is gone or in the trash.
    pub fields: Vec<String>,
    /// `changed`, `trashed`, `gone`.
    pub what: &'static str,
    /// Time of the last change, as the destination says it.
    pub at: Option<String>,
}

/// Counts of a drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DriftSummary {
    /// Records that were looked at.
    pub records: u64,
    /// Records that drifted.
    pub drifted: u64,
    /// Fields of them.
    pub fields: u64,
}

/// Looks at every record that was written, and hands those on that others changed in a field that was written. With `since` only changes after that run.
pub async fn drift(
    context: &Context,
    since: Option<i64>,
    sink: &mut (dyn FnMut(DriftedRecord) + Send),
) -> Result<DriftSummary, EngineError> {
    context.destination.known_schema().await?;
    let reader = context.journal.reader()?;
    let after = since.map(|run| moment(&reader, run)).transpose()?;
    let path = context.journal.lock().path().to_owned();
    let look = Look { context, stamps: Stamps::read(&reader)?, after };
    let mut summary = DriftSummary::default();
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        let written_by = WritingSteps::of_stage(stage, &reader)?;
        let mut last: Option<String> = None;
        loop {
            let rows = reader.rows_after(step, last.as_deref(), TOGETHER)?;
            let Some(end) = rows.last() else { break };
            last = Some(end.key.clone());
            let mut there = Vec::with_capacity(rows.len());
            for row in rows {
                let is_written = matches!(row.mapped.state, State::Created | State::Updated);
                if is_written && reader.fate(step, &row.key)?.is_none_or(|fate| fate != TRASHED) {
                    there.push(row);
                }
            }
            let rows: Vec<MappedRow> = there;
            summary.records += rows.len() as u64;
            for drifted in look.at(stage, &rows, &written_by, &path).await? {
                summary.drifted += 1;
                summary.fields += drifted.fields.len() as u64;
                sink(drifted);
            }
            if context.cancellation.is_cancelled() {
                return Ok(summary);
            }
        }
    }
    Ok(summary)
}

/// The end of a run.
fn moment(reader: &Reader, run: i64) -> Result<Timestamp, EngineError> {
    let runs = reader.fold()?.runs;
    let found = runs.iter().find(|known| known.id == run);
    let ended = found.and_then(|run| run.ended.as_deref().unwrap_or(&run.started).parse().ok());
    ended.ok_or(EngineError::NoRun { run })
}

struct Look<'c> {
    context: &'c Context,
    stamps: Stamps,
    after: Option<Timestamp>,
}

impl Look<'_> {
    async fn at(
        &self,
        stage: &Stage,
        rows: &[MappedRow],
        steps: &[StepId],
        journal: &std::path::Path,
    ) -> Result<Vec<DriftedRecord>, EngineError> {
        let object = &stage.destination_object;
        let mut ids: Vec<String> = rows.iter().filter_map(|row| row.mapped.id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.context.destination.fetch(object, &ids, Deleted::Both).await?;
        let found: BTreeMap<String, Found> = found.into_iter().map(|found| (found.id.clone(), found)).collect();
        let written = WrittenReader::new(Reader::open(journal)?);
        let mut drifted = Vec::new();
        for row in rows {
            let Some(id) = row.mapped.id.clone() else { continue };
            let record = |fields: Vec<String>, what: &'static str, at: Option<String>| DriftedRecord {
                map: stage.map.clone(),
                key: migr_decide::decision::shown(&row.key),
                object: object.clone(),
                id: id.clone(),
                fields,
                what,
                at,
            };
            let Some(there) = found.get(&id) else {
                drifted.push(record(Vec::new(), "gone", None));
                continue;
            };
            let at = there.values.get("updatedAt").and_then(serde_json::Value::as_str).map(str::to_owned);
            let is_later =
                |after: Timestamp| at.as_deref().and_then(|at| at.parse().ok()).is_none_or(|at: Timestamp| at > after);
            if !self.after.is_none_or(is_later) {
                continue;
            }
            if there.deleted {
                drifted.push(record(Vec::new(), "trashed", at));
                continue;
            }
            let of = written.of(steps, &row.key)?;
            let fields = held_otherwise(&*self.context.destination, &self.stamps, object, (&of, there));
            if !fields.is_empty() {
                drifted.push(record(fields, "changed", at));
            }
        }
        Ok(drifted)
    }
}
