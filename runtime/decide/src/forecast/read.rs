//! Forecast as an audit reads it: remarks, groups, records that meet others, and counts.

use std::collections::BTreeMap;

use migr_journal::{JournalError, Remark as Noted, State, StepId};
use migr_plan::lock::LockedStage;
use migr_plan::{Plan, Step};
use rusqlite::params;

use super::{ADJUSTED, FAILED, Forecast, Member, Met, ORPHAN, Remark, Remarked, field_count, number, signed, state};
use crate::DecideError;
use crate::decision::{QuarantineReason, Reason};
use crate::preview::PreviewAction;
use migr_spill::RowSet;

impl Forecast {
    /// Calls for the groups of a step that share an identity: path, value, members.
    pub fn groups(&self, step: StepId, mut found: impl FnMut(usize, &str, &[Member])) -> Result<(), DecideError> {
        let store = self.store();
        let sql = "SELECT path, value, members FROM groups WHERE step = ?1 ORDER BY place";
        let mut statement = store.connection.prepare_cached(sql)?;
        let mut rows = statement.query([step.number()])?;
        while let Some(row) = rows.next()? {
            let (value, text): (String, String) = (row.get(1)?, row.get(2)?);
            let members: Vec<Member> = serde_json::from_str(&text).unwrap_or_default();
            found(usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default(), &value, &members);
        }
        Ok(())
    }

    /// Takes what the journal has noted of records before.
    pub fn absorb(&self) -> Result<(), DecideError> {
        let Some(reader) = self.reader()? else { return Ok(()) };
        let mut store = self.store();
        let mut failed = Ok(());
        reader.remarks(|remark| {
            let (step, kind, field, line) = match remark {
                Noted::Quarantined(it) => {
                    let field = it.field.unwrap_or_default();
                    if let (Some(of), true) = (store.steps.get(&Step::parse(&it.step)).copied(), failed.is_ok())
                        && store.tallies.contains_key(&of)
                    {
                        let reason = Reason { field: field.clone(), reason: it.reason };
                        let remark = Remark::Quarantined(QuarantineReason::Values(vec![reason]));
                        failed = store.remark(of, (it.line, &it.key), &remark);
                    }
                    (it.step, FAILED, field, it.line)
                }
                Noted::Repaired(it) => (it.step, ADJUSTED, it.field, it.line),
                Noted::Orphaned(it) => (it.step, ORPHAN, String::new(), it.line),
                _ => return Ok::<(), JournalError>(()),
            };
            let stage = Step::records(Step::stage_of(&step));
            if let (Some(of), true) = (store.steps.get(&stage).copied(), failed.is_ok()) {
                failed = store.note(of, kind, &field, line);
            }
            Ok(())
        })?;
        failed
    }

