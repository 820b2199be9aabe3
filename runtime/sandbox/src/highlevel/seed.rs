//! State of a location before a migration: what was asked for, or a small one of the sandbox's own.

use serde_json::{Map, Value, json};

use crate::SandboxError;
use crate::highlevel::call::{text, texts};
use crate::highlevel::refusal::Refusal;
use crate::highlevel::state::State;
use crate::highlevel::{contacts, custom_fields, index, object_fields, pipelines, tags};

/// A small location: people, two calendars that everybody is in the team of, two pipelines, a business and two clients.
fn small() -> Value {
    json!({
        "name": "Sandbox", "timezone": "America/New_York", "country": "US",
        "settings": {"allowDuplicateContact": false, "allowDuplicateOpportunity": true, "duplicateOrder": ["email", "phone"]},
        "users": [
            {"name": "Jane Smith", "email": "jane.smith@clinic.example"},
            {"name": "Front Desk", "email": "front.desk@clinic.example"},
            {"name": "Tim Miller", "email": "tim.miller@clinic.example"},
            {"name": "Ada Okafor", "email": "ada.okafor@clinic.example"},
        ],
        "pipelines": [
            {"name": "Coaching", "stages": ["New lead", "Discovery call", "Signed", "Closed"]},
            {"name": "Old pipeline", "stages": ["One", "Two"]},
        ],
        "calendars": [{"name": "Client sessions", "everybody": true}, {"name": "Intro calls", "everybody": true}],
        "businesses": [{"name": "Harbour Dental", "city": "Boston"}],
        "contacts": [
            {"firstName": "Mara", "lastName": "Lindt", "email": "mara.lindt@harbour-dental.example", "tags": ["old customer"]},
            {"firstName": "Owen", "lastName": "Park", "phone": "+12015550123"},
        ],
        "lostReasons": [{"name": "Price"}, {"name": "No answer"}],
    })
}

/// Fills a new state.
pub(crate) fn fill(state: &State, before: Option<&Value>) -> Result<(), SandboxError> {
    let small = small();
    let before = before.unwrap_or(&small);
    place(state, before)
        .and_then(|()| people(state, before))
        .and_then(|()| records(state, before))
        .and_then(|()| index::catch_up_all(state))
        .map_err(SandboxError::from)
}

/// Users by the addresses that a project names; those that are there already stay. They join the calendars that everybody is in the team of.
pub(crate) fn invite(state: &State, addresses: &[String]) -> Result<(), SandboxError> {
    let invite = || {
        let known: Vec<String> =
            state.all("user")?.iter().filter_map(|row| text(&row.body, "email").map(str::to_lowercase)).collect();
        let mut missing: Vec<String> = addresses.iter().map(|address| address.trim().to_lowercase()).collect();
        missing.sort();
        missing.dedup();
        missing.retain(|address| !known.contains(address));
        for address in missing {
            let name = address.split('@').next().unwrap_or_default().to_owned();
            user(state, &name, &address)?;
        }
        Ok::<(), Refusal>(())
    };
    invite().map_err(SandboxError::from)
}

fn list<'a>(before: &'a Value, key: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    before.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn place(state: &State, before: &Value) -> Result<(), Refusal> {
    let told = |key: &str, default: &str| before.get(key).and_then(Value::as_str).unwrap_or(default).to_owned();
    let mut settings = before.get("settings").and_then(Value::as_object).cloned().unwrap_or_default();
    let order = settings.shift_remove("duplicateOrder").unwrap_or_else(|| json!(["email", "phone"]));
    for (setting, default) in [("allowDuplicateContact", false), ("allowDuplicateOpportunity", true)] {
        settings.entry(setting).or_insert_with(|| default.into());
    }
    settings.entry("allowFacebookNameMerge").or_insert_with(|| false.into());
    settings.entry("disableContactTimezone").or_insert_with(|| false.into());
    let body = json!({
        "name": told("name", "Sandbox"), "timezone": told("timezone", "America/New_York"), "country": told("country", "US"),
        "settings": settings, "duplicateOrder": order,
    });
    let body = body.as_object().cloned().unwrap_or_default();
    state.create_as("location", state.location.clone(), body).map(drop)
}

fn user(state: &State, name: &str, email: &str) -> Result<(), Refusal> {
    let body = json!({"name": name, "email": email});
    let row = state.create("user", body.as_object().cloned().unwrap_or_default())?;
    for mut calendar in state.all("calendar")? {
        if calendar.body.get("everybody") == Some(&true.into()) {
            if let Some(team) = calendar.body.get_mut("teamMembers").and_then(Value::as_array_mut) {
                team.push(member(&row.id, team.is_empty()));
            }
            state.save("calendar", &mut calendar)?;
        }
    }
    Ok(())
}

fn member(user: &str, first: bool) -> Value {
    json!({"userId": user, "priority": 0.5, "isPrimary": first})
}

fn people(state: &State, before: &Value) -> Result<(), Refusal> {
    for calendar in list(before, "calendars") {
        let everybody = calendar.get("everybody") == Some(&true.into());
        let body = json!({
            "name": text(calendar, "name").unwrap_or_default(), "description": "", "isActive": true, "calendarType": "round_robin",
            "slotDuration": 60, "slotDurationUnit": "mins", "teamMembers": [], "everybody": everybody,
            "team": texts(calendar, "team"),
        });
        state.create("calendar", body.as_object().cloned().unwrap_or_default())?;
    }
    for one in list(before, "users") {
        user(state, text(one, "name").unwrap_or_default(), text(one, "email").unwrap_or_default())?;
    }
    // A team is given by addresses, in whatever case.
    let users = state.all("user")?;
    for mut calendar in state.all("calendar")? {
        let Some(Value::Array(team)) = calendar.body.shift_remove("team") else { continue };
        let mut members = calendar.body.get("teamMembers").and_then(Value::as_array).cloned().unwrap_or_default();
        for address in team.iter().filter_map(Value::as_str) {
            let same = |row: &&crate::store::Row| {
                text(&row.body, "email").is_some_and(|email| email.eq_ignore_ascii_case(address))
            };
            members.extend(users.iter().find(same).map(|row| member(&row.id, members.is_empty())));
        }
        calendar.body.insert("teamMembers".into(), members.into());
        state.save("calendar", &mut calendar)?;
    }
    Ok(())
}

fn records(state: &State, before: &Value) -> Result<(), Refusal> {
    for pipeline in list(before, "pipelines") {
        // A stage is a name, or an object with a chance of winning beside it.
        let whole = |stage: &Value| if stage.is_string() { json!({"name": stage}) } else { stage.clone() };
        let mut body = pipeline.clone();
        let stages = pipeline.get("stages").and_then(Value::as_array).into_iter().flatten();
        body.insert("stages".into(), stages.map(whole).collect());
        pipelines::made(state, &body)?;
    }
    for field in list(before, "customFields") {
        custom_fields::made(state, field)?;
    }
    for value in list(before, "customValues") {
        let mut value = value.clone();
        let key = custom_fields::folded(text(&value, "name").unwrap_or_default());
        value.insert("fieldKey".into(), format!("{{{{ custom_values.{key} }}}}").into());
        state.create("customValue", value)?;
    }
    for tag in before.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        tags::taken(state, &[tag.to_owned()])?;
    }
    for (key, kind) in [("businesses", "business"), ("lostReasons", "lostReason")] {
        for record in list(before, key) {
            state.create(kind, record.clone())?;
        }
    }
    object_fields::standard(state)?;
    for contact in list(before, "contacts") {
        contacts::made(state, contact)?;
    }
    Ok(())
}
