use migr_plan::{Plan, Stage};

use crate::{Admission, Cells, CompileError, Evaluated, Failure, Linked, Lookup, LookupError, Outcome, Pass, Value};

/// One stage, compiled: columns by position, tables hashed, formats parsed.
#[derive(Debug)]
pub struct Program {
    stage: Stage,
}

impl Program {
    /// Compiles a stage of the plan.
    pub fn compile(_plan: &Plan, stage: &Stage) -> Result<Self, CompileError> {
        Ok(Self { stage: stage.clone() })
    }

    /// The stage.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The record's source key, trimmed; several columns are joined with U+001F. An empty key is a failure.
    pub fn key(&self, _record: &dyn Cells) -> Result<String, Failure> {
        Err(Failure { field: String::new(), reason: String::new() })
    }

    /// The value that makes the record of a `map distinct` stage, with its `same` table applied; none where it gives none, or the stage is not distinct.
    pub fn distinct(&self, _record: &dyn Cells, _lookup: &dyn Lookup) -> Result<Outcome<Option<String>>, LookupError> {
        Ok(Outcome::Ready(None))
    }

    /// Whether the stage takes the record.
    pub fn admit(&self, _record: &dyn Cells, _lookup: &dyn Lookup) -> Result<Admission, LookupError> {
        Ok(Admission::Admit)
    }

    /// The values of the record's fields.
    pub fn fields<'r>(
        &'r self,
        _record: &'r dyn Cells,
        _lookup: &'r dyn Lookup,
        _pass: Pass,
    ) -> Result<Outcome<Evaluated<'r>>, LookupError> {
        Ok(Outcome::Ready(Evaluated::default()))
    }

    /// What the record is linked to.
    pub fn links<'r>(
        &'r self,
        _record: &'r dyn Cells,
        _lookup: &'r dyn Lookup,
    ) -> Result<Outcome<Linked<'r>>, LookupError> {
        Ok(Outcome::Ready(Linked::default()))
    }

    /// A cell, read by its column's type; for `keep oldest created_at`.
    pub fn column_value<'r>(&'r self, _record: &'r dyn Cells, _column: &str) -> Result<Value<'r>, Failure> {
        Ok(Value::None)
    }
}
