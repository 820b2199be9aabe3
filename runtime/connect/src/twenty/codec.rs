//! Codec of a workspace: native forms of values, and what is the same to the server, by the metadata.

use std::sync::Arc;

use migr_plan::{FieldMapping, FieldType, LinkMapping, ReasonCode};
use migr_transform::{Failure, Reference, Value};

use super::live::Live;
use super::{BODY, Twenty, compare, composites, encode, fits, held, matching, normal};
use migr_load::{Body, BodyText, Codec, Comparison, FieldSchema, LoadError, Map, Values};

/// Room in a body for a record's id and the brackets around it.
const AROUND: u64 = 128;

/// Codec by metadata: those that were read, or those that setup will leave.
#[derive(Debug)]
pub(super) struct TwentyCodec {
    live: Arc<Live>,
}

impl TwentyCodec {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// Hands the key and the native value of every field on, but for values that `passes` lets by.
    fn encode_fields(
        &self,
        object: &str,
        fields: &[(&FieldMapping, &Value<'_>)],
        passes: fn(&FieldSchema, &Value<'_>) -> bool,
        hand_on: &mut dyn FnMut(&str, serde_json::Value),
    ) -> Result<(), Vec<Failure>> {
        let failure = |field: &str, reason: String| Failure { code: ReasonCode::Q207, field: field.to_owned(), reason };
        let known = self.live.object(object).map_err(|error| vec![failure(object, error.to_string())])?;
        let mut failures = Vec::new();
        for (mapping, value) in fields {
            if matches!(value, Value::Default) || mapping.ty == FieldType::File {
                continue;
            }
            let field = known.fields.get(&mapping.field);
            let Some(field) = field else {
                let error = LoadError::Missing { what: format!("field `{object}.{}`", mapping.field) };
                failures.push(failure(&mapping.field, error.to_string()));
                continue;
            };
            let key = match write_key(field, value) {
                Ok(Some(key)) => key,
                Ok(None) => continue,
                Err(reason) => {
                    failures.push(failure(&mapping.field, reason));
                    continue;
                }
            };
            if passes(field, value) {
                continue;
            }
            match encode::encode(field, value) {
                Ok(Some(json)) => hand_on(key, json),
                Ok(None) => {}
                Err(fault) => {
                    let path =
                        fault.part.map_or_else(|| mapping.field.clone(), |part| format!("{}.{part}", mapping.field));
                    let reason = match fault.value {
                        None => fault.says,
                        Some(_) if mapping.sensitive => format!("the value (masked) {}", fault.says),
                        Some(value) => format!("\"{}\" {}", value.chars().take(60).collect::<String>(), fault.says),
                    };
                    failures.push(Failure { code: ReasonCode::Q207, field: path, reason });
                }
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// A value of a record: as records are matched, or as the server holds it to be unique.
    fn identity_of(&self, object: &str, path: &str, record: &Map, is_matched: bool) -> Option<String> {
        let (name, part) = match path.split_once('.') {
            Some((name, part)) => (name, Some(part)),
            None => (path, None),
        };
        let field = self.live.field(object, name).ok()?;
        let value = record.get(&field.write_key).or_else(|| record.get(name))?;
        if is_matched {
            matching::matched(&field.name, &field.native, part, value)
        } else {
            normal::identity(&field.native, part, value)
        }
    }
}

impl Codec for TwentyCodec {
    fn field(&self, object: &str, field: &str) -> Option<&FieldSchema> {
        self.live.schema.field(object, field)
    }

    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        let mut body = Map::new();
        self.encode_fields(object, fields, |_, _| false, &mut |key, value| {
            body.insert(key.to_owned(), value);
        })?;
        Ok(body)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        let mut body = BodyText::default();
        self.encode_fields(object, fields, |_, _| false, &mut |key, value| body.add(key, &value))?;
        let body = body.end();
        if u64::try_from(body.text().len()).is_ok_and(|bytes| bytes < BODY - AROUND) {
            return Ok(body);
        }
        let reason = format!("it takes {} bytes, more than the {BODY} of a request", body.text().len());
        Err(vec![Failure { code: ReasonCode::Q207, field: String::new(), reason }])
    }

    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        let most: usize = fields.iter().map(|(field, value)| field.field.len() + fits::most_bytes(value)).sum();
        if u64::try_from(most).is_ok_and(|most| most < BODY - AROUND) {
            self.encode_fields(object, fields, fits::fits, &mut |_, _| {})
        } else {
            self.encode_text(object, fields).map(drop)
        }
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.identity_of(object, path, record, true)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.identity_of(object, path, record, false)
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        let through = self.live.object(&link.through)?;
        let owner = through.fields.values().find_map(|field| match &field.ty {
            Some(FieldType::Reference { objects })
                if objects.as_slice() == [owner_object] && field.native == "RELATION" =>
            {
                Some(&field.write_key)
            }
            _ => None,
        });
        let other = through.fields.get("target").and_then(|field| field.write_keys.get(target.object.as_ref()));
        let other = other.or_else(|| {
            through.fields.values().find_map(|field| match &field.ty {
                Some(FieldType::Reference { objects }) if objects.as_slice() == [target.object.as_ref()] => {
                    Some(&field.write_key)
                }
                _ => None,
            })
        });
        let missing =
            |object: &str| LoadError::Missing { what: format!("reference from `{}` to `{object}`", link.through) };
        let owner = owner.ok_or_else(|| missing(owner_object))?;
        let other = other.filter(|key| *key != owner).ok_or_else(|| missing(&target.object))?;
        let mut body = Map::new();
        body.insert(owner.clone(), serde_json::Value::String(owner_id.to_owned()));
        body.insert(other.clone(), serde_json::Value::String(target.id.to_string()));
        Ok(body)
    }

    fn compare(&self, object: &str, mapping: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        match self.live.field(object, &mapping.field) {
            Ok(field) => compare::compare(field, mapping, expected, found),
            Err(error) => unknown(&error),
        }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        composites::part_of(key)
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        held::unlike(&self.live, object, body, found)
    }
}

/// Comparison with a field that is not known.
pub(super) fn unknown(error: &LoadError) -> Comparison {
    Comparison::Differs { expected: error.to_string(), found: "nothing".to_owned() }
}

/// The key that a value goes by; none where an empty reference to one of several objects has none.
fn write_key<'f>(field: &'f FieldSchema, value: &Value<'_>) -> Result<Option<&'f str>, String> {
    if !field.writable {
        return Err(format!("the destination does not let `{}` be written", field.name));
    }
    match value {
        Value::Reference(reference) if !field.write_keys.is_empty() => {
            match field.write_keys.get(reference.object.as_ref()) {
                Some(key) => Ok(Some(key)),
                None => Err(format!(
                    "it cannot refer to `{}`; it refers to {}",
                    reference.object,
                    field.write_keys.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                )),
            }
        }
        _ if field.write_key.is_empty() => Ok(None),
        _ => Ok(Some(&field.write_key)),
    }
}

/// Failure of encoding before the schema was read.
fn unread(object: &str, error: &LoadError) -> Vec<Failure> {
    vec![Failure { code: ReasonCode::Q207, field: object.to_owned(), reason: error.to_string() }]
}

impl Values for Twenty {
    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.encode(object, fields)
    }

    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.encode_text(object, fields)
    }

    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        self.codec().map_err(|error| unread(object, &error))?.check(object, fields)
    }

    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.codec().ok()?.identity(object, path, record)
    }

    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.codec().ok()?.unique_value(object, path, record)
    }

    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError> {
        self.codec()?.link_body(link, owner_object, owner_id, target)
    }

    fn compare(&self, object: &str, mapping: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison {
        match self.codec() {
            Ok(codec) => codec.compare(object, mapping, expected, found),
            Err(error) => unknown(&error),
        }
    }

    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        composites::part_of(key)
    }

    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        self.codec().map_or_else(|_| body.keys().cloned().collect(), |codec| codec.unlike(object, body, found))
    }
}
