//! Formats: how numbers, days and times are written. What is found here is found from the format alone, before any value is read.

use std::sync::{Arc, LazyLock};

use jiff::fmt::strtime::BrokenDownTime;
use migr_diagnostics::{Diagnostic, Diagnostics};
use migr_plan::PlainType;
use migr_source::Spanned;
use migr_syntax::ast::{self, Attribute, Name, Text};

use crate::errors;
use crate::in_order::IndexMap;
use crate::types::Type;

/// Formats of a column, or of a system's columns of a type.
#[derive(Clone, Default)]
pub(crate) struct Formats {
    /// As written; none where nothing says how it is written.
    pub(crate) written: Vec<String>,
    /// Last year that `%y` may mean.
    pub(crate) pivot: Option<i16>,
}

impl Formats {
    /// Those of a column of a type: its own, else the system's for the type.
    pub(crate) fn or_of_type(&self, ty: &Type, of_system: &IndexMap<PlainType, Self>) -> Self {
        if !self.written.is_empty() {
            return self.clone();
        }
        ty.element().plain().and_then(|plain| of_type(plain, of_system)).cloned().unwrap_or_default()
    }
}

/// The system's formats of a type; `number` is said of every kind of number.
pub(crate) fn of_type(plain: PlainType, of_system: &IndexMap<PlainType, Formats>) -> Option<&Formats> {
    let number = || of_system.get(&PlainType::Number).filter(|_| kind_of(plain) == Some(Kind::Number));
    of_system.get(&plain).or_else(number)
}

/// Kind of value that a format describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Date,
    Datetime,
}

fn kind_of(plain: PlainType) -> Option<Kind> {
    match plain {
        PlainType::Integer | PlainType::Number | PlainType::Decimal | PlainType::Currency => Some(Kind::Number),
        PlainType::Date => Some(Kind::Date),
        PlainType::Datetime => Some(Kind::Datetime),
        _ => None,
    }
}

/// `format number "1.234.567,89"` of a system.
pub(crate) fn of_system(
    ty: &Name,
    formats: &[Text],
    year: Option<&Spanned<Arc<str>>>,
    diagnostics: &mut Diagnostics,
) -> Option<(PlainType, Formats)> {
    let found = PlainType::find(&ty.node).and_then(|plain| Some((plain, kind_of(plain)?)));
    let Some((plain, kind)) = found else {
        let known = ["currency", "date", "datetime", "decimal", "integer", "number"];
        let is_of_dates = formats.iter().any(|format| {
            format.node.contains('%') || matches!(&*format.node, "serial" | "serial 1904" | "seconds" | "milliseconds")
        });
        let missing = errors::missing_word("type with a format", &ty.node, ty.span);
        diagnostics.push(missing.among_fitting(known, |name| name.starts_with("date") == is_of_dates));
        return None;
    };
    check_all(formats, kind, year, diagnostics);
    let written = formats.iter().map(|format| format.node.to_string()).collect();
    Some((plain, Formats { written, pivot: year.and_then(|year| pivot(year, diagnostics)) }))
}

/// The formats that a field's attributes name, held against its type.
pub(crate) fn check_field(field: &ast::Field, ty: &Type, diagnostics: &mut Diagnostics) {
    let find = |wanted: fn(&Attribute) -> bool| field.attributes.iter().find(|one| wanted(&one.node));
    let formats = find(|one| matches!(one, Attribute::Format(_)));
    let year = find(|one| matches!(one, Attribute::Pivot(_)));
    let year = year.and_then(|one| match &one.node {
        Attribute::Pivot(year) => Some(year),
        _ => None,
    });
    let Some((formats, span)) = formats.and_then(|one| match &one.node {
        Attribute::Format(formats) => Some((formats, one.span)),
        _ => None,
    }) else {
        if let Some(year) = year {
            diagnostics.push(errors::bad_value(
                "`pivot` is said of a format with `%y`, and none is written here",
                year.span,
                format!("write it behind the format: `format \"%d.%m.%y\" pivot {}`", year.node),
            ));
        }
        return;
    };
    match ty.element().plain().and_then(kind_of) {
        Some(kind) => check_all(formats, kind, year, diagnostics),
        None if matches!(ty, Type::Richtext | Type::Html) => {
            for format in formats.iter().filter(|format| &*format.node != "markdown") {
                let help = "write `format \"markdown\"`, or leave it out: rich text of an export is HTML";
                diagnostics.push(errors::bad_value("there is no such format of rich text", format.span, help));
            }
        }
        None if ty.is_unknown() => {}
        None => {
            let message = format!("`format` says how numbers, days and times are written, and this is {ty}");
            let help = "declare the column `date`, `datetime` or a number, or leave `format` out";
            diagnostics.push(errors::bad_value(message, span, help));
        }
    }
}

