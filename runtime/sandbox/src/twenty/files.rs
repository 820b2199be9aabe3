//! Uploaded files: their bytes, their signed addresses, and the FILES fields that name them.

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::{Body, Request, Response};
use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Field, Kind, Object};
use crate::twenty::values::inspect;

mod content;

pub(crate) use content::check;

/// The largest direct upload, in bytes.
pub(crate) const LARGEST: u64 = 1_073_741_824;

/// File as it is known without its bytes.
#[derive(Debug)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) complete: bool,
    pub(crate) attached: bool,
}

impl StoredFile {
    /// `.txt` of `hello.txt`.
    pub(crate) fn extension(&self) -> String {
        self.name.rsplit_once('.').map(|(_, extension)| format!(".{extension}")).unwrap_or_default()
    }
}

/// The word in a signed address; it proves that the address came from this server.
pub(crate) fn signature(id: &str) -> String {
    blake3::hash(format!("sandbox-file/{id}").as_bytes()).to_hex().chars().take(32).collect()
}

/// The address to download a file from.
pub(crate) fn address(base: &str, id: &str) -> String {
    format!("{base}/file/files-field/{id}?token={}", signature(id))
}

impl Engine {
    /// Keeps a file; without bytes it waits for its upload.
    pub(crate) fn keep_file(&self, name: &str, mime: &str, content: Option<&[u8]>) -> Result<StoredFile, Problem> {
        let id = Uuid::new_v4().to_string();
        let bytes = content::kept(name, content.unwrap_or_default());
        let size = u64::try_from(bytes.len()).unwrap_or_default();
        let values =
            params![id, name, mime, i64::try_from(size).unwrap_or_default(), content.is_some(), bytes.as_ref()];
        self.store.database().execute("INSERT INTO files VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)", values)?;
        Ok(StoredFile { id, name: name.to_owned(), size, complete: content.is_some(), attached: false })
    }

    /// The file of this id.
    pub(crate) fn file(&self, id: &str) -> Result<Option<StoredFile>, Problem> {
        let sql = "SELECT id, name, size, complete, attached FROM files WHERE id = ?1";
        let read = |found: &rusqlite::Row<'_>| {
            let size: i64 = found.get(2)?;
            Ok(StoredFile {
                id: found.get(0)?,
                name: found.get(1)?,
                size: u64::try_from(size).unwrap_or_default(),
                complete: found.get(3)?,
                attached: found.get(4)?,
            })
        };
        Ok(self.store.database().query_row(sql, [id], read).optional()?)
    }

    /// Checks a FILES value and keeps of it what does not change.
    pub(crate) fn read_files(&self, field: &Field, value: &Value, creating: bool) -> Result<Value, Problem> {
        let name = &field.name;
        let items = match value {
            Value::Null => return Ok(Value::Null),
            Value::Array(items) => items,
            other => {
                let message = format!("Invalid value {} for files field \"{name}\"", inspect(other));
                return Err(Problem::invalid(message));
            }
        };
        let most = field.settings.as_ref().and_then(|settings| settings.get("maxNumberOfValues")?.as_u64());
        if let Some(most) = most.filter(|most| u64::try_from(items.len()).is_ok_and(|count| count > *most)) {
            return Err(Problem::invalid(format!("Max number of files is {most} for field \"{name}\"")));
        }
        let mut kept = Vec::new();
        for item in items {
            let id = item.get("fileId").and_then(Value::as_str).unwrap_or_default();
            let found = self.file(id)?.filter(|file| file.complete);
            let file = found.ok_or_else(|| Problem::bad_request(format!("File not found: {id}")))?;
            if file.attached && creating {
                let message = format!("File {id} is already associated with a permanent files field");
                return Err(Problem::bad_request(message));
            }
            let label = item.get("label").and_then(Value::as_str).unwrap_or(&file.name);
            kept.push(json!({"label": label, "fileId": id, "extension": file.extension()}));
        }
        Ok(if kept.is_empty() { Value::Null } else { Value::Array(kept) })
    }

    /// Removes the bytes of a record's files; gives how many there were.
    pub(crate) fn drop_files(&self, object: &Object, row: &Row) -> Result<usize, Problem> {
        let mut gone = 0;
        for field in object.fields.iter().filter(|field| field.kind == Kind::Files) {
            for item in row.body.get(&field.name).and_then(Value::as_array).into_iter().flatten() {
                let id = item.get("fileId").and_then(Value::as_str).unwrap_or_default();
                gone += self.store.database().execute("DELETE FROM files WHERE id = ?1", [id])?;
            }
        }
        Ok(gone)
    }

    /// Number of files that are stored.
    pub(crate) fn count_files(&self) -> rusqlite::Result<u64> {
        let count =
            self.store.database().query_row("SELECT count(*) FROM files", [], |found| found.get::<_, i64>(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Notes that the files of a record are in use.
    pub(crate) fn attach_files(&self, object: &Object, row: &Row) -> Result<(), Problem> {
        for field in object.fields.iter().filter(|field| field.kind == Kind::Files) {
            for item in row.body.get(&field.name).and_then(Value::as_array).into_iter().flatten() {
                let id = item.get("fileId").and_then(Value::as_str).unwrap_or_default();
                self.store.database().execute("UPDATE files SET attached = 1 WHERE id = ?1", [id])?;
            }
        }
        Ok(())
    }
}

/// Answers `/file/…`, `/files/…` and `/file-upload/…`, which need a signature and no key.
pub(crate) fn serve(engine: &mut Engine, request: &Request) -> Response {
    let segments = request.segments();
    let token = request.param("token").unwrap_or_default();
    let (id, given) = match segments.as_slice() {
        ["file", _, id] | ["file-upload", id] => (*id, token),
        ["files", _, token, name] => (name.split('.').next().unwrap_or_default(), *token),
        _ => return missing(request),
    };
    if given != signature(id) {
        let body = json!({"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403});
        return Response::json(403, &body);
    }
    let done = match request.method.as_str() {
        "PUT" => upload(engine, id, request),
        _ => download(engine, id),
    };
    match done {
        Ok(Some(response)) => response,
        Ok(None) => missing(request),
        Err(problem) => problem.into(),
    }
}

fn missing(request: &Request) -> Response {
    let message = format!("Cannot {} {}", request.method, request.target);
    Response::json(404, &json!({"message": message, "error": "Not Found", "statusCode": 404}))
}

fn upload(engine: &Engine, id: &str, request: &Request) -> Result<Option<Response>, Problem> {
    let Body::Bytes(bytes) = &request.body else { return Ok(None) };
    let size = i64::try_from(bytes.len()).unwrap_or_default();
    let sql = "UPDATE files SET content = ?2, size = ?3 WHERE id = ?1";
    let changed = engine.store.database().execute(sql, params![id, bytes, size])?;
    Ok((changed == 1).then(|| Response::empty(204)))
}

fn download(engine: &Engine, id: &str) -> Result<Option<Response>, Problem> {
    let sql = "SELECT content FROM files WHERE id = ?1";
    let content = engine.store.database().query_row(sql, [id], |found| found.get(0)).optional()?;
    Ok(content.map(|body| Response::of(200, "application/octet-stream", body)))
}
