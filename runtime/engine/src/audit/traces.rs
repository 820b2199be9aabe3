//! Cells whose text is not what the source held, or will not be shown as what it is: numbers that a spreadsheet shortened, its errors, Markdown in plain text.

use std::collections::{BTreeMap, BTreeSet};

use migr_decide::expressions::of_stage;
use migr_plan::{ColumnType, Expr, FieldMapping, FieldType, Operator, Plan, SourceColumn, SourceObject};
use migr_transform::{Cells, trimmed};

use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity};
use super::html_marks::{is_html, is_written_as_it_stands};
use super::list_separators::ListSeparators;
use super::masking::shown;
use super::survey::Place;

/// Words that a spreadsheet writes where a formula failed.
const ERRORS: [&str; 9] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"];

/// Words that systems write where they have no value, in small letters.
const PLACEHOLDERS: [&str; 12] =
    ["null", "(null)", "[null]", "<null>", "\\n", "n/a", "nan", "nil", "undefined", "(no value)", "(blank)", "(empty)"];

/// Something that a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trace {
    Shortened,
    Error,
    Markdown,
    Broken,
    Noughts,
    FineSeconds,
    Epoch,
    Wrapped,
    Placeholder,
    Sentinel,
    Unlisted,
    NearMiss,
    Unseen,
    Separator,
    Html,
}

/// Columns of an object that are looked at, with what was found in them.
#[derive(Debug)]
pub(super) struct Traces<'t> {
    object: &'t SourceObject,
    looks: Vec<Look<'t>>,
    /// Places of the columns of lists, with the signs that stand in their cells.
    lists: Vec<(usize, ListSeparators<'t>)>,
    found: BTreeMap<(usize, Trace), (u64, u64, String)>,
}

/// One column with what is looked for in its cells.
#[derive(Debug)]
struct Look<'t> {
    at: usize,
    text: Option<TextLook<'t>>,
    /// Type of numbers, or of times, that a field takes as such; of times since 1970 with how many of their units a year has.
    read: Option<(ColumnType, Option<u64>)>,
    /// True where the cells hold texts, whose signs are looked at.
    has_signs: bool,
    /// Separators of the members of a list.
    splits: Vec<&'t str>,
}

/// Manner in which a column of texts is looked at.
#[derive(Debug)]
struct TextLook<'t> {
    /// True where it goes into rich text as it stands.
    is_rich: bool,
    /// True where a field takes it without a function that reads HTML.
    is_as_it_stands: bool,
    /// True where no word counts as blank in it.
    has_no_blank: bool,
    /// Values that the catalog lists, and whether it ignores case: then in small letters too.
    listed: Option<(bool, BTreeSet<String>)>,
    /// Texts with which conditions compare the column.
    compared: Option<Compared<'t>>,
}

/// Texts of conditions: as they stand, and with neither case nor blanks that count.
#[derive(Debug, Default)]
struct Compared<'t> {
    texts: BTreeSet<&'t str>,
    folded: BTreeSet<String>,
    /// First bytes of the folded texts.
    begins: BTreeSet<u8>,
}

impl Compared<'_> {
    /// True for a cell that is no text of a condition, and differs from one in case and blanks alone.
    fn is_near(&self, cell: &str) -> bool {
        // Of ASCII the first byte shows of most cells that no text is near.
        let may_be = cell
            .bytes()
            .next()
            .is_none_or(|first| !first.is_ascii() || self.begins.contains(&first.to_ascii_lowercase()));
        may_be && !self.texts.contains(cell) && self.folded.contains(&folded(cell))
    }
}

