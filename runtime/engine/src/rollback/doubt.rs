//! Intents without an outcome that a rollback finds.

use std::collections::BTreeMap;

use migr_deliver::those_there;
use migr_journal::{Change, Operation, RecordResult, State};
use migr_load::{Deleted, LoadError};

use super::Back;
use crate::EngineError;

impl Back {
    /// Closes intents without an outcome. What was created after all is counted as created; everything else is decided by what records hold now.
    pub(super) async fn close_doubts(&mut self) -> Result<(), EngineError> {
        if self.is_dry() {
            return Ok(());
        }
        let open = self.context.journal.lock().open_intents();
        for intent in open {
            let mut results = vec![RecordResult::default(); intent.records.len()];
            let step = self.steps.iter().find(|step| step.id == intent.step).cloned();
            if let (Operation::Create, Some(step)) = (intent.operation, step) {
                let ids: Vec<String> = intent.records.iter().map(|record| record.id.clone()).collect();
                let there = self.those_there(&step.object, &ids).await?;
                for (record, result) in intent.records.iter().zip(&mut results) {
                    let Some(id) = there.get(&record.id) else { continue };
                    result.state = Some(State::Created);
                    result.id = (*id != record.id).then(|| id.clone());
                }
            }
            let outcome = Change::Outcome { batch: intent.batch, results, quarantine: Vec::new() };
            self.context.journal.write_later(vec![outcome]).await?;
        }
        Ok(())
    }

    /// Records that are there by some ids of ours, with the ids that the destination knows them by. An object that is gone has none.
    async fn those_there(&self, object: &str, ids: &[String]) -> Result<BTreeMap<String, String>, EngineError> {
        match those_there(&*self.context.destination, object, ids, Deleted::Both).await {
            Err(LoadError::Missing { .. }) => Ok(BTreeMap::new()),
            other => Ok(other?.unwrap_or_default()),
        }
    }
}
