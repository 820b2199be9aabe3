//! Value tables and owners: every row with its option, and what becomes of a value that no row names.

use super::View;
use super::section::{Group, Section, Sign, counted};
use super::setup::option_words;
use crate::{Picklist, PicklistOtherwise, PicklistRow, Plan};

/// The section of the picklists. The concise form has a row for each.
pub(super) fn picklists(plan: &Plan, view: &View<'_>) -> Section {
    let mut section = Section::new("Picklists");
    let mut short = Group::new(["picklist", "field", "rows"], [true, true, false]);
    for picklist in &plan.picklists {
        let field = format!("{}.{}", picklist.object, picklist.fields.join(", "));
        if !view.full {
            short.row(Sign::Plain, [picklist.name.clone(), field, in_short(picklist)], Some(&picklist.origin));
            continue;
        }
        let mut group = Group::new(["value", "option", ""], [true, true, false])
            .under(format!("{} → {field}", picklist.name), in_short(picklist));
        for row in &picklist.rows {
            let sign = if row.new.is_some() { Sign::Plus } else { Sign::Plain };
            let new = row.new.as_ref().map(|new| format!("new {}", option_words(new))).unwrap_or_default();
            group.row(sign, [keys(row), tuple(&row.values), new], Some(&row.origin));
        }
        for made in &picklist.made {
            let words = "made of the value, kept apart by a number".to_owned();
            group.row(Sign::Plus, [format!("{:?}", made.label), made.value.clone(), words], None);
        }
        group.row(Sign::Plain, ["any other value".to_owned(), otherwise(picklist), String::new()], None);
        section.groups.push(group);
    }
    if !short.rows.is_empty() {
        section.groups.push(short);
    }
    section
}

/// `10 rows, 4 new options; any other value: quarantine; ignore case, space`.
fn in_short(picklist: &Picklist) -> String {
    let new = picklist.rows.iter().filter(|row| row.new.is_some()).count() + picklist.made.len();
    let new = if new > 0 { format!(", {}", counted(new, "new option")) } else { String::new() };
    let ignored: Vec<&str> = [(picklist.ignore_case, "case"), (picklist.ignore_space, "space")]
        .iter()
        .filter(|one| one.0)
        .map(|one| one.1)
        .collect();
    let ignored = if ignored.is_empty() { String::new() } else { format!("; ignore {}", ignored.join(", ")) };
    format!("{}{new}; any other value: {}{ignored}", counted(picklist.rows.len(), "row"), otherwise(picklist))
}

fn otherwise(picklist: &Picklist) -> String {
    match &picklist.otherwise {
        PicklistOtherwise::Quarantine => "quarantine".to_owned(),
        PicklistOtherwise::Skip => "skip".to_owned(),
        PicklistOtherwise::None => "none".to_owned(),
        PicklistOtherwise::Create => "create an option".to_owned(),
        PicklistOtherwise::Use { value } => value.clone(),
        PicklistOtherwise::UseAll { values } => tuple(values),
    }
}

/// `"New" | "Open"`, `("one", "two") | ("one", none)`.
fn keys(row: &PicklistRow) -> String {
    let one = |value: &Option<String>| value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("{value:?}"));
    let keys = row.keys.iter().map(|key| match key.as_slice() {
        [value] => one(value),
        values => format!("({})", values.iter().map(one).collect::<Vec<_>>().join(", ")),
    });
    keys.collect::<Vec<_>>().join(" | ")
}

fn tuple(values: &[Option<String>]) -> String {
    let one = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    match values {
        [value] => one(value),
        values => format!("({})", values.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}

/// The section of the owners: how they are matched, the written pairs, and the fallback.
pub(super) fn owners(plan: &Plan, view: &View<'_>) -> Section {
    let Some(owners) = &plan.owners else { return Section::default() };
    let fallback = owners.fallback.as_deref().map_or_else(
        || "an owner without a matching user leaves the field empty".to_owned(),
        |fallback| format!("an owner without a matching user becomes {fallback}"),
    );
    let mut section = Section::new("Owners");
    section.say(format!(
        "{}.{} = {}.{}, {}; {fallback}",
        owners.source_object,
        owners.source_column,
        owners.destination_object,
        owners.destination_field,
        counted(owners.overrides.len(), "written override"),
    ));
    let mut group = Group::new(["override", "", "user"], [true, false, true]);
    for pair in &owners.overrides {
        group.row(Sign::Tilde, [pair.source.clone(), "→".to_owned(), pair.destination.clone()], Some(&pair.origin));
    }
    if !group.rows.is_empty() {
        section.groups.push(group.cut(view.full));
    }
    section
}