impl<'t> Traces<'t> {
    pub(super) fn of(plan: &'t Plan, object: &'t SourceObject) -> Self {
        let fields =
            || plan.stages.iter().filter(|stage| stage.source_object == object.name).flat_map(|stage| &stage.fields);
        let rich: Vec<&FieldMapping> = fields().filter(|field| field.ty == FieldType::Richtext).collect();
        let goes_to_rich = |name: &str| rich.iter().any(|field| is_as_written(&field.value, name));
        let mut types_by_column: BTreeMap<&str, Vec<&FieldType>> = BTreeMap::new();
        for field in fields() {
            for column in &field.reads {
                types_by_column.entry(column).or_default().push(&field.ty);
            }
        }
        let types = |name: &str| types_by_column.get(name).map(Vec::as_slice).unwrap_or_default();
        let is_taken = |name: &str| types(name).iter().any(|ty| **ty != FieldType::Text);
        let is_number = |ty: &FieldType| matches!(ty, FieldType::Integer | FieldType::Number | FieldType::Decimal);
        // Texts that numbers alone are made of.
        let is_of_numbers = |name: &str| !types(name).is_empty() && types(name).iter().all(|ty| is_number(ty));
        let (mut compared, lists) = (compared(plan, object), lists_of(plan, object));
        let looks = object.columns.iter().enumerate().map(|(at, column)| Look {
            at,
            text: matches!(column.ty, ColumnType::Text | ColumnType::Reference | ColumnType::Uuid).then(|| TextLook {
                is_rich: goes_to_rich(&column.name),
                is_as_it_stands: column.ty == ColumnType::Text
                    && fields().any(|field| is_written_as_it_stands(field, &column.name)),
                has_no_blank: column.blank.is_none() && plan.source.blank.is_empty(),
                listed: (!column.options.is_empty()).then(|| (column.ignore_case, values_listed(column))),
                compared: compared.remove(&at),
            }),
            read: match column.ty {
                ColumnType::Date
                | ColumnType::Datetime
                | ColumnType::Integer
                | ColumnType::Number
                | ColumnType::Decimal
                    if is_taken(&column.name) =>
                {
                    Some((column.ty, units_of_a_year(column)))
                }
                ColumnType::Text if is_of_numbers(&column.name) => Some((ColumnType::Number, None)),
                _ => None,
            },
            has_signs: holds_text(column),
            splits: lists.iter().filter(|(of, _)| *of == at).map(|(_, split)| *split).collect(),
        });
        let looks = looks
            .filter(|look| look.text.is_some() || look.read.is_some() || look.has_signs || !look.splits.is_empty());
        let looks = looks.collect();
        let lists = lists.into_iter().map(|(at, split)| (at, ListSeparators::new(split))).collect();
        Self { object, looks, lists, found: BTreeMap::new() }
    }

    /// Looks at the cells of a record.
    pub(super) fn add(&mut self, record: &dyn Cells, line: u64) {
        for look in &self.looks {
            let (at, whole) = (look.at, record.cell(look.at));
            if whole.is_empty() {
                continue;
            }
            let cell = trimmed(whole);
            if let Some(text) = &look.text
                && let Some(trace) = self.trace_of_text(at, text, (whole, cell))
            {
                note(&mut self.found, (at, trace), line, cell);
            }
            if look.text.as_ref().is_some_and(|text| text.is_as_it_stands) && is_html(cell) {
                note(&mut self.found, (at, Trace::Html), line, cell);
            }
            // Nearly all cells have no such sign, and their bytes alone show it.
            if look.has_signs
                && has_rare_bytes(whole)
                && let Some(place) = whole.find(is_unseen)
            {
                note(&mut self.found, (at, Trace::Unseen), line, around(whole, place));
            }
            for split in &look.splits {
                if whole.bytes().any(|byte| matches!(byte, b'\\' | b'"')) && is_parted_inside(whole, split) {
                    note(&mut self.found, (at, Trace::Separator), line, cell);
                }
            }
            let Some((ty, of_a_year)) = look.read else { continue };
            let trace = match ty {
                ColumnType::Date | ColumnType::Datetime if is_sentinel(cell) => Some(Trace::Sentinel),
                ColumnType::Date => None,
                ColumnType::Datetime if is_shortened(cell) => Some(Trace::Shortened),
                ColumnType::Datetime if of_a_year.is_some_and(|units| is_below(cell, units)) => Some(Trace::Epoch),
                ColumnType::Datetime => has_fine_seconds(cell).then_some(Trace::FineSeconds),
                _ if is_shortened(cell) => Some(Trace::Shortened),
                _ => has_noughts(cell).then_some(Trace::Noughts),
            };
            if let Some(trace) = trace {
                note(&mut self.found, (at, trace), line, cell);
            }
        }
        for (at, separators) in &mut self.lists {
            separators.add(record.cell(*at), line);
        }
    }

