//! Records that are in the destination already: what of them is written.

use migr_journal::{BeforeImage, Operation, StepId};
use migr_load::{Comparison, Destination, Map};
use migr_plan::{EmptyPolicy, ExistingPolicy, Expr, FieldMapping, FieldType};
use migr_transform::Value;

use crate::DecideError;
use crate::families::is_empty;
use crate::forecast::Forecast;
use crate::parts::{Taking, added, beside, holds_something};
use crate::preview::shown_values;
use crate::record_write::FieldChange;
use crate::stage_run::StageRun;

/// Values that a record of this key and id held in the fields that are written.
pub fn before_update(step: StepId, (key, id): (&str, &str), held: &Map, written: &Map) -> BeforeImage {
    BeforeImage {
        step,
        key: key.to_owned(),
        id: id.to_owned(),
        operation: Operation::Update,
        image: json(held),
        written: json(written),
    }
}

/// Field that is written over what a record holds: its value, and the native form of it beside what stays.
#[derive(Debug)]
pub struct FieldWrite<'v> {
    /// The field.
    pub field: &'v FieldMapping,
    /// Value of the field.
    pub value: &'v Value<'static>,
    /// Native form of the value.
    pub native: Map,
}

/// Fields of a record that are written over what it holds, by the stage's policy: part by part, and an empty value never wipes one that is there.
pub fn changed<'v>(job: &'v StageRun, values: &'v [(usize, Value<'static>)], found: &Map) -> Vec<FieldWrite<'v>> {
    let fields = values.iter().filter_map(|(index, value)| job.stage.fields.get(*index).map(|field| (field, value)));
    let writes = fields.filter_map(|(field, value)| {
        let native = written_over(job, (field, value), found)?;
        (!native.is_empty()).then_some(FieldWrite { field, value, native })
    });
    writes.collect()
}

