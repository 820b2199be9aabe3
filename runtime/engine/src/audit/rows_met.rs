//! Values that records look up in picklists, for tables of several keys and of values that are read through a reference, and rows that no record meets; of plain
//! columns the survey counts the one, and `check` says the other.

use std::collections::{BTreeMap, BTreeSet};

use migr_decide::cells::Lent;
use migr_decide::expressions;
use migr_extract::{Export, Row};
use migr_plan::lock::{KeyedRecords, LockedStage, LookedUp};
use migr_plan::{Expr, Picklist, Plan, Stage};
use migr_transform::{Admission, Program};

use super::AuditError;
use super::collector::Collector;
use super::export_lookup::ExportLookup;
use super::finding::{Finding, FindingKind, Severity};

/// Keys of a picklist that are kept for a stage.
const MOST_KEYS: usize = 1_000;

/// Counts what the records of each stage look up, and adds a finding for each row that no record which a map takes has met.
pub(super) fn count(
    plan: &Plan,
    export: &Export,
    world: &ExportLookup<'_>,
    stages: &mut [LockedStage],
    found: &mut Collector<'_>,
) -> Result<(), AuditError> {
    let tables = tables(plan);
    if tables.is_empty() {
        return Ok(());
    }
    let mut met: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut unread: BTreeSet<&str> = BTreeSet::new();
    for (stage, locked) in plan.stages.iter().zip(stages) {
        let fields = fields(stage, &tables);
        if fields.is_empty() {
            continue;
        }
        let mut keys = Keys::default();
        if !is_read((plan, export, world), stage, &fields, &mut met, &mut keys)? {
            unread.extend(fields.iter().map(|(_, table)| *table));
        }
        locked.looked_up = keys.locked(|table| reads_sensitive(plan, stage, table));
    }
    for picklist in plan.picklists.iter().filter(|one| tables.contains(one.name.as_str())) {
        if unread.contains(picklist.name.as_str()) {
            continue;
        }
        let met = met.get(picklist.name.as_str());
        for (at, row) in picklist.rows.iter().enumerate() {
            // The row of the empty cell says what a missing value becomes, whether one is missing or not.
            let is_of_none = row.keys.iter().any(|key| key.iter().all(Option::is_none));
            if is_of_none || met.is_some_and(|met| met.contains(&at)) {
                continue;
            }
            let message = format!("no record of the export has {} of {}", keys(picklist, at), picklist.name);
            let finding = Finding::new(FindingKind::UnusedRow, Severity::Warning, message);
            found.add(finding.at(&row.origin.file, u64::from(row.origin.line)));
        }
    }
    Ok(())
}

/// Keys that the records of a stage look up, with their records, by picklist.
#[derive(Default)]
struct Keys<'p> {
    counts: BTreeMap<&'p str, BTreeMap<Vec<Option<String>>, u64>>,
    incomplete: BTreeSet<&'p str>,
}

