//! Intents of a run that ended before their answers came, where the destination tells of their records only by what was sent: the step makes them again, and
//! they are asked about before anything is sent.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use migr_decide::record_write::RecordWrite;
use migr_journal::{BatchId, Intent};

use crate::in_doubt::Held;
use crate::{Decided, RecordOutcome, UnitRecord, WriteResult};

/// Failure that came instead of an answer.
const WHY: &str = "the run ended before the answer came";

/// Intent without an outcome.
#[derive(Clone, Debug)]
pub struct OpenIntent {
    /// The intent.
    pub intent: Intent,
    /// Time since it was meant.
    pub age: Duration,
}

/// Records that an earlier run sent, by their keys, until the step comes to them.
#[derive(Debug, Default)]
pub(crate) struct LeftOpen(HashMap<String, Place>);

/// Place of a record in an intent, and what was sent.
#[derive(Debug)]
struct Place {
    batch: BatchId,
    position: usize,
    /// The record's id of ours.
    id: String,
    digest: String,
    age: Duration,
}

impl LeftOpen {
    pub(crate) fn of(intents: &[OpenIntent]) -> Self {
        let places = intents.iter().flat_map(|OpenIntent { intent, age }| {
            intent.records.iter().enumerate().map(|(position, record)| {
                let (id, digest) = (record.id.clone(), record.digest.clone());
                (record.key.clone(), Place { batch: intent.batch, position, id, digest, age: *age })
            })
        });
        Self(places.collect())
    }

    /// Keeps those of some new records that were sent before; the others come back.
    pub(crate) fn keep(&mut self, items: Vec<RecordWrite>, held: &mut Vec<Held>) -> Vec<RecordWrite> {
        if self.0.is_empty() {
            return items;
        }
        let mut new = Vec::with_capacity(items.len());
        for item in items {
            match self.0.remove(&item.key) {
                Some(place) => held.push(place.hold(item)),
                None => new.push(item),
            }
        }
        new
    }

    /// Keeps a record that was found to be there, where it is one that was sent before: nothing says yet whose it is. Else it comes back.
    pub(crate) fn keep_found(&mut self, item: RecordWrite, held: &mut Vec<Held>) -> Option<RecordWrite> {
        let is_as_sent = self.0.get(&item.key).is_some_and(|place| place.digest == item.digest);
        match self.0.remove(&item.key).filter(|_| is_as_sent) {
            Some(place) => {
                held.push(place.hold(item));
                None
            }
            None => Some(item),
        }
    }

    /// Batches of the records that the step has not come to.
    pub(crate) fn batches(&self) -> impl Iterator<Item = BatchId> + '_ {
        self.0.values().map(|place| place.batch)
    }

    /// Records that the step does not make any more, each with a decision that nothing tells of it.
    pub(crate) fn given_up(&mut self) -> Vec<(String, Decided)> {
        let mut places: Vec<(String, Place)> = std::mem::take(&mut self.0).into_iter().collect();
        places.sort_by_key(|(_, place)| (place.batch, place.position));
        let decided = places.into_iter().map(|(key, Place { batch, position, .. })| {
            let result = WriteResult { outcome: RecordOutcome::Uncertain(WHY.to_owned()), attempts: 1 };
            (key, Decided { batch, position, result })
        });
        decided.collect()
    }
}

impl Place {
    fn hold(self, item: RecordWrite) -> Held {
        let Self { batch, position, id, digest, age } = self;
        Held {
            batch,
            position,
            attempts: 1,
            is_as_sent: digest == item.digest,
            record: UnitRecord { id, body: item.body, uploads: item.uploads, ..UnitRecord::default() },
            why: WHY.to_owned(),
            refusal: None,
            is_answered: false,
            since: Instant::now(),
            was: age,
        }
    }
}
