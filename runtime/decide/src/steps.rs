//! Steps of a plan in the journal.

use migr_journal::{Reader, StepId};
use migr_plan::{Stage, Step};

use crate::{DecideError, SharedJournal};

/// The journal's step for a step of the plan, if it was begun.
pub fn find(reader: &Reader, step: &Step) -> Result<Option<StepId>, DecideError> {
    Ok(reader.step(&step.to_string())?)
}

/// The same, begun where it was not.
pub fn begin(journal: &SharedJournal, stage: &Stage, step: &Step) -> Result<StepId, DecideError> {
    Ok(journal.lock().step(&step.to_string(), step.object(stage))?)
}

/// True where nothing is left to do for a step.
pub fn is_done(reader: &Reader, step: &Step) -> Result<bool, DecideError> {
    match find(reader, step)? {
        Some(id) => Ok(reader.is_done(id)?),
        None => Ok(false),
    }
}
