//! Requests and answers without their transport, so that the whole server is one plain function.

use serde_json::Value;

/// A request that was read in full.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path without the query, decoded.
    pub(crate) path: String,
    /// Path with the query, as it was sent.
    pub(crate) target: String,
    /// The decoded query.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    /// The API's version that the client asks for, by header.
    pub(crate) version: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Body,
}

/// A request's body.
#[derive(Debug)]
pub(crate) enum Body {
    /// Bytes, JSON in most cases.
    Bytes(Vec<u8>),
    /// The parts of a multipart form.
    Parts(Vec<Part>),
    /// More than the server takes.
    TooLarge,
}

/// One part of a multipart form.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) mime: Option<String>,
    pub(crate) content: Vec<u8>,
}

impl Request {
    /// The value of a query parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The path's segments after the leading slash.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.trim_matches('/').split('/').collect()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) mime: &'static str,
    /// Headers beside the content's type; names in small letters.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// An answer of this type.
    pub(crate) fn of(status: u16, mime: &'static str, body: Vec<u8>) -> Self {
        Self { status, mime, headers: Vec::new(), body }
    }

    /// A JSON answer.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    /// A text answer.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    /// An empty answer.
    pub(crate) fn empty(status: u16) -> Self {
        Self::of(status, "text/plain", Vec::new())
    }
}
