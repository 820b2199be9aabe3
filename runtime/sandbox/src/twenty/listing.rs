//! Lists of records: order, cursors, pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::Value as Sql;
use serde_json::{Map, Value, json};

use crate::store::Row;
use crate::twenty::answer::{self, View};
use crate::twenty::engine::Engine;
use crate::twenty::filter::Filter;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Object, Relation};
use crate::twenty::sql::{Compiler, Condition, place};

/// The most children that a relation shows at depth 1.
const MOST_CHILDREN: usize = 60;

/// One `order_by` item.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) path: Vec<String>,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// Which records are asked for.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) filter: Option<Filter>,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: usize,
    pub(crate) after: Option<String>,
    pub(crate) before: Option<String>,
}

/// A page of records.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) total: u64,
    pub(crate) info: Value,
}

/// An order with the expression it stands for.
struct Key {
    path: Vec<String>,
    sql: String,
    descending: bool,
    nulls_first: bool,
}

impl Engine {
    /// The condition of a filter.
    pub(crate) fn condition(&self, object: &Object, filter: Option<&Filter>) -> Result<Condition, Problem> {
        Compiler { schema: &self.schema, old: self.old() }.condition(object, filter)
    }

    /// Every record that a filter matches, by id.
    pub(crate) fn matches(&self, object: &Object, filter: Option<&Filter>) -> Result<Vec<Row>, Problem> {
        let condition = self.condition(object, filter)?;
        let sql = format!("{} ORDER BY r.id", condition.sql);
        Ok(self.store.select(&object.singular, &sql, &condition.values)?)
    }

    /// Every record that a filter matches, those in the trash too.
    pub(crate) fn all_matches(&self, object: &Object, filter: Option<&Filter>) -> Result<Vec<Row>, Problem> {
        let mut condition = self.condition(object, filter)?;
        if let Some(rest) = condition.sql.strip_prefix("r.deleted IS NULL") {
            condition.sql = format!("1{rest}");
        }
        let sql = format!("{} ORDER BY r.id", condition.sql);
        Ok(self.store.select(&object.singular, &sql, &condition.values)?)
    }

    /// One page of a list.
    pub(crate) fn page(&self, object: &Object, query: &Query) -> Result<Page, Problem> {
        let condition = self.condition(object, query.filter.as_ref())?;
        let total = self.store.count(&object.singular, &condition.sql, &condition.values)?;
        let backward = query.before.is_some();
        let keys = keys(object, &query.order)?;
        let mut values = condition.values;
        let mut sql = condition.sql;
        if let Some(cursor) = query.after.as_ref().or(query.before.as_ref()) {
            let beyond = beyond(&keys, cursor, backward, &mut values)?;
            sql = format!("{sql} AND ({beyond})");
        }
        let order: Vec<String> = keys.iter().map(|key| ordering(key, backward)).collect();
        sql = format!("{sql} ORDER BY {} LIMIT {}", order.join(", "), query.limit + 1);
        let mut rows = self.store.select(&object.singular, &sql, &values)?;
        let more = rows.len() > query.limit;
        rows.truncate(query.limit);
        let cursor = |row: Option<&Row>| row.map(|row| cursor(self.view(), object, &keys, row));
        let info = json!({
            "startCursor": cursor(rows.first()),
            "endCursor": cursor(rows.last()),
            "hasNextPage": more && !backward,
            "hasPreviousPage": more && backward,
        });
        if backward {
            rows.reverse();
        }
        Ok(Page { rows, total, info })
    }

    /// The record as it is answered, with the records around it at depth 1.
    pub(crate) fn shown(&self, object: &Object, row: &Row, depth: u8) -> Result<Value, Problem> {
        let mut shown = answer::answer(self.view(), object, row);
        for field in object.fields.iter().filter(|field| !self.role.sees(object, field)) {
            shown.remove(field.join_key().as_deref().unwrap_or(&field.name));
        }
        if depth == 0 {
            return Ok(Value::Object(shown));
        }
        for field in &object.fields {
            match &field.relation {
                Some(Relation::One { target, .. }) => {
                    let key = format!("{}Id", field.name);
                    let found = self.target_of(target, shown.get(&key))?;
                    if found.is_null() {
                        shown.insert(key, Value::Null);
                    }
                    shown.insert(field.name.clone(), found);
                }
                Some(Relation::Many { source, via }) => {
                    let link = format!("{source}.{via}Id");
                    let mut children = Vec::new();
                    if let Some(child) = self.schema.by_name(source) {
                        for id in self.store.linked(&link, &row.id)?.into_iter().take(MOST_CHILDREN) {
                            if let Some(row) = self.store.get(source, &id)?.filter(|row| row.deleted.is_none()) {
                                children.push(Value::Object(answer::answer(self.view(), child, &row)));
                            }
                        }
                    }
                    shown.insert(field.name.clone(), Value::Array(children));
                }
                None => {}
            }
        }
        Ok(Value::Object(shown))
    }

