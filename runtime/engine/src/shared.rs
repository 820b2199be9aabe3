//! State that the steps of a run share, and work on threads that may block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use migr_deliver::Executor;

use crate::{EngineError, MaxFailures, RunOptions};

/// End of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is left to do.
    Through,
    /// Step that was asked to stop.
    Interrupted,
}

/// State that the steps of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) failures: Arc<AtomicU64>,
    pub(crate) read: Arc<AtomicU64>,
    /// Batches under way at the same time.
    pub(crate) in_flight: usize,
    /// When to give up.
    pub(crate) max_failures: Option<MaxFailures>,
}

impl Shared {
    /// Of a run that begins.
    pub(crate) fn new(executor: Arc<dyn Executor>, options: &RunOptions) -> Self {
        Self {
            executor,
            failures: Arc::new(AtomicU64::new(0)),
            read: Arc::new(AtomicU64::new(0)),
            in_flight: options.in_flight,
            max_failures: options.max_failures,
        }
    }

    /// An error when more failed than allowed.
    pub(crate) fn within_limit(&self) -> Result<(), EngineError> {
        let failures = self.failures.load(Ordering::Relaxed);
        let read = self.read.load(Ordering::Relaxed);
        match self.max_failures.and_then(|limit| limit.exceeded(failures, read)) {
            Some(limit) => Err(EngineError::TooManyFailures { failures, limit }),
            None => Ok(()),
        }
    }
}

/// Runs work that blocks on a thread where that is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    joined(tokio::task::spawn_blocking(work).await)
}

/// Result of a task; that it ended unexpectedly is an error of its own.
pub(crate) fn joined<T>(result: Result<Result<T, EngineError>, tokio::task::JoinError>) -> Result<T, EngineError> {
    result.unwrap_or_else(|error| Err(EngineError::Worker { what: error.to_string() }))
}