    /// Tells of lists that another sign separates than is said, once for a column.
    fn tell_separators(&self, place: &Place<'_>, into: &mut Collector<'_>) {
        for (at, separators) in &self.lists {
            let Some((column, other)) = self.object.columns.get(*at).zip(separators.other()) else { continue };
            let (cells, hold) = if other.cells == 1 { ("cell", "holds") } else { ("cells", "hold") };
            let message = format!(
                "{} {cells} of `{}` {hold} \"{}\" and no \"{}\", which separates its values, such as {}",
                other.cells,
                column.name,
                other.name,
                separators.own.escape_debug(),
                shown(&other.cell, column.sensitive),
            );
            let severity = if other.is_sure { Severity::Warning } else { Severity::Note };
            let finding = Finding::new(FindingKind::OtherSeparator, severity, message).of(&self.object.name);
            into.add(finding.at(place.file, other.line).in_column(&column.name).counting(other.cells));
        }
    }

    /// The trace that a cell of a text shows.
    fn trace_of_text(&self, at: usize, look: &TextLook<'_>, (whole, cell): (&str, &str)) -> Option<Trace> {
        match cell.as_bytes().first()? {
            b'0'..=b'9' | b'-' if is_shortened(cell) => Some(Trace::Shortened),
            b'#' if is_error(cell) => Some(Trace::Error),
            b'=' | b'"' | b'\'' if is_wrapped(whole) => Some(Trace::Wrapped),
            _ if !cell.is_ascii() && is_broken(cell) => Some(Trace::Broken),
            _ if look.has_no_blank && is_placeholder(cell) => Some(Trace::Placeholder),
            _ if look.listed.as_ref().is_some_and(|listed| self.is_unlisted(at, listed, cell)) => Some(Trace::Unlisted),
            _ if look.compared.as_ref().is_some_and(|compared| compared.is_near(cell)) => Some(Trace::NearMiss),
            _ => (look.is_rich && is_markdown(cell)).then_some(Trace::Markdown),
        }
    }

    /// True for a cell that is none of the values that the catalog lists for its column.
    fn is_unlisted(&self, at: usize, (ignore_case, values): &(bool, BTreeSet<String>), cell: &str) -> bool {
        let is_listed = values.contains(cell) || *ignore_case && values.contains(&cell.to_lowercase());
        let column = self.object.columns.get(at).filter(|_| !is_listed);
        column.is_some_and(|column| column.blank.iter().flatten().all(|blank| blank != cell))
    }

    /// Tells what was found, once for a column.
    pub(super) fn tell(self, place: &Place<'_>, into: &mut Collector<'_>) {
        self.tell_separators(place, into);
        for ((at, trace), (count, line, sample)) in self.found {
            let Some(column) = self.object.columns.get(at) else { continue };
            let name = &column.name;
            let signs = if trace == Trace::Unseen { signs(&sample) } else { String::new() };
            let sample = shown(&sample, column.sensitive);
            let (cells, look, are, hold) =
                if count == 1 { ("cell", "looks", "is", "holds") } else { ("cells", "look", "are", "hold") };
            let (kind, severity, message) = match trace {
                Trace::Shortened => (
                    FindingKind::ShortenedNumber,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}: a spreadsheet has shortened them, and their last digits are lost"
                    ),
                ),
                Trace::Error => (
                    FindingKind::SpreadsheetError,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {are} what a spreadsheet writes where a formula failed, such as {sample}"
                    ),
                ),
                Trace::Broken => (
                    FindingKind::BrokenLetters,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}: letters in it were read in another encoding than they were written in"
                    ),
                ),
                Trace::Unseen => (
                    FindingKind::UnseenSigns,
                    if finds_records(self.object, column) { Severity::Warning } else { Severity::Note },
                    format!(
                        "{count} {cells} of `{name}` {hold} signs that are not seen, such as {} in {}",
                        signs,
                        migr_escape::written_out(&sample, &[])
                    ),
                ),
                Trace::Separator => (
                    FindingKind::SeparatorInValue,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}: a separator is escaped or stands in quotes, and parts the value all the same"
                    ),
                ),
                Trace::Html => (
                    FindingKind::HtmlText,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}: the marks of HTML in it are written as they stand"
                    ),
                ),
                Trace::Noughts => (
                    FindingKind::UnkeptDigits,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}: a number does not keep the noughts before it"
                    ),
                ),
                Trace::FineSeconds => (
                    FindingKind::UnkeptDigits,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}: of a second no more than thousandths are kept"
                    ),
                ),
                Trace::Epoch => (
                    FindingKind::UnprovenFormat,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}, which is a day of 1970 by `{}`: another format may be meant",
                        column.format.as_deref().unwrap_or_default()
                    ),
                ),
                Trace::Wrapped => (
                    FindingKind::WrappedText,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}: the marks around it are a spreadsheet's, and would be written too"
                    ),
                ),
                Trace::Placeholder => (
                    FindingKind::BlankWord,
                    Severity::Note,
                    format!("`{name}`: {count} {cells} such as {sample} count as text, as no `blank` is written"),
                ),
                Trace::Sentinel => (
                    FindingKind::BlankWord,
                    Severity::Note,
                    format!(
                        "`{name}`: {count} {cells} such as {sample} {} as a day, which often stands for none",
                        if count == 1 { "counts" } else { "count" }
                    ),
                ),
                Trace::Unlisted => (
                    FindingKind::BadValue,
                    Severity::Note,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}, which is none of the values that the catalog lists"
                    ),
                ),
                Trace::NearMiss => (
                    FindingKind::NearDuplicateValues,
                    Severity::Warning,
                    format!(
                        "{count} {cells} of `{name}` {look} like {sample}, which a condition asks for in another spelling: there it is another value"
                    ),
                ),
                Trace::Markdown => (
                    FindingKind::MarkdownText,
                    Severity::Note,
                    format!(
                        "{count} {cells} of `{name}` {look} like Markdown, such as {sample}; they will be shown as written"
                    ),
                ),
            };
            let finding = Finding::new(kind, severity, message).of(&self.object.name);
            into.add(finding.at(place.file, line).in_column(name).counting(count));
        }
    }
}

