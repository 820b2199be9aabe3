//! One stage, compiled: what it makes of a record.

use std::borrow::Cow;

use migr_plan::{EmptyPolicy, Expr, FieldMapping, FieldType, Plan, ReasonCode, SourceObject, Stage};

use crate::compile::{Compiler, same_table};
use crate::convert::text_of;
use crate::cut::{self, Cut};
use crate::evaluate::{Evaluator, KEY_SEPARATOR, Stop};
use crate::failure::Fault;
use crate::node::{Node, Same, Shared};
use crate::{
    Admission, Cells, CompileError, Evaluated, Failure, Linked, Lookup, LookupError, Outcome, Partial, Pass, Reference,
    Traced, Value,
};

/// One stage, compiled: columns by position, tables hashed, formats parsed.
#[derive(Debug)]
pub struct Program {
    stage: Stage,
    shared: Shared,
    /// Positions of the key's columns.
    key: Vec<usize>,
    key_name: String,
    skips: Vec<Rule>,
    checks: Vec<Rule>,
    when: Option<Rule>,
    distinct: Option<(Rule, Same)>,
    fields: Vec<Field>,
    links: Vec<Field>,
    cuts: Vec<Cut>,
}

/// A condition, with what is said where it decides.
#[derive(Debug)]
struct Rule {
    condition: Node,
    reason: String,
    /// The columns it reads, for failures.
    columns: String,
    is_masked: bool,
}

#[derive(Debug)]
struct Field {
    name: String,
    value: Node,
    file_name: Option<Node>,
    is_masked: bool,
    is_deferred: bool,
}

impl Program {
    /// Compiles a stage of the plan. An error is a plan that was not made by the compiler of the same version.
    pub fn compile(plan: &Plan, stage: &Stage) -> Result<Self, CompileError> {
        let place = |what: &str| format!("stage {}{what} ({}:{})", stage.id, stage.origin.file, stage.origin.line);
        let object = plan.source_object(&stage.source_object).ok_or_else(|| CompileError {
            place: place(""),
            reason: format!("the plan has no source object {}", stage.source_object),
        })?;
        Self::compiled(plan, object, stage).map_err(|(what, reason)| CompileError { place: place(&what), reason })
    }

    fn compiled(plan: &Plan, object: &SourceObject, stage: &Stage) -> Result<Self, (String, String)> {
        let mut compiler = Compiler::new(plan, object).map_err(|reason| (String::new(), reason))?;
        let key = object.key.iter().map(|column| compiler.position(column)).collect::<Result<_, _>>();
        let key = key.map_err(|reason| (", key".to_owned(), reason))?;
        let mut rules = Rules { compiler: &mut compiler };
        let skips = object.skips.iter().map(|skip| rules.rule("skip", &skip.condition, &skip.reason));
        let skips = skips.collect::<Result<_, _>>()?;
        let checks = object.checks.iter().map(|check| rules.rule("check", &check.condition, &check.reason));
        let checks = checks.collect::<Result<_, _>>()?;
        let when = stage.when.as_ref().map(|when| rules.rule("when", when, "")).transpose()?;
        let distinct = stage.distinct.as_ref().map(|distinct| {
            Ok::<_, (String, String)>((rules.rule("distinct", &distinct.value, "")?, same_table(distinct)))
        });
        let distinct = distinct.transpose()?;
        let mut fields = Vec::with_capacity(stage.fields.len());
        for mapping in &stage.fields {
            let nodes = compiler.watch(|compiler| {
                let mut value = compiler.node(&mapping.value)?;
                if mapping.ty == FieldType::File {
                    // A column of files holds paths: the field holds what they lead to.
                    value = Node::Convert { value: Box::new(value), to: FieldType::File };
                }
                let file_name = mapping.file_name.as_ref().map(|name| compiler.node(name)).transpose()?;
                Ok((value, file_name))
            });
            let ((value, file_name), touches) =
                nodes.map_err(|reason| (format!(", field {}", mapping.field), reason))?;
            fields.push(Field {
                name: mapping.field.clone(),
                value,
                file_name,
                is_masked: touches || mapping.sensitive,
                is_deferred: mapping.deferred,
            });
        }
        let mut links = Vec::with_capacity(stage.links.len());
        for link in &stage.links {
            let node = compiler.watch(|compiler| compiler.node(&link.value));
            let (value, is_masked) = node.map_err(|reason| (format!(", links {}", link.field), reason))?;
            links.push(Field { name: link.field.clone(), value, file_name: None, is_masked, is_deferred: false });
        }
        let cuts = cut::compile(&mut compiler, plan, (object, stage));
        let cuts = cuts.map_err(|reason| (", what is left".to_owned(), reason))?;
        let (stage, key_name) = (stage.clone(), object.key.join(", "));
        let shared = compiler.into_shared();
        Ok(Self { stage, shared, key, key_name, skips, checks, when, distinct, fields, links, cuts })
    }

