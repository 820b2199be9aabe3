//! Outcomes of evaluating a record.

use crate::{CreatedOption, Failure, Orphan, Reference, Repair, Value};

/// Which fields are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Those that are written with the record.
    First,
    /// Those that wait until all records are there (`FieldMapping.deferred`).
    Deferred,
}

/// Admission of a record by a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Record that the stage takes.
    Admit,
    /// Record whose `when` says no, or without a value for `map distinct`: another stage may take it.
    NotMine,
    /// A `skip` rule leaves it out.
    Skip {
        /// The rule's reason.
        reason: String,
    },
    /// Record that breaks a `check`, or for which a rule cannot be decided.
    Quarantine(Vec<Failure>),
}

/// Outcome of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// Values.
    Ready(T),
    /// A rule of the map leaves the record out.
    Skip {
        /// Why.
        reason: String,
    },
    /// Record that cannot be written as the plan says; every failing field is named.
    Quarantine(Vec<Failure>),
}

/// The values of one record's fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated<'r> {
    /// Index in `stage.fields` and value, in that order; fields of the other pass are left out.
    pub values: Vec<(usize, Value<'r>)>,
    /// Where a written rule took effect.
    pub repairs: Vec<Repair>,
    /// Owners without a matching user.
    pub orphans: Vec<Orphan>,
    /// Options made of values by `otherwise create`; the same one may come with every record.
    pub created: Vec<CreatedOption>,
    /// Indexes of fields whose expression takes a part of a value, and leaves something that nothing else takes; asked for by [`crate::Program::cut`].
    pub cut: Vec<usize>,
}

/// The values of one record's fields as far as there are any, with what kept the others from having one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partial<'r> {
    /// Values of the fields that have one.
    pub evaluated: Evaluated<'r>,
    /// Fields without a value, and why.
    pub failures: Vec<Failure>,
    /// The field at which a rule of the map leaves the record out, with the rule's reason.
    pub skip: Option<Failure>,
}

impl<'r> Partial<'r> {
    /// Outcome of the record as a whole: a rule that leaves it out counts more than a failure.
    pub fn outcome(self) -> Outcome<Evaluated<'r>> {
        match self.skip {
            Some(skip) => Outcome::Skip { reason: skip.reason },
            None if self.failures.is_empty() => Outcome::Ready(self.evaluated),
            None => Outcome::Quarantine(self.failures),
        }
    }
}

/// The links of one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linked<'r> {
    /// Index in `stage.links` and what is linked, each target once.
    pub links: Vec<(usize, Vec<Reference<'r>>)>,
    /// Where a written rule took effect.
    pub repairs: Vec<Repair>,
    /// Owners without a matching user.
    pub orphans: Vec<Orphan>,
}

/// Trace of one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced<'r> {
    /// The value, a skip, or why there is none.
    pub outcome: Outcome<Value<'r>>,
    /// The rows of value tables that decided, in the order in which they were asked.
    pub rows: Vec<TableRow>,
    /// Where a written rule took effect.
    pub repairs: Vec<Repair>,
    /// Ways that were taken where an expression has two.
    pub ways: Vec<Way>,
}

/// Way that was taken at an expression with two: `if`, `??`, `otherwise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// Place of the expression among those with two ways, in the order of `Expr::walk`.
    pub fork: u32,
    /// The second way: `else`, the right side, the recovery.
    pub second: bool,
}

/// A row of a value table that decided about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The table.
    pub table: String,
    /// Place of the row in `Picklist.rows`; absent: no row names the value, and the table's `otherwise` decided.
    pub row: Option<usize>,
    /// Values that were looked up, one for each input.
    pub key: Vec<Option<String>>,
}
