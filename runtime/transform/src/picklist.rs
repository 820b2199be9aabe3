//! Value tables: from source values to options.

use std::borrow::Cow;
use std::collections::HashMap;

use migr_plan::{Picklist, PicklistOtherwise, ReasonCode};

use crate::failure::Fault;
use crate::text::comparable;
use crate::{CreatedOption, Value, matching};

/// A value table with its keys hashed.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    ignore_case: bool,
    ignore_space: bool,
    /// The usual table, of one input.
    single: HashMap<Box<str>, usize>,
    single_none: Option<usize>,
    /// Tables of several inputs; an absent part is a key of its own.
    several: HashMap<Vec<Option<Box<str>>>, usize>,
    rows: Vec<Vec<Option<String>>>,
    otherwise: PicklistOtherwise,
    /// Options of values that would fall together with another one.
    made: HashMap<Box<str>, String>,
}

/// Answer of a table for a value.
#[derive(Debug)]
pub(crate) enum Looked<'r> {
    Value(Value<'r>),
    /// The option is made of the value.
    Created(Value<'r>, CreatedOption),
    /// A written rule leaves the value out.
    Left(Fault),
    Skip(String),
}

impl Table {
    pub(crate) fn new(picklist: &Picklist) -> Self {
        let mut table = Self {
            name: picklist.name.clone(),
            ignore_case: picklist.ignore_case,
            ignore_space: picklist.ignore_space,
            single: HashMap::new(),
            single_none: None,
            several: HashMap::new(),
            rows: picklist.rows.iter().map(|row| row.values.clone()).collect(),
            otherwise: picklist.otherwise.clone(),
            made: HashMap::new(),
        };
        for made in &picklist.made {
            let key = table.key(&made.label).into_owned().into_boxed_str();
            table.made.insert(key, made.value.clone());
        }
        for (at, row) in picklist.rows.iter().enumerate() {
            for key in &row.keys {
                match key.as_slice() {
                    [None] => table.single_none = table.single_none.or(Some(at)),
                    [Some(text)] => {
                        let key = table.key(text).into_owned().into_boxed_str();
                        table.single.entry(key).or_insert(at);
                    }
                    parts => {
                        let part = |text: &String| table.key(text).into_owned().into_boxed_str();
                        let key = parts.iter().map(|text| text.as_ref().map(part)).collect();
                        table.several.entry(key).or_insert(at);
                    }
                }
            }
        }
        table
    }

    /// The table's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The row that decides about one or several inputs, by its place.
    pub(crate) fn row(&self, inputs: &[Option<Cow<'_, str>>]) -> Option<usize> {
        match inputs {
            [None] => self.single_none,
            [Some(text)] => self.single.get(&*self.key(text)).copied(),
            parts => {
                let part = |text: &Cow<'_, str>| self.key(text).into_owned().into_boxed_str();
                let key: Vec<_> = parts.iter().map(|text| text.as_ref().map(part)).collect();
                self.several.get(&key).copied()
            }
        }
    }

    /// The value for one or several inputs; an input that is not there is absent.
    pub(crate) fn look_up<'r>(&'r self, inputs: &[Option<Cow<'_, str>>], output: usize) -> Result<Looked<'r>, Fault> {
        let row = self.row(inputs);
        if let Some(values) = row.and_then(|row| self.rows.get(row)) {
            let value = values.get(output).and_then(Option::as_deref);
            return Ok(Looked::Value(value.map_or(Value::None, option)));
        }
        if inputs.iter().all(Option::is_none) {
            return Ok(Looked::Value(Value::None));
        }
        let shown = || inputs.iter().map(|part| part.as_deref().unwrap_or("none")).collect::<Vec<_>>().join(", ");
        let unknown = || Fault::of(shown(), format!("is in no row of {}", self.name)).because(ReasonCode::Q202);
        match &self.otherwise {
            PicklistOtherwise::Quarantine => Err(unknown()),
            PicklistOtherwise::Skip => Ok(Looked::Skip(format!("no row of {}", self.name))),
            PicklistOtherwise::None => Ok(Looked::Left(unknown())),
            PicklistOtherwise::Use { value } => Ok(Looked::Value(option(value))),
            PicklistOtherwise::UseAll { values } => {
                let value = values.get(output).and_then(Option::as_deref);
                Ok(Looked::Value(value.map_or(Value::None, option)))
            }
            PicklistOtherwise::Create => {
                let label = crate::text::collapse(Cow::Owned(shown())).into_owned();
                let made = self.made.get(&*self.key(&label)).cloned();
                let value = made.unwrap_or_else(|| matching::option_value(&label));
                let created = CreatedOption { picklist: self.name.clone(), value: value.clone(), label };
                Ok(Looked::Created(Value::Option(Cow::Owned(value)), created))
            }
        }
    }

    /// Place of an option among those of the rows; those that are made of values come behind them.
    pub(crate) fn place(&self, option: &Value<'_>) -> usize {
        let Value::Option(name) = option else { return usize::MAX };
        let is_it = |values: &Vec<Option<String>>| values.iter().flatten().any(|value| *value == **name);
        self.rows.iter().position(is_it).unwrap_or(usize::MAX)
    }

    fn key<'t>(&self, text: &'t str) -> Cow<'t, str> {
        comparable(text, self.ignore_case, self.ignore_space)
    }
}

fn option(value: &str) -> Value<'_> {
    Value::Option(Cow::Borrowed(value))
}