    fn target_of(&self, target: &str, id: Option<&Value>) -> Result<Value, Problem> {
        let (Some(id), Some(object)) = (id.and_then(Value::as_str), self.schema.by_name(target)) else {
            return Ok(Value::Null);
        };
        let row = self.store.get(target, id)?.filter(|row| row.deleted.is_none());
        Ok(row.map(|row| Value::Object(answer::answer(self.view(), object, &row))).unwrap_or_default())
    }
}

/// The cursor of a record in a list by id.
pub(crate) fn id_cursor(id: &str) -> String {
    STANDARD.encode(json!({ "id": id }).to_string())
}

fn keys(object: &Object, order: &[Order]) -> Result<Vec<Key>, Problem> {
    let mut keys: Vec<Key> = Vec::new();
    for item in order {
        let name = item.path.first().map(String::as_str).unwrap_or_default();
        let field = object.field(name).ok_or_else(|| {
            Problem::coded("FIELD_NOT_FOUND", format!("Field \"{name}\" does not exist or is not sortable"))
        })?;
        let place = place(field, name, item.path.get(1).map(String::as_str), "r");
        let text = !place.numeric && name != "id";
        let sql = if text { format!("nullif({}, '') COLLATE NOCASE", place.sql) } else { place.sql };
        keys.push(Key { path: item.path.clone(), sql, descending: item.descending, nulls_first: item.nulls_first });
    }
    if !keys.iter().any(|key| key.path.first().is_some_and(|name| name == "id")) {
        keys.push(Key { path: vec!["id".to_owned()], sql: "r.id".to_owned(), descending: false, nulls_first: false });
    }
    Ok(keys)
}

fn ordering(key: &Key, backward: bool) -> String {
    let direction = if key.descending == backward { "ASC" } else { "DESC" };
    let nulls = if key.nulls_first == backward { "LAST" } else { "FIRST" };
    if key.sql == "r.id" {
        return format!("r.id {direction}");
    }
    format!("{} {direction} NULLS {nulls}", key.sql)
}

/// The base64 JSON of the order's values and the id.
fn cursor(view: View<'_>, object: &Object, keys: &[Key], row: &Row) -> String {
    let shown = answer::answer(view, object, row);
    let mut parts = Map::new();
    for key in keys {
        let name = key.path.first().cloned().unwrap_or_default();
        let value = shown.get(&name).cloned().unwrap_or_default();
        let value = match key.path.get(1) {
            Some(part) => json!({ part: value.get(part).cloned().unwrap_or_default() }),
            None => value,
        };
        parts.insert(name, value);
    }
    STANDARD.encode(Value::Object(parts).to_string())
}

/// The condition for being past a cursor, key by key.
fn beyond(keys: &[Key], cursor: &str, backward: bool, values: &mut Vec<Sql>) -> Result<String, Problem> {
    let bad = || Problem::bad_request(format!("Invalid cursor: {cursor}")).sub("INVALID_CURSOR");
    let bytes = STANDARD.decode(cursor).map_err(|_| bad())?;
    let parts: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    let mut branches = Vec::new();
    for last in 0..keys.len() {
        let mut terms = Vec::new();
        for (at, key) in keys.iter().enumerate().take(last + 1) {
            let value = cursor_value(&parts, key);
            if at < last {
                terms.push(format!("{} IS ?", key.sql));
                values.push(value);
                continue;
            }
            let nulls_after = key.nulls_first == backward;
            let operator = if key.descending == backward { ">" } else { "<" };
            if value == Sql::Null {
                terms.push(if nulls_after { "0".to_owned() } else { format!("{} IS NOT NULL", key.sql) });
            } else {
                let or_null = if nulls_after { format!(" OR {} IS NULL", key.sql) } else { String::new() };
                terms.push(format!("({} {operator} ?{or_null})", key.sql));
                values.push(value);
            }
        }
        branches.push(format!("({})", terms.join(" AND ")));
    }
    Ok(branches.join(" OR "))
}

fn cursor_value(parts: &Map<String, Value>, key: &Key) -> Sql {
    let mut value = key.path.first().and_then(|name| parts.get(name));
    if let Some(part) = key.path.get(1) {
        value = value.and_then(|value| value.get(part));
    }
    match value {
        Some(Value::String(text)) if !text.is_empty() => Sql::Text(text.clone()),
        Some(Value::Number(number)) => number.as_f64().map_or(Sql::Null, Sql::Real),
        Some(Value::Bool(flag)) => Sql::Integer(i64::from(*flag)),
        _ => Sql::Null,
    }
}
