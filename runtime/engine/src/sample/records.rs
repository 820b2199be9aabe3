//! Records of a sample as they were read back: source, rule, expected value, value that is there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use migr_decide::cells::Lent;
use migr_decide::decision::shown;
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::StageRun;
use migr_extract::Row;
use migr_journal::{Mapped, Reader, State, StepId};
use migr_load::{Comparison, Map};
use migr_plan::{Plan, Stage};
use migr_report::sample::values::readable;
use migr_report::sample::{MASKED, SampledCell, SampledField, SampledReason, SampledRecord, SampledState, Standing};
use migr_transform::{Value, to_json};

use super::choose::{Choice, outcome};
use crate::shared::blocking;
use crate::verify::{SeenPart, read_back};
use crate::why::{FieldLineage, TracedRow, merged_lines, of_rows, traced_rows};
use crate::{Context, EngineError, opening};

/// Comparison of a field or of the links of one kind.
#[derive(Debug, Default)]
struct Seen {
    expected: Vec<String>,
    actual: Vec<String>,
    differs: bool,
}

/// Findings of a read-back, by stage and key.
#[derive(Debug, Default)]
struct ReadBack {
    fields: HashMap<(String, String), BTreeMap<String, Seen>>,
    missing: HashMap<(String, String), bool>,
}

/// Words for records that references lead to.
struct Names {
    reader: Reader,
    stages: Vec<(String, String, Option<StepId>)>,
    users: HashMap<String, String>,
}

impl Names {
    fn of(plan: &Plan, reader: Reader) -> Result<Self, EngineError> {
        let mut stages = Vec::new();
        for stage in &plan.stages {
            stages.push((stage.destination_object.clone(), stage.source_object.clone(), reader.step(&stage.id)?));
        }
        let users = reader.owners()?.into_iter().filter_map(|note| Some((note.id?, note.destination?))).collect();
        Ok(Self { reader, stages, users })
    }

    fn name(&self, object: &str, id: &str) -> Option<String> {
        if let Some(user) = self.users.get(id) {
            return Some(user.clone());
        }
        self.stages.iter().filter(|(destination, ..)| destination == object).find_map(|(_, source, step)| {
            let rows = self.reader.keys_of((*step)?, id).ok()?;
            let row = rows.iter().find(|row| row.mapped.winner.is_none())?;
            Some(format!("{source} {}", shown(&row.key)))
        })
    }

    fn readable(&self, value: &serde_json::Value) -> String {
        readable(value, &mut |object, id| self.name(object, id))
    }
}

