//! Values of a contact as they are stored.

use phonenumber::country::Id;
use serde_json::{Map, Value};

use crate::highlevel::call::{text, texts};
use crate::highlevel::refusal::Refusal;
use crate::highlevel::state::State;
use crate::highlevel::{clock, custom_fields, tags};

/// Use of values: to make a contact, or to change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    New,
    Over,
}

/// The held values with the written ones over them.
pub(super) fn written(
    state: &State,
    held: &Map<String, Value>,
    input: &Map<String, Value>,
    how: Written,
) -> Result<Map<String, Value>, Refusal> {
    let mut body = held.clone();
    state.check_user("assignedTo", text(input, "assignedTo"))?;
    for (key, value) in input {
        match key.as_str() {
            "locationId" | "createNewIfDuplicateAllowed" => {}
            "name" => split_name(&mut body, input, value),
            "email" => {
                put(&mut body, key, value);
                let address =
                    value.as_str().map(|address| address.trim().to_lowercase()).filter(|address| !address.is_empty());
                if address.as_ref().is_some_and(|address| !is_address(address)) {
                    return Err(Refusal::invalid("email must be an email"));
                }
                put(&mut body, "emailLowerCase", &address.map_or(Value::Null, Value::from));
            }
            "phone" => {
                let number = value.as_str().map(|number| e164(state, input, number)).transpose()?;
                put(&mut body, key, &number.map_or(Value::Null, Value::from));
            }
            "dateOfBirth" => {
                let born = value.as_str().filter(|text| !text.is_empty());
                let day = born
                    .map(|text| clock::day(text).ok_or_else(|| Refusal::invalid("dateOfBirth must be a valid date")));
                let day = day.transpose()?.map(|day| format!("{day}T00:00:00.000Z"));
                put(&mut body, key, &day.map_or(Value::Null, Value::from));
            }
            "country" => {
                let code = value.as_str().unwrap_or_default();
                let is_code = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
                if !(code.is_empty() || is_code) {
                    return Err(Refusal::invalid("country must be a valid enum value"));
                }
                put(&mut body, key, value);
            }
            "tags" => {
                let taken = tags::taken(state, &texts(input, key))?;
                body.insert(key.clone(), taken.into());
            }
            "customFields" => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let merged = custom_fields::merge(state, "contact", body.get(key), items)?;
                body.insert(key.clone(), Value::Object(merged));
            }
            _ => put(&mut body, key, value),
        }
    }
    if how == Written::New && !body.contains_key("country") {
        body.extend(state.place()?.get("country").map(|country| ("country".to_owned(), country.clone())));
    }
    Ok(body)
}

/// Keeps a value; null and empty text take it away.
fn put(body: &mut Map<String, Value>, key: &str, value: &Value) {
    if value.is_null() || value.as_str() == Some("") {
        body.shift_remove(key);
    } else {
        body.insert(key.to_owned(), value.clone());
    }
}

/// A whole name becomes the first word and the rest, where these are not given themselves.
fn split_name(body: &mut Map<String, Value>, input: &Map<String, Value>, value: &Value) {
    let whole = value.as_str().unwrap_or_default().trim();
    let (first, last) = whole.split_once(' ').unwrap_or((whole, ""));
    for (key, part) in [("firstName", first), ("lastName", last)] {
        if !input.contains_key(key) {
            put(body, key, &part.trim().into());
        }
    }
}

fn is_address(address: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.contains(|sign: char| sign.is_whitespace() || sign == '@');
    address.split_once('@').is_some_and(|(local, domain)| {
        plain(local) && plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    })
}

/// A number in E.164 where it can be read as one of the contact's or the location's country; its extension is lost.
fn e164(state: &State, input: &Map<String, Value>, number: &str) -> Result<String, Refusal> {
    let place = state.place()?;
    let country = text(input, "country").or_else(|| text(&place, "country")).and_then(|code| code.parse::<Id>().ok());
    let parsed = phonenumber::parse(country, number).ok();
    let whole = parsed.map(|number| format!("+{}{}", number.code().value(), number.national()));
    Ok(whole.unwrap_or_else(|| number.trim().to_owned()))
}
