//! Values that fit the fields they are for, told without making their native form.

use migr_load::FieldSchema;
use migr_transform::Value;

use super::encode::{EXACT, FIRST, LAST};
use super::refused::uuid;

/// Most bytes that one byte of a text takes in JSON: `\u0001`.
const ESCAPED: usize = 6;
/// Bytes that any other value, and what stands around a value, takes at most: the keys of a phone number with a label each are the longest.
const AROUND: usize = 512;

/// More than any body may take.
const UNKNOWN: usize = 1 << 28;

/// True where a value is surely one that [`super::encode::encode`] takes. Of any other it says nothing.
pub(super) fn fits(field: &FieldSchema, value: &Value<'_>) -> bool {
    if value.is_none() {
        return true;
    }
    match field.native.as_str() {
        "TEXT" | "RICH_TEXT" | "RICH_TEXT_V2" => is_text(value),
        "NUMBER" | "NUMERIC" | "POSITION" => {
            matches!(value, Value::Integer(number) if (-EXACT..=EXACT).contains(number))
        }
        "BOOLEAN" => matches!(value, Value::Boolean(_)),
        "DATE" => matches!(value, Value::Date(date) if (1..=9999).contains(&date.year())),
        "DATE_TIME" => matches!(value, Value::Datetime(instant) if (FIRST..=LAST).contains(&instant.as_second())),
        "SELECT" | "RATING" => {
            matches!(value, Value::Option(given) if field.options.iter().any(|option| option.value == **given))
        }
        "RELATION" | "MORPH_RELATION" => {
            matches!(value, Value::Reference(reference) if uuid(&reference.id).is_ok())
        }
        "CURRENCY" => matches!(value, Value::Money(money) if (-EXACT..=EXACT).contains(&money.micros)),
        "FULL_NAME" => match value {
            Value::Record(parts) => parts.iter().all(|(name, value)| {
                matches!(&**name, "firstName" | "lastName") && (value.is_none() || is_text(value))
            }),
            _ => false,
        },
        "ARRAY" => match value {
            Value::List(items) => items.iter().all(|item| item.is_none() || is_text(item)),
            _ => false,
        },
        _ => false,
    }
}

fn is_text(value: &Value<'_>) -> bool {
    matches!(value, Value::Text(text) | Value::Option(text) if !text.contains('\0'))
}

/// Bytes that the native form of a value takes at most.
pub(super) fn most_bytes(value: &Value<'_>) -> usize {
    AROUND
        + match value {
            Value::Text(text) | Value::Option(text) => text.len() * ESCAPED,
            Value::List(items) | Value::Tuple(items) => items.iter().map(most_bytes).sum(),
            Value::Record(parts) => parts.iter().map(|(name, value)| name.len() + most_bytes(value)).sum(),
            // Nobody knows without writing it.
            Value::Json(_) => UNKNOWN,
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use jiff::Timestamp;
    use jiff::civil::date;
    use migr_transform::{Currency, Money, Reference};
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::encode::encode;
    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["\\PC{0,9}", "[\0\"\\\\a]{0,4}", Just("6ba7b810-9dad-51d1-80b4-00c04fd430c8".to_owned())]
    }

    fn value() -> impl Strategy<Value = Value<'static>> {
        let leaf = prop_oneof![
            Just(Value::None),
            text().prop_map(Value::text),
            text().prop_map(|text| Value::Option(Cow::Owned(text))),
            any::<i64>().prop_map(Value::Integer),
            any::<bool>().prop_map(Value::Boolean),
            (-2_i16..=9_999).prop_map(|year| Value::Date(date(year, 1, 1))),
            (-99_999_999_999_i64..253_402_000_000)
                .prop_map(|second| Value::Datetime(Timestamp::from_second(second).unwrap())),
            any::<i64>().prop_map(|micros| Value::Money(Money { micros, currency: Currency::new("EUR").unwrap() })),
            text().prop_map(|id| Value::Reference(Reference { object: Cow::Borrowed("people"), id: Cow::Owned(id) })),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            let name = prop_oneof![Just("firstName"), Just("lastName"), Just("other")].prop_map(Cow::Borrowed);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
                prop::collection::vec((name, inner), 0..3).prop_map(Value::Record),
            ]
        })
    }

    fn field(native: &str) -> FieldSchema {
        let option = json!({"value": "a", "label": "A", "color": "red", "position": 0});
        let said = json!({
            "id": "", "name": "field", "label": "Field", "type": null, "native": native, "options": [option], "unique": false,
            "nullable": true, "write_key": "field", "writable": true, "custom": false, "active": true,
        });
        serde_json::from_value(said).unwrap()
    }

    proptest! {
        #[test]
        fn what_fits_is_taken_and_no_longer_than_was_said(
            value in value(),
            native in prop::sample::select(vec![
                "TEXT", "RICH_TEXT_V2", "NUMBER", "BOOLEAN", "DATE", "DATE_TIME", "SELECT", "RELATION", "CURRENCY", "FULL_NAME", "ARRAY",
            ]),
        ) {
            let field = field(native);
            match encode(&field, &value) {
                Ok(json) => prop_assert!(json.map_or(0, |json| json.to_string().len()) <= most_bytes(&value)),
                Err(fault) => prop_assert!(!fits(&field, &value), "{fault:?}"),
            }
        }
    }
}