/// True where the cells of a column hold texts.
pub(super) fn holds_text(column: &SourceColumn) -> bool {
    !matches!(
        column.elements.unwrap_or(column.ty),
        ColumnType::Integer
            | ColumnType::Number
            | ColumnType::Decimal
            | ColumnType::Boolean
            | ColumnType::Date
            | ColumnType::Datetime
    )
}

/// True where one finds a record by a column: keys, addresses, references.
fn finds_records(object: &SourceObject, column: &SourceColumn) -> bool {
    object.key.contains(&column.name) || matches!(column.ty, ColumnType::Email) || column.reference.is_some()
}

/// The columns of an object that hold lists, by themselves or by `split` in a map, with what parts their members.
fn lists_of<'t>(plan: &'t Plan, object: &'t SourceObject) -> Vec<(usize, &'t str)> {
    let columns = object.columns.iter().enumerate();
    let mut lists: Vec<(usize, &str)> =
        columns.filter_map(|(at, column)| Some((at, column.split.as_deref()?))).collect();
    for expression in plan.stages.iter().filter(|stage| stage.source_object == object.name).flat_map(of_stage) {
        expression.walk(&mut |part| {
            let Expr::Call { function, arguments } = part else { return };
            let ("split", [value, Expr::Text { value: split }]) = (function.as_str(), arguments.as_slice()) else {
                return;
            };
            let of = object.columns.iter().position(|column| is_as_written(value, &column.name));
            lists.extend(of.map(|at| (at, split.as_str())));
        });
    }
    lists.retain(|(_, split)| !split.trim().is_empty());
    lists.sort_unstable();
    lists.dedup();
    lists
}

/// True for a sign that a reader does not see, though it makes a text another one.
fn is_unseen(sign: char) -> bool {
    !matches!(sign, '\t' | '\n' | '\r')
        && (sign.is_control() || !sign.is_ascii() && (migr_escape::is_deceptive(sign) || sign == '\u{ad}'))
}

/// True where a byte is none of a visible sign of ASCII, of a blank, or of the end of a line. No byte ends the search, so that many are compared at once.
fn has_rare_bytes(cell: &str) -> bool {
    let is_rare = |byte: u8| byte >= 0x7f || byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    cell.bytes().fold(false, |found, byte| found | is_rare(byte))
}

/// The signs of a text that are not seen, by their numbers: `U+200B`.
fn signs(text: &str) -> String {
    let numbers: BTreeSet<u32> = text.chars().filter(|sign| is_unseen(*sign)).map(u32::from).collect();
    numbers.iter().map(|number| format!("U+{number:04X}")).collect::<Vec<_>>().join(", ")
}

