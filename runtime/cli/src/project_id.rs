//! The id of a project: the first audit, or the first run without one, draws it, and it stays.

use std::path::{Path, PathBuf};

use migr_journal::{Journal, Reader};

use crate::engine_fault::fault;
use crate::fault::Fault;

/// The id that a project's locks hold.
pub(crate) fn kept(folder: &Path) -> Option<String> {
    let mut locks: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    locks.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == "migr.lock" || name.starts_with("migr.") && name.ends_with(".lock")
    });
    locks.sort();
    locks.iter().find_map(|path| crate::commands::audit::previous(path).ok().flatten()?.project)
}

/// The id that a lock gets: the kept one, else that of the journal that was begun, else a new one.
pub(crate) fn of(folder: &Path, journal: Option<&Reader>) -> Result<String, Fault> {
    if let Some(kept) = kept(folder) {
        return Ok(kept);
    }
    let begun = journal.map(migr_engine::project_of).transpose().map_err(|error| fault(error.into()))?.flatten();
    Ok(begun.unwrap_or_else(drawn))
}

/// Notes in a journal that is new whose ids its records have.
pub(crate) fn note(journal: &mut Journal, folder: &Path) -> Result<(), Fault> {
    let id = kept(folder).unwrap_or_else(drawn);
    migr_engine::note_project(journal, &id).map_err(|error| fault(error.into()))
}

/// A new id. `MIGR_PROJECT_ID` gives it, so that tests draw none.
fn drawn() -> String {
    let given = std::env::var("MIGR_PROJECT_ID").ok().filter(|given| !given.is_empty());
    given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}
