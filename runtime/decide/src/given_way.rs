//! Rows of which nothing is written, since `on duplicate keep …` prefers another one, with their values that go so.

use migr_extract::{OwnedRecord, Record};
use migr_journal::{Change, RepairNote, Settled, SkipNote, State};
use migr_plan::ReasonCode;
use migr_spill::{GivenWay, RowSet};
use migr_transform::Pass;
use serde_json::Value;

use crate::DecideError;
use crate::cells::Kept;
use crate::decision::{SkipReason, Subject, shown};
use crate::merging::{is_same_spelling, plain_json};
use crate::parts::holds_something;
use crate::preview::shown_values;
use crate::record_lookup::RecordLookup;
use crate::record_write::FieldChange;
use crate::stage_run::StageRun;

/// Start of the note on a value of a row for which another one stands.
const GAVE_WAY: &str = "gave way to ";
/// Leader under which the cells of rows are kept: no family has it.
const NONE: u64 = 0;
/// Rows that are looked at together.
const TOGETHER: u32 = 500;

/// Remembers a row for which another one stands, so that its values are told once both were read.
pub fn remember(world: &RecordLookup, rivals: &mut RowSet, row: &GivenWay) -> Result<(), DecideError> {
    rivals.insert(row.line);
    rivals.insert(row.kept);
    Ok(world.spill.add_given_way(row)?)
}

/// Keeps the cells of such a row, or of one that stands for others.
pub fn keep(world: &RecordLookup, record: Record<'_>) -> Result<(), DecideError> {
    let line = record.line;
    Ok(world.spill.add_merging(NONE, line, &record.to_owned().to_bytes())?)
}

/// Holds the values of such rows against those of the rows that are kept; what is not written waits until the rows are settled.
pub fn compare(job: &StageRun, world: &RecordLookup) -> Result<(), DecideError> {
    let cells = |line: u64| -> Result<Option<Kept>, DecideError> {
        let bytes = world.spill.merging(NONE, line)?;
        Ok(bytes.and_then(|bytes| OwnedRecord::from_bytes(&bytes)).map(Kept))
    };
    let mut after = 0;
    loop {
        let rows = world.spill.given_way_after(after, TOGETHER)?;
        let Some(last) = rows.last() else { break };
        after = last.line;
        for row in rows.iter().filter(|row| job.takes(row.line)) {
            let (Some(kept), Some(own)) = (cells(row.kept)?, cells(row.line)?) else { continue };
            let changes = lost(job, world, &kept, &own)?;
            if !changes.is_empty() {
                world.spill.set_given_values(row.line, &serde_json::to_string(&changes).unwrap_or_default())?;
            }
        }
    }
    // Nothing of these rows is written: whom they name owns no record by them.
    world.take_owned();
    Ok(())
}

/// Values of a row that are not written: a forecast is told of them, a run notes them.
pub fn notes(
    job: &StageRun,
    world: &RecordLookup,
    (line, key): (u64, &str),
    kept: &str,
) -> Result<Vec<RepairNote>, DecideError> {
    let Some(text) = world.spill.given_values(line)? else { return Ok(Vec::new()) };
    let changes: Vec<FieldChange> = serde_json::from_str(&text).unwrap_or_default();
    if let Some(forecast) = job.context.outcomes.forecast() {
        forecast.loses(job.step, (key, line), &changes)?;
        return Ok(Vec::new());
    }
    let reason = format!("{GAVE_WAY}{kept} (`on duplicate {}`)", job.stage.policies.duplicate);
    let note = |change: FieldChange| RepairNote {
        code: Some(ReasonCode::R203.to_string()),
        key: key.to_owned(),
        file: job.file.clone(),
        line,
        field: change.field,
        reason: reason.clone(),
    };
    Ok(changes.into_iter().map(note).collect())
}

