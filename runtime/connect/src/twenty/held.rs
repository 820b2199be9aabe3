//! Giving records back what they held.

use serde_json::{Value, json};

use super::encode::blank;
use super::live::Live;
use super::normal::canonical;
use migr_load::{FieldSchema, Map};

/// The field that is written by a key.
pub(super) fn field<'l>(live: &'l Live, object: &str, key: &str) -> Option<&'l FieldSchema> {
    let is_it = |field: &&FieldSchema| field.write_key == key || field.write_keys.values().any(|other| other == key);
    live.object(object).ok()?.fields.values().find(is_it)
}

/// The keys of a body whose values a record does not hold.
pub(super) fn unlike(live: &Live, object: &str, body: &Map, found: &Map) -> Vec<String> {
    let differs = |(key, wanted): &(&String, &Value)| {
        let there = found.get(*key).unwrap_or(&Value::Null);
        match field(live, object, key).map(|field| field.native.as_str()) {
            Some("FILES") => files(wanted) != files(there),
            Some(native) => canonical(native, wanted) != canonical(native, there),
            None => *wanted != there,
        }
    };
    body.iter().filter(differs).map(|(key, _)| key.clone()).collect()
}

/// The body for values as they were found: what is empty is written empty.
pub(super) fn body(live: &Live, object: &str, found: &Map) -> Map {
    let mut body = Map::new();
    for (key, value) in found {
        let known = field(live, object, key);
        let value = match (known, value) {
            (Some(field), Value::Null) => match blank(field) {
                Some(blank) => blank,
                None => continue,
            },
            (Some(field), value) if field.native == "FILES" => files(value),
            (_, value) => value.clone(),
        };
        body.insert(key.clone(), value);
    }
    body
}

/// Files without what the server adds: an address that expires.
fn files(value: &Value) -> Value {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|file| json!({"fileId": file.get("fileId"), "label": file.get("label")})).collect()
}
