//! Evaluation of expressions over one record.

use std::borrow::Cow;

use migr_plan::{FieldType, OnMissing, Operator, ReasonCode, ReferenceTarget};

use crate::column::Column;
use crate::convert::{convert, record, text_of};
use crate::failure::Fault;
use crate::functions::{Arguments, Scope};
use crate::node::{Call, Node, Recover, ReferenceNode, Shared, Target, Through};
use crate::operators::binary;
use crate::picklist::{Looked, Table};
use crate::{Cells, CreatedOption, Lookup, LookupError, Orphan, Reference, Repair, Resolved, TableRow, Value, Way};

/// Separator of the parts of a key of several columns.
pub(crate) const KEY_SEPARATOR: char = '\u{1f}';

/// Fate of an element of a list that has no value.
const LEFT_OUT: &str = "left out of the list";

/// Why a value could not be computed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The value is at fault; `otherwise` can recover.
    Fault(Fault),
    /// A written rule quarantines the record.
    Quarantine(Fault),
    /// A written rule leaves the record out.
    Skip(String),
    /// The world could not be asked.
    Lookup(LookupError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<LookupError> for Stop {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}

impl Stop {
    fn inside(self, part: &str) -> Self {
        match self {
            Self::Fault(fault) => Self::Fault(fault.inside(part)),
            Self::Quarantine(fault) => Self::Quarantine(fault.inside(part)),
            other => other,
        }
    }
}

type Evaluated<'r> = Result<Value<'r>, Stop>;

/// The evaluation of one record.
pub(crate) struct Evaluator<'r> {
    shared: &'r Shared,
    record: &'r dyn Cells,
    lookup: &'r dyn Lookup,
    /// The value of a `map distinct` record.
    pub(crate) distinct: Option<Cow<'r, str>>,
    /// The field that is computed, for what is noted.
    pub(crate) field: &'r str,
    /// True where a sensitive column may contribute to the value.
    pub(crate) is_masked: bool,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) orphans: Vec<Orphan>,
    pub(crate) created: Vec<CreatedOption>,
    losses: Vec<String>,
    /// An `otherwise none` says what becomes of a failure: of a list an element falls by itself.
    spares: bool,
    /// The rows of value tables that decided, where somebody wants to know.
    pub(crate) rows: Option<Vec<TableRow>>,
    /// The ways that were taken, where somebody wants to know.
    pub(crate) ways: Vec<Way>,
}

impl<'r> Evaluator<'r> {
    pub(crate) fn new(shared: &'r Shared, record: &'r dyn Cells, lookup: &'r dyn Lookup) -> Self {
        Self {
            shared,
            record,
            lookup,
            distinct: None,
            field: "",
            is_masked: false,
            repairs: Vec::new(),
            orphans: Vec::new(),
            created: Vec::new(),
            losses: Vec::new(),
            spares: false,
            rows: None,
            ways: Vec::new(),
        }
    }