/// Settles the rows whose key another row has and that give way to it.
pub fn settle_doubles(job: &StageRun, world: &RecordLookup) -> Result<(), DecideError> {
    let mut after = 0;
    loop {
        let rows = world.spill.given_way_after(after, TOGETHER)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.line;
        let (mut records, mut skips, mut repairs) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows.iter().filter(|row| row.is_double && job.takes(row.line)) {
            if world.reader.id_of(job.step, &row.key)?.is_some() {
                continue;
            }
            let source_key = row.key.rsplit_once('\u{1f}').map_or(row.key.as_str(), |(key, _)| key);
            let reason = SkipReason::SameKey { kept: row.kept, same: false };
            let subject = Subject { key: &row.key, source_key, line: row.line };
            let kept = format!("line {}, which has the same key", row.kept);
            repairs.extend(notes(job, world, (row.line, &row.key), &kept)?);
            if let Some(forecast) = job.context.outcomes.forecast() {
                forecast.skipped(job.step, subject, &reason, None)?;
                continue;
            }
            skips.push(SkipNote {
                key: row.key.clone(),
                reason: reason.text(source_key),
                code: Some(reason.code().to_string()),
            });
            records.push(Settled {
                step: job.step,
                key: row.key.clone(),
                line: row.line,
                state: State::Skipped,
                id: None,
                winner: None,
            });
        }
        if records.is_empty() {
            continue;
        }
        let settled = Change::Settled { records, quarantine: Vec::new(), skips };
        job.context.outcomes.write(&with_notes(job, settled, repairs))?;
    }
}

/// A change with notes, where there are any.
pub fn with_notes(job: &StageRun, settled: Change, repairs: Vec<RepairNote>) -> Vec<Change> {
    let notes = (!repairs.is_empty()).then_some(Change::Repairs { step: job.step, repairs });
    std::iter::once(settled).chain(notes).collect()
}

/// Values of a row that are not those of the row that is kept.
fn lost(job: &StageRun, world: &RecordLookup, kept: &Kept, own: &Kept) -> Result<Vec<FieldChange>, DecideError> {
    let mut losses = Vec::new();
    for pass in [Pass::First, Pass::Deferred] {
        let kept = job.program.fields_apart(kept, world, pass)?.evaluated.values;
        for (index, value) in job.program.fields_apart(own, world, pass)?.evaluated.values {
            let Some(field) = job.stage.fields.get(index) else { continue };
            let is_masked = field.sensitive || job.program.is_masked(index);
            let is_identity = job.identities.is_made_of(&field.field);
            let there = kept.iter().find(|(known, _)| *known == index).map(|(_, value)| plain_json(value));
            outdone(&there.unwrap_or_default(), &plain_json(&value), "", &mut |path, lost, counts| {
                if is_identity && is_same_spelling(lost, counts) {
                    return;
                }
                let shown = |value| if is_masked { "***".to_owned() } else { shown_values([value]) };
                let after = if holds_something(counts) { shown(counts) } else { String::new() };
                let field = format!("{}{path}", field.field);
                losses.push(FieldChange { field, before: shown(lost), after, conflict: None, stays: false });
            });
        }
    }
    Ok(losses)
}

/// Calls for each part of a value that is none of the kept value's, with its path and the part that is kept.
fn outdone(kept: &Value, own: &Value, path: &str, told: &mut dyn FnMut(&str, &Value, &Value)) {
    match (kept, own) {
        (_, own) if !holds_something(own) => {}
        (Value::Object(parts), Value::Object(others)) => {
            for (name, other) in others {
                outdone(parts.get(name).unwrap_or(&Value::Null), other, &format!("{path}.{name}"), told);
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            let left = others.iter().filter(|other| holds_something(other) && !items.contains(other));
            left.for_each(|other| told(path, other, &Value::Null));
        }
        (kept, own) if kept != own => told(path, own, kept),
        _ => {}
    }
}

/// The key of the row that is kept, for a note.
pub fn kept_in_words(winner: &str) -> String {
    format!("{}, which is kept", shown(winner))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_part_that_is_not_kept_is_told() {
        for (kept, own, expected) in [
            (json!("Nurse"), json!("Cook"), vec![": Cook, Nurse"]),
            (json!("Nurse"), json!("Nurse"), vec![]),
            (json!(null), json!("Cook"), vec![": Cook, "]),
            (json!("Nurse"), json!(null), vec![]),
            (json!(["a"]), json!(["a", "b"]), vec![": b, "]),
            (
                json!({"firstName": "Ada", "lastName": null}),
                json!({"firstName": "Eda", "lastName": "Hill"}),
                vec![".firstName: Eda, Ada", ".lastName: Hill, "],
            ),
        ] {
            let mut words = Vec::new();
            outdone(&kept, &own, "", &mut |path, own, kept| {
                words.push(format!("{path}: {}, {}", shown_values([own]), shown_values([kept])));
            });
            assert_eq!(words, expected);
        }
    }
}
