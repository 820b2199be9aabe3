//! Codec of a destination: what is computed from its schema alone, without a request.

use std::fmt;

use migr_plan::{FieldMapping, LinkMapping};
use migr_transform::{Failure, Reference, Value};

use crate::{Body, Comparison, FieldSchema, LoadError, Map};

/// Pure part of a destination: native forms of values, and what is the same to it. Each method is that of [`crate::Destination`].
pub trait Codec: fmt::Debug + Send + Sync {
    /// A field of an object; none where the schema has none.
    fn field(&self, object: &str, field: &str) -> Option<&FieldSchema>;

    /// The native body of one record, without its id.
    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>>;

    /// The same, as the text that is sent.
    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>>;

    /// Failures of values, as [`Self::encode_text`] finds them, where nobody needs the body.
    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        self.encode_text(object, fields).map(drop)
    }

    /// Values that [`Self::encode`] leaves out or replaces by a rule of the map, each with the reason.
    fn adjusts(&self, _object: &str, _fields: &[(&FieldMapping, &Value<'_>)]) -> Vec<Failure> {
        Vec::new()
    }

    /// The value of a match path in a body or a found record, in the form by which records are matched.
    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String>;

    /// The same in the form in which the server holds values to be unique.
    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String>;

    /// The body of the record that links one record to another.
    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError>;

    /// Comparison of a found record with what was written.
    fn compare(&self, object: &str, field: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison;

    /// The part of a composite that a key of its native form belongs to.
    fn part_of<'k>(&self, key: &'k str) -> &'k str;

    /// The keys of a native body whose values a found record does not hold.
    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String>;
}
