//! The REST API for records: `/rest/<plural>` and its neighbours.

use serde_json::{Map, Value, json};

use crate::http::{Body, Request, Response};
use crate::twenty::engine::Engine;
use crate::twenty::filter::{self, Filter};
use crate::twenty::listing::{Order, Query};
use crate::twenty::problem::Problem;
use crate::twenty::records::MOST;
use crate::twenty::role;
use crate::twenty::schema::Object;
use crate::twenty::values::{inspect, is_rfc_uuid};

mod extras;

/// The page size when none is asked for.
const PAGE: usize = 60;
const DIRECTIONS: [&str; 4] = ["AscNullsFirst", "AscNullsLast", "DescNullsFirst", "DescNullsLast"];

/// Answers a request below `/rest/` that is not about metadata.
pub(crate) fn serve(engine: &mut Engine, request: &Request) -> Response {
    match route(engine, request) {
        Ok((status, body)) => Response::json(status, &body),
        Err(problem) => problem.into(),
    }
}

type Answer = Result<(u16, Value), Problem>;

fn route(engine: &mut Engine, request: &Request) -> Answer {
    let segments = request.segments();
    let method = request.method.as_str();
    match (method, segments.get(1..).unwrap_or_default()) {
        ("POST", ["batch", plural]) => create_many(engine, request, plural),
        ("PATCH", ["restore", plural]) => restore(engine, request, plural),
        ("POST", [plural, "duplicates"]) => extras::duplicates(engine, request, plural),
        ("GET", [plural, "groupBy"]) => extras::group_by(engine, request, plural),
        ("POST", [plural]) => create_one(engine, request, plural),
        ("GET", [plural]) => list(engine, request, plural),
        ("GET", [plural, id]) => find_one(engine, request, plural, id),
        ("PATCH" | "PUT", [plural, id]) => update_one(engine, request, plural, id),
        ("PATCH" | "PUT", [plural]) => update_many(engine, request, plural),
        ("DELETE", [plural, id]) => delete_one(engine, request, plural, id),
        ("DELETE", [plural]) => delete_many(engine, request, plural),
        _ => Err(bad_path(request)),
    }
}

fn bad_path(request: &Request) -> Problem {
    Problem::bad_request(format!(
        "Query path '{}' invalid. Valid examples: /rest/companies/id or /rest/companies or /rest/batch/companies",
        request.target
    ))
}

/// The JSON of a body, or the refusal of what is not JSON.
pub(crate) fn body(request: &Request) -> Result<Value, Problem> {
    let Body::Bytes(bytes) = &request.body else { return Ok(json!({})) };
    if !request.content_type.contains("json") {
        let text = String::from_utf8_lossy(bytes);
        let message = format!("Cannot create property 'position' on string '{text}'");
        return Err(Problem::new(400, "TypeError", message));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message = if error.is_eof() {
            "Unexpected end of JSON input".to_owned()
        } else {
            format!("Unexpected token in JSON at position {}", error.column().saturating_sub(1))
        };
        Problem::with_body(400, json!({"message": message, "error": "Bad Request", "statusCode": 400}))
    })
}

fn is_upsert(request: &Request) -> bool {
    request.param("upsert") == Some("true")
}

/// Members come by invitation: an API key may not make or remove them.
pub(crate) fn may_write(object: &Object) -> Result<(), Problem> {
    if object.singular == "workspaceMember" {
        return Err(role::denied());
    }
    Ok(())
}

fn create_one(engine: &mut Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    let depth = depth(request)?;
    let input = body(request)?;
    may_write(&object)?;
    let inputs = [input];
    let rows = if is_upsert(request) { engine.upsert(&object, &inputs) } else { engine.create(&object, &inputs) }?;
    let shown = rows.first().map(|row| engine.shown(&object, row, depth)).transpose()?.unwrap_or_default();
    Ok((201, wrap(format!("create{}", object.type_name()), shown)))
}

