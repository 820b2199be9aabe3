//! Content of an entry, and its unfolding into one line per record and attempt.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::chain::hex;
use crate::change::{
    BatchId, Intent, Operation, OrphanNote, Planned, QuarantineNote, RecordResult, Settled, SetupNote, SkipNote,
};
use crate::error::Attempt as _;
use crate::{JournalError, State, StepId, codec, ids};

#[derive(Serialize, Deserialize)]
pub(crate) struct OutcomeData {
    pub(crate) batch: BatchId,
    // The entry of its intent, which names the records.
    intent: i64,
    // One result where all records have the same: nearly always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<RecordResult>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    each: Vec<RecordResult>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) quarantine: Vec<QuarantineNote>,
}

impl OutcomeData {
    pub(crate) fn of(batch: BatchId, intent: i64, results: &[RecordResult], quarantine: &[QuarantineNote]) -> Self {
        let same = results.split_first().filter(|(first, rest)| rest.iter().all(|result| result == *first));
        Self {
            batch,
            intent,
            all: same.map(|(first, _)| first.clone()),
            each: if same.is_some() { Vec::new() } else { results.to_vec() },
            quarantine: quarantine.to_vec(),
        }
    }

    pub(crate) fn result(&self, position: usize) -> Option<&RecordResult> {
        self.all.as_ref().or_else(|| self.each.get(position))
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SettledRecord {
    #[serde(rename = "k")]
    key: String,
    #[serde(rename = "l")]
    line: u64,
    #[serde(rename = "s")]
    state: State,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    winner: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SettledData {
    records: Vec<SettledRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) quarantine: Vec<QuarantineNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) skips: Vec<SkipNote>,
}

impl SettledData {
    pub(crate) fn of(records: &[Settled], quarantine: &[QuarantineNote], skips: &[SkipNote]) -> Self {
        let records = records
            .iter()
            .map(|record| SettledRecord {
                key: record.key.clone(),
                line: record.line,
                state: record.state,
                id: record.id.clone(),
                winner: record.winner.clone(),
            })
            .collect();
        Self { records, quarantine: quarantine.to_vec(), skips: skips.to_vec() }
    }

