//! Records whose answers were lost, kept until the destination can tell of them.

use std::time::{Duration, Instant};

use migr_journal::BatchId;
use migr_load::{Refusal, Unsettled};

use crate::{Decided, Doubtful, RecordOutcome, UnitRecord, WriteResult};

/// Records in doubt, until they are asked about.
#[derive(Debug, Default)]
pub(crate) struct InDoubt {
    pub(crate) records: Vec<Held>,
    /// Times that some were sent again.
    pub(crate) rounds: u32,
}

/// Record in doubt.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) batch: BatchId,
    pub(crate) position: usize,
    pub(crate) attempts: u32,
    pub(crate) record: UnitRecord,
    /// False where another body was sent than the record has now: it tells nothing of what is there.
    pub(crate) is_as_sent: bool,
    pub(crate) why: String,
    /// Refusal that came, where it may have been written all the same.
    pub(crate) refusal: Option<Refusal>,
    /// True where the server is done with the request: it is not on its way any more.
    pub(crate) is_answered: bool,
    pub(crate) since: Instant,
    /// Age that it had then.
    pub(crate) was: Duration,
}

impl Held {
    /// Time since it was sent.
    pub(crate) fn age(&self) -> Duration {
        self.was.saturating_add(self.since.elapsed())
    }

    /// As it is asked about.
    pub(crate) fn unsettled(&self) -> Unsettled<'_> {
        let body = self.is_as_sent.then_some(&self.record.body);
        Unsettled { token: &self.record.id, body, age: self.age() }
    }

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
        self.records.extend(doubtful.into_iter().filter_map(|doubtful| {
            let Doubtful { position, record, why, refusal, is_answered } = doubtful;
            let (batch, position, before) = places.get(position).copied()?;
            let attempts = before + attempts;
            let was = Duration::ZERO;
            Some(Held { batch, position, attempts, record, is_as_sent: true, why, refusal, is_answered, since, was })
        }));
    }
}
