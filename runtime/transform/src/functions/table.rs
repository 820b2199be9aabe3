use super::{Apply, Example, Function, Parameter, ParameterKind as Kind, apply};

const fn function(name: &'static str, apply: Apply, meaning: &'static str, examples: &'static [Example]) -> Function {
    Function { name, parameters: &[], meaning, failure: "", examples, takes_list: false, takes_none: false, apply }
}

impl Function {
    const fn with(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn fails(mut self, when: &'static str) -> Self {
        self.failure = when;
        self
    }

    const fn of_lists(mut self) -> Self {
        self.takes_list = true;
        self
    }

    const fn of_none(mut self) -> Self {
        self.takes_none = true;
        self
    }
}

const fn needs(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, is_optional: false, kind }
}

const fn may(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, is_optional: true, kind }
}

const fn gives(input: &'static str, arguments: &'static [&'static str], output: &'static str) -> Example {
    Example { input, arguments, result: Ok(output) }
}

const fn refuses(input: &'static str, arguments: &'static [&'static str], reason: &'static str) -> Example {
    Example { input, arguments, result: Err(reason) }
}

/// Every function, by name. Examples run with country US, currency USD and time zone America/New_York.
pub const FUNCTIONS: &[Function] = &[
    function("amount", apply::amount, "The number of an amount of money, without its currency.", &[
        gives(r#"{"money": "1,234.50 USD"}"#, &[], "1234.5"),
        gives(r#""$ 5""#, &[], "5"),
    ])
    .fails("a text is not an amount of money"),
    function("at", apply::at, "The instant at which a calendar date has a time of day in a zone (the migration's where none is named).", &[
        gives(r#"{"date": "2024-03-01"}"#, &[r#""12:00""#, r#""America/New_York""#], r#""2024-03-01T17:00:00Z""#),
        gives(r#"{"date": "2024-07-01"}"#, &[r#""17:00""#], r#""2024-07-01T21:00:00Z""#),
        refuses(r#"{"date": "2021-03-14"}"#, &[r#""02:30""#], r#""2021-03-14T02:30:00" never was on the clocks of America/New_York, which went forward over it; decide with `gap = forward`"#),
    ])
    .with(&[needs("time", Kind::Time), may("zone", Kind::Zone)])
    .fails("the clocks went over that time, or twice past it"),
    function("boolean", apply::boolean, "Yes or no, in any of the usual spellings.", &[
        gives(r#"" Yes""#, &[], "true"),
        gives(r#""N""#, &[], "false"),
        gives(r#""0""#, &[], "false"),
        refuses(r#""maybe""#, &[], r#""maybe" is neither yes nor no (Yes, No, Y, N, true, false, 1, 0)"#),
    ])
    .fails("it is spelt otherwise"),
    function("collapse", apply::collapse, "A text without blanks around it, with runs of blanks as one space.", &[
        gives(r#""  In \n progress ""#, &[], r#""In progress""#),
    ]),
    function("country_code", apply::country_code, "A country by its ISO code, of its name or code, or of a phone number; none where the number does not tell.", &[
        gives(r#""United States""#, &[], r#""US""#),
        gives(r#""Côte d'Ivoire""#, &[], r#""CI""#),
        gives(r#""deu""#, &[], r#""DE""#),
        refuses(r#""Atlantis""#, &[], r#""Atlantis" is neither a country nor a phone number"#),
        gives(r#""+44 20 7946 0000""#, &[], r#""GB""#),
        gives(r#""(416) 234-5678""#, &[], r#""CA""#),
    ])
    .fails("the text is neither a country nor a phone number"),
    function("date", apply::date, "The calendar date of a text of the given form (YYYY-MM-DD where none is given), or of an instant in the migration's zone.", &[
        gives(r#""03/01/2024""#, &[r#""%m/%d/%Y""#], r#""2024-03-01""#),
        gives(r#""2024-03-01""#, &[], r#""2024-03-01""#),
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[], r#""2024-02-29""#),
        refuses(r#""yesterday""#, &[r#""%m/%d/%Y""#], r#""yesterday" is not a date of the form %m/%d/%Y"#),
    ])
    .with(&[may("format", Kind::Format)])
    .fails("the text has another form, or there is no such day"),
    function("datetime", apply::datetime, "The instant of a text of the given form; a wall-clock time is of the given zone, else the migration's.", &[
        gives(r#""03/01/2024 09:30 AM""#, &[r#""%m/%d/%Y %I:%M %p""#], r#""2024-03-01T14:30:00Z""#),
        gives(r#""2024-03-01 09:30""#, &[r#""%Y-%m-%d %H:%M""#, r#""Europe/Berlin""#], r#""2024-03-01T08:30:00Z""#),
        gives(r#""2024-03-01T09:30:00+02:00""#, &[], r#""2024-03-01T07:30:00Z""#),
        refuses(r#""11/07/2021 01:30 AM""#, &[r#""%m/%d/%Y %I:%M %p""#], r#""11/07/2021 01:30 AM" was twice on the clocks of America/New_York, which went back over it; decide with `overlap = earlier` or `overlap = later`"#),
    ])
    .with(&[may("format", Kind::Format), may("zone", Kind::Zone)])
    .fails("the text has another form, there is no such day, or the clocks went over that time or twice past it"),
    function("decimal", apply::number, "An exact decimal number; thousands may be separated by commas.", &[
        gives(r#""1,024.50""#, &[], "1024.5"),
        refuses(r#""12,34""#, &[], r#""12,34" is not a number"#),
    ])
    .fails("the text is not a number, or has more than 28 digits"),
    function("digits", apply::digits, "The digits 0 to 9 of a text, and nothing else.", &[
        gives(r#""(201) 234-5678""#, &[], r#""2012345678""#),
        gives(r#""none""#, &[], "null"),
    ]),
    function("domain", apply::domain, "The site of an address of the web, always in the same form.", &[
        gives(r#""https://www.Clinic3.example/about""#, &[], r#""https://clinic3.example""#),
        gives(r#""clinic3.example""#, &[], r#""https://clinic3.example""#),
        refuses(r#""ask Jane""#, &[], r#""ask Jane" is not an address of the web"#),
    ])
    .fails("the text is not an address of the web"),
    function("email", apply::email, "An e-mail address, without blanks around it, in lower case.", &[
        gives(r#"" A@X.com""#, &[], r#""a@x.com""#),
        refuses(r#""a at x.com""#, &[], r#""a at x.com" is not an e-mail address"#),
    ])
    .fails("the text is not an e-mail address"),
    function("extension", apply::extension, "What is dialled after a phone number; none where there is nothing, or the text is no phone number.", &[
        gives(r#""(201) 234-5678 x12""#, &[], r#""12""#),
        gives(r#""(201) 234-5678""#, &[], "null"),
    ]),
    function("first", apply::first, "The first element of a list.", &[
        gives(r#"["K3", "K9"]"#, &[], r#""K3""#),
        gives(r#""K3""#, &[], r#""K3""#),
    ])
    .of_lists(),
    function("flatten", apply::flatten, "The elements of the lists inside a list, as one list.", &[
        gives(r#"[["a"], "b", ["c", "d"]]"#, &[], r#"["a","b","c","d"]"#),
    ])
    .of_lists(),
    function("format", apply::format, "A date, or an instant in a zone (the migration's where none is named), as text by a strftime format.", &[
        gives(r#"{"date": "2024-03-01"}"#, &[r#""%b %d, %Y""#], r#""Mar 01, 2024""#),
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[r#""%H:%M""#], r#""21:00""#),
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[r#""%H:%M""#, r#""Europe/Berlin""#], r#""03:00""#),
    ])
    .with(&[needs("format", Kind::Format), may("zone", Kind::Zone)]),
    function("in_zone", apply::in_zone, "The same instant; `format` directly after it writes it in this zone.", &[
        gives(r#"{"datetime": "2024-03-01T02:00:00Z"}"#, &[r#""Europe/Berlin""#], r#""2024-03-01T02:00:00Z""#),
    ])
    .with(&[needs("zone", Kind::Zone)]),
    function("integer", apply::integer, "A whole number; thousands may be separated by commas.", &[
        gives(r#"" 1,024 ""#, &[], "1024"),
        gives(r#""5.00""#, &[], "5"),
        refuses(r#""5.5""#, &[], r#""5.5" is not a whole number"#),
    ])
    .fails("the text is not a whole number"),
    function("join", apply::join, "The elements of a list as one text, with a separator between them.", &[
        gives(r#"["a", null, "b"]"#, &[r#""; ""#], r#""a; b""#),
        gives("[]", &[r#""; ""#], "null"),
    ])
    .with(&[needs("separator", Kind::Text)])
    .of_lists(),
    function("json", apply::json, "A text read as JSON.", &[
        gives(r#""{\"a\": [1]}""#, &[], r#"{"a":[1]}"#),
        refuses(r#""{a}""#, &[], r#""{a}" is not JSON"#),
    ])
    .fails("the text is not JSON"),
    function("length", apply::length, "The number of elements of a list, or of characters of a text; 0 where there is no value.", &[
        gives(r#"["a", "b"]"#, &[], "2"),
        gives(r#""Zoë""#, &[], "3"),
        gives("null", &[], "0"),
    ])
    .of_lists()
    .of_none(),
    function("lower", apply::lower, "A text in lower case.", &[gives(r#""ÉMAIL""#, &[], r#""émail""#)]),
    function("markdown", apply::markdown, "HTML as Markdown; what Markdown cannot hold is counted and reported. Text without HTML stays as it stands.", &[
        gives(r#""<p>Met at <b>Boston</b></p>""#, &[], r#""Met at **Boston**""#),
        gives(r#""2 * 3 < 7""#, &[], r#""2 * 3 < 7""#),
    ]),
    function("mask", apply::mask, "A text made unreadable: its first character and three stars.", &[
        gives(r#""Lovelace""#, &[], r#""L***""#),
        gives(r#""Al""#, &[], r#""***""#),
    ]),
    function("matches", apply::matches, "Whether the whole text fits a regular expression.", &[
        gives(r#""K0000012""#, &[r#""K[0-9]{7}""#], "true"),
        gives(r#""xK0000012""#, &[r#""K[0-9]{7}""#], "false"),
    ])
    .with(&[needs("pattern", Kind::Pattern)]),
    function("money", apply::money, "An amount of money: a number with or without a currency sign, thousands separators and blanks. The currency is the one in brackets, else the one in the text, else the migration's.", &[
        gives(r#"" $ 93,701.71 ""#, &[], r#"{"amount":93701.71,"currency":"USD"}"#),
        gives(r#""90686.59""#, &[r#""EUR""#], r#"{"amount":90686.59,"currency":"EUR"}"#),
        gives(r#""(5.00)""#, &["null"], r#"{"amount":-5,"currency":"USD"}"#),
        refuses(r#""TBD""#, &[], r#""TBD" is not an amount of money"#),
        refuses(r#""12,34""#, &[], r#""12,34" is not an amount of money"#),
        refuses(r#""$1.2.3""#, &[], r#""$1.2.3" is not an amount of money"#),
    ])
    .with(&[may("currency", Kind::Currency)])
    .fails("the text is not an amount, or its sign contradicts the currency"),
    function("nth", apply::nth, "The element at a position of a list, from 0, or from the end with -1; none where there is none.", &[
        gives(r#"["a", "b"]"#, &["1"], r#""b""#),
        gives(r#"["a", "b"]"#, &["-1"], r#""b""#),
        gives(r#"["a", "b"]"#, &["2"], "null"),
    ])
    .with(&[needs("index", Kind::Integer)])
    .of_lists(),
    function("number", apply::number, "A number; thousands may be separated by commas.", &[
        gives(r#""1,024.5""#, &[], "1024.5"),
        gives(r#""1e3""#, &[], "1000"),
        refuses(r#""45%""#, &[], r#""45%" is not a number"#),
    ])
    .fails("the text is not a number, or has more than 28 digits"),
    function("phone", apply::phone, "A phone number by the rules of its country: the one it names, else the one in brackets, else the migration's. It keeps its extension.", &[
        gives(r#""(201) 234-5678 x12""#, &[], r#"{"number":"+12012345678","country":"US","extension":"12"}"#),
        gives(r#""020 7946 0000""#, &[r#""GB""#], r#"{"number":"+442079460000","country":"GB","extension":null}"#),
        refuses(r#""call me""#, &[], r#""call me" is not a phone number"#),
        refuses(r#""555-1234""#, &[], r#""555-1234" is a phone number without its area code"#),
    ])
    .with(&[may("country", Kind::Country)])
    .fails("no such number is possible"),
    function("plain", apply::plain, "HTML as plain text, a line for each block. Text without HTML stays as it stands.", &[
        gives(r#""<p>Tom &amp; Ada</p><p>x</p>""#, &[], r#""Tom & Ada\nx""#),
    ]),
    function("replace", apply::replace, "A text with every occurrence of one text replaced by another.", &[
        gives(r#""a b c""#, &[r#"" ""#, r#""-""#], r#""a-b-c""#),
        gives(r#""a b""#, &[r#"" ""#, "null"], r#""ab""#),
    ])
    .with(&[needs("from", Kind::Text), needs("to", Kind::Text)]),
    function("rest", apply::rest, "The elements of a list but the first.", &[
        gives(r#"["a", "b", "c"]"#, &[], r#"["b","c"]"#),
        gives(r#"["a"]"#, &[], "null"),
    ])
    .of_lists(),
    function("split", apply::split, "The parts of a text between separators; blank parts are none and keep their places.", &[
        gives(r#""12 Main St, Boston""#, &[r#"", ""#], r#"["12 Main St","Boston"]"#),
        gives(r#""a;;b""#, &[r#"";""#], r#"["a",null,"b"]"#),
    ])
    .with(&[needs("separator", Kind::Text)]),
    function("title", apply::title, "A text with a capital at the start of each word.", &[
        gives(r#""o'brien VAN-DYK""#, &[], r#""O'brien Van-Dyk""#),
    ]),
    function("trim", apply::trim, "A text without blanks around it.", &[
        gives(r#"" a b ""#, &[], r#""a b""#),
        gives(r#"[" a", "b "]"#, &[], r#"["a","b"]"#),
        gives(r#""  ""#, &[], "null"),
        gives("null", &[], "null"),
    ]),
    function("truncate", apply::truncate, "At most so many characters of a text.", &[
        gives(r#""Zoë Lovelace""#, &["4"], r#""Zoë""#),
    ])
    .with(&[needs("length", Kind::Integer)]),
    function("unique", apply::unique, "The elements of a list, each once, in the order of their first occurrence.", &[
        gives(r#"["b", "a", "b", null]"#, &[], r#"["b","a"]"#),
    ])
    .of_lists(),
    function("upper", apply::upper, "A text in capitals.", &[gives(r#""usd""#, &[], r#""USD""#)]),
    function("url", apply::url, "A complete address of the web; the host in lower case, `https://` where no scheme is given.", &[
        gives(r#""Acme.example/About""#, &[], r#""https://acme.example/About""#),
        refuses(r#""not here""#, &[], r#""not here" is not an address of the web"#),
    ])
    .fails("the text is not an address of the web"),
];
