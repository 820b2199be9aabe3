//! Values on their way in: checked and normalised as the server does it.

use serde_json::{Map, Value};

use crate::clock;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Field, Kind, Object};

mod contact;
mod inspect;
mod links;
mod rich_text;

pub(crate) use inspect::inspect;

const SOURCES: [&str; 10] =
    ["EMAIL", "CALENDAR", "WORKFLOW", "AGENT", "API", "IMPORT", "MANUAL", "SYSTEM", "WEBHOOK", "APPLICATION"];

/// Text in the form of a UUID that the RFC knows: a version from 1 to 8, and its variant.
pub(crate) fn is_rfc_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    let formed = bytes.len() == 36
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let version = bytes.get(14).is_some_and(|byte| (b'1'..=b'8').contains(byte));
    let variant = bytes.get(19).is_some_and(|byte| b"89abAB".contains(byte));
    formed && version && variant
}

/// The refusal of a null where there must be a value.
pub(crate) fn not_null(object: &Object, column: &str) -> Problem {
    let table = object.table();
    Problem::bad_request(format!(
        "null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"
    ))
}

/// The value to store for a field that is not a relation; null is "nothing stored".
pub(crate) fn normalise(old: bool, object: &Object, field: &Field, input: &Value) -> Result<Value, Problem> {
    let name = field.name.as_str();
    if field.kind == Kind::TsVector {
        return Err(Problem::invalid(format!("{name} TS_VECTOR-typed field does not support write operations")));
    }
    if input.is_null() {
        let free = field.nullable || old && field.kind == Kind::Text;
        return if free || !field.kind.parts().is_empty() { Ok(Value::Null) } else { Err(not_null(object, name)) };
    }
    match field.kind {
        Kind::Text => text(old, name, input),
        Kind::Uuid => uuid(old, name, input),
        Kind::Number | Kind::Numeric => number(old, name, input),
        Kind::Position => {
            if input.is_string() {
                Ok(Value::from(0))
            } else {
                number(old, name, input)
            }
        }
        Kind::Boolean => match input {
            Value::Bool(_) => Ok(input.clone()),
            other => Err(Problem::invalid(format!("Invalid boolean value {} for field \"{name}\"", inspect(other)))),
        },
        // A year of five digits passes the check and fails in the database.
        Kind::DateTime if !old && input.as_str().is_some_and(clock::is_beyond) => {
            Err(Problem::new(500, "InternalServerErrorException", "Data validation error."))
        }
        Kind::DateTime => match input.as_str().and_then(clock::normalise) {
            Some(time) => Ok(Value::String(time)),
            None => Err(Problem::invalid(format!(
                "Invalid value {} for date-time field \"{name}\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'",
                inspect(input)
            ))),
        },
        Kind::Date => match input.as_str().filter(|day| clock::date(day).is_some()) {
            Some(day) => Ok(day.into()),
            None => Err(Problem::invalid(format!(
                "Invalid value {} for date field \"{name}\". Expected format: 'YYYY-MM-DD'",
                inspect(input)
            ))),
        },
        Kind::Select | Kind::Rating => select(old, object, field, input),
        Kind::MultiSelect => multi_select(field, input),
        Kind::Array => match input.as_array().filter(|items| items.iter().all(Value::is_string)) {
            Some(items) if items.is_empty() => Ok(Value::Null),
            Some(_) => Ok(input.clone()),
            None => Err(Problem::invalid(format!("Invalid value {} for array field \"{name}\"", inspect(input)))),
        },
        Kind::RawJson => Ok(input.clone()),
        _ => composite(old, field, input),
    }
}

fn composite(old: bool, field: &Field, input: &Value) -> Result<Value, Problem> {
    let name = field.name.as_str();
    let Some(parts) = input.as_object() else {
        return Err(Problem::invalid(format!("Invalid object value {} for field \"{name}\"", inspect(input))));
    };
    let known = field.kind.parts();
    if let Some(unknown) = parts.keys().find(|part| !known.contains(&part.as_str())) {
        let kind = serde_json::to_value(field.kind).unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default().to_lowercase();
        return Err(Problem::invalid(format!("Invalid subfield {unknown} for {kind} field \"{name}\"")));
    }
    // The older server's refusals carry no code.
    let plain = |mut problem: Problem| {
        problem.code = problem.code.filter(|_| !old);
        problem
    };
    match field.kind {
        Kind::Emails => contact::emails(old, name, parts),
        Kind::Phones => contact::phones(parts).map_err(plain),
        Kind::Links => links::links(old, parts).map_err(plain),
        Kind::RichText | Kind::RichTextV2 => rich_text::rich_text(old, name, parts),
        Kind::Currency => currency(name, parts),
        Kind::Address | Kind::FullName => texts(old, name, parts),
        _ => actor(name, parts),
    }
}

fn text(old: bool, name: &str, input: &Value) -> Result<Value, Problem> {
    match input {
        Value::String(text) if text.contains('\0') => {
            Err(Problem::new(500, "InternalServerErrorException", "Data validation error."))
        }
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(_) => Ok(input.clone()),
        other if old => Ok(Value::String(other.to_string())),
        other => Err(Problem::invalid(format!("Invalid string value {} for text field \"{name}\"", inspect(other)))),
    }
}

