//! Custom objects: schemas that can be made and changed, and never deleted. The three standard objects are told beside them.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text, texts};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{custom_fields, object_fields, shapes};
use crate::store::Row;

/// The prefix of keys.
pub(crate) const PREFIX: &str = "custom_objects.";
/// Objects that every location has.
const STANDARD: [(&str, &str, &str, &str); 3] = [
    ("contact", "Contact", "Contacts", "contact.name"),
    ("opportunity", "Opportunity", "Opportunities", "opportunity.name"),
    ("business", "Company", "Companies", "business.name"),
];

/// A key with the prefix that keys have; the other spelling of the vendor's pages is understood.
pub(crate) fn full_key(key: &str) -> String {
    if STANDARD.iter().any(|(standard, ..)| *standard == key) {
        return key.to_owned();
    }
    let own = key.strip_prefix(PREFIX).or_else(|| key.strip_prefix("custom_object.")).unwrap_or(key);
    format!("{PREFIX}{}", custom_fields::folded(own))
}

/// The custom object of a key.
pub(crate) fn custom(state: &State, key: &str) -> Result<Option<Row>, Refusal> {
    let key = full_key(key);
    Ok(state.all("object")?.into_iter().find(|row| text(&row.body, "key") == Some(key.as_str())))
}

/// The refusal of an object that neither is custom nor stands among the allowed standard ones.
pub(crate) fn known(state: &State, key: &str, standard: &[&str]) -> Result<String, Refusal> {
    let key = full_key(key);
    if standard.contains(&key.as_str()) || custom(state, &key)?.is_some() {
        return Ok(key);
    }
    Err(Refusal::bad(format!("Object with key {key} not found")))
}

fn shown(state: &State, row: &Row) -> Value {
    let told = |key: &str| row.body.get(key).cloned().unwrap_or_default();
    json!({
        "id": row.id, "standard": false, "key": told("key"), "labels": told("labels"),
        "description": text(&row.body, "description").unwrap_or_default(), "locationId": state.location,
        "primaryDisplayProperty": told("primaryDisplayProperty"), "searchableProperties": told("searchableProperties"),
        "dateAdded": row.created, "dateUpdated": row.updated, "type": "USER_DEFINED",
    })
}

fn standard(state: &State, wanted: &str) -> Result<Option<Value>, Refusal> {
    let place = state.found("location", "Location", &state.location)?;
    let found = STANDARD.iter().find(|(key, ..)| *key == wanted);
    Ok(found.map(|(key, singular, plural, primary)| {
        json!({
            "id": format!("standard-{key}"), "standard": true, "key": key, "labels": {"singular": singular, "plural": plural},
            "description": "", "locationId": state.location, "primaryDisplayProperty": primary,
            "dateAdded": place.created, "dateUpdated": place.created, "type": "SYSTEM_DEFINED",
        })
    }))
}

/// Creates a custom object with a folder and its first property. There is no way back.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_OBJECT)?;
    let key = full_key(text(input, "key").unwrap_or_default());
    if key == PREFIX || custom(state, &key)?.is_some() || STANDARD.iter().any(|(standard, ..)| *standard == key) {
        return Err(Refusal::bad(format!("Object with key {key} already exists")));
    }
    let details = input.get("primaryDisplayPropertyDetails").and_then(Value::as_object).cloned().unwrap_or_default();
    let primary = object_fields::full_key(&key, text(&details, "key").unwrap_or_default());
    let mut body = Map::new();
    body.insert("key".into(), key.clone().into());
    for part in ["labels", "description"] {
        body.extend(input.get(part).map(|value| (part.to_owned(), value.clone())));
    }
    body.insert("primaryDisplayProperty".into(), primary.clone().into());
    body.insert("searchableProperties".into(), json!([primary]));
    let row = state.create("object", body)?;
    let folder = object_fields::make_folder(state, &key, "Additional Info")?;
    let name = text(&details, "name").unwrap_or_default();
    let kind = text(&details, "dataType").unwrap_or("TEXT");
    object_fields::make(state, &key, &primary, name, kind, &folder.id)?;
    Ok((201, json!({"object": shown(state, &row)})))
}

/// Lists the standard objects and the custom ones.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let mut objects = Vec::new();
    for (key, ..) in STANDARD {
        objects.extend(standard(state, key)?);
    }
    objects.extend(state.all("object")?.iter().map(|row| shown(state, row)));
    Ok((200, json!({"objects": objects})))
}

/// Answers an object, with its fields where they are asked for.
pub(crate) fn get(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("locationId")?;
    let key = full_key(at(ids, 0));
    let object = match standard(state, &key)? {
        Some(object) => object,
        None => {
            shown(state, &custom(state, &key)?.ok_or_else(|| Refusal::bad(format!("Object with key {key} not found")))?)
        }
    };
    let mut answer = json!({"object": object, "cache": false});
    if let (Some("true"), Some(answer)) = (call.param("fetchProperties"), answer.as_object_mut()) {
        answer.insert("fields".into(), object_fields::of_object(state, &key)?.into());
    }
    Ok((200, answer))
}

/// Changes labels, description and the properties that searches read.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::OBJECT)?;
    let key = full_key(at(ids, 0));
    let mut row = custom(state, &key)?.ok_or_else(|| Refusal::bad(format!("Object with key {key} not found")))?;
    let wanted: Vec<String> =
        texts(input, "searchableProperties").iter().map(|one| object_fields::full_key(&key, one)).collect();
    let fields = state.linked("field", "field.object", &key)?;
    if let Some(odd) = wanted.iter().find(|one| !fields.iter().any(|field| text(&field.body, "fieldKey") == Some(one)))
    {
        return Err(Refusal::bad(format!("Property {odd} not found")));
    }
    row.body.insert("searchableProperties".into(), wanted.into());
    if let Some(labels) = input.get("labels").and_then(Value::as_object) {
        let mut held = row.body.get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
        held.extend(labels.clone());
        row.body.insert("labels".into(), Value::Object(held));
    }
    row.body.extend(input.get("description").map(|value| ("description".to_owned(), value.clone())));
    state.save("object", &mut row)?;
    Ok((200, json!({"object": shown(state, &row)})))
}
