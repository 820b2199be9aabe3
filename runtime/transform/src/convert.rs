//! Conversion of values to the types of destination fields.

use std::borrow::Cow;

use migr_plan::{FieldType, Part};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::dates::{self, Ambiguity};
use crate::failure::Fault;
use crate::functions::Settings;
use crate::number_format::NumberFormat;
use crate::{FileValue, Value, addresses, json, money, numbers, phones};

type Converted<'r> = Result<Value<'r>, Fault>;

/// A value as one of a field's type. What would lose something is a failure, not done in silence.
pub(crate) fn convert<'r>(value: Value<'r>, to: &FieldType, settings: &Settings) -> Converted<'r> {
    if matches!(value, Value::None | Value::Default) {
        return Ok(value);
    }
    match to {
        FieldType::Text => text_of(value).map(Value::text),
        // A text is shown as it is written; what is Markdown already is of this type and not converted.
        FieldType::Richtext => text_of(value).map(crate::markup::shown).map(Value::text),
        FieldType::Integer => integer(value, &[]),
        FieldType::Number | FieldType::Decimal => number(value, &[]),
        FieldType::Boolean => match value {
            Value::Boolean(_) => Ok(value),
            other => numbers::boolean(&text_of(other)?).map(Value::Boolean),
        },
        FieldType::Date => match value {
            Value::Date(_) => Ok(value),
            Value::Datetime(instant) => {
                Err(Fault::of(instant.to_string(), "is a date with time; say which day it is with `date`"))
            }
            other => dates::iso_date(&text_of(other)?).map(Value::Date),
        },
        FieldType::Datetime => match value {
            Value::Datetime(_) => Ok(value),
            Value::Date(date) => Err(Fault::of(date.to_string(), "is a date without time; say when with `at`")),
            other => {
                dates::iso_instant(&text_of(other)?, settings.zone.as_ref(), Ambiguity::default()).map(Value::Datetime)
            }
        },
        FieldType::Email => addresses::valid_email(text_of(value)?).map(Value::Text),
        FieldType::Phone => match value {
            Value::Phone(_) => Ok(value),
            other => phones::phone(&text_of(other)?, settings.region.as_ref()).map(Value::Phone),
        },
        FieldType::Url => {
            let text = crate::text::trim(text_of(value)?);
            // Without its scheme it would begin with a path.
            let is_relative = text.starts_with("//");
            addresses::url(&text).map(|whole| if is_relative { Value::text(whole) } else { Value::Text(text) })
        }
        FieldType::Currency => currency(value, settings),
        FieldType::Json => match value {
            Value::Json(_) => Ok(value),
            other => Ok(Value::Json(Box::new(crate::to_json(&other)))),
        },
        FieldType::File => match value {
            Value::File(_) => Ok(value),
            other => {
                let path = crate::text::trim(text_of(other)?);
                let name = file_name(&path);
                Ok(Value::File(FileValue { path, name: Cow::Owned(name) }))
            }
        },
        FieldType::Uuid => {
            let text = text_of(value)?;
            let uuid = uuid::Uuid::try_parse(text.trim()).map_err(|_| Fault::of(text, "is not a UUID"))?;
            Ok(Value::text(uuid.to_string()))
        }
        FieldType::Select { options } => option(value, options),
        FieldType::Multiselect { options } => {
            items(value).map(|item| option(item, options)).collect::<Result<_, _>>().map(Value::list)
        }
        FieldType::List { of } => {
            items(value).map(|item| convert(item, of, settings)).collect::<Result<_, _>>().map(Value::list)
        }
        FieldType::Reference { .. } => match value {
            Value::Reference(_) => Ok(value),
            other => Err(Fault::plain(format!("a reference was expected, not {}", other.kind()))),
        },
        FieldType::Many { .. } => {
            let each = items(value).map(|item| match item {
                Value::Reference(_) => Ok(item),
                other => Err(Fault::plain(format!("a reference was expected, not {}", other.kind()))),
            });
            each.collect::<Result<_, _>>().map(Value::list)
        }
        FieldType::Composite { parts, .. } => composite(value, parts, settings),
    }
}

/// Name of a file: the last part of its path; of a link's path, without what stands behind it.
fn file_name(path: &str) -> String {
    let last = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    match url::Url::parse(path) {
        Ok(link) if matches!(link.scheme(), "http" | "https") => {
            Some(decoded(&last(link.path()))).filter(|name| !name.is_empty()).unwrap_or_else(|| "file".to_owned())
        }
        _ => last(path),
    }
}

