use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{Change, SetupNote};
use migr_load::SetupOutcome;
use migr_plan::{Expr, FieldType, NewOption, PicklistOtherwise, SetupAction, Stage};
use migr_transform::{Outcome, Pass};

use crate::cells::Lent;
use crate::job::Job;
use crate::owners::OwnerTable;
use crate::stage::blocking;
use crate::world::World;
use crate::{Context, EngineError, Event, expressions, run};

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

/// Carries out the plan's changes of the schema, in order. What is there already is left.
pub async fn setup(context: &Context) -> Result<SetupSummary, EngineError> {
    let mut summary = SetupSummary::default();
    if context.plan.setup.is_empty() {
        return Ok(summary);
    }
    context.destination.schema().await?;
    let tables: BTreeSet<String> =
        context.plan.setup.iter().filter_map(|action| options_from(action)).map(str::to_owned).collect();
    let found = if tables.is_empty() { BTreeMap::new() } else { found_options(context).await? };
    context.journal.lock().begin_run("setup")?;
    for (position, action) in context.plan.setup.iter().enumerate() {
        let action = with_found(action, &found);
        let outcome = match context.destination.setup(&action).await {
            Ok(outcome) => outcome,
            Err(error) => {
                context.journal.lock().end_run("stopped")?;
                return Err(error.into());
            }
        };
        let (word, undo) = match outcome {
            SetupOutcome::Done(record) => {
                summary.done += 1;
                ("done".to_owned(), serde_json::to_string(&record).unwrap_or_default())
            }
            SetupOutcome::AlreadyThere => {
                summary.already_there += 1;
                ("already there".to_owned(), String::new())
            }
            SetupOutcome::Mismatch { why } => {
                summary.blocked += 1;
                (why, String::new())
            }
        };
        let words = in_words(&action);
        context.tell(Event::Setup { action: words.clone(), outcome: word.clone() });
        let note = SetupNote { position, action: words.clone(), outcome: word.clone(), undo };
        context.journal.write_later(vec![Change::Setup(note)]).await?;
        summary.actions.push((words, word));
    }
    context.journal.lock().end_run(if summary.blocked == 0 { "done" } else { "blocked" })?;
    Ok(summary)
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
    let world = run::world(context, owners)?;
    let stages: Vec<Stage> = context.plan.stages.iter().filter(|stage| creates(context, stage)).cloned().collect();
    let context = context.clone();
    blocking(move || {
        let mut found = FoundOptions::new();
        for stage in &stages {
            let step = context.journal.lock().step(&stage.id, &stage.destination_object)?;
            read_options(&Job::new(&context, stage, step)?, &world, &mut found)?;
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
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        if !matches!(job.claim(&cells, world)?, crate::job::Claim::Mine) {
            continue;
        }
        if let Outcome::Ready(evaluated) = job.program.fields(&cells, world, Pass::First)? {
            for created in evaluated.created {
                let option = NewOption { value: created.value, label: created.label, color: None };
                add(found.entry(created.picklist).or_default(), &[option]);
            }
        }
    }
    Ok(())
}
