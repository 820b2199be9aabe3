//! End of a step, and work on threads that may block.

use crate::EngineError;

/// End of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is left to do.
    Through,
    /// Step that was asked to stop.
    Interrupted,
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
