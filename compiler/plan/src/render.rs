//! The plan for people: a terminal's text and Markdown. Both show the same model as the JSON form.

use crate::{AutomationKind, Compatibility, Count, FieldType, Plan, Stage, Summary};

mod consent;
mod expression;
mod fidelity;
mod graph;
mod markdown;
mod reading;
mod section;
mod setup;
mod stages;
mod svg;
mod terminal;
mod values;
mod view;

use expression::mapped;
use section::Section;

pub use expression::expression;
pub use fidelity::state;
pub use graph::{dot, mermaid};
pub use markdown::{LONGEST, markdown};
pub use svg::svg;
pub use terminal::terminal;
pub use view::View;

/// Every part of the plan that has something to say, in the order in which people read them.
fn sections(plan: &Plan, view: &View<'_>) -> Vec<Section> {
    let sections = [
        reading::settings(plan),
        reading::files(plan, view),
        reading::filters(plan, view),
        setup::section(plan, view),
        stages::section(plan, view),
        values::owners(plan, view),
        values::picklists(plan, view),
        reading::masked(plan),
        consent::section(plan),
        fidelity::degradations(plan, view),
        fidelity::section(plan, view),
    ];
    sections.into_iter().filter(|section| !section.is_empty() || section.title.starts_with("Setup")).collect()
}

/// The last line, with the changes of the schema that are still to be made.
fn summary(plan: &Plan, view: &View<'_>) -> String {
    let schema_changes = Count::try_from(setup::open(plan, view)).unwrap_or(Count::MAX);
    summary_line(&Summary { schema_changes, ..plan.summary.clone() })
}

/// The frozen last line of the terminal rendering.
pub fn summary_line(summary: &Summary) -> String {
    let counts = [
        (summary.create, "create"),
        (summary.update, "update"),
        (summary.unchanged, "unchanged"),
        (summary.skip, "skip"),
        (summary.quarantine, "quarantine"),
    ];
    let counted: Option<Vec<String>> =
        counts.iter().map(|(count, word)| count.map(|count| format!("{count} {word}"))).collect();
    let records = counted.map_or_else(|| "not counted".to_owned(), |parts| parts.join(", "));
    format!("Plan: {records}; {} schema changes; {} blocking.", summary.schema_changes, summary.blocking)
}

/// The estimate in a sentence; none where nothing was counted.
pub fn estimate(plan: &Plan) -> Option<String> {
    let words = plan.estimate.in_words()?;
    Some(format!("Estimate: {words}; `migr estimate` shows each part."))
}

/// A field type in the language's words.
pub fn field_type(ty: &FieldType) -> String {
    match ty {
        FieldType::Select { options } => format!("select of {}", options.len()),
        FieldType::Multiselect { options } => format!("multiselect of {}", options.len()),
        FieldType::List { of } => format!("list({})", field_type(of)),
        FieldType::Reference { objects } => format!("-> {}", objects.join(" | ")),
        FieldType::Many { objects, through } => {
            let through = through.as_ref().map_or_else(String::new, |through| format!(" through {through}"));
            format!("many {}{through}", objects.join(" | "))
        }
        FieldType::Composite { name, .. } => name.clone(),
        other => other.plain().map_or_else(String::new, |plain| plain.name().to_owned()),
    }
}

/// `9 of 12 objects and 20 of 22 other concepts`; empty for a plan without concepts.
pub fn compatibility(plan: &Plan) -> String {
    let Compatibility { objects, others } = plan.compatibility();
    if objects.all + others.all == 0 {
        return String::new();
    }
    format!("{} of {} objects and {} of {} other concepts", objects.exact, objects.all, others.exact, others.all)
}

/// `, 17 records`; nothing where they were not counted.
fn counted_records(records: Option<Count>) -> String {
    match records {
        None => String::new(),
        Some(1) => ", 1 record".to_owned(),
        Some(records) => format!(", {records} records"),
    }
}

/// A stage's heading: `Contact → people`, with the source object where the map has another name.
fn heading(stage: &Stage) -> String {
    if stage.map == stage.source_object {
        format!("{} → {}", stage.map, stage.destination_object)
    } else {
        format!("{} ({}) → {}", stage.map, stage.source_object, stage.destination_object)
    }
}

