//! Intents without an outcome that a rollback finds.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use migr_decide::decision::shown;
use migr_deliver::those_there;
use migr_journal::{BatchId, Change, Operation, RecordResult, State};
use migr_load::{Deleted, Found, LoadError};

use super::Back;
use crate::{EngineError, Event};

/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;

const CUT_OFF: &str = "a run was cut off while it was created, and it holds no id of ours to tell it by";

impl Back {
    /// Closes intents without an outcome. What was created after all is counted as created; everything else is decided by what records hold now.
    pub(super) async fn close_doubts(&mut self) -> Result<(), EngineError> {
        self.list_uncertain()?;
        if self.is_dry() {
            return Ok(());
        }
        let open = self.context.journal.lock().open_intents();
        for intent in open {
            let mut results = vec![RecordResult::default(); intent.records.len()];
            let step = self.steps.iter().find(|step| step.id == intent.step).cloned();
            if let (Operation::Create, Some(step)) = (intent.operation, step) {
                let ids: Vec<String> = intent.records.iter().map(|record| record.id.clone()).collect();
                let mut found = self.those_there(&step.object, &ids).await?;
                if found.as_ref().is_some_and(|there| there.len() < ids.len()) && self.outlast_requests().await? {
                    found = self.those_there(&step.object, &ids).await?;
                }
                let Some(there) = found else {
                    for record in &intent.records {
                        self.summary
                            .not_undoable(Some(&step.name), in_doubt(&step.object, &record.key, record.line, CUT_OFF));
                    }
                    self.close(intent.batch, results).await?;
                    continue;
                };
                for (record, result) in intent.records.iter().zip(&mut results) {
                    let Some(Found { id, .. }) = there.get(&record.id) else { continue };
                    result.state = Some(State::Created);
                    result.id = (*id != record.id).then(|| id.clone());
                }
            }
            self.close(intent.batch, results).await?;
        }
        Ok(())
    }

    /// Lists the records of which nobody could tell whether they were created, and said since.
    fn list_uncertain(&mut self) -> Result<(), EngineError> {
        for step in self.steps.clone() {
            let mut left = self.reader().count(step.id, State::Uncertain)?;
            let mut after: Option<String> = None;
            while left > 0 {
                let rows = self.reader().rows_after(step.id, after.as_deref(), TOGETHER)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                for row in rows.iter().filter(|row| row.mapped.state == State::Uncertain) {
                    left -= 1;
                    let why = "nobody could tell whether it was created, and nobody said so since";
                    let words = in_doubt(&step.object, &row.key, row.mapped.line, why);
                    self.summary.not_undoable(Some(&step.name), words);
                }
            }
        }
        Ok(())
    }

    async fn close(&self, batch: BatchId, results: Vec<RecordResult>) -> Result<(), EngineError> {
        let outcome = Change::Outcome { batch, results, quarantine: Vec::new() };
        Ok(self.context.journal.write_later(vec![outcome]).await?)
    }

    /// Waits until no request of a run that was killed can still be carried out. Whether there was anything to wait for.
    async fn outlast_requests(&self) -> Result<bool, EngineError> {
        let Some(last) = self.reader().last_written("run%", i64::MAX)? else { return Ok(false) };
        // A look-up that lags says nothing before.
        let destination = &self.context.destination;
        let patience = destination.patience().max(destination.capabilities().settle);
        let age = Timestamp::now().as_millisecond().saturating_sub(last.at);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or_default());
        let Some(left) = patience.checked_sub(age).filter(|left| !left.is_zero()) else { return Ok(false) };
        let reason = "a request of the run that was cut off may still be on its way".to_owned();
        self.context.progress.event(Event::Waiting { seconds: left.as_secs() + 1, reason });
        tokio::time::sleep(left).await;
        Ok(true)
    }

    /// Records that are there by some ids of ours, by these; none where the destination cannot be asked by them. An object that is gone has no records.
    async fn those_there(&self, object: &str, ids: &[String]) -> Result<Option<BTreeMap<String, Found>>, EngineError> {
        match those_there(&*self.context.destination, object, ids, Deleted::Both).await {
            Err(LoadError::Missing { .. }) => Ok(Some(BTreeMap::new())),
            other => Ok(other?),
        }
    }
}

/// Words for a record of which nothing tells whether it was created.
fn in_doubt(object: &str, key: &str, line: u64, why: &str) -> String {
    let place = if line == 0 { String::new() } else { format!(", line {line}") };
    format!("{object}: one may be there, made of {}{place}: {why}; look for it in the destination", shown(key))
}
