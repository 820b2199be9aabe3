use std::collections::BTreeSet;

use migr_journal::{MappedRow, Operation, Planned, State, StepRow};
use migr_load::{Deleted, LoadError};

use super::{Back, result};
use crate::EngineError;

/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;

impl Back {
    /// Destroys what was created, in the trash or not, and asks whether it is gone.
    pub(super) async fn destroy_created(&mut self) -> Result<(), EngineError> {
        for (position, step) in self.steps.clone().iter().enumerate() {
            if self.is_dry() {
                let created = self.reader().count(step.id, State::Created)?;
                if created > 0 {
                    self.summary.destroyed += created;
                    self.summary.step(position, &step.name).destroyed += created;
                }
                continue;
            }
            let mut after: Option<String> = None;
            loop {
                let rows = self.reader().rows_after(step.id, after.as_deref(), TOGETHER)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                let created: Vec<MappedRow> = rows
                    .into_iter()
                    .filter(|row| row.mapped.state == State::Created && row.mapped.id.is_some())
                    .collect();
                for batch in created.chunks(self.page()) {
                    if self.stops() {
                        return Ok(());
                    }
                    self.destroy(position, step, batch).await?;
                }
            }
        }
        Ok(())
    }

    async fn destroy(&mut self, position: usize, step: &StepRow, rows: &[MappedRow]) -> Result<(), EngineError> {
        let planned: Vec<Planned> = rows
            .iter()
            .map(|row| Planned {
                key: row.key.clone(),
                id: row.mapped.id.clone().unwrap_or_default(),
                line: row.mapped.line,
                digest: String::new(),
                ..Planned::default()
            })
            .collect();
        let ids: Vec<String> = planned.iter().map(|record| record.id.clone()).collect();
        let batch = self.intend(step, Operation::Destroy, planned.clone()).await?;
        let refused = match self.context.destination.destroy(&step.object, &ids).await {
            Ok(()) | Err(LoadError::Missing { .. }) => None,
            Err(error) if error.stops_the_run() => return Err(error.into()),
            Err(error) => Some(error.to_string()),
        };
        let there = self.fetch(&step.object, &ids, Deleted::Both).await?;
        let there: BTreeSet<&str> = there.iter().map(|found| found.id.as_str()).collect();
        if let Some(why) = refused.as_ref().filter(|_| there.is_empty()) {
            // The records are gone, and something of them is not.
            self.summary.not_undoable(Some(&step.name), format!("{}: {why}", step.object));
            self.summary.left = true;
        }
        let mut gone = Vec::new();
        let mut results = Vec::with_capacity(planned.len());
        for record in planned {
            if there.contains(record.id.as_str()) {
                let why = refused.clone().unwrap_or_else(|| "it is still there after it was destroyed".to_owned());
                self.summary.not_undoable(Some(&step.name), format!("{} {}: {why}", step.object, record.id));
                self.summary.left = true;
                results.push(result(false, Some(why)));
            } else {
                gone.push(record.key);
                results.push(result(true, None));
            }
        }
        let count = gone.len() as u64;
        self.done(step, batch, results, gone).await?;
        self.summary.destroyed += count;
        let counts = self.summary.step(position, &step.name);
        counts.destroyed += count;
        counts.kept += there.len() as u64;
        Ok(())
    }
}
