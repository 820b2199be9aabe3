//! The contract between the evaluation of a record and what is known of the others.

use std::borrow::Cow;

use migr_plan::ReferenceTarget;

/// A source record, cell by cell.
pub trait Cells {
    /// The cell as it stands, by the column's position in the catalog's object (`SourceObject.columns`); empty where the file lacks the column.
    fn cell(&self, column: usize) -> &str;
}

impl<T: AsRef<str>> Cells for [T] {
    fn cell(&self, column: usize) -> &str {
        self.get(column).map_or("", AsRef::as_ref)
    }
}

impl<T: AsRef<str>> Cells for Vec<T> {
    fn cell(&self, column: usize) -> &str {
        self.as_slice().cell(column)
    }
}

/// Lookup of other records during the evaluation of one. Keys are trimmed; where several columns make the key they are
/// joined with U+001F.
pub trait Lookup {
    /// The raw cell of a referred source record; none where there is no such record.
    fn cell<'l>(
        &'l self,
        target: &ReferenceTarget,
        key: &str,
        column: &str,
    ) -> Result<Option<Cow<'l, str>>, LookupError>;

    /// Places (`accounts.csv:2`) of the records that a key of a column may mean where it means several; none where it means one at most. Rows that become one
    /// record are one.
    fn candidates(&self, _target: &ReferenceTarget, _key: &str) -> Result<Vec<String>, LookupError> {
        Ok(Vec::new())
    }

    /// The record of the destination that a source key has become.
    fn destination<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<Resolved<'l>, LookupError>;

    /// The member of the destination that stands for a source owner.
    fn owner<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<OwnerFound<'l>, LookupError>;

    /// The id of a record that was in the destination before the run, by what singles it out.
    fn existing<'l>(&'l self, object: &str, fields: &[(String, String)]) -> Result<Option<Cow<'l, str>>, LookupError>;
}

/// Answer about a referred record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved<'l> {
    /// Record that is in the destination, or will be.
    Found {
        /// The destination object.
        object: Cow<'l, str>,
        /// Id of the record.
        id: Cow<'l, str>,
    },
    /// Record that is not there.
    Missing {
        /// In words that end a sentence: `it is not in the export`, `it was quarantined`.
        why: Cow<'l, str>,
    },
}

/// User for a source owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerFound<'l> {
    /// The destination object of members.
    pub object: Cow<'l, str>,
    /// The member's id; none leaves the field empty.
    pub id: Option<Cow<'l, str>>,
    /// No member is the owner; the fallback took its place, or nothing.
    pub orphan: bool,
}

/// The world could not be asked; no fault of the record.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LookupError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl LookupError {
    /// From what went wrong.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}
