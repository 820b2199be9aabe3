//! Tasks of a contact: title, due time and completion must be there.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text, texts};
use crate::highlevel::notes::done;
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{clock, shapes};
use crate::store::Row;

fn shown(row: &Row) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    shown.extend(row.body.clone());
    Value::Object(shown)
}

/// The task of a contact.
fn found(state: &State, ids: &[&str]) -> Result<Row, Refusal> {
    let row = state.get("task", at(ids, 1))?;
    let of_contact = |row: &Row| text(&row.body, "contactId") == Some(at(ids, 0));
    row.filter(of_contact).ok_or_else(|| Refusal::unknown("Task", at(ids, 1)))
}

/// The values with the due time as it is stored.
fn values(state: &State, input: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    state.check_user("assignedTo", text(input, "assignedTo"))?;
    let mut values = input.clone();
    if let Some(due) = input.get("dueDate").and_then(Value::as_str) {
        let due = clock::instant(due).or_else(|| clock::instant(&format!("{due}T00:00:00Z")));
        let due = due.ok_or_else(|| Refusal::invalid("dueDate must be a valid ISO 8601 date string"))?;
        values.insert("dueDate".into(), clock::stored(due).into());
    }
    if input.contains_key("title") && text(input, "title").is_none() {
        return Err(Refusal::invalid("title should not be empty"));
    }
    Ok(values)
}

/// Creates a task.
pub(crate) fn create(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::NEW_TASK)?;
    let contact = state.found("contact", "Contact", at(ids, 0))?;
    let mut values = values(state, input)?;
    values.insert("contactId".into(), contact.id.into());
    let row = state.create("task", values)?;
    Ok((201, json!({"task": shown(&row)})))
}

/// Lists the tasks of a contact.
pub(crate) fn list(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let contact = state.found("contact", "Contact", at(ids, 0))?;
    let tasks = state.linked("task", "task.contact", &contact.id)?;
    Ok((200, json!({"tasks": tasks.iter().map(shown).collect::<Vec<_>>()})))
}

/// Answers one task.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    Ok((200, json!({"task": shown(&found(state, ids)?)})))
}

/// Changes the values that are named.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    change(state, ids, &values(state, call.checked(shapes::TASK)?)?)
}

/// Completes a task, or opens it again.
pub(crate) fn complete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    change(state, ids, call.checked(shapes::COMPLETED)?)
}

fn change(state: &State, ids: &[&str], values: &Map<String, Value>) -> Answer {
    let mut row = found(state, ids)?;
    row.body.extend(values.clone());
    state.save("task", &mut row)?;
    Ok((200, json!({"task": shown(&row)})))
}

/// Deletes a task.
pub(crate) fn delete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    state.remove("task", &found(state, ids)?)?;
    Ok((200, done(call)))
}

/// Searches the tasks of the location.
pub(crate) fn search(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::TASK_SEARCH)?;
    let (contacts, assigned) = (texts(input, "contactId"), texts(input, "assignedTo"));
    let completed = input.get("completed").and_then(Value::as_bool);
    let query = text(input, "query").map(str::to_lowercase);
    let one_of = |wanted: &[String], row: &Row, key: &str| {
        wanted.is_empty() || text(&row.body, key).is_some_and(|found| wanted.iter().any(|one| one == found))
    };
    let fits = |row: &Row| {
        one_of(&contacts, row, "contactId")
            && one_of(&assigned, row, "assignedTo")
            && completed.is_none_or(|completed| row.body.get("completed") == Some(&completed.into()))
            && query
                .as_ref()
                .is_none_or(|query| text(&row.body, "title").is_some_and(|title| title.to_lowercase().contains(query)))
    };
    let count = |key: &str, default: u64| input.get(key).and_then(Value::as_u64).unwrap_or(default);
    let (limit, skip) = (count("limit", 25), count("skip", 0));
    let (limit, skip) = (usize::try_from(limit).unwrap_or(25), usize::try_from(skip).unwrap_or_default());
    let tasks: Vec<Row> = state.all("task")?.into_iter().filter(fits).collect();
    Ok((200, json!({"tasks": tasks.iter().skip(skip).take(limit).map(shown).collect::<Vec<_>>()})))
}
