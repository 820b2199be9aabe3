//! A refusal, as the server words it.

use serde_json::{Map, Value, json};

use crate::http::Response;

/// The answer to a request that succeeded: status and body.
pub(crate) type Answer = Result<(u16, Value), Refusal>;

/// A refused request. Boxed, since it is rare.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(Box<(u16, Map<String, Value>)>);

impl Refusal {
    /// A refusal with this status and body.
    pub(crate) fn new(status: u16, body: Value) -> Self {
        let Value::Object(mut parts) = body else { return Self(Box::new((status, Map::new()))) };
        parts.insert("statusCode".into(), status.into());
        Self(Box::new((status, parts)))
    }

    /// A 400 of one sentence.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, json!({"message": message.into(), "error": "Bad Request"}))
    }

    /// A 400 about a record that is not there, as the server answers for contacts and most others.
    pub(crate) fn unknown(what: &str, id: &str) -> Self {
        Self::bad(format!("{what} with id {id} not found"))
    }

    /// A 401.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(401, json!({"message": message, "error": "Unauthorized"}))
    }

    /// A 403.
    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(403, json!({"message": message, "error": "Forbidden"}))
    }

    /// A 422 with one sentence for each fault.
    pub(crate) fn unprocessable(messages: &[String]) -> Self {
        Self::new(422, json!({"message": messages, "error": "Unprocessable Entity"}))
    }

    /// A 422 of one sentence.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::unprocessable(&[message.into()])
    }

    /// The same with another status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.0 = status;
        self.0.1.insert("statusCode".into(), status.into());
        self
    }

    /// The same with the id by which the vendor traces a request.
    pub(crate) fn traced(mut self, trace: &str) -> Self {
        self.0.1.insert("traceId".into(), trace.into());
        self
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let (status, body) = *refusal.0;
        Self::json(status, &Value::Object(body))
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(500, json!({"message": format!("sandbox database: {error}"), "error": "Internal Server Error"}))
    }
}
