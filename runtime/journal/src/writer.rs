use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::Serialize;

use crate::audit::{OpenIntent, OutcomeData};
use crate::chain::{self, Link};
use crate::change::{
    BatchId, BeforeImage, Change, FileNote, FileSent, Intent, MendedNote, Operation, OrphanNote, OwnerNote,
    QuarantineNote, RecordResult, RepairNote, Settled, SetupNote, SkipNote,
};
use crate::error::Attempt as _;
use crate::ids::{IdColumn, StoredId};
use crate::lock::{self, WriterLock};
use crate::seal::Seal;
use crate::{JournalError, Reader, State, StepId, audit, schema};

/// Whose journal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The migration's name.
    pub migration: &'a str,
    /// The destination's name in the plan.
    pub destination: &'a str,
    /// `blake3:…` of the plan.
    pub plan_hash: &'a str,
}

/// The one writer of a journal.
#[derive(Debug)]
pub struct Journal {
    // Closed before the lock is let go: then the file is at rest, and is sealed.
    connection: Connection,
    path: PathBuf,
    lock: WriterLock,
    run: i64,
    seq: i64,
    head: [u8; 32],
    batch: i64,
    open: BTreeMap<BatchId, OpenIntent>,
}

impl Journal {
    /// Opens a journal for writing, or begins one. Refuses a second writer and another plan's journal.
    pub fn open(path: &Path, identity: &Identity<'_>) -> Result<Self, JournalError> {
        Self::opened(path, |connection| {
            if schema::is_empty(connection)? {
                begin(connection, identity)?;
            }
            check(connection, path, identity)
        })
    }

    /// Opens a journal for going back, whatever plan wrote it: what was done is undone from what it holds. Refuses a second writer, and a file that is none.
    pub fn reopen(path: &Path) -> Result<Self, JournalError> {
        Self::opened(path, |connection| schema::check_format(connection, path))
    }

    fn opened(
        path: &Path,
        prepare: impl FnOnce(&mut Connection) -> Result<(), JournalError>,
    ) -> Result<Self, JournalError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| JournalError::File { path: folder.to_owned(), source })?;
        }
        let (mut lock, seal) = WriterLock::take(path)?;
        seal.check_presence(path)?;
        lock::private(path).map_err(|source| JournalError::File { path: path.to_owned(), source })?;
        let mut connection = Connection::open(path).attempting("opened")?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::prepare_writer(&connection)?;
        if schema::is_empty(&connection)? {
            seal.check_unwritten(path, "it is empty")?;
        } else {
            seal.check(&connection, path)?;
        }
        prepare(&mut connection)?;
        schema::complete(&connection)?;
        let (seq, head) = connection
            .query_row("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get::<_, [u8; 32]>(1)?))
            })
            .optional()
            .attempting("read")?
            .unwrap_or((0, chain::START));
        lock.note(&Seal::of(seq, &head));
        let run =
            connection.query_row("SELECT COALESCE(MAX(id), 0) FROM runs", [], |row| row.get(0)).attempting("read")?;
        let open = audit::open_intents(&connection)?;
        let batch = connection
            .query_row("SELECT COALESCE((SELECT value FROM meta WHERE name = 'batch'), '0')", [], |row| {
                row.get::<_, String>(0)
            })
            .attempting("read")?
            .parse()
            .unwrap_or(0);
        Ok(Self { connection, path: path.to_owned(), lock, run, seq, head, batch, open })
    }

    /// A connection of its own for reading.
    pub fn reader(&self) -> Result<Reader, JournalError> {
        Reader::open(&self.path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Intents without an outcome: what a crash or an interruption left in doubt, in the order they were meant.
    pub fn open_intents(&self) -> Vec<Intent> {
        self.open.values().map(|open| open.intent.clone()).collect()
    }

    /// A number for the next batch.
    pub fn next_batch(&mut self) -> BatchId {
        self.batch += 1;
        BatchId(self.batch)
    }

    /// Begins a run; `command` as the person typed it, `run`, `setup`, `rollback`.
    pub fn begin_run(&mut self, command: &str) -> Result<i64, JournalError> {
        self.run += 1;
        let run = self.run;
        let at = now();
        let command = command.to_owned();
        self.transaction(|writing| {
            writing.execute("INSERT INTO runs(id, command, started) VALUES(?1, ?2, ?3)", params![run, command, at])?;
            writing.entry("run_started", None, &RunStarted { command: &command })
        })?;
        Ok(run)
    }

    /// Ends the run; `result` in a word: `done`, `interrupted`, `stopped`.
    pub fn end_run(&mut self, result: &str) -> Result<(), JournalError> {
        let (run, at) = (self.run, now());
        let result = result.to_owned();
        self.transaction(|writing| {
            writing.execute("UPDATE runs SET ended = ?2, result = ?3 WHERE id = ?1", params![run, at, result])?;
            writing.entry("run_ended", None, &RunEnded { result: &result })
        })
    }

    /// The step of a name, made where it is missing. `object` is the destination object that it writes.
    pub fn step(&mut self, name: &str, object: &str) -> Result<StepId, JournalError> {
        self.connection
            .execute("INSERT OR IGNORE INTO steps(name, object) VALUES(?1, ?2)", params![name, object])
            .attempting("written")?;
        self.connection
            .query_row("SELECT id FROM steps WHERE name = ?1", [name], |row| row.get(0))
            .map(StepId)
            .attempting("read")
    }

    /// Remembers all of it, on the disk, or none.
    pub fn write(&mut self, changes: &[Change]) -> Result<(), JournalError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut open = std::mem::take(&mut self.open);
        let mut closed = Vec::new();
        let batch = self.batch;
        let written = self.transaction(|writing| {
            for change in changes {
                writing.change(change, &mut open, &mut closed)?;
            }
            writing.meta("batch", &batch.to_string())
        });
        if written.is_ok() {
            for batch in closed {
                open.remove(&batch);
            }
        } else {
            for change in changes {
                if let Change::Intent(intent) = change {
                    open.remove(&intent.batch);
                }
            }
        }
        self.open = open;
        written
    }

    fn transaction(
        &mut self,
        body: impl FnOnce(&mut Writing<'_>) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let transaction = self.connection.transaction().attempting("written")?;
        let mut writing = Writing { transaction, run: self.run, at: now(), seq: self.seq, head: self.head };
        body(&mut writing)?;
        let (seq, head) = (writing.seq, writing.head);
        writing.meta("head", &format!("{seq} {}", chain::hex(&head)))?;
        writing.transaction.commit().attempting("written")?;
        self.seq = seq;
        self.head = head;
        self.lock.note(&Seal::of(seq, &head));
        Ok(())
    }
}

#[derive(Serialize)]
struct RunStarted<'a> {
    command: &'a str,
}

