//! Scratch database of an audit: what must be looked up and what memory should not hold.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, params};

/// What an audit must look up and what memory should not hold: keys, references, identities. Thrown away afterwards.
#[derive(Debug)]
pub(crate) struct Scratch {
    connection: Connection,
}

const FILE: &str = "audit.db";

/// KiB of pages that stay in memory.
const CACHE: u32 = 16 * 1024;
/// The same while rows are sorted: a sorter takes as much again.
const CACHE_WHILE_SORTING: u32 = 4 * 1024;

// Rows that are only sorted later are appended; only what is looked up while it grows stands in a tree.
const TABLES: &str = "
CREATE TABLE keys(list INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL);
CREATE TABLE referred(lookup INTEGER NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, cells TEXT, PRIMARY KEY(lookup, key)) WITHOUT ROWID;
CREATE TABLE made(stage INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, folded TEXT NOT NULL, PRIMARY KEY(stage, key)) WITHOUT ROWID;
CREATE TABLE edges(child TEXT NOT NULL, parent TEXT NOT NULL, line INTEGER NOT NULL, colour INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(child, parent)) WITHOUT ROWID;
";

type Result<T> = rusqlite::Result<T>;

/// A referred record: the key it is found by, its source key, its kept cells.
type ReferredRow = (String, String, Option<String>);

impl Scratch {
    /// An empty one in a folder; what was there is thrown away.
    pub(crate) fn create(folder: &Path) -> std::result::Result<Self, super::AuditError> {
        let file = |source| super::AuditError::Folder { path: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(file)?;
        let path = folder.join(FILE);
        if path.exists() {
            std::fs::remove_file(&path).map_err(file)?;
        }
        private(&path).map_err(file)?;
        let connection = Connection::open(&path)?;
        // Statements stay prepared whatever values are bound to them.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=FILE; BEGIN;",
        )?;
        connection.set_prepared_statement_cache_capacity(48);
        connection.execute_batch(TABLES)?;
        let scratch = Self { connection };
        scratch.cache(CACHE)?;
        Ok(scratch)
    }

