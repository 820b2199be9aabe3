//! Fields and folders of custom objects and of businesses.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{businesses, custom_fields, objects, shapes};
use crate::store::Row;

/// A property's key with its object's before it; letters and digits, an underscore for whatever else.
pub(crate) fn full_key(object: &str, key: &str) -> String {
    let own = key.rsplit_once('.').map_or(key, |(_, own)| own);
    format!("{object}.{}", custom_fields::folded(own))
}

/// The key of a property within its record.
pub(crate) fn own_key(field: &Row) -> &str {
    text(&field.body, "fieldKey").and_then(|key| key.rsplit_once('.')).map_or("", |(_, own)| own)
}

fn shown(state: &State, row: &Row) -> Value {
    let mut shown = row.body.clone();
    shown.insert("id".into(), row.id.clone().into());
    shown.insert("locationId".into(), state.location.clone().into());
    shown.insert("dateAdded".into(), row.created.clone().into());
    shown.insert("dateUpdated".into(), row.updated.clone().into());
    Value::Object(shown)
}

/// The fields of an object, those of contacts and opportunities in the same form.
pub(crate) fn of_object(state: &State, key: &str) -> Result<Vec<Value>, Refusal> {
    if key != "contact" && key != "opportunity" {
        return Ok(state.linked("field", "field.object", key)?.iter().map(|row| shown(state, row)).collect());
    }
    let rows = state.all("customField")?;
    let told = |row: &Row| {
        json!({
            "id": row.id, "locationId": state.location, "name": row.body.get("name"), "showInForms": true, "objectKey": key,
            "dataType": row.body.get("dataType"), "parentId": text(&row.body, "parentId").unwrap_or_default(),
            "fieldKey": row.body.get("fieldKey"), "dateAdded": row.created, "dateUpdated": row.updated,
        })
    };
    Ok(rows.iter().filter(|row| text(&row.body, "model") == Some(key)).map(told).collect())
}

/// Makes a folder.
pub(crate) fn make_folder(state: &State, object: &str, name: &str) -> Result<Row, Refusal> {
    let body = json!({"objectKey": object, "name": name});
    state.create("folder", body.as_object().cloned().unwrap_or_default())
}

/// Makes a field.
pub(crate) fn make(
    state: &State,
    object: &str,
    key: &str,
    name: &str,
    kind: &str,
    folder: &str,
) -> Result<Row, Refusal> {
    let body = json!({
        "objectKey": object, "fieldKey": key, "name": name, "dataType": kind, "parentId": folder, "showInForms": true,
    });
    state.create("field", body.as_object().cloned().unwrap_or_default())
}

/// Gives businesses the fields that they have by themselves.
pub(crate) fn standard(state: &State) -> Result<(), Refusal> {
    let folder = make_folder(state, "business", "Company info")?;
    for name in businesses::VALUES {
        let kind = match name {
            "phone" => "PHONE",
            "description" => "LARGE_TEXT",
            _ => "TEXT",
        };
        make(state, "business", &full_key("business", name), name, kind, &folder.id)?;
    }
    Ok(())
}

/// Creates a field in a folder of its object.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_FIELD)?;
    let object = objects::known(state, text(input, "objectKey").unwrap_or_default(), &["business"])?;
    let folder = state.found("folder", "Folder", text(input, "parentId").unwrap_or_default())?;
    if text(&folder.body, "objectKey") != Some(object.as_str()) {
        return Err(Refusal::bad("The folder is of another object"));
    }
    let key = full_key(&object, text(input, "fieldKey").unwrap_or_default());
    let fields = state.linked("field", "field.object", &object)?;
    if fields.iter().any(|field| text(&field.body, "fieldKey") == Some(key.as_str())) {
        return Err(Refusal::bad(format!("Field with key {key} already exists")));
    }
    let mut body: Map<String, Value> = input.clone();
    body.shift_remove("locationId");
    body.insert("objectKey".into(), object.into());
    body.insert("fieldKey".into(), key.into());
    let row = state.create("field", body)?;
    Ok((201, json!({"field": shown(state, &row)})))
}

