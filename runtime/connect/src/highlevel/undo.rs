//! Changes of a location's schema taken back.

use migr_load::{Call, CallError, LoadError, Made, Payload, SetupRecord, UndoOutcome};
use migr_plan::SetupAction;
use reqwest::Method;
use serde_json::{Value, json};

use super::HighLevel;
use super::api::{is_gone, list};
use super::kind::Kind;
use super::live::new_stages;

/// Reason why a custom object stays.
pub(super) const OBJECT_STAYS: &str = "the API removes no custom object; remove it in the location by hand";

impl HighLevel {
    pub(super) async fn take_back(&self, record: &SetupRecord) -> Result<UndoOutcome, LoadError> {
        let _one_at_a_time = self.changing.lock().await;
        let path = match (&record.made, &record.action) {
            (Made::Object { .. }, _) => return Ok(UndoOutcome::Irreversible { why: OBJECT_STAYS.to_owned() }),
            (Made::Field { id }, SetupAction::CreateField { object, .. }) if Kind::of(object) == Kind::Custom => {
                format!("custom-fields/{id}")
            }
            (Made::Field { id }, SetupAction::CreateField { object, .. }) if Kind::of(object) == Kind::Associations => {
                format!("associations/{id}")
            }
            (Made::Field { id }, _) => format!("locations/{}/customFields/{id}", self.location),
            (Made::Options { added, .. }, action) => return self.remove_stages(action, added).await,
        };
        let outcome = match self.send(Call::new(Method::DELETE, path.as_str(), Payload::Empty)).await {
            Ok(_) => UndoOutcome::Undone,
            Err(error) if is_gone(&error) => UndoOutcome::Gone,
            Err(CallError::Refused { message, .. }) => UndoOutcome::Kept { why: message },
            Err(error) => return Err(error.into_load_error(format!("DELETE {path}"))),
        };
        self.outdates_live();
        Ok(outcome)
    }

    /// Removes stages that were added, and pipelines that hold no other stage, where no opportunity is in them.
    async fn remove_stages(&self, action: &SetupAction, added: &[String]) -> Result<UndoOutcome, LoadError> {
        let mut outcome = UndoOutcome::Gone;
        for (pipeline, stage) in new_stages(action, &self.plan.picklists) {
            if !added.contains(&stage) {
                continue;
            }
            let pipelines = self.ask_pipelines().await?;
            let Some(known) = pipelines.iter().find(|known| known.name == pipeline) else { continue };
            let Some(own) = known.stages.iter().find(|known| known.name == stage) else { continue };
            let mut held = self.opportunities_in(&known.id, &own.id).await?;
            if held.is_none() {
                let why = format!("the list of opportunities may still name some that left stage \"{stage}\"");
                self.http.wait(self.capabilities.settle, &why).await;
                held = self.opportunities_in(&known.id, &own.id).await?;
            }
            if held.unwrap_or(true) {
                let why = format!(
                    "opportunities are in stage \"{stage}\" of pipeline \"{pipeline}\", and would go or move with it"
                );
                return Ok(UndoOutcome::Kept { why });
            }
            let path = format!("opportunities/pipelines/{}", known.id);
            let mut left = known.clone();
            left.stages.retain(|known| known.name != stage);
            let rest = left.replacement(|_| false);
            let sent = if rest.is_empty() {
                self.send(Call::new(Method::DELETE, path.as_str(), Payload::Empty)).await
            } else {
                self.put(path.as_str(), &json!({"name": pipeline, "stages": rest, "locationId": self.location})).await
            };
            match sent {
                Ok(_) => outcome = UndoOutcome::Undone,
                Err(error) if is_gone(&error) => {}
                Err(CallError::Refused { message, .. } | CallError::Fatal(LoadError::Unauthorized { message, .. })) => {
                    return Ok(UndoOutcome::Kept { why: message });
                }
                Err(error) => return Err(error.into_load_error(path)),
            }
        }
        self.outdates_live();
        Ok(outcome)
    }

    /// True where an opportunity stands in a stage, asked of each that the list names: it lags, and names some that are gone or moved on. None where it names so
    /// many of these that others may stand behind.
    async fn opportunities_in(&self, pipeline: &str, stage: &str) -> Result<Option<bool>, LoadError> {
        let (location, of_pipeline, of_stage) = match self.version {
            super::version::Version::V3 => ("locationId", "pipelineId", "pipelineStageId"),
            super::version::Version::Older => ("location_id", "pipeline_id", "pipeline_stage_id"),
        };
        let query = vec![
            (location, self.location.clone()),
            (of_pipeline, pipeline.to_owned()),
            (of_stage, stage.to_owned()),
            ("limit", MOST_LISTED.to_string()),
        ];
        let answer = self.read("opportunities/search", query).await?;
        let listed = list(&answer, &["opportunities"]);
        for id in listed.iter().filter_map(|one| one.get("id").and_then(Value::as_str)) {
            let there = self.fetch_one("opportunities", id).await?;
            let stands_in = |of: Option<&Value>| of.and_then(Value::as_str).is_none_or(|of| of == stage);
            if there.is_some_and(|found| stands_in(found.values.get("pipelineStageId"))) {
                return Ok(Some(true));
            }
        }
        Ok((listed.len() < MOST_LISTED).then_some(false))
    }
}

/// Opportunities of one answer.
const MOST_LISTED: usize = 100;
