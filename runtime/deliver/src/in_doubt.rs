//! Records whose answers were lost, kept until the destination can tell of them.

use std::time::Instant;

use migr_journal::BatchId;

use crate::{Decided, Doubtful, RecordOutcome, UnitRecord, WriteResult};

/// Records in doubt, until they are asked about.
#[derive(Debug, Default)]
pub(crate) struct InDoubt {
    pub(crate) records: Vec<Held>,
    /// True once they were sent a second time: what is lost again is left to a person.
    pub(crate) was_repeated: bool,
}

/// Record in doubt.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) batch: BatchId,
    pub(crate) position: usize,
    pub(crate) attempts: u32,
    pub(crate) record: UnitRecord,
    pub(crate) why: String,
    pub(crate) since: Instant,
}

impl Held {
    /// Decision about it.
    pub(crate) fn ends(&self, outcome: RecordOutcome) -> Decided {
        let result = WriteResult { outcome, attempts: self.attempts };
        Decided { batch: self.batch, position: self.position, result }
    }
}

impl InDoubt {
    /// Keeps records of an attempt, with the places that they have in their batches.
    pub(crate) fn hold(&mut self, doubtful: Vec<Doubtful>, places: &[(BatchId, usize, u32)], attempts: u32) {
        let since = Instant::now();
        self.records.extend(doubtful.into_iter().filter_map(|Doubtful { position, record, why }| {
            let (batch, position, before) = places.get(position).copied()?;
            Some(Held { batch, position, attempts: before + attempts, record, why, since })
        }));
    }
}
