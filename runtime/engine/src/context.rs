use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use migr_extract::Export;
use migr_journal::{Change, Journal, JournalError, Reader};
use migr_load::{Destination, HttpOptions};
use migr_plan::Plan;

use crate::{EngineError, Event, Progress};

/// What a command works with.
#[derive(Clone, Debug)]
pub struct Context {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The export that it reads.
    pub export: Arc<Export>,
    /// The destination that it writes.
    pub destination: Arc<dyn Destination>,
    /// The journal.
    pub journal: SharedJournal,
    /// Who is told.
    pub progress: Arc<dyn Progress>,
    /// Whether to stop.
    pub cancellation: CancellationFlag,
    /// How it is done.
    pub options: RunOptions,
    /// A folder for the spill database.
    pub work: PathBuf,
}

/// How a run is done.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The command as it is noted in the journal.
    pub command: String,
    /// Batches under way at the same time.
    pub in_flight: usize,
    /// When to give up.
    pub max_failures: Option<MaxFailures>,
    /// How hosts are spoken to that files are fetched from.
    pub links: HttpOptions,
    /// The list of the records' files that an audit wrote, where there is one: a file that is another since is not sent.
    pub audited_files: Option<PathBuf>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            command: "run".to_owned(),
            in_flight: 4,
            max_failures: None,
            links: HttpOptions::default(),
            audited_files: None,
        }
    }
}

/// How many records may be set aside before a run gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFailures {
    /// So many.
    Records(u64),
    /// So many of a hundred that were read.
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

/// Asks a command to stop at the end of a batch. Clones ask the same command.
#[derive(Clone, Debug, Default)]
pub struct CancellationFlag(Arc<AtomicBool>);

impl CancellationFlag {
    /// Stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The journal's one writer, shared by the threads of a command.
#[derive(Clone, Debug)]
pub struct SharedJournal(Arc<Mutex<Journal>>);

impl SharedJournal {
    /// Shares a journal.
    pub fn new(journal: Journal) -> Self {
        Self(Arc::new(Mutex::new(journal)))
    }

    /// The journal itself, where nobody else has a share of it.
    pub(crate) fn into_inner(self) -> Option<Journal> {
        Arc::into_inner(self.0).map(|journal| journal.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The writer. A write is all or nothing, so one that panicked left nothing half done.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Journal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers, on this thread.
    pub(crate) fn write(&self, changes: &[Change]) -> Result<(), JournalError> {
        if changes.is_empty() { Ok(()) } else { self.lock().write(changes) }
    }

    /// Remembers, without holding up other tasks while the disk writes.
    pub(crate) async fn write_later(&self, changes: Vec<Change>) -> Result<(), EngineError> {
        if changes.is_empty() {
            return Ok(());
        }
        let journal = self.clone();
        tokio::task::spawn_blocking(move || journal.write(&changes))
            .await
            .map_err(|error| EngineError::Worker { what: error.to_string() })?
            .map_err(EngineError::from)
    }

    /// A connection of its own for reading.
    pub fn reader(&self) -> Result<Reader, JournalError> {
        self.lock().reader()
    }
}

impl Context {
    /// Tells who waits.
    pub(crate) fn tell(&self, event: Event) {
        self.progress.event(event);
    }
}
