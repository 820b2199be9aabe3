//! Spill database of an audit: what it looks up over all files of an export.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use crate::SpillError;
use crate::cycles::References;
use crate::database::Database;
use crate::numbers::{signed, unsigned, whole};

/// Keys, referred records, made values and references of an export.
#[derive(Debug)]
pub struct Inventory {
    database: Database,
    hasher: RandomState,
    /// Fingerprints of eight bytes, by lookup, of keys that are only asked whether they are there. Two keys of one fingerprint are met once in 10¹³ audits.
    there: RefCell<HashMap<usize, HashSet<u64>>>,
}

const FILE: &str = "audit.db";

/// KiB of pages that stay in memory.
const CACHE: u32 = 16 * 1024;
/// The same while rows are sorted: a sorter takes as much again.
const CACHE_WHILE_SORTING: u32 = 4 * 1024;

/// Fingerprints of a lookup that stay in memory; further keys go into the database.
const FINGERPRINTS: usize = 1 << 19;

// Rows that are only sorted later are appended; only what is looked up while it grows stands in a tree.
const TABLES: &str = "
CREATE TABLE keys(list INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, digest INTEGER NOT NULL);
CREATE TABLE referred(lookup INTEGER NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, cells TEXT, PRIMARY KEY(lookup, key)) WITHOUT ROWID;
CREATE TABLE made(stage INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, folded TEXT NOT NULL, PRIMARY KEY(stage, key)) WITHOUT ROWID;
CREATE TABLE edges(column INTEGER NOT NULL, line INTEGER NOT NULL, parent TEXT NOT NULL);
CREATE TABLE nodes(column INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(column, key)) WITHOUT ROWID;
CREATE TABLE arcs(column INTEGER NOT NULL, line INTEGER NOT NULL, target INTEGER NOT NULL, PRIMARY KEY(column, line, target)) WITHOUT ROWID;
";

/// A referred record: the key it is found by, its source key, its kept cells.
pub type ReferredRow = (String, String, Option<String>);

