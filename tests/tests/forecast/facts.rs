//! What happened, from what is kept: the records of the destination's own store, and the entries of the journal. Nothing here is computed by what forecasts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use migr_engine::{KEPT, OUTDONE};
use migr_journal::{Reader, Remark, State};
use migr_plan::Step;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};

/// Words of the audit trail that settle a record.
const STATES: [&str; 6] = ["created", "updated", "unchanged", "skipped", "quarantined", "uncertain"];

/// Start of the note on a value that gives way: in a merge, or to a row that is kept.
const GIVES_WAY: &str = "gave way ";

/// A record as the destination keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) trashed: bool,
    pub(crate) body: Map<String, Value>,
}

/// Records of the destination by plural name and id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Store(pub(crate) BTreeMap<(String, String), Stored>);

impl Store {
    /// Reads a sandbox's file.
    pub(crate) fn read(path: &Path) -> Self {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut rows = database.prepare("SELECT name, json FROM objects").unwrap();
        let named = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let plural: BTreeMap<String, String> = rows
            .query_map([], named)
            .unwrap()
            .map(|row| {
                let (name, object) = row.unwrap();
                let object: Value = serde_json::from_str(&object).unwrap();
                (name, object["plural"].as_str().unwrap().to_owned())
            })
            .collect();
        let mut records = database.prepare("SELECT object, id, deleted IS NOT NULL, body FROM records").unwrap();
        let record = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get::<_, String>(3)?))
        };
        let records = records.query_map([], record).unwrap().map(|row| {
            let (object, id, trashed, body) = row.unwrap();
            let mut body: Map<String, Value> = serde_json::from_str(&body).unwrap();
            // The server stamps these by itself.
            body.retain(|key, value| {
                !matches!(key.as_str(), "position" | "updatedBy" | "updatedAt") && !value.is_null()
            });
            ((plural[&object].clone(), id), Stored { trashed, body })
        });
        Self(records.collect())
    }

    pub(crate) fn get(&self, object: &str, id: &str) -> Option<&Stored> {
        self.0.get(&(object.to_owned(), id.to_owned()))
    }

    /// Ids of an object's records that are in use here and not there at all before.
    pub(crate) fn new_since(&self, before: &Self, object: &str) -> BTreeSet<String> {
        let here = self.0.iter().filter(|((of, _), stored)| of == object && !stored.trashed);
        here.filter(|(place, _)| !before.0.contains_key(*place)).map(|((_, id), _)| id.clone()).collect()
    }

    /// Ids of an object's records that were there before and hold something else now, with the keys that changed.
    pub(crate) fn changed_since(&self, before: &Self, object: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut changed = BTreeMap::new();
        for ((of, id), now) in self.0.iter().filter(|((of, _), _)| of == object) {
            let Some(then) = before.get(of, id) else { continue };
            let keys = now.body.keys().chain(then.body.keys());
            let keys: BTreeSet<String> =
                keys.filter(|key| now.body.get(*key) != then.body.get(*key)).cloned().collect();
            if !keys.is_empty() {
                changed.insert(id.clone(), keys);
            }
        }
        changed
    }
}

/// A record of the journal: a row of the export as a map's step knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journaled {
    pub(crate) line: u64,
    pub(crate) state: State,
    pub(crate) id: Option<String>,
    /// Key of the record that stands for it.
    pub(crate) winner: Option<String>,
}

/// A field of a record: the step, the line, the field's name where one is to blame.
pub(crate) type Place = (String, u64, String);

/// What a journal holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    /// By step and key.
    pub(crate) records: BTreeMap<(String, String), Journaled>,
    pub(crate) quarantined: BTreeSet<Place>,
    /// Why records are in quarantine, by step and line.
    pub(crate) reasons: BTreeMap<(String, u64), String>,
    pub(crate) repaired: BTreeSet<Place>,
    /// Values that give way to others in a merge.
    pub(crate) given_way: BTreeSet<Place>,
    /// Fields whose values stay, since the export has none.
    pub(crate) kept: BTreeSet<Place>,
    /// Fields whose values stay, although the export has another one.
    pub(crate) outdone: BTreeSet<Place>,
    pub(crate) orphaned: BTreeSet<Place>,
    /// Keys of records that were sent and of which no answer came, by step and id.
    pub(crate) unanswered: BTreeMap<(String, String), String>,
    /// Number of times that a step sent a record, by step and id.
    pub(crate) sent: BTreeMap<(String, String), usize>,
}

