//! Records of the export as the transform reads them.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use migr_extract::{OwnedRecord, Record};
use migr_transform::{Cells, trimmed};

/// A record while it is lent.
#[derive(Debug)]
pub struct Lent<'r>(pub Record<'r>);

impl Cells for Lent<'_> {
    fn cell(&self, column: usize) -> &str {
        self.0.cell(column)
    }
}

/// A record that was kept.
#[derive(Debug)]
pub struct Kept(pub OwnedRecord);

impl Cells for Kept {
    fn cell(&self, column: usize) -> &str {
        self.0.cell(column)
    }
}

/// Digest of what a row says in its cells.
pub fn digest<'c>(cells: impl Iterator<Item = &'c str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    cells.for_each(|cell| cell.hash(&mut hasher));
    hasher.finish()
}

/// True where a cell counts as empty.
pub fn is_blank(cell: &str, blanks: &[String]) -> bool {
    let cell = trimmed(cell);
    cell.is_empty() || blanks.iter().any(|blank| blank == cell)
}

/// A key in the form in which it is compared: trimmed, and without the case or the runs of blanks that count for nothing.
pub fn compared(key: &str, ignore_case: bool, ignore_space: bool) -> Cow<'_, str> {
    let key = trimmed(key);
    let stays =
        |byte: u8| byte.is_ascii() && !(ignore_case && byte.is_ascii_uppercase()) && !(ignore_space && byte <= b' ');
    if !(ignore_case || ignore_space) || key.bytes().all(stays) {
        return Cow::Borrowed(key);
    }
    let spaced = if ignore_space {
        Cow::Owned(key.split_whitespace().collect::<Vec<_>>().join(" "))
    } else {
        Cow::Borrowed(key)
    };
    if ignore_case { Cow::Owned(spaced.to_lowercase()) } else { spaced }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_compared_without_what_counts_for_nothing() {
        for (key, case, space, expected) in [
            (" a\u{a0}B  c ", false, false, "a\u{a0}B  c"),
            (" a\u{a0}B  c ", true, false, "a\u{a0}b  c"),
            (" a\u{a0}B  c ", false, true, "a B c"),
            ("a\nb", false, true, "a b"),
            ("ÄB", true, false, "äb"),
            ("c7@x.example", true, true, "c7@x.example"),
        ] {
            assert_eq!(compared(key, case, space), expected);
        }
    }
}
