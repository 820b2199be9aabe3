//! The forms in which Twenty keeps and compares values.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;

/// An e-mail address as it is kept: in lower case.
pub(super) fn email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A link as it is kept: the origin in lower case and ASCII, one slash at the end dropped, nothing added. None for what is no address.
pub(super) fn link(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_whitespace) {
        return None;
    }
    let (scheme, after) = match text.split_once("://") {
        Some((scheme, after)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {
            (format!("{}://", scheme.to_ascii_lowercase()), after)
        }
        // Twenty keeps the origin of such an address, and it has none: `mailto:a@b.c` becomes `nulla@b.c`.
        Some(_) => return None,
        None => (String::new(), text),
    };
    let parsed = Url::parse(&format!("https://{after}")).ok()?;
    let host = parsed.host_str()?;
    let opaque = after.split(['/', '?', '#']).next().unwrap_or_default();
    if scheme.is_empty() && (opaque.contains('@') || (opaque.contains(':') && parsed.port().is_none())) {
        return None;
    }
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let rest = after.find(['/', '?', '#', '\\']).and_then(|start| after.get(start..)).unwrap_or_default();
    let whole = format!("{scheme}{host}{port}{rest}");
    Some(whole.strip_suffix('/').unwrap_or(&whole).to_owned())
}

/// A phone number in one piece, from the parts of a body or of a found record: `+12025550199`.
pub(super) fn phone(number: &str, calling_code: &str) -> String {
    let kept: String = number.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect();
    if kept.is_empty() || kept.starts_with('+') {
        return kept;
    }
    let code: String = calling_code.chars().filter(char::is_ascii_digit).collect();
    if code.is_empty() { kept } else { format!("+{code}{kept}") }
}

/// A moment as it is kept: in UTC, to the millisecond.
pub(super) fn moment(instant: Timestamp) -> String {
    let milliseconds = Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant);
    format!("{milliseconds:.3}")
}

/// The form in which a body's value and a found one are the same where the server takes them to be the same.
pub(super) fn canonical(native: &str, value: &Value) -> Value {
    match native {
        "TEXT" => Value::String(value.as_str().unwrap_or_default().to_owned()),
        "RICH_TEXT" | "RICH_TEXT_V2" => Value::String(part(value, "markdown").trim_end().to_owned()),
        "NUMBER" | "NUMERIC" | "POSITION" => number(value),
        "DATE_TIME" => match value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
            Some(instant) => json!(instant.as_millisecond()),
            None => value.clone(),
        },
        "DATE" => value.as_str().map_or(Value::Null, |text| Value::String(text.get(..10).unwrap_or(text).to_owned())),
        "UUID" | "RELATION" | "MORPH_RELATION" => {
            value.as_str().map_or(Value::Null, |text| Value::String(text.to_ascii_lowercase()))
        }
        "MULTI_SELECT" => {
            let items = array(value);
            let mut values: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            values.sort_unstable();
            json!(values)
        }
        "ARRAY" => Value::Array(array(value)),
        "EMAILS" => {
            let others: Vec<String> =
                list(value, "additionalEmails").iter().filter_map(Value::as_str).map(email).collect();
            json!({"primaryEmail": email(part(value, "primaryEmail")), "additionalEmails": others})
        }
        "PHONES" => {
            let others: Vec<String> = list(value, "additionalPhones")
                .iter()
                .map(|item| phone(part(item, "number"), part(item, "callingCode")))
                .collect();
            let first = phone(part(value, "primaryPhoneNumber"), part(value, "primaryPhoneCallingCode"));
            json!({"primaryPhoneNumber": first, "additionalPhones": others})
        }
        "LINKS" => links(value),
        "CURRENCY" => {
            let micros = number(value.get("amountMicros").unwrap_or(&Value::Null));
            let code = if micros.is_null() { "" } else { part(value, "currencyCode") };
            json!({"amountMicros": micros, "currencyCode": code})
        }
        "FULL_NAME" => json!({"firstName": part(value, "firstName"), "lastName": part(value, "lastName")}),
        "ADDRESS" => {
            let mut parts = Map::new();
            for name in super::composites::ADDRESS_TEXTS {
                parts.insert(name.to_owned(), Value::String(part(value, name).to_owned()));
            }
            for name in super::composites::ADDRESS_NUMBERS {
                parts.insert(name.to_owned(), number(value.get(name).unwrap_or(&Value::Null)));
            }
            Value::Object(parts)
        }
        "ACTOR" => {
            let member = value.get("workspaceMemberId").and_then(Value::as_str).unwrap_or_default();
            json!({"source": part(value, "source"), "name": part(value, "name"), "workspaceMemberId": member.to_ascii_lowercase()})
        }
        _ => value.clone(),
    }
}

