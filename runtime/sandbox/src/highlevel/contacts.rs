//! Contacts: create, upsert, change, delete; their tags; their link to a business.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text, texts};
use crate::highlevel::notes::done;
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{opportunities, shapes, tags};
use crate::store::Row;

mod duplicates;
mod search;
mod shown;
mod values;

pub(crate) use search::{duplicate, list, of_business, search};
pub(crate) use shown::{name, shown};
use values::Written;

/// The most contacts that one call links to a business.
const MOST_LINKED: usize = 50;

/// Creates a contact, unless the location allows no duplicates and has one.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let keys = if call.v3 { shapes::NEW_CONTACT } else { shapes::OLD_NEW_CONTACT };
    let body = values::written(state, &Map::new(), call.checked(keys)?, Written::New)?;
    duplicates::refuse(state, &body, None)?;
    let row = state.create("contact", body)?;
    Ok((201, json!({"contact": shown(state, &row, false)})))
}

/// Makes a contact that was there before.
pub(crate) fn made(state: &State, input: &Map<String, Value>) -> Result<Row, Refusal> {
    let mut input = input.clone();
    let business = input.shift_remove("businessId");
    let mut body = values::written(state, &Map::new(), &input, Written::New)?;
    body.extend(business.map(|id| ("businessId".to_owned(), id)));
    state.create("contact", body)
}

/// Creates a contact, or overwrites the one that has its address or its number.
pub(crate) fn upsert(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let keys = if call.v3 { shapes::UPSERT } else { shapes::OLD_UPSERT };
    let mut input = call.checked(keys)?.clone();
    let anew = input.shift_remove("createNewIfDuplicateAllowed") == Some(true.into());
    if text(&input, "email").is_none() && text(&input, "phone").is_none() {
        return Err(Refusal::invalid("email or phone should not be empty"));
    }
    let body = values::written(state, &Map::new(), &input, Written::New)?;
    let holder =
        if anew && state.allows("allowDuplicateContact")? { None } else { duplicates::holder(state, &body, None)? };
    let Some((mut row, field)) = holder else {
        let row = state.create("contact", body)?;
        return Ok((200, json!({"new": true, "contact": shown(state, &row, false)})));
    };
    // The other of address and number is left alone where somebody else has it.
    let other = if field == "email" { "phone" } else { "email" };
    let only_other = Map::from_iter(
        body.get(duplicates::key_of(other)).map(|value| (duplicates::key_of(other).to_owned(), value.clone())),
    );
    if duplicates::holder(state, &only_other, Some(&row.id))?.is_some() {
        input.shift_remove(other);
    }
    row.body = values::written(state, &row.body, &input, Written::Over)?;
    state.save("contact", &mut row)?;
    Ok((200, json!({"new": false, "contact": shown(state, &row, false)})))
}

/// Answers one contact, its names in small letters with the written ones beside them.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("contact", "Contact", at(ids, 0))?;
    Ok((200, json!({"contact": shown(state, &row, true)})))
}

/// Changes the values that are named; tags are replaced as a whole.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let keys = if call.v3 { shapes::CONTACT } else { shapes::OLD_CONTACT };
    let input = call.checked(keys)?;
    let mut row = state.found("contact", "Contact", at(ids, 0))?;
    let body = values::written(state, &row.body, input, Written::Over)?;
    let changes = |field: &str| {
        input.contains_key(field) && body.get(duplicates::key_of(field)) != row.body.get(duplicates::key_of(field))
    };
    if changes("email") || changes("phone") {
        duplicates::refuse(state, &body, Some(&row.id))?;
    }
    row.body = body;
    state.save("contact", &mut row)?;
    let word = if call.v3 { "succeeded" } else { "succeded" };
    Ok((200, json!({word: true, "contact": shown(state, &row, false)})))
}

/// Deletes a contact for good, with its notes, tasks, appointments, opportunities and relations.
pub(crate) fn delete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("contact", "Contact", at(ids, 0))?;
    for (kind, link) in [("note", "note.contact"), ("task", "task.contact"), ("appointment", "appointment.contact")] {
        for child in state.linked(kind, link, &row.id)? {
            state.remove(kind, &child)?;
        }
    }
    for opportunity in state.linked("opportunity", "opportunity.contact", &row.id)? {
        opportunities::remove(state, &opportunity)?;
    }
    for relation in state.linked("relation", "relation.record", &row.id)? {
        state.remove("relation", &relation)?;
    }
    let files = "DELETE FROM files WHERE id IN (SELECT id FROM links WHERE link = 'file.contact' AND target = ?1)";
    state.store.database().execute(files, [&row.id])?;
    state.store.database().execute("DELETE FROM links WHERE link = 'file.contact' AND target = ?1", [&row.id])?;
    state.remove("contact", &row)?;
    Ok((200, done(call)))
}

/// Adds tags.
pub(crate) fn add_tags(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let given = tags::taken(state, &texts(call.checked(shapes::TAGS)?, "tags"))?;
    let mut row = state.found("contact", "Contact", at(ids, 0))?;
    let mut held = texts(&row.body, "tags");
    let added: Vec<String> = given.into_iter().filter(|tag| !held.contains(tag)).collect();
    held.extend(added.iter().cloned());
    row.body.insert("tags".into(), held.clone().into());
    state.save("contact", &mut row)?;
    Ok((201, json!({"tags": held, "tagsAdded": added})))
}

/// Takes tags away.
pub(crate) fn remove_tags(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let given: Vec<String> = texts(call.checked(shapes::TAGS)?, "tags").iter().map(|tag| tags::folded(tag)).collect();
    let mut row = state.found("contact", "Contact", at(ids, 0))?;
    let (gone, held): (Vec<String>, Vec<String>) =
        texts(&row.body, "tags").into_iter().partition(|tag| given.contains(tag));
    row.body.insert("tags".into(), held.clone().into());
    state.save("contact", &mut row)?;
    Ok((200, json!({"tags": held, "tagsRemoved": gone})))
}

/// Links contacts to one business, or to none; those that are not there are not among the answered ids.
pub(crate) fn link(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::LINK)?;
    let ids = texts(input, "ids");
    if ids.len() > MOST_LINKED {
        return Err(Refusal::invalid(format!("ids must contain no more than {MOST_LINKED} elements")));
    }
    let business = text(input, "businessId");
    if let Some(id) = business {
        state.found("business", "Business", id)?;
    }
    let mut linked = Vec::new();
    for id in ids {
        let Some(mut row) = state.get("contact", &id)? else { continue };
        match business {
            Some(business) => drop(row.body.insert("businessId".into(), business.into())),
            None => drop(row.body.shift_remove("businessId")),
        }
        state.save("contact", &mut row)?;
        linked.push(id);
    }
    Ok((200, json!({"success": true, "ids": linked})))
}
