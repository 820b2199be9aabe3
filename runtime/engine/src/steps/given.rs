//! Values that `on taken none` left out, and that nobody holds any more: each goes to the record that `on duplicate` prefers of those that went without.

use std::collections::BTreeMap;

use migr_decide::cells::Lent;
use migr_decide::deferred::DeferredRows;
use migr_decide::duplicates::prefer;
use migr_decide::families::{self, sorted_by};
use migr_decide::parts::{Taking, beside};
use migr_decide::record_lookup::RecordLookup;
use migr_decide::record_write::RecordWrite;
use migr_decide::stage_run::StageRun;
use migr_decide::taken::{self, LEFT_OUT_NOTES};
use migr_decide::there::{before_update, held, in_words, stamped};
use migr_decide::written::still_written;
use migr_extract::Row;
use migr_journal::{Change, MendedNote, Operation, RepairNote, State, StepId};
use migr_load::{Body, Found, Map};
use migr_plan::{FieldMapping, ReasonCode};
use migr_spill::{RowSet, SortValue as Sort};
use migr_transform::{Pass, Value};

use crate::EngineError;
use crate::step_writer::StepWriter;
use crate::steps::deferred::updated;
use crate::steps::exchange::listed;

/// The journal keeps the values that were given so under this name and the stage's, until a delta tells of them.
const GIVEN: &str = "given.";
/// Records that are kept so by their names.
const NAMED: usize = 100;

/// The journal's name for what was given to a stage's records.
pub(crate) fn given_name(stage: &str) -> String {
    format!("{GIVEN}{stage}")
}

/// Value that was left out of a record.
#[derive(Debug)]
pub(crate) struct LeftOut {
    key: String,
    line: u64,
    id: String,
    state: State,
    /// Path of the value, as it was noted.
    path: String,
    /// Reason that was noted.
    noted: Option<String>,
    /// The value; absent where the export has none any more.
    wanted: Option<Wanted>,
    /// Row of the export that has the value, or that is preferred.
    holder: Option<(String, u64)>,
}

#[derive(Debug)]
struct Wanted {
    /// Position of the identity.
    identity: usize,
    /// Form in which the destination compares it.
    compared: String,
    /// Index of the field, with the part of its value.
    field: usize,
    value: Value<'static>,
}

/// Values by the position of their identity.
type Place = (usize, String);

/// Preferred of the rows that went without each value: its line, what it is sorted by, and its key.
type Preferred = BTreeMap<Place, (u64, Sort, String)>;

/// Finds the values that were left out of a stage's records, by the lines of which something is noted.
pub(crate) fn left_out(
    job: &StageRun,
    world: &RecordLookup,
    lines: &RowSet,
    waiting: &DeferredRows,
) -> Result<Vec<LeftOut>, EngineError> {
    if !taken::is_asked(job) {
        return Ok(Vec::new());
    }
    let (mut found, mut best) = (Vec::new(), Preferred::new());
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let foreseen = job.context.outcomes.forecast().map(|forecast| forecast.left_out(job.step, record.line));
        let foreseen = foreseen.unwrap_or_default();
        if !job.takes(record.line) || !lines.contains(record.line) && foreseen.is_empty() {
            continue;
        }
        let cells = Lent(record);
        let Some((key, mapped)) = still_written(job, world, record.line, &cells)? else { continue };
        let Some(id) = mapped.id.filter(|_| mapped.winner.is_none() && mapped.line == record.line) else { continue };
        let mut noted = world.reader.notes_on(job.step, &key, LEFT_OUT_NOTES)?;
        noted.extend(foreseen.into_iter().map(|path| (path, None)));
        if noted.is_empty() {
            continue;
        }
        let rows = waiting.rows(job, world, &key, record)?;
        let values = families::values(job, world, &cells, rows.as_deref(), Pass::First)?.evaluated.values;
        let identities = job.identities_of_values(&values);
        for (path, reason) in noted {
            let of_path = |(at, _): &&Place| *at >= job.identities.matching && job.identities.name(*at) == path;
            let wanted = identities.iter().find(of_path).and_then(|(identity, compared)| {
                let (field, value) = part(job, &values, &path)?;
                Some(Wanted { identity: *identity, compared: compared.clone(), field, value })
            });
            if let Some(wanted) = &wanted {
                let place = (wanted.identity, wanted.compared.clone());
                let by = sorted_by(job, record);
                let policy = &job.stage.policies.duplicate;
                let is_better =
                    |(line, known, _): &(u64, Sort, String)| prefer(policy, (record.line, &by), (*line, known)).is_lt();
                if best.get(&place).is_none_or(is_better) {
                    best.insert(place, (record.line, by, key.clone()));
                }
            }
            let (key, id) = (key.clone(), id.clone());
            let (line, state) = (record.line, mapped.state);
            found.push(LeftOut { key, line, id, state, path, noted: reason, wanted, holder: None });
        }
    }
    let held = if best.is_empty() { BTreeMap::new() } else { holding_rows(job, world, (&best, &found), waiting)? };
    for one in &mut found {
        let Some(wanted) = &one.wanted else { continue };
        let place = (wanted.identity, wanted.compared.clone());
        let preferred = best.get(&place).filter(|(line, ..)| *line != one.line);
        one.holder = held.get(&place).cloned().or_else(|| preferred.map(|(line, _, key)| (key.clone(), *line)));
    }
    Ok(found)
}

