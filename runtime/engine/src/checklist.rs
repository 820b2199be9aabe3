//! Checklist of the schema changes that a plan needs.

use migr_load::{Destination, FieldSchema, Schema, SetupRecord};
use migr_plan::{AutomationKind, FiredAutomation, Origin, SetupAction, fired};

use crate::automations;
use crate::begun::lacks;
use crate::lacking::lacking_still;
use crate::named_records::{NamedRecord, Names, named_records};
use crate::wanted_schema::{in_words, prepared};
use crate::{Context, EngineError, run};

/// A change of the destination's schema that the plan needs, and whether the destination has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecklistItem {
    /// In words.
    pub action: String,
    /// Probe, as a person can look at it too.
    pub probe: String,
    /// Result of the probe.
    pub state: ChecklistState,
    /// Differences from the plan that stay: options under another label, or in another order.
    pub told: Vec<String>,
}

/// Result of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChecklistState {
    /// Part that is as the plan needs it.
    Done,
    /// Part that is not there.
    Missing {
        /// Missing part, in words.
        what: String,
    },
    /// Something else is there by that name.
    Mismatch {
        /// Reason in words.
        why: String,
    },
}

/// Looks at every change of the schema that the plan needs, at what its maps write without one, at the records that they name, and at the workflows and webhooks
/// that would be started. Changes nothing.
pub async fn checklist(context: &Context) -> Result<Vec<ChecklistItem>, EngineError> {
    let mut items = schema_checklist(context).await?;
    let schema = context.destination.known_schema().await?;
    let named = named_records(&context.plan, &*context.destination, &schema, Names::OfRowsToo).await?;
    items.extend(named.iter().filter(|named| named.is_needed).map(record));
    let active = automations::active(&*context.destination).await?;
    items.extend(fired(&context.plan, &active.automations).iter().map(workflow));
    Ok(items)
}

/// Line of a record of the destination that the spec names, and without which records of the source are quarantined.
fn record(named: &NamedRecord) -> ChecklistItem {
    let Origin { file, line, .. } = &named.origin;
    ChecklistItem {
        action: format!("have {} for {file}:{line}", named.in_words()),
        probe: format!("list of {}", named.object),
        state: match named.fault() {
            None => ChecklistState::Done,
            Some(fault) if named.ids.is_empty() => ChecklistState::Missing {
                what: format!("{fault}: make it there, or write the name of one that is there"),
            },
            Some(fault) => ChecklistState::Mismatch { why: format!("{fault}: one alone may have that name") },
        },
        told: Vec::new(),
    }
}

/// Line of a workflow or webhook that would be started: it is switched off or permitted.
fn workflow(fired: &FiredAutomation) -> ChecklistItem {
    ChecklistItem {
        action: format!("switch off or permit the {} {}", fired.kind.noun(), fired.in_words()),
        probe: match fired.kind {
            AutomationKind::Workflow => format!("status of the workflow \"{}\"", fired.name),
            AutomationKind::Webhook => format!("list of webhooks: \"{}\"", fired.name),
        },
        state: match fired.permitted {
            Some(_) => ChecklistState::Done,
            None => {
                ChecklistState::Missing { what: "it is switched on, and the migration does not permit it".to_owned() }
            }
        },
        told: Vec::new(),
    }
}

/// Looks at every change of the schema that the plan needs, and at what its maps write without one. Changes nothing.
pub async fn schema_checklist(context: &Context) -> Result<Vec<ChecklistItem>, EngineError> {
    let schema = context.destination.known_schema().await?;
    let actions = prepared(context).await?;
    let item = |action: &SetupAction| ChecklistItem {
        action: in_words(action, &context.plan.picklists),
        probe: probe(action),
        state: state(action, &schema, &*context.destination),
        told: differences(action, &schema),
    };
    let is_through = run::is_through(context, &context.journal.reader()?)?;
    let lacks = lacking_still(context, &schema, is_through).await?.into_iter().map(|lack| ChecklistItem {
        action: format!("have `{}` for {}:{}", lack.what, lack.origin.file, lack.origin.line),
        probe: lack.probe,
        state: ChecklistState::Missing { what: lack.text },
        told: Vec::new(),
    });
    Ok(actions.iter().map(item).chain(lacks).collect())
}

/// Changes of the schema that were made before and are open again. Options that values of a later export are the first to ask for are none of these.
pub async fn gone_since(context: &Context) -> Result<Vec<ChecklistItem>, EngineError> {
    let schema = context.destination.known_schema().await?;
    let notes = context.journal.reader()?.setup()?;
    let made = |position: usize| {
        let note = notes.iter().find(|note| note.position == position)?;
        Some(serde_json::from_str::<SetupRecord>(&note.undo).ok()?.action)
    };
    let item = |(position, planned): (usize, &SetupAction)| {
        let action = made(position).unwrap_or_else(|| planned.clone());
        ChecklistItem {
            action: in_words(&action, &context.plan.picklists),
            probe: probe(&action),
            state: state(&action, &schema, &*context.destination),
            told: Vec::new(),
        }
    };
    let is_open = |item: &ChecklistItem| item.state != ChecklistState::Done;
    Ok(context.plan.setup.iter().enumerate().map(item).filter(is_open).collect())
}

