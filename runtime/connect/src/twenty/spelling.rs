//! Values as they were found, in the form in which they are sent: what was written is recognised by it, unless the server keeps another spelling.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::composites::{ADDRESS_NUMBERS, ADDRESS_TEXTS, address, phones_body};
use super::encode::blank;
use super::held::field;
use super::kept_bytes::kept_bytes;
use super::live::Live;
use super::normal::{canonical, list, moment};
use super::{Twenty, held};
use migr_load::{Map, Spelling, in_form};

impl Spelling for Twenty {
    fn as_sent(&self, object: &str, found: &Map) -> Map {
        self.live().map_or_else(|_| found.clone(), |live| as_sent(&live, object, found))
    }

    fn respells(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| respells(&live, object, key))
    }

    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        self.live().map_or_else(|_| value.clone(), |live| as_kept(&live, object, key, value))
    }

    fn bytes_as_kept<'s>(&self, object: &str, key: &str, sent: &'s [u8]) -> Cow<'s, [u8]> {
        self.live().map_or(Cow::Borrowed(sent), |live| bytes_as_kept(&live, object, key, sent))
    }

    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| keeps(&live, object, key))
    }

    fn filled(&self, object: &str, found: &Map) -> Vec<String> {
        self.live().map(|live| filled(&live, object, found)).unwrap_or_default()
    }

    fn held(&self, object: &str, found: &Map) -> Map {
        self.live().map_or_else(|_| found.clone(), |live| held::body(&live, object, found))
    }

    fn stamps(&self) -> &'static [&'static str] {
        &["updatedAt", "deletedAt"]
    }
}

/// A found record's values by the keys that they are written by.
pub(super) fn as_sent(live: &Live, object: &str, found: &Map) -> Map {
    let sent = |(key, value): (&String, &Value)| {
        let native = field(live, object, key);
        let value = match native {
            Some(field) if value.is_null() => blank(field).unwrap_or(Value::Null),
            Some(field) => of_kind(&field.native, value),
            None => value.clone(),
        };
        (key.clone(), value)
    };
    found.iter().map(sent).collect()
}

/// True where the server has no spelling of its own for what is sent by a key.
pub(super) fn keeps(live: &Live, object: &str, key: &str) -> bool {
    let exact = [
        "TEXT",
        "SELECT",
        "BOOLEAN",
        "DATE",
        "DATE_TIME",
        "CURRENCY",
        "FULL_NAME",
        "ADDRESS",
        "UUID",
        "RELATION",
        "MORPH_RELATION",
    ];
    field(live, object, key).is_some_and(|field| exact.contains(&field.native.as_str()))
}

/// True where the server spells what is sent by a key in a way of its own that [`canonical`] knows.
pub(super) fn respells(live: &Live, object: &str, key: &str) -> bool {
    let known =
        ["EMAILS", "PHONES", "LINKS", "NUMBER", "NUMERIC", "MULTI_SELECT", "ARRAY", "RICH_TEXT", "RICH_TEXT_V2"];
    field(live, object, key).is_some_and(|field| known.contains(&field.native.as_str()))
}

/// A value in the form in which the server keeps it.
pub(super) fn as_kept(live: &Live, object: &str, key: &str, value: &Value) -> Value {
    field(live, object, key).map_or_else(|| value.clone(), |field| canonical(&field.native, value))
}

/// The same of bytes as they stand in a body, as bytes.
pub(super) fn bytes_as_kept<'s>(live: &Live, object: &str, key: &str, sent: &'s [u8]) -> Cow<'s, [u8]> {
    let Some(native) = field(live, object, key).map(|field| field.native.as_str()) else { return Cow::Borrowed(sent) };
    let read = || in_form(sent, |value| canonical(native, value));
    kept_bytes(native, sent).unwrap_or_else(read)
}

/// Keys that the server fills by itself, beside those of relations to the record.
const ITS_OWN: [&str; 8] =
    ["id", "position", "createdAt", "updatedAt", "deletedAt", "createdBy", "updatedBy", "searchVector"];