/// A text from a little before a place on.
fn around(cell: &str, place: usize) -> &str {
    const BEFORE: usize = 20;
    let before = cell.get(..place).unwrap_or_default();
    let start = before.char_indices().rev().nth(BEFORE - 1).map_or(0, |(start, _)| start);
    cell.get(start..).unwrap_or(cell)
}

/// True where a separator of a list is escaped (`a\;b`), or stands between quotes (`"a;b"`).
fn is_parted_inside(cell: &str, split: &str) -> bool {
    let mut parts = cell.split(split).map(str::trim).peekable();
    let mut is_open = false;
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        if part.ends_with('\\') && !is_last {
            return true;
        }
        let (begins, ends) = (part.starts_with('"'), part.len() > 1 && part.ends_with('"'));
        if is_open && part.ends_with('"') {
            return true;
        }
        is_open = begins && !ends || is_open && !begins;
    }
    false
}

/// Texts with which the conditions of an object's maps and rules compare its columns as they stand, by place.
fn compared<'t>(plan: &'t Plan, object: &'t SourceObject) -> BTreeMap<usize, Compared<'t>> {
    let mut found: BTreeMap<usize, Compared<'_>> = BTreeMap::new();
    let stages = plan.stages.iter().filter(|stage| stage.source_object == object.name).flat_map(of_stage);
    let rules = object.checks.iter().map(|check| &check.condition);
    let rules = rules.chain(object.skips.iter().map(|skip| &skip.condition));
    for expression in stages.chain(rules) {
        expression.walk(&mut |part| {
            let Expr::Binary { operator, left, right } = part else { return };
            let (column, texts) = match (operator, &**left, &**right) {
                (Operator::Equal | Operator::NotEqual, Expr::Column { name }, text @ Expr::Text { .. })
                | (Operator::Equal | Operator::NotEqual, text @ Expr::Text { .. }, Expr::Column { name }) => {
                    (name, std::slice::from_ref(text))
                }
                (Operator::In | Operator::NotIn, Expr::Column { name }, Expr::List { items }) => {
                    (name, items.as_slice())
                }
                _ => return,
            };
            let Some(at) = object.columns.iter().position(|known| known.name == *column) else { return };
            let texts = texts.iter().filter_map(|text| match text {
                Expr::Text { value } => Some(value.as_str()),
                _ => None,
            });
            let compared = found.entry(at).or_default();
            for text in texts {
                compared.texts.insert(text);
                let folded = folded(text);
                compared.begins.extend(folded.bytes().next());
                compared.folded.insert(folded);
            }
        });
    }
    found
}

/// A text in small letters, with one blank between its words.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The values that the catalog lists for a column, and in small letters too where it ignores case.
fn values_listed(column: &SourceColumn) -> BTreeSet<String> {
    let lower = column.options.iter().filter(|_| column.ignore_case).map(|option| option.to_lowercase());
    column.options.iter().cloned().chain(lower).collect()
}

/// Counts a cell, and keeps the first.
fn note(found: &mut BTreeMap<(usize, Trace), (u64, u64, String)>, what: (usize, Trace), line: u64, cell: &str) {
    let (count, ..) = found.entry(what).or_insert_with(|| (0, line, cell.chars().take(40).collect()));
    *count += 1;
}

/// U+FFFD, and letters of UTF-8 that were read one byte at a time: `Ã¼`, `â€™`.
fn is_broken(cell: &str) -> bool {
    let is_half = |next: char| ('\u{80}'..='\u{bf}').contains(&next);
    cell.contains('\u{fffd}')
        || cell.contains("â€")
        || cell.split(['Ã', 'Â']).skip(1).any(|rest| rest.starts_with(is_half))
}

/// `007`
fn has_noughts(cell: &str) -> bool {
    let mut signs = cell.bytes().skip_while(|sign| matches!(sign, b'-' | b'+'));
    signs.next() == Some(b'0') && signs.next().is_some_and(|next| next.is_ascii_digit())
}

/// `12:00:00.123456`
fn has_fine_seconds(cell: &str) -> bool {
    let mut fraction = cell.bytes().skip_while(|byte| *byte != b'.').skip(1).take_while(u8::is_ascii_digit).skip(3);
    fraction.any(|digit| digit != b'0') && cell.contains(':')
}

