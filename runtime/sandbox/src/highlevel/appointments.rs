//! Appointments: a free slot unless told otherwise, an assignee of the calendar's team, a message to the client unless told not to.

use serde_json::{Map, Value, json};

use crate::highlevel::calendars::team;
use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{clock, location, shapes};
use crate::http::Body;
use crate::store::Row;

/// Length of an appointment without an end.
const DEFAULT_LENGTH: i64 = 60 * 60 * 1000;

/// Values of a request that an appointment does not keep.
const ORDERS: [&str; 5] =
    ["locationId", "toNotify", "ignoreDateRange", "ignoreFreeSlotValidation", "overrideLocationConfig"];

/// The answer to a create or a change: it tells no times of making.
fn brief(state: &State, row: &Row) -> Answer {
    let zone = location::zone(state)?;
    let mut shown = Map::new();
    shown.insert("id".into(), row.id.clone().into());
    shown.insert("locationId".into(), state.location.clone().into());
    for (key, value) in &row.body {
        let value = match (key.as_str(), value.as_str()) {
            ("startTime" | "endTime", Some(time)) => clock::with_offset(time, &zone).into(),
            _ => value.clone(),
        };
        shown.insert(key.clone(), value);
    }
    shown.insert("isRecurring".into(), row.body.contains_key("rrule").into());
    Ok((200, Value::Object(shown)))
}

/// An appointment as an event, its times with the offset of the location's zone.
fn event(state: &State, row: &Row, zone: &str) -> Value {
    let told = |key: &str| text(&row.body, key).unwrap_or_default().to_owned();
    let time = |key: &str| clock::with_offset(&told(key), zone);
    json!({
        "id": row.id, "title": told("title"), "calendarId": told("calendarId"), "locationId": state.location,
        "contactId": told("contactId"), "groupId": "", "appointmentStatus": told("appointmentStatus"),
        "assignedUserId": told("assignedUserId"), "users": [], "address": told("address"), "notes": told("description"),
        "description": told("description"), "isRecurring": row.body.contains_key("rrule"), "deleted": false,
        "startTime": time("startTime"), "endTime": time("endTime"), "dateAdded": row.created, "dateUpdated": row.updated,
        "createdBy": {"userId": "", "source": "third_party"},
    })
}

/// The held values with the written ones over them, after every test.
fn written(state: &State, held: Option<&Row>, input: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut body = held.map(|row| row.body.clone()).unwrap_or_default();
    body.extend(
        input
            .iter()
            .filter(|(key, _)| !ORDERS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    let calendar = state.found("calendar", "Calendar", text(&body, "calendarId").unwrap_or_default())?;
    for key in ["startTime", "endTime"] {
        if let Some(time) = input.get(key).and_then(Value::as_str) {
            let time = clock::instant(time)
                .ok_or_else(|| Refusal::invalid(format!("{key} must be a valid ISO 8601 date string")))?;
            body.insert(key.into(), clock::stored(time).into());
        }
    }
    let start = clock::ms_of(text(&body, "startTime").unwrap_or_default());
    if !body.contains_key("endTime") {
        let end = jiff::Timestamp::from_millisecond(start + DEFAULT_LENGTH)
            .map_err(|error| Refusal::bad(error.to_string()))?;
        body.insert("endTime".into(), clock::stored(end).into());
    }
    let end = clock::ms_of(text(&body, "endTime").unwrap_or_default());
    if end <= start {
        return Err(Refusal::bad("The end time must be after the start time."));
    }
    let members = team(&calendar);
    match text(&body, "assignedUserId") {
        Some(user) if members.contains(&user) => {}
        Some(_) => return Err(Refusal::invalid("The user id not part of calendar team")),
        None => body.extend(members.first().map(|user| ("assignedUserId".to_owned(), (*user).into()))),
    }
    let moved = input.contains_key("startTime") || input.contains_key("endTime") || held.is_none();
    if moved && input.get("ignoreFreeSlotValidation") != Some(&true.into()) && !is_free(state, &body, held, start, end)?
    {
        return Err(Refusal::bad("The slot you have selected is no longer available."));
    }
    body.entry("title").or_insert_with(|| calendar.body.get("name").cloned().unwrap_or_default());
    body.entry("appointmentStatus").or_insert_with(|| "confirmed".into());
    Ok(body)
}

/// True where the time is to come and the assignee has nothing else in it.
fn is_free(
    state: &State,
    body: &Map<String, Value>,
    held: Option<&Row>,
    start: i64,
    end: i64,
) -> Result<bool, Refusal> {
    let own = held.map(|row| row.id.as_str());
    let meets = |row: &Row| {
        let (from, to) = (text(&row.body, "startTime"), text(&row.body, "endTime"));
        let (from, to) = (clock::ms_of(from.unwrap_or_default()), clock::ms_of(to.unwrap_or_default()));
        let gone = text(&row.body, "appointmentStatus").is_some_and(|status| matches!(status, "cancelled" | "invalid"));
        Some(row.id.as_str()) != own
            && !gone
            && from < end
            && start < to
            && row.body.get("assignedUserId") == body.get("assignedUserId")
    };
    Ok(start > clock::now_ms() && !state.all("appointment")?.iter().any(meets))
}

/// Counts the message that the client gets, unless the request says none.
fn notify(state: &State, input: &Map<String, Value>) -> Result<(), Refusal> {
    if input.get("toNotify") != Some(&false.into()) {
        state.count_up("messages")?;
    }
    Ok(())
}

/// Creates an appointment; the answer is at the top level, with 200.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(if call.v3 { shapes::NEW_APPOINTMENT } else { shapes::OLD_NEW_APPOINTMENT })?;
    state.found("contact", "Contact", text(input, "contactId").unwrap_or_default())?;
    let row = state.create("appointment", written(state, None, input)?)?;
    notify(state, input)?;
    brief(state, &row)
}

/// Changes the values that are named.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(if call.v3 { shapes::APPOINTMENT } else { shapes::OLD_APPOINTMENT })?;
    let mut row = state.found("appointment", "Appointment", at(ids, 0))?;
    row.body = written(state, Some(&row), input)?;
    state.save("appointment", &mut row)?;
    notify(state, input)?;
    brief(state, &row)
}

