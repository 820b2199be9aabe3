//! Quotes that stand where none can: the reader takes them as best it can, and such a row is not to be trusted.

use memchr::memchr;

/// The walk through the bytes of one record, beside the reader.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quotes {
    within: Within,
    last: u8,
    /// A backslash stood before the last quote.
    is_escaped: bool,
    stray: Option<Stray>,
}

/// Text behind the quote that closes a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    /// A backslash stands before the quote, as where a file escapes with it.
    pub(crate) is_escaped: bool,
}

/// State of a cell before its next byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    /// Start of the cell: the next byte is the first one.
    #[default]
    Start,
    /// Text outside quotes, where a quote is a sign like others.
    Plain,
    /// Text within quotes.
    Quotes,
    /// Quote within quotes.
    Quote,
    /// Only blanks stand behind the closing quote.
    Closed,
}

impl Quotes {
    /// The first stray quote of the record.
    pub(crate) fn stray(self) -> Option<Stray> {
        self.stray
    }

    /// Goes on with the bytes that the reader took.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            match self.within {
                Within::Quotes => {
                    let Some(at) = memchr(b'"', rest) else { break };
                    let before = at.checked_sub(1).and_then(|before| rest.get(before).copied()).unwrap_or(self.last);
                    self.is_escaped = before == b'\\';
                    self.within = Within::Quote;
                    rest = rest.get(at + 1..).unwrap_or_default();
                    self.last = b'"';
                }
                Within::Start | Within::Plain => {
                    let Some(at) = memchr(b'"', rest) else {
                        let ends = rest.last().copied().unwrap_or(self.last);
                        self.within = if is_separator(ends) { Within::Start } else { Within::Plain };
                        break;
                    };
                    let begins = match at.checked_sub(1).and_then(|before| rest.get(before)) {
                        Some(before) => is_separator(*before),
                        None => self.within == Within::Start,
                    };
                    self.within = if begins { Within::Quotes } else { Within::Plain };
                    self.last = b'"';
                    rest = rest.get(at + 1..).unwrap_or_default();
                }
                Within::Quote | Within::Closed => {
                    self.within = match *first {
                        b'"' if self.within == Within::Quote => Within::Quotes,
                        b' ' | b'\t' => Within::Closed,
                        other if is_separator(other) => Within::Start,
                        _ => {
                            self.stray.get_or_insert(Stray { is_escaped: self.is_escaped });
                            Within::Plain
                        }
                    };
                    self.last = *first;
                    rest = after;
                }
            }
        }
        if let Some(last) = bytes.last() {
            self.last = *last;
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stray(record: &str) -> Option<Stray> {
        let mut whole = Quotes::default();
        whole.take(record.as_bytes());
        let mut by_bytes = Quotes::default();
        record.as_bytes().chunks(1).for_each(|byte| by_bytes.take(byte));
        assert_eq!(whole.stray(), by_bytes.stray(), "{record}");
        whole.stray()
    }

    #[test]
    fn text_behind_a_closing_quote_is_noticed() {
        for (record, escaped) in [
            ("1,\"Bob \"Bobby\" Ray\",x", false),
            ("1,\"27\" Screens\",x", false),
            ("1,\"a\"b", false),
            ("1,\"a\" b", false),
            ("1,\"a\" \"b\"", false),
            ("1,\"x,2\n2,\"note\",3", false),
            ("1,\"Bob \\\"Bobby\\\" Ray\",x", true),
        ] {
            assert_eq!(stray(record), Some(Stray { is_escaped: escaped }), "{record}");
        }
        for record in [
            "1,\"Good \"\"quoted\"\" name\",x\r\n",
            "1,27\" Pipes,x",
            "1,\"a\" ,b",
            "\"\",\"\"",
            "1,\"a\\\",b",
            "\"a\nb\"\n",
        ] {
            assert_eq!(stray(record), None, "{record}");
        }
    }

    proptest::proptest! {
        #[test]
        fn rows_that_are_quoted_well_hold_no_stray_quote(cells in proptest::collection::vec("[a\"\\\\\r\n, é]{0,6}", 1..5)) {
            let row: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            proptest::prop_assert_eq!(stray(&(row.join(",") + "\n")), None);
        }
    }
}