fn probe(action: &SetupAction) -> String {
    match action {
        SetupAction::CreateObject { object, .. } => format!("metadata of the object {object}"),
        SetupAction::CreateField { object, field, .. } => format!("metadata of the field {object}.{field}: its type"),
        SetupAction::AddOptions { object, field, .. } => format!("metadata of the field {object}.{field}: its options"),
    }
}

/// The options of an action that are there under another label, or all in another order, in words.
pub(crate) fn differences(action: &SetupAction, schema: &Schema) -> Vec<String> {
    let (SetupAction::CreateField { object, field, options, .. }
    | SetupAction::AddOptions { object, field, options, .. }) = action
    else {
        return Vec::new();
    };
    let Some(found) = schema.field(object, field) else { return Vec::new() };
    let label = |value: &str| found.options.iter().find(|option| option.value == value).map(|option| &option.label);
    let other = options.iter().filter_map(|option| Some((option, label(&option.value)?)));
    let mut told: Vec<String> = other
        .filter(|(option, label)| option.label != **label)
        .map(|(option, label)| {
            format!(
                "the option {} of {object}.{field} is there as \"{label}\" and stays so; the plan calls it \"{}\"",
                option.value, option.label
            )
        })
        .collect();
    // Options that are added bring the others into the plan's order.
    if !lacks(found, options)
        && let Some((there, wanted)) = other_order(found, &order_of(action))
    {
        let (there, wanted) = (there.join(", "), wanted.join(", "));
        told.push(format!(
            "the options of {object}.{field} are there as {there} and keep that order; the plan has them as {wanted}"
        ));
    }
    told
}

/// Values of the options of an action, in the plan's order.
pub(crate) fn order_of(action: &SetupAction) -> Vec<String> {
    match action {
        SetupAction::CreateObject { .. } => Vec::new(),
        SetupAction::CreateField { options, .. } => options.iter().map(|option| option.value.clone()).collect(),
        SetupAction::AddOptions { order, .. } => order.clone(),
    }
}

/// The options that an order names as a field has them, and as the order has them, where these differ.
pub(crate) fn other_order<'s>(field: &'s FieldSchema, order: &'s [String]) -> Option<(Vec<&'s str>, Vec<&'s str>)> {
    let values = field.options.iter().map(|option| option.value.as_str());
    let there: Vec<&str> = values.filter(|value| order.iter().any(|named| named == value)).collect();
    let wanted: Vec<&str> = order.iter().map(String::as_str).filter(|value| there.contains(value)).collect();
    (there != wanted).then_some((there, wanted))
}

/// State of a change in the destination, refusals that can be foreseen included.
pub(crate) fn state(action: &SetupAction, schema: &Schema, destination: &dyn Destination) -> ChecklistState {
    match there(action, schema, destination) {
        ChecklistState::Missing { what } => match destination.refuses(action) {
            None => ChecklistState::Missing { what },
            Some(why) => ChecklistState::Mismatch { why },
        },
        other => other,
    }
}

fn there(action: &SetupAction, schema: &Schema, destination: &dyn Destination) -> ChecklistState {
    let missing = |what: String| ChecklistState::Missing { what };
    let (object, field, options, ty) = match action {
        SetupAction::CreateObject { object, .. } => {
            return match schema.objects.get(object) {
                None => missing(format!("there is no object `{object}`")),
                Some(found) if !found.active => {
                    ChecklistState::Mismatch { why: format!("the object `{object}` is switched off") }
                }
                Some(_) => ChecklistState::Done,
            };
        }
        SetupAction::CreateField { object, field, options, ty, .. } => (object, field, options, Some(ty)),
        SetupAction::AddOptions { object, field, options, .. } => (object, field, options, None),
    };
    let Some(found) = schema.field(object, field) else {
        return missing(format!("there is no field `{object}.{field}`"));
    };
    if !found.active {
        return ChecklistState::Mismatch { why: format!("the field `{object}.{field}` is switched off") };
    }
    if let Some(Err(why)) = ty.map(|ty| destination.holds(found, ty)) {
        return ChecklistState::Mismatch { why: format!("`{object}.{field}` is there, but {why}") };
    }
    if lacks(found, options) {
        let gone = options.iter().filter(|option| found.options.iter().all(|there| there.value != option.value));
        let gone: Vec<&str> = gone.map(|option| option.value.as_str()).collect();
        return missing(format!("`{object}.{field}` has no option {}", gone.join(", ")));
    }
    ChecklistState::Done
}