fn check_all(formats: &[Text], kind: Kind, year: Option<&Spanned<Arc<str>>>, diagnostics: &mut Diagnostics) {
    for format in formats {
        check(format, kind, year.is_some(), diagnostics);
    }
    if let Some(year) = year
        && !formats.iter().any(|format| has_short_year(&format.node))
    {
        let help = "leave `pivot` out";
        diagnostics.push(errors::bad_value("no format here has a year of two digits (`%y`)", year.span, help));
    }
}

/// `pivot 2026`: the year, if it is one.
pub(crate) fn pivot(year: &Spanned<Arc<str>>, diagnostics: &mut Diagnostics) -> Option<i16> {
    let read = year.node.parse().ok().filter(|year| (1000..=9999).contains(year));
    if read.is_none() {
        let help = "write the last year that is meant, such as `pivot 2026` for 1927 to 2026";
        diagnostics.push(errors::bad_value("`pivot` is a year of four digits", year.span, help));
    }
    read
}

/// Reports a format by which no value can be read, or not every value can be told from another.
pub(crate) fn check(format: &Text, kind: Kind, has_pivot: bool, diagnostics: &mut Diagnostics) {
    let finding = match kind {
        Kind::Number => sample(format),
        Kind::Date | Kind::Datetime => time(format, kind, has_pivot),
    };
    diagnostics.extend(finding);
}

/// The number that is written out to show a format.
const SAMPLE: [&str; 3] = ["1234567", "89", "1234567.89"];

/// True where a text is 1234567.89 or 1234567 in some writing.
pub(crate) fn is_sample(text: &str) -> bool {
    const GROUPS: [&str; 9] = ["", ",", ".", "'", "\u{2019}", " ", "\u{a0}", "\u{202f}", "\u{2009}"];
    GROUPS.iter().any(|group| {
        [["1", "234", "567"].join(group), ["12", "34", "567"].join(group)].iter().any(|whole| {
            let decimals = |mark: &str| {
                *group != mark && text.strip_prefix(whole.as_str()) == Some(&format!("{mark}{}", SAMPLE[1]))
            };
            text == whole || decimals(".") || decimals(",")
        })
    })
}

fn sample(format: &Text) -> Option<Diagnostic> {
    if is_sample(&format.node) {
        return None;
    }
    Some(errors::bad_value(
        format!("`{}` is not {}", format.node, SAMPLE[2]),
        format.span,
        "write that number as the export would: `\"1.234.567,89\"`",
    ))
}

/// Formats that are names, and no strftime.
const SERIALS: [&str; 2] = ["serial", "serial 1904"];
const EPOCHS: [&str; 2] = ["seconds", "milliseconds"];

