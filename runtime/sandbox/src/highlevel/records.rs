//! Records of custom objects, and businesses in the same form.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text, texts};
use crate::highlevel::index::{self, Indexed, Query};
use crate::highlevel::object_fields::own_key;
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{businesses, clock, custom_fields, objects, shapes};
use crate::store::Row;

const MOST_FOLLOWERS: usize = 10;
const PAGE: usize = 100;

/// The kind in which an object's records are kept.
fn kind_of(object: &str) -> &'static str {
    if object == "business" { "business" } else { "record" }
}

/// The values of a record by the names of its properties.
fn properties(object: &str, body: &Map<String, Value>) -> Map<String, Value> {
    let mut properties = Map::new();
    if object == "business" {
        for name in businesses::VALUES {
            properties.extend(body.get(name).map(|value| (custom_fields::folded(name), value.clone())));
        }
    }
    properties.extend(body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
    properties
}

fn shown(object: &str, row: &Row) -> Value {
    json!({
        "id": row.id, "owner": texts(&row.body, "owner"), "followers": texts(&row.body, "followers"),
        "properties": properties(object, &row.body), "dateAdded": row.created, "dateUpdated": row.updated,
    })
}

/// The record of this id, of this object.
fn found(state: &State, object: &str, id: &str) -> Result<Row, Refusal> {
    let of_object = |row: &Row| object == "business" || text(&row.body, "objectKey") == Some(object);
    let row = state.get(kind_of(object), id)?.filter(of_object);
    row.ok_or_else(|| Refusal::unknown("Record", id))
}

/// The held values with the written ones over them.
fn written(
    state: &State,
    object: &str,
    held: &Map<String, Value>,
    input: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut body = held.clone();
    for (key, most) in [("owner", 1), ("followers", MOST_FOLLOWERS)] {
        if !input.contains_key(key) {
            continue;
        }
        let users = texts(input, key);
        if users.len() > most {
            return Err(Refusal::bad(format!("{key} must contain no more than {most} elements")));
        }
        users.iter().try_for_each(|user| state.check_user(key, Some(user)))?;
        body.insert(key.into(), users.into());
    }
    let given = input.get("properties").and_then(Value::as_object);
    let given = given.ok_or_else(|| Refusal::bad("properties must be an object"))?;
    let fields = state.linked("field", "field.object", object)?;
    let mut values = body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in given {
        let field = fields.iter().find(|field| own_key(field) == name);
        let field = field.ok_or_else(|| Refusal::bad(format!("Property {name} does not exist on {object}")))?;
        let standard =
            businesses::VALUES.iter().find(|key| object == "business" && custom_fields::folded(key) == *name);
        let (target, key) = match standard {
            Some(key) => (&mut body, *key),
            None => (&mut values, name.as_str()),
        };
        match taken(field, name, value)? {
            Some(Value::Null) => drop(target.shift_remove(key)),
            Some(value) => drop(target.insert(key.to_owned(), value)),
            None => {}
        }
    }
    body.insert("properties".into(), Value::Object(values));
    let primary = match objects::custom(state, object)? {
        Some(row) => text(&row.body, "primaryDisplayProperty")
            .and_then(|key| key.rsplit_once('.'))
            .map(|(_, own)| own.to_owned()),
        None => Some("name".to_owned()),
    };
    if let Some(primary) = primary.filter(|primary| !properties(object, &body).contains_key(primary)) {
        return Err(Refusal::bad(format!("{primary} is required")));
    }
    Ok(body)
}

/// The value as it is stored: null takes the held one away, nothing leaves it, as an option does that there is none of.
fn taken(field: &Row, name: &str, value: &Value) -> Result<Option<Value>, Refusal> {
    let kind = text(&field.body, "dataType").unwrap_or_default();
    let options = field.body.get("options").and_then(Value::as_array).into_iter().flatten();
    let options: Vec<&str> = options.filter_map(|option| option.get("key").and_then(Value::as_str)).collect();
    let wrong = || Refusal::bad(format!("Invalid value for the property {name} of type {kind}"));
    if value.is_null() || value.as_str() == Some("") {
        return Ok(Some(Value::Null));
    }
    let fits = match kind {
        "NUMERICAL" => value.is_number(),
        "MONETORY" => {
            let parts = value.as_object();
            parts.is_some_and(|parts| {
                parts.len() == 2
                    && parts.get("currency").is_some_and(Value::is_string)
                    && parts.get("value").is_some_and(Value::is_number)
            })
        }
        "DATE" => value.as_str().is_some_and(|text| text.len() == 10 && clock::day(text).is_some()),
        "SINGLE_OPTIONS" | "RADIO" => {
            let one = value.as_str().ok_or_else(wrong)?;
            return Ok(options.contains(&one).then(|| value.clone()));
        }
        "MULTIPLE_OPTIONS" | "CHECKBOX" => {
            let items = value.as_array().ok_or_else(wrong)?;
            let known: Vec<&str> = items.iter().filter_map(Value::as_str).filter(|one| options.contains(one)).collect();
            return Ok((!known.is_empty()).then(|| known.into()));
        }
        "FILE_UPLOAD" => {
            value.as_array().is_some_and(|files| files.iter().all(|file| file.get("url").is_some_and(Value::is_string)))
        }
        "TEXTBOX_LIST" => value.is_object() || value.is_array() || value.is_string(),
        _ => value.is_string(),
    };
    if fits { Ok(Some(value.clone())) } else { Err(wrong()) }
}

/// Creates a record.
pub(crate) fn create(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_RECORD)?;
    let object = objects::known(state, at(ids, 0), &["business"])?;
    let mut body = written(state, &object, &Map::new(), input)?;
    if object != "business" {
        body.insert("objectKey".into(), object.clone().into());
    }
    let row = state.create(kind_of(&object), body)?;
    Ok((201, json!({"record": shown(&object, &row)})))
}

