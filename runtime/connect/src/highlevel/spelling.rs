//! Form in which a location keeps values.

use migr_load::{Map, Spelling};

use super::kind::Kind;
use super::{HighLevel, compare};

impl Spelling for HighLevel {
    fn as_sent(&self, _object: &str, found: &Map) -> Map {
        found.clone()
    }

    fn respells(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| {
            live.written_by(object, key).is_some_and(|field| compare::respells(Kind::of(object), field))
        })
    }

    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        let live = self.live().ok();
        let field = live.as_ref().and_then(|live| live.written_by(object, key));
        field.map_or_else(|| value.clone(), |field| compare::as_kept(Kind::of(object), field, value))
    }

    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        self.live().is_ok_and(|live| {
            live.written_by(object, key).is_some_and(|field| compare::keeps_as_sent(Kind::of(object), field))
        })
    }

    fn is_added_to(&self, object: &str, key: &str) -> bool {
        Kind::of(object) == Kind::Contacts && key == "tags"
    }

    fn filled(&self, object: &str, found: &Map) -> Vec<String> {
        let Ok(live) = self.live() else { return Vec::new() };
        let holds_own = |(key, value): &(&String, &serde_json::Value)| {
            live.written_by(object, key).is_some_and(|field| !compare::may_be_given(Kind::of(object), field, value))
        };
        found.iter().filter(holds_own).map(|(key, _)| key.clone()).collect()
    }

    fn held(&self, _object: &str, found: &Map) -> Map {
        found.clone()
    }

    fn stamps(&self) -> &'static [&'static str] {
        &[]
    }
}