fn links(value: &Value) -> Value {
    let kept = |text: &str| link(text).unwrap_or_else(|| text.to_owned());
    let mut all: Vec<(String, String)> = list(value, "secondaryLinks")
        .iter()
        .map(|item| (kept(part(item, "url")), part(item, "label").to_owned()))
        .filter(|(url, _)| !url.is_empty())
        .collect();
    let first = (kept(part(value, "primaryLinkUrl")), part(value, "primaryLinkLabel").to_owned());
    // The server moves the first of the others up where there is no first.
    if !first.0.is_empty() || all.is_empty() {
        all.insert(0, first);
    }
    json!(all)
}

/// A number or a numeral as a number.
fn number(value: &Value) -> Value {
    let found = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    found.and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number)
}

/// The value by which records are told apart, of a part of a composite or of the whole; none when empty.
pub(super) fn identity(native: &str, part_name: Option<&str>, value: &Value) -> Option<String> {
    let text = match (native, part_name) {
        ("EMAILS", None | Some("primaryEmail")) => email(part(value, "primaryEmail")),
        ("LINKS", None | Some("primaryLinkUrl")) => {
            let given = part(value, "primaryLinkUrl");
            link(given).unwrap_or_else(|| given.to_owned())
        }
        ("PHONES", None | Some("primaryPhoneNumber")) => {
            phone(part(value, "primaryPhoneNumber"), part(value, "primaryPhoneCallingCode"))
        }
        ("FULL_NAME", None) => format!("{} {}", part(value, "firstName"), part(value, "lastName")).trim().to_owned(),
        (_, Some(name)) => match value.get(name).unwrap_or(&Value::Null) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => number_or_text(other),
        },
        (native, None) => match canonical(native, value) {
            empty if empty == canonical(native, &Value::Null) => String::new(),
            Value::String(text) => text,
            other => number_or_text(&other),
        },
    };
    (!text.is_empty()).then_some(text)
}

fn number_or_text(value: &Value) -> String {
    match value.as_f64() {
        Some(number) => number.to_string(),
        None if value.as_array().is_some_and(Vec::is_empty) => String::new(),
        None => value.to_string(),
    }
}

fn part<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A list of a composite.
pub(super) fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).map(array).unwrap_or_default()
}

