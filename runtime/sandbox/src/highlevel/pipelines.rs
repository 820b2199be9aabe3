//! Pipelines and their stages. A replacement of stages is whole; a deletion takes every opportunity along.

use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::state::State;
use crate::highlevel::{opportunities, shapes};
use crate::store::Row;

/// The stages of a pipeline, the lowest first.
pub(crate) fn stages(pipeline: &Row) -> &[Value] {
    pipeline.body.get("stages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The ids of the stages.
pub(crate) fn stage_ids(pipeline: &Row) -> Vec<&str> {
    stages(pipeline).iter().filter_map(|stage| stage.get("id").and_then(Value::as_str)).collect()
}

fn shown(state: &State, row: &Row) -> Value {
    let told = |key: &str, default: Value| row.body.get(key).cloned().unwrap_or(default);
    json!({
        "id": row.id, "name": row.body.get("name"), "stages": row.body.get("stages"),
        "showInFunnel": told("showInFunnel", true.into()), "showInPieChart": told("showInPieChart", true.into()),
        "useOpportunityProbability": told("useOpportunityProbability", false.into()),
        "colorRenderMode": told("colorRenderMode", "dot".into()), "locationId": state.location,
        "position": told("position", 0.into()),
    })
}

/// Lists the pipelines with their stages.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let pipelines: Vec<Value> = state.all("pipeline")?.iter().map(|row| shown(state, row)).collect();
    Ok((200, json!({"pipelines": pipelines})))
}

/// Answers one pipeline, at the top level.
pub(crate) fn get(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("pipeline", "Pipeline", at(ids, 0))?;
    Ok((200, shown(state, &row)))
}

/// Stages with ids and places; the names must differ, in whatever case.
fn placed(state: &State, input: &Map<String, Value>, known: &[&str]) -> Result<Vec<Value>, Refusal> {
    let given = input.get("stages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if given.is_empty() {
        return Err(Refusal::invalid("stages must contain at least 1 elements"));
    }
    let mut names = Vec::new();
    let mut placed = Vec::new();
    for (position, stage) in given.iter().enumerate() {
        let name = stage.get("name").and_then(Value::as_str).unwrap_or_default().trim();
        if name.is_empty() || names.contains(&name.to_lowercase()) {
            return Err(Refusal::invalid(format!("stages.{position}.name must be unique within the pipeline")));
        }
        names.push(name.to_lowercase());
        let id = match stage.get("id").and_then(Value::as_str) {
            Some(id) if known.contains(&id) => id.to_owned(),
            Some(id) => return Err(Refusal::unknown("Stage", id)),
            None => state.new_id("stage")?,
        };
        let mut stage_shown =
            json!({"id": id, "name": name, "position": position, "showInFunnel": true, "showInPieChart": true});
        if let (Some(odds), Some(shown)) = (stage.get("stageWinProbability"), stage_shown.as_object_mut()) {
            shown.insert("stageWinProbability".into(), odds.clone());
        }
        placed.push(stage_shown);
    }
    Ok(placed)
}

/// The refusal of a name that another pipeline has, in whatever case.
fn free_name(state: &State, name: &str, own: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::invalid("name should not be empty"));
    }
    let same =
        |row: &Row| text(&row.body, "name").is_some_and(|found| found.to_lowercase() == name.trim().to_lowercase());
    match state.all("pipeline")?.iter().find(|row| row.id != own && same(row)) {
        Some(_) => Err(Refusal::bad("A pipeline with this name already exists in the location")),
        None => Ok(()),
    }
}

/// Creates a pipeline.
pub(crate) fn create(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let row = made(state, call.checked(shapes::NEW_PIPELINE)?)?;
    Ok((201, shown(state, &row)))
}

/// Makes a pipeline of name and stages.
pub(crate) fn made(state: &State, input: &Map<String, Value>) -> Result<Row, Refusal> {
    free_name(state, text(input, "name").unwrap_or_default(), "")?;
    let mut body = input.clone();
    body.shift_remove("locationId");
    body.insert("stages".into(), placed(state, input, &[])?.into());
    body.insert("position".into(), state.all("pipeline")?.len().into());
    state.create("pipeline", body)
}

/// Replaces what is named; the opportunities of stages that are gone move to the lowest.
pub(crate) fn update(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    let input = call.checked(shapes::PIPELINE)?;
    let mut row = state.found("pipeline", "Pipeline", at(ids, 0))?;
    if let Some(name) = input.get("name").and_then(Value::as_str) {
        free_name(state, name, &row.id)?;
    }
    let mut body = input.clone();
    body.shift_remove("locationId");
    if input.contains_key("stages") {
        let placed = placed(state, input, &stage_ids(&row))?;
        body.insert("stages".into(), placed.into());
    }
    row.body.extend(body);
    state.save("pipeline", &mut row)?;
    let left = stage_ids(&row);
    for mut opportunity in state.linked("opportunity", "opportunity.pipeline", &row.id)? {
        let own = text(&opportunity.body, "pipelineStageId").unwrap_or_default();
        if let (false, Some(lowest)) = (left.contains(&own), left.first()) {
            opportunity.body.insert("pipelineStageId".into(), (*lowest).into());
            state.save("opportunity", &mut opportunity)?;
        }
    }
    Ok((200, shown(state, &row)))
}

/// Deletes a pipeline and every opportunity in it.
pub(crate) fn delete(state: &State, _: &Call<'_>, ids: &[&str]) -> Answer {
    let row = state.found("pipeline", "Pipeline", at(ids, 0))?;
    for opportunity in state.linked("opportunity", "opportunity.pipeline", &row.id)? {
        opportunities::remove(state, &opportunity)?;
    }
    state.remove("pipeline", &row)?;
    Ok((200, json!({"succeeded": true})))
}
