//! A record's native body, as the text that is sent.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Map;

/// A record's native body: a JSON object without its id. It is written as text once; the same bytes are hashed, counted and sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Vec<u8>);

impl Body {
    /// The text, from `{` to `}`.
    pub fn text(&self) -> &[u8] {
        &self.0
    }

    /// The first 16 hexadecimal digits of the text's hash.
    pub fn digest(&self) -> String {
        blake3::hash(&self.0).to_hex().chars().take(16).collect()
    }

    /// The values by their keys.
    pub fn values(&self) -> Map {
        // It was written by us: there is no other text.
        serde_json::from_slice(&self.0).unwrap_or_default()
    }

    /// Hands each key and its value on, both as they stand in the text.
    pub fn each_field(&self, mut take: impl FnMut(&str, &[u8])) {
        let mut rest = self.members();
        while let Some((key, value, after)) = next_field(rest) {
            take(key, value);
            rest = after;
        }
    }

    /// Adds values; those that are there already give way.
    pub fn extend(&mut self, values: Map) {
        if !values.is_empty() {
            let mut all = self.values();
            all.extend(values);
            *self = Self::from(&all);
        }
    }

    /// Text that follows the opening brace, closing brace included.
    pub fn members(&self) -> &[u8] {
        self.0.get(1..).unwrap_or(b"}")
    }

    /// True where the body has no values.
    pub fn is_empty(&self) -> bool {
        self.members() == b"}"
    }
}

/// A value of a body's text in another form, as text too; as it stands where it is no value.
pub fn in_form(sent: &[u8], form: impl FnOnce(&serde_json::Value) -> serde_json::Value) -> Cow<'_, [u8]> {
    let read = serde_json::from_slice(sent).ok();
    read.and_then(|read| serde_json::to_vec(&form(&read)).ok()).map_or(Cow::Borrowed(sent), Cow::Owned)
}

/// The next key of an object's text, its value, and what follows.
fn next_field(text: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let start = text.iter().position(|byte| *byte == b'"')?;
    let text = text.get(start + 1..)?;
    let (key, text) = text.split_at_checked(string_end(text)?)?;
    let colon = text.iter().position(|byte| *byte == b':')?;
    let text = text.get(colon + 1..)?.trim_ascii_start();
    let (value, rest) = text.split_at_checked(value_end(text))?;
    Some((std::str::from_utf8(key).ok()?, value.trim_ascii_end(), rest))
}

/// Where a string ends whose opening quote was read.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Where a value ends, before the comma or brace after it.
fn value_end(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match text.get(at + 1..).and_then(string_end) {
                Some(length) => at += length + 1,
                None => return text.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b'}' | b']' => return at,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

impl Default for Body {
    fn default() -> Self {
        Self(b"{}".to_vec())
    }
}

impl From<&Map> for Body {
    fn from(values: &Map) -> Self {
        let mut text = BodyText::default();
        for (key, value) in values {
            text.add(key, value);
        }
        text.end()
    }
}

impl From<Map> for Body {
    fn from(values: Map) -> Self {
        Self::from(&values)
    }
}

impl TryFrom<Vec<u8>> for Body {
    type Error = serde_json::Error;

    /// A text that somebody else wrote: one JSON object, without an id.
    fn try_from(text: Vec<u8>) -> Result<Self, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct Checked {
            id: Option<serde::de::IgnoredAny>,
        }
        let is_plain = text.first() == Some(&b'{') && text.last() == Some(&b'}');
        let checked: Checked = serde_json::from_slice(&text)?;
        if is_plain && checked.id.is_none() {
            return Ok(Self(text));
        }
        serde_json::from_slice::<Map>(&text).map(Self::from)
    }
}

/// As its text.
impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

/// From the text of another body: it is not looked at.
impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into_bytes()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be sensitive: only the size is shown.
        write!(f, "{} bytes", self.0.len())
    }
}

/// A body that is being written.
#[derive(Debug)]
pub struct BodyText(Vec<u8>);

impl Default for BodyText {
    fn default() -> Self {
        let mut text = Vec::with_capacity(512);
        text.push(b'{');
        Self(text)
    }
}

impl BodyText {
    /// Adds a value. The id goes by a way of its own.
    pub fn add(&mut self, key: &str, value: &serde_json::Value) {
        if key == "id" {
            return;
        }
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        // Writing to memory, from texts and numbers, cannot fail.
        let _ = serde_json::to_writer(&mut self.0, key);
        self.0.push(b':');
        let _ = serde_json::to_writer(&mut self.0, value);
    }

    /// The body.
    pub fn end(mut self) -> Body {
        self.0.push(b'}');
        Body(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::Body;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..4).prop_map(|parts| Value::Object(parts.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(parts in prop::collection::vec(("[^i].*", value()), 0..6)) {
            let values: crate::Map = parts.into_iter().collect();
            let body = Body::from(&values);
            prop_assert_eq!(body.is_empty(), values.is_empty());
            prop_assert_eq!(body.values(), values);
        }

        #[test]
        fn each_field_is_handed_on_as_it_stands(parts in prop::collection::vec(("[^i\"\\\\[:cntrl:]]*", value()), 0..6)) {
            let values: crate::Map = parts.into_iter().filter(|(key, _)| key != "id").collect();
            for text in [serde_json::to_vec(&values).unwrap(), serde_json::to_vec_pretty(&values).unwrap()] {
                let mut found = crate::Map::new();
                Body(text).each_field(|key, value| {
                    found.insert(key.to_owned(), serde_json::from_slice(value).unwrap());
                });
                prop_assert_eq!(&found, &values);
            }
        }
    }

    #[test]
    fn the_id_is_left_out_and_values_can_be_added() {
        let mut body = Body::from(json!({"id": "x", "name": "Ada"}).as_object().unwrap());
        body.extend(json!({"city": "Rome"}).as_object().unwrap().clone());
        assert_eq!(body.text(), br#"{"name":"Ada","city":"Rome"}"#);
        assert_eq!(format!("{body:?}"), "28 bytes");
    }

    #[test]
    fn a_text_is_taken_as_it_is_if_it_is_one_object_without_an_id() {
        let taken =
            |text: &str| Body::try_from(text.as_bytes().to_vec()).map(|body| String::from_utf8(body.0).unwrap());
        assert_eq!(taken(r#"{"name": "Ada"}"#).unwrap(), r#"{"name": "Ada"}"#);
        assert_eq!(taken(r#" {"id": "x", "name": "Ada"} "#).unwrap(), r#"{"name":"Ada"}"#);
        assert!(taken("[]").is_err() && taken("{").is_err() && taken("7").is_err());
    }
}
