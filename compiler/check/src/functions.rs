//! Every function of the language: its parameters, its result, and whether it can fail. The runtime implements them by these names.

/// What a parameter takes.
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
    /// A text that is written out, not computed.
    Literal,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the language's type names")]
pub enum Output {
    Text,
    Richtext,
    Integer,
    Number,
    Decimal,
    Boolean,
    Date,
    Datetime,
    Email,
    Phone,
    Url,
    Currency,
    Json,
    /// A list of texts.
    Texts,
    /// An element of the list.
    Element,
    /// The same list, or a part of it.
    SameList,
    /// The list of the inner lists' elements.
    Flat,
}

/// A function's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What flows in.
    pub input: Parameter,
    /// Further parameters, with their names.
    pub parameters: &'static [(&'static str, Parameter)],
    /// How many of the further ones must be given.
    pub required: usize,
    /// What comes out.
    pub output: Output,
    /// Whether it can fail for a value of the right type.
    pub can_fail: bool,
    /// Whether it can lose something of the value.
    pub is_lossy: bool,
    /// Only in the settings of a source or destination.
    pub only_in_settings: bool,
}

const fn function(name: &'static str, input: Parameter, output: Output) -> Function {
    Function {
        name,
        input,
        parameters: &[],
        required: 0,
        output,
        can_fail: false,
        is_lossy: false,
        only_in_settings: false,
    }
}

impl Function {
    const fn with(mut self, parameters: &'static [(&'static str, Parameter)], required: usize) -> Self {
        self.parameters = parameters;
        self.required = required;
        self
    }

    const fn fallible(mut self) -> Self {
        self.can_fail = true;
        self
    }

    const fn lossy(mut self) -> Self {
        self.is_lossy = true;
        self
    }

    const fn in_settings(mut self) -> Self {
        self.only_in_settings = true;
        self
    }

    /// The function of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// As shown to people: `truncate(text, length: integer) -> text`.
    pub fn signature(&self) -> String {
        let mut text = format!("{}({}", self.name, self.input.describe());
        for (at, (name, parameter)) in self.parameters.iter().enumerate() {
            let optional = if at < self.required { "" } else { "?" };
            text.extend([", ", name, optional, ": ", parameter.describe()]);
        }
        text.push(')');
        text
    }
}

impl Parameter {
    /// In words, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text | Self::Literal => "text",
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
}

use Parameter as P;

/// The table, by name.
pub const FUNCTIONS: &[Function] = &[
    function("amount", P::Currency, Output::Decimal),
    function("at", P::Date, Output::Datetime).with(&[("time", P::Literal), ("zone", P::Literal)], 1).fallible(),
    function("boolean", P::BooleanOrText, Output::Boolean).fallible(),
    function("collapse", P::Text, Output::Text),
    function("country_code", P::Text, Output::Text).fallible(),
    function("date", P::TextOrDatetime, Output::Date).with(&[("format", P::Literal)], 0).fallible(),
    function("datetime", P::Text, Output::Datetime).with(&[("format", P::Literal), ("zone", P::Literal)], 0).fallible(),
    function("decimal", P::NumberOrText, Output::Decimal).fallible(),
    function("digits", P::Text, Output::Text),
    function("domain", P::Text, Output::Url).fallible(),
    function("email", P::Text, Output::Email).fallible(),
    function("env", P::Literal, Output::Text).in_settings(),
    function("extension", P::Text, Output::Text),
    function("first", P::List, Output::Element),
    function("flatten", P::Lists, Output::Flat),
    function("format", P::DateOrDatetime, Output::Text).with(&[("format", P::Literal), ("zone", P::Literal)], 1),
    function("in_zone", P::Datetime, Output::Datetime).with(&[("zone", P::Literal)], 1),
    function("integer", P::NumberOrText, Output::Integer).fallible(),
    function("join", P::Texts, Output::Text).with(&[("separator", P::Text)], 1),
    function("json", P::Text, Output::Json).fallible(),
    function("length", P::ListOrText, Output::Integer),
    function("lower", P::Text, Output::Text),
    function("markdown", P::AnyText, Output::Richtext).lossy(),
    function("mask", P::Text, Output::Text).lossy(),
    function("matches", P::Text, Output::Boolean).with(&[("pattern", P::Literal)], 1),
    function("money", P::NumberOrText, Output::Currency).with(&[("currency", P::Text)], 0).fallible(),
    function("nth", P::List, Output::Element).with(&[("index", P::Integer)], 1),
    function("number", P::NumberOrText, Output::Number).fallible(),
    function("phone", P::Text, Output::Phone).with(&[("country", P::Text)], 0).fallible(),
    function("plain", P::AnyText, Output::Text).lossy(),
    function("replace", P::Text, Output::Text).with(&[("from", P::Text), ("to", P::Text)], 2),
    function("rest", P::List, Output::SameList),
    function("secret", P::Literal, Output::Text).in_settings(),
    function("split", P::Text, Output::Texts).with(&[("separator", P::Text)], 1),
    function("title", P::Text, Output::Text),
    function("trim", P::Text, Output::Text),
    function("truncate", P::Text, Output::Text).with(&[("length", P::Integer)], 1).lossy(),
    function("unique", P::List, Output::SameList),
    function("upper", P::Text, Output::Text),
    function("url", P::Text, Output::Url).fallible(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_function_once() {
        let names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn a_signature_reads_as_it_is_called() {
        assert_eq!(Function::find("at").unwrap().signature(), "at(date, time: text, zone?: text)");
        assert_eq!(Function::find("shout"), None);
    }
}
