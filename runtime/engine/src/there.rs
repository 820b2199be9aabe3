//! Records that are in the destination already: what of them is written.

use std::collections::BTreeMap;

use migr_journal::{BeforeImage, Change, Intent, Operation, RecordResult, Settled, State, StepId};
use migr_load::{Body, Comparison, Deleted, Destination, Found, Map};
use migr_plan::{EmptyPolicy, ExistingPolicy, FieldMapping, FieldType};
use migr_transform::Value;

use crate::EngineError;
use crate::audit::shown_values;
use crate::families::is_empty;
use crate::forecast::Forecast;
use crate::item::{FieldChange, Item, There, digest};
use crate::job::Job;
use crate::outcomes::Outcomes;
use crate::parts::{Taking, beside};

/// What is to be done with a batch of records that are there.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// Those to change, with nothing but what changes.
    pub(crate) change: Vec<Item>,
    /// Those to create after all: their twin in the trash was destroyed.
    pub(crate) create: Vec<Item>,
    /// What is journaled with the intent of the changes: what the records held before, and those that are as they should be.
    pub(crate) with: Vec<Change>,
    /// Records that are as they should be.
    pub(crate) unchanged: Vec<Item>,
}

/// Takes records out of the trash or destroys them, reads the others, and sorts them by what is to be done.
pub(crate) async fn sort(job: &Job, step: StepId, batch: Vec<There>) -> Result<Sorted, EngineError> {
    let mut sorted = Sorted::default();
    let (trashed, mut items): (Vec<There>, Vec<There>) = batch.into_iter().partition(|there| there.deleted);
    let (replace, restore): (Vec<There>, Vec<There>) =
        trashed.into_iter().partition(|there| there.item.replaces.is_some());
    if !replace.is_empty() {
        let pairs: Vec<(Item, String)> = replace
            .into_iter()
            .map(|there| {
                let twin = there.item.replaces.clone().unwrap_or_default();
                (there.item, twin)
            })
            .collect();
        remove(job, step, Operation::Destroy, pairs.iter().map(|(item, twin)| (item, twin.as_str()))).await?;
        sorted.create.extend(pairs.into_iter().map(|(item, _)| item));
    }
    if !restore.is_empty() {
        remove(job, step, Operation::Restore, restore.iter().map(|there| (&there.item, there.item.id.as_str())))
            .await?;
        items.extend(restore);
    }
    let ids: Vec<String> = items.iter().map(|there| there.item.id.clone()).collect();
    let object = &job.stage.destination_object;
    let found: BTreeMap<String, Found> = job
        .context
        .destination
        .fetch(object, &ids, Deleted::Live)
        .await?
        .into_iter()
        .map(|found| (found.id.clone(), found))
        .collect();
    let destination = &job.context.destination;
    let mut before = Vec::new();
    for There { item, .. } in items {
        let Some(found) = found.get(&item.id) else {
            // Somebody removed it since it was looked up: it is new after all.
            let id = job.ids.record(&job.stage.id, &item.key);
            sorted.create.push(Item { id, values: Vec::new(), ..item });
            continue;
        };
        let fields = if item.is_ours {
            differing(job, &item.values, &found.values)
        } else {
            changed(job, &item.values, &found.values)
        };
        let body: Map = fields.iter().flat_map(|write| write.native.clone()).collect();
        if body.is_empty() {
            sorted.unchanged.push(item);
            continue;
        }
        let changes = match job.context.outcomes.forecast() {
            Some(forecast) => preview(forecast, &fields, &found.values)?,
            None => Vec::new(),
        };
        let held = held(&found.values, &body);
        let image = stamped(&**destination, &held, &found.values);
        before.push(before_update(step, (&item.key, &item.id), &image, &body));
        let before = digest(&Body::from(&held));
        let item = Item { values: Vec::new(), uploads: Vec::new(), before, changes, ..item };
        sorted.change.push(item.with_body(Body::from(body)));
    }
    if !before.is_empty() {
        sorted.with.push(Change::Before(before));
    }
    if !sorted.unchanged.is_empty() {
        let known = job.context.outcomes.knowledge()?;
        let mut records = Vec::with_capacity(sorted.unchanged.len());
        for item in &sorted.unchanged {
            // An update that was sent, and whose answer a crash swallowed, leaves nothing to change.
            let was_sent = known.before_image(step, &item.id, Operation::Update)?.is_some();
            records.push(Settled {
                step,
                key: item.key.clone(),
                line: item.line,
                state: if was_sent { State::Updated } else { State::Unchanged },
                id: Some(item.id.clone()),
                winner: None,
            });
        }
        sorted.with.push(Change::Settled { records, quarantine: Vec::new(), skips: Vec::new() });
    }
    Ok(sorted)
}

