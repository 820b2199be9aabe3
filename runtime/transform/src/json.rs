//! Values as JSON.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::Value;

/// The JSON form: a money is `{"amount": 12.5, "currency": "USD"}`, a phone `{"number": "+1…", "country": "US", "extension": null}`, a reference
/// `{"object": …, "id": …}`, a file `{"path": …, "name": …}`, `default` and none are null. A number that JSON readers would round is a text.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None | Self::Default => serializer.serialize_unit(),
            Self::Text(text) | Self::Option(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Decimal(number) => decimal(*number, serializer),
            Self::Boolean(truth) => serializer.serialize_bool(*truth),
            Self::Date(date) => serializer.collect_str(date),
            Self::Datetime(instant) => serializer.collect_str(instant),
            Self::Money(money) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("amount", &Value::Decimal(Decimal::new(money.micros, 6)))?;
                map.serialize_entry("currency", money.currency.code())?;
                map.end()
            }
            Self::Phone(phone) => {
                let mut map = serializer.serialize_map(Some(3))?;
                map.serialize_entry("number", &phone.e164)?;
                map.serialize_entry("country", &phone.country.as_ref().map(crate::Country::code))?;
                map.serialize_entry("extension", &phone.extension)?;
                map.end()
            }
            Self::Reference(reference) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("object", &reference.object)?;
                map.serialize_entry("id", &reference.id)?;
                map.end()
            }
            Self::File(file) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("path", &file.path)?;
                map.serialize_entry("name", &file.name)?;
                map.end()
            }
            Self::List(items) | Self::Tuple(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Record(parts) => {
                let mut map = serializer.serialize_map(Some(parts.len()))?;
                parts.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

/// As a JSON number where reading it as a double gives the same number back.
fn decimal<S: Serializer>(number: Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    let number = number.normalize();
    if let Some(whole) = number.to_i64().filter(|_| number.scale() == 0) {
        return serializer.serialize_i64(whole);
    }
    match number
        .to_f64()
        .filter(|double| Decimal::from_f64_retain(*double).is_some_and(|back| back.round_sf(15) == number.round_sf(15)))
    {
        Some(double) if number.mantissa().unsigned_abs() < 1_000_000_000_000_000 => serializer.serialize_f64(double),
        _ => serializer.collect_str(&number),
    }
}

/// The JSON form as a tree; see [`Value`]'s `Serialize` for writing it without one.
pub fn to_json(value: &Value<'_>) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_never_rounded() {
        for (text, json) in [
            ("12.5", "12.5"),
            ("0.1", "0.1"),
            ("7", "7"),
            ("1.10", "1.1"),
            ("1234567890123.456789", "\"1234567890123.456789\""),
        ] {
            let number: Decimal = text.parse().unwrap();
            assert_eq!(to_json(&Value::Decimal(number)).to_string(), json);
        }
    }
}
