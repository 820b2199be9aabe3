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

impl NewOptions {
    /// Takes an option of a record; `place` is its stage, line and key.
    pub fn add(&mut self, option: CreatedOption, is_written: bool, place: (usize, u64, &str)) {
        let options = self.seen.entry(option.picklist.clone()).or_default();
        if options.len() >= MOST_OPTIONS && !options.contains_key(&option.value) {
            self.overflowing.insert(option.picklist);
            return;
        }
        let seen = options.entry(option.value).or_insert_with(|| OptionSeen {
            label: option.label,
            records: 0,
            met: 0,
            places: Vec::new(),
        });
        seen.met += 1;
        seen.records += u64::from(is_written);
        if seen.places.len() < MOST_PLACES {
            let (stage, line, key) = place;
            seen.places.push((stage, line, key.to_owned()));
        }
    }
}
