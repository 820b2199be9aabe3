use std::collections::BTreeMap;
use std::sync::Arc;

use migr_decide::new_options::are_apart;
use migr_extract::Row;
use migr_journal::{Change, SetupNote};
use migr_load::{Made, Schema, SetupOutcome, SetupRecord};
use migr_plan::{Expr, FieldType, NewOption, PicklistOtherwise, SetupAction, Stage, Step};
use migr_transform::{CreatedOption, Outcome, Pass, Program};

use crate::audit::options_alone;
use crate::begun::{BEGUN, Begun};
use crate::checklist::{self, ChecklistState};
use crate::lacking::lacking;
use crate::stage::blocking;
use crate::{Context, EngineError, run};
use migr_decide::cells::Lent;
use migr_decide::job::Job;
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::world::World;
use migr_decide::{Event, expressions};

/// What setup came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetupSummary {
    /// Each action of the plan in words, with its outcome: `done`, `already there`, or why not.
    pub actions: Vec<(String, String)>,
    /// How many were done.
    pub done: usize,
    /// How many were there.
    pub already_there: usize,
    /// How many are impossible, because something else is there by that name.
    pub blocked: usize,
}

/// Carries out the plan's changes of the schema, in order. What is there already is left. Where the destination lacks what the maps write besides, nothing is
/// changed.
pub async fn setup(context: &Context) -> Result<SetupSummary, EngineError> {
    let reader = context.journal.reader()?;
    if run::export_hashes(&reader)?.is_some() {
        run::same_export(context, &reader)?;
    }
    drop(reader);
    run::readable(&context.plan, &context.export)?;
    let schema = context.destination.schema().await?;
    let lacks = lacking(&context.plan, &schema, &*context.destination);
    if !lacks.is_empty() {
        // Nothing is begun that cannot be ended.
        let blocked = lacks.len();
        let actions = lacks.into_iter().map(|lack| (lack.text, "missing".to_owned())).collect();
        return Ok(SetupSummary { actions, blocked, ..SetupSummary::default() });
    }
    // A fallback owner who is no member stops a run: better before the schema is changed.
    OwnerTable::load(&context.plan, &*context.destination).await?;
    if context.plan.setup.is_empty() {
        return Ok(SetupSummary::default());
    }
    let actions = prepared(context).await?;
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
        if let Some(why) = context.destination.refuses(action).or_else(stands_in_the_way) {
            refused.push((in_words(action), why));
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
                refused.push((in_words(action), why));
            } else {
                inverses.insert(label, field);
            }
        }
    }
    refused
}

/// The plan's changes of the schema, with the options that the export asks for.
pub(crate) async fn prepared(context: &Context) -> Result<Vec<SetupAction>, EngineError> {
    let actions = &context.plan.setup;
    let asks = actions.iter().any(|action| options_from(action).is_some());
    let found = if asks { found_options(context).await? } else { BTreeMap::new() };
    Ok(actions.iter().map(|action| with_found(action, &found)).collect())
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
            (SetupOutcome::AlreadyThere, Some(begun)) => begun.made(&context.destination.schema().await?),
            (SetupOutcome::Done(record), begun) => {
                let was = known.get(&position).and_then(|note| serde_json::from_str::<SetupRecord>(&note.undo).ok());
                match (&record.made, begun) {
                    (Made::Options { .. }, Some(begun)) => begun.made(&context.destination.schema().await?),
                    // Options that are added to a field of ours go with the field.
                    (Made::Options { id, .. }, None) => {
                        was.filter(|was| matches!(&was.made, Made::Field { id: own } if own == id))
                    }
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
                ("done".to_owned(), serde_json::to_string(&record).unwrap_or_default())
            }
            (_, None) => {
                summary.already_there += 1;
                ("already there".to_owned(), String::new())
            }
        };
        let words = in_words(action);
        context.tell(Event::Setup { action: words.clone(), outcome: word.clone() });
        let note = SetupNote { position, action: words.clone(), outcome: word.clone(), undo };
        context.journal.write_later(vec![Change::Setup(note)]).await?;
        summary.actions.push((words, word));
    }
    Ok(summary)
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
            let note = SetupNote { position, action: in_words(action), outcome: BEGUN.to_owned(), undo };
            notes.push(Change::Setup(note));
            begun.insert(position, fresh);
        }
    }
    context.journal.write_later(notes).await?;
    Ok(begun)
}

fn options_from(action: &SetupAction) -> Option<&str> {
    match action {
        SetupAction::CreateField { options_from, .. } | SetupAction::AddOptions { options_from, .. } => {
            options_from.as_deref()
        }
        SetupAction::CreateObject { .. } => None,
    }
}

