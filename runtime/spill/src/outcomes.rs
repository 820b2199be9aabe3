//! Spill database of outcomes that are noted and not carried out: outcomes by step and key, and what is to be said of records, by line.

use std::cell::RefCell;
use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use crate::SpillError;
use crate::database::Database;
use crate::error::Spilled as _;
use crate::numbers::{signed, unsigned, whole};
use crate::remembered::Remembered;

/// Outcomes and remarks by step. Steps, states, kinds and texts are the caller's.
#[derive(Debug)]
pub struct Outcomes {
    database: Database,
    remembered: RefCell<Remembered>,
}

/// Outcome of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOutcome {
    /// State, by the caller's number.
    pub state: i64,
    /// Id of the record.
    pub id: Option<String>,
    /// Line of the record.
    pub line: u64,
    /// Key of the record that it is merged into, or gives way to.
    pub survivor: Option<String>,
}

/// Group of records that share an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedValue {
    /// Place of the group among those of its step.
    pub place: i64,
    /// Number of the identity.
    pub path: usize,
    /// Value that the records share.
    pub value: String,
    /// Text of the records.
    pub members: String,
}

/// Record that meets another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Line of the record.
    pub line: u64,
    /// Key of the record.
    pub key: String,
    /// Name of what is done.
    pub action: String,
    /// The other record.
    pub other: String,
    /// Text of the changes.
    pub changes: String,
}

const FILE: &str = "forecast.db";

/// KiB of pages that stay in memory.
const CACHE: u32 = 8 * 1024;

const TABLES: &str = "
CREATE TABLE outcomes(step INTEGER NOT NULL, key TEXT NOT NULL, state INTEGER NOT NULL, line INTEGER NOT NULL, id TEXT, survivor TEXT, PRIMARY KEY(step, key)) WITHOUT ROWID;
CREATE TABLE remarks(step INTEGER NOT NULL, line INTEGER NOT NULL, place INTEGER NOT NULL, key TEXT NOT NULL, remark TEXT NOT NULL, PRIMARY KEY(step, line, place)) WITHOUT ROWID;
CREATE TABLE groups(step INTEGER NOT NULL, place INTEGER NOT NULL, path INTEGER NOT NULL, value TEXT NOT NULL, members TEXT NOT NULL, PRIMARY KEY(step, place)) WITHOUT ROWID;
CREATE TABLE coming(object TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(object, id)) WITHOUT ROWID;
CREATE TABLE coming_identities(object TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(object, name, value, id)) WITHOUT ROWID;
CREATE TABLE lost(step INTEGER NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL, changes TEXT NOT NULL, PRIMARY KEY(step, line, key)) WITHOUT ROWID;
CREATE TABLE met(step INTEGER NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL, action TEXT NOT NULL, other TEXT NOT NULL, changes TEXT NOT NULL, PRIMARY KEY(step, line, key)) WITHOUT ROWID;
";

impl Outcomes {
    /// An empty one in a folder.
    pub fn create(folder: &Path) -> Result<Self, SpillError> {
        let database = Database::create(folder, FILE, CACHE)?;
        database.connection.execute_batch(TABLES)?;
        Ok(Self { database, remembered: RefCell::default() })
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), SpillError> {
        self.database.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<T>, SpillError> {
        Ok(self.database.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
    }

    /// Notes the outcome of a key; the last one counts.
    pub fn set(&self, step: i64, key: &str, outcome: &KeyOutcome) -> Result<(), SpillError> {
        self.remembered.borrow_mut().set(step, key, outcome);
        let sql =
            "INSERT OR REPLACE INTO outcomes(step, key, state, line, id, survivor) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
        self.run(sql, params![step, key, outcome.state, signed(outcome.line), outcome.id, outcome.survivor])
    }

    /// Outcome of a key.
    pub fn get(&self, step: i64, key: &str) -> Result<Option<KeyOutcome>, SpillError> {
        if let Some(known) = self.remembered.borrow().get(step, key) {
            return Ok(Some(known));
        }
        let sql = "SELECT state, id, line, survivor FROM outcomes WHERE step = ?1 AND key = ?2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let found = statement.query_row(params![step, key], |row| {
            Ok(KeyOutcome { state: row.get(0)?, id: row.get(1)?, line: unsigned(row.get(2)?), survivor: row.get(3)? })
        });
        Ok(found.optional()?)
    }

    /// True where a key has an outcome.
    pub fn has(&self, step: i64, key: &str) -> Result<bool, SpillError> {
        let sql = "SELECT 1 FROM outcomes WHERE step = ?1 AND key = ?2";
        Ok(self.database.connection.prepare_cached(sql)?.exists(params![step, key])?)
    }