#[derive(Serialize)]
struct RunEnded<'a> {
    result: &'a str,
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn begin(connection: &mut Connection, identity: &Identity<'_>) -> Result<(), JournalError> {
    let transaction = connection.transaction().attempting("begun")?;
    schema::create(&transaction)?;
    for (name, value) in [
        ("format", schema::FORMAT.to_string()),
        ("migration", identity.migration.to_owned()),
        ("destination", identity.destination.to_owned()),
        ("plan", identity.plan_hash.to_owned()),
    ] {
        transaction
            .execute("INSERT INTO meta(name, value) VALUES(?1, ?2)", params![name, value])
            .attempting("begun")?;
    }
    transaction.commit().attempting("begun")
}

fn check(connection: &Connection, path: &Path, identity: &Identity<'_>) -> Result<(), JournalError> {
    schema::check_format(connection, path)?;
    let found = |name| schema::meta(connection, name);
    let (migration, destination, plan) = (found("migration")?, found("destination")?, found("plan")?);
    if (migration.as_str(), destination.as_str()) != (identity.migration, identity.destination) {
        return Err(JournalError::OtherMigration {
            path: path.to_owned(),
            found: format!("{migration} to {destination}"),
            wanted: format!("{} to {}", identity.migration, identity.destination),
        });
    }
    if plan != identity.plan_hash {
        return Err(JournalError::OtherPlan {
            path: path.to_owned(),
            found: plan,
            wanted: identity.plan_hash.to_owned(),
        });
    }
    Ok(())
}

/// A transaction in the making.
struct Writing<'c> {
    transaction: Transaction<'c>,
    run: i64,
    at: i64,
    seq: i64,
    head: [u8; 32],
}

