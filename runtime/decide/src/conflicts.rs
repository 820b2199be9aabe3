//! Fields of written records that should hold another value now: what becomes of each beside what the record holds in the destination.

use migr_journal::{State, Written};
use migr_load::{Comparison, Map};
use migr_plan::{ExistingPolicy, FieldMapping, ReasonCode};
use migr_transform::Value;

use crate::changes::{Difference, DifferenceKind, native};
use crate::conflict_policy::ConflictPolicy;
use crate::digests::HeldBeside;
use crate::expected::{CONFLICT, Expected};
use crate::stage_run::StageRun;
use crate::there::{is_empty_there, written_over};

/// A record that should hold other values than were written.
#[derive(Debug)]
pub struct ChangedRecord {
    /// Values that it should hold.
    pub expected: Expected,
    /// Outcome of the record before.
    pub state: State,
    /// The fields that differ.
    pub differences: Vec<Difference>,
    /// Digests of what was written.
    pub written: Written,
    /// Values that the record held before the migration, where it was there.
    pub held: Map,
}

/// Decision about a field of such a record.
#[derive(Debug, PartialEq)]
pub enum FieldDecision {
    /// Field that holds the value already.
    Holds,
    /// Value that the destination takes in no form.
    Unwritable,
    /// Field of a record that was there before, which holds something of its own in it.
    Stays,
    /// Field that a person changed since, with the native value that spec and export want; the policy says which of both wins.
    Conflict(Map),
    /// Native value to write.
    Write(Map),
}

impl ChangedRecord {
    /// The difference of a field, and whether the value takes the place of one that the record holds there.
    pub fn difference_of(&self, job: &StageRun, field: &FieldMapping, there: &Map) -> Option<(Difference, bool)> {
        let of = |index: usize| job.stage.fields.get(index).is_some_and(|known| known.field == field.field);
        let difference = self.differences.iter().find(|difference| of(difference.index))?;
        let (_, value) = self.expected.values.iter().find(|(index, _)| *index == difference.index)?;
        Some((*difference, is_overwritten(job, (field, value), there)))
    }
}

impl FieldDecision {
    /// Native value that is written, by a policy for what people changed; none where the field stays as it is.
    pub fn written(&self, policy: ConflictPolicy) -> Option<&Map> {
        match self {
            Self::Write(native) => Some(native),
            Self::Conflict(native) => Some(native).filter(|_| policy == ConflictPolicy::Overwrite),
            Self::Holds | Self::Unwritable | Self::Stays => None,
        }
    }

    /// Reason why nothing is written to the field, for the report; none where nothing needs to be told.
    pub fn note(&self, policy: ConflictPolicy) -> Option<(ReasonCode, String)> {
        match self {
            Self::Unwritable => Some((ReasonCode::R205, "left as it is: its value cannot be written".to_owned())),
            Self::Conflict(_) if policy != ConflictPolicy::Overwrite => {
                Some((ReasonCode::R204, format!("{CONFLICT}: {}", policy.in_words())))
            }
            Self::Holds | Self::Stays | Self::Conflict(_) | Self::Write(_) => None,
        }
    }
}

/// Decides about every field of a record that differs, beside what the record holds. `is_touched` says whether somebody changed the record since, by its times.
pub fn decide<'j>(
    job: &'j StageRun,
    record: &ChangedRecord,
    (there, is_touched): (&Map, bool),
) -> Vec<(&'j FieldMapping, FieldDecision)> {
    let decided = record.differences.iter().filter_map(|difference| {
        let value = record.expected.values.iter().find(|(known, _)| *known == difference.index).map(|(_, value)| value);
        let (field, value) = job.stage.fields.get(difference.index).zip(value)?;
        Some((field, of_field(job, record, (field, value, difference.kind), (there, is_touched))))
    });
    decided.collect()
}

fn of_field(
    job: &StageRun,
    record: &ChangedRecord,
    (field, value, kind): (&FieldMapping, &Value<'static>, DifferenceKind),
    (there, is_touched): (&Map, bool),
) -> FieldDecision {
    let (destination, object) = (&job.context.destination, &job.stage.destination_object);
    let holds_something = || !is_empty_there(job, field, value, there);
    if kind == DifferenceKind::Untold {
        let is_overwritten = || is_overwritten(job, (field, value), there);
        if destination.encode(object, &[(field, value)]).is_err() && (is_overwritten() || !holds_something()) {
            return FieldDecision::Unwritable;
        }
        let Some(native) = written_over(job, (field, value), there) else { return FieldDecision::Stays };
        let is_theirs = is_touched && is_overwritten();
        return if is_theirs { FieldDecision::Conflict(native) } else { FieldDecision::Write(native) };
    }
    let native = native(job, field, value, &record.expected, &record.held);
    let holds_more = |native: &Map| kind == DifferenceKind::Value && has_surplus(job, native, there);
    let is_same = || destination.compare(object, field, value, there) == Comparison::Same;
    if !native.as_ref().is_some_and(holds_more) && is_same() {
        return FieldDecision::Holds;
    }
    let Some(native) = native else { return FieldDecision::Unwritable };
    let is_theirs = match kind {
        // Nothing was written that could be compared; a destination may fill a field by itself.
        DifferenceKind::Fresh | DifferenceKind::Untold => is_touched && holds_something(),
        DifferenceKind::Value => is_other(job, record, &native, (there, is_touched)),
    };
    if is_theirs {
        return FieldDecision::Conflict(native);
    }
    FieldDecision::Write(native)
}

/// True where a value takes the place of one that a record holds; false where it is filled in or added to it.
fn is_overwritten(job: &StageRun, (field, value): (&FieldMapping, &Value<'static>), there: &Map) -> bool {
    job.stage.policies.existing == ExistingPolicy::Update && !is_empty_there(job, field, value, there)
}

/// True where a list that is added to has a member which is not to be in it: whether that goes is looked at when it is written.
fn has_surplus(job: &StageRun, native: &Map, there: &Map) -> bool {
    let (destination, object) = (&job.context.destination, &job.stage.destination_object);
    let lists = native.iter().filter(|(key, _)| destination.is_added_to(object, key));
    let mut held = lists.filter_map(|(key, wanted)| Some((wanted.as_array(), there.get(key)?.as_array()?)));
    held.any(|(wanted, held)| held.iter().any(|item| wanted.is_none_or(|wanted| !wanted.contains(item))))
}

/// True where somebody changed what was written to a field.
fn is_other(job: &StageRun, record: &ChangedRecord, native: &Map, there: (&Map, bool)) -> bool {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let held = HeldBeside::new(destination, object, &record.written, there);
    native.keys().any(|key| !destination.is_added_to(object, key) && held.is_other(key))
}
