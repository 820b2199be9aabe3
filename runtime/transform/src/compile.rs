//! Compiler of the plan's expressions into nodes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use migr_plan::{
    Distinct, Expr, FieldType, NamedExpr, Operator, Plan, Recovery, ReferenceChoice, ReferenceTarget, SourceObject,
};
use rust_decimal::Decimal;

use crate::column::{Blanks, Column};
use crate::dates::Zone;
use crate::functions::{Function, Settings};
use crate::node::{Call, Node, Recover, ReferenceNode, Same, Shared, Target, Through};
use crate::phones::Region;
use crate::picklist::Table;
use crate::{Currency, Value};

/// Turns expressions over one source object into nodes.
pub(crate) struct Compiler<'p> {
    plan: &'p Plan,
    object: &'p SourceObject,
    shared: Shared,
    column_positions: HashMap<&'p str, usize>,
    table_positions: BTreeMap<&'p str, usize>,
    /// True where anything compiled since the last [`Compiler::watch`] reads a sensitive column.
    touches_sensitive: bool,
    /// Expressions with two ways that were compiled since the last [`Compiler::watch`].
    forks: u32,
}

type Compiled<T> = Result<T, String>;

/// Settings that the migration states once.
pub(crate) fn settings(plan: &Plan) -> Compiled<Settings> {
    let read =
        |what: &str, text: &Option<String>| text.as_ref().map(|text| (text.clone(), format!("{what} = \"{text}\"")));
    let mut settings = Settings::default();
    if let Some((name, written)) = read("timezone", &plan.options.timezone) {
        settings.zone =
            Some(Zone::named(&name).ok_or_else(|| format!("{written} is not a zone of the IANA database"))?);
    }
    if let Some((code, written)) = read("country", &plan.options.country) {
        settings.region = Some(Region::of(&code).ok_or_else(|| format!("{written} is not a country of ISO 3166-1"))?);
    }
    if let Some((code, written)) = read("currency", &plan.options.currency) {
        settings.currency =
            Some(Currency::from_code(&code).ok_or_else(|| format!("{written} is not a currency of ISO 4217"))?);
    }
    Ok(settings)
}

/// Spelling → the spelling that stays.
pub(crate) fn same_table(distinct: &Distinct) -> Same {
    let pairs = distinct.same.iter().flat_map(|same| same.variants.iter().map(|variant| (variant, &same.canonical)));
    pairs.map(|(variant, canonical)| (variant.trim().to_owned(), canonical.trim().to_owned())).collect()
}

