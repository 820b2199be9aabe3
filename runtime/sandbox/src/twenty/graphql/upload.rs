//! Uploads through `/metadata`: in one multipart request, or by an address to put the bytes to.

use serde_json::{Value, json};

use super::{Refusal, Selection, select};
use crate::clock;
use crate::http::Part;
use crate::twenty::engine::Engine;
use crate::twenty::files::{self, LARGEST, StoredFile};
use crate::twenty::metadata;
use crate::twenty::problem::Problem;

/// Seconds for which an upload address is good.
const GOOD_FOR: i64 = 15 * 60;

/// The value of a root field that is about files.
pub(super) fn resolve(engine: &Engine, field: &Selection, parts: &[Part]) -> Result<Value, Refusal> {
    let text = |key: &str| field.arguments.get(key).and_then(Value::as_str).unwrap_or_default();
    let value = match (field.name.as_str(), engine.old()) {
        ("uploadFilesFieldFile", false) => {
            let part = form_file(parts)?;
            files::check(part.file_name.as_deref().unwrap_or_default(), &part.content)?;
            let file = keep(engine, part)?;
            shown(engine, &file)
        }
        ("uploadFile", true) => {
            let file = keep(engine, form_file(parts)?)?;
            let folder = text("fileFolder").to_lowercase();
            let path = format!("{folder}/{}{}", file.id, file.extension());
            json!({"path": path, "token": files::signature(&file.id)})
        }
        ("createFileUpload", false) => announce(engine, text("filename"), field.arguments.get("size"))?,
        ("completeFileUpload", false) => complete(engine, text("fileId"))?,
        _ => return Err(Refusal::unknown(field, "Mutation")),
    };
    select::pick(&value, &field.fields, "File")
}

fn form_file(parts: &[Part]) -> Result<&Part, Problem> {
    let missing = || Problem::bad_request("Variable \"$file\" of required type \"Upload!\" was not provided.");
    parts.iter().find(|part| part.file_name.is_some()).ok_or_else(missing)
}

fn keep(engine: &Engine, part: &Part) -> Result<StoredFile, Problem> {
    let name = part.file_name.as_deref().unwrap_or_default();
    let mime = part.mime.as_deref().unwrap_or("application/octet-stream");
    engine.keep_file(name, mime, Some(&part.content))
}

fn shown(engine: &Engine, file: &StoredFile) -> Value {
    json!({
        "id": file.id,
        "path": format!("files-field/{}/{}{}", metadata::application(false), file.id, file.extension()),
        "size": file.size,
        "createdAt": clock::now(),
        "url": files::address(&engine.base_url, &file.id),
    })
}

fn announce(engine: &Engine, name: &str, size: Option<&Value>) -> Result<Value, Problem> {
    let size = size.cloned().unwrap_or_default();
    if !size.as_u64().is_some_and(|size| (1..=LARGEST).contains(&size)) {
        let message = format!("Invalid file size {size} (max {LARGEST} bytes)");
        let problem = Problem::new(500, "InternalServerErrorException", message);
        return Err(problem.friend("The file is empty or exceeds the maximum allowed size."));
    }
    let file = engine.keep_file(name, "application/octet-stream", None)?;
    Ok(json!({
        "fileId": file.id,
        "uploadUrl": format!("{}/file-upload/{}?token={}", engine.base_url, file.id, files::signature(&file.id)),
        "contentType": "application/octet-stream",
        "expiresAt": clock::in_seconds(GOOD_FOR),
    }))
}

fn complete(engine: &Engine, id: &str) -> Result<Value, Problem> {
    engine.store.database().execute("UPDATE files SET complete = 1 WHERE id = ?1", [id])?;
    let file = engine.file(id)?.ok_or_else(|| Problem::bad_request(format!("File not found: {id}")))?;
    Ok(shown(engine, &file))
}