fn array(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        // The older version gives some lists as their JSON text.
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, prop_oneof, proptest};
    use serde_json::{Value, json};

    use super::{canonical, email, identity, link, moment};

    #[test]
    fn links_are_kept_as_recorded() {
        for (given, kept) in [
            ("HTTP://ACME.example/", "http://acme.example"),
            ("acme.example", "acme.example"),
            ("https://Path.example/About/Us?x=1", "https://path.example/About/Us?x=1"),
            ("https://münchen.example", "https://xn--mnchen-3ya.example"),
            ("http://acme.example", "http://acme.example"),
            ("https://www.acme.example", "https://www.acme.example"),
        ] {
            assert_eq!(link(given).as_deref(), Some(kept), "{given}");
        }
        for refused in ["not a url", "mailto:x@y.z", "ftp://x.example", "", "https://"] {
            assert_eq!(link(refused), None, "{refused}");
        }
    }

    #[test]
    fn what_the_server_rewrites_is_the_same() {
        for (native, sent, found) in [
            (
                "EMAILS",
                json!({"primaryEmail": "Ada@Acme.example", "additionalEmails": []}),
                json!({"primaryEmail": "ada@acme.example", "additionalEmails": null}),
            ),
            (
                "PHONES",
                json!({"primaryPhoneNumber": "+12025550199"}),
                json!({"primaryPhoneNumber": "2025550199", "primaryPhoneCountryCode": "US", "primaryPhoneCallingCode": "+1", "additionalPhones": []}),
            ),
            (
                "CURRENCY",
                json!({"amountMicros": 1_000_000, "currencyCode": "USD"}),
                json!({"amountMicros": "1000000", "currencyCode": "USD"}),
            ),
            (
                "CURRENCY",
                json!({"amountMicros": null, "currencyCode": null}),
                json!({"amountMicros": null, "currencyCode": ""}),
            ),
            ("TEXT", Value::Null, json!("")),
            ("DATE_TIME", json!("2019-03-04T05:06:07.000+00:00"), json!("2019-03-04T05:06:07.000Z")),
            (
                "LINKS",
                json!({"primaryLinkUrl": "", "secondaryLinks": [{"url": "https://s.example/a", "label": "s"}]}),
                json!({"primaryLinkUrl": "https://s.example/a", "primaryLinkLabel": "s", "secondaryLinks": []}),
            ),
            ("RICH_TEXT", json!({"markdown": "hi"}), json!({"blocknote": "[]", "markdown": "hi\n"})),
            ("MULTI_SELECT", json!(["B", "A"]), json!(["A", "B"])),
            (
                "ADDRESS",
                json!({"addressLat": "39.5"}),
                json!({"addressStreet1": "", "addressLat": 39.5, "addressLng": null}),
            ),
        ] {
            assert_eq!(canonical(native, &sent), canonical(native, &found), "{native}");
        }
    }

    #[test]
    fn a_phone_number_is_the_same_whole_or_in_parts() {
        let whole = json!({"primaryPhoneNumber": "+39061234567"});
        let parts = json!({"primaryPhoneNumber": "061234567", "primaryPhoneCallingCode": "+39"});
        assert_eq!(identity("PHONES", None, &whole), identity("PHONES", None, &parts));
    }

    #[test]
    fn a_moment_has_milliseconds() {
        assert_eq!(moment("2019-03-04T05:06:07.123456Z".parse().unwrap()), "2019-03-04T05:06:07.123Z");
        assert_eq!(moment("2019-03-04T05:06:07Z".parse().unwrap()), "2019-03-04T05:06:07.000Z");
    }

    proptest! {
        #[test]
        fn the_kept_form_of_a_link_is_its_own_kept_form(
            scheme in prop_oneof![Just(""), Just("http://"), Just("HTTPS://")],
            host in "[a-zA-Zäö]{1,8}\\.[a-z]{2,4}",
            path in "(/[a-zA-Z0-9%_-]{0,6}){0,3}",
        ) {
            let kept = link(&format!("{scheme}{host}{path}"));
            if let Some(kept) = kept {
                let again = link(&kept);
                // A second slash at the end is dropped a second time.
                if !kept.ends_with('/') {
                    assert_eq!(again.as_deref(), Some(kept.as_str()));
                }
            }
        }

        #[test]
        fn an_address_is_the_same_in_any_case(local in "[a-zA-Z0-9.]{1,20}", host in "[a-zA-Z]{1,10}") {
            let given = format!("{local}@{host}.example");
            assert_eq!(email(&given), email(&given.to_uppercase()));
        }

        #[test]
        fn any_text_has_a_canonical_form(native in "(TEXT|EMAILS|PHONES|LINKS|CURRENCY|ADDRESS|ACTOR|NUMBER|DATE|DATE_TIME|ARRAY|MULTI_SELECT)", text in ".{0,30}") {
            canonical(&native, &Value::String(text.clone()));
            let _ = link(&text);
        }
    }
}
