//! Records of the export, lent and owned.

use crate::scan::Span;

/// Row of a file.
#[derive(Debug)]
pub enum Row<'r> {
    /// A record.
    Record(Record<'r>),
    /// Something that cannot be trusted to be one.
    Malformed {
        /// The 1-based physical line where it starts.
        line: u64,
        /// Defect of the row, and what to do about it. Holds no cell's text.
        reason: String,
    },
}

/// A record, lent until the next one is read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// The 1-based physical line where it starts.
    pub line: u64,
    pub(crate) text: &'r str,
    pub(crate) spans: &'r [Span],
    pub(crate) positions: &'r [Option<usize>],
    pub(crate) headers: &'r [String],
}

impl<'r> Record<'r> {
    /// The cell as it stands, by the column's position in `SourceObject.columns`; empty where the file lacks the column.
    pub fn cell(&self, column: usize) -> &'r str {
        match self.positions.get(column) {
            Some(Some(position)) => self.at(*position),
            _ => "",
        }
    }

    /// Where a column stands in the file: its 1-based place and its header; none where the file lacks it.
    pub fn place(&self, column: usize) -> Option<(usize, &'r str)> {
        let at = (*self.positions.get(column)?)?;
        Some((at + 1, self.headers.get(at)?))
    }

    /// The headers and cells of the file, in its order, those that the catalog does not know too.
    pub fn raw(&self) -> impl Iterator<Item = (&'r str, &'r str)> {
        let record = *self;
        self.headers.iter().enumerate().map(move |(at, header)| (header.as_str(), record.at(at)))
    }

    /// A copy that can be kept.
    pub fn to_owned(&self) -> OwnedRecord {
        let mut text = String::new();
        let mut ends = Vec::with_capacity(self.positions.len());
        for column in 0..self.positions.len() {
            text.push_str(self.cell(column));
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        OwnedRecord { line: self.line, text: text.into_boxed_str(), ends: ends.into_boxed_slice() }
    }

    fn at(&self, position: usize) -> &'r str {
        self.spans.get(position).and_then(|span| self.text.get(span.from..span.until)).unwrap_or_default()
    }
}

/// A record of its own: the cells of the catalog's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The 1-based physical line where it started.
    pub line: u64,
    text: Box<str>,
    ends: Box<[u32]>,
}

impl OwnedRecord {
    /// The cell as it stands, by the column's position in `SourceObject.columns`.
    pub fn cell(&self, column: usize) -> &str {
        let end = |at: usize| self.ends.get(at).and_then(|end| usize::try_from(*end).ok());
        let from = column.checked_sub(1).map_or(Some(0), end);
        let range = from.zip(end(column)).map(|(from, to)| from..to);
        range.and_then(|range| self.text.get(range)).unwrap_or_default()
    }

    /// A compact form: line, number of cells, lengths, text; integers of 7 bits a byte, the lowest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.text.len() + self.ends.len() + 8);
        write_integer(&mut bytes, self.line);
        write_integer(&mut bytes, u64::try_from(self.ends.len()).unwrap_or_default());
        let mut before = 0;
        for &end in &self.ends {
            write_integer(&mut bytes, u64::from(end - before));
            before = end;
        }
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }

    /// Reads the compact form; none where the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let line = read_integer(&mut rest)?;
        let count = usize::try_from(read_integer(&mut rest)?).ok()?;
        let mut ends = Vec::with_capacity(count.min(rest.len()));
        let mut end = 0_u32;
        for _ in 0..count {
            end = end.checked_add(u32::try_from(read_integer(&mut rest)?).ok()?)?;
            ends.push(end);
        }
        let text = std::str::from_utf8(rest).ok()?;
        let is_whole = ends.iter().all(|end| usize::try_from(*end).is_ok_and(|end| text.is_char_boundary(end)));
        is_whole.then(|| Self { line, text: text.into(), ends: ends.into_boxed_slice() })
    }
}

fn write_integer(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read_integer(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(line: u64, cells: &[String]) -> OwnedRecord {
        let text = cells.concat();
        let spans: Vec<Span> = cells
            .iter()
            .scan(0, |end, cell| {
                let from = *end;
                *end += cell.len();
                Some(Span { from, until: *end })
            })
            .collect();
        let positions: Vec<Option<usize>> = (0..cells.len()).map(Some).collect();
        Record { line, text: &text, spans: &spans, positions: &positions, headers: &[] }.to_owned()
    }

    proptest::proptest! {
        #[test]
        fn a_kept_record_survives_its_bytes(line in proptest::num::u64::ANY, cells in proptest::collection::vec(".*", 0..6)) {
            let record = owned(line, &cells);
            let read = OwnedRecord::from_bytes(&record.to_bytes()).unwrap();
            proptest::prop_assert_eq!(&read, &record);
            for (at, cell) in cells.iter().enumerate() {
                proptest::prop_assert_eq!(read.cell(at), cell.as_str());
            }
            proptest::prop_assert_eq!(read.cell(cells.len()), "");
        }

        #[test]
        fn other_bytes_are_no_record_and_no_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            if let Some(record) = OwnedRecord::from_bytes(&bytes) {
                record.cell(0);
            }
        }
    }
}
