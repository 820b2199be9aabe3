use std::path::PathBuf;
use std::sync::Arc;

use migr_decide::outcomes::{DecisionContext, Outcomes};
use migr_decide::{CancellationFlag, Event, Progress, SharedJournal};
use migr_extract::Export;
use migr_load::{Destination, HttpOptions};
use migr_plan::Plan;

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

/// How many records may be quarantined before a run gives up.
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

impl Context {
    /// Tells who waits.
    pub(crate) fn tell(&self, event: Event) {
        self.progress.event(event);
    }
}

impl From<&Context> for DecisionContext {
    fn from(context: &Context) -> Self {
        Self {
            plan: Arc::clone(&context.plan),
            export: Arc::clone(&context.export),
            destination: Arc::clone(&context.destination),
            outcomes: Outcomes::Journal(context.journal.clone()),
            progress: Arc::clone(&context.progress),
            cancellation: context.cancellation.clone(),
            work: context.work.clone(),
        }
    }
}