    /// Closes it and removes its file.
    pub(crate) fn remove(self, folder: &Path) {
        drop(self);
        // A left-over is replaced by the next audit.
        let _ = std::fs::remove_file(folder.join(FILE));
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.connection.prepare_cached(sql)?.execute(values)
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str, values: impl rusqlite::Params) -> Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()
    }

    /// Adds a value of a list that must not repeat.
    pub(crate) fn add_key(&self, list: usize, key: &str, line: u64) -> Result<()> {
        self.run("INSERT INTO keys(list, key, line) VALUES(?1, ?2, ?3)", params![whole(list), key, signed(line)])
            .map(drop)
    }

    /// Calls for every value that an earlier line has (line, value, first line), in order of values; tells how many different ones there are.
    pub(crate) fn repeated_keys(
        &self,
        list: usize,
        mut found: impl FnMut(u64, &str, u64) -> Result<()>,
    ) -> Result<u64> {
        self.cache(CACHE_WHILE_SORTING)?;
        let mut statement =
            self.connection.prepare_cached("SELECT key, line FROM keys WHERE list = ?1 ORDER BY key, line")?;
        let mut rows = statement.query([whole(list)])?;
        let mut distinct = 0;
        let mut before: Option<(String, u64)> = None;
        while let Some(row) = rows.next()? {
            let (key, line) = (row.get_ref(0)?.as_str()?, unsigned(row.get(1)?));
            match &before {
                Some((same, earlier)) if same == key => found(line, key, *earlier)?,
                _ => {
                    distinct += 1;
                    before = Some((key.to_owned(), line));
                }
            }
        }
        drop(rows);
        drop(statement);
        self.cache(CACHE)?;
        Ok(distinct)
    }

    /// Empties all lists.
    pub(crate) fn clear_keys(&self) -> Result<()> {
        self.connection.execute_batch("DELETE FROM keys")
    }

    /// How much memory pages, and sorting, may take, in KiB.
    fn cache(&self, kibibytes: u32) -> Result<()> {
        self.connection.execute_batch(&format!("PRAGMA cache_size=-{kibibytes}"))
    }

    /// Adds a record that others refer to; the first of a key stays.
    pub(crate) fn add_referred(&self, lookup: usize, key: &str, record: &str, cells: Option<&str>) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO referred(lookup, key, record, cells) VALUES(?1, ?2, ?3, ?4)",
            params![whole(lookup), key, record, cells],
        )
        .map(drop)
    }

    /// The source key and the kept cells of a referred record.
    pub(crate) fn referred(&self, lookup: usize, key: &str) -> Result<Option<(String, Option<String>)>> {
        self.connection
            .prepare_cached("SELECT record, cells FROM referred WHERE lookup = ?1 AND key = ?2")?
            .query_row(params![whole(lookup), key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    /// All records of a lookup, unless there are more than `most`.
    pub(crate) fn all_referred(&self, lookup: usize, most: usize) -> Result<Option<Vec<ReferredRow>>> {
        let sql = "SELECT key, record, cells FROM referred WHERE lookup = ?1 LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![whole(lookup), whole(most) + 1], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let rows: Vec<_> = rows.collect::<Result<_>>()?;
        Ok((rows.len() <= most).then_some(rows))
    }

    /// Adds a value of a `map distinct`; tells whether it is new.
    pub(crate) fn make(&self, stage: usize, key: &str, line: u64, folded: &str) -> Result<bool> {
        let sql = "INSERT OR IGNORE INTO made(stage, key, line, folded) VALUES(?1, ?2, ?3, ?4)";
        self.run(sql, params![whole(stage), key, signed(line), folded]).map(|changed| changed > 0)
    }

    /// Calls for every group of values of a `map distinct` that fold alike, each value with its first line, in order of lines.
    pub(crate) fn made_alike(&self, stage: usize, mut found: impl FnMut(&[(String, u64)])) -> Result<()> {
        let sql = "SELECT folded, key, line FROM made WHERE stage = ?1 AND folded != '' ORDER BY folded, line, key";
        let mut statement = self.connection.prepare_cached(sql)?;
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

    /// Forgets all edges.
    pub(crate) fn clear_edges(&self) -> Result<()> {
        self.connection.execute_batch("DELETE FROM edges")
    }

    /// Adds that one record refers to another.
    pub(crate) fn add_edge(&self, child: &str, parent: &str, line: u64) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO edges(child, parent, line) VALUES(?1, ?2, ?3)";
        self.run(sql, params![child, parent, signed(line)]).map(drop)
    }

    /// The first record after `after` that refers to another and has no colour.
    pub(crate) fn uncoloured(&self, after: &str) -> Result<Option<String>> {
        self.one("SELECT child FROM edges WHERE child > ?1 AND colour = 0 ORDER BY child LIMIT 1", [after])
    }

    /// The colour and line of a record that refers to another; none where it refers to nothing.
    pub(crate) fn node(&self, child: &str) -> Result<Option<(i64, u64)>> {
        self.connection
            .prepare_cached("SELECT colour, line FROM edges WHERE child = ?1 LIMIT 1")?
            .query_row([child], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))
            .optional()
    }

    /// Colours a record.
    pub(crate) fn colour(&self, child: &str, colour: i64) -> Result<()> {
        self.run("UPDATE edges SET colour = ?2 WHERE child = ?1", params![child, colour]).map(drop)
    }

    /// The next record after `after` that a record refers to.
    pub(crate) fn parent_after(&self, child: &str, after: &str) -> Result<Option<String>> {
        self.one(
            "SELECT parent FROM edges WHERE child = ?1 AND parent > ?2 ORDER BY parent LIMIT 1",
            params![child, after],
        )
    }
}

// The export's keys pass through it.
fn private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
