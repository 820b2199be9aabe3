//! Tags of the location: names in small letters, made by themselves when a contact gets one.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text, texts};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::shapes;
use crate::highlevel::state::State;
use crate::store::Row;

/// A tag as it is saved.
pub(crate) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The tags as they are saved, each once; the location has them from now on.
pub(crate) fn taken(state: &State, names: &[String]) -> Result<Vec<String>, Refusal> {
    let mut taken: Vec<String> = Vec::new();
    for name in names.iter().map(|name| folded(name)).filter(|name| !name.is_empty()) {
        if !taken.contains(&name) {
            if state.store.linked("tag.name", &name)?.is_empty() {
                state.create("tag", Map::from_iter([("name".to_owned(), name.clone().into())]))?;
            }
            taken.push(name);
        }
    }
    Ok(taken)
}

fn shown(state: &State, row: &Row) -> Value {
    json!({"id": row.id, "name": row.body.get("name"), "locationId": state.location})
}

/// Lists the tags.
pub(crate) fn list(state: &State, _: &Call<'_>, _: &[&str]) -> Answer {
    let tags: Vec<Value> = state.all("tag")?.iter().map(|row| shown(state, row)).collect();
    Ok((200, json!({"tags": tags})))
}

fn free_name(state: &State, call: &Call<'_>) -> Result<String, Refusal> {
    let input = call.checked(shapes::TAG)?;
    let name = text(input, "name").map(folded).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::invalid("name should not be empty"))?;
    if state.store.linked("tag.name", &name)?.is_empty() {
        Ok(name)
    } else {
        Err(Refusal::bad("The tag name is already exist."))
    }
}

/// Creates a tag.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let name = free_name(state, call)?;
    let row = state.create("tag", Map::from_iter([("name".to_owned(), name.into())]))?;
    Ok((200, json!({"tag": shown(state, &row)})))
}

/// Answers one tag.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("tag", "Tag", at(ids, 1))?;
    Ok((200, json!({"tag": shown(state, &row)})))
}

/// Renames a tag, on its contacts too.
pub(crate) fn rename(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let name = free_name(state, call)?;
    let mut row = state.found("tag", "Tag", at(ids, 1))?;
    replace(state, &row, Some(&name))?;
    row.body.insert("name".into(), name.into());
    state.save("tag", &mut row)?;
    Ok((200, json!({"tag": shown(state, &row)})))
}

/// Deletes a tag; its contacts lose it.
pub(crate) fn delete(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("tag", "Tag", at(ids, 1))?;
    replace(state, &row, None)?;
    state.remove("tag", &row)?;
    Ok((200, json!({"succeded": true})))
}

/// Gives the contacts of a tag another name for it, or none.
fn replace(state: &State, tag: &Row, by: Option<&str>) -> Result<(), Refusal> {
    let old = text(&tag.body, "name").unwrap_or_default();
    for mut contact in state.holding("contact", &Value::from(old).to_string())? {
        let tags = texts(&contact.body, "tags");
        if tags.iter().any(|name| name == old) {
            let kept = tags.into_iter().filter_map(|name| if name == old { by.map(str::to_owned) } else { Some(name) });
            contact.body.insert("tags".into(), kept.collect::<Vec<_>>().into());
            state.save("contact", &mut contact)?;
        }
    }
    Ok(())
}
