//! Workflows of the destination in a rollback: their queue is waited for, and what they made is listed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use migr_load::{AutomationRuns, LoadError, Schema};
use migr_plan::FieldType;

use super::{Back, ChangedPolicy, KeptField};
use crate::{EngineError, Event};

/// The shortest and the longest time between two looks at the queue.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Records that are listed of what workflows made; what is beyond is counted.
const LISTED: usize = 1000;

/// Runs of workflows that began since the migration did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    since: Timestamp,
    /// Moment at which waiting for them ends.
    until: Instant,
}

impl Back {
    /// Waits until the workflows that were started since the migration began have ended, for the time that an answer may take. None where there were none.
    pub(super) async fn watch_workflows(&self) -> Result<Option<Watch>, EngineError> {
        let Some(begun) = self.reader().first_run("run%")? else { return Ok(None) };
        let Ok(since) = Timestamp::from_millisecond(begun) else { return Ok(None) };
        let watch = Watch { since, until: Instant::now() + self.context.destination.patience() };
        let runs = self.runs(watch).await?;
        if runs.all == 0 {
            return Ok(None);
        }
        self.outlast(watch, runs).await?;
        Ok(Some(watch))
    }

    /// Lists what workflows made since and still stands, and tells of runs that have not ended.
    pub(super) async fn list_workflows(&mut self, watch: Option<Watch>) -> Result<(), EngineError> {
        let Some(watch) = watch else { return Ok(()) };
        let runs = self.runs(watch).await?;
        let open = self.outlast(watch, runs).await?;
        self.list_made(watch.since).await?;
        if open > 0 {
            let (runs, it) = if open == 1 { ("1 run".to_owned(), "it") } else { (format!("{open} runs"), "they") };
            let what = format!(
                "{runs} of the destination's workflows, since the migration began, not ended: what {it} may still change or make is not as before. Look again with `migr rollback --dry-run`, or stop {} there",
                if open == 1 { "it" } else { "them" }
            );
            self.summary.not_undoable(None, what);
        }
        Ok(())
    }

    /// Waits for runs to end, and says so. Gives the number of those that have not.
    async fn outlast(&self, watch: Watch, mut runs: AutomationRuns) -> Result<u64, EngineError> {
        let left = watch.until.saturating_duration_since(Instant::now());
        if self.is_dry() || runs.open == 0 || left.is_zero() {
            return Ok(runs.open);
        }
        let reason =
            format!("at most, while workflows of the destination end that what was written started ({})", runs.open);
        self.context.progress.event(Event::Waiting { seconds: left.as_secs() + 1, reason });
        let pause = (left / 20).clamp(LOOKS.0, LOOKS.1);
        while runs.open > 0 && Instant::now() < watch.until && !self.context.cancellation.is_cancelled() {
            tokio::time::sleep(pause).await;
            runs = self.runs(watch).await?;
        }
        Ok(runs.open)
    }

    /// Runs of workflows, as far as the destination tells.
    async fn runs(&self, watch: Watch) -> Result<AutomationRuns, EngineError> {
        let Some(automations) = self.context.destination.automations() else { return Ok(AutomationRuns::default()) };
        match automations.runs(watch.since).await {
            Err(LoadError::Refused { .. }) => Ok(AutomationRuns::default()),
            other => Ok(other?),
        }
    }

    async fn list_made(&mut self, since: Timestamp) -> Result<(), EngineError> {
        let destination = self.context.destination.clone();
        let Some(automations) = destination.automations() else { return Ok(()) };
        let schema = destination.known_schema().await?;
        let mut listed = 0;
        for object in self.beside(&schema) {
            let made = match automations.made(&object, since).await {
                Err(LoadError::Refused { .. } | LoadError::Missing { .. }) => continue,
                other => other?,
            };
            let all = made.len();
            for found in &made {
                let name = automations.maker(&found.values).unwrap_or_default();
                listed += 1;
                let reason = format!("the workflow \"{name}\" made it since the run; it stays");
                if self.context.changed == ChangedPolicy::Keep {
                    self.summary.decided += 1;
                    let (step, key) = (name, String::new());
                    let kept =
                        KeptField { step, key, object: object.clone(), id: found.id.clone(), field: None, reason };
                    self.summary.kept_record(kept);
                } else if listed <= LISTED {
                    self.summary.not_undoable(None, format!("{object} {}: {reason}", found.id));
                }
            }
            if listed > LISTED && self.context.changed != ChangedPolicy::Keep {
                self.summary
                    .not_undoable(None, format!("{object}: {all} records that workflows made since the run stay"));
            }
        }
        Ok(())
    }

    /// The objects that the migration wrote, those that refer to them, and those that they refer to.
    fn beside(&self, schema: &Schema) -> BTreeSet<String> {
        let ours: BTreeSet<&str> = self.steps.iter().map(|step| step.object.as_str()).collect();
        let mut all: BTreeSet<String> = ours.iter().map(|object| (*object).to_owned()).collect();
        for object in schema.objects.values() {
            for field in object.fields.values() {
                let Some(FieldType::Reference { objects }) = &field.ty else { continue };
                if ours.contains(object.name.as_str()) {
                    all.extend(objects.iter().cloned());
                }
                if objects.iter().any(|target| ours.contains(target.as_str())) {
                    all.insert(object.name.clone());
                }
            }
        }
        all.retain(|object| schema.objects.contains_key(object) && !self.context.destination.fills_itself(object));
        all
    }
}
