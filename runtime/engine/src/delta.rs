//! Pick-up of a later export: records move to their new lines, those that are gone are noted, and all others are opened to be compared with what was written.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{
    Change, Intent, MovedNote, Operation, Planned, Reader, RecordResult, State, StepId, VanishedNote, WrittenReader,
    findings,
};
use migr_load::{Deleted, Destination, Found, LoadError};
use migr_plan::{DuplicatePolicy, FieldType, SourceObject, Stage};
use migr_report::{Delta, FieldOfRecord, MapDelta};
use migr_spill::LaterExport;
use serde::Serialize;

use crate::going_on::go_on;
use crate::held_otherwise::changed_by_others;
use crate::shared::blocking;
use crate::since::{Asked, MapSince, Since, digest, since, written};
use crate::stamps::{self, Stamps};
use crate::steps::changes::WritingSteps;
use crate::steps::given::given_name;
use crate::{Context, EngineError, opening};
use migr_decide::cells::Lent;
use migr_decide::decision::shown;
use migr_decide::expected::{CONFLICT_NOTES, EMPTIED_NOTES, LEFT_NOTES};
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
/// The same of the later export.
const PAGE: u32 = 2000;
/// Records of a file below which nothing is said of how many are gone.
const FEW: u64 = 10;
/// Keys of vanished records that are listed of a map.
const NAMED: usize = 100;

/// Keys of records with their ids.
type Keyed = Vec<(String, String)>;

/// Kind of what is noted of a stage's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Moved,
    Returned,
    Vanished,
}

/// Notes that a delta makes before anything is sent, a page at a time.
struct Notes<'n> {
    later: &'n LaterExport,
    /// Steps that are left, with the places of their stages.
    steps: Vec<(StepId, usize)>,
    part: Part,
    after: String,
    /// Notes that end it.
    last: Vec<Change>,
}

impl Notes<'_> {
    fn next(&mut self) -> Result<Option<Change>, EngineError> {
        while let Some((step, place)) = self.steps.first().copied() {
            let after = std::mem::take(&mut self.after);
            let fates = match self.part {
                Part::Moved => {
                    let moved = self.later.moved_after(place, &after, PAGE)?;
                    if let Some((key, _)) = moved.last() {
                        self.after.clone_from(key);
                        let is_last = self.later.moved_after(place, key, 1)?.is_empty();
                        let lines = moved.into_iter().map(|(key, line)| MovedNote { key, line }).collect();
                        return Ok(Some(Change::Moved { step, lines, is_last }));
                    }
                    Vec::new()
                }
                Part::Returned => self.later.returned_after(place, &after, PAGE)?,
                Part::Vanished => self.later.gone_after(place, &after, PAGE)?,
            };
            if let Some((key, _)) = fates.last() {
                self.after.clone_from(key);
                return Ok(Some(if self.part == Part::Returned {
                    Change::Returned { step, keys: fates.into_iter().map(|(key, _)| key).collect() }
                } else {
                    let note = |(key, fate)| VanishedNote { key, fate };
                    Change::Vanished { step, records: fates.into_iter().map(note).collect() }
                }));
            }
            self.part = match self.part {
                Part::Moved => Part::Returned,
                Part::Returned => Part::Vanished,
                Part::Vanished => {
                    self.steps.remove(0);
                    Part::Moved
                }
            };
        }
        Ok(if self.last.is_empty() { None } else { Some(self.last.remove(0)) })
    }
}

/// Finds the records that the export has again.
fn find_returned(
    reader: &Reader,
    (step, place): (StepId, usize),
    later: &LaterExport,
    map: &mut MapDelta,
) -> Result<(), EngineError> {
    let mut after: Option<String> = None;
    loop {
        let known = reader.vanished_after(step, after.as_deref(), TOGETHER)?;
        let Some((last, _)) = known.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, fate) in known {
            if !later.is_gone(place, &key)? {
                map.returned += 1;
                map.came_back +=
                    u64::from(fate == TRASHED && reader.id_of(step, &key)?.is_some_and(|it| it.id.is_some()));
                later.add_returned(place, &key, &fate)?;
            }
        }
    }
}

