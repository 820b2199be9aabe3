//! JSON files of the export.

use std::collections::BTreeSet;
use std::fmt;
use std::io::BufReader;
use std::marker::PhantomData;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::scan;
use crate::{ExtractError, SourcePath};

/// Number of elements in the array of a JSON file, or in the first array inside its one object. The elements are read
/// past, not kept.
pub(crate) fn count(file: &SourcePath) -> Result<u64, ExtractError> {
    read::<u64>(file)
}

/// The elements of that array, as they are.
pub(crate) fn elements(file: &SourcePath) -> Result<Vec<Value>, ExtractError> {
    read::<Vec<Value>>(file)
}

fn read<T: Elements>(file: &SourcePath) -> Result<T, ExtractError> {
    let opened = file.open().and_then(scan::open);
    let (input, _) = opened.map_err(|error| file.io(error))?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(input));
    let read = json.deserialize_any(Definitions(PhantomData)).and_then(|elements| json.end().map(|()| elements));
    read.map_err(|error| unreadable(file, &error))
}

/// Where serde stopped reading.
fn unreadable(file: &SourcePath, error: &serde_json::Error) -> ExtractError {
    let line = u64::try_from(error.line()).unwrap_or(0).max(1);
    ExtractError::Json { file: file.shown().to_owned(), line, reason: format!("not a JSON array: {error}") }
}

/// Result of reading the elements of an array one by one.
trait Elements: Default {
    fn add(&mut self, element: Value);
}

impl Elements for u64 {
    fn add(&mut self, _: Value) {
        *self += 1;
    }
}

impl Elements for Vec<Value> {
    fn add(&mut self, element: Value) {
        self.push(element);
    }
}

/// Reader of the whole file.
struct Definitions<T>(PhantomData<T>);

impl<'de, T: Elements> Visitor<'de> for Definitions<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array, or an object that holds one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<T, A::Error> {
        let mut found = T::default();
        // Whole, so that what cannot be read is not counted: bytes that are no text, numbers that are none.
        while let Some(element) = elements.next_element()? {
            found.add(element);
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<T, A::Error> {
        let (mut names, mut found) = (BTreeSet::new(), None);
        while let Some(name) = entries.next_key::<String>()? {
            let value: Value = entries.next_value()?;
            if let (None, Value::Array(elements)) = (&found, value) {
                let mut all = T::default();
                for element in elements {
                    all.add(element);
                }
                found = Some(all);
            }
            // Of two arrays of one name nobody knows which is meant.
            if let Some(name) = names.replace(name) {
                return Err(serde::de::Error::custom(format_args!("the object has two members named {name:?}")));
            }
        }
        found.ok_or_else(|| serde::de::Error::custom("the object holds no array"))
    }
}
