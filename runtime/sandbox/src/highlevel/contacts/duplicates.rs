//! Contacts that are the same: by address or by number, in the order of the location.

use serde_json::{Map, Value, json};

use crate::highlevel::call::text;
use crate::highlevel::contacts::name;
use crate::highlevel::refusal::Refusal;
use crate::highlevel::state::State;
use crate::store::Row;

/// The stored value by which a field is compared.
pub(super) fn key_of(field: &str) -> &'static str {
    if field == "email" { "emailLowerCase" } else { "phone" }
}

/// The contact that has the address or the number of these values, and by which of them.
pub(super) fn holder(
    state: &State,
    body: &Map<String, Value>,
    own: Option<&str>,
) -> Result<Option<(Row, &'static str)>, Refusal> {
    let place = state.place()?;
    let first = place.get("duplicateOrder").and_then(|order| order.get(0)).and_then(Value::as_str);
    let order = if first == Some("phone") { ["phone", "email"] } else { ["email", "phone"] };
    for field in order {
        let Some(value) = text(body, key_of(field)) else { continue };
        let link = if field == "email" { "contact.email" } else { "contact.phone" };
        let found = state.linked("contact", link, value)?;
        if let Some(row) = found.into_iter().find(|row| Some(row.id.as_str()) != own) {
            return Ok(Some((row, field)));
        }
    }
    Ok(None)
}

/// The refusal of a duplicate, with the id of the one that is there, where the location allows none.
pub(super) fn refuse(state: &State, body: &Map<String, Value>, own: Option<&str>) -> Result<(), Refusal> {
    if state.allows("allowDuplicateContact")? {
        return Ok(());
    }
    let Some((row, field)) = holder(state, body, own)? else { return Ok(()) };
    Err(Refusal::new(
        400,
        json!({
            "message": "This location does not allow duplicated contacts.",
            "meta": {"contactId": row.id, "contactName": name(&row.body), "matchingField": field},
        }),
    ))
}