impl Writing<'_> {
    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, JournalError> {
        self.transaction.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).attempting("written")
    }

    fn meta(&self, name: &str, value: &str) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )
        .map(drop)
    }

    fn entry(&mut self, kind: &str, step: Option<StepId>, data: &impl Serialize) -> Result<(), JournalError> {
        let seq = self.seq + 1;
        let data =
            serde_json::to_string(data).map_err(|error| JournalError::Entry { seq, reason: error.to_string() })?;
        let link = Link { seq, run: self.run, at: self.at, kind, step: step.map(|step| step.0), data: &data };
        let hash = link.hash(&self.head);
        self.execute(
            "INSERT INTO entries(seq, run, at, kind, step, data, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![seq, self.run, self.at, kind, link.step, data, hash],
        )?;
        self.seq = seq;
        self.head = hash;
        Ok(())
    }

    fn change(
        &mut self,
        change: &Change,
        open: &mut BTreeMap<BatchId, OpenIntent>,
        closed: &mut Vec<BatchId>,
    ) -> Result<(), JournalError> {
        match change {
            Change::Intent(intent) => {
                self.entry("intent", Some(intent.step), &audit::IntentData::of(intent))?;
                let seq = self.seq;
                self.execute("INSERT INTO open_intents(batch, seq) VALUES(?1, ?2)", params![intent.batch.0, seq])?;
                open.insert(intent.batch, OpenIntent { seq, intent: intent.clone() });
                Ok(())
            }
            Change::Outcome { batch, results, quarantine } => {
                let Some(found) = open.get(batch) else {
                    let reason = format!("batch {} has an outcome without an intent", batch.0);
                    return Err(JournalError::Entry { seq: self.seq + 1, reason });
                };
                closed.push(*batch);
                self.outcome(found, results, quarantine)
            }
            Change::Settled { records, quarantine, skips } => self.settle(records, quarantine, skips),
            Change::Repairs { step, repairs } => self.repairs(*step, repairs),
            Change::Files { step, files } => self.files(*step, files),
            Change::FilesSent { step, files } => self.files_sent(*step, files),
            Change::Orphans { step, orphans } => self.orphans(*step, orphans),
            Change::Mended { step, mended } => self.mended(*step, mended),
            Change::Owners(owners) => self.owners(owners),
            Change::Before(images) => images.iter().try_for_each(|image| self.before(image)),
            Change::Setup(note) => self.setup(note),
            Change::SetupUndone { position } => {
                self.entry("setup_undone", None, &audit::Position { position: *position })?;
                self.execute("DELETE FROM setup WHERE position = ?1", [whole(*position)]).map(drop)
            }
            Change::Read { step, records } => {
                self.entry("read", Some(*step), &audit::Count { records: *records })?;
                self.execute("UPDATE steps SET records = ?2 WHERE id = ?1", params![step.0, signed(*records)]).map(drop)
            }
            Change::Done { step } => {
                self.entry("step_done", Some(*step), &audit::Nothing {})?;
                self.execute("UPDATE steps SET done = 1 WHERE id = ?1", [step.0]).map(drop)
            }
            Change::TakenBack { step, keys } => {
                self.entry("taken_back", Some(*step), &audit::Keys { keys })?;
                for key in keys {
                    self.forget(*step, key)?;
                    for table in ["repairs", "orphans"] {
                        self.execute(
                            &format!("DELETE FROM {table} WHERE step = ?1 AND key = ?2"),
                            params![step.0, key],
                        )?;
                    }
                    self.execute("DELETE FROM id_map WHERE step = ?1 AND key = ?2", params![step.0, key])?;
                    self.execute("DELETE FROM before_images WHERE step = ?1 AND key = ?2", params![step.0, key])?;
                }
                self.execute("UPDATE steps SET done = 0 WHERE id = ?1", [step.0]).map(drop)
            }
            Change::Reset { step } => {
                self.entry("reset", Some(*step), &audit::Nothing {})?;
                for table in ["id_map", "quarantine", "skips", "repairs", "orphans", "before_images"] {
                    self.execute(&format!("DELETE FROM {table} WHERE step = ?1"), [step.0])?;
                }
                self.execute("UPDATE steps SET done = 0, records = NULL WHERE id = ?1", [step.0]).map(drop)
            }
            Change::Finding { name, value } => {
                self.entry("finding", None, &audit::Finding { name, value })?;
                self.execute(
                    "INSERT INTO findings(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                    params![name, value],
                )
                .map(drop)
            }
        }
    }

    fn outcome(
        &mut self,
        found: &OpenIntent,
        results: &[RecordResult],
        quarantine: &[QuarantineNote],
    ) -> Result<(), JournalError> {
        let intent = &found.intent;
        let data = OutcomeData::of(intent.batch, found.seq, results, quarantine);
        self.entry("outcome", Some(intent.step), &data)?;
        self.execute("DELETE FROM open_intents WHERE batch = ?1", [intent.batch.0])?;
        if !matches!(intent.operation, Operation::Create | Operation::Update) {
            return Ok(());
        }
        for (record, result) in intent.records.iter().zip(results) {
            let Some(state) = result.state else { continue };
            let id = (state != State::Quarantined).then_some(record.id.as_str());
            self.map(intent.step, &Row { key: &record.key, line: record.line, state, id, winner: None })?;
        }
        self.quarantine(intent.step, quarantine)
    }

    fn settle(
        &mut self,
        records: &[Settled],
        quarantine: &[QuarantineNote],
        skips: &[SkipNote],
    ) -> Result<(), JournalError> {
        let Some(first) = records.first() else { return Ok(()) };
        let step = first.step;
        self.entry("settled", Some(step), &audit::SettledData::of(records, quarantine, skips))?;
        for record in records {
            self.map(
                record.step,
                &Row {
                    key: &record.key,
                    line: record.line,
                    state: record.state,
                    id: record.id.as_deref(),
                    winner: record.winner.as_deref(),
                },
            )?;
        }
        self.quarantine(step, quarantine)?;
        for note in skips {
            self.execute(
                "INSERT INTO skips(step, key, reason) VALUES(?1, ?2, ?3)",
                params![step.0, note.key, note.reason],
            )?;
        }
        Ok(())
    }

    /// What is known about a record; what was known before gives way, with its reasons.
    fn map(&mut self, step: StepId, row: &Row<'_>) -> Result<(), JournalError> {
        let (state, id, line) = (row.state.number(), row.id.map(IdColumn), signed(row.line));
        let added = self.execute(
            "INSERT OR IGNORE INTO id_map(step, key, state, id, line, winner) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            params![step.0, row.key, state, id, line, row.winner],
        )?;
        if added == 0 {
            self.execute(
                "UPDATE id_map SET state = ?3, id = ?4, line = ?5, winner = ?6 WHERE step = ?1 AND key = ?2",
                params![step.0, row.key, state, id, line, row.winner],
            )?;
            self.forget(step, row.key)?;
        }
        Ok(())
    }

    fn forget(&self, step: StepId, key: &str) -> Result<(), JournalError> {
        self.execute("DELETE FROM quarantine WHERE step = ?1 AND key = ?2", params![step.0, key])?;
        self.execute("DELETE FROM skips WHERE step = ?1 AND key = ?2", params![step.0, key]).map(drop)
    }

    fn quarantine(&mut self, step: StepId, notes: &[QuarantineNote]) -> Result<(), JournalError> {
        for note in notes {
            self.execute(
                "INSERT INTO quarantine(step, key, source_key, file, line, field, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![step.0, note.key, note.source_key, note.file, signed(note.line), note.field, note.reason],
            )?;
        }
        Ok(())
    }

    fn repairs(&mut self, step: StepId, notes: &[RepairNote]) -> Result<(), JournalError> {
        if notes.is_empty() {
            return Ok(());
        }
        self.entry("repairs", Some(step), &audit::Notes { notes })?;
        for note in notes {
            self.execute(
                "INSERT OR IGNORE INTO repairs(step, key, file, line, field, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                params![step.0, note.key, note.file, signed(note.line), note.field, note.reason],
            )?;
        }
        Ok(())
    }

    fn files(&mut self, step: StepId, notes: &[FileNote]) -> Result<(), JournalError> {
        self.entry("files", Some(step), &audit::Notes { notes })?;
        for note in notes {
            self.execute(
                "INSERT INTO files(file, line, field, step, key, path, state, bytes, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
                 ON CONFLICT(file, line, field) DO UPDATE SET step = excluded.step, key = excluded.key, path = excluded.path, \
                 state = excluded.state, bytes = excluded.bytes, reason = excluded.reason",
                params![
                    note.file,
                    signed(note.line),
                    note.column,
                    step.0,
                    note.key,
                    note.path,
                    note.state,
                    note.bytes.map(signed),
                    note.reason
                ],
            )?;
        }
        Ok(())
    }

    fn files_sent(&mut self, step: StepId, notes: &[FileSent]) -> Result<(), JournalError> {
        self.entry("files_sent", Some(step), &audit::Notes { notes })?;
        for note in notes {
            let sent_by = note.hash.is_some().then_some(step.0);
            self.execute(
                "UPDATE files SET sent_by = ?4, hash = ?5, bytes = COALESCE(?6, bytes), reason = ?7 WHERE file = ?1 AND line = ?2 AND field = ?3",
                params![
                    note.file,
                    signed(note.line),
                    note.column,
                    sent_by,
                    note.hash,
                    note.bytes.map(signed),
                    note.reason
                ],
            )?;
        }
        Ok(())
    }

    fn orphans(&mut self, step: StepId, notes: &[OrphanNote]) -> Result<(), JournalError> {
        if notes.is_empty() {
            return Ok(());
        }
        self.entry("orphans", Some(step), &audit::Notes { notes })?;
        for note in notes {
            self.execute(
                "INSERT OR IGNORE INTO orphans(owner, step, key, field, line) VALUES(?1, ?2, ?3, ?4, ?5)",
                params![note.owner, step.0, note.key, note.field, signed(note.line)],
            )?;
        }
        Ok(())
    }

    fn mended(&mut self, step: StepId, notes: &[MendedNote]) -> Result<(), JournalError> {
        if notes.is_empty() {
            return Ok(());
        }
        self.entry("mended", Some(step), &audit::Notes { notes })?;
        for note in notes {
            for table in ["repairs", "orphans"] {
                self.execute(
                    &format!("DELETE FROM {table} WHERE step = ?1 AND key = ?2 AND field = ?3"),
                    params![step.0, note.key, note.field],
                )?;
            }
        }
        Ok(())
    }

    fn owners(&mut self, notes: &[OwnerNote]) -> Result<(), JournalError> {
        self.entry("owners", None, &audit::Notes { notes })?;
        for note in notes {
            self.execute(
                "INSERT INTO owners(source, destination, id, how) VALUES(?1, ?2, ?3, ?4) \
                 ON CONFLICT(source) DO UPDATE SET destination = excluded.destination, id = excluded.id, how = excluded.how",
                params![note.source, note.destination, note.id, note.how],
            )?;
        }
        Ok(())
    }

    /// Of each field the first image counts, since a second attempt would see what the first one wrote, and the last value that was written.
    fn before(&mut self, image: &BeforeImage) -> Result<(), JournalError> {
        let (step, id, operation) = (image.step.0, IdColumn(&image.id), image.operation.as_str());
        let known: Option<(String, String)> = self
            .transaction
            .prepare_cached("SELECT image, written FROM before_images WHERE step = ?1 AND id = ?2 AND operation = ?3")
            .and_then(|mut statement| {
                statement.query_row(params![step, id, operation], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .attempting("read")?;
        let Some((held, written)) = known else {
            return self
                .execute(
                    "INSERT INTO before_images(step, key, id, operation, image, written) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                    params![step, image.key, IdColumn(&image.id), operation, image.image, image.written],
                )
                .map(drop);
        };
        let unreadable =
            |error: serde_json::Error| JournalError::Entry { seq: self.seq + 1, reason: error.to_string() };
        let together = |first: &str, then: &str| -> Result<String, serde_json::Error> {
            let mut fields: BTreeMap<String, serde_json::Value> = serde_json::from_str(first)?;
            fields.extend(serde_json::from_str::<BTreeMap<String, serde_json::Value>>(then)?);
            serde_json::to_string(&fields)
        };
        let held = together(&image.image, &held).map_err(unreadable)?;
        let written = together(&written, &image.written).map_err(unreadable)?;
        self.execute(
            "UPDATE before_images SET image = ?4, written = ?5 WHERE step = ?1 AND id = ?2 AND operation = ?3",
            params![step, IdColumn(&image.id), operation, held, written],
        )
        .map(drop)
    }

    fn setup(&mut self, note: &SetupNote) -> Result<(), JournalError> {
        self.entry("setup", None, note)?;
        // What was done stays noted when a later run finds it done; what is made anew replaces it.
        self.execute(
            "INSERT INTO setup(position, action, outcome, undo) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(position) DO UPDATE SET \
             action = excluded.action, outcome = excluded.outcome, undo = excluded.undo \
             WHERE setup.outcome <> 'done' OR excluded.outcome = 'done'",
            params![whole(note.position), note.action, note.outcome, note.undo],
        )
        .map(drop)
    }
}

struct Row<'a> {
    key: &'a str,
    line: u64,
    state: State,
    id: Option<&'a str>,
    winner: Option<&'a str>,
}

/// SQLite counts in 64 bits with a sign; no export has more lines.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An id out of a row.
pub(crate) fn id_column(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    row.get::<_, Option<StoredId>>(column).map(|id| id.map(|id| id.0))
}