    /// The stage.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// True where the value of a field, by its index in `stage.fields`, must not be shown.
    pub fn is_masked(&self, field: usize) -> bool {
        self.fields.get(field).is_none_or(|field| field.is_masked)
    }

    /// True where the targets of a link, by its index in `stage.links`, must not be shown.
    pub fn is_link_masked(&self, link: usize) -> bool {
        self.links.get(link).is_none_or(|link| link.is_masked)
    }

    /// True where the stage makes one record per distinct value; such a record's key is [`Program::distinct`].
    pub fn is_distinct(&self) -> bool {
        self.distinct.is_some()
    }

    /// The record's source key, trimmed; several columns are joined with U+001F. An empty key, or an empty part of one, is a failure.
    pub fn key(&self, record: &dyn Cells) -> Result<String, Failure> {
        let mut key = String::new();
        for (at, position) in self.key.iter().enumerate() {
            let cell = record.cell(*position);
            let column = self.shared.columns.get(*position);
            if column.map_or_else(|| self.shared.blanks.are(cell), |column| column.is_blank(cell, &self.shared.blanks))
            {
                let column = column.map_or("", |column| column.name.as_str());
                let reason = "the key is empty".to_owned();
                return Err(Failure { code: ReasonCode::Q102, field: column.to_owned(), reason });
            }
            if at > 0 {
                key.push(KEY_SEPARATOR);
            }
            key.push_str(cell.trim());
        }
        if key.is_empty() {
            let reason = "the catalog names no key for the object".to_owned();
            return Err(Failure { code: ReasonCode::Q102, field: self.key_name.clone(), reason });
        }
        Ok(key)
    }

    /// The value that makes the record of a `map distinct` stage, with its `same` table applied; none where it gives none, or the stage is not distinct.
    pub fn distinct(&self, record: &dyn Cells, lookup: &dyn Lookup) -> Result<Outcome<Option<String>>, LookupError> {
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        match self.distinct_value(&mut evaluator) {
            Ok(value) => Ok(Outcome::Ready(value.map(Cow::into_owned))),
            Err(Halt::Skip(reason)) => Ok(Outcome::Skip { reason }),
            Err(Halt::Failures(failures)) => Ok(Outcome::Quarantine(failures)),
            Err(Halt::Lookup(error)) => Err(error),
        }
    }

    fn distinct_value<'r>(&'r self, evaluator: &mut Evaluator<'r>) -> Result<Option<Cow<'r, str>>, Halt> {
        let Some((rule, same)) = &self.distinct else { return Ok(None) };
        evaluator.is_masked = rule.is_masked;
        let value = evaluator.value(&rule.condition).map_err(|stop| rule.halt(stop))?;
        if value.is_none() {
            return Ok(None);
        }
        let text = text_of(value).map(crate::text::trim).map_err(|fault| rule.halt(fault.into()))?;
        let canonical = same.get(&*text).map(|canonical| Cow::Borrowed(canonical.as_str()));
        Ok(Some(canonical.unwrap_or(text)).filter(|text| !text.is_empty()))
    }

    /// True where a `skip` rule leaves the record behind.
    pub fn skips(&self, record: &dyn Cells, lookup: &dyn Lookup) -> Result<bool, LookupError> {
        if self.skips.is_empty() {
            return Ok(false);
        }
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        for skip in &self.skips {
            match skip.holds(&mut evaluator) {
                Ok(Some(true)) | Err(Halt::Skip(_)) => return Ok(true),
                Ok(_) => {}
                // The stage says what is wrong with the condition when it comes to the record.
                Err(Halt::Failures(_)) => return Ok(false),
                Err(Halt::Lookup(error)) => return Err(error),
            }
        }
        Ok(false)
    }

