//! Release of quarantined records for retry, and a person's word about those of which nobody can tell whether they are there.

use migr_journal::{Change, Reader, Settled, State, StepId, WrittenReader, findings};
use migr_load::{Deleted, Found, IdPolicy};
use migr_plan::{Expr, OnMissing, Stage, Step, StepKind};

use crate::held_otherwise::held_otherwise;
use crate::stamps::Stamps;
use crate::steps::backfill;
use crate::{Context, EngineError};
use migr_decide::decision::shown;
use migr_decide::preview::{KEPT_NOTES, MERGED_NOTES, OUTDONE_NOTES};
use migr_decide::{expressions, steps};

/// Records that are released for retry together.
const TOGETHER: usize = 500;

/// Counts of what the next run tries again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Records that were quarantined.
    pub records: u64,
    /// Values of other records that were left out or replaced, or whose owner has no member.
    pub values: u64,
    /// Records that stay: they may be in the destination or not, and sent again they could be doubled.
    pub uncertain: u64,
}

/// A person's word about a record of which nobody can tell whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'w> {
    /// Record that is there.
    There {
        /// Id of the record.
        id: &'w str,
        /// True where the person takes it though it holds other values than were sent.
        as_it_is: bool,
    },
    /// Record that is not there: the next run sends it again.
    Create,
}

/// Lets records in quarantine go, of one map or of all, so that the next run tries them again, and with them what was left empty because of them. The export
/// may have been mended since. Uncertain records are let go only where a record that is sent twice is one.
pub async fn retry(context: &Context, map: Option<&str>) -> Result<Released, EngineError> {
    let reader = context.journal.reader()?;
    let is_sent_once = context.destination.capabilities().ids == IdPolicy::Client;
    let mut released = Released::default();
    let mut releasing = Vec::new();
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        if map.is_none_or(|map| stage.map == map) {
            released.records += reader.count(step, State::Quarantined)?;
            releasing.push((step, State::Quarantined));
            let uncertain = reader.count(step, State::Uncertain)?;
            if is_sent_once {
                released.records += uncertain;
                releasing.push((step, State::Uncertain));
            } else {
                released.uncertain += uncertain;
            }
        }
    }
    let reopened = reopen(context, &reader)?;
    released.values = reopened.values;
    if released.records == 0 && released.values == 0 {
        return Ok(released);
    }
    context.journal.write_later(reopened.changes).await?;
    for (step, state) in reopened.releasing.into_iter().chain(releasing) {
        release(context, &reader, step, state).await?;
    }
    Ok(released)
}

/// Settles an uncertain record by a person's word, of one map or of whichever has it; the name of the map comes back. What was left empty because of it is
/// looked at by the next run.
pub async fn settle(context: &Context, key: &str, map: Option<&str>, word: Word<'_>) -> Result<String, EngineError> {
    let reader = context.journal.reader()?;
    let mut found = Vec::new();
    for stage in context.plan.stages.iter().filter(|stage| map.is_none_or(|map| stage.map == map)) {
        let Some(step) = reader.step(&stage.id)? else { continue };
        if let Some(row) = uncertain(&reader, step, key)? {
            found.push((stage, step, row));
        }
    }
    let maps: Vec<String> = found.iter().map(|(stage, ..)| stage.map.clone()).collect();
    let (Some((stage, step, row)), true) = (found.into_iter().next(), maps.len() < 2) else {
        return Err(EngineError::NotUncertain { key: shown(key), maps });
    };
    let change = match word {
        Word::Create => Change::TakenBack { step, keys: vec![row.key] },
        Word::There { id, as_it_is } => {
            let object = &stage.destination_object;
            let found = free(context, &reader, object, id).await?;
            if !as_it_is {
                let sent = WrittenReader::new(reader.another()?).sent(step, &row.key)?;
                let fields = held_otherwise(&*context.destination, &Stamps::default(), object, (&sent, &found));
                if !fields.is_empty() {
                    return Err(EngineError::HoldsOther { object: object.clone(), id: id.to_owned(), fields });
                }
            }
            let line = row.mapped.line;
            let settled =
                Settled { step, key: row.key, line, state: State::Created, id: Some(id.to_owned()), winner: None };
            Change::Settled { records: vec![settled], quarantine: Vec::new(), skips: Vec::new() }
        }
    };
    let mut reopened = reopen(context, &reader)?;
    reopened.changes.extend([Change::TakenBack { step, keys: Vec::new() }, change]);
    context.journal.write_later(reopened.changes).await?;
    for (step, state) in reopened.releasing {
        release(context, &reader, step, state).await?;
    }
    Ok(stage.map.clone())
}

