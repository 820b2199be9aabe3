//! Comparison of what was written with what is held, knowing what the server rewrites.

use migr_load::FieldSchema;
use serde_json::Value as Json;

use super::kind::{Kind, Native};
use super::live::custom_type;

/// Longest value that is shown, in characters.
const SHOWN: usize = 200;

/// True where two native values are the same to the server.
pub(super) fn same(kind: Kind, field: &FieldSchema, wanted: &Json, found: &Json) -> bool {
    if is_nothing(wanted) || is_nothing(found) {
        return is_nothing(wanted) && is_nothing(found);
    }
    let native = kind.fields().iter().find(|stock| stock.name == field.name).map(|stock| stock.native);
    match native {
        Some(Native::Name | Native::Email) => folded(wanted) == folded(found),
        Some(Native::Words) => words(wanted) == words(found),
        Some(Native::Date) => first_ten(wanted) == first_ten(found),
        Some(Native::Instant) => instant(wanted).is_some() && instant(wanted) == instant(found),
        Some(Native::Number) => number(wanted) == number(found),
        Some(_) => plain(wanted) == plain(found),
        None => match custom_type(field).unwrap_or_default() {
            "NUMERICAL" => number(wanted) == number(found),
            "MONETORY" => number(wanted.get("value").unwrap_or(wanted)) == number(found.get("value").unwrap_or(found)),
            "DATE" => first_ten(wanted) == first_ten(found),
            _ => plain(wanted) == plain(found),
        },
    }
}

/// True where the server has no spelling of its own for a field's values, and none that it gives where nothing is sent, as it does to a contact's country.
pub(super) fn keeps_as_sent(kind: Kind, field: &FieldSchema) -> bool {
    if field.name == "country" {
        return false;
    }
    let native = kind.fields().iter().find(|stock| stock.name == field.name).map(|stock| stock.native);
    match native {
        Some(Native::Text | Native::Boolean | Native::Option | Native::To(_) | Native::Stage) => true,
        Some(_) => false,
        None => matches!(custom_type(field).unwrap_or_default(), "TEXT" | "LARGE_TEXT" | "SINGLE_OPTIONS" | "RADIO"),
    }
}

fn is_nothing(value: &Json) -> bool {
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
