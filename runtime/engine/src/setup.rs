//! Setup: the changes that a plan makes to the destination's schema.

use crate::{automations, opening, run, wanted_schema};
use std::collections::BTreeMap;

use migr_journal::{Change, SetupNote};
use migr_load::{Made, Schema, SetupOutcome, SetupRecord};
use migr_plan::{FieldType, Permitted, Plan, SetupAction};

use crate::begun::{BEGUN, Begun};
use crate::checklist::{self, ChecklistState};
use crate::lacking::lacking_still;
use crate::{Context, EngineError};
use migr_decide::Event;
use migr_decide::owners::OwnerTable;

/// Result of setup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetupSummary {
    /// Each action of the plan in words, with its outcome: `done`, `already there`, or why not.
    pub actions: Vec<(String, String)>,
    /// Number of actions that were done.
    pub done: usize,
    /// Number of actions whose result was there.
    pub already_there: usize,
    /// Number of actions that are impossible, because something else is there by that name.
    pub blocked: usize,
}

/// Carries out the plan's changes of the schema, in order. What is there already is left. Where the destination lacks what the maps write besides, nothing is
/// changed.
pub async fn setup(context: &Context) -> Result<SetupSummary, EngineError> {
    set_up(context, false).await
}

/// The same before records are written: nothing is changed while a workflow of the destination that nobody permits would run on them.
pub async fn setup_for_run(context: &Context) -> Result<SetupSummary, EngineError> {
    set_up(context, true).await
}

async fn set_up(context: &Context, writes_records: bool) -> Result<SetupSummary, EngineError> {
    let reader = context.journal.reader()?;
    if opening::export_hashes(&reader)?.is_some() {
        opening::same_export(context, &reader)?;
    }
    let is_through = run::is_through(context, &reader)?;
    drop(reader);
    opening::readable(&context.plan, &context.export)?;
    let schema = context.destination.known_schema().await?;
    let lacks = lacking_still(context, &schema, is_through).await?;
    if !lacks.is_empty() {
        // Nothing is begun that cannot be ended.
        let blocked = lacks.len();
        let actions = lacks.into_iter().map(|lack| (lack.text, "missing".to_owned())).collect();
        return Ok(SetupSummary { actions, blocked, ..SetupSummary::default() });
    }
    if writes_records && !is_through {
        automations::hold(context).await?;
    }
    // A fallback owner who is no member stops a run: better before the schema is changed.
    OwnerTable::load(&context.plan, &*context.destination).await?;
    if context.plan.setup.is_empty() {
        return Ok(SetupSummary::default());
    }
    let actions = wanted_schema::prepared(context).await?;
    let refused = refused(context, &schema, &actions);
    if !refused.is_empty() {
        // Nothing is begun that cannot be ended.
        let blocked = refused.len();
        return Ok(SetupSummary { actions: refused, blocked, ..SetupSummary::default() });
    }
    context.journal.lock().begin_run("setup")?;
    let ended = all(context, &schema, &actions).await;
    let word = match &ended {
        Ok(summary) if summary.blocked == 0 => "done",
        Ok(_) => "blocked",
        Err(_) => "stopped",
    };
    context.journal.lock().end_run(word)?;
    ended
}

/// Changes of the schema that cannot be made, in words with the reason, as far as that is known before anything is asked for.
fn refused(context: &Context, schema: &Schema, actions: &[SetupAction]) -> Vec<(String, String)> {
    let mut refused = Vec::new();
    let mut inverses: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for action in actions {
        let stands_in_the_way = || match checklist::state(action, schema, &*context.destination) {
            ChecklistState::Mismatch { why } => Some(why),
            ChecklistState::Done | ChecklistState::Missing { .. } => None,
        };
        let stays = || stays_for_good(&context.plan, schema, action);
        if let Some(why) = context.destination.refuses(action).or_else(stands_in_the_way).or_else(stays) {
            refused.push((wanted_schema::in_words(action, &context.plan.picklists), why));
            continue;
        }
        let SetupAction::CreateField { object, field, ty: FieldType::Reference { objects }, inverse, .. } = action
        else {
            continue;
        };
        let (Some(inverse), None) = (inverse, schema.field(object, field)) else { continue };
        for target in objects {
            let label = (target.as_str(), inverse.trim().to_lowercase());
            if let Some(other) = inverses.get(&label) {
                let why = format!(
                    "`{target}` would have two relations \"{inverse}\", of {other} and {field}; give one another `inverse`"
                );
                refused.push((wanted_schema::in_words(action, &context.plan.picklists), why));
            } else {
                inverses.insert(label, field);
            }
        }
    }
    refused
}

