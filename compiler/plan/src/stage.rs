//! One map as the plan carries it out: its fields, links, policies and what a rollback can do about it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::empty::is_default;
use crate::{
    Count, EmptyPolicy, Expr, FieldDefault, FieldType, OnMissing, Origin, OutsidePolicy, PartMax, PartPolicy,
    TakenPolicy, There, UnidentifiedPolicy,
};

/// One map, carried out as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// The name by which its records are known: the map's, or the one that it had before.
    pub id: String,
    /// The map's name.
    pub map: String,
    /// The name that the map had before (`formerly`); the stage keeps it as its id, so that records keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formerly: Option<String>,
    /// `///` text of the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The source object.
    pub source_object: String,
    /// The destination object.
    pub destination_object: String,
    /// The stages that must be done before, sorted.
    pub depends_on: Vec<String>,
    /// Why, reference by reference.
    pub edges: Vec<Edge>,
    /// Label of the association that the records of a `link` are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association: Option<String>,
    /// Which records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// One record per distinct value, in place of one per source record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<Distinct>,
    /// Fields by which a record that is there already is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "match")]
    pub matching: Option<Match>,
    /// Policies for the known cases.
    pub policies: Policies,
    /// Fields that are written, in the order of the map.
    pub fields: Vec<FieldMapping>,
    /// Links to other records, each a record of its own, written after the stage's records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkMapping>,
    /// Deferred fields, written once all records are there.
    pub deferred: Vec<Deferred>,
    /// Columns that stay behind by a written rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedColumn>,
    /// Effects of a run on records that are there already, once counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<There>,
    /// Degree to which a rollback can undo the stage.
    pub rollback: Rollback,
    /// Where the map is written.
    pub origin: Origin,
}

/// A reference that makes one stage wait for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// The stage that is waited for; the stage itself for a self-reference.
    pub on: String,
    /// The destination field that holds the reference.
    pub field: String,
    /// In words: `people.company refers to companies`.
    pub reason: String,
    /// Cut: the field is deferred, and the stage does not wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
    /// The line that refers.
    pub origin: Origin,
}

/// `map distinct`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Distinct {
    /// Gives the value of a source record; none makes no record.
    pub value: Expr,
    /// Spellings that count as one.
    pub same: Vec<SameValues>,
}

/// `same "Acme Inc." = "ACME" | "Acme, Inc"`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SameValues {
    /// The spelling that stays.
    pub canonical: String,
    /// Those that become it.
    pub variants: Vec<String>,
}

/// Fields by which a record that is in the destination already is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Match {
    /// True where all fields must be equal; else the first that hits decides.
    pub all: bool,
    /// Destination paths, as `emails.primaryEmail`; a composite stands for its unique part.
    pub fields: Vec<String>,
    /// Where it is written.
    pub origin: Origin,
}

/// Policies for the known cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policies {
    /// The record is in the destination already.
    pub existing: ExistingPolicy,
    /// Several source records would become one destination record.
    pub duplicate: DuplicatePolicy,
    /// A soft-deleted record of the same identity is in the destination.
    pub deleted: DeletedPolicy,
    /// The data refer to each other in a circle.
    pub cycle: CyclePolicy,
    /// No field of `match` has a value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unidentified: UnidentifiedPolicy,
}

/// `on existing …`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExistingPolicy {
    /// Write only fields that are empty there.
    #[default]
    Fill,
    /// Write every mapped field.
    Update,
    /// Leave it, counted as skipped.
    Skip,
    /// Quarantine the source record.
    Quarantine,
}

/// `on duplicate …`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum DuplicatePolicy {
    /// Quarantine all but the first (the default).
    #[default]
    Quarantine,
    /// The first in the file wins; the others are skipped and their references follow the winner.
    KeepFirst,
    /// The last in the file wins.
    KeepLast,
    /// The one with the smallest value of the column wins.
    KeepOldest {
        /// A source column.
        column: String,
    },
    /// The one with the greatest value of the column wins.
    KeepNewest {
        /// A source column.
        column: String,
    },
    /// One record of all: each field from the newest that has a value.
    MergeNewest {
        /// A source column.
        column: String,
    },
    /// One record of all: each field from the oldest that has a value.
    MergeOldest {
        /// A source column.
        column: String,
    },
}