/// Answers one record; its relations are asked for elsewhere.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let object = objects::known(state, at(ids, 0), &["business"])?;
    Ok((200, json!({"record": shown(&object, &found(state, &object, at(ids, 1))?)})))
}

/// Changes the properties that are named.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("locationId")?;
    let input = call.checked(shapes::RECORD)?;
    let object = objects::known(state, at(ids, 0), &["business"])?;
    let mut row = found(state, &object, at(ids, 1))?;
    row.body = written(state, &object, &row.body, input)?;
    state.save(kind_of(&object), &mut row)?;
    Ok((200, json!({"record": shown(&object, &row)})))
}

/// Deletes a record with its relations.
pub(crate) fn delete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let object = objects::known(state, at(ids, 0), &["business"])?;
    let row = found(state, &object, at(ids, 1))?;
    if object == "business" {
        businesses::delete(state, call, &[row.id.as_str()])?;
    } else {
        for relation in state.linked("relation", "relation.record", &row.id)? {
            state.remove("relation", &relation)?;
        }
        state.remove("record", &row)?;
    }
    Ok((200, json!({"id": row.id, "success": true})))
}

/// Searches records by a property (`name:Rose`) or by a text in any of the searchable ones; it lags.
pub(crate) fn search(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::RECORD_SEARCH)?;
    let object = objects::known(state, at(ids, 0), &["business"])?;
    let count = |key: &str| input.get(key).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    let limit = count("pageLimit").filter(|limit| (1..=PAGE).contains(limit));
    let limit = limit.ok_or_else(|| Refusal::bad(format!("pageLimit must be between 1 and {PAGE}")))?;
    let after = match input.get("searchAfter").and_then(Value::as_array).map(Vec::as_slice) {
        None | Some([]) => None,
        Some([at, Value::String(id)]) => {
            let at = at.as_i64().or_else(|| at.as_str().and_then(|at| at.parse().ok()));
            Some((
                at.ok_or_else(|| Refusal::bad("searchAfter must be the one of a record that was answered"))?,
                id.clone(),
            ))
        }
        Some(_) => return Err(Refusal::bad("searchAfter must be the one of a record that was answered")),
    };
    let searchable = match objects::custom(state, &object)? {
        Some(row) => texts(&row.body, "searchableProperties")
            .iter()
            .filter_map(|key| Some(key.rsplit_once('.')?.1.to_owned()))
            .collect(),
        None => vec!["name".to_owned(), "email".to_owned(), "phone".to_owned()],
    };
    let query = text(input, "query").unwrap_or_default();
    let (named, wanted) = match query.split_once(':') {
        Some((name, wanted)) if searchable.iter().any(|one| one == name.trim()) => (Some(name.trim()), wanted.trim()),
        _ => (None, query.trim()),
    };
    let wanted = wanted.to_lowercase();
    let fits = |record: &Indexed| {
        let properties = properties(&object, &record.body);
        let holds = |name: &String| match properties.get(name) {
            Some(Value::String(text)) => text.to_lowercase().contains(&wanted),
            Some(other) => *other == wanted,
            None => false,
        };
        let of_object = object == "business" || text(&record.body, "objectKey") == Some(object.as_str());
        of_object
            && (wanted.is_empty() || searchable.iter().filter(|one| named.is_none_or(|name| name == *one)).any(holds))
    };
    let skip = if after.is_some() { 0 } else { (count("page").unwrap_or(1).max(1) - 1).saturating_mul(limit) };
    let asked = Query { kind: kind_of(&object), holding: None, after, skip, limit };
    let (page, total) = index::search(state, &asked, fits)?;
    let owner = objects::custom(state, &object)?.map_or_else(|| "standard-business".to_owned(), |row| row.id);
    let stamp =
        |time: &str| json!({"channel": "INTEGRATION", "createdAt": time, "source": "INTEGRATION", "sourceId": ""});
    let told = |record: &Indexed| {
        json!({
            "id": record.id, "owner": texts(&record.body, "owner"), "followers": texts(&record.body, "followers"),
            "properties": properties(&object, &record.body), "createdAt": record.created, "updatedAt": record.updated,
            "locationId": state.location, "objectId": owner, "objectKey": object, "createdBy": stamp(&record.created),
            "lastUpdatedBy": stamp(&record.updated), "searchAfter": [record.at, record.id],
        })
    };
    Ok((200, json!({"records": page.iter().map(told).collect::<Vec<_>>(), "total": total})))
}