impl<'p> Compiler<'p> {
    pub(crate) fn new(plan: &'p Plan, object: &'p SourceObject) -> Compiled<Self> {
        let settings = settings(plan)?;
        let columns = object
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                Column::new(at, column, &settings).map_err(|error| format!("column {}: {error}", column.name))
            })
            .collect::<Compiled<_>>()?;
        let shared = Shared { columns, blanks: Blanks::new(&plan.source.blank), settings, tables: Vec::new() };
        let names = object.columns.iter().map(|column| column.name.as_str());
        let column_positions = names.zip(0..).collect();
        let table_positions = BTreeMap::new();
        Ok(Self { plan, object, shared, column_positions, table_positions, touches_sensitive: false, forks: 0 })
    }

    pub(crate) fn into_shared(self) -> Shared {
        self.shared
    }

    /// Compiles, and tells whether a sensitive column may contribute to the value.
    pub(crate) fn watch<T>(&mut self, compile: impl FnOnce(&mut Self) -> Compiled<T>) -> Compiled<(T, bool)> {
        self.touches_sensitive = false;
        self.forks = 0;
        let compiled = compile(self)?;
        Ok((compiled, self.touches_sensitive))
    }

    pub(crate) fn position(&self, name: &str) -> Compiled<usize> {
        let found = self.column_positions.get(name).copied();
        found.ok_or_else(|| format!("{} has no column `{name}`", self.object.name))
    }

    /// Objects that a column refers to; none of another expression.
    pub(crate) fn refers(&self, expr: &Expr) -> Vec<String> {
        let Expr::Column { name } = expr else { return Vec::new() };
        let column = self.column_positions.get(name.as_str()).and_then(|place| self.object.columns.get(*place));
        column.and_then(|column| column.reference.as_ref()).map(|one| one.objects.clone()).unwrap_or_default()
    }

    pub(crate) fn node(&mut self, expr: &'p Expr) -> Compiled<Node> {
        Ok(match expr {
            Expr::None => Node::Constant(Value::None),
            Expr::Default => Node::Constant(Value::Default),
            Expr::Boolean { value } => Node::Constant(Value::Boolean(*value)),
            Expr::Number { value } => Node::Constant(number(value)?),
            Expr::Text { value } => Node::Constant(Value::text(value.clone())),
            Expr::Option { value } => Node::Constant(Value::Option(value.clone().into())),
            Expr::Column { name } => Node::Column(self.column(name)?),
            Expr::DistinctValue => Node::Distinct,
            Expr::Through { key, target, field, on_missing } => {
                let column = self.referred(target, field)?;
                let (key, target) = (self.node(key)?, target.clone());
                Node::Through(Box::new(Through { key, target, column, on_missing: *on_missing }))
            }
            Expr::Call { function, arguments } => self.call(function, arguments)?,
            Expr::Binary { operator: Operator::Coalesce, left, right } => {
                let number = self.fork();
                Node::Coalesce { number, sides: Box::new([self.node(left)?, self.node(right)?]) }
            }
            Expr::Binary { operator, left, right } => {
                Node::Binary(*operator, Box::new([self.node(left)?, self.node(right)?]))
            }
            Expr::Not { value } => Node::Not(Box::new(self.node(value)?)),
            Expr::If { condition, then, otherwise } => {
                let number = self.fork();
                let parts = [self.node(condition)?, self.node(then)?, self.node(otherwise)?];
                Node::If { number, parts: Box::new(parts) }
            }
            Expr::Record { fields } => Node::Record(self.named(fields)?),
            Expr::List { items } => Node::List(self.nodes(items)?),
            Expr::Tuple { items } => Node::Tuple(self.nodes(items)?),
            Expr::Template { parts } => Node::Template(self.nodes(parts)?),
            Expr::Picklist { table, inputs, output } => {
                Node::Picklist { table: self.table(table)?, inputs: self.nodes(inputs)?, output: *output }
            }
            Expr::Reference { key, targets, by, on_missing } => {
                let (by, targets) = self.targets(targets, by.as_ref())?;
                Node::Reference(Box::new(ReferenceNode { key: self.node(key)?, targets, by, on_missing: *on_missing }))
            }
            Expr::Owner { key, target, on_missing } => {
                Node::Owner { key: Box::new(self.node(key)?), target: target.clone(), on_missing: *on_missing }
            }
            Expr::Existing { object, fields, on_missing } => {
                Node::Existing { object: object.clone(), fields: self.named(fields)?, on_missing: *on_missing }
            }
            Expr::Convert { value, to } => self.convert(value, to)?,
            Expr::Otherwise { value, recovery } => Node::Otherwise {
                number: self.fork(),
                value: Box::new(self.node(value)?),
                recovery: match recovery {
                    Recovery::Quarantine => Recover::Quarantine,
                    Recovery::Skip => Recover::Skip,
                    Recovery::Use { value } => Recover::Use(Box::new(self.node(value)?)),
                },
            },
        })
    }

    /// Number of an expression with two ways: those of a field are counted in the order of [`Expr::walk`].
    fn fork(&mut self) -> u32 {
        let number = self.forks;
        self.forks += 1;
        number
    }

    fn nodes(&mut self, exprs: &'p [Expr]) -> Compiled<Vec<Node>> {
        exprs.iter().map(|expr| self.node(expr)).collect()
    }

    fn named(&mut self, fields: &'p [NamedExpr]) -> Compiled<Vec<(String, Node)>> {
        fields.iter().map(|field| Ok((field.name.clone(), self.node(&field.value)?))).collect()
    }

    fn column(&mut self, name: &str) -> Compiled<usize> {
        let position = self.position(name)?;
        self.touches_sensitive |= self.shared.columns.get(position).is_some_and(|column| column.is_sensitive);
        Ok(position)
    }

    /// A conversion. What a cell holds, and becomes a text, stays as it is written: `007`, `1.10` and `Yes` are no `7`, `1.1` and `true`.
    fn convert(&mut self, value: &'p Expr, to: &FieldType) -> Compiled<Node> {
        let mut node = self.node(value)?;
        let is_text = |ty: &FieldType| matches!(ty, FieldType::Text | FieldType::Richtext);
        let becomes_text = match to {
            FieldType::List { of } => is_text(of),
            ty => is_text(ty),
        };
        match &mut node {
            Node::Column(position) if becomes_text => {
                let written = self.shared.columns.get(*position).and_then(Column::as_written);
                if let Some(written) = written {
                    node = Node::Written(Box::new(written));
                }
            }
            Node::Through(through) if becomes_text => {
                if let Some(written) = through.column.as_written() {
                    through.column = written;
                }
            }
            _ => {}
        }
        Ok(Node::Convert { value: Box::new(node), to: to.clone() })
    }

    /// A column of a referred object.
    fn referred(&mut self, target: &ReferenceTarget, field: &str) -> Compiled<Column> {
        let object = self.plan.source_object(&target.object);
        let object = object.ok_or_else(|| format!("the plan has no source object {}", target.object))?;
        let position = object.columns.iter().position(|column| column.name == field);
        let found = position.and_then(|at| Some((at, object.columns.get(at)?)));
        let (position, column) = found.ok_or_else(|| format!("{} has no column `{field}`", object.name))?;
        self.touches_sensitive |= column.sensitive;
        Column::new(position, column, &self.shared.settings)
            .map_err(|error| format!("{}.{field}: {error}", object.name))
    }

    fn call(&mut self, name: &str, arguments: &'p [Expr]) -> Compiled<Node> {
        let function = Function::find(name).ok_or_else(|| format!("there is no function `{name}`"))?;
        let (input, given) = arguments.split_first().ok_or_else(|| format!("{name}: nothing flows in"))?;
        let needed = function.described.required();
        if given.len() < needed || given.len() > function.parameters().len() {
            return Err(format!(
                "{name}: {} arguments, where {needed} to {} are taken",
                given.len(),
                function.parameters().len()
            ));
        }
        let written = |at: usize| match given.get(at) {
            Some(Expr::Text { value } | Expr::Option { value } | Expr::Number { value }) => vec![value.as_str()],
            Some(Expr::List { items }) => {
                let text = |item: &'p Expr| if let Expr::Text { value } = item { Some(value.as_str()) } else { None };
                items.iter().map(text).collect::<Option<Vec<_>>>().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        for (at, parameter) in function.parameters().iter().enumerate() {
            let is_computed = given.get(at).is_some_and(|given| !matches!(given, Expr::None)) && written(at).is_empty();
            if is_computed && parameter.takes.is_written_out() {
                return Err(format!("{name}: `{}` must be written out as a text", parameter.name));
            }
        }
        let mut prepared = function.prepare(written)?;
        // `start | in_zone("Europe/Berlin") | format("%H:%M")`: an instant has no zone of its own, so the zone is handed on here.
        if name == "format"
            && prepared.zone.is_none()
            && let Expr::Call { function, arguments } = input
            && let ("in_zone", [_, Expr::Text { value }]) = (function.as_str(), arguments.as_slice())
        {
            prepared.zone = Zone::named(value);
        }
        let call = Call { function, input: self.node(input)?, arguments: self.nodes(given)?, prepared };
        Ok(Node::Call(Box::new(call)))
    }

    fn table(&mut self, name: &'p str) -> Compiled<usize> {
        if let Some(position) = self.table_positions.get(name) {
            return Ok(*position);
        }
        let picklist = self.plan.picklist(name).ok_or_else(|| format!("the plan has no picklist {name}"))?;
        let position = self.shared.tables.len();
        self.shared.tables.push(Table::new(picklist));
        self.table_positions.insert(name, position);
        Ok(position)
    }

    fn targets(
        &mut self,
        targets: &[ReferenceTarget],
        by: Option<&ReferenceChoice>,
    ) -> Compiled<(Option<usize>, Vec<Target>)> {
        let position = by.map(|by| self.column(&by.column)).transpose()?;
        let with_values = targets.iter().enumerate().map(|(at, target)| {
            let value = by.and_then(|by| by.values.get(at)).map(|value| value.trim().to_lowercase());
            Target { to: target.clone(), by_value: value.unwrap_or_default(), same: self.same(target) }
        });
        Ok((position, with_values.collect()))
    }

    fn same(&self, target: &ReferenceTarget) -> Option<Arc<Same>> {
        let distinct = target.stages.iter().find_map(|stage| self.plan.stage(stage)?.distinct.as_ref())?;
        Some(Arc::new(same_table(distinct))).filter(|same| !same.is_empty())
    }
}

fn number(text: &str) -> Compiled<Value<'static>> {
    if let Ok(whole) = text.parse() {
        return Ok(Value::Integer(whole));
    }
    Decimal::from_str_exact(text).map(Value::Decimal).map_err(|_| format!("`{text}` is not a number"))
}
