//! Spill database of a rollback: the records that a migration made, by their ids in the destination.

use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use crate::SpillError;
use crate::database::Database;
use crate::numbers::unsigned;

/// Records that were made.
#[derive(Debug)]
pub struct MadeRecords {
    database: Database,
    /// Objects, by their numbers in the database.
    objects: Vec<String>,
}

const FILE: &str = "made.db";

/// KiB of pages that stay in memory.
const CACHE: u32 = 8 * 1024;

impl MadeRecords {
    /// An empty list in a folder.
    pub fn create(folder: &Path) -> Result<Self, SpillError> {
        let database = Database::create(folder, FILE, CACHE)?;
        database.connection.execute_batch(
            "CREATE TABLE made(place INTEGER PRIMARY KEY, object INTEGER NOT NULL, id TEXT NOT NULL, step INTEGER NOT NULL, key TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0);",
        )?;
        Ok(Self { database, objects: Vec::new() })
    }

    /// Adds a record of an object with the step and the key that it was made for; of an id that is there, the first counts.
    pub fn add(&mut self, object: &str, id: &str, (step, key): (i64, &str)) -> Result<(), SpillError> {
        if self.number(object).is_none() {
            self.objects.push(object.to_owned());
        }
        let number = self.number(object);
        let sql = "INSERT INTO made(object, id, step, key) VALUES(?1, ?2, ?3, ?4)";
        self.database.connection.prepare_cached(sql)?.execute(params![number, id, step, key])?;
        Ok(())
    }

    /// Every record was added: they can be asked for.
    pub fn close(&self) -> Result<(), SpillError> {
        Ok(self.database.connection.execute_batch("CREATE INDEX made_of ON made(object, id, seen);")?)
    }

    fn number(&self, object: &str) -> Option<i64> {
        (0..).zip(&self.objects).find(|(_, known)| *known == object).map(|(number, _)| number)
    }

    /// The step and the key that a record was made for; none for a record of others.
    pub fn of(&self, object: &str, id: &str) -> Result<Option<(i64, String)>, SpillError> {
        let sql = "SELECT step, key FROM made WHERE object = ?1 AND id = ?2 ORDER BY place LIMIT 1";
        let Some(number) = self.number(object) else { return Ok(None) };
        let mut statement = self.database.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![number, id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Number of records of an object that were made.
    pub fn count(&self, object: &str) -> Result<u64, SpillError> {
        let sql = "SELECT COUNT(DISTINCT id) FROM made WHERE object = ?1";
        let number = self.number(object);
        Ok(unsigned(self.database.connection.prepare_cached(sql)?.query_row([number], |row| row.get(0))?))
    }

    /// Objects that records were made of.
    pub fn objects(&self) -> &[String] {
        &self.objects
    }

    /// Notes that a record was seen in a list.
    pub fn see(&self, object: &str, id: &str) -> Result<(), SpillError> {
        let sql = "UPDATE made SET seen = 1 WHERE object = ?1 AND id = ?2";
        self.database.connection.prepare_cached(sql)?.execute(params![self.number(object), id])?;
        Ok(())
    }

    /// Ids of records of an object after one, in order.
    pub fn ids_after(&self, object: &str, after: &str, limit: u32) -> Result<Vec<String>, SpillError> {
        self.ids(
            "SELECT DISTINCT id FROM made WHERE object = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            object,
            after,
            limit,
        )
    }

    /// The same of records that no list has shown.
    pub fn unseen_after(&self, object: &str, after: &str, limit: u32) -> Result<Vec<String>, SpillError> {
        let sql = "SELECT DISTINCT id FROM made WHERE object = ?1 AND id > ?2 AND NOT seen ORDER BY id LIMIT ?3";
        self.ids(sql, object, after, limit)
    }

    fn ids(&self, sql: &str, object: &str, after: &str, limit: u32) -> Result<Vec<String>, SpillError> {
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let ids = statement.query_map(params![self.number(object), after, limit], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_by_any_id() {
        let folder = tempfile::tempdir().unwrap();
        let mut made = MadeRecords::create(folder.path()).unwrap();
        made.add("notes", "c1/n1", (3, "N1")).unwrap();
        made.add("notes", "c1/n1", (4, "N2")).unwrap();
        made.add("contacts", "c1", (1, "C1")).unwrap();
        made.close().unwrap();
        assert_eq!(made.of("notes", "c1/n1").unwrap(), Some((3, "N1".to_owned())));
        assert_eq!(made.of("contacts", "c1/n1").unwrap(), None);
        assert_eq!(made.count("notes").unwrap(), 1);
        assert_eq!(made.objects(), ["notes", "contacts"]);
        assert_eq!(made.of("tasks", "c1").unwrap(), None);
        assert_eq!(made.count("tasks").unwrap(), 0);
        assert_eq!(made.ids_after("notes", "", 9).unwrap(), ["c1/n1"]);
        assert!(made.ids_after("notes", "c1/n1", 9).unwrap().is_empty());
        assert_eq!(made.unseen_after("notes", "", 9).unwrap(), ["c1/n1"]);
        made.see("notes", "c1/n1").unwrap();
        assert!(made.unseen_after("notes", "", 9).unwrap().is_empty());
    }
}
