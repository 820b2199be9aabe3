//! Table of the language's functions.

use super::{Example, Function, Further, Output, Parameter as P};
use crate::PlainType as T;

const fn function(
    name: &'static str,
    input: P,
    output: Output,
    meaning: &'static str,
    examples: &'static [Example],
) -> Function {
    Function {
        name,
        input,
        parameters: &[],
        output,
        meaning,
        failure: "",
        examples,
        is_lossy: false,
        only_in_settings: false,
    }
}

impl Function {
    const fn with(mut self, parameters: &'static [Further]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn fails(mut self, when: &'static str) -> Self {
        self.failure = when;
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
}

const fn needs(name: &'static str, takes: P) -> Further {
    Further { name, takes, is_optional: false }
}

const fn may(name: &'static str, takes: P) -> Further {
    Further { name, takes, is_optional: true }
}

const fn gives(input: &'static str, arguments: &'static [&'static str], output: &'static str) -> Example {
    Example { input, arguments, result: Ok(output) }
}

const fn refuses(input: &'static str, arguments: &'static [&'static str], reason: &'static str) -> Example {
    Example { input, arguments, result: Err(reason) }
}

/// Every function, by name. Examples run with country US, currency USD and time zone America/New_York.
pub const FUNCTIONS: &[Function] = &[
    function("amount", P::Currency, Output::Plain(T::Decimal), "The number of an amount of money, without its currency.", &[
        gives(r#"{"money": "1,234.50 USD"}"#, &[], "1234.5"),
    ]),
    function("at", P::Date, Output::Plain(T::Datetime), "The instant at which a calendar date has a time of day in a zone (the migration's where none is named).", &[
        gives(r#"{"date": "2024-03-01"}"#, &[r#""12:00""#, r#""America/New_York""#], r#""2024-03-01T17:00:00Z""#),
        gives(r#"{"date": "2024-07-01"}"#, &[r#""17:00""#], r#""2024-07-01T21:00:00Z""#),
        refuses(r#"{"date": "2021-03-14"}"#, &[r#""02:30""#], r#""2021-03-14T02:30:00" never was on the clocks of America/New_York, which went forward over it; decide with `gap = forward`"#),
    ])
    .with(&[needs("time", P::Time), may("zone", P::Zone)])
    .fails("the clocks went over that time, or twice past it"),
    function("boolean", P::BooleanOrText, Output::Plain(T::Boolean), "Yes or no, in any of the usual spellings.", &[
        gives(r#"" Yes""#, &[], "true"),
        gives(r#""N""#, &[], "false"),
        gives(r#""0""#, &[], "false"),
        refuses(r#""maybe""#, &[], r#""maybe" is neither yes nor no (Yes, No, Y, N, true, false, 1, 0)"#),
    ])
    .fails("it is spelt otherwise"),
    function("capture", P::Text, Output::Plain(T::Text), "The part of a text that a regular expression finds first: what its group holds, else all of it; none where it finds nothing.", &[
        gives(r#""Broken chair #4711, see #12""#, &[r##""#([0-9]{2,6})""##], r#""4711""#),
        gives(r#""call K0000012 back""#, &[r#""K[0-9]{7}""#], r#""K0000012""#),
        gives(r#""no number""#, &[r##""#([0-9]+)""##], "null"),
    ])
    .with(&[needs("pattern", P::Pattern)])
    .lossy(),
    function("collapse", P::Text, Output::Plain(T::Text), "A text without blanks around it, with runs of blanks as one space.", &[
        gives(r#""  In \n progress ""#, &[], r#""In progress""#),
    ]),
    function("country_code", P::Text, Output::Plain(T::Text), "A country by its ISO code, of its name or code, or of a phone number; none where the number does not tell.", &[
        gives(r#""United States""#, &[], r#""US""#),
        gives(r#""Côte d'Ivoire""#, &[], r#""CI""#),
        gives(r#""deu""#, &[], r#""DE""#),
        refuses(r#""Atlantis""#, &[], r#""Atlantis" is neither a country nor a phone number"#),
        gives(r#""+44 20 7946 0000""#, &[], r#""GB""#),
        gives(r#""(416) 234-5678""#, &[], r#""CA""#),
    ])
    .fails("the text is neither a country nor a phone number"),
    function("date", P::TextOrDatetime, Output::Plain(T::Date), "The calendar date of a text of the given form (YYYY-MM-DD where none is given), or of an instant in the migration's zone.", &[
        gives(r#""03/01/2024""#, &[r#""%m/%d/%Y""#], r#""2024-03-01""#),
        gives(r#""2024-03-01""#, &[], r#""2024-03-01""#),
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[], r#""2024-02-29""#),
        refuses(r#""yesterday""#, &[r#""%m/%d/%Y""#], r#""yesterday" is not a date of the form %m/%d/%Y"#),
    ])
    .with(&[may("format", P::Format), may("pivot", P::Integer)])
    .fails("the text has another form, or there is no such day"),
    function("datetime", P::Text, Output::Plain(T::Datetime), "The instant of a text of the given form; a wall-clock time is of the given zone, else the migration's.", &[
        gives(r#""03/01/2024 09:30 AM""#, &[r#""%m/%d/%Y %I:%M %p""#], r#""2024-03-01T14:30:00Z""#),
        gives(r#""2024-03-01 09:30""#, &[r#""%Y-%m-%d %H:%M""#, r#""Europe/Berlin""#], r#""2024-03-01T08:30:00Z""#),
        gives(r#""2024-03-01T09:30:00+02:00""#, &[], r#""2024-03-01T07:30:00Z""#),
        refuses(r#""11/07/2021 01:30 AM""#, &[r#""%m/%d/%Y %I:%M %p""#], r#""11/07/2021 01:30 AM" was twice on the clocks of America/New_York, which went back over it; decide with `overlap = earlier` or `overlap = later`"#),
    ])
    .with(&[may("format", P::Format), may("zone", P::Zone), may("pivot", P::Integer)])
    .fails("the text has another form, there is no such day, or the clocks went over that time or twice past it"),
    function("decimal", P::NumberOrText, Output::Plain(T::Decimal), "An exact decimal number; thousands may be separated by commas.", &[
        gives(r#""1,024.50""#, &[], "1024.5"),
        refuses(r#""12,34""#, &[], r#""12,34" is not a number"#),
    ])
    .with(&[may("format", P::NumberFormat)])
    .fails("the text is not a number, or has more than 28 digits"),
    function("digits", P::Text, Output::Plain(T::Text), "The digits 0 to 9 of a text, and nothing else.", &[
        gives(r#""(201) 234-5678""#, &[], r#""2012345678""#),
        gives(r#""none""#, &[], "null"),
    ]),
    function("domain", P::Text, Output::Plain(T::Url), "The site of an address of the web, always in the same form; that an address holds more is counted and reported.", &[
        gives(r#""https://www.Clinic3.example/about""#, &[], r#""https://clinic3.example""#),
        gives(r#""clinic3.example""#, &[], r#""https://clinic3.example""#),
        refuses(r#""ask Jane""#, &[], r#""ask Jane" is not an address of the web"#),
    ])
    .fails("the text is not an address of the web"),
    function("email", P::Text, Output::Plain(T::Email), "An e-mail address, without blanks around it, in lower case.", &[
        gives(r#"" A@X.com""#, &[], r#""a@x.com""#),
        refuses(r#""a at x.com""#, &[], r#""a at x.com" is not an e-mail address"#),
    ])
    .fails("the text is not an e-mail address"),
    function("env", P::Literal, Output::Plain(T::Text), "A setting from a variable of the environment.", &[])
    .in_settings(),
    function("extension", P::Text, Output::Plain(T::Text), "What is dialled after a phone number; none where there is nothing, or the text is no phone number.", &[
        gives(r#""(201) 234-5678 x12""#, &[], r#""12""#),
        gives(r#""(201) 234-5678""#, &[], "null"),
    ]),
    function("first", P::List, Output::Element, "The first element of a list.", &[
        gives(r#"["K3", "K9"]"#, &[], r#""K3""#),
        gives(r#""K3""#, &[], r#""K3""#),
    ]),
    function("flatten", P::Lists, Output::Flat, "The elements of the lists inside a list, as one list.", &[
        gives(r#"[["a"], "b", ["c", "d"]]"#, &[], r#"["a","b","c","d"]"#),
    ]),
    function("format", P::DateOrDatetime, Output::Plain(T::Text), "A date, or an instant in a zone (the migration's where none is named), as text by a strftime format.", &[
        gives(r#"{"date": "2024-03-01"}"#, &[r#""%b %d, %Y""#], r#""Mar 01, 2024""#),
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[r#""%H:%M""#], r#""21:00""#),
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[r#""%H:%M""#, r#""Europe/Berlin""#], r#""03:00""#),
    ])
    .with(&[needs("format", P::Format), may("zone", P::Zone)]),
    function("in_zone", P::Datetime, Output::Plain(T::Datetime), "The same instant; `format` directly after it writes it in this zone.", &[
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[r#""Europe/Berlin""#], r#""2024-03-01T02:00:00Z""#),
    ])
    .with(&[needs("zone", P::Zone)]),
    function("integer", P::NumberOrText, Output::Plain(T::Integer), "A whole number; thousands may be separated by commas.", &[
        gives(r#"" 1,024 ""#, &[], "1024"),
        gives(r#""5.00""#, &[], "5"),
        refuses(r#""5.5""#, &[], r#""5.5" is not a whole number"#),
    ])
    .with(&[may("format", P::NumberFormat)])
    .fails("the text is not a whole number"),
    function("join", P::Texts, Output::Plain(T::Text), "The elements of a list as one text, with a separator between them.", &[
        gives(r#"["a", null, "b"]"#, &[r#""; ""#], r#""a; b""#),
        gives("[]", &[r#""; ""#], "null"),
    ])
    .with(&[needs("separator", P::Text)]),
    function("json", P::Text, Output::Plain(T::Json), "A text read as JSON.", &[
        gives(r#""{\"a\": [1]}""#, &[], r#"{"a":[1]}"#),
        refuses(r#""{a}""#, &[], r#""{a}" is not JSON"#),
    ])
    .fails("the text is not JSON"),
    function("length", P::ListOrText, Output::Plain(T::Integer), "The number of elements of a list, or of characters of a text; 0 where there is no value.", &[
        gives(r#"["a", "b"]"#, &[], "2"),
        gives(r#""Zoë""#, &[], "3"),
        gives("null", &[], "0"),
    ]),
    function("lower", P::Text, Output::Plain(T::Text), "A text in lower case.", &[gives(r#""ÉMAIL""#, &[], r#""émail""#)]),
    function("markdown", P::AnyText, Output::Plain(T::Richtext), "HTML as Markdown; what Markdown cannot hold is counted and reported. Text without HTML stays as it stands.", &[
        gives(r#""<p>Met at <b>Boston</b></p>""#, &[], r#""Met at **Boston**""#),
        gives(r#""2 * 3 < 7""#, &[], r#""2 * 3 < 7""#),
    ])
    .lossy(),
    function("mask", P::Text, Output::Plain(T::Text), "A text made unreadable: its first character and three stars.", &[
        gives(r#""Lovelace""#, &[], r#""L***""#),
        gives(r#""Al""#, &[], r#""***""#),
    ])
    .lossy(),
    function("matches", P::Text, Output::Plain(T::Boolean), "Whether the whole text fits a regular expression.", &[
        gives(r#""K0000012""#, &[r#""K[0-9]{7}""#], "true"),
        gives(r#""xK0000012""#, &[r#""K[0-9]{7}""#], "false"),
    ])
    .with(&[needs("pattern", P::Pattern)]),
    function("money", P::NumberOrText, Output::Plain(T::Currency), "An amount of money: a number with or without a currency sign, thousands separators and blanks. The currency is the one in brackets, else the one in the text, else the migration's.", &[
        gives(r#"" $ 93,701.71 ""#, &[], r#"{"amount":93701.71,"currency":"USD"}"#),
        gives(r#""90686.59""#, &[r#""EUR""#], r#"{"amount":90686.59,"currency":"EUR"}"#),
        gives(r#""(5.00)""#, &["null"], r#"{"amount":-5,"currency":"USD"}"#),
        refuses(r#""TBD""#, &[], r#""TBD" is not an amount of money"#),
        refuses(r#""12,34""#, &[], r#""12,34" is not an amount of money"#),
        refuses(r#""$1.2.3""#, &[], r#""$1.2.3" is not an amount of money"#),
    ])
    .with(&[may("currency", P::CurrencyCode), may("format", P::NumberFormat)])
    .fails("the text is not an amount, or its sign contradicts the currency"),
    function("nth", P::List, Output::Element, "The element at a position of a list, from 0, or from the end with -1; none where there is none.", &[
        gives(r#"["a", "b"]"#, &["1"], r#""b""#),
        gives(r#"["a", "b"]"#, &["-1"], r#""b""#),
        gives(r#"["a", "b"]"#, &["2"], "null"),
    ])
    .with(&[needs("index", P::Integer)]),
    function("number", P::NumberOrText, Output::Plain(T::Number), "A number; thousands may be separated by commas.", &[
        gives(r#""1,024.5""#, &[], "1024.5"),
        gives(r#""1e3""#, &[], "1000"),
        refuses(r#""45%""#, &[], r#""45%" is not a number"#),
    ])
    .with(&[may("format", P::NumberFormat)])
    .fails("the text is not a number, or has more than 28 digits"),
    function("phone", P::Text, Output::Plain(T::Phone), "A phone number by the rules of its country: the one it names, else the one in brackets, else the migration's. It keeps its extension.", &[
        gives(r#""(201) 234-5678 x12""#, &[], r#"{"number":"+12012345678","country":"US","extension":"12"}"#),
        gives(r#""020 7946 0000""#, &[r#""GB""#], r#"{"number":"+442079460000","country":"GB","extension":null}"#),
        refuses(r#""call me""#, &[], r#""call me" is not a phone number"#),
        refuses(r#""555-1234""#, &[], r#""555-1234" is a phone number without its area code"#),
    ])
    .with(&[may("country", P::Country)])
    .fails("no such number is possible"),
    function("plain", P::AnyText, Output::Plain(T::Text), "HTML as plain text, a line for each block. Text without HTML stays as it stands.", &[
        gives(r#""<p>Tom &amp; Ada</p><p>x</p>""#, &[], r#""Tom & Ada\nx""#),
    ])
    .lossy(),
    function("replace", P::Text, Output::Plain(T::Text), "A text with every occurrence of one text replaced by another.", &[
        gives(r#""a b c""#, &[r#"" ""#, r#""-""#], r#""a-b-c""#),
        gives(r#""a b""#, &[r#"" ""#, "null"], r#""ab""#),
    ])
    .with(&[needs("from", P::Text), needs("to", P::Text)]),
    function("rest", P::List, Output::SameList, "The elements of a list but the first.", &[
        gives(r#"["a", "b", "c"]"#, &[], r#"["b","c"]"#),
        gives(r#"["a"]"#, &[], "null"),
    ]),
    function("secret", P::Literal, Output::Plain(T::Text), "A token from a variable of the environment, or from the file that `NAME_FILE` names: it stands in no plan, journal, log or report.", &[])
    .in_settings(),
    function("split", P::Text, Output::Texts, "The parts of a text between separators, without blanks around them; blank parts are none and keep their places.", &[
        gives(r#""12 Main St, Boston""#, &[r#"", ""#], r#"["12 Main St","Boston"]"#),
        gives(r#""a;;b""#, &[r#"";""#], r#"["a",null,"b"]"#),
    ])
    .with(&[needs("separator", P::Text)]),
    function("title", P::Text, Output::Plain(T::Text), "A text with a capital at the start of each word.", &[
        gives(r#""o'brien VAN-DYK""#, &[], r#""O'brien Van-Dyk""#),
    ]),
    function("trim", P::Text, Output::Plain(T::Text), "A text without blanks around it.", &[
        gives(r#"" a b ""#, &[], r#""a b""#),
        gives(r#"[" a", "b "]"#, &[], r#"["a","b"]"#),
        gives(r#""  ""#, &[], "null"),
        gives("null", &[], "null"),
    ]),
    function("truncate", P::Text, Output::Plain(T::Text), "At most so many characters of a text.", &[
        gives(r#""Zoë Lovelace""#, &["4"], r#""Zoë""#),
    ])
    .with(&[needs("length", P::Integer)])
    .lossy(),
    function("unique", P::List, Output::SameList, "The elements of a list, each once, in the order of their first occurrence.", &[
        gives(r#"["b", "a", "b", null]"#, &[], r#"["b","a"]"#),
    ]),
    function("upper", P::Text, Output::Plain(T::Text), "A text in capitals.", &[gives(r#""usd""#, &[], r#""USD""#)]),
    function("url", P::Text, Output::Plain(T::Url), "A complete address of the web; the host in lower case, `https://` where no scheme is given.", &[
        gives(r#""Acme.example/About""#, &[], r#""https://acme.example/About""#),
        refuses(r#""not here""#, &[], r#""not here" is not an address of the web"#),
    ])
    .fails("the text is not an address of the web"),
];