/// True where an expression hands a column's text on as it stands.
fn is_as_written(expr: &Expr, column: &str) -> bool {
    match expr {
        Expr::Column { name } => name == column,
        Expr::Convert { value, .. } | Expr::Otherwise { value, .. } => is_as_written(value, column),
        Expr::Call { function, arguments } if function == "trim" => {
            arguments.first().is_some_and(|first| is_as_written(first, column))
        }
        _ => false,
    }
}

/// `1.23457E+15`
fn is_shortened(cell: &str) -> bool {
    let number = cell.strip_prefix('-').unwrap_or(cell);
    let mantissa = number.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).count();
    let exponent = number.get(mantissa..).and_then(|rest| rest.strip_prefix("E+"));
    mantissa > 0 && exponent.is_some_and(|digits| digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `#N/A`, and the signs that fill a column that is too narrow.
fn is_error(cell: &str) -> bool {
    ERRORS.contains(&cell) || cell.len() > 3 && cell.bytes().all(|byte| byte == b'#')
}

/// `="007"` and `'007`, by which a spreadsheet keeps a text from being a number; and quotes that a blank before them made part of the cell: ` "y z"`.
fn is_wrapped(whole: &str) -> bool {
    let cell = whole.trim();
    let is_quoted = |text: &str| text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    let is_formula = cell.strip_prefix('=').is_some_and(is_quoted);
    let is_kept = cell.strip_prefix('\'').and_then(|rest| rest.bytes().next());
    let is_kept = is_kept.is_some_and(|first| first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'='));
    is_formula || is_kept && !cell.ends_with('\'') || whole.starts_with([' ', '\t']) && is_quoted(cell)
}

/// Units of a year in a column of times since 1970.
fn units_of_a_year(column: &SourceColumn) -> Option<u64> {
    const SECONDS: u64 = 365 * 24 * 60 * 60;
    match column.format.as_deref() {
        Some("seconds") => Some(SECONDS),
        Some("milliseconds") => Some(SECONDS * 1000),
        _ => None,
    }
}

/// True for a number of units below those of a year, but for nothing at all.
fn is_below(cell: &str, units: u64) -> bool {
    cell.parse::<u64>().is_ok_and(|number| (1..units).contains(&number))
}

/// `NULL`, `(no value)`
fn is_placeholder(cell: &str) -> bool {
    cell.len() <= 10 && PLACEHOLDERS.iter().any(|word| word.eq_ignore_ascii_case(cell))
}

/// `1900-01-01`, `12/31/9999`: days that systems write where they have none, at midnight or at the last second.
fn is_sentinel(cell: &str) -> bool {
    /// Numbers of each day in the order of size.
    const DAYS: [[u32; 3]; 7] =
        [[1, 1, 1753], [12, 30, 1899], [12, 31, 1899], [1, 1, 1900], [1, 1, 1970], [12, 31, 2999], [12, 31, 9999]];
    let mut rest = cell.as_bytes();
    let mut day = [0; 3];
    for part in &mut day {
        *part = next_number(&mut rest).and_then(value).unwrap_or_default();
    }
    day.sort_unstable();
    let is_nothing = |number: &[u8]| matches!(number, b"0" | b"00" | b"000" | b"12" | b"23" | b"59" | b"999");
    DAYS.contains(&day) && std::iter::from_fn(|| next_number(&mut rest)).all(is_nothing)
}

/// The next digits of a text, which is left behind them.
fn next_number<'c>(rest: &mut &'c [u8]) -> Option<&'c [u8]> {
    let digits = rest.get(rest.iter().position(u8::is_ascii_digit)?..)?;
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, behind) = digits.split_at_checked(length)?;
    *rest = behind;
    Some(number)
}

