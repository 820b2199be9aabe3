mod alike;
mod circles;

pub(crate) use alike::Sharing;

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::EngineError;

/// What a stage must look up and what memory should not hold. Thrown away after the run: everything in it follows from the export and the destination.
#[derive(Debug)]
pub(crate) struct Scratch {
    // Closed before its file goes: fields are dropped in this order.
    connection: Connection,
    _file: Thrown,
}

/// The export's rows passed through it: it does not outlive the work. Where an open file can go, its name goes at once, so that a killed process leaves nothing.
#[derive(Debug)]
struct Thrown(PathBuf);

impl Drop for Thrown {
    fn drop(&mut self) {
        if cfg!(unix) {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the scratch database is not removed");
        }
    }
}

// Rows are appended and sorted when they are asked for: a tree that is filled in random order would be read from the disk for every row.
const STAGE_TABLES: &str = "
DROP TABLE IF EXISTS keys; DROP TABLE IF EXISTS records; DROP TABLE IF EXISTS identities; DROP TABLE IF EXISTS edges;
DROP TABLE IF EXISTS distincts; DROP TABLE IF EXISTS existing; DROP TABLE IF EXISTS merging; DROP TABLE IF EXISTS losers;
DROP TABLE IF EXISTS doubles; DROP TABLE IF EXISTS rivals; DROP TABLE IF EXISTS kin; DROP TABLE IF EXISTS families; DROP TABLE IF EXISTS followers;
DROP TABLE IF EXISTS arcs; DROP TABLE IF EXISTS cuts; DROP TABLE IF EXISTS dependents; DROP TABLE IF EXISTS shadows;
CREATE TABLE shadows(path INTEGER NOT NULL, value TEXT NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL, sort);
CREATE TABLE dependents(parent TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(parent, line)) WITHOUT ROWID;
CREATE TABLE keys(line INTEGER PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE distincts(key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE records(line INTEGER PRIMARY KEY, key TEXT NOT NULL, sort);
CREATE TABLE identities(path INTEGER NOT NULL, value TEXT NOT NULL, line INTEGER NOT NULL);
CREATE TABLE edges(line INTEGER NOT NULL, parent TEXT NOT NULL);
CREATE TABLE existing(path INTEGER NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE merging(leader INTEGER NOT NULL, line INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY(leader, line)) WITHOUT ROWID;
CREATE TABLE losers(line INTEGER PRIMARY KEY, key TEXT NOT NULL, winner TEXT NOT NULL);
CREATE TABLE doubles(line INTEGER PRIMARY KEY, kept INTEGER NOT NULL);
CREATE TABLE rivals(first INTEGER NOT NULL, line INTEGER NOT NULL, sort, PRIMARY KEY(first, line)) WITHOUT ROWID;
CREATE TABLE kin(line INTEGER PRIMARY KEY, root INTEGER NOT NULL);
CREATE TABLE families(line INTEGER PRIMARY KEY, leader INTEGER NOT NULL, place INTEGER NOT NULL, last INTEGER NOT NULL, key TEXT NOT NULL);
CREATE INDEX families_by_leader ON families(leader, place);
CREATE TABLE followers(winner TEXT NOT NULL, line INTEGER NOT NULL, sort, PRIMARY KEY(winner, line)) WITHOUT ROWID;
CREATE TABLE arcs(line INTEGER NOT NULL, target INTEGER NOT NULL, PRIMARY KEY(line, target)) WITHOUT ROWID;
CREATE TABLE cuts(line INTEGER PRIMARY KEY, drawn TEXT NOT NULL);
";

impl Scratch {
    /// A new scratch database; what was there is thrown away.
    pub(crate) fn create(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join("work.db");
        for name in ["work.db", "work.db-journal", "work.db-wal"] {
            let file = folder.join(name);
            if file.exists() {
                std::fs::remove_file(&file)
                    .map_err(|source| EngineError::File { path: file.display().to_string(), source })?;
            }
        }
        private(&path)?;
        // A sort takes as much memory as the cache may, besides it.
        let connection = Connection::open(&path)?;
        // Statements stay prepared whatever values are bound to them.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-8192; PRAGMA temp_store=FILE;",
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(
            "CREATE TABLE referred(lookup INTEGER NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY(lookup, key)) WITHOUT ROWID;
             CREATE TABLE referred_again(lookup INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY(lookup, key, line)) WITHOUT ROWID;
             CREATE TABLE audited(path TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE named(object TEXT NOT NULL, identity TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(object, identity, id)) WITHOUT ROWID;",
        )?;
        #[cfg(unix)]
        std::fs::remove_file(&path).map_err(|source| EngineError::File { path: path.display().to_string(), source })?;
        let scratch = Self { connection, _file: Thrown(path) };
        scratch.begin_stage()?;
        Ok(scratch)
    }

    /// Empties what belongs to one stage.
    pub(crate) fn begin_stage(&self) -> Result<(), EngineError> {
        Ok(self.connection.execute_batch(STAGE_TABLES)?)
    }

    /// Runs many inserts as one.
    pub(crate) fn together<T>(&self, body: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
        self.connection.execute_batch("SAVEPOINT many")?;
        let result = body();
        self.connection.execute_batch("RELEASE many")?;
        result
    }

    pub(crate) fn add_key(&self, line: u64, key: &str) -> Result<(), EngineError> {
        self.insert("INSERT OR IGNORE INTO keys(line, key) VALUES(?1, ?2)", params![signed(line), key])
    }

    /// Adds the hash that an audit found of a file; the last one counts.
    pub(crate) fn add_audited(&self, path: &str, hash: &str) -> Result<(), EngineError> {
        self.insert("INSERT OR REPLACE INTO audited(path, hash) VALUES(?1, ?2)", params![path, hash])
    }

    /// The hash that an audit found of a file.
    pub(crate) fn audited(&self, path: &str) -> Result<Option<String>, EngineError> {
        let sql = "SELECT hash FROM audited WHERE path = ?1";
        Ok(self.connection.prepare_cached(sql)?.query_row([path.trim()], |row| row.get(0)).optional()?)
    }

    /// Adds a value of a distinct stage; false where it was there.
    pub(crate) fn add_distinct(&self, key: &str) -> Result<bool, EngineError> {
        let mut statement = self.connection.prepare_cached("INSERT OR IGNORE INTO distincts(key) VALUES(?1)")?;
        Ok(statement.execute([key])? == 1)
    }

    pub(crate) fn add_record(&self, line: u64, key: &str, sort: &Value) -> Result<(), EngineError> {
        self.insert(
            "INSERT OR IGNORE INTO records(line, key, sort) VALUES(?1, ?2, ?3)",
            params![signed(line), key, sort],
        )
    }

    pub(crate) fn add_identity(&self, path: usize, value: &str, line: u64) -> Result<(), EngineError> {
        let path = whole(path);
        self.insert("INSERT INTO identities(path, value, line) VALUES(?1, ?2, ?3)", params![path, value, signed(line)])
    }

    /// How many values an identity has.
    pub(crate) fn count_identities(&self, path: usize) -> Result<u64, EngineError> {
        let sql = "SELECT COUNT(*) FROM identities WHERE path = ?1";
        Ok(self.optional::<i64>(sql, params![whole(path)])?.map_or(0, unsigned))
    }

    /// Makes identities findable by value.
    pub(crate) fn index_identities(&self) -> Result<(), EngineError> {
        Ok(self
            .connection
            .execute_batch("CREATE INDEX IF NOT EXISTS identities_by_value ON identities(path, value)")?)
    }

    /// Values of an identity after one of them, in order, each once; needs [`Self::index_identities`].
    pub(crate) fn identities_after(&self, path: usize, after: &str, limit: u32) -> Result<Vec<String>, EngineError> {
        let sql = "SELECT DISTINCT value FROM identities WHERE path = ?1 AND value > ?2 ORDER BY value LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![whole(path), after, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn add_existing(&self, path: usize, value: &str, id: &str, deleted: bool) -> Result<(), EngineError> {
        self.insert(
            "INSERT INTO existing(path, value, id, deleted) VALUES(?1, ?2, ?3, ?4)",
            params![whole(path), value, id, deleted],
        )
    }

    pub(crate) fn add_loser(&self, line: u64, key: &str, winner: &str) -> Result<(), EngineError> {
        self.insert(
            "INSERT OR IGNORE INTO losers(line, key, winner) VALUES(?1, ?2, ?3)",
            params![signed(line), key, winner],
        )
    }

    pub(crate) fn add_merging(&self, leader: u64, line: u64, record: &[u8]) -> Result<(), EngineError> {
        self.insert(
            "INSERT OR REPLACE INTO merging(leader, line, record) VALUES(?1, ?2, ?3)",
            params![signed(leader), signed(line), record],
        )
    }

    pub(crate) fn merging(&self, leader: u64, line: u64) -> Result<Option<Vec<u8>>, EngineError> {
        self.optional(
            "SELECT record FROM merging WHERE leader = ?1 AND line = ?2",
            params![signed(leader), signed(line)],
        )
    }

    /// Adds a record that others refer to; the first of a key stays. False where it was not the first.
    pub(crate) fn add_referred(&self, lookup: usize, key: &str, record: &[u8]) -> Result<bool, EngineError> {
        let sql = "INSERT OR IGNORE INTO referred(lookup, key, record) VALUES(?1, ?2, ?3)";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.execute(params![whole(lookup), key, record])? == 1)
    }

    /// Adds a further record of the same key: its line and source key.
    pub(crate) fn add_referred_again(
        &self,
        lookup: usize,
        key: &str,
        (line, source): (u64, &str),
    ) -> Result<(), EngineError> {
        self.insert(
            "INSERT OR IGNORE INTO referred_again(lookup, key, line, source) VALUES(?1, ?2, ?3, ?4)",
            params![whole(lookup), key, signed(line), source],
        )
    }

    /// Lines and source keys of the further records of a key, at most a few dozen.
    pub(crate) fn referred_again(&self, lookup: usize, key: &str) -> Result<Vec<(u64, String)>, EngineError> {
        let sql = "SELECT line, source FROM referred_again WHERE lookup = ?1 AND key = ?2 ORDER BY line LIMIT 40";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![whole(lookup), key], |row| Ok((unsigned(row.get::<_, i64>(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn referred(&self, lookup: usize, key: &str) -> Result<Option<Vec<u8>>, EngineError> {
        self.optional("SELECT record FROM referred WHERE lookup = ?1 AND key = ?2", params![whole(lookup), key])
    }

    /// The key of a line.
    pub(crate) fn key(&self, line: u64) -> Result<Option<String>, EngineError> {
        self.optional("SELECT key FROM keys WHERE line = ?1", params![signed(line)])
    }

    /// The key and sort value of a line.
    pub(crate) fn record(&self, line: u64) -> Result<Option<(String, Value)>, EngineError> {
        Ok(self
            .connection
            .prepare_cached("SELECT key, sort FROM records WHERE line = ?1")?
            .query_row([signed(line)], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// Makes records findable by key.
    pub(crate) fn index_records(&self) -> Result<(), EngineError> {
        Ok(self.connection.execute_batch("CREATE INDEX IF NOT EXISTS records_by_key ON records(key)")?)
    }

    /// Makes existing records findable by identity.
    pub(crate) fn index_existing(&self) -> Result<(), EngineError> {
        Ok(self.connection.execute_batch("CREATE INDEX IF NOT EXISTS existing_by_value ON existing(path, value)")?)
    }

    /// Whether a record of the stage has a key; needs [`Self::index_records`].
    pub(crate) fn has_record(&self, key: &str) -> Result<bool, EngineError> {
        self.optional("SELECT 1 FROM records WHERE key = ?1 LIMIT 1", params![key])
            .map(|found: Option<i64>| found.is_some())
    }

    /// Takes a record out.
    pub(crate) fn remove_record(&self, line: u64) -> Result<(), EngineError> {
        self.insert("DELETE FROM records WHERE line = ?1", params![signed(line)])
    }

    /// Ids of the records of the destination that have an identity, and whether they lie in the trash.
    pub(crate) fn existing(&self, path: usize, value: &str) -> Result<Vec<(String, bool)>, EngineError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, deleted FROM existing WHERE path = ?1 AND value = ?2")?;
        let rows = statement.query_map(params![whole(path), value], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut found: Vec<(String, bool)> = rows.collect::<Result<_, _>>()?;
        found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        found.dedup();
        found.truncate(5);
        Ok(found)
    }

    /// Remembers a record of the destination that the plan may name by an identity.
    pub(crate) fn add_named(&self, object: &str, identity: &str, id: &str) -> Result<(), EngineError> {
        self.insert(
            "INSERT OR IGNORE INTO named(object, identity, id) VALUES(?1, ?2, ?3)",
            params![object, identity, id],
        )
    }

    /// The one record of the destination that has an identity; none where none has it, or several.
    pub(crate) fn named(&self, object: &str, identity: &str) -> Result<Option<String>, EngineError> {
        let sql = "SELECT MIN(id) FROM named WHERE object = ?1 AND identity = ?2 HAVING COUNT(*) = 1";
        self.optional(sql, params![object, identity])
    }

    /// Records that another one stands for, after a line: line, key, winner's key.
    pub(crate) fn losers_after(&self, line: u64, limit: u32) -> Result<Vec<(u64, String, String)>, EngineError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT line, key, winner FROM losers WHERE line > ?1 ORDER BY line LIMIT ?2")?;
        let rows = statement
            .query_map(params![signed(line), limit], |row| Ok((unsigned(row.get(0)?), row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes records that another one stands for findable by that one.
    pub(crate) fn index_losers(&self) -> Result<(), EngineError> {
        Ok(self.connection.execute_batch("CREATE INDEX IF NOT EXISTS losers_by_winner ON losers(winner)")?)
    }

    /// Lines and keys of the records that a record stands for; needs [`Self::index_losers`].
    pub(crate) fn losers_of(&self, winner: &str) -> Result<Vec<(u64, String)>, EngineError> {
        let mut statement = self.connection.prepare_cached("SELECT line, key FROM losers WHERE winner = ?1")?;
        let rows = statement.query_map([winner], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds that the record of a line refers to a key.
    pub(crate) fn add_dependent(&self, parent: &str, line: u64) -> Result<(), EngineError> {
        self.insert("INSERT OR IGNORE INTO dependents(parent, line) VALUES(?1, ?2)", params![parent, signed(line)])
    }

    /// Lines whose records refer to a key.
    pub(crate) fn dependents(&self, parent: &str) -> Result<Vec<u64>, EngineError> {
        let mut statement = self.connection.prepare_cached("SELECT line FROM dependents WHERE parent = ?1")?;
        let rows = statement.query_map([parent], |row| row.get(0).map(unsigned))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn insert(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), EngineError> {
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    fn optional<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<T>, EngineError> {
        Ok(self.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
    }
}

// The export's rows pass through it.
pub(crate) fn private(path: &Path) -> Result<(), EngineError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop).map_err(|source| EngineError::File { path: path.display().to_string(), source })
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