fn create_many(engine: &mut Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    let depth = depth(request)?;
    let input = body(request)?;
    let Some(inputs) = input.as_array() else {
        return Err(Problem::new(400, "TypeError", "args.data.forEach is not a function"));
    };
    may_write(&object)?;
    if let Some(odd) = inputs.iter().find(|input| !(engine.old() || input.is_object() || input.is_array())) {
        return Err(Problem::bad_request(format!("A record of a batch is an object, not {}", inspect(odd))));
    }
    let rows = if is_upsert(request) { engine.upsert(&object, inputs) } else { engine.create(&object, inputs) }?;
    let shown = rows.iter().map(|row| engine.shown(&object, row, depth)).collect::<Result<Vec<_>, _>>()?;
    Ok((201, wrap(format!("create{}", object.type_names()), Value::Array(shown))))
}

fn wrap(name: String, value: Value) -> Value {
    let mut data = Map::new();
    data.insert(name, value);
    json!({ "data": data })
}

fn list(engine: &Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    let depth = depth(request)?;
    let query = query(request)?;
    let page = engine.page(&object, &query)?;
    let shown = page.rows.iter().map(|row| engine.shown(&object, row, depth)).collect::<Result<Vec<_>, _>>()?;
    let mut answer = wrap(object.plural, Value::Array(shown));
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("totalCount".into(), page.total.into());
        answer.insert("pageInfo".into(), page.info);
    }
    Ok((200, answer))
}

fn query(request: &Request) -> Result<Query, Problem> {
    let limit = match request.param("limit") {
        None => PAGE,
        // A fraction is cut off, as the server does.
        Some(text) => text
            .split_once('.')
            .filter(|(_, fraction)| fraction.bytes().all(|digit| digit.is_ascii_digit()))
            .map_or(text, |(whole, _)| whole)
            .parse::<usize>()
            .map_err(|_| Problem::bad_request(format!("limit '{text}' is invalid. Should be an integer")))?
            .min(MOST),
    };
    let text = |name: &str| request.param(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Query {
        filter: filter_of(request)?,
        order: text("order_by").map(|text| orders(&text)).transpose()?.unwrap_or_default(),
        limit,
        after: text("starting_after"),
        before: text("ending_before"),
    })
}

/// The filter of a request. Of two the server heeds neither.
fn filter_of(request: &Request) -> Result<Option<Filter>, Problem> {
    if request.query.iter().filter(|(key, _)| key == "filter").count() > 1 {
        return Ok(None);
    }
    request.param("filter").filter(|text| !text.is_empty()).map(filter::parse).transpose()
}

fn orders(text: &str) -> Result<Vec<Order>, Problem> {
    let order = |item: &str| {
        let (path, direction) = match item.split_once('[') {
            Some((path, rest)) => (path, rest.trim_end_matches(']')),
            None => (item, "AscNullsFirst"),
        };
        if !DIRECTIONS.contains(&direction) {
            let valid: Vec<String> = DIRECTIONS.iter().map(|name| format!("'{name}'")).collect();
            return Err(Problem::bad_request(format!(
                "'order_by' direction '{direction}' invalid. Allowed values are {}. eg: \
                 ?order_by=field_1[AscNullsFirst],field_2[DescNullsLast],field_3",
                valid.join(", ")
            )));
        }
        Ok(Order {
            path: path.split('.').map(str::to_owned).collect(),
            descending: direction.starts_with("Desc"),
            nulls_first: direction.ends_with("First"),
        })
    };
    text.split(',').map(order).collect()
}

fn depth(request: &Request) -> Result<u8, Problem> {
    match request.param("depth") {
        None | Some("0") => Ok(0),
        Some("1") => Ok(1),
        Some(other) => Err(Problem::bad_request(format!("'depth={other}' parameter invalid. Allowed values are 0, 1"))),
    }
}

fn checked_id(id: &str) -> Result<String, Problem> {
    if is_rfc_uuid(id) {
        return Ok(id.to_lowercase());
    }
    Err(Problem::bad_request(format!("'{id}' is not a valid UUID")))
}

