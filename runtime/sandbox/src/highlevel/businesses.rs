//! Businesses: the companies of contacts. The answer to a create or an update misspells its key, as the server's does.

use serde_json::{Map, Value, json};

use crate::highlevel::call::Call;
use crate::highlevel::refusal::Answer;
use crate::highlevel::routes::at;
use crate::highlevel::shapes;
use crate::highlevel::state::State;
use crate::store::Row;

/// Values that a business has without custom fields.
pub(crate) const VALUES: [&str; 10] =
    ["name", "phone", "email", "website", "address", "city", "state", "postalCode", "country", "description"];

/// A business as it is answered.
fn shown(state: &State, row: &Row) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    for name in VALUES {
        if let Some(value) = row.body.get(name).filter(|value| !value.is_null()) {
            shown.insert(name.into(), value.clone());
        }
    }
    shown.insert("locationId".into(), state.location.clone().into());
    shown.insert("createdAt".into(), row.created.clone().into());
    shown.insert("updatedAt".into(), row.updated.clone().into());
    Value::Object(shown)
}

/// Creates a business; names need not differ.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let mut body = call.checked(shapes::NEW_BUSINESS)?.clone();
    body.shift_remove("locationId");
    let row = state.create("business", body)?;
    Ok((201, json!({"success": true, "buiseness": shown(state, &row)})))
}

/// Lists businesses, the oldest first.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let (limit, skip) = (call.number("limit", 100, 100)?, call.number("skip", 0, usize::MAX)?);
    let page: Vec<Value> = state.page("business", limit, skip)?.iter().map(|row| shown(state, row)).collect();
    Ok((200, json!({"businesses": page})))
}

/// Answers one business.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("business", "Business", at(ids, 0))?;
    Ok((200, json!({"business": shown(state, &row)})))
}

/// Changes the values that are named.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::BUSINESS)?;
    let mut row = state.found("business", "Business", at(ids, 0))?;
    row.body.extend(input.clone());
    state.save("business", &mut row)?;
    Ok((200, json!({"success": true, "buiseness": shown(state, &row)})))
}

/// Deletes a business; its contacts stay, without one.
pub(crate) fn delete(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("business", "Business", at(ids, 0))?;
    for mut contact in state.linked("contact", "contact.business", &row.id)? {
        contact.body.shift_remove("businessId");
        state.save("contact", &mut contact)?;
    }
    state.remove("business", &row)?;
    Ok((200, json!({"success": true})))
}
