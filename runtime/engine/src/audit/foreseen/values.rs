//! Native forms of values in a forecast, by the schema as setup will leave it.

use migr_load::{Body, Comparison, LoadError, Map, Values};
use migr_plan::{FieldMapping, LinkMapping};
use migr_transform::{Failure, Reference, Value, to_json};

use super::{Foreseen, IDENTITY};

impl Values for Foreseen {
    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let (known, others): (Vec<_>, Vec<_>) =
            fields.iter().copied().partition(|(field, value)| self.codec_of(object, field, value).is_some());
        let mut body = match &self.codec {
            Some(codec) if !known.is_empty() => codec.encode(object, &known)?,
            _ => Map::new(),
        };
        for (field, value) in others {
            self.native(object, field, value, &mut body);
        }
        Ok(body)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        match &self.codec {
            Some(codec) if fields.iter().all(|(field, value)| self.codec_of(object, field, value).is_some()) => {
                codec.encode_text(object, fields)
            }
            _ => self.encode(object, fields).map(Body::from),
        }
    }

    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        let Some(codec) = &self.codec else { return Ok(()) };
        if self.whole.contains(object) {
            return codec.check(object, fields);
        }
        let is_known = |(field, value): &(&FieldMapping, &Value<'_>)| self.codec_of(object, field, value).is_some();
        let known: Vec<_> = fields.iter().copied().filter(is_known).collect();
        // Values that nobody can write yet are as they come.
        if known.is_empty() && !fields.is_empty() { Ok(()) } else { codec.check(object, &known) }
    }

    fn adjusts(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Vec<Failure> {
        self.codec.as_ref().map(|codec| codec.adjusts(object, fields)).unwrap_or_default()
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        if let Some(text) = record.get(&format!("{IDENTITY}{path}")) {
            return text.as_str().map(str::to_owned);
        }
        self.codec.as_ref()?.identity(object, path, record)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        if let Some(text) = record.get(&format!("{IDENTITY}{path}")) {
            return text.as_str().map(str::to_owned);
        }
        self.codec.as_ref()?.unique_value(object, path, record)
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        let is_made = [link.through.as_str(), owner_object, target.object.as_ref()]
            .iter()
            .any(|object| self.made.contains(*object));
        let body = self.codec.as_ref().map(|codec| codec.link_body(link, owner_object, owner_id, target));
        match body {
            Some(Ok(body)) => Ok(body),
            Some(Err(error)) if !is_made => Err(error),
            // Setup makes the objects, and with them what links them.
            Some(Err(_)) | None => Ok(Map::new()),
        }
    }

    fn compare(&self, object: &str, field: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        if let Some(codec) = self.codec_of(object, field, expected) {
            return codec.compare(object, field, expected, found);
        }
        let known = self.codec.as_ref().and_then(|codec| codec.field(object, &field.field));
        let held = known.and_then(|known| found.get(&known.write_key).or_else(|| found.get(&known.name)));
        let holds_nothing = held.is_none_or(|held| !migr_decide::parts::holds_something(held));
        if (expected.is_none() && holds_nothing) || held.is_some_and(|held| *held == to_json(expected)) {
            return Comparison::Same;
        }
        Comparison::Differs { expected: String::new(), found: String::new() }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        self.codec.as_ref().map_or(key, |codec| codec.part_of(key))
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.codec.as_ref().map_or_else(|| body.keys().cloned().collect(), |codec| codec.unlike(object, body, found))
    }
}
