//! Entries that say the same of different records: counted together, of each kind some held as examples.

use std::collections::BTreeMap;

use migr_plan::ReasonCode;

use crate::model::{Quarantined, Repaired, Report, UnsentFile};

/// Examples of one kind at most.
pub(crate) const OF_ONE: u64 = 1_000;
/// Examples of all kinds after which no kind gets more than [`FEW`].
pub(crate) const OF_ALL: u64 = 5_000;
/// Examples that every kind gets.
pub(crate) const FEW: u64 = 20;
/// Kinds that are told apart.
pub(crate) const KINDS: usize = 1_000;

/// Name of the kinds beyond [`KINDS`] together.
const OTHERS: &str = "other reasons";

/// Kind of entries: the map, the destination field where one is to blame, and the code of the reason; where there is none, or its words are somebody's own, the
/// reason without what differs from record to record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) map: String,
    pub(crate) field: Option<String>,
    pub(crate) code: Option<ReasonCode>,
    pub(crate) reason: String,
}

impl Kind {
    pub(crate) fn of(Said { map, field, code, reason }: Said<'_>) -> Self {
        // A code of a later program is none that is known here.
        let code = code.and_then(ReasonCode::find);
        Self { map: map.to_owned(), field: field.map(str::to_owned), code, reason: kind_of_reason(code, reason) }
    }
}

/// Kind of a reason in words: its code's, unless the code leaves the words to somebody else.
pub fn kind_of_reason(code: Option<ReasonCode>, reason: &str) -> String {
    match code {
        Some(code) if !code.is_worded() => code.summary().to_owned(),
        _ => without_words_of_records(reason),
    }
}

/// Parts of an entry that tell its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) map: &'a str,
    pub(crate) field: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) reason: &'a str,
}

/// Entries of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The reason as a person reads it: as it is written where all say the very same.
    pub(crate) label: String,
    pub(crate) entries: u64,
    listed: u64,
}

/// Number of entries of each kind. Takes no more room however many entries there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tallies {
    kinds: BTreeMap<Kind, Tally>,
    pub(crate) entries: u64,
    pub(crate) listed: u64,
}

impl Tallies {
    /// Counts an entry; whether it is to be held as an example.
    pub(crate) fn count(&mut self, said: Said<'_>, label: String) -> bool {
        self.entries += 1;
        let mut kind = Kind::of(said);
        let mut label = label;
        if self.kinds.len() >= KINDS && !self.kinds.contains_key(&kind) {
            kind = Self::others();
            OTHERS.clone_into(&mut label);
        }
        let coarse = kind.reason.clone();
        let tally = self.kinds.entry(kind).or_insert_with(|| Tally { label: label.clone(), entries: 0, listed: 0 });
        if tally.label != label {
            tally.label = coarse;
        }
        tally.entries += 1;
        let is_held = takes(tally.listed, self.listed);
        if is_held {
            tally.listed += 1;
            self.listed += 1;
        }
        is_held
    }

    /// The kind that an entry was counted under.
    pub(crate) fn kind(&self, said: Said<'_>) -> Kind {
        let kind = Kind::of(said);
        if self.kinds.contains_key(&kind) { kind } else { Self::others() }
    }

    /// Every kind with its entries, the largest first.
    pub(crate) fn largest_first(&self) -> Vec<(&Kind, &Tally)> {
        let mut kinds: Vec<(&Kind, &Tally)> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.entries));
        kinds
    }

    /// Every kind with its entries, by map, field and reason.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (&Kind, &Tally)> {
        self.kinds.iter()
    }

    fn others() -> Kind {
        Kind { map: String::new(), field: None, code: None, reason: OTHERS.to_owned() }
    }
}

/// A kind with its examples.
#[derive(Debug)]
pub(crate) struct Group<'r, T> {
    /// The map; empty for what is counted together because there are too many kinds.
    pub(crate) map: &'r str,
    /// The destination field, where one is to blame.
    pub(crate) field: Option<&'r str>,
    /// Code of the reason, where it has one.
    pub(crate) code: Option<ReasonCode>,
    /// The reason without what differs from record to record.
    pub(crate) reason: &'r str,
    /// Number of entries.
    pub(crate) entries: u64,
    /// Some of them, in the report's order.
    pub(crate) examples: Vec<&'r T>,
}

/// Quarantined records by map, field and kind of reason; the largest groups first.
pub(crate) fn of_quarantine(report: &Report) -> Vec<Group<'_, Quarantined>> {
    group(&report.quarantined, &report.quarantine, |entry| Said {
        map: &entry.map,
        field: entry.field.as_deref(),
        code: entry.code.as_deref(),
        reason: &entry.reason,
    })
}

/// Repairs by map, field and kind of reason; the largest groups first.
pub(crate) fn of_repairs(report: &Report) -> Vec<Group<'_, Repaired>> {
    group(&report.repaired, &report.repairs, |entry| Said {
        map: &entry.map,
        field: Some(&entry.field),
        code: entry.code.as_deref(),
        reason: &entry.reason,
    })
}

/// Files that were not sent by map, column and kind of reason; the largest groups first.
pub(crate) fn of_unsent_files(report: &Report) -> Vec<Group<'_, UnsentFile>> {
    group(&report.not_sent, &report.unsent_files, |entry| Said {
        map: &entry.map,
        field: Some(&entry.column),
        code: entry.code.as_deref(),
        reason: &entry.reason,
    })
}