/// Title of the plan: its migration, its source and its destination.
fn title(plan: &Plan) -> String {
    let name = if plan.destination.name == plan.destination.system {
        plan.destination.system.clone()
    } else {
        format!("{} ({})", plan.destination.system, plan.destination.name)
    };
    format!("{}: {} → {name}", plan.migration, plan.source.system)
}

/// Fields that are written by a call after their record: a step of its own.
fn second_calls(stage: &Stage) -> impl Iterator<Item = String> {
    stage.fields.iter().filter_map(|field| {
        let call = field.linked_by.as_ref()?;
        let (object, name, origin) = (&stage.destination_object, &field.field, &field.origin);
        Some(format!("second call `{call}`: links {object}.{name} ({}:{})", origin.file, origin.line))
    })
}

/// `Files behind links are fetched from: files.example.com`; nothing where no host is named.
fn fetched_from(plan: &Plan) -> Option<String> {
    let hosts: Vec<String> = plan
        .source
        .fetch
        .iter()
        .map(|host| format!("{} ({}:{})", host.pattern, host.origin.file, host.origin.line))
        .collect();
    (!hosts.is_empty())
        .then(|| format!("Files behind links are fetched from {}, and from no other host", hosts.join(", ")))
}

/// Policy of a rollback for what people did since with the records that were created, in words.
fn rolled_back(plan: &Plan) -> &'static str {
    match plan.options.on_rollback.as_deref() {
        Some("keep") => {
            "A rollback keeps created records that others changed since, or refer to, and takes back all else."
        }
        Some("destroy") => {
            "A rollback destroys created records that others changed since, or refer to, with what others did to them."
        }
        _ => {
            "A rollback lists created records that others changed since, or refer to, and leaves them until a person decides."
        }
    }
}

/// Which time of creation, and whose name, the destination shows: the source's, where the map writes it.
fn creation(stage: &Stage) -> Option<String> {
    let native = |name: &str| stage.fields.iter().find(|field| field.field == name);
    let mut words = Vec::new();
    if let Some(field) = native("createdAt") {
        let kept = stage
            .fields
            .iter()
            .filter(|other| other.field != field.field && other.ty == field.ty && other.value == field.value);
        let kept: Vec<&str> = kept.map(|other| other.field.as_str()).collect();
        let kept =
            if kept.is_empty() { String::new() } else { format!(", and kept in {} as well", kept.join(" and ")) };
        words.push(format!("createdAt is set to {}{kept}", mapped(field)));
    }
    if let Some(field) = native("createdBy") {
        words.push(format!("createdBy is set to {}", mapped(field)));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// Retention that the law or a contract asks for, a line each: `To be kept 7y: Contact.bio`.
pub fn retentions(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for object in plan.source.objects.iter().filter(|object| object.dropped.is_none()) {
        if let Some(time) = &object.retain {
            lines.push(format!("To be kept {time}: {}", object.name));
        }
        for column in &object.columns {
            if let Some(time) = &column.retain {
                lines.push(format!("To be kept {time}: {}.{}", object.name, column.name));
            }
        }
    }
    lines
}

/// Findings that the spec accepts, a line each, with their reasons.
pub fn accepted(plan: &Plan) -> Vec<String> {
    plan.accepted.iter().map(|entry| format!("Accepted: {}", entry.in_words())).collect()
}

/// Workflows and webhooks of the destination that what is written starts, or may start, a line each.
pub fn workflows(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for fired in &plan.automations {
        let how = match &fired.permitted {
            Some(why) => format!(", permitted: {why}"),
            None => format!(
                ". `migr run` does not begin before it is switched off there, or permitted: `{}`",
                fired.permit()
            ),
        };
        lines.push(format!("{} that {}: {}{how}", of_destination(fired.kind), fired.kind.deed(), fired.in_words()));
    }
    for (kind, name, permit) in crate::idle_permits(plan, &plan.automations) {
        let (why, origin) = (&permit.reason, &permit.origin);
        lines.push(format!(
            "{} that what is written may start: \"{name}\" ({}:{}), permitted: {why}",
            of_destination(kind),
            origin.file,
            origin.line
        ));
    }
    lines
}

/// `Workflow of the destination`
fn of_destination(kind: AutomationKind) -> &'static str {
    match kind {
        AutomationKind::Workflow => "Workflow of the destination",
        AutomationKind::Webhook => "Webhook of the destination",
    }
}
