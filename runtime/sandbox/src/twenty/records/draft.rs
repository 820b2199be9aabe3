//! Values that a client sent, checked and normalised, before they meet a record.

use serde_json::{Map, Value};

use crate::clock;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Field, Kind, Object, Relation, capital};
use crate::twenty::values;

/// The values of one record of a request. Null in `values` means: to be emptied.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) id: Option<String>,
    pub(crate) created: Option<String>,
    pub(crate) updated: Option<String>,
    /// Null means: out of the trash.
    pub(crate) deleted: Option<Value>,
    pub(crate) values: Map<String, Value>,
}

impl Draft {
    /// Reads and checks a record of a request.
    pub(crate) fn read(engine: &Engine, object: &Object, input: &Value, creating: bool) -> Result<Self, Problem> {
        let old = engine.old();
        let mut draft = Self::default();
        let entries: Vec<(String, &Value)> = match input {
            Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
            _ => Vec::new(),
        };
        for (key, value) in entries {
            // What the workspace does by itself asks nobody.
            if let Some(field) =
                object.field_of_key(&key).or_else(|| object.field(&key)).filter(|_| engine.acting.is_none())
            {
                engine.role.writes(object, field)?;
            }
            if let Some(field) = object.field_of_key(&key) {
                let id = if value.is_null() { Value::Null } else { values::uuid(old, &key, value)? };
                draft.values.insert(field.join_key().unwrap_or(key), id);
                continue;
            }
            let Some(field) = object.field(&key) else {
                return Err(unknown_field(old, object, &key));
            };
            match key.as_str() {
                "id" => draft.id = Some(read_id(object, value)?),
                "createdAt" => draft.created = Some(read_time(old, object, field, value)?),
                "updatedAt" => draft.updated = Some(read_time(old, object, field, value)?),
                "deletedAt" => {
                    let time = values::normalise(old, object, field, value)?;
                    draft.deleted = Some(time);
                }
                "updatedBy" => {}
                _ if field.kind.is_relation() => {
                    if !matches!(field.relation, Some(Relation::One { .. })) {
                        return Err(unknown_field(old, object, &key));
                    }
                    let id = connect(engine, field, value)?;
                    draft.values.insert(format!("{key}Id"), id);
                }
                _ if field.kind == Kind::Files => {
                    let files = engine.read_files(field, value, creating)?;
                    draft.values.insert(key, files);
                }
                _ => {
                    // A composite that is null is not sent at all, as the server sees it.
                    if value.is_null() && !field.kind.parts().is_empty() {
                        continue;
                    }
                    engine.refuse(&key, value)?;
                    let kept = values::normalise(old, object, field, value)?;
                    draft.values.insert(key, kept);
                }
            }
        }
        Ok(draft)
    }
}

/// The refusal of a key that the object does not have.
pub(crate) fn unknown_field(old: bool, object: &Object, key: &str) -> Problem {
    let name = &object.singular;
    if old {
        let message = format!("Field metadata for field \"{key}\" is missing in object metadata {name}");
        return Problem::new(400, "Error", message);
    }
    Problem::invalid(format!("Object {name} doesn't have any \"{key}\" field."))
}

fn read_id(object: &Object, value: &Value) -> Result<String, Problem> {
    match value {
        Value::Null => Err(values::not_null(object, "id")),
        Value::String(id) if values::is_rfc_uuid(id) => Ok(id.to_lowercase()),
        other => {
            let shown = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            Err(Problem::coded("INVALID_QUERY_INPUT", format!("Value \"{shown}\" is not a valid UUID")))
        }
    }
}

fn read_time(old: bool, object: &Object, field: &Field, value: &Value) -> Result<String, Problem> {
    if value.is_null() {
        return Err(values::not_null(object, &field.name));
    }
    let time = values::normalise(old, object, field, value)?;
    Ok(time.as_str().map_or_else(clock::now, str::to_owned))
}

/// Resolves `{connect:{where:{…}}}` to an id, `{disconnect:true}` to null.
fn connect(engine: &Engine, field: &Field, value: &Value) -> Result<Value, Problem> {
    let name = &field.name;
    if value.get("disconnect") == Some(&Value::Bool(true)) {
        return Ok(Value::Null);
    }
    let condition = value.get("connect").and_then(|connect| connect.get("where")).and_then(Value::as_object);
    let (Some(condition), Some((target, _))) = (condition, field.target()) else {
        let message = format!("Relation \"{name}\" requires connect or disconnect operation");
        return Err(Problem::bad_request(message).sub("CONNECT_NOT_ALLOWED"));
    };
    let mut named = Vec::new();
    let mut found: Option<String> = None;
    for (key, wanted) in condition {
        let (path, shown, text) = match wanted {
            Value::Object(parts) => {
                let (part, text) = parts.iter().next().map(|(part, value)| (part.clone(), value)).unzip();
                let part = part.unwrap_or_default();
                (format!("{target}.{key}"), format!("{key}{}", capital(&part)), text.and_then(Value::as_str))
            }
            other => (format!("{target}.{key}"), key.clone(), other.as_str()),
        };
        let text = text.unwrap_or_default();
        named.push(format!("{shown} = {text}"));
        let id = if key == "id" { Some(text.to_owned()) } else { engine.store.holder(&path, text)? };
        found = match id {
            Some(id) => engine.store.get(target, &id)?.filter(|row| row.deleted.is_none()).map(|row| row.id),
            None => None,
        };
    }
    found.map(Value::String).ok_or_else(|| {
        let wanted = named.join(" and ");
        Problem::bad_request(format!("Expected 1 record to connect to {name}, but found 0 for {wanted}"))
    })
}
