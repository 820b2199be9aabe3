//! Notes of a contact: a whole list without pages, read directly.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::shapes;
use crate::highlevel::state::State;
use crate::store::Row;

fn shown(row: &Row) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    shown.extend(row.body.clone());
    shown.insert("dateAdded".into(), row.created.clone().into());
    Value::Object(shown)
}

/// The note of a contact.
fn found(state: &State, ids: &[&str]) -> Result<Row, Refusal> {
    let row = state.get("note", at(ids, 1))?;
    let of_contact = |row: &Row| text(&row.body, "contactId") == Some(at(ids, 0));
    row.filter(of_contact).ok_or_else(|| Refusal::unknown("Note", at(ids, 1)))
}

/// Creates a note; nothing keeps two alike apart.
pub(crate) fn create(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_NOTE)?;
    let contact = state.found("contact", "Contact", at(ids, 0))?;
    let body = text(input, "body").ok_or_else(|| Refusal::invalid("body should not be empty"))?.to_owned();
    state.check_user("userId", text(input, "userId"))?;
    let mut values = input.clone();
    values.insert("body".into(), body.into());
    values.insert("contactId".into(), contact.id.into());
    let row = state.create("note", values)?;
    Ok((201, json!({"note": shown(&row)})))
}

/// Lists the notes of a contact, the newest first.
pub(crate) fn list(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let contact = state.found("contact", "Contact", at(ids, 0))?;
    let notes = state.linked("note", "note.contact", &contact.id)?;
    Ok((200, json!({"notes": notes.iter().rev().map(shown).collect::<Vec<_>>()})))
}

/// Answers one note.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    Ok((200, json!({"note": shown(&found(state, ids)?)})))
}

/// Changes the values that are named.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::NOTE)?;
    state.check_user("userId", text(input, "userId"))?;
    let mut row = found(state, ids)?;
    row.body.extend(input.clone());
    state.save("note", &mut row)?;
    Ok((200, json!({"note": shown(&row)})))
}

/// Deletes a note.
pub(crate) fn delete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    state.remove("note", &found(state, ids)?)?;
    Ok((200, done(call)))
}

/// The word of success, in v3 in both spellings.
pub(crate) fn done(call: &Call<'_>) -> Value {
    if call.v3 { json!({"succeeded": true, "succeded": true}) } else { json!({"succeded": true}) }
}
