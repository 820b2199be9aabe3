//! Notes on rows, by stage and key: what a choice among all rows of an export must look up of each.

use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use crate::SpillError;
use crate::database::Database;
use crate::numbers::{signed, unsigned, whole};

/// Notes on rows. Stages are the caller's numbers, notes the caller's texts.
#[derive(Debug)]
pub struct RowNotes {
    database: Database,
}

const FILE: &str = "row-notes.db";

/// KiB of pages that stay in memory.
const CACHE: u32 = 4 * 1024;

const TABLE: &str = "CREATE TABLE notes(stage INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY(stage, key)) WITHOUT ROWID";

impl RowNotes {
    /// Empty notes in a folder.
    pub fn create(folder: &Path) -> Result<Self, SpillError> {
        let database = Database::create(folder, FILE, CACHE)?;
        database.connection.execute_batch(TABLE)?;
        Ok(Self { database })
    }

    /// Notes something of a row; the last note counts.
    pub fn set(&self, stage: usize, key: &str, line: u64, note: &str) -> Result<(), SpillError> {
        let sql = "INSERT OR REPLACE INTO notes(stage, key, line, note) VALUES(?1, ?2, ?3, ?4)";
        self.database.connection.prepare_cached(sql)?.execute(params![whole(stage), key, signed(line), note])?;
        Ok(())
    }

    /// Line and note of a row.
    pub fn get(&self, stage: usize, key: &str) -> Result<Option<(u64, String)>, SpillError> {
        let sql = "SELECT line, note FROM notes WHERE stage = ?1 AND key = ?2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let found = statement.query_row(params![whole(stage), key], |row| Ok((unsigned(row.get(0)?), row.get(1)?)));
        Ok(found.optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::RowNotes;

    #[test]
    fn a_note_is_found_by_stage_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let notes = RowNotes::create(folder.path()).unwrap();
        notes.set(0, "C1", 2, "a").unwrap();
        notes.set(1, "C1", 7, "b").unwrap();
        assert_eq!(notes.get(0, "C1").unwrap(), Some((2, "a".to_owned())));
        assert_eq!(notes.get(1, "C1").unwrap(), Some((7, "b".to_owned())));
        assert_eq!(notes.get(2, "C1").unwrap(), None);
    }
}
