//! Names of list members, by which both plans' members are paired.

use serde_json::Value;

/// Name of a list's member, by the key that the list stands under; none where its members have no name.
pub(crate) fn member(list: &str, item: &Value) -> Option<String> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    let several = |keys: &[&str]| {
        let parts: Vec<String> = keys.iter().filter_map(|key| text(key)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    match list {
        "stages" => text("id"),
        "fields" | "links" | "deferred" => text("field"),
        "dropped" => text("column"),
        "objects" | "columns" | "picklists" => text("name"),
        "overrides" => text("source"),
        "options" => text("value"),
        "same" => text("canonical"),
        "dropped_files" => text("pattern"),
        "fetch" => several(&["host", "port"]),
        "limits" => {
            item.get("per_seconds").map_or_else(|| text("what"), |per| Some(format!("{} per {per}s", text("what")?)))
        }
        "setup" => several(&["action", "object", "field"]),
        "degradations" => several(&["map", "what"]),
        "rows" if item.get("keys").is_some() => item.get("keys").map(keys),
        "rows" => several(&["kind", "concept"]),
        "checks" | "skips" => item.get("condition").and_then(crate::changes::expression),
        _ => None,
    }
}

/// A picklist row's keys: `"Open" | "New"`.
pub(crate) fn keys(keys: &Value) -> String {
    let one = |key: &Value| match key {
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    let alternative = |key: &Value| match key.as_array() {
        Some(parts) if parts.len() == 1 => parts.iter().map(one).collect::<String>(),
        Some(parts) => format!("({})", parts.iter().map(one).collect::<Vec<_>>().join(", ")),
        None => one(key),
    };
    keys.as_array().map_or_else(|| one(keys), |all| all.iter().map(alternative).collect::<Vec<_>>().join(" | "))
}
