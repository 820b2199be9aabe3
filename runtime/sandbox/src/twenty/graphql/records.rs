//! The root fields of `/graphql`: lists, and the verbs on records.

use serde_json::Value;

use super::{Refusal, Selection, select};
use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::filter::Filter;
use crate::twenty::listing::{Order, Query};
use crate::twenty::problem::Problem;
use crate::twenty::rest::may_write;
use crate::twenty::schema::Object;

/// The default page.
const PAGE: usize = 60;

/// Action of a mutation, by the first part of its name.
#[derive(Clone, Copy)]
enum Verb {
    Create,
    Update,
    Delete,
    Destroy,
    Restore,
}

const VERBS: [(&str, Verb); 5] = [
    ("create", Verb::Create),
    ("update", Verb::Update),
    ("delete", Verb::Delete),
    ("destroy", Verb::Destroy),
    ("restore", Verb::Restore),
];

/// The value of a root field.
pub(super) fn resolve(engine: &mut Engine, mutation: bool, field: &Selection) -> Result<Value, Refusal> {
    if !mutation {
        return query(engine, field);
    }
    for (word, verb) in VERBS {
        let Some(of) = field.name.strip_prefix(word) else { continue };
        let objects = &engine.schema.objects;
        if let Some(object) = objects.iter().find(|object| object.type_name() == of).cloned() {
            let rows = one(engine, verb, &object, field)?;
            return match rows.first() {
                Some(row) => select::record(engine, &object, row, &field.fields),
                None => Ok(Value::Null),
            };
        }
        if let Some(object) = objects.iter().find(|object| object.type_names() == of).cloned() {
            let rows = many(engine, verb, &object, field)?;
            let shown = rows.iter().map(|row| select::record(engine, &object, row, &field.fields));
            return Ok(Value::Array(shown.collect::<Result<_, _>>()?));
        }
    }
    Err(Refusal::unknown(field, "Mutation"))
}

fn query(engine: &Engine, field: &Selection) -> Result<Value, Refusal> {
    if let Some(object) = engine.schema.by_plural(&field.name) {
        let page = engine.page(object, &listing(field)?)?;
        return select::connection(engine, object, &page, &field.fields);
    }
    if let Some(object) = engine.schema.by_name(&field.name) {
        let mut query = listing(field)?;
        query.limit = 1;
        let page = engine.page(object, &query)?;
        return match page.rows.first() {
            Some(row) => select::record(engine, object, row, &field.fields),
            None => Err(Problem::not_found().into()),
        };
    }
    Err(Refusal::unknown(field, "Query"))
}

fn listing(field: &Selection) -> Result<Query, Problem> {
    let count = |key: &str| field.arguments.get(key).and_then(Value::as_u64).and_then(|count| count.try_into().ok());
    let text = |key: &str| field.arguments.get(key).and_then(Value::as_str).map(str::to_owned);
    let last: Option<usize> = count("last");
    let mut order = Vec::new();
    for item in field.arguments.get("orderBy").and_then(Value::as_array).into_iter().flatten() {
        for (name, value) in item.as_object().into_iter().flatten() {
            let (path, direction) = match value {
                Value::Object(parts) => {
                    let (part, direction) = parts.iter().next().unzip();
                    (vec![name.clone(), part.cloned().unwrap_or_default()], direction.and_then(Value::as_str))
                }
                other => (vec![name.clone()], other.as_str()),
            };
            let direction = direction.unwrap_or_default();
            order.push(Order {
                path,
                descending: direction.starts_with("Desc"),
                nulls_first: direction.ends_with("First"),
            });
        }
    }
    Ok(Query {
        filter: filter(field)?,
        order,
        limit: count("first").or(last).unwrap_or(PAGE),
        after: text("after"),
        before: text("before"),
    })
}

fn filter(field: &Selection) -> Result<Option<Filter>, Problem> {
    field.arguments.get("filter").filter(|filter| !filter.is_null()).map(Filter::from_json).transpose()
}

fn data(field: &Selection) -> Value {
    field.arguments.get("data").cloned().unwrap_or_default()
}

fn is_upsert(field: &Selection) -> bool {
    field.arguments.get("upsert") == Some(&Value::Bool(true))
}

fn one(engine: &mut Engine, verb: Verb, object: &Object, field: &Selection) -> Result<Vec<Row>, Problem> {
    let id = field.arguments.get("id").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let found = |engine: &Engine| engine.store.get(&object.singular, &id)?.ok_or_else(Problem::not_found);
    if !matches!(verb, Verb::Update) {
        may_write(object)?;
    }
    match verb {
        Verb::Create => create(engine, object, &[data(field)], is_upsert(field)),
        Verb::Update => Ok(vec![engine.update(object, &id, &data(field))?]),
        Verb::Delete => {
            let row = found(engine)?;
            if row.deleted.is_some() {
                return Err(Problem::not_found());
            }
            engine.trash(object, vec![row])
        }
        Verb::Restore => {
            let row = found(engine)?;
            engine.restore(object, vec![row])
        }
        Verb::Destroy => {
            let rows = vec![found(engine)?];
            engine.destroy(object, &rows)?;
            Ok(rows)
        }
    }
}

fn create(engine: &mut Engine, object: &Object, inputs: &[Value], upsert: bool) -> Result<Vec<Row>, Problem> {
    if upsert { engine.upsert(object, inputs) } else { engine.create(object, inputs) }
}

fn many(engine: &mut Engine, verb: Verb, object: &Object, field: &Selection) -> Result<Vec<Row>, Problem> {
    let filter = filter(field)?;
    if !matches!(verb, Verb::Update) {
        may_write(object)?;
    }
    match verb {
        Verb::Create => {
            let inputs = data(field).as_array().cloned().unwrap_or_default();
            create(engine, object, &inputs, is_upsert(field))
        }
        Verb::Update => {
            let rows = engine.matches(object, filter.as_ref())?;
            engine.update_all(object, rows, &data(field))
        }
        Verb::Delete => {
            let rows = engine.matches(object, filter.as_ref())?;
            engine.trash(object, rows)
        }
        Verb::Restore => {
            let rows = engine.all_matches(object, filter.as_ref())?;
            engine.restore(object, rows)
        }
        Verb::Destroy => {
            let rows = engine.all_matches(object, filter.as_ref())?;
            engine.destroy(object, &rows)?;
            Ok(rows)
        }
    }
}
