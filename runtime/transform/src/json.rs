//! Values as JSON.

use std::collections::BTreeSet;

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

/// Part of a JSON text that its value has no more: a name that stands twice in an object, digits of a number. The text is JSON.
pub(crate) fn lost(text: &str) -> Option<String> {
    // Names of the objects that are open; none for a list.
    let mut open: Vec<Option<BTreeSet<String>>> = Vec::new();
    let mut rest = text;
    let mut is_name = false;
    while let Some(sign) = rest.chars().next() {
        let length = match sign {
            '"' => {
                let length = text_length(rest);
                if let (true, Some(Some(names))) = (is_name, open.last_mut()) {
                    let name: String = rest.get(..length).and_then(|name| serde_json::from_str(name).ok())?;
                    if let Some(name) = names.replace(name) {
                        return Some(format!("names `{name}` twice"));
                    }
                }
                is_name = false;
                length
            }
            '-' | '0'..='9' => {
                let is_of_number = |sign: char| sign.is_ascii_digit() || matches!(sign, '-' | '+' | '.' | 'e' | 'E');
                let length = rest.find(|sign| !is_of_number(sign)).unwrap_or(rest.len());
                let number = rest.get(..length).unwrap_or_default();
                if is_rounded(number) {
                    return Some(format!("holds the number {number}, of which not all digits are kept"));
                }
                length
            }
            sign => {
                match sign {
                    '{' => open.push(Some(BTreeSet::new())),
                    '[' => open.push(None),
                    '}' | ']' => drop(open.pop()),
                    _ => {}
                }
                is_name = match sign {
                    '{' => true,
                    ',' => matches!(open.last(), Some(Some(_))),
                    sign => is_name && sign.is_whitespace(),
                };
                sign.len_utf8()
            }
        };
        rest = rest.get(length..)?;
    }
    None
}

/// Length of the text in quotes that begins here.
fn text_length(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, sign)| {
        let ends = *sign == '"' && !is_escaped;
        is_escaped = *sign == '\\' && !is_escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// True where a reader that computes in 64 bits would make another number of it.
fn is_rounded(number: &str) -> bool {
    let digits = |text: &str| {
        let text = text.split(['e', 'E']).next().unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.trim_start_matches('0').trim_end_matches('0').to_owned()
    };
    let written = digits(number);
    written.len() > 15 && number.parse::<f64>().is_ok_and(|read| digits(&format!("{read:e}")) != written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stand_twice_and_digits_that_go_are_seen() {
        for (text, says) in [
            (r#"{"a": 1, "a": 2}"#, Some("names `a` twice")),
            (r#"[{"a": {"b": 1, "\u0062": 2}}]"#, Some("names `b` twice")),
            (r#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}], "c": "a", "d": "a: 1, \"a\": 2"}"#, None),
            (r#"{"a": ["a", "a"], "b": 1}"#, None),
            (
                r"[12345678901234567890]",
                Some("holds the number 12345678901234567890, of which not all digits are kept"),
            ),
            ("0.1234567890123456789", Some("holds the number 0.1234567890123456789, of which not all digits are kept")),
            ("[1.10, -2.5e3, 9007199254740992, 100000000000000000000, 0.30000000000000004]", None),
        ] {
            assert_eq!(lost(text).as_deref(), says, "{text}");
        }
    }

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