    /// True where a `skip` rule or the stage's `when` leaves the record out.
    pub fn leaves_out(&self, record: &dyn Cells, lookup: &dyn Lookup) -> Result<bool, LookupError> {
        if self.skips(record, lookup)? {
            return Ok(true);
        }
        let Some(when) = &self.when else { return Ok(false) };
        match when.holds(&mut Evaluator::new(&self.shared, record, lookup)) {
            Ok(truth) => Ok(truth != Some(true)),
            Err(Halt::Skip(_)) => Ok(true),
            Err(Halt::Failures(_)) => Ok(false),
            Err(Halt::Lookup(error)) => Err(error),
        }
    }

    /// Admission of the record by the stage: `skip` rules first, then `when`, then `check`s. Every broken check is
    /// reported.
    pub fn admit(&self, record: &dyn Cells, lookup: &dyn Lookup) -> Result<Admission, LookupError> {
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        match self.admitted(&mut evaluator) {
            Ok(admission) => Ok(admission),
            Err(Halt::Skip(reason)) => Ok(Admission::Skip { reason }),
            Err(Halt::Failures(failures)) => Ok(Admission::Quarantine(failures)),
            Err(Halt::Lookup(error)) => Err(error),
        }
    }

    fn admitted<'r>(&'r self, evaluator: &mut Evaluator<'r>) -> Result<Admission, Halt> {
        for skip in &self.skips {
            if skip.holds(evaluator)? == Some(true) {
                return Ok(Admission::Skip { reason: skip.reason.clone() });
            }
        }
        if let Some(when) = &self.when
            && when.holds(evaluator)? != Some(true)
        {
            return Ok(Admission::NotMine);
        }
        if self.distinct.is_some() && self.distinct_value(evaluator)?.is_none() {
            return Ok(Admission::NotMine);
        }
        let mut failures = Vec::new();
        for check in &self.checks {
            match check.holds(evaluator) {
                Ok(Some(false)) => {
                    let (field, reason) = (check.columns.clone(), check.reason.clone());
                    failures.push(Failure { code: ReasonCode::Q103, field, reason });
                }
                Ok(_) => {}
                Err(Halt::Failures(more)) => failures.extend(more),
                Err(halt) => return Err(halt),
            }
        }
        Ok(if failures.is_empty() { Admission::Admit } else { Admission::Quarantine(failures) })
    }

    /// The values of the record's fields. Every field is computed, so that all failures are known; where a rule of the map leaves the record out, that
    /// counts more than a failure.
    pub fn fields<'r>(
        &'r self,
        record: &'r dyn Cells,
        lookup: &'r dyn Lookup,
        pass: Pass,
    ) -> Result<Outcome<Evaluated<'r>>, LookupError> {
        Ok(self.fields_apart(record, lookup, pass)?.outcome())
    }

    /// The same, field by field: one that fails takes nothing from the others. For records that are written already.
    pub fn fields_apart<'r>(
        &'r self,
        record: &'r dyn Cells,
        lookup: &'r dyn Lookup,
        pass: Pass,
    ) -> Result<Partial<'r>, LookupError> {
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        let mut found = Found::default();
        match self.distinct_value(&mut evaluator) {
            Ok(value) => evaluator.distinct = value,
            Err(halt) => found.halted(halt)?,
        }
        let mut values = Vec::with_capacity(self.fields.len());
        for (index, field) in self.fields.iter().enumerate() {
            if field.is_deferred != (pass == Pass::Deferred) {
                continue;
            }
            let noted = evaluator.repairs.len();
            let value = field.value(&mut evaluator);
            let is_left_out = evaluator.repairs.len() > noted;
            let value = value.and_then(|value| self.unless_empty(index, value, is_left_out));
            let value = value.and_then(|value| self.unless_too_long(index, value));
            if let Some(value) = found.kept(field, value)? {
                values.push((index, value));
            }
        }
        let Evaluator { repairs, orphans, created, .. } = evaluator;
        let evaluated = Evaluated { values, repairs, orphans, created, cut: Vec::new() };
        Ok(Partial { evaluated, failures: found.failures, skip: found.skip })
    }

    /// Computes the fields of the second pass one after the other, and calls after each of them: for what it looked up.
    pub fn each_deferred<E: From<LookupError>>(
        &self,
        record: &dyn Cells,
        lookup: &dyn Lookup,
        mut after: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        let mut found = Found::default();
        match self.distinct_value(&mut evaluator) {
            Ok(value) => evaluator.distinct = value,
            Err(halt) => found.halted(halt)?,
        }
        for (index, field) in self.fields.iter().enumerate().filter(|(_, field)| field.is_deferred) {
            let value = field.value(&mut evaluator);
            found.kept(field, value)?;
            after(index)?;
        }
        Ok(())
    }

    /// Indexes of the fields whose expression leaves something of the record's values that nothing else takes.
    pub fn cut(&self, record: &dyn Cells, lookup: &dyn Lookup) -> Result<Vec<usize>, LookupError> {
        let mut found = Vec::new();
        if self.cuts.is_empty() {
            return Ok(found);
        }
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        evaluator.distinct = self.distinct_value(&mut evaluator).unwrap_or_default();
        for cut in &self.cuts {
            if !found.contains(&cut.field) && cut.leaves(&mut evaluator, &self.shared.settings)? {
                found.push(cut.field);
            }
        }
        Ok(found)
    }

    /// A value, unless it has more characters than the destination holds.
    fn unless_too_long<'r>(&self, index: usize, value: Value<'r>) -> Result<Value<'r>, Stop> {
        let Some(field) = self.stage.fields.get(index) else { return Ok(value) };
        match &value {
            Value::Record(parts) if !field.part_max.is_empty() => {
                for (name, part) in parts {
                    let most = field.part_max.iter().find(|known| known.part == **name).map(|known| known.max);
                    not_too_long(most, part).map_err(|fault| Stop::from(fault.inside(name)))?;
                }
            }
            whole => not_too_long(field.max, whole)?,
        }
        Ok(value)
    }

    /// A value, or what the field's policy says where there is none. What a rule left out, after a failure, is not empty in this sense.
    fn unless_empty<'r>(&self, index: usize, value: Value<'r>, is_left_out: bool) -> Result<Value<'r>, Stop> {
        let Some(mapping) = self.stage.fields.get(index) else { return Ok(value) };
        if !value.is_none() || !mapping.parts.is_empty() {
            return parts_unless_empty(mapping, value, is_left_out);
        }
        match mapping.on_empty {
            EmptyPolicy::Quarantine if !is_left_out => {
                let fault = Fault::plain("there is no value, and `on empty quarantine` asks for one");
                Err(fault.because(ReasonCode::Q203).into())
            }
            EmptyPolicy::Clear if !is_left_out => Ok(value),
            EmptyPolicy::Clear => Ok(Value::Default),
            // A record that is created gets what the destination gives; in one that is there nothing changes.
            _ if mapping.default.is_some() => Ok(Value::Default),
            _ => Ok(value),
        }
    }

    /// Links of the record.
    pub fn links<'r>(
        &'r self,
        record: &'r dyn Cells,
        lookup: &'r dyn Lookup,
    ) -> Result<Outcome<Linked<'r>>, LookupError> {
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        let mut found = Found::default();
        match self.distinct_value(&mut evaluator) {
            Ok(value) => evaluator.distinct = value,
            Err(halt) => found.halted(halt)?,
        }
        let mut links = Vec::with_capacity(self.links.len());
        for (index, field) in self.links.iter().enumerate() {
            let linked = field.value(&mut evaluator).and_then(|value| {
                let mut targets = Vec::new();
                references(value, &mut targets)?;
                Ok(targets)
            });
            if let Some(targets) = found.kept(field, linked)? {
                links.push((index, targets));
            }
        }
        let Evaluator { repairs, orphans, .. } = evaluator;
        Ok(found.outcome(Linked { links, repairs, orphans }))
    }

    /// Trace of the value of a field, by its index in `stage.fields`.
    pub fn trace_field<'r>(
        &'r self,
        field: usize,
        record: &'r dyn Cells,
        lookup: &'r dyn Lookup,
    ) -> Result<Option<Traced<'r>>, LookupError> {
        self.fields.get(field).map(|field| self.traced(field, record, lookup)).transpose()
    }

    /// Trace of the targets of a link, by its index in `stage.links`.
    pub fn trace_link<'r>(
        &'r self,
        link: usize,
        record: &'r dyn Cells,
        lookup: &'r dyn Lookup,
    ) -> Result<Option<Traced<'r>>, LookupError> {
        self.links.get(link).map(|link| self.traced(link, record, lookup)).transpose()
    }

    fn traced<'r>(
        &'r self,
        field: &'r Field,
        record: &'r dyn Cells,
        lookup: &'r dyn Lookup,
    ) -> Result<Traced<'r>, LookupError> {
        let mut evaluator = Evaluator::new(&self.shared, record, lookup);
        evaluator.rows = Some(Vec::new());
        let mut found = Found::default();
        match self.distinct_value(&mut evaluator) {
            Ok(value) => evaluator.distinct = value,
            Err(halt) => found.halted(halt)?,
        }
        let value = found.kept(field, field.value(&mut evaluator))?.unwrap_or(Value::None);
        let Evaluator { rows, repairs, ways, .. } = evaluator;
        Ok(Traced { outcome: found.outcome(value), rows: rows.unwrap_or_default(), repairs, ways })
    }

    /// A cell, read by its column's type; for `keep oldest created_at`.
    pub fn column_value<'r>(&'r self, record: &'r dyn Cells, column: &str) -> Result<Value<'r>, Failure> {
        let Some(column) = self.shared.columns.iter().find(|known| known.name == column) else {
            let reason = "the object has no such column".to_owned();
            return Err(Failure { code: ReasonCode::Q201, field: column.to_owned(), reason });
        };
        let cell = record.cell(column.position);
        let value = column.read(cell, &self.shared.blanks, &self.shared.settings);
        value.map_err(|fault| fault.failure(&column.name, column.is_sensitive))
    }
}