fn find_one(engine: &Engine, request: &Request, plural: &str, id: &str) -> Answer {
    let object = engine.object(plural)?;
    let depth = depth(request)?;
    let id = checked_id(id)?;
    let row = engine.store.get(&object.singular, &id)?.filter(|row| row.deleted.is_none());
    let row = row.ok_or_else(Problem::not_found)?;
    let shown = engine.shown(&object, &row, depth)?;
    Ok((200, wrap(object.singular, shown)))
}

fn update_one(engine: &mut Engine, request: &Request, plural: &str, id: &str) -> Answer {
    let object = engine.object(plural)?;
    let depth = depth(request)?;
    let id = checked_id(id)?;
    let input = body(request)?;
    let row = engine.update(&object, &id, &input)?;
    let shown = engine.shown(&object, &row, depth)?;
    Ok((200, wrap(format!("update{}", object.type_name()), shown)))
}

fn update_many(engine: &mut Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    let input = body(request)?;
    let filter = filter_of(request)?;
    if filter.is_none() && engine.old() {
        return Err(no_filter("update"));
    }
    // Without a filter the newer server rewrites every record.
    let rows = engine.matches(&object, filter.as_ref())?;
    let rows = engine.update_all(&object, rows, &input)?;
    let shown = rows.iter().map(|row| engine.shown(&object, row, 0)).collect::<Result<Vec<_>, _>>()?;
    Ok((200, wrap(format!("update{}", object.type_names()), Value::Array(shown))))
}

fn no_filter(deed: &str) -> Problem {
    Problem::bad_request(format!(
        "Filters are mandatory for bulk {deed} operations. Please provide at least one filter to prevent accidental \
         deletion of all records."
    ))
}

fn is_soft(request: &Request) -> bool {
    request.param("soft_delete") == Some("true")
}

fn delete_one(engine: &mut Engine, request: &Request, plural: &str, id: &str) -> Answer {
    let object = engine.object(plural)?;
    let id = checked_id(id)?;
    may_write(&object)?;
    let name = format!("delete{}", object.type_name());
    let row = engine.store.get(&object.singular, &id)?.ok_or_else(Problem::not_found)?;
    if !is_soft(request) {
        engine.destroy(&object, &[row])?;
        return Ok((200, wrap(name, json!({ "id": id }))));
    }
    if row.deleted.is_some() && engine.old() {
        return Err(Problem::not_found());
    }
    let rows = engine.trash(&object, vec![row])?;
    let shown = if engine.old() {
        json!({ "id": id })
    } else {
        rows.first().map(|row| engine.shown(&object, row, 0)).transpose()?.unwrap_or_default()
    };
    Ok((200, wrap(name, shown)))
}

fn delete_many(engine: &mut Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    may_write(&object)?;
    let filter = filter_of(request)?;
    let soft = is_soft(request);
    if filter.is_none() && !engine.old() {
        return Err(no_filter(if soft { "delete" } else { "destroy" }));
    }
    let name = format!("delete{}", object.type_names());
    let shown = if soft {
        let rows = engine.matches(&object, filter.as_ref())?;
        let rows = engine.trash(&object, rows)?;
        rows.iter().map(|row| engine.shown(&object, row, 0)).collect::<Result<Vec<_>, _>>()?
    } else {
        let rows = engine.all_matches(&object, filter.as_ref())?;
        engine.destroy(&object, &rows)?;
        rows.iter().map(|row| json!({ "id": row.id })).collect()
    };
    Ok((200, wrap(name, Value::Array(shown))))
}

fn restore(engine: &mut Engine, request: &Request, plural: &str) -> Answer {
    let object = engine.object(plural)?;
    let filter = filter_of(request)?;
    // The server finds nothing to restore when the filter itself speaks of the trash.
    let rows = if filter.as_ref().is_some_and(Filter::mentions_deleted) {
        Vec::new()
    } else {
        engine.all_matches(&object, filter.as_ref())?
    };
    let rows = engine.restore(&object, rows)?;
    let shown = rows.iter().map(|row| engine.shown(&object, row, 0)).collect::<Result<Vec<_>, _>>()?;
    Ok((200, wrap(format!("restore{}", object.type_names()), Value::Array(shown))))
}
