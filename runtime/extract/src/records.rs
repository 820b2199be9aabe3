//! The records of one object, read from its file: each row is trusted, or told with what is wrong with it.

use std::io;

use migr_plan::SourceObject;

use crate::columns::declares;
use crate::header::Header;
use crate::layout;
use crate::quotes::Stray;
use crate::scan::{self, Encoding, Held, Scanned, Scanner, Span};
use crate::usage::Usage;
use crate::{ExtractError, Record, Row, SourcePath};

/// The records of one object, in the order of its file.
#[derive(Debug)]
pub struct Records {
    scanner: Scanner,
    encoding: Encoding,
    file: String,
    header: Header,
    /// Nothing after this can be read.
    is_over: bool,
    surplus_rows: u64,
}

/// Lines at the head of a file among which its header is looked for.
const TITLE_LINES: usize = 20;

const NOT_UTF8: &str =
    "not UTF-8; if the file is Windows-1252, convert it with `iconv -f WINDOWS-1252 -t UTF-8`, or export it as UTF-8";

impl Records {
    pub(crate) fn open(source: &SourcePath, object: &SourceObject, usage: &Usage) -> Result<Self, ExtractError> {
        let io = |source_error: io::Error| ExtractError::Io { path: source.shown().to_owned(), source: source_error };
        let (input, encoding) = source.open().and_then(scan::open).map_err(io)?;
        let mut records = Self {
            scanner: Scanner::new(input),
            encoding,
            file: source.shown().to_owned(),
            header: Header::default(),
            is_over: false,
            surplus_rows: 0,
        };
        let (line, names) = records.read_header(object)?;
        let is_empty = !names.iter().any(|header| declares(object, header)) && !object.columns.is_empty();
        let found = Header::matched(names, object, |column| usage.reads(&object.name, column), (source.shown(), line));
        if is_empty && !matches!(found, Err(ExtractError::Header { .. })) {
            look_below(source, object, line)?;
        }
        records.header = found?;
        Ok(records)
    }

    fn read_header(&mut self, object: &SourceObject) -> Result<(u64, Vec<String>), ExtractError> {
        let error =
            |line, reason: &str| ExtractError::Header { file: self.file.clone(), line, reason: reason.to_owned() };
        let io = |source| ExtractError::Io { path: self.file.clone(), source };
        let first = self.scanner.next().map_err(io)?;
        let begun = match &first {
            Some(Scanned::Record { held, .. }) => self.scanner.text(*held),
            _ => self.scanner.unended(),
        };
        if let Some(reason) = layout::other_kind(begun) {
            return Err(error(1, &reason));
        }
        match first {
            None => Err(error(1, "the file is empty; even an object without records has a header")),
            Some(Scanned::Unclosed { line, .. } | Scanned::TooLong { line, .. }) => {
                Err(error(line, "a quote in the header is never closed"))
            }
            Some(Scanned::Record { line, stray: Some(_), held, .. }) => {
                // Of quoted cells that no comma separates the first one ends before the line does.
                let names = [String::from_utf8_lossy(self.scanner.text(held)).into_owned()];
                if let Some(sign) = layout::separator(&names, object) {
                    return Err(error(line, &layout::separated(sign, object)));
                }
                Err(error(line, "text stands behind the closing quote of a header; quotes inside a cell are doubled"))
            }
            Some(Scanned::Record { line, held, cells, .. }) => {
                let bytes = self.scanner.text(held);
                if bytes.contains(&0) {
                    let reason = if layout::is_utf16(bytes) {
                        "the header holds NUL bytes; UTF-16 is read only with its byte order mark"
                    } else {
                        "the header holds NUL bytes: this is no file of text; export the records as CSV"
                    };
                    return Err(error(line, reason));
                }
                let text = std::str::from_utf8(bytes).map_err(|_| error(line, &format!("the header is {NOT_UTF8}")))?;
                let all: Vec<Option<usize>> = (0..cells).map(Some).collect();
                let record = Record { line, text, spans: &self.scanner.spans, positions: &all, headers: &[] };
                Ok((line, (0..cells).map(|at| record.cell(at).to_owned()).collect()))
            }
        }
    }