/// Finds the records that the export has no more, and that it had at the last look.
fn find_vanished(
    reader: &Reader,
    context: &Context,
    (step, place): (StepId, usize),
    later: &LaterExport,
    map: &mut MapDelta,
) -> Result<(), EngineError> {
    (map.missing, map.vanished) = later.count_gone(place)?;
    let is_named = !context.plan.stages.get(place).is_some_and(|stage| has_sensitive_key(context, stage));
    let mut after = String::new();
    loop {
        let gone = later.gone_after(place, &after, PAGE)?;
        let Some((last, _)) = gone.last() else { return Ok(()) };
        after.clone_from(last);
        for (key, _) in gone {
            if is_named && map.vanished_keys.len() < NAMED {
                map.vanished_keys.push(shown(&key));
            }
            let fate = match decided(reader, context, step, &key)? {
                VanishedDecision::Left(fate) => fate,
                // It goes there at the end.
                VanishedDecision::Trash => LISTED,
            };
            later.add_gone(place, &key, Some(fate))?;
        }
    }
}

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
    let mut later = LaterExport::create(&context.work)?;
    let mut delta = Delta::default();
    let mut steps = Vec::new();
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        world.end_stage(&stage.id, step)?;
    }
    for (place, stage) in context.plan.stages.iter().enumerate() {
        let mut map = MapDelta { map: stage.map.clone(), ..MapDelta::default() };
        if let Some(step) = reader.step(&stage.id)? {
            let job = StageRun::new(&deciding, stage, step)?;
            let looked;
            (world, later, looked) = blocking(move || {
                let looked = look(&job, &world, &mut later, place)?;
                Ok((world, later, looked))
            })
            .await?;
            let read = reader.fold()?.steps.into_iter().find(|fold| fold.name == stage.id).and_then(|fold| fold.read);
            shrinks(stage, read.unwrap_or(0), looked.rows, context, accepts_shrunk)?;
            map.was_written = written(&reader, step)?;
            map.was_trashed = reader.count_vanished(step, TRASHED)?;
            find_returned(&reader, (step, place), &later, &mut map)?;
            find_vanished(&reader, context, (step, place), &later, &mut map)?;
            steps.push((stage.clone(), step, place));
        }
        if let Some(earlier) = earlier.iter().flat_map(|delta| &delta.maps).find(|earlier| earlier.map == map.map) {
            map.take_over(earlier);
        }
        delta.maps.push(map);
    }
    drop(world);
    let mut last = Vec::new();
    if earlier.is_none() {
        // By the end of the delta its own writes are younger than what people did before it.
        last.push(stamps::noted(&reader, BEFORE)?);
    }
    last.push(begun(&delta));
    // Lines and keys are those of this export from now on, or of none.
    last.push(Change::no_finding(findings::EXPORT));
    let journal = context.journal.clone();
    let of_steps: Vec<(StepId, usize)> = steps.iter().map(|(_, step, place)| (*step, *place)).collect();
    later = blocking(move || {
        let mut notes = Notes { later: &later, steps: of_steps, part: Part::Moved, after: String::new(), last };
        journal.lock().write_each(|| notes.next())?;
        Ok(later)
    })
    .await?;
    for (stage, step, place) in steps {
        bring_back(context, (&stage, step), &reader, (&later, place)).await?;
    }
    drop(later);
    let asked = Asked { is_later_export: true, ..Asked::default() };
    let (since, _) = since(context, std::slice::from_ref(&*context.plan), asked).await?;
    tell(&mut delta, &since);
    go_on(context, &since).await?;
    delta.compared = true;
    context.journal.write_later(vec![begun(&delta)]).await?;
    Ok(delta)
}