    /// The records, which are of a step.
    pub(crate) fn records(&mut self, step: StepId) -> Vec<Settled> {
        let records = std::mem::take(&mut self.records).into_iter();
        let settled = |record: SettledRecord| Settled {
            step,
            key: record.key,
            line: record.line,
            state: record.state,
            id: record.id,
            winner: record.winner,
        };
        records.map(settled).collect()
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) position: usize,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) records: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Nothing {}

#[derive(Serialize, Deserialize)]
pub(crate) struct Keys<'a> {
    pub(crate) keys: Cow<'a, [String]>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Notes<'a, T: Clone> {
    pub(crate) notes: Cow<'a, [T]>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Finding<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// Records without an owner, by owner and field.
#[derive(Serialize, Deserialize)]
pub(crate) struct OrphanData {
    orphans: Vec<OrphanGroup>,
}

#[derive(Serialize, Deserialize)]
struct OrphanGroup {
    #[serde(rename = "o")]
    owner: String,
    #[serde(rename = "f")]
    field: String,
    /// Key and line of each.
    #[serde(rename = "r")]
    records: Vec<(String, u64)>,
}

impl OrphanData {
    pub(crate) fn of(notes: &[OrphanNote]) -> Self {
        let mut groups: BTreeMap<(&str, &str), Vec<(String, u64)>> = BTreeMap::new();
        for note in notes {
            groups.entry((&note.owner, &note.field)).or_default().push((note.key.clone(), note.line));
        }
        let group = |((owner, field), records): ((&str, &str), _)| OrphanGroup {
            owner: owner.to_owned(),
            field: field.to_owned(),
            records,
        };
        Self { orphans: groups.into_iter().map(group).collect() }
    }

    pub(crate) fn notes(self) -> Vec<OrphanNote> {
        let notes = |group: OrphanGroup| {
            let OrphanGroup { owner, field, records } = group;
            let note = move |(key, line)| OrphanNote { owner: owner.clone(), key, field: field.clone(), line };
            records.into_iter().map(note)
        };
        self.orphans.into_iter().flat_map(notes).collect()
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FieldNames<'a> {
    pub(crate) names: Cow<'a, [String]>,
}

/// A plan, by the digest of its text, which stands in a table of its own.
#[derive(Serialize, Deserialize)]
pub(crate) struct PlanKept {
    pub(crate) id: i64,
    pub(crate) hash: String,
    pub(crate) text: String,
}

/// Whose journal it is: the first entry.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) migration: String,
    pub(crate) destination: String,
    pub(crate) plan: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StepBegun {
    pub(crate) name: String,
    pub(crate) object: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RunStarted {
    pub(crate) command: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RunEnded {
    pub(crate) result: String,
}

/// That something is kept of what a record held.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ImageNote {
    #[serde(rename = "s")]
    pub(crate) step: i64,
    #[serde(rename = "k")]
    pub(crate) key: String,
    #[serde(rename = "i")]
    pub(crate) id: String,
    #[serde(rename = "o")]
    pub(crate) operation: Operation,
    #[serde(rename = "d")]
    pub(crate) digest: String,
}

/// An intent without an outcome.
#[derive(Debug)]
pub(crate) struct OpenIntent {
    /// Entry of the intent.
    pub(crate) seq: i64,
    /// Content of the intent.
    pub(crate) intent: Intent,
}

/// Intents without an outcome, by batch.
pub(crate) fn open_intents(connection: &Connection) -> Result<BTreeMap<BatchId, OpenIntent>, JournalError> {
    let mut statement = connection
        .prepare(
            "SELECT entries.seq, entries.step, entries.data FROM open_intents JOIN entries ON entries.seq = open_intents.seq \
             ORDER BY open_intents.batch",
        )
        .attempting("read")?;
    let mut rows = statement.query([]).attempting("read")?;
    let mut open = BTreeMap::new();
    while let Some(row) = rows.next().attempting("read")? {
        let seq: i64 = row.get(0).attempting("read")?;
        let step = StepId(row.get(1).attempting("read")?);
        let intent = codec::decode(seq, step, &row.get::<_, Vec<u8>>(2).attempting("read")?)?;
        open.insert(intent.batch, OpenIntent { seq, intent });
    }
    Ok(open)
}

pub(crate) fn parse<'a, T: Deserialize<'a>>(seq: i64, data: &'a [u8]) -> Result<T, JournalError> {
    serde_json::from_slice(data).map_err(|error| JournalError::Entry { seq, reason: error.to_string() })
}

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The entry it stands in.
    pub seq: i64,
    /// The run.
    pub run: i64,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// `begun`, `step`, `intent`, `created`, `updated`, `skipped`, `quarantined`, `mended`, `setup`, `run_started`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The step: a map, `MAP.FIELD` of links, `MAP:deferred`, `MAP:backfill`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The source key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The line of the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The destination id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// `create`, `update`, `restore`, `destroy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Requests that the record took part in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Start of the hash of what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The same of what the written fields held before, where the record was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Why it was quarantined or skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whatever else the entry holds, where it is not about one record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// The entry's hash in the chain.
    pub hash: String,
}

/// The lines of the audit trail that say something of a text, as a key or an id: the entries that hold it are found by the database, and only they are
/// unfolded.
pub(crate) fn lines_with(connection: &Connection, text: &str) -> Result<Vec<Line>, JournalError> {
    let written = serde_json::to_vec(text).unwrap_or_default();
    let packed = ids::shortened(text);
    let mut statement = connection
        .prepare(
            "WITH named AS (SELECT seq FROM entries WHERE CASE kind WHEN 'intent' THEN instr(data, ?2) > 0 OR instr(data, ?3) > 0 \
             ELSE instr(CAST(data AS BLOB), ?1) > 0 END) \
             SELECT seq FROM named UNION \
             SELECT seq FROM entries WHERE CASE kind WHEN 'outcome' THEN data ->> '$.intent' END IN (SELECT seq FROM named) ORDER BY seq",
        )
        .attempting("read")?;
    let values = params![written, text.as_bytes(), packed.as_deref().unwrap_or(text.as_bytes())];
    let numbers: Vec<i64> =
        statement.query_map(values, |row| row.get(0)).and_then(Iterator::collect).attempting("read")?;
    let mut lines = Vec::new();
    for number in numbers {
        let Some(entry) = Entry::next(connection, number - 1)? else { continue };
        let named = |line: &Line| line.key.as_deref() == Some(text) || line.id.as_deref() == Some(text);
        lines.extend(entry.unfold(connection)?.into_iter().filter(named));
    }
    Ok(lines)
}

/// The audit trail, line by line, in the order in which it was written. Holds one entry in memory at a time.
#[derive(Debug)]
pub struct Lines<'r> {
    connection: &'r Connection,
    seq: i64,
    ready: std::vec::IntoIter<Line>,
}

impl<'r> Lines<'r> {
    pub(crate) fn new(connection: &'r Connection) -> Self {
        Self { connection, seq: 0, ready: Vec::new().into_iter() }
    }

    fn fill(&mut self) -> Result<bool, JournalError> {
        let Some(entry) = Entry::next(self.connection, self.seq)? else { return Ok(false) };
        self.seq = entry.seq;
        self.ready = entry.unfold(self.connection)?.into_iter();
        Ok(true)
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<Line, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.ready.next() {
                return Some(Ok(line));
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.seq += 1;
                    return Some(Err(error));
                }
            }
        }
    }
}

