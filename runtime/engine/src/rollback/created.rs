//! Records that were created: destroyed, unless they are not ours alone any more.

use std::collections::{BTreeMap, BTreeSet};

use migr_journal::{Change, MappedRow, Operation, Planned, State, StepRow};
use migr_load::{Deleted, LoadError, Removal};

use super::theirs::Why;
use super::{Back, ChangedPolicy, KeptField, result};
use crate::EngineError;

/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;

impl Back {
    /// Destroys what was created, in the trash or not, and asks whether it is gone.
    pub(super) async fn destroy_created(&mut self) -> Result<(), EngineError> {
        for (position, step) in self.steps.clone().iter().enumerate() {
            let mut after: Option<String> = None;
            loop {
                let rows = self.reader().rows_after(step.id, after.as_deref(), TOGETHER)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                let mut created = Vec::with_capacity(rows.len());
                for row in rows {
                    if self.is_to_go(step, &row)? {
                        created.push(row);
                    }
                }
                let (kept, created): (Vec<MappedRow>, Vec<MappedRow>) = created.into_iter().partition(|row| {
                    let id = row.mapped.id.clone().unwrap_or_default();
                    self.theirs.contains_key(&(step.object.clone(), id))
                });
                self.keep(position, step, kept).await?;
                self.tell_of_theirs(step, &created);
                let created = self.leave_carried(position, step, created).await?;
                for batch in created.chunks(self.page_of_removals()) {
                    if self.stops() {
                        return Ok(());
                    }
                    if self.is_dry() {
                        let count = batch.len() as u64;
                        self.summary.destroyed += count;
                        self.summary.step(position, &step.name).destroyed += count;
                    } else {
                        self.destroy(position, step, batch).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Lists records that go though they are not ours alone any more, each with what of others goes with it.
    fn tell_of_theirs(&mut self, step: &StepRow, rows: &[MappedRow]) {
        for row in rows.iter().filter(|_| !self.going.is_empty()) {
            let id = row.mapped.id.clone().unwrap_or_default();
            let Some(why) = self.going.get(&(step.object.clone(), id.clone())) else { continue };
            let reason = why.in_words();
            let (step, key, object) = (step.name.clone(), row.key.clone(), step.object.clone());
            self.summary.gone_with_theirs(KeptField { step, key, object, id, field: None, reason });
        }
    }

    /// Leaves out records that only go with another: with one of ours they go later, with one of others they stay.
    async fn leave_carried(
        &mut self,
        position: usize,
        step: &StepRow,
        rows: Vec<MappedRow>,
    ) -> Result<Vec<MappedRow>, EngineError> {
        let (mut left, mut keys) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let id = row.mapped.id.clone().unwrap_or_default();
            let Some((object, carrier)) = self.context.destination.carrier(&step.object, &id) else {
                left.push(row);
                continue;
            };
            if self.goes(object, &carrier)? {
                self.summary.destroyed += 1;
                self.summary.step(position, &step.name).destroyed += 1;
                keys.push(row.key);
            } else {
                // The row stays in the journal: a rollback that goes on tells of it again.
                self.summary.step(position, &step.name).kept += 1;
                let what = format!("{} {id}: it stays with {object} {carrier}, which was there before", step.object);
                self.summary.irreversible(Some(&step.name), what);
                self.carriers.insert((object.to_owned(), carrier));
            }
        }
        if !keys.is_empty() && !self.is_dry() {
            self.context.journal.write_later(vec![Change::TakenBack { step: step.id, keys }]).await?;
        }
        Ok(left)
    }

    /// True where a record of an object was created, and is destroyed.
    fn goes(&self, object: &str, id: &str) -> Result<bool, EngineError> {
        for step in self.steps.iter().filter(|step| step.object == object) {
            for row in self.reader().keys_of(step.id, id)? {
                if self.is_to_go(step, &row)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// True where a record is one that goes: it was created, or was there by an id of ours and a person says that it
    /// goes too.
    pub(super) fn is_to_go(&self, step: &StepRow, row: &MappedRow) -> Result<bool, EngineError> {
        let Some(id) = &row.mapped.id else { return Ok(false) };
        if row.mapped.state == State::Created {
            return Ok(true);
        }
        Ok(self.context.adopted && self.reader().before_image(step.id, id, Operation::Create)?.is_some())
    }

    /// Leaves records that are not ours alone any more; for good where a person has decided so.
    async fn keep(&mut self, position: usize, step: &StepRow, rows: Vec<MappedRow>) -> Result<(), EngineError> {
        let is_decided = self.context.changed == ChangedPolicy::Keep;
        let mut keys = Vec::new();
        for row in rows {
            let id = row.mapped.id.unwrap_or_default();
            let why = self.theirs.get(&(step.object.clone(), id.clone())).map(Why::in_words).unwrap_or_default();
            if is_decided {
                self.summary.decided += 1;
                keys.push(row.key.clone());
            } else {
                self.summary.undecided += 1;
                self.summary.left = true;
            }
            self.summary.step(position, &step.name).kept += 1;
            self.summary.kept_record(KeptField {
                step: step.name.clone(),
                key: row.key,
                object: step.object.clone(),
                id,
                field: None,
                reason: why,
            });
        }
        if !keys.is_empty() && !self.is_dry() {
            self.context.journal.write_later(vec![Change::TakenBack { step: step.id, keys }]).await?;
        }
        Ok(())
    }

    /// Records that are removed together: where each costs a request, several go side by side.
    fn page_of_removals(&self) -> usize {
        let capabilities = self.context.destination.capabilities();
        if capabilities.batch_size > 1 { capabilities.batch_size } else { capabilities.page_size.max(1) }
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
        let mut refusals: BTreeMap<&str, String> = BTreeMap::new();
        let mut untold: Vec<String> = Vec::new();
        let mut is_one_refusal = false;
        let mut attached: BTreeMap<&str, String> = BTreeMap::new();
        let destination = &self.context.destination;
        let removed = match self.context.changed {
            ChangedPolicy::Destroy => destination.destroy_with_attached(&step.object, &ids).await,
            ChangedPolicy::List | ChangedPolicy::Keep => destination.destroy(&step.object, &ids).await,
        };
        match removed {
            Ok(fates) => {
                for (id, fate) in ids.iter().zip(fates) {
                    if fate != Removal::Gone {
                        untold.push(id.clone());
                    }
                    match fate {
                        Removal::Refused { why } => drop(refusals.insert(id, why)),
                        Removal::Attached { what } => drop(attached.insert(id, what)),
                        Removal::Gone | Removal::Untold => {}
                    }
                }
            }
            Err(LoadError::Missing { .. }) => untold.clone_from(&ids),
            Err(error) if error.stops_the_run() => return Err(error.into()),
            Err(error) => {
                let why = error.to_string();
                is_one_refusal = true;
                refusals.extend(ids.iter().map(|id| (id.as_str(), why.clone())));
                untold.clone_from(&ids);
            }
        }
        // What the answer itself says is gone needs no read.
        let there = self.fetch(&step.object, &untold, Deleted::Both).await?;
        let there: BTreeSet<&str> = there.iter().map(|found| found.id.as_str()).collect();
        let is_gone = |id: &str| if is_one_refusal { there.is_empty() } else { !there.contains(id) };
        for (_, why) in refusals.iter().filter(|(id, _)| is_gone(id)) {
            // The records are gone, and something of them is not.
            self.summary.not_undoable(Some(&step.name), format!("{}: {why}", step.object));
            self.summary.left = true;
        }
        let mut gone = Vec::new();
        let mut results = Vec::with_capacity(planned.len());
        let mut shared = Vec::new();
        for (record, row) in planned.into_iter().zip(rows) {
            if let (true, Some(what)) = (there.contains(record.id.as_str()), attached.get(record.id.as_str())) {
                let why = format!("others have attached to it since what would go with it: {what}");
                results.push(result(false, Some(why.clone())));
                self.theirs.insert((step.object.clone(), record.id.clone()), Why::of(why));
                shared.push(row.clone());
            } else if there.contains(record.id.as_str()) {
                let why = refusals.remove(record.id.as_str());
                let why = why.unwrap_or_else(|| "it is still there after it was destroyed".to_owned());
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
        counts.kept += there.len().saturating_sub(shared.len()) as u64;
        self.keep(position, step, shared).await
    }
}