    /// Lines whose records are quarantined, by source object.
    pub fn quarantined_lines(&self, plan: &Plan) -> Result<BTreeMap<String, RowSet>, DecideError> {
        let reader = self.reader()?;
        let mut lines: BTreeMap<String, RowSet> = BTreeMap::new();
        for stage in &plan.stages {
            let Some(step) = self.known(&Step::records(&stage.id)) else { continue };
            let of_object = lines.entry(stage.source_object.clone()).or_default();
            {
                let store = self.store();
                let sql = "SELECT line FROM outcomes WHERE step = ?1 AND state >= ?2";
                let mut statement = store.connection.prepare_cached(sql)?;
                let mut rows = statement.query(params![step.number(), number(State::Quarantined)])?;
                while let Some(row) = rows.next()? {
                    of_object.insert(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0));
                }
            }
            let Some(reader) = reader.as_ref().filter(|_| step.is_begun()) else { continue };
            let mut after: Option<String> = None;
            loop {
                let rows = reader.rows_after(step, after.as_deref(), 2_000)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                for row in rows.iter().filter(|row| row.mapped.state.is_quarantined()) {
                    of_object.insert(row.mapped.line);
                }
            }
        }
        Ok(lines)
    }

    /// Remarks of a step from a line on, in order of lines, those of `most` records at most.
    pub fn remarks(&self, step: StepId, after: u64, most: usize) -> Result<Vec<Remarked>, DecideError> {
        let store = self.store();
        let sql = "SELECT line, key, remark FROM remarks WHERE step = ?1 AND line IN \
                   (SELECT DISTINCT line FROM remarks WHERE step = ?1 AND line > ?2 ORDER BY line LIMIT ?3) ORDER BY line, place";
        let mut statement = store.connection.prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![step.number(), signed(after), most])?;
        let mut remarks = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(2)?;
            let Ok(remark) = serde_json::from_str(&text) else { continue };
            let line = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
            remarks.push(Remarked { line, key: row.get(1)?, remark });
        }
        Ok(remarks)
    }

    /// Records of a step that meet others after a place, in order of lines.
    pub fn met(&self, step: StepId, after: (u64, &str), most: usize) -> Result<Vec<Met>, DecideError> {
        let store = self.store();
        let sql = "SELECT line, key, action, other, coalesce(lost.changes, met.changes) FROM met LEFT JOIN lost USING (step, line, key) \
                   WHERE step = ?1 AND (line, key) > (?2, ?3) ORDER BY line, key LIMIT ?4";
        let mut statement = store.connection.prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![step.number(), signed(after.0), after.1, most])?;
        let mut met = Vec::new();
        while let Some(row) = rows.next()? {
            let (action, changes): (String, String) = (row.get(2)?, row.get(4)?);
            met.push(Met {
                line: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                key: row.get(1)?,
                action: PreviewAction::named(&action).unwrap_or(PreviewAction::Keep),
                other: row.get(3)?,
                changes: serde_json::from_str(&changes).unwrap_or_default(),
            });
        }
        Ok(met)
    }

    /// Calls for every key of a step that this run decides about, in order.
    pub fn keys(&self, step: StepId, mut found: impl FnMut(&str, u64)) -> Result<(), DecideError> {
        let store = self.store();
        let mut statement = store.connection.prepare_cached("SELECT key, line FROM outcomes WHERE step = ?1")?;
        let mut rows = statement.query([step.number()])?;
        while let Some(row) = rows.next()? {
            found(row.get_ref(0)?.as_str().unwrap_or_default(), u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0));
        }
        Ok(())
    }

    /// Counts of a stage: of what this run decides, and of what the journal has from before.
    pub fn tally(&self, step: StepId, merges: bool) -> Result<LockedStage, DecideError> {
        let before = self.reader()?.filter(|_| step.is_begun());
        let mut store = self.store();
        let mut counts = BTreeMap::new();
        {
            let sql = "SELECT state, COUNT(*) FROM outcomes WHERE step = ?1 GROUP BY state";
            let mut statement = store.connection.prepare_cached(sql)?;
            let mut rows = statement.query([step.number()])?;
            while let Some(row) = rows.next()? {
                counts.insert(state(row.get(0)?), u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0));
            }
        }
        let mut tally = store.tally(step).clone();
        let of = |state| counts.get(&state).copied().unwrap_or_default();
        tally.create = of(State::Created);
        tally.update = of(State::Updated);
        tally.unchanged = of(State::Unchanged);
        tally.skip = of(State::Skipped);
        tally.quarantine = of(State::Quarantined) + of(State::Uncertain);
        let noted = |kind: i64| -> Result<u64, DecideError> {
            let sql = "SELECT COUNT(DISTINCT line) FROM notes WHERE step = ?1 AND kind = ?2";
            let mut statement = store.connection.prepare_cached(sql)?;
            let count: i64 = statement.query_row(params![step.number(), kind], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        };
        (tally.repaired, tally.orphans) = (noted(ADJUSTED)?, noted(ORPHAN)?);
        {
            let sql = "SELECT kind, field, COUNT(*) FROM notes WHERE step = ?1 GROUP BY kind, field";
            let mut statement = store.connection.prepare_cached(sql)?;
            let mut rows = statement.query([step.number()])?;
            while let Some(row) = rows.next()? {
                let (kind, field): (i64, String) = (row.get(0)?, row.get(1)?);
                let records = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
                let Some(count) = field_count(&field, &mut tally) else { continue };
                match kind {
                    ADJUSTED => count.repaired = records,
                    FAILED => count.failed = records,
                    _ => {}
                }
            }
        }
        if let Some(reader) = before {
            let mut after: Option<String> = None;
            loop {
                let rows = reader.rows_after(step, after.as_deref(), 2_000)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                let mut earlier = Vec::new();
                let mut is_new =
                    store.connection.prepare_cached("SELECT 1 FROM outcomes WHERE step = ?1 AND key = ?2")?;
                for row in &rows {
                    if is_new.exists(params![step.number(), row.key])? {
                        continue;
                    }
                    if let Some(winner) = &row.mapped.winner {
                        let action = if merges { PreviewAction::Merge } else { PreviewAction::GiveWay };
                        earlier.push((row.mapped.line, row.key.clone(), action, winner.clone()));
                    }
                    match row.mapped.state {
                        State::Created | State::Updated | State::Unchanged => tally.unchanged += 1,
                        State::Skipped => tally.skip += 1,
                        State::Quarantined | State::Uncertain => tally.quarantine += 1,
                    }
                }
                drop(is_new);
                for (line, key, action, winner) in earlier {
                    store.meet(step, (line, &key), action, &winner)?;
                }
            }
            tally.read = tally.read.max(tally.create + tally.update + tally.unchanged + tally.skip + tally.quarantine);
        }
        Ok(tally)
    }
}
