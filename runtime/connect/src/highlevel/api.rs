//! Requests of a location: their paths, their version, and the meaning of refusals.

use bytes::Bytes;
use futures_util::StreamExt as _;
use migr_load::{BoxFuture, Call, CallError, Dialect, LoadError, Payload, Refusal, Removal, Written};
use reqwest::Method;
use serde_json::Value;

use super::HighLevel;
use super::scopes::scope_of;

/// Habits of the server.
pub(super) const DIALECT: Dialect = Dialect {
    refusals: &[],
    is_graphql: false,
    left_today: Some("x-ratelimit-daily-remaining"),
    rate: Some(["x-ratelimit-max", "x-ratelimit-interval-milliseconds"]),
};

/// Requests that one list of single records has under way.
pub(super) const SIDE_BY_SIDE: usize = 16;

/// Words by which the server says that something is done, misspelt too.
const DONE: [&str; 3] = ["succeeded", "succeded", "success"];

/// Beginning of the texts by which the server says that our own request lacks its version.
const OUR_FAULT: &str = "version header";

/// Words by which the server says that the token lacks a scope.
pub(super) const NO_SCOPE: &str = "not authorized for this scope";

/// Words by which the server says that the token is of another location.
const NO_ACCESS: &str = "not have access to this location";

/// JSON as it is sent.
pub(super) fn json(body: &Value) -> Payload<'static> {
    Payload::Json(Bytes::from(body.to_string()))
}

impl HighLevel {
    fn prepared<'a>(&self, call: Call<'a>) -> Call<'a> {
        let version = self.version.header(&call.path);
        call.header("Version", version)
    }

    /// Sends a request that may be repeated.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Value, CallError> {
        let call = self.prepared(call);
        self.http.call(&call).await.map_err(|error| self.explained(&call, own_fault(error)))
    }

    /// A refusal of the token with what an administrator does about it.
    fn explained(&self, call: &Call<'_>, error: CallError) -> CallError {
        let CallError::Fatal(LoadError::Unauthorized { url, status, message, help }) = error else { return error };
        let says = |words: &str| message.to_lowercase().contains(words);
        let help = if says(NO_SCOPE) {
            let scope = scope_of(&call.method, &call.path)
                .map_or_else(|| "the scope".to_owned(), |scope| format!("the scope `{scope}`"));
            format!("Give the private integration {scope}, which {} needs, in the location's settings", call.name())
        } else if says(NO_ACCESS) {
            let location = &self.location;
            format!(
                "The token is of another location than {location}: check the destination's `location`, or make a token in that location"
            )
        } else {
            help
        };
        CallError::Fatal(LoadError::Unauthorized { url, status, message, help })
    }

    /// Reads.
    pub(super) async fn get(
        &self,
        path: impl Into<String>,
        query: Vec<(&'static str, String)>,
    ) -> Result<Value, CallError> {
        let mut call = Call::get(path);
        call.query = query;
        self.send(call).await
    }

    /// Asks by a body; nothing is changed.
    pub(super) async fn ask(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.send(Call::new(Method::POST, path, json(body))).await
    }

    /// Makes something: it is not sent again while it is not known whether it was made.
    pub(super) async fn make(&self, path: impl Into<String>, body: &Value) -> Result<Value, CallError> {
        self.send(Call::new(Method::POST, path, json(body)).once()).await
    }

    /// Changes something: done twice it is the same as once.
    pub(super) async fn put(&self, path: impl Into<String>, body: &Value) -> Result<Value, CallError> {
        self.send(Call::new(Method::PUT, path, json(body))).await
    }

    /// Removes something of an id. What the server does not know may be gone already.
    pub(super) async fn delete(&self, call: Call<'_>, id: &str) -> Result<Removal, LoadError> {
        let name = call.name();
        match self.send(call).await {
            Ok(answer) if says_gone(&answer, id) => Ok(Removal::Gone),
            Ok(_) => Ok(Removal::Untold),
            Err(error) if is_gone(&error) => Ok(Removal::Untold),
            Err(error) => Err(error.into_load_error(name)),
        }
    }

    /// The location, as a pair of a query.
    pub(super) fn here(&self) -> (&'static str, String) {
        ("locationId", self.location.clone())
    }
}

/// Work behind a pointer.
pub(super) fn boxed<'w, T>(work: impl Future<Output = T> + Send + 'w) -> BoxFuture<'w, T> {
    Box::pin(work)
}

/// Results of some work, several pieces at a time, in their order.
pub(super) async fn each<T>(work: Vec<BoxFuture<'_, Result<T, LoadError>>>) -> Result<Vec<T>, LoadError> {
    let mut results = Vec::with_capacity(work.len());
    let mut under_way = futures_util::stream::iter(work).buffered(SIDE_BY_SIDE);
    while let Some(result) = under_way.next().await {
        results.push(result?);
    }
    Ok(results)
}

/// A refusal of our own request is no refusal of the token.
fn own_fault(error: CallError) -> CallError {
    match error {
        CallError::Fatal(LoadError::Unauthorized { message, .. }) if message.starts_with(OUR_FAULT) => {
            CallError::Fatal(LoadError::Unexpected {
                request: "the request's version".to_owned(),
                why: format!("{message}; this program sends a version that the server does not know"),
            })
        }
        error => error,
    }
}

/// True where what was asked for is not there: the server says so by 404, and by 400 of an id that it does not know.
pub(super) fn is_gone(error: &CallError) -> bool {
    match error {
        CallError::Refused { status: 404, .. } => true,
        CallError::Refused { status: 400 | 422, message, .. } => message.to_lowercase().contains("not found"),
        _ => false,
    }
}

/// True where the answer to a removal says that it is done, in any of the words that the server has for it, or names what was removed. One that says no proves
/// nothing.
fn says_gone(answer: &Value, id: &str) -> bool {
    let said = || DONE.iter().filter_map(|word| answer.get(*word)?.as_bool());
    said().all(|done| done) && (said().next().is_some() || text(answer, "id") == Some(id))
}

/// The error of a request that is sent once, where it says that nothing was done: later nobody could tell of every record whether it is there.
pub(super) fn unsent(error: &CallError) -> Option<LoadError> {
    match error {
        CallError::Fatal(error) if error.says_unsent() => Some(error.clone()),
        _ => None,
    }
}

/// Outcome of a write without an answer that says it is done.
pub(super) fn outcome(error: CallError) -> Result<Written, LoadError> {
    match error {
        CallError::Fatal(error) => Err(error),
        CallError::Unknown { why, is_answered } => Ok(Written::Uncertain { why, is_answered }),
        CallError::Refused { status, message, code, .. } => {
            Ok(Written::Refused(Refusal { code, ..Refusal::new(status, message) }))
        }
    }
}

/// A text of an answer.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The list of an answer, under any of some names.
pub(super) fn list<'v>(value: &'v Value, names: &[&str]) -> &'v [Value] {
    let found = names.iter().find_map(|name| value.get(*name)?.as_array());
    found.or_else(|| value.as_array()).map_or(&[], Vec::as_slice)
}
