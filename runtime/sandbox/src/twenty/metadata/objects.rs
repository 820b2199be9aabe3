//! Making, changing and removing objects.

use serde_json::Value;
use uuid::Uuid;

use super::check::{self, Fault};
use super::fields::drop_field;
use super::relations::{many, one};
use super::render;
use crate::clock;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Kind, Object, OnDelete, Relation, capital, custom_system_fields};

/// The objects that hold links to any record: name, label and icon of the new object's field for them.
const COMPANIONS: [(&str, &str, &str, &str); 5] = [
    ("favorite", "favorites", "Favorites", "IconHeart"),
    ("timelineActivity", "timelineActivities", "Timeline Activities", "IconTimelineEvent"),
    ("attachment", "attachments", "Attachments", "IconFileImport"),
    ("noteTarget", "noteTargets", "Notes", "IconNotes"),
    ("taskTarget", "taskTargets", "Tasks", "IconCheckbox"),
];

fn text<'a>(input: &'a Value, key: &str) -> Option<&'a str> {
    input.get(key).and_then(Value::as_str)
}

/// Makes a custom object with the fields that every one has; its routes exist at once.
pub(super) fn create(engine: &mut Engine, input: &Value) -> Result<Value, Problem> {
    let old = engine.old();
    let mut messages = Vec::new();
    for key in ["nameSingular", "namePlural", "labelSingular", "labelPlural"] {
        if text(input, key).is_none_or(str::is_empty) {
            messages.push(format!("{key} should not be empty"));
        }
        if text(input, key).is_none() {
            messages.push(format!("{key} must be a string"));
        }
    }
    if !messages.is_empty() {
        return Err(check::bad_input(&messages));
    }
    let get = |key: &str| text(input, key).unwrap_or_default();
    let (singular, plural) = (get("nameSingular"), get("namePlural"));
    let faults = faults_of(engine, singular, plural);
    if !faults.is_empty() {
        return Err(check::object_problem(old, &faults, (singular, plural), &Uuid::new_v4().to_string(), "create"));
    }
    let now = clock::now();
    let mut object = Object {
        id: Uuid::new_v4().to_string(),
        universal_id: Uuid::new_v4().to_string(),
        singular: singular.to_owned(),
        plural: plural.to_owned(),
        label_singular: get("labelSingular").to_owned(),
        label_plural: get("labelPlural").to_owned(),
        description: text(input, "description").map(str::to_owned),
        icon: text(input, "icon").map(str::to_owned),
        shortcut: None,
        duplicates: Vec::new(),
        identifier: "name".to_owned(),
        system: false,
        custom: true,
        active: true,
        created: now.clone(),
        updated: now.clone(),
        fields: custom_system_fields(engine.version, &now),
    };
    for (companion, field, label, icon) in COMPANIONS {
        let via = if old { singular.to_owned() } else { format!("target{}", capital(singular)) };
        let Some(place) = engine.schema.objects.iter_mut().find(|found| found.singular == companion) else {
            continue;
        };
        let mut link = one(&via, &object.label_singular, singular, field, OnDelete::Cascade, &now);
        if !old {
            link.kind = Kind::MorphRelation;
        }
        link.system = old;
        let mut children = many(field, label, companion, &via, &now);
        children.icon = Some(icon.to_owned());
        children.system = old;
        let (label, tied) = if old {
            (capital(field), format!("{} tied to the {}", capital(field), capital(singular)))
        } else {
            (label.to_owned(), format!("{} tied to the {}", capital(plural), place.label_singular))
        };
        children.label = label;
        children.description = Some(tied);
        children.custom = false;
        place.fields.push(link);
        object.fields.push(children);
    }
    engine.schema.objects.push(object.clone());
    Ok(render::changed_object(engine, &object, true))
}

fn faults_of(engine: &Engine, singular: &str, plural: &str) -> Vec<Fault> {
    let invalid = |fault: Fault| Fault { code: "INVALID_OBJECT_INPUT", ..fault };
    let mut faults: Vec<Fault> = [singular, plural].into_iter().flat_map(check::name).map(invalid).collect();
    if singular == plural {
        let message = "The singular and plural names cannot be the same for an object";
        faults.push(invalid(Fault::field(message, singular)));
    }
    let known = engine.schema.objects.iter().any(|object| object.singular == singular || object.plural == plural);
    if known {
        faults.push(Fault {
            code: "OBJECT_ALREADY_EXISTS",
            message: "Object already exists".to_owned(),
            value: Value::Null,
            friendly: None,
        });
    }
    faults
}

/// Changes an object's labels, description, icon or state.
pub(super) fn update(engine: &mut Engine, id: &str, input: &Value) -> Result<Value, Problem> {
    let old = engine.old();
    let found = engine.schema.objects.iter_mut().find(|object| object.id == id);
    let object = found.ok_or_else(|| check::missing(old, "Object"))?;
    for (key, place) in [("labelSingular", &mut object.label_singular), ("labelPlural", &mut object.label_plural)] {
        if let Some(given) = text(input, key) {
            given.clone_into(place);
        }
    }
    for (key, place) in [("description", &mut object.description), ("icon", &mut object.icon)] {
        if let Some(given) = text(input, key) {
            *place = Some(given.to_owned());
        }
    }
    if let Some(active) = input.get("isActive").and_then(Value::as_bool) {
        object.active = active;
    }
    object.updated = clock::now();
    let object = object.clone();
    Ok(render::changed_object(engine, &object, true))
}

/// Removes a custom object, its records, and every field that points at it.
pub(super) fn delete(engine: &mut Engine, id: &str) -> Result<Value, Problem> {
    let old = engine.old();
    let object = engine.schema.by_id(id).cloned().ok_or_else(|| check::missing(old, "Object"))?;
    if !object.custom {
        let message = "Standard objects cannot be deleted";
        let fault =
            Fault { code: "INVALID_OBJECT_INPUT", message: message.to_owned(), value: Value::Null, friendly: None };
        return Err(check::object_problem(
            old,
            &[fault],
            (&object.singular, &object.plural),
            &object.universal_id,
            "delete",
        ));
    }
    let name = object.singular.clone();
    let mut gone: Vec<(String, String)> = Vec::new();
    for other in engine.schema.objects.iter().filter(|other| other.singular != name) {
        for field in &other.fields {
            let here = match &field.relation {
                Some(Relation::One { target, .. }) => *target == name,
                Some(Relation::Many { source, .. }) => *source == name,
                None => false,
            };
            if here {
                gone.push((other.singular.clone(), field.name.clone()));
            }
        }
    }
    for (other, field) in gone {
        drop_field(engine, &other, &field)?;
    }
    engine.store.drop_object(&name)?;
    engine.schema.objects.retain(|found| found.id != id);
    Ok(render::changed_object(engine, &object, false))
}
