use std::path::{Path, PathBuf};

use super::RollbackSummary;
use crate::EngineError;

/// What SQLite and the writer keep beside a journal, and it itself at last: whoever dies in between finds it still there.
const BESIDE: [&str; 4] = [".lock", "-wal", "-shm", ""];

/// Moves a journal that was rolled back out of the way, as `journal.db.rolled-back-1`, so that a corrected spec begins with a fresh one. The journal must be
/// closed. None where the rollback is not complete: it is still needed.
pub fn set_journal_aside(journal: &Path, rollback: &RollbackSummary) -> Result<Option<PathBuf>, EngineError> {
    if rollback.dry_run || !rollback.complete {
        return Ok(None);
    }
    let name = journal.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut number = 1_u32;
    let aside = loop {
        let aside = journal.with_file_name(format!("{name}.rolled-back-{number}"));
        if !aside.exists() {
            break aside;
        }
        number += 1;
    };
    let new = aside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for ending in BESIDE {
        let from = journal.with_file_name(format!("{name}{ending}"));
        if !from.exists() {
            continue;
        }
        let moved = match ending {
            ".lock" => std::fs::remove_file(&from),
            _ => std::fs::rename(&from, journal.with_file_name(format!("{new}{ending}"))),
        };
        moved.map_err(|source| EngineError::File { path: from.display().to_string(), source })?;
    }
    Ok(Some(aside))
}
