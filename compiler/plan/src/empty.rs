//! Policies for a value that is not there, that another record holds, or that nothing identifies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Policy of a field whose value is none without a failure. `otherwise none`, `on missing none` and `on taken none` never make a field empty in this sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmptyPolicy {
    /// Nothing is sent: the destination's value or default stays (the default).
    #[default]
    Keep,
    /// The field is emptied.
    Clear,
    /// The record is quarantined.
    Quarantine,
}

/// Policy of a unique field whose value another record holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakenPolicy {
    /// The record is quarantined (the default).
    #[default]
    Quarantine,
    /// The field is left out, recorded as a repair.
    None,
    /// The record is skipped.
    Skip,
}

/// Policy of a field whose value is none of those that the record in another field allows, such as the team of a calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutsidePolicy {
    /// The record is quarantined (the default).
    #[default]
    Quarantine,
    /// The field is left out, recorded as a repair: the destination chooses.
    None,
    /// The first of those that are allowed, recorded as a repair.
    First,
}

/// Policy of a record for which no field of `match` has a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnidentifiedPolicy {
    /// The record is created, and only migr's own id finds it again (the default).
    #[default]
    Create,
    /// The record is left out, counted as skipped.
    Skip,
    /// The record is quarantined.
    Quarantine,
}

/// Policies of one part of a composite, where its entry says others than the field's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartPolicy {
    /// The part: `primaryEmail`.
    pub part: String,
    /// Policy for no value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_empty: EmptyPolicy,
    /// Policy for a value that another record holds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_taken: TakenPolicy,
}

/// Most characters that the destination holds in one part of a composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartMax {
    /// The part: `firstName`.
    pub part: String,
    /// Most characters.
    pub max: u64,
}

/// Value that the destination gives a field of a record that is created without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum FieldDefault {
    /// The time of creation.
    Now,
    /// This value: an option, a text, or a number as written.
    Value {
        /// As written in the catalog.
        value: String,
    },
}

/// True where a value is its type's default, and need not be written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
