//! Pick-up of a later export: records move to their new lines, those that are gone are noted, and all others are opened to be compared with what was written.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{
    Change, Intent, MovedNote, Operation, Planned, Reader, RecordResult, State, StepId, VanishedNote, WrittenReader,
    findings,
};
use migr_load::{Deleted, Destination, Found, LoadError};
use migr_plan::{DuplicatePolicy, FieldType, Stage};
use migr_report::{Delta, MapDelta};
use serde::Serialize;

use crate::going_on::go_on;
use crate::held_otherwise::held_otherwise;
use crate::rollback::is_changed;
use crate::shared::blocking;
use crate::since::{Asked, MapSince, Since, digest, since, written};
use crate::stamps::{self, Stamps};
use crate::steps::changes::WritingSteps;
use crate::{Context, EngineError, opening};
use migr_decide::cells::Lent;
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::{Claim, StageRun};
use migr_decide::vanished::{GOING, LISTED, TRASHED, VanishedDecision, VanishedPolicy};

/// The journal keeps under this name that one is under way.
const UNDER_WAY: &str = "delta.begun";
/// The journal keeps under this name up to which moments the migration had written before the delta that is under way.
const BEFORE: &str = "delta.written.until";
/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;
/// Records of a file below which nothing is said of how many are gone.
const FEW: u64 = 10;
/// Keys of vanished records that are listed of a map.
const NAMED: usize = 100;

/// Keys of records with their ids.
type Keyed = Vec<(String, String)>;

/// True where the export is another one, or a delta was begun and not ended.
pub fn has_delta(context: &Context) -> Result<bool, EngineError> {
    Ok(is_under_way(&context.journal.reader()?)? || opening::changed_file(context)?.is_some())
}

/// True where a delta was begun and not ended.
pub fn is_under_way(reader: &Reader) -> Result<bool, EngineError> {
    Ok(under_way(reader)?.is_some())
}

/// True where a delta was begun and had not compared every record yet.
pub(crate) fn is_comparing(reader: &Reader) -> Result<bool, EngineError> {
    Ok(under_way(reader)?.is_some_and(|delta| !delta.compared))
}

/// A delta that was begun and not ended, as far as it was looked at.
fn under_way(reader: &Reader) -> Result<Option<Delta>, EngineError> {
    Ok(reader.finding(UNDER_WAY)?.and_then(|text| serde_json::from_str::<Option<Delta>>(&text).ok().flatten()))
}

fn begun(delta: &Delta) -> Change {
    Change::finding(UNDER_WAY, serde_json::to_string(delta).unwrap_or_default())
}

/// Files and fields that are written once alone and that the export says otherwise now, though its tables are the same: nothing changes them. Looked for where a
/// map sends files.
pub async fn look_at_files(context: &Context) -> Result<Delta, EngineError> {
    let sends_files = |stage: &Stage| stage.fields.iter().any(|field| field.ty == FieldType::File);
    if !context.plan.stages.iter().any(sends_files) {
        return Ok(Delta::default());
    }
    let asked = Asked { is_later_export: true, ..Asked::default() };
    let (since, _) = since(context, std::slice::from_ref(&*context.plan), asked).await?;
    let maps = since.maps.iter().filter(|map| !map.left.is_empty());
    let maps = maps.map(|map| MapDelta { map: map.map.clone(), stays: stays(map), ..MapDelta::default() });
    Ok(Delta { maps: maps.collect(), compared: true })
}

fn stays(map: &MapSince) -> Vec<String> {
    map.stays_in_words().into_iter().map(|words| format!("{}{words}", map.map)).collect()
}