/// What a record of this key and id held in the fields that are written.
pub(crate) fn before_update(step: StepId, (key, id): (&str, &str), held: &Map, written: &Map) -> BeforeImage {
    BeforeImage {
        step,
        key: key.to_owned(),
        id: id.to_owned(),
        operation: Operation::Update,
        image: json(held),
        written: json(written),
    }
}

/// Takes records out of the trash, or destroys them; intent before, outcome after.
async fn remove(
    job: &Job,
    step: StepId,
    operation: Operation,
    records: impl Iterator<Item = (&Item, &str)>,
) -> Result<(), EngineError> {
    let records: Vec<(&Item, &str)> = records.collect();
    let (destination, object) = (&job.context.destination, &job.stage.destination_object);
    // What the trash said of them, which to take them out forgets.
    let stamps = match operation {
        Operation::Restore if !destination.stamps().is_empty() => {
            let ids: Vec<String> = records.iter().map(|(_, id)| (*id).to_owned()).collect();
            destination.fetch(object, &ids, Deleted::Trashed).await?
        }
        _ => Vec::new(),
    };
    let mut planned = Vec::new();
    let mut images = Vec::new();
    for (item, id) in records {
        let there = stamps.iter().find(|found| found.id == id);
        let image = there.map(|found| stamped(&**destination, &Map::new(), &found.values)).unwrap_or_default();
        planned.push(migr_journal::Planned { id: id.to_owned(), digest: String::new(), ..item.planned() });
        images.push(BeforeImage {
            step,
            key: item.key.clone(),
            id: id.to_owned(),
            operation,
            image: json(&image),
            written: "{}".to_owned(),
        });
    }
    let ids: Vec<String> = planned.iter().map(|record| record.id.clone()).collect();
    let Outcomes::Journal(context) = &job.context.outcomes else {
        // Nothing is done in a forecast: the destination is told how it would be.
        if operation == Operation::Restore {
            job.context.destination.restore(&job.stage.destination_object, &ids).await?;
        }
        return Ok(());
    };
    let results = vec![RecordResult { attempts: 1, ..RecordResult::default() }; planned.len()];
    let journal = &context.journal;
    let batch = journal.lock().next_batch();
    let intent = Intent { batch, step, operation, records: planned };
    journal.write_later(vec![Change::Before(images), Change::Intent(intent)]).await?;
    if operation == Operation::Restore {
        job.context.destination.restore(object, &ids).await?;
    } else {
        job.context.destination.destroy(object, &ids).await?;
    }
    journal.write_later(vec![Change::Outcome { batch, results, quarantine: Vec::new() }]).await
}

/// Field that is written over what a record holds: its value, and the native form of it beside what stays.
struct FieldWrite<'v> {
    field: &'v FieldMapping,
    value: &'v Value<'static>,
    native: Map,
}

/// Fields of a record that are written over what it holds, by the stage's policy: part by part, and an empty value never wipes one that is there.
fn changed<'v>(job: &'v Job, values: &'v [(usize, Value<'static>)], found: &Map) -> Vec<FieldWrite<'v>> {
    let fields = values.iter().filter_map(|(index, value)| job.stage.fields.get(*index).map(|field| (field, value)));
    let writes = fields.filter_map(|(field, value)| {
        let native = written_over(job, (field, value), found)?;
        (!native.is_empty()).then_some(FieldWrite { field, value, native })
    });
    writes.collect()
}

