//! Calendars with their teams.

use serde_json::{Map, Value, json};

use crate::highlevel::call::Call;
use crate::highlevel::refusal::Answer;
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::store::Row;

fn shown(state: &State, row: &Row) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    shown.insert("locationId".into(), state.location.clone().into());
    shown.extend(
        row.body.iter().filter(|(key, _)| *key != "everybody").map(|(key, value)| (key.clone(), value.clone())),
    );
    Value::Object(shown)
}

/// Lists the calendars.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let calendars: Vec<Value> = state.all("calendar")?.iter().map(|row| shown(state, row)).collect();
    Ok((200, json!({"calendars": calendars})))
}

/// Answers one calendar.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("calendar", "Calendar", at(ids, 0))?;
    Ok((200, json!({"calendar": shown(state, &row)})))
}

/// The users in a calendar's team.
pub(crate) fn team(calendar: &Row) -> Vec<&str> {
    let members = calendar.body.get("teamMembers").and_then(Value::as_array).into_iter().flatten();
    members.filter_map(|member| member.get("userId").and_then(Value::as_str)).collect()
}
