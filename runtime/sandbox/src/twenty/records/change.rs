//! Updates of records that exist.

use serde_json::{Map, Value};

use super::Draft;
use crate::clock;
use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Kind, Object};
use crate::twenty::values;

impl Engine {
    /// Updates one record. The newer server finds it in the trash too, and takes it out where `deletedAt` is sent as null.
    pub(crate) fn update(&mut self, object: &Object, id: &str, input: &Value) -> Result<Row, Problem> {
        let draft = Draft::read(self, object, input, false)?;
        let there = self.store.get(&object.singular, id)?.is_some_and(|row| row.deleted.is_none() || !self.old());
        if !there {
            return Err(Problem::not_found());
        }
        self.atomically(|engine| engine.change(object, id, draft))
    }

    /// Updates these records alike, all or none.
    pub(crate) fn update_all(&mut self, object: &Object, rows: Vec<Row>, input: &Value) -> Result<Vec<Row>, Problem> {
        Draft::read(self, object, input, false)?;
        if rows.len() > super::MOST {
            let message = format!("Maximum number of records to update is {}.", super::MOST);
            return Err(Problem::bad_request(message).sub("TOO_MANY_RECORDS_TO_UPDATE"));
        }
        self.atomically(|engine| {
            let mut changed = Vec::with_capacity(rows.len());
            for row in rows {
                let draft = Draft::read(engine, object, input, false)?;
                changed.push(engine.change(object, &row.id, draft)?);
            }
            Ok(changed)
        })
    }

    /// Lays a draft over a record, in the trash or not.
    pub(crate) fn change(&mut self, object: &Object, id: &str, draft: Draft) -> Result<Row, Problem> {
        let before = self.store.get(&object.singular, id)?.ok_or_else(Problem::not_found)?;
        let mut after = before.clone();
        for (key, value) in draft.values {
            let kind = object.field(&key).map(|field| field.kind);
            let value = match (kind, value) {
                (Some(kind), Value::Object(parts)) if merges(kind) => {
                    values::tidy(kind, merge(after.body.get(&key), parts))
                }
                (_, value) => value,
            };
            if !value.is_null() {
                after.body.insert(key, value);
                continue;
            }
            let needed = object.field(&key).is_some_and(|field| !field.nullable && field.kind == Kind::Select);
            if needed {
                return Err(values::not_null(object, &key));
            }
            after.body.shift_remove(&key);
        }
        if object.field("updatedBy").is_some() {
            after.body.insert("updatedBy".into(), self.actor());
        }
        if let Some(created) = draft.created {
            after.created = created;
            after.kept = true;
        }
        if let Some(deleted) = draft.deleted {
            after.deleted = deleted.as_str().map(str::to_owned);
        }
        after.updated = draft.updated.unwrap_or_else(clock::now);
        if let Some(new_id) = draft.id.filter(|new_id| new_id != id) {
            let message = format!("The id of a record cannot be changed (to {new_id})");
            return Err(Problem::bad_request(message));
        }
        self.reindex(object, &before, &after)?;
        self.attach_files(object, &after)?;
        self.store.update(&object.singular, &after)?;
        self.happened(object, &after);
        Ok(after)
    }
}

/// True where the parts that are not sent stay as they are.
fn merges(kind: Kind) -> bool {
    matches!(kind, Kind::Address | Kind::Currency | Kind::FullName | Kind::Emails | Kind::Phones | Kind::Actor)
}

fn merge(before: Option<&Value>, parts: Map<String, Value>) -> Value {
    let mut merged = before.and_then(Value::as_object).cloned().unwrap_or_default();
    merged.extend(parts);
    Value::Object(merged)
}
