//! Questions about what no longer changes, many in one read transaction.

use std::cell::Cell;

use crate::{JournalError, Mapped, Reader, StepId};

/// Questions in one read transaction: the writer's log is not cut back while it lasts.
const MOST: u32 = 20_000;

/// Reader of steps that are finished. It sees what was written before its transaction began, and begins a new one every so often: of a step that is being
/// written it may not know the latest.
#[derive(Debug)]
pub struct HeldReader {
    reader: Reader,
    asked: Cell<u32>,
}

impl HeldReader {
    /// Holds a reader of its own.
    pub fn new(reader: Reader) -> Self {
        Self { reader, asked: Cell::new(0) }
    }

    /// Knowledge about a source key of a finished step.
    pub fn id_of(&self, step: StepId, key: &str) -> Result<Option<Mapped>, JournalError> {
        if self.asked.get() >= MOST {
            self.release()?;
        }
        if self.asked.get() == 0 {
            self.reader.begin()?;
        }
        self.asked.set(self.asked.get() + 1);
        self.reader.id_of(step, key)
    }

    /// Lets the transaction go: the next question sees all that is written by then. To be called whenever a step ends.
    pub fn release(&self) -> Result<(), JournalError> {
        if self.asked.replace(0) > 0 { self.reader.end() } else { Ok(()) }
    }
}
