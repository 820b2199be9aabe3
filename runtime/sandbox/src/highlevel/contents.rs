//! One hash over all that matters, whatever ids the server gave: each id counts by what it names.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::SandboxError;
use crate::highlevel::fingerprint::{kinds, record};
use crate::highlevel::state::State;

/// Steps from a record to what it names that are looked at.
const STEPS: usize = 4;

/// The hash, in hexadecimal.
pub(crate) fn contents(state: &State) -> Result<String, SandboxError> {
    let mut records: Vec<(String, Value)> = Vec::new();
    for kind in kinds(state)? {
        for row in state.store.select(&kind, "1 ORDER BY r.id", &[])? {
            records.push((row.id.clone(), record(&kind, &row)));
        }
    }
    let mut names: HashMap<String, String> = records.iter().map(|(id, _)| (id.clone(), String::new())).collect();
    let mut files: Vec<String> = Vec::new();
    {
        let mut statement = state.store.database().prepare("SELECT id, name, content FROM files")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, name): (String, String) = (row.get(0)?, row.get(1)?);
            let content: Vec<u8> = row.get(2)?;
            let told = format!("{name} {}", blake3::hash(&content).to_hex());
            files.push(told.clone());
            names.insert(id, told);
        }
    }
    let mut hashes = Vec::new();
    for _ in 0..STEPS {
        hashes = records.iter().map(|(id, record)| (id.clone(), hash(&renamed(record, &names)))).collect::<Vec<_>>();
        names.extend(hashes.iter().cloned());
    }
    let mut all: Vec<String> = hashes.into_iter().map(|(_, hash)| hash).chain(files).collect();
    all.sort();
    Ok(hash(&Value::from(all)))
}

fn hash(value: &Value) -> String {
    blake3::hash(value.to_string().as_bytes()).to_hex().to_string()
}

/// A value with what its ids name in their places.
fn renamed(value: &Value, names: &HashMap<String, String>) -> Value {
    let name = |text: &str| {
        // The address of a file ends in its id, and begins with an address that each start has anew.
        let id = text.rsplit_once("/documents/").map_or(text, |(_, id)| id);
        names.get(id).cloned()
    };
    match value {
        Value::String(text) => name(text).map_or_else(|| value.clone(), Value::from),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| renamed(item, names)).collect();
            // The first is the kind, where it is a record: an id is never that.
            if items.iter().all(Value::is_string) {
                items.sort_by_key(ToString::to_string);
            }
            Value::Array(items)
        }
        Value::Object(parts) => {
            let renamed =
                |(key, value): (&String, &Value)| (name(key).unwrap_or_else(|| key.clone()), renamed(value, names));
            let mut parts: Vec<(String, Value)> = parts.iter().map(renamed).collect();
            parts.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(Map::from_iter(parts))
        }
        other => other.clone(),
    }
}
