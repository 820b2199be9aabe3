//! Order of a picklist's rows beside the order that the source gives the values, where an object of the export holds them.

use std::collections::BTreeMap;

use migr_extract::{Export, Row};
use migr_plan::{ColumnType, Expr, Picklist, Plan, SourceObject, Stage};

use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity};

/// Values of an object beyond which its rows are data and no list of options.
const MOST: usize = 1_000;
/// Names of columns that say a place.
const PLACES: [&str; 6] = ["position", "order", "display_order", "sort_order", "sort", "rank"];

/// Adds a note for each picklist whose rows stand in another order than the values do in the source.
pub(super) fn differing(plan: &Plan, export: &Export, found: &mut Collector<'_>) {
    let mut told: Vec<&str> = Vec::new();
    for stage in &plan.stages {
        for field in &stage.fields {
            field.value.walk(&mut |part| {
                let Expr::Picklist { table, inputs, .. } = part else { return };
                let Some(picklist) = plan.picklist(table).filter(|one| !told.contains(&one.name.as_str())) else {
                    return;
                };
                let list = inputs.iter().enumerate().find_map(|(at, input)| Some((at, listed(plan, stage, input)?)));
                let Some((at, (object, column))) = list else { return };
                let Some((first, second)) = turned(picklist, at, &rows(export, object, column)) else { return };
                told.push(&picklist.name);
                let message = format!(
                    "\"{first}\" stands before \"{second}\" in {}, and behind it in {}: options come in the order of the picklist's rows",
                    picklist.name, object.name
                );
                let finding = Finding::new(FindingKind::OptionOrder, Severity::Note, message);
                found.add(finding.at(&picklist.origin.file, u64::from(picklist.origin.line)));
            });
        }
    }
}

/// The object and the column that list the values of an input, where it goes through a reference.
fn listed<'p>(plan: &'p Plan, stage: &Stage, input: &'p Expr) -> Option<(&'p SourceObject, &'p str)> {
    match input {
        Expr::Through { target, field, .. } => Some((plan.source_object(&target.object)?, field)),
        Expr::Column { name } => {
            let column = plan.source_object(&stage.source_object)?.column(name)?;
            let reference = column.reference.as_ref()?;
            let object = plan.source_object(reference.objects.first()?)?;
            let column = reference.column.as_ref().or_else(|| object.key.last())?;
            Some((object, column))
        }
        _ => None,
    }
}

/// A row of an object that lists values.
struct Listed {
    /// The place that a column of the object says, else that of the row.
    place: (i64, usize),
    value: String,
    /// Every cell, folded.
    cells: Vec<String>,
}

/// The rows of an object, by their places; none where they are too many, or cannot be read.
fn rows(export: &Export, object: &SourceObject, column: &str) -> Vec<Listed> {
    let position = |name: &str| object.columns.iter().position(|column| column.name == name);
    let place = PLACES.iter().find_map(|name| position(name).filter(|at| is_number(object, *at)));
    let (Some(at), Ok(mut records)) = (position(column), export.records(&object.name)) else { return Vec::new() };
    let mut rows = Vec::new();
    while let Ok(Some(row)) = records.next() {
        let Row::Record(record) = row else { continue };
        if rows.len() == MOST {
            return Vec::new();
        }
        let said = place.and_then(|place| record.cell(place).trim().parse().ok());
        rows.push(Listed {
            place: (said.unwrap_or_default(), rows.len()),
            value: fold(record.cell(at)),
            cells: (0..object.columns.len()).map(|cell| fold(record.cell(cell))).collect(),
        });
    }
    rows.sort_by_key(|row| row.place);
    rows
}

fn is_number(object: &SourceObject, at: usize) -> bool {
    object.columns.get(at).is_some_and(|column| column.ty == ColumnType::Integer)
}

/// A value as it is compared.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Two values of a picklist whose rows stand in another order than they do in the source; `at` is the place of the value in a key.
fn turned<'p>(picklist: &'p Picklist, at: usize, rows: &[Listed]) -> Option<(&'p str, &'p str)> {
    // Values of one pipeline are compared with each other.
    let mut last: BTreeMap<Vec<&Option<String>>, (usize, &str)> = BTreeMap::new();
    for key in picklist.rows.iter().filter_map(|row| row.keys.first()) {
        let Some(Some(value)) = key.get(at) else { continue };
        let beside: Vec<&Option<String>> =
            key.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, part)| part).collect();
        let is_beside =
            |row: &&Listed| beside.iter().all(|part| part.as_ref().is_none_or(|part| row.cells.contains(&fold(part))));
        let of_value = || rows.iter().filter(|row| row.value == fold(value));
        let Some(found) = of_value().find(is_beside).or_else(|| of_value().next()) else { continue };
        let rank = rows.iter().position(|row| row.place == found.place)?;
        if let Some((before, first)) = last.get(&beside)
            && *before > rank
        {
            return Some((first, value));
        }
        last.insert(beside, (rank, value));
    }
    None
}
