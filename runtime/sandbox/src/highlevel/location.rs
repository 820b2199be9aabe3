//! The location itself: its settings, zone, agency and custom values.

use serde_json::{Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::state::{COMPANY, State};

/// Answers the location.
pub(crate) fn get(state: &State, _: &Call<'_>, _: &[&str]) -> Answer {
    let place = state.place()?;
    let told = |key: &str| place.get(key).cloned().unwrap_or_default();
    Ok((
        200,
        json!({"location": {
            "id": state.location, "companyId": COMPANY, "name": told("name"), "country": told("country"),
            "timezone": told("timezone"), "settings": told("settings"),
        }}),
    ))
}

/// Lists the custom values.
pub(crate) fn custom_values(state: &State, _: &Call<'_>, _: &[&str]) -> Answer {
    let values = state.all("customValue")?;
    let shown = |row: &crate::store::Row| {
        json!({
            "id": row.id, "name": row.body.get("name"), "fieldKey": row.body.get("fieldKey"),
            "value": row.body.get("value"), "locationId": state.location,
        })
    };
    Ok((200, json!({"customValues": values.iter().map(shown).collect::<Vec<Value>>()})))
}

/// The zone of the location.
pub(crate) fn zone(state: &State) -> Result<String, Refusal> {
    let place = state.place()?;
    Ok(text(&place, "timezone").unwrap_or("UTC").to_owned())
}
