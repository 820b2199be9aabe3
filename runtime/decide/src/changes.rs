//! Differences between what a written record should hold now and what was written to it.

use migr_journal::Written;
use migr_load::Map;
use migr_plan::{EmptyPolicy, Expr, FieldMapping, FieldType};
use migr_transform::Value;

use crate::DecideError;
use crate::defaults;
use crate::digests::is_written;
use crate::expected::Expected;
use crate::families::is_empty;
use crate::files::{column_of, shown_path};
use crate::hashing::file_hash;
use crate::parts::{Taking, beside, holds_something};
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;

/// Kind of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// Field of a record that was there before, to which nothing was written: the record's own value tells whether something is to be.
    Untold,
    /// Nothing was ever written to the field.
    Fresh,
    /// Another value was written.
    Value,
}

/// Field of a written record that should hold another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Index of the field in the stage.
    pub index: usize,
    /// Kind of the difference.
    pub kind: DifferenceKind,
}

/// The fields of a record whose values differ from what was written. `held` is what a record that was there before held in the fields that were written; `looks`
/// names, by index, the fields that such a record is looked at for where nothing was written to them.
pub fn differences(
    job: &StageRun,
    expected: &Expected,
    written: &Written,
    held: &Map,
    looks: &[usize],
) -> Vec<Difference> {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let mut found = Vec::new();
    for (index, value) in &expected.values {
        let Some(field) = job.stage.fields.get(*index) else { continue };
        if field.create_only || field.ty == FieldType::File || expected.failed.contains(index) {
            continue;
        }
        // Of a record that was there before its own value tells.
        let unwritten = || match expected.taking {
            Some(_) => looks.contains(index).then_some(DifferenceKind::Untold),
            None => Some(DifferenceKind::Fresh),
        };
        let kind = match native(job, field, value, expected, held) {
            // Before setup the destination may lack the field or its options: nothing like it was written.
            None if expected.taking.is_none() || was_written(job, field, written) => Some(DifferenceKind::Value),
            None => unwritten(),
            Some(native) => native
                .iter()
                .filter_map(|(key, native)| {
                    match is_written(destination, object, written, (key, native)) {
                        Some(true) => None,
                        Some(false) => Some(DifferenceKind::Value),
                        // A created record is so without being told.
                        None if expected.taking.is_none() && (is_empty(value) || is_default(field, value)) => None,
                        None => unwritten(),
                    }
                })
                .max(),
        };
        found.extend(kind.map(|kind| Difference { index: *index, kind }));
    }
    found
}

/// Indices of the fields that keep what was written, since the export has a value that cannot be taken and was left out.
pub fn failed_since(job: &StageRun, expected: &Expected, written: &Written) -> Vec<usize> {
    let keeps = |index: &&usize| job.stage.fields.get(**index).is_some_and(|field| held_something(job, field, written));
    expected.failed.iter().filter(keeps).copied().collect()
}

/// True where anything was written to a field, an empty value too. What cannot be emptied is known by its name.
fn was_written(job: &StageRun, field: &FieldMapping, written: &Written) -> bool {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let empty = destination.encode(object, &[(field, &Value::None)]).unwrap_or_default();
    written.fields().any(|known| known == field.field || empty.contains_key(known))
}

/// True where something was written to a field.
fn held_something(job: &StageRun, field: &FieldMapping, written: &Written) -> bool {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let empty = destination.encode(object, &[(field, &Value::None)]).unwrap_or_default();
    empty.iter().any(|(key, empty)| is_written(destination, object, written, (key, empty)) == Some(false))
}