struct Entry {
    seq: i64,
    run: i64,
    at: i64,
    kind: String,
    step: Option<String>,
    data: Vec<u8>,
    hash: String,
}

impl Entry {
    /// The first entry after a number.
    fn next(connection: &Connection, after: i64) -> Result<Option<Self>, JournalError> {
        connection
            .prepare_cached(
                "SELECT entries.seq, run, at, kind, entries.step, data, hash, steps.name FROM entries \
                 LEFT JOIN steps ON steps.id = entries.step WHERE entries.seq > ?1 ORDER BY entries.seq LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([after], |row| {
                        Ok(Self {
                            seq: row.get(0)?,
                            run: row.get(1)?,
                            at: row.get(2)?,
                            kind: row.get(3)?,
                            data: row.get_ref(5)?.as_bytes()?.to_vec(),
                            hash: hex(&row.get::<_, Vec<u8>>(6)?),
                            step: row.get(7)?,
                        })
                    })
                    .optional()
            })
            .attempting("read")
    }

    fn line(&self, kind: &str) -> Line {
        Line {
            seq: self.seq,
            run: self.run,
            at: jiff::Timestamp::from_millisecond(self.at).map(|at| at.to_string()).unwrap_or_default(),
            kind: kind.to_owned(),
            step: self.step.clone(),
            key: None,
            line: None,
            id: None,
            batch: None,
            operation: None,
            attempts: None,
            digest: None,
            before: None,
            reason: None,
            data: None,
            hash: self.hash.clone(),
        }
    }

    fn unfold(&self, connection: &Connection) -> Result<Vec<Line>, JournalError> {
        match self.kind.as_str() {
            "intent" => {
                let intent = codec::decode(self.seq, StepId(0), &self.data)?;
                Ok(intent.records.iter().map(|record| self.record("intent", &intent, record)).collect())
            }
            "outcome" => self.outcome(connection),
            "settled" => self.settled(),
            "setup" => {
                let note: SetupNote = parse(self.seq, &self.data)?;
                let reason = Some(format!("{}: {}", note.action, note.outcome));
                Ok(vec![Line { reason, ..self.line("setup") }])
            }
            // The intents tell of them.
            "before" => Ok(Vec::new()),
            kind => {
                let data: serde_json::Value = parse(self.seq, &self.data)?;
                let empty = data.as_object().is_some_and(serde_json::Map::is_empty);
                Ok(vec![Line { data: (!empty).then_some(data), ..self.line(kind) }])
            }
        }
    }

    fn record(&self, kind: &str, intent: &Intent, record: &Planned) -> Line {
        Line {
            key: Some(record.key.clone()),
            line: (record.line > 0).then_some(record.line),
            id: Some(record.id.clone()),
            batch: Some(intent.batch),
            operation: Some(intent.operation),
            digest: (!record.digest.is_empty()).then(|| record.digest.clone()),
            before: (!record.before.is_empty()).then(|| record.before.clone()),
            ..self.line(kind)
        }
    }

    fn outcome(&self, connection: &Connection) -> Result<Vec<Line>, JournalError> {
        let data: OutcomeData = parse(self.seq, &self.data)?;
        let found: Option<Vec<u8>> = connection
            .prepare_cached("SELECT data FROM entries WHERE seq = ?1")
            .and_then(|mut statement| statement.query_row([data.intent], |row| row.get(0)).optional())
            .attempting("read")?;
        let Some(found) = found else { return Ok(Vec::new()) };
        let intent = codec::decode(data.intent, StepId(0), &found)?;
        let mut lines = Vec::with_capacity(intent.records.len());
        for (position, record) in intent.records.iter().enumerate() {
            let Some(result) = data.result(position) else { continue };
            let kind = result.state.map_or("not_done", |state| intent.operation.done().unwrap_or(state.as_str()));
            lines.push(Line {
                attempts: Some(result.attempts),
                reason: result.reason.clone(),
                id: Some(result.id.as_ref().unwrap_or(&record.id).clone()),
                ..self.record(kind, &intent, record)
            });
        }
        Ok(lines)
    }

    fn settled(&self) -> Result<Vec<Line>, JournalError> {
        let data: SettledData = parse(self.seq, &self.data)?;
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for note in &data.quarantine {
            let reason = match &note.field {
                Some(field) => format!("{field}: {}", note.reason),
                None => note.reason.clone(),
            };
            reasons.entry(&note.key).or_default().push(reason);
        }
        for note in &data.skips {
            reasons.entry(&note.key).or_default().push(note.reason.clone());
        }
        let lines = data.records.iter().map(|record| Line {
            key: Some(record.key.clone()),
            line: (record.line > 0).then_some(record.line),
            id: record.id.clone(),
            reason: reasons.get(record.key.as_str()).map(|reasons| reasons.join("; ")),
            ..self.line(record.state.as_str())
        });
        Ok(lines.collect())
    }
}
