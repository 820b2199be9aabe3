//! Remarks on single records, one at a time.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::error::Attempt as _;
use crate::fold::line;
use crate::writer::signed;
use crate::{JournalError, OwnerNote, schema};

/// Why a record is in quarantine; one per failing field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The step.
    pub step: String,
    /// The source key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record.
    pub line: u64,
    /// The destination field, where one is to blame.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
    /// Code of the reason, where the journal has it.
    pub code: Option<String>,
}

/// A record that stayed behind by a written rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The step.
    pub step: String,
    /// The record's key.
    pub key: String,
    /// The line of the export.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// Code of the reason, where the journal has it.
    pub code: Option<String>,
}

/// A value that a written rule left out or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The step.
    pub step: String,
    /// The record's key.
    pub key: String,
    /// The file of the export.
    pub file: String,
    /// Line of the record.
    pub line: u64,
    /// The destination field.
    pub field: String,
    /// Reason, with what was done.
    pub reason: String,
    /// Code of the reason, where the journal has it.
    pub code: Option<String>,
}

/// A file that a record of the export names, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The step that looked at the record.
    pub step: String,
    /// The record's source key.
    pub key: String,
    /// The file of the export that names it.
    pub file: String,
    /// The line there.
    pub line: u64,
    /// The source column.
    pub column: String,
    /// The cell as it may be shown.
    pub path: String,
    /// `found`, `to_fetch`, `link_only`, `missing`, `refused`, `too_large`.
    pub state: String,
    /// Length of the file in bytes, where it is known.
    pub bytes: Option<u64>,
    /// Why it was not sent, where it is the file's own fault.
    pub reason: Option<String>,
    /// `blake3:` and the hash of the bytes that were sent with its record; absent: it was not sent.
    pub hash: Option<String>,
}

/// A record whose owner has no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphaned {
    /// The source owner.
    pub owner: String,
    /// User who got the record; absent: no user.
    pub assigned: Option<String>,
    /// The step.
    pub step: String,
    /// The record's key.
    pub key: String,
    /// The destination field.
    pub field: String,
    /// The line of the export.
    pub line: u64,
}

/// Remark on one record, or one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Record that was quarantined.
    Quarantined(Quarantined),
    /// Record that stayed behind.
    Skipped(Skipped),
    /// A value of it was left out or replaced.
    Repaired(Repaired),
    /// A file that it names.
    Filed(Filed),
    /// Record whose owner has no user.
    Orphaned(Orphaned),
    /// Source owner as it was resolved.
    Owner(OwnerNote),
}

// None of these holds more than a row in memory: where an order is not that of an index, SQLite sorts in a file.
const QUARANTINED: &str = "SELECT steps.name, source_key, file, line, field, reason, CODE FROM quarantine JOIN steps ON steps.id = step \
     ORDER BY step, file, line, field, quarantine.id";
const SKIPPED: &str = "SELECT steps.name, skips.key, COALESCE(id_map.line, 0), reason, CODE FROM skips JOIN steps ON steps.id = skips.step \
     LEFT JOIN id_map ON id_map.step = skips.step AND id_map.key = skips.key ORDER BY skips.step, 3, skips.id";
const REPAIRED: &str = "SELECT steps.name, key, file, line, field, reason, CODE FROM repairs JOIN steps ON steps.id = step ORDER BY step, line, field, reason";
/// A file is sent before its record is written; it counts once the record is.
macro_rules! filed {
    ($rest:literal) => {
        concat!(
            "SELECT steps.name, files.key, file, files.line, field, path, files.state, bytes, reason, ",
            "CASE WHEN written.key IS NOT NULL THEN hash END FROM files CROSS JOIN steps ON steps.id = files.step ",
            "LEFT JOIN id_map AS written ON written.step = sent_by AND written.key = files.key AND written.state IN (1, 2) ",
            $rest
        )
    };
}
const FILED: &str = filed!("ORDER BY file, files.line, field");
const FILE: &str = filed!("WHERE file = ?1 AND files.line = ?2 AND field = ?3");
const ORPHANED: &str = "SELECT orphans.owner, steps.name, orphans.key, orphans.field, orphans.line, owners.destination FROM orphans \
     CROSS JOIN steps ON steps.id = orphans.step LEFT JOIN owners ON owners.source = orphans.owner \
     ORDER BY orphans.owner, orphans.step, orphans.key, orphans.field";
