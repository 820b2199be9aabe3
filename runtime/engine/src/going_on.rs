//! Going on with a changed plan: the journal takes it up, written records are opened to be changed, and what was quarantined is tried again.

use std::collections::{BTreeMap, BTreeSet};

use migr_journal::{Change, Reader, SetupNote, State, StepId};
use migr_plan::{Plan, SetupAction, Step, StepKind};

use crate::since::{MapSince, Since, changes_of};
use crate::steps::changes::{looks_note, looks_under_way};
use crate::trial::tried_plans;
use crate::{Context, EngineError, retry};
use migr_decide::{SharedJournal, steps, taken};

/// Place of the notes on changes of the schema that the plan at hand has no more, and a rollback still undoes.
const FORMER: usize = 1_000_000;

/// True where a journal knows of records: what the plan does to them is no matter of text any more.
pub(crate) fn has_records(reader: &Reader) -> Result<bool, EngineError> {
    for step in reader.steps()? {
        if reader.has_records(step.id)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Plans that written records may be of.
#[derive(Clone, Debug, Default)]
pub struct EarlierPlans {
    /// The one that the journal was last used with; absent where its text cannot be read any more.
    pub last: Option<Plan>,
    /// Those of the samples since, and that one; empty where the text of one cannot be read any more.
    pub all: Vec<Plan>,
    /// Records are written, and one of the plans does other things to them than the one at hand.
    pub differ: bool,
}

/// Plans that the written records of a journal may be of, beside a plan that goes by a hash.
pub fn earlier_plans(reader: &Reader, (plan, hash): (&Plan, &str)) -> Result<EarlierPlans, EngineError> {
    let of = |hash: &str| -> Result<Option<Plan>, EngineError> {
        Ok(reader.plan_text(hash)?.and_then(|text| Plan::from_json(&text).ok()))
    };
    let last_hash = reader.plan_hash()?;
    let last = of(&last_hash)?;
    let tried: Vec<Option<Plan>> = tried_plans(reader)?.iter().map(|hash| of(hash)).collect::<Result<_, _>>()?;
    let effect = plan.effect();
    let is_same = |before: &Option<Plan>| before.as_ref().is_some_and(|plan| plan.effect().writes_the_same(&effect));
    let is_last = is_same(&last) || last_hash == hash;
    let differ = !(is_last && tried.iter().all(is_same)) && has_records(reader)?;
    let all = tried.into_iter().chain([last.clone()]).collect::<Option<Vec<Plan>>>().unwrap_or_default();
    Ok(EarlierPlans { last, all, differ })
}

/// Takes a plan up whose text may differ from the last one's. Notes on changes of the schema go to the places that these have in it.
pub fn adopt(
    journal: &SharedJournal,
    before: Option<&Plan>,
    after: &Plan,
    (hash, text): (&str, &str),
) -> Result<(), EngineError> {
    if journal.lock().plan_hash()? != hash {
        let notes = journal.reader()?.setup()?;
        journal.write(&moved(&notes, before.map_or(&[][..], |before| &before.setup), &after.setup))?;
    }
    Ok(journal.lock().adopt_plan(hash, text)?)
}

/// The notes at their new places, and those of changes that are none any more or became others behind all.
fn moved(notes: &[SetupNote], before: &[SetupAction], after: &[SetupAction]) -> Vec<Change> {
    let bare = |action: &SetupAction| {
        let mut value = serde_json::to_value(action).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.remove("origin");
        }
        value
    };
    let places: BTreeMap<String, usize> =
        after.iter().enumerate().map(|(place, action)| (bare(action).to_string(), place)).collect();
    let mut former = notes.iter().map(|note| note.position + 1).max().unwrap_or(0).max(FORMER);
    let mut changes: Vec<Change> = notes.iter().map(|note| Change::SetupUndone { position: note.position }).collect();
    for note in notes {
        let place = before.get(note.position).and_then(|action| places.get(&bare(action).to_string()).copied());
        let position = place.unwrap_or_else(|| {
            former += 1;
            if note.position >= FORMER { note.position } else { former }
        });
        changes.push(Change::Setup(SetupNote { position, ..note.clone() }));
    }
    changes
}

/// Goes on with a plan that does other things to records: what was said of it is opened to be done.
pub async fn go_on(context: &Context, since: &Since) -> Result<(), EngineError> {
    // The run may make the record that a value which cannot be taken yet refers to.
    let may_change = |map: &&MapSince| map.records > 0 || !map.failed.is_empty();
    let differing: Vec<&str> = since.maps.iter().filter(may_change).map(|map| map.map.as_str()).collect();
    // Records whose answers never came are of the earlier plan too, and in no count of what is written.
    let unanswered = unanswered(&context.journal.reader()?)?;
    let mut changes = Vec::new();
    for stage in &context.plan.stages {
        if differing.contains(&stage.map.as_str()) || unanswered.contains(&stage.id) {
            let under_way = looks_under_way(stage, &context.journal.reader()?)?;
            let step = steps::begin(&context.journal, stage, &changes_of(stage))?;
            changes.push(reopened(step));
            let map = since.maps.iter().find(|map| map.map == stage.map);
            changes.push(looks_note(&stage.id, map.map_or(&under_way, |map| &map.looks)));
        }
    }
    let reader = context.journal.reader()?;
    // Of records that are written now some may go without a value that others give up.
    for stage in context.plan.stages.iter().filter(|stage| taken::leaves_out(stage)) {
        if reader.step(&stage.id)?.is_some() {
            changes.push(reopened(steps::begin(&context.journal, stage, &Step::backfill(&stage.id))?));
        }
    }
    for step in context.plan.steps() {
        if matches!(step.kind, StepKind::Records | StepKind::Links(_) | StepKind::Deferred)
            && let Some(known) = steps::find(&reader, &step)?
        {
            changes.push(reopened(known));
        }
    }
    context.journal.write_later(changes).await?;
    // Of a rule that left a record behind nobody knows whether it still does.
    for stage in &context.plan.stages {
        if let Some(step) = reader.step(&stage.id)? {
            retry::release(context, &reader, step, State::Skipped).await?;
        }
    }
    retry::retry(context, None).await?;
    Ok(())
}

/// Stages of which a run sent records whose answers never came.
fn unanswered(reader: &Reader) -> Result<BTreeSet<String>, EngineError> {
    let mut stages = BTreeSet::new();
    for intent in reader.open_intents()? {
        let (name, _) = reader.step_named(intent.step)?;
        stages.insert(Step::stage_of(&name).to_owned());
    }
    Ok(stages)
}

/// A step that is gone through again; nothing of it is forgotten.
fn reopened(step: StepId) -> Change {
    Change::TakenBack { step, keys: Vec::new() }
}
