//! A contact as it is answered.

use serde_json::{Map, Value, json};

use crate::highlevel::call::text;
use crate::highlevel::state::State;
use crate::store::Row;

/// The whole name.
pub(crate) fn name(body: &Map<String, Value>) -> String {
    let parts = [text(body, "firstName"), text(body, "lastName")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The contact; where its names come in small letters, the written ones stand beside them.
pub(crate) fn shown(state: &State, row: &Row, lowered: bool) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    shown.insert("locationId".into(), state.location.clone().into());
    for (key, value) in &row.body {
        match key.as_str() {
            "customFields" => {
                let values = value.as_object().into_iter().flatten();
                let values: Vec<Value> = values.map(|(id, value)| json!({"id": id, "value": value})).collect();
                shown.insert(key.clone(), values.into());
            }
            "firstName" | "lastName" if lowered => {
                let written = value.as_str().unwrap_or_default();
                shown.insert(key.clone(), written.to_lowercase().into());
                shown.insert(format!("{key}Raw"), written.into());
            }
            _ if value.is_null() => {}
            _ => drop(shown.insert(key.clone(), value.clone())),
        }
    }
    let whole = name(&row.body);
    for (key, written) in
        [("firstNameLowerCase", text(&row.body, "firstName")), ("lastNameLowerCase", text(&row.body, "lastName"))]
    {
        shown.extend(written.map(|written| (key.to_owned(), written.to_lowercase().into())));
    }
    if !whole.is_empty() {
        shown.insert("fullNameLowerCase".into(), whole.to_lowercase().into());
        shown.insert(if lowered { "contactName" } else { "name" }.into(), whole.into());
    }
    shown.entry("tags").or_insert_with(|| json!([]));
    shown.entry("customFields").or_insert_with(|| json!([]));
    shown.entry("dnd").or_insert_with(|| false.into());
    shown.insert("type".into(), "lead".into());
    shown.insert("dateAdded".into(), row.created.clone().into());
    shown.insert("dateUpdated".into(), row.updated.clone().into());
    Value::Object(shown)
}
