//! Typed values into the bodies that Twenty takes. Composites are always written whole: a part that is left out may blank another.

use migr_transform::{Money, Value};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value as Json, json};

use super::composites::{actor, address, address_of, emails, full_name, links, phones, phones_body};
use super::normal::moment;
use super::refused::uuid;
use migr_load::FieldSchema;

/// The largest whole number that survives JSON at the server.
pub(super) const EXACT: i64 = 1 << 53;

/// The first and the last second of the years 1 to 9999.
pub(super) const FIRST: i64 = -62_135_596_800;
pub(super) const LAST: i64 = 253_402_300_799;

/// Why a value cannot be written. `says` never holds the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The part of the composite.
    pub(super) part: Option<String>,
    pub(super) value: Option<String>,
    pub(super) says: String,
}

pub(super) type Encoded = Result<Json, Fault>;

pub(super) fn fault(value: impl Into<String>, says: impl Into<String>) -> Fault {
    Fault { part: None, value: Some(value.into()), says: says.into() }
}

pub(super) fn unfit(value: &Value<'_>, what: &str) -> Fault {
    Fault { part: None, value: None, says: format!("{} is not {what}", value.kind()) }
}

impl Fault {
    pub(super) fn inside(mut self, part: &str) -> Self {
        self.part.get_or_insert_with(|| part.to_owned());
        self
    }
}

/// The empty value of a field; none where the field cannot be empty and is left out.
pub(super) fn blank(field: &FieldSchema) -> Option<Json> {
    Some(match field.native.as_str() {
        "TEXT" => json!(""),
        "RICH_TEXT" | "RICH_TEXT_V2" => json!({"blocknote": null, "markdown": null}),
        "EMAILS" => json!({"primaryEmail": "", "additionalEmails": []}),
        "PHONES" => phones_body("", "", "", Vec::new()),
        "LINKS" => json!({"primaryLinkUrl": "", "primaryLinkLabel": "", "secondaryLinks": []}),
        "CURRENCY" => json!({"amountMicros": null, "currencyCode": null}),
        "FULL_NAME" => json!({"firstName": "", "lastName": ""}),
        "ADDRESS" => address(&[])?,
        "ARRAY" | "MULTI_SELECT" if field.nullable => json!([]),
        _ if field.nullable => Json::Null,
        _ => return None,
    })
}

/// The native value of a field; none where the field is left out. References give an id, whatever key it goes by.
pub(super) fn encode(field: &FieldSchema, value: &Value<'_>) -> Result<Option<Json>, Fault> {
    if value.is_none() {
        return Ok(blank(field));
    }
    let encoded = match field.native.as_str() {
        "TEXT" => text(value).map(Json::String),
        "RICH_TEXT" | "RICH_TEXT_V2" => text(value).map(|text| json!({"markdown": text})),
        "NUMBER" | "NUMERIC" | "POSITION" => number(value),
        "BOOLEAN" => match value {
            Value::Boolean(truth) => Ok(Json::Bool(*truth)),
            other => Err(unfit(other, "a truth value")),
        },
        "DATE" => match value {
            Value::Date(date) if (1..=9999).contains(&date.year()) => Ok(Json::String(date.to_string())),
            Value::Date(date) => Err(fault(date.to_string(), "is before year 1, which the destination has not")),
            other => Err(unfit(other, "a date")),
        },
        "DATE_TIME" => match value {
            Value::Datetime(instant) if (FIRST..=LAST).contains(&instant.as_second()) => {
                Ok(Json::String(moment(*instant)))
            }
            Value::Datetime(instant) => {
                Err(fault(instant.to_string(), "is not in the years 1 to 9999, which the destination has"))
            }
            other => Err(unfit(other, "a date with time")),
        },
        "SELECT" | "RATING" => option(field, value).map(Json::String),
        "MULTI_SELECT" => options(field, value),
        "RELATION" | "MORPH_RELATION" => match value {
            Value::Reference(reference) => id(&reference.id),
            other => Err(unfit(other, "a reference")),
        },
        "UUID" => text(value).and_then(|text| id(&text)),
        "EMAILS" => emails(value),
        "PHONES" => phones(value),
        "LINKS" => links(value),
        "CURRENCY" => money(value),
        "ADDRESS" => match value {
            Value::Record(parts) => address_of(parts),
            other => Err(unfit(other, "an address")),
        },
        "FULL_NAME" => match value {
            Value::Record(parts) => full_name(parts),
            other => Err(unfit(other, "a name with `firstName` and `lastName`")),
        },
        "ACTOR" => match value {
            Value::Record(parts) => actor(parts),
            other => Err(unfit(other, "an actor with `source`, `name` and `workspaceMember`")),
        },
        "RAW_JSON" => plain_json(value),
        "ARRAY" => array(value),
        other => {
            Err(Fault { part: None, value: None, says: format!("the destination's {other} fields cannot be written") })
        }
    };
    encoded.map(Some)
}