impl Inventory {
    /// An empty inventory in a folder.
    pub fn create(folder: &Path) -> Result<Self, SpillError> {
        let database = Database::create(folder, FILE, CACHE)?;
        database.connection.execute_batch(TABLES)?;
        Ok(Self { database, hasher: RandomState::new(), there: RefCell::default() })
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, SpillError> {
        Ok(self.database.connection.prepare_cached(sql)?.execute(values)?)
    }

    fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<T>, SpillError> {
        Ok(self.database.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
    }

    /// Adds a value of a list that must not repeat, with a digest of the whole row.
    pub fn add_key(&self, list: usize, key: &str, line: u64, digest: u64) -> Result<(), SpillError> {
        let sql = "INSERT INTO keys(list, key, line, digest) VALUES(?1, ?2, ?3, ?4)";
        self.run(sql, params![whole(list), key, signed(line), digest.cast_signed()]).map(drop)
    }

    /// Calls for every value that an earlier line has (line, value, first line, whether both have one digest), in order of values; tells how many different
    /// ones there are.
    pub fn repeated_keys(
        &self,
        list: usize,
        mut found: impl FnMut(u64, &str, u64, bool) -> Result<(), SpillError>,
    ) -> Result<u64, SpillError> {
        self.cache(CACHE_WHILE_SORTING)?;
        let sql = "SELECT key, line, digest FROM keys WHERE list = ?1 ORDER BY key, line";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let mut rows = statement.query([whole(list)])?;
        let mut distinct = 0;
        let mut before: Option<(String, u64, i64)> = None;
        while let Some(row) = rows.next()? {
            let (key, line) = (row.get_ref(0)?.as_str().unwrap_or_default(), unsigned(row.get(1)?));
            let digest: i64 = row.get(2)?;
            match &before {
                Some((same, earlier, said)) if same == key => found(line, key, *earlier, *said == digest)?,
                _ => {
                    distinct += 1;
                    before = Some((key.to_owned(), line, digest));
                }
            }
        }
        drop(rows);
        drop(statement);
        self.cache(CACHE)?;
        Ok(distinct)
    }

    /// Empties all lists.
    pub fn clear_keys(&self) -> Result<(), SpillError> {
        Ok(self.database.connection.execute_batch("DELETE FROM keys")?)
    }

    /// Sets the memory, in KiB, that pages and sorting may take.
    fn cache(&self, kibibytes: u32) -> Result<(), SpillError> {
        Ok(self.database.connection.execute_batch(&format!("PRAGMA cache_size=-{kibibytes}"))?)
    }

    /// Adds a record that others refer to; the first of a key stays.
    pub fn add_referred(&self, lookup: usize, key: &str, record: &str, cells: Option<&str>) -> Result<(), SpillError> {
        self.run(
            "INSERT OR IGNORE INTO referred(lookup, key, record, cells) VALUES(?1, ?2, ?3, ?4)",
            params![whole(lookup), key, record, cells],
        )
        .map(drop)
    }

    /// Adds a key of which nothing but its being there is asked.
    pub fn add_there(&self, lookup: usize, key: &str) -> Result<(), SpillError> {
        let mut there = self.there.borrow_mut();
        let known = there.entry(lookup).or_default();
        if known.len() < FINGERPRINTS {
            known.insert(self.hasher.hash_one(key));
            return Ok(());
        }
        drop(there);
        self.add_referred(lookup, key, key, None)
    }

    /// True where a key was added by [`Self::add_there`].
    pub fn is_there(&self, lookup: usize, key: &str) -> Result<bool, SpillError> {
        let there = self.there.borrow();
        let Some(known) = there.get(&lookup) else { return Ok(false) };
        if known.contains(&self.hasher.hash_one(key)) {
            return Ok(true);
        }
        Ok(known.len() >= FINGERPRINTS && self.referred(lookup, key)?.is_some())
    }

    /// The source key and the kept cells of a referred record.
    pub fn referred(&self, lookup: usize, key: &str) -> Result<Option<(String, Option<String>)>, SpillError> {
        let sql = "SELECT record, cells FROM referred WHERE lookup = ?1 AND key = ?2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let found = statement.query_row(params![whole(lookup), key], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }

    /// Every record of a lookup, unless there are more than `most`.
    pub fn all_referred(&self, lookup: usize, most: usize) -> Result<Option<Vec<ReferredRow>>, SpillError> {
        let sql = "SELECT key, record, cells FROM referred WHERE lookup = ?1 LIMIT ?2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![whole(lookup), whole(most) + 1], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
        Ok((rows.len() <= most).then_some(rows))
    }

    /// Adds a value of a `map distinct`; tells whether it is new.
    pub fn make(&self, stage: usize, key: &str, line: u64, folded: &str) -> Result<bool, SpillError> {
        let sql = "INSERT OR IGNORE INTO made(stage, key, line, folded) VALUES(?1, ?2, ?3, ?4)";
        self.run(sql, params![whole(stage), key, signed(line), folded]).map(|changed| changed > 0)
    }

    /// Calls for every group of values of a `map distinct` that fold alike, each value with its first line, in order of lines.
    pub fn made_alike(&self, stage: usize, mut found: impl FnMut(&[(String, u64)])) -> Result<(), SpillError> {
        let sql = "SELECT folded, key, line FROM made WHERE stage = ?1 AND folded != '' ORDER BY folded, line, key";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let mut rows = statement.query([whole(stage)])?;
        let (mut folded, mut group): (String, Vec<(String, u64)>) = Default::default();
        while let Some(row) = rows.next()? {
            let next: String = row.get(0)?;
            if next != folded {
                if group.len() > 1 {
                    found(&group);
                }
                group.clear();
                folded = next;
            }
            group.push((row.get(1)?, unsigned(row.get(2)?)));
        }
        if group.len() > 1 {
            found(&group);
        }
        Ok(())
    }

    /// Adds that the record of a line, by its key, refers to another through a column.
    pub fn add_edge(&self, column: usize, (key, line): (&str, u64), parent: &str) -> Result<(), SpillError> {
        let column = whole(column);
        self.run(
            "INSERT OR IGNORE INTO nodes(column, key, line) VALUES(?1, ?2, ?3)",
            params![column, key, signed(line)],
        )?;
        let sql =
            "INSERT INTO edges(column, line, parent) SELECT column, line, ?3 FROM nodes WHERE column = ?1 AND key = ?2";
        self.run(sql, params![column, key, parent]).map(drop)
    }

    /// Finds the records behind the keys that were referred to, and makes keys findable by line.
    pub fn draw_arcs(&self) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO arcs(column, line, target) SELECT edges.column, edges.line, nodes.line FROM edges \
                   JOIN nodes ON nodes.column = edges.column AND nodes.key = edges.parent";
        self.run(sql, [])?;
        Ok(self.database.connection.execute_batch("CREATE INDEX IF NOT EXISTS nodes_by_line ON nodes(column, line)")?)
    }

    /// The key of a line that refers to another record through a column; needs [`Self::draw_arcs`].
    pub fn referring_key(&self, column: usize, line: u64) -> Result<Option<String>, SpillError> {
        self.one("SELECT key FROM nodes WHERE column = ?1 AND line = ?2", params![whole(column), signed(line)])
    }

    /// References through one column; needs [`Self::draw_arcs`].
    #[must_use]
    pub fn references(&self, column: usize) -> impl References + use<'_> {
        ColumnReferences { inventory: self, column: whole(column) }
    }

    /// Forgets all references.
    pub fn clear_edges(&self) -> Result<(), SpillError> {
        Ok(self.database.connection.execute_batch("DELETE FROM edges; DELETE FROM nodes; DELETE FROM arcs")?)
    }
}

/// References through one column.
struct ColumnReferences<'i> {
    inventory: &'i Inventory,
    column: i64,
}

