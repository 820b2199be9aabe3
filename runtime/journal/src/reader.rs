//! Questions to a journal.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::audit;
use crate::chain::{self, ChainReport};
use crate::error::Attempt as _;
use crate::fold::line;
use crate::ids::{IdColumn, KeyColumn, StoredKey};
use crate::writer::id_column;
use crate::{
    BatchId, BeforeImage, FieldDigests, Filed, Fold, Intent, JournalError, Line, Lines, Operation, OwnerNote, Remark,
    RepairNote, SetupNote, State, StepId, Workspace, codec, fold, lock, remarks, schema, writes,
};

/// Knowledge of a journal about one source key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// State in which the record ended.
    pub state: State,
    /// The destination id; absent for what is not there.
    pub id: Option<String>,
    /// The line of the export.
    pub line: u64,
    /// The key of the record that stands for it.
    pub winner: Option<String>,
    /// The id of the record that it lives under, where the destination asks for it.
    pub parent: Option<String>,
}

/// A row of the map of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedRow {
    /// The key.
    pub key: String,
    /// Knowledge about the key.
    pub mapped: Mapped,
}

/// The moment of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastWritten {
    /// The run that wrote it.
    pub run: i64,
    /// When, in milliseconds of Unix time.
    pub at: i64,
}

/// A step of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// Number of the step in the journal.
    pub id: StepId,
    /// Name of the step.
    pub name: String,
    /// The destination object.
    pub object: String,
}

/// A field of a record of which something was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedField {
    /// The destination field.
    pub field: String,
    /// True where the owner has no user; else a value was left out or replaced.
    pub is_orphan: bool,
}

/// Reason why a record is in quarantine or skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordReason {
    /// Code of the reason; absent in a journal of before there were codes.
    pub code: Option<String>,
    /// The destination field, where one is to blame.
    pub field: Option<String>,
    /// In words.
    pub reason: String,
}

impl std::fmt::Display for RecordReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// Kind of a remark on a written record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteKind<'k> {
    /// Code of its remarks.
    pub code: &'k str,
    /// First words of those that were noted before there were codes.
    pub start: &'k str,
}

