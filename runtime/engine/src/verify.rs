use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use migr_extract::{OwnedRecord, Row};
use migr_journal::{Change, Operation, Reader, State, StepId};
use migr_load::{Comparison, Deleted, Found, Map};
use migr_plan::{ExistingPolicy, FieldType, Stage};
use migr_report::{Difference, Finding, MapVerification, Missing, Verification};
use migr_transform::{Cells, Outcome, Pass, Value};
use tokio::sync::mpsc;

use crate::cells::{Kept, Lent};
use crate::job::Job;
use crate::links::{self, written};
use crate::owners::OwnerTable;
use crate::prepass::{self, Look};
use crate::produce::merged;
use crate::stage::{blocking, joined};
use crate::world::World;
use crate::{Context, EngineError, Event, run, second};

/// Differences that are listed at most; all are counted.
const LISTED: usize = 10_000;

/// A record as the source says it should be.
struct Expected {
    key: String,
    line: u64,
    id: String,
    values: Vec<(usize, Value<'static>)>,
}

/// Reads every record back that this migration wrote, or about `sample` of each map, and compares every field with what the source rows give now.
pub async fn verify(context: &Context, sample: Option<u64>) -> Result<Verification, EngineError> {
    context.destination.schema().await?;
    context.journal.lock().begin_run("verify")?;
    let verified = all(context, sample).await;
    context.journal.lock().end_run(if verified.is_ok() { "done" } else { "stopped" })?;
    let verification = verified?;
    let value = serde_json::to_string(&verification).unwrap_or_default();
    context.journal.write_later(vec![Change::Finding { name: "verify".to_owned(), value }]).await?;
    Ok(verification)
}

async fn all(context: &Context, sample: Option<u64>) -> Result<Verification, EngineError> {
    let owners = Arc::new(OwnerTable::load(&context.plan, &*context.destination).await?);
    let mut world = run::world(context, owners)?;
    run::existing_records(context, &mut world).await?;
    let mut result = Verification {
        required_percent: context.plan.options.require_match_percent.clone(),
        sampled: sample.is_some(),
        ..Verification::default()
    };
    for stage in &context.plan.stages {
        if let Some(step) = world.reader.step(&stage.id)? {
            world.end_stage(&stage.id, step);
        }
    }
    for stage in &context.plan.stages {
        let Some(step) = world.reader.step(&stage.id)? else {
            let what = format!("{} was not written yet", stage.map);
            result.findings.push(Finding { map: Some(stage.map.clone()), what });
            continue;
        };
        let job = Arc::new(Job::new(context, stage, step)?);
        world = records(&job, world, sample, &mut result).await?;
        for link in &stage.links {
            let name = links::step_name(&stage.id, link);
            if let Some(step) = world.reader.step(&name)? {
                let reader = context.journal.reader()?;
                let target = (step, link.through.as_str());
                count_links(context, &reader, stage, target, &mut result).await?;
            }
        }
    }
    let share_holds = holds(result.same, result.fields, result.required_percent.as_deref());
    result.held = share_holds && result.missing.is_empty() && result.findings.is_empty();
    Ok(result)
}

/// Whether the share of equal fields is what is required, by default all.
fn holds(same: u64, fields: u64, required: Option<&str>) -> bool {
    let (whole, fraction) = required.unwrap_or("100").split_once('.').unwrap_or((required.unwrap_or("100"), ""));
    let Ok(digits) = format!("{whole}{fraction}").parse::<u128>() else { return same == fields };
    let scale = u32::try_from(fraction.len()).unwrap_or(0);
    u128::from(same) * 100 * 10_u128.pow(scale) >= digits * u128::from(fields)
}

async fn records(
    job: &Arc<Job>,
    mut world: World,
    sample: Option<u64>,
    result: &mut Verification,
) -> Result<World, EngineError> {
    let context = &job.context;
    world.scratch.begin_stage()?;
    let page = context.destination.capabilities().page_size.max(1);
    let (hand_on, mut ready) = mpsc::channel::<Vec<Expected>>(2);
    let stride = stride(&world.reader, job.step, sample)?;
    let producer = {
        let job = Arc::clone(job);
        tokio::task::spawn_blocking(move || {
            expected(&job, &world, stride, page, &mut |batch| hand_on.blocking_send(batch).is_ok()).map(|()| world)
        })
    };
    let mut counts = MapVerification { map: job.stage.map.clone(), ..MapVerification::default() };
    let mut compared = Ok(());
    while let Some(batch) = ready.recv().await {
        let number = batch.len() as u64;
        compared = compare(job, batch, &mut counts, result).await;
        if compared.is_err() || context.cancellation.is_cancelled() {
            break;
        }
        context.tell(Event::Verified { step: job.stage.id.clone(), records: number });
    }
    drop(ready);
    let produced = joined(producer.await);
    compared?;
    world = produced?;
    if context.cancellation.is_cancelled() {
        let what = format!("{} was not read back to its end", job.stage.map);
        result.findings.push(Finding { map: Some(job.stage.map.clone()), what });
    }
    result.records += counts.found;
    result.fields += counts.fields;
    result.same += counts.same;
    result.maps.push(counts);
    Ok(world)
}

/// Every how many records one is read back.
fn stride(reader: &Reader, step: StepId, sample: Option<u64>) -> Result<u64, EngineError> {
    let Some(sample) = sample.filter(|sample| *sample > 0) else { return Ok(1) };
    let mut written = 0;
    for state in [State::Created, State::Updated, State::Unchanged] {
        written += reader.count(step, state)?;
    }
    Ok((written / sample).max(1))
}

/// Derives what every written record should hold, from the source rows.
fn expected(
    job: &Job,
    world: &World,
    stride: u64,
    page: usize,
    hand_on: &mut dyn FnMut(Vec<Expected>) -> bool,
) -> Result<(), EngineError> {
    if job.file.is_empty() {
        return Ok(());
    }
    let look = if job.merges() { prepass::look_again(job, world)? } else { Look::default() };
    let cuts = if job.refers_to_itself() { second::cuts(job, world)? } else { BTreeMap::new() };
    let mut kept: HashMap<usize, BTreeMap<u64, OwnedRecord>> = HashMap::new();
    let mut batch = Vec::new();
    let mut number = 0;
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let expected = match look.merges.get(&record.line) {
            None => {
                let cells = Lent(record);
                let Some((key, mapped)) = written(job, world, record.line, &cells)? else { continue };
                let Some(id) = mapped.id.filter(|_| mapped.winner.is_none()) else { continue };
                let values = values(job, world, &cells, cuts.contains_key(&record.line))?;
                Expected { key, line: record.line, id, values }
            }
            Some(family) => {
                let members = kept.entry(*family).or_default();
                members.insert(record.line, record.to_owned());
                let wanted = look.families.get(*family).map(|family| family.members.as_slice()).unwrap_or_default();
                let Some((line, key)) = wanted.first().filter(|_| members.len() == wanted.len()) else { continue };
                let Some(mapped) = world.reader.id_of(job.step, key)? else { continue };
                let Some(id) = mapped.id else { continue };
                let rows: Vec<Kept> =
                    wanted.iter().filter_map(|(line, _)| members.get(line).cloned().map(Kept)).collect();
                let Some(first) = rows.first() else { continue };
                let mut values = deferred(job, world, first, cuts.contains_key(line))?;
                if let Ok(whole) = merged(job, world, &rows)? {
                    values.extend(whole.values.into_iter().map(|(index, value)| (index, value.into_owned())));
                }
                let expected = Expected { key: key.clone(), line: *line, id, values };
                kept.remove(family);
                expected
            }
        };
        number += 1;
        if (number - 1) % stride != 0 {
            continue;
        }
        batch.push(expected);
        if batch.len() >= page && !hand_on(std::mem::take(&mut batch)) {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        hand_on(batch);
    }
    Ok(())
}

fn values(
    job: &Job,
    world: &World,
    cells: &dyn Cells,
    is_cut: bool,
) -> Result<Vec<(usize, Value<'static>)>, EngineError> {
    let mut values = Vec::new();
    if let Outcome::Ready(evaluated) = job.program.fields(cells, world, Pass::First)? {
        values.extend(evaluated.values.into_iter().map(|(index, value)| (index, value.into_owned())));
    }
    values.extend(deferred(job, world, cells, is_cut)?);
    Ok(values)
}

fn deferred(
    job: &Job,
    world: &World,
    cells: &dyn Cells,
    is_cut: bool,
) -> Result<Vec<(usize, Value<'static>)>, EngineError> {
    if job.stage.deferred.is_empty() {
        return Ok(Vec::new());
    }
    let Outcome::Ready(evaluated) = job.program.fields(cells, world, Pass::Deferred)? else { return Ok(Vec::new()) };
    Ok(evaluated
        .values
        .into_iter()
        .map(|(index, value)| {
            let is_cut = is_cut && second::leads_to_itself(job, &value);
            (index, if is_cut { Value::None } else { value.into_owned() })
        })
        .collect())
}

async fn compare(
    job: &Job,
    batch: Vec<Expected>,
    counts: &mut MapVerification,
    result: &mut Verification,
) -> Result<(), EngineError> {
    let context = &job.context;
    let object = &job.stage.destination_object;
    let ids: Vec<String> = batch.iter().map(|expected| expected.id.clone()).collect();
    let found: HashMap<String, Found> = context
        .destination
        .fetch(object, &ids, Deleted::Live)
        .await?
        .into_iter()
        .map(|found| (found.id.clone(), found))
        .collect();
    let reader = context.journal.reader()?;
    for expected in batch {
        counts.expected += 1;
        let Some(found) = found.get(&expected.id) else {
            result.missing.push(Missing {
                map: job.stage.map.clone(),
                key: crate::aside::shown(&expected.key),
                line: expected.line,
                id: expected.id,
            });
            continue;
        };
        counts.found += 1;
        let ours = ours(job, &reader, &expected)?;
        for (index, value) in &expected.values {
            let Some(field) = job.stage.fields.get(*index) else { continue };
            if matches!(value, Value::Default) || !is_ours(job, ours.as_ref(), *index, value) {
                continue;
            }
            let comparison = if field.ty == FieldType::File {
                file(job, &field.field, value, &found.values).await?
            } else {
                context.destination.compare(object, field, value, &found.values)
            };
            counts.fields += 1;
            match comparison {
                Comparison::Same => counts.same += 1,
                Comparison::Differs { expected: should, found: is } => {
                    if result.differences.len() < LISTED {
                        result.differences.push(Difference {
                            map: job.stage.map.clone(),
                            key: crate::aside::shown(&expected.key),
                            line: expected.line,
                            id: expected.id.clone(),
                            field: field.field.clone(),
                            expected: should,
                            found: is,
                        });
                    }
                }
            }
        }
    }
    Ok(())
}

/// What of a record that was there before is ours; none where all of it is.
fn ours(job: &Job, reader: &Reader, expected: &Expected) -> Result<Option<Map>, EngineError> {
    let Some(mapped) = reader.id_of(job.step, &expected.key)? else { return Ok(None) };
    if mapped.state == State::Created || job.stage.policies.existing == ExistingPolicy::Update {
        return Ok(None);
    }
    let mut ours = Map::new();
    let second = reader.step(&second::step_name(&job.stage.id))?;
    for step in [Some(job.step), second].into_iter().flatten() {
        let image = reader.before_image(step, &expected.id, Operation::Update)?;
        ours.extend(image.and_then(|image| serde_json::from_str::<Map>(&image.written).ok()).unwrap_or_default());
    }
    Ok(Some(ours))
}

fn is_ours(job: &Job, ours: Option<&Map>, index: usize, value: &Value<'static>) -> bool {
    let Some(ours) = ours else { return true };
    let body = job.encode(&[(index, value.clone())]).unwrap_or_default();
    !body.is_empty() && body.keys().all(|key| ours.contains_key(key))
}

async fn file(job: &Job, field: &str, value: &Value<'_>, found: &Map) -> Result<Comparison, EngineError> {
    let Value::File(file) = value else { return Ok(Comparison::Same) };
    let path = job.context.export.attachment(&file.path)?;
    let hash = blocking(move || {
        let failed = |source| EngineError::File { path: path.display().to_string(), source };
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut std::fs::File::open(&path).map_err(failed)?, &mut hasher).map_err(failed)?;
        Ok(format!("blake3:{}", hasher.finalize().to_hex()))
    })
    .await?;
    let stored = job.context.destination.stored_file(&job.stage.destination_object, field, found).await?;
    let is = stored.map_or_else(|| "no file".to_owned(), |stored| stored.hash);
    Ok(if is == hash { Comparison::Same } else { Comparison::Differs { expected: hash, found: is } })
}

/// Links carry nothing to compare: they are there or not.
async fn count_links(
    context: &Context,
    reader: &Reader,
    stage: &Stage,
    (step, object): (StepId, &str),
    result: &mut Verification,
) -> Result<(), EngineError> {
    let mut after: Option<String> = None;
    loop {
        let rows = reader.rows_after(step, after.as_deref(), 200)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.clone());
        let ids: Vec<String> = rows.iter().filter_map(|row| row.mapped.id.clone()).collect();
        let found = context.destination.fetch(object, &ids, Deleted::Live).await?;
        for row in rows {
            let Some(id) = row.mapped.id else { continue };
            if !found.iter().any(|found| found.id == id) {
                let owner = row.key.split(links::PART).next().unwrap_or_default();
                result.missing.push(Missing {
                    map: stage.map.clone(),
                    key: crate::aside::shown(owner),
                    line: row.mapped.line,
                    id,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_required_share_is_compared_exactly() {
        assert!(holds(999, 1000, Some("99.9")));
        assert!(!holds(9_989, 10_000, Some("99.9")));
        assert!(!holds(999_999, 1_000_000, None));
        assert!(holds(0, 0, None));
    }
}
