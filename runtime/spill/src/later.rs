//! Spill database of a later export: keys that were met, records that stand in another line, and those that are gone or there again.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use crate::SpillError;
use crate::database::Database;
use crate::numbers::{signed, unsigned, whole};

/// Rows of a later export, beside what a journal knows.
#[derive(Debug)]
pub struct LaterExport {
    database: Database,
    /// Digests of keys of the stage that is looked at; those that are too many stand in the database.
    met: HashSet<u64>,
}

const FILE: &str = "later.db";

/// KiB of pages that stay in memory.
const CACHE: u32 = 8 * 1024;
/// Digests that stay in memory.
const HELD: usize = 1 << 19;

/// Record without a row, or with one again, and its fate in the destination.
pub type KeyFate = (String, String);

impl LaterExport {
    /// An empty one in a folder.
    pub fn create(folder: &Path) -> Result<Self, SpillError> {
        let database = Database::create(folder, FILE, CACHE)?;
        database.connection.execute_batch(
            "CREATE TABLE met(digest INTEGER PRIMARY KEY);
             CREATE TABLE moved(stage INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(stage, key)) WITHOUT ROWID;
             CREATE TABLE gone(stage INTEGER NOT NULL, key TEXT NOT NULL, fate TEXT, PRIMARY KEY(stage, key)) WITHOUT ROWID;
             CREATE TABLE returned(stage INTEGER NOT NULL, key TEXT NOT NULL, fate TEXT NOT NULL, PRIMARY KEY(stage, key)) WITHOUT ROWID;",
        )?;
        Ok(Self { database, met: HashSet::new() })
    }

    /// Forgets the keys that were met in the stage before.
    pub fn begin_stage(&mut self) -> Result<(), SpillError> {
        self.met.clear();
        Ok(self.database.connection.execute_batch("DELETE FROM met")?)
    }

    /// Notes the digest of a key; false where it was met before.
    pub fn meet(&mut self, digest: u64) -> Result<bool, SpillError> {
        if self.met.contains(&digest) {
            return Ok(false);
        }
        if self.met.len() < HELD {
            return Ok(self.met.insert(digest));
        }
        let sql = "INSERT OR IGNORE INTO met(digest) VALUES(?1)";
        Ok(self.database.connection.prepare_cached(sql)?.execute([digest.cast_signed()])? == 1)
    }

    /// True where the digest of a key was met.
    pub fn is_met(&self, digest: u64) -> Result<bool, SpillError> {
        if self.met.contains(&digest) || self.met.len() < HELD {
            return Ok(self.met.contains(&digest));
        }
        let mut statement = self.database.connection.prepare_cached("SELECT 1 FROM met WHERE digest = ?1")?;
        Ok(statement.query_row([digest.cast_signed()], |_| Ok(())).optional()?.is_some())
    }

    /// Notes the line in which a record stands now; the last one counts.
    pub fn add_moved(&self, stage: usize, key: &str, line: u64) -> Result<(), SpillError> {
        self.run(
            "INSERT OR REPLACE INTO moved(stage, key, line) VALUES(?1, ?2, ?3)",
            params![whole(stage), key, signed(line)],
        )
    }

    /// Takes a record out that stands where it stood.
    pub fn remove_moved(&self, stage: usize, key: &str) -> Result<(), SpillError> {
        self.run("DELETE FROM moved WHERE stage = ?1 AND key = ?2", params![whole(stage), key])
    }

    /// Records of a stage that stand in another line, after a key and in order.
    pub fn moved_after(&self, stage: usize, key: &str, limit: u32) -> Result<Vec<(String, u64)>, SpillError> {
        let sql = "SELECT key, line FROM moved WHERE stage = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![whole(stage), key, limit], |row| Ok((row.get(0)?, unsigned(row.get::<_, i64>(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes a record that has no row; with a fate where that is news.
    pub fn add_gone(&self, stage: usize, key: &str, fate: Option<&str>) -> Result<(), SpillError> {
        self.run("INSERT OR REPLACE INTO gone(stage, key, fate) VALUES(?1, ?2, ?3)", params![whole(stage), key, fate])
    }

    /// True where a record has no row.
    pub fn is_gone(&self, stage: usize, key: &str) -> Result<bool, SpillError> {
        let mut statement =
            self.database.connection.prepare_cached("SELECT 1 FROM gone WHERE stage = ?1 AND key = ?2")?;
        Ok(statement.query_row(params![whole(stage), key], |_| Ok(())).optional()?.is_some())
    }

    /// Number of a stage's records without a row, and of those of which that is news.
    pub fn count_gone(&self, stage: usize) -> Result<(u64, u64), SpillError> {
        let mut statement =
            self.database.connection.prepare_cached("SELECT COUNT(*), COUNT(fate) FROM gone WHERE stage = ?1")?;
        Ok(statement.query_row([whole(stage)], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?)
    }

    /// Records of a stage without a row of which that is news, with their fates, after a key and in order.
    pub fn gone_after(&self, stage: usize, key: &str, limit: u32) -> Result<Vec<KeyFate>, SpillError> {
        let sql = "SELECT key, fate FROM gone WHERE stage = ?1 AND key > ?2 AND fate IS NOT NULL ORDER BY key LIMIT ?3";
        self.fates(sql, stage, key, limit)
    }

    /// Notes a record that has a row again, with the fate that it had.
    pub fn add_returned(&self, stage: usize, key: &str, fate: &str) -> Result<(), SpillError> {
        self.run(
            "INSERT OR REPLACE INTO returned(stage, key, fate) VALUES(?1, ?2, ?3)",
            params![whole(stage), key, fate],
        )
    }

    /// Records of a stage that have a row again, with the fates that they had, after a key and in order.
    pub fn returned_after(&self, stage: usize, key: &str, limit: u32) -> Result<Vec<KeyFate>, SpillError> {
        let sql = "SELECT key, fate FROM returned WHERE stage = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
        self.fates(sql, stage, key, limit)
    }

    fn fates(&self, sql: &str, stage: usize, key: &str, limit: u32) -> Result<Vec<KeyFate>, SpillError> {
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![whole(stage), key, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), SpillError> {
        self.database.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_by_stage_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut later = LaterExport::create(folder.path()).unwrap();
        assert!(later.meet(7).unwrap() && !later.meet(7).unwrap());
        assert!(later.is_met(7).unwrap() && !later.is_met(8).unwrap());
        later.begin_stage().unwrap();
        assert!(!later.is_met(7).unwrap());
        for (key, line) in [("B", 3), ("A", 2), ("C", 4)] {
            later.add_moved(1, key, line).unwrap();
        }
        later.remove_moved(1, "C").unwrap();
        assert_eq!(later.moved_after(1, "", 9).unwrap(), [("A".to_owned(), 2), ("B".to_owned(), 3)]);
        assert_eq!(later.moved_after(1, "A", 9).unwrap(), [("B".to_owned(), 3)]);
        later.add_gone(1, "D", None).unwrap();
        later.add_gone(1, "E", Some("listed")).unwrap();
        assert!(later.is_gone(1, "D").unwrap() && !later.is_gone(2, "D").unwrap());
        assert_eq!(later.count_gone(1).unwrap(), (2, 1));
        assert_eq!(later.gone_after(1, "", 9).unwrap(), [("E".to_owned(), "listed".to_owned())]);
        later.add_returned(1, "F", "trashed").unwrap();
        assert_eq!(later.returned_after(1, "", 9).unwrap(), [("F".to_owned(), "trashed".to_owned())]);
    }
}
