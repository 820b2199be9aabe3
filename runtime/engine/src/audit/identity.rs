//! Values as they are compared where no destination can compare them, and the options that values become.

use std::collections::{BTreeMap, BTreeSet};

use migr_plan::FieldType;
use migr_transform::{CreatedOption, Value};

/// A value in the form in which it is compared; a composite stands for its unique part, else its first.
pub(crate) fn compared(ty: &FieldType, path: Option<&str>, value: &Value<'_>) -> Option<String> {
    if let (FieldType::Composite { parts, .. }, Value::Record(values)) = (ty, value) {
        let (name, rest) = match path {
            Some(path) => path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest))),
            None => (parts.iter().find(|part| part.unique).or_else(|| parts.first())?.name.as_str(), None),
        };
        let ty = parts.iter().find(|part| part.name == name).map_or(&FieldType::Text, |part| &part.ty);
        return compared(ty, rest, values.iter().find(|(part, _)| part == name).map(|(_, value)| value)?);
    }
    let text = match value {
        Value::Text(text) | Value::Option(text) => text.trim().to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) => number.normalize().to_string(),
        Value::Phone(phone) => phone.e164.clone(),
        Value::Date(date) => date.to_string(),
        Value::Datetime(instant) => instant.to_string(),
        Value::Reference(reference) => reference.id.to_string(),
        _ => return None,
    };
    let folded = match ty {
        FieldType::Email | FieldType::Url | FieldType::Composite { .. } => text.to_lowercase(),
        _ => text,
    };
    (!folded.is_empty()).then_some(folded)
}

/// What of each picklist's values becomes an option.
#[derive(Debug, Default)]
pub(crate) struct NewOptions {
    /// By picklist and value.
    pub(crate) seen: BTreeMap<String, BTreeMap<String, OptionSeen>>,
    /// Picklists with more values than are kept.
    pub(crate) overflowing: BTreeSet<String>,
}

/// A value that becomes an option.
#[derive(Debug)]
pub(crate) struct OptionSeen {
    pub(crate) label: String,
    /// Records that will be written with it.
    pub(crate) records: u64,
    /// Records that have it, those that are set aside for another reason too.
    pub(crate) met: u64,
    /// The first records that have it: stage, line, key.
    pub(crate) places: Vec<(usize, u64, String)>,
}

/// Options of one picklist that are kept.
const MOST_OPTIONS: usize = 1_000;
/// Records of one option that are remembered.
const MOST_PLACES: usize = 1_000;

impl NewOptions {
    /// Takes an option of a record; `place` is its stage, line and key.
    pub(crate) fn add(&mut self, option: CreatedOption, is_written: bool, place: (usize, u64, &str)) {
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