/// Corrects what was said of values that could not be taken when the delta was picked up: what they refer to may have been made since.
async fn correct(context: &Context, delta: &mut Delta) -> Result<(), EngineError> {
    if delta.maps.iter().all(|map| map.failed.is_empty()) || delta.maps.iter().all(|map| map.created == 0) {
        return Ok(());
    }
    let (now, _) = since(context, &[], Asked::default()).await?;
    for map in &mut delta.maps {
        let Some(found) = now.maps.iter().find(|found| found.map == map.map) else { continue };
        for (field, before) in std::mem::take(&mut map.failed) {
            let failed = found.failed.get(&field).copied().unwrap_or_default().min(before);
            if failed > 0 {
                map.failed.insert(field.clone(), failed);
            }
            if before > failed {
                *map.fields.entry(field).or_default() += before - failed;
            }
        }
        // At least as many records changed as have one of the fields changed.
        let most = map.fields.values().copied().max().unwrap_or_default();
        let more = most.saturating_sub(map.changed).min(map.unchanged);
        (map.changed, map.unchanged) = (map.changed + more, map.unchanged - more);
    }
    Ok(())
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
    let mut told = Vec::new();
    for map in &mut delta.maps {
        let Some(stage) = context.plan.stages.iter().find(|stage| stage.map == map.map) else { continue };
        if let Some(step) = reader.step(&stage.id)? {
            let trashed = reader.count_vanished(step, TRASHED)?;
            map.trashed = (trashed + map.came_back).saturating_sub(map.was_trashed);
            map.created = written(&reader, step)?.saturating_sub(map.was_written);
        }
        (map.was_written, map.was_trashed, map.came_back) = (0, 0, 0);
        let most = if has_sensitive_key(context, stage) { 0 } else { NAMED };
        let name = given_name(&stage.id);
        if let Some(text) = reader.finding(&name)? {
            let (given, named): (u64, Vec<(String, String)>) = serde_json::from_str(&text).unwrap_or_default();
            map.given = given;
            let of_record = |(key, field): (String, String)| FieldOfRecord { key: shown(&key), field };
            map.given_fields = named.into_iter().take(most).map(of_record).collect();
            told.push(Change::no_finding(&name));
        }
        if let Some(step) = migr_decide::steps::find(&reader, &crate::since::changes_of(stage))? {
            map.left = reader.count_notes_of(step, LEFT_NOTES)?;
            map.emptied = reader.count_notes_of(step, EMPTIED_NOTES)?;
            map.conflicts = reader.count_notes_of(step, CONFLICT_NOTES)?;
            let named = reader.notes_of(step, CONFLICT_NOTES, most)?.into_iter();
            map.conflict_fields = named.map(|(key, field)| FieldOfRecord { key: shown(&key), field }).collect();
        }
    }
    correct(context, &mut delta).await?;
    let mut all: Vec<Delta> =
        reader.finding(findings::DELTAS)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    all.push(delta.clone());
    let value = serde_json::to_string(&all).unwrap_or_default();
    let ended = [UNDER_WAY, BEFORE].map(Change::no_finding);
    let changes = std::iter::once(Change::finding(findings::DELTAS, value)).chain(ended).chain(told);
    context.journal.write_later(changes.collect()).await?;
    Ok(delta)
}

/// True where the records of a stage are not named by their keys.
fn has_sensitive_key(context: &Context, stage: &Stage) -> bool {
    context.plan.source_object(&stage.source_object).is_some_and(SourceObject::has_sensitive_key)
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
    context.destination.known_schema().await?;
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
    let mut later = LaterExport::create(&context.work)?;
    for (place, stage) in context.plan.stages.iter().enumerate() {
        let Some(step) = reader.step(&stage.id)? else { continue };
        let job = StageRun::new(&deciding, stage, step)?;
        let looked;
        (world, later, looked) = blocking(move || {
            let looked = look(&job, &world, &mut later, place)?;
            Ok((world, later, looked))
        })
        .await?;
        let mut map = MapLater { map: stage.map.clone(), new: looked.unknown, ..MapLater::default() };
        (_, map.gone) = later.count_gone(place)?;
        let mut after = String::new();
        loop {
            let gone = later.gone_after(place, &after, PAGE)?;
            let Some((last, _)) = gone.last() else { break };
            after.clone_from(last);
            for (key, _) in &gone {
                map.trashed += u64::from(decided(&reader, context, step, key)? == VanishedDecision::Trash);
            }
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
        map.stays = stays(&MapSince { failed: BTreeMap::new(), ..found.clone() });
        map.failed.clone_from(&found.failed);
        map.fields =
            found.fields.iter().map(|(field, counts)| (field.clone(), counts.values + counts.filled)).collect();
        let cleared = found.fields.iter().filter(|(_, counts)| counts.cleared > 0);
        map.cleared = cleared.map(|(field, counts)| (field.clone(), counts.cleared)).collect();
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
}

/// Looks at the rows of a stage; those that stand in another line, and written records without a row, are noted in `later`.
fn look(job: &StageRun, world: &RecordLookup, later: &mut LaterExport, place: usize) -> Result<Looked, EngineError> {
    let mut looked = Looked::default();
    later.begin_stage()?;
    let keeps_last = matches!(job.stage.policies.duplicate, DuplicatePolicy::KeepLast);
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
            let is_first = later.meet(digest(&key))?;
            looked.rows += u64::from(is_first && job.stage.distinct.is_some());
            if !is_first && !keeps_last {
                continue;
            }
            match world.reader.id_of(job.step, &key)? {
                Some(mapped) if mapped.line == record.line => {
                    if !is_first {
                        later.remove_moved(place, &key)?;
                    }
                }
                Some(mapped) if mapped.id.is_some() => later.add_moved(place, &key, record.line)?,
                Some(_) => {}
                None => looked.unknown += u64::from(is_first),
            }
        }
    }
    let migr_decide::outcomes::Outcomes::Journal(journal) = &job.context.outcomes else { return Ok(looked) };
    let reader = journal.reader()?;
    let mut after: Option<String> = None;
    loop {
        let rows = reader.rows_after(job.step, after.as_deref(), TOGETHER)?;
        let Some(last) = rows.last() else { return Ok(looked) };
        after = Some(last.key.clone());
        for row in rows.iter().filter(|row| row.mapped.id.is_some()) {
            if !later.is_met(digest(&row.key))? {
                let is_known = reader.fate(job.step, &row.key)?.is_some();
                later.add_gone(place, &row.key, Some(LISTED).filter(|_| !is_known))?;
            }
        }
    }
}

