//! What a run would do to records that are there already, field by field, and which records of the source would become one.

use std::collections::BTreeMap;
use std::io;

use migr_extract::Export;
use migr_load::{Deleted, Destination, Found, Map, Schema};
use migr_plan::lock::LockedStages;
use migr_plan::{ExistingPolicy, FieldMapping, FieldType, Plan, Stage, There, ThereField};
use migr_transform::Value;
use serde::{Deserialize, Serialize};

use super::AuditError;
use super::finding::shown_key;
use super::scratch::{Met, Scratch};
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

/// A field's value of a record that may be there, kept until the destination's record is read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    field: usize,
    /// As it would be sent; none where that is known only once setup is done or other records are there.
    native: Option<Map>,
    /// The destination object and the source key that it refers to.
    refers: Option<(String, String)>,
    /// For people.
    shown: String,
    empty: bool,
}

/// The values of a record, kept as text.
pub(crate) fn kept(
    destination: &dyn Destination,
    schema: &Schema,
    stage: &Stage,
    values: &[(usize, Value<'_>)],
) -> Result<String, AuditError> {
    let object = stage.destination_object.as_str();
    let mut all = Vec::with_capacity(values.len());
    for (index, value) in values {
        let Some(field) = stage.fields.get(*index) else { continue };
        if field.create_only || field.ty == FieldType::File || matches!(value, Value::Default) {
            continue;
        }
        let is_there = !field.is_new && schema.field(object, &field.field).is_some();
        let native = is_there.then(|| destination.encode(object, &[(field, value)]).ok()).flatten();
        let refers = match value {
            Value::Reference(reference) if native.is_none() => {
                Some((reference.object.to_string(), reference.id.to_string()))
            }
            _ => None,
        };
        let shown = match (&native, &refers) {
            (Some(native), _) => shown_native(native.values()),
            (None, Some((_, key))) => format!("the new record of {}", shown_key(key)),
            (None, None) => shown_json(&migr_transform::to_json(value)),
        };
        all.push(Kept { field: *index, native, refers, shown, empty: value.is_none() });
    }
    serde_json::to_string(&all).map_err(|error| AuditError::Preview(error.into()))
}

/// Several records that become one: each field from the first that has a value.
fn merged(texts: Vec<String>) -> Result<Vec<Kept>, AuditError> {
    let mut whole: Vec<Kept> = Vec::new();
    for text in texts {
        let values: Vec<Kept> = serde_json::from_str(&text).map_err(|error| AuditError::Preview(error.into()))?;
        for value in values {
            match whole.iter_mut().find(|known| known.field == value.field) {
                None => whole.push(value),
                Some(known) if known.empty => *known = value,
                Some(_) => {}
            }
        }
    }
    Ok(whole)
}

/// Reads the records that would be changed, and says how; the counts go into the stages.
// A scratch database is not shared between threads: only one of its own can be waited with.
pub(crate) async fn compare(
    plan: &Plan,
    project: &std::path::Path,
    (destination, schema): (&dyn Destination, &Schema),
    scratch: Scratch,
    stages: &mut LockedStages,
    mut sink: Option<&mut (dyn PreviewSink + Send)>,
) -> Result<(Scratch, Vec<StagePreview>), AuditError> {
    let export = Export::open(&super::tolerant(plan), project)?;
    let mut previews = Vec::new();
    for (number, stage) in plan.stages.iter().enumerate() {
        let mut preview = Preview::new(plan, stage, schema, &export);
        let mut after = 0;
        loop {
            let met = scratch.met(number, after, TOGETHER)?;
            let Some(last) = met.last() else { break };
            after = last.place;
            let changing = |met: &&Met| matches!(met.action, PreviewAction::Change | PreviewAction::Restore);
            let ids: Vec<String> = met.iter().filter(changing).map(|met| met.other.clone()).collect();
            let found: BTreeMap<String, Found> = if ids.is_empty() {
                BTreeMap::new()
            } else {
                let found = destination.fetch(&stage.destination_object, &ids, Deleted::Both).await?;
                found.into_iter().map(|found| (found.id.clone(), found)).collect()
            };
            for met in met {
                let changes = match found.get(&met.other) {
                    Some(found) => {
                        let mut values = merged(scratch.kept(number, &met)?)?;
                        resolve(plan, &scratch, &mut values)?;
                        preview.changes(destination, found, values)
                    }
                    None => Vec::new(),
                };
                preview.take(met, changes, &mut sink)?;
            }
        }
        if let (Some(locked), false) =
            (stages.stages.iter_mut().find(|locked| locked.id == stage.id), preview.there.is_empty())
        {
            let same = preview.there.unchanged.min(locked.update);
            locked.update -= same;
            locked.unchanged += same;
            locked.there = preview.there.clone();
        }
        if !preview.there.is_empty() {
            previews.push(StagePreview {
                map: stage.id.clone(),
                source_object: stage.source_object.clone(),
                destination_object: stage.destination_object.clone(),
                there: preview.there,
                examples: preview.examples,
            });
        }
    }
    Ok((scratch, previews))
}

/// References to records that are there already get their ids.
fn resolve(plan: &Plan, scratch: &Scratch, values: &mut [Kept]) -> Result<(), AuditError> {
    for value in values {
        let Some((object, key)) = value.refers.take() else { continue };
        for (number, stage) in plan.stages.iter().enumerate().filter(|(_, stage)| stage.destination_object == object) {
            if let Some(id) = scratch.met_as(number, &key)? {
                value.shown.clone_from(&id);
                value.refers = Some((stage.destination_object.clone(), id));
                break;
            }
        }
    }
    Ok(())
}

/// A field that changes: its name, what it holds, what it will hold.
type Changed = (String, String, String);

struct Preview<'p> {
    stage: &'p Stage,
    schema: &'p Schema,
    file: String,
    is_masked: bool,
    there: There,
    examples: Vec<PreviewEntry>,
}

impl<'p> Preview<'p> {
    fn new(plan: &Plan, stage: &'p Stage, schema: &'p Schema, export: &Export) -> Self {
        let object = plan.source_object(&stage.source_object);
        let is_masked = object.is_some_and(|object| {
            object.key.iter().any(|key| object.column(key).is_some_and(|column| column.sensitive))
        });
        let file = export.file(&stage.source_object).map_or_else(String::new, |file| file.shown().to_owned());
        Self { stage, schema, file, is_masked, there: There::default(), examples: Vec::new() }
    }

    fn changes(&self, destination: &dyn Destination, found: &Found, values: Vec<Kept>) -> Vec<Changed> {
        let object = self.stage.destination_object.as_str();
        let mut changes = Vec::new();
        for value in values {
            let Some(field) = self.stage.fields.get(value.field) else { continue };
            let (before, differs): (Vec<&serde_json::Value>, bool) = if let Some(native) = &value.native {
                let held = native.keys().filter_map(|key| found.values.get(key)).collect();
                (held, !destination.unlike(object, native, &found.values).is_empty())
            } else {
                let known = self.schema.field(object, &field.field);
                let keys = known.map(|known| [known.write_key.as_str(), known.name.as_str()]).unwrap_or_default();
                let held = keys.iter().find_map(|key| found.values.get(*key));
                let is_held = |id: &String| held.and_then(serde_json::Value::as_str) == Some(id);
                let is_same = value.refers.as_ref().is_some_and(|(_, id)| is_held(id));
                (held.into_iter().collect(), !value.empty && !is_same)
            };
            let is_written = match self.stage.policies.existing {
                ExistingPolicy::Update => differs,
                _ => differs && !value.empty && !before.iter().any(|held| holds_something(held)),
            };
            if is_written {
                changes.push(shown_change(field, &shown_native(before), value.shown));
            }
        }
        changes
    }

    fn take(
        &mut self,
        met: Met,
        changes: Vec<Changed>,
        sink: &mut Option<&mut (dyn PreviewSink + Send)>,
    ) -> Result<(), AuditError> {
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
        for (field, ..) in &changes {
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
        for (field, before, after) in changes {
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

fn shown_change(field: &FieldMapping, before: &str, after: String) -> Changed {
    if field.sensitive {
        return (field.field.clone(), "***".to_owned(), "***".to_owned());
    }
    (field.field.clone(), before.to_owned(), after)
}

fn shown_native<'v>(values: impl IntoIterator<Item = &'v serde_json::Value>) -> String {
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
