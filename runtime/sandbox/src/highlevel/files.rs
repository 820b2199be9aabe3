//! Files: the library, and those in a contact's fields. Each place has its own limits.

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value, json};

use crate::highlevel::call::{Call, text};
use crate::highlevel::contacts;
use crate::highlevel::refusal::{Answer, Refusal};
use crate::highlevel::routes::at;
use crate::highlevel::shapes;
use crate::highlevel::state::State;
use crate::http::{Part, Request, Response};
use crate::store::Row;

const MIB: usize = 1024 * 1024;
/// Largest file of the library, and largest video there.
const LIBRARY: usize = 25 * MIB;
const VIDEO: usize = 500 * MIB;
/// Largest file of a contact's field.
const FIELD: usize = 50 * MIB;
/// Endings that a contact's field takes.
const ENDINGS: [&str; 16] = [
    "pdf", "docx", "doc", "jpg", "jpeg", "png", "gif", "csv", "xlsx", "xls", "mp4", "mpeg", "zip", "rar", "txt", "svg",
];
const VIDEOS: [&str; 7] = ["mp4", "mpeg", "mov", "avi", "webm", "mkv", "m4v"];

fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

/// Keeps the bytes under an id.
fn keep(state: &State, id: &str, name: &str, part: &Part) -> Result<String, Refusal> {
    let mime = part.mime.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
    let size = i64::try_from(part.content.len()).unwrap_or(i64::MAX);
    let values = params![id, name, mime, size, part.content];
    state.store.database().execute("INSERT INTO files VALUES (?1, ?2, ?3, ?4, 1, 1, ?5)", values)?;
    Ok(format!("{}/documents/{id}", state.base_url))
}

/// Answers the bytes of a file to whoever has its address.
pub(crate) fn document(state: &State, request: &Request) -> Result<Response, Refusal> {
    let id = request.path.trim_start_matches("/documents/");
    let sql = "SELECT content FROM files WHERE id = ?1";
    let content: Option<Vec<u8>> = state.store.database().query_row(sql, [id], |found| found.get(0)).optional()?;
    let content = content.ok_or_else(|| Refusal::unknown("Document", id).with_status(404))?;
    Ok(Response::of(200, "application/octet-stream", content))
}

/// Puts a file into the library, or the address of one.
pub(crate) fn upload(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let parts = call.parts();
    let word = |name: &str| {
        let part = parts.iter().find(|part| part.name == name && part.file_name.is_none());
        part.map(|part| String::from_utf8_lossy(&part.content).into_owned()).filter(|word| !word.is_empty())
    };
    if let Some(odd) =
        parts.iter().find(|part| !["file", "hosted", "fileUrl", "name", "parentId"].contains(&part.name.as_str()))
    {
        return Err(Refusal::invalid(format!("property {} should not exist", odd.name)));
    }
    let id = state.new_id("media")?;
    let (name, size, url) = if word("hosted").as_deref() == Some("true") {
        let url = word("fileUrl").ok_or_else(|| Refusal::bad("fileUrl is required for hosted files"))?;
        let own = url.rsplit('/').next().unwrap_or_default().to_owned();
        (word("name").unwrap_or(own), 0, url)
    } else {
        let file = parts.iter().find(|part| part.name == "file").ok_or_else(|| Refusal::bad("file is required"))?;
        let name = word("name").or_else(|| file.file_name.clone()).unwrap_or_default();
        let endings = [ending(&name), file.file_name.as_deref().map(ending).unwrap_or_default()];
        let is_video = file.mime.as_deref().is_some_and(|mime| mime.starts_with("video/"))
            || endings.iter().any(|ending| VIDEOS.contains(&ending.as_str()));
        let most = if is_video { VIDEO } else { LIBRARY };
        if file.content.len() > most {
            return Err(
                Refusal::bad(format!("The file is larger than the maximum of {} MB", most / MIB)).with_status(413)
            );
        }
        let url = keep(state, &id, &name, file)?;
        (name, file.content.len(), url)
    };
    let body = json!({"name": name, "size": size, "url": url, "parentId": word("parentId")});
    state.create_as("media", id.clone(), body.as_object().cloned().unwrap_or_default())?;
    Ok((200, json!({"fileId": id, "url": url})))
}

