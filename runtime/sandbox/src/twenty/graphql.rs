//! GraphQL, as far as a connector uses it: records on `/graphql`, metadata and uploads on `/metadata`.

use serde_json::{Map, Value, json};

use crate::http::{Body, Part, Request, Response};
use crate::twenty::auth::{self, Key};
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;

mod catalog;
mod records;
mod select;
mod syntax;
mod upload;

use syntax::{Operation, Selection, parse};

/// Why a document gets no data at all.
#[derive(Debug)]
enum Refusal {
    /// An error with the place of the field that it is about.
    At { message: String, line: usize, column: usize },
    /// An error that belongs to a root field, whose value is null.
    Failed(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl Refusal {
    fn unknown(field: &Selection, of: &str) -> Self {
        let hint = if field.name == "isCustom" && of == "Object" { " Did you mean \"isSystem\"?" } else { "" };
        let message = format!("Cannot query field \"{}\" on type \"{of}\".{hint}", field.name);
        Self::At { message, line: field.line, column: field.column }
    }
}

/// Answers `/graphql`.
pub(crate) fn serve(
    engine: &mut Engine,
    request: &Request,
    key: Key,
    take_token: impl Fn() -> Result<(), Problem>,
) -> Response {
    let body = run(request, engine, key, |engine, mutation, field, _| {
        take_token()?;
        records::resolve(engine, mutation, field)
    });
    Response::json(200, &body)
}

/// Answers `/metadata`.
pub(crate) fn serve_metadata(engine: &mut Engine, request: &Request, key: Key) -> Response {
    let body = run(request, engine, key, |engine, _, field, files| match field.name.as_str() {
        "objects" => catalog::objects(engine, field),
        "fields" => catalog::fields(engine, field),
        _ => upload::resolve(engine, field, files),
    });
    Response::json(200, &body)
}

fn run(
    request: &Request,
    engine: &mut Engine,
    key: Key,
    mut resolve: impl FnMut(&mut Engine, bool, &Selection, &[Part]) -> Result<Value, Refusal>,
) -> Value {
    let (document, files) = document(request);
    let mut variables = document.get("variables").and_then(Value::as_object).cloned().unwrap_or_default();
    variables.extend(uploads(files));
    let text = document.get("query").and_then(Value::as_str).unwrap_or_default();
    let name = document.get("operationName").and_then(Value::as_str);
    let operation = match parse(text, name, &variables) {
        Ok(operation) => operation,
        Err(message) => return json!({"errors": [{"message": message}]}),
    };
    if let Some(refused) = refuse_key(engine, &operation, key) {
        return refused;
    }
    if let Some(name) = repeated(&operation) {
        let message = format!("Duplicate root resolver: \"{name}\"");
        return json!({"data": {}, "errors": [{"message": message, "extensions": {"code": "BAD_USER_INPUT"}}]});
    }
    let mut data = Map::new();
    let mut errors = Vec::new();
    for field in &operation.fields {
        match resolve(engine, operation.mutation, field, files) {
            Ok(value) => {
                data.insert(field.alias.clone(), value);
            }
            Err(Refusal::Failed(problem)) => {
                data.insert(field.alias.clone(), Value::Null);
                errors.push(problem.graphql_error());
                if problem.status >= 500 {
                    return json!({"data": null, "errors": errors});
                }
            }
            Err(Refusal::At { message, line, column }) => {
                let place = json!({"line": line, "column": column});
                return json!({"errors": [{"message": message, "locations": [place]}]});
            }
        }
    }
    if errors.is_empty() { json!({ "data": data }) } else { json!({"data": data, "errors": errors}) }
}

/// The variables that files of a form stand for, as its map says.
fn uploads(parts: &[Part]) -> Map<String, Value> {
    let map = parts.iter().find(|part| part.name == "map");
    let map: Map<String, Value> = map.and_then(|part| serde_json::from_slice(&part.content).ok()).unwrap_or_default();
    let sent = map.iter().filter(|(file, _)| parts.iter().any(|part| part.name == **file));
    let paths = sent.flat_map(|(file, paths)| paths.as_array().into_iter().flatten().map(move |path| (file, path)));
    paths
        .filter_map(|(file, path)| {
            Some((path.as_str()?.strip_prefix("variables.")?.to_owned(), json!({ "upload": file })))
        })
        .collect()
}

/// The JSON document of a request, and the files beside it.
fn document(request: &Request) -> (Value, &[Part]) {
    match &request.body {
        Body::Bytes(bytes) => (serde_json::from_slice(bytes).unwrap_or_default(), &[]),
        Body::Parts(parts) => {
            let operations = parts.iter().find(|part| part.name == "operations");
            let document = operations.and_then(|part| serde_json::from_slice(&part.content).ok());
            (document.unwrap_or_default(), parts)
        }
        Body::TooLarge => (Value::Null, &[]),
    }
}

/// Without a key the schema is empty; a wrong key is told so.
fn refuse_key(engine: &Engine, operation: &Operation, key: Key) -> Option<Value> {
    match key {
        Key::Good => None,
        Key::Missing => {
            let field = operation.fields.first()?;
            let of = if operation.mutation { "Mutation" } else { "Query" };
            let message = format!("Cannot query field \"{}\" on type \"{of}\".", field.name);
            let place = json!({"line": field.line, "column": field.column});
            Some(json!({"errors": [{"message": message, "locations": [place]}]}))
        }
        Key::Wrong => {
            let friendly = json!({"id": "z+7x/s", "message": "You must be authenticated to perform this action."});
            let extensions =
                json!({"userFriendlyMessage": friendly, "subCode": "UNAUTHENTICATED", "code": "UNAUTHENTICATED"});
            let message = auth::wrong_message(engine.old());
            Some(json!({"errors": [{"message": message, "extensions": extensions}]}))
        }
    }
}

/// A mutation may not be repeated under aliases.
fn repeated(operation: &Operation) -> Option<&str> {
    if !operation.mutation {
        return None;
    }
    operation.fields.iter().enumerate().find_map(|(at, field)| {
        let again = operation.fields.iter().skip(at + 1).any(|other| other.name == field.name);
        again.then_some(field.name.as_str())
    })
}
