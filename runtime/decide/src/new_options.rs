//! Options that values become, counted.

use std::collections::{BTreeMap, BTreeSet};

use migr_transform::CreatedOption;

/// New options of each picklist, from its values.
#[derive(Debug, Default)]
pub struct NewOptions {
    /// By picklist and value.
    pub seen: BTreeMap<String, BTreeMap<String, OptionSeen>>,
    /// Picklists with more values than are kept.
    pub overflowing: BTreeSet<String>,
}

/// A value that becomes an option.
#[derive(Debug)]
pub struct OptionSeen {
    /// Name that people see.
    pub label: String,
    /// Other names that would become the same option, which would make one of values that differ.
    pub others: BTreeSet<String>,
    /// Records that will be written with it.
    pub records: u64,
    /// Records that have it, those that are quarantined for another reason too.
    pub met: u64,
    /// The first records that have it: stage, line, key.
    pub places: Vec<(usize, u64, String)>,
}

/// Options of one picklist that are kept.
const MOST_OPTIONS: usize = 1_000;
/// Records of one option that are remembered.
const MOST_PLACES: usize = 1_000;

/// Other names of one option that are kept.
const MOST_OTHERS: usize = 10;

/// True where two names differ in more than case, blanks, and hyphens or underscores between words: one option for both would make one of values that differ.
pub fn are_apart(one: &str, other: &str) -> bool {
    one != other && folded(one) != folded(other)
}

fn folded(name: &str) -> String {
    let signs: Vec<char> = name.chars().collect();
    let is_letter = |at: Option<usize>| at.and_then(|at| signs.get(at)).is_some_and(|sign| sign.is_alphabetic());
    let spaced: String = signs
        .iter()
        .enumerate()
        .map(|(at, sign)| {
            let joins = matches!(sign, '-' | '_') && is_letter(at.checked_sub(1)) && is_letter(Some(at + 1));
            if joins { ' ' } else { *sign }
        })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl NewOptions {
    /// Takes an option of a record; `place` is its stage, line and key.
    pub fn add(&mut self, option: CreatedOption, is_written: bool, place: (usize, u64, &str)) {
        let options = self.seen.entry(option.picklist.clone()).or_default();
        if options.len() >= MOST_OPTIONS && !options.contains_key(&option.value) {
            self.overflowing.insert(option.picklist);
            return;
        }
        let seen = options.entry(option.value).or_insert_with(|| OptionSeen {
            label: option.label.clone(),
            others: BTreeSet::new(),
            records: 0,
            met: 0,
            places: Vec::new(),
        });
        if are_apart(&seen.label, &option.label) && seen.others.len() < MOST_OTHERS {
            seen.others.insert(option.label);
        }
        seen.met += 1;
        seen.records += u64::from(is_written);
        if seen.places.len() < MOST_PLACES {
            let (stage, line, key) = place;
            seen.places.push((stage, line, key.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::are_apart;

    #[test]
    fn signs_keep_names_apart_and_spelling_does_not() {
        for (one, other, apart) in [
            ("In progress", "IN-PROGRESS", false),
            ("in  progress ", "in_progress", false),
            ("10+ employees", "< 10 employees", true),
            ("1-5", "1.5", true),
            ("A+", "A-", true),
            ("A", "A-", true),
            ("New?", "New", true),
        ] {
            assert_eq!(are_apart(one, other), apart, "{one} {other}");
        }
    }
}