/// A change of the schema in words.
pub(crate) fn in_words(action: &SetupAction) -> String {
    match action {
        SetupAction::CreateObject { object, .. } => format!("create object {object}"),
        SetupAction::CreateField { object, field, .. } => format!("create field {object}.{field}"),
        SetupAction::AddOptions { object, field, options, .. } => {
            let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
            format!("add options {} to {object}.{field}", values.join(", "))
        }
    }
}

/// Options that were found in the export, by picklist, in the order in which they were first met.
type FoundOptions = BTreeMap<String, Vec<NewOption>>;

/// The action with the options that the export asks for.
fn with_found(action: &SetupAction, found: &FoundOptions) -> SetupAction {
    let mut action = action.clone();
    let Some(options) = options_from(&action).and_then(|table| found.get(table)).cloned() else { return action };
    match &mut action {
        SetupAction::CreateField { options: own, ty, .. } => {
            add(own, &options);
            if let FieldType::Select { options: values } | FieldType::Multiselect { options: values } = ty {
                add_values(values, &options);
            }
        }
        SetupAction::AddOptions { options: own, order, .. } => {
            let fresh: Vec<NewOption> = options.into_iter().filter(|option| !order.contains(&option.value)).collect();
            add(own, &fresh);
            add_values(order, &fresh);
        }
        SetupAction::CreateObject { .. } => {}
    }
    action
}

fn add(own: &mut Vec<NewOption>, found: &[NewOption]) {
    for option in found {
        if !own.iter().any(|known| known.value == option.value) {
            own.push(option.clone());
        }
    }
}

fn add_values(values: &mut Vec<String>, found: &[NewOption]) {
    for option in found {
        if !values.contains(&option.value) {
            values.push(option.value.clone());
        }
    }
}

/// Reads the export for values that become options (`otherwise create`).
async fn found_options(context: &Context) -> Result<FoundOptions, EngineError> {
    let owners = Arc::new(OwnerTable::load(&context.plan, &*context.destination).await?);
    let deciding = DecisionContext::from(context);
    let world = run::world(&deciding, owners)?;
    let stages: Vec<Stage> = context.plan.stages.iter().filter(|stage| creates(context, stage)).cloned().collect();
    blocking(move || {
        let mut found = FoundOptions::new();
        for stage in &stages {
            let step = deciding.outcomes.begin(stage, &Step::records(&stage.id))?;
            read_options(&Job::new(&deciding, stage, step)?, &world, &mut found)?;
        }
        Ok(found)
    })
    .await
}

/// Whether a stage uses a picklist that makes options of values.
fn creates(context: &Context, stage: &Stage) -> bool {
    let mut creates = false;
    for expression in expressions::of_stage(stage) {
        expression.walk(&mut |inner| {
            if let Expr::Picklist { table, .. } = inner {
                let picklist = context.plan.picklist(table);
                creates |= picklist.is_some_and(|picklist| picklist.otherwise == PicklistOtherwise::Create);
            }
        });
    }
    creates
}

fn read_options(job: &Job, world: &World, found: &mut FoundOptions) -> Result<(), EngineError> {
    if job.file.is_empty() {
        return Ok(());
    }
    // A row is computed whole only where the fields that make options tell of one that is new.
    let Some(alone) = options_alone(&job.context.plan, &job.stage) else { return Ok(()) };
    let alone = Program::compile(&job.context.plan, &alone)?;
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        let is_known = |created: &CreatedOption| {
            found.get(&created.picklist).is_some_and(|known| {
                known.iter().any(|option| option.value == created.value && !are_apart(&option.label, &created.label))
            })
        };
        if let Outcome::Ready(evaluated) = alone.fields(&cells, world, Pass::First)?
            && evaluated.created.iter().all(is_known)
        {
            continue;
        }
        if !matches!(job.claim(&cells, world)?, migr_decide::job::Claim::Mine) {
            continue;
        }
        if let Outcome::Ready(evaluated) = job.program.fields(&cells, world, Pass::First)? {
            for created in evaluated.created {
                let known = found.get(&created.picklist).into_iter().flatten();
                if let Some(other) = known
                    .filter(|known| known.value == created.value)
                    .find(|known| are_apart(&known.label, &created.label))
                {
                    return Err(EngineError::CollidingOptions {
                        one: other.label.clone(),
                        other: created.label,
                        option: created.value,
                        picklist: created.picklist,
                    });
                }
                let option = NewOption { value: created.value, label: created.label, color: None };
                add(found.entry(created.picklist).or_default(), &[option]);
            }
        }
    }
    Ok(())
}
