//! Forecast as an audit reads it: remarks, groups, records that meet others, and counts.

use std::collections::BTreeMap;

use migr_journal::{JournalError, Remark as Noted, State, StepId};
use migr_plan::lock::LockedStage;
use migr_plan::{Plan, ReasonCode, Step, StepKind};

use super::{Forecast, Member, Met, NoteKind, Remark, Remarked, field_count, number, state};
use crate::DecideError;
use crate::decision::{QuarantineReason, Reason};
use crate::identities::Identities;
use crate::preview::PreviewAction;
use migr_spill::{Meeting, RowSet};

/// Groups that are read together.
const TOGETHER: usize = 1000;

impl Forecast {
    /// Calls for the groups of a step that share an identity: path, value, members.
    pub fn groups<E: From<DecideError>>(
        &self,
        step: StepId,
        mut found: impl FnMut(usize, &str, &[Member]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = 0;
        loop {
            let groups = self.store().noted.groups(step.number(), after, TOGETHER).map_err(DecideError::from)?;
            let Some(last) = groups.last() else { return Ok(()) };
            after = last.place;
            for group in &groups {
                let members: Vec<Member> = serde_json::from_str(&group.members).unwrap_or_default();
                found(group.path, &group.value, &members)?;
            }
        }
    }

    /// Stage and source key of a record that has an id in this run.
    pub fn record_of(&self, id: &str) -> Result<Option<(String, String)>, DecideError> {
        let store = self.store();
        let Some((number, key)) = store.noted.holder_of(id)? else { return Ok(None) };
        let step = store.steps.iter().find(|(_, step)| step.number() == number);
        Ok(step.map(|(step, _)| (step.stage.clone(), key)))
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
                        let code = it.code.as_deref().and_then(ReasonCode::find).unwrap_or(ReasonCode::Q201);
                        let reason = Reason::new(code, field.clone(), it.reason);
                        let remark = Remark::Quarantined(QuarantineReason::Values(vec![reason]));
                        failed = store.remark(of, (it.line, &it.key), &remark);
                    }
                    (it.step, NoteKind::Failed, field, it.line)
                }
                Noted::Repaired(it) => (it.step, NoteKind::by_code(it.code.as_deref(), &it.reason), it.field, it.line),
                Noted::Orphaned(it) => (it.step, NoteKind::Orphan, String::new(), it.line),
                _ => return Ok::<(), JournalError>(()),
            };
            let stage = Step::records(Step::stage_of(&step));
            if let (Some(of), true) = (store.steps.get(&stage).copied(), failed.is_ok()) {
                store.note(of, kind, &field, line);
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
            let store = self.store();
            for (_, kept) in store.lines.get(&step).into_iter().flatten().filter(|(state, _)| state.is_quarantined()) {
                of_object.extend(kept);
            }
            let quarantined = number(State::Quarantined);
            store.noted.lines_from(step.number(), quarantined, |line| of_object.insert(line))?;
            drop(store);
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
        let rows = self.store().noted.remarks(step.number(), after, most)?;
        let read = |(line, key, text): (u64, String, String)| {
            Some(Remarked { line, key, remark: serde_json::from_str(&text).ok()? })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Records of a step that meet others after a place, in order of lines.
    pub fn met(&self, step: StepId, after: (u64, &str), most: usize) -> Result<Vec<Met>, DecideError> {
        let rows = self.store().noted.meetings(step.number(), after, most)?;
        let read = |row: Meeting| Met {
            line: row.line,
            key: row.key,
            action: PreviewAction::named(&row.action).unwrap_or(PreviewAction::Keep),
            other: row.other,
            changes: serde_json::from_str(&row.changes).unwrap_or_default(),
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Stages and keys of the records that become one with a record, or that another map writes: what becomes of one depends on the others.
    pub fn kin(&self, step: StepId, key: &str) -> Result<Vec<(String, String)>, DecideError> {
        let store = self.store();
        let Some(outcome) = store.noted.get(step.number(), key)? else { return Ok(Vec::new()) };
        let stage = |number: i64| {
            let found = store.steps.iter().find(|(_, id)| id.number() == number);
            found.filter(|(step, _)| step.kind == StepKind::Records).map(|(step, _)| step.stage.clone())
        };
        let kin = store.noted.kin(step.number(), key, &outcome)?.into_iter();
        Ok(kin.filter_map(|(number, other)| Some((stage(number)?, other))).collect())
    }

    /// Reasons for which a record is quarantined, each with its field; none of another line.
    pub fn reasons(
        &self,
        step: StepId,
        (line, key): (u64, &str),
        identities: &Identities,
    ) -> Result<Vec<Reason>, DecideError> {
        let noted = self.remarks(step, line.saturating_sub(1), 1)?;
        let of_it = noted.into_iter().filter(|noted| noted.line == line && noted.key == key);
        let reasons = of_it.filter_map(|noted| match noted.remark {
            Remark::Quarantined(reason) => Some(reason.failures(key, identities)),
            _ => None,
        });
        Ok(reasons.flatten().map(Reason::from).collect())
    }

    /// Calls for every key of a step that this run decides about, in order.
    pub fn keys(&self, step: StepId, found: impl FnMut(&str, u64)) -> Result<(), DecideError> {
        Ok(self.store().noted.keys(step.number(), found)?)
    }

    /// Fields whose values stay, since the export has none, each with its records.
    pub fn kept_fields(&self, step: StepId) -> Vec<(String, u64)> {
        self.noted_fields(step, NoteKind::Stays)
    }

    /// Fields whose values stay, and of which the export has other ones, each with its records.
    pub fn outdone_fields(&self, step: StepId) -> Vec<(String, u64)> {
        self.noted_fields(step, NoteKind::Outdone)
    }

    fn noted_fields(&self, step: StepId, kind: NoteKind) -> Vec<(String, u64)> {
        let store = self.store();
        let noted = store.notes.get(&(step, kind)).into_iter().flatten();
        noted.map(|(field, lines)| (field.clone(), lines.len())).collect()
    }

    /// Counts of a stage: of what this run decides, and of what the journal has from before.
    pub fn tally(&self, step: StepId, merges: bool) -> Result<LockedStage, DecideError> {
        let before = self.reader()?.filter(|_| step.is_begun());
        let mut store = self.store();
        let counts: BTreeMap<State, u64> = if let Some(lines) = store.lines.get(&step) {
            lines.iter().map(|(state, lines)| (*state, lines.len())).collect()
        } else {
            let counts = store.noted.counts(step.number())?;
            counts.into_iter().map(|(number, records)| (state(number), records)).collect()
        };
        let mut tally = store.tally(step).clone();
        let of = |state| counts.get(&state).copied().unwrap_or_default();
        tally.create = of(State::Created);
        tally.update = of(State::Updated);
        tally.unchanged = of(State::Unchanged);
        tally.skip = of(State::Skipped);
        tally.quarantine = of(State::Quarantined) + of(State::Uncertain);
        tally.repaired = store.noted_records(step, NoteKind::Adjusted);
        tally.orphans = store.noted_records(step, NoteKind::Orphan);
        for kind in [NoteKind::Adjusted, NoteKind::Failed] {
            for (field, lines) in store.notes.get(&(step, kind)).into_iter().flatten() {
                let Some(count) = field_count(field, &mut tally) else { continue };
                if kind == NoteKind::Failed { count.failed = lines.len() } else { count.repaired = lines.len() }
            }
        }
        if let Some(reader) = before {
            // The export has them no more: they are in no count.
            let mut after: Option<String> = None;
            loop {
                let rows = reader.rows_after(step, after.as_deref(), 2_000)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key.clone());
                let mut earlier = Vec::new();
                for row in &rows {
                    if reader.fate(step, &row.key)?.is_some() {
                        continue;
                    }
                    if store.noted.has(step.number(), &row.key)? {
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
                for (line, key, action, winner) in earlier {
                    store.meet(step, (line, &key), action, &winner)?;
                }
            }
            tally.read = tally.read.max(tally.create + tally.update + tally.unchanged + tally.skip + tally.quarantine);
        }
        Ok(tally)
    }
}
