//! One hash over all that matters: every record, setting and file.
//!
//! Left out is what the server stamps by itself: the times of changes, and the index of searches. Files count by their bytes.

use serde_json::{Map, Value, json};

use crate::SandboxError;
use crate::highlevel::state::State;
use crate::store::Row;

/// Values that the server stamps.
const STAMPS: [&str; 2] = ["lastStatusChangeAt", "lastStageChangeAt"];

/// The hash, in hexadecimal.
pub(crate) fn fingerprint(state: &State) -> Result<String, SandboxError> {
    let mut hasher = blake3::Hasher::new();
    for kind in kinds(state)? {
        for row in state.store.select(&kind, "1 ORDER BY r.id", &[])? {
            hasher.update(record(&kind, &row).to_string().as_bytes());
        }
    }
    let mut statement = state.store.database().prepare("SELECT id, name, content FROM files ORDER BY id")?;
    let mut files = statement.query([])?;
    while let Some(file) = files.next()? {
        let (id, name): (String, String) = (file.get(0)?, file.get(1)?);
        let content: Vec<u8> = file.get(2)?;
        hasher.update(json!([id, name, blake3::hash(&content).to_hex().as_str()]).to_string().as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The kinds of records that there are.
pub(crate) fn kinds(state: &State) -> Result<Vec<String>, SandboxError> {
    let mut statement = state.store.database().prepare("SELECT DISTINCT object FROM records ORDER BY object")?;
    Ok(statement.query_map([], |found| found.get(0))?.collect::<Result<_, _>>()?)
}

/// A record without what the server stamps.
pub(crate) fn record(kind: &str, row: &Row) -> Value {
    let kept = row.body.iter().filter(|(key, value)| !STAMPS.contains(&key.as_str()) && !is_empty(value));
    let body: Map<String, Value> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    json!([kind, row.id, sorted(&Value::Object(body))])
}

/// A text, a list or an object that came to hold nothing is like one that was never there.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => value.is_null(),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(parts) => {
            let mut parts: Vec<(&String, &Value)> = parts.iter().collect();
            parts.sort_by_key(|(key, _)| key.as_str());
            Value::Object(parts.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
