//! The records of one object, read from its file: each row is trusted, or told with what is wrong with it.

use std::io;

use migr_plan::SourceObject;

use crate::columns::declares;
use crate::header::Header;
use crate::layout;
use crate::quotes::Stray;
use crate::scan::{self, Encoding, Scanned, Scanner};
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
        let length = match &first {
            Some(Scanned::Record { length, .. }) => *length,
            _ => self.scanner.cells.len(),
        };
        if let Some(reason) = layout::other_kind(self.scanner.cells.get(..length).unwrap_or_default()) {
            return Err(error(1, &reason));
        }
        match first {
            None => Err(error(1, "the file is empty; even an object without records has a header")),
            Some(Scanned::Unclosed { line, .. } | Scanned::TooLong { line, .. }) => {
                Err(error(line, "a quote in the header is never closed"))
            }
            Some(Scanned::Record { line, stray: Some(_), length, .. }) => {
                // Of quoted cells that no comma separates the first one ends before the line does.
                let bytes = self.scanner.cells.get(..length).unwrap_or_default();
                let names = [String::from_utf8_lossy(bytes).into_owned()];
                if let Some(sign) = layout::separator(&names, object) {
                    return Err(error(line, &layout::separated(sign, object)));
                }
                Err(error(line, "text stands behind the closing quote of a header; quotes inside a cell are doubled"))
            }
            Some(Scanned::Record { line, length, cells, .. }) => {
                let bytes = self.scanner.cells.get(..length).unwrap_or_default();
                if bytes.contains(&0) {
                    let reason = if layout::is_utf16(bytes) {
                        "the header holds NUL bytes; UTF-16 is read only with its byte order mark"
                    } else {
                        "the header holds NUL bytes: this is no file of text; export the records as CSV"
                    };
                    return Err(error(line, reason));
                }
                let text = std::str::from_utf8(bytes).map_err(|_| error(line, &format!("the header is {NOT_UTF8}")))?;
                let ends = self.scanner.ends.get(..cells).unwrap_or_default();
                let all: Vec<Option<usize>> = (0..cells).map(Some).collect();
                let record = Record { line, text, ends, positions: &all, headers: &[] };
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
            Scanned::Record { line, last_line, length, cells, stray } => {
                self.surplus_rows += u64::from(stray.is_none() && self.has_empty_surplus(cells));
                self.row((line, last_line), length, cells, stray)
            }
        }))
    }

    /// True where a row is longer than the header by cells that are empty, so that nothing is lost without them.
    fn has_empty_surplus(&self, cells: usize) -> bool {
        let expected = self.header.names.len();
        let ends = self.scanner.ends.get(..cells).unwrap_or_default();
        let kept = expected.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or_default();
        let surplus = ends.last().and_then(|end| self.scanner.cells.get(kept..*end)).unwrap_or_default();
        cells > expected && surplus.iter().all(u8::is_ascii_whitespace)
    }

    fn row(&self, (line, last_line): (u64, u64), length: usize, cells: usize, stray: Option<Stray>) -> Row<'_> {
        let malformed = |reason: String| Row::Malformed { line, reason };
        let ends = self.scanner.ends.get(..cells).unwrap_or_default();
        let bytes = self.scanner.cells.get(..length).unwrap_or_default();
        let expected = self.header.names.len();
        let column = |offset: usize| {
            let at = ends.iter().filter(|end| **end <= offset).count();
            self.header.names.get(at).map_or_else(|| format!("cell {}", at + 1), |name| format!("column `{name}`"))
        };
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let offset = error.valid_up_to();
                let byte = bytes.get(offset).copied().unwrap_or_default();
                return malformed(format!("byte {byte:#04x} in {} is {NOT_UTF8}", column(offset)));
            }
        };
        let several = if last_line > line { format!("{}: ", lines(line, last_line)) } else { String::new() };
        if let Some(stray) = stray {
            let help = if stray.is_escaped {
                "this file escapes quotes with a backslash, which must be doubled quotes"
            } else {
                "quotes inside a cell are doubled"
            };
            return malformed(format!("{several}text stands behind the quote that closes a cell; {help}"));
        }
        let (mut text, mut ends) = (text, ends);
        if self.has_empty_surplus(cells) {
            ends = ends.get(..expected).unwrap_or_default();
            text = text.get(..ends.last().copied().unwrap_or_default()).unwrap_or_default();
        } else if cells != expected {
            let say = |count: usize| if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            return malformed(format!(
                "{several}{} where the header has {expected}; a separator or quote in the text may not have been quoted",
                say(cells)
            ));
        }
        if last_line > line + 1 && holds_rows(text, ends, expected) {
            return malformed(format!(
                "{several}a quote that opens in line {line} closes in line {last_line} and holds whole rows; close it where its cell ends"
            ));
        }
        if !text.is_ascii()
            && let Some(end) = ends.iter().find(|end| !text.is_char_boundary(**end))
        {
            return malformed(format!("the end of {} is {NOT_UTF8}", column(end.saturating_sub(1))));
        }
        if let Some(offset) = memchr::memchr(0, bytes).filter(|offset| *offset < text.len()) {
            return malformed(format!("{} holds a NUL byte, which no destination takes; remove it", column(offset)));
        }
        if self.encoding == Encoding::Utf16
            && let Some(offset) = text.find('\u{fffd}')
        {
            return malformed(format!("{} is not valid UTF-16; export the file as UTF-8", column(offset)));
        }
        Row::Record(Record { line, text, ends, positions: &self.header.positions, headers: &self.header.names })
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
        let Some(Scanned::Record { line, length, cells, .. }) = scanner.next()? else { break };
        let Ok(text) = std::str::from_utf8(scanner.cells.get(..length).unwrap_or_default()) else { break };
        let ends = scanner.ends.get(..cells).unwrap_or_default();
        let all: Vec<Option<usize>> = (0..cells).map(Some).collect();
        let record = Record { line, text, ends, positions: &all, headers: &[] };
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
fn holds_rows(text: &str, ends: &[usize], columns: usize) -> bool {
    if columns < 2 {
        return false;
    }
    let (mut separators, mut from) = (0_usize, 0);
    for (at, end) in ends.iter().enumerate() {
        separators += usize::from(at > 0);
        for byte in text.get(from..*end).unwrap_or_default().bytes() {
            match byte {
                b',' => separators += 1,
                b'\n' if separators + 1 != columns => return false,
                b'\n' => separators = 0,
                _ => {}
            }
        }
        from = *end;
    }
    separators + 1 == columns
}
