//! Context of a command, and the options of a run.

use std::path::PathBuf;
use std::sync::Arc;

use migr_decide::outcomes::{DecisionContext, Outcomes};
use migr_decide::slice::Slice;
use migr_decide::{CancellationFlag, Event, Progress, SharedJournal};
use migr_deliver::MaxFailures;
use migr_extract::Export;
use migr_load::{Destination, HttpOptions};
use migr_plan::Plan;

/// Context that a command works with.
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
    /// Progress that is told.
    pub progress: Arc<dyn Progress>,
    /// Flag that asks the command to stop.
    pub cancellation: CancellationFlag,
    /// Options of the run.
    pub options: RunOptions,
    /// A folder for the spill database.
    pub work: PathBuf,
}

/// Options of a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The command as it is noted in the journal.
    pub command: String,
    /// Batches under way at the same time.
    pub in_flight: usize,
    /// Moment at which waiting is given up.
    pub max_failures: Option<MaxFailures>,
    /// Options of the connections to hosts that files are fetched from.
    pub links: HttpOptions,
    /// The list of the records' files that an audit wrote, where there is one: a file that is another since is not sent.
    pub audited_files: Option<PathBuf>,
    /// Rows that are written; absent: all of them.
    pub slice: Option<Arc<Slice>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            command: "run".to_owned(),
            in_flight: 4,
            max_failures: None,
            links: HttpOptions::default(),
            audited_files: None,
            slice: None,
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
            slice: context.options.slice.clone(),
        }
    }
}