const OWNERS: &str = "SELECT source, destination, id, how FROM owners ORDER BY source";

/// The question for a file that has codes of reasons, or for an older one that has none.
fn coded(sql: &str, connection: &Connection) -> Result<String, JournalError> {
    let column = if schema::knows_codes(connection)? { "code" } else { "NULL" };
    Ok(sql.replace("CODE", column))
}

/// Hands on every remark, one at a time: records quarantined, skipped, repaired, files, orphans, then owners; each kind in its order.
pub(crate) fn each<E: From<JournalError>>(
    connection: &Connection,
    take: &mut dyn FnMut(Remark) -> Result<(), E>,
) -> Result<(), E> {
    quarantined(connection, take)?;
    rows(connection, &coded(SKIPPED, connection)?, take, |row| {
        Ok(Remark::Skipped(Skipped {
            step: row.get(0)?,
            key: row.get(1)?,
            line: line(row, 2)?,
            reason: row.get(3)?,
            code: row.get(4)?,
        }))
    })?;
    let column = if schema::knows_codes_of_notes(connection)? { "code" } else { "NULL" };
    rows(connection, &REPAIRED.replace("CODE", column), take, |row| {
        Ok(Remark::Repaired(Repaired {
            step: row.get(0)?,
            key: row.get(1)?,
            file: row.get(2)?,
            line: line(row, 3)?,
            field: row.get(4)?,
            reason: row.get(5)?,
            code: row.get(6)?,
        }))
    })?;
    rows(connection, FILED, take, |row| filed(row).map(Remark::Filed))?;
    rows(connection, ORPHANED, take, |row| {
        Ok(Remark::Orphaned(Orphaned {
            owner: row.get(0)?,
            step: row.get(1)?,
            key: row.get(2)?,
            field: row.get(3)?,
            line: line(row, 4)?,
            assigned: row.get(5)?,
        }))
    })?;
    rows(connection, OWNERS, take, |row| {
        Ok(Remark::Owner(OwnerNote {
            source: row.get(0)?,
            destination: row.get(1)?,
            id: row.get(2)?,
            how: row.get(3)?,
        }))
    })
}

/// Hands on every reason for quarantine.
pub(crate) fn quarantined<E: From<JournalError>>(
    connection: &Connection,
    take: &mut dyn FnMut(Remark) -> Result<(), E>,
) -> Result<(), E> {
    rows(connection, &coded(QUARANTINED, connection)?, take, |row| {
        Ok(Remark::Quarantined(Quarantined {
            step: row.get(0)?,
            key: row.get(1)?,
            file: row.get(2)?,
            line: line(row, 3)?,
            field: row.get(4)?,
            reason: row.get(5)?,
            code: row.get(6)?,
        }))
    })
}

impl Filed {
    /// True where the file was sent with its record.
    pub fn is_sent(&self) -> bool {
        self.hash.is_some()
    }
}

/// A row of the columns that [`FILED`] asks for.
fn filed(row: &Row<'_>) -> rusqlite::Result<Filed> {
    Ok(Filed {
        step: row.get(0)?,
        key: row.get(1)?,
        file: row.get(2)?,
        line: line(row, 3)?,
        column: row.get(4)?,
        path: row.get(5)?,
        state: row.get(6)?,
        bytes: row.get::<_, Option<i64>>(7)?.and_then(|bytes| u64::try_from(bytes).ok()),
        reason: row.get(8)?,
        hash: row.get(9)?,
    })
}

/// The file that a record's column names.
pub(crate) fn file(
    connection: &Connection,
    file: &str,
    line: u64,
    column: &str,
) -> Result<Option<Filed>, JournalError> {
    connection
        .prepare_cached(FILE)
        .and_then(|mut statement| statement.query_row(params![file, signed(line), column], filed).optional())
        .attempting("read")
}

fn rows<E: From<JournalError>>(
    connection: &Connection,
    sql: &str,
    take: &mut dyn FnMut(Remark) -> Result<(), E>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Remark>,
) -> Result<(), E> {
    let mut statement = connection.prepare_cached(sql).attempting("read")?;
    let mut rows = statement.query([]).attempting("read")?;
    while let Some(row) = rows.next().attempting("read")? {
        take(read(row).attempting("read")?)?;
    }
    Ok(())
}
