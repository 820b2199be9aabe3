//! Preview of a run for records that are there already, field by field, with the records that would become one.

use std::io;

use migr_journal::StepId;
use migr_plan::{FieldType, Plan, SourceObject, Stage, There, ThereField};
use serde::Serialize;

use super::AuditError;
use super::finding::shown_key;
use super::referred_keys::{Known, key_of};
use migr_decide::conflict_policy::ConflictPolicy;
use migr_decide::forecast::{Forecast, Met};
use migr_decide::preview::PreviewAction;
use migr_decide::record_write::FieldChange;

/// Entries of one map that stand in the audit itself.
const EXAMPLES: usize = 10;
/// Records that are read back together.
const TOGETHER: usize = 200;

/// Action of a run for one record, or for one field of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreviewEntry {
    /// The map.
    pub map: String,
    /// The record's source key; absent where it is sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file of the export.
    pub file: String,
    /// The 1-based physical line there.
    pub line: u64,
    /// Action for the record.
    pub action: PreviewAction,
    /// The record of the destination; of a record that goes into another, the key of that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// The destination field that changes, or whose value loses a merge; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Value that the field holds, or the value that loses; `***` where it is sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Value that the field will hold, or the value that counts; of one that stays, the value of the export, which is not written. `***` where it is sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Policy for the field, where a person changed it in the destination since it was written: with `keep` and `list` it stays, with `overwrite` it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictPolicy>,
}

/// Takes every entry of the preview, by map and line.
pub trait PreviewSink {
    /// Takes one.
    fn entry(&mut self, entry: &PreviewEntry) -> io::Result<()>;
}

/// The preview of one map: counted, with some entries as examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StagePreview {
    /// The map.
    pub map: String,
    /// The source object.
    pub source_object: String,
    /// The destination object.
    pub destination_object: String,
    /// The numbers.
    #[serde(flatten)]
    pub there: There,
    /// The first entries.
    pub examples: Vec<PreviewEntry>,
}

/// Counts and lists what a forecast says of the records of a stage that meet others.
pub(crate) fn stage_preview(
    plan: &Plan,
    (stage, step): (&Stage, StepId),
    file: &str,
    forecast: &Forecast,
    sink: &mut Option<&mut (dyn PreviewSink + Send)>,
) -> Result<StagePreview, AuditError> {
    let is_masked = plan.source_object(&stage.source_object).is_some_and(SourceObject::has_sensitive_key);
    let reader = forecast.reader()?;
    let known = (plan, forecast, reader.as_ref());
    let mut preview =
        Preview { known, stage, file: file.to_owned(), is_masked, there: There::default(), examples: Vec::new() };
    let mut after = (0, String::new());
    loop {
        let met = forecast.met(step, (after.0, &after.1), TOGETHER)?;
        let Some(last) = met.last() else { break };
        after = (last.line, last.key.clone());
        for met in met {
            preview.take(met, sink)?;
        }
    }
    let listed = |fields: Vec<(String, u64)>| {
        fields.into_iter().map(|(field, records)| ThereField { field, records }).collect::<Vec<_>>()
    };
    preview.there.kept_fields = listed(forecast.kept_fields(step));
    preview.there.outdone_fields = listed(forecast.outdone_fields(step));
    Ok(StagePreview {
        map: stage.id.clone(),
        source_object: stage.source_object.clone(),
        destination_object: stage.destination_object.clone(),
        there: preview.there,
        examples: preview.examples,
    })
}

struct Preview<'p> {
    known: Known<'p>,
    stage: &'p Stage,
    file: String,
    is_masked: bool,
    there: There,
    examples: Vec<PreviewEntry>,
}

impl Preview<'_> {
    fn take(&mut self, met: Met, sink: &mut Option<&mut (dyn PreviewSink + Send)>) -> Result<(), AuditError> {
        let changes = met.changes;
        let there = &mut self.there;
        let is_changed = changes.iter().any(|change| !change.stays);
        let count = match met.action {
            PreviewAction::Change if !is_changed => &mut there.unchanged,
            PreviewAction::Change => &mut there.changed,
            PreviewAction::Restore => &mut there.restored,
            PreviewAction::Replace => &mut there.replaced,
            PreviewAction::Keep | PreviewAction::Stay => &mut there.kept,
            PreviewAction::SetAside => &mut there.set_aside,
            PreviewAction::Merge => &mut there.merged,
            PreviewAction::GiveWay => &mut there.given_way,
            PreviewAction::Vanish => &mut there.vanished,
            PreviewAction::Trash => &mut there.trashed,
        };
        *count += 1;
        let is_key = matches!(met.action, PreviewAction::Merge | PreviewAction::GiveWay);
        for FieldChange { field, conflict, .. } in changes.iter().filter(|change| !is_key && !change.stays) {
            let is_theirs = conflict.is_some();
            let stays = conflict.is_some_and(|policy| policy != ConflictPolicy::Overwrite);
            for (counts, _) in
                [(&mut there.conflicts, is_theirs), (&mut there.fields, !stays)].into_iter().filter(|one| one.1)
            {
                match counts.iter_mut().find(|known| known.field == *field) {
                    Some(known) => known.records += 1,
                    None => counts.push(ThereField { field: field.clone(), records: 1 }),
                }
            }
        }
        let other = if is_key { (!self.is_masked).then(|| shown_key(&met.other)) } else { Some(met.other) };
        let one = PreviewEntry {
            map: self.stage.id.clone(),
            key: (!self.is_masked).then(|| shown_key(&met.key)),
            file: self.file.clone(),
            line: met.line,
            action: met.action,
            other,
            field: None,
            before: None,
            after: None,
            conflict: None,
        };
        let is_told = met.action == PreviewAction::Change && !changes.is_empty();
        if !is_changed && !is_told {
            self.entry(one.clone(), sink)?;
        }
        for FieldChange { field, before, after, conflict, stays } in changes {
            let (before, after) = (self.named(&field, before)?, self.named(&field, after)?);
            let (field, before, after) = (Some(field), Some(before), Some(after));
            let action = if stays { PreviewAction::Stay } else { one.action };
            self.entry(PreviewEntry { action, field, before, after, conflict, ..one.clone() }, sink)?;
        }
        Ok(())
    }

    /// A value as a person reads it: the key of a record that is referred to.
    fn named(&self, field: &str, value: String) -> Result<String, AuditError> {
        let mapping = self.stage.fields.iter().find(|mapping| mapping.field == field);
        let Some(FieldType::Reference { objects }) = mapping.map(|mapping| &mapping.ty) else { return Ok(value) };
        Ok(if value.is_empty() { value } else { key_of(self.known, objects, &value)?.unwrap_or(value) })
    }

    fn entry(
        &mut self,
        entry: PreviewEntry,
        sink: &mut Option<&mut (dyn PreviewSink + Send)>,
    ) -> Result<(), AuditError> {
        if let Some(sink) = sink {
            sink.entry(&entry).map_err(AuditError::Preview)?;
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(entry);
        }
        Ok(())
    }
}
