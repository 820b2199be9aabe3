//! Changes of records: create, upsert, update, trash, restore, destroy.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock;
use crate::store::Row;
use crate::twenty::engine::{Engine, KEY_NAME};
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Kind, Object};
use crate::twenty::values;

mod change;
mod draft;
mod index;
mod remove;

pub(crate) use draft::{Draft, unknown_field};

/// The most records that one call may create or update.
pub(crate) const MOST: usize = 200;

/// The stamp of the API key.
pub(crate) fn key_actor() -> Value {
    json!({"source": "API", "workspaceMemberId": null, "name": KEY_NAME, "context": {}})
}

impl Engine {
    /// The stamp of whoever writes.
    pub(crate) fn actor(&self) -> Value {
        match self.acting {
            Some(name) => json!({"source": "WORKFLOW", "workspaceMemberId": null, "name": name, "context": {}}),
            None => key_actor(),
        }
    }

    /// Creates records in one step: all of them, in order, or none.
    pub(crate) fn create(&mut self, object: &Object, inputs: &[Value]) -> Result<Vec<Row>, Problem> {
        check_count(inputs.len())?;
        let drafts = self.drafts(object, inputs)?;
        self.atomically(|engine| engine.insert_all(object, drafts))
    }

    fn drafts(&mut self, object: &Object, inputs: &[Value]) -> Result<Vec<Draft>, Problem> {
        inputs.iter().map(|input| Draft::read(self, object, input, true)).collect()
    }

    fn insert_all(&mut self, object: &Object, drafts: Vec<Draft>) -> Result<Vec<Row>, Problem> {
        let now = clock::now();
        let mut rows = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let row = self.new_row(object, draft, &now)?;
            if !self.store.insert(&object.singular, &row)? {
                return Err(duplicate());
            }
            self.claim_all(object, &row)?;
            rows.push(row);
        }
        for row in &rows {
            self.happened(object, row);
            self.link_all(object, row)?;
            self.attach_files(object, row)?;
        }
        Ok(rows)
    }

    /// Notes that a record was written, for the workflows.
    pub(crate) fn happened(&mut self, object: &Object, row: &Row) {
        if object.singular == "person" && !self.old() {
            self.written.push(row.id.clone());
        }
    }

    fn new_row(&mut self, object: &Object, draft: Draft, now: &str) -> Result<Row, Problem> {
        let mut body = Map::new();
        for field in &object.fields {
            if let Some(default) = default_value(&field.default, field.kind) {
                body.insert(field.name.clone(), default);
            }
        }
        let asked = draft.values.get("createdBy").cloned().unwrap_or_default();
        for (key, value) in draft.values {
            let value = match object.field(&key) {
                Some(field) => values::tidy(field.kind, value),
                None => value,
            };
            if !value.is_null() {
                body.insert(key, value);
            }
        }
        if object.field("position").is_some() && !body.contains_key("position") {
            body.insert("position".into(), self.next_position(&object.singular)?.into());
        }
        if object.field("createdBy").is_some() {
            body.insert("createdBy".into(), created_by(&asked));
        }
        if object.field("updatedBy").is_some() {
            body.insert("updatedBy".into(), self.actor());
        }
        Ok(Row {
            id: draft.id.unwrap_or_else(|| Uuid::new_v4().to_string()),
            kept: draft.created.is_some(),
            created: draft.created.unwrap_or_else(|| now.to_owned()),
            updated: draft.updated.unwrap_or_else(|| now.to_owned()),
            deleted: draft.deleted.and_then(|time| time.as_str().map(str::to_owned)),
            body,
        })
    }

    /// Updates what is there and inserts the rest: first all updates, then one insert, and no way back for the
    /// updates when the insert fails. The answer has the updated records first.
    pub(crate) fn upsert(&mut self, object: &Object, inputs: &[Value]) -> Result<Vec<Row>, Problem> {
        check_count(inputs.len())?;
        let drafts = self.drafts(object, inputs)?;
        let mut matched: Vec<(String, Draft)> = Vec::new();
        let mut fresh = Vec::new();
        for draft in drafts {
            match self.matching(object, &draft)? {
                Some(id) => matched.push((id, draft)),
                None => fresh.push(draft),
            }
        }
        let mut order: Vec<String> = Vec::new();
        for (id, mut draft) in matched {
            draft.values.shift_remove("createdBy");
            draft.id = None;
            draft.deleted = Some(draft.deleted.unwrap_or_default());
            self.atomically(|engine| engine.change(object, &id, draft))?;
            if !order.contains(&id) {
                order.push(id);
            }
        }
        let inserted = self.atomically(|engine| engine.insert_all(object, fresh))?;
        let mut rows = Vec::with_capacity(order.len() + inserted.len());
        for id in order {
            rows.extend(self.store.get(&object.singular, &id)?);
        }
        rows.extend(inserted);
        Ok(rows)
    }

    /// The record that an upsert means: by id and by every unique field.
    fn matching(&self, object: &Object, draft: &Draft) -> Result<Option<String>, Problem> {
        let mut named = Vec::new();
        let mut found: Vec<String> = Vec::new();
        if let Some(id) = &draft.id {
            named.push(format!("id: {id}"));
            if self.store.exists(&object.singular, id)? {
                found.push(id.clone());
            }
        }
        for (path, shown, value) in index::unique_values(object, &draft.values) {
            named.push(format!("{shown}: {value}"));
            if let Some(id) = self.store.holder(&path, &value)?
                && !found.contains(&id)
            {
                found.push(id);
            }
        }
        if found.len() > 1 {
            return Err(Problem::bad_request(format!(
                "Multiple records found with the same unique field values for {}. Cannot determine which record to update.",
                named.join(", ")
            )));
        }
        Ok(found.pop())
    }
}

fn check_count(count: usize) -> Result<(), Problem> {
    if count <= MOST {
        return Ok(());
    }
    let message = format!("Maximum number of records to upsert is {MOST}.");
    Err(Problem::bad_request(message.clone()).sub("TOO_MANY_RECORDS_TO_UPDATE").friend(message))
}

/// The refusal of an id or unique value that is taken.
pub(crate) fn duplicate() -> Problem {
    Problem::bad_request("A duplicate entry was detected")
        .friend("This record already exists. Please check your data and try again.")
}

/// `createdBy` counts only when it has a name; else the API key's name replaces it.
fn created_by(asked: &Value) -> Value {
    let name = asked.get("name").and_then(Value::as_str).unwrap_or_default();
    let source = asked.get("source").filter(|source| source.is_string()).cloned();
    if name.is_empty() {
        let source = source.unwrap_or_else(|| json!("API"));
        return json!({"source": source, "workspaceMemberId": null, "name": KEY_NAME, "context": {}});
    }
    let part = |key: &str| asked.get(key).cloned().unwrap_or_default();
    json!({
        "source": source.unwrap_or_else(|| json!("MANUAL")),
        "workspaceMemberId": part("workspaceMemberId"),
        "name": name,
        "context": part("context"),
    })
}

/// Value of a field when nothing is sent: `'NEW'` in quotes is text, the rest is itself.
pub(crate) fn default_value(default: &Value, kind: Kind) -> Option<Value> {
    match (default, kind) {
        (Value::Null | Value::Object(_), _) | (_, Kind::Uuid | Kind::DateTime | Kind::Position) => None,
        (Value::String(text), _) => {
            let bare = text.trim_matches('\'');
            (!bare.is_empty()).then(|| Value::String(bare.to_owned()))
        }
        (other, _) => Some(other.clone()),
    }
}
