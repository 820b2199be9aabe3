//! Webhooks of the workspace: kept and listed. None is told of anything, since the sandbox asks no other host.

use serde_json::{Map, Value, json};

use crate::http::Request;
use crate::twenty::engine::Engine;
use crate::twenty::metadata::{Answer, check, envelope};
use crate::twenty::problem::Problem;
use crate::twenty::rest;

/// The place in the state where they are kept.
const PLACE: &str = "webhooks";

/// The webhooks that are kept, oldest first.
fn kept(engine: &Engine) -> Result<Vec<Value>, Problem> {
    let text = engine.store.meta(PLACE)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn keep(engine: &Engine, all: &[Value]) -> Result<(), Problem> {
    Ok(engine.store.set_meta(PLACE, &Value::from(all).to_string())?)
}

/// The list, as the description of the API has it.
pub(super) fn list(engine: &Engine) -> Answer {
    let all = kept(engine)?;
    let info = json!({"hasNextPage": false, "startCursor": null, "endCursor": null});
    let total = all.len();
    Ok((200, json!({"data": {"webhooks": all}, "pageInfo": info, "totalCount": total})))
}

/// A new webhook; of every event where it names none.
pub(super) fn create(engine: &Engine, request: &Request) -> Answer {
    let input = rest::body(request)?;
    let Some(url) = input.get("targetUrl").and_then(Value::as_str).filter(|url| !url.is_empty()) else {
        return Err(Problem::bad_request("targetUrl should not be empty"));
    };
    let mut all = kept(engine)?;
    let given = |name: &str, or: Value| input.get(name).cloned().unwrap_or(or);
    let made = json!({
        "id": uuid::Uuid::new_v4(),
        "targetUrl": url,
        "operations": given("operations", json!(["*.*"])),
        "description": given("description", Value::Null),
        "deletedAt": null,
    });
    all.push(made.clone());
    keep(engine, &all)?;
    Ok((201, envelope(engine, "createOneWebhook", made)))
}

/// The removal of a webhook.
pub(super) fn delete(engine: &Engine, id: &str) -> Answer {
    let mut all = kept(engine)?;
    let before = all.len();
    all.retain(|hook| hook.get("id").and_then(Value::as_str) != Some(id));
    if all.len() == before {
        return Err(check::missing(engine.old(), "Webhook"));
    }
    keep(engine, &all)?;
    let mut gone = Map::new();
    gone.insert("id".into(), id.into());
    Ok((200, envelope(engine, "deleteOneWebhook", gone.into())))
}