fn time(format: &Text, kind: Kind, has_pivot: bool) -> Option<Diagnostic> {
    let written = &*format.node;
    let bad = |message: String, help: String| Some(errors::bad_value(message, format.span, help));
    if SERIALS.contains(&written) || kind == Kind::Datetime && EPOCHS.contains(&written) {
        return None;
    }
    if EPOCHS.contains(&written) {
        let help = "declare the column `datetime`, and take its day in the map: `| date`".to_owned();
        return bad(format!("`{written}` is an instant, and this is a date"), help);
    }
    let directives = directives(written);
    if directives.is_empty() {
        let message = format!("`{written}` is no strftime format");
        let help = match translated(written) {
            Some(format) => format!("write `\"{format}\"`"),
            None => "write one such as `\"%m/%d/%Y %I:%M %p\"`".to_owned(),
        };
        return bad(message, help);
    }
    let has = |of: &str| directives.iter().any(|directive| of.contains(*directive));
    if let Some(unknown) = unknown(written) {
        return bad(format!("this date format cannot be read: {unknown}"), KNOWN.to_owned());
    }
    if let Some(unread) = directives.iter().find(|directive| UNREAD.contains(**directive)) {
        return bad(format!("`%{unread}` can be written, and not read"), KNOWN.to_owned());
    }
    // A day is known by a date, the day of a year, the day of a week of a year, or an instant.
    let whole = has("Fs") || has("D") || has("j") && has("YyGg") || has("GgYy") && has("VUW") && has("aAuw");
    if !whole {
        if has("M") && !has("mbBh") && has("dejYy") && !has("HIkl") {
            let help = "the month is `%m`; `%M` are minutes".to_owned();
            return bad(format!("`{written}` has minutes (`%M`) and no month"), help);
        }
        let lacks = [("year", "Yy", "%Y"), ("month", "mbBh", "%m"), ("day", "de", "%d")];
        if let Some((what, _, directive)) = lacks.into_iter().find(|(_, of, _)| !has(of)) {
            let help = format!("add `{directive}`; a column whose values have no {what} is `text`");
            return bad(format!("`{written}` has no {what}"), help);
        }
    }
    if has("Il") && !has("pP") {
        let help = "add `%p` where values say AM or PM, or write `%H`".to_owned();
        return bad(format!("`{written}` does not say which half of the day: `%I` without `%p`"), help);
    }
    if has("HkRT") && has("pP") {
        let help = "write `%I` with `%p`, or leave `%p` out".to_owned();
        return bad(format!("`{written}` has hours to 24 (`%H`) and a half of the day (`%p`)"), help);
    }
    if !has_pivot && has("yDg") {
        let help = "write `pivot 2026` behind it, for 1927 to 2026".to_owned();
        return bad(format!("`%y` in `{written}` does not say which hundred years"), help);
    }
    cannot_be_read_back(written)
        .and_then(|why| bad(format!("no value can be read by `{written}`: {why}"), KNOWN.to_owned()))
}

const KNOWN: &str = "write strftime's directives, as in `%m/%d/%Y %I:%M %p`";

/// Directives that the reading of values has nothing for: a name of a zone, and the writings of a place.
const UNREAD: &str = "ZQcrxX";

fn has_short_year(format: &str) -> bool {
    directives(format).iter().any(|directive| "yDg".contains(*directive))
}

/// The letters behind `%`, without flags and widths; `%%` is none.
fn directives(format: &str) -> Vec<char> {
    let mut found = Vec::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            continue;
        }
        let letter = characters.find(|one| !matches!(one, '-' | '_' | '0'..='9' | '^' | '#' | ':' | '.'));
        found.extend(letter.filter(|letter| *letter != '%'));
    }
    found
}

/// A moment whose parts all differ, made once: that it takes a time zone makes it dear.
static MOMENT: LazyLock<Option<BrokenDownTime>> =
    LazyLock::new(|| Some(BrokenDownTime::from(&"2024-02-03T04:05:06[UTC]".parse::<jiff::Zoned>().ok()?)));

/// Reports a format by which nothing can be written.
pub(crate) fn check_written(format: &Text, diagnostics: &mut Diagnostics) {
    if let Some(error) = unknown(&format.node) {
        diagnostics.push(errors::bad_value(
            format!("this date format cannot be read: {error}"),
            format.span,
            "write one of strftime's directives, as in `%m/%d/%Y %I:%M %p`",
        ));
    }
}

/// Why a format is none.
fn unknown(format: &str) -> Option<String> {
    MOMENT.as_ref()?.to_string(format.as_bytes()).err().map(|error| error.to_string())
}

/// Why the moment, written by a format, is not read back by it.
fn cannot_be_read_back(format: &str) -> Option<String> {
    let written = MOMENT.as_ref()?.to_string(format.as_bytes()).ok()?;
    let read = BrokenDownTime::parse(format.as_bytes(), written.as_bytes());
    match read {
        Ok(read) => match read.to_date() {
            Ok(_) => None,
            Err(_) if read.to_timestamp().is_ok() => None,
            Err(error) => Some(error.to_string()),
        },
        Err(error) => Some(error.to_string()),
    }
}

