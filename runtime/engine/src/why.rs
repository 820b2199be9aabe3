//! Where a record of the destination, and each of its fields, came from.

mod merged;

use crate::opening;
use std::path::Path;
use std::sync::Arc;

use migr_extract::{Export, Record, Row};
use migr_journal::{Line, Mapped, Reader, StepId};
use migr_plan::{DuplicatePolicy, Expr, Origin, Plan, Stage, Step, render};
use migr_spill::SortValue as Sort;
use migr_transform::{Outcome, Program, Traced, Value, to_json};
use serde::Serialize;

use crate::EngineError;
use migr_decide::cells::Lent;
use migr_decide::duplicates::prefer;
use migr_decide::identities::sort;
use migr_decide::outcome_recorder::shown;
use migr_decide::outcomes::Knowledge;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_spill::Spill;

/// Mask where a value must not be shown.
const MASKED: &str = "***";
/// Separator of the columns of a key.
const KEY_SEPARATOR: char = '\u{1f}';

/// Where one record came from, and what was done with it.
#[derive(Clone, Debug, Serialize)]
pub struct Lineage {
    /// The map.
    pub map: String,
    /// Where the map is written.
    pub origin: Origin,
    /// The source object.
    pub source_object: String,
    /// The source key; the columns of a compound one are joined with a comma.
    pub key: String,
    /// The export's file, relative to the project.
    pub file: String,
    /// The 1-based line where the record starts.
    pub line: u64,
    /// The destination object.
    pub destination_object: String,
    /// The id there; absent for what is not there.
    pub id: Option<String>,
    /// `created`, `updated`, `unchanged`, `skipped`, `quarantined`.
    pub state: String,
    /// The key of the record that stands for it, where several became one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// Why it was quarantined or left behind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Fields and links of the record, in the order of the map.
    pub fields: Vec<FieldLineage>,
    /// Lines of the journal about the record, oldest first.
    pub history: Vec<Line>,
}

/// Lineage of one field of a record.
#[derive(Clone, Debug, Serialize)]
pub struct FieldLineage {
    /// The destination field.
    pub field: String,
    /// The value that the map gives; `***` for a sensitive one, null where nothing is written.
    pub value: serde_json::Value,
    /// The expression, as the language writes it.
    pub expression: String,
    /// The spec's line.
    pub origin: Origin,
    /// The cells that it reads.
    pub cells: Vec<SourceCell>,
    /// The picklist rows that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub picklists: Vec<PicklistLineage>,
    /// Where a written rule took effect, or why there is no value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A cell of the export.
#[derive(Clone, Debug, Serialize)]
pub struct SourceCell {
    /// The catalog's name of the column.
    pub column: String,
    /// The header in the file; absent where the file lacks the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The 1-based place of the column in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// Text of the cell; `***` for a sensitive one.
    pub text: String,
}

/// A picklist that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct PicklistLineage {
    /// Name of the picklist.
    pub picklist: String,
    /// The line of the row that decided; where no row names the value, that of the table, whose `otherwise` did.
    pub origin: Origin,
    /// True where a row names the value.
    pub has_row: bool,
}

