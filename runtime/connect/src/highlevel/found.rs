//! Records as the server gives them, in the form of the bodies that are written.

use migr_load::{Found, Map};
use serde_json::Value;

use super::api::text;
use super::kind::Kind;
use super::live::CUSTOM;

/// Sign between the id of a record that lives under another and the other's, which comes first: `contact/note`.
pub(super) const UNDER: char = '/';

/// A record of an answer, by the keys that are written. Those under a contact have both ids.
pub(super) fn found(kind: Kind, value: &Value, parent: Option<&str>) -> Option<Found> {
    let own = text(value, "id").or_else(|| text(value, "_id"))?;
    let id = parent.map_or_else(|| own.to_owned(), |parent| format!("{parent}{UNDER}{own}"));
    let mut values = Map::new();
    for field in kind.fields() {
        // Names come back in lower case beside themselves.
        let raw = value.get(format!("{}Raw", field.key)).filter(|raw| raw.is_string());
        if let Some(held) = raw.or_else(|| value.get(field.key)) {
            values.insert(field.key.to_owned(), held.clone());
        }
    }
    if let Some(parent) = parent {
        values.insert("contactId".to_owned(), parent.into());
    }
    if kind == Kind::Custom {
        values.extend(value.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
    }
    for custom in value.get("customFields").and_then(Value::as_array).into_iter().flatten() {
        let keys = ["value", "fieldValue", "fieldValueString", "field_value", "fieldValueNumber", "fieldValueArray"];
        let held = keys.iter().find_map(|key| custom.get(*key));
        if let (Some(id), Some(held)) = (text(custom, "id"), held) {
            values.insert(format!("{CUSTOM}{id}"), held.clone());
        }
    }
    Some(Found { id, deleted: false, values })
}

/// Both ids of a record that lives under another.
pub(super) fn both(id: &str) -> Option<(&str, &str)> {
    id.split_once(UNDER)
}
