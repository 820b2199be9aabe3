//! Writing of records that exchange values which one alone may hold: in rounds, and so that none loses its value to a change that is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use migr_decide::conflicts::{ChangedRecord, decide};
use migr_decide::expected::{EMPTIED_NOTES, Expected};
use migr_decide::record_write::RecordWrite;
use migr_decide::there::{before_update, held, stamped};
use migr_journal::{Change, Operation, RepairNote, State, StepId};
use migr_load::{Body, Found, Map};
use migr_plan::ReasonCode;

use crate::EngineError;
use crate::step_writer::StepWriter;
use crate::steps::changes::{Changes, EXCHANGING};
use crate::steps::exchange::{Exchange, Round};

/// Fields of a record that are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Portion<'e> {
    /// Every field that changes.
    Whole,
    /// Fields that no other record is to get anything of, ahead of an exchange.
    Others(&'e Exchange<'e>),
    /// Fields that are not written yet.
    Rest(&'e Exchange<'e>, &'e Progress),
}

/// Progress of an exchange.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Records of which everything else is through, and whether anything was sent for it.
    ahead: BTreeMap<String, bool>,
    /// Records from which a value was taken, until they have another one.
    emptied: BTreeMap<String, Emptied>,
}

/// Record from which a value was taken.
#[derive(Debug)]
struct Emptied {
    key: String,
    line: u64,
    fields: Vec<String>,
    /// Body that took it.
    body: Map,
    /// Values that the record held by the keys of the body.
    held: Map,
    /// Reason why it did not get its new value.
    reason: Option<String>,
}

impl Portion<'_> {
    /// True where nothing is exchanged yet.
    pub(super) fn is_ahead(&self) -> bool {
        matches!(self, Self::Others(_))
    }

    /// True where a field of a record is written with it.
    pub(super) fn takes(&self, id: &str, field: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Others(exchange) => !exchange.concerns(id, field),
            Self::Rest(exchange, progress) => !progress.ahead.contains_key(id) || exchange.concerns(id, field),
        }
    }

    /// The record that holds what another is to get in a field.
    pub(super) fn holder(&self, id: &str, field: &str) -> Option<&str> {
        match self {
            Self::Whole => None,
            Self::Others(exchange) | Self::Rest(exchange, _) => exchange.holder(id, field),
        }
    }

    /// Body that took a value from a record.
    pub(super) fn emptied(&self, id: &str) -> Option<&Map> {
        match self {
            Self::Rest(_, progress) => progress.emptied.get(id).map(|emptied| &emptied.body),
            Self::Whole | Self::Others(_) => None,
        }
    }

    /// True where a field of a record was emptied for another to have its value.
    pub(super) fn is_emptied(&self, id: &str, field: &str) -> bool {
        let Self::Rest(_, progress) = self else { return false };
        progress.emptied.get(id).is_some_and(|emptied| emptied.fields.iter().any(|known| known == field))
    }

    /// True where a record was not counted as changed before.
    pub(super) fn counts(&self, id: &str) -> bool {
        match self {
            Self::Rest(_, progress) => progress.ahead.get(id) != Some(&true),
            Self::Whole | Self::Others(_) => true,
        }
    }
}

/// Words for a value that another record has.
pub(super) fn held_by(holder: &str) -> String {
    format!("the record {holder} of the destination has the same value, which must be unique")
}

/// Words for a field that keeps what was written to it.
pub(super) fn stays(why: &str) -> String {
    format!("left as it was written: {why}")
}

