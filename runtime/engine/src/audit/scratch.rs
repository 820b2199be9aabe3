use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::preview::PreviewAction;

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
CREATE TABLE repeated(object INTEGER NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(object, line)) WITHOUT ROWID;
CREATE TABLE referred(lookup INTEGER NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, cells TEXT, PRIMARY KEY(lookup, key)) WITHOUT ROWID;
CREATE TABLE fates(stage INTEGER NOT NULL, key TEXT NOT NULL, fate INTEGER NOT NULL, follows TEXT, PRIMARY KEY(stage, key)) WITHOUT ROWID;
CREATE TABLE made(stage INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, folded TEXT NOT NULL, PRIMARY KEY(stage, key)) WITHOUT ROWID;
CREATE TABLE identities(path INTEGER NOT NULL, value TEXT NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL, sort);
CREATE TABLE existing(stage INTEGER NOT NULL, path INTEGER NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE met(place INTEGER PRIMARY KEY, stage INTEGER NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL, action TEXT NOT NULL, other TEXT NOT NULL);
CREATE TABLE kept(stage INTEGER NOT NULL, line INTEGER NOT NULL, fields TEXT NOT NULL, PRIMARY KEY(stage, line)) WITHOUT ROWID;
CREATE TABLE edges(child TEXT NOT NULL, parent TEXT NOT NULL, line INTEGER NOT NULL, colour INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(child, parent)) WITHOUT ROWID;
";

/// Why a record is not what a reference to it would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It will be set aside.
    Quarantined = 1,
    /// A written rule leaves it behind.
    Skipped = 2,
    /// The stage does not take it.
    NotMine = 3,
    /// Another record stands for it.
    Follower = 4,
}

/// A row of an identity's group.
#[derive(Clone, Debug)]
pub(crate) struct Same {
    pub(crate) line: u64,
    pub(crate) key: String,
}

/// A record of the destination that has the identity of one of ours.
#[derive(Clone, Debug)]
pub(crate) struct Twin {
    pub(crate) path: usize,
    pub(crate) line: u64,
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) is_deleted: bool,
}

