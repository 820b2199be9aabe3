//! The index that searches read: a copy of the records that follows them after a while.

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};

use crate::highlevel::clock;
use crate::highlevel::refusal::Refusal;
use crate::highlevel::state::State;
use crate::store::Store;

const LAYOUT: &str = "
CREATE TABLE IF NOT EXISTS search_index(
  object TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(object, at, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS indexed ON search_index(object, id);
CREATE TABLE IF NOT EXISTS search_queue(
  seq INTEGER PRIMARY KEY, object TEXT NOT NULL, id TEXT NOT NULL, due INTEGER NOT NULL);
";

/// A record as the index holds it.
#[derive(Clone, Debug)]
pub(crate) struct Indexed {
    pub(crate) id: String,
    /// The time of making in milliseconds.
    pub(crate) at: i64,
    pub(crate) created: String,
    pub(crate) updated: String,
    pub(crate) body: Map<String, Value>,
}

/// Adds the index to a store.
pub(crate) fn lay_out(store: &Store) -> rusqlite::Result<()> {
    store.run(LAYOUT)
}

/// Notes that a record was written or deleted; the index learns of it when the lag has passed.
pub(crate) fn changed(state: &State, kind: &str, id: &str) -> rusqlite::Result<()> {
    if !matches!(kind, "contact" | "opportunity" | "record" | "business") {
        return Ok(());
    }
    let lag = i64::try_from(state.lag.as_millis()).unwrap_or(i64::MAX);
    let due = clock::now_ms().saturating_add(lag);
    let sql = "INSERT INTO search_queue(object, id, due) VALUES (?1, ?2, ?3)";
    state.store.database().prepare_cached(sql)?.execute(params![kind, id, due]).map(drop)
}

/// Lets the index learn of everything at once.
pub(crate) fn catch_up_all(state: &State) -> Result<(), Refusal> {
    catch_up(state, i64::MAX)
}

/// Lets the index learn of what is due.
fn catch_up(state: &State, now: i64) -> Result<(), Refusal> {
    let db = state.store.database();
    let due: Vec<(i64, String, String)> = {
        let mut statement =
            db.prepare_cached("SELECT seq, object, id FROM search_queue WHERE due <= ?1 ORDER BY seq")?;
        let read = |found: &rusqlite::Row<'_>| Ok((found.get(0)?, found.get(1)?, found.get(2)?));
        statement.query_map([now], read)?.collect::<Result<_, _>>()?
    };
    for (seq, kind, id) in due {
        db.prepare_cached("DELETE FROM search_index WHERE object = ?1 AND id = ?2")?.execute([&kind, &id])?;
        if let Some(row) = state.store.get(&kind, &id)? {
            let mut body = row.body;
            body.insert("\u{0}created".into(), row.created.clone().into());
            body.insert("\u{0}updated".into(), row.updated.into());
            let values = params![kind, clock::ms_of(&row.created), id, Value::Object(body).to_string()];
            db.prepare_cached("INSERT INTO search_index VALUES (?1, ?2, ?3, ?4)")?.execute(values)?;
        }
        db.prepare_cached("DELETE FROM search_queue WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(())
}

/// Part of the index that is read.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) kind: &'a str,
    /// A text that the stored record must hold somewhere, as a quick first test.
    pub(crate) holding: Option<String>,
    /// The time and id of the record after which to begin; the newest first.
    pub(crate) after: Option<(i64, String)>,
    pub(crate) skip: usize,
    pub(crate) limit: usize,
}

/// A page of the records that pass the test, newest first, and the number of all that do.
pub(crate) fn search(
    state: &State,
    query: &Query<'_>,
    passes: impl Fn(&Indexed) -> bool,
) -> Result<(Vec<Indexed>, usize), Refusal> {
    catch_up(state, clock::now_ms())?;
    let sql =
        "SELECT id, at, body FROM search_index WHERE object = ?1 AND instr(body, ?2) > 0 ORDER BY at DESC, id DESC";
    let mut statement = state.store.database().prepare_cached(sql)?;
    // Every text holds an empty one.
    let holding = query.holding.clone().unwrap_or_default();
    let sql = sql.replace("instr(body, ?2) > 0", "?2 = ''");
    let mut all = state.store.database().prepare_cached(&sql)?;
    let mut rows = if holding.is_empty() {
        all.query(params![query.kind, ""])?
    } else {
        statement.query(params![query.kind, holding])?
    };
    let (mut page, mut total) = (Vec::new(), 0_usize);
    while let Some(found) = rows.next()? {
        let record = read(found)?;
        if !passes(&record) {
            continue;
        }
        total += 1;
        let before = query.after.as_ref().is_some_and(|(at, id)| (record.at, &record.id) >= (*at, id));
        if !before && total > query.skip && page.len() < query.limit {
            page.push(record);
        }
    }
    Ok((page, total))
}

/// A page of all records of a kind, found by key and not by reading all.
pub(crate) fn page(state: &State, query: &Query<'_>) -> Result<(Vec<Indexed>, usize), Refusal> {
    catch_up(state, clock::now_ms())?;
    let db = state.store.database();
    let (at, id) = query.after.clone().unwrap_or((i64::MAX, String::new()));
    let sql = "SELECT id, at, body FROM search_index WHERE object = ?1 AND (at, id) < (?2, ?3)
               ORDER BY at DESC, id DESC LIMIT ?4 OFFSET ?5";
    let mut statement = db.prepare_cached(sql)?;
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let skip = i64::try_from(query.skip).unwrap_or(i64::MAX);
    let found = statement.query_map(params![query.kind, at, id, limit, skip], read)?.collect::<Result<Vec<_>, _>>()?;
    let count = db
        .prepare_cached("SELECT count(*) FROM search_index WHERE object = ?1")?
        .query_row([query.kind], |found| found.get::<_, i64>(0))
        .optional()?;
    Ok((found, usize::try_from(count.unwrap_or_default()).unwrap_or_default()))
}

fn read(found: &rusqlite::Row<'_>) -> rusqlite::Result<Indexed> {
    let text: String = found.get(2)?;
    let mut body: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error)))?;
    let mut taken = |key: &str| match body.shift_remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (created, updated) = (taken("\u{0}created"), taken("\u{0}updated"));
    Ok(Indexed { id: found.get(0)?, at: found.get(1)?, created, updated, body })
}