/// The destination's record of an id; an error where there is none, or the journal knows it by another key.
async fn free(context: &Context, reader: &Reader, object: &str, id: &str) -> Result<Found, EngineError> {
    let (object, id) = (object.to_owned(), id.to_owned());
    for stage in context.plan.stages.iter().filter(|stage| stage.destination_object == object) {
        let Some(step) = reader.step(&stage.id)? else { continue };
        if let Some(row) = reader.keys_of(step, &id)?.into_iter().next() {
            let of = format!("{} of {}", shown(&row.key), stage.map);
            return Err(EngineError::AnothersRecord { object, id, of });
        }
    }
    context.destination.known_schema().await?;
    let found = context.destination.fetch(&object, std::slice::from_ref(&id), Deleted::Live).await?;
    found.into_iter().find(|found| found.id == id).ok_or(EngineError::NotThere { object, id })
}

/// The uncertain record of a step that a person means by a key.
fn uncertain(reader: &Reader, step: StepId, key: &str) -> Result<Option<migr_journal::MappedRow>, EngineError> {
    if reader.count(step, State::Uncertain)? == 0 {
        return Ok(None);
    }
    let mut after: Option<String> = None;
    loop {
        let rows = reader.rows_after(step, after.as_deref(), TOGETHER)?;
        let Some(last) = rows.last() else { return Ok(None) };
        after = Some(last.key.clone());
        let is_it = |row: &migr_journal::MappedRow| {
            row.mapped.state == State::Uncertain && (row.key == key || shown(&row.key) == key)
        };
        if let Some(row) = rows.into_iter().find(is_it) {
            return Ok(Some(row));
        }
    }
}

/// Steps and values that are looked at again once records are released.
struct Reopened {
    /// Changes that come first: ended half-way, nothing is released for retry that is not looked at.
    changes: Vec<Change>,
    /// Steps and states whose records are released.
    releasing: Vec<(StepId, State)>,
    /// Values that were left out or replaced.
    values: u64,
}

fn reopen(context: &Context, reader: &Reader) -> Result<Reopened, EngineError> {
    let mut reopened = Reopened {
        changes: vec![Change::no_finding(findings::EXPORT), Change::no_finding(findings::VERIFICATION)],
        releasing: Vec::new(),
        values: 0,
    };
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        // Of a rule that leaves a record behind where its target is missing, nobody knows whether it still does.
        if skips_where_missing(stage) {
            reopened.releasing.push((step, State::Skipped));
        }
        let mut later = Vec::new();
        // What the destination refused of links and deferred fields is in no quarantine.
        let own = context.plan.steps().into_iter().filter(|step| step.stage == stage.id);
        for step in own.filter(|step| matches!(step.kind, StepKind::Links(_) | StepKind::Deferred)) {
            let Some(step) = steps::find(reader, &step)? else { continue };
            reopened.releasing.extend([(step, State::Quarantined), (step, State::Uncertain)]);
            later.push(step);
        }
        let mut values = 0;
        for step in backfill::noting_steps(&context.plan, stage, reader)? {
            // Whatever is released, these stay as they are.
            values += reader.count_noted(step, &[KEPT_NOTES, OUTDONE_NOTES, MERGED_NOTES])?;
        }
        if values > 0 {
            reopened.values += values;
            later.push(steps::begin(&context.journal, stage, &Step::backfill(&stage.id))?);
        }
        reopened.changes.extend(later.into_iter().map(|step| Change::TakenBack { step, keys: Vec::new() }));
    }
    Ok(reopened)
}

/// Forgets the records of a step that ended so. A record that another one stands for, or that is there, is none of a rule.
pub(crate) async fn release(context: &Context, reader: &Reader, step: StepId, state: State) -> Result<(), EngineError> {
    let mut after: Option<String> = None;
    loop {
        let rows = reader.rows_after(step, after.as_deref(), TOGETHER)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.clone());
        let is_it = |mapped: &migr_journal::Mapped| {
            mapped.state == state && (state != State::Skipped || (mapped.winner.is_none() && mapped.id.is_none()))
        };
        let keys: Vec<String> = rows.into_iter().filter(|row| is_it(&row.mapped)).map(|row| row.key).collect();
        if !keys.is_empty() {
            context.journal.write_later(vec![Change::TakenBack { step, keys }]).await?;
        }
    }
}

/// True where a stage leaves records behind that refer to what is missing.
fn skips_where_missing(stage: &Stage) -> bool {
    let mut found = false;
    for expression in expressions::of_stage(stage) {
        expression.walk(&mut |inner| {
            found |= matches!(inner, Expr::Reference { on_missing: OnMissing::Skip, .. });
        });
    }
    found
}