/// A record that meets another: one of the destination, or one of the source that stands for it.
#[derive(Clone, Debug)]
pub(crate) struct Met {
    /// Its place among all.
    pub(crate) place: i64,
    pub(crate) line: u64,
    pub(crate) key: String,
    pub(crate) action: PreviewAction,
    /// The destination's id, or the key of the other record.
    pub(crate) other: String,
}

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

    /// Remembers that an earlier record has the key of this line.
    pub(crate) fn mark_repeated(&self, object: usize, line: u64) -> Result<()> {
        self.run("INSERT OR IGNORE INTO repeated(object, line) VALUES(?1, ?2)", params![whole(object), signed(line)])
            .map(drop)
    }

    /// Whether an earlier record has the key of this line.
    pub(crate) fn is_repeated(&self, object: usize, line: u64) -> Result<bool> {
        let sql = "SELECT 1 FROM repeated WHERE object = ?1 AND line = ?2";
        self.one(sql, params![whole(object), signed(line)]).map(|found: Option<i64>| found.is_some())
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

    /// Remembers that a record will not be what a reference would find.
    pub(crate) fn set_fate(&self, stage: usize, key: &str, fate: Fate, follows: Option<&str>) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO fates(stage, key, fate, follows) VALUES(?1, ?2, ?3, ?4)",
            params![whole(stage), key, fate as i64, follows],
        )
        .map(drop)
    }

    /// What is known against a record, and who stands for it.
    pub(crate) fn fate(&self, stage: usize, key: &str) -> Result<Option<(Fate, Option<String>)>> {
        let found: Option<(i64, Option<String>)> = self
            .connection
            .prepare_cached("SELECT fate, follows FROM fates WHERE stage = ?1 AND key = ?2")?
            .query_row(params![whole(stage), key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.map(|(fate, follows)| {
            let fate = match fate {
                1 => Fate::Quarantined,
                2 => Fate::Skipped,
                3 => Fate::NotMine,
                _ => Fate::Follower,
            };
            (fate, follows)
        }))
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

    /// Whether a `map distinct` makes a record of a value.
    pub(crate) fn is_made(&self, stage: usize, key: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM made WHERE stage = ?1 AND key = ?2";
        self.one(sql, params![whole(stage), key]).map(|found: Option<i64>| found.is_some())
    }

    /// Forgets the identities of the stage before.
    pub(crate) fn clear_identities(&self) -> Result<()> {
        self.connection.execute_batch("DROP INDEX IF EXISTS identities_by_value; DELETE FROM identities;")
    }

    /// Adds an identity of a record of the stage.
    pub(crate) fn add_identity(&self, path: usize, value: &str, line: u64, key: &str, sort: &Value) -> Result<()> {
        self.run(
            "INSERT INTO identities(path, value, line, key, sort) VALUES(?1, ?2, ?3, ?4, ?5)",
            params![whole(path), value, signed(line), key, sort],
        )
        .map(drop)
    }

    /// Makes the stage's identities findable.
    pub(crate) fn index_identities(&self) -> Result<()> {
        self.cache(CACHE_WHILE_SORTING)?;
        self.connection.execute_batch("CREATE INDEX IF NOT EXISTS identities_by_value ON identities(path, value)")?;
        self.cache(CACHE)
    }

    /// Calls for every identity that several records have, in order.
    pub(crate) fn shared_identities(&self, path: usize, mut found: impl FnMut(&str, u64) -> Result<()>) -> Result<()> {
        let sql = "SELECT value, count(*) FROM identities WHERE path = ?1 GROUP BY value HAVING count(*) > 1 ORDER BY min(line)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([whole(path)])?;
        while let Some(row) = rows.next()? {
            found(row.get_ref(0)?.as_str()?, unsigned(row.get(1)?))?;
        }
        Ok(())
    }

    /// Calls for the records of one identity, the one that stays first.
    pub(crate) fn same_identity(
        &self,
        path: usize,
        value: &str,
        order: &str,
        mut found: impl FnMut(Same) -> Result<()>,
    ) -> Result<()> {
        let sql = format!("SELECT line, key FROM identities WHERE path = ?1 AND value = ?2 ORDER BY {order}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![whole(path), value])?;
        while let Some(row) = rows.next()? {
            found(Same { line: unsigned(row.get(0)?), key: row.get(1)? })?;
        }
        Ok(())
    }

    /// Adds an identity that a record of the destination has.
    pub(crate) fn add_existing(
        &self,
        stage: usize,
        path: usize,
        value: &str,
        id: &str,
        is_deleted: bool,
    ) -> Result<()> {
        self.run(
            "INSERT INTO existing(stage, path, value, id, deleted) VALUES(?1, ?2, ?3, ?4, ?5)",
            params![whole(stage), whole(path), value, id, is_deleted],
        )
        .map(drop)
    }

    /// Calls for every record of the stage that the destination has, by line; needs [`Self::index_identities`].
    pub(crate) fn twins(&self, stage: usize, mut found: impl FnMut(Twin) -> Result<()>) -> Result<()> {
        let sql = "SELECT e.path, i.line, i.key, e.id, e.deleted FROM existing e JOIN identities i ON i.path = e.path AND i.value = e.value \
                   WHERE e.stage = ?1 ORDER BY i.line, e.path, e.deleted, e.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([whole(stage)])?;
        while let Some(row) = rows.next()? {
            found(Twin {
                path: usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                line: unsigned(row.get(1)?),
                key: row.get(2)?,
                id: row.get(3)?,
                is_deleted: row.get(4)?,
            })?;
        }
        Ok(())
    }

    /// The identities of the destination can be found by their values.
    pub(crate) fn index_existing(&self) -> Result<()> {
        self.connection.execute_batch("CREATE INDEX existing_by_value ON existing(stage, path, value)")
    }

    /// Whether the destination has a record of an identity.
    pub(crate) fn is_existing(&self, stage: usize, path: usize, value: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM existing WHERE stage = ?1 AND path = ?2 AND value = ?3 LIMIT 1";
        self.one(sql, params![whole(stage), whole(path), value]).map(|found: Option<i64>| found.is_some())
    }

    /// Keeps a record's values until the destination's record is read.
    pub(crate) fn keep(&self, stage: usize, line: u64, fields: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO kept(stage, line, fields) VALUES(?1, ?2, ?3)";
        self.run(sql, params![whole(stage), signed(line), fields]).map(drop)
    }

    /// Notes that a record meets another.
    pub(crate) fn meet(
        &self,
        stage: usize,
        (line, key): (u64, &str),
        action: PreviewAction,
        other: &str,
    ) -> Result<()> {
        self.run(
            "INSERT INTO met(stage, line, key, action, other) VALUES(?1, ?2, ?3, ?4, ?5)",
            params![whole(stage), signed(line), key, action.as_str(), other],
        )
        .map(drop)
    }

    /// The next records of a stage that meet others, in the order in which they were noted.
    pub(crate) fn met(&self, stage: usize, after: i64, most: usize) -> Result<Vec<Met>> {
        let sql =
            "SELECT place, line, key, action, other FROM met WHERE stage = ?1 AND place > ?2 ORDER BY place LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![whole(stage), after, whole(most)], |row| {
            let action: String = row.get(3)?;
            Ok(Met {
                place: row.get(0)?,
                line: unsigned(row.get(1)?),
                key: row.get(2)?,
                action: PreviewAction::named(&action).unwrap_or(PreviewAction::Keep),
                other: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// The id of the destination's record that a record of a stage is.
    pub(crate) fn met_as(&self, stage: usize, key: &str) -> Result<Option<String>> {
        let sql =
            "SELECT other FROM met WHERE stage = ?1 AND key = ?2 AND action IN ('change', 'restore', 'keep') LIMIT 1";
        self.one(sql, params![whole(stage), key])
    }

    /// What was kept of a record's values, and then of those that become one with it, in their order.
    pub(crate) fn kept(&self, stage: usize, met: &Met) -> Result<Vec<String>> {
        let own: Option<String> = self
            .one("SELECT fields FROM kept WHERE stage = ?1 AND line = ?2", params![whole(stage), signed(met.line)])?;
        let sql = "SELECT kept.fields FROM met JOIN kept ON kept.stage = met.stage AND kept.line = met.line \
                   WHERE met.stage = ?1 AND met.other = ?2 AND met.action = 'merge' ORDER BY met.place";
        let mut statement = self.connection.prepare_cached(sql)?;
        let others = statement.query_map(params![whole(stage), met.key], |row| row.get(0))?;
        own.map(Ok).into_iter().chain(others).collect()
    }

    /// Records that meet others can be found by these.
    pub(crate) fn index_met(&self) -> Result<()> {
        self.connection
            .execute_batch("CREATE INDEX met_by_other ON met(stage, other); CREATE INDEX met_by_key ON met(stage, key)")
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
