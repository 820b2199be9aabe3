//! Places of cells within a file.

use std::collections::BTreeMap;
use std::io::{self, Read};

/// Where cells begin in a CSV text: for each 1-based physical line on which a record starts and each 0-based cell of it, the 1-based character of that line. A
/// cell that begins on a later line, within a record of several, has none. Nothing is read beyond the last line that is asked for.
pub(crate) fn cell_starts(mut input: impl Read, wanted: &BTreeMap<u64, Vec<usize>>) -> io::Result<Starts> {
    let mut found = Starts::new();
    let Some(last) = wanted.keys().next_back() else { return Ok(found) };
    let mut chunk = vec![0; 64 << 10];
    let mut line = Line::at(1, wanted);
    let mut after_return = false;
    loop {
        let read = match input.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            line.begin(&mut found);
            return Ok(found);
        }
        for byte in chunk.get(..read).unwrap_or_default() {
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    line.begin(&mut found);
                    line = Line::at(line.number + 1, wanted);
                    if line.number > *last {
                        return Ok(found);
                    }
                }
                byte => line.take(*byte, &mut found),
            }
            after_return = *byte == b'\r';
        }
    }
}

/// State of a cell before its next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// Start of the cell: the next byte is the first one.
    Start,
    /// Text outside quotes.
    Plain,
    /// Text within quotes, separators included.
    Quotes,
    /// Quote within quotes, which closes them or is the first of two.
    QuoteInQuotes,
}

/// A physical line as it is walked.
struct Line<'w> {
    number: u64,
    /// The cells asked for; none of a line that nobody asks for, whose bytes are only passed.
    wanted: Option<&'w [usize]>,
    cell: usize,
    within: Within,
    /// Characters before.
    characters: u32,
}

type Starts = BTreeMap<(u64, usize), u32>;

impl<'w> Line<'w> {
    fn at(number: u64, wanted: &'w BTreeMap<u64, Vec<usize>>) -> Self {
        let wanted = wanted.get(&number).map(Vec::as_slice);
        Self { number, wanted, cell: 0, within: Within::Start, characters: 0 }
    }

    fn take(&mut self, byte: u8, found: &mut Starts) {
        if self.wanted.is_none() {
            return;
        }
        self.begin(found);
        self.within = match (byte, self.within) {
            (b'"', Within::Quotes) => Within::QuoteInQuotes,
            (_, Within::Quotes) | (b'"', Within::Start | Within::QuoteInQuotes) => Within::Quotes,
            (b',', _) => {
                self.cell += 1;
                Within::Start
            }
            _ => Within::Plain,
        };
        // A byte that goes on with a character is none of its own.
        self.characters = self.characters.saturating_add(u32::from(byte & 0xc0 != 0x80));
    }

    /// Notes where the cell begins, if it does here; an empty last one begins where the line ends.
    fn begin(&self, found: &mut Starts) {
        if self.within == Within::Start && self.wanted.is_some_and(|wanted| wanted.contains(&self.cell)) {
            found.insert((self.number, self.cell), self.characters.saturating_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(text: &str, wanted: &[(u64, usize)]) -> Vec<Option<u32>> {
        let mut lines: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (line, cell) in wanted {
            lines.entry(*line).or_default().push(*cell);
        }
        let found = cell_starts(text.as_bytes(), &lines).unwrap();
        wanted.iter().map(|place| found.get(place).copied()).collect()
    }

    #[test]
    fn a_cell_begins_at_its_quote_and_columns_count_characters() {
        let text = "id,name,city\r\n1,\"Ä, \"\"b\"\"\",Köln\r\n2,x\"y,\r\n";
        assert_eq!(starts(text, &[(2, 0), (2, 1), (2, 2)]), [Some(1), Some(3), Some(14)]);
        assert_eq!(starts(text, &[(3, 1), (3, 2), (3, 3), (9, 0)]), [Some(3), Some(7), None, None]);
    }

    #[test]
    fn a_cell_that_begins_on_a_later_line_of_its_record_has_no_place() {
        let text = "id,note,city\n1,\"two\nlines\",Bonn\n2,\"\",Ulm";
        assert_eq!(starts(text, &[(2, 1), (2, 2), (4, 2)]), [Some(3), None, Some(6)]);
    }

    proptest::proptest! {
        #[test]
        fn what_begins_where_it_is_said_reads_as_the_cell(rows in proptest::collection::vec(proptest::collection::vec("[a\", é]{0,5}", 2..4), 1..5)) {
            let quoted = |cell: &String| if cell.contains(['"', ',']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() };
            let lines: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(quoted).collect()).collect();
            let text: String = lines.iter().map(|cells| cells.join(",") + "\n").collect();
            for (at, cells) in lines.iter().enumerate() {
                let number = u64::try_from(at + 1).unwrap();
                for (cell, expected) in cells.iter().enumerate() {
                    let start = starts(&text, &[(number, cell)])[0].unwrap();
                    let rest: String = text.lines().nth(at).unwrap().chars().skip(usize::try_from(start).unwrap() - 1).collect();
                    proptest::prop_assert!(rest.starts_with(expected.as_str()), "{rest} {expected}");
                }
            }
        }
    }
}
