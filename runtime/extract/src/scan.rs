//! Bytes split into records, with the physical lines they stand on.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use csv_core::ReadRecordResult;
use encoding_rs_io::DecodeReaderBytesBuilder;

use crate::quotes::{Quotes, Stray};
use crate::watched::Watched;

/// A record longer than this is a quote that is never closed, not data.
const LONGEST_RECORD: usize = 64 << 20;
/// Number of bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// Encoding of the text of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16 of either order, by its byte order mark.
    Utf16,
}

/// One record as it was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// Record of so many cells; [`Scanner::text`] holds them, at [`Scanner::spans`].
    Record { line: u64, last_line: u64, held: Held, cells: usize, stray: Option<Stray> },
    /// The file ended inside a quoted cell.
    Unclosed { line: u64, last_line: u64 },
    /// Record that does not end within [`LONGEST_RECORD`].
    TooLong { line: u64, last_line: u64 },
}

/// Place of the text of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// In the chunk, as the file has it: with separators and quotes between the cells.
    Chunk { from: usize, until: usize },
    /// Bytes that were copied, one cell behind the other.
    Copy { length: usize },
}

/// Place of a cell in the text of its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: usize,
    pub(crate) until: usize,
}

/// Splits bytes into records and counts physical lines.
pub(crate) struct Scanner {
    input: Box<dyn Read + Send>,
    chunk: Vec<u8>,
    /// Start of the rest of the chunk.
    from: usize,
    until: usize,
    is_at_end: bool,
    core: csv_core::Reader,
    /// Room for cells that are copied.
    cells: Vec<u8>,
    ends: Vec<usize>,
    /// Places of the record's cells.
    pub(crate) spans: Vec<Span>,
    /// Numbers of the record's cells whose doubled quotes and line ends are to be rewritten.
    rewritten: Vec<usize>,
    lines: Lines,
    is_begun: bool,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("lines", &self.lines).finish_non_exhaustive()
    }
}

/// Opens a file and finds out its encoding.
pub(crate) fn open(mut file: Watched) -> io::Result<(Box<dyn Read + Send>, Encoding)> {
    let mut mark = [0_u8; 4];
    let mut length = 0;
    while let Some(rest) = mark.get_mut(length..)
        && !rest.is_empty()
    {
        match file.read(rest)? {
            0 => break,
            read => length += read,
        }
    }
    let mark = mark.get(..length).unwrap_or_default();
    if mark.starts_with(&[0xff, 0xfe]) || mark.starts_with(&[0xfe, 0xff]) {
        file.seek(SeekFrom::Start(0))?;
        return Ok((Box::new(DecodeReaderBytesBuilder::new().build(file)), Encoding::Utf16));
    }
    file.seek(SeekFrom::Start(if mark.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 }))?;
    Ok((Box::new(file), Encoding::Utf8))
}

impl Scanner {
    pub(crate) fn new(input: Box<dyn Read + Send>) -> Self {
        Self {
            input,
            chunk: vec![0; CHUNK],
            from: 0,
            until: 0,
            is_at_end: false,
            core: csv_core::Reader::new(),
            cells: vec![0; 4 << 10],
            ends: vec![0; 64],
            spans: Vec::new(),
            rewritten: Vec::new(),
            lines: Lines { line: 1, after_return: false, after_feed: false },
            is_begun: false,
        }
    }

