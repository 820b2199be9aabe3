//! Functions of the language as they run. Inputs, results and meaning stand in `migr_plan::functions`, with examples
//! that run as tests here.

mod apply;
mod countries;
#[cfg(test)]
mod examples;
mod table;

use std::borrow::Cow;

use jiff::civil::Time;
use migr_plan::functions::Parameter;
use regex::Regex;

use crate::date_formats::DateFormats;
use crate::dates::Zone;
use crate::failure::Fault;
use crate::number_format::NumberFormat;
use crate::phones::Region;
use crate::{Currency, Value};

use table::TABLE;

/// A function of the language, as the plan's crate documents it, with what it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub(crate) described: &'static migr_plan::functions::Function,
    apply: Apply,
}

/// Settings that a migration states once for all its functions.
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
    pub(crate) format: Option<DateFormats>,
    pub(crate) numbers: Vec<NumberFormat>,
    pub(crate) format_text: String,
    pub(crate) time: Option<Time>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) region: Option<Region>,
    pub(crate) currency: Option<Currency>,
}

/// Surroundings that a function may use besides its arguments.
#[derive(Debug)]
pub(crate) struct Scope<'s> {
    pub(crate) settings: &'s Settings,
    pub(crate) prepared: &'s Prepared,
    /// Losses for the report.
    pub(crate) losses: &'s mut Vec<String>,
}

impl<'s> Scope<'s> {
    /// The zone that is written out, else the migration's.
    pub(crate) fn zone(&self) -> Option<&'s Zone> {
        self.prepared.zone.as_ref().or(self.settings.zone.as_ref())
    }
}

/// At most three arguments; absent ones are none.
pub(crate) type Arguments<'r> = [Value<'r>; 3];
pub(crate) type Apply = for<'r> fn(&mut Scope<'_>, Value<'r>, Arguments<'r>) -> Result<Value<'r>, Fault>;

impl Function {
    /// The function of a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let at = TABLE.binary_search_by_key(&name, |(name, _)| name).ok()?;
        let (_, apply) = TABLE.get(at)?;
        Some(Self { described: migr_plan::functions::Function::find(name)?, apply: *apply })
    }

    /// True where the function is called even without a value: a missing value has a length.
    pub(crate) fn takes_none(&self) -> bool {
        self.described.input == Parameter::ListOrText
    }

    /// True where a list is one value to the function; else it is gone through element by element.
    pub(crate) fn takes_lists(&self) -> bool {
        self.described.input.is_list()
    }

    pub(crate) fn parameters(&self) -> &'static [migr_plan::functions::Further] {
        self.described.parameters
    }

    /// Calls the function: none gives none, a list is gone through element by element, unless the function says otherwise.
    pub(crate) fn call<'r>(
        &self,
        scope: &mut Scope<'_>,
        input: Value<'r>,
        arguments: Arguments<'r>,
    ) -> Result<Value<'r>, Fault> {
        match input {
            Value::None if !self.takes_none() => Ok(Value::None),
            Value::List(items) if !self.described.input.is_list() => {
                let each = items.into_iter().map(|item| self.call(scope, item, arguments.clone()));
                each.collect::<Result<_, _>>().map(Value::List)
            }
            input => (self.apply)(scope, input, arguments),
        }
    }

    /// Reads the arguments that are written out. `written` gives the texts of an argument that is a constant.
    pub(crate) fn prepare<'t>(&self, written: impl Fn(usize) -> Vec<&'t str>) -> Result<Prepared, String> {
        let mut prepared = Prepared::default();
        let pivot = self.parameters().iter().position(|parameter| parameter.name == "pivot");
        let pivot = pivot.and_then(|at| written(at).first()?.parse().ok());
        for (at, parameter) in self.parameters().iter().enumerate() {
            let texts = written(at);
            let Some(text) = texts.first().copied() else { continue };
            let wrong = |what: &str| format!("{}: \"{text}\" is not {what}", self.described.name);
            match parameter.takes {
                Parameter::Format => {
                    prepared.format = DateFormats::of(texts.iter().copied(), pivot);
                    text.clone_into(&mut prepared.format_text);
                }
                Parameter::NumberFormat => {
                    let formats = texts.iter().map(|sample| NumberFormat::of(sample));
                    prepared.numbers =
                        formats.collect::<Option<_>>().ok_or_else(|| wrong("1234567.89 as the export writes it"))?;
                }
                Parameter::Time => {
                    let time = crate::dates::time_of_day(text).ok_or_else(|| wrong("a time of day (hh:mm)"))?;
                    prepared.time = Some(time);
                }
                Parameter::Zone => {
                    prepared.zone = Some(Zone::named(text).ok_or_else(|| wrong("a time zone of the IANA database"))?);
                }
                Parameter::Pattern => {
                    let text = apply::line_ends(Cow::Borrowed(text));
                    // A part may stand anywhere; a whole text begins and ends with what is asked for.
                    let is_part = self.described.name == "capture";
                    let pattern = Regex::new(&if is_part { text.into_owned() } else { format!("^(?:{text})$") });
                    prepared.pattern = Some(pattern.map_err(|error| format!("{}: {error}", self.described.name))?);
                }
                Parameter::Country => {
                    prepared.region = Some(Region::of(text).ok_or_else(|| wrong("a country of ISO 3166-1"))?);
                }
                Parameter::CurrencyCode => {
                    prepared.currency = Some(Currency::from_code(text).ok_or_else(|| wrong("a currency of ISO 4217"))?);
                }
                _ => {}
            }
        }
        Ok(prepared)
    }
}