fn group<'r, T>(tallies: &'r Tallies, entries: &'r [T], said: impl Fn(&'r T) -> Said<'r>) -> Vec<Group<'r, T>> {
    let mut examples: BTreeMap<Kind, Vec<&T>> = BTreeMap::new();
    for entry in entries {
        examples.entry(tallies.kind(said(entry))).or_default().push(entry);
    }
    let group = |(kind, tally): (&'r Kind, &'r Tally)| Group {
        map: &kind.map,
        field: kind.field.as_deref(),
        code: kind.code,
        reason: &tally.label,
        entries: tally.entries,
        examples: examples.remove(kind).unwrap_or_default(),
    };
    tallies.largest_first().into_iter().map(group).collect()
}

/// True where one more example is held, by how many of its kind and of all kinds are.
pub(crate) fn takes(of_kind: u64, of_all: u64) -> bool {
    of_kind < OF_ONE && (of_all < OF_ALL || of_kind < FEW)
}

/// A reason with each quoted value as `…`.
pub(crate) fn without_values(reason: &str) -> String {
    let mut kind = String::with_capacity(reason.len());
    let mut quoted = false;
    let mut escaped = false;
    for character in reason.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                if !quoted {
                    kind.push('…');
                }
            }
            _ if quoted => {}
            _ => kind.push(character),
        }
    }
    kind
}

/// Kind of a reason: the reason with quoted values, and each word that holds a digit, as `…` too: keys, ids and lines.
pub fn without_words_of_records(reason: &str) -> String {
    let reason = without_values(reason);
    let mut kind = String::with_capacity(reason.len());
    for (position, word) in reason.split(' ').enumerate() {
        if position > 0 {
            kind.push(' ');
        }
        if !word.contains(|character: char| character.is_ascii_digit()) {
            kind.push_str(word);
            continue;
        }
        let is_mark = |character: char| matches!(character, '(' | ')' | ',' | ';' | ':' | '.');
        let from = word.len() - word.trim_start_matches(is_mark).len();
        let to = word.trim_end_matches(is_mark).len();
        kind.push_str(word.get(..from).unwrap_or_default());
        kind.push('…');
        kind.push_str(word.get(to..).unwrap_or_default());
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reason: &str) -> Said<'_> {
        Said { map: "Contact", field: None, code: None, reason }
    }

    #[test]
    fn reasons_that_differ_in_the_value_alone_are_one_kind() {
        assert_eq!(without_values(r#""yesterday" is not a date of the form %m"#), "… is not a date of the form %m");
        assert_eq!(
            without_values(r#"refers to Company "K\"9", which is not there"#),
            "refers to Company …, which is not there"
        );
    }

    #[test]
    fn reasons_that_differ_in_a_key_or_a_line_are_one_kind() {
        for (reason, kind) in [
            ("duplicate of C00000012", "duplicate of …"),
            ("it has the same emails as C12 (line 13)", "it has the same emails as … (line …)"),
            ("K1 (line 2) → K2 (line 5) → K1", "… (line …) → … (line …) → …"),
            ("C1, which was quarantined", "…, which was quarantined"),
            ("left empty: K2 is its own parent", "left empty: … is its own parent"),
        ] {
            assert_eq!(without_words_of_records(reason), kind);
        }
    }

    #[test]
    fn a_kind_of_one_reason_is_called_by_it() {
        let mut tallies = Tallies::default();
        for _ in 0..3 {
            tallies.count(said("older than 2019"), "older than 2019".to_owned());
        }
        for key in ["C1", "C2"] {
            let reason = format!("duplicate of {key}");
            tallies.count(said(&reason), reason.clone());
        }
        let labels: Vec<(&str, u64)> =
            tallies.largest_first().into_iter().map(|(_, tally)| (tally.label.as_str(), tally.entries)).collect();
        assert_eq!(labels, [("older than 2019", 3), ("duplicate of …", 2)]);
    }

    #[test]
    fn reasons_of_one_code_are_one_kind_unless_their_words_are_somebodys_own() {
        let mut tallies = Tallies::default();
        let said = |code, reason| Said { code: Some(code), ..said(reason) };
        for reason in ["\"x\" is not a date", "\"y\" is not a number"] {
            tallies.count(said("Q201", reason), without_values(reason));
        }
        for reason in ["unknown kind", "older than 2019", "unknown kind"] {
            tallies.count(said("S101", reason), reason.to_owned());
        }
        let labels: Vec<(&str, u64)> =
            tallies.in_order().map(|(_, tally)| (tally.label.as_str(), tally.entries)).collect();
        let of_code = migr_plan::ReasonCode::Q201.summary();
        assert_eq!(labels, [(of_code, 2), ("older than 2019", 1), ("unknown kind", 2)]);
    }

    #[test]
    fn what_is_held_does_not_grow_with_the_entries() {
        let mut tallies = Tallies::default();
        let mut held = 0;
        for number in 0..60_000_u32 {
            // Words without digits: every one a kind of its own.
            let word: String = number.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            held += u64::from(tallies.count(said(&format!("no {word}")), String::new()));
        }
        assert_eq!(tallies.kinds.len(), KINDS + 1);
        assert_eq!((tallies.entries, tallies.listed), (60_000, held));
        assert_eq!(held, 2_000, "one of each kind, and a thousand of those beyond");
        assert_eq!(tallies.kind(said("no such kind yet")).reason, OTHERS);
        let all: u64 = tallies.in_order().map(|(_, tally)| tally.entries).sum();
        assert_eq!(all, 60_000, "every entry is counted");
    }

    #[test]
    fn one_kind_does_not_crowd_out_another() {
        let mut tallies = Tallies::default();
        for letter in 'a'..='z' {
            for _ in 0..2_000 {
                tallies.count(said(&letter.to_string()), String::new());
            }
        }
        assert!(tallies.in_order().all(|(_, tally)| (FEW..=OF_ONE).contains(&tally.listed)));
        assert_eq!(tallies.listed, OF_ALL + 21 * FEW);
    }
}