/// Rows of written records that have one of some values, of which nothing was left out.
fn holding_rows(
    job: &StageRun,
    world: &RecordLookup,
    (best, found): (&Preferred, &[LeftOut]),
    waiting: &DeferredRows,
) -> Result<BTreeMap<Place, (String, u64)>, EngineError> {
    let mut without: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for one in found {
        without.entry(one.line).or_default().push(&one.path);
    }
    let mut held = BTreeMap::new();
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        let Some((key, mapped)) = still_written(job, world, record.line, &cells)? else { continue };
        // Of rows that are one record the record's own tells.
        if mapped.winner.is_some() || mapped.line != record.line {
            continue;
        }
        let rows = waiting.rows(job, world, &key, record)?;
        let values = families::values(job, world, &cells, rows.as_deref(), Pass::First)?.evaluated.values;
        for place in job.identities_of_values(&values) {
            let goes_without =
                without.get(&record.line).is_some_and(|paths| paths.contains(&job.identities.name(place.0).as_str()));
            if best.contains_key(&place) && !goes_without {
                held.entry(place).or_insert_with(|| (key.clone(), record.line));
            }
        }
    }
    Ok(held)
}

/// The part of a field's value that a path names, with the field's index.
fn part(job: &StageRun, values: &[(usize, Value<'_>)], path: &str) -> Option<(usize, Value<'static>)> {
    let (name, part) = path.split_once('.').map_or((path, None), |(name, part)| (name, Some(part)));
    let named = |(index, _): &&(usize, Value<'_>)| {
        job.stage.fields.get(*index).is_some_and(|field| field.field == name && !field.create_only)
    };
    let (index, value) = values.iter().find(named)?;
    let value = match (value, part) {
        (Value::Record(parts), Some(part)) => {
            Value::Record(parts.iter().filter(|(known, _)| known == part).cloned().collect())
        }
        (value, _) => value.clone(),
    };
    Some((*index, value.into_owned()))
}

/// Gives what nobody holds to the records that went without, and keeps the notes on the others true.
pub(crate) async fn give(
    job: &StageRun,
    (step, sender): (StepId, &mut StepWriter<'_>),
    left_out: &[LeftOut],
) -> Result<(), EngineError> {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let found = fetch(job, left_out).await?;
    let holders = holders(job, left_out).await?;
    let mut notes = Notes::default();
    let (mut items, mut images, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for one in left_out {
        // A record that a forecast creates is not there yet, and holds nothing.
        let coming = Found { id: one.id.clone(), deleted: false, values: Map::new() };
        let is_foreseen = job.context.outcomes.forecast().is_some();
        let Some(there) = found.get(&one.id).or(is_foreseen.then_some(&coming)) else { continue };
        let Some(wanted) = &one.wanted else {
            notes.settled(one);
            continue;
        };
        let Some(field) = job.stage.fields.get(wanted.field) else { continue };
        if let Some((key, line)) = &one.holder {
            notes.told(job, one, &taken::held_by_row(key, *line));
            continue;
        }
        match destination.unique_value(object, &one.path, &there.values) {
            Some(own) if own == wanted.compared => {
                notes.settled(one);
                continue;
            }
            Some(_) => {
                notes.told(job, one, "the record has another value there, which stays");
                continue;
            }
            None => {}
        }
        if let Some(holder) = holders.get(&(wanted.identity, wanted.compared.clone())).filter(|it| **it != one.id) {
            notes.told(job, one, &taken::held_there(holder, false));
            continue;
        }
        let Some(body) = body(job, (field, &wanted.value), there) else { continue };
        let held = held(&there.values, &body);
        if one.state != State::Created {
            let image = stamped(destination, &held, &there.values);
            images.push(before_update(step, (&one.key, &one.id), &image, &body));
        }
        let mut item = RecordWrite {
            fields: vec![field.field.clone()],
            before: Body::from(&held).digest(),
            ..RecordWrite::new(one.key.clone(), one.line, one.id.clone())
        };
        if let Some(forecast) = job.context.outcomes.forecast() {
            item.changes.push(in_words(forecast, (field, &wanted.value), &body, &there.values)?);
            forecast.gives(job.step, one.line, &one.path);
        }
        items.push((one.state, item.with_body(Body::from(body))));
        sent.push(one);
    }
    if !images.is_empty() {
        sender.remember([Change::Before(images)]);
    }
    if !items.is_empty() {
        let unchanged = items.iter().filter(|(state, _)| *state == State::Unchanged);
        let unchanged: Vec<RecordWrite> =
            unchanged.map(|(_, item)| RecordWrite::new(item.key.clone(), item.line, item.id.clone())).collect();
        sender.remember(updated(job.step, &unchanged.iter().collect::<Vec<_>>()));
        sender.send(items.into_iter().map(|(_, item)| item).collect(), Operation::Update, Vec::new())?;
        sender.finish().await?;
    }
    if job.context.outcomes.forecast().is_some() {
        return Ok(());
    }
    // A note goes only when the value is seen there.
    let found = if sent.is_empty() { BTreeMap::new() } else { fetch(job, left_out).await? };
    let mut given = Vec::new();
    for one in sent {
        let value = found.get(&one.id).and_then(|it| destination.unique_value(object, &one.path, &it.values));
        if value.is_some() && value.as_deref() == one.wanted.as_ref().map(|wanted| wanted.compared.as_str()) {
            notes.settled(one);
            given.push((one.key.clone(), one.path.clone()));
        }
    }
    sender.remember(notes.changes(job));
    if !given.is_empty() {
        sender.remember([told(job, given)?]);
    }
    Ok(())
}

/// The note of what was given, for the delta that tells of it: how many values, and the first of them.
fn told(job: &StageRun, given: Vec<(String, String)>) -> Result<Change, EngineError> {
    let name = given_name(&job.stage.id);
    let known = job.context.outcomes.knowledge()?.finding(&name)?;
    let (mut count, mut named): (u64, Vec<(String, String)>) =
        known.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    count += given.len() as u64;
    named.extend(given);
    named.truncate(NAMED);
    Ok(Change::finding(&name, serde_json::to_string(&(count, named)).unwrap_or_default()))
}

/// The native form of a part beside what the record holds.
fn body(job: &StageRun, (field, value): (&FieldMapping, &Value<'static>), there: &Found) -> Option<Map> {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let native = destination.encode(object, &[(field, value)]).ok()?;
    let body = beside(native, &there.values, Taking::Over, |key| destination.part_of(key));
    (!body.is_empty()).then_some(body)
}

async fn fetch(job: &StageRun, left_out: &[LeftOut]) -> Result<BTreeMap<String, Found>, EngineError> {
    let mut ids: Vec<String> = left_out.iter().map(|one| one.id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = job.context.destination.fetch_written(&job.stage.destination_object, &ids).await?;
    Ok(found.into_iter().map(|found| (found.id.clone(), found)).collect())
}

/// Records of the destination that hold the values which no row of the export has.
async fn holders(job: &StageRun, left_out: &[LeftOut]) -> Result<BTreeMap<Place, String>, EngineError> {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let mut wanted: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in left_out.iter().filter(|one| one.holder.is_none()) {
        let Some(value) = &one.wanted else { continue };
        wanted.entry(&one.path).or_default().push(value.compared.clone());
        places.insert((&one.path, &value.compared), value.identity);
    }
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted: Vec<(String, Vec<String>)> =
        wanted.into_iter().map(|(path, values)| (path.to_owned(), values)).collect();
    let asked = match destination.holders(object, &wanted).await? {
        Some(asked) => asked,
        None => listed(job, &wanted).await?,
    };
    // Lists may lag behind what was written just now.
    let mut ids: Vec<String> = asked.iter().map(|holder| holder.id.clone()).collect();
    ids.sort_unstable();
    let now = destination.fetch_written(object, &ids).await?;
    let forecast = job.context.outcomes.forecast();
    let mut holding = BTreeMap::new();
    for holder in &asked {
        let holder = now.iter().find(|found| found.id == holder.id).unwrap_or(holder);
        for ((path, value), identity) in &places {
            let coming = forecast.and_then(|forecast| forecast.will_hold(object, &holder.id, path));
            let own = coming.unwrap_or_else(|| destination.unique_value(object, path, &holder.values));
            if own.as_deref() == Some(*value) {
                holding.insert((*identity, (*value).to_owned()), holder.id.clone());
            }
        }
    }
    for ((path, value), identity) in places {
        if let Some(holder) = forecast.and_then(|forecast| forecast.holder_to_come(object, path, value)) {
            holding.insert((identity, value.to_owned()), holder);
        }
    }
    Ok(holding)
}

/// Notes that hold no more, and those that take their places.
#[derive(Debug, Default)]
struct Notes {
    mended: Vec<MendedNote>,
    repairs: Vec<RepairNote>,
}

impl Notes {
    fn settled(&mut self, one: &LeftOut) {
        self.mended.push(MendedNote { key: one.key.clone(), field: one.path.clone() });
    }

    /// Says why a value is left out, unless that is noted.
    fn told(&mut self, job: &StageRun, one: &LeftOut, why: &str) {
        let reason = format!("{}{why}", LEFT_OUT_NOTES.start);
        if one.noted.as_ref() == Some(&reason) {
            return;
        }
        self.settled(one);
        self.repairs.push(RepairNote {
            code: Some(ReasonCode::R104.to_string()),
            key: one.key.clone(),
            file: job.file.clone(),
            line: one.line,
            field: one.path.clone(),
            reason,
        });
    }

    fn changes(self, job: &StageRun) -> Vec<Change> {
        let step = job.step;
        let mut changes = Vec::new();
        if !self.mended.is_empty() {
            changes.push(Change::Mended { step, mended: self.mended });
        }
        if !self.repairs.is_empty() {
            changes.push(Change::Repairs { step, repairs: self.repairs });
        }
        changes
    }
}
