//! Share of the source that arrives whole: degradations, what stays behind, and what the measure leaves out.

use super::section::{Group, Section, Sign};
use super::{View, compatibility, counted_records};
use crate::{Plan, RowState};

/// A state in words, the same in plan, report and page.
pub fn state(state: RowState) -> &'static str {
    match state {
        RowState::Exact => "exact",
        RowState::Degraded => "degraded",
        RowState::ByHand => "by hand",
        RowState::None => "stays behind",
    }
}

/// The section of fields that the destination cannot hold as they were.
pub(super) fn degradations(plan: &Plan, view: &View<'_>) -> Section {
    let mut section = Section::new("Degradations");
    let mut group = Group::new(["field", "", "why"], [true, false, false]);
    for one in &plan.degradations {
        let map = one.map.as_ref().map(|map| format!("{map}: ")).unwrap_or_default();
        let kept = one.kept_in.as_ref().map(|kept| format!("; kept in {kept}")).unwrap_or_default();
        let why = format!("{}{kept}{}", one.reason, counted_records(one.records));
        group.row(Sign::Tilde, [format!("{map}{}", one.what), String::new(), why], Some(&one.origin));
    }
    if !group.rows.is_empty() {
        section.groups.push(group.cut(view.full));
    }
    section
}

/// The section of what is not one to one, with the measure and its limits.
pub(super) fn section(plan: &Plan, view: &View<'_>) -> Section {
    if plan.rows.is_empty() {
        return left_behind(plan, view);
    }
    let mut section = left_behind(plan, view);
    let mut measure = format!("One to one, every value arriving apart from every other: {}", compatibility(plan));
    let filtered: Vec<&str> =
        plan.stages.iter().filter(|stage| stage.when.is_some()).map(|stage| stage.map.as_str()).collect();
    measure.push_str(". Not in the measure: records that are quarantined");
    if !filtered.is_empty() {
        measure.extend([", records that `when` leaves out (", &filtered.join(", "), ")"]);
    }
    measure.push_str(", and what is in no file of the export");
    section.about.insert(0, measure);
    section
}

fn left_behind(plan: &Plan, view: &View<'_>) -> Section {
    let mut section = Section::new("Not one to one");
    let mut group = Group::new(["state", "concept", "why"], [false, false, false]);
    for row in &plan.rows {
        let (how, reason) = row.standing();
        if how == RowState::Exact && !view.full {
            continue;
        }
        let sign = match how {
            RowState::Exact => Sign::Plain,
            RowState::Degraded => Sign::Tilde,
            RowState::ByHand | RowState::None => Sign::Minus,
        };
        let becomes = row.destination.as_ref().map(|destination| format!(" → {destination}")).unwrap_or_default();
        let becomes = if view.full { becomes } else { String::new() };
        let concept = format!("{} {}{becomes}{}", row.kind, row.concept, counted_records(row.records));
        group.row(sign, [state(how).to_owned(), concept, reason.unwrap_or("").to_owned()], Some(&row.origin));
    }
    for stage in &plan.stages {
        for dropped in &stage.dropped {
            let concept =
                format!("column {}.{}{}", stage.source_object, dropped.column, counted_records(dropped.records));
            let cells = [state(RowState::None).to_owned(), concept, dropped.reason.clone()];
            group.row(Sign::Minus, cells, Some(&dropped.origin));
        }
    }
    if view.full && !group.rows.is_empty() {
        "Every concept of the source".clone_into(&mut section.title);
    }
    if !group.rows.is_empty() {
        section.groups.push(group);
    }
    section
}
