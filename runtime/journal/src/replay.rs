//! The tables once more, out of the entries alone: what was changed beside them is noticed by it.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use crate::audit::{self, OpenIntent, OutcomeData, SettledData, parse};
use crate::change::{BatchId, Change, RecordResult, SetupNote};
use crate::derived::{Derived, FIRST_PLAN, PLAN_DIGEST, image_digest, plan_digest};
use crate::error::Attempt as _;
use crate::ids::IdColumn;
use crate::{JournalError, StepId, Workspace, codec, schema};

/// Table that a file of an earlier program lacks.
const VANISHED: &str = "the list of vanished records";

/// Columns that a file of an earlier program lacks.
const CODES: &str = "the list of codes of reasons";
/// Name of another: that of the codes of remarks, which an older file lacks too.
const NOTE_CODES: &str = "the list of codes of values left out";

/// Tables that are compared: a name for people, and a question whose answer has an order.
const TABLES: &[(&str, &str)] = &[
    ("the map of records", "SELECT step, key, state, id, line, winner, parent, writes FROM id_map ORDER BY step, key"),
    ("the list of steps", "SELECT id, name, object, records, done FROM steps ORDER BY id"),
    ("the list of runs", "SELECT id, command, started, ended, result FROM runs ORDER BY id"),
    ("the list of intents without an outcome", "SELECT batch, seq FROM open_intents ORDER BY batch"),
    (
        "the list of records quarantined",
        "SELECT step, key, source_key, file, line, field, reason FROM quarantine ORDER BY step, key, field, reason, id",
    ),
    ("the list of records skipped", "SELECT step, key, reason FROM skips ORDER BY step, key, reason, id"),
    (
        "the list of values left out",
        "SELECT step, key, field, reason, file, line FROM repairs ORDER BY step, key, field, reason",
    ),
    (
        "the list of files",
        "SELECT file, line, field, step, key, path, state, bytes, reason, sent_by, hash FROM files ORDER BY file, line, field",
    ),
    ("the list of orphans", "SELECT step, key, field, owner, line FROM orphans ORDER BY step, key, field, owner"),
    ("the list of fields", "SELECT step, number, name FROM fields ORDER BY step, number"),
    ("the list of owners", "SELECT source, destination, id, how FROM owners ORDER BY source"),
    ("the list of changes of the schema", "SELECT position, action, outcome, undo FROM setup ORDER BY position"),
    (VANISHED, "SELECT step, key, fate FROM vanished ORDER BY step, key"),
    (
        CODES,
        "SELECT step, key, field, reason, code FROM quarantine UNION ALL SELECT step, key, NULL, reason, code FROM skips ORDER BY 1, 2, 3, 4, 5",
    ),
    (NOTE_CODES, "SELECT step, key, field, reason, code FROM repairs ORDER BY step, key, field, reason"),
    ("the list of findings", "SELECT name, value FROM findings ORDER BY name"),
];

/// Plans: the entries know their texts by their digests.
const PLANS: &str = "SELECT id, hash, text FROM plans ORDER BY id";

/// Values that records held: the entries know them by their digest.
const IMAGES: &str = "SELECT step, id, operation, key, image, written FROM before_images ORDER BY step, id, operation";

