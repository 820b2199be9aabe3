//! Cells of a list that people open in a spreadsheet.

use std::borrow::Cow;

use crate::deceptive::{is_printable_ascii, written_out};

/// A cell that no spreadsheet takes for a formula: an apostrophe stands before what would be one, also where a spreadsheet that separates by `;`, tab or line
/// would begin a cell. A number stays as it is.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    // A text of one part that begins with no sign.
    if is_printable_ascii(text)
        && !text.contains(';')
        && !text.trim_start_matches([' ', '"', '\'']).starts_with(is_sign)
    {
        return Cow::Borrowed(text);
    }
    let text = written_out(text, &['\n', '\t']);
    if !text.contains(is_sign) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 2);
    for part in text.split_inclusive([';', '\t', '\n']) {
        let at = part.len() - part.trim_start_matches([' ', '"', '\'']).len();
        let (before, rest) = part.split_at_checked(at).unwrap_or(("", part));
        safe.push_str(before);
        // An apostrophe that is there already does what another one would.
        if rest.starts_with(is_sign) && !is_number(rest.trim_end_matches([';', '\t', '\n'])) && !before.ends_with('\'')
        {
            safe.push('\'');
        }
        safe.push_str(rest);
    }
    if safe.len() == text.len() { text } else { Cow::Owned(safe) }
}

/// Signs that a formula begins with, in their wide forms too.
fn is_sign(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

/// True for a signed number, which is nothing to compute.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.chars().all(|one| one.is_ascii_digit() || matches!(one, '.' | ',' | ' '))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_be_computed_is_a_text() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+1-cmd|' /C calc'!A0", "'+1-cmd|' /C calc'!A0"),
            (" -1+2", " '-1+2"),
            ("＝1", "'＝1"),
            ("a;=1", "a;'=1"),
            ("a\n=1", "a\n'=1"),
            ("-5", "-5"),
            ("+49 30 1234", "+49 30 1234"),
            ("a = b", "a = b"),
            ("plain", "plain"),
            ("\r=1", "\\r=1"),
            ("'=1", "'=1"),
        ] {
            assert_eq!(csv_cell(text), cell);
        }
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula_however_the_file_is_split(cells in prop::collection::vec("[=+@a;,\"' \t\n\r1-]{0,8}", 1..4), by in prop::sample::select(vec![b',', b';', b'\t'])) {
            let mut writer = ::csv::Writer::from_writer(Vec::new());
            writer.write_record(cells.iter().map(|cell| csv_cell(cell).into_owned())).unwrap();
            let file = writer.into_inner().unwrap();
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(by).from_reader(&*file);
            for record in reader.records() {
                for cell in &record.unwrap() {
                    let cell = cell.trim_start_matches([' ', '"']);
                    prop_assert!(!cell.starts_with(is_sign) || is_number(cell.trim_end_matches('"').lines().next().unwrap_or(cell).trim_end_matches([';', '\t'])) || cell.contains([';', '\t', '\n', ',']) && !cell.starts_with(['=', '@']), "{cell:?} of {:?}", String::from_utf8_lossy(&file));
                }
            }
        }
    }
}
