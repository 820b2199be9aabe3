//! The one writer of a journal.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, ToSql, Transaction, params};
use serde::Serialize;

use crate::audit::{OpenIntent, OutcomeData};
use crate::chain::{self, Link};
use crate::change::{BatchId, BeforeImage, Change, Intent};
use crate::derived::{Derived, FIRST_PLAN, plan_digest};
use crate::error::Attempt as _;
use crate::ids::StoredId;
use crate::lock::{self, WriterLock};
use crate::seal::Seal;
use crate::{JournalError, Reader, StepId, Workspace, audit, codec, schema};

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
    // Closed before the lock is released: then the file is at rest, and is sealed.
    connection: Connection,
    path: PathBuf,
    lock: WriterLock,
    run: i64,
    /// The plan that entries belong to from now on.
    plan: i64,
    seq: i64,
    head: [u8; 32],
    batch: i64,
    open: BTreeMap<BatchId, OpenIntent>,
}

impl Journal {
    /// Opens a journal for writing, or begins one. Refuses a second writer and another migration's journal. Entries belong to the plan that it was last used
    /// with until another one is adopted.
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
        let is_empty = schema::is_empty(&connection)?;
        if !is_empty {
            schema::check_format(&connection, path)?;
        }
        schema::prepare_writer(&connection)?;
        if is_empty {
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
        let plan = schema::current_plan(&connection)?.unwrap_or(FIRST_PLAN);
        let open = audit::open_intents(&connection)?;
        let batch = connection
            .query_row("SELECT COALESCE((SELECT value FROM meta WHERE name = 'batch'), '0')", [], |row| {
                row.get::<_, String>(0)
            })
            .attempting("read")?
            .parse()
            .unwrap_or(0);
        Ok(Self { connection, path: path.to_owned(), lock, run, plan, seq, head, batch, open })
    }

    /// The hash of the plan that entries belong to.
    pub fn plan_hash(&self) -> Result<String, JournalError> {
        schema::plan_hash(&self.connection)
    }

    /// Goes on with a plan: entries belong to it from now on. Plans that it was used with before are kept.
    pub fn adopt_plan(&mut self, hash: &str, text: &str) -> Result<(), JournalError> {
        if self.plan_hash()? == hash {
            return self.keep_plan(text);
        }
        let known = self
            .connection
            .query_row("SELECT id FROM plans WHERE hash = ?1", [hash], |row| row.get(0))
            .optional()
            .attempting("read")?;
        let next = self.connection.query_row("SELECT COALESCE(MAX(id), 0) + 1 FROM plans", [], |row| row.get(0));
        let id: i64 = known.map_or_else(|| next.attempting("read"), Ok)?;
        let before = std::mem::replace(&mut self.plan, id);
        let adopted = self.transaction(|writing| {
            writing.derived().plan(id, hash, text)?;
            writing.entry("plan", None, &audit::PlanKept { id, hash: hash.to_owned(), text: plan_digest(text) })
        });
        if adopted.is_err() {
            self.plan = before;
        }
        adopted
    }

    /// Keeps the text of the plan that entries belong to, unless it is kept already.
    pub fn keep_plan(&mut self, text: &str) -> Result<(), JournalError> {
        let id = self.plan;
        let (hash, known): (String, String) = self
            .connection
            .query_row("SELECT hash, text FROM plans WHERE id = ?1", [id], |row| Ok((row.get(0)?, row.get(1)?)))
            .attempting("read")?;
        if !known.is_empty() {
            return Ok(());
        }
        self.transaction(|writing| {
            writing.derived().plan(id, &hash, text)?;
            writing.entry("plan", None, &audit::PlanKept { id, hash: hash.clone(), text: plan_digest(text) })
        })
    }

    /// Binds the journal to a workspace, at the first write there. Refuses another one than it is bound to.
    pub fn bind(&mut self, workspace: &Workspace) -> Result<(), JournalError> {
        match schema::workspace(&self.connection)? {
            Some(bound) if bound.id.is_some() || workspace.id.is_none() || workspace.host != bound.host => {
                workspace.check(&bound, &self.path)
            }
            // What is not known yet of the same one is added.
            _ => self.transaction(|writing| {
                writing.derived().meta("workspace", &serde_json::to_string(workspace).unwrap_or_default())?;
                writing.entry("bound", None, workspace)
            }),
        }
    }

    /// True where the journal is bound to a workspace.
    pub fn is_bound(&self) -> Result<bool, JournalError> {
        Ok(schema::workspace(&self.connection)?.is_some())
    }

    /// Refuses another workspace than the one that the journal is bound to; one that is bound to none takes any.
    pub fn check_workspace(&self, workspace: &Workspace) -> Result<(), JournalError> {
        schema::workspace(&self.connection)?.map_or(Ok(()), |bound| workspace.check(&bound, &self.path))
    }