/// Indices of the fields that keep what was written to a record which was there before, since the export has no value any more and `on empty keep` holds.
pub fn kept_there(job: &StageRun, expected: &Expected, written: &Written) -> Vec<usize> {
    // Values that a later map wrote into the record are not told from this one's.
    if expected.taking != Some(Taking::Over) || job.is_met {
        return Vec::new();
    }
    let keeps = |(index, field): &(usize, &FieldMapping)| {
        let may_be_empty = !field.create_only && !field.deferred && field.ty != FieldType::File;
        let is_expected = || expected.values.iter().any(|(known, _)| known == index);
        field.on_empty == EmptyPolicy::Keep
            && may_be_empty
            && !matches!(field.value, Expr::Default)
            && !is_expected()
            && !expected.failed.contains(index)
            && held_something(job, field, written)
    };
    job.stage.fields.iter().enumerate().filter(keeps).map(|(index, _)| index).collect()
}

/// True where a field of a record that is written would be empty then: the export has no value, and the record held none before.
pub fn clears(job: &StageRun, expected: &Expected, held: &Map, index: usize) -> bool {
    let value = expected.values.iter().find(|(known, _)| *known == index).map(|(_, value)| value);
    let Some((field, value)) = job.stage.fields.get(index).zip(value) else { return false };
    is_empty(value) && native(job, field, value, expected, held).is_some_and(|body| !body.values().any(holds_something))
}

/// True where a value is the one that the destination gives a record which is created without one.
fn is_default(field: &FieldMapping, value: &Value<'static>) -> bool {
    let given = field.default.as_ref().and_then(|default| defaults::value(default, &field.ty));
    given.is_some_and(|given| given == *value)
}

/// Indices of the fields that are written once alone and that say something else now: those that are set when a record is created, and files that have another
/// path, another length or another content than was sent.
pub fn left_as_written(
    job: &StageRun,
    world: &RecordLookup,
    expected: &Expected,
    written: &Written,
) -> Result<Vec<usize>, DecideError> {
    let mut left = Vec::new();
    for (index, value) in &expected.values {
        let Some(field) = job.stage.fields.get(*index) else { continue };
        if let Value::File(file) = value {
            let known = world.reader.file(&job.file, expected.line, column_of(&job.object, field))?;
            let Some(known) = known.filter(|known| known.hash.is_some()) else { continue };
            let path = expected.files.iter().find(|(of, _)| of == index).and_then(|(_, file)| file.path.as_deref());
            let bytes = path.and_then(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len());
            let is_other_path = known.path != shown_path(&file.path, false) && known.path != shown_path("", true);
            let is_other_length = bytes.is_some() && bytes != known.bytes;
            // What cannot be read is no other content: whoever sends it says so.
            let has_other_content =
                || path.and_then(|path| file_hash(path).ok()).is_some_and(|(hash, _)| known.hash != Some(hash));
            if is_other_path || is_other_length || has_other_content() {
                left.push(*index);
            }
        } else if field.create_only
            && let Some(native) = native(job, field, value, expected, &Map::new())
        {
            let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
            let is_other = |(key, native): (&String, &serde_json::Value)| {
                is_written(destination, object, written, (key, native)) == Some(false)
            };
            if native.iter().any(is_other) {
                left.push(*index);
            }
        }
    }
    Ok(left)
}

/// The native form of a value beside what the record held before the migration; none where it cannot be written.
pub fn native(
    job: &StageRun,
    field: &FieldMapping,
    value: &Value<'static>,
    expected: &Expected,
    held: &Map,
) -> Option<Map> {
    let (destination, object) = (&job.context.destination, &job.stage.destination_object);
    let tells = destination.told_by(object, &field.field);
    let mapped = expected.values.iter().filter_map(|(index, value)| Some((job.stage.fields.get(*index)?, value)));
    let others: Vec<_> = mapped.filter(|(other, _)| tells.contains(&other.field.as_str())).collect();
    let mut all = vec![(field, value)];
    all.extend(&others);
    let mut native = destination.encode(object, &all).ok()?;
    if !others.is_empty() {
        let theirs = destination.encode(object, &others).ok()?;
        native.retain(|key, _| !theirs.contains_key(key));
    }
    Some(match expected.taking {
        None => native,
        Some(taking) => beside(native, held, taking, |key| destination.part_of(key)),
    })
}
