//! Rollback of changed records to what they held before.

use std::collections::BTreeMap;
use std::sync::Arc;

use migr_decide::parts::added;
use migr_deliver::{InProcess, Unit, UnitRecord, carry_out};
use migr_journal::{BeforeImage, MappedRow, Operation, Planned, StepRow};
use migr_load::{Body, Deleted, Found, Map};

use super::{Back, ChangedPolicy, KeptField, result};
use crate::EngineError;

const TOGETHER: usize = 500;

/// Refused records that are tried a second time; with more, something else is wrong, and another `migr rollback` tries them.
const TRIED_AGAIN: usize = 10_000;

/// Write that gives one record back what it held.
#[derive(Debug)]
struct Again {
    image: BeforeImage,
    body: Map,
    /// Nothing of the record is left to somebody else.
    whole: bool,
    /// Stamps that the destination had set, which are given back too.
    stamps: Map,
}

/// A record that could not be given back yet.
#[derive(Debug)]
pub(super) struct Refused {
    position: usize,
    step: StepRow,
    again: Again,
}

impl Back {
    /// Gives every changed record back what it held. What the destination refuses comes back.
    pub(super) async fn revert_all(&mut self) -> Result<Vec<Refused>, EngineError> {
        let mut refused = Vec::new();
        for (position, step) in self.steps.clone().iter().enumerate() {
            let mut after = None;
            loop {
                let images = self.reader().before_images(step.id, after, TOGETHER)?;
                let Some(last) = images.last() else { break };
                after = Some(last.0);
                let mut updated = Vec::new();
                for (_, image) in images {
                    if image.operation == Operation::Update && !self.is_ours(step, &image)? {
                        updated.push(image);
                    } else if image.operation == Operation::Create && !self.context.adopted {
                        self.leave_adopted(position, step, image);
                    }
                }
                while !updated.is_empty() {
                    if self.stops() {
                        return Ok(refused);
                    }
                    let rest = updated.split_off(updated.len().min(self.page()));
                    let batch = std::mem::replace(&mut updated, rest);
                    for again in self.revert(position, step, batch).await? {
                        if refused.len() < TRIED_AGAIN {
                            refused.push(Refused { position, step: step.clone(), again: again.0 });
                        } else {
                            self.stays(position, step, &again.0.image.id, &again.1);
                        }
                    }
                }
            }
        }
        Ok(refused)
    }

    /// Tries those again that were refused; now a refusal stands.
    pub(super) async fn revert_again(&mut self, refused: Vec<Refused>) -> Result<(), EngineError> {
        for Refused { position, step, again } in refused {
            let id = again.image.id.clone();
            for still in self.write(position, &step, vec![again]).await? {
                self.stays(position, &step, &id, &still.1);
            }
        }
        Ok(())
    }

    /// A record is not given back what it held.
    fn stays(&mut self, position: usize, step: &StepRow, id: &str, why: &str) {
        self.summary.not_undoable(Some(&step.name), format!("{} {id}: {why}", step.object));
        self.summary.left = true;
        self.summary.step(position, &step.name).kept += 1;
    }

    /// A record that was there, by an id of ours, before the journal was begun.
    fn leave_adopted(&mut self, position: usize, step: &StepRow, image: BeforeImage) {
        self.summary.adopted += 1;
        self.summary.step(position, &step.name).kept += 1;
        self.summary.kept_record(KeptField {
            step: step.name.clone(),
            key: image.key,
            object: step.object.clone(),
            id: image.id,
            field: None,
            reason: "it was there already, by an id of this migration, when the journal was begun".to_owned(),
        });
    }

