//! Part of a lock that counts the results of each stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Count, There};

/// Results that the maps would have on the export, as of one state of the spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedStages {
    /// Hash of what the counts depend on besides the data; see [`crate::lock::counted_inputs`].
    pub inputs: String,
    /// The destination was looked at too: updates are counted. Else every record that is clean counts as created.
    pub with_destination: bool,
    /// In plan order.
    pub stages: Vec<LockedStage>,
    /// Options that picklists with `otherwise create` make of values, sorted by picklist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<LockedOptions>,
}

/// Results that a stage would have on its records: `read = create + update + unchanged + skip + quarantine`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedStage {
    /// The stage.
    pub id: String,
    /// Records that are the stage's; those that its `when` leaves to others are not.
    pub read: Count,
    /// Clean, and not in the destination.
    pub create: Count,
    /// Clean, and in the destination.
    pub update: Count,
    /// In the destination as they should be.
    pub unchanged: Count,
    /// Left behind by a written rule.
    pub skip: Count,
    /// Quarantined.
    pub quarantine: Count,
    /// Records with a value that a written rule replaced.
    pub repaired: Count,
    /// Records whose owner nobody stands for.
    pub orphans: Count,
    /// Links, each a record of its own.
    pub links: Count,
    /// Records with a field that is deferred.
    pub deferred: Count,
    /// Effects on records that are there, and on those that would be merged.
    #[serde(default, skip_serializing_if = "There::is_empty")]
    pub there: There,
    /// Counts of each field's values, in the map's order.
    pub fields: Vec<FieldCount>,
}

/// Counts of a field's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldCount {
    /// The destination field.
    pub field: String,
    /// Records with a value.
    pub filled: Count,
    /// Records in which a written rule replaced its value.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repaired: Count,
    /// Records that it quarantines.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: Count,
    /// Records whose value the destination does not hold whole: an extension, line breaks, the bytes of a drawing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: Count,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &Count) -> bool {
    *count == 0
}

/// The options that a picklist makes of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedOptions {
    /// The picklist.
    pub picklist: String,
    /// Sorted by value.
    pub options: Vec<LockedOption>,
    /// There are more than are kept here: the values are no options.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// An option made of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedOption {
    /// `IN_PROGRESS`
    pub value: String,
    /// The first spelling in the export.
    pub label: String,
    /// Records that have it.
    pub records: Count,
}