    pub(crate) fn value(&mut self, node: &'r Node) -> Evaluated<'r> {
        match node {
            Node::Constant(value) => Ok(borrowed(value)),
            Node::Column(position) => {
                let shared = self.shared;
                shared.columns.get(*position).map_or(Ok(Value::None), |column| self.column(column))
            }
            Node::Written(column) => self.column(column),
            Node::Distinct => Ok(self.distinct.clone().map_or(Value::None, Value::text)),
            Node::Through(through) => self.through(through),
            Node::Call(call) => self.call(call),
            Node::Binary(operator, sides) => self.binary(*operator, sides),
            Node::Not(value) => Ok(self.truth(value)?.map_or(Value::None, |truth| Value::Boolean(!truth))),
            Node::Coalesce { number, sides } => {
                let [left, right] = &**sides;
                let left = match self.value(left) {
                    Err(Stop::Fault(fault)) if fault.is_lack() => Value::None,
                    left => left?,
                };
                self.goes(*number, left.is_none());
                if left.is_none() { self.value(right) } else { Ok(left) }
            }
            Node::If { number, parts } => {
                let [condition, then, otherwise] = &**parts;
                let holds = self.truth(condition)? == Some(true);
                self.goes(*number, !holds);
                if holds { self.value(then) } else { self.value(otherwise) }
            }
            Node::Record(fields) => {
                let parts = fields.iter().map(|(name, node)| {
                    let value = self.value(node).map_err(|stop| stop.inside(name))?;
                    Ok((Cow::Borrowed(name.as_str()), value))
                });
                parts.collect::<Result<_, Stop>>().map(record)
            }
            Node::List(items) => {
                let mut values = self.values(items)?;
                values.retain(|value| !value.is_none());
                Ok(Value::list(values))
            }
            Node::Tuple(items) => self.values(items).map(Value::Tuple),
            Node::Template(parts) => self.template(parts),
            Node::Picklist { table, inputs, output } => self.picklist(*table, inputs, *output),
            Node::Reference(reference) => self.reference(reference),
            Node::Owner { key, target, on_missing } => {
                let key = self.value(key)?;
                each(key, &mut |key| {
                    if let Some(fault) = self.ambiguous(target, &key)? {
                        return self.missing(*on_missing, fault);
                    }
                    let found = self.lookup.owner(target, &key)?;
                    if found.orphan {
                        let owner = if self.is_masked { "***".to_owned() } else { key.into_owned() };
                        let field = self.field.to_owned();
                        self.orphans.push(Orphan { field, owner, fallback: found.id.is_some() });
                    }
                    Ok(found.id.map_or(Value::None, |id| Value::Reference(Reference { object: found.object, id })))
                })
            }
            Node::Existing { object, fields, on_missing } => self.existing(object, fields, *on_missing),
            Node::Convert { value, to } => {
                let value = self.value(value)?;
                match value {
                    Value::List(items)
                        if self.spares && matches!(to, FieldType::List { .. } | FieldType::Multiselect { .. }) =>
                    {
                        let mut whole = Vec::with_capacity(items.len());
                        for item in items.into_iter().filter(|item| !item.is_none()) {
                            match convert(item, to, &self.shared.settings) {
                                Ok(Value::List(one)) => whole.extend(one),
                                Ok(one) => whole.push(one),
                                Err(fault) => self.repair(&fault, LEFT_OUT),
                            }
                        }
                        Ok(Value::list(whole))
                    }
                    value => Ok(convert(value, to, &self.shared.settings)?),
                }
            }
            Node::Otherwise { number, value, recovery } => self.otherwise(*number, value, recovery),
        }
    }

    /// Notes a way that is taken, where somebody wants to know.
    fn goes(&mut self, fork: u32, second: bool) {
        if self.rows.is_some() {
            self.ways.push(Way { fork, second });
        }
    }

    /// A condition: true, false, or none.
    pub(crate) fn truth(&mut self, node: &'r Node) -> Result<Option<bool>, Stop> {
        match self.value(node)? {
            Value::None => Ok(None),
            Value::Boolean(truth) => Ok(Some(truth)),
            other => Err(Fault::plain(format!("a truth value was expected, not {}", other.kind())).into()),
        }
    }

    fn values(&mut self, nodes: &'r [Node]) -> Result<Vec<Value<'r>>, Stop> {
        nodes.iter().map(|node| self.value(node)).collect()
    }

    #[inline]
    fn column(&mut self, column: &'r Column) -> Evaluated<'r> {
        let cell = self.record.cell(column.position);
        let (blanks, settings) = (&self.shared.blanks, &self.shared.settings);
        if !self.spares {
            return Ok(column.read(cell, blanks, settings)?);
        }
        Ok(column.read_each(cell, blanks, settings, &mut |fault| {
            self.repair(&fault, LEFT_OUT);
            Ok(Value::None)
        })?)
    }

    fn through(&mut self, through: &'r Through) -> Evaluated<'r> {
        let key = self.value(&through.key)?;
        let is_list = matches!(key, Value::List(_));
        each(key, &mut |key| {
            let fault = if let Some(fault) = self.ambiguous(&through.target, &key)? {
                fault
            } else {
                let cell = self.lookup.cell(&through.target, &key, &through.column.name)?;
                if let Some(cell) = cell {
                    return Ok(through.column.read_cow(cell, &self.shared.blanks, &self.shared.settings)?);
                }
                Fault::of(key, format!("is no {} of the export", through.target.object)).because(ReasonCode::Q205)
            };
            if !is_list || through.on_missing != OnMissing::Quarantine {
                return self.missing(through.on_missing, fault);
            }
            // One element must not take the others with it; its place stays empty.
            self.repair(&fault, LEFT_OUT);
            Ok(Value::None)
        })
    }

    fn call(&mut self, call: &'r Call) -> Evaluated<'r> {
        let input = self.value(&call.input)?;
        if input.is_none() && !call.function.takes_none() {
            return Ok(Value::None);
        }
        let mut arguments: Arguments<'r> = [Value::None, Value::None, Value::None];
        for (argument, node) in arguments.iter_mut().zip(&call.arguments) {
            *argument = self.value(node)?;
        }
        let settings = &self.shared.settings;
        let mut scope = Scope { settings, prepared: &call.prepared, losses: &mut self.losses };
        let value = match input {
            Value::List(items) if self.spares && !call.function.takes_lists() => {
                let mut fallen = Vec::new();
                let each = items.into_iter().map(|item| {
                    call.function.call(&mut scope, item, arguments.clone()).unwrap_or_else(|fault| {
                        fallen.push(fault);
                        // Its place stays empty.
                        Value::None
                    })
                });
                let each = Value::List(each.collect());
                for fault in &fallen {
                    self.repair(fault, LEFT_OUT);
                }
                each
            }
            input => call.function.call(&mut scope, input, arguments)?,
        };
        for reason in self.losses.drain(..) {
            self.repairs.push(Repair { field: self.field.to_owned(), reason, code: ReasonCode::Q201 });
        }
        Ok(value)
    }

    fn binary(&mut self, operator: Operator, [left, right]: &'r [Node; 2]) -> Evaluated<'r> {
        match operator {
            Operator::And | Operator::Or => {
                // One side that decides makes the other one unimportant; else none stays none.
                let decides = operator == Operator::Or;
                let left = self.truth(left)?;
                if left == Some(decides) {
                    return Ok(Value::Boolean(decides));
                }
                let right = self.truth(right)?;
                let both = left.is_some() && right.is_some();
                Ok(match right {
                    Some(truth) if truth == decides => Value::Boolean(decides),
                    _ if both => Value::Boolean(!decides),
                    _ => Value::None,
                })
            }
            _ => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                Ok(binary(operator, left, right)?)
            }
        }
    }

    fn template(&mut self, parts: &'r [Node]) -> Evaluated<'r> {
        let mut text = String::new();
        // Length up to the last sign that is no blank between holes, and whether an empty hole stands at either end.
        let (mut solid, mut begins_empty, mut ends_empty) = (0, false, false);
        for part in parts {
            if let Node::Constant(Value::Text(written)) = part {
                let is_first = begins_empty && solid == 0;
                text.push_str(if is_first { written.trim_start() } else { written });
                let blanks = written.len() - written.trim_end().len();
                if blanks < written.len() {
                    (solid, ends_empty) = (text.len() - blanks, false);
                }
                continue;
            }
            let before = text.len();
            match self.value(part)? {
                Value::None => {}
                Value::List(items) => {
                    let mut separator = "";
                    for item in items.into_iter().filter(|item| !item.is_none()) {
                        text.push_str(separator);
                        text.push_str(&text_of(item)?);
                        separator = ", ";
                    }
                }
                value => text.push_str(&text_of(value)?),
            }
            if text.len() > before {
                (solid, ends_empty) = (text.len(), false);
            } else if solid == 0 {
                text.clear();
                begins_empty = true;
            } else {
                ends_empty = true;
            }
        }
        if ends_empty {
            text.truncate(solid);
        }
        // Blanks between holes that hold nothing else are nobody's text.
        if text.trim().is_empty() {
            text.clear();
        }
        Ok(Value::text(text))
    }

    fn picklist(&mut self, table: usize, inputs: &'r [Node], output: usize) -> Evaluated<'r> {
        let Some(table) = self.shared.tables.get(table) else { return Ok(Value::None) };
        let mut values = self.values(inputs)?;
        if let [Value::List(_)] = values.as_slice() {
            let Some(Value::List(items)) = values.pop() else { return Ok(Value::None) };
            let items = items.into_iter().filter(|item| !item.is_none());
            let options = items.map(|item| self.row(table, &[key_part(item)?], output, LEFT_OUT));
            let mut options = options.collect::<Result<Vec<_>, Stop>>()?;
            options.sort_by_cached_key(|option| table.place(option));
            return Ok(Value::list(options));
        }
        // Tables of one input are the rule; they need no list of parts.
        match (values.pop(), values.is_empty()) {
            (Some(single), true) => self.row(table, &[key_part(single)?], output, "left empty"),
            (last, _) => {
                let parts = values.into_iter().chain(last).map(key_part).collect::<Result<Vec<_>, _>>()?;
                self.row(table, &parts, output, "left empty")
            }
        }
    }

    /// Looks up the row of a table. `done` says what becomes of a value that a rule leaves out.
    fn row(&mut self, table: &'r Table, key: &[Option<Cow<'_, str>>], output: usize, done: &str) -> Evaluated<'r> {
        if let Some(rows) = &mut self.rows {
            let row = table.row(key);
            // Nothing decides about an empty cell that no row names.
            if row.is_some() || key.iter().any(Option::is_some) {
                let key = key.iter().map(|part| part.as_ref().map(ToString::to_string)).collect();
                rows.push(TableRow { table: table.name().to_owned(), row, key });
            }
        }
        match table.look_up(key, output)? {
            Looked::Value(value) => Ok(value),
            Looked::Skip(reason) => Err(Stop::Skip(reason)),
            Looked::Left(fault) => {
                self.repair(&fault, done);
                Ok(Value::None)
            }
            Looked::Created(value, option) => {
                if !self.created.contains(&option) {
                    self.created.push(option);
                }
                Ok(value)
            }
        }
    }

    fn reference(&mut self, reference: &'r ReferenceNode) -> Evaluated<'r> {
        let key = self.value(&reference.key)?;
        if key.is_none() {
            return Ok(Value::None);
        }
        let targets = match reference.by {
            None => reference.targets.as_slice(),
            Some(by) => std::slice::from_ref(self.chosen(reference, by)?),
        };
        let found = each(key, &mut |key| self.resolve(reference.on_missing, targets, key))?;
        Ok(match found {
            Value::List(mut items) => {
                items.retain(|item| !item.is_none());
                Value::list(items)
            }
            single => single,
        })
    }

    /// The target that the `by` column names.
    fn chosen(&self, reference: &'r ReferenceNode, by: usize) -> Result<&'r Target, Fault> {
        let cell = self.record.cell(by).trim();
        let named = cell.to_lowercase();
        let found = reference.targets.iter().find(|target| target.by_value == named);
        found.ok_or_else(|| {
            let column = self.shared.columns.get(by).map_or("", |column| column.name.as_str());
            Fault::of(cell, format!("in `{column}` does not tell what the reference refers to"))
                .because(ReasonCode::Q206)
        })
    }

    fn resolve(&mut self, on_missing: OnMissing, targets: &'r [Target], key: Cow<'r, str>) -> Evaluated<'r> {
        let mut missing = None;
        for target in targets {
            if let Some(fault) = self.ambiguous(&target.to, &key)? {
                return self.missing(on_missing, fault);
            }
            let same = target.same.as_ref().and_then(|same| same.get(&*key));
            match self.lookup.destination(&target.to, same.map_or(&*key, String::as_str))? {
                Resolved::Found { object, id } => return Ok(Value::Reference(Reference { object, id })),
                Resolved::Missing { why } => {
                    missing = missing.or(Some(format!("is no {} of the destination: {why}", target.to.object)));
                }
            }
        }
        let says = missing.unwrap_or_else(|| "refers to nothing that the plan knows".to_owned());
        self.missing(on_missing, Fault::of(key, says).because(ReasonCode::Q204))
    }

    /// A fault where several records have what a reference names: none of them is meant for sure.
    fn ambiguous(&self, target: &ReferenceTarget, key: &str) -> Result<Option<Fault>, LookupError> {
        // A key of the object itself is one record's alone.
        if target.column.is_none() && !target.ignore_case && !target.ignore_space {
            return Ok(None);
        }
        let candidates = self.lookup.candidates(target, key)?;
        let count = candidates.len();
        if count < 2 {
            return Ok(None);
        }
        let mut places = candidates.into_iter().take(5).collect::<Vec<_>>().join(", ");
        if count > 5 {
            places.push_str(", …");
        }
        let column = target.column.as_deref().unwrap_or("key");
        let says =
            format!("is the {column} of {count} {} records ({places}), and none is meant for sure", target.object);
        Ok(Some(Fault::of(key, says).because(ReasonCode::Q206)))
    }

    /// Outcome of a reference whose record is not there, or not for sure.
    fn missing(&mut self, on_missing: OnMissing, fault: Fault) -> Evaluated<'r> {
        match on_missing {
            OnMissing::Quarantine => Err(fault.into()),
            OnMissing::Skip => Err(Stop::Skip(fault.reason(self.is_masked))),
            OnMissing::None => {
                self.repair(&fault, "left empty");
                Ok(Value::None)
            }
        }
    }

    fn existing(&mut self, object: &'r str, fields: &'r [(String, Node)], on_missing: OnMissing) -> Evaluated<'r> {
        let mut wanted = Vec::with_capacity(fields.len());
        for (name, node) in fields {
            let value = self.value(node)?;
            if value.is_none() {
                return Ok(Value::None);
            }
            wanted.push((name.clone(), text_of(value)?.into_owned()));
        }
        if let Some(id) = self.lookup.existing(object, &wanted)? {
            return Ok(Value::Reference(Reference { object: Cow::Borrowed(object), id }));
        }
        let (names, values): (Vec<&str>, Vec<&str>) =
            wanted.iter().map(|(name, value)| (name.as_str(), value.as_str())).unzip();
        let says = format!("is the {} of no record of {object} in the destination", names.join(", "));
        self.missing(on_missing, Fault::of(values.join(", "), says).because(ReasonCode::Q204))
    }

    fn otherwise(&mut self, number: u32, value: &'r Node, recovery: &'r Recover) -> Evaluated<'r> {
        let before = (self.repairs.len(), self.orphans.len(), self.created.len());
        let is_none = matches!(recovery, Recover::Use(other) if matches!(**other, Node::Constant(Value::None)));
        let spares = std::mem::replace(&mut self.spares, is_none);
        let value = self.value(value);
        self.spares = spares;
        let fault = match value {
            Err(Stop::Fault(fault)) => fault,
            other => {
                self.goes(number, false);
                return other;
            }
        };
        self.goes(number, true);
        // What was noted on the way to a value that is not used did not happen.
        self.repairs.truncate(before.0);
        self.orphans.truncate(before.1);
        self.created.truncate(before.2);
        self.losses.clear();
        match recovery {
            Recover::Quarantine => Err(Stop::Quarantine(fault)),
            Recover::Skip => Err(Stop::Skip(fault.reason(self.is_masked))),
            Recover::Use(other) => {
                let value = self.value(other)?;
                self.repair(&fault, if value.is_none() { "left empty" } else { "the other value of the map taken" });
                Ok(value)
            }
        }
    }

    fn repair(&mut self, fault: &Fault, done: &str) {
        let reason = format!("{}; {done}", fault.reason(self.is_masked));
        self.repairs.push(Repair { field: self.field.to_owned(), reason, code: ReasonCode::Q201 });
    }
}

/// A key, or each key of a list; an absent one gives none.
fn each<'r>(value: Value<'r>, of: &mut dyn FnMut(Cow<'r, str>) -> Evaluated<'r>) -> Evaluated<'r> {
    match value {
        Value::None => Ok(Value::None),
        Value::List(items) => items.into_iter().map(|item| each(item, of)).collect::<Result<_, _>>().map(Value::List),
        Value::Reference(_) | Value::Default => Ok(value),
        Value::Tuple(parts) => {
            let parts: Vec<_> =
                parts.into_iter().map(|part| Ok(crate::text::trim(text_of(part)?))).collect::<Result<_, Fault>>()?;
            if parts.iter().all(|part| part.is_empty()) {
                return Ok(Value::None);
            }
            of(Cow::Owned(parts.join(&KEY_SEPARATOR.to_string())))
        }
        single => {
            let key = crate::text::trim(text_of(single)?);
            if key.is_empty() { Ok(Value::None) } else { of(key) }
        }
    }
}

/// A part of a picklist's key.
fn key_part(value: Value<'_>) -> Result<Option<Cow<'_, str>>, Fault> {
    if value.is_none() { Ok(None) } else { text_of(value).map(Some) }
}

/// A constant, lent.
fn borrowed<'r>(value: &'r Value<'static>) -> Value<'r> {
    match value {
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::Option(option) => Value::Option(Cow::Borrowed(option)),
        other => other.clone(),
    }
}
