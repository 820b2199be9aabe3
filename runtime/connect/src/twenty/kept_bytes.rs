//! Kept forms told from bytes as they are sent, without reading them as values: a run asks for each field of each record.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::normal::phone;

/// Longest way to write one character of a text in JSON, `\u001f`, in bytes.
const ESCAPE: usize = 6;

/// A field of phone numbers as it is sent.
#[derive(Debug, Deserialize)]
struct Phones<'s> {
    #[serde(rename = "primaryPhoneNumber")]
    number: &'s str,
    #[serde(rename = "primaryPhoneCallingCode", default)]
    calling_code: &'s str,
    #[serde(rename = "additionalPhones")]
    others: Vec<IgnoredAny>,
}

/// The bytes of [`canonical`](super::normal::canonical)'s form of what is sent; none where only the value itself tells.
pub(super) fn kept_bytes<'s>(native: &str, sent: &'s [u8]) -> Option<Cow<'s, [u8]>> {
    match native {
        "RICH_TEXT" | "RICH_TEXT_V2" => {
            let quoted = sent.strip_prefix(br#"{"markdown":"#)?.strip_suffix(b"}")?;
            let end = text(quoted)?.last_chunk::<ESCAPE>()?;
            let is_trimmed = end.last()?.is_ascii_graphic() && !end.contains(&b'\\');
            is_trimmed.then_some(Cow::Borrowed(quoted))
        }
        "EMAILS" => {
            let quoted = sent.strip_prefix(br#"{"primaryEmail":"#)?.strip_suffix(br#","additionalEmails":[]}"#)?;
            let is_kept =
                |byte: &u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !matches!(byte, b'\\' | b'"');
            text(quoted)?.iter().all(is_kept).then_some(Cow::Borrowed(sent))
        }
        "PHONES" => {
            let sent: Phones<'_> = serde_json::from_slice(sent).ok()?;
            let number = phone(sent.number, sent.calling_code);
            let kept = format!(r#"{{"primaryPhoneNumber":"{number}","additionalPhones":[]}}"#);
            sent.others.is_empty().then_some(Cow::Owned(kept.into_bytes()))
        }
        // One option at most has one order.
        "MULTI_SELECT" if sent.starts_with(b"[") && !sent.contains(&b',') => Some(Cow::Borrowed(sent)),
        _ => None,
    }
}

/// The inside of a text that is the whole of some JSON.
fn text(quoted: &[u8]) -> Option<&[u8]> {
    let inside = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut is_escaped = false;
    for byte in inside {
        match byte {
            b'"' if !is_escaped => return None,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    (!is_escaped).then_some(inside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::twenty::normal::canonical;

    fn is_canonical(native: &str, sent: &Value) -> Option<bool> {
        let bytes = serde_json::to_vec(sent).expect("a value");
        let kept = serde_json::to_vec(&canonical(native, sent)).expect("a value");
        kept_bytes(native, &bytes).map(|told| *told == *kept)
    }

    #[test]
    fn what_records_hold_nearly_always_is_told_from_its_bytes() {
        for (native, sent) in [
            ("RICH_TEXT", json!({"markdown": "Called back.\n\n\"Fine\" \\ at noon, she said."})),
            ("EMAILS", json!({"primaryEmail": "ada@acme.example", "additionalEmails": []})),
            ("EMAILS", json!({"primaryEmail": "", "additionalEmails": []})),
            (
                "PHONES",
                json!({"primaryPhoneNumber": "2025550199", "primaryPhoneCountryCode": "US", "primaryPhoneCallingCode": "+1", "additionalPhones": []}),
            ),
            ("PHONES", json!({"primaryPhoneNumber": "+12025550199", "additionalPhones": []})),
            ("MULTI_SELECT", json!(["VIP"])),
            ("MULTI_SELECT", json!([])),
        ] {
            assert_eq!(is_canonical(native, &sent), Some(true), "{sent}");
        }
    }

    #[test]
    fn what_the_server_writes_otherwise_is_read() {
        for (native, sent) in [
            ("RICH_TEXT", json!({"markdown": "ends with a line\n"})),
            ("RICH_TEXT", json!({"markdown": "ends with a wide blank\u{3000}"})),
            ("RICH_TEXT", json!({"markdown": "one", "blocknote": "another one"})),
            ("EMAILS", json!({"primaryEmail": "Ada@acme.example", "additionalEmails": []})),
            ("EMAILS", json!({"primaryEmail": "ada@acme.example", "additionalEmails": ["B@acme.example"]})),
            ("PHONES", json!({"primaryPhoneNumber": "1", "additionalPhones": [{"number": "2"}]})),
            ("MULTI_SELECT", json!(["B", "A"])),
        ] {
            assert_eq!(is_canonical(native, &sent), None, "{sent}");
        }
    }

    proptest! {
        #[test]
        fn what_is_told_from_bytes_is_the_canonical_form(one in r#"[ -~\n\t"\\éß　]{0,12}"#, two in r"[0-9+ A-Za-z]{0,6}") {
            for (native, sent) in [
                ("RICH_TEXT", json!({"markdown": one})),
                ("RICH_TEXT", json!({"blocknote": null, "markdown": null})),
                ("EMAILS", json!({"primaryEmail": one, "additionalEmails": []})),
                ("EMAILS", json!({"primaryEmail": two, "additionalEmails": [one]})),
                ("PHONES", json!({"primaryPhoneNumber": one, "primaryPhoneCallingCode": two, "additionalPhones": []})),
                ("PHONES", json!({"primaryPhoneNumber": two, "additionalPhones": []})),
                ("MULTI_SELECT", json!([one])),
                ("MULTI_SELECT", json!([one, two])),
            ] {
                prop_assert_ne!(is_canonical(native, &sent), Some(false), "{} {}", native, sent);
            }
        }
    }
}
