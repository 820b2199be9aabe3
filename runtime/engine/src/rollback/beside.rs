//! Rollback of what the destination made by itself beside the records, such as tags: what nobody uses any more goes.

use std::collections::BTreeSet;

use migr_journal::{Change, findings};
use migr_load::UndoOutcome;

use super::Back;
use crate::EngineError;

/// Name of the step in the report.
const STEP: &str = "made beside";

/// Names of one line.
const NAMED: usize = 20;

impl Back {
    /// Removes it, once the records are gone. What somebody uses is theirs now, and is listed.
    pub(super) async fn remove_beside(&mut self) -> Result<(), EngineError> {
        let names: Vec<String> = findings::beside(&self.reader(), findings::BESIDE)?.into_iter().collect();
        let untold = findings::beside(&self.reader(), findings::BESIDE_UNTOLD)?;
        if self.stops() && !self.is_dry() {
            return Ok(());
        }
        self.stay_untold(&untold);
        if names.is_empty() {
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
        let mut left = BTreeSet::new();
        for (name, outcome) in names.iter().zip(outcomes) {
            match outcome {
                UndoOutcome::Undone | UndoOutcome::Gone => {
                    self.summary.made_beside += u64::from(outcome == UndoOutcome::Undone);
                    self.summary.step(position, STEP).destroyed += 1;
                }
                UndoOutcome::Kept { why } | UndoOutcome::Irreversible { why } => {
                    self.summary.step(position, STEP).kept += 1;
                    self.summary.stays_beside.push(format!("\"{name}\": {why}"));
                    left.insert(name);
                }
            }
        }
        // A rollback that goes on once a person decided looks at these again.
        let noted = serde_json::to_string(&left).unwrap_or_default();
        self.context.journal.write_later(vec![Change::finding(findings::BESIDE, noted)]).await?;
        Ok(())
    }

    /// Tells of names of which nobody knows whether they were there before: they stay.
    fn stay_untold(&mut self, names: &BTreeSet<String>) {
        if names.is_empty() {
            return;
        }
        let mut told: Vec<String> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
        if names.len() > NAMED {
            told.push(format!("{} more", names.len() - NAMED));
        }
        self.summary.stays_beside.push(format!(
            "{}: the destination did not tell whether it had {} before the run; remove by hand what nobody uses",
            told.join(", "),
            if names.len() == 1 { "it" } else { "them" },
        ));
    }
}