/// Number that digits are; none where it is too large.
fn value(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| number.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

/// True where a text has marks that Markdown would show as something else: `**bold**`, `# heading`, `[link](address)`, a fence.
fn is_markdown(cell: &str) -> bool {
    let is_mark = |line: &str| {
        let line = line.trim_start();
        let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
        (1..=6).contains(&hashes) && line.get(hashes..).is_some_and(|rest| rest.starts_with(' '))
            || line.starts_with("```")
    };
    let has_link = cell.split_once("](").is_some_and(|(before, behind)| before.contains('[') && behind.contains(')'));
    let has_bold = cell.split_once("**").is_some_and(|(_, behind)| {
        behind.find("**").is_some_and(|end| end > 0) && !behind.starts_with(char::is_whitespace)
    });
    has_bold || has_link || cell.lines().any(is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_inside_a_member_is_told_from_one_between_members() {
        for (cell, expected) in [
            ("a\\;b", true),
            ("\"y; z\";w", true),
            ("x;\"y; z\"", true),
            ("a;b", false),
            ("\"a\";\"b\"", false),
            ("5\";6\"", false),
            ("a\\", false),
        ] {
            assert_eq!(is_parted_inside(cell, ";"), expected, "{cell}");
        }
    }

    #[test]
    fn signs_that_are_not_seen_are_named_with_what_stands_before_them() {
        let cell = format!("{}Lee\u{200b}", "x".repeat(50));
        let place = cell.find(is_unseen).unwrap();
        assert_eq!(around(&cell, place), format!("{}Lee\u{200b}", "x".repeat(17)));
        assert_eq!(signs("\u{feff}a\u{200b}b\u{200b}"), "U+200B, U+FEFF");
        assert_eq!(signs("a\u{0}b\u{1f}\u{7f}\t\r\n"), "U+0000, U+001F, U+007F");
        assert!(!"Zo\u{eb} \u{1f469}\u{200d}\u{1f680} a\u{a0}b".contains(is_unseen));
    }

    #[test]
    fn what_a_spreadsheet_shortened_or_failed_at_is_told_from_what_only_looks_so() {
        for (cell, expected) in [
            ("1.23457E+15", true),
            ("-4,5E+10", true),
            ("1E+05", true),
            ("1.23457e15", false),
            ("E+15", false),
            ("12E+x", false),
            ("1.2E+5", false),
        ] {
            assert_eq!(is_shortened(cell), expected, "{cell}");
        }
        for (cell, expected) in [
            ("MÃ¼ller", true),
            ("donâ€™t", true),
            ("bad\u{fffd}", true),
            ("Â£5", true),
            ("Müller", false),
            ("SÃO PAULO", false),
            ("Ângela", false),
        ] {
            assert_eq!(is_broken(cell), expected, "{cell}");
        }
        for (cell, expected) in [("007", true), ("-01.5", true), ("0", false), ("0.5", false), ("10", false)] {
            assert_eq!(has_noughts(cell), expected, "{cell}");
        }
        for (cell, expected) in [
            ("2024-06-01T12:00:00.123456Z", true),
            ("2024-06-01 12:00:00.123000", false),
            ("2024-06-01T12:00:00Z", false),
            ("01.06.2024 12:00", false),
        ] {
            assert_eq!(has_fine_seconds(cell), expected, "{cell}");
        }
        for (cell, expected) in [("#N/A", true), ("####", true), ("###", false), ("#1", false), ("# a", false)] {
            assert_eq!(is_error(cell), expected, "{cell}");
        }
        for (cell, expected) in [
            ("=\"007\"", true),
            ("'0123", true),
            ("'-5", true),
            (" \"y z\"", true),
            ("\"y z\"", false),
            ("=007", false),
            ("'90s'", false),
            ("'tis", false),
        ] {
            assert_eq!(is_wrapped(cell), expected, "{cell}");
        }
        for (cell, expected) in [
            ("1900-01-01", true),
            ("01/01/1970 00:00", true),
            ("12/31/9999 23:59:59", true),
            ("31.12.9999", true),
            ("1971-01-01", false),
            ("1970-01-01 08:30", false),
            ("1970-01-02", false),
            ("n/a", false),
        ] {
            assert_eq!(is_sentinel(cell), expected, "{cell}");
        }
        for (cell, expected) in [("NULL", true), ("\\N", true), ("(No value)", true), ("Null Ltd", false), ("-", false)]
        {
            assert_eq!(is_placeholder(cell), expected, "{cell}");
        }
        for (cell, expected) in [
            ("a **b** c", true),
            ("x\n## head", true),
            ("see [here](https://x.example)", true),
            ("```\ncode", true),
            ("# of seats", true),
            ("2 ** 3 ** 4", false),
            ("[1] (2)", false),
            ("#1 and - dash", false),
        ] {
            assert_eq!(is_markdown(cell), expected, "{cell}");
        }
    }
}
