//! Tests of a program, as a runner needs them.

use indexmap::IndexMap;

use crate::{Expr, FieldType, Origin};

/// A test of a program, as a runner needs it. It is not a part of the plan: it says nothing about what will be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// A sentence.
    pub name: String,
    /// The records it gives, in order; the export of the test.
    pub given: Vec<GivenRecord>,
    /// Results that the test expects.
    pub expectations: Vec<Expectation>,
    /// Where it is written.
    pub origin: Origin,
}

/// A source record of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRecord {
    /// The source object.
    pub object: String,
    /// Cells as they would stand in the export; columns not named are empty.
    pub cells: IndexMap<String, String>,
    /// Where it is written.
    pub origin: Origin,
}

/// Result that a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Some destination record has these values, among others.
    Record {
        /// The destination object.
        object: String,
        /// Values of the record.
        fields: Vec<ExpectedField>,
        /// Where it is written.
        origin: Origin,
    },
    /// A source record is quarantined.
    SetAside {
        /// Skipped; else quarantined.
        skipped: bool,
        /// The source object.
        object: String,
        /// Key of the source record, one value per key column.
        key: Vec<String>,
        /// The destination field it failed on; absent: whichever.
        on: Option<String>,
        /// Where it is written.
        origin: Origin,
    },
}

/// A value that a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedField {
    /// A field, or a part of one: `emails.primaryEmail`.
    pub path: String,
    /// Type of the field or part.
    pub ty: FieldType,
    /// The value. It reads no column; a reference in it (`companies("K3")`) has the stages that may have made the record.
    pub value: Expr,
    /// Where it is written.
    pub origin: Origin,
}