/// The native form of a value beside what a record holds; none where nothing of it is written.
pub(crate) fn written_over(
    job: &StageRun,
    (field, value): (&FieldMapping, &Value<'static>),
    found: &Map,
) -> Option<Map> {
    let object = &job.stage.destination_object;
    let destination = &job.context.destination;
    if field.create_only || field.ty == FieldType::File || matches!(value, Value::Default) {
        return None;
    }
    let is_update = job.stage.policies.existing == ExistingPolicy::Update;
    // Every value was encoded before, for the whole record.
    let encode = |value| destination.encode(object, &[(field, value)]).unwrap_or_default();
    let is_unlike = |value| destination.compare(object, field, value, found) != Comparison::Same;
    let cleared = if is_update { cleared_parts(field, value) } else { Vec::new() };
    if is_empty(value) && (cleared.is_empty() || field.parts.is_empty()) {
        // Only a written word empties what is there.
        let clears = is_update && field.on_empty == EmptyPolicy::Clear && is_unlike(&Value::None);
        return clears.then(|| encode(&Value::None));
    }
    let native = encode(if is_empty(value) { &Value::None } else { value });
    let by_parts = native.values().any(|value| value.is_object() || value.is_array());
    if !is_update && !by_parts && !is_empty_there(job, field, value, found) {
        return None;
    }
    let taking = if is_update { Taking::Over } else { Taking::Adding };
    let empty = if cleared.is_empty() { Map::new() } else { native.clone() };
    let mut native = beside(native, found, taking, |key| destination.part_of(key));
    for (key, parts) in empty {
        let (serde_json::Value::Object(parts), Some(serde_json::Value::Object(kept))) = (parts, native.get_mut(&key))
        else {
            continue;
        };
        kept.extend(parts.into_iter().filter(|(key, _)| cleared.contains(&destination.part_of(key))));
    }
    // A value that reads as another one to the destination would be written again and again.
    let differs = !destination.unlike(object, &native, found).is_empty();
    (differs && (!cleared.is_empty() || is_unlike(value))).then_some(native)
}

/// Fields and parts of a record whose values stay, since the export has none and nothing empties them. Where a policy leaves the record's other values too there are none.
pub fn kept(job: &StageRun, values: &[(usize, Value<'static>)], found: &Map) -> Vec<String> {
    let mut kept = Vec::new();
    if job.stage.policies.existing != ExistingPolicy::Update {
        return kept;
    }
    for (field, value) in values.iter().filter_map(|(at, value)| Some((job.stage.fields.get(*at)?, value))) {
        if field.create_only || field.ty == FieldType::File || matches!(field.value, Expr::Default) {
            continue;
        }
        let stays = |part: &str| {
            let known = field.parts.iter().find(|known| known.part == part);
            known.map_or(field.on_empty, |known| known.on_empty) == EmptyPolicy::Keep
        };
        match value {
            Value::Record(parts) if !is_empty(value) => {
                let empty = parts.iter().filter(|(name, part)| is_empty(part) && stays(name));
                let there = empty.filter(|(name, _)| holds_part(job, field, value, name, found));
                kept.extend(there.map(|(name, _)| format!("{}.{name}", field.field)));
            }
            _ if !(is_empty(value) || matches!(value, Value::Default)) || field.on_empty != EmptyPolicy::Keep => {}
            _ if is_empty_there(job, field, &Value::None, found) => {}
            _ => kept.push(field.field.clone()),
        }
    }
    kept
}

/// Fields and parts of a record that hold something else than the export says, and that stay: nothing is written over what is there where a map fills, and
/// some fields are written once.
pub fn outdone(job: &StageRun, values: &[(usize, Value<'static>)], found: &Map) -> Vec<String> {
    let object = &job.stage.destination_object;
    let destination = &job.context.destination;
    let fills = job.stage.policies.existing == ExistingPolicy::Fill;
    let mut outdone = Vec::new();
    for (field, value) in values.iter().filter_map(|(at, value)| Some((job.stage.fields.get(*at)?, value))) {
        let stays = fills || field.create_only;
        if !stays || field.ty == FieldType::File || matches!(value, Value::Default) || is_empty(value) {
            continue;
        }
        let native = destination.encode(object, &[(field, value)]).unwrap_or_default();
        let by_parts = native.values().any(|value| value.is_object() || value.is_array());
        let mut filled = found.clone();
        if by_parts && !field.create_only {
            // Members that a list lacks are added, and parts that are empty are filled.
            filled.extend(beside(native, found, Taking::Adding, |key| destination.part_of(key)));
            if matches!(value, Value::List(_)) {
                continue;
            }
        }
        if is_empty_there(job, field, value, found)
            || destination.compare(object, field, value, &filled) == Comparison::Same
        {
            continue;
        }
        match value {
            Value::Record(parts) => {
                let differs = |(name, part): &&(std::borrow::Cow<'static, str>, Value<'static>)| {
                    let alone = Value::Record(vec![(name.clone(), part.clone())]);
                    // Beside parts that are not asked about every part would differ, and the members of a list were added above.
                    let there = part_alone(&filled, name, |key| destination.part_of(key));
                    !is_empty(part)
                        && !matches!(part, Value::List(_))
                        && holds_part(job, field, &alone, name, found)
                        && destination.compare(object, field, &alone, &there) != Comparison::Same
                };
                outdone.extend(parts.iter().filter(differs).map(|(name, _)| format!("{}.{name}", field.field)));
            }
            _ => outdone.push(field.field.clone()),
        }
    }
    outdone
}

/// A record with no more than one part of its composites.
fn part_alone(found: &Map, part: &str, part_of: impl Fn(&str) -> &str) -> Map {
    let alone = |held: &serde_json::Value| match held {
        serde_json::Value::Object(parts) => {
            let parts = parts.iter().filter(|(key, _)| part_of(key) == part);
            serde_json::Value::Object(parts.map(|(key, held)| (key.clone(), held.clone())).collect())
        }
        held => held.clone(),
    };
    found.iter().map(|(key, held)| (key.clone(), alone(held))).collect()
}

/// True where a record holds something in a part of a composite.
fn holds_part(job: &StageRun, field: &FieldMapping, value: &Value<'static>, part: &str, found: &Map) -> bool {
    let destination = &job.context.destination;
    let native = destination.encode(&job.stage.destination_object, &[(field, value)]).unwrap_or_default();
    let there = native.keys().filter_map(|key| found.get(key)?.as_object());
    there.flatten().any(|(key, held)| destination.part_of(key) == part && holds_something(held))
}

/// Parts of a composite that a written word empties, since they have no value.
fn cleared_parts<'v>(field: &'v FieldMapping, value: &'v Value<'static>) -> Vec<&'v str> {
    let clears = |part: &str| {
        let known = field.parts.iter().find(|known| known.part == part);
        known.map_or(field.on_empty, |known| known.on_empty) == EmptyPolicy::Clear
    };
    match value {
        Value::None => field.parts.iter().map(|known| known.part.as_str()).filter(|part| clears(part)).collect(),
        Value::Record(parts) => parts
            .iter()
            .filter(|(_, part)| is_empty(part))
            .map(|(name, _)| &**name)
            .filter(|part| clears(part))
            .collect(),
        _ => Vec::new(),
    }
}

/// Fields of a record whose values it does not hold.
pub fn differing<'v>(job: &'v StageRun, values: &'v [(usize, Value<'static>)], found: &Map) -> Vec<FieldWrite<'v>> {
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
pub fn preview(
    job: &StageRun,
    forecast: &Forecast,
    fields: &[FieldWrite<'_>],
    found: &Map,
) -> Result<Vec<FieldChange>, DecideError> {
    let (destination, object) = (&job.context.destination, &job.stage.destination_object);
    let change = |write: &FieldWrite<'_>| {
        let held = added(&write.native, found, &Map::new(), |key| destination.is_added_to(object, key));
        in_words(forecast, (write.field, write.value), &held, found)
    };
    fields.iter().map(change).collect()
}

