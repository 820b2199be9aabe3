//! Opportunities: one contact that never changes, a stage of a pipeline, and a rule against two of one contact in one pipeline.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{clock, contacts, custom_fields, pipelines, shapes};
use crate::store::Row;

mod search;

pub(crate) use search::{search, search_by_body};

/// An opportunity as it is answered, with its contact.
fn shown(state: &State, id: &str, created: &str, updated: &str, body: &Map<String, Value>) -> Result<Value, Refusal> {
    let mut shown = Map::new();
    shown.insert("id".into(), id.into());
    for (key, value) in body {
        if key == "customFields" {
            let values = value.as_object().into_iter().flatten();
            let values: Vec<Value> = values.map(|(id, value)| json!({"id": id, "fieldValue": told(value)})).collect();
            shown.insert(key.clone(), values.into());
        } else {
            shown.insert(key.clone(), value.clone());
        }
    }
    shown.entry("customFields").or_insert_with(|| json!([]));
    shown.insert("locationId".into(), state.location.clone().into());
    shown.insert("createdAt".into(), created.into());
    shown.insert("updatedAt".into(), updated.into());
    let contact = text(body, "contactId").map(|id| state.get("contact", id)).transpose()?.flatten();
    if let Some(contact) = contact {
        let mut told = Map::new();
        told.insert("id".into(), contact.id.clone().into());
        told.insert("name".into(), contacts::name(&contact.body).into());
        for key in ["companyName", "email", "phone", "tags"] {
            told.extend(contact.body.get(key).map(|value| (key.to_owned(), value.clone())));
        }
        shown.insert("contact".into(), Value::Object(told));
    }
    for list in ["notes", "tasks", "calendarEvents", "followers"] {
        shown.insert(list.into(), json!([]));
    }
    Ok(Value::Object(shown))
}

/// A field's value in the types that an answer has: numbers are told as text.
fn told(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}

fn answered(state: &State, row: &Row) -> Result<Value, Refusal> {
    Ok(json!({"opportunity": shown(state, &row.id, &row.created, &row.updated, &row.body)?}))
}

/// The held values with the written ones over them.
fn written(
    state: &State,
    held: &Map<String, Value>,
    input: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    state.check_user("assignedTo", text(input, "assignedTo"))?;
    let mut body = held.clone();
    for (key, value) in input {
        match key.as_str() {
            "locationId" => {}
            "status" if value == "all" => {
                return Err(Refusal::invalid("status must be one of the following values: open, won, lost, abandoned"));
            }
            "name" if text(input, key).is_none() => return Err(Refusal::invalid("name should not be empty")),
            "forecastExpectedCloseDate" => {
                let day = clock::day(value.as_str().unwrap_or_default());
                let day = day.ok_or_else(|| Refusal::invalid("forecastExpectedCloseDate must be a valid date"))?;
                body.insert(key.clone(), day.to_string().into());
            }
            "customFields" => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let merged = custom_fields::merge(state, "opportunity", body.get(key), items)?;
                body.insert(key.clone(), Value::Object(merged));
            }
            _ => drop(body.insert(key.clone(), value.clone())),
        }
    }
    let pipeline = state.found("pipeline", "Pipeline", text(&body, "pipelineId").unwrap_or_default())?;
    let stages = pipelines::stage_ids(&pipeline);
    match text(&body, "pipelineStageId") {
        Some(id) if stages.contains(&id) => {}
        // Of a pipeline without a stage the lowest is meant.
        _ if !input.contains_key("pipelineStageId") => {
            body.extend(stages.first().map(|id| ("pipelineStageId".to_owned(), (*id).into())));
        }
        _ => return Err(Refusal::bad("The pipeline stage id is not a stage of the pipeline")),
    }
    let now = crate::clock::now();
    for (key, stamp) in [("status", "lastStatusChangeAt"), ("pipelineStageId", "lastStageChangeAt")] {
        if body.get(key) != held.get(key) {
            body.insert(stamp.into(), now.clone().into());
        }
    }
    Ok(body)
}

/// Creates an opportunity; where the location allows no duplicates, a closed one of the contact in the pipeline counts too.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let keys = if call.v3 { shapes::NEW_OPPORTUNITY } else { shapes::OLD_NEW_OPPORTUNITY };
    let input = call.checked(keys)?;
    let contact = state.found("contact", "Contact", text(input, "contactId").unwrap_or_default())?;
    let mut body = written(state, &Map::new(), input)?;
    body.entry("monetaryValue").or_insert_with(|| 0.into());
    if !state.allows("allowDuplicateOpportunity")? {
        let there = state.linked("opportunity", "opportunity.contact", &contact.id)?;
        if let Some(there) = there.iter().find(|row| row.body.get("pipelineId") == body.get("pipelineId")) {
            return Err(Refusal::new(
                400,
                json!({
                    "message": "Can not create duplicate opportunity for the contact.", "code": "OPPORTUNITY_NO_DUPLICATE",
                    "meta": {"existingId": there.id}, "error": "Bad Request",
                }),
            ));
        }
    }
    let row = state.create("opportunity", body)?;
    Ok((201, answered(state, &row)?))
}

/// Answers one opportunity.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("opportunity", "Opportunity", at(ids, 0))?;
    Ok((200, answered(state, &row)?))
}

/// Changes the values that are named.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let keys = if call.v3 { shapes::OPPORTUNITY } else { shapes::OLD_OPPORTUNITY };
    let input = call.checked(keys)?;
    let mut row = state.found("opportunity", "Opportunity", at(ids, 0))?;
    row.body = written(state, &row.body, input)?;
    state.save("opportunity", &mut row)?;
    Ok((200, answered(state, &row)?))
}

/// Changes the state, and the reason why it was lost.
pub(crate) fn set_status(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::OPPORTUNITY_STATUS)?;
    if let Some(reason) = text(input, "lostReasonId") {
        state.found("lostReason", "Lost reason", reason)?;
    }
    let mut row = state.found("opportunity", "Opportunity", at(ids, 0))?;
    row.body = written(state, &row.body, input)?;
    state.save("opportunity", &mut row)?;
    Ok((200, succeeded(call)))
}

/// Deletes an opportunity.
pub(crate) fn delete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    remove(state, &state.found("opportunity", "Opportunity", at(ids, 0))?)?;
    Ok((200, succeeded(call)))
}

/// Takes an opportunity out, wherever from.
pub(crate) fn remove(state: &State, row: &Row) -> Result<(), Refusal> {
    state.remove("opportunity", row)
}

fn succeeded(call: &Call<'_>) -> Value {
    if call.v3 { json!({"succeded": true, "success": true}) } else { json!({"succeded": true}) }
}

/// Lists the reasons why opportunities are lost; they cannot be made.
pub(crate) fn lost_reasons(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let rows = state.all("lostReason")?;
    let shown = |row: &Row| json!({"id": row.id, "name": row.body.get("name"), "locationId": state.location, "createdAt": row.created, "updatedAt": row.updated});
    Ok((200, json!({"lostReasons": rows.iter().map(shown).collect::<Vec<_>>(), "total": rows.len()})))
}
