//! The layout of the file, and how it is opened.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _};

use crate::error::Attempt as _;
use crate::{JournalError, Workspace};

/// The version of the file's layout.
pub(crate) const FORMAT: u32 = 3;

// Entries are appended; everything else follows from them. `id_map`, `orphans` and `files` are written in source order, which keeps a tree from splitting at
// random. The data of an entry is JSON; that of an intent is bytes (`codec`). `writes` has the numbers of the entries that tell what was written.
const TABLES: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries(
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, plan INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, step INTEGER, data NOT NULL,
  hash BLOB NOT NULL);
CREATE TABLE plans(id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE fields(step INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(step, number)) WITHOUT ROWID;
CREATE TABLE runs(id INTEGER PRIMARY KEY, command TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, result TEXT);
CREATE TABLE steps(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, object TEXT NOT NULL, records INTEGER, done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE id_map(
  step INTEGER NOT NULL, key TEXT NOT NULL, state INTEGER NOT NULL, id, line INTEGER NOT NULL, winner TEXT, parent TEXT, writes BLOB,
  PRIMARY KEY(step, key)) WITHOUT ROWID;
CREATE TABLE open_intents(batch INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE quarantine(
  id INTEGER PRIMARY KEY, step INTEGER NOT NULL, key TEXT NOT NULL, source_key TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, field TEXT,
  reason TEXT NOT NULL, code TEXT);
CREATE INDEX quarantine_of ON quarantine(step, key);
CREATE TABLE skips(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, code TEXT);
CREATE TABLE repairs(
  id INTEGER PRIMARY KEY, step INTEGER NOT NULL, key TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, field TEXT NOT NULL, reason TEXT NOT NULL, code TEXT,
  UNIQUE(step, key, field, reason));
CREATE TABLE files(
  file TEXT NOT NULL, line INTEGER NOT NULL, field TEXT NOT NULL, step INTEGER NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL,
  bytes INTEGER, reason TEXT, sent_by INTEGER, hash TEXT, PRIMARY KEY(file, line, field)) WITHOUT ROWID;
CREATE TABLE orphans(
  step INTEGER NOT NULL, key TEXT NOT NULL, field TEXT NOT NULL, owner TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(step, key, field, owner)) WITHOUT ROWID;
CREATE TABLE owners(source TEXT PRIMARY KEY, destination TEXT, id TEXT, how TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE before_images(
  seq INTEGER PRIMARY KEY, step INTEGER NOT NULL, key TEXT NOT NULL, id, operation TEXT NOT NULL, image TEXT NOT NULL, written TEXT NOT NULL,
  UNIQUE(step, id, operation));
CREATE TABLE setup(position INTEGER PRIMARY KEY, action TEXT NOT NULL, outcome TEXT NOT NULL, undo TEXT NOT NULL);
CREATE TABLE findings(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// Lays the tables out in an empty file.
pub(crate) fn create(connection: &Connection) -> Result<(), JournalError> {
    connection.execute_batch(TABLES).attempting("begun")
}

/// Adds what an older file of this format lacks: what makes questions quick, codes of reasons, and the list of records that the export has no more.
pub(crate) fn complete(connection: &Connection) -> Result<(), JournalError> {
    if !knows_codes(connection)? {
        connection
            .execute_batch("ALTER TABLE quarantine ADD COLUMN code TEXT; ALTER TABLE skips ADD COLUMN code TEXT;")
            .attempting("opened")?;
    }
    if !knows_codes_of_notes(connection)? {
        connection.execute_batch("ALTER TABLE repairs ADD COLUMN code TEXT;").attempting("opened")?;
    }
    connection
        .execute_batch(
            "CREATE INDEX IF NOT EXISTS skips_of ON skips(step, key); \
             CREATE INDEX IF NOT EXISTS before_images_of ON before_images(step, key); \
             CREATE TABLE IF NOT EXISTS vanished(step INTEGER NOT NULL, key TEXT NOT NULL, fate TEXT NOT NULL, PRIMARY KEY(step, key)) WITHOUT ROWID;",
        )
        .attempting("opened")
}

/// Settings of a connection that writes.
pub(crate) fn prepare_writer(connection: &Connection) -> Result<(), JournalError> {
    connection
        .execute_batch(
            "PRAGMA page_size=2048; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=16000; \
             PRAGMA cache_size=-8192; PRAGMA busy_timeout=5000; PRAGMA temp_store=MEMORY;",
        )
        .attempting("opened")?;
    prepare_once(connection)
}

/// Statements stay prepared whatever values are bound to them: with the bundled build SQLite would compile many of them anew each time.
fn prepare_once(connection: &Connection) -> Result<(), JournalError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop).attempting("opened")
}

/// Settings of a connection that reads.
pub(crate) fn prepare_reader(connection: &Connection) -> Result<(), JournalError> {
    connection
        .execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA busy_timeout=5000;")
        .attempting("opened")?;
    connection.set_prepared_statement_cache_capacity(32);
    prepare_once(connection)
}

/// Nothing was laid out yet.
pub(crate) fn is_empty(connection: &Connection) -> Result<bool, JournalError> {
    connection.query_row("SELECT COUNT(*) = 0 FROM sqlite_schema", [], |row| row.get(0)).attempting("opened")
}

/// A remark about the whole journal; empty where there is none.
pub(crate) fn meta(connection: &Connection, name: &str) -> Result<String, JournalError> {
    connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
        .attempting("read")
}

/// The number of the plan that the last entry belongs to.
pub(crate) fn current_plan(connection: &Connection) -> Result<Option<i64>, JournalError> {
    connection
        .query_row("SELECT plan FROM entries ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
        .optional()
        .attempting("read")
}

/// The hash of that plan.
pub(crate) fn plan_hash(connection: &Connection) -> Result<String, JournalError> {
    let Some(plan) = current_plan(connection)? else { return meta(connection, "plan") };
    connection.query_row("SELECT hash FROM plans WHERE id = ?1", [plan], |row| row.get(0)).attempting("read")
}

/// True where the file has the list of records that the export has no more: a reader may come before the first writer.
pub(crate) fn knows_vanished(connection: &Connection) -> Result<bool, JournalError> {
    connection
        .query_row("SELECT COUNT(*) = 1 FROM sqlite_schema WHERE name = 'vanished'", [], |row| row.get(0))
        .attempting("read")
}

/// True where the file has the codes of reasons, which an older one of this format lacks.
pub(crate) fn knows_codes(connection: &Connection) -> Result<bool, JournalError> {
    connection
        .query_row("SELECT COUNT(*) = 1 FROM pragma_table_info('skips') WHERE name = 'code'", [], |row| row.get(0))
        .attempting("read")
}

/// True where the file has the codes of remarks on written records, which an older one of this format lacks.
pub(crate) fn knows_codes_of_notes(connection: &Connection) -> Result<bool, JournalError> {
    connection
        .query_row("SELECT COUNT(*) = 1 FROM pragma_table_info('repairs') WHERE name = 'code'", [], |row| row.get(0))
        .attempting("read")
}

/// The workspace that the journal is bound to; none before anything was written there.
pub(crate) fn workspace(connection: &Connection) -> Result<Option<Workspace>, JournalError> {
    let text = meta(connection, "workspace")?;
    if text.is_empty() {
        return Ok(None);
    }
    let unreadable = |error: serde_json::Error| JournalError::Entry { seq: 0, reason: error.to_string() };
    serde_json::from_str(&text).map(Some).map_err(unreadable)
}

/// The file is a journal of this program's format.
pub(crate) fn check_format(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let known: bool = connection
        .query_row("SELECT COUNT(*) = 1 FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))
        .attempting("opened")?;
    let found = if known { meta(connection, "format")? } else { "unknown".to_owned() };
    if found == FORMAT.to_string() {
        Ok(())
    } else {
        Err(JournalError::Format { path: path.to_owned(), found, wanted: FORMAT })
    }
}