/// `DD.MM.YYYY hh:mm` in strftime, where it is understood.
fn translated(format: &str) -> Option<String> {
    let mut translated = String::new();
    let mut rest = format;
    let has_half = format.contains(['a', 'A']);
    let mut known = 0;
    while let Some(first) = rest.chars().next() {
        let length = rest.chars().take_while(|one| *one == first).count();
        let run = rest.get(..length * first.len_utf8())?;
        let directive = match (first, length) {
            ('Y' | 'y', 4) => "%Y",
            ('Y' | 'y', 2) => "%y",
            ('M', 4) => "%B",
            ('M', 3) => "%b",
            ('M', 1 | 2) => "%m",
            ('D' | 'd', 1 | 2) => "%d",
            ('H', 1 | 2) => "%H",
            ('h', 1 | 2) => {
                if has_half {
                    "%I"
                } else {
                    "%H"
                }
            }
            ('m', 1 | 2) => "%M",
            ('s' | 'S', 1 | 2) => "%S",
            ('a' | 'A', 1) => "%p",
            (letter, _) if letter.is_alphabetic() => return None,
            _ => run,
        };
        known += usize::from(directive.starts_with('%'));
        translated.push_str(directive);
        rest = rest.get(run.len()..)?;
    }
    // `mm/dd/yyyy`: no minutes without hours.
    if !translated.contains("%H") && !translated.contains("%I") && !translated.contains("%m") {
        translated = translated.replace("%M", "%m");
    }
    (known > 1).then_some(translated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(format: &str, kind: Kind, has_pivot: bool) -> Option<String> {
        let text = Spanned::new(Arc::from(format), migr_source::Span::new(migr_source::FileId(0), 0, 1));
        let mut diagnostics = Diagnostics::default();
        check(&text, kind, has_pivot, &mut diagnostics);
        diagnostics.items().first().map(|one| format!("{}; {}", one.message, one.help.clone().unwrap_or_default()))
    }

    #[test]
    fn formats_that_read_are_taken() {
        for format in ["%m/%d/%Y", "%d.%m.%Y", "%F", "%d %B %Y", "%b %e, %Y", "%Y%m%d", "%j %Y", "%G-W%V-%u", "serial"]
        {
            assert_eq!(said(format, Kind::Date, false), None, "{format}");
        }
        for format in [
            "%Y-%m-%d %H:%M",
            "%m/%d/%Y %I:%M %p",
            "%FT%T%z",
            "%Y-%m-%dT%H:%M:%S%.f%:z",
            "%s",
            "seconds",
            "milliseconds",
        ] {
            assert_eq!(said(format, Kind::Datetime, false), None, "{format}");
        }
        for format in
            ["1,234,567.89", "1.234.567,89", "1 234 567,89", "1'234'567.89", "12,34,567.89", "1234567.89", "1234567"]
        {
            assert_eq!(said(format, Kind::Number, false), None, "{format}");
        }
        assert_eq!(said("%d-%m-%y", Kind::Date, true), None);
    }

    #[test]
    fn formats_that_can_never_be_read_are_refused_with_what_to_write() {
        let cases = [
            ("%b-%y", Kind::Date, "has no day"),
            ("%d.%M.%Y", Kind::Date, "has minutes (`%M`) and no month"),
            ("DD.MM.YYYY", Kind::Date, "`\"%d.%m.%Y\"`"),
            ("mm/dd/yyyy", Kind::Date, "`\"%m/%d/%Y\"`"),
            ("yyyy-MM-dd HH:mm", Kind::Datetime, "`\"%Y-%m-%d %H:%M\"`"),
            ("%m/%d/%Y %I:%M", Kind::Datetime, "which half of the day"),
            ("%m/%d/%Y %H:%M %p", Kind::Datetime, "hours to 24"),
            ("%H:%M", Kind::Datetime, "has no year"),
            ("%d.%m.%y", Kind::Date, "pivot 2026"),
            ("%Y-%m-%d %Z", Kind::Datetime, "`%Z` can be written, and not read"),
            ("%Y-%m-%d %Q", Kind::Datetime, "`%Q` can be written, and not read"),
            ("%E", Kind::Date, "cannot be read"),
            ("seconds", Kind::Date, "is an instant"),
            ("1.000,00", Kind::Number, "is not 1234567.89"),
            ("1,234,567,89", Kind::Number, "is not 1234567.89"),
            ("de_DE", Kind::Number, "is not 1234567.89"),
        ];
        for (format, kind, says) in cases {
            let said = said(format, kind, false).unwrap_or_default();
            assert!(said.contains(says), "{format}: {said}");
        }
    }
}