/// Takes records out of the trash that vanished, and that the export has again.
async fn bring_back(
    context: &Context,
    (stage, step): (&Stage, StepId),
    reader: &Reader,
    (later, place): (&LaterExport, usize),
) -> Result<(), EngineError> {
    let mut after = String::new();
    loop {
        let returned = later.returned_after(place, &after, PAGE)?;
        let Some((last, _)) = returned.last() else { return Ok(()) };
        after.clone_from(last);
        let mut records: Keyed = Vec::new();
        for (key, _) in returned.into_iter().filter(|(_, fate)| fate == TRASHED) {
            if let Some(id) = reader.id_of(step, &key)?.and_then(|mapped| mapped.id) {
                records.push((key, id));
            }
        }
        for records in records.chunks(context.destination.capabilities().batch_size.max(1)) {
            let ids: Vec<String> = records.iter().map(|(_, id)| id.clone()).collect();
            let batch = intend(context, step, Operation::Restore, records).await?;
            context.destination.restore(&stage.destination_object, &ids).await?;
            let found = context.destination.fetch(&stage.destination_object, &ids, Deleted::Both).await?;
            context.destination.take_for_written(&stage.destination_object, &found);
            let results = vec![RecordResult { attempts: 1, ..RecordResult::default() }; ids.len()];
            context.journal.write_later(vec![Change::Outcome { batch, results, quarantine: Vec::new() }]).await?;
        }
    }
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
        if there.deleted {
            return Ok(false);
        }
        let written = self.written.of(&WritingSteps::of_stage(stage, &self.reader)?, key)?;
        Ok(changed_by_others(self.destination, &self.stamps, object, (&written, there)).is_empty())
    }
}

/// Puts created records into the trash that the export has no more. Those that somebody changed since are left, and so is what was there before.
async fn trash(context: &Context) -> Result<(), EngineError> {
    let reader = context.journal.reader()?;
    let untouched = Untouched::of(&*context.destination, context.journal.reader()?)?;
    for stage in context.plan.stages.iter().rev() {
        let Some(step) = reader.step(&stage.id)? else { continue };
        let mut after: Option<String> = None;
        loop {
            let vanished = reader.vanished_after(step, after.as_deref(), TOGETHER)?;
            let Some((last, _)) = vanished.last() else { break };
            after = Some(last.clone());
            let (mut going, mut begun) = (Keyed::new(), HashSet::new());
            for (key, fate) in vanished {
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
            trash_page(context, (stage, step), &untouched, (&going, &begun)).await?;
        }
    }
    Ok(())
}

/// The same of a page of a stage's records.
async fn trash_page(
    context: &Context,
    (stage, step): (&Stage, StepId),
    untouched: &Untouched<'_>,
    (going, begun): (&Keyed, &HashSet<String>),
) -> Result<(), EngineError> {
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
    Ok(())
}