/// Answers one appointment.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("appointment", "Appointment", at(ids, 0))?;
    Ok((200, json!({"event": event(state, &row, &location::zone(state)?)})))
}

/// Deletes an appointment; a body is asked for, if only an empty one.
pub(crate) fn delete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    if matches!(&call.request.body, Body::Bytes(bytes) if bytes.is_empty()) {
        return Err(Refusal::bad("a JSON body is required"));
    }
    call.checked(&[])?;
    let row = state.found("appointment", "Event", at(ids, 0))?;
    state.remove("appointment", &row)?;
    Ok((201, json!({"succeeded": true})))
}

/// Lists the events between two times, of a user, a calendar or a group.
pub(crate) fn events(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let bound = |name: &str| -> Result<i64, Refusal> {
        call.needed(name)?.parse().map_err(|_| Refusal::invalid(format!("{name} must be a time in milliseconds")))
    };
    let (from, to) = (bound("startTime")?, bound("endTime")?);
    let (user, calendar) = (call.param("userId"), call.param("calendarId"));
    if user.is_none() && calendar.is_none() && call.param("groupId").is_none() {
        return Err(Refusal::invalid("Either of userId, groupId or calendarId is required"));
    }
    let zone = location::zone(state)?;
    let fits = |row: &&Row| {
        let start = clock::ms_of(text(&row.body, "startTime").unwrap_or_default());
        let is = |key: &str, wanted: Option<&str>| wanted.is_none_or(|wanted| text(&row.body, key) == Some(wanted));
        (from..=to).contains(&start) && is("assignedUserId", user) && is("calendarId", calendar)
    };
    let rows = state.all("appointment")?;
    let events: Vec<Value> = rows.iter().filter(fits).map(|row| event(state, row, &zone)).collect();
    Ok((200, json!({"events": events})))
}

/// Lists the appointments of a contact, their times as a clock of the location shows them, without an offset.
pub(crate) fn of_contact(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let contact = state.found("contact", "Contact", at(ids, 0))?;
    let zone = location::zone(state)?;
    let rows = state.linked("appointment", "appointment.contact", &contact.id)?;
    let shown = |row: &Row| {
        let mut event = event(state, row, &zone);
        for (key, time) in [
            ("startTime", text(&row.body, "startTime").unwrap_or_default()),
            ("endTime", text(&row.body, "endTime").unwrap_or_default()),
            ("dateAdded", row.created.as_str()),
            ("dateUpdated", row.updated.as_str()),
        ] {
            if let Some(event) = event.as_object_mut() {
                event.insert(key.into(), clock::on_the_wall(time, &zone).into());
                event.insert("status".into(), "booked".into());
            }
        }
        event
    };
    Ok((200, json!({"events": rows.iter().map(shown).collect::<Vec<_>>()})))
}
