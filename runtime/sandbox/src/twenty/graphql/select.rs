//! Selection of the parts of a value that a query asks for.

use serde_json::{Map, Value, json};

use super::{Refusal, Selection};
use crate::store::Row;
use crate::twenty::answer;
use crate::twenty::engine::Engine;
use crate::twenty::listing::{Page, id_cursor};
use crate::twenty::role;
use crate::twenty::schema::{Object, Relation};

/// The asked-for parts of a plain value.
pub(super) fn pick(value: &Value, fields: &[Selection], of: &str) -> Result<Value, Refusal> {
    match value {
        _ if fields.is_empty() => Ok(value.clone()),
        Value::Array(items) => items.iter().map(|item| pick(item, fields, of)).collect::<Result<_, _>>(),
        Value::Object(parts) => {
            let mut picked = Map::new();
            for field in fields {
                let part = match field.name.as_str() {
                    "__typename" => Value::String(of.to_owned()),
                    name => parts.get(name).cloned().ok_or_else(|| Refusal::unknown(field, of))?,
                };
                picked.insert(field.alias.clone(), pick(&part, &field.fields, &field.name)?);
            }
            Ok(Value::Object(picked))
        }
        other => Ok(other.clone()),
    }
}

/// The asked-for fields of a record, relations included.
pub(super) fn record(engine: &Engine, object: &Object, row: &Row, fields: &[Selection]) -> Result<Value, Refusal> {
    let shown = answer::answer(engine.view(), object, row);
    let mut picked = Map::new();
    for field in fields {
        let known = object.field(&field.name).or_else(|| object.field_of_key(&field.name));
        if known.is_some_and(|known| !engine.role.sees(object, known)) {
            return Err(role::denied().into());
        }
        let value = match (shown.get(&field.name), object.field(&field.name)) {
            (Some(value), _) => pick(value, &field.fields, &field.name)?,
            (None, Some(found)) => match &found.relation {
                Some(Relation::One { target, .. }) => {
                    let id = shown.get(&format!("{}Id", found.name)).and_then(Value::as_str);
                    one(engine, target, id, &field.fields)?
                }
                Some(Relation::Many { source, via }) => many(engine, source, via, row, &field.fields)?,
                None => Value::Null,
            },
            (None, None) if field.name == "__typename" => Value::String(object.type_name()),
            (None, None) => return Err(Refusal::unknown(field, &object.type_name())),
        };
        picked.insert(field.alias.clone(), value);
    }
    Ok(Value::Object(picked))
}

fn one(engine: &Engine, target: &str, id: Option<&str>, fields: &[Selection]) -> Result<Value, Refusal> {
    let (Some(id), Some(object)) = (id, engine.schema.by_name(target)) else { return Ok(Value::Null) };
    let row = engine.store.get(target, id).map_err(|error| Refusal::Failed(error.into()))?;
    match row.filter(|row| row.deleted.is_none()) {
        Some(row) => record(engine, object, &row, fields),
        None => Ok(Value::Null),
    }
}

fn many(engine: &Engine, source: &str, via: &str, row: &Row, fields: &[Selection]) -> Result<Value, Refusal> {
    let Some(object) = engine.schema.by_name(source) else { return Ok(Value::Null) };
    let failed = |error: rusqlite::Error| Refusal::Failed(error.into());
    let mut rows = Vec::new();
    for id in engine.store.linked(&format!("{source}.{via}Id"), &row.id).map_err(failed)? {
        rows.extend(engine.store.get(source, &id).map_err(failed)?.filter(|row| row.deleted.is_none()));
    }
    let total = u64::try_from(rows.len()).unwrap_or_default();
    let info = json!({"startCursor": null, "endCursor": null, "hasNextPage": false, "hasPreviousPage": false});
    connection(engine, object, &Page { rows, total, info }, fields)
}

/// A page in the form of a connection.
pub(super) fn connection(
    engine: &Engine,
    object: &Object,
    page: &Page,
    fields: &[Selection],
) -> Result<Value, Refusal> {
    let of = format!("{}Connection", object.type_name());
    let mut picked = Map::new();
    for field in fields {
        let value = match field.name.as_str() {
            "totalCount" => page.total.into(),
            "pageInfo" => pick(&page.info, &field.fields, "PageInfo")?,
            "edges" => {
                let edge = |row: &Row| {
                    let mut edge = Map::new();
                    for part in &field.fields {
                        let value = match part.name.as_str() {
                            "node" => record(engine, object, row, &part.fields)?,
                            "cursor" => id_cursor(&row.id).into(),
                            _ => return Err(Refusal::unknown(part, &format!("{}Edge", object.type_name()))),
                        };
                        edge.insert(part.alias.clone(), value);
                    }
                    Ok(Value::Object(edge))
                };
                Value::Array(page.rows.iter().map(edge).collect::<Result<_, Refusal>>()?)
            }
            "__typename" => of.clone().into(),
            _ => return Err(Refusal::unknown(field, &of)),
        };
        picked.insert(field.alias.clone(), value);
    }
    Ok(Value::Object(picked))
}
