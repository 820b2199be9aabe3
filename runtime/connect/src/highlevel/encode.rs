//! Native forms of values.

use jiff::tz::TimeZone;
use migr_load::FieldSchema;
use migr_transform::Value;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::kind::{Kind, Native};
use super::live::{Live, custom_type};
use super::setup::takes_options_alone;

/// The instant as the API takes it: with its offset, always UTC.
fn instant(at: jiff::Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A number of JSON, where it keeps every digit.
fn number(text: &str) -> Result<Json, String> {
    let number: Json = serde_json::from_str(text).map_err(|_| "is no number that JSON can hold".to_owned())?;
    let kept = number.as_f64().and_then(|kept| kept.to_string().parse::<Decimal>().ok());
    if text.parse::<Decimal>().is_ok_and(|wanted| kept != Some(wanted)) {
        return Err("has more digits than the destination's numbers keep; map it to a text".to_owned());
    }
    Ok(number)
}

/// The code of a country, as the API takes it.
fn country(text: String) -> Result<Json, String> {
    if text.is_empty() || text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Ok(text.into());
    }
    Err("is no code of a country in two capitals, and the destination takes no other; `| country_code` makes one"
        .to_owned())
}

/// A value as text, where the API has no other form for it.
pub(super) fn as_text(value: &Value<'_>) -> Result<String, String> {
    Ok(match value {
        Value::None | Value::Default => String::new(),
        Value::Text(text) | Value::Option(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) => number.normalize().to_string(),
        Value::Boolean(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        Value::Date(date) => date.to_string(),
        Value::Datetime(at) => instant(*at),
        Value::Money(money) => units(money.micros),
        Value::Phone(phone) => phone.e164.clone(),
        Value::Reference(reference) => reference.id.to_string(),
        Value::List(items) => {
            let texts: Result<Vec<String>, String> = items.iter().map(as_text).collect();
            texts?.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Value::Json(json) => json.to_string(),
        Value::File(_) | Value::Record(_) | Value::Tuple(_) => {
            return Err("has several parts, and the field holds one".to_owned());
        }
    })
}

/// An amount in units: `12.5`.
fn units(micros: i64) -> String {
    let (whole, part) = (micros / 1_000_000, (micros % 1_000_000).unsigned_abs());
    let sign = if micros < 0 && whole == 0 { "-" } else { "" };
    let fraction = format!("{part:06}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The native form of a value of a field of the object's own; none where nothing is written.
pub(super) fn stock(
    native: Native,
    value: &Value<'_>,
    live: &Live,
    pipeline: Option<&str>,
) -> Result<Option<Json>, String> {
    if matches!(value, Value::None) {
        return Ok(Some(if native == Native::Words { json!([]) } else { Json::Null }));
    }
    Ok(Some(match (native, value) {
        (Native::Number, Value::Integer(_) | Value::Decimal(_) | Value::Money(_)) => number(&as_text(value)?)?,
        (Native::Boolean, Value::Boolean(truth)) => json!(truth),
        (Native::Words, Value::List(items)) => {
            let words: Result<Vec<String>, String> = items.iter().map(as_text).collect();
            json!(words?.into_iter().filter(|word| !word.trim().is_empty()).collect::<Vec<_>>())
        }
        (Native::Words, Value::Text(word)) => json!([word]),
        (Native::Stage, Value::Text(name) | Value::Option(name)) => match live.stage(pipeline, name) {
            Some(id) => json!(id),
            None => return Err(format!("is no option: its pipeline{} has no such stage", named(live, pipeline))),
        },
        (Native::Country, _) => country(as_text(value)?)?,
        (Native::File, _) => return Ok(None),
        _ => json!(as_text(value)?),
    }))
}

fn named(live: &Live, pipeline: Option<&str>) -> String {
    let found = live.pipelines.iter().find(|known| Some(known.id.as_str()) == pipeline);
    found.map(|known| format!(" `{}`", known.name)).unwrap_or_default()
}

/// The native form of a value of a custom field.
pub(super) fn custom(kind: Kind, field: &FieldSchema, value: &Value<'_>) -> Result<Json, String> {
    let ty = custom_type(field).unwrap_or_default();
    if matches!(value, Value::None) {
        return Ok(Json::Null);
    }
    let text = as_text(value)?;
    if takes_options_alone(field) {
        let parts = match value {
            Value::List(items) => items.iter().map(as_text).collect::<Result<Vec<_>, _>>()?,
            _ => vec![text.clone()],
        };
        // The server would drop it without a word.
        if parts.iter().any(|part| !field.options.iter().any(|known| known.value == *part)) {
            let says = if parts.len() == 1 { "is" } else { "holds what is" };
            return Err(format!("{says} no option of the field"));
        }
    }
    Ok(match (kind, ty) {
        // Opportunities have no numbers in custom fields.
        (Kind::Opportunities, _) => json!(text),
        (Kind::Custom, "MONETORY") => json!({"currency": "default", "value": number(&text)?}),
        (_, "NUMERICAL" | "MONETORY") => number(&text)?,
        (_, "CHECKBOX" | "MULTIPLE_OPTIONS") => match value {
            Value::List(items) => json!(items.iter().map(as_text).collect::<Result<Vec<_>, _>>()?),
            _ => json!([text]),
        },
        _ => json!(text),
    })
}

#[cfg(test)]
mod tests {
    use super::{country, number, units};

    #[test]
    fn a_country_is_written_by_its_code_or_not_at_all() {
        for (text, is_taken) in [("DE", true), ("", true), ("de", false), ("Germany", false), ("DEU", false)] {
            assert_eq!(country(text.to_owned()).is_ok(), is_taken, "{text}");
        }
    }

    #[test]
    fn a_number_keeps_every_digit_or_is_refused() {
        for text in ["0", "-12.5", "0.30000000000000004", "9007199254740992", "1234567890123.45"] {
            assert!(number(text).is_ok(), "{text}");
        }
        for text in ["9007199254740993", "12345678901234567890.123", "0.1234567890123456789"] {
            assert!(number(text).is_err_and(|why| why.contains("more digits")), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_in_units() {
        for (micros, text) in
            [(0, "0"), (1_500_000, "1.5"), (-250_000, "-0.25"), (2_000_000, "2"), (-3_010_000, "-3.01")]
        {
            assert_eq!(units(micros), text);
        }
    }
}
