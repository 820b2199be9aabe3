//! The journal's one writer, as the threads of a command share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use migr_journal::{Change, Journal, JournalError, Reader};

use crate::DecideError;

/// The journal's one writer, shared by the threads of a command.
#[derive(Clone, Debug)]
pub struct SharedJournal(Arc<Mutex<Journal>>);

impl SharedJournal {
    /// Shares a journal.
    pub fn new(journal: Journal) -> Self {
        Self(Arc::new(Mutex::new(journal)))
    }

    /// The journal itself, where nobody else has a share of it.
    pub fn into_inner(self) -> Option<Journal> {
        Arc::into_inner(self.0).map(|journal| journal.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The writer. A write is all or nothing, so one that panicked left nothing half done.
    pub fn lock(&self) -> MutexGuard<'_, Journal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers, on this thread.
    pub fn write(&self, changes: &[Change]) -> Result<(), JournalError> {
        if changes.is_empty() { Ok(()) } else { self.lock().write(changes) }
    }

    /// Remembers, without holding up other tasks while the disk writes.
    pub async fn write_later(&self, changes: Vec<Change>) -> Result<(), DecideError> {
        if changes.is_empty() {
            return Ok(());
        }
        let journal = self.clone();
        tokio::task::spawn_blocking(move || journal.write(&changes))
            .await
            .map_err(|error| DecideError::Worker { what: error.to_string() })?
            .map_err(DecideError::from)
    }

    /// A connection of its own for reading.
    pub fn reader(&self) -> Result<Reader, JournalError> {
        self.lock().reader()
    }
}