impl DuplicatePolicy {
    /// Column by which it sorts records; none where their order in the file decides.
    pub fn sort_column(&self) -> Option<&str> {
        match self {
            Self::KeepOldest { column }
            | Self::KeepNewest { column }
            | Self::MergeNewest { column }
            | Self::MergeOldest { column } => Some(column),
            Self::Quarantine | Self::KeepFirst | Self::KeepLast => None,
        }
    }

    /// True where the values of all records go into one.
    pub fn merges(&self) -> bool {
        matches!(self, Self::MergeNewest { .. } | Self::MergeOldest { .. })
    }
}

impl fmt::Display for DuplicatePolicy {
    /// The policy as it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quarantine => f.write_str("quarantine"),
            Self::KeepFirst => f.write_str("keep first"),
            Self::KeepLast => f.write_str("keep last"),
            Self::KeepOldest { column } => write!(f, "keep oldest {column}"),
            Self::KeepNewest { column } => write!(f, "keep newest {column}"),
            Self::MergeNewest { column } => write!(f, "merge newest {column}"),
            Self::MergeOldest { column } => write!(f, "merge oldest {column}"),
        }
    }
}

/// `on deleted …`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletedPolicy {
    /// Quarantine the source record (the default).
    #[default]
    Quarantine,
    /// Take it out of the trash and treat it as existing.
    Restore,
    /// Destroy it and create anew.
    Destroy,
}

/// `on cycle …`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CyclePolicy {
    /// Leave the reference empty at the record that closes the circle, and report it (the default).
    #[default]
    Cut,
    /// Set the records of the circle aside.
    Quarantine,
}

/// One field that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldMapping {
    /// The destination field.
    pub field: String,
    /// Type of the field.
    #[serde(rename = "type")]
    pub ty: FieldType,
    /// Expression that computes the value. Conversions into the type are written out.
    pub value: Expr,
    /// The name of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<Expr>,
    /// Policy for a file that is not in the export, or cannot be fetched.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_file: OnMissing,
    /// Policy where the value is none and nothing failed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_empty: EmptyPolicy,
    /// Policy where the value must be unique and another record holds it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_taken: TakenPolicy,
    /// Policy for a value that is none of those that another field's record allows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_outside: OutsidePolicy,
    /// Parts of a composite whose entries say others than the field's policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartPolicy>,
    /// Value that the destination gives a record that is created without the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<FieldDefault>,
    /// Setup creates it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
    /// No two records hold the same value (of the field, or of the part named).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// Written at creation only, never in an update.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_only: bool,
    /// No record is created without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Most characters that the destination holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Characters up to which the destination is known to take it; a longer text is sent whole all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe: Option<u64>,
    /// The same of parts of a composite as `max`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_max: Vec<PartMax>,
    /// Deferred.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
    /// The second call that writes it, once its record is there (`bulk`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_by: Option<String>,
    /// Masked wherever a person or a file could see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// The source columns that its value depends on, sorted.
    pub reads: Vec<String>,
    /// `///` text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The line.
    pub origin: Origin,
}

/// Links through a table of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkMapping {
    /// The field of the catalog: `targets`.
    pub field: String,
    /// The object that holds the links: `noteTargets`.
    pub through: String,
    /// Destination objects that may be linked.
    pub objects: Vec<String>,
    /// Gives a list of references.
    pub value: Expr,
    /// When a referred record is not in the destination.
    pub on_missing: OnMissing,
    /// The source columns that it depends on, sorted.
    pub reads: Vec<String>,
    /// The line.
    pub origin: Origin,
}

/// A deferred field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deferred {
    /// The destination field.
    pub field: String,
    /// Why it waits.
    pub reason: String,
    /// The line.
    pub origin: Origin,
}

/// A column that stays behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DroppedColumn {
    /// The source column.
    pub column: String,
    /// Why.
    pub reason: String,
    /// Number of records with something in the column, once counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Count>,
    /// The line.
    pub origin: Origin,
}

/// Degree to which a rollback can undo a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rollback {
    /// Class of the rollback.
    pub class: RollbackClass,
    /// Why not better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Degree to which a step can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollbackClass {
    /// The destination is as before.
    Exact,
    /// Nearly; the reason says what stays.
    BestEffort,
    /// Not at all.
    Irreversible,
}
