//! Errors of delivering.

use migr_decide::DecideError;
use migr_journal::JournalError;
use migr_load::LoadError;

/// Reason why nothing more is sent.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The destination cannot be reached, or refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The journal cannot be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An outcome cannot be noted.
    #[error(transparent)]
    Decide(#[from] DecideError),
    /// More records failed than allowed.
    #[error("{failures} records were quarantined, more than the {limit} that are allowed")]
    TooManyFailures {
        /// Number of quarantined records.
        failures: u64,
        /// The limit as it was given.
        limit: String,
    },
    /// A part of the program ended unexpectedly.
    #[error("a worker of migr ended unexpectedly ({what}); this is a fault of migr")]
    Worker {
        /// The part, as the system names it.
        what: String,
    },
}
