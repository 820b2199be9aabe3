//! A request with what its headers and body say.

use serde_json::{Map, Value};

use crate::highlevel::refusal::Refusal;
use crate::highlevel::shape::{Key, checked};
use crate::http::{Body, Part, Request};

/// A request that was let in.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    /// True where the newest version was asked for.
    pub(crate) v3: bool,
    /// The JSON of the body; an object without keys where there is none.
    pub(crate) body: Value,
}

impl<'a> Call<'a> {
    /// The request in a version; a body that is no JSON is refused.
    pub(crate) fn new(request: &'a Request, v3: bool) -> Result<Self, Refusal> {
        let body = match &request.body {
            Body::Bytes(bytes) if !bytes.is_empty() => serde_json::from_slice(bytes)
                .map_err(|error| Refusal::bad(format!("Unexpected token in JSON at position {}", error.column())))?,
            Body::Bytes(_) | Body::Parts(_) => Value::Object(Map::new()),
            Body::TooLarge => return Err(Refusal::bad("request entity too large").with_status(413)),
        };
        Ok(Self { request, v3, body })
    }

    /// The body of this shape.
    pub(crate) fn checked(&self, keys: &[Key]) -> Result<&Map<String, Value>, Refusal> {
        checked(keys, &self.body)
    }

    /// The parts of a form.
    pub(crate) fn parts(&self) -> &'a [Part] {
        match &self.request.body {
            Body::Parts(parts) => parts,
            Body::Bytes(_) | Body::TooLarge => &[],
        }
    }

    /// A query parameter that is not empty.
    pub(crate) fn param(&self, name: &str) -> Option<&'a str> {
        self.request.param(name).filter(|value| !value.is_empty())
    }

    /// A query parameter that must be there.
    pub(crate) fn needed(&self, name: &str) -> Result<&'a str, Refusal> {
        self.param(name).ok_or_else(|| {
            Refusal::unprocessable(&[format!("{name} should not be empty"), format!("{name} must be a string")])
        })
    }

    /// A whole number in the query, at most `most`.
    pub(crate) fn number(&self, name: &str, default: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.param(name) else { return Ok(default) };
        match text.parse::<usize>() {
            Ok(number) if number <= most => Ok(number),
            Ok(_) => Err(Refusal::invalid(format!("{name} must not be greater than {most}"))),
            Err(_) => Err(Refusal::invalid(format!("{name} must be a number string"))),
        }
    }
}

/// A text among the values of an object, where it is one and not empty.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The texts of a list among the values of an object.
pub(crate) fn texts(object: &Map<String, Value>, key: &str) -> Vec<String> {
    let items = object.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
