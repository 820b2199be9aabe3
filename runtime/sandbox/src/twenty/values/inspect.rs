//! Values in error texts, as JavaScript's `util.inspect` shows them.

use serde_json::Value;

/// `'text'`, `12`, `[ 'A', 'B' ]`, `{ a: 1 }`.
pub(crate) fn inspect(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inspect).collect();
            format!("[ {} ]", items.join(", "))
        }
        Value::Object(parts) if parts.is_empty() => "{}".to_owned(),
        Value::Object(parts) => {
            let parts: Vec<String> = parts.iter().map(|(key, value)| format!("{key}: {}", inspect(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::inspect;
    use serde_json::json;

    #[test]
    fn values_look_as_in_the_recorded_messages() {
        assert_eq!(inspect(&json!(["EMEA", "LATAM"])), "[ 'EMEA', 'LATAM' ]");
        assert_eq!(inspect(&json!("[\"q@x.example\"]")), "'[\"q@x.example\"]'");
        assert_eq!(inspect(&json!(12)), "12");
    }
}