impl References for ColumnReferences<'_> {
    fn referring_after(&self, line: u64) -> Result<Option<u64>, SpillError> {
        let sql = "SELECT line FROM arcs WHERE column = ?1 AND line > ?2 ORDER BY line LIMIT 1";
        Ok(self.inventory.one(sql, params![self.column, signed(line)])?.map(unsigned))
    }

    fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, SpillError> {
        let sql = "SELECT target FROM arcs WHERE column = ?1 AND line = ?2 AND target > ?3 ORDER BY target LIMIT 1";
        Ok(self.inventory.one(sql, params![self.column, signed(line), signed(target)])?.map(unsigned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycles::{drawn, each};

    fn circles(edges: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let inventory = Inventory::create(folder.path()).unwrap();
        for (line, (key, parent)) in (2..).zip(edges) {
            inventory.add_edge(0, (key, line), parent).unwrap();
            // Another column closes no circle with this one.
            inventory.add_edge(1, (parent, line), key).unwrap();
        }
        inventory.draw_arcs().unwrap();
        let mut circles = Vec::new();
        each(&inventory.references(0), |circle| {
            circles.push(drawn(&circle, |line| {
                Ok::<_, SpillError>(inventory.referring_key(0, line)?.unwrap_or_default())
            })?);
            Ok::<_, SpillError>(())
        })
        .unwrap();
        circles
    }

    #[test]
    fn circles_of_one_two_and_three_are_drawn_and_chains_are_not() {
        let edges = [
            ("1", "1"),
            ("2", "3"),
            ("3", "2"),
            ("4", "5"),
            ("5", "6"),
            ("6", "4"),
            ("7", "1"),
            ("8", "7"),
            ("9", "x"),
        ];
        let drawn = ["1 (line 2) → 1", "2 (line 3) → 3 (line 4) → 2", "4 (line 5) → 5 (line 6) → 6 (line 7) → 4"];
        assert_eq!(circles(&edges), drawn);
    }

    #[test]
    fn a_record_with_several_references_is_followed_along_each() {
        let edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "a"), ("d", "e")];
        assert_eq!(circles(&edges), ["a (line 2) → c (line 5) → a"]);
    }
}
