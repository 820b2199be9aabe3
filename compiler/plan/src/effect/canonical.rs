//! One form of a JSON value, and its digest.

use serde::Serialize;
use serde_json::Value;

use super::EffectDigest;

/// Digest of a value, whatever the order of its keys.
pub(super) fn digest(value: &Value) -> EffectDigest {
    let mut text = String::new();
    write(&mut text, value);
    EffectDigest(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// A list whose order means nothing.
pub(super) fn unordered<T: Serialize>(items: &[T]) -> Value {
    let mut texts: Vec<String> = items
        .iter()
        .map(|item| {
            let mut text = String::new();
            write(&mut text, &serde_json::json!(item));
            text
        })
        .collect();
    texts.sort();
    serde_json::json!(texts)
}

/// Writes a value with its keys sorted.
fn write(text: &mut String, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (key, value) in entries {
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write(text, value);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write(text, item);
                text.push(',');
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}