/// Compiles conditions.
struct Rules<'c, 'p> {
    compiler: &'c mut Compiler<'p>,
}

impl<'p> Rules<'_, 'p> {
    fn rule(&mut self, kind: &str, expr: &'p Expr, reason: &str) -> Result<Rule, (String, String)> {
        let compiled = self.compiler.watch(|compiler| compiler.node(expr));
        let (condition, is_masked) = compiled.map_err(|error| (format!(", {kind}"), error))?;
        let mut columns: Vec<&str> = Vec::new();
        expr.walk(&mut |part| {
            if let Expr::Column { name } = part
                && !columns.contains(&name.as_str())
            {
                columns.push(name);
            }
        });
        let columns = columns.join(", ");
        let columns = if columns.is_empty() { kind.to_owned() } else { columns };
        Ok(Rule { condition, reason: reason.to_owned(), columns, is_masked })
    }
}

impl Rule {
    fn holds<'r>(&'r self, evaluator: &mut Evaluator<'r>) -> Result<Option<bool>, Halt> {
        evaluator.is_masked = self.is_masked;
        evaluator.truth(&self.condition).map_err(|stop| self.halt(stop))
    }

    fn halt(&self, stop: Stop) -> Halt {
        match stop {
            Stop::Fault(fault) | Stop::Quarantine(fault) => {
                let failure = fault.failure(&self.columns, self.is_masked);
                let reason = if self.reason.is_empty() {
                    failure.reason
                } else {
                    format!("{}; whether the record {} cannot be said", failure.reason, self.reason)
                };
                Halt::Failures(vec![Failure { code: ReasonCode::Q104, reason, ..failure }])
            }
            Stop::Skip(reason) => Halt::Skip(reason),
            Stop::Lookup(error) => Halt::Lookup(error),
        }
    }
}