/// Answers one field.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("field", "Field", at(ids, 0))?;
    Ok((200, json!({"field": shown(state, &row)})))
}

/// Changes the values that are named; options may come, none may go.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::FIELD)?;
    let mut row = state.found("field", "Field", at(ids, 0))?;
    let keys = |value: Option<&Value>| -> Vec<String> {
        let options = value.and_then(Value::as_array).into_iter().flatten();
        options.filter_map(|option| option.get("key").and_then(Value::as_str).map(str::to_owned)).collect()
    };
    if let Some(options) = input.get("options") {
        let left = keys(Some(options));
        if keys(row.body.get("options")).iter().any(|key| !left.contains(key)) {
            return Err(Refusal::bad("Removing options is not supported"));
        }
    }
    row.body
        .extend(input.iter().filter(|(key, _)| *key != "locationId").map(|(key, value)| (key.clone(), value.clone())));
    state.save("field", &mut row)?;
    Ok((200, json!({"field": shown(state, &row)})))
}

/// Deletes a field with its values.
pub(crate) fn delete(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("field", "Field", at(ids, 0))?;
    let (object, own) = (text(&row.body, "objectKey").unwrap_or_default().to_owned(), own_key(&row).to_owned());
    let kind = if object == "business" { "business" } else { "record" };
    let holders = if kind == "business" { state.all(kind)? } else { state.linked(kind, "record.object", &object)? };
    for mut holder in holders {
        if let Some(values) = holder.body.get_mut("properties").and_then(Value::as_object_mut)
            && values.shift_remove(&own).is_some()
        {
            state.save(kind, &mut holder)?;
        }
    }
    state.remove("field", &row)?;
    Ok((200, json!({"succeded": true, "id": row.id, "key": row.body.get("fieldKey")})))
}

/// Lists the fields and the folders of an object.
pub(crate) fn list(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("locationId")?;
    let object = objects::known(state, at(ids, 0), &["business"])?;
    let folder = |row: &Row| {
        json!({
            "id": row.id, "locationId": state.location, "name": row.body.get("name"), "objectKey": object, "showInForms": true,
            "dataType": "TEXT", "parentId": "", "fieldKey": "", "documentType": "folder",
            "dateAdded": row.created, "dateUpdated": row.updated,
        })
    };
    let folders: Vec<Value> = state.linked("folder", "field.object", &object)?.iter().map(folder).collect();
    Ok((200, json!({"fields": of_object(state, &object)?, "folders": folders})))
}

fn folder_shown(state: &State, row: &Row) -> Value {
    json!({"id": row.id, "objectKey": row.body.get("objectKey"), "locationId": state.location, "name": row.body.get("name")})
}

/// Creates a folder; its id is at the top level.
pub(crate) fn create_folder(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_FOLDER)?;
    let object = objects::known(state, text(input, "objectKey").unwrap_or_default(), &["business"])?;
    let row = make_folder(state, &object, text(input, "name").unwrap_or_default())?;
    Ok((201, folder_shown(state, &row)))
}

/// Renames a folder.
pub(crate) fn update_folder(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::FOLDER)?;
    let mut row = state.found("folder", "Folder", at(ids, 0))?;
    row.body.extend(input.get("name").map(|name| ("name".to_owned(), name.clone())));
    state.save("folder", &mut row)?;
    Ok((200, folder_shown(state, &row)))
}

/// Deletes a folder that holds no field.
pub(crate) fn delete_folder(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("locationId")?;
    let row = state.found("folder", "Folder", at(ids, 0))?;
    if state.all("field")?.iter().any(|field| text(&field.body, "parentId") == Some(row.id.as_str())) {
        return Err(Refusal::bad("The folder holds fields"));
    }
    state.remove("folder", &row)?;
    Ok((200, json!({"succeded": true, "id": row.id, "key": row.body.get("name")})))
}