/// The records of a sample that was written, in the plan's order, and other facts that do not hold.
pub(crate) async fn records(
    context: &Context,
    choice: &Choice,
) -> Result<(Vec<SampledRecord>, Vec<String>), EngineError> {
    let mut read = ReadBack::default();
    let names = Names::of(&context.plan, context.journal.reader()?)?;
    let destination = Arc::clone(&context.destination);
    let summary = {
        let read = &mut read;
        let mut seen = move |job: &StageRun, (key, _): (&str, u64), part: SeenPart<'_>| {
            let place = (job.stage.id.clone(), key.to_owned());
            match part {
                SeenPart::Missing => {
                    read.missing.insert(place, true);
                }
                SeenPart::Field(index, value, there, comparison) => {
                    let Some(field) = job.stage.fields.get(index) else { return };
                    let object = &job.stage.destination_object;
                    let native = destination.encode(object, &[(field, value)]).unwrap_or_default();
                    let mut one = field_seen(&names, value, &native, there, comparison);
                    if job.program.is_masked(index) {
                        one.expected = vec![MASKED.to_owned()];
                        one.actual = vec![MASKED.to_owned()];
                    }
                    read.fields.entry(place).or_default().insert(field.field.clone(), one);
                }
                SeenPart::Link(index, target, differs) => {
                    let Some(link) = job.stage.links.get(index) else { return };
                    let (object, id) = target.split_once(' ').unwrap_or((target, ""));
                    let text = if job.program.is_link_masked(index) {
                        MASKED.to_owned()
                    } else {
                        names.name(object, id).unwrap_or_else(|| target.to_owned())
                    };
                    let links = read.fields.entry(place).or_default().entry(link.field.clone()).or_default();
                    links.actual.push(differs.map_or_else(|| text.clone(), |what| format!("{text}: {what}")));
                    links.expected.push(text);
                    links.differs |= differs.is_some();
                }
            }
        };
        read_back(context, None, (&mut |_| {}, &mut seen)).await?
    };
    let deciding = DecisionContext::from(context);
    let owners = Arc::new(OwnerTable::recorded(&context.plan, &context.journal.reader()?)?);
    let mut world = opening::world(&deciding, owners)?;
    opening::existing_records(&deciding, &mut world).await?;
    let because = choice.because.clone();
    let reader = context.journal.reader()?;
    let names = Names::of(&context.plan, context.journal.reader()?)?;
    let listed = blocking(move || {
        let mut steps = Vec::new();
        for stage in &deciding.plan.stages {
            let step = reader.step(&stage.id)?;
            if let Some(step) = step {
                world.end_stage(&stage.id, step)?;
            }
            steps.push(step);
        }
        let listing = Listing { deciding: &deciding, world: &world, reader: &reader, names: &names, read: &read };
        let mut records = Vec::new();
        for (number, (stage, step)) in deciding.plan.stages.iter().zip(steps).enumerate() {
            let Some(step) = step else { continue };
            let because = |line: u64| because.get(&(number, line)).cloned().unwrap_or_default();
            listing.stage(stage, step, &because, &mut records)?;
        }
        Ok(records)
    })
    .await?;
    let findings = summary.findings.into_iter().map(|(map, what)| match map {
        Some(map) => format!("{map}: {what}"),
        None => what,
    });
    Ok((listed, findings.collect()))
}

/// A compared field: the value there in the words of the expected one where it is that, byte by byte, else as the destination has it.
fn field_seen(names: &Names, value: &Value<'static>, native: &Map, there: &Map, comparison: &Comparison) -> Seen {
    let expected = names.readable(&to_json(value));
    let actual = match comparison {
        Comparison::Differs { found, .. } => found.clone(),
        Comparison::Same
            if native.iter().all(|(key, value)| there.get(key).unwrap_or(&serde_json::Value::Null) == value) =>
        {
            expected.clone()
        }
        Comparison::Same => {
            let values: Vec<String> = native
                .keys()
                .filter_map(|key| there.get(key))
                .map(|value| names.readable(value))
                .filter(|text| !text.is_empty())
                .collect();
            values.join(", ")
        }
    };
    let differs = matches!(comparison, Comparison::Differs { .. });
    Seen { expected: vec![expected], actual: vec![actual], differs }
}

/// Lists the records of the slice.
struct Listing<'l> {
    deciding: &'l DecisionContext,
    world: &'l RecordLookup,
    reader: &'l Reader,
    names: &'l Names,
    read: &'l ReadBack,
}

