//! Form in which the destination that is asked keeps values.

use std::borrow::Cow;

use migr_load::{Map, Spelling};

use super::Foreseen;

impl Spelling for Foreseen {
    fn as_sent(&self, object: &str, found: &Map) -> Map {
        self.live.as_ref().map_or_else(|| found.clone(), |live| live.as_sent(object, found))
    }

    fn respells(&self, object: &str, key: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.respells(object, key))
    }

    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        self.live.as_ref().map_or_else(|| value.clone(), |live| live.as_kept(object, key, value))
    }

    fn bytes_as_kept<'s>(&self, object: &str, key: &str, sent: &'s [u8]) -> Cow<'s, [u8]> {
        self.live.as_ref().map_or(Cow::Borrowed(sent), |live| live.bytes_as_kept(object, key, sent))
    }

    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.keeps_as_sent(object, key))
    }

    fn is_added_to(&self, object: &str, key: &str) -> bool {
        self.live.as_ref().is_some_and(|live| live.is_added_to(object, key))
    }

    fn filled(&self, object: &str, found: &Map) -> Vec<String> {
        self.live.as_ref().map(|live| live.filled(object, found)).unwrap_or_default()
    }

    fn held(&self, object: &str, found: &Map) -> Map {
        self.live.as_ref().map_or_else(|| found.clone(), |live| live.held(object, found))
    }

    fn stamps(&self) -> &'static [&'static str] {
        self.live.as_ref().map_or(&[], |live| live.stamps())
    }
}
