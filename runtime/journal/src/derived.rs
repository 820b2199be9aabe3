//! The tables that follow from the entries.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::audit::OpenIntent;
use crate::change::{
    BatchId, BeforeImage, Change, FileNote, FileSent, MendedNote, MovedNote, Operation, OrphanNote, OwnerNote,
    QuarantineNote, RecordResult, RepairNote, Settled, SetupNote, SkipNote,
};
use crate::error::Attempt as _;
use crate::ids::{IdColumn, KeyColumn};
use crate::writer::signed;
use crate::{JournalError, State, StepId, chain, writes};

/// Steps of the stage whose records a step writes.
const OF_STAGE: &str = "step IN (SELECT s.id FROM steps s JOIN steps b ON b.id = ?1 WHERE s.id = b.id OR substr(s.name, 1, length(b.name) + 1) IN (b.name || '.', b.name || ':'))";

/// Knowledge of a journal, as rows; written together with the entries that they follow from, and once more where they
/// are checked.
pub(crate) struct Derived<'c>(pub(crate) &'c Connection);

struct Row<'a> {
    key: &'a str,
    line: u64,
    state: State,
    id: Option<&'a str>,
    winner: Option<&'a str>,
    parent: Option<&'a str>,
    /// The entry that tells what was written; none where nothing was.
    write: Option<i64>,
}

/// The number of the plan that a journal is begun with.
pub(crate) const FIRST_PLAN: i64 = 1;

/// The length of a plan's digest.
pub(crate) const PLAN_DIGEST: usize = 64;

/// The hash over a plan's text.
pub(crate) fn plan_digest(text: &str) -> String {
    chain::hex(blake3::hash(text.as_bytes()).as_bytes())
}