/// `%20` as what it stands for, where that gives a text.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let pair = rest.clone();
        let digits: Option<Vec<u32>> = pair.take(2).map(|byte| char::from(byte).to_digit(16)).collect();
        match digits.as_deref() {
            Some([high, low]) if byte == b'%' => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest.nth(1);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// A text that says all that the value holds.
pub(crate) fn text_of(value: Value<'_>) -> Result<Cow<'_, str>, Fault> {
    Ok(match value {
        Value::None => Cow::Borrowed(""),
        Value::Text(text) | Value::Option(text) => text,
        Value::Integer(number) => Cow::Owned(number.to_string()),
        Value::Decimal(number) => Cow::Owned(number.normalize().to_string()),
        Value::Boolean(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
        Value::Date(date) => Cow::Owned(date.to_string()),
        Value::Datetime(instant) => Cow::Owned(instant.to_string()),
        Value::Money(money) => {
            let amount = Decimal::new(money.micros, 6).normalize();
            Cow::Owned(format!("{amount} {}", money.currency.code()))
        }
        Value::Phone(phone) => Cow::Owned(match phone.extension {
            Some(extension) => format!("{} x{extension}", phone.e164),
            None => phone.e164,
        }),
        Value::File(file) => file.path,
        Value::Json(json) => Cow::Owned(json.to_string()),
        Value::Default | Value::Reference(_) | Value::List(_) | Value::Record(_) | Value::Tuple(_) => {
            return Err(Fault::plain(format!("a text was expected, not {}", value.kind())));
        }
    })
}

/// A whole number.
pub(crate) fn integer<'r>(value: Value<'r>, formats: &[NumberFormat]) -> Converted<'r> {
    match value {
        Value::Integer(_) => Ok(value),
        Value::Decimal(number) => {
            let whole = number.to_i64().filter(|_| number.fract().is_zero());
            whole.map(Value::Integer).ok_or_else(|| Fault::of(number.to_string(), "is not a whole number"))
        }
        other => numbers::integer(&text_of(other)?, formats).map(Value::Integer),
    }
}

/// A number.
pub(crate) fn number<'r>(value: Value<'r>, formats: &[NumberFormat]) -> Converted<'r> {
    match value {
        Value::Integer(_) | Value::Decimal(_) => Ok(value),
        other => numbers::number(&text_of(other)?, formats).map(Value::Decimal),
    }
}

/// A text read as JSON.
pub(crate) fn json_text<'r>(text: &str) -> Converted<'r> {
    let json = serde_json::from_str(text).map_err(|_| Fault::of(text, "is not JSON"))?;
    match json::lost(text) {
        Some(why) => Err(Fault::of(text, why)),
        None => Ok(Value::Json(Box::new(json))),
    }
}

fn currency<'r>(value: Value<'r>, settings: &Settings) -> Converted<'r> {
    let number = match value {
        Value::Money(_) => return Ok(value),
        Value::Integer(number) => Decimal::from(number),
        Value::Decimal(number) => number,
        other => return money::money(&text_of(other)?, None, settings.currency, &[]).map(Value::Money),
    };
    let currency = settings
        .currency
        .ok_or_else(|| Fault::of(number.to_string(), "names no currency, and neither does the migration"))?;
    money::of_decimal(number, currency).map(Value::Money)
}

/// Converts to an option. A value from a table or written out has been checked by the compiler, or is created by setup;
/// a text must be an option as it stands.
fn option<'r>(value: Value<'r>, options: &[String]) -> Converted<'r> {
    match value {
        Value::Option(_) | Value::None => Ok(value),
        other => {
            let text = text_of(other)?;
            if options.iter().any(|known| *known == text) {
                return Ok(Value::Option(text));
            }
            let mut known = options.iter().take(12).map(String::as_str).collect::<Vec<_>>().join(", ");
            if options.len() > 12 {
                known.push_str(", …");
            }
            Err(Fault::of(text, format!("is not one of the options {known}")))
        }
    }
}

fn composite<'r>(value: Value<'r>, parts: &[Part], settings: &Settings) -> Converted<'r> {
    let Value::Record(given) = value else {
        // A single value stands for the part that tells the composite.
        let primary = parts.iter().find(|part| part.name.starts_with("primary")).or_else(|| parts.first());
        let primary = primary.ok_or_else(|| Fault::plain("the field has no parts"))?;
        let converted = convert(value, &primary.ty, settings).map_err(|fault| fault.inside(&primary.name))?;
        return Ok(record(vec![(Cow::Owned(primary.name.clone()), converted)]));
    };
    let converted = given.into_iter().map(|(name, value)| {
        let part = parts
            .iter()
            .find(|part| part.name == name)
            .ok_or_else(|| Fault::plain(format!("the field has no part `{name}`")))?;
        let value = convert(value, &part.ty, settings).map_err(|fault| fault.inside(&name))?;
        Ok((name, value))
    });
    converted.collect::<Result<_, _>>().map(record)
}

/// A record; none where all its parts are.
pub(crate) fn record<'r>(parts: Vec<(Cow<'r, str>, Value<'r>)>) -> Value<'r> {
    if parts.iter().all(|(_, value)| value.is_none()) { Value::None } else { Value::Record(parts) }
}

/// The elements of a list that are there; a single value is a list of one.
fn items(value: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let items = match value {
        Value::List(items) => items,
        single => vec![single],
    };
    items.into_iter().filter(|item| !item.is_none())
}