    /// The next row; none at the end. After an error nothing more is read.
    #[expect(clippy::should_implement_trait, reason = "a row is lent, which an Iterator cannot do")]
    pub fn next(&mut self) -> Result<Option<Row<'_>>, ExtractError> {
        if self.is_over {
            return Ok(None);
        }
        let scanned = self.scanner.next().inspect_err(|_| self.is_over = true);
        let Some(scanned) = scanned.map_err(|source| ExtractError::Io { path: self.file.clone(), source })? else {
            return Ok(None);
        };
        Ok(Some(match scanned {
            Scanned::Unclosed { line, last_line } => {
                self.is_over = true;
                let reason = format!(
                    "{}: a quote in this record is never closed, so everything from here to the end of the file would be one cell; close it in the export",
                    lines(line, last_line)
                );
                Row::Malformed { line, reason }
            }
            Scanned::TooLong { line, last_line } => {
                self.is_over = true;
                let reason = format!(
                    "{} and on: this record does not end within 64 MiB, as after a quote that is never closed; nothing after it was read; close it in the export",
                    lines(line, last_line)
                );
                Row::Malformed { line, reason }
            }
            Scanned::Record { line, last_line, held, stray, .. } => {
                self.surplus_rows += u64::from(stray.is_none() && self.has_empty_surplus(held));
                match self.record((line, last_line), held, stray) {
                    Ok(record) => Row::Record(record),
                    Err(reason) => Row::Malformed { line, reason },
                }
            }
        }))
    }

    /// True where a row is longer than the header by cells that are empty, so that nothing is lost without them.
    fn has_empty_surplus(&self, held: Held) -> bool {
        let Some((_, surplus)) = self.scanner.spans.split_at_checked(self.header.names.len()) else { return false };
        let text = self.scanner.text(held);
        let is_empty =
            |span: &Span| text.get(span.from..span.until).is_some_and(|cell| cell.iter().all(u8::is_ascii_whitespace));
        !surplus.is_empty() && surplus.iter().all(is_empty)
    }

    /// The record of a row, or why it cannot be trusted to be one.
    fn record(&self, lines: (u64, u64), held: Held, stray: Option<Stray>) -> Result<Record<'_>, String> {
        let is_cut = self.has_empty_surplus(held);
        let (bytes, spans) = (self.scanner.text(held), self.scanner.spans.as_slice());
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.judged(lines, (text, spans, is_cut), stray);
        }
        // Half a letter at the end of a cell is told from one that is no letter anywhere by the cells alone.
        let (mut copy, mut copied) = (Vec::new(), Vec::new());
        for span in spans {
            let from = copy.len();
            copy.extend_from_slice(bytes.get(span.from..span.until).unwrap_or_default());
            copied.push(Span { from, until: copy.len() });
        }
        Err(match std::str::from_utf8(&copy) {
            Ok(text) => self.judged(lines, (text, &copied, is_cut), stray).err().unwrap_or_else(|| NOT_UTF8.to_owned()),
            Err(error) => {
                let offset = error.valid_up_to();
                let byte = copy.get(offset).copied().unwrap_or_default();
                format!("byte {byte:#04x} in {} is {NOT_UTF8}", self.column(&copied, offset))
            }
        })
    }

    /// The column in which a byte of a record stands.
    fn column(&self, spans: &[Span], offset: usize) -> String {
        let at = spans.iter().filter(|span| span.until <= offset).count();
        self.header.names.get(at).map_or_else(|| format!("cell {}", at + 1), |name| format!("column `{name}`"))
    }

    fn judged<'r>(
        &'r self,
        (line, last_line): (u64, u64),
        (text, spans, is_cut): (&'r str, &'r [Span], bool),
        stray: Option<Stray>,
    ) -> Result<Record<'r>, String> {
        let several = || if last_line > line { format!("{}: ", lines(line, last_line)) } else { String::new() };
        let expected = self.header.names.len();
        if let Some(stray) = stray {
            let help = if stray.is_escaped {
                "this file escapes quotes with a backslash, which must be doubled quotes"
            } else {
                "quotes inside a cell are doubled"
            };
            return Err(format!("{}text stands behind the quote that closes a cell; {help}", several()));
        }
        let (mut text, mut spans) = (text, spans);
        if is_cut {
            spans = spans.get(..expected).unwrap_or_default();
            text = text.get(..spans.last().map_or(0, |span| span.until)).unwrap_or_default();
        } else if spans.len() != expected {
            let say = |count: usize| if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            return Err(format!(
                "{}{} where the header has {expected}; a separator or quote in the text may not have been quoted",
                several(),
                say(spans.len())
            ));
        }
        if last_line > line + 1 && holds_rows(text, spans, expected) {
            return Err(format!(
                "{}a quote that opens in line {line} closes in line {last_line} and holds whole rows; close it where its cell ends",
                several()
            ));
        }
        if !text.is_ascii()
            && let Some(span) = spans.iter().find(|span| !text.is_char_boundary(span.until))
        {
            return Err(format!("the end of {} is {NOT_UTF8}", self.column(spans, span.until.saturating_sub(1))));
        }
        if let Some(offset) = memchr::memchr(0, text.as_bytes()) {
            let column = self.column(spans, offset);
            return Err(format!("{column} holds a NUL byte, which no destination takes; remove it"));
        }
        if self.encoding == Encoding::Utf16
            && let Some(offset) = text.find('\u{fffd}')
        {
            let column = self.column(spans, offset);
            return Err(format!("{column} is not valid UTF-16; export the file as UTF-8"));
        }
        Ok(Record { line, text, spans, positions: &self.header.positions, headers: &self.header.names })
    }

    /// Number of rows so far that were longer than the header by empty cells, which are read past.
    pub fn surplus_rows(&self) -> u64 {
        self.surplus_rows
    }

    /// The file's path, relative to the project.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The cell of the file in which a column stands, by its position in `SourceObject.columns`.
    pub(crate) fn position(&self, column: usize) -> Option<usize> {
        self.header.positions.get(column).copied().flatten()
    }

    /// Encoding of the file's text.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Takes the headers that another object of the same file declares out of those that nobody claims.
    pub(crate) fn are_declared_by(&mut self, other: &SourceObject) {
        self.header.extra.retain(|header| !declares(other, header));
    }

    /// Headers that no column of the catalog claims.
    pub fn extra_columns(&self) -> &[String] {
        &self.header.extra
    }

    /// Columns of the catalog that the file lacks and the plan does not read.
    pub fn missing_columns(&self) -> &[String] {
        &self.header.missing
    }
}