impl Listing<'_> {
    fn stage(
        &self,
        stage: &Stage,
        step: StepId,
        because: &dyn Fn(u64) -> Vec<String>,
        records: &mut Vec<SampledRecord>,
    ) -> Result<(), EngineError> {
        let (plan, export) = (&self.deciding.plan, &self.deciding.export);
        let job = StageRun::new(self.deciding, stage, step)?;
        if job.file.is_empty() {
            return Ok(());
        }
        let mut found: Vec<(u64, String, Mapped)> = Vec::new();
        let mut rows = export.records(&stage.source_object)?;
        while let Some(row) = rows.next()? {
            match row {
                Row::Malformed { line, .. } if job.takes(line) => {
                    let key = migr_decide::prepass::odd_key("", line);
                    if let Some(mapped) = self.reader.id_of(step, &key)? {
                        found.push((line, key, mapped));
                    }
                }
                Row::Record(record) if job.takes(record.line) => {
                    let line = record.line;
                    if let Some((key, mapped)) = outcome(&job, self.world, line, &Lent(record))? {
                        found.push((line, key, mapped));
                    }
                }
                _ => {}
            }
        }
        let takes = |line: u64| job.takes(line);
        let traced = traced_rows(plan, export, self.world, stage, (&takes, u64::MAX), None)?;
        for (line, key, mapped) in found {
            let lines = merged_lines(self.reader, stage, step, &key, &mapped)?;
            let rows: Vec<TracedRow> =
                traced.iter().filter(|row| lines.contains(&row.line)).map(TracedRow::again).collect();
            let fields = if rows.is_empty() { Vec::new() } else { of_rows(stage, rows, line) };
            records.push(self.record((stage, &job, step), (line, key, mapped), fields, because(line))?);
        }
        Ok(())
    }

    fn record(
        &self,
        (stage, job, step): (&Stage, &StageRun, StepId),
        (line, key, mapped): (u64, String, Mapped),
        fields: Vec<FieldLineage>,
        because: Vec<String>,
    ) -> Result<SampledRecord, EngineError> {
        let sampled = match (mapped.state, &mapped.winner) {
            (State::Created, _) => SampledState::Created,
            (State::Updated, _) => SampledState::Updated,
            (State::Unchanged, _) => SampledState::Unchanged,
            (State::Skipped, Some(_)) => SampledState::Merged,
            (State::Skipped, None) => SampledState::Skipped,
            (State::Quarantined | State::Uncertain, _) => SampledState::Quarantined,
        };
        let place = (stage.id.clone(), key.clone());
        let missing = self.read.missing.contains_key(&place);
        let seen = self.read.fields.get(&place);
        let fields = fields.into_iter().map(|field| self.field(field, seen, sampled.is_there() && !missing)).collect();
        Ok(SampledRecord {
            map: stage.map.clone(),
            source_object: stage.source_object.clone(),
            destination_object: stage.destination_object.clone(),
            reasons: self.reader.reasons(step, &key)?.into_iter().map(SampledReason::from).collect(),
            key: shown(
                key.split('\u{1f}')
                    .filter(|part| !part.starts_with("line "))
                    .collect::<Vec<_>>()
                    .join("\u{1f}")
                    .as_str(),
            ),
            file: job.file.clone(),
            line,
            id: mapped.id.filter(|_| mapped.winner.is_none()),
            state: sampled,
            missing,
            because,
            fields,
        })
    }

    fn field(&self, lineage: FieldLineage, seen: Option<&BTreeMap<String, Seen>>, is_there: bool) -> SampledField {
        let seen = seen.and_then(|seen| seen.get(&lineage.field));
        let (expected, actual, standing) = match seen {
            Some(seen) if seen.differs => (seen.expected.join(", "), Some(seen.actual.join(", ")), Standing::Different),
            Some(seen) => (seen.expected.join(", "), Some(seen.actual.join(", ")), Standing::Same),
            None if is_there => (self.names.readable(&lineage.value), None, Standing::Left),
            None => (self.names.readable(&lineage.value), None, Standing::NotWritten),
        };
        let row = |one: &crate::why::PicklistLineage| {
            let what = if one.has_row { "row" } else { "otherwise" };
            format!("{what} of {} ({}:{})", one.picklist, one.origin.file, one.origin.line)
        };
        SampledField {
            field: lineage.field,
            source: lineage
                .cells
                .into_iter()
                .map(|cell| SampledCell { column: cell.header.unwrap_or(cell.column), text: cell.text })
                .collect(),
            rule: lineage.expression,
            place: format!("{}:{}", lineage.origin.file, lineage.origin.line),
            rows: lineage.picklists.iter().map(row).collect(),
            expected,
            actual,
            standing,
            notes: lineage.notes,
        }
    }
}
