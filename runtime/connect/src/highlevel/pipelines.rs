//! Pipelines of a location and their stages: as they were read, with one more, and as a replacement is sent.

use migr_plan::Picklist;
use serde_json::{Value, json};

use super::api::text;

/// A pipeline with its stages, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) stages: Vec<PipelineStage>,
    /// True where each stage has a chance of winning that a person gave it.
    pub(super) has_chances: bool,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PipelineStage {
    pub(super) id: String,
    pub(super) name: String,
    /// Chance of winning as the location gave it, in percent.
    chance: Option<Value>,
}

impl Pipeline {
    /// A pipeline as the location describes it.
    pub(super) fn read(value: &Value) -> Self {
        let part = |value: &Value, key: &str| text(value, key).unwrap_or_default().to_owned();
        let stages = value.get("stages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let stages = stages.iter().map(|stage| PipelineStage {
            id: part(stage, "id"),
            name: part(stage, "name"),
            chance: stage.get("stageWinProbability").filter(|chance| chance.is_number()).cloned(),
        });
        Self {
            id: part(value, "id"),
            name: part(value, "name"),
            stages: stages.collect(),
            has_chances: value.get("useOpportunityProbability").and_then(Value::as_bool) == Some(true),
        }
    }

    /// A pipeline that is not there yet.
    pub(super) fn new(name: &str) -> Self {
        Self { id: name.to_owned(), name: name.to_owned(), ..Self::default() }
    }

    pub(super) fn has(&self, stage: &str) -> bool {
        self.stages.iter().any(|known| known.name == stage)
    }

    /// The pipeline with one more stage, which stands where the tables' rows have it: behind the last of the stages before it that is there.
    pub(super) fn with(&self, stage: &str, tables: &[Picklist]) -> Self {
        let order = rows_of(&self.name, tables);
        let mut stages = self.stages.clone();
        let place = |name: &str| order.iter().position(|known| known == name);
        let own = place(stage);
        let earlier = stages.iter().rposition(|known| own > place(&known.name) && place(&known.name).is_some());
        let later = || stages.iter().position(|known| place(&known.name) > own);
        let at = earlier.map(|at| at + 1).or_else(later).unwrap_or(stages.len());
        let id = format!("{}/{stage}", self.name);
        stages.insert(at, PipelineStage { id, name: stage.to_owned(), chance: None });
        Self { stages, ..self.clone() }
    }

    /// The stages as a replacement has them: one with its id stays, with the chance that it has; a list that is sent shorter than it is takes stages away.
    pub(super) fn replacement(&self, is_new: impl Fn(&PipelineStage) -> bool) -> Vec<Value> {
        let sent = |stage: &PipelineStage| {
            let mut sent = json!({"name": stage.name});
            if let Some(sent) = sent.as_object_mut() {
                if !is_new(stage) {
                    sent.insert("id".to_owned(), json!(stage.id));
                }
                sent.extend(stage.chance.clone().map(|chance| ("stageWinProbability".to_owned(), chance)));
            }
            sent
        };
        self.stages.iter().map(sent).collect()
    }
}

/// The stages of one pipeline in the order of the rows that name them.
fn rows_of(pipeline: &str, tables: &[Picklist]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for (of, stage, _) in tables.iter().flat_map(stages_of) {
        if of == pipeline && !order.contains(&stage) {
            order.push(stage);
        }
    }
    order
}

/// Pipeline and stage of each row of a table that decides both, and whether the row makes the stage.
pub(super) fn stages_of(table: &Picklist) -> Vec<(String, String, bool)> {
    let place = |name: &str| table.fields.iter().position(|field| field == name);
    let (Some(pipeline), Some(stage)) = (place("pipeline"), place("pipelineStage")) else { return Vec::new() };
    let rows = table.rows.iter().filter_map(|row| {
        let value = |at: usize| row.values.get(at).cloned().flatten();
        Some((value(pipeline)?, value(stage)?, row.new.is_some()))
    });
    rows.collect()
}
