//! Search of opportunities: by query in snake case, in v3 in camel case, or by a body; it lags.

use serde_json::{Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::index::{self, Indexed, Query};
use crate::highlevel::opportunities::shown;
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::shapes;
use crate::highlevel::state::State;

const MOST: usize = 100;

/// Names of a parameter before v3 and since, and of the value it is compared with.
const TESTS: [(&str, &str, &str); 6] = [
    ("pipeline_id", "pipelineId", "pipelineId"),
    ("pipeline_stage_id", "pipelineStageId", "pipelineStageId"),
    ("contact_id", "contactId", "contactId"),
    ("assigned_to", "assignedTo", "assignedTo"),
    ("status", "status", "status"),
    ("id", "id", "id"),
];

fn answered(state: &State, found: &[Indexed]) -> Result<Vec<Value>, Refusal> {
    found.iter().map(|record| shown(state, &record.id, &record.created, &record.updated, &record.body)).collect()
}

/// Searches by the query.
pub(crate) fn search(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed(if call.v3 { "locationId" } else { "location_id" })?;
    let (limit, page) = (call.number("limit", 20, MOST)?, call.number("page", 1, usize::MAX)?.max(1));
    let after = match (call.param("startAfter").and_then(|at| at.parse().ok()), call.param("startAfterId")) {
        (Some(at), Some(id)) => Some((at, id.to_owned())),
        _ => None,
    };
    let tests: Vec<(&str, &str)> = TESTS
        .iter()
        .filter_map(|(old, new, key)| Some((*key, call.param(if call.v3 { new } else { old })?)))
        .filter(|(_, wanted)| *wanted != "all")
        .collect();
    let query = call.param("q").map(str::to_lowercase);
    let fits = |record: &Indexed| {
        let equal = |(key, wanted): &(&str, &str)| match *key {
            "id" => record.id == *wanted,
            key => text(&record.body, key) == Some(*wanted),
        };
        tests.iter().all(equal) && query.as_ref().is_none_or(|query| names(record, query))
    };
    let skip = if after.is_some() { 0 } else { (page - 1).saturating_mul(limit) };
    let holding = tests.iter().find(|(key, _)| *key == "contactId").map(|(_, id)| (*id).to_owned());
    let asked = Query { kind: "opportunity", holding, after, skip, limit };
    let (found, total) = index::search(state, &asked, fits)?;
    let mut meta = json!({"total": total, "currentPage": page});
    if let (Some(last), Some(meta), true) = (found.last(), meta.as_object_mut(), skip + found.len() < total) {
        meta.insert("startAfter".into(), last.at.into());
        meta.insert("startAfterId".into(), last.id.clone().into());
        meta.insert("nextPage".into(), (page + 1).into());
    }
    Ok((200, json!({"opportunities": answered(state, &found)?, "meta": meta, "aggregations": {}})))
}

/// Searches by a body.
pub(crate) fn search_by_body(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::OPPORTUNITY_SEARCH)?;
    let count = |key: &str| input.get(key).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    let limit = count("limit").filter(|limit| (1..=MOST).contains(limit));
    let limit = limit.ok_or_else(|| Refusal::invalid(format!("limit must not be greater than {MOST}")))?;
    let skip = (count("page").unwrap_or(1).max(1) - 1).saturating_mul(limit);
    let after = match input.get("searchAfter").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Number(at), Value::String(id)]) => Some((at.as_i64().unwrap_or(i64::MAX), id.clone())),
        _ => None,
    };
    let query = text(input, "query").map(str::to_lowercase);
    let skip = if after.is_some() { 0 } else { skip };
    let asked = Query { kind: "opportunity", holding: None, after, skip, limit };
    let (found, total) =
        index::search(state, &asked, |record| query.as_ref().is_none_or(|query| names(record, query)))?;
    Ok((200, json!({"opportunities": answered(state, &found)?, "total": total, "aggregations": {}})))
}

fn names(record: &Indexed, query: &str) -> bool {
    text(&record.body, "name").is_some_and(|name| name.to_lowercase().contains(query))
}
