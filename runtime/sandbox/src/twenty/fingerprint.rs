//! One hash over all that matters: every record, in the trash or not, and the schema.
//!
//! Left out is what the server stamps by itself: `updatedAt`, `updatedBy`, positions, default `createdAt`, the time of
//! trashing, the ids of metadata, the editor's form of rich text, and the ids of files (their bytes count instead).

use rusqlite::OptionalExtension;
use serde_json::{Map, Value, json};

use crate::SandboxError;
use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::schema::{Field, Kind, Object};

/// The hash, in hexadecimal.
pub(crate) fn fingerprint(engine: &Engine) -> Result<String, SandboxError> {
    let mut hasher = blake3::Hasher::new();
    let mut objects: Vec<&Object> = engine.schema.objects.iter().collect();
    objects.sort_by(|one, other| one.singular.cmp(&other.singular));
    for object in objects {
        let mut fields: Vec<&Field> = object.fields.iter().collect();
        fields.sort_by(|one, other| one.name.cmp(&other.name));
        let fields: Vec<Value> = fields.into_iter().map(schema_of).collect();
        let head = json!([object.singular, object.plural, object.label_singular, object.active, fields]);
        hasher.update(head.to_string().as_bytes());
        for row in engine.store.select(&object.singular, "1 ORDER BY r.id", &[])? {
            hasher.update(record_of(engine, object, &row)?.to_string().as_bytes());
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn schema_of(field: &Field) -> Value {
    let options: Option<Vec<Value>> = field.options.as_ref().map(|options| {
        let part = |option: &Value, key: &str| option.get(key).cloned().unwrap_or_default();
        options.iter().map(|option| json!([part(option, "value"), part(option, "label")])).collect()
    });
    json!([field.name, field.kind, field.label, field.unique, field.nullable, field.active, options])
}

fn record_of(engine: &Engine, object: &Object, row: &Row) -> Result<Value, SandboxError> {
    let mut sorted: Vec<(&String, &Value)> = row.body.iter().collect();
    sorted.sort_by_key(|(key, _)| key.as_str());
    let mut body = Map::new();
    for (key, value) in sorted {
        if key == "position" || key == "updatedBy" {
            continue;
        }
        let kept = match object.field(key).map(|field| field.kind) {
            Some(Kind::RichText | Kind::RichTextV2) => value.get("markdown").cloned().unwrap_or_default(),
            Some(Kind::Files) => content_of(engine, value)?,
            _ => sorted_keys(value),
        };
        body.insert(key.clone(), kept);
    }
    let created = row.kept.then_some(row.created.as_str());
    Ok(json!([row.id, created, row.deleted.is_some(), body]))
}

fn sorted_keys(value: &Value) -> Value {
    match value {
        Value::Object(parts) => {
            let mut sorted: Vec<(&String, &Value)> = parts.iter().collect();
            sorted.sort_by_key(|(key, _)| key.as_str());
            Value::Object(sorted.into_iter().map(|(key, value)| (key.clone(), sorted_keys(value))).collect())
        }
        Value::Array(items) => items.iter().map(sorted_keys).collect(),
        other => other.clone(),
    }
}

fn content_of(engine: &Engine, files: &Value) -> Result<Value, SandboxError> {
    let mut kept = Vec::new();
    for item in files.as_array().into_iter().flatten() {
        let id = item.get("fileId").and_then(Value::as_str).unwrap_or_default();
        let sql = "SELECT content FROM files WHERE id = ?1";
        let bytes: Option<Vec<u8>> = engine.store.database().query_row(sql, [id], |found| found.get(0)).optional()?;
        let hash = bytes.map(|bytes| blake3::hash(&bytes).to_hex().to_string());
        kept.push(json!([item.get("label"), hash]));
    }
    Ok(Value::Array(kept))
}