impl<'p> Keys<'p> {
    /// Takes what one record looks up; fields of one decision ask for the same.
    fn add(&mut self, looked_up: BTreeSet<(&'p str, Vec<Option<String>>)>) {
        for (table, key) in looked_up {
            let counts = self.counts.entry(table).or_default();
            if counts.len() < MOST_KEYS || counts.contains_key(&key) {
                *counts.entry(key).or_default() += 1;
            } else {
                self.incomplete.insert(table);
            }
        }
    }

    /// As a lock keeps them: values that are sensitive stand nowhere.
    fn locked(self, is_sensitive: impl Fn(&str) -> bool) -> Vec<LookedUp> {
        let Self { counts, incomplete } = self;
        let kept = counts.into_iter().filter(|(table, _)| !is_sensitive(table));
        kept.map(|(table, counts)| LookedUp {
            picklist: table.to_owned(),
            keys: counts.into_iter().map(|(key, records)| KeyedRecords { key, records }).collect(),
            incomplete: incomplete.contains(table),
        })
        .collect()
    }
}

/// True where the key of a picklist is made of a sensitive column, of the record or of one that it refers to.
fn reads_sensitive(plan: &Plan, stage: &Stage, table: &str) -> bool {
    let is = |object: &str, column: &str| {
        let column = plan.source_object(object).and_then(|object| object.column(column));
        column.is_none_or(|column| column.sensitive)
    };
    let mut found = false;
    for expression in expressions::of_stage(stage) {
        expression.walk(&mut |part| {
            let Expr::Picklist { table: of, inputs, .. } = part else { return };
            for input in inputs.iter().filter(|_| of == table) {
                input.walk(&mut |inner| {
                    found |= match inner {
                        Expr::Column { name } => is(&stage.source_object, name),
                        Expr::Through { target, field, .. } => is(&target.object, field),
                        Expr::DistinctValue => true,
                        _ => false,
                    };
                });
            }
        });
    }
    found
}

/// Picklists whose keys are not the values of one plain column of all records of an object alone.
fn tables(plan: &Plan) -> BTreeSet<&str> {
    let mut tables = BTreeSet::new();
    for stage in &plan.stages {
        for expression in expressions::of_stage(stage) {
            expression.walk(&mut |part| {
                if let Expr::Picklist { table, inputs, .. } = part
                    && !is_of_column(plan, stage, inputs)
                    && let Some(picklist) = plan.picklist(table)
                {
                    tables.insert(picklist.name.as_str());
                }
            });
        }
    }
    tables
}

/// True where the survey counts a column's values, and `check` holds a table against them.
fn is_of_column(plan: &Plan, stage: &Stage, inputs: &[Expr]) -> bool {
    let [Expr::Column { name }] = inputs else { return false };
    let Some(object) = plan.source_object(&stage.source_object) else { return false };
    let is_plain = object.column(name).is_some_and(|column| column.reference.is_none());
    is_plain && stage.when.is_none() && object.skips.is_empty()
}

/// Fields of a stage that such a table fills, by their place.
fn fields<'p>(stage: &Stage, tables: &BTreeSet<&'p str>) -> Vec<(usize, &'p str)> {
    let mut found = Vec::new();
    for (at, field) in stage.fields.iter().enumerate() {
        field.value.walk(&mut |part| {
            if let Expr::Picklist { table, .. } = part
                && let Some(table) = tables.get(table.as_str())
            {
                found.push((at, *table));
            }
        });
    }
    found
}

/// Notes the rows that the records of a stage meet. False where its file cannot be read to the end.
fn is_read<'p>(
    (plan, export, world): (&Plan, &Export, &ExportLookup<'_>),
    stage: &Stage,
    fields: &[(usize, &'p str)],
    met: &mut BTreeMap<&'p str, BTreeSet<usize>>,
    keys: &mut Keys<'p>,
) -> Result<bool, AuditError> {
    let program = Program::compile(plan, stage)?;
    let Ok(mut records) = export.records(&stage.source_object) else { return Ok(false) };
    loop {
        let Ok(row) = records.next() else { return Ok(false) };
        let Some(row) = row else { return Ok(true) };
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        if program.admit(&cells, world)? != Admission::Admit {
            continue;
        }
        let mut looked_up = BTreeSet::new();
        for (field, table) in fields {
            let Some(traced) = program.trace_field(*field, &cells, world)? else { continue };
            for row in traced.rows.into_iter().filter(|row| row.table == *table) {
                met.entry(*table).or_default().extend(row.row);
                looked_up.insert((*table, row.key));
            }
        }
        keys.add(looked_up);
    }
}

/// The keys of a row as they are written.
fn keys(picklist: &Picklist, at: usize) -> String {
    let part = |part: &Option<String>| part.as_ref().map_or_else(|| "none".to_owned(), |text| format!("\"{text}\""));
    let key = |key: &Vec<Option<String>>| match key.as_slice() {
        [one] => part(one),
        several => format!("({})", several.iter().map(part).collect::<Vec<_>>().join(", ")),
    };
    let row = picklist.rows.get(at);
    row.map(|row| row.keys.iter().map(key).collect::<Vec<_>>().join(" or ")).unwrap_or_default()
}
