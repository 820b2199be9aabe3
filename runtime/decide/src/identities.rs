//! Identities, which no two records of a stage may share, and the order of records that share one.

use migr_load::{Destination, Map};
use migr_plan::{FieldMapping, Stage};
use migr_spill::SortValue as Sort;
use migr_transform::Value;

/// Identities: values that no two records of a stage may share.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// Each a list of destination paths that count together.
    pub paths: Vec<Vec<String>>,
    /// The first so many are those of `match`; the others are unique fields besides.
    pub matching: usize,
}

impl Identities {
    /// Identities of a stage.
    pub fn of(stage: &Stage) -> Self {
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
            let Some(path) = unique_path(field) else { continue };
            // A field of `match` is looked at once more: of records that an earlier field tells apart one alone can hold its value.
            let is_one_of_several = matching > 1;
            // A composite in `match` stands for its unique part.
            if is_one_of_several || !covered.contains(&path.as_str()) && !covered.contains(&field.field.as_str()) {
                paths.push(vec![path]);
            }
        }
        Self { paths, matching }
    }

    /// The same, with fields whose values one record alone may hold together, where the stage writes all of them at once.
    #[must_use]
    pub fn and(mut self, stage: &Stage, together: Vec<Vec<String>>) -> Self {
        let is_written = |name: &String| stage.fields.iter().any(|field| field.field == *name && !field.deferred);
        self.paths.extend(together.into_iter().filter(|fields| fields.iter().all(is_written)));
        self
    }

    /// The path of an identity that is one field's alone.
    pub fn single(&self, path: usize) -> Option<&str> {
        match self.paths.get(path)?.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// True where a field is part of an identity.
    pub fn is_made_of(&self, field: &str) -> bool {
        self.paths.iter().flatten().any(|path| path.split('.').next() == Some(field))
    }

    /// An identity in words.
    pub fn name(&self, path: usize) -> String {
        self.paths.get(path).map(|paths| paths.join(" and ")).unwrap_or_default()
    }

    /// True where a sensitive field is part of an identity.
    pub fn is_sensitive(&self, stage: &Stage, path: usize) -> bool {
        self.paths.get(path).into_iter().flatten().any(|path| mapping(stage, path).is_some_and(|field| field.sensitive))
    }

    /// The identities of a native body or a found record, as the server compares.
    pub fn native(&self, destination: &dyn Destination, object: &str, record: &Map) -> Vec<(usize, String)> {
        let found = self.paths.iter().enumerate().filter_map(|(index, paths)| {
            let value = |path: &String| {
                if index < self.matching {
                    destination.identity(object, path, record)
                } else {
                    destination.unique_value(object, path, record)
                }
            };
            let parts: Option<Vec<String>> = paths.iter().map(value).collect();
            parts.map(|parts| (index, parts.join("\u{1f}")))
        });
        found.collect()
    }
}

/// The path of what one record alone may hold in a field; none where any may hold it.
pub fn unique_path(field: &FieldMapping) -> Option<String> {
    Some(match field.unique.as_deref()? {
        part if part.is_empty() || part == field.field => field.field.clone(),
        part if part.contains('.') => part.to_owned(),
        part => format!("{}.{part}", field.field),
    })
}

fn mapping<'s>(stage: &'s Stage, path: &str) -> Option<&'s FieldMapping> {
    let field = path.split('.').next().unwrap_or_default();
    stage.fields.iter().find(|mapping| mapping.field == field)
}

/// A value in the form in which the database sorts it.
pub fn sort(value: &Value<'_>) -> Sort {
    match value {
        Value::Datetime(instant) => Sort::Integer(instant.as_microsecond()),
        Value::Date(date) => Sort::Text(date.to_string()),
        Value::Integer(number) => Sort::Integer(*number),
        Value::Decimal(number) => number.to_string().parse().map_or(Sort::Null, Sort::Real),
        Value::Text(text) => Sort::Text(text.to_string()),
        _ => Sort::Null,
    }
}