    /// Parts to close, in this order, when the journal is done with.
    pub(crate) fn into_parts(self) -> (Connection, PathBuf, WriterLock) {
        (self.connection, self.path, self.lock)
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
        let command = command.to_owned();
        self.transaction(|writing| {
            let at = writing.at;
            writing.derived().run_started(run, &command, at)?;
            writing.entry("run_started", None, &audit::RunStarted { command })
        })?;
        Ok(run)
    }

    /// Ends the run; `result` in a word: `done`, `interrupted`, `stopped`.
    pub fn end_run(&mut self, result: &str) -> Result<(), JournalError> {
        let run = self.run;
        let result = result.to_owned();
        self.transaction(|writing| {
            let at = writing.at;
            writing.derived().run_ended(run, &result, at)?;
            writing.entry("run_ended", None, &audit::RunEnded { result })
        })
    }

    /// The step of a name, made where it is missing. `object` is the destination object that it writes.
    pub fn step(&mut self, name: &str, object: &str) -> Result<StepId, JournalError> {
        let known = self
            .connection
            .query_row("SELECT id FROM steps WHERE name = ?1", [name], |row| row.get(0).map(StepId))
            .optional()
            .attempting("read")?;
        if let Some(step) = known {
            return Ok(step);
        }
        let next = self.connection.query_row("SELECT COALESCE(MAX(id), 0) + 1 FROM steps", [], |row| row.get(0));
        let step = StepId(next.attempting("read")?);
        let data = audit::StepBegun { name: name.to_owned(), object: object.to_owned() };
        self.transaction(|writing| {
            writing.derived().step(step, name, object)?;
            writing.entry("step", Some(step), &data)
        })?;
        Ok(step)
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
            writing.derived().meta("batch", &batch.to_string())
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

    /// Remembers notes as they come, on the disk, all of them or none: however many they are, one is in memory. An intent or an outcome is not among them.
    pub fn write_each<E: From<JournalError>>(
        &mut self,
        mut next: impl FnMut() -> Result<Option<Change>, E>,
    ) -> Result<(), E> {
        let batch = self.batch;
        self.transaction(|writing| {
            let (mut open, mut closed) = (BTreeMap::new(), Vec::new());
            while let Some(change) = next()? {
                writing.change(&change, &mut open, &mut closed)?;
            }
            Ok(writing.derived().meta("batch", &batch.to_string())?)
        })
    }

    fn transaction<E: From<JournalError>>(
        &mut self,
        body: impl FnOnce(&mut Writing<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let transaction = self.connection.transaction().attempting("written")?;
        let mut writing =
            Writing { transaction, run: self.run, plan: self.plan, at: now(), seq: self.seq, head: self.head };
        body(&mut writing)?;
        let (seq, head) = (writing.seq, writing.head);
        writing.head()?;
        writing.transaction.commit().attempting("written")?;
        self.seq = seq;
        self.head = head;
        self.lock.note(&Seal::of(seq, &head));
        Ok(())
    }
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
    let begun = audit::Begun {
        migration: identity.migration.to_owned(),
        destination: identity.destination.to_owned(),
        plan: identity.plan_hash.to_owned(),
    };
    let mut writing = Writing { transaction, run: 0, plan: FIRST_PLAN, at: now(), seq: 0, head: chain::START };
    writing.derived().plan(FIRST_PLAN, identity.plan_hash, "")?;
    writing.entry("begun", None, &begun)?;
    writing.head()?;
    writing.transaction.commit().attempting("begun")
}

fn check(connection: &Connection, path: &Path, identity: &Identity<'_>) -> Result<(), JournalError> {
    schema::check_format(connection, path)?;
    let found = |name| schema::meta(connection, name);
    let (migration, destination) = (found("migration")?, found("destination")?);
    if (migration.as_str(), destination.as_str()) != (identity.migration, identity.destination) {
        return Err(JournalError::OtherMigration {
            path: path.to_owned(),
            found: format!("{migration} to {destination}"),
            wanted: format!("{} to {}", identity.migration, identity.destination),
        });
    }
    Ok(())
}

/// A transaction in the making.
struct Writing<'c> {
    transaction: Transaction<'c>,
    run: i64,
    plan: i64,
    at: i64,
    seq: i64,
    head: [u8; 32],
}

impl Writing<'_> {
    /// Notes the last entry.
    fn head(&self) -> Result<(), JournalError> {
        self.derived().meta("head", &format!("{} {}", self.seq, chain::hex(&self.head)))
    }

    fn entry(&mut self, kind: &str, step: Option<StepId>, data: &impl Serialize) -> Result<(), JournalError> {
        let unwritable =
            |error: serde_json::Error| JournalError::Entry { seq: self.seq + 1, reason: error.to_string() };
        let data = serde_json::to_string(data).map_err(unwritable)?;
        self.append(kind, step, data.as_bytes(), &data)
    }

