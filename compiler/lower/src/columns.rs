//! Columns of a source object by name, looked up for every field of its maps.

use std::collections::BTreeMap;

use migr_check::{Field, SourceObject};
use migr_plan::SourceColumn;

/// A source object with its columns by name.
pub(crate) struct Columns<'o> {
    pub(crate) object: &'o SourceObject,
    by_name: BTreeMap<&'o str, &'o SourceColumn>,
}

impl<'o> Columns<'o> {
    pub(crate) fn of(object: &'o SourceObject) -> Self {
        Self { object, by_name: object.columns.iter().map(|column| (column.name.as_str(), column)).collect() }
    }

    /// The column of a name.
    pub(crate) fn named(&self, name: &str) -> Option<&'o SourceColumn> {
        self.by_name.get(name).copied()
    }

    /// The columns that a field's value depends on, of the object itself.
    pub(crate) fn read_by<'c>(&'c self, field: &'c Field) -> impl Iterator<Item = &'o SourceColumn> + 'c {
        field.reads.iter().filter_map(|name| self.named(name))
    }
}