/// Takes a later export up: after it, a run brings the destination to it. Says what was found.
pub async fn pick_up(context: &Context, accepts_shrunk: bool) -> Result<Delta, EngineError> {
    let earlier = under_way(&context.journal.reader()?)?;
    if let Some(delta) = earlier.clone().filter(|delta| delta.compared)
        && opening::changed_file(context)?.is_none()
    {
        // Its steps are open, and are gone on with where they stopped.
        return Ok(delta);
    }
    let (deciding, mut world) = opened(context).await?;
    let reader = context.journal.reader()?;
    let mut changes = Vec::new();
    let mut delta = Delta::default();
    let mut restored: Vec<(Stage, StepId, Keyed)> = Vec::new();
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        world.end_stage(&stage.id, step)?;
    }
    for stage in &context.plan.stages {
        let mut map = MapDelta { map: stage.map.clone(), ..MapDelta::default() };
        if let Some(step) = reader.step(&stage.id)? {
            let job = StageRun::new(&deciding, stage, step)?;
            let known = reader.vanished(step)?;
            let looked;
            (world, looked) = blocking(move || {
                let looked = look(&job, &world)?;
                Ok((world, looked))
            })
            .await?;
            let read = reader.fold()?.steps.into_iter().find(|fold| fold.name == stage.id).and_then(|fold| fold.read);
            shrinks(stage, read.unwrap_or(0), looked.rows, context, accepts_shrunk)?;
            map.was_written = written(&reader, step)?;
            map.was_trashed = known.values().filter(|fate| *fate == TRASHED).count() as u64;
            let missing: HashSet<&String> = looked.gone.iter().collect();
            let returned: Vec<String> = known.keys().filter(|key| !missing.contains(*key)).cloned().collect();
            drop(missing);
            map.returned = returned.len() as u64;
            let trashed: Keyed = returned
                .iter()
                .filter(|key| known.get(*key).is_some_and(|fate| fate == TRASHED))
                .filter_map(|key| Some((key.clone(), reader.id_of(step, key).ok()??.id?)))
                .collect();
            map.came_back = trashed.len() as u64;
            if !trashed.is_empty() {
                restored.push((stage.clone(), step, trashed));
            }
            map.missing = looked.gone.len() as u64;
            let gone: Vec<String> = looked.gone.into_iter().filter(|key| !known.contains_key(key)).collect();
            map.vanished = gone.len() as u64;
            map.vanished_keys = gone.iter().take(NAMED).map(|key| migr_decide::decision::shown(key)).collect();
            if !looked.moved.is_empty() {
                changes.push(Change::Moved { step, lines: looked.moved });
            }
            if !returned.is_empty() {
                changes.push(Change::Returned { step, keys: returned });
            }
            if !gone.is_empty() {
                let mut records = Vec::with_capacity(gone.len());
                for key in gone {
                    let fate = match decided(&reader, context, step, &key)? {
                        VanishedDecision::Left(fate) => fate,
                        // It goes there at the end.
                        VanishedDecision::Trash => LISTED,
                    };
                    records.push(VanishedNote { key, fate: fate.to_owned() });
                }
                changes.push(Change::Vanished { step, records });
            }
        }
        if let Some(earlier) = earlier.iter().flat_map(|delta| &delta.maps).find(|earlier| earlier.map == map.map) {
            map.take_over(earlier);
        }
        delta.maps.push(map);
    }
    drop(world);
    if earlier.is_none() {
        // By the end of the delta its own writes are younger than what people did before it.
        changes.push(stamps::noted(&reader, BEFORE)?);
    }
    changes.push(begun(&delta));
    // Lines and keys are those of this export from now on, or of none.
    changes.push(Change::no_finding(findings::EXPORT));
    context.journal.write_later(changes).await?;
    for (stage, step, records) in restored {
        bring_back(context, &stage, step, records).await?;
    }
    let asked = Asked { is_later_export: true, ..Asked::default() };
    let (since, _) = since(context, std::slice::from_ref(&*context.plan), asked).await?;
    tell(&mut delta, &since);
    go_on(context, &since).await?;
    delta.compared = true;
    context.journal.write_later(vec![begun(&delta)]).await?;
    Ok(delta)
}

