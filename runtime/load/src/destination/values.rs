//! Native forms of values, and what is the same to a destination.

use std::fmt;

use migr_plan::{FieldMapping, LinkMapping};
use migr_transform::{Failure, Reference, Value};

use super::Map;
use crate::{Body, LoadError};

/// Part of a destination that gives values their native form, and tells which are the same. By the schema that was read last, as [`crate::Codec`] by a schema.
pub trait Values: fmt::Debug + Send + Sync {
    /// The native body of one record, without its id. Pure. Checks types, options and lengths beforehand, and reports every field that fails. A field whose
    /// value is `Default` is left out, one whose value is none is written empty; a field of type `file` is left out (see [`crate::Files::upload`]).
    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>>;

    /// The same, as the text that is sent.
    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        self.encode(object, fields).map(Body::from)
    }

    /// Failures of values, as [`Self::encode_text`] finds them, where nobody needs the body.
    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        self.encode_text(object, fields).map(drop)
    }

    /// Values that [`Self::encode`] leaves out or replaces by a rule of the map, each with the reason.
    fn adjusts(&self, _object: &str, _fields: &[(&FieldMapping, &Value<'_>)]) -> Vec<Failure> {
        Vec::new()
    }

    /// The value of a match path (`emails.primaryEmail`, `domainName`, `name`) in a body or a found record, in the one form by which records are matched,
    /// however it was spelt. None when empty.
    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String>;

    /// The same in the form in which the server holds values to be unique, which may tell apart what a person spells otherwise.
    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String>;

    /// Other fields of the object by which the native form of a field is told, such as the pipeline of a stage.
    fn told_by(&self, _object: &str, _field: &str) -> &'static [&'static str] {
        &[]
    }

    /// The body of the record that links one record to another.
    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError>;

    /// Compares a found record with what was written, knowing what the server rewrites.
    fn compare(&self, object: &str, field: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison;

    /// The part of a composite that a key of its native form belongs to: a calling code is part of its number. Parts are written and kept each by itself.
    fn part_of<'k>(&self, key: &'k str) -> &'k str;

    /// The keys of a native body whose values a found record does not hold, knowing what the server rewrites.
    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String>;
}

/// Comparison of a record with what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Record that holds the value.
    Same,
    /// Record that holds another value. Both texts are `***` for a sensitive field.
    Differs {
        /// Expected value.
        expected: String,
        /// Value that was found.
        found: String,
    },
}
