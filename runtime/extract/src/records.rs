use std::io;

use migr_plan::SourceObject;

use crate::header::Header;
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
}

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
        };
        let (line, names) = records.read_header()?;
        records.header =
            Header::matched(names, object, |column| usage.reads(&object.name, column), (source.shown(), line))?;
        Ok(records)
    }

    fn read_header(&mut self) -> Result<(u64, Vec<String>), ExtractError> {
        let error =
            |line, reason: &str| ExtractError::Header { file: self.file.clone(), line, reason: reason.to_owned() };
        let io = |source| ExtractError::Io { path: self.file.clone(), source };
        match self.scanner.next().map_err(io)? {
            None => Err(error(1, "the file is empty; even an object without records has a header")),
            Some(Scanned::Unclosed { line } | Scanned::TooLong { line }) => {
                Err(error(line, "a quote in the header is never closed"))
            }
            Some(Scanned::Record { line, length, cells }) => {
                let bytes = self.scanner.cells.get(..length).unwrap_or_default();
                if bytes.contains(&0) {
                    return Err(error(
                        line,
                        "the header holds NUL bytes; UTF-16 is read only with its byte order mark",
                    ));
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
            Scanned::Unclosed { line } => {
                self.is_over = true;
                let reason = "a quote in this record is never closed, so everything from here to the end of the file would be one cell; close it in the export";
                Row::Malformed { line, reason: reason.to_owned() }
            }
            Scanned::TooLong { line } => {
                self.is_over = true;
                let reason = "this record does not end within 64 MiB, as after a quote that is never closed; nothing after it was read";
                Row::Malformed { line, reason: reason.to_owned() }
            }
            Scanned::Record { line, length, cells } => self.row(line, length, cells),
        }))
    }

    fn row(&self, line: u64, length: usize, cells: usize) -> Row<'_> {
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
        if cells != expected {
            let say = |count: usize| if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            return malformed(format!(
                "{} where the header has {expected}; a separator or quote in the text may not have been quoted",
                say(cells)
            ));
        }
        if let Some(end) = ends.iter().find(|end| !text.is_char_boundary(**end)) {
            return malformed(format!("the end of {} is {NOT_UTF8}", column(end.saturating_sub(1))));
        }
        if bytes.contains(&0)
            && let Some(offset) = text.find('\0')
        {
            return malformed(format!("{} holds a NUL byte, which no destination takes; remove it", column(offset)));
        }
        if self.encoding == Encoding::Utf16
            && let Some(offset) = text.find('\u{fffd}')
        {
            return malformed(format!("{} is not valid UTF-16; export the file as UTF-8", column(offset)));
        }
        Row::Record(Record { line, text, ends, positions: &self.header.positions, headers: &self.header.names })
    }

    /// The file's path, relative to the project.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The cell of the file in which a column stands, by its position in `SourceObject.columns`.
    pub(crate) fn position(&self, column: usize) -> Option<usize> {
        self.header.positions.get(column).copied().flatten()
    }

    /// How the file's bytes are text.
    pub fn encoding(&self) -> Encoding {
        self.encoding
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