/// The lineage of every record that an id of the destination or a source key stands for, in plan order; `field` limits it to one destination field. Asks the
/// export and the journal alone. `work` is a folder for what is thrown away again.
pub fn why(
    plan: &Arc<Plan>,
    export: &Arc<Export>,
    reader: Reader,
    work: &Path,
    name: &str,
    field: Option<&str>,
) -> Result<Vec<Lineage>, EngineError> {
    let mut found: Vec<(&Stage, StepId, String, Mapped)> = Vec::new();
    let joined = name.split(',').map(str::trim).collect::<Vec<_>>().join(&KEY_SEPARATOR.to_string());
    let mut steps = Vec::new();
    for stage in &plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        steps.push((stage.id.as_str(), step));
        for key in [name, joined.as_str()] {
            if let Some(mapped) = reader.id_of(step, key)?
                && !found.iter().any(|(known, _, other, _)| known.id == stage.id && other == key)
            {
                found.push((stage, step, key.to_owned(), mapped));
            }
        }
        for row in reader.keys_of(step, name)? {
            found.push((stage, step, row.key, row.mapped));
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let owners = Arc::new(OwnerTable::recorded(plan, &reader)?);
    let mut lineages = Vec::with_capacity(found.len());
    for (stage, step, key, mapped) in &found {
        let mut history = reader.lines_with(key)?;
        history.retain(|line| line.step.as_deref().is_some_and(|name| is_of(stage, name)));
        lineages.push(Lineage {
            map: stage.map.clone(),
            origin: stage.origin.clone(),
            source_object: stage.source_object.clone(),
            key: shown(key),
            file: export.file(&stage.source_object).map(|file| file.shown().to_owned()).unwrap_or_default(),
            line: mapped.line,
            destination_object: stage.destination_object.clone(),
            id: mapped.id.clone(),
            state: mapped.state.as_str().to_owned(),
            winner: mapped.winner.as_deref().map(shown),
            reasons: reader.reasons(*step, key)?.iter().map(ToString::to_string).collect(),
            fields: Vec::new(),
            history,
        });
    }
    let hashes = opening::export_hashes(&reader)?.unwrap_or_default();
    let mut lines = Vec::with_capacity(found.len());
    for (stage, step, key, mapped) in &found {
        lines.push(merged_lines(&reader, stage, *step, key, mapped)?);
    }
    let known = Knowledge::of(reader)?;
    let mut world = RecordLookup::new(Arc::clone(plan), Arc::clone(export), owners, Spill::create(work)?, known)?;
    for (stage, step) in steps {
        world.end_stage(stage, step)?;
    }
    for ((lineage, (stage, ..)), lines) in lineages.iter_mut().zip(&found).zip(&lines) {
        let Some(file) = export.file(&stage.source_object) else { continue };
        let hash = file.hash()?;
        if hashes.get(file.shown()).is_some_and(|known| known != hash) {
            lineage.reasons.push(format!(
                "{} changed since the record was read; put the earlier export back to see its fields",
                file.shown()
            ));
            continue;
        }
        lineage.fields = fields(plan, export, &world, stage, lines, field)?;
    }
    Ok(lineages)
}

/// True where a step of the journal belongs to a stage.
fn is_of(stage: &Stage, step: &str) -> bool {
    Step::stage_of(step) == stage.id
}

/// Lines of the rows that became a record, its own first: several where rows were merged.
pub(crate) fn merged_lines(
    reader: &Reader,
    stage: &Stage,
    step: StepId,
    key: &str,
    mapped: &Mapped,
) -> Result<Vec<u64>, EngineError> {
    let mut lines = vec![mapped.line];
    let merges =
        matches!(stage.policies.duplicate, DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. });
    if let (true, None, Some(id)) = (merges, &mapped.winner, &mapped.id) {
        let rows = reader.keys_of(step, id)?.into_iter();
        lines.extend(rows.filter(|row| row.mapped.winner.as_deref() == Some(key)).map(|row| row.mapped.line));
    }
    Ok(lines)
}

/// The fields of the record of some lines, the record's own line first.
fn fields(
    plan: &Plan,
    export: &Export,
    world: &RecordLookup,
    stage: &Stage,
    lines: &[u64],
    field: Option<&str>,
) -> Result<Vec<FieldLineage>, EngineError> {
    let last = lines.iter().copied().max().unwrap_or_default();
    let rows = traced_rows(plan, export, world, stage, (&|line| lines.contains(&line), last), field)?;
    Ok(of_rows(stage, rows, lines.first().copied().unwrap_or_default()))
}

/// Row with its fields, and the value by which the policy for duplicates prefers it.
pub(crate) struct TracedRow {
    /// The line of the export.
    pub(crate) line: u64,
    by: Sort,
    /// Fields and links.
    pub(crate) fields: Vec<FieldLineage>,
}

impl TracedRow {
    /// A row of its own, as the others of its record see it.
    pub(crate) fn again(&self) -> Self {
        Self { line: self.line, by: self.by.clone(), fields: self.fields.clone() }
    }
}

/// The fields of some rows of a stage, none of them behind `last`.
pub(crate) fn traced_rows(
    plan: &Plan,
    export: &Export,
    world: &RecordLookup,
    stage: &Stage,
    (wanted, last): (&dyn Fn(u64) -> bool, u64),
    field: Option<&str>,
) -> Result<Vec<TracedRow>, EngineError> {
    let program = Program::compile(plan, stage)?;
    let policy = &stage.policies.duplicate;
    let mut rows = Vec::new();
    let mut records = export.records(&stage.source_object)?;
    while let Some(row) = records.next()? {
        match row {
            Row::Record(record) if wanted(record.line) => {
                let by = policy.sort_column().map_or(Sort::Null, |column| {
                    program.column_value(&Lent(record), column).map_or(Sort::Null, |value| sort(&value))
                });
                let fields = traced((plan, &program), world, stage, record, field)?;
                rows.push(TracedRow { line: record.line, by, fields });
            }
            Row::Malformed { line: at, .. } | Row::Record(Record { line: at, .. }) if at > last => break,
            _ => {}
        }
    }
    Ok(rows)
}

