//! Steps of a plan in the journal.

use migr_journal::{Reader, StepId};
use migr_plan::{Stage, Step};

use crate::{DecideError, SharedJournal};

/// The journal's step for a step of the plan, if it was begun. A journal of an earlier version has other names for some.
pub fn find(reader: &Reader, stage: &Stage, step: &Step) -> Result<Option<StepId>, DecideError> {
    if let Some(id) = reader.step(&step.to_string())? {
        return Ok(Some(id));
    }
    let Some(earlier) = step.earlier_name() else { return Ok(None) };
    let Some(id) = reader.step(&earlier)? else { return Ok(None) };
    // A link field of the same name had the same step.
    let (_, object) = reader.step_named(id)?;
    Ok((object == step.object(stage)).then_some(id))
}

/// The same, begun where it was not.
pub fn begin(journal: &SharedJournal, stage: &Stage, step: &Step) -> Result<StepId, DecideError> {
    let mut journal = journal.lock();
    let reader = journal.reader()?;
    match find(&reader, stage, step)? {
        Some(id) => Ok(id),
        None => Ok(journal.step(&step.to_string(), step.object(stage))?),
    }
}

/// True where nothing is left to do for a step.
pub fn is_done(reader: &Reader, stage: &Stage, step: &Step) -> Result<bool, DecideError> {
    match find(reader, stage, step)? {
        Some(id) => Ok(reader.is_done(id)?),
        None => Ok(false),
    }
}
