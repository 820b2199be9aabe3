//! Making, changing and removing fields.

use serde_json::Value;

use super::check::{self, Fault, not_available};
use super::relations::{both_ends, plain_field};
use super::{options, render};
use crate::clock;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Field, Kind, Object, Relation};
use crate::twenty::values::is_rfc_uuid;

const TYPES: &str = "ACTOR, ADDRESS, ARRAY, BOOLEAN, CURRENCY, DATE, DATE_TIME, EMAILS, FILES, FULL_NAME, LINKS, \
                     MORPH_RELATION, MULTI_SELECT, NUMBER, NUMERIC, PHONES, POSITION, RATING, RAW_JSON, RELATION, \
                     RICH_TEXT, SELECT, TEXT, TS_VECTOR, UUID";

fn text<'a>(input: &'a Value, key: &str) -> Option<&'a str> {
    input.get(key).and_then(Value::as_str)
}

/// The kind that is asked for, if this version has it.
fn kind_of(old: bool, input: &Value) -> Option<Kind> {
    let kind = text(input, "type").and_then(Kind::parse)?;
    (old || kind != Kind::RichTextV2).then_some(kind)
}

fn missing_input(old: bool, input: &Value) -> Vec<String> {
    let mut messages = Vec::new();
    if !text(input, "objectMetadataId").is_some_and(is_rfc_uuid) {
        messages.push("objectMetadataId must be a UUID".to_owned());
    }
    if text(input, "type").is_none_or(str::is_empty) {
        messages.push("type should not be empty".to_owned());
    }
    if kind_of(old, input).is_none() {
        messages.push(format!("type must be one of the following values: {TYPES}"));
    }
    for key in ["name", "label"] {
        if text(input, key).is_none_or(str::is_empty) {
            messages.push(format!("{key} should not be empty"));
        }
        if text(input, key).is_none() {
            messages.push(format!("{key} must be a string"));
        }
    }
    messages
}

/// Makes a field; it takes effect at once.
pub(super) fn create(engine: &mut Engine, input: &Value) -> Result<Value, Problem> {
    let old = engine.old();
    let messages = missing_input(old, input);
    let (Some(kind), true) = (kind_of(old, input), messages.is_empty()) else {
        return Err(check::bad_input(&messages));
    };
    let id = text(input, "objectMetadataId").unwrap_or_default();
    let object = engine.schema.by_id(id).cloned().ok_or_else(|| no_object(old))?;
    let name = text(input, "name").unwrap_or_default();
    let label = text(input, "label").unwrap_or_default();
    let now = clock::now();
    let mut faults = Vec::new();
    if taken(&object, name) {
        faults.push(not_available(name));
    }
    faults.extend(check::name(name));
    if kind == Kind::Numeric {
        let message = "Field type NUMERIC is not supported for field creation. Use NUMBER instead.";
        let friendly = Some("Field type NUMERIC is not supported. Use Number instead.");
        faults.push(Fault { friendly, ..Fault::field(message, "NUMERIC") });
    }
    let mut other_end = None;
    let mut field = plain_field(name, label, kind, &now);
    if kind.has_options() {
        match options::read(old, kind, input.get("options")) {
            Ok(options) => {
                field.options = Some(options);
                field.default = input.get("defaultValue").cloned().unwrap_or_default();
                faults.extend(options::check_default(&field).filter(|_| !old));
            }
            Err(found) => faults.extend(found),
        }
    }
    if kind == Kind::Relation && faults.is_empty() {
        let payload = input.get("relationCreationPayload").cloned().unwrap_or_default();
        match both_ends(engine, &object, (name, label), &payload, &now) {
            Ok((near, far, target)) => {
                field = near;
                other_end = Some((far, target));
            }
            Err(fault) => faults.push(*fault),
        }
    }
    if !faults.is_empty() {
        return Err(check::field_problem(old, &faults, name, &object.universal_id));
    }
    for (key, place) in [("description", &mut field.description), ("icon", &mut field.icon)] {
        if let Some(given) = text(input, key) {
            *place = Some(given.to_owned());
        }
    }
    if let Some(settings) = input.get("settings").filter(|settings| settings.is_object()) {
        field.settings = Some(settings.clone());
    }
    field.default = input.get("defaultValue").cloned().unwrap_or_default();
    field.unique = input.get("isUnique") == Some(&Value::Bool(true));
    if old && kind == Kind::Text {
        field.nullable = false;
        field.default = "''".into();
    }
    if let Some((far, target)) = other_end
        && let Some(target) = engine.schema.objects.iter_mut().find(|object| object.singular == target)
    {
        target.fields.push(far);
    }
    if let Some(object) = engine.schema.objects.iter_mut().find(|found| found.id == id) {
        object.fields.push(field.clone());
    }
    Ok(render::changed_field(engine, &object, &field))
}

