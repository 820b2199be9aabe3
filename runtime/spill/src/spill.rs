//! Spill database of the walk that decides about records: tables of one stage, and the few that outlive it.

use std::path::Path;

use rusqlite::types::Value as SortValue;
use rusqlite::{OptionalExtension as _, params};

use crate::SpillError;
use crate::database::Database;
use crate::numbers::{signed, unsigned, whole};

/// Look-ups of a stage that memory should not hold.
#[derive(Debug)]
pub struct Spill {
    pub(crate) database: Database,
}

const FILE: &str = "work.db";

/// KiB of pages that stay in memory.
const CACHE: u32 = 8 * 1024;

// Rows are appended and sorted when they are asked for: a tree that is filled in random order would be read from the disk for every row.
const STAGE_TABLES: &str = "
DROP TABLE IF EXISTS keys; DROP TABLE IF EXISTS records; DROP TABLE IF EXISTS identities; DROP TABLE IF EXISTS edges;
DROP TABLE IF EXISTS distincts; DROP TABLE IF EXISTS existing; DROP TABLE IF EXISTS merging; DROP TABLE IF EXISTS losers;
DROP TABLE IF EXISTS doubles; DROP TABLE IF EXISTS rivals; DROP TABLE IF EXISTS kin; DROP TABLE IF EXISTS families; DROP TABLE IF EXISTS followers;
DROP TABLE IF EXISTS arcs; DROP TABLE IF EXISTS cuts; DROP TABLE IF EXISTS dependents; DROP TABLE IF EXISTS shadows;
DROP TABLE IF EXISTS holders; DROP TABLE IF EXISTS referrers; DROP TABLE IF EXISTS given_way;
CREATE TABLE shadows(path INTEGER NOT NULL, value TEXT NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL, sort);
CREATE TABLE dependents(parent TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(parent, line)) WITHOUT ROWID;
CREATE TABLE keys(line INTEGER PRIMARY KEY, key TEXT NOT NULL, digest INTEGER NOT NULL);
CREATE TABLE distincts(key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE records(line INTEGER PRIMARY KEY, key TEXT NOT NULL, sort);
CREATE TABLE identities(path INTEGER NOT NULL, value TEXT NOT NULL, line INTEGER NOT NULL);
CREATE TABLE edges(line INTEGER NOT NULL, parent TEXT NOT NULL, field INTEGER NOT NULL);
CREATE TABLE existing(path INTEGER NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE merging(leader INTEGER NOT NULL, line INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY(leader, line)) WITHOUT ROWID;
CREATE TABLE losers(line INTEGER PRIMARY KEY, key TEXT NOT NULL, winner TEXT NOT NULL);
CREATE TABLE holders(path INTEGER NOT NULL, value TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(path, value)) WITHOUT ROWID;
CREATE TABLE referrers(id TEXT PRIMARY KEY, by TEXT NOT NULL, field TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE given_way(line INTEGER PRIMARY KEY, key TEXT NOT NULL, kept INTEGER NOT NULL, is_double INTEGER NOT NULL, changes TEXT);
CREATE TABLE doubles(line INTEGER PRIMARY KEY, kept INTEGER NOT NULL);
CREATE TABLE rivals(first INTEGER NOT NULL, line INTEGER NOT NULL, sort, PRIMARY KEY(first, line)) WITHOUT ROWID;
CREATE TABLE kin(line INTEGER PRIMARY KEY, root INTEGER NOT NULL);
CREATE TABLE families(line INTEGER PRIMARY KEY, leader INTEGER NOT NULL, place INTEGER NOT NULL, last INTEGER NOT NULL, key TEXT NOT NULL);
CREATE INDEX families_by_leader ON families(leader, place);
CREATE TABLE followers(winner TEXT NOT NULL, line INTEGER NOT NULL, sort, PRIMARY KEY(winner, line)) WITHOUT ROWID;
CREATE TABLE arcs(line INTEGER NOT NULL, target INTEGER NOT NULL, field INTEGER NOT NULL, PRIMARY KEY(line, target, field)) WITHOUT ROWID;
CREATE TABLE cuts(line INTEGER NOT NULL, field INTEGER NOT NULL, target TEXT NOT NULL, drawn TEXT NOT NULL, PRIMARY KEY(line, field, target)) WITHOUT ROWID;
";

impl Spill {
    /// An empty spill in a folder.
    pub fn create(folder: &Path) -> Result<Self, SpillError> {
        let database = Database::create(folder, FILE, CACHE)?;
        database.connection.execute_batch(
            "CREATE TABLE referred(lookup INTEGER NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY(lookup, key)) WITHOUT ROWID;
             CREATE TABLE audited(path TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE named(object TEXT NOT NULL, identity TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(object, identity, id)) WITHOUT ROWID;",
        )?;
        let spill = Self { database };
        spill.begin_stage()?;
        Ok(spill)
    }

    /// Empties what belongs to one stage.
    pub fn begin_stage(&self) -> Result<(), SpillError> {
        Ok(self.database.connection.execute_batch(STAGE_TABLES)?)
    }

    /// Runs many inserts as one.
    pub fn together<T, E: From<SpillError>>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.database.connection.execute_batch("SAVEPOINT many").map_err(SpillError::from)?;
        let result = body();
        self.database.connection.execute_batch("RELEASE many").map_err(SpillError::from)?;
        result
    }

    /// Adds the key of a line; the first one of a line stays.
    pub fn add_key(&self, line: u64, key: &str, digest: u64) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO keys(line, key, digest) VALUES(?1, ?2, ?3)";
        self.insert(sql, params![signed(line), key, digest.cast_signed()])
    }

    /// Adds the hash that an audit found of a file; the last one counts.
    pub fn add_audited(&self, path: &str, hash: &str) -> Result<(), SpillError> {
        self.insert("INSERT OR REPLACE INTO audited(path, hash) VALUES(?1, ?2)", params![path, hash])
    }

    /// The hash that an audit found of a file.
    pub fn audited(&self, path: &str) -> Result<Option<String>, SpillError> {
        let sql = "SELECT hash FROM audited WHERE path = ?1";
        Ok(self.database.connection.prepare_cached(sql)?.query_row([path.trim()], |row| row.get(0)).optional()?)
    }

    /// Adds a value of a distinct stage; false where it was there.
    pub fn add_distinct(&self, key: &str) -> Result<bool, SpillError> {
        let mut statement =
            self.database.connection.prepare_cached("INSERT OR IGNORE INTO distincts(key) VALUES(?1)")?;
        Ok(statement.execute([key])? == 1)
    }

    /// Adds the record of a line with its key and what a policy sorts it by.
    pub fn add_record(&self, line: u64, key: &str, sort: &SortValue) -> Result<(), SpillError> {
        self.insert(
            "INSERT OR IGNORE INTO records(line, key, sort) VALUES(?1, ?2, ?3)",
            params![signed(line), key, sort],
        )
    }

    /// Adds the value of an identity of the record of a line.
    pub fn add_identity(&self, path: usize, value: &str, line: u64) -> Result<(), SpillError> {
        let path = whole(path);
        self.insert("INSERT INTO identities(path, value, line) VALUES(?1, ?2, ?3)", params![path, value, signed(line)])
    }

    /// Value of an identity that a line has; every value is looked at.
    pub fn identity_at(&self, path: usize, line: u64) -> Result<Option<String>, SpillError> {
        self.optional("SELECT value FROM identities WHERE path = ?1 AND line = ?2", params![whole(path), signed(line)])
    }

    /// Number of values that an identity has.
    pub fn count_identities(&self, path: usize) -> Result<u64, SpillError> {
        let sql = "SELECT COUNT(*) FROM identities WHERE path = ?1";
        Ok(self.optional::<i64>(sql, params![whole(path)])?.map_or(0, unsigned))
    }

    /// Makes identities findable by value.
    pub fn index_identities(&self) -> Result<(), SpillError> {
        Ok(self
            .database
            .connection
            .execute_batch("CREATE INDEX IF NOT EXISTS identities_by_value ON identities(path, value)")?)
    }

    /// Values of an identity after one of them, in order, each once; needs [`Self::index_identities`].
    pub fn identities_after(&self, path: usize, after: &str, limit: u32) -> Result<Vec<String>, SpillError> {
        let sql = "SELECT DISTINCT value FROM identities WHERE path = ?1 AND value > ?2 ORDER BY value LIMIT ?3";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![whole(path), after, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds a record of the destination by a value of an identity.
    pub fn add_existing(&self, path: usize, value: &str, id: &str, deleted: bool) -> Result<(), SpillError> {
        self.insert(
            "INSERT INTO existing(path, value, id, deleted) VALUES(?1, ?2, ?3, ?4)",
            params![whole(path), value, id, deleted],
        )
    }

    /// Adds that the record of a line is merged into, or gives way to, the one of another key.
    pub fn add_loser(&self, line: u64, key: &str, winner: &str) -> Result<(), SpillError> {
        self.insert(
            "INSERT OR IGNORE INTO losers(line, key, winner) VALUES(?1, ?2, ?3)",
            params![signed(line), key, winner],
        )
    }

    /// The records that one stands for follow another.
    pub fn follow_instead(&self, winner: &str, other: &str) -> Result<(), SpillError> {
        self.insert("UPDATE losers SET winner = ?2 WHERE winner = ?1", params![winner, other])
    }

    /// Adds the row of a line that is written as one with others.
    pub fn add_merging(&self, leader: u64, line: u64, record: &[u8]) -> Result<(), SpillError> {
        self.insert(
            "INSERT OR REPLACE INTO merging(leader, line, record) VALUES(?1, ?2, ?3)",
            params![signed(leader), signed(line), record],
        )
    }

    /// The row of a line that is written as one with others.
    pub fn merging(&self, leader: u64, line: u64) -> Result<Option<Vec<u8>>, SpillError> {
        self.optional(
            "SELECT record FROM merging WHERE leader = ?1 AND line = ?2",
            params![signed(leader), signed(line)],
        )
    }

    /// Adds a record that others refer to; the first of a key stays. False where it was not the first.
    pub fn add_referred(&self, lookup: usize, key: &str, record: &[u8]) -> Result<bool, SpillError> {
        let sql = "INSERT OR IGNORE INTO referred(lookup, key, record) VALUES(?1, ?2, ?3)";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        Ok(statement.execute(params![whole(lookup), key, record])? == 1)
    }

    /// Adds a further record of the same key: its line and source key.
    pub fn add_referred_again(&self, lookup: usize, key: &str, (line, source): (u64, &str)) -> Result<(), SpillError> {
        self.insert(
            "INSERT OR IGNORE INTO referred_again(lookup, key, line, source) VALUES(?1, ?2, ?3, ?4)",
            params![whole(lookup), key, signed(line), source],
        )
    }

    /// Lines and source keys of the further records of a key, at most a few dozen.
    pub fn referred_again(&self, lookup: usize, key: &str) -> Result<Vec<(u64, String)>, SpillError> {
        let sql = "SELECT line, source FROM referred_again WHERE lookup = ?1 AND key = ?2 ORDER BY line LIMIT 40";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![whole(lookup), key], |row| Ok((unsigned(row.get::<_, i64>(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The record that others refer to by a key.
    pub fn referred(&self, lookup: usize, key: &str) -> Result<Option<Vec<u8>>, SpillError> {
        self.optional("SELECT record FROM referred WHERE lookup = ?1 AND key = ?2", params![whole(lookup), key])
    }

    /// The key of a line.
    pub fn key(&self, line: u64) -> Result<Option<String>, SpillError> {
        self.optional("SELECT key FROM keys WHERE line = ?1", params![signed(line)])
    }

    /// The key and sort value of a line.
    pub fn record(&self, line: u64) -> Result<Option<(String, SortValue)>, SpillError> {
        Ok(self
            .database
            .connection
            .prepare_cached("SELECT key, sort FROM records WHERE line = ?1")?
            .query_row([signed(line)], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// Makes records findable by key.
    pub fn index_records(&self) -> Result<(), SpillError> {
        Ok(self.database.connection.execute_batch("CREATE INDEX IF NOT EXISTS records_by_key ON records(key)")?)
    }

    /// Makes existing records findable by identity.
    pub fn index_existing(&self) -> Result<(), SpillError> {
        Ok(self
            .database
            .connection
            .execute_batch("CREATE INDEX IF NOT EXISTS existing_by_value ON existing(path, value)")?)
    }

    /// Makes existing records findable by id.
    pub fn index_existing_by_id(&self) -> Result<(), SpillError> {
        let sql = "CREATE INDEX IF NOT EXISTS existing_by_id ON existing(id, path)";
        Ok(self.database.connection.execute_batch(sql)?)
    }

    /// True where a record of the destination is known to have a value of an identity; needs [`Self::index_existing_by_id`].
    pub fn existing_has(&self, path: usize, id: &str) -> Result<bool, SpillError> {
        self.optional("SELECT 1 FROM existing WHERE id = ?1 AND path = ?2 LIMIT 1", params![id, whole(path)])
            .map(|found: Option<i64>| found.is_some())
    }

    /// True where a record of the stage has a key; needs [`Self::index_records`].
    pub fn has_record(&self, key: &str) -> Result<bool, SpillError> {
        self.optional("SELECT 1 FROM records WHERE key = ?1 LIMIT 1", params![key])
            .map(|found: Option<i64>| found.is_some())
    }

    /// Takes a record out.
    pub fn remove_record(&self, line: u64) -> Result<(), SpillError> {
        self.insert("DELETE FROM records WHERE line = ?1", params![signed(line)])
    }

    /// Ids of the records of the destination that have an identity, and whether they lie in the trash.
    pub fn existing(&self, path: usize, value: &str) -> Result<Vec<(String, bool)>, SpillError> {
        let mut statement = self
            .database
            .connection
            .prepare_cached("SELECT id, deleted FROM existing WHERE path = ?1 AND value = ?2")?;
        let rows = statement.query_map(params![whole(path), value], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut found: Vec<(String, bool)> = rows.collect::<Result<_, _>>()?;
        found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        found.dedup();
        found.truncate(5);
        Ok(found)
    }

    /// Ids of records in the destination's trash that records of the stage match by one of the first identities, in order; needs [`Self::index_existing`].
    pub fn trashed_matches(&self, matching: usize) -> Result<Vec<String>, SpillError> {
        let sql = "SELECT DISTINCT existing.id FROM identities JOIN existing USING (path, value)
                   WHERE existing.deleted AND path < ?1 ORDER BY existing.id";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![whole(matching)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds that a record of the destination is referred to by another, in a field of that.
    pub fn add_referrer(&self, id: &str, by: &str, field: &str) -> Result<(), SpillError> {
        self.insert("INSERT OR IGNORE INTO referrers(id, by, field) VALUES(?1, ?2, ?3)", params![id, by, field])
    }

    /// The record that refers to a record of the destination, and its field.
    pub fn referrer(&self, id: &str) -> Result<Option<(String, String)>, SpillError> {
        let mut statement = self.database.connection.prepare_cached("SELECT by, field FROM referrers WHERE id = ?1")?;
        Ok(statement.query_row(params![id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Remembers a record of the destination that the plan may name by an identity.
    pub fn add_named(&self, object: &str, identity: &str, id: &str) -> Result<(), SpillError> {
        self.insert(
            "INSERT OR IGNORE INTO named(object, identity, id) VALUES(?1, ?2, ?3)",
            params![object, identity, id],
        )
    }

    /// The one record of the destination that has an identity; none where none has it, or several.
    pub fn named(&self, object: &str, identity: &str) -> Result<Option<String>, SpillError> {
        let sql = "SELECT MIN(id) FROM named WHERE object = ?1 AND identity = ?2 HAVING COUNT(*) = 1";
        self.optional(sql, params![object, identity])
    }

    /// Records that another one stands for, after a line: line, key, winner's key.
    pub fn losers_after(&self, line: u64, limit: u32) -> Result<Vec<(u64, String, String)>, SpillError> {
        let mut statement = self
            .database
            .connection
            .prepare_cached("SELECT line, key, winner FROM losers WHERE line > ?1 ORDER BY line LIMIT ?2")?;
        let rows = statement
            .query_map(params![signed(line), limit], |row| Ok((unsigned(row.get(0)?), row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes records that another one stands for findable by that one.
    pub fn index_losers(&self) -> Result<(), SpillError> {
        Ok(self.database.connection.execute_batch("CREATE INDEX IF NOT EXISTS losers_by_winner ON losers(winner)")?)
    }

    /// Lines and keys of the records that a record stands for; needs [`Self::index_losers`].
    pub fn losers_of(&self, winner: &str) -> Result<Vec<(u64, String)>, SpillError> {
        let mut statement =
            self.database.connection.prepare_cached("SELECT line, key FROM losers WHERE winner = ?1")?;
        let rows = statement.query_map([winner], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds that the record of a line refers to a key.
    pub fn add_dependent(&self, parent: &str, line: u64) -> Result<(), SpillError> {
        self.insert("INSERT OR IGNORE INTO dependents(parent, line) VALUES(?1, ?2)", params![parent, signed(line)])
    }

    /// Lines whose records refer to a key.
    pub fn dependents(&self, parent: &str) -> Result<Vec<u64>, SpillError> {
        let mut statement = self.database.connection.prepare_cached("SELECT line FROM dependents WHERE parent = ?1")?;
        let rows = statement.query_map([parent], |row| row.get(0).map(unsigned))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn insert(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), SpillError> {
        self.database.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    pub(crate) fn optional<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<T>, SpillError> {
        Ok(self.database.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
    }
}
