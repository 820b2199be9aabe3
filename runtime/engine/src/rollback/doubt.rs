use migr_journal::{Change, Operation, RecordResult, State};
use migr_load::Deleted;

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
            let mut results: Vec<RecordResult> =
                intent.records.iter().map(|_| RecordResult { state: None, attempts: 0, reason: None }).collect();
            let step = self.steps.iter().find(|step| step.id == intent.step).cloned();
            if let (Operation::Create, Some(step)) = (intent.operation, step) {
                let ids: Vec<String> = intent.records.iter().map(|record| record.id.clone()).collect();
                let there = self.fetch(&step.object, &ids, Deleted::Both).await?;
                for (record, result) in intent.records.iter().zip(&mut results) {
                    if there.iter().any(|found| found.id == record.id) {
                        result.state = Some(State::Created);
                    }
                }
            }
            let outcome = Change::Outcome { batch: intent.batch, results, quarantine: Vec::new() };
            self.context.journal.write_later(vec![outcome]).await?;
        }
        Ok(())
    }
}
