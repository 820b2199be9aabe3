//! Rollback of what the destination made by itself beside the records, such as tags: what nobody uses any more goes.

use migr_journal::{Change, findings};
use migr_load::UndoOutcome;

use super::Back;
use crate::EngineError;

/// Name of the step in the report.
const STEP: &str = "made beside";

impl Back {
    /// Removes it, once the records are gone. What somebody uses is theirs now, and is listed.
    pub(super) async fn remove_beside(&mut self) -> Result<(), EngineError> {
        let names: Vec<String> = findings::beside(&self.reader())?.into_iter().collect();
        if names.is_empty() || (self.stops() && !self.is_dry()) {
            return Ok(());
        }
        // Its place is behind the steps of the records, before that of the schema.
        let position = self.steps.len() + 1;
        if self.is_dry() {
            self.summary.made_beside = names.len() as u64;
            self.summary.step(position, STEP).destroyed = names.len() as u64;
            return Ok(());
        }
        let outcomes = self.context.destination.remove_beside(&names).await?;
        for (name, outcome) in names.iter().zip(outcomes) {
            match outcome {
                UndoOutcome::Undone | UndoOutcome::Gone => {
                    self.summary.made_beside += u64::from(outcome == UndoOutcome::Undone);
                    self.summary.step(position, STEP).destroyed += 1;
                }
                UndoOutcome::Kept { why } | UndoOutcome::Irreversible { why } => {
                    self.summary.step(position, STEP).kept += 1;
                    self.summary.stays.push(format!("\"{name}\" stays: {why}"));
                }
            }
        }
        self.context.journal.write_later(vec![Change::no_finding(findings::BESIDE)]).await?;
        Ok(())
    }
}
