//! A refusal, as the server words it.

use std::ops::{Deref, DerefMut};

use serde_json::{Map, Value, json};

use crate::http::Response;

/// A refused request: one value for REST, metadata and GraphQL, rendered at the border. Boxed, since it is rare.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Details>);

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// Content of a refusal.
#[derive(Clone, Debug)]
pub(crate) struct Details {
    /// The HTTP status REST answers with.
    pub(crate) status: u16,
    /// The `error` of the REST body.
    pub(crate) class: &'static str,
    /// The message.
    pub(crate) message: String,
    /// The REST body's `code`, if it has one.
    pub(crate) code: Option<&'static str>,
    /// The GraphQL `extensions.subCode`, if it has one.
    pub(crate) sub_code: Option<&'static str>,
    /// The GraphQL `extensions.userFriendlyMessage`.
    pub(crate) friendly: Option<String>,
    /// Further GraphQL `extensions`.
    pub(crate) extensions: Map<String, Value>,
    /// A body that replaces the usual one (metadata errors).
    pub(crate) body: Option<Value>,
}

impl Problem {
    /// A refusal with the given status and class.
    pub(crate) fn new(status: u16, class: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            status,
            class,
            message: message.into(),
            code: None,
            sub_code: None,
            friendly: None,
            extensions: Map::new(),
            body: None,
        }))
    }

    /// A 400 of class `BadRequestException`.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequestException", message)
    }

    /// A 400 about an argument's value.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::bad_request(message).sub("INVALID_ARGS_DATA").friend("An error occurred.")
    }

    /// A 400 of class `Error` with a code in the body.
    pub(crate) fn coded(code: &'static str, message: impl Into<String>) -> Self {
        let mut problem = Self::new(400, "Error", message);
        problem.code = Some(code);
        problem.sub_code = Some(code);
        problem
    }

    /// The 404 of a missing record.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "NotFoundException", "Record not found").sub("RECORD_NOT_FOUND")
    }

    /// A refusal with a body of its own.
    pub(crate) fn with_body(status: u16, body: Value) -> Self {
        let message = body.get("message").and_then(Value::as_str).unwrap_or("refused").to_owned();
        let mut problem = Self::new(status, "Error", message);
        problem.body = Some(body);
        problem
    }

    /// The same with a GraphQL sub-code.
    pub(crate) fn sub(mut self, sub_code: &'static str) -> Self {
        self.sub_code = Some(sub_code);
        self
    }

    /// The same with a GraphQL message for people.
    pub(crate) fn friend(mut self, message: impl Into<String>) -> Self {
        self.friendly = Some(message.into());
        self
    }

    /// The REST body.
    pub(crate) fn rest_body(&self) -> Value {
        if let Some(body) = &self.body {
            return body.clone();
        }
        let mut body = json!({"statusCode": self.status, "error": self.class, "messages": [self.message]});
        if let (Some(code), Some(map)) = (self.code, body.as_object_mut()) {
            map.insert("code".into(), code.into());
        }
        body
    }

    /// The entry in GraphQL's `errors`.
    pub(crate) fn graphql_error(&self) -> Value {
        let mut extensions = Map::new();
        if let Some(sub_code) = self.sub_code {
            extensions.insert("subCode".into(), sub_code.into());
        }
        if let Some(friendly) = &self.friendly {
            extensions.insert("userFriendlyMessage".into(), friendly.clone().into());
        }
        extensions.extend(self.extensions.clone());
        let code = if self.status >= 500 { "INTERNAL_SERVER_ERROR" } else { "BAD_USER_INPUT" };
        extensions.insert("code".into(), code.into());
        json!({"message": self.message, "extensions": extensions})
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(500, "InternalServerErrorException", format!("sandbox database: {error}"))
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::new(500, "InternalServerErrorException", format!("sandbox state: {error}"))
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        Self::json(problem.status, &problem.rest_body())
    }
}
