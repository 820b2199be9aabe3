use std::collections::{BTreeMap, BTreeSet};

use migr_load::{Destination, Map};
use migr_plan::{DuplicatePolicy, FieldMapping, FieldType, Stage};
use migr_transform::{CreatedOption, Value};
use rusqlite::types::Value as Sort;

/// What no two records of a stage may share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identities {
    /// Each a list of destination paths that count together.
    pub(crate) paths: Vec<Vec<String>>,
    /// The first so many are those of `match`; the others are unique fields besides.
    pub(crate) matching: usize,
}

impl Identities {
    pub(crate) fn of(stage: &Stage) -> Self {
        let mut paths: Vec<Vec<String>> = Vec::new();
        let mut covered: Vec<&str> = Vec::new();
        if let Some(matching) = &stage.matching {
            if matching.all {
                paths.push(matching.fields.clone());
            } else {
                paths.extend(matching.fields.iter().map(|field| vec![field.clone()]));
            }
            if !matching.all || matching.fields.len() == 1 {
                covered.extend(matching.fields.iter().map(String::as_str));
            }
        }
        let matching = paths.len();
        for field in stage.fields.iter().filter(|field| !field.deferred) {
            let Some(part) = &field.unique else { continue };
            let path = match part.as_str() {
                part if part.is_empty() || part == field.field => field.field.clone(),
                part if part.contains('.') => part.to_owned(),
                part => format!("{}.{part}", field.field),
            };
            if !covered.contains(&path.as_str()) && !covered.contains(&field.field.as_str()) {
                paths.push(vec![path]);
            }
        }
        Self { paths, matching }
    }

    /// An identity in words.
    pub(crate) fn name(&self, path: usize) -> String {
        self.paths.get(path).map(|paths| paths.join(" and ")).unwrap_or_default()
    }

    /// Whether a sensitive field is part of an identity.
    pub(crate) fn is_sensitive(&self, stage: &Stage, path: usize) -> bool {
        self.paths.get(path).into_iter().flatten().any(|path| mapping(stage, path).is_some_and(|field| field.sensitive))
    }

    /// The identities of a native body or a found record, as the server compares.
    pub(crate) fn native(&self, destination: &dyn Destination, object: &str, record: &Map) -> Vec<(usize, String)> {
        self.each(|path| destination.identity(object, path, record))
    }

    /// The identities of computed values, where no destination can be asked: addresses without case, text trimmed.
    pub(crate) fn computed(&self, stage: &Stage, values: &[(usize, Value<'_>)]) -> Vec<(usize, String)> {
        self.each(|path| {
            let (field, parts) = path.split_once('.').map_or((path, None), |(field, parts)| (field, Some(parts)));
            let at = stage.fields.iter().position(|mapping| mapping.field == field)?;
            let value = values.iter().find(|(index, _)| *index == at).map(|(_, value)| value)?;
            compared(&stage.fields.get(at)?.ty, parts, value)
        })
    }

    fn each(&self, value: impl Fn(&str) -> Option<String>) -> Vec<(usize, String)> {
        let found = self.paths.iter().enumerate().filter_map(|(index, paths)| {
            let parts: Option<Vec<String>> = paths.iter().map(|path| value(path)).collect();
            parts.map(|parts| (index, parts.join("\u{1f}")))
        });
        found.collect()
    }
}

fn mapping<'s>(stage: &'s Stage, path: &str) -> Option<&'s FieldMapping> {
    let field = path.split('.').next().unwrap_or_default();
    stage.fields.iter().find(|mapping| mapping.field == field)
}

/// A value in the form in which it is compared; a composite stands for its unique part, else its first.
fn compared(ty: &FieldType, path: Option<&str>, value: &Value<'_>) -> Option<String> {
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

/// The column that a policy compares.
pub(crate) fn sort_column(policy: &DuplicatePolicy) -> Option<&str> {
    match policy {
        DuplicatePolicy::KeepOldest { column }
        | DuplicatePolicy::KeepNewest { column }
        | DuplicatePolicy::MergeNewest { column }
        | DuplicatePolicy::MergeOldest { column } => Some(column),
        DuplicatePolicy::Quarantine | DuplicatePolicy::KeepFirst | DuplicatePolicy::KeepLast => None,
    }
}

/// The order in which the records of one identity stand, the one that stays first.
pub(crate) fn order(policy: &DuplicatePolicy) -> &'static str {
    match policy {
        DuplicatePolicy::Quarantine | DuplicatePolicy::KeepFirst => "line",
        DuplicatePolicy::KeepLast => "line DESC",
        DuplicatePolicy::KeepOldest { .. } | DuplicatePolicy::MergeOldest { .. } => "sort IS NULL, sort, line",
        DuplicatePolicy::KeepNewest { .. } | DuplicatePolicy::MergeNewest { .. } => "sort IS NULL, sort DESC, line",
    }
}

/// A value in the form in which the database sorts it.
pub(crate) fn sort(value: &Value<'_>) -> Sort {
    match value {
        Value::Datetime(instant) => Sort::Integer(instant.as_microsecond()),
        Value::Date(date) => Sort::Text(date.to_string()),
        Value::Integer(number) => Sort::Integer(*number),
        Value::Decimal(number) => number.to_string().parse().map_or(Sort::Null, Sort::Real),
        Value::Text(text) => Sort::Text(text.to_string()),
        _ => Sort::Null,
    }
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