/// The fields of the record of some rows; `own` is the line of the record itself.
pub(crate) fn of_rows(stage: &Stage, mut rows: Vec<TracedRow>, own: u64) -> Vec<FieldLineage> {
    let policy = &stage.policies.duplicate;
    rows.sort_by(|a, b| prefer(policy, (a.line, &a.by), (b.line, &b.by)));
    merged::fields(rows.into_iter().map(|row| (row.line, row.fields)).collect(), own)
}

fn traced(
    (plan, program): (&Plan, &Program),
    world: &RecordLookup,
    stage: &Stage,
    record: Record<'_>,
    field: Option<&str>,
) -> Result<Vec<FieldLineage>, EngineError> {
    let cells = Lent(record);
    let wanted = |name: &str| field.is_none_or(|field| field.split('.').next() == Some(name));
    let tracing = Tracing { plan, stage, record };
    let mut fields = Vec::new();
    for (at, mapping) in stage.fields.iter().enumerate().filter(|(_, mapping)| wanted(&mapping.field)) {
        if let Some(traced) = program.trace_field(at, &cells, world)? {
            let written =
                Written { field: &mapping.field, expr: &mapping.value, reads: &mapping.reads, origin: &mapping.origin };
            fields.push(tracing.lineage(&written, traced, program.is_masked(at)));
        }
    }
    for (at, mapping) in stage.links.iter().enumerate().filter(|(_, mapping)| wanted(&mapping.field)) {
        if let Some(traced) = program.trace_link(at, &cells, world)? {
            let written =
                Written { field: &mapping.field, expr: &mapping.value, reads: &mapping.reads, origin: &mapping.origin };
            fields.push(tracing.lineage(&written, traced, program.is_link_masked(at)));
        }
    }
    Ok(fields)
}

/// One line of a map.
struct Written<'p> {
    field: &'p str,
    expr: &'p Expr,
    reads: &'p [String],
    origin: &'p Origin,
}

/// One record that is looked into.
struct Tracing<'t> {
    plan: &'t Plan,
    stage: &'t Stage,
    record: Record<'t>,
}

impl Tracing<'_> {
    fn lineage(&self, written: &Written<'_>, traced: Traced<'_>, is_masked: bool) -> FieldLineage {
        let mut notes: Vec<String> = traced.repairs.into_iter().map(|repair| repair.reason).collect();
        let value = match traced.outcome {
            Outcome::Ready(Value::None | Value::Default) => serde_json::Value::Null,
            Outcome::Ready(_) if is_masked => serde_json::Value::from(MASKED),
            Outcome::Ready(value) => to_json(&value),
            Outcome::Skip { reason } => {
                notes.push(format!("the record stays behind: {reason}"));
                serde_json::Value::Null
            }
            Outcome::Quarantine(failures) => {
                notes.extend(failures.into_iter().map(|failure| failure.reason));
                serde_json::Value::Null
            }
        };
        FieldLineage {
            field: written.field.to_owned(),
            value,
            expression: render::expression(written.expr),
            origin: written.origin.clone(),
            cells: written.reads.iter().filter_map(|column| self.cell(column)).collect(),
            picklists: traced.rows.iter().filter_map(|row| self.picklist(&row.table, row.row)).collect(),
            notes,
        }
    }

    fn cell(&self, column: &str) -> Option<SourceCell> {
        let object = self.plan.source_object(&self.stage.source_object)?;
        let at = object.columns.iter().position(|known| known.name == column)?;
        let is_sensitive = object.columns.get(at).is_some_and(|column| column.sensitive);
        let place = self.record.place(at);
        let text = self.record.cell(at);
        let text = if is_sensitive && !text.is_empty() { MASKED } else { text };
        Some(SourceCell {
            column: column.to_owned(),
            header: place.map(|(_, header)| header.to_owned()),
            position: place.map(|(position, _)| position),
            text: text.to_owned(),
        })
    }

    fn picklist(&self, name: &str, row: Option<usize>) -> Option<PicklistLineage> {
        let picklist = self.plan.picklist(name)?;
        let row = row.and_then(|row| picklist.rows.get(row));
        Some(PicklistLineage {
            picklist: name.to_owned(),
            origin: row.map_or(&picklist.origin, |row| &row.origin).clone(),
            has_row: row.is_some(),
        })
    }
}