/// Reason why an object is not made that a rollback could not remove, unless the migration permits it.
fn stays_for_good(plan: &Plan, schema: &Schema, action: &SetupAction) -> Option<String> {
    let SetupAction::CreateObject { object, .. } = action else { return None };
    let why = plan.destination.objects_stay.as_ref().filter(|_| !schema.objects.contains_key(object))?;
    let is_permitted = plan.permits.iter().any(|permit| permit.what == Permitted::Irreversible);
    (!is_permitted).then(|| {
        format!(
            "a rollback would leave it: {why}; `permit irreversible : \"why\"` in the migration says that it may stay"
        )
    })
}

async fn all(context: &Context, schema: &Schema, actions: &[SetupAction]) -> Result<SetupSummary, EngineError> {
    let known: BTreeMap<usize, SetupNote> =
        context.journal.reader()?.setup()?.into_iter().map(|note| (note.position, note)).collect();
    let begun = begin(context, schema, actions, &known).await?;
    let mut summary = SetupSummary::default();
    for (position, action) in actions.iter().enumerate() {
        let outcome = context.destination.setup(action).await?;
        let made = match (&outcome, begun.get(&position)) {
            (SetupOutcome::Mismatch { .. }, _) | (SetupOutcome::AlreadyThere, None) => None,
            // The outcome of an earlier request was never noted: the schema tells what it made.
            (SetupOutcome::AlreadyThere, Some(begun)) => begun.made(&context.destination.told_schema().await?),
            (SetupOutcome::Done(record), begun) => {
                let was = known.get(&position).and_then(|note| serde_json::from_str::<SetupRecord>(&note.undo).ok());
                match (&record.made, begun) {
                    (Made::Options { .. }, Some(begun)) => {
                        let made = begun.made(&context.destination.told_schema().await?);
                        made.map(|made| SetupRecord { action: record.action.clone(), ..made })
                    }
                    (Made::Options { .. }, None) => was.and_then(|was| with_more(was, record)),
                    _ => None,
                }
                .or_else(|| Some(record.clone()))
            }
        };
        let (word, undo) = match (outcome, made) {
            (SetupOutcome::Mismatch { why }, _) => {
                summary.blocked += 1;
                (why, String::new())
            }
            (_, Some(record)) => {
                summary.done += 1;
                (SetupNote::DONE.to_owned(), serde_json::to_string(&record).unwrap_or_default())
            }
            (_, None) => {
                summary.already_there += 1;
                (SetupNote::ALREADY_THERE.to_owned(), String::new())
            }
        };
        let words = wanted_schema::in_words(action, &context.plan.picklists);
        context.tell(Event::Setup { action: words.clone(), outcome: word.clone() });
        let note = SetupNote { position, action: words.clone(), outcome: word.clone(), undo };
        context.journal.write_later(vec![Change::Setup(note)]).await?;
        summary.actions.push((words, word));
    }
    Ok(summary)
}

/// A change that was made before, with options that a later one added. Those that are added to a field of ours go with the field.
fn with_more(was: SetupRecord, record: &SetupRecord) -> Option<SetupRecord> {
    let made = match (was.made, &record.made) {
        (Made::Field { id }, Made::Options { id: of, .. }) if id == *of => Made::Field { id },
        (Made::Options { id, before, mut added }, Made::Options { id: of, added: more, .. }) if id == *of => {
            added.extend(more.iter().filter(|option| !added.contains(option)).cloned().collect::<Vec<_>>());
            Made::Options { id, before, added }
        }
        _ => return None,
    };
    Some(SetupRecord { action: record.action.clone(), made })
}

/// Notes what is about to be made, before anything is asked for; gives what was noted so now or before, by position.
async fn begin(
    context: &Context,
    schema: &Schema,
    actions: &[SetupAction],
    known: &BTreeMap<usize, SetupNote>,
) -> Result<BTreeMap<usize, Begun>, EngineError> {
    let mut begun = BTreeMap::new();
    let mut notes = Vec::new();
    for (position, action) in actions.iter().enumerate() {
        let earlier = known.get(&position).filter(|note| note.outcome == BEGUN);
        if let Some(earlier) = earlier.and_then(|note| Begun::from_note(&note.undo)) {
            begun.insert(position, earlier);
        } else if known.get(&position).is_none_or(|note| note.outcome != "done")
            && let Some(fresh) = Begun::of(action, schema)
        {
            let undo = serde_json::to_string(&fresh).unwrap_or_default();
            let note = SetupNote {
                position,
                action: wanted_schema::in_words(action, &context.plan.picklists),
                outcome: BEGUN.to_owned(),
                undo,
            };
            notes.push(Change::Setup(note));
            begun.insert(position, fresh);
        }
    }
    context.journal.write_later(notes).await?;
    Ok(begun)
}
