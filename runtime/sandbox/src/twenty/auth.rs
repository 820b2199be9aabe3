//! The API key: one fixed token, and how a wrong one is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::TwentyVersion;
use crate::http::{Request, Response};

/// The token of a version's sandbox. It opens nothing but a sandbox.
pub(crate) fn token(version: TwentyVersion, workspace: Option<&str>) -> String {
    let key = format!("sandbox-key-of-twenty-{}", version.name());
    match workspace {
        None => key,
        // As the server's own keys do, it names the workspace in its claims.
        Some(workspace) => {
            let claims = json!({"type": "API_KEY", "workspaceId": workspace}).to_string();
            format!("{}.{}.{key}", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims))
        }
    }
}

/// Judgement of a request's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Key that is the sandbox's token.
    Good,
    /// There is none.
    Missing,
    /// Key that is another one.
    Wrong,
}

/// Judges the request's key.
pub(crate) fn judge(request: &Request, token: &str) -> Key {
    match request.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer ")) {
        Some(given) if given == token => Key::Good,
        Some(_) => Key::Wrong,
        None => Key::Missing,
    }
}

/// The REST refusal of a key.
pub(crate) fn refusal(key: Key, old: bool) -> Response {
    let (status, message, error) = match key {
        Key::Missing => (403, "Missing authentication token", "FORBIDDEN_EXCEPTION"),
        _ => (401, wrong_message(old), "UNAUTHENTICATED"),
    };
    Response::json(status, &json!({"statusCode": status, "messages": [message], "error": error}))
}

/// Message for a wrong key.
pub(crate) fn wrong_message(old: bool) -> &'static str {
    if old { "No payload" } else { "Token invalid." }
}