    /// Key of the record that has an id in a state of its own, and none that it is merged into.
    pub fn key_of(&self, id: &str, state: i64) -> Result<Option<String>, SpillError> {
        self.database.connection.execute_batch("CREATE INDEX IF NOT EXISTS outcomes_by_id ON outcomes(id)")?;
        let sql = "SELECT key FROM outcomes WHERE id = ?1 AND state = ?2 AND survivor IS NULL LIMIT 1";
        self.one(sql, params![id, state])
    }

    /// Step and key of a record that has an id, and none that it is merged into.
    pub fn holder_of(&self, id: &str) -> Result<Option<(i64, String)>, SpillError> {
        self.database.connection.execute_batch("CREATE INDEX IF NOT EXISTS outcomes_by_id ON outcomes(id)")?;
        let sql = "SELECT step, key FROM outcomes WHERE id = ?1 AND survivor IS NULL ORDER BY step, key LIMIT 1";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Steps and keys of the outcomes that hold together with one: those of the same id in any step; and in its own step the one that it gives way to, and those
    /// that give way to it.
    pub fn kin(&self, step: i64, key: &str, outcome: &KeyOutcome) -> Result<Vec<(i64, String)>, SpillError> {
        self.database.connection.execute_batch(
            "CREATE INDEX IF NOT EXISTS outcomes_by_id ON outcomes(id);
             CREATE INDEX IF NOT EXISTS outcomes_by_survivor ON outcomes(step, survivor) WHERE survivor IS NOT NULL;",
        )?;
        let sql = "SELECT step, key FROM outcomes WHERE id = ?1 \
                   UNION SELECT step, key FROM outcomes WHERE step = ?2 AND survivor IS NOT NULL AND survivor = ?3 \
                   UNION SELECT step, key FROM outcomes WHERE step = ?2 AND key = ?4 ORDER BY 1, 2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![outcome.id, step, key, outcome.survivor], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Calls for every key of a step with its line, in order of keys.
    pub fn keys(&self, step: i64, mut found: impl FnMut(&str, u64)) -> Result<(), SpillError> {
        let sql = "SELECT key, line FROM outcomes WHERE step = ?1";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let mut rows = statement.query([step])?;
        while let Some(row) = rows.next()? {
            found(row.get_ref(0)?.as_str().unwrap_or_default(), unsigned(row.get(1)?));
        }
        Ok(())
    }

    /// Calls for the line of every outcome of a step whose state is a number or a greater one.
    pub fn lines_from(&self, step: i64, state: i64, mut found: impl FnMut(u64)) -> Result<(), SpillError> {
        let sql = "SELECT line FROM outcomes WHERE step = ?1 AND state >= ?2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let mut rows = statement.query([step, state])?;
        while let Some(row) = rows.next()? {
            found(unsigned(row.get(0)?));
        }
        Ok(())
    }

    /// Outcomes of a step, counted by state.
    pub fn counts(&self, step: i64) -> Result<Vec<(i64, u64)>, SpillError> {
        let sql = "SELECT state, COUNT(*) FROM outcomes WHERE step = ?1 GROUP BY state";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map([step], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Notes the body that a record will have.
    pub fn set_coming(&self, object: &str, id: &str, body: &str) -> Result<(), SpillError> {
        self.run("INSERT OR REPLACE INTO coming(object, id, body) VALUES(?1, ?2, ?3)", params![object, id, body])
    }

    /// Body that a record will have.
    pub fn coming(&self, object: &str, id: &str) -> Result<Option<String>, SpillError> {
        self.one("SELECT body FROM coming WHERE object = ?1 AND id = ?2", params![object, id])
    }

    /// Notes an identity that a record will have, by its name.
    pub fn add_coming_identity(&self, object: &str, name: &str, value: &str, id: &str) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO coming_identities(object, name, value, id) VALUES(?1, ?2, ?3, ?4)";
        self.run(sql, params![object, name, value, id])
    }

    /// Removes a value of an identity that a record will not have.
    pub fn remove_coming_identity(&self, object: &str, name: &str, value: &str, id: &str) -> Result<(), SpillError> {
        let sql = "DELETE FROM coming_identities WHERE object = ?1 AND name = ?2 AND value = ?3 AND id = ?4";
        self.run(sql, params![object, name, value, id])
    }

    /// Calls for the values of an identity that records of an object will have: value and id.
    pub fn coming_identities<E: From<SpillError>>(
        &self,
        object: &str,
        name: &str,
        mut found: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT value, id FROM coming_identities WHERE object = ?1 AND name = ?2";
        let mut statement = self.database.connection.prepare_cached(sql).spilled()?;
        let mut rows = statement.query(params![object, name]).spilled()?;
        while let Some(row) = rows.next().spilled()? {
            let (value, id) = (row.get_ref(0).spilled()?, row.get_ref(1).spilled()?);
            found(value.as_str().unwrap_or_default(), id.as_str().unwrap_or_default())?;
        }
        Ok(())
    }

    /// Notes the values of a record that lost, as a text; the last one counts.
    pub fn set_lost(&self, step: i64, (line, key): (u64, &str), changes: &str) -> Result<(), SpillError> {
        let sql = "INSERT OR REPLACE INTO lost(step, line, key, changes) VALUES(?1, ?2, ?3, ?4)";
        self.run(sql, params![step, signed(line), key, changes])
    }

    /// Notes a group of records that share an identity; groups come back in order of their places.
    pub fn add_group(
        &self,
        step: i64,
        place: i64,
        path: usize,
        (value, members): (&str, &str),
    ) -> Result<(), SpillError> {
        let sql = "INSERT INTO groups(step, place, path, value, members) VALUES(?1, ?2, ?3, ?4, ?5)";
        self.run(sql, params![step, place, whole(path), value, members])
    }

    /// Groups of a step after a place, `most` of them at most, in order of places.
    pub fn groups(&self, step: i64, after: i64, most: usize) -> Result<Vec<SharedValue>, SpillError> {
        let sql =
            "SELECT place, path, value, members FROM groups WHERE step = ?1 AND place > ?2 ORDER BY place LIMIT ?3";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![step, after, whole(most)], |row| {
            let path = usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
            Ok(SharedValue { place: row.get(0)?, path, value: row.get(2)?, members: row.get(3)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Notes a remark on a record; those of a line come back in order of their places.
    pub fn add_remark(&self, step: i64, (line, key): (u64, &str), place: i64, remark: &str) -> Result<(), SpillError> {
        let sql = "INSERT INTO remarks(step, line, place, key, remark) VALUES(?1, ?2, ?3, ?4, ?5)";
        self.run(sql, params![step, signed(line), place, key, remark])
    }

    /// Remarks of a step after a line, in order of lines, those of `most` lines at most: line, key, remark.
    pub fn remarks(&self, step: i64, after: u64, most: usize) -> Result<Vec<(u64, String, String)>, SpillError> {
        let sql = "SELECT line, key, remark FROM remarks WHERE step = ?1 AND line IN \
                   (SELECT DISTINCT line FROM remarks WHERE step = ?1 AND line > ?2 ORDER BY line LIMIT ?3) ORDER BY line, place";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![step, signed(after), whole(most)], |row| {
            Ok((unsigned(row.get(0)?), row.get(1)?, row.get(2)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Notes that a record meets another; the last one counts.
    pub fn set_meeting(&self, step: i64, meeting: &Meeting) -> Result<(), SpillError> {
        let sql = "INSERT OR REPLACE INTO met(step, line, key, action, other, changes) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
        let Meeting { line, key, action, other, changes } = meeting;
        self.run(sql, params![step, signed(*line), key, action, other, changes])
    }

    /// Text of the changes of a record that meets another.
    pub fn changes(&self, step: i64, line: u64, key: &str) -> Result<Option<String>, SpillError> {
        let sql = "SELECT changes FROM met WHERE step = ?1 AND line = ?2 AND key = ?3";
        self.one(sql, params![step, signed(line), key])
    }

    /// Notes the changes of a record that meets another.
    pub fn set_changes(&self, step: i64, (line, key): (u64, &str), changes: &str) -> Result<(), SpillError> {
        let sql = "UPDATE met SET changes = ?4 WHERE step = ?1 AND line = ?2 AND key = ?3";
        self.run(sql, params![step, signed(line), key, changes])
    }

    /// Records of a step that meet others, after a line and key, in order of lines; the changes are those that lost where any did.
    pub fn meetings(&self, step: i64, after: (u64, &str), most: usize) -> Result<Vec<Meeting>, SpillError> {
        let sql = "SELECT line, key, action, other, coalesce(lost.changes, met.changes) FROM met LEFT JOIN lost USING (step, line, key) \
                   WHERE step = ?1 AND (line, key) > (?2, ?3) ORDER BY line, key LIMIT ?4";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![step, signed(after.0), after.1, whole(most)], |row| {
            Ok(Meeting {
                line: unsigned(row.get(0)?),
                key: row.get(1)?,
                action: row.get(2)?,
                other: row.get(3)?,
                changes: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