/// Ends a delta: what vanished goes by the policy, and what was done is kept for the report.
pub async fn close(context: &Context, mut delta: Delta) -> Result<Delta, EngineError> {
    if VanishedPolicy::of(&context.plan) == VanishedPolicy::Delete {
        let run = context.journal.lock().begin_run(&context.options.command)?;
        let trashed = trash(context).await;
        stamps::keep(context, run)?;
        context.journal.lock().end_run(if trashed.is_ok() { "done" } else { "stopped" })?;
        trashed?;
    }
    let reader = context.journal.reader()?;
    for map in &mut delta.maps {
        let Some(stage) = context.plan.stages.iter().find(|stage| stage.map == map.map) else { continue };
        if let Some(step) = reader.step(&stage.id)? {
            let trashed = reader.vanished(step)?.values().filter(|fate| *fate == TRASHED).count() as u64;
            map.trashed = (trashed + map.came_back).saturating_sub(map.was_trashed);
            map.created = written(&reader, step)?.saturating_sub(map.was_written);
        }
        (map.was_written, map.was_trashed, map.came_back) = (0, 0, 0);
        if let Some(step) = migr_decide::steps::find(&reader, &crate::since::changes_of(stage))? {
            map.conflicts = reader.count_notes_with(step, migr_decide::expected::CONFLICT)?;
        }
    }
    let mut all: Vec<Delta> =
        reader.finding(findings::DELTAS)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    all.push(delta.clone());
    let value = serde_json::to_string(&all).unwrap_or_default();
    let ended = [UNDER_WAY, BEFORE].map(Change::no_finding);
    let changes = std::iter::once(Change::finding(findings::DELTAS, value)).chain(ended);
    context.journal.write_later(changes.collect()).await?;
    Ok(delta)
}

/// Decision about a record that the export has no more.
fn decided(reader: &Reader, context: &Context, step: StepId, key: &str) -> Result<VanishedDecision, EngineError> {
    let policy = VanishedPolicy::of(&context.plan);
    let mapped = reader.id_of(step, key)?;
    Ok(mapped.map_or(VanishedDecision::Left(LISTED), |mapped| policy.decide(&mapped)))
}

/// Records of a later export that a delta would create, and those that it would find gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MapLater {
    /// Name of the map.
    pub map: String,
    /// Rows whose records nothing knows yet.
    pub new: u64,
    /// Written records without a row.
    pub gone: u64,
    /// Number of these that would go into the trash, unless somebody changed them since.
    pub trashed: u64,
}

/// Look-ups over a later export, once its files can be read and the destination was asked.
async fn opened(context: &Context) -> Result<(DecisionContext, RecordLookup), EngineError> {
    opening::readable(&context.plan, &context.export)?;
    context.destination.schema().await?;
    let owners = Arc::new(OwnerTable::load(&context.plan, &*context.destination).await?);
    let deciding = DecisionContext::from(context);
    let mut world = opening::world(&deciding, owners)?;
    opening::existing_records(&deciding, &mut world).await?;
    Ok((deciding, world))
}

/// Looks at a later export without taking it up: which records are new in it and which are gone.
pub async fn look_at(context: &Context) -> Result<Vec<MapLater>, EngineError> {
    let (deciding, mut world) = opened(context).await?;
    let reader = context.journal.reader()?;
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        world.end_stage(&stage.id, step)?;
    }
    let mut maps = Vec::new();
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        let job = StageRun::new(&deciding, stage, step)?;
        let looked;
        (world, looked) = blocking(move || {
            let looked = look(&job, &world)?;
            Ok((world, looked))
        })
        .await?;
        let known = reader.vanished(step)?;
        let mut map = MapLater { map: stage.map.clone(), new: looked.unknown, ..MapLater::default() };
        for key in looked.gone.iter().filter(|key| !known.contains_key(*key)) {
            map.gone += 1;
            map.trashed += u64::from(decided(&reader, context, step, key)? == VanishedDecision::Trash);
        }
        maps.push(map);
    }
    Ok(maps)
}

fn tell(delta: &mut Delta, since: &Since) {
    for map in &mut delta.maps {
        let Some(found) = since.maps.iter().find(|found| found.map == map.map) else { continue };
        map.changed = found.records;
        map.unchanged = found.written.saturating_sub(found.records + map.missing);
        map.stays = stays(found);
        map.fields =
            found.fields.iter().map(|(field, counts)| (field.clone(), counts.values + counts.filled)).collect();
    }
}

