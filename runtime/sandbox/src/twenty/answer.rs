//! Records on their way out: every field with all its parts.

use serde_json::{Map, Value, json};

use crate::store::Row;
use crate::twenty::files;
use crate::twenty::schema::{Field, Kind, Object};

/// Settings that an answer depends on beside the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// True where the sandbox stands in for the older server.
    pub(crate) old: bool,
    /// The server's address, for links to files.
    pub(crate) base: &'a str,
}

/// The record as the server answers it at depth 0.
pub(crate) fn answer(view: View<'_>, object: &Object, row: &Row) -> Map<String, Value> {
    let mut answer = Map::with_capacity(object.fields.len());
    for field in &object.fields {
        if let Some(key) = field.join_key() {
            answer.insert(key.clone(), row.body.get(&key).cloned().unwrap_or_default());
        } else if !field.kind.is_relation() {
            let value = match field.name.as_str() {
                "id" => Value::String(row.id.clone()),
                "createdAt" => Value::String(row.created.clone()),
                "updatedAt" => Value::String(row.updated.clone()),
                "deletedAt" => row.deleted.clone().map(Value::String).unwrap_or_default(),
                name => shown(view, field, row.body.get(name)),
            };
            answer.insert(field.name.clone(), value);
        }
    }
    answer
}

/// The value in full, whatever of it is stored.
fn shown(view: View<'_>, field: &Field, stored: Option<&Value>) -> Value {
    let old = view.old;
    let stored = stored.filter(|value| !value.is_null());
    match field.kind {
        Kind::Text if old && field.name == "fullPath" => signed_path(view.base, stored),
        Kind::Files => match stored.and_then(Value::as_array) {
            Some(items) => items.iter().map(|item| signed(view.base, item)).collect(),
            None => Value::Null,
        },
        Kind::Text | Kind::TsVector => stored.cloned().unwrap_or_else(|| json!("")),
        Kind::MultiSelect | Kind::Array => stored.cloned().unwrap_or_else(|| if old { Value::Null } else { json!([]) }),
        Kind::Currency if old => {
            let micros = part(stored, "amountMicros");
            let micros = if micros.is_null() { micros } else { Value::String(micros.to_string()) };
            let code = part(stored, "currencyCode");
            json!({"amountMicros": micros, "currencyCode": if code.is_null() { json!("") } else { code }})
        }
        Kind::Currency => {
            json!({"amountMicros": part(stored, "amountMicros"), "currencyCode": part(stored, "currencyCode")})
        }
        Kind::RichText | Kind::RichTextV2 => {
            let markdown = part(stored, "markdown");
            let markdown = if markdown.is_null() && !old { json!("") } else { markdown };
            json!({"blocknote": part(stored, "blocknote"), "markdown": markdown})
        }
        Kind::Actor => stored.cloned().unwrap_or_default(),
        kind if !kind.parts().is_empty() => {
            let filled = kind.parts().iter().map(|name| {
                let found = stored.and_then(|value| value.get(*name));
                let value = match (found, *name) {
                    (Some(value), _) if old || !value.is_null() => value.clone(),
                    (_, "addressLat" | "addressLng") => Value::Null,
                    (_, "additionalEmails" | "additionalPhones" | "secondaryLinks") => {
                        if old {
                            Value::Null
                        } else {
                            json!([])
                        }
                    }
                    _ => json!(""),
                };
                ((*name).to_owned(), value)
            });
            Value::Object(filled.collect())
        }
        _ => stored.cloned().unwrap_or_default(),
    }
}

fn part(stored: Option<&Value>, name: &str) -> Value {
    stored.and_then(|value| value.get(name)).cloned().unwrap_or_default()
}

/// A file with the address it can be had from.
fn signed(base: &str, item: &Value) -> Value {
    let mut item = item.clone();
    let id = item.get("fileId").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(parts) = item.as_object_mut() {
        parts.insert("url".into(), files::address(base, &id).into());
    }
    item
}

/// The older server's attachments: the stored path as a signed address.
fn signed_path(base: &str, stored: Option<&Value>) -> Value {
    let path = stored.and_then(Value::as_str).unwrap_or_default();
    match path.split_once('/') {
        Some((folder, name)) => {
            let id = name.split('.').next().unwrap_or_default();
            json!(format!("{base}/files/{folder}/{}/{name}", files::signature(id)))
        }
        None => json!(path),
    }
}
