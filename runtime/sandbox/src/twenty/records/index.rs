//! The unique values and the links of a record, kept beside it.

use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};

use super::duplicate;
use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::Object;

/// Path of the index, the name in messages, and the value, for each unique field that has one.
pub(crate) fn unique_values(object: &Object, values: &Map<String, Value>) -> Vec<(String, String, String)> {
    let value = |name: &str, part: Option<&str>| {
        let found = values.get(name)?;
        let found = part.map_or(Some(found), |part| found.get(part))?;
        let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        (!text.is_empty() && !found.is_null()).then_some(text)
    };
    object
        .unique_fields()
        .filter_map(|field| {
            let part = field.kind.unique_part();
            let text = value(&field.name, part)?;
            let shown = part.map_or_else(|| field.name.clone(), |part| format!("{}.{part}", field.name));
            Some((format!("{}.{}", object.singular, field.name), shown, text))
        })
        .collect()
}

/// The links of a record: link name, target object, target id.
fn links(object: &Object, values: &Map<String, Value>) -> Vec<(String, String, String)> {
    let link = |field: &crate::twenty::schema::Field| {
        let key = field.join_key()?;
        let id = values.get(&key)?.as_str()?.to_owned();
        let (target, _) = field.target()?;
        Some((format!("{}.{key}", object.singular), target.to_owned(), id))
    };
    object.fields.iter().filter_map(link).collect()
}

impl Engine {
    /// Claims every unique value of a record.
    pub(crate) fn claim_all(&self, object: &Object, row: &Row) -> Result<(), Problem> {
        for (path, _, value) in unique_values(object, &row.body) {
            if !self.store.claim(&path, &value, &row.id)? {
                return Err(self.taken(object, &path, &value)?);
            }
        }
        Ok(())
    }

    /// Notes every link of a record, if its targets exist.
    pub(crate) fn link_all(&self, object: &Object, row: &Row) -> Result<(), Problem> {
        for (link, target, id) in links(object, &row.body) {
            if !self.store.exists(&target, &id)? {
                return Err(self.no_target(object, &link));
            }
            self.store.link(&link, &id, &row.id)?;
        }
        Ok(())
    }

    /// Changes the index from one state of a record to another.
    pub(crate) fn reindex(&self, object: &Object, before: &Row, after: &Row) -> Result<(), Problem> {
        let old = unique_values(object, &before.body);
        let new = unique_values(object, &after.body);
        for (path, _, value) in old.iter().filter(|entry| !new.contains(entry)) {
            self.store.release(path, value)?;
        }
        for (path, _, value) in new.iter().filter(|entry| !old.contains(entry)) {
            if !self.store.claim(path, value, &after.id)? {
                return Err(self.taken(object, path, value)?);
            }
        }
        let old = links(object, &before.body);
        let new = links(object, &after.body);
        for (link, _, id) in old.iter().filter(|entry| !new.contains(entry)) {
            self.store.unlink(link, id, &after.id)?;
        }
        for (link, target, id) in new.iter().filter(|entry| !old.contains(entry)) {
            if !self.store.exists(target, id)? {
                return Err(self.no_target(object, link));
            }
            self.store.link(link, id, &after.id)?;
        }
        Ok(())
    }

    /// Takes a record out of the index.
    pub(crate) fn forget(&self, object: &Object, row: &Row) -> Result<(), Problem> {
        for (path, _, value) in unique_values(object, &row.body) {
            self.store.release(&path, &value)?;
        }
        for (link, _, id) in links(object, &row.body) {
            self.store.unlink(&link, &id, &row.id)?;
        }
        Ok(())
    }

    fn taken(&self, object: &Object, path: &str, value: &str) -> Result<Problem, Problem> {
        let name = path.split_once('.').map_or(path, |(_, name)| name);
        let label = object.field(name).map_or(name, |field| field.label.as_str());
        if self.old() {
            let message = format!("Duplicate {label} with value {value}. Please set a unique one.");
            return Ok(Problem::new(400, "UserInputError", message));
        }
        let mut problem = duplicate();
        if let Some(id) = self.store.holder(path, value)? {
            let text = format!("This {label} value is already in use. Please check your data and try again.");
            problem = problem.friend(text);
            problem.extensions.insert("conflictingRecordId".into(), id.into());
            problem.extensions.insert("conflictingObjectNameSingular".into(), object.singular.clone().into());
        }
        Ok(problem)
    }

    /// The refusal of a key whose record does not exist, with the constraint's name as Postgres has it.
    fn no_target(&self, object: &Object, link: &str) -> Problem {
        let column = link.split_once('.').map_or(link, |(_, column)| column);
        let table = object.table();
        let hash = format!("{:x}", Sha1::digest(format!("{table}_{column}")));
        let name: String = hash.chars().take(27).collect();
        let message = format!("insert or update on table \"{table}\" violates foreign key constraint \"FK_{name}\"");
        if self.old() {
            return Problem::new(500, "InternalServerErrorException", message);
        }
        let text = "This operation references a record that does not exist or cannot be modified due to existing relationships.";
        Problem::bad_request(message).friend(text)
    }
}
