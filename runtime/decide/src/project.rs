//! The project whose ids a journal's records have.

use migr_journal::{Change, Journal, Reader};

use crate::DecideError;

/// The journal keeps it under this name.
pub const PROJECT: &str = "project";

/// The project whose ids a journal has; none before projects had ids.
pub fn project_of(reader: &Reader) -> Result<Option<String>, DecideError> {
    Ok(reader.finding(PROJECT)?)
}

/// Notes whose ids a journal has. One that was begun keeps those that it has.
pub fn note_project(journal: &mut Journal, project: &str) -> Result<(), DecideError> {
    let reader = journal.reader()?;
    if reader.finding(PROJECT)?.is_some() || !reader.steps()?.is_empty() {
        return Ok(());
    }
    journal.write(&[Change::finding(PROJECT, project.to_owned())])?;
    Ok(())
}
