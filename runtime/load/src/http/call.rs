//! A request, and why it has no answer.

use std::path::Path;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;

use crate::LoadError;

/// Which requests may be sent again when it is not known whether they were carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Carrying it out twice is the same as once.
    Always,
    /// Only when it surely was not carried out.
    Unsent,
}

/// Payload of a request.
#[derive(Clone, Debug)]
pub enum Payload<'a> {
    /// Nothing.
    Empty,
    /// A JSON text.
    Json(Bytes),
    /// A form of several parts, one of them a file.
    Form {
        /// Parts that are texts, by name; they go before the file.
        texts: Vec<(&'static str, String)>,
        /// Name of the file's part.
        part: String,
        /// The file.
        file: FormFile<'a>,
        /// Name of the file there.
        name: &'a str,
        /// Media type of the file.
        media: &'static str,
        /// Size of the file.
        bytes: u64,
    },
    /// A file as it is.
    Bytes {
        /// The file.
        file: &'a Path,
        /// Media type of the file.
        media: String,
        /// Size of the file.
        bytes: u64,
    },
}

/// File of a form.
#[derive(Clone, Copy, Debug)]
pub enum FormFile<'a> {
    /// File at a path.
    At(&'a Path),
    /// File that is open, from its beginning; it may have no name any more.
    Open(&'a std::fs::File),
}

impl Payload<'_> {
    /// Size of the payload.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Json(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            Self::Form { bytes, .. } | Self::Bytes { bytes, .. } => *bytes,
        }
    }
}

/// One request.
#[derive(Debug)]
pub struct Call<'a> {
    /// Method of the request.
    pub method: Method,
    /// Path at the destination.
    pub path: String,
    /// Pairs of the query.
    pub query: Vec<(&'static str, String)>,
    /// Headers of the request, besides those that every one has.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Payload of the request.
    pub payload: Payload<'a>,
    /// True where the request counts against the quota.
    pub paced: bool,
    /// Tokens of the quota that it takes, where it is paced.
    pub tokens: u32,
    /// Treatment of a lost answer.
    pub again: Again,
    /// Another path of the server, where the request is about one record's value: internal errors again and again,
    /// while this path is answered, are a refusal of it.
    pub about_one: Option<&'static str>,
}

impl<'a> Call<'a> {
    /// A request that reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, Payload::Empty)
    }

    /// A request that is paced and may be repeated.
    pub fn new(method: Method, path: impl Into<String>, payload: Payload<'a>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            payload,
            paced: true,
            tokens: 1,
            again: Again::Always,
            about_one: None,
        }
    }

    /// With one more pair of the query.
    #[must_use]
    pub fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same request, where the server counts it as several: GraphQL takes a token for each list that is asked for.
    #[must_use]
    pub fn tokens(mut self, tokens: u32) -> Self {
        self.tokens = tokens;
        self
    }

    /// The same request, not counted against the quota.
    #[must_use]
    pub fn unpaced(mut self) -> Self {
        self.paced = false;
        self
    }

    /// The same request, about one record's value; `path` is another one that the server answers while it is well.
    #[must_use]
    pub fn about_one(mut self, path: &'static str) -> Self {
        self.about_one = Some(path);
        self
    }

    /// The same request, not repeated when it may have been carried out.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.again = Again::Unsent;
        self
    }

    /// Method and path, for people.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Why there is no answer to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The server refused it, and did nothing.
    Refused {
        /// HTTP status; 200 for GraphQL.
        status: u16,
        /// The server's reason.
        message: String,
        /// The server's code.
        code: Option<String>,
        /// The answer, where it was JSON.
        body: Option<Box<NoDebug>>,
    },
    /// The request may have been carried out.
    Unknown {
        /// Failure that came instead of an answer.
        why: String,
        /// True where the server is done with it: it is not on its way any more.
        is_answered: bool,
    },
    /// Error that concerns every request.
    Fatal(LoadError),
}

/// An answer that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NoDebug(pub Value);

impl std::fmt::Debug for NoDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl CallError {
    /// As an error of one request.
    pub fn into_load_error(self, request: String) -> LoadError {
        match self {
            Self::Refused { status, message, code, .. } => LoadError::Refused { request, status, message, code },
            Self::Unknown { why, .. } => LoadError::Unexpected { request, why },
            Self::Fatal(error) => error,
        }
    }
}
