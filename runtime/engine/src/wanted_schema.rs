//! Changes of the schema that a plan asks for, with the options that values of the export become.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use migr_decide::cells::Lent;
use migr_decide::expressions;
use migr_decide::new_options::are_apart;
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::StageRun;
use migr_extract::Row;
use migr_plan::{
    Expr, FieldMapping, FieldType, NewOption, Picklist, PicklistOtherwise, Plan, SetupAction, Stage, Step,
};
use migr_transform::{CreatedOption, Outcome, Pass, Program, Value};

use crate::opening;
use crate::shared::blocking;
use crate::{Context, EngineError};

/// The plan's changes of the schema, with the options that the export asks for.
pub(crate) async fn prepared(context: &Context) -> Result<Vec<SetupAction>, EngineError> {
    let actions = &context.plan.setup;
    let asks = actions.iter().any(|action| options_from(action).is_some());
    let found = if asks { found_options(context).await? } else { BTreeMap::new() };
    let mut prepared: Vec<SetupAction> = actions.iter().map(|action| with_found(action, &found)).collect();
    let long = match context.destination.short_text() {
        Some(most) => long_texts(context, most).await?,
        None => BTreeSet::new(),
    };
    for action in &mut prepared {
        if let SetupAction::CreateField { object, field, ty, .. } = action
            && long.contains(&(object.clone(), field.clone()))
        {
            *ty = FieldType::Richtext;
        }
    }
    Ok(prepared)
}

/// Objects and their fields of text that setup makes and of which the export has a longer text than such a field keeps, or one of several lines.
async fn long_texts(context: &Context, most: usize) -> Result<BTreeSet<(String, String)>, EngineError> {
    let is_text = |object: &str, name: &str| {
        context.plan.setup.iter().any(|action| {
            matches!(action, SetupAction::CreateField { object: of, field, ty: FieldType::Text, .. } if of == object && field == name)
        })
    };
    let texts_alone = |stage: &Stage| {
        let mut stage = stage.clone();
        let object = stage.destination_object.clone();
        stage.fields.retain(|field| !field.deferred && is_text(&object, &field.field));
        stage.links.clear();
        stage.deferred.clear();
        (!stage.fields.is_empty()).then_some(stage)
    };
    let stages: Vec<Stage> = context.plan.stages.iter().filter_map(texts_alone).collect();
    if stages.is_empty() {
        return Ok(BTreeSet::new());
    }
    let owners = Arc::new(OwnerTable::load(&context.plan, &*context.destination).await?);
    let deciding = DecisionContext::from(context);
    let world = opening::world(&deciding, owners)?;
    blocking(move || {
        let mut long = BTreeSet::new();
        for stage in &stages {
            read_lengths((&deciding, &world), stage, most, &mut long)?;
        }
        Ok(long)
    })
    .await
}

/// Notes the fields of a stage that get a long text, of rows that are skipped too: nothing is lost by room that nobody needs.
fn read_lengths(
    (deciding, world): (&DecisionContext, &RecordLookup),
    stage: &Stage,
    most: usize,
    long: &mut BTreeSet<(String, String)>,
) -> Result<(), EngineError> {
    let program = Program::compile(&deciding.plan, stage)?;
    let mut open: BTreeSet<usize> = (0..stage.fields.len()).collect();
    if deciding.export.file(&stage.source_object).is_none() {
        return Ok(());
    }
    let mut records = deciding.export.records(&stage.source_object)?;
    while let Some(row) = records.next()? {
        if open.is_empty() {
            break;
        }
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        let Outcome::Ready(evaluated) = program.fields(&cells, world, Pass::First)? else { continue };
        for (index, value) in evaluated.values {
            let is_long = |text: &str| text.contains(['\n', '\r']) || text.chars().nth(most).is_some();
            if let (Value::Text(text), Some(field)) = (&value, stage.fields.get(index))
                && is_long(text)
                && open.remove(&index)
            {
                long.insert((stage.destination_object.clone(), field.field.clone()));
            }
        }
    }
    Ok(())
}

fn options_from(action: &SetupAction) -> Option<&str> {
    match action {
        SetupAction::CreateField { options_from, .. } | SetupAction::AddOptions { options_from, .. } => {
            options_from.as_deref()
        }
        SetupAction::CreateObject { .. } => None,
    }
}

/// A change of the schema in words, with what the tables give to other fields together with new options.
pub(crate) fn in_words(action: &SetupAction, tables: &[Picklist]) -> String {
    match action {
        SetupAction::CreateObject { object, .. } => format!("create object {object}"),
        SetupAction::CreateField { object, field, .. } => format!("create field {object}.{field}"),
        SetupAction::AddOptions { object, field, options, .. } => {
            let with = |value: &str| Picklist::given_with(tables, object, field, value);
            let values = options.iter().map(|option| format!("{}{}", option.value, with(&option.value)));
            let values: Vec<String> = values.collect();
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
    let world = opening::world(&deciding, owners)?;
    let stages: Vec<Stage> = context.plan.stages.iter().filter(|stage| creates(context, stage)).cloned().collect();
    blocking(move || {
        let mut found = FoundOptions::new();
        for stage in &stages {
            let step = deciding.outcomes.begin(stage, &Step::records(&stage.id))?;
            read_options(&StageRun::new(&deciding, stage, step)?, &world, &mut found)?;
        }
        Ok(found)
    })
    .await
}

/// True where a stage uses a picklist that makes options of values.
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

fn read_options(job: &StageRun, world: &RecordLookup, found: &mut FoundOptions) -> Result<(), EngineError> {
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
        if !matches!(job.claim(&cells, world)?, migr_decide::stage_run::Claim::Mine) {
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

/// The stage with the fields alone whose values become options by `otherwise create`.
pub(crate) fn options_alone(plan: &Plan, stage: &Stage) -> Option<Stage> {
    let creates = |value: &Expr| {
        let mut creates = false;
        value.walk(&mut |part| {
            if let Expr::Picklist { table, .. } = part {
                let picklist = plan.picklist(table);
                creates |= picklist.is_some_and(|picklist| picklist.otherwise == PicklistOtherwise::Create);
            }
        });
        creates
    };
    let mut stage = stage.clone();
    let is_kept = |field: &FieldMapping| creates(&field.value) && !field.deferred;
    stage.fields.retain(is_kept);
    stage.links.clear();
    stage.deferred.clear();
    (!stage.fields.is_empty()).then_some(stage)
}
