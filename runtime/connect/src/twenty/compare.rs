//! Comparison of a found record with what was written.

use migr_plan::FieldMapping;
use migr_transform::Value;
use serde_json::Value as Json;

use super::encode::encode;
use super::normal::{canonical, list};
use migr_load::{Comparison, FieldSchema, Map};

/// Longest value that is shown, in characters.
const SHOWN: usize = 200;

pub(super) fn compare(field: &FieldSchema, mapping: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
    if matches!(expected, Value::Default) {
        return Comparison::Same;
    }
    let hidden = mapping.sensitive;
    let show = |value: &Json| if hidden { "***".to_owned() } else { shown(value) };
    let key = match expected {
        Value::Reference(reference) => field.write_keys.get(reference.object.as_ref()).unwrap_or(&field.write_key),
        _ => &field.write_key,
    };
    if let Value::File(file) = expected {
        return same_file(found, key, &file.name, hidden);
    }
    let there = found.get(key).unwrap_or(&Json::Null);
    let wanted = match encode(field, expected) {
        Ok(Some(wanted)) => wanted,
        Ok(None) => return Comparison::Same,
        Err(fault) => {
            let expected = if hidden { "***".to_owned() } else { fault.says };
            return Comparison::Differs { expected, found: show(there) };
        }
    };
    let is_elsewhere = field.native == "PHONES" && other_country(&wanted, there);
    let (wanted, there) = if is_elsewhere {
        (wanted, there.clone())
    } else {
        (canonical(&field.native, &wanted), canonical(&field.native, there))
    };
    if wanted == there || (field.native == "ACTOR" && same_actor(&wanted, &there)) {
        return Comparison::Same;
    }
    Comparison::Differs { expected: show(&wanted), found: show(&there) }
}

/// True where a number is there with another country than the one that was sent; where none was, the server finds one
/// by itself.
fn other_country(wanted: &Json, there: &Json) -> bool {
    let differs = |wanted: &Json, there: &Json, key: &str| {
        let code = |value: &Json| value.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        !code(wanted).is_empty() && code(wanted) != code(there)
    };
    let others = |value: &Json| list(value, "additionalPhones");
    differs(wanted, there, "primaryPhoneCountryCode")
        || others(wanted).iter().zip(&others(there)).any(|(wanted, there)| differs(wanted, there, "countryCode"))
}

/// An actor without a name gets the API key's.
fn same_actor(wanted: &Json, there: &Json) -> bool {
    let unnamed = wanted.get("name").and_then(Json::as_str).is_some_and(str::is_empty);
    unnamed && wanted.get("source") == there.get("source")
}

fn same_file(found: &Map, key: &str, name: &str, hidden: bool) -> Comparison {
    // 2.x keeps a list with labels, 1.x the name beside.
    let label = found.get(key).and_then(|files| files.get(0)).and_then(|file| file.get("label"));
    let label = label.or_else(|| found.get("name")).and_then(Json::as_str).unwrap_or_default();
    if label == name {
        return Comparison::Same;
    }
    let show = |text: &str| if hidden { "***".to_owned() } else { text.to_owned() };
    Comparison::Differs { expected: show(name), found: show(label) }
}

fn shown(value: &Json) -> String {
    let text = match value {
        Json::Null => "nothing".to_owned(),
        Json::String(text) if text.is_empty() => "nothing".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}
