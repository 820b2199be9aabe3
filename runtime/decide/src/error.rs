//! Errors of deciding.

use migr_extract::ExtractError;
use migr_journal::JournalError;
use migr_load::LoadError;
use migr_spill::SpillError;
use migr_transform::{CompileError, LookupError};

/// Reason why it cannot be decided what becomes of records.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The export cannot be read.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The plan cannot be evaluated.
    #[error("the plan cannot be carried out: {0}")]
    Compile(#[from] CompileError),
    /// The destination cannot be reached, or refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The journal cannot be read or kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A look-up failed.
    #[error("a look-up failed: {0}")]
    Lookup(#[from] LookupError),
    /// The spill database cannot be used.
    #[error("the spill database cannot be used: {0}")]
    Spill(#[from] SpillError),
    /// The system refused a file.
    #[error("{path}: {source}")]
    File {
        /// Path of the file or folder.
        path: String,
        /// Answer of the system.
        source: std::io::Error,
    },
    /// The fallback owner is no user.
    #[error(
        "the fallback owner `{fallback}` is no member of {object} in the destination; invite this person or name another in `owners`"
    )]
    Fallback {
        /// The address.
        fallback: String,
        /// The object of users.
        object: String,
    },
    /// A part of the program ended unexpectedly.
    #[error(
        "a worker of migr ended unexpectedly ({what}); this is a fault of migr. `migr run` goes on where it stopped"
    )]
    Worker {
        /// The part, as the system names it.
        what: String,
    },
}
