//! Part of a lock that describes the export.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ColumnType, HostPattern};

/// Contents of the export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedExport {
    /// The source system's name.
    pub system: String,
    /// Every file of the export, sorted by path.
    pub files: Vec<LockedFile>,
    /// Objects of the export, sorted by name.
    pub objects: Vec<LockedSourceObject>,
}

/// A file of the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedFile {
    /// Relative to the project, with `/`.
    pub path: String,
    /// Length of the file.
    pub bytes: u64,
    /// `blake3:` and the hash of its bytes in hexadecimal.
    pub hash: String,
    /// Reader of the file.
    pub state: LockedFileState,
}

/// Reader of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockedFileState {
    /// An object.
    Claimed,
    /// A `drop file` names it.
    Dropped,
    /// No reader.
    Unclaimed,
}

/// An object of the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedSourceObject {
    /// Name of the object in the catalog.
    pub name: String,
    /// Presence of the object in the export.
    pub state: ObjectState,
    /// The file it is read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Rows, malformed ones too.
    pub rows: u64,
    /// Rows that could not be read.
    pub malformed: u64,
    /// Counts of distinct, blank and repeated keys.
    pub keys: KeyCounts,
    /// Columns of the object, in the file's order.
    pub columns: Vec<LockedColumn>,
    /// Counts of the files that its records name; absent where no column names files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<AttachmentCounts>,
    /// The hosts that its links lead to, most links first; the first [`LINK_HOSTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_hosts: Vec<LinkHost>,
    /// Columns that the catalog or an earlier export has and this one lacks, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
}

impl LockedSourceObject {
    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&LockedColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Presence of a catalog's object in the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// The object is in the export.
    Present,
    /// The object's file is not there.
    Absent,
    /// The object's file is there and cannot be read as records.
    Unreadable,
}

/// Counts of an object's distinct, blank and repeated keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyCounts {
    /// Different keys.
    pub distinct: u64,
    /// Records without one.
    pub blank: u64,
    /// Records whose key an earlier one has.
    pub repeated: u64,
}

/// Hosts of links that a lock tells apart.
pub const LINK_HOSTS: usize = 100;

/// A host that links of the export lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkHost {
    /// A name in small letters, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Links to it.
    pub links: u64,
}

impl LinkHost {
    /// As `fetch` names it.
    pub fn place(&self) -> HostPattern {
        let port = Some(self.port).filter(|port| !matches!(port, 80 | 443));
        HostPattern { host: self.host.clone(), subdomains: false, port }
    }
}

/// Counts of the files that records name. Each is one of the first six.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttachmentCounts {
    /// In the export, and fit to be sent.
    pub found: u64,
    /// Links that will be fetched.
    #[serde(default)]
    pub to_fetch: u64,
    /// Links that stay links: the specification does not name their host, or the link cannot be used.
    pub linked: u64,
    /// Not in the export.
    pub missing: u64,
    /// Not to be used: a folder, a link of the file system, a path that leads out of the export.
    pub refused: u64,
    /// Larger than the destination takes.
    pub too_large: u64,
    /// Bytes of those that were found.
    pub bytes: u64,
}

/// A column of the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedColumn {
    /// Name of the column in the catalog, or what its header reads as.
    pub name: String,
    /// Header of the column.
    pub header: String,
    /// Type by which the catalog reads the column; absent where the catalog lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<ColumnType>,
    /// Cells with something in them.
    pub filled: u64,
    /// Blank cells.
    pub blank: u64,
    /// Type that all filled cells can be read as; text where nothing narrower holds for every one.
    pub inferred: InferredType,
    /// Readings that were tried, and how far each held; best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Why the type is not narrower than text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_as_text: Option<String>,
    /// Shortest filled cell, in characters.
    pub min_length: u64,
    /// Longest cell, in characters.
    pub max_length: u64,
    /// Different filled cells.
    pub distinct: u64,
    /// The number of different cells is an estimate, within a few percent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct_estimated: bool,
    /// Filled cells whose first character is a zero that a number would lose.
    #[serde(default, skip_serializing_if = "crate::there::is_zero")]
    pub leading_zeros: u64,
    /// Of a list, cells with more than one element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several: Option<u64>,
    /// Shapes of cells, most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shapes: Vec<Shape>,
    /// The values themselves, where the spec compares them and the column is not sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<LockedValues>,
}

/// Type that cells can be read as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InferredType {
    /// The type in the language's terms.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// `strftime` format of a date or datetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Reading of cells by one type, and how far it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The type in the language's terms.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// `strftime` format of a date or datetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Filled cells that can be read so.
    pub matched: u64,
    /// Line of the first filled cell that cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_exception: Option<u64>,
}

/// Shape of cells: `A` for a capital, `a` for a small letter, `9` for a digit, `+` after three of a kind for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shape {
    /// The shape.
    pub shape: String,
    /// Cells of it.
    pub count: u64,
}

/// The values of a column; of a list, its elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedValues {
    /// As they stand in the export, sorted; elements of a list are trimmed.
    pub values: Vec<ValueCount>,
    /// There are more than are kept here; check must not rely on the list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// Groups of values that may be one, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_duplicates: Vec<Vec<String>>,
}

/// A value and how often it stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValueCount {
    /// The value.
    pub value: String,
    /// Number of its cells.
    pub count: u64,
}