    /// The next record; none at the end. Blank lines are no records.
    pub(crate) fn next(&mut self) -> io::Result<Option<Scanned>> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let line = self.lines.line;
        if let Some(Whole { from, until, breaks }) = self.whole() {
            let (held, cells) = (Held::Chunk { from, until }, self.spans.len());
            return Ok(Some(Scanned::Record { line, last_line: line + breaks, held, cells, stray: None }));
        }
        // The first record may begin with a mark of its encoding, of which the reader alone knows.
        self.is_begun = true;
        let (mut length, mut count) = (0, 0);
        let mut quotes = Quotes::default();
        loop {
            if self.from == self.until && !self.is_at_end {
                self.fill()?;
            }
            // At the end of the file one more line end tells: outside quotes it ends the record, inside it is data.
            let is_over = self.from == self.until;
            let rest = if is_over { b"\n" } else { self.chunk.get(self.from..self.until).unwrap_or_default() };
            let cells = self.cells.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(count..).unwrap_or_default();
            let (result, read, written, ended) = self.core.read_record(rest, cells, ends);
            if !is_over {
                let taken = rest.get(..read).unwrap_or_default();
                self.lines.count(taken);
                quotes.take(taken);
                self.from += read;
            }
            length += written;
            count += ended;
            match result {
                ReadRecordResult::Record => {
                    // The line end of the record itself is counted already, unless the file ends without one.
                    let last_line = self.lines.line.saturating_sub(u64::from(!is_over)).max(line);
                    let held = Held::Copy { length: self.unify_line_ends(length, count) };
                    let mut from = 0;
                    self.spans.clear();
                    for until in self.ends.iter().take(count).copied() {
                        self.spans.push(Span { from, until });
                        from = until;
                    }
                    let stray = quotes.stray();
                    return Ok(Some(Scanned::Record { line, last_line, held, cells: count, stray }));
                }
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::InputEmpty if is_over => {
                    return Ok(Some(Scanned::Unclosed { line, last_line: self.last_line(line) }));
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if length >= LONGEST_RECORD => {
                    return Ok(Some(Scanned::TooLong { line, last_line: self.last_line(line) }));
                }
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    /// Splits a record that stands whole in the chunk and whose quotes leave nothing to judge: nearly all do. None for any
    /// other record, of which nothing is taken.
    fn whole(&mut self) -> Option<Whole> {
        let rest = self.chunk.get(self.from..self.until).filter(|_| self.is_begun)?;
        self.spans.clear();
        self.rewritten.clear();
        let (mut at, mut breaks) = (0, 0);
        let (until, end) = loop {
            let (span, next) = if *rest.get(at)? == b'"' {
                let cell = quoted(rest, at + 1)?;
                breaks += cell.breaks;
                if cell.is_rewritten {
                    self.rewritten.push(self.spans.len());
                }
                (Span { from: at + 1, until: cell.end }, cell.end + 1)
            } else {
                let until = plain_end(rest, at)?;
                (Span { from: at, until }, until)
            };
            self.spans.push(span);
            match *rest.get(next)? {
                b',' => at = next + 1,
                end @ (b'\n' | b'\r') => break (next, end),
                _ => return None,
            }
        };
        let is_pair = end == b'\r' && rest.get(until + 1) == Some(&b'\n');
        let from = self.from;
        self.from += until + 1 + usize::from(is_pair);
        self.lines.end(if is_pair { b'\n' } else { end }, breaks);
        for number in &self.rewritten {
            if let Some(span) = self.spans.get_mut(*number)
                && let Some(cell) = self.chunk.get_mut(from + span.from..from + span.until)
            {
                span.until = span.from + rewrite(cell);
            }
        }
        Some(Whole { from, until: from + until, breaks })
    }

    /// The text of a record until the next one is read.
    pub(crate) fn text(&self, held: Held) -> &[u8] {
        match held {
            Held::Chunk { from, until } => self.chunk.get(from..until),
            Held::Copy { length } => self.cells.get(..length),
        }
        .unwrap_or_default()
    }

    /// Everything that was copied so far of a record which does not end.
    pub(crate) fn unended(&self) -> &[u8] {
        &self.cells
    }

    /// The line that was reached.
    fn last_line(&self, first: u64) -> u64 {
        let is_after_end = self.is_at_end && (self.lines.after_feed || self.lines.after_return);
        self.lines.line.saturating_sub(u64::from(is_after_end)).max(first)
    }

    /// Makes every line end within the cells of a record `\n`, whatever the file wrote.
    fn unify_line_ends(&mut self, length: usize, count: usize) -> usize {
        let cells = self.cells.get_mut(..length).unwrap_or_default();
        if memchr::memchr(b'\r', cells).is_none() {
            return length;
        }
        let ends = self.ends.get_mut(..count).unwrap_or_default();
        let (mut from, mut to) = (0, 0);
        for end in ends {
            let mut before = 0;
            while from < *end {
                let byte = cells.get(from).copied().unwrap_or_default();
                // A feed behind a return is the same line end.
                if !(byte == b'\n' && before == b'\r')
                    && let Some(slot) = cells.get_mut(to)
                {
                    *slot = if byte == b'\r' { b'\n' } else { byte };
                    to += 1;
                }
                before = byte;
                from += 1;
            }
            *end = to;
        }
        to
    }

    /// Skips line ends; true where anything else is left.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let rest = self.chunk.get(self.from..self.until).unwrap_or_default();
            if rest.first().is_some_and(|first| !matches!(first, b'\r' | b'\n')) {
                return Ok(true);
            }
            let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.lines.count(rest.get(..blank).unwrap_or_default());
            self.from += blank;
            if self.from < self.until {
                return Ok(true);
            }
            if self.is_at_end {
                return Ok(false);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.from = 0;
        self.until = loop {
            match self.input.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.is_at_end = self.until == 0;
        Ok(())
    }
}

/// Record that was split at once: its place in the chunk, and the number of the line ends within its cells.
struct Whole {
    from: usize,
    until: usize,
    breaks: u64,
}

/// Quoted cell: the place of the quote that closes it, the number of its line ends, and whether its text is not as it stands.
struct Quoted {
    end: usize,
    breaks: u64,
    is_rewritten: bool,
}

/// Looks at a cell behind the quote that opens it; none where the chunk ends before.
fn quoted(rest: &[u8], from: usize) -> Option<Quoted> {
    let (mut at, mut breaks, mut is_rewritten) = (from, 0, false);
    loop {
        at += memchr::memchr3(b'"', b'\n', b'\r', rest.get(at..)?)?;
        let next = rest.get(at + 1);
        match rest.get(at)? {
            b'"' if next != Some(&b'"') => return Some(Quoted { end: at, breaks, is_rewritten }),
            b'"' => {
                is_rewritten = true;
                at += 2;
            }
            b'\r' => {
                (breaks, is_rewritten) = (breaks + 1, true);
                at += if next == Some(&b'\n') { 2 } else { 1 };
            }
            _ => {
                breaks += 1;
                at += 1;
            }
        }
    }
}

/// Place of the comma or line end behind a cell without quotes around it; none where the chunk ends before.
fn plain_end(rest: &[u8], from: usize) -> Option<usize> {
    /// Words that are looked at before a longer search pays.
    const WORDS: usize = 4;
    let mut at = from;
    for _ in 0..WORDS {
        let Some(word) = rest.get(at..)?.first_chunk() else { break };
        let word = u64::from_le_bytes(*word);
        let found = noughts(word ^ each(b',')) | noughts(word ^ each(b'\n')) | noughts(word ^ each(b'\r'));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / u8::BITS) as usize);
        }
        at += size_of_val(&word);
    }
    Some(at + memchr::memchr3(b',', b'\n', b'\r', rest.get(at..)?)?)
}

/// Eight times a byte.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Marks the first byte of a word that is zero; marks behind it mean nothing.
const fn noughts(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}

/// Makes each pair of quotes one and every line end `\n`; gives the new length, behind which quotes fill the room.
fn rewrite(cell: &mut [u8]) -> usize {
    let (mut from, mut to) = (0, 0);
    while let Some(byte) = cell.get(from).copied() {
        let next = cell.get(from + 1).copied();
        let is_pair = matches!((byte, next), (b'"', Some(b'"')) | (b'\r', Some(b'\n')));
        from += if is_pair { 2 } else { 1 };
        if let Some(slot) = cell.get_mut(to) {
            *slot = if byte == b'\r' { b'\n' } else { byte };
        }
        to += 1;
    }
    // Half a letter in the room would make the record no text.
    cell.iter_mut().skip(to).for_each(|slot| *slot = b'"');
    to
}

/// Counts line ends: LF, CR LF, or CR alone.
#[derive(Clone, Copy, Debug)]
struct Lines {
    line: u64,
    after_return: bool,
    after_feed: bool,
}

impl Lines {
    /// A record ended, with so many line ends in its cells.
    fn end(&mut self, byte: u8, breaks: u64) {
        self.line += 1 + breaks;
        self.after_return = byte == b'\r';
        self.after_feed = byte == b'\n';
    }