/// Says what of the tables does not follow from the entries, whose chain is whole. Takes the room of the journal once more on the disk, and none in memory
/// that grows with it. A journal that was begun before the entries told everything is taken as it is.
pub(crate) fn differs(journal: &Connection) -> Result<Option<String>, JournalError> {
    let first: Result<(String, String), _> =
        journal.query_row("SELECT kind, data FROM entries WHERE seq = 1", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((_, begun)) = first.ok().filter(|(kind, _)| kind == "begun") else { return Ok(None) };
    let begun: audit::Begun = parse(1, begun.as_bytes())?;
    for (name, wanted) in [("migration", begun.migration), ("destination", begun.destination), ("plan", begun.plan)] {
        if schema::meta(journal, name)? != wanted {
            return Ok(Some(format!("it names another {name} than it was begun with")));
        }
    }
    // A database without a name is a file that is thrown away.
    let again = Connection::open("").attempting("checked")?;
    again
        .execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8192; BEGIN;")
        .attempting("checked")?;
    schema::create(&again)?;
    schema::complete(&again)?;
    again.set_prepared_statement_cache_capacity(64);
    let batch = replay(journal, &again)?;
    let noted: i64 = schema::meta(journal, "batch")?.parse().unwrap_or(0);
    if noted < batch {
        return Ok(Some("the number of its last batch was changed".to_owned()));
    }
    if schema::workspace(journal)? != schema::workspace(&again)? {
        return Ok(Some("it names another workspace than it was bound to".to_owned()));
    }
    let plans = is_same(journal, &again, PLANS, |row, _| {
        let text: String = row.get(2)?;
        // Made again, the table holds the digest itself.
        let digest = if text.len() == PLAN_DIGEST { text } else { plan_digest(&text) };
        Ok(vec![cell(row, 0)?, cell(row, 1)?, digest.into_bytes()])
    })?;
    if !plans {
        return Ok(Some("the list of plans is not what its entries say".to_owned()));
    }
    for (what, sql) in TABLES {
        let is_lacking = match *what {
            VANISHED => !schema::knows_vanished(journal)?,
            CODES => !schema::knows_codes(journal)?,
            NOTE_CODES => !schema::knows_codes_of_notes(journal)?,
            _ => false,
        };
        if is_lacking {
            continue;
        }
        if !is_same(journal, &again, sql, |row, columns| (0..columns).map(|at| cell(row, at)).collect())? {
            return Ok(Some(format!("{what} is not what its entries say")));
        }
    }
    let unlike: bool = journal
        .query_row("SELECT EXISTS(SELECT 1 FROM before_images WHERE written = '')", [], |row| row.get(0))
        .attempting("read")?;
    let images = !unlike
        && is_same(journal, &again, IMAGES, |row, _| {
            let (image, written): (String, String) = (row.get(4)?, row.get(5)?);
            // Made again, the table holds the digest itself.
            let digest = if written.is_empty() { image } else { image_digest(&image, &written) };
            let mut cells = (0..4).map(|at| cell(row, at)).collect::<rusqlite::Result<Vec<_>>>()?;
            cells.push(digest.into_bytes());
            Ok(cells)
        })?;
    Ok((!images).then(|| "what records held before is not what its entries say".to_owned()))
}

/// A value with its type, as bytes.
fn cell(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<u8>> {
    let tagged = |tag: u8, bytes: &[u8]| [&[tag], bytes].concat();
    Ok(match row.get_ref(at)? {
        ValueRef::Null => vec![0],
        ValueRef::Integer(number) => tagged(1, &number.to_le_bytes()),
        ValueRef::Real(number) => tagged(2, &number.to_le_bytes()),
        ValueRef::Text(text) => tagged(3, text),
        ValueRef::Blob(bytes) => tagged(4, bytes),
    })
}

/// True where two databases answer a question alike.
fn is_same(
    one: &Connection,
    other: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>, usize) -> rusqlite::Result<Vec<Vec<u8>>>,
) -> Result<bool, JournalError> {
    let (mut one, mut other) = (one.prepare(sql).attempting("read")?, other.prepare(sql).attempting("checked")?);
    let columns = one.column_count();
    let (mut ones, mut others) = (one.query([]).attempting("read")?, other.query([]).attempting("checked")?);
    loop {
        let (left, right) = (ones.next().attempting("read")?, others.next().attempting("checked")?);
        match (left, right) {
            (None, None) => return Ok(true),
            (Some(left), Some(right)) => {
                if read(left, columns).attempting("read")? != read(right, columns).attempting("checked")? {
                    return Ok(false);
                }
            }
            _ => return Ok(false),
        }
    }
}

/// Applies every entry; says the largest batch.
fn replay(journal: &Connection, again: &Connection) -> Result<i64, JournalError> {
    let derived = Derived(again);
    let mut open: BTreeMap<BatchId, OpenIntent> = BTreeMap::new();
    let mut largest = 0;
    let mut statement =
        journal.prepare("SELECT seq, run, at, kind, step, data FROM entries ORDER BY seq").attempting("read")?;
    let mut rows = statement.query([]).attempting("read")?;
    while let Some(row) = rows.next().attempting("read")? {
        let entry = Entry {
            seq: row.get(0).attempting("read")?,
            run: row.get(1).attempting("read")?,
            at: row.get(2).attempting("read")?,
            kind: row.get(3).attempting("read")?,
            step: StepId(row.get::<_, Option<i64>>(4).attempting("read")?.unwrap_or(0)),
            data: row.get_ref(5).and_then(|data| Ok(data.as_bytes()?.to_vec())).attempting("read")?,
        };
        let Some(change) = entry.change(&derived, &open)? else { continue };
        derived.apply(&change, entry.seq, &open)?;
        match change {
            Change::Intent(intent) => {
                largest = largest.max(intent.batch.0);
                open.insert(intent.batch, OpenIntent { seq: entry.seq, intent });
            }
            Change::Outcome { batch, .. } => {
                open.remove(&batch);
            }
            _ => {}
        }
    }
    Ok(largest)
}

struct Entry {
    seq: i64,
    run: i64,
    at: i64,
    kind: String,
    step: StepId,
    data: Vec<u8>,
}

impl Entry {
    /// The change that the entry is about; none for those that are applied here.
    fn change(
        &self,
        derived: &Derived<'_>,
        open: &BTreeMap<BatchId, OpenIntent>,
    ) -> Result<Option<Change>, JournalError> {
        let (seq, step, data) = (self.seq, self.step, self.data.as_slice());
        Ok(Some(match self.kind.as_str() {
            "run_started" => {
                let started: audit::RunStarted = parse(seq, data)?;
                return derived.run_started(self.run, &started.command, self.at).map(|()| None);
            }
            "run_ended" => {
                let ended: audit::RunEnded = parse(seq, data)?;
                return derived.run_ended(self.run, &ended.result, self.at).map(|()| None);
            }
            "step" => {
                let begun: audit::StepBegun = parse(seq, data)?;
                return derived.step(step, &begun.name, &begun.object).map(|()| None);
            }
            "begun" => {
                let begun: audit::Begun = parse(seq, data)?;
                return derived.plan(FIRST_PLAN, &begun.plan, &plan_digest("")).map(|()| None);
            }
            "plan" => {
                let kept: audit::PlanKept = parse(seq, data)?;
                return derived.plan(kept.id, &kept.hash, &kept.text).map(|()| None);
            }
            "bound" => {
                let workspace: Workspace = parse(seq, data)?;
                let text = serde_json::to_string(&workspace).unwrap_or_default();
                return derived.meta("workspace", &text).map(|()| None);
            }
            "before" => return self.images(derived).map(|()| None),
            "intent" => Change::Intent(codec::decode(seq, step, data)?),
            "outcome" => {
                let data: OutcomeData = parse(seq, data)?;
                let records = open.get(&data.batch).map_or(0, |open| open.intent.records.len());
                let none = RecordResult::default();
                let results = (0..records).map(|position| data.result(position).unwrap_or(&none).clone()).collect();
                Change::Outcome { batch: data.batch, results, quarantine: data.quarantine }
            }
            "settled" => {
                let mut data: SettledData = parse(seq, data)?;
                Change::Settled { records: data.records(step), quarantine: data.quarantine, skips: data.skips }
            }
            "repairs" => Change::Repairs { step, repairs: notes(seq, data)? },
            "files" => Change::Files { step, files: notes(seq, data)? },
            "files_sent" => Change::FilesSent { step, files: notes(seq, data)? },
            "orphans" => Change::Orphans { step, orphans: parse::<audit::OrphanData>(seq, data)?.notes() },
            "fields" => Change::Fields { step, names: parse::<audit::FieldNames<'_>>(seq, data)?.names.into_owned() },
            "mended" => Change::Mended { step, mended: notes(seq, data)? },
            "owners" => Change::Owners(notes(seq, data)?),
            "setup" => Change::Setup(parse::<SetupNote>(seq, data)?),
            "setup_undone" => Change::SetupUndone { position: parse::<audit::Position>(seq, data)?.position },
            "read" => Change::Read { step, records: parse::<audit::Count>(seq, data)?.records },
            "step_done" => Change::Done { step },
            "taken_back" => Change::TakenBack { step, keys: parse::<audit::Keys<'_>>(seq, data)?.keys.into_owned() },
            "reset" => Change::Reset { step },
            "moving" => Change::Moved { step, lines: notes(seq, data)?, is_last: false },
            "moved" => Change::Moved { step, lines: notes(seq, data)?, is_last: true },
            "vanished" => Change::Vanished { step, records: notes(seq, data)? },
            "returned" => Change::Returned { step, keys: parse::<audit::Keys<'_>>(seq, data)?.keys.into_owned() },
            "finding" => {
                let finding: audit::Finding<'_> = parse(seq, data)?;
                Change::Finding { name: finding.name.into_owned(), value: finding.value.into_owned() }
            }
            _ => return Ok(None),
        }))
    }

    fn images(&self, derived: &Derived<'_>) -> Result<(), JournalError> {
        for note in notes::<audit::ImageNote>(self.seq, &self.data)? {
            derived.execute(
                "INSERT INTO before_images(step, key, id, operation, image, written) VALUES(?1, ?2, ?3, ?4, ?5, '') \
                 ON CONFLICT(step, id, operation) DO UPDATE SET image = excluded.image",
                params![note.step, note.key, IdColumn(&note.id), note.operation.as_str(), note.digest],
            )?;
        }
        Ok(())
    }
}

fn notes<T: Clone + for<'d> serde::Deserialize<'d>>(seq: i64, data: &[u8]) -> Result<Vec<T>, JournalError> {
    Ok(parse::<audit::Notes<'_, T>>(seq, data)?.notes.into_owned())
}
