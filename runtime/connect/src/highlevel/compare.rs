//! Comparison of what was written with what is held, knowing what the server rewrites.

use migr_load::FieldSchema;
use serde_json::Value as Json;

use super::TOKEN;
use super::kind::{Kind, Native};
use super::live::custom_type;

/// Longest value that is shown, in characters.
const SHOWN: usize = 200;

/// True where two native values are the same to the server.
pub(super) fn same(kind: Kind, field: &FieldSchema, wanted: &Json, found: &Json) -> bool {
    if is_nothing(wanted) || is_nothing(found) {
        return is_nothing(wanted) && is_nothing(found);
    }
    let is_instant = native(kind, field) == Some(Native::Instant);
    (!is_instant || instant(wanted).is_some()) && as_kept(kind, field, wanted) == as_kept(kind, field, found)
}

fn native(kind: Kind, field: &FieldSchema) -> Option<Native> {
    kind.fields().iter().find(|stock| stock.name == field.name).map(|stock| stock.native)
}

/// A native value, sent or found, in the one form in which the server keeps it.
pub(super) fn as_kept(kind: Kind, field: &FieldSchema, value: &Json) -> Json {
    if is_nothing(value) {
        return Json::Null;
    }
    match native(kind, field) {
        Some(Native::Name | Native::Email) => folded(value).into(),
        Some(Native::Words) => words(value).into(),
        Some(Native::Phone) => phone(value).into(),
        Some(Native::Date) => first_ten(value).into(),
        Some(Native::Instant) => instant(value).map_or(Json::Null, |at| at.as_millisecond().into()),
        Some(Native::Number) => number(value).map(|number| number.to_string()).into(),
        Some(_) => plain(value).into(),
        None => match custom_type(field).unwrap_or_default() {
            "NUMERICAL" => number(value).map(|number| number.to_string()).into(),
            "MONETORY" => number(value.get("value").unwrap_or(value)).map(|number| number.to_string()).into(),
            "DATE" => first_ten(value).into(),
            "EMAIL" => folded(value).into(),
            "PHONE" => phone(value).into(),
            _ => plain(value).into(),
        },
    }
}

/// True where the server may spell a field's values in a way of its own.
pub(super) fn respells(kind: Kind, field: &FieldSchema) -> bool {
    match native(kind, field) {
        Some(
            Native::Name
            | Native::Email
            | Native::Phone
            | Native::Url
            | Native::Date
            | Native::Instant
            | Native::Number
            | Native::Words,
        ) => true,
        Some(_) => false,
        None => matches!(
            custom_type(field).unwrap_or_default(),
            "NUMERICAL" | "MONETORY" | "DATE" | "EMAIL" | "PHONE" | "CHECKBOX" | "MULTIPLE_OPTIONS"
        ),
    }
}

/// A number to call as it is kept: its digits, with the sign before them.
pub(super) fn phone(value: &Json) -> String {
    let text = plain(value).to_lowercase();
    let number = text.split(['x', ';', ',']).next().unwrap_or_default();
    number.chars().filter(|sign| sign.is_ascii_digit() || *sign == '+').collect()
}

/// Fields of an object's own that a new record may have without being sent: what the location, its pipeline or the calendar gives, what a second call writes, and
/// what the facts leave open.
const GIVEN: &[(Kind, &[&str])] = &[
    (Kind::Businesses, &["country"]),
    (Kind::Contacts, &["country", "timezone", "source", "companyName", "business"]),
    (Kind::Opportunities, &["pipelineStage", "status", "probability"]),
    (Kind::Notes, &["title", "author"]),
    (Kind::Appointments, &["endTime", "title", "status", "assignedTo"]),
];

/// True where a new record may hold a value by itself: nothing, our own id, what the server gives, text boxes that are filled beforehand, and files, which are
/// records of their own.
pub(super) fn may_be_given(kind: Kind, field: &FieldSchema, value: &Json) -> bool {
    let is_stock = native(kind, field).is_some();
    is_nothing(value)
        || field.name == TOKEN
        || GIVEN.iter().any(|(of, names)| is_stock && *of == kind && names.contains(&field.name.as_str()))
        || is_stock && field.name == "monetaryValue" && number(value).is_some_and(|number| number.is_zero())
        || matches!(custom_type(field).unwrap_or_default(), "TEXTBOX_LIST" | "FILE_UPLOAD")
}

/// True where the server has no spelling of its own for a field's values, and none that it gives where nothing is sent, as it does to a contact's country.
pub(super) fn keeps_as_sent(kind: Kind, field: &FieldSchema) -> bool {
    if field.name == "country" {
        return false;
    }
    match native(kind, field) {
        Some(Native::Text | Native::Country | Native::Boolean | Native::Option | Native::To(_) | Native::Stage) => true,
        Some(_) => false,
        None => matches!(custom_type(field).unwrap_or_default(), "TEXT" | "LARGE_TEXT" | "SINGLE_OPTIONS" | "RADIO"),
    }
}

/// True where a native value holds nothing.
pub(super) fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A text without what the server may change around it.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.replace("\r\n", "\n").trim().to_owned(),
        other => other.to_string(),
    }
}

/// The form in which names and addresses are the same.
pub(super) fn folded(value: &Json) -> String {
    plain(value).split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Tags as they are kept: in lower case, blanks as one, each once.
pub(super) fn words(value: &Json) -> Vec<String> {
    let items = value.as_array().cloned().unwrap_or_default();
    let mut words: Vec<String> = items.iter().map(folded).filter(|word| !word.is_empty()).collect();
    words.sort();
    words.dedup();
    words
}

fn first_ten(value: &Json) -> String {
    plain(value).chars().take(10).collect()
}

fn number(value: &Json) -> Option<rust_decimal::Decimal> {
    let text = match value {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse::<rust_decimal::Decimal>()
        .or_else(|_| rust_decimal::Decimal::from_scientific(&text))
        .ok()
        .map(|it| it.normalize())
}

fn instant(value: &Json) -> Option<jiff::Timestamp> {
    value.as_str()?.trim().parse().ok()
}

/// A value for people.
pub(super) fn shown(value: &Json) -> String {
    let text = match value {
        value if is_nothing(value) => "nothing".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}