/// A file that lost more than a fifth of its records is asked about.
fn shrinks(stage: &Stage, before: u64, now: u64, context: &Context, accepts: bool) -> Result<(), EngineError> {
    if accepts || before < FEW || now.saturating_mul(5) >= before.saturating_mul(4) {
        return Ok(());
    }
    let file = context.export.file(&stage.source_object).map_or_else(String::new, |file| file.shown().to_owned());
    Err(EngineError::Shrunk { file, map: stage.map.clone(), before, now })
}

/// Rows of a stage in the later export, beside what the journal knows.
#[derive(Debug, Default)]
struct Looked {
    /// Rows that belong to the stage.
    rows: u64,
    /// Keys that nothing knows yet.
    unknown: u64,
    /// Known records that stand in another line.
    moved: Vec<MovedNote>,
    /// Keys of written records without a row.
    gone: Vec<String>,
}

fn look(job: &StageRun, world: &RecordLookup) -> Result<Looked, EngineError> {
    let mut looked = Looked::default();
    let mut seen: HashSet<u64> = HashSet::new();
    let keeps_last = matches!(job.stage.policies.duplicate, DuplicatePolicy::KeepLast);
    let mut moved: BTreeMap<String, u64> = BTreeMap::new();
    if !job.file.is_empty() {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let cells = Lent(record);
            let claim = job.claim(&cells, world)?;
            if matches!(claim, Claim::Others) {
                continue;
            }
            looked.rows += u64::from(job.stage.distinct.is_none());
            if !matches!(claim, Claim::Mine | Claim::Fails(_)) {
                continue;
            }
            let Ok(key) = job.key(&cells, world)? else { continue };
            let is_first = seen.insert(digest(&key));
            looked.rows += u64::from(is_first && job.stage.distinct.is_some());
            if !is_first && !keeps_last {
                continue;
            }
            match world.reader.id_of(job.step, &key)? {
                Some(mapped) if mapped.line == record.line => {
                    moved.remove(&key);
                }
                Some(mapped) if mapped.id.is_some() => {
                    moved.insert(key, record.line);
                }
                Some(_) => {}
                None => looked.unknown += u64::from(is_first),
            }
        }
    }
    looked.moved = moved.into_iter().map(|(key, line)| MovedNote { key, line }).collect();
    let migr_decide::outcomes::Outcomes::Journal(journal) = &job.context.outcomes else { return Ok(looked) };
    let reader = journal.reader()?;
    let mut after: Option<String> = None;
    loop {
        let rows = reader.rows_after(job.step, after.as_deref(), TOGETHER)?;
        let Some(last) = rows.last() else { return Ok(looked) };
        after = Some(last.key.clone());
        let is_gone = |row: &migr_journal::MappedRow| row.mapped.id.is_some() && !seen.contains(&digest(&row.key));
        looked.gone.extend(rows.into_iter().filter(is_gone).map(|row| row.key));
    }
}

/// Takes records out of the trash that vanished, and that the export has again.
async fn bring_back(context: &Context, stage: &Stage, step: StepId, records: Keyed) -> Result<(), EngineError> {
    for records in records.chunks(context.destination.capabilities().batch_size.max(1)) {
        let ids: Vec<String> = records.iter().map(|(_, id)| id.clone()).collect();
        let batch = intend(context, step, Operation::Restore, records).await?;
        context.destination.restore(&stage.destination_object, &ids).await?;
        let found = context.destination.fetch(&stage.destination_object, &ids, Deleted::Both).await?;
        context.destination.take_for_written(&stage.destination_object, &found);
        let results = vec![RecordResult { attempts: 1, ..RecordResult::default() }; ids.len()];
        context.journal.write_later(vec![Change::Outcome { batch, results, quarantine: Vec::new() }]).await?;
    }
    Ok(())
}

async fn intend(
    context: &Context,
    step: StepId,
    operation: Operation,
    records: &[(String, String)],
) -> Result<migr_journal::BatchId, EngineError> {
    let batch = context.journal.lock().next_batch();
    let planned = |(key, id): &(String, String)| Planned { key: key.clone(), id: id.clone(), ..Planned::default() };
    let intent = Intent { batch, step, operation, records: records.iter().map(planned).collect() };
    context.journal.write_later(vec![Change::Intent(intent)]).await?;
    Ok(batch)
}