/// True where a name, or the key that it would have, is in use.
fn taken(object: &Object, name: &str) -> bool {
    object.field(name).is_some() || object.field_of_key(name).is_some()
}

fn no_object(old: bool) -> Problem {
    if old {
        return check::old_refusal("Object metadata does not exist");
    }
    let friendly = "Created field metadata, parent object metadata not found";
    Problem::with_body(
        400,
        serde_json::json!({
            "statusCode": 400,
            "error": "METADATA_VALIDATION_ERROR",
            "message": "Multiple validation errors occurred while creating field",
            "errors": {"fieldMetadata": [{
                "errors": [{
                    "code": "OBJECT_METADATA_NOT_FOUND",
                    "message": "Provided object metadata id does not exist",
                    "userFriendlyMessage": friendly,
                }],
                "type": "create",
                "metadataName": "fieldMetadata",
                "flatEntityMinimalInformation": {"id": ""},
            }]},
            "summary": {"totalErrors": 1, "fieldMetadata": 1},
            "userFriendlyMessage": friendly,
        }),
    )
}

/// Changes a field. A change of type is ignored in silence, as the server does.
pub(super) fn update(engine: &mut Engine, id: &str, input: &Value) -> Result<Value, Problem> {
    let old = engine.old();
    let found = engine.schema.field_by_id(id);
    let (object, before) = found.ok_or_else(|| check::missing(old, "Field"))?;
    let (object, before) = (object.clone(), before.clone());
    let mut after = before.clone();
    let mut faults = Vec::new();
    if let Some(name) = text(input, "name").filter(|name| *name != before.name) {
        if taken(&object, name) {
            faults.push(not_available(name));
        }
        faults.extend(check::name(name));
        name.clone_into(&mut after.name);
    }
    if let Some(label) = text(input, "label") {
        label.clone_into(&mut after.label);
    }
    for (key, place) in [("description", &mut after.description), ("icon", &mut after.icon)] {
        if let Some(given) = text(input, key) {
            *place = Some(given.to_owned());
        }
    }
    for (key, place) in [("isActive", &mut after.active), ("isUnique", &mut after.unique)] {
        if let Some(given) = input.get(key).and_then(Value::as_bool) {
            *place = given;
        }
    }
    if let Some(default) = input.get("defaultValue") {
        after.default = default.clone();
    }
    if before.kind.has_options()
        && let Some(given) = input.get("options")
    {
        match options::read(old, before.kind, Some(given)) {
            Ok(options) => after.options = Some(options),
            Err(found) => faults.extend(found),
        }
    }
    if before.kind.has_options() && after.default != before.default {
        faults.extend(options::check_default(&after).filter(|_| !old));
    }
    if !faults.is_empty() {
        return Err(check::field_problem(old, &faults, &after.name, &object.universal_id));
    }
    after.updated = clock::now();
    if after.name != before.name {
        rename(engine, &object, &before, &after)?;
    }
    if before.options != after.options {
        options::settle(engine, &object.singular, &before, &after)?;
    }
    replace(engine, &object, &after);
    if after.unique != before.unique {
        index(engine, &object.singular, &after)?;
    }
    Ok(render::changed_field(engine, &object, &after))
}

