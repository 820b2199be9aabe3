//! Records of a location from the sandbox's own file, by the names that a plan has for their objects and fields.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use migr_plan::{Plan, SetupAction};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};

use crate::facts::{Store, Stored};

/// Kinds of the sandbox's records that a migration writes, by the plan's name of the object.
const OBJECTS: &[(&str, &str)] = &[
    ("business", "businesses"),
    ("contact", "contacts"),
    ("opportunity", "opportunities"),
    ("note", "notes"),
    ("task", "tasks"),
    ("appointment", "appointments"),
    ("relation", "associations"),
    ("media", "media"),
];

/// Objects of one's own, by the keys that the location has for them.
const OWN: &[(&str, &str)] = &[("custom_objects.course", "courses")];

/// Kinds that an object of one's own is made of: no rollback removes them.
const OF_OWN: &[&str] = &["object", "folder", "field"];

/// Keys of bodies, by the plan's name of the field.
const FIELDS: &[(&str, &str)] = &[
    ("businessId", "business"),
    ("contactId", "contact"),
    ("pipelineId", "pipeline"),
    ("pipelineStageId", "pipelineStage"),
    ("calendarId", "calendar"),
    ("assignedUserId", "assignedTo"),
    ("appointmentStatus", "status"),
    ("forecastExpectedCloseDate", "closeDate"),
    ("userId", "author"),
    ("firstRecordId", "from"),
    ("secondRecordId", "to"),
    ("migr_id", "migrId"),
];

/// Keys that the server makes by itself.
const STAMPS: &[&str] = &["emailLowerCase", "lastStatusChangeAt", "lastStageChangeAt"];

/// Every row of the sandbox's file: kind, id and body.
fn rows(path: &Path) -> Vec<(String, String, Map<String, Value>)> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut records = database.prepare("SELECT object, id, body FROM records ORDER BY object, id").unwrap();
    let row =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let rows = records.query_map([], row).unwrap().map(|row| {
        let (kind, id, body) = row.unwrap();
        (kind, id, serde_json::from_str(&body).unwrap())
    });
    rows.collect()
}

/// Names of custom fields by their ids: the plan's, else the label.
fn custom_names(plan: &Plan, rows: &[(String, String, Map<String, Value>)]) -> BTreeMap<String, String> {
    let of_plan = |model: &str, label: &str| {
        plan.setup.iter().find_map(|action| match action {
            SetupAction::CreateField { object, field, label: of, .. }
                if of == label && object == OBJECTS.iter().find(|(kind, _)| *kind == model)?.1 =>
            {
                Some(field.clone())
            }
            _ => None,
        })
    };
    let text = |body: &Map<String, Value>, key: &str| body.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let fields = rows.iter().filter(|(kind, ..)| kind == "customField");
    fields
        .map(|(_, id, body)| {
            let label = text(body, "name");
            (id.clone(), of_plan(&text(body, "model"), &label).unwrap_or(label))
        })
        .collect()
}

/// The records that a migration writes.
pub(crate) fn read(path: &Path, plan: &Plan) -> Store {
    let rows = rows(path);
    let names = custom_names(plan, &rows);
    let mut store = Store::default();
    for (kind, id, body) in rows {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let (objects, word) = if kind == "record" { (OWN, text("objectKey")) } else { (OBJECTS, kind.as_str()) };
        let Some((_, object)) = objects.iter().find(|(known, _)| *known == word) else { continue };
        let id = match kind.as_str() {
            "note" | "task" => format!("{}/{id}", text("contactId")),
            "relation" => format!("{}/{id}", text("firstRecordId")),
            _ => id,
        };
        let mut held = Map::new();
        for (key, value) in &body {
            if key == "customFields" {
                for (of, value) in value.as_object().into_iter().flatten() {
                    if is_of_files(value) {
                        for (own, file) in value.as_object().into_iter().flatten() {
                            let body = Map::from_iter([("file".to_owned(), file["meta"]["originalname"].clone())]);
                            let place = ("contactFiles".to_owned(), format!("{id}/{own}"));
                            store.0.insert(place, Stored { trashed: false, body });
                        }
                        continue;
                    }
                    held.insert(names.get(of).unwrap_or(of).clone(), value.clone());
                }
            } else if key == "properties" {
                for (key, value) in value.as_object().into_iter().flatten() {
                    held.insert(plan_name(key), value.clone());
                }
            } else if !STAMPS.contains(&key.as_str()) {
                held.insert(plan_name(key), value.clone());
            }
        }
        held.retain(|_, value| !is_empty(value));
        store.0.insert(((*object).to_owned(), id), Stored { trashed: false, body: held });
    }
    store
}

/// The plan's name of a key.
fn plan_name(key: &str) -> String {
    FIELDS.iter().find(|(own, _)| *own == key).map_or(key, |(_, name)| name).to_owned()
}

/// True for the value of a contact's field of files.
fn is_of_files(value: &Value) -> bool {
    value.as_object().is_some_and(|files| files.values().any(|file| file.get("documentId").is_some()))
}

/// Everything that the location holds, by kind and id: what a rollback has to bring back, but for what an object of one's own is made of, and files of contacts,
/// which go with their contact alone, with their field.
pub(crate) fn everything(path: &Path) -> BTreeMap<(String, String), Map<String, Value>> {
    let rows = rows(path);
    let files_of = |body: &Map<String, Value>| -> Vec<String> {
        let fields = body.get("customFields").and_then(Value::as_object).into_iter().flatten();
        fields.filter(|(_, value)| is_of_files(value)).map(|(field, _)| field.clone()).collect()
    };
    let of_files: BTreeSet<String> = rows.iter().flat_map(|(.., body)| files_of(body)).collect();
    let all = rows
        .into_iter()
        .filter(|(kind, id, _)| !(OF_OWN.contains(&kind.as_str()) || kind == "customField" && of_files.contains(id)));
    let all = all.map(|(kind, id, mut body)| {
        if let Some(fields) = body.get_mut("customFields").and_then(Value::as_object_mut) {
            fields.retain(|field, _| !of_files.contains(field));
        }
        body.retain(|key, value| !is_empty(value) && !STAMPS.contains(&key.as_str()));
        ((kind, id), body)
    });
    all.collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}
