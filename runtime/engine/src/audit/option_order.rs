//! Order of a picklist's rows beside the order that the source gives the values, where an object of the export holds them.

use std::collections::BTreeMap;

use migr_extract::{Export, Row};
use migr_plan::{ColumnType, Expr, FieldType, Origin, Plan, SourceObject, Stage};

use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity};

/// Values of an object beyond which its rows are data and no list of options.
const MOST: usize = 1_000;
/// Names of columns that say a place.
const PLACES: [&str; 6] = ["position", "order", "display_order", "sort_order", "sort", "rank"];

/// Adds a note for each picklist, and each new field, whose options stand in another order than the values do in the source.
pub(super) fn differing(plan: &Plan, export: &Export, found: &mut Collector<'_>) {
    let mut told: Vec<&str> = Vec::new();
    let mut add = |message: String, origin: &Origin| {
        let finding = Finding::new(FindingKind::OptionOrder, Severity::Note, message);
        found.add(finding.at(&origin.file, u64::from(origin.line)));
    };
    for stage in &plan.stages {
        for field in &stage.fields {
            let mut is_decided = false;
            field.value.walk(&mut |part| {
                let Expr::Picklist { table, inputs, .. } = part else { return };
                is_decided = true;
                let Some(picklist) = plan.picklist(table).filter(|one| !told.contains(&one.name.as_str())) else {
                    return;
                };
                let keys: Vec<&[Option<String>]> =
                    picklist.rows.iter().filter_map(|row| row.keys.first().map(Vec::as_slice)).collect();
                let of = |at: usize, input: &Expr| {
                    let values: Vec<&str> = keys.iter().filter_map(|key| key.get(at)?.as_deref()).collect();
                    // Of several inputs the one that is ordered says so; what one of them alone lists are groups.
                    let values = if inputs.len() == 1 { values.as_slice() } else { &[] };
                    Some((at, sourced((plan, export), stage, input, values)?))
                };
                let found = inputs.iter().enumerate().find_map(|(at, input)| of(at, input));
                let Some((at, source)) = found else { return };
                let Some((first, second)) = turned(&keys, at, &source.rows) else { return };
                told.push(&picklist.name);
                let (table, source) = (&picklist.name, source.name);
                add(
                    format!("\"{first}\" stands before \"{second}\" in {table}, and behind it in {source}: options come in the order of the picklist's rows"),
                    &picklist.origin,
                );
            });
            let (FieldType::Select { options } | FieldType::Multiselect { options }) = &field.ty else { continue };
            if is_decided || !field.is_new {
                continue;
            }
            // `DEMO_DONE` is what `Demo done` is called.
            let names: Vec<[Option<String>; 1]> = options.iter().map(|name| [Some(name.replace('_', " "))]).collect();
            let values: Vec<&str> = names.iter().filter_map(|[name]| name.as_deref()).collect();
            let Some(source) = sourced((plan, export), stage, &field.value, &values) else { continue };
            let keys: Vec<&[Option<String>]> = names.iter().map(<[_; 1]>::as_slice).collect();
            if let Some((first, second)) = turned(&keys, 0, &source.rows) {
                let (object, name, source) = (&stage.destination_object, &field.field, source.name);
                add(
                    format!(
                        "\"{first}\" stands before \"{second}\" among the options of {object}.{name}, and behind it in {source}: options come in the order in which they are declared"
                    ),
                    &field.origin,
                );
            }
        }
    }
}

/// Order in which the source gives values.
struct Sourced {
    /// Place where it does, in words.
    name: String,
    rows: Vec<Listed>,
}

/// The order of the values of an input: that of the object that lists them, by a reference or by a column that says places, else that of the options that its
/// column declares.
fn sourced((plan, export): (&Plan, &Export), stage: &Stage, input: &Expr, values: &[&str]) -> Option<Sourced> {
    let of =
        |object: &SourceObject, column: &str| Sourced { name: object.name.clone(), rows: rows(export, object, column) };
    match input {
        Expr::Through { target, field, .. } => Some(of(plan.source_object(&target.object)?, field)),
        Expr::Column { name } => {
            let column = plan.source_object(&stage.source_object)?.column(name)?;
            if let Some(reference) = &column.reference {
                let object = plan.source_object(reference.objects.first()?)?;
                return Some(of(object, reference.column.as_ref().or_else(|| object.key.last())?));
            }
            if column.options.is_empty() {
                return listing(plan, export, stage, values);
            }
            let folded = |option: &String| fold(&option.replace('_', " "));
            let listed = |(at, option)| Listed { place: (0, at), value: folded(option), cells: vec![folded(option)] };
            let rows = column.options.iter().enumerate().map(listed).collect();
            Some(Sourced { name: format!("the catalog's `{name}` of {}", stage.source_object), rows })
        }
        Expr::Call { arguments, .. } => sourced((plan, export), stage, arguments.first()?, values),
        Expr::Convert { value, .. } | Expr::Otherwise { value, .. } => sourced((plan, export), stage, value, values),
        _ => None,
    }
}

/// The order of an object that has a place for each of the values, although nothing refers to it.
fn listing(plan: &Plan, export: &Export, stage: &Stage, values: &[&str]) -> Option<Sourced> {
    let wanted: Vec<String> = values.iter().map(|value| fold(value)).collect();
    for object in plan.source.objects.iter().filter(|object| object.name != stage.source_object) {
        if wanted.len() < 2 || place_of(object).is_none() {
            continue;
        }
        for column in object.columns.iter().filter(|column| column.ty == ColumnType::Text) {
            let rows = rows(export, object, &column.name);
            if wanted.iter().all(|value| rows.iter().any(|row| row.value == *value)) {
                return Some(Sourced { name: object.name.clone(), rows });
            }
        }
    }
    None
}

/// Position of the column of an object that says a place.
fn place_of(object: &SourceObject) -> Option<usize> {
    let position = |name: &str| object.columns.iter().position(|column| column.name == name);
    PLACES.iter().find_map(|name| position(name).filter(|at| is_number(object, *at)))
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
    let place = place_of(object);
    let position = object.columns.iter().position(|known| known.name == column);
    let (Some(at), Ok(mut records)) = (position, export.records(&object.name)) else { return Vec::new() };
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

/// Two values whose keys stand in another order than they do in the source; `at` is the place of the value in a key.
fn turned<'p>(keys: &[&'p [Option<String>]], at: usize, rows: &[Listed]) -> Option<(&'p str, &'p str)> {
    // Values of one pipeline are compared with each other.
    let mut last: BTreeMap<Vec<&Option<String>>, (usize, &str)> = BTreeMap::new();
    for key in keys {
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
