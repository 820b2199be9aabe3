//! Words for places, values and the whole: as a person reads them.

use serde_json::Value;

use crate::changes::{Step, expression};
use crate::identity::keys;

/// A place by names: `map Deal.stage`, `source Deal.amount: format`, `picklist Stage "Won"`.
pub(crate) fn path_words(place: &[Step]) -> String {
    let mut words = String::new();
    let mut rest = place;
    let mut lead = |what: &str, name: &str| words = format!("{what} {name}");
    match place {
        [Step::Key(list), Step::Member(name), more @ ..] if list == "stages" => {
            lead("map", name);
            rest = more;
        }
        [Step::Key(source), Step::Key(list), Step::Member(name), more @ ..]
            if source == "source" && list == "objects" =>
        {
            lead("source", name);
            rest = more;
        }
        [Step::Key(list), Step::Member(name), more @ ..] if list == "picklists" => {
            lead("picklist", name);
            rest = more;
        }
        [Step::Key(list), Step::Member(name), more @ ..] if list == "setup" => {
            lead("setup", &setup_words(name));
            rest = more;
        }
        [Step::Key(list), Step::Member(name), more @ ..] if list == "rows" => {
            lead("concept", name);
            rest = more;
        }
        [Step::Key(list), Step::Member(name), more @ ..] if list == "degradations" => {
            lead("degradation", name);
            rest = more;
        }
        [Step::Key(options), more @ ..] if options == "options" => {
            lead("migration", "");
            rest = more;
        }
        _ => {}
    }
    let mut words = words.trim_end().to_owned();
    for step in rest {
        match step {
            Step::Key(key) if matches!(key.as_str(), "fields" | "columns" | "rows" | "policies" | "settings") => {}
            Step::Key(key) => {
                words.push_str(if words.is_empty() { "" } else { ": " });
                words.push_str(key_words(key));
            }
            Step::Member(name) if name.starts_with('"') || name.starts_with('(') => {
                words.push(' ');
                words.push_str(name);
            }
            Step::Member(name) => {
                words.push_str(if words.ends_with(':') || words.is_empty() { "" } else { "." });
                words.push_str(name);
            }
        }
    }
    words
}

/// A change of the schema by name: `create_field people city` → `create field people.city`.
fn setup_words(name: &str) -> String {
    let mut parts = name.split(' ');
    let action = parts.next().unwrap_or_default().replace('_', " ");
    format!("{action} {}", parts.collect::<Vec<_>>().join("."))
}

/// A key of the plan in the language's words.
fn key_words(key: &str) -> &str {
    match key {
        "existing" => "on existing",
        "on_empty" => "on empty",
        "on_taken" => "on taken",
        "on_outside" => "on outside",
        "unidentified" => "on unidentified",
        "on_rollback" => "on rollback",
        "other_formats" => "further formats",
        "elements" => "each element read as",
        "duplicate" => "on duplicate",
        "deleted" => "on deleted",
        "cycle" => "on cycle",
        "missing_file" => "on missing file",
        "on_missing" => "on missing",
        "on_conflict" => "on conflict",
        "on_vanished" => "on vanished",
        "require_match_percent" => "require match",
        "delta_seconds" => "delta, seconds",
        "match" => "match",
        "dropped_files" => "drop file",
        "dropped" => "drop",
        "file_name" => "file name",
        "is_new" => "new",
        "reference_only" => "reference only",
        "ignore_case" => "ignore case",
        "ignore_space" => "ignore space",
        "otherwise" => "otherwise",
        "new_objects" => "new objects",
        "options_from" => "options from",
        "objects" => "object",
        other => other,
    }
}

/// A value as a person reads it: an expression in the language, a list by commas, a choice by its word.
pub(crate) fn value_words(place: &[Step], value: &Value) -> String {
    if let Some(words) = expression(value) {
        return words;
    }
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| value_words(place, item)).collect();
            items.join(", ")
        }
        Value::Object(object) => object_words(place, object, value),
    }
}

fn object_words(place: &[Step], object: &serde_json::Map<String, Value>, value: &Value) -> String {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let part = |key: &str| object.get(key).filter(|part| !part.is_null()).map(|part| value_words(place, part));
    if let Some(choice) = text("do") {
        let by = part("column").or_else(|| part("value")).or_else(|| part("values"));
        return by.map_or_else(|| choice.replace('_', " "), |by| format!("{} {by}", choice.replace('_', " ")));
    }
    if let Some(from) = text("from") {
        return match from {
            "text" => text("value").unwrap_or_default().to_owned(),
            kind => format!("{kind}(\"{}\")", text("name").unwrap_or_default()),
        };
    }
    if let (Some(_), Some(values)) = (object.get("keys"), object.get("values")) {
        return format!("{} = {}", object.get("keys").map(keys).unwrap_or_default(), value_words(place, values));
    }
    if let (Some(source), Some(destination)) = (text("source_object"), text("destination_object")) {
        return format!("{source} → {destination}");
    }
    if let Some(source) = text("source_object") {
        return format!("{source}.{}", text("source_column").unwrap_or_default());
    }
    for key in ["value", "reason", "destination", "condition"] {
        if let Some(words) = part(key) {
            return words;
        }
    }
    if let Some(name) = text("action") {
        let label = text("label").or_else(|| text("plural_label")).map(|label| format!(" \"{label}\""));
        return format!("{}{}", name.replace('_', " "), label.unwrap_or_default());
    }
    if let Some(ty) = object.get("type").or_else(|| object.get("is")) {
        return value_words(place, ty);
    }
    if let Some(state) = text("state") {
        return state.replace('_', " ");
    }
    let parts: Vec<String> = object
        .iter()
        .filter(|(key, value)| *key != "origin" && !value.is_null())
        .map(|(key, value)| format!("{}: {}", key_words(key), value_words(place, value)))
        .collect();
    if parts.is_empty() { value.to_string() } else { parts.join("; ") }
}