    /// A record that will be destroyed needs nothing back.
    fn is_ours(&self, step: &StepRow, image: &BeforeImage) -> Result<bool, EngineError> {
        for other in self.steps.iter().filter(|other| other.object == step.object) {
            let mapped = self.reader().id_of(other.id, &image.key)?;
            let mapped = mapped.filter(|it| it.id.as_deref() == Some(image.id.as_str()));
            let Some(mapped) = mapped else { continue };
            if self.is_to_go(other, &MappedRow { key: image.key.clone(), mapped })? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn revert(
        &mut self,
        position: usize,
        step: &StepRow,
        images: Vec<BeforeImage>,
    ) -> Result<Vec<(Again, String)>, EngineError> {
        let ids: Vec<String> = images.iter().map(|image| image.id.clone()).collect();
        let found: BTreeMap<String, Found> = self
            .fetch(&step.object, &ids, Deleted::Both)
            .await?
            .into_iter()
            .map(|found| (found.id.clone(), found))
            .collect();
        let mut again = Vec::new();
        for image in images {
            if let Some(decided) = self.decide(position, step, image, &found)? {
                again.push(decided);
            }
        }
        if self.is_dry() {
            for again in &again {
                self.count(position, step, again);
            }
            return Ok(Vec::new());
        }
        self.write(position, step, again).await
    }

    /// Decides which values of a record are given back, by what it held, what was written, and what it holds now.
    fn decide(
        &mut self,
        position: usize,
        step: &StepRow,
        image: BeforeImage,
        found: &BTreeMap<String, Found>,
    ) -> Result<Option<Again>, EngineError> {
        let destination = self.context.destination.clone();
        let kept = |field: Option<&str>, reason: &str| KeptField {
            step: step.name.clone(),
            key: image.key.clone(),
            object: step.object.clone(),
            id: image.id.clone(),
            field: field.map(str::to_owned),
            reason: reason.to_owned(),
        };
        let now = match found.get(&image.id) {
            Some(found) if !found.deleted => &found.values,
            // An earlier attempt put it back there.
            Some(_) if self.was_restored(step, &image.id)? => return Ok(None),
            Some(_) => {
                self.summary.kept(kept(None, "another user moved it to the trash since"));
                self.summary.step(position, &step.name).kept += 1;
                return Ok(None);
            }
            None => {
                self.summary.kept(kept(None, "it was there before, and is not shown any more"));
                self.summary.step(position, &step.name).kept += 1;
                self.summary.missing += 1;
                // Whether somebody removed it, or the destination does not show it, only a person can tell.
                self.summary.left |= self.context.changed == ChangedPolicy::List;
                return Ok(None);
            }
        };
        let written = parse(&image.written);
        let held = parse(&image.image);
        let not_before = destination.unlike(&step.object, &held, now);
        // A list that was added to came to hold both.
        let came_to = added(&written, &held, &Map::new(), |key| destination.is_added_to(&step.object, key));
        let as_sent = destination.unlike(&step.object, &written, now);
        let not_ours: Vec<String> =
            destination.unlike(&step.object, &came_to, now).into_iter().filter(|key| as_sent.contains(key)).collect();
        let mut wanted = Map::new();
        let (mut whole, mut is_changed) = (true, false);
        // A field that the destination has no more, because setup was undone, has nothing to get back.
        for key in written.keys().filter(|key| not_before.contains(key) && now.contains_key(*key)) {
            if not_ours.contains(key) {
                (whole, is_changed) = (false, true);
                self.summary.kept(kept(Some(key), "another user changed it since"));
            } else {
                wanted.insert(key.clone(), held.get(key).cloned().unwrap_or_default());
            }
        }
        let body = destination.held(&step.object, &wanted);
        for key in wanted.keys().filter(|key| !body.contains_key(*key)) {
            whole = false;
            let what = format!(
                "{} {}, {key}: it was empty before, and the destination cannot empty it",
                step.object, image.id
            );
            self.summary.not_undoable(Some(&step.name), what);
        }
        if !whole {
            self.summary.step(position, &step.name).kept += 1;
        }
        // A record that came out of the trash is left where it is when somebody has worked on it since.
        if is_changed && self.was_restored(step, &image.id)? {
            self.changed_restored.insert((step.object.clone(), image.id.clone()));
        }
        let known = destination.stamps();
        let is_given = whole && !body.is_empty();
        let stamps = held.into_iter().filter(|(key, _)| is_given && known.contains(&key.as_str())).collect();
        Ok(Some(Again { image, body, whole, stamps }))
    }

    /// True where any step took a record out of the trash.
    fn was_restored(&self, step: &StepRow, id: &str) -> Result<bool, EngineError> {
        for other in self.steps.iter().filter(|other| other.object == step.object) {
            if self.reader().before_image(other.id, id, Operation::Restore)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn count(&mut self, position: usize, step: &StepRow, again: &Again) {
        if !again.body.is_empty() {
            self.summary.restored_fields += again.body.len() as u64;
            self.summary.restored_records += 1;
            self.summary.step(position, &step.name).restored += 1;
        }
    }

    /// Writes, reads back, and journals. What was refused comes back with the reason.
    async fn write(
        &mut self,
        position: usize,
        step: &StepRow,
        again: Vec<Again>,
    ) -> Result<Vec<(Again, String)>, EngineError> {
        if again.is_empty() {
            return Ok(Vec::new());
        }
        let planned = again.iter().map(|again| Planned {
            key: again.image.key.clone(),
            id: again.image.id.clone(),
            line: 0,
            digest: Body::from(&again.body).digest(),
            ..Planned::default()
        });
        let batch = self.intend(step, Operation::Revert, planned.collect()).await?;
        let (sent, mut reasons) = self.send(step, batch.0, &again).await?;
        let there = self.fetch(&step.object, &sent, Deleted::Live).await?;
        for again in &again {
            let Some(now) = there.iter().find(|found| found.id == again.image.id) else { continue };
            let still = self.context.destination.unlike(&step.object, &again.body, &now.values);
            for stamp in self.context.destination.unlike(&step.object, &again.stamps, &now.values) {
                let what = format!("{} {}: {stamp} could not be put back", step.object, again.image.id);
                self.summary.not_undoable(Some(&step.name), what);
            }
            if !still.is_empty() {
                let why = format!("{} could not be given back what it held", still.join(", "));
                reasons.entry(again.image.id.clone()).or_insert(why);
            }
        }
        let mut keys = Vec::new();
        let mut results = Vec::with_capacity(again.len());
        let mut refused = Vec::new();
        for again in again {
            if let Some(why) = reasons.remove(&again.image.id) {
                results.push(result(false, Some(why.clone())));
                refused.push((again, why));
                continue;
            }
            results.push(result(true, None));
            self.count(position, step, &again);
            // What came out of the trash is forgotten once it is back there.
            let is_restored = self.reader().before_image(step.id, &again.image.id, Operation::Restore)?.is_some();
            if again.whole && !is_restored {
                keys.push(again.image.key);
            }
        }
        self.done(step, batch, results, keys).await?;
        Ok(refused)
    }

    /// The ids that were sent, and why some were refused.
    async fn send(
        &self,
        step: &StepRow,
        batch: i64,
        again: &[Again],
    ) -> Result<(Vec<String>, BTreeMap<String, String>), EngineError> {
        let records: Vec<UnitRecord> = again
            .iter()
            .filter(|again| !again.body.is_empty())
            .map(|again| {
                let body: Map =
                    again.body.iter().chain(&again.stamps).map(|(key, value)| (key.clone(), value.clone())).collect();
                let undone = Body::from(&parse(&again.image.written));
                UnitRecord { id: again.image.id.clone(), body: Body::from(&body), undone, ..UnitRecord::default() }
            })
            .collect();
        let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
        let operation = Operation::Update;
        let unit = Unit { step: step.name.clone(), batch, operation, object: step.object.clone(), records };
        let destination = &self.context.destination;
        let results = carry_out(&**destination, &InProcess::new(Arc::clone(destination)), unit).await?;
        let refused =
            ids.iter().zip(&results).filter_map(|(id, result)| Some((id.clone(), result.reason()?.to_owned())));
        let refused = refused.collect();
        Ok((ids, refused))
    }
}

fn parse(text: &str) -> Map {
    serde_json::from_str(text).unwrap_or_default()
}
