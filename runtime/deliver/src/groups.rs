//! Groups of batches on their way from the thread that computes them to the one that sends them: what is handed over together is journaled together.

use migr_load::IdPolicy;
use tokio::sync::mpsc;

use migr_decide::CancellationFlag;
use migr_decide::stage_run::StageRun;

/// Batches whose intents are journaled together at most.
pub(crate) const TOGETHER: usize = 16;

/// Groups that wait to be sent: with those that are computed and sent meanwhile, all that is in memory.
const READY: usize = 1;

/// Bytes of the bodies of a group at most, unless one batch alone has more.
const MOST_BYTES: usize = 1 << 20;

/// Batches that are gathered until a group is full.
#[derive(Debug)]
pub struct Groups<B> {
    gathered: Vec<B>,
    bytes: usize,
    most: usize,
    hand_on: mpsc::Sender<Vec<B>>,
    cancellation: CancellationFlag,
}

impl<B> Groups<B> {
    /// Groups for the records of a stage, and where they arrive.
    pub fn new(job: &StageRun) -> (Self, mpsc::Receiver<Vec<B>>) {
        let (hand_on, ready) = mpsc::channel(READY);
        let most = match job.context.destination.capabilities().ids {
            // A run that dies cannot tell what it sent of its intents: the fewer the better.
            IdPolicy::Server { token: None } => 1,
            IdPolicy::Client | IdPolicy::Server { token: Some(_) } => TOGETHER,
        };
        let cancellation = job.context.cancellation.clone();
        (Self { gathered: Vec::new(), bytes: 0, most, hand_on, cancellation }, ready)
    }

    /// Takes a batch with the size of its bodies; false when nobody takes it any more. Blocks while enough is ready.
    pub fn add(&mut self, batch: B, bytes: usize) -> bool {
        let is_over = self.bytes.saturating_add(bytes) > MOST_BYTES;
        if is_over && !self.rest() {
            return false;
        }
        self.bytes += bytes;
        self.gathered.push(batch);
        if self.gathered.len() >= self.most { self.rest() } else { !self.cancellation.is_cancelled() }
    }

    /// Hands on what is gathered.
    pub fn rest(&mut self) -> bool {
        if self.cancellation.is_cancelled() {
            return false;
        }
        self.bytes = 0;
        let group = std::mem::take(&mut self.gathered);
        group.is_empty() || self.hand_on.blocking_send(group).is_ok()
    }
}
