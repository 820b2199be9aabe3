//! Value tables: from source values to options.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use migr_plan::{Picklist, PicklistOtherwise, ReasonCode};

use crate::failure::{Fault, quoted};
use crate::text::comparable;
use crate::{CreatedOption, Value, matching};

/// Signs between the values of a list that one cell holds, with their names in a spec.
const SEPARATORS: [(char, &str); 6] = [(';', ";"), (',', ","), ('|', "|"), ('/', "/"), ('\n', "\\n"), ('\t', "\\t")];

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
    /// Keys of rows of one input, as they are written.
    written: Vec<Box<str>>,
    /// The same by a form that knows neither case nor blanks, once one was asked for.
    folded: OnceLock<HashMap<String, usize>>,
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
            written: Vec::new(),
            folded: OnceLock::new(),
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
                        table.written.push(text.as_str().into());
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
        let hint = || inputs.first().filter(|_| inputs.len() == 1).and_then(|text| self.hint(text.as_deref()?));
        let unknown = || {
            let fault = Fault::of(shown(), format!("is in no row of {}", self.name));
            fault.hinting(hint()).because(ReasonCode::Q202)
        };
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

    /// The row that is meant, where a value differs from it in case or blanks alone, and the way in which a value is a list of such.
    fn hint(&self, text: &str) -> Option<String> {
        if let Some(known) = self.near(text) {
            let ignored = match (self.ignore_case, self.ignore_space) {
                _ if comparable(text, true, true) != comparable(known, true, true) => None,
                (false, _) if comparable(text, true, false) == comparable(known, true, false) => Some("case"),
                (_, false) if comparable(text, false, true) == comparable(known, false, true) => Some("space"),
                _ => Some("case, space"),
            };
            let rule =
                ignored.map_or_else(String::new, |rule| format!(", or `ignore {rule}` before the picklist's rows"));
            return Some(format!(
                "{} is in one, which differs in case or blanks alone: write it so{rule}",
                quoted(known)
            ));
        }
        SEPARATORS.iter().find_map(|(separator, name)| {
            let mut parts = text.split(*separator).map(str::trim).filter(|part| !part.is_empty());
            let is_list = text.contains(*separator) && parts.all(|part| self.near(part).is_some());
            is_list.then(|| format!("what stands between each \"{name}\" is in one: read a list, `split(\"{name}\")`"))
        })
    }

    /// The key of a row as it is written that differs from a text in case or blanks alone, if at all.
    fn near(&self, text: &str) -> Option<&str> {
        let folded = self.folded.get_or_init(|| {
            let keys = self.written.iter().enumerate().rev();
            keys.map(|(at, text)| (without_case_and_blanks(text), at)).collect()
        });
        folded.get(&without_case_and_blanks(text)).and_then(|at| self.written.get(*at)).map(|text| &**text)
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

fn without_case_and_blanks(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

fn option(value: &str) -> Value<'_> {
    Value::Option(Cow::Borrowed(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_differs_from_a_row_in_case_or_blanks_alone_is_told_with_it() {
        let row = |text: &str| json!({"keys": [[text]], "values": ["X"], "origin": {"file": "main.migr", "line": 1, "column": 1}});
        let table = json!({
            "name": "Status", "object": "people", "fields": ["status"], "ignore_case": false, "ignore_space": false,
            "rows": [row("In progress"), row("Lost")], "otherwise": {"do": "quarantine"}, "origin": {"file": "main.migr", "line": 1, "column": 1},
        });
        let table = Table::new(&serde_json::from_value(table).unwrap());
        for (text, expected) in [
            (
                "in progress",
                "\"In progress\" is in one, which differs in case or blanks alone: write it so, or `ignore case` before the picklist's rows",
            ),
            (
                "In  progress",
                "\"In progress\" is in one, which differs in case or blanks alone: write it so, or `ignore space` before the picklist's rows",
            ),
            (
                "IN  PROGRESS",
                "\"In progress\" is in one, which differs in case or blanks alone: write it so, or `ignore case, space` before the picklist's rows",
            ),
            ("Inprogress", "\"In progress\" is in one, which differs in case or blanks alone: write it so"),
            ("Lost; in progress", "what stands between each \";\" is in one: read a list, `split(\";\")`"),
            ("Lost\nLost", "what stands between each \"\\n\" is in one: read a list, `split(\"\\n\")`"),
            ("Lost; Won", ""),
            ("Won", ""),
        ] {
            let Err(fault) = table.look_up(&[Some(Cow::Borrowed(text))], 0) else { panic!("{text} is no row") };
            let hint = if expected.is_empty() { String::new() } else { format!("; {expected}") };
            assert_eq!(fault.reason(false), format!("{} is in no row of Status{hint}", quoted(text)));
            assert_eq!(fault.reason(true), "the value (masked) is in no row of Status");
        }
    }
}
