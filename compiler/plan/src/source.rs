//! Objects and columns of the export, and the records and files that stay behind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Expr, Origin};

/// An object of the export: how to read its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceObject {
    /// Name of the object in the catalog.
    pub name: String,
    /// The file name that holds it, as the catalog says.
    pub file: Option<String>,
    /// True where the export may lack the object.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// The columns that tell records apart.
    pub key: Vec<String>,
    /// Every column of the catalog, in its order.
    pub columns: Vec<SourceColumn>,
    /// Conditions that each record must fulfil.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<SourceCheck>,
    /// Records that stay behind by a written rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skips: Vec<SourceSkip>,
    /// Why the whole object stays behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
    /// True where the object is only kept as a reference for rebuilding by hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reference_only: bool,
    /// Time for which the destination is to keep such records, as written (`7y`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<String>,
    /// Where the catalog declares it.
    pub origin: Origin,
}

impl SourceColumn {
    /// Every format of the column, the first one first.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.format.iter().chain(&self.other_formats).map(String::as_str)
    }
}

impl SourceObject {
    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// True where a column of its key is sensitive: its records are then named by their lines alone.
    pub fn has_sensitive_key(&self) -> bool {
        self.key.iter().any(|key| self.column(key).is_some_and(|column| column.sensitive))
    }
}

/// A column of a source object. Its header reads the same as `name` once lower-cased with runs of spaces and punctuation as one underscore, unless `header`
/// says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceColumn {
    /// Name of the column in the catalog.
    pub name: String,
    /// The exact header, where the catalog gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Type by which a cell is read.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// Type by which each element of a list is read, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements: Option<ColumnType>,
    /// Format of its values, the column's own or the system's for its type: a `strftime` format, `serial`, `serial 1904`, `seconds` or `milliseconds` for a
    /// date or datetime, the writing of 1234567.89 for a number or amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Further formats. A value is tried by all: one that fits decides, two that fit and give different values are a failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_formats: Vec<String>,
    /// The last year that a year of two digits (`%y`) may mean: by 2026, `27` is 1927.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pivot: Option<i16>,
    /// Cells that count as empty in this column, in place of the system's; an empty list is `blank never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blank: Option<Vec<String>>,
    /// IANA zone of a wall-clock time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which of two instants an ambiguous wall-clock time means: `earlier`, `later`, absent: it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<String>,
    /// Reading of a wall-clock time that the clock skipped: `forward`, absent: it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Separator of the elements of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Longest text, in characters; a longer one is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// No two records hold the same value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// Compared without regard to case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
    /// Compared trimmed, with runs of blanks as one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_space: bool,
    /// Masked wherever a person or a file could see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// Time for which the destination is to keep the column's values, as written (`7y`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<String>,
    /// Options that the catalog declares, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Reference that the column holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ColumnReference>,
}

/// Type by which a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the language's type names")]
pub enum ColumnType {
    Text,
    Richtext,
    Integer,
    Number,
    Decimal,
    Boolean,
    Date,
    Datetime,
    Email,
    Phone,
    Url,
    Currency,
    Json,
    File,
    Uuid,
    Reference,
    /// A list of texts.
    TextList,
    /// A list of references.
    ReferenceList,
}

/// Reference that a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnReference {
    /// Source objects, one unless `by` tells which.
    pub objects: Vec<String>,
    /// The column of the referred object that is compared; absent: its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Column that tells which object is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ReferenceBy>,
}

/// `by parent_type { "contact" = Contact }`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceBy {
    /// The column that tells.
    pub column: String,
    /// Values of the column, each with its object.
    pub rows: Vec<ReferenceByRow>,
}

/// One value of a `by` column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceByRow {
    /// The cell.
    pub value: String,
    /// The object it means.
    pub object: String,
}

/// Condition that each record must fulfil.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceCheck {
    /// Must be true; none counts as fulfilled.
    pub condition: Expr,
    /// Why a record that breaks it is quarantined.
    pub reason: String,
    /// Where it is written.
    pub origin: Origin,
}

/// Records that stay behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceSkip {
    /// Which.
    pub condition: Expr,
    /// Why.
    pub reason: String,
    /// Where it is written.
    pub origin: Origin,
}

/// Files of the export that stay behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileRule {
    /// A file name, or a pattern with `*`.
    pub pattern: String,
    /// Why.
    pub reason: String,
    /// Where it is written.
    pub origin: Origin,
}
