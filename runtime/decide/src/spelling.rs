//! Identities that differ in nothing that a reader sees as a difference: case, blanks, the form of a letter.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::FixedState;
use unicode_normalization::UnicodeNormalization as _;

/// Pairs of spellings that are shown.
const SHOWN: usize = 2;

/// Run of letters and digits from which on it is an id, whose case counts: Salesforce's have 15 signs.
const ID: usize = 12;

/// Identities of one stage, each by two hashes: of what is compared here, and of the value itself.
#[derive(Debug, Default)]
pub(crate) struct Spellings {
    by_path: BTreeMap<usize, Vec<Spelling>>,
}

/// Hash of the folded value, hash of the value, line.
type Spelling = (u64, u32, u32);

/// Records whose identities differ from those of others in spelling alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike<T> {
    /// Position of the identity.
    pub path: usize,
    /// Records of the values that several spellings have, but for those of the spelling that comes first.
    pub records: u64,
    /// Two spellings of one value, by the first lines that have them; a few such pairs.
    pub pairs: Vec<[T; 2]>,
}

/// A value with the first line that has it.
pub type Spelt = (String, u64);

impl Spellings {
    /// Takes an identity of a record.
    pub(crate) fn add(&mut self, path: usize, value: &str, line: u64) {
        let short = u32::try_from(hash(value) >> 32).unwrap_or_default();
        let spelling = (folded_hash(value), short, u32::try_from(line).unwrap_or(u32::MAX));
        self.by_path.entry(path).or_default().push(spelling);
    }

    /// Values of several spellings, by position of the identity; pairs are told by their lines.
    pub(crate) fn alike(self) -> Vec<Alike<u64>> {
        let mut all = Vec::new();
        for (path, mut spellings) in self.by_path {
            spellings.sort_unstable();
            let mut found = Alike { path, records: 0, pairs: Vec::new() };
            for group in spellings.chunk_by(|one, other| one.0 == other.0) {
                let first = group.iter().min_by_key(|one| one.2);
                let Some(&(_, spelling, line)) = first else { continue };
                let others: Vec<u32> = group.iter().filter(|one| one.1 != spelling).map(|one| one.2).collect();
                let Some(other) = others.iter().min() else { continue };
                found.records += u64::try_from(others.len()).unwrap_or_default();
                found.pairs.push([u64::from(line), u64::from(*other)]);
                found.pairs.sort_unstable();
                found.pairs.truncate(SHOWN);
            }
            if found.records > 0 {
                all.push(found);
            }
        }
        all
    }
}

/// Key of a fixed hash: a forecast is the same each time.
const KEY: u64 = 0x6d69_6772;

fn hash(value: &str) -> u64 {
    let mut hasher = FixedState::with_seed(KEY).build_hasher();
    hasher.write(value.as_bytes());
    hasher.finish()
}

fn folded_hash(value: &str) -> u64 {
    hash(&folded(value))
}

/// A text without what is no difference to a reader: case, kind and number of blanks, the form of its letters, signs that are not seen. The case of an id stays.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is_id = text.len() >= ID && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        digits > 0 && digits < text.len()
    };
    if is_id {
        out.push_str(text);
    } else if text.is_ascii() {
        words(text.chars().map(|sign| sign.to_ascii_lowercase()), &mut out);
    } else {
        let unseen = |sign: &char| matches!(sign, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
        words(text.nfkc().filter(|sign| !unseen(sign)).flat_map(char::to_lowercase), &mut out);
    }
    out
}

/// Signs with one blank between words and none around them.
fn words(signs: impl Iterator<Item = char>, out: &mut String) {
    let mut is_apart = false;
    for sign in signs {
        if sign.is_whitespace() {
            is_apart = !out.is_empty();
        } else {
            if std::mem::take(&mut is_apart) {
                out.push(' ');
            }
            out.push(sign);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_fold_alike_and_other_values_do_not() {
        for (one, other) in [
            ("Acme GmbH", "ACME  gmbh "),
            ("Café", "Cafe\u{301}"),
            ("Gamma Inc", "Gamma\u{a0}Inc"),
            ("Zed", "Z\u{200b}ed\u{feff}"),
            ("Ａbc", "abc"),
            ("a\u{1f}B", "A\u{1f}b"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        for (one, other) in
            [("Acme", "Acme Inc"), ("Café", "Cafe"), ("0015000000AbCdE", "0015000000AbCde"), ("A-1", "A1"), ("", "x")]
        {
            assert_ne!(folded(one), folded(other), "{one}");
        }
    }

    #[test]
    fn records_of_another_spelling_are_counted_with_the_first_lines_of_two_pairs() {
        let mut spellings = Spellings::default();
        let values = ["Acme", "Beta", "ACME", "acme", "Acme", "beta", "Zed", "zed", "Zed"];
        for (line, value) in (2..).zip(values) {
            spellings.add(0, value, line);
            spellings.add(1, "same", line);
        }
        assert_eq!(spellings.alike(), [Alike { path: 0, records: 4, pairs: vec![[2, 4], [3, 7]] }]);
    }
}