/// Notes the fate of vanished records.
async fn note(context: &Context, step: StepId, records: &[(String, String)], fate: &str) -> Result<(), EngineError> {
    let note = |(key, _): &(String, String)| VanishedNote { key: key.clone(), fate: fate.to_owned() };
    let records = records.iter().map(note).collect();
    Ok(context.journal.write_later(vec![Change::Vanished { step, records }]).await?)
}

/// Look at records that vanished, before they go into the trash.
pub(crate) struct Untouched<'d> {
    destination: &'d dyn Destination,
    stamps: Stamps,
    reader: Reader,
    written: WrittenReader,
}

impl<'d> Untouched<'d> {
    /// Before a delta is under way, or while it is.
    pub(crate) fn of(destination: &'d dyn Destination, reader: Reader) -> Result<Self, EngineError> {
        let stamps = Stamps::of_note(&reader, BEFORE)?;
        let written = WrittenReader::new(reader.another()?);
        Ok(Self { destination, stamps, reader, written })
    }

    /// True where nobody changed a record since it was written, or put it into the trash.
    pub(crate) fn is(&self, stage: &Stage, key: &str, there: &Found) -> Result<bool, EngineError> {
        let object = &stage.destination_object;
        if there.deleted || is_changed(&self.stamps, object, there) {
            return Ok(false);
        }
        let written = self.written.of(&WritingSteps::of_stage(stage, &self.reader)?, key)?;
        Ok(held_otherwise(self.destination, &self.stamps, object, (&written, there)).is_empty())
    }
}

/// Puts created records into the trash that the export has no more. Those that somebody changed since are left, and so is what was there before.
async fn trash(context: &Context) -> Result<(), EngineError> {
    let reader = context.journal.reader()?;
    let untouched = Untouched::of(&*context.destination, context.journal.reader()?)?;
    for stage in context.plan.stages.iter().rev() {
        let Some(step) = reader.step(&stage.id)? else { continue };
        let (mut going, mut begun) = (Vec::new(), HashSet::new());
        for (key, fate) in reader.vanished(step)? {
            let mapped = reader.id_of(step, &key)?;
            let made = mapped.filter(|mapped| VanishedPolicy::Delete.decide(mapped) == VanishedDecision::Trash);
            if fate != TRASHED
                && let Some(id) = made.and_then(|mapped| mapped.id)
            {
                if fate == GOING {
                    begun.insert(id.clone());
                }
                going.push((key, id));
            }
        }
        let object = &stage.destination_object;
        for records in going.chunks(context.destination.capabilities().batch_size.max(1)) {
            let ids: Vec<String> = records.iter().map(|(_, id)| id.clone()).collect();
            let found = context.destination.fetch(object, &ids, Deleted::Both).await?;
            let mut ours = HashSet::new();
            for (key, id) in records {
                let Some(there) = found.iter().find(|found| found.id == *id) else { continue };
                if begun.contains(id) || untouched.is(stage, key, there)? {
                    ours.insert(id.as_str());
                }
            }
            let records: Keyed = records.iter().filter(|(_, id)| ours.contains(id.as_str())).cloned().collect();
            let ids: Vec<String> = records.iter().map(|(_, id)| id.clone()).collect();
            if ids.is_empty() {
                continue;
            }
            note(context, step, &records, GOING).await?;
            let batch = intend(context, step, Operation::Trash, &records).await?;
            let done = context.destination.trash(object, &ids).await;
            let is_done = match &done {
                Ok(()) => true,
                // Where there is no trash they are left, and listed.
                Err(LoadError::Missing { .. }) => false,
                Err(_) => return Ok(done?),
            };
            let results =
                vec![
                    RecordResult { state: is_done.then_some(State::Updated), attempts: 1, ..RecordResult::default() };
                    ids.len()
                ];
            context.journal.write_later(vec![Change::Outcome { batch, results, quarantine: Vec::new() }]).await?;
            if is_done {
                let found = context.destination.fetch(object, &ids, Deleted::Both).await?;
                context.destination.take_for_written(object, &found);
            }
            note(context, step, &records, if is_done { TRASHED } else { LISTED }).await?;
        }
    }
    Ok(())
}