/// The start of the hash over what a record held and what was written.
pub(crate) fn image_digest(image: &str, written: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(image.len() as u64).to_le_bytes());
    hasher.update(image.as_bytes());
    hasher.update(written.as_bytes());
    chain::hex(hasher.finalize().as_bytes()).chars().take(32).collect()
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Derived<'_> {
    pub(crate) fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, JournalError> {
        self.0.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).attempting("written")
    }

    pub(crate) fn run_started(&self, run: i64, command: &str, at: i64) -> Result<(), JournalError> {
        self.execute("INSERT INTO runs(id, command, started) VALUES(?1, ?2, ?3)", params![run, command, at]).map(drop)
    }

    pub(crate) fn run_ended(&self, run: i64, result: &str, at: i64) -> Result<(), JournalError> {
        self.execute("UPDATE runs SET ended = ?2, result = ?3 WHERE id = ?1", params![run, at, result]).map(drop)
    }

    /// A remark about the whole journal.
    pub(crate) fn meta(&self, name: &str, value: &str) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )
        .map(drop)
    }

    /// A plan; its text, where it is known by now.
    pub(crate) fn plan(&self, id: i64, hash: &str, text: &str) -> Result<(), JournalError> {
        self.execute(
            "INSERT INTO plans(id, hash, text) VALUES(?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET text = excluded.text",
            params![id, hash, text],
        )
        .map(drop)
    }

    pub(crate) fn step(&self, step: StepId, name: &str, object: &str) -> Result<(), JournalError> {
        self.execute("INSERT INTO steps(id, name, object) VALUES(?1, ?2, ?3)", params![step.0, name, object]).map(drop)
    }

    /// Applies a change whose entry has this number. `open` has the intents without an outcome.
    pub(crate) fn apply(
        &self,
        change: &Change,
        seq: i64,
        open: &BTreeMap<BatchId, OpenIntent>,
    ) -> Result<(), JournalError> {
        match change {
            Change::Intent(intent) => self
                .execute("INSERT INTO open_intents(batch, seq) VALUES(?1, ?2)", params![intent.batch.0, seq])
                .map(drop),
            Change::Outcome { batch, results, quarantine } => match open.get(batch) {
                Some(found) => self.outcome(found, results, quarantine),
                None => Err(JournalError::Entry { seq, reason: format!("batch {} has an outcome without an intent", batch.0) }),
            },
            Change::Settled { records, quarantine, skips } => self.settle(records, quarantine, skips),
            Change::Repairs { step, repairs } => self.repairs(*step, repairs),
            Change::Files { step, files } => self.files(*step, files),
            Change::FilesSent { step, files } => self.files_sent(*step, files),
            Change::Fields { step, names } => self.fields(*step, names),
            Change::Orphans { step, orphans } => self.orphans(*step, orphans),
            Change::Mended { step, mended } => self.mended(*step, mended),
            Change::Owners(owners) => self.owners(owners),
            Change::Before(images) => images.iter().try_for_each(|image| self.before(image)),
            Change::Setup(note) => self.setup(note),
            Change::SetupUndone { position } => {
                self.execute("DELETE FROM setup WHERE position = ?1", [whole(*position)]).map(drop)
            }
            Change::Read { step, records } => {
                self.execute("UPDATE steps SET records = ?2 WHERE id = ?1", params![step.0, signed(*records)]).map(drop)
            }
            Change::Done { step } => {
                self.execute("UPDATE steps SET done = 1 WHERE id = ?1", [step.0]).map(drop)
            }
            Change::TakenBack { step, keys } => self.taken_back(*step, keys),
            Change::Reset { step } => {
                for table in ["id_map", "quarantine", "skips", "repairs", "orphans", "before_images", "vanished"] {
                    self.execute(&format!("DELETE FROM {table} WHERE step = ?1"), [step.0])?;
                }
                self.execute("UPDATE steps SET done = 0, records = NULL WHERE id = ?1", [step.0]).map(drop)
            }
            Change::Moved { step, lines, is_last } => {
                self.moved(*step, lines)?;
                if *is_last { self.all_moved(*step) } else { Ok(()) }
            }
            Change::Vanished { step, records } => records.iter().try_for_each(|record| {
                self.execute(
                    "INSERT INTO vanished(step, key, fate) VALUES(?1, ?2, ?3) ON CONFLICT(step, key) DO UPDATE SET fate = excluded.fate",
                    params![step.0, record.key, record.fate],
                )
                .map(drop)
            }),
            Change::Returned { step, keys } => keys.iter().try_for_each(|key| {
                self.execute("DELETE FROM vanished WHERE step = ?1 AND key = ?2", params![step.0, key]).map(drop)
            }),
            Change::Finding { name, value } => {
                self.execute(
                    "INSERT INTO findings(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                    params![name, value],
                )
                .map(drop)
            }
        }
    }

    /// Forgets records, with every remark about them. Few steps have remarks of every kind.
    fn taken_back(&self, step: StepId, keys: &[String]) -> Result<(), JournalError> {
        let mut remarks = Vec::new();
        for table in ["quarantine", "skips", "repairs", "orphans", "before_images", "vanished"] {
            let any = format!("SELECT EXISTS(SELECT 1 FROM {table} WHERE step = ?1)");
            let any = self.0.prepare_cached(&any).and_then(|mut any| any.query_row([step.0], |row| row.get(0)));
            if any.attempting("read")? {
                remarks.push(format!("DELETE FROM {table} WHERE step = ?1 AND key = ?2"));
            }
        }
        for key in keys {
            for sql in &remarks {
                self.execute(sql, params![step.0, key])?;
            }
            self.execute("DELETE FROM id_map WHERE step = ?1 AND key = ?2", params![step.0, KeyColumn(key)])?;
        }
        self.execute("UPDATE steps SET done = 0 WHERE id = ?1", [step.0]).map(drop)
    }

    fn outcome(
        &self,
        found: &OpenIntent,
        results: &[RecordResult],
        quarantine: &[QuarantineNote],
    ) -> Result<(), JournalError> {
        let intent = &found.intent;
        self.execute("DELETE FROM open_intents WHERE batch = ?1", [intent.batch.0])?;
        if !matches!(intent.operation, Operation::Create | Operation::Update) {
            return Ok(());
        }
        for (record, result) in intent.records.iter().zip(results) {
            let Some(state) = result.state else { continue };
            let id = (!state.is_quarantined()).then(|| result.id.as_deref().unwrap_or(&record.id));
            let row = Row {
                key: &record.key,
                line: record.line,
                state,
                id,
                winner: None,
                parent: record.parent.as_deref(),
                write: (!state.is_quarantined() && !record.fields.is_empty()).then_some(found.seq),
            };
            self.map(intent.step, &row)?;
        }
        self.quarantine(intent.step, quarantine)
    }

    fn settle(
        &self,
        records: &[Settled],
        quarantine: &[QuarantineNote],
        skips: &[SkipNote],
    ) -> Result<(), JournalError> {
        let Some(first) = records.first() else { return Ok(()) };
        let step = first.step;
        for record in records {
            self.map(
                record.step,
                &Row {
                    key: &record.key,
                    line: record.line,
                    state: record.state,
                    id: record.id.as_deref(),
                    winner: record.winner.as_deref(),
                    parent: None,
                    write: None,
                },
            )?;
        }
        self.quarantine(step, quarantine)?;
        for note in skips {
            self.execute(
                "INSERT INTO skips(step, key, reason, code) VALUES(?1, ?2, ?3, ?4)",
                params![step.0, note.key, note.reason, note.code],
            )?;
        }
        Ok(())
    }

    /// Writes what is known about a record; what was known before is replaced, with its reasons.
    fn map(&self, step: StepId, row: &Row<'_>) -> Result<(), JournalError> {
        let (state, id, line) = (row.state.number(), row.id.map(IdColumn), signed(row.line));
        let writes = row.write.map(|entry| writes::adding(&[], entry));
        let added = self.execute(
            "INSERT OR IGNORE INTO id_map(step, key, state, id, line, winner, parent, writes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![step.0, KeyColumn(row.key), state, id, line, row.winner, row.parent, writes],
        )?;
        if added == 0 {
            let writes = row.write.map(|entry| self.writes_with(step, row.key, entry)).transpose()?;
            self.execute(
                "UPDATE id_map SET state = ?3, id = ?4, line = ?5, winner = ?6, parent = COALESCE(?7, parent), writes = COALESCE(?8, writes) \
                 WHERE step = ?1 AND key = ?2",
                params![step.0, KeyColumn(row.key), state, id, line, row.winner, row.parent, writes],
            )?;
            self.forget(step, row.key)?;
        }
        Ok(())
    }

    /// The entries that tell what was written to a record before, and one more.
    fn writes_with(&self, step: StepId, key: &str, entry: i64) -> Result<Vec<u8>, JournalError> {
        let known: Option<Vec<u8>> = self
            .0
            .prepare_cached("SELECT writes FROM id_map WHERE step = ?1 AND key = ?2")
            .and_then(|mut statement| statement.query_row(params![step.0, KeyColumn(key)], |row| row.get(0)))
            .attempting("read")?;
        Ok(writes::adding(known.as_deref().unwrap_or_default(), entry))
    }

    /// Lines are all set aside first: what stands in a line now may be what moves last.
    fn moved(&self, step: StepId, lines: &[MovedNote]) -> Result<(), JournalError> {
        for note in lines {
            let (line, aside) = (signed(note.line), -1 - signed(note.line));
            let known: Option<(i64, Option<String>)> = self
                .0
                .prepare_cached("SELECT line, winner FROM id_map WHERE step = ?1 AND key = ?2")
                .and_then(|mut statement| {
                    let row = statement
                        .query_row(params![step.0, KeyColumn(&note.key)], |row| Ok((row.get(0)?, row.get(1)?)));
                    row.optional()
                })
                .attempting("read")?;
            self.execute(
                "UPDATE id_map SET line = ?3 WHERE step = ?1 AND key = ?2",
                params![step.0, KeyColumn(&note.key), line],
            )?;
            // Notes on a record of several rows stand at the line of the row whose value they tell.
            let (before, winner) = known.unwrap_or_default();
            for key in std::iter::once(&note.key).chain(&winner) {
                for table in ["repairs", "orphans"] {
                    self.execute(
                        &format!("UPDATE {table} SET line = ?3 WHERE {OF_STAGE} AND key = ?2 AND line = ?4"),
                        params![step.0, key, aside, before],
                    )?;
                }
            }
            self.execute("UPDATE files SET line = ?3 WHERE step = ?1 AND key = ?2", params![step.0, note.key, aside])?;
        }
        Ok(())
    }

    /// Brings those that were set aside to their lines.
    fn all_moved(&self, step: StepId) -> Result<(), JournalError> {
        for table in ["repairs", "orphans"] {
            self.execute(&format!("UPDATE {table} SET line = -1 - line WHERE {OF_STAGE} AND line < 0"), [step.0])?;
        }
        // What stands where a record moves to is of a record that the export has no more.
        self.execute(
            "DELETE FROM files WHERE step = ?1 AND line >= 0 AND EXISTS(SELECT 1 FROM files AS moved \
             WHERE moved.file = files.file AND moved.line = -1 - files.line AND moved.field = files.field)",
            [step.0],
        )?;
        self.execute("UPDATE files SET line = -1 - line WHERE step = ?1 AND line < 0", [step.0]).map(drop)
    }

    fn fields(&self, step: StepId, names: &[String]) -> Result<(), JournalError> {
        for name in names {
            self.execute(
                "INSERT INTO fields(step, number, name) SELECT ?1, COUNT(*), ?2 FROM fields WHERE step = ?1",
                params![step.0, name],
            )?;
        }
        Ok(())
    }

    fn forget(&self, step: StepId, key: &str) -> Result<(), JournalError> {
        self.execute("DELETE FROM quarantine WHERE step = ?1 AND key = ?2", params![step.0, key])?;
        self.execute("DELETE FROM skips WHERE step = ?1 AND key = ?2", params![step.0, key]).map(drop)
    }

    fn quarantine(&self, step: StepId, notes: &[QuarantineNote]) -> Result<(), JournalError> {
        for note in notes {
            self.execute(
                "INSERT INTO quarantine(step, key, source_key, file, line, field, reason, code) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    step.0,
                    note.key,
                    note.source_key,
                    note.file,
                    signed(note.line),
                    note.field,
                    note.reason,
                    note.code
                ],
            )?;
        }
        Ok(())
    }

    fn repairs(&self, step: StepId, notes: &[RepairNote]) -> Result<(), JournalError> {
        for note in notes {
            self.execute(
                "INSERT OR IGNORE INTO repairs(step, key, file, line, field, reason, code) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![step.0, note.key, note.file, signed(note.line), note.field, note.reason, note.code],
            )?;
        }
        Ok(())
    }

    fn files(&self, step: StepId, notes: &[FileNote]) -> Result<(), JournalError> {
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

    fn files_sent(&self, step: StepId, notes: &[FileSent]) -> Result<(), JournalError> {
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

    fn orphans(&self, step: StepId, notes: &[OrphanNote]) -> Result<(), JournalError> {
        for note in notes {
            self.execute(
                "INSERT OR IGNORE INTO orphans(owner, step, key, field, line) VALUES(?1, ?2, ?3, ?4, ?5)",
                params![note.owner, step.0, note.key, note.field, signed(note.line)],
            )?;
        }
        Ok(())
    }

    fn mended(&self, step: StepId, notes: &[MendedNote]) -> Result<(), JournalError> {
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

    fn owners(&self, notes: &[OwnerNote]) -> Result<(), JournalError> {
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
    fn before(&self, image: &BeforeImage) -> Result<(), JournalError> {
        let (step, id, operation) = (image.step.0, IdColumn(&image.id), image.operation.as_str());
        let known: Option<(String, String)> = self
            .0
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
        let unreadable = |error: serde_json::Error| JournalError::Entry { seq: 0, reason: error.to_string() };
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

    fn setup(&self, note: &SetupNote) -> Result<(), JournalError> {
        // What was done stays noted when a later run finds it done; what is made anew replaces it.
        self.execute(
            "INSERT INTO setup(position, action, outcome, undo) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(position) DO UPDATE SET \
             action = excluded.action, outcome = excluded.outcome, undo = excluded.undo \
             WHERE setup.outcome <> 'done' OR excluded.outcome = 'done'",
            params![whole(note.position), note.action, note.outcome, note.undo],
        )
        .map(drop)
    }

    /// The digest of what is kept of a record that was changed.
    pub(crate) fn kept_digest(&self, image: &BeforeImage) -> Result<String, JournalError> {
        self.0
            .prepare_cached("SELECT image, written FROM before_images WHERE step = ?1 AND id = ?2 AND operation = ?3")
            .and_then(|mut statement| {
                statement.query_row(params![image.step.0, IdColumn(&image.id), image.operation.as_str()], |row| {
                    Ok(image_digest(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?))
                })
            })
            .attempting("read")
    }
}
