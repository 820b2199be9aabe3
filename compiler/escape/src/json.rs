//! JSON documents.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::is_deceptive;

/// A JSON document with deceptive characters as `\u202e`, in keys too, and without what a CI system would take for a command. It means what it meant: outside
/// of strings JSON has neither.
pub fn json(document: &str) -> Cow<'_, str> {
    let is_bad = |character: char| is_deceptive(character) && !matches!(character, '\n' | '\r' | '\t');
    if !document.contains(is_bad) && !document.contains("##") {
        return Cow::Borrowed(document);
    }
    let mut safe = String::with_capacity(document.len() + 16);
    for character in document.chars() {
        if is_bad(character) || character == '#' && safe.ends_with('#') {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing into a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    proptest! {
        #[test]
        fn a_document_means_what_it_meant_keys_included(key in "[a#\\[\u{202e}\u{7f}\u{9b}\u{e0041}\u{1b}\"\\\\\n]{0,8}", text in any::<String>()) {
            let value = Value::Object(Map::from_iter([(key, Value::from(text))]));
            for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let safe = json(&written);
                prop_assert!(!safe.chars().any(|one| is_deceptive(one) && one != '\n'), "{safe:?}");
                prop_assert!(!safe.contains("##["));
                prop_assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), value.clone());
            }
        }
    }
}