    /// Appends an entry: its bytes, and these as the column takes them.
    fn append(
        &mut self,
        kind: &str,
        step: Option<StepId>,
        data: &[u8],
        column: &dyn ToSql,
    ) -> Result<(), JournalError> {
        let seq = self.seq + 1;
        let step = step.map(|step| step.0);
        let link = Link { seq, run: self.run, plan: self.plan, at: self.at, kind, step, data };
        let hash = link.hash(&self.head);
        self.derived().execute(
            "INSERT INTO entries(seq, run, plan, at, kind, step, data, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![seq, self.run, self.plan, self.at, kind, step, column, hash],
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
                let data = codec::encode(intent);
                self.append("intent", Some(intent.step), &data, &data)?;
            }
            Change::Outcome { batch, results, quarantine } => {
                let Some(found) = open.get(batch) else {
                    let reason = format!("batch {} has an outcome without an intent", batch.0);
                    return Err(JournalError::Entry { seq: self.seq + 1, reason });
                };
                closed.push(*batch);
                let data = OutcomeData::of(*batch, found.seq, results, quarantine);
                self.entry("outcome", Some(found.intent.step), &data)?;
            }
            Change::Settled { records, quarantine, skips } => {
                let Some(first) = records.first() else { return Ok(()) };
                self.entry("settled", Some(first.step), &audit::SettledData::of(records, quarantine, skips))?;
            }
            Change::Repairs { step, repairs } => self.notes("repairs", Some(*step), repairs)?,
            Change::Files { step, files } => self.notes("files", Some(*step), files)?,
            Change::FilesSent { step, files } => self.notes("files_sent", Some(*step), files)?,
            Change::Fields { step, names } => {
                self.entry("fields", Some(*step), &audit::FieldNames { names: names.into() })?;
            }
            Change::Orphans { orphans, .. } if orphans.is_empty() => {}
            Change::Orphans { step, orphans } => {
                self.entry("orphans", Some(*step), &audit::OrphanData::of(orphans))?;
            }
            Change::Mended { step, mended } => self.notes("mended", Some(*step), mended)?,
            Change::Owners(owners) => self.notes("owners", None, owners)?,
            // Their digests are written once it is known what is kept.
            Change::Before(_) => {}
            Change::Setup(note) => self.entry("setup", None, note)?,
            Change::SetupUndone { position } => {
                self.entry("setup_undone", None, &audit::Position { position: *position })?;
            }
            Change::Read { step, records } => self.entry("read", Some(*step), &audit::Count { records: *records })?,
            Change::Done { step } => self.entry("step_done", Some(*step), &audit::Nothing {})?,
            Change::TakenBack { step, keys } => {
                self.entry("taken_back", Some(*step), &audit::Keys { keys: keys.into() })?;
            }
            Change::Reset { step } => self.entry("reset", Some(*step), &audit::Nothing {})?,
            Change::Moved { step, lines, is_last } => {
                self.notes(if *is_last { "moved" } else { "moving" }, Some(*step), lines)?;
            }
            Change::Vanished { step, records } => self.notes("vanished", Some(*step), records)?,
            Change::Returned { step, keys } => {
                self.entry("returned", Some(*step), &audit::Keys { keys: keys.into() })?;
            }
            Change::Finding { name, value } => {
                self.entry("finding", None, &audit::Finding { name: name.into(), value: value.into() })?;
            }
        }
        self.derived().apply(change, self.seq, open)?;
        match change {
            Change::Intent(intent) => {
                open.insert(intent.batch, OpenIntent { seq: self.seq, intent: intent.clone() });
            }
            Change::Before(images) => self.digests(images)?,
            _ => {}
        }
        Ok(())
    }

    /// Before-images may hold what is sensitive: entries hold their digests.
    fn digests(&mut self, images: &[BeforeImage]) -> Result<(), JournalError> {
        let mut notes = Vec::with_capacity(images.len());
        for image in images {
            notes.push(audit::ImageNote {
                step: image.step.0,
                key: image.key.clone(),
                id: image.id.clone(),
                operation: image.operation,
                digest: self.derived().kept_digest(image)?,
            });
        }
        self.notes("before", None, &notes)
    }

    fn notes<T: Serialize + Clone>(
        &mut self,
        kind: &str,
        step: Option<StepId>,
        notes: &[T],
    ) -> Result<(), JournalError> {
        if notes.is_empty() { Ok(()) } else { self.entry(kind, step, &audit::Notes { notes: Cow::Borrowed(notes) }) }
    }

    fn derived(&self) -> Derived<'_> {
        Derived(&self.transaction)
    }
}

/// SQLite counts in 64 bits with a sign; no export has more lines.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An id out of a row.
pub(crate) fn id_column(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    row.get::<_, Option<StoredId>>(column).map(|id| id.map(|id| id.0))
}
