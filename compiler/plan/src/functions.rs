//! Every function of the language, documented in one place: what it takes and gives, what it means, when it fails, and examples that run as tests. The
//! checker types expressions by this table; the runtime implements it, and holds every example against what it does.

mod table;

pub use table::FUNCTIONS;

use crate::PlainType;

/// Type that a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A text, or what is one as it stands (an address, a reference's key).
    Text,
    /// A text or rich text.
    AnyText,
    /// A whole number.
    Integer,
    /// Any number, or a text that is read as one.
    NumberOrText,
    /// A calendar date.
    Date,
    /// A date or an instant.
    DateOrDatetime,
    /// An instant.
    Datetime,
    /// A text, or an instant.
    TextOrDatetime,
    /// An amount with its currency.
    Currency,
    /// A boolean, or a text that is read as one.
    BooleanOrText,
    /// A list of anything.
    List,
    /// A list of lists, or of values and lists.
    Lists,
    /// A list or a text.
    ListOrText,
    /// A list of texts.
    Texts,
    /// A name that is written out.
    Literal,
    /// A strftime format that is written out, or a list of them.
    Format,
    /// The writing of 1234567.89, or a list of such.
    NumberFormat,
    /// A time of day that is written out.
    Time,
    /// An IANA zone that is written out.
    Zone,
    /// A regular expression that is written out.
    Pattern,
    /// A country by its code of two letters.
    Country,
    /// A currency by its code of three letters.
    CurrencyCode,
}

/// Type that a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A value of this type.
    Plain(PlainType),
    /// A list of texts.
    Texts,
    /// An element of the list.
    Element,
    /// The same list, or a part of it.
    SameList,
    /// The list of the inner lists' elements.
    Flat,
}

/// A parameter that stands in the brackets; what flows in through `|` comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Further {
    /// Name of the parameter.
    pub name: &'static str,
    /// Type that the parameter takes.
    pub takes: Parameter,
    /// True where the parameter may be left out.
    pub is_optional: bool,
}

/// One example of a function, in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Input through `|`; a date is `{"date": "2024-03-01"}`, an instant `{"datetime": "2024-03-01T09:30:00Z"}`, an amount `{"money": "5 USD"}`.
    pub input: &'static str,
    /// Arguments in the brackets.
    pub arguments: &'static [&'static str],
    /// Result, or the reason of the failure.
    pub result: Result<&'static str, &'static str>,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Name of the function.
    pub name: &'static str,
    /// Type of the input through `|`.
    pub input: Parameter,
    /// Parameters in the brackets; those that may be left out come last.
    pub parameters: &'static [Further],
    /// Type of the result.
    pub output: Output,
    /// Meaning, in a sentence.
    pub meaning: &'static str,
    /// When it fails for a value of the right type; empty where it never does.
    pub failure: &'static str,
    /// Examples; each runs as a test.
    pub examples: &'static [Example],
    /// True where the function can lose something of the value.
    pub is_lossy: bool,
    /// Only in the settings of a source or destination.
    pub only_in_settings: bool,
}

impl Function {
    /// The function of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        let at = FUNCTIONS.binary_search_by_key(&name, |function| function.name).ok()?;
        FUNCTIONS.get(at)
    }

    /// True where the function can fail for a value of the right type.
    pub fn can_fail(&self) -> bool {
        !self.failure.is_empty()
    }

    /// Number of parameters in the brackets that must be given.
    pub fn required(&self) -> usize {
        self.parameters.iter().filter(|parameter| !parameter.is_optional).count()
    }

    /// As shown to people: `truncate(text, length: integer)`.
    pub fn signature(&self) -> String {
        let mut text = format!("{}({}", self.name, self.input.describe());
        for parameter in self.parameters {
            let optional = if parameter.is_optional { "?" } else { "" };
            text.extend([", ", parameter.name, optional, ": ", parameter.takes.describe()]);
        }
        text.push(')');
        text
    }
}

impl Parameter {
    /// In words, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text
            | Self::Literal
            | Self::Format
            | Self::NumberFormat
            | Self::Time
            | Self::Zone
            | Self::Pattern
            | Self::Country
            | Self::CurrencyCode => "text",
            Self::AnyText => "text or richtext",
            Self::Integer => "integer",
            Self::NumberOrText => "number or text",
            Self::Date => "date",
            Self::DateOrDatetime => "date or datetime",
            Self::Datetime => "datetime",
            Self::TextOrDatetime => "text or datetime",
            Self::Currency => "currency",
            Self::BooleanOrText => "boolean or text",
            Self::List => "list",
            Self::Lists => "list of lists",
            Self::ListOrText => "list or text",
            Self::Texts => "list(text)",
        }
    }

    /// True where the parameter takes a list as one value; else the function is applied to each element of a list.
    pub fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Lists | Self::ListOrText | Self::Texts)
    }

    /// True where the parameter is a text that is written out, not computed.
    pub fn is_written_out(self) -> bool {
        matches!(self, Self::Literal | Self::Format | Self::NumberFormat | Self::Time | Self::Zone | Self::Pattern)
    }
}

impl Output {
    /// As the language writes it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Plain(plain) => plain.name(),
            Self::Texts => "list(text)",
            Self::Element => "an element",
            Self::SameList | Self::Flat => "list",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_function_once() {
        assert!(FUNCTIONS.is_sorted_by(|one, next| one.name < next.name));
    }

    #[test]
    fn a_signature_reads_as_it_is_called() {
        assert_eq!(Function::find("at").unwrap().signature(), "at(date, time: text, zone?: text)");
        assert_eq!(Function::find("shout"), None);
    }

    #[test]
    fn every_function_says_what_it_means_and_shows_it_and_one_that_can_fail_shows_that() {
        for function in FUNCTIONS.iter().filter(|function| !function.only_in_settings) {
            assert!(!function.meaning.is_empty() && !function.examples.is_empty(), "{}", function.name);
            let fails = function.examples.iter().any(|example| example.result.is_err());
            assert_eq!(fails, function.can_fail(), "{}: what can fail shows how, and nothing else does", function.name);
        }
    }

    #[test]
    fn what_may_be_left_out_comes_last() {
        for function in FUNCTIONS {
            assert!(function.parameters.is_sorted_by_key(|parameter| parameter.is_optional), "{}", function.name);
        }
    }
}
