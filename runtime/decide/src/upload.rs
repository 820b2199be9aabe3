//! Files that go with records, and where they are.

use std::path::PathBuf;

use migr_plan::OnMissing;

/// A file that goes with a record.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// The destination field.
    pub field: String,
    /// The source column.
    pub column: String,
    /// Where the file is.
    pub from: UploadFrom,
    /// The name that it is shown by.
    pub name: String,
    /// Rule for a file that cannot be fetched.
    pub missing: OnMissing,
}

/// Where a file is.
#[derive(Clone, PartialEq, Eq)]
pub enum UploadFrom {
    /// In the export.
    Export {
        /// Path of the file.
        path: PathBuf,
        /// `blake3:` and the hash that an audit found; absent: it was not audited.
        audited: Option<String>,
    },
    /// Behind a link.
    Link {
        /// The link.
        url: String,
    },
}

// Paths, names and links may be sensitive.
impl std::fmt::Debug for UploadFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Export { .. } => "Export",
            Self::Link { .. } => "Link",
        })
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("field", &self.field).finish_non_exhaustive()
    }
}
