//! JSON files of the export.

use std::fmt;
use std::io::BufReader;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::scan;
use crate::{ExtractError, SourcePath};

/// Number of elements in the array of a JSON file, or in the first array inside its one object. The elements are read
/// past, not kept.
pub(crate) fn count(file: &SourcePath) -> Result<u64, ExtractError> {
    let opened = file.open().and_then(scan::open);
    let (input, _) = opened.map_err(|error| file.io(error))?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(input));
    let counted = json.deserialize_any(Count).and_then(|count| json.end().map(|()| count));
    counted.map_err(|error| unreadable(file, &error))
}

/// Where serde stopped reading.
fn unreadable(file: &SourcePath, error: &serde_json::Error) -> ExtractError {
    let line = u64::try_from(error.line()).unwrap_or(0).max(1);
    ExtractError::Json { file: file.shown().to_owned(), line, reason: format!("not a JSON array: {error}") }
}

/// The elements of that array, as they are.
pub(crate) fn elements(file: &SourcePath) -> Result<Vec<Value>, ExtractError> {
    let opened = file.open().and_then(scan::open);
    let (input, _) = opened.map_err(|error| file.io(error))?;
    let value: Value = serde_json::from_reader(BufReader::new(input)).map_err(|error| unreadable(file, &error))?;
    let array = match value {
        Value::Array(elements) => Some(elements),
        Value::Object(entries) => entries.into_iter().find_map(|(_, value)| match value {
            Value::Array(elements) => Some(elements),
            _ => None,
        }),
        _ => None,
    };
    let reason = "it holds no array".to_owned();
    array.ok_or_else(|| ExtractError::Json { file: file.shown().to_owned(), line: 1, reason })
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array, or an object that holds one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<u64, A::Error> {
        let mut count = 0;
        // Whole, so that what cannot be read is not counted: bytes that are no text, numbers that are none.
        while elements.next_element::<Value>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<u64, A::Error> {
        let mut found = None;
        while entries.next_key::<String>()?.is_some() {
            let elements = entries.next_value::<Elements>()?.0;
            found = found.or(elements);
        }
        found.ok_or_else(|| serde::de::Error::custom("the object holds no array"))
    }
}

/// The length of an array; nothing of any other value.
struct Elements(Option<u64>);

impl<'de> serde::Deserialize<'de> for Elements {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(value.as_array().and_then(|elements| u64::try_from(elements.len()).ok())))
    }
}
