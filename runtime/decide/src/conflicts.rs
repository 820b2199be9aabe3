//! Fields of written records that should hold another value now: what becomes of each beside what the record holds in the destination.

use migr_journal::{State, Written};
use migr_load::{Comparison, Map};
use migr_plan::{FieldMapping, Plan};
use migr_transform::Value;

use crate::changes::{Difference, DifferenceKind, native};
use crate::expected::{CONFLICT, Expected};
use crate::stage_run::StageRun;
use crate::there::is_empty_there;

/// Policy for a field that a person changed in the destination since it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// The person's value stays.
    Keep,
    /// Spec and export win.
    Overwrite,
    /// The person's value stays, and is told of.
    #[default]
    List,
}

impl ConflictPolicy {
    /// The one of a plan: `on conflict`.
    pub fn of(plan: &Plan) -> Self {
        match plan.options.on_conflict.as_deref() {
            Some("keep") => Self::Keep,
            Some("overwrite") => Self::Overwrite,
            _ => Self::List,
        }
    }

    /// Fate of the person's value, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Keep => "the destination's value is kept",
            Self::List => "the destination's value is left until you decide",
            Self::Overwrite => "the destination's value is overwritten",
        }
    }
}

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
    /// New field of a record that was there before, which holds something of its own in it.
    Stays,
    /// Field that a person changed since; the native value that wins over it, by the policy.
    Conflict(Option<Map>),
    /// Native value to write.
    Write(Map),
}

impl FieldDecision {
    /// Reason why nothing is written to the field, for the report; none where nothing needs to be told.
    pub fn note(&self, policy: ConflictPolicy) -> Option<String> {
        match self {
            Self::Unwritable => Some("left as it is: its value cannot be written".to_owned()),
            Self::Conflict(None) => Some(format!("{CONFLICT}: {}", policy.in_words())),
            Self::Holds | Self::Stays | Self::Conflict(Some(_)) | Self::Write(_) => None,
        }
    }
}

/// Decides about every field of a record that differs, beside what the record holds. `is_touched` says whether somebody changed the record since.
pub fn decide<'j>(
    job: &'j StageRun,
    record: &ChangedRecord,
    (there, is_touched): (&Map, bool),
    policy: ConflictPolicy,
) -> Vec<(&'j FieldMapping, FieldDecision)> {
    let decided = record.differences.iter().filter_map(|difference| {
        let value = record.expected.values.iter().find(|(known, _)| *known == difference.index).map(|(_, value)| value);
        let (field, value) = job.stage.fields.get(difference.index).zip(value)?;
        Some((field, of_field(job, record, (field, value, difference.kind), (there, is_touched), policy)))
    });
    decided.collect()
}

fn of_field(
    job: &StageRun,
    record: &ChangedRecord,
    (field, value, kind): (&FieldMapping, &Value<'static>, DifferenceKind),
    (there, is_touched): (&Map, bool),
    policy: ConflictPolicy,
) -> FieldDecision {
    let (destination, object) = (&job.context.destination, &job.stage.destination_object);
    if destination.compare(object, field, value, there) == Comparison::Same {
        return FieldDecision::Holds;
    }
    let Some(native) = native(job, field, value, &record.expected, &record.held) else {
        return FieldDecision::Unwritable;
    };
    let holds_something = || !is_empty_there(job, field, value, there);
    let is_theirs = is_touched
        && match kind {
            DifferenceKind::Fresh => holds_something(),
            DifferenceKind::Value => is_other(job, record, &native, there),
        };
    if is_theirs {
        return FieldDecision::Conflict((policy == ConflictPolicy::Overwrite).then_some(native));
    }
    if kind == DifferenceKind::Fresh && record.expected.taking.is_some() && holds_something() {
        return FieldDecision::Stays;
    }
    FieldDecision::Write(native)
}

/// True where a record holds something else than what was written to it.
fn is_other(job: &StageRun, record: &ChangedRecord, native: &Map, there: &Map) -> bool {
    let sent = job.context.destination.as_sent(&job.stage.destination_object, there);
    native.keys().any(|key| {
        let is_written = |found: &Map| {
            let bytes = serde_json::to_vec(found.get(key).unwrap_or(&serde_json::Value::Null)).unwrap_or_default();
            record.written.is(key, &bytes) == Some(true)
        };
        !is_written(there) && !is_written(&sent)
    })
}