impl Field {
    fn value<'r>(&'r self, evaluator: &mut Evaluator<'r>) -> Result<Value<'r>, Stop> {
        evaluator.field = &self.name;
        evaluator.is_masked = self.is_masked;
        let mut value = evaluator.value(&self.value)?;
        if let (Value::File(file), Some(name)) = (&mut value, &self.file_name) {
            let name = evaluator.value(name)?;
            if !name.is_none() {
                file.name = crate::text::trim(text_of(name)?);
            }
        }
        Ok(value)
    }
}

/// Why the evaluation of a record ended early.
enum Halt {
    Skip(String),
    Failures(Vec<Failure>),
    Lookup(LookupError),
}

/// Findings about the fields so far.
#[derive(Default)]
struct Found {
    failures: Vec<Failure>,
    skip: Option<Failure>,
}

impl Found {
    fn halted(&mut self, halt: Halt) -> Result<(), LookupError> {
        match halt {
            Halt::Skip(reason) => self.skips(String::new(), reason),
            Halt::Failures(failures) => self.failures.extend(failures),
            Halt::Lookup(error) => return Err(error),
        }
        Ok(())
    }

    fn skips(&mut self, field: String, reason: String) {
        self.skip = self.skip.take().or(Some(Failure { code: ReasonCode::Q104, field, reason }));
    }