/// Fields and parts whose values stay although the export has others, in words: what each holds, and what the export says.
pub fn stays(job: &StageRun, values: &[(usize, Value<'static>)], found: &Map) -> Vec<FieldChange> {
    let destination = &job.context.destination;
    let object = &job.stage.destination_object;
    let in_words = |name: String| {
        let (head, part) = name.split_once('.').map_or((name.as_str(), None), |(head, part)| (head, Some(part)));
        let is_it = |at: &usize| job.stage.fields.get(*at).filter(|field| field.field == head);
        let (field, value) = values.iter().find_map(|(at, value)| Some((is_it(at)?, value)))?;
        if field.sensitive {
            let hidden = || "***".to_owned();
            return Some(FieldChange { field: name, before: hidden(), after: hidden(), conflict: None, stays: true });
        }
        let native = destination.encode(object, &[(field, value)]).unwrap_or_default();
        let there = native.keys().filter_map(|key| found.get(key));
        let (before, after) = match part {
            None => (shown_values(there), shown_values(native.values())),
            Some(part) => {
                let of_part = |whole: &serde_json::Value| -> Vec<serde_json::Value> {
                    let parts = whole.as_object().into_iter().flatten();
                    parts.filter(|(key, _)| destination.part_of(key) == part).map(|(_, held)| held.clone()).collect()
                };
                let words =
                    |parts: Vec<serde_json::Value>| shown_values(parts.iter().filter(|part| holds_something(part)));
                (words(there.flat_map(of_part).collect()), words(native.values().flat_map(of_part).collect()))
            }
        };
        Some(FieldChange { field: name, before, after, conflict: None, stays: true })
    };
    outdone(job, values, found).into_iter().filter_map(in_words).collect()
}

/// Change of a field in words: what it holds, and what it will hold as a native value.
pub fn in_words(
    forecast: &Forecast,
    (field, value): (&FieldMapping, &Value<'static>),
    native: &Map,
    found: &Map,
) -> Result<FieldChange, DecideError> {
    let change =
        |before, after| FieldChange { field: field.field.clone(), before, after, conflict: None, stays: false };
    if field.sensitive {
        return Ok(change("***".to_owned(), "***".to_owned()));
    }
    let before = shown_values(native.keys().filter_map(|key| found.get(key)));
    let after = match value {
        Value::Reference(reference) => forecast.created_key(&reference.id)?,
        _ => None,
    };
    let after = after.map(|key| format!("the new record of {}", crate::decision::shown(&key)));
    Ok(change(before, after.unwrap_or_else(|| shown_values(native.values()))))
}

/// True where a record holds nothing in a field.
pub fn is_empty_there(job: &StageRun, field: &FieldMapping, value: &Value<'static>, found: &Map) -> bool {
    let object = &job.stage.destination_object;
    let destination = &job.context.destination;
    match destination.encode(object, &[(field, &Value::None)]) {
        Ok(body) if body.is_empty() => {}
        Ok(_) => return destination.compare(object, field, &Value::None, found) == Comparison::Same,
        // A field that setup is to make yet.
        Err(_) => return !found.get(&field.field).is_some_and(holds_something),
    }
    // A field that cannot be emptied, such as the time of creation, compares with nothing: its value is looked at.
    let keys = destination.encode(object, &[(field, value)]).unwrap_or_default();
    keys.keys().all(|key| !found.get(key).is_some_and(holds_something))
}

/// Values that a record held, with what the destination had stamped it with.
pub fn stamped(destination: &dyn Destination, held: &Map, found: &Map) -> Map {
    let mut image = held.clone();
    for key in destination.stamps() {
        if let Some(stamp) = found.get(*key).filter(|stamp| !stamp.is_null()) {
            image.insert((*key).to_owned(), stamp.clone());
        }
    }
    image
}

/// Values that a record holds in the keys of a body.
pub fn held(found: &Map, body: &Map) -> Map {
    body.keys().map(|key| (key.clone(), found.get(key).cloned().unwrap_or_default())).collect()
}

/// As text.
pub fn json(map: &Map) -> String {
    serde_json::to_string(map).unwrap_or_default()
}