/// A UUID, as it is wanted in a key or a UUID field.
pub(crate) fn uuid(old: bool, name: &str, input: &Value) -> Result<Value, Problem> {
    match input.as_str() {
        Some(text) if is_rfc_uuid(text) => Ok(text.to_lowercase().into()),
        Some(text) if old => Err(Problem::new(
            500,
            "InternalServerErrorException",
            format!("invalid input syntax for type uuid: \"{text}\""),
        )),
        _ => Err(Problem::invalid(format!("Invalid UUID value {} for field \"{name}\"", inspect(input)))),
    }
}

fn number(old: bool, name: &str, input: &Value) -> Result<Value, Problem> {
    match input {
        Value::Number(_) => Ok(input.clone()),
        Value::String(text) if old && text.parse::<f64>().is_ok() => Ok(serde_json::from_str(text).unwrap_or_default()),
        other => Err(Problem::invalid(format!("Invalid number value {} for field \"{name}\"", inspect(other)))),
    }
}

fn one_of(name: &str, value: &str, valid: &[&str]) -> Problem {
    Problem::invalid(format!("Invalid value \"{value}\" for field \"{name}\". Valid values are: {}", valid.join(", ")))
        .friend(format!("Invalid value for field \"{name}\""))
}

fn select(old: bool, object: &Object, field: &Field, input: &Value) -> Result<Value, Problem> {
    let valid = field.option_values();
    let given = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
    if input.is_string() && valid.contains(&given.as_str()) {
        return Ok(input.clone());
    }
    if old {
        return Err(Problem::bad_request(format!(
            "invalid input value for enum workspace_sandbox.{}_{}_enum: \"{given}\"",
            object.singular, field.name
        )));
    }
    Err(one_of(&field.name, &given, &valid))
}

fn multi_select(field: &Field, input: &Value) -> Result<Value, Problem> {
    let valid = field.option_values();
    let known = |item: &Value| item.as_str().is_some_and(|value| valid.contains(&value));
    match input.as_array() {
        Some(items) if items.is_empty() => Ok(Value::Null),
        Some(items) if items.iter().all(known) => Ok(input.clone()),
        _ => {
            Err(Problem::invalid(format!("Invalid value {} for multi select field \"{}\"", inspect(input), field.name)))
        }
    }
}

fn currency(name: &str, parts: &Map<String, Value>) -> Result<Value, Problem> {
    let mut stored = Map::new();
    if let Some(micros) = parts.get("amountMicros") {
        let amount = match micros {
            Value::Null => Value::Null,
            Value::Number(amount) if amount.is_i64() => micros.clone(),
            Value::Number(amount) => whole(amount.as_f64().unwrap_or_default()),
            Value::String(text) => {
                let amount = text.parse::<f64>().map_err(|_| not_a_number(&format!("{name}.amountMicros")))?;
                text.parse::<i64>().map_or_else(|_| whole(amount), Value::from)
            }
            other => {
                let message = format!("Invalid number value {} for field \"{name}.amountMicros\"", inspect(other));
                return Err(Problem::invalid(message));
            }
        };
        stored.insert("amountMicros".into(), amount);
    }
    if let Some(code) = parts.get("currencyCode") {
        stored.insert("currencyCode".into(), code.clone());
    }
    Ok(Value::Object(stored))
}

/// The refusal of text that should be a number.
fn not_a_number(path: &str) -> Problem {
    Problem::invalid(format!("Invalid number value NaN for field \"{path}\""))
}

/// A composite without its empty parts; null if nothing is left. Equal values are stored equally.
pub(crate) fn tidy(kind: Kind, value: Value) -> Value {
    let merged = matches!(kind, Kind::Address | Kind::Currency | Kind::FullName | Kind::Emails | Kind::Phones);
    match value {
        Value::Object(mut parts) if merged => {
            parts.retain(|_, part| {
                !part.is_null() && part != "" && part.as_array().is_none_or(|items| !items.is_empty())
            });
            if parts.is_empty() { Value::Null } else { Value::Object(parts) }
        }
        other => other,
    }
}

/// The integer part, as the server keeps it.
fn whole(amount: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "micros are truncated on purpose, as the server does")]
    let whole = amount as i64;
    Value::from(whole)
}

fn texts(old: bool, name: &str, parts: &Map<String, Value>) -> Result<Value, Problem> {
    let mut stored = Map::new();
    for (part, value) in parts {
        let path = format!("{name}.{part}");
        let kept = match (part.as_str(), value) {
            (_, Value::Null) => Value::Null,
            ("addressLat" | "addressLng", Value::String(text)) => {
                Value::from(text.parse::<f64>().map_err(|_| not_a_number(&path))?)
            }
            ("addressLat" | "addressLng", _) => number(old, &path, value)?,
            _ => text(old, &path, value)?,
        };
        stored.insert(part.clone(), kept);
    }
    Ok(Value::Object(stored))
}

fn actor(name: &str, parts: &Map<String, Value>) -> Result<Value, Problem> {
    if let Some(source) = parts.get("source").and_then(Value::as_str)
        && !SOURCES.contains(&source)
    {
        return Err(one_of(&format!("{name}.source"), source, &SOURCES));
    }
    Ok(Value::Object(parts.clone()))
}
