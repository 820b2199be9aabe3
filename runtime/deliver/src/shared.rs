//! State that the steps of a run share, and when a run gives up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use migr_journal::StepId;

use crate::error::DeliverError;
use crate::{Executor, OpenIntent};

/// Number of records that may be quarantined before a run gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFailures {
    /// Number of records.
    Records(u64),
    /// Share of the records that were read, in percent.
    Percent(u8),
}

impl MaxFailures {
    /// The limit as it was given, when it is exceeded.
    pub(crate) fn exceeded(self, failures: u64, read: u64) -> Option<String> {
        match self {
            Self::Records(limit) => (failures > limit).then(|| limit.to_string()),
            Self::Percent(limit) => {
                let is_over = u128::from(failures) * 100 > u128::from(read) * u128::from(limit);
                is_over.then(|| format!("{limit} %"))
            }
        }
    }
}

/// State that the steps of a run share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Executor of batches.
    pub executor: Arc<dyn Executor>,
    /// Records quarantined so far.
    pub failures: Arc<AtomicU64>,
    /// Records read so far.
    pub read: Arc<AtomicU64>,
    /// Batches under way at the same time.
    pub in_flight: usize,
    /// Moment at which waiting is given up.
    pub max_failures: Option<MaxFailures>,
    /// Intents of an earlier run without an outcome, by the step whose records tell what was sent.
    left_open: Arc<Mutex<BTreeMap<StepId, Vec<OpenIntent>>>>,
}

impl Shared {
    /// Of a run that begins.
    pub fn new(executor: Arc<dyn Executor>, in_flight: usize, max_failures: Option<MaxFailures>) -> Self {
        Self {
            executor,
            failures: Arc::new(AtomicU64::new(0)),
            read: Arc::new(AtomicU64::new(0)),
            in_flight,
            max_failures,
            left_open: Arc::default(),
        }
    }

    /// The same, with intents whose records are asked about once their steps have made them again.
    #[must_use]
    pub fn with_left_open(self, intents: Vec<OpenIntent>) -> Self {
        let mut by_step: BTreeMap<StepId, Vec<OpenIntent>> = BTreeMap::new();
        for intent in intents {
            by_step.entry(intent.intent.step).or_default().push(intent);
        }
        Self { left_open: Arc::new(Mutex::new(by_step)), ..self }
    }

    /// Digests of the records of a step whose intents an earlier run left open, by key.
    pub fn left_open(&self, step: StepId) -> BTreeMap<String, String> {
        let left_open = self.left_open.lock().unwrap_or_else(PoisonError::into_inner);
        let records = left_open.get(&step).into_iter().flatten().flat_map(|open| &open.intent.records);
        records.map(|record| (record.key.clone(), record.digest.clone())).collect()
    }

    /// Takes the intents of a step that an earlier run left open.
    pub(crate) fn take_left_open(&self, step: StepId) -> Vec<OpenIntent> {
        self.left_open.lock().unwrap_or_else(PoisonError::into_inner).remove(&step).unwrap_or_default()
    }

    /// An error when more failed than allowed.
    pub fn within_limit(&self) -> Result<(), DeliverError> {
        let failures = self.failures.load(Ordering::Relaxed);
        let read = self.read.load(Ordering::Relaxed);
        match self.max_failures.and_then(|limit| limit.exceeded(failures, read)) {
            Some(limit) => Err(DeliverError::TooManyFailures { failures, limit }),
            None => Ok(()),
        }
    }
}
