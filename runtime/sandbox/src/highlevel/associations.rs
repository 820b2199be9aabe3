//! Associations between objects, and the relations between records that are of one.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{objects, shapes};
use crate::store::Row;

const LABELS: [&str; 5] = ["key", "firstObjectLabel", "firstObjectKey", "secondObjectLabel", "secondObjectKey"];

fn shown(state: &State, row: &Row) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    shown.insert("locationId".into(), state.location.clone().into());
    for key in LABELS {
        shown.extend(row.body.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    shown.insert("associationType".into(), "USER_DEFINED".into());
    shown
}

/// Creates an association: of contacts with contacts or custom objects, or of custom objects.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_ASSOCIATION)?;
    let mut body = input.clone();
    body.shift_remove("locationId");
    for side in ["firstObjectKey", "secondObjectKey"] {
        let key = objects::known(state, text(input, side).unwrap_or_default(), &["contact"])?;
        body.insert(side.into(), key.into());
    }
    let key = text(input, "key").ok_or_else(|| Refusal::invalid("key should not be empty"))?;
    if state.all("association")?.iter().any(|row| text(&row.body, "key") == Some(key)) {
        return Err(Refusal::bad(format!("Association with key {key} already exists")));
    }
    let row = state.create("association", body)?;
    Ok((201, Value::Object(shown(state, &row))))
}

fn page(call: &Call<'_>, all: &[Value], name: &str) -> Answer {
    let (limit, skip) = (call.number("limit", 100, 100)?, call.number("skip", 0, usize::MAX)?);
    let page: Vec<&Value> = all.iter().skip(skip).take(limit).collect();
    Ok((200, json!({name: page, "total": all.len(), "skip": skip, "limit": limit})))
}

/// Lists the associations.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let all: Vec<Value> = state.all("association")?.iter().map(|row| shown(state, row).into()).collect();
    page(call, &all, "associations")
}

/// Answers the association of an id.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("association", "Association", at(ids, 0))?;
    Ok((200, Value::Object(shown(state, &row))))
}

/// Answers the association of a key.
pub(crate) fn by_key(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("locationId")?;
    let rows = state.all("association")?;
    let row = rows.iter().find(|row| text(&row.body, "key") == Some(at(ids, 0)));
    let row = row.ok_or_else(|| Refusal::bad(format!("Association with key {} not found", at(ids, 0))))?;
    Ok((200, Value::Object(shown(state, row))))
}

/// Lists the associations of an object.
pub(crate) fn by_object(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let key = objects::full_key(at(ids, 0));
    let of_object = |row: &&Row| {
        ["firstObjectKey", "secondObjectKey"].iter().any(|side| text(&row.body, side) == Some(key.as_str()))
    };
    let found: Vec<Value> =
        state.all("association")?.iter().filter(of_object).map(|row| shown(state, row).into()).collect();
    Ok((200, json!({"associations": found, "total": found.len()})))
}

/// Changes the labels.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::ASSOCIATION)?;
    let mut row = state.found("association", "Association", at(ids, 0))?;
    row.body.extend(input.clone());
    state.save("association", &mut row)?;
    Ok((200, Value::Object(shown(state, &row))))
}

/// Deletes an association and all its relations.
pub(crate) fn delete(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("association", "Association", at(ids, 0))?;
    for relation in state.linked("relation", "relation.association", &row.id)? {
        state.remove("relation", &relation)?;
    }
    state.remove("association", &row)?;
    Ok((200, json!({"deleted": true, "id": row.id, "message": "Association deleted"})))
}

/// A relation as it is answered when it is made: under its own id, with what its association says.
fn related(state: &State, association: &Row, relation: &Row) -> Value {
    let mut shown = shown(state, association);
    shown.insert("id".into(), relation.id.clone().into());
    shown.extend(relation.body.clone());
    Value::Object(shown)
}

/// The refusal of a record that is not of the object at its side.
fn check_side(state: &State, association: &Row, side: &str, id: &str) -> Result<(), Refusal> {
    let object = text(&association.body, &format!("{side}ObjectKey")).unwrap_or_default();
    let there = match object {
        "contact" => state.get("contact", id)?.is_some(),
        object => state.get("record", id)?.is_some_and(|row| text(&row.body, "objectKey") == Some(object)),
    };
    if there { Ok(()) } else { Err(Refusal::bad(format!("{side}RecordId {id} is no record of {object}"))) }
}

/// Relates two records, in the order of the association; a second time is refused.
pub(crate) fn relate(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_RELATION)?;
    let given = |key: &str| text(input, key).unwrap_or_default();
    let association = state.found("association", "Association", given("associationId"))?;
    let (first, second) = (given("firstRecordId"), given("secondRecordId"));
    check_side(state, &association, "first", first)?;
    check_side(state, &association, "second", second)?;
    let same = |row: &Row| {
        row.body.get("associationId") == input.get("associationId")
            && text(&row.body, "firstRecordId") == Some(first)
            && text(&row.body, "secondRecordId") == Some(second)
    };
    if state.linked("relation", "relation.record", first)?.iter().any(same) {
        return Err(Refusal::bad(format!("Cannot create duplicate relation of object Ids {first} and {second}")));
    }
    let mut body = input.clone();
    body.shift_remove("locationId");
    let row = state.create("relation", body)?;
    Ok((201, related(state, &association, &row)))
}

/// Lists the relations of a record.
pub(crate) fn relations(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    for name in ["locationId", "skip", "limit"] {
        call.needed(name)?;
    }
    let wanted: Vec<&str> = call
        .request
        .query
        .iter()
        .filter(|(key, _)| key.starts_with("associationIds"))
        .map(|(_, id)| id.as_str())
        .collect();
    let mut all = Vec::new();
    for relation in state.linked("relation", "relation.record", at(ids, 0))? {
        let id = text(&relation.body, "associationId").unwrap_or_default();
        if let (true, Some(association)) = (wanted.is_empty() || wanted.contains(&id), state.get("association", id)?) {
            all.push(related(state, &association, &relation));
        }
    }
    page(call, &all, "relations")
}

/// Deletes a relation.
pub(crate) fn unrelate(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("locationId")?;
    let row = state.found("relation", "Relation", at(ids, 0))?;
    let association =
        state.found("association", "Association", text(&row.body, "associationId").unwrap_or_default())?;
    state.remove("relation", &row)?;
    Ok((200, related(state, &association, &row)))
}