/// Reads a journal, beside its writer or without one.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens a journal that is there.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let seal = lock::noted(path);
        seal.check_presence(path)?;
        if !path.exists() {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        let connection = Connection::open(path).attempting("opened")?;
        schema::prepare_reader(&connection)?;
        if schema::is_empty(&connection)? {
            // A writer that was killed before it laid anything out has begun no journal.
            seal.check_unwritten(path, "it is empty")?;
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        schema::check_format(&connection, path)?;
        Ok(Self { connection })
    }

    /// The same, but refuses a file that was changed since its writer closed it.
    pub fn open_sound(path: &Path) -> Result<Self, JournalError> {
        lock::noted(path).check_at_rest(path)?;
        Self::open(path)
    }

    /// A copy of the journal as it is now, for what is only tried: nothing of it is anybody's journal. What is at the place gives way.
    pub fn copy_to(&self, path: &Path) -> Result<(), JournalError> {
        let failed = |source| JournalError::File { path: path.to_owned(), source };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => lock::private(path).map_err(failed)?,
        };
        // A connection that only reads may not write to another file either.
        let connection = Connection::open(self.connection.path().unwrap_or_default()).attempting("opened")?;
        connection.execute("VACUUM INTO ?1", [path.to_string_lossy()]).attempting("copied")?;
        Ok(())
    }

    /// Another connection to the same journal.
    pub fn another(&self) -> Result<Self, JournalError> {
        Self::open(Path::new(self.connection.path().unwrap_or_default()))
    }

    /// The hash of the plan that it was last used with.
    pub fn plan_hash(&self) -> Result<String, JournalError> {
        schema::plan_hash(&self.connection)
    }

    /// The name of the migration it belongs to.
    pub fn migration(&self) -> Result<String, JournalError> {
        schema::meta(&self.connection, "migration")
    }

    /// The workspace that it is bound to; none before anything was written there.
    pub fn workspace(&self) -> Result<Option<Workspace>, JournalError> {
        schema::workspace(&self.connection)
    }

    /// Refuses another workspace than the one that the journal is bound to; one that is bound to none takes any.
    pub fn check_workspace(&self, workspace: &Workspace) -> Result<(), JournalError> {
        let path = Path::new(self.connection.path().unwrap_or_default());
        self.workspace()?.map_or(Ok(()), |bound| workspace.check(&bound, path))
    }

    /// The text of the plan of a hash; none where it was not kept.
    pub fn plan_text(&self, hash: &str) -> Result<Option<String>, JournalError> {
        self.connection
            .query_row("SELECT text FROM plans WHERE hash = ?1 AND text <> ''", [hash], |row| row.get(0))
            .optional()
            .attempting("read")
    }

    /// The hashes of the plans that it was used with, by the numbers that its entries name them by.
    pub fn plans(&self) -> Result<Vec<(i64, String)>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, hash FROM plans ORDER BY id").attempting("read")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// The fate of a record of a step that the export has no more; none of one that it has.
    pub fn fate(&self, step: StepId, key: &str) -> Result<Option<String>, JournalError> {
        if !schema::knows_vanished(&self.connection)? {
            return Ok(None);
        }
        self.connection
            .prepare_cached("SELECT fate FROM vanished WHERE step = ?1 AND key = ?2")
            .and_then(|mut statement| statement.query_row(params![step.0, key], |row| row.get(0)).optional())
            .attempting("read")
    }

    /// Keys of a step's records that the export has no more, with their fates, after a key and in order.
    pub fn vanished_after(
        &self,
        step: StepId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, JournalError> {
        if !schema::knows_vanished(&self.connection)? {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT key, fate FROM vanished WHERE step = ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql).attempting("read")?;
        let rows = statement
            .query_map(params![step.0, after, limit], |row| Ok((row.get(0)?, row.get(1)?)))
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// Number of a step's records that the export has no more, of one fate.
    pub fn count_vanished(&self, step: StepId, fate: &str) -> Result<u64, JournalError> {
        if !schema::knows_vanished(&self.connection)? {
            return Ok(0);
        }
        self.connection
            .query_row("SELECT COUNT(*) FROM vanished WHERE step = ?1 AND fate = ?2", params![step.0, fate], |row| {
                line(row, 0)
            })
            .attempting("read")
    }

    /// Numbers of the entries that tell what was written to a record of a step.
    pub(crate) fn writes(&self, step: StepId, key: &str) -> Result<Vec<i64>, JournalError> {
        let writes: Option<Option<Vec<u8>>> = self
            .connection
            .prepare_cached("SELECT writes FROM id_map WHERE step = ?1 AND key = ?2")
            .and_then(|mut statement| statement.query_row(params![step.0, KeyColumn(key)], |row| row.get(0)).optional())
            .attempting("read")?;
        Ok(writes.flatten().map_or_else(Vec::new, |writes| writes::numbers(&writes)))
    }

    /// Numbers of the entries of a step's intents, the last one first.
    pub(crate) fn intents_of(&self, step: StepId) -> Result<Vec<i64>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq FROM entries WHERE kind = 'intent' AND step = ?1 ORDER BY seq DESC")
            .attempting("read")?;
        let rows = statement.query_map([step.0], |row| row.get(0)).attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// The intent of an entry.
    pub(crate) fn intent(&self, entry: i64, step: StepId) -> Result<Option<Intent>, JournalError> {
        let data: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT data FROM entries WHERE seq = ?1")
            .and_then(|mut statement| statement.query_row([entry], |row| row.get(0)).optional())
            .attempting("read")?;
        data.map(|data| codec::decode(entry, step, &data)).transpose()
    }

    /// The names of a step's fields, by their numbers in the digests of what was written.
    pub fn fields(&self, step: StepId) -> Result<Vec<String>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT name FROM fields WHERE step = ?1 ORDER BY number")
            .attempting("read")?;
        let names = statement.query_map([step.0], |row| row.get(0)).attempting("read")?;
        names.collect::<Result<_, _>>().attempting("read")
    }

    /// Digests of what was written to a record of a step; none where nothing was.
    pub fn written(&self, step: StepId, key: &str) -> Result<Option<FieldDigests>, JournalError> {
        let writes = self.writes(step, key)?;
        if writes.is_empty() {
            return Ok(None);
        }
        let mut written = FieldDigests::default();
        for entry in writes {
            let Some(intent) = self.intent(entry, step)? else { continue };
            for record in intent.records.iter().filter(|record| record.key == key) {
                written.extend(FieldDigests::from_bytes(&record.fields));
            }
        }
        Ok(Some(written))
    }

    /// Begins a read transaction: questions are answered as things stand at the first of them, until it is ended.
    pub(crate) fn begin(&self) -> Result<(), JournalError> {
        self.connection.execute_batch("BEGIN").attempting("read")
    }

    /// Ends it.
    pub(crate) fn end(&self) -> Result<(), JournalError> {
        self.connection.execute_batch("COMMIT").attempting("read")
    }

    /// The step of a name, if it was begun.
    pub fn step(&self, name: &str) -> Result<Option<StepId>, JournalError> {
        self.connection
            .prepare_cached("SELECT id FROM steps WHERE name = ?1")
            .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
            .map(|id| id.map(StepId))
            .attempting("read")
    }

    /// Every step, in the order in which they were begun.
    pub fn steps(&self) -> Result<Vec<StepRow>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, name, object FROM steps ORDER BY id").attempting("read")?;
        let rows = statement
            .query_map([], |row| Ok(StepRow { id: StepId(row.get(0)?), name: row.get(1)?, object: row.get(2)? }))
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// The name of a step and the destination object that it writes.
    pub fn step_named(&self, step: StepId) -> Result<(String, String), JournalError> {
        self.connection
            .query_row("SELECT name, object FROM steps WHERE id = ?1", [step.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .attempting("read")
    }

    /// Moment at which a batch without an outcome was meant, in milliseconds.
    pub fn meant_at(&self, batch: BatchId) -> Result<Option<i64>, JournalError> {
        self.connection
            .query_row(
                "SELECT entries.at FROM open_intents JOIN entries ON entries.seq = open_intents.seq WHERE open_intents.batch = ?1",
                [batch.0],
                |row| row.get(0),
            )
            .optional()
            .attempting("read")
    }

    /// Batches whose outcome is not known, oldest first.
    pub fn open_intents(&self) -> Result<Vec<Intent>, JournalError> {
        Ok(audit::open_intents(&self.connection)?.into_values().map(|open| open.intent).collect())
    }

    /// True where nothing is left to do for a step.
    pub fn is_done(&self, step: StepId) -> Result<bool, JournalError> {
        self.connection.query_row("SELECT done FROM steps WHERE id = ?1", [step.0], |row| row.get(0)).attempting("read")
    }

    /// True where anything of a step is known.
    pub fn has_records(&self, step: StepId) -> Result<bool, JournalError> {
        self.connection
            .query_row("SELECT EXISTS(SELECT 1 FROM id_map WHERE step = ?1)", [step.0], |row| row.get(0))
            .attempting("read")
    }

    /// The file that a column of a record names: by the export's file, line and column.
    pub fn file(&self, file: &str, line: u64, column: &str) -> Result<Option<Filed>, JournalError> {
        remarks::file(&self.connection, file, line, column)
    }

    /// Knowledge about a source key.
    pub fn id_of(&self, step: StepId, key: &str) -> Result<Option<Mapped>, JournalError> {
        self.connection
            .prepare_cached("SELECT state, id, line, winner, parent FROM id_map WHERE step = ?1 AND key = ?2")
            .and_then(|mut statement| {
                statement.query_row(params![step.0, KeyColumn(key)], |row| mapped(row, 0)).optional()
            })
            .attempting("read")
    }

    /// Rows of a step after a key, in key order, at most `limit`.
    pub fn rows_after(&self, step: StepId, key: Option<&str>, limit: usize) -> Result<Vec<MappedRow>, JournalError> {
        self.rows(
            "SELECT key, state, id, line, winner, parent FROM id_map WHERE step = ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT ?3",
            step,
            key,
            limit,
        )
    }

    /// The keys that a destination id stands for, with what is known about them. Reads the whole step.
    pub fn keys_of(&self, step: StepId, id: &str) -> Result<Vec<MappedRow>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT key, state, id, line, winner, parent FROM id_map WHERE step = ?1 AND id = ?2 ORDER BY key",
            )
            .attempting("read")?;
        let rows = statement
            .query_map(params![step.0, IdColumn(id)], |row| {
                Ok(MappedRow { key: row.get::<_, StoredKey>(0)?.0, mapped: mapped(row, 1)? })
            })
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    fn rows(&self, sql: &str, step: StepId, key: Option<&str>, limit: usize) -> Result<Vec<MappedRow>, JournalError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(sql).attempting("read")?;
        let rows = statement
            .query_map(params![step.0, key.map(KeyColumn), limit], |row| {
                Ok(MappedRow { key: row.get::<_, StoredKey>(0)?.0, mapped: mapped(row, 1)? })
            })
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// Values that records of a step held before they were changed, newest first, those before `seq`; with their
    /// numbers.
    pub fn before_images(
        &self,
        step: StepId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, BeforeImage)>, JournalError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT seq, key, id, operation, image, written FROM before_images WHERE step = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
            )
            .attempting("read")?;
        let rows = statement
            .query_map(params![step.0, before.unwrap_or(i64::MAX), limit], |row| {
                let operation = match row.get::<_, String>(3)?.as_str() {
                    "create" => Operation::Create,
                    "restore" => Operation::Restore,
                    "destroy" => Operation::Destroy,
                    _ => Operation::Update,
                };
                Ok((
                    row.get(0)?,
                    BeforeImage {
                        step,
                        key: row.get(1)?,
                        id: id_column(row, 2)?.unwrap_or_default(),
                        operation,
                        image: row.get(4)?,
                        written: row.get(5)?,
                    },
                ))
            })
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// Values that a record of a step held before it was changed.
    pub fn before_image(
        &self,
        step: StepId,
        id: &str,
        operation: Operation,
    ) -> Result<Option<BeforeImage>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT key, image, written FROM before_images WHERE step = ?1 AND id = ?2 AND operation = ?3",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![step.0, IdColumn(id), operation.as_str()], |row| {
                        Ok(BeforeImage {
                            step,
                            key: row.get(0)?,
                            id: id.to_owned(),
                            operation,
                            image: row.get(1)?,
                            written: row.get(2)?,
                        })
                    })
                    .optional()
            })
            .attempting("read")
    }

    /// Changes of the schema that were made, in the plan's order.
    pub fn setup(&self) -> Result<Vec<SetupNote>, JournalError> {
        fold::setup(&self.connection)
    }

    /// A result that was kept under a name.
    pub fn finding(&self, name: &str) -> Result<Option<String>, JournalError> {
        self.connection
            .query_row("SELECT value FROM findings WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .attempting("read")
    }

    /// Counts of the journal.
    pub fn fold(&self) -> Result<Fold, JournalError> {
        fold::fold(&self.connection)
    }

    /// Hands on what is to be told about single records, one at a time: those quarantined, skipped, repaired, without an owner, then the owners; each kind in
    /// its order. Ends with the first error, its own or the journal's.
    pub fn remarks<E: From<JournalError>>(&self, mut take: impl FnMut(Remark) -> Result<(), E>) -> Result<(), E> {
        remarks::each(&self.connection, &mut take)
    }

    /// The same of records in quarantine alone.
    pub fn quarantined<E: From<JournalError>>(&self, mut take: impl FnMut(Remark) -> Result<(), E>) -> Result<(), E> {
        remarks::quarantined(&self.connection, &mut take)
    }

    /// The audit trail, one line per record and attempt.
    pub fn lines(&self) -> Lines<'_> {
        Lines::new(&self.connection)
    }

    /// The lines of the audit trail about one key or one destination id.
    pub fn lines_with(&self, text: &str) -> Result<Vec<Line>, JournalError> {
        audit::lines_with(&self.connection, text)
    }

    /// Owners as they were resolved, by source.
    pub fn owners(&self) -> Result<Vec<OwnerNote>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT source, destination, id, how FROM owners ORDER BY source")
            .attempting("read")?;
        let notes = statement
            .query_map([], |row| {
                Ok(OwnerNote { source: row.get(0)?, destination: row.get(1)?, id: row.get(2)?, how: row.get(3)? })
            })
            .attempting("read")?;
        notes.collect::<Result<_, _>>().attempting("read")
    }

    /// Recomputes the chain of hashes.
    pub fn verify_chain(&self) -> Result<ChainReport, JournalError> {
        chain::verify(&self.connection)
    }

    /// Reasons why a record is in quarantine or skipped for a step.
    pub fn reasons(&self, step: StepId, key: &str) -> Result<Vec<RecordReason>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT code, field, reason FROM quarantine WHERE step = ?1 AND key = ?2 \
                 UNION ALL SELECT code, NULL, reason FROM skips WHERE step = ?1 AND key = ?2",
            )
            .attempting("read")?;
        let rows = statement
            .query_map(params![step.0, key], |row| {
                Ok(RecordReason { code: row.get(0)?, field: row.get(1)?, reason: row.get(2)? })
            })
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// Number of values of a step's records that were left out or replaced, or have an owner without a user; notes of some kinds are not among them.
    pub fn count_noted(&self, step: StepId, but: &[NoteKind<'_>]) -> Result<u64, JournalError> {
        let all = self
            .connection
            .query_row(
                "SELECT (SELECT COUNT(*) FROM repairs WHERE step = ?1) + (SELECT COUNT(*) FROM orphans WHERE step = ?1)",
                params![step.0],
                |row| line(row, 0),
            )
            .attempting("read")?;
        but.iter().try_fold(all, |left, kind| Ok(left.saturating_sub(self.count_notes_of(step, *kind)?)))
    }

    /// The records that these values belong to, by their keys and the lines of the values, in no order; one may come more than once.
    pub fn noted_records(&self, step: StepId, mut take: impl FnMut(&str, u64)) -> Result<(), JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT line, key FROM repairs WHERE step = ?1 UNION ALL SELECT line, key FROM orphans WHERE step = ?1",
            )
            .attempting("read")?;
        let mut rows = statement.query([step.0]).attempting("read")?;
        while let Some(row) = rows.next().attempting("read")? {
            let key: String = row.get(1).attempting("read")?;
            take(&key, line(row, 0).attempting("read")?);
        }
        Ok(())
    }

    /// The fields of one record of which something was noted.
    pub fn noted_fields(&self, step: StepId, key: &str) -> Result<Vec<NotedField>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT DISTINCT field, 0 FROM repairs WHERE step = ?1 AND key = ?2 \
                 UNION ALL SELECT DISTINCT field, 1 FROM orphans WHERE step = ?1 AND key = ?2",
            )
            .attempting("read")?;
        let rows = statement
            .query_map(params![step.0, key], |row| Ok(NotedField { field: row.get(0)?, is_orphan: row.get(1)? }))
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// True where a step has a remark on a field of a record in the same words.
    pub fn is_noted(&self, step: StepId, note: &RepairNote) -> Result<bool, JournalError> {
        let sql = "SELECT EXISTS(SELECT 1 FROM repairs WHERE step = ?1 AND key = ?2 AND field = ?3 AND reason = ?4)";
        let mut statement = self.connection.prepare_cached(sql).attempting("read")?;
        let values = params![step.0, note.key, note.field, note.reason];
        statement.query_row(values, |row| row.get(0)).attempting("read")
    }

    /// Number of remarks of a kind on a step's records.
    pub fn count_notes_of(&self, step: StepId, kind: NoteKind<'_>) -> Result<u64, JournalError> {
        let sql = self.of_kind("SELECT COUNT(*) FROM repairs WHERE step = ?1 AND KIND")?;
        self.connection.query_row(&sql, params![step.0, kind.code, kind.start], |row| line(row, 0)).attempting("read")
    }

    /// Key and field of the remarks of a kind on a step's records, the first of them by their lines.
    pub fn notes_of(
        &self,
        step: StepId,
        kind: NoteKind<'_>,
        most: usize,
    ) -> Result<Vec<(String, String)>, JournalError> {
        let sql = self.of_kind("SELECT key, field FROM repairs WHERE step = ?1 AND KIND ORDER BY line, id LIMIT ?4")?;
        let mut statement = self.connection.prepare_cached(&sql).attempting("read")?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement
            .query_map(params![step.0, kind.code, kind.start, most], |row| Ok((row.get(0)?, row.get(1)?)))
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// The fields of one record about which there is a remark of a kind.
    pub fn fields_noted(&self, step: StepId, key: &str, kind: NoteKind<'_>) -> Result<Vec<String>, JournalError> {
        let sql = self.of_kind("SELECT field FROM repairs WHERE step = ?1 AND key = ?4 AND KIND")?;
        let mut statement = self.connection.prepare_cached(&sql).attempting("read")?;
        let rows =
            statement.query_map(params![step.0, kind.code, kind.start, key], |row| row.get(0)).attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// The remarks of a kind on one record: fields and reasons.
    pub fn notes_on(
        &self,
        step: StepId,
        key: &str,
        kind: NoteKind<'_>,
    ) -> Result<Vec<(String, Option<String>)>, JournalError> {
        let sql =
            self.of_kind("SELECT field, reason FROM repairs WHERE step = ?1 AND key = ?4 AND KIND ORDER BY id")?;
        let mut statement = self.connection.prepare_cached(&sql).attempting("read")?;
        let rows = statement
            .query_map(params![step.0, kind.code, kind.start, key], |row| Ok((row.get(0)?, row.get(1)?)))
            .attempting("read")?;
        rows.collect::<Result<_, _>>().attempting("read")
    }

    /// The question for remarks of a kind: by their code, or by their first words where they were noted before there were codes.
    fn of_kind(&self, sql: &str) -> Result<String, JournalError> {
        let kind = if schema::knows_codes_of_notes(&self.connection)? {
            "(code = ?2 OR (code IS NULL AND substr(reason, 1, length(?3)) = ?3))"
        } else {
            "?2 IS NOT NULL AND substr(reason, 1, length(?3)) = ?3"
        };
        Ok(sql.replace("KIND", kind))
    }

    /// The last entry of a command whose name is like this, in the runs before one.
    pub fn last_written(&self, command: &str, before: i64) -> Result<Option<LastWritten>, JournalError> {
        let sql = "SELECT e.run, e.at FROM entries e JOIN runs r ON r.id = e.run WHERE r.command LIKE ?1 AND e.run < ?2 ORDER BY e.seq DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql).attempting("read")?;
        let last =
            statement.query_row(params![command, before], |row| Ok(LastWritten { run: row.get(0)?, at: row.get(1)? }));
        last.optional().attempting("read")
    }

    /// The number of the latest run; none of a journal without one.
    pub fn latest_run(&self) -> Result<i64, JournalError> {
        self.connection.query_row("SELECT COALESCE(MAX(id), 0) FROM runs", [], |row| row.get(0)).attempting("read")
    }

    /// Moment at which the first run of a command (a pattern of SQL's LIKE) was begun, in milliseconds.
    pub fn first_run(&self, command: &str) -> Result<Option<i64>, JournalError> {
        let sql = "SELECT MIN(started) FROM runs WHERE command LIKE ?1";
        let mut statement = self.connection.prepare_cached(sql).attempting("read")?;
        statement.query_row(params![command], |row| row.get(0)).attempting("read")
    }

    /// Number of records of a step that ended in a state.
    pub fn count(&self, step: StepId, state: State) -> Result<u64, JournalError> {
        self.connection
            .query_row(
                "SELECT COUNT(*) FROM id_map WHERE step = ?1 AND state = ?2",
                params![step.0, state.number()],
                |row| row.get::<_, i64>(0),
            )
            .map(|count| u64::try_from(count).unwrap_or(0))
            .attempting("read")
    }
}

fn mapped(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Mapped> {
    let number: i64 = row.get(at)?;
    let state = State::of(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(at, number))?;
    let line: i64 = row.get(at + 2)?;
    Ok(Mapped {
        state,
        id: id_column(row, at + 1)?,
        line: u64::try_from(line).unwrap_or(0),
        winner: row.get(at + 3)?,
        parent: row.get(at + 4)?,
    })
}