fn replace(engine: &mut Engine, object: &Object, field: &Field) {
    let found = engine.schema.objects.iter_mut().find(|found| found.id == object.id);
    if let Some(place) = found.and_then(|object| object.fields.iter_mut().find(|found| found.id == field.id)) {
        *place = field.clone();
    }
}

/// Moves the values of a field to its new name.
fn rename(engine: &mut Engine, object: &Object, before: &Field, after: &Field) -> Result<(), Problem> {
    let (from, to) = match (before.join_key(), after.join_key()) {
        (Some(from), Some(to)) => (from, to),
        _ => (before.name.clone(), after.name.clone()),
    };
    for mut row in engine.store.select(&object.singular, "1", &[])? {
        if let Some(value) = row.body.shift_remove(&from) {
            row.body.insert(to.clone(), value);
            engine.store.update(&object.singular, &row)?;
        }
    }
    let path = |key: &str| format!("{}.{key}", object.singular);
    engine.store.move_path(&path(&from), &path(&to))?;
    for other in engine.schema.objects.iter_mut().flat_map(|object| object.fields.iter_mut()) {
        match &mut other.relation {
            Some(Relation::Many { source, via }) if *source == object.singular && *via == before.name => {
                via.clone_from(&after.name);
            }
            Some(Relation::One { target, inverse, .. }) if *target == object.singular && *inverse == before.name => {
                inverse.clone_from(&after.name);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes or drops a unique index over what is there.
fn index(engine: &Engine, object: &str, field: &Field) -> Result<(), Problem> {
    engine.store.release_all(&format!("{object}.{}", field.name))?;
    let Some(object) = engine.schema.by_name(object).filter(|_| field.unique) else { return Ok(()) };
    let mut only = object.clone();
    only.fields.retain(|found| found.id == field.id);
    for row in engine.store.select(&object.singular, "1", &[])? {
        engine.claim_all(&only, &row)?;
    }
    Ok(())
}

/// Removes a custom field with its values and its other end.
pub(super) fn delete(engine: &mut Engine, id: &str) -> Result<Value, Problem> {
    let old = engine.old();
    let found = engine.schema.field_by_id(id);
    let (object, field) = found.ok_or_else(|| check::missing(old, "Field"))?;
    let (object, field) = (object.clone(), field.clone());
    if !field.custom {
        let message = format!("Cannot delete standard field \"{}\"", field.name);
        let mut problem = Problem::coded("FIELD_MUTATION_NOT_ALLOWED", message);
        problem.status = 403;
        return Err(problem);
    }
    if old && field.active {
        return Err(check::old_refusal("Active fields can't be deleted"));
    }
    let shown = render::changed_field(engine, &object, &field);
    match &field.relation {
        Some(Relation::One { target, inverse, .. }) => drop_field(engine, target, inverse)?,
        Some(Relation::Many { source, via }) => drop_field(engine, source, via)?,
        None => {}
    }
    drop_field(engine, &object.singular, &field.name)?;
    Ok(shown)
}

/// Takes a field and its values away.
pub(super) fn drop_field(engine: &mut Engine, object: &str, name: &str) -> Result<(), Problem> {
    let Some(place) = engine.schema.objects.iter_mut().find(|found| found.singular == object) else {
        return Ok(());
    };
    let Some(at) = place.fields.iter().position(|field| field.name == name) else { return Ok(()) };
    let field = place.fields.remove(at);
    let key = field.join_key().unwrap_or(field.name);
    engine.store.release_all(&format!("{object}.{key}"))?;
    for mut row in engine.store.select(object, "1", &[])? {
        if row.body.shift_remove(&key).is_some() {
            engine.store.update(object, &row)?;
        }
    }
    Ok(())
}