    fn kept<T>(&mut self, field: &Field, value: Result<T, Stop>) -> Result<Option<T>, LookupError> {
        let halt = match value {
            Ok(value) => return Ok(Some(value)),
            Err(Stop::Fault(fault) | Stop::Quarantine(fault)) => {
                Halt::Failures(vec![fault.failure(&field.name, field.is_masked)])
            }
            Err(Stop::Skip(reason)) => {
                self.skips(field.name.clone(), reason);
                return Ok(None);
            }
            Err(Stop::Lookup(error)) => Halt::Lookup(error),
        };
        self.halted(halt)?;
        Ok(None)
    }

    fn outcome<T>(self, ready: T) -> Outcome<T> {
        match self.skip {
            Some(skip) => Outcome::Skip { reason: skip.reason },
            None if self.failures.is_empty() => Outcome::Ready(ready),
            None => Outcome::Quarantine(self.failures),
        }
    }
}

/// Refuses a text of more characters than the destination holds.
fn not_too_long(most: Option<u64>, value: &Value<'_>) -> Result<(), Fault> {
    let (Some(most), Value::Text(text)) = (most.and_then(|most| usize::try_from(most).ok()), value) else {
        return Ok(());
    };
    if text.len() <= most || text.chars().nth(most).is_none() {
        return Ok(());
    }
    let length = text.chars().count();
    let says =
        format!("has {length} characters, of which the destination holds {most}; shorten it with `truncate({most})`");
    Err(Fault::of(text.clone(), says).because(ReasonCode::Q207))
}

/// The same for the parts of a composite, each by its own policy.
fn parts_unless_empty<'r>(mapping: &FieldMapping, value: Value<'r>, is_left_out: bool) -> Result<Value<'r>, Stop> {
    let policy = |part: &str| {
        let known = mapping.parts.iter().find(|known| known.part == part);
        known.map_or(mapping.on_empty, |known| known.on_empty)
    };
    let fault = |part: &str| {
        let words = format!("`{part}` has no value, and `on empty quarantine` asks for one");
        Err(Stop::from(Fault::plain(words).because(ReasonCode::Q203)))
    };
    match value {
        Value::Record(mut parts) => {
            if is_left_out {
                // A part that failed is not empty: what is there stays.
                parts.retain(|(part, value)| !value.is_none() || policy(part) == EmptyPolicy::Keep);
            }
            let empty = parts.iter().find(|(part, value)| value.is_none() && policy(part) == EmptyPolicy::Quarantine);
            match empty {
                Some((part, _)) => fault(part),
                None => Ok(Value::Record(parts)),
            }
        }
        Value::None if !is_left_out => {
            match mapping.parts.iter().find(|known| known.on_empty == EmptyPolicy::Quarantine) {
                Some(known) => fault(&known.part),
                None if mapping.on_empty == EmptyPolicy::Quarantine => fault(&mapping.field),
                None => Ok(Value::None),
            }
        }
        Value::None => Ok(Value::Default),
        value => Ok(value),
    }
}

/// The references of a value, each once.
fn references<'r>(value: Value<'r>, into: &mut Vec<Reference<'r>>) -> Result<(), Fault> {
    match value {
        Value::None | Value::Default => Ok(()),
        Value::List(items) | Value::Tuple(items) => items.into_iter().try_for_each(|item| references(item, into)),
        Value::Reference(reference) => {
            if !into.contains(&reference) {
                into.push(reference);
            }
            Ok(())
        }
        other => Err(Fault::plain(format!("a reference was expected, not {}", other.kind()))),
    }
}
