use indexmap::IndexMap;

use crate::{Expr, FieldType, Origin};

/// A test of a program, as a runner needs it. It is not a part of the plan: it says nothing about what will be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// A sentence.
    pub name: String,
    /// The records it gives, in order; the export of the test.
    pub given: Vec<GivenRecord>,
    /// What must come out.
    pub expectations: Vec<Expectation>,
    /// Where it is written.
    pub origin: Origin,
}

/// A source record of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRecord {
    /// The source object.
    pub object: String,
    /// Its cells as they would stand in the export; columns not named are empty.
    pub cells: IndexMap<String, String>,
    /// Where it is written.
    pub origin: Origin,
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Some destination record has these values, among others.
    Record {
        /// The destination object.
        object: String,
        /// Its values.
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
        /// Its key, one value per key column.
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
    /// Its type.
    pub ty: FieldType,
    /// The value. It reads no column; a reference in it (`companies("K3")`) has the stages that may have made the record.
    pub value: Expr,
    /// Where it is written.
    pub origin: Origin,
}
