//! What a run would do to records that are there already, field by field, and which records of the source would become one.

use std::io;

use migr_journal::StepId;
use migr_plan::{Plan, Stage, There, ThereField};
use serde::{Deserialize, Serialize};

use super::AuditError;
use super::finding::shown_key;
use crate::forecast::{Forecast, Met};
use crate::item::FieldChange;
use crate::there::holds_something;

/// Entries of one map that stand in the audit itself.
const EXAMPLES: usize = 10;
/// Records that are read back together.
const TOGETHER: usize = 200;
/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// What a run would do with one record, or with one field of it.
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
    /// What happens.
    pub action: PreviewAction,
    /// The record of the destination; of a record that goes into another, the key of that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// The destination field that changes; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What the field holds; `***` where it is sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it will hold; `***` where it is sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewAction {
    /// A record of the destination is changed.
    Change,
    /// It comes out of the trash, and is changed where that is needed.
    Restore,
    /// A record in the trash is destroyed, and a new one made.
    Replace,
    /// A record of the destination is left as it is.
    Keep,
    /// The record of the source is set aside because the destination has it.
    SetAside,
    /// The record of the source becomes one with another.
    Merge,
    /// Another record of the source stands for it.
    GiveWay,
}

impl PreviewAction {
    const ALL: [Self; 7] =
        [Self::Change, Self::Restore, Self::Replace, Self::Keep, Self::SetAside, Self::Merge, Self::GiveWay];

    /// The action of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// Its name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Restore => "restore",
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::SetAside => "set_aside",
            Self::Merge => "merge",
            Self::GiveWay => "give_way",
        }
    }
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
    let object = plan.source_object(&stage.source_object);
    let is_masked = object
        .is_some_and(|object| object.key.iter().any(|key| object.column(key).is_some_and(|column| column.sensitive)));
    let mut preview =
        Preview { stage, file: file.to_owned(), is_masked, there: There::default(), examples: Vec::new() };
    let mut after = (0, String::new());
    loop {
        let met = forecast.met(step, (after.0, &after.1), TOGETHER)?;
        let Some(last) = met.last() else { break };
        after = (last.line, last.key.clone());
        for met in met {
            preview.take(met, sink)?;
        }
    }
    Ok(StagePreview {
        map: stage.id.clone(),
        source_object: stage.source_object.clone(),
        destination_object: stage.destination_object.clone(),
        there: preview.there,
        examples: preview.examples,
    })
}

struct Preview<'p> {
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
        let count = match met.action {
            PreviewAction::Change if changes.is_empty() => &mut there.unchanged,
            PreviewAction::Change => &mut there.changed,
            PreviewAction::Restore => &mut there.restored,
            PreviewAction::Replace => &mut there.replaced,
            PreviewAction::Keep => &mut there.kept,
            PreviewAction::SetAside => &mut there.set_aside,
            PreviewAction::Merge => &mut there.merged,
            PreviewAction::GiveWay => &mut there.given_way,
        };
        *count += 1;
        for FieldChange { field, .. } in &changes {
            match there.fields.iter_mut().find(|known| known.field == *field) {
                Some(known) => known.records += 1,
                None => there.fields.push(ThereField { field: field.clone(), records: 1 }),
            }
        }
        let is_key = matches!(met.action, PreviewAction::Merge | PreviewAction::GiveWay);
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
        };
        if changes.is_empty() {
            return self.entry(one, sink);
        }
        for FieldChange { field, before, after } in changes {
            self.entry(
                PreviewEntry { field: Some(field), before: Some(before), after: Some(after), ..one.clone() },
                sink,
            )?;
        }
        Ok(())
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

/// Values for people, joined.
pub(crate) fn shown_values<'v>(values: impl IntoIterator<Item = &'v serde_json::Value>) -> String {
    values.into_iter().map(shown_json).collect::<Vec<_>>().join(", ")
}

/// A value for people: texts as they are; of an object the parts that hold something; cut short.
fn shown_json(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(parts) => {
            let parts = parts.iter().filter(|(_, part)| holds_something(part));
            parts.map(|(name, part)| format!("{name}: {}", shown_json(part))).collect::<Vec<_>>().join(", ")
        }
        other if holds_something(other) => other.to_string(),
        _ => String::new(),
    };
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() { format!("{start}…") } else { start }
}
