//! Records that the destination has by ids of this migration, though no answer to its journal says so: compared before they count as ours.

use std::collections::{BTreeMap, BTreeSet};

use migr_journal::{BatchId, BeforeImage, Change, Operation, Reader, StepId};
use migr_load::{Body, Found, Map};
use migr_plan::{ExistingPolicy, FieldMapping, FieldType, Step};
use serde_json::Value;

use crate::batch_writer::BatchWriter;
use crate::error::DeliverError;
use crate::{Decided, RecordOutcome, Unit, UnitRecord, WriteResult, carry_out};
use migr_decide::parts::holds_something;
use migr_decide::there::before_update;
use migr_decide::{Event, SharedJournal};

/// The journal keeps ids under this name that a killed run may have sent.
const DOUBTFUL: &str = "doubtful";

/// A record whose id is taken.
struct Taken {
    batch: BatchId,
    position: usize,
    attempts: u32,
    key: String,
    id: String,
    body: Body,
}

impl Taken {
    fn ends(&self, outcome: RecordOutcome) -> Decided {
        let result = WriteResult { outcome, attempts: self.attempts };
        Decided { batch: self.batch, position: self.position, result }
    }
}

impl BatchWriter<'_> {
    /// Compares records whose ids are taken with what the destination holds. What this journal may have sent is created; what an earlier one made is adopted,
    /// and written over where it differs and the map's policy for existing records lets it.
    pub(crate) async fn adopt(&mut self, decided: Vec<Decided>) -> Result<Vec<Decided>, DeliverError> {
        let mut all = Vec::with_capacity(decided.len());
        let mut taken = Vec::new();
        for decided in decided {
            let Decided { batch, position, result: WriteResult { outcome, attempts } } = decided;
            match outcome {
                RecordOutcome::There { id, body } => {
                    let subject = self.open.get(&batch).and_then(|open| open.subjects.get(position));
                    let key = subject.map(|subject| subject.key.clone()).unwrap_or_default();
                    taken.push(Taken { batch, position, attempts, key, id, body });
                }
                outcome => all.push(Decided { batch, position, result: WriteResult { outcome, attempts } }),
            }
        }
        if taken.is_empty() {
            return Ok(all);
        }
        let doubtful = doubtful(&self.journal.reader()?)?;
        let (sent, taken): (Vec<Taken>, Vec<Taken>) = taken.into_iter().partition(|taken| doubtful.contains(&taken.id));
        all.extend(sent.iter().map(|taken| taken.ends(RecordOutcome::Written { id: None })));
        let page = self.context.destination.capabilities().batch_size.max(1);
        let mut taken = taken.into_iter();
        loop {
            let some: Vec<Taken> = taken.by_ref().take(page).collect();
            if some.is_empty() {
                return Ok(all);
            }
            all.extend(self.compare(some).await?);
        }
    }

    async fn compare(&self, taken: Vec<Taken>) -> Result<Vec<Decided>, DeliverError> {
        let destination = &self.context.destination;
        let ids: Vec<String> = taken.iter().map(|taken| taken.id.clone()).collect();
        let found = destination.fetch_written(&self.object, &ids).await?;
        let found: BTreeMap<&str, &Found> = found.iter().map(|found| (found.id.as_str(), found)).collect();
        let mut decided = Vec::with_capacity(taken.len());
        let (mut change, mut images) = (Vec::new(), Vec::new());
        for taken in taken {
            let Some(found) = found.get(taken.id.as_str()) else {
                let why =
                    format!("the record {} was there and is gone; `migr quarantine retry` sends it again", taken.id);
                decided.push(taken.ends(RecordOutcome::Refused(why)));
                continue;
            };
            images.push(bears_our_id(self.step, &taken.key, &taken.id));
            let values = taken.body.values();
            let unlike = destination.unlike(&self.object, &values, &found.values);
            let written: Map =
                values.into_iter().filter(|(key, _)| unlike.contains(key) && self.may_write(key, found)).collect();
            if written.is_empty() {
                decided.push(taken.ends(RecordOutcome::Adopted { changed: false }));
                continue;
            }
            let held: Map =
                written.keys().map(|key| (key.clone(), found.values.get(key).cloned().unwrap_or_default())).collect();
            images.push(before_update(self.step, (&taken.key, &taken.id), &held, &written));
            let record = UnitRecord { id: taken.id.clone(), body: Body::from(&written), ..UnitRecord::default() };
            change.push((taken, record));
        }
        let records = images.iter().filter(|image| image.operation == Operation::Create).count() as u64;
        self.journal.write_later(vec![Change::Before(images)]).await?;
        self.context.tell(Event::Adopted { step: self.name.clone(), records });
        let (taken, records): (Vec<Taken>, Vec<UnitRecord>) = change.into_iter().unzip();
        let Some(first) = taken.first() else { return Ok(decided) };
        let unit = Unit {
            step: self.name.clone(),
            batch: first.batch.0,
            operation: Operation::Update,
            object: self.object.clone(),
            records,
        };
        let results = carry_out(&**destination, &*self.shared.executor, unit).await?;
        decided.extend(taken.iter().zip(results).map(|(taken, result)| {
            taken.ends(if result.is_written() { RecordOutcome::Adopted { changed: true } } else { result.outcome })
        }));
        Ok(decided)
    }

    /// True where the map's policy lets a key of a record that is there be written over.
    fn may_write(&self, key: &str, found: &Found) -> bool {
        let stage = Step::stage_of(&self.name);
        let stage = self.context.plan.stages.iter().find(|known| known.id == stage);
        // A file that was sent again is another one to the destination, whatever is in it.
        let is_file = |field: &FieldMapping| field.field == key && field.ty == FieldType::File;
        if stage.is_some_and(|stage| stage.fields.iter().any(is_file)) {
            return false;
        }
        let is_ours_alone = !is_by_another(found);
        match stage.map(|stage| stage.policies.existing) {
            None | Some(ExistingPolicy::Update) => true,
            // The policy speaks of records of others; what a person made of ours since is theirs.
            Some(ExistingPolicy::Fill) => is_ours_alone || !found.values.get(key).is_some_and(holds_something),
            Some(ExistingPolicy::Skip | ExistingPolicy::Quarantine) => is_ours_alone,
        }
    }
}

/// True where another user than a program that comes through the API wrote a record last, as far as the destination
/// names them.
pub fn is_by_another(found: &Found) -> bool {
    let source = found.values.get("updatedBy").and_then(|actor| actor.get("source")).and_then(Value::as_str);
    source.is_some_and(|source| !source.is_empty() && source != "API")
}

/// Note that a record was there by an id of ours before this journal wrote anything to it.
pub fn bears_our_id(step: StepId, key: &str, id: &str) -> BeforeImage {
    BeforeImage {
        step,
        key: key.to_owned(),
        id: id.to_owned(),
        operation: Operation::Create,
        image: "{}".to_owned(),
        written: "{}".to_owned(),
    }
}

/// Ids that a killed run may have sent, and that were not there when they were asked for.
fn doubtful(reader: &Reader) -> Result<BTreeSet<String>, DeliverError> {
    let kept = reader.finding(DOUBTFUL)?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Notes ids that a killed run may have sent, and that were not there when they were asked for.
pub async fn doubt(journal: &SharedJournal, ids: Vec<String>) -> Result<(), DeliverError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut all = doubtful(&journal.reader()?)?;
    all.extend(ids);
    let value = serde_json::to_string(&all).unwrap_or_default();
    journal.write_later(vec![Change::finding(DOUBTFUL, value)]).await?;
    Ok(())
}