/// Lists the files of the library.
pub(crate) fn list(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    for name in ["altType", "altId", "type", "sortBy", "sortOrder"] {
        call.needed(name)?;
    }
    let (limit, skip) = (call.number("limit", 20, 1_000)?, call.number("offset", 0, usize::MAX)?);
    let query = call.param("query").map(str::to_lowercase);
    let fits = |row: &&Row| {
        query
            .as_ref()
            .is_none_or(|query| text(&row.body, "name").is_some_and(|name| name.to_lowercase().contains(query)))
            && row.body.get("trashed") != Some(&true.into())
    };
    let mut rows: Vec<Row> = state.all("media")?.into_iter().filter(|row| fits(&row)).collect();
    if call.param("sortOrder") == Some("desc") {
        rows.reverse();
    }
    if call.param("type") == Some("folder") {
        rows.clear();
    }
    let shown = |row: &Row| {
        json!({
            "_id": row.id, "id": row.id, "altId": state.location, "altType": "location", "name": row.body.get("name"),
            "parentId": row.body.get("parentId"), "url": row.body.get("url"), "size": row.body.get("size"), "type": "file",
            "createdAt": row.created, "updatedAt": row.updated,
        })
    };
    Ok((200, json!({"files": rows.iter().skip(skip).take(limit).map(shown).collect::<Vec<_>>(), "total": rows.len()})))
}

fn remove(state: &State, id: &str) -> Result<(), Refusal> {
    let row = state.found("media", "File", id)?;
    state.store.database().execute("DELETE FROM files WHERE id = ?1", [id])?;
    state.remove("media", &row)
}

/// Deletes a file of the library.
pub(crate) fn delete(state: &State, call: &Call<'_>, ids: &[&str]) -> Answer {
    call.needed("altType")?;
    call.needed("altId")?;
    remove(state, at(ids, 0))?;
    Ok((200, json!({"success": true})))
}

/// Deletes files of the library, or puts them into its trash.
pub(crate) fn delete_many(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    let input = call.checked(shapes::DELETE_FILES)?;
    let named = input.get("filesToBeDeleted").and_then(Value::as_array).into_iter().flatten();
    for id in named.filter_map(|file| file.get("_id").and_then(Value::as_str)) {
        if input.get("status") == Some(&"trashed".into()) {
            let mut row = state.found("media", "File", id)?;
            row.body.insert("trashed".into(), true.into());
            state.save("media", &mut row)?;
        } else {
            remove(state, id)?;
        }
    }
    Ok((200, json!({"success": true})))
}

/// Puts files into the fields of a contact: the one way to fill them. Each part is named by the field's id and an id of the sender's.
pub(crate) fn upload_to_fields(state: &State, call: &Call<'_>, _: &[&str]) -> Answer {
    call.needed("locationId")?;
    let mut contact = state.found("contact", "Contact", call.needed("contactId")?)?;
    if call.parts().is_empty() {
        return Err(Refusal::bad("No file was sent"));
    }
    for part in call.parts() {
        let (field, own) = part.name.split_once('_').unwrap_or((part.name.as_str(), ""));
        let name = part.file_name.clone().unwrap_or_default();
        let found = state.get("customField", field)?;
        let field = found.filter(|row| {
            text(&row.body, "dataType") == Some("FILE_UPLOAD") && text(&row.body, "model") == Some("contact")
        });
        let field = field.ok_or_else(|| Refusal::bad(format!("{} names no file field of contacts", part.name)))?;
        if own.is_empty() {
            return Err(Refusal::bad(format!("{} must be of the form <custom_field_id>_<file_id>", part.name)));
        }
        if !ENDINGS.contains(&ending(&name).as_str()) {
            return Err(Refusal::bad(format!("Files of the type .{} are not allowed", ending(&name))));
        }
        if part.content.len() > FIELD {
            return Err(
                Refusal::bad(format!("The file is larger than the maximum of {} MB", FIELD / MIB)).with_status(413)
            );
        }
        let id = state.new_id("document")?;
        let url = keep(state, &id, &name, part)?;
        state.store.link("file.contact", &contact.id, &id)?;
        let fields = contact.body.entry("customFields").or_insert_with(|| json!({}));
        let held = fields.get(&field.id).and_then(Value::as_object).cloned().unwrap_or_default();
        let many = field.body.get("isMultipleFile") == Some(&true.into());
        let mut files = if many { held } else { Map::new() };
        files.insert(own.to_owned(), json!({
            "meta": {
                "fieldname": part.name, "originalname": name, "encoding": "7bit", "mimetype": part.mime, "size": part.content.len(),
                "uuid": own,
            },
            "url": url, "documentId": id,
        }));
        let most = field.body.get("maxNumberOfFiles").and_then(Value::as_u64).filter(|_| many);
        if most.is_some_and(|most| files.len() as u64 > most) {
            return Err(Refusal::bad(format!("{} takes no more files", text(&field.body, "name").unwrap_or_default())));
        }
        if let Some(fields) = fields.as_object_mut() {
            fields.insert(field.id.clone(), Value::Object(files));
        }
    }
    state.save("contact", &mut contact)?;
    Ok((200, json!({"contact": contacts::shown(state, &contact, false)})))
}
