//! `groupBy` and `duplicates`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::body;
use crate::http::Request;
use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::listing::id_cursor;
use crate::twenty::problem::Problem;
use crate::twenty::records::Draft;
use crate::twenty::schema::Object;

type Answer = Result<(u16, Value), Problem>;

/// Counts by the values of one field, in the order of its options.
pub(super) fn group_by(engine: &Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    let parse = |name: &str| -> Value {
        request.param(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let asked = parse("group_by");
    let name = asked.get(0).and_then(Value::as_object).and_then(|by| by.keys().next().cloned()).unwrap_or_default();
    let field = object.field(&name).ok_or_else(|| {
        Problem::bad_request(format!("Object {} doesn't have any \"{name}\" field.", object.singular))
    })?;
    let aggregates = parse("aggregate");
    let aggregate = aggregates.get(0).and_then(Value::as_str).unwrap_or("countNotEmptyId").to_owned();
    let options = field.option_values();
    let mut counts: BTreeMap<(usize, String), u64> = BTreeMap::new();
    for row in engine.matches(&object, None)? {
        let value = row.body.get(&name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let place = options.iter().position(|option| *option == value).unwrap_or(usize::MAX);
        *counts.entry((place, value)).or_default() += 1;
    }
    let groups = counts.into_iter().map(|((_, value), count)| {
        let mut group = Map::new();
        group.insert(aggregate.clone(), count.to_string().into());
        group.insert("groupByDimensionValues".into(), json!([value]));
        Value::Object(group)
    });
    Ok((200, Value::Array(groups.collect())))
}

/// The live records that look like the given ones.
pub(super) fn duplicates(engine: &mut Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    let input = body(request)?;
    let mut wanted: Vec<(Option<String>, Map<String, Value>)> = Vec::new();
    for id in input.get("ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let row = engine.store.get(&object.singular, id)?.ok_or_else(Problem::not_found)?;
        wanted.push((Some(row.id), row.body));
    }
    for data in input.get("data").and_then(Value::as_array).into_iter().flatten() {
        wanted.push((None, Draft::read(engine, &object, data, false)?.values));
    }
    let all = engine.matches(&object, None)?;
    let mut answers = Vec::new();
    for (id, values) in wanted {
        let alike: Vec<&Row> =
            all.iter().filter(|row| Some(&row.id) != id.as_ref() && looks_alike(&object, &values, row)).collect();
        let shown = alike.iter().map(|row| engine.shown(&object, row, 0)).collect::<Result<Vec<_>, _>>()?;
        let cursor = |row: Option<&&Row>| row.map(|row| id_cursor(&row.id));
        let mut answer = Map::new();
        answer.insert(format!("{}Duplicates", object.singular), Value::Array(shown));
        answer.insert("totalCount".into(), alike.len().into());
        let info = json!({
            "hasNextPage": false,
            "hasPreviousPage": false,
            "startCursor": cursor(alike.first()),
            "endCursor": cursor(alike.last()),
        });
        answer.insert("pageInfo".into(), info);
        answers.push(Value::Object(answer));
    }
    Ok((200, json!({ "data": answers })))
}

fn looks_alike(object: &Object, values: &Map<String, Value>, row: &Row) -> bool {
    let value = |body: &Map<String, Value>, path: &str| {
        let (name, part) = path.split_once('.').unwrap_or((path, ""));
        let found = body.get(name)?;
        let found = if part.is_empty() { found } else { found.get(part)? };
        (!found.is_null() && found != "").then(|| found.clone())
    };
    object.duplicates.iter().any(|path| {
        let ours = value(values, path);
        ours.is_some() && ours == value(&row.body, path)
    })
}