/// An error where the columns of an object stand in a line below the one that was read as the header.
fn look_below(source: &SourcePath, object: &SourceObject, read: u64) -> Result<(), ExtractError> {
    let found = header_below(source, object, read).map_err(|error| source.io(error))?;
    found.map_or(Ok(()), |line| {
        let reason = format!(
            "the columns of {} stand in line {line}, and what is above them is no header; take the lines before it out of the file",
            object.name
        );
        Err(ExtractError::Header { file: source.shown().to_owned(), line: read, reason })
    })
}

fn header_below(source: &SourcePath, object: &SourceObject, read: u64) -> io::Result<Option<u64>> {
    let mut scanner = Scanner::new(source.open().and_then(scan::open)?.0);
    for _ in 0..TITLE_LINES {
        let Some(Scanned::Record { line, held, cells, .. }) = scanner.next()? else { break };
        let Ok(text) = std::str::from_utf8(scanner.text(held)) else { break };
        let all: Vec<Option<usize>> = (0..cells).map(Some).collect();
        let record = Record { line, text, spans: &scanner.spans, positions: &all, headers: &[] };
        let row: Vec<&str> = (0..cells).map(|at| record.cell(at)).collect();
        if line > read && layout::is_header(&row, object) {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

/// `line 4`, `lines 2 to 4`.
fn lines(first: u64, last: u64) -> String {
    if last > first { format!("lines {first} to {last}") } else { format!("line {first}") }
}

/// True where each line of a record of at least three lines would be a whole row of its own, were it not for the quotes
/// around it.
fn holds_rows(text: &str, spans: &[Span], columns: usize) -> bool {
    if columns < 2 {
        return false;
    }
    let mut separators = 0_usize;
    for (at, span) in spans.iter().enumerate() {
        separators += usize::from(at > 0);
        for byte in text.get(span.from..span.until).unwrap_or_default().bytes() {
            match byte {
                b',' => separators += 1,
                b'\n' if separators + 1 != columns => return false,
                b'\n' => separators = 0,
                _ => {}
            }
        }
    }
    separators + 1 == columns
}