pub(super) fn checked(text: &str) -> Result<&str, Fault> {
    if text.contains('\0') {
        return Err(Fault {
            part: None,
            value: None,
            says: "it holds a NUL character, which the destination refuses".to_owned(),
        });
    }
    Ok(text)
}

pub(super) fn text(value: &Value<'_>) -> Result<String, Fault> {
    match value {
        Value::Text(text) | Value::Option(text) => checked(text).map(str::to_owned),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Decimal(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Date(date) => Ok(date.to_string()),
        Value::Datetime(instant) => Ok(moment(*instant)),
        Value::Phone(phone) => Ok(phone.e164.clone()),
        Value::Json(json) => Ok(json.to_string()),
        other => Err(unfit(other, "a text")),
    }
}

pub(super) fn number(value: &Value<'_>) -> Encoded {
    let lost = |shown: String| fault(shown, "has more digits than the destination's numbers keep; map it to a text");
    match value {
        Value::Integer(number) if (-EXACT..=EXACT).contains(number) => Ok(json!(number)),
        Value::Integer(number) => Err(lost(number.to_string())),
        Value::Decimal(number) => decimal(*number).ok_or_else(|| lost(number.to_string())),
        other => Err(unfit(other, "a number")),
    }
}

/// A decimal as a JSON number, where that loses nothing.
fn decimal(number: Decimal) -> Option<Json> {
    if number.is_integer() {
        let whole = number.to_i64().filter(|whole| (-EXACT..=EXACT).contains(whole))?;
        return Some(json!(whole));
    }
    let float = number.to_f64()?;
    let back: Decimal = float.to_string().parse().ok()?;
    (back == number).then(|| json!(float))
}

fn option(field: &FieldSchema, value: &Value<'_>) -> Result<String, Fault> {
    let (Value::Option(given) | Value::Text(given)) = value else {
        return Err(unfit(value, "an option"));
    };
    if field.options.iter().any(|option| option.value == **given) {
        return Ok(given.to_string());
    }
    let known: Vec<&str> = field.options.iter().take(8).map(|option| option.value.as_str()).collect();
    let more = if field.options.len() > known.len() { ", …" } else { "" };
    Err(fault(given.to_string(), format!("is not an option there; it has {}{more}", known.join(", "))))
}

fn options(field: &FieldSchema, value: &Value<'_>) -> Encoded {
    let items = match value {
        Value::List(items) | Value::Tuple(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found: Vec<String> = Vec::new();
    for item in items.iter().filter(|item| !item.is_none()) {
        let option = option(field, item)?;
        if !found.contains(&option) {
            found.push(option);
        }
    }
    Ok(json!(found))
}

pub(super) fn id(text: &str) -> Encoded {
    uuid(text).map(|id| Json::String(id.to_string()))
}

fn array(value: &Value<'_>) -> Encoded {
    each(value).map(|item| text(item).map(Json::String)).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

pub(super) fn plain_json(value: &Value<'_>) -> Encoded {
    Ok(match value {
        Value::None | Value::Default => Json::Null,
        Value::Json(json) => {
            if json.to_string().contains("\\u0000") {
                checked("\0")?;
            }
            (**json).clone()
        }
        Value::Integer(_) | Value::Decimal(_) => number(value)?,
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::List(items) | Value::Tuple(items) => {
            Json::Array(items.iter().map(plain_json).collect::<Result<_, _>>()?)
        }
        Value::Record(parts) => {
            let mut object = Map::new();
            for (name, value) in parts {
                object.insert(name.to_string(), plain_json(value)?);
            }
            Json::Object(object)
        }
        Value::Money(_) => money(value)?,
        Value::Reference(reference) => id(&reference.id)?,
        other => Json::String(text(other)?),
    })
}

pub(super) fn each<'v, 'a>(value: &'v Value<'a>) -> impl Iterator<Item = &'v Value<'a>> {
    let items = match value {
        Value::List(items) | Value::Tuple(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().filter(|item| !item.is_none())
}

fn money(value: &Value<'_>) -> Encoded {
    match value {
        Value::Money(Money { micros, currency }) if (-EXACT..=EXACT).contains(micros) => {
            Ok(json!({"amountMicros": micros, "currencyCode": currency.code()}))
        }
        Value::Money(Money { micros, .. }) => {
            Err(fault(micros.to_string(), "millionths are more than the destination's amounts keep exactly"))
        }
        other => Err(unfit(other, "an amount of money")),
    }
}
