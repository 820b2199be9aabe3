//! Names of the results that a journal keeps and that more than one crate reads or writes.

use std::collections::BTreeSet;

use crate::{Change, JournalError, Reader};

/// The last verification.
pub const VERIFICATION: &str = "verify";
/// The last rollback.
pub const ROLLBACK: &str = "rollback";
/// The export that a run was begun with.
pub const EXPORT: &str = "export";
/// Approvals that runs went by.
pub const APPROVALS: &str = "approvals";
/// Later exports that were picked up.
pub const DELTAS: &str = "deltas";
/// Columns and files of the export that nobody declared.
pub const UNDECLARED: &str = "undeclared";

/// Names of what the destination makes by itself beside the records that are written.
pub const BESIDE: &str = "made.beside";

/// The same as far as the destination did not tell whether it had them.
pub const BESIDE_UNTOLD: &str = "made.beside.untold";

/// Names under [`BESIDE`] or [`BESIDE_UNTOLD`], as far as they are noted.
pub fn beside(reader: &Reader, finding: &str) -> Result<BTreeSet<String>, JournalError> {
    let noted = reader.finding(finding)?;
    Ok(noted.and_then(|names| serde_json::from_str::<Option<_>>(&names).ok().flatten()).unwrap_or_default())
}

/// Value of a result that holds no more.
pub const NONE: &str = "null";

impl Change {
    /// A result that is kept under a name: JSON.
    pub fn finding(name: &str, value: String) -> Self {
        Self::Finding { name: name.to_owned(), value }
    }

    /// A result that holds no more.
    pub fn no_finding(name: &str) -> Self {
        Self::finding(name, NONE.to_owned())
    }
}