impl Changes {
    /// Writes records that exchange values, each once those are through that give up what it gets.
    pub(super) async fn exchange(
        &self,
        (step, sender): (StepId, &mut StepWriter<'_>),
        records: Vec<ChangedRecord>,
        found: &BTreeMap<String, (Found, bool)>,
        is_last: bool,
    ) -> Result<(), EngineError> {
        let mut exchange = Exchange::of(&self.job, &records, found, self.policy).await?;
        let mut records: Vec<Option<ChangedRecord>> = records.into_iter().map(Some).collect();
        if !is_last {
            let waiting = exchange.waiting(EXCHANGING);
            let waiting = waiting.into_iter().filter_map(|at| records.get_mut(at)?.take());
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(waiting);
        }
        let is_forecast = self.job.context.outcomes.forecast().is_some();
        let size = self.job.context.destination.capabilities().batch_size.max(1);
        let mut progress = Progress::default();
        while let Some(round) = exchange.next() {
            // The holder of a value is through with it before another gets it.
            sender.finish().await?;
            if self.job.context.cancellation.is_cancelled() {
                return Ok(());
            }
            drop(sender.take_unwritten());
            match round {
                // A forecast has nothing in between.
                Round::Ahead(_) | Round::Emptied(_) if is_forecast => {}
                Round::Ahead(places) => {
                    let ahead = places.iter().filter_map(|at| records.get(*at)?.as_ref());
                    let ahead: Vec<&ChangedRecord> = ahead.collect();
                    for records in ahead.chunks(size) {
                        let records = (records.iter().copied(), Vec::new());
                        self.write((step, sender), records, found, Portion::Others(&exchange))?;
                    }
                    sender.finish().await?;
                    let refused = sender.take_unwritten();
                    let (mut through, mut out) = (BTreeMap::new(), Vec::new());
                    for record in ahead {
                        let Expected { key, id, .. } = &record.expected;
                        if refused.contains_key(key) {
                            out.push(id.clone());
                        } else {
                            through.insert(id.clone(), self.has_others(record, found, &exchange));
                        }
                    }
                    progress.ahead.extend(through);
                    exchange.without(out);
                }
                Round::Emptied(bodies) => {
                    let holders = records.iter().flatten().filter(|it| bodies.contains_key(&it.expected.id));
                    let emptied = self.empty((step, sender), holders, found, &bodies).await?;
                    let refused = sender.take_unwritten();
                    let (out, emptied): (BTreeMap<_, _>, BTreeMap<_, _>) =
                        emptied.into_iter().partition(|(_, emptied)| refused.contains_key(&emptied.key));
                    progress.emptied.extend(emptied);
                    let out: BTreeSet<String> = out.into_keys().collect();
                    exchange.not_emptied(&out);
                    exchange.without(out);
                }
                Round::Written(places) => {
                    let taken = places.iter().filter_map(|at| records.get_mut(*at)?.take());
                    let taken: Vec<ChangedRecord> = taken.collect();
                    for records in taken.chunks(size) {
                        let records = (records.iter(), Vec::new());
                        self.write((step, sender), records, found, Portion::Rest(&exchange, &progress))?;
                    }
                    sender.finish().await?;
                    let refused = sender.take_unwritten();
                    let mut out = Vec::new();
                    for Expected { key, id, .. } in taken.iter().map(|record| &record.expected) {
                        let refused = refused.get(key);
                        out.extend(refused.map(|_| id.clone()));
                        let Some(mut emptied) = progress.emptied.remove(id) else { continue };
                        let holder = emptied.fields.iter().find_map(|field| exchange.holder(id, field));
                        emptied.reason = refused.cloned().or_else(|| holder.map(held_by));
                        if emptied.reason.is_some() {
                            progress.emptied.insert(id.clone(), emptied);
                        }
                    }
                    exchange.without(out);
                }
            }
        }
        self.put_back((step, sender), progress.emptied).await
    }

    /// True where a record has changes beside those that are exchanged.
    fn has_others(
        &self,
        record: &ChangedRecord,
        found: &BTreeMap<String, (Found, bool)>,
        exchange: &Exchange<'_>,
    ) -> bool {
        let id = &record.expected.id;
        let Some((there, is_touched)) = found.get(id) else { return false };
        let decided = decide(&self.job, record, (&there.values, *is_touched));
        let mut others = decided.iter().filter(|(field, _)| !exchange.concerns(id, &field.field));
        others.any(|(_, decision)| decision.written(self.policy).is_some())
    }

    /// Takes values from records that others are to get: the journal has that as any other change, so that a crash in between leaves records of which it is known
    /// what is to be written.
    async fn empty(
        &self,
        (step, sender): (StepId, &mut StepWriter<'_>),
        records: impl Iterator<Item = &ChangedRecord>,
        found: &BTreeMap<String, (Found, bool)>,
        bodies: &BTreeMap<String, (Map, Vec<String>)>,
    ) -> Result<BTreeMap<String, Emptied>, EngineError> {
        let (mut items, mut images, mut emptied) = (Vec::new(), Vec::new(), BTreeMap::new());
        for record in records {
            let Expected { key, line, id, .. } = &record.expected;
            let Some(((body, fields), (there, _))) = bodies.get(id).zip(found.get(id)) else { continue };
            let held = held(&there.values, body);
            if record.state != State::Created {
                let image = stamped(&*self.job.context.destination, &held, &there.values);
                images.push(before_update(step, (key, id), &image, body));
            }
            let item = RecordWrite {
                fields: fields.clone(),
                before: Body::from(&held).digest(),
                ..RecordWrite::new(key.clone(), *line, id.clone())
            };
            items.push(item.with_body(Body::from(body.clone())));
            let (key, body, fields) = (key.clone(), body.clone(), fields.clone());
            emptied.insert(id.clone(), Emptied { key, line: *line, fields, body, held, reason: None });
        }
        if !images.is_empty() {
            sender.remember([Change::Before(images)]);
        }
        self.send_all(sender, items).await?;
        Ok(emptied)
    }

    /// Gives records back what was taken from them, where they did not get what they were to. Where somebody has that by now they are left without, which is noted.
    async fn put_back(
        &self,
        (step, sender): (StepId, &mut StepWriter<'_>),
        emptied: BTreeMap<String, Emptied>,
    ) -> Result<(), EngineError> {
        let emptied: BTreeMap<String, Emptied> =
            emptied.into_iter().filter(|(_, emptied)| emptied.reason.is_some()).collect();
        let (destination, object) = (&*self.job.context.destination, &self.job.stage.destination_object);
        let items = emptied.iter().map(|(id, emptied)| {
            let mut body = emptied.held.clone();
            body.extend(destination.as_sent(object, &emptied.held));
            let item = RecordWrite {
                before: Body::from(&emptied.body).digest(),
                ..RecordWrite::new(emptied.key.clone(), emptied.line, id.clone())
            };
            item.with_body(Body::from(body))
        });
        self.send_all(sender, items.collect()).await?;
        let refused = sender.take_unwritten();
        let mut notes = Vec::new();
        for Emptied { key, line, fields, reason, .. } in emptied.into_values() {
            let reason = reason.unwrap_or_default();
            let (code, reason) = match refused.get(&key) {
                None => (ReasonCode::R205, stays(&reason)),
                Some(back) => {
                    let start = EMPTIED_NOTES.start;
                    (ReasonCode::R301, format!("{start}: {reason}; nor could what was there be put back: {back}"))
                }
            };
            notes.extend(fields.into_iter().map(|field| RepairNote {
                code: Some(code.to_string()),
                key: key.clone(),
                file: self.job.file.clone(),
                line,
                field,
                reason: reason.clone(),
            }));
        }
        if !notes.is_empty() {
            sender.remember([Change::Repairs { step, repairs: notes }]);
        }
        sender.finish().await
    }

    /// Sends changes, and waits until they are through.
    async fn send_all(&self, sender: &mut StepWriter<'_>, mut items: Vec<RecordWrite>) -> Result<(), EngineError> {
        let size = self.job.context.destination.capabilities().batch_size.max(1);
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(size));
            sender.send(std::mem::replace(&mut items, rest), Operation::Update, Vec::new())?;
        }
        sender.finish().await
    }
}
