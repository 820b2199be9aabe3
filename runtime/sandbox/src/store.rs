//! The state in SQLite: records as sparse JSON, with tables for unique values and links beside them.

use std::path::Path;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde_json::{Map, Value};

use crate::SandboxError;

const LAYOUT: &str = "
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects(name TEXT PRIMARY KEY, place INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records(
  object TEXT NOT NULL, id TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, deleted TEXT,
  kept INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(object, id));
CREATE INDEX IF NOT EXISTS live ON records(object, deleted, id);
CREATE TABLE IF NOT EXISTS uniques(
  path TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(path, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links(
  link TEXT NOT NULL, target TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(link, target, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, mime TEXT NOT NULL, size INTEGER NOT NULL, complete INTEGER NOT NULL,
  attached INTEGER NOT NULL, content BLOB NOT NULL);
";

/// One record as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The record's id.
    pub(crate) id: String,
    /// `createdAt`.
    pub(crate) created: String,
    /// `updatedAt`.
    pub(crate) updated: String,
    /// `deletedAt`; a value means that the record is in the trash.
    pub(crate) deleted: Option<String>,
    /// True where `created` was given by a client and not by the clock.
    pub(crate) kept: bool,
    /// The other values; an absent one is null.
    pub(crate) body: Map<String, Value>,
}

/// The database.
#[derive(Debug)]
pub(crate) struct Store {
    db: Connection,
}

const COLUMNS: &str = "r.id, r.created, r.updated, r.deleted, r.kept, r.body";

fn row(found: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let body: String = found.get(5)?;
    let body = serde_json::from_str(&body)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(Row {
        id: found.get(0)?,
        created: found.get(1)?,
        updated: found.get(2)?,
        deleted: found.get(3)?,
        kept: found.get(4)?,
        body,
    })
}

/// Makes a file that is not there its owner's alone: it keeps what it is sent, personal data too. Where that fails, so does to open it, which is told.
fn private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    drop(options.open(path));
}

impl Store {
    /// The database in this file, or in memory, made if it is new; one that was made for another version is refused.
    pub(crate) fn open(path: Option<&Path>, version: &str) -> Result<Self, SandboxError> {
        let db = match path {
            Some(path) => {
                private(path);
                Connection::open(path)?
            }
            None => Connection::open_in_memory()?,
        };
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.pragma_update(None, "cache_size", -65_536)?;
        db.set_prepared_statement_cache_capacity(64);
        db.execute_batch(LAYOUT)?;
        let store = Self { db };
        match store.meta("version")? {
            Some(found) if found != version => {
                return Err(SandboxError::Version { found, asked: version.to_owned() });
            }
            Some(_) => {}
            None => store.set_meta("version", version)?,
        }
        Ok(store)
    }

    /// A setting of this state.
    pub(crate) fn meta(&self, key: &str) -> rusqlite::Result<Option<String>> {
        self.db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |found| found.get(0)).optional()
    }

    /// Keeps a setting.
    pub(crate) fn set_meta(&self, key: &str, value: &str) -> rusqlite::Result<()> {
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value]).map(drop)
    }

    /// Runs statements without parameters: savepoints.
    pub(crate) fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.db.execute_batch(sql)
    }

    /// Undoes a change that a panic left unfinished.
    pub(crate) fn undo_unfinished(&self) -> rusqlite::Result<()> {
        if self.db.is_autocommit() { Ok(()) } else { self.run("ROLLBACK") }
    }

    /// The record of this id, in the trash or not.
    pub(crate) fn get(&self, object: &str, id: &str) -> rusqlite::Result<Option<Row>> {
        let sql = format!("SELECT {COLUMNS} FROM records r WHERE r.object = ?1 AND r.id = ?2");
        self.db.prepare_cached(&sql)?.query_row([object, id], row).optional()
    }

    /// True where there is such a record, in the trash or not.
    pub(crate) fn exists(&self, object: &str, id: &str) -> rusqlite::Result<bool> {
        self.db.prepare_cached("SELECT 1 FROM records WHERE object = ?1 AND id = ?2")?.exists([object, id])
    }

    /// The records for which `condition` (and order and limit after it) holds.
    pub(crate) fn select(&self, object: &str, condition: &str, values: &[Sql]) -> rusqlite::Result<Vec<Row>> {
        let sql = format!("SELECT {COLUMNS} FROM records r WHERE r.object = ? AND {condition}");
        let all = std::iter::once(Sql::Text(object.to_owned())).chain(values.iter().cloned());
        let mut statement = self.db.prepare_cached(&sql)?;
        statement.query_map(params_from_iter(all), row)?.collect()
    }

    /// Number of records that meet `condition`.
    pub(crate) fn count(&self, object: &str, condition: &str, values: &[Sql]) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM records r WHERE r.object = ? AND {condition}");
        let all = std::iter::once(Sql::Text(object.to_owned())).chain(values.iter().cloned());
        let count: i64 = self.db.prepare_cached(&sql)?.query_row(params_from_iter(all), |found| found.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Puts a record in; `false` if its id is taken.
    pub(crate) fn insert(&self, object: &str, row: &Row) -> rusqlite::Result<bool> {
        let body = Value::Object(row.body.clone()).to_string();
        let sql = "INSERT OR IGNORE INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut statement = self.db.prepare_cached(sql)?;
        let values = params![object, row.id, row.created, row.updated, row.deleted, row.kept, body];
        Ok(statement.execute(values)? == 1)
    }

    /// Overwrites a record.
    pub(crate) fn update(&self, object: &str, row: &Row) -> rusqlite::Result<()> {
        let body = Value::Object(row.body.clone()).to_string();
        let sql = "UPDATE records SET created = ?3, updated = ?4, deleted = ?5, kept = ?6, body = ?7
                   WHERE object = ?1 AND id = ?2";
        let mut statement = self.db.prepare_cached(sql)?;
        statement.execute(params![object, row.id, row.created, row.updated, row.deleted, row.kept, body]).map(drop)
    }

    /// Takes a record out.
    pub(crate) fn delete(&self, object: &str, id: &str) -> rusqlite::Result<()> {
        self.db.prepare_cached("DELETE FROM records WHERE object = ?1 AND id = ?2")?.execute([object, id]).map(drop)
    }

    /// Claims a unique value; `false` if another record has it.
    pub(crate) fn claim(&self, path: &str, value: &str, id: &str) -> rusqlite::Result<bool> {
        let mut statement = self.db.prepare_cached("INSERT OR IGNORE INTO uniques VALUES (?1, ?2, ?3)")?;
        Ok(statement.execute([path, value, id])? == 1)
    }

    /// Gives a unique value up.
    pub(crate) fn release(&self, path: &str, value: &str) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached("DELETE FROM uniques WHERE path = ?1 AND value = ?2")?;
        statement.execute([path, value]).map(drop)
    }

    /// The record that has a unique value.
    pub(crate) fn holder(&self, path: &str, value: &str) -> rusqlite::Result<Option<String>> {
        let mut statement = self.db.prepare_cached("SELECT id FROM uniques WHERE path = ?1 AND value = ?2")?;
        statement.query_row([path, value], |found| found.get(0)).optional()
    }

    /// Notes that a record points at another.
    pub(crate) fn link(&self, link: &str, target: &str, id: &str) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached("INSERT OR IGNORE INTO links VALUES (?1, ?2, ?3)")?;
        statement.execute([link, target, id]).map(drop)
    }

    /// Forgets that a record points at another.
    pub(crate) fn unlink(&self, link: &str, target: &str, id: &str) -> rusqlite::Result<()> {
        let sql = "DELETE FROM links WHERE link = ?1 AND target = ?2 AND id = ?3";
        self.db.prepare_cached(sql)?.execute([link, target, id]).map(drop)
    }

    /// The records that point at `target` by `link`.
    pub(crate) fn linked(&self, link: &str, target: &str) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.db.prepare_cached("SELECT id FROM links WHERE link = ?1 AND target = ?2")?;
        statement.query_map([link, target], |found| found.get(0))?.collect()
    }

    /// The connection, for the files and the fingerprint.
    pub(crate) fn database(&self) -> &Connection {
        &self.db
    }
}