/// The native form of a value beside what a record holds; none where nothing of it is written.
fn written_over(job: &Job, (field, value): (&FieldMapping, &Value<'static>), found: &Map) -> Option<Map> {
    let object = &job.stage.destination_object;
    let destination = &job.context.destination;
    if field.create_only || field.ty == FieldType::File || matches!(value, Value::Default) {
        return None;
    }
    let is_update = job.stage.policies.existing == ExistingPolicy::Update;
    // Every value was encoded before, for the whole record.
    let encode = |value| destination.encode(object, &[(field, value)]).unwrap_or_default();
    let is_unlike = |value| destination.compare(object, field, value, found) != Comparison::Same;
    if is_empty(value) {
        // Only a written word empties what is there.
        let clears = is_update && field.on_empty == EmptyPolicy::Clear && is_unlike(&Value::None);
        return clears.then(|| encode(&Value::None));
    }
    let native = encode(value);
    let by_parts = native.values().any(|value| value.is_object() || value.is_array());
    if !is_update && !by_parts && !is_empty_there(job, field, value, found) {
        return None;
    }
    let taking = if is_update { Taking::Over } else { Taking::Adding };
    let native = beside(native, found, taking, |key| destination.part_of(key));
    // A value that reads as another one to the destination would be written again and again.
    let differs = !destination.unlike(object, &native, found).is_empty();
    (differs && is_unlike(value)).then_some(native)
}

/// Fields of a record whose values it does not hold.
fn differing<'v>(job: &'v Job, values: &'v [(usize, Value<'static>)], found: &Map) -> Vec<FieldWrite<'v>> {
    let fields = values.iter().filter_map(|(index, value)| job.stage.fields.get(*index).map(|field| (field, value)));
    let object = &job.stage.destination_object;
    let differs = |(field, value): &(&FieldMapping, &Value<'static>)| {
        job.context.destination.compare(object, field, value, found) != Comparison::Same
    };
    let native = |field, value| job.context.destination.encode(object, &[(field, value)]).unwrap_or_default();
    let write = |(field, value)| FieldWrite { field, value, native: native(field, value) };
    fields.filter(differs).map(write).filter(|write| !write.native.is_empty()).collect()
}

/// The same in words: what each field holds and what it will hold.
fn preview(forecast: &Forecast, fields: &[FieldWrite<'_>], found: &Map) -> Result<Vec<FieldChange>, EngineError> {
    let mut changes = Vec::with_capacity(fields.len());
    for FieldWrite { field, value, native } in fields {
        if field.sensitive {
            let hidden = || "***".to_owned();
            changes.push(FieldChange { field: field.field.clone(), before: hidden(), after: hidden() });
            continue;
        }
        let before = shown_values(native.keys().filter_map(|key| found.get(key)));
        let mut after = shown_values(native.values());
        if let Value::Reference(reference) = value
            && let Some(key) = forecast.created_key(&reference.id)?
        {
            after = format!("the new record of {}", crate::decision::shown(&key));
        }
        changes.push(FieldChange { field: field.field.clone(), before, after });
    }
    Ok(changes)
}

/// Whether a record holds nothing in a field.
pub(crate) fn is_empty_there(job: &Job, field: &FieldMapping, value: &Value<'static>, found: &Map) -> bool {
    let object = &job.stage.destination_object;
    let destination = &job.context.destination;
    let is_left_out = destination.encode(object, &[(field, &Value::None)]).is_ok_and(|body| body.is_empty());
    if !is_left_out {
        return destination.compare(object, field, &Value::None, found) == Comparison::Same;
    }
    // A field that cannot be emptied, such as the time of creation, compares with nothing: its value is looked at.
    let keys = destination.encode(object, &[(field, value)]).unwrap_or_default();
    keys.keys().all(|key| !found.get(key).is_some_and(holds_something))
}

/// Whether a value is more than an empty one.
pub(crate) fn holds_something(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => false,
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(items) => !items.is_empty(),
        serde_json::Value::Object(parts) => parts.values().any(holds_something),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => true,
    }
}

/// What a record held, with what the destination had stamped it with.
pub(crate) fn stamped(destination: &dyn Destination, held: &Map, found: &Map) -> Map {
    let mut image = held.clone();
    for key in destination.stamps() {
        if let Some(stamp) = found.get(*key).filter(|stamp| !stamp.is_null()) {
            image.insert((*key).to_owned(), stamp.clone());
        }
    }
    image
}

/// What a record holds in the keys of a body.
pub(crate) fn held(found: &Map, body: &Map) -> Map {
    body.keys().map(|key| (key.clone(), found.get(key).cloned().unwrap_or_default())).collect()
}

/// As text.
fn json(map: &Map) -> String {
    serde_json::to_string(map).unwrap_or_default()
}