impl Journal {
    /// True where no answer came to a request for a record, of whatever step.
    pub(crate) fn is_unanswered(&self, id: &str) -> bool {
        self.unanswered.keys().any(|(_, of)| of == id)
    }

    /// Reads the map of ids and holds it against the audit trail: the last word of the trail about a record is its state.
    pub(crate) fn read(reader: &Reader) -> Self {
        let mut journal = Self::default();
        for step in reader.steps().unwrap() {
            for row in reader.rows_after(step.id, None, 100_000).unwrap() {
                let mapped = row.mapped;
                let kept = Journaled { line: mapped.line, state: mapped.state, id: mapped.id, winner: mapped.winner };
                journal.records.insert((step.name.clone(), row.key), kept);
            }
        }
        journal.hold_against_the_trail(reader);
        reader
            .remarks(|remark| {
                let (all, place) = match remark {
                    Remark::Quarantined(it) => {
                        let field = it.field.as_deref().unwrap_or("-");
                        let reasons = journal.reasons.entry((it.step.clone(), it.line)).or_default();
                        let _ = write!(reasons, "{field}: {}; ", it.reason);
                        (&mut journal.quarantined, (it.step, it.line, it.field.unwrap_or_default()))
                    }
                    Remark::Repaired(it) => {
                        let all = match it.reason.as_str() {
                            KEPT => &mut journal.kept,
                            OUTDONE => &mut journal.outdone,
                            reason if reason.starts_with(GIVES_WAY) => &mut journal.given_way,
                            _ => {
                                // Several rows may be the record: it is counted once, at its own line.
                                let of = (Step::parse(&it.step).stage.clone(), it.key.clone());
                                let line = journal.records.get(&of).map_or(it.line, |record| record.line);
                                journal.repaired.insert((it.step, line, it.field));
                                return Ok(());
                            }
                        };
                        (all, (it.step, it.line, it.field))
                    }
                    Remark::Orphaned(it) => (&mut journal.orphaned, (it.step, it.line, it.field)),
                    _ => return Ok::<(), migr_journal::JournalError>(()),
                };
                all.insert(place);
                Ok(())
            })
            .unwrap();
        journal
    }

    fn hold_against_the_trail(&mut self, reader: &Reader) {
        let mut last: BTreeMap<(String, String), String> = BTreeMap::new();
        let mut open: BTreeMap<(i64, String), (String, String)> = BTreeMap::new();
        for line in reader.lines() {
            let line = line.unwrap();
            let (Some(step), Some(key)) = (line.step, line.key) else { continue };
            let batch = line.batch.map(|batch| batch.0);
            if line.kind == "intent" {
                let id = line.id.unwrap();
                *self.sent.entry((step.clone(), id.clone())).or_default() += 1;
                open.insert((batch.unwrap(), key), (step, id));
                continue;
            }
            if let Some(batch) = batch {
                open.remove(&(batch, key.clone()));
            }
            if STATES.contains(&line.kind.as_str()) {
                last.insert((step, key), line.kind);
            }
        }
        self.unanswered = open.into_iter().map(|((_, key), place)| (place, key)).collect();
        for ((step, key), record) in &self.records {
            let said = last.get(&(step.clone(), key.clone())).map(String::as_str);
            assert_eq!(
                said,
                Some(record.state.as_str()),
                "the audit trail of {step} {key:?} and the map of ids differ"
            );
        }
    }

    /// Records of a step.
    pub(crate) fn of<'j>(&'j self, step: &'j str) -> impl Iterator<Item = (&'j str, &'j Journaled)> {
        self.records.iter().filter(move |((of, _), _)| of == step).map(|((_, key), record)| (key.as_str(), record))
    }

    pub(crate) fn get(&self, step: &str, key: &str) -> Option<&Journaled> {
        self.records.get(&(step.to_owned(), key.to_owned()))
    }
}