/// Keys of a found record that hold something other than what a new record has.
pub(super) fn filled(live: &Live, object: &str, found: &Map) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in found.iter().filter(|(key, _)| !ITS_OWN.contains(&key.as_str())) {
        let Some(known) = field(live, object, key).filter(|known| known.writable && known.active) else { continue };
        let given = live.defaults.get(&(object.to_owned(), known.name.clone())).unwrap_or(&Value::Null);
        let kept = canonical(&known.native, value);
        let is_given = kept == canonical(&known.native, given) || kept == canonical(&known.native, &Value::Null);
        if !is_given && !matches!(value, Value::Null | Value::Bool(false)) && known.native != "ACTOR" {
            keys.push(key.clone());
        }
    }
    keys
}

fn of_kind(native: &str, value: &Value) -> Value {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match native {
        "RICH_TEXT" | "RICH_TEXT_V2" => json!({"markdown": text("markdown").trim_end()}),
        "NUMBER" | "NUMERIC" | "POSITION" => number(value),
        "DATE" => canonical(native, value),
        "DATE_TIME" => {
            let instant = value.as_str().and_then(|text| text.parse().ok());
            instant.map_or_else(|| value.clone(), |instant| json!(moment(instant)))
        }
        "EMAILS" => {
            json!({"primaryEmail": text("primaryEmail"), "additionalEmails": list(value, "additionalEmails")})
        }
        "PHONES" => phones_body(
            text("primaryPhoneNumber"),
            text("primaryPhoneCountryCode"),
            text("primaryPhoneCallingCode"),
            list(value, "additionalPhones"),
        ),
        "LINKS" => json!({
            "primaryLinkUrl": text("primaryLinkUrl"),
            "primaryLinkLabel": text("primaryLinkLabel"),
            "secondaryLinks": list(value, "secondaryLinks"),
        }),
        "CURRENCY" => {
            let code = value.get("currencyCode").filter(|code| code.as_str() != Some(""));
            json!({"amountMicros": number(value.get("amountMicros").unwrap_or(&Value::Null)), "currencyCode": code})
        }
        "FULL_NAME" => json!({"firstName": text("firstName"), "lastName": text("lastName")}),
        "ADDRESS" => {
            let texts = ADDRESS_TEXTS.map(|name| (name, json!(text(name))));
            let numbers = ADDRESS_NUMBERS.map(|name| (name, value.get(name).map_or(Value::Null, number)));
            let parts: Vec<(&str, Value)> = texts.into_iter().chain(numbers).collect();
            address(&parts).unwrap_or_else(|| value.clone())
        }
        _ => value.clone(),
    }
}

/// A number or a numeral, whole where it is.
fn number(value: &Value) -> Value {
    let whole = match value {
        Value::String(text) => text.parse::<i64>().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    };
    whole.map_or_else(|| value.clone(), |whole| json!(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_values_take_the_form_in_which_they_are_sent() {
        for (native, found, sent) in [
            (
                "EMAILS",
                json!({"additionalEmails": null, "primaryEmail": "a@b.example"}),
                json!({"primaryEmail": "a@b.example", "additionalEmails": []}),
            ),
            (
                "CURRENCY",
                json!({"currencyCode": "USD", "amountMicros": "1000000"}),
                json!({"amountMicros": 1_000_000, "currencyCode": "USD"}),
            ),
            // 1.10 answers so where there is no amount.
            (
                "CURRENCY",
                json!({"amountMicros": null, "currencyCode": ""}),
                json!({"amountMicros": null, "currencyCode": null}),
            ),
            ("DATE_TIME", json!("2019-03-04T05:06:07Z"), json!("2019-03-04T05:06:07.000Z")),
            ("RICH_TEXT", json!({"blocknote": "[]", "markdown": "hi\n"}), json!({"markdown": "hi"})),
            ("FULL_NAME", json!({"lastName": "Lee", "firstName": null}), json!({"firstName": "", "lastName": "Lee"})),
            ("NUMBER", json!(12.5), json!(12.5)),
        ] {
            assert_eq!(of_kind(native, &found).to_string(), sent.to_string(), "{native}");
        }
    }
}
