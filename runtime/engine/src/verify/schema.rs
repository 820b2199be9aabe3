//! Verification of the schema that setup made.

use migr_journal::SetupNote;
use migr_load::{FieldSchema, Made, Schema, SetupRecord};
use migr_plan::{NewOption, SetupAction};

use super::VerifySummary;
use crate::{Context, checklist};

/// Checks that the schema holds what setup made, options in the order that it gave them.
pub(super) fn check(context: &Context, live: &Schema, notes: &[SetupNote], summary: &mut VerifySummary) {
    for (position, planned) in context.plan.setup.iter().enumerate() {
        // The options that the export asked for stand in the note only.
        let note = notes.iter().find(|note| note.position == position);
        let made = note.and_then(|note| serde_json::from_str::<SetupRecord>(&note.undo).ok());
        // A label that was there before is not this migration's to change.
        let labels = |value: &str| match &made {
            Some(SetupRecord { made: Made::Options { added, .. }, .. }) => added.iter().any(|added| added == value),
            Some(_) => true,
            None => false,
        };
        let action = made.as_ref().map_or_else(|| planned.clone(), |made| made.action.clone());
        for what in faults(context, live, &action, &labels) {
            summary.finding(None, what);
        }
        // Options that were all there keep the order that they had.
        if made.is_some()
            && let Some(what) = order_fault(live, &action)
        {
            summary.finding(None, what);
        }
    }
}

fn faults(context: &Context, live: &Schema, action: &SetupAction, labels: &dyn Fn(&str) -> bool) -> Vec<String> {
    match action {
        SetupAction::CreateObject { object, .. } => {
            let is_there = live.objects.contains_key(object);
            if is_there { Vec::new() } else { vec![format!("the destination has no object {object}")] }
        }
        SetupAction::CreateField { object, field, ty, options, .. } => {
            let Some(found) = live.field(object, field) else {
                return vec![format!("the destination has no field {object}.{field}")];
            };
            let mut faults = Vec::new();
            if let Err(why) = context.destination.holds(found, ty) {
                faults.push(format!("{object}.{field}: {why}"));
            }
            faults.extend(option_faults(object, found, options, labels));
            faults
        }
        SetupAction::AddOptions { object, field, options, .. } => match live.field(object, field) {
            Some(found) => option_faults(object, found, options, labels),
            None => vec![format!("the destination has no field {object}.{field}")],
        },
    }
}

fn option_faults(
    object: &str,
    field: &FieldSchema,
    options: &[NewOption],
    labels: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut faults = Vec::new();
    let name = format!("{object}.{}", field.name);
    for option in options {
        match field.options.iter().find(|found| found.value == option.value) {
            None if field.any_option => {}
            None => faults.push(format!("{name} has no option {}", option.value)),
            Some(found) if found.label != option.label && labels(&option.value) => faults.push(format!(
                "the option {} of {name} is labelled \"{}\" instead of \"{}\"",
                option.value, found.label, option.label
            )),
            Some(_) => {}
        }
    }
    faults
}

fn order_fault(live: &Schema, action: &SetupAction) -> Option<String> {
    let (SetupAction::CreateField { object, field, .. } | SetupAction::AddOptions { object, field, .. }) = action
    else {
        return None;
    };
    let order = checklist::order_of(action);
    let (there, wanted) = checklist::other_order(live.field(object, field)?, &order)?;
    Some(format!("the options of {object}.{field} come as {}, not as {}", there.join(", "), wanted.join(", ")))
}
