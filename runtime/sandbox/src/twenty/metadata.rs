//! The metadata API: `/rest/metadata/objects` and `/rest/metadata/fields`.

use serde_json::{Map, Value, json};

use crate::http::{Request, Response};
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::records::MOST;
use crate::twenty::rest;
use crate::twenty::schema::Object;

mod check;
mod fields;
mod objects;
mod options;
mod relations;
mod render;
mod webhooks;

pub(crate) use render::{application, changed_field, relation};

const PAGE: usize = 60;

/// An object with all its keys but its fields, for GraphQL.
pub(crate) fn shown_object(engine: &Engine, object: &Object) -> Value {
    render::changed_object(engine, object, false)
}

/// Answers a request below `/rest/metadata/`.
pub(crate) fn serve(engine: &mut Engine, request: &Request) -> Response {
    match route(engine, request) {
        Ok((status, body)) => Response::json(status, &body),
        Err(problem) => problem.into(),
    }
}

type Answer = Result<(u16, Value), Problem>;

fn route(engine: &mut Engine, request: &Request) -> Answer {
    let segments = request.segments();
    let rest = segments.get(2..).unwrap_or_default();
    if engine.old() && !request.query.is_empty() {
        return Err(bad_path(request));
    }
    match (request.method.as_str(), rest) {
        ("GET", ["objects"]) => {
            let objects = engine.schema.objects.iter();
            let all = objects.map(|object| (object.id.clone(), render::object(engine, object, true))).collect();
            Ok(list(engine, request, "objects", all))
        }
        ("GET", ["fields"]) => {
            let fields = engine.schema.objects.iter().flat_map(|object| {
                object.fields.iter().map(|field| (field.id.clone(), render::field(engine, object, field)))
            });
            let all = fields.collect();
            Ok(list(engine, request, "fields", all))
        }
        ("GET", ["objects", id]) => {
            let object = engine.schema.by_id(id).ok_or_else(|| check::missing(engine.old(), "Object"))?;
            Ok((200, envelope(engine, "object", render::object(engine, object, true))))
        }
        ("GET", ["fields", id]) => {
            let found = engine.schema.field_by_id(id);
            let (object, field) = found.ok_or_else(|| check::missing(engine.old(), "Field"))?;
            Ok((200, envelope(engine, "field", render::field(engine, object, field))))
        }
        ("GET", ["webhooks"]) => webhooks::list(engine),
        ("POST", ["webhooks"]) => webhooks::create(engine, request),
        ("DELETE", ["webhooks", id]) => webhooks::delete(engine, id),
        ("POST", ["fields"]) => {
            let input = rest::body(request)?;
            let made = engine.atomic_schema(|engine| fields::create(engine, &input))?;
            Ok((201, envelope(engine, "createOneField", made)))
        }
        ("PATCH" | "PUT", ["fields", id]) => {
            let input = rest::body(request)?;
            let changed = engine.atomic_schema(|engine| fields::update(engine, id, &input))?;
            Ok((200, envelope(engine, "updateOneField", changed)))
        }
        ("DELETE", ["fields", id]) => {
            let gone = engine.atomic_schema(|engine| fields::delete(engine, id))?;
            Ok((200, envelope(engine, "deleteOneField", gone)))
        }
        ("POST", ["objects"]) => {
            let input = rest::body(request)?;
            let made = engine.atomic_schema(|engine| objects::create(engine, &input))?;
            Ok((201, envelope(engine, "createOneObject", made)))
        }
        ("PATCH" | "PUT", ["objects", id]) => {
            let input = rest::body(request)?;
            let changed = engine.atomic_schema(|engine| objects::update(engine, id, &input))?;
            Ok((200, envelope(engine, "updateOneObject", changed)))
        }
        ("DELETE", ["objects", id]) => {
            let gone = engine.atomic_schema(|engine| objects::delete(engine, id))?;
            Ok((200, envelope(engine, "deleteOneObject", gone)))
        }
        _ => Err(bad_path(request)),
    }
}

fn bad_path(request: &Request) -> Problem {
    let target = &request.target;
    let rest = target.strip_prefix("/rest/metadata/").unwrap_or(target);
    let message = format!(
        "Query path '{target}' invalid. Metadata path \"{rest}\" does not exist. Valid examples: \
         /rest/metadata/fields or /rest/metadata/objects"
    );
    Problem::with_body(400, json!({"statusCode": 400, "message": message, "error": "Bad Request"}))
}

/// The newer server answers bare values, the older one wraps them, and so does the newer one for a workspace that came from there.
fn envelope(engine: &Engine, name: &str, value: Value) -> Value {
    if !(engine.old() || engine.legacy_metadata) {
        return value;
    }
    let mut data = Map::new();
    data.insert(name.to_owned(), value);
    json!({ "data": data })
}

/// A page by falling id; the cursor is the bare id. The older server answers everything at once.
fn list(engine: &Engine, request: &Request, name: &str, mut all: Vec<(String, Value)>) -> (u16, Value) {
    all.sort_by(|one, other| other.0.cmp(&one.0));
    if engine.old() {
        let values = all.into_iter().map(|(_, value)| value).collect();
        return (200, envelope(engine, name, Value::Array(values)));
    }
    let total = all.len();
    let limit = request.param("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE).min(MOST);
    if let Some(after) = request.param("starting_after") {
        all.retain(|(id, _)| id.as_str() < after);
    }
    let mut backward = false;
    if let Some(before) = request.param("ending_before") {
        all.retain(|(id, _)| id.as_str() > before);
        all.reverse();
        backward = true;
    }
    let more = all.len() > limit;
    all.truncate(limit);
    if backward {
        all.reverse();
    }
    let cursor = |entry: Option<&(String, Value)>| entry.map(|(id, _)| id.clone());
    let info = json!({
        "hasNextPage": more,
        "startCursor": cursor(all.first()),
        "endCursor": cursor(all.last()),
    });
    let values: Vec<Value> = all.into_iter().map(|(_, value)| value).collect();
    let data = if engine.legacy_metadata { json!({ name: values }) } else { Value::Array(values) };
    (200, json!({"data": data, "pageInfo": info, "totalCount": total}))
}

impl Engine {
    /// Changes the schema, and records with it, wholly or not at all.
    fn atomic_schema(&mut self, change: impl FnOnce(&mut Self) -> Result<Value, Problem>) -> Result<Value, Problem> {
        let before = self.schema.clone();
        let done = self.atomically(|engine| {
            let value = change(engine)?;
            engine.save_schema()?;
            Ok(value)
        });
        if done.is_err() {
            self.schema = before;
        }
        done
    }
}