    fn count(&mut self, bytes: &[u8]) {
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return };
        let count = |byte: u8| memchr::memchr_iter(byte, bytes).count() as u64;
        let (returns, feeds) = (count(b'\r'), count(b'\n'));
        // A feed after a return ends the same line.
        let mut pairs = u64::from(self.after_return && *first == b'\n');
        if returns > 0 && feeds > 0 {
            pairs += bytes.windows(2).map(|pair| u64::from(pair == b"\r\n")).sum::<u64>();
        }
        self.line += (returns + feeds).saturating_sub(pairs);
        self.after_return = *last == b'\r';
        self.after_feed = *last == b'\n';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_record_are_told() {
        let mut scanner = Scanner::new(Box::new(io::Cursor::new(b"a,b\r\n1,\"x\r\ny\"\r\n\r\n2,\"z\n\"".to_vec())));
        let mut lines = Vec::new();
        while let Some(scanned) = scanner.next().unwrap() {
            if let Scanned::Record { line, last_line, .. } = scanned {
                lines.push((line, last_line));
            }
        }
        assert_eq!(lines, [(1, 1), (2, 3), (5, 6)]);
    }

    /// Gives one byte at a time, so that every record is split everywhere.
    struct Drip(Vec<u8>, usize);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some(byte) = self.0.get(self.1) else { return Ok(0) };
            into[0] = *byte;
            self.1 += 1;
            Ok(1)
        }
    }

    fn scan(input: Box<dyn Read + Send>) -> Vec<String> {
        let mut scanner = Scanner::new(input);
        let mut found = Vec::new();
        while let Some(scanned) = scanner.next().unwrap() {
            found.push(match scanned {
                Scanned::Record { line, held, cells, stray, .. } => {
                    let text = std::str::from_utf8(scanner.text(held)).unwrap();
                    assert_eq!(scanner.spans.len(), cells);
                    let cells: Vec<&str> =
                        scanner.spans.iter().map(|span| text.get(span.from..span.until).unwrap()).collect();
                    let stray = if stray.is_some() { "; stray" } else { "" };
                    format!("{line}: {}{stray}", cells.join("|"))
                }
                Scanned::Unclosed { line, last_line } => format!("{line} to {last_line}: unclosed"),
                Scanned::TooLong { line, last_line } => format!("{line} to {last_line}: too long"),
            });
        }
        found
    }

    /// First and last line of each record.
    fn places(input: Box<dyn Read + Send>) -> Vec<(u64, u64)> {
        let mut scanner = Scanner::new(input);
        let mut found = Vec::new();
        while let Some(scanned) = scanner.next().unwrap() {
            if let Scanned::Record { line, last_line, .. } = scanned {
                found.push((line, last_line));
            }
        }
        found
    }

    fn both(text: &str) -> Vec<String> {
        let whole = scan(Box::new(io::Cursor::new(text.as_bytes().to_vec())));
        assert_eq!(scan(Box::new(Drip(text.as_bytes().to_vec(), 0))), whole);
        whole
    }

    #[test]
    fn lines_are_physical_lines_whatever_ends_them() {
        assert_eq!(both("a,b\n\n\n1,\"x\ny\"\n2,z"), ["1: a|b", "4: 1|x\ny", "6: 2|z"]);
        assert_eq!(both("a,b\r\n\r\n1,\"x\r\ny\"\r\n2,z\r\n"), ["1: a|b", "3: 1|x\ny", "5: 2|z"]);
        assert_eq!(both("a,b\r1,\"x\ry\"\r2,z\r"), ["1: a|b", "2: 1|x\ny", "4: 2|z"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_noticed_at_the_end_of_the_file() {
        assert_eq!(both("a,b\n1,\"x\n2,y\n"), ["1: a|b", "2 to 3: unclosed"]);
        assert_eq!(both("a,b\n1,\"x\"\"\n"), ["1: a|b", "2 to 2: unclosed"]);
        assert_eq!(both("a,b\n1,\"x\"\"\""), ["1: a|b", "2: 1|x\""]);
        assert_eq!(both("a,b\n1,5\" pipe"), ["1: a|b", "2: 1|5\" pipe"]);
    }

    #[test]
    fn an_empty_file_has_no_record() {
        assert!(both("").is_empty());
        assert!(both("\r\n\n").is_empty());
    }

    /// The records of a text as the reader alone splits it.
    fn slowly(text: &str) -> Vec<String> {
        scan(Box::new(Drip(text.as_bytes().to_vec(), 0)))
    }

    proptest::proptest! {
        #[test]
        fn records_that_are_split_at_once_are_those_of_the_reader(text in "[a\",\"é, \r\n]{0,40}") {
            let whole = scan(Box::new(io::Cursor::new(text.clone().into_bytes())));
            proptest::prop_assert_eq!(whole, slowly(&text));
            let at_once = places(Box::new(io::Cursor::new(text.clone().into_bytes())));
            proptest::prop_assert_eq!(at_once, places(Box::new(Drip(text.into_bytes(), 0))));
        }

        #[test]
        fn what_was_quoted_comes_back(rows in proptest::collection::vec(proptest::collection::vec("[a\"\r\n, é]{0,6}", 2..4), 1..6)) {
            let mut text = String::new();
            for row in &rows {
                let cells: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                text.push_str(&cells.join(","));
                text.push('\n');
            }
            let found: Vec<String> = both(&text).into_iter().map(|row| row.split_once(": ").unwrap().1.to_owned()).collect();
            let expected: Vec<String> =
                rows.iter().map(|row| row.join("|").replace("\r\n", "\n").replace('\r', "\n")).collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
