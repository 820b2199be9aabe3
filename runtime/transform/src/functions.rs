//! The functions of the language: one table, each with its meaning and examples that run as tests.

mod apply;
mod countries;
#[cfg(test)]
mod examples;
mod table;

use jiff::civil::Time;
use regex::Regex;

use crate::dates::{Format, Zone};
use crate::failure::Fault;
use crate::phones::Region;
use crate::{Currency, Value};

pub use table::FUNCTIONS;

/// A function of the language.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What stands in the brackets; what flows in through `|` comes before.
    pub parameters: &'static [Parameter],
    /// What it does, in a sentence.
    pub meaning: &'static str,
    /// When it fails; empty where it never does.
    pub failure: &'static str,
    /// Examples; each runs as a test.
    pub examples: &'static [Example],
    /// Whether it takes a list as one value; else it is applied to each element.
    pub(crate) takes_list: bool,
    /// Whether it is asked even where there is no value; else none gives none.
    pub(crate) takes_none: bool,
    pub(crate) apply: Apply,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Whether it may be left out.
    pub is_optional: bool,
    pub(crate) kind: ParameterKind,
}

/// What a parameter is; what is written out is read once, when the plan is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    Text,
    Integer,
    /// A text that is written out.
    Format,
    /// A time of day that is written out.
    Time,
    /// An IANA zone that is written out.
    Zone,
    /// A regular expression that is written out.
    Pattern,
    Country,
    Currency,
}

/// One example of a function, in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// What flows in; a date is `{"date": "2024-03-01"}`, an instant `{"datetime": "2024-03-01T09:30:00Z"}`, an amount `{"money": "5 USD"}`.
    pub input: &'static str,
    /// What stands in the brackets.
    pub arguments: &'static [&'static str],
    /// What comes out, or the reason of the failure.
    pub result: Result<&'static str, &'static str>,
}

/// What a migration says once for all its functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) region: Option<Region>,
    pub(crate) currency: Option<Currency>,
    pub(crate) zone: Option<Zone>,
}

/// Arguments that are written out, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) zone: Option<Zone>,
    pub(crate) format: Option<Format>,
    pub(crate) format_text: String,
    pub(crate) time: Option<Time>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) region: Option<Region>,
    pub(crate) currency: Option<Currency>,
}

/// What a function may see besides its arguments.
#[derive(Debug)]
pub(crate) struct Scope<'s> {
    pub(crate) settings: &'s Settings,
    pub(crate) prepared: &'s Prepared,
    /// What was lost, for the report.
    pub(crate) losses: &'s mut Vec<String>,
}

impl<'s> Scope<'s> {
    /// The zone that is written out, else the migration's.
    pub(crate) fn zone(&self) -> Option<&'s Zone> {
        self.prepared.zone.as_ref().or(self.settings.zone.as_ref())
    }
}

/// At most two arguments; absent ones are none.
pub(crate) type Arguments<'r> = [Value<'r>; 2];
pub(crate) type Apply = for<'r> fn(&mut Scope<'_>, Value<'r>, Arguments<'r>) -> Result<Value<'r>, Fault>;

impl Function {
    /// The function of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        let at = FUNCTIONS.binary_search_by_key(&name, |function| function.name).ok()?;
        FUNCTIONS.get(at)
    }

    /// Calls the function: none gives none, a list is gone through element by element, unless the function says otherwise.
    pub(crate) fn call<'r>(
        &self,
        scope: &mut Scope<'_>,
        input: Value<'r>,
        arguments: Arguments<'r>,
    ) -> Result<Value<'r>, Fault> {
        match input {
            Value::None if !self.takes_none => Ok(Value::None),
            Value::List(items) if !self.takes_list => {
                let each = items.into_iter().map(|item| self.call(scope, item, arguments.clone()));
                each.collect::<Result<_, _>>().map(Value::List)
            }
            input => (self.apply)(scope, input, arguments),
        }
    }

    /// Reads the arguments that are written out. `written` gives an argument's text where it is a constant.
    pub(crate) fn prepare<'t>(&self, written: impl Fn(usize) -> Option<&'t str>) -> Result<Prepared, String> {
        let mut prepared = Prepared::default();
        for (at, parameter) in self.parameters.iter().enumerate() {
            let Some(text) = written(at) else { continue };
            let wrong = |what: &str| format!("{}: \"{text}\" is not {what}", self.name);
            match parameter.kind {
                ParameterKind::Text | ParameterKind::Integer => {}
                ParameterKind::Format => {
                    prepared.format = Some(Format::new(text));
                    text.clone_into(&mut prepared.format_text);
                }
                ParameterKind::Time => {
                    let time = crate::dates::time_of_day(text).ok_or_else(|| wrong("a time of day (hh:mm)"))?;
                    prepared.time = Some(time);
                }
                ParameterKind::Zone => {
                    prepared.zone = Some(Zone::named(text).ok_or_else(|| wrong("a time zone of the IANA database"))?);
                }
                ParameterKind::Pattern => {
                    let pattern = Regex::new(&format!("^(?:{text})$"));
                    prepared.pattern = Some(pattern.map_err(|error| format!("{}: {error}", self.name))?);
                }
                ParameterKind::Country => {
                    prepared.region = Some(Region::of(text).ok_or_else(|| wrong("a country of ISO 3166-1"))?);
                }
                ParameterKind::Currency => {
                    prepared.currency = Some(Currency::from_code(text).ok_or_else(|| wrong("a currency of ISO 4217"))?);
                }
            }
        }
        Ok(prepared)
    }
}

impl ParameterKind {
    /// Whether the argument must be written out.
    pub(crate) fn is_written_out(self) -> bool {
        matches!(self, Self::Format | Self::Time | Self::Zone | Self::Pattern)
    }
}
