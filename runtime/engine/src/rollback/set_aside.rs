//! End of a journal that was rolled back: it is moved out of the way.

use std::path::PathBuf;

use super::RollbackSummary;
use crate::EngineError;
use migr_decide::SharedJournal;

/// Moves a journal that was rolled back out of the way, as `journal.db.rolled-back-1`, so that a corrected spec begins with a fresh one. Nothing else may hold
/// it any more. None where the rollback is not complete: it is still needed.
pub fn set_journal_aside(journal: SharedJournal, rollback: &RollbackSummary) -> Result<Option<PathBuf>, EngineError> {
    if rollback.dry_run || !rollback.complete {
        return Ok(None);
    }
    match journal.into_inner() {
        Some(journal) => Ok(Some(journal.set_aside()?)),
        None => Ok(None),
    }
}
