//! Files: kept open until the record that holds them is made, since a file is sent and belongs to its record by one request.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::FileRule;
use migr_load::{
    AnsweredPage, BoxFuture, Call, CallError, FileFacts, FormFile, Found, LoadError, Map, Payload, Refusal, StoredFile,
    Uploaded, Written, pause,
};
use migr_plan::Destination;
use reqwest::Method;
use serde_json::{Value, json};

use super::HighLevel;
use super::api::{is_gone, list, outcome, text, unsent};
use super::found::{UNDER, both};
use super::kind::Kind;

/// Key of a file in a body of ours.
pub(super) const FILE: &str = "file";
/// Key of its place among the files that wait.
const STAGED: &str = "staged";
/// Keys of its name and its length.
const NAME: &str = "name";
const BYTES: &str = "bytes";
/// Endings of names of files that a contact's field takes.
const ENDINGS: [&str; 16] = [
    "pdf", "docx", "doc", "jpg", "jpeg", "png", "gif", "csv", "xlsx", "xls", "mp4", "mpeg", "zip", "rar", "txt", "svg",
];
/// The most bytes of a file in a contact's field.
const MOST_OF_FIELD: u64 = 50_000_000;
/// The most bytes of a file in the library.
const MOST_OF_LIBRARY: u64 = 25_000_000;
/// The most bytes of a video there.
const MOST_OF_VIDEO: u64 = 500_000_000;
/// Endings of names of videos.
const VIDEOS: [&str; 7] = ["avi", "m4v", "mkv", "mov", "mp4", "mpeg", "webm"];
/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;
/// Files of the library in one answer.
const LIBRARY: usize = 100;
/// Readings of one file, before it is given up.
const ATTEMPTS: u32 = 6;
/// Media type of a file whose kind nobody knows.
const UNKNOWN: &str = "application/octet-stream";

/// Files that wait for their records.
#[derive(Debug, Default)]
pub(super) struct Staged {
    next: AtomicU64,
    files: Mutex<HashMap<u64, Arc<Waiting>>>,
}

/// File that waits: open, so that it stays whatever becomes of its name.
#[derive(Debug)]
struct Waiting {
    file: File,
    name: String,
    bytes: u64,
    media: &'static str,
}

impl Staged {
    fn add(&self, waiting: Waiting) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::new(waiting));
        number
    }

    fn get(&self, number: u64) -> Option<Arc<Waiting>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// Closes a file that waits no more.
    fn close(&self, number: u64) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }
}

/// Treatment of files by the server, as far as their names tell.
#[derive(Debug)]
pub(super) struct Files;

impl FileFacts for Files {
    fn refusal(
        &self,
        _: &Destination,
        _: Option<&str>,
        object: Option<&str>,
        name: &str,
        start: &[u8],
    ) -> Option<String> {
        if start.is_empty() {
            return Some("it is empty".to_owned());
        }
        let ending = ending(name);
        let is_refused = object.map(Kind::of) == Some(Kind::ContactFiles) && !ENDINGS.contains(&ending.as_str());
        is_refused.then(|| format!("a contact's field takes no file whose name ends in \".{ending}\""))
    }

    fn most_bytes(&self, object: Option<&str>, name: &str) -> Option<u64> {
        let is_video = VIDEOS.contains(&ending(name).as_str());
        Some(match object.map(Kind::of) {
            Some(Kind::ContactFiles) => MOST_OF_FIELD,
            _ if is_video => MOST_OF_VIDEO,
            _ => MOST_OF_LIBRARY,
        })
    }

    fn is_rewritten(&self, _: &Destination, _: Option<&str>, _: &str) -> bool {
        false
    }

    fn plain_name(&self, _: &str) -> Option<String> {
        None
    }
}

/// Ending of a name, in small letters.
fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

/// Name and length of the file that goes with a body.
pub(super) fn sent_file(body: &Map) -> Option<(String, u64)> {
    let file = body.get(FILE)?;
    Some((text(file, NAME)?.to_owned(), file.get(BYTES)?.as_u64()?))
}

/// Opens a file and reads it once, for its hash, size and kind.
fn read(path: &Path, name: &str) -> Result<(Waiting, String), LoadError> {
    let fault = |why: String| LoadError::File { path: name.to_owned(), why };
    let mut file = File::open(path).map_err(|error| fault(error.to_string()))?;
    let mut hash = blake3::Hasher::new();
    let mut piece = vec![0; PIECE];
    let (mut bytes, mut media) = (0_u64, UNKNOWN);
    loop {
        let read = file.read(&mut piece).map_err(|error| fault(error.to_string()))?;
        let Some(part) = piece.get(..read).filter(|part| !part.is_empty()) else { break };
        if bytes == 0 {
            media = infer::get(part).map_or(UNKNOWN, |kind| kind.mime_type());
        }
        hash.update(part);
        bytes += part.len() as u64;
    }
    Ok((Waiting { file, name: name.to_owned(), bytes, media }, format!("blake3:{}", hash.finalize().to_hex())))
}

impl migr_load::Files for HighLevel {
    fn most_bytes(&self, object: &str, name: &str) -> Option<u64> {
        FileRule::new(&self.plan.destination, None).of(object).most(name, self.capabilities.file_bytes)
    }

    fn upload<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        Box::pin(self.stage_file(object, field, path, name))
    }

    fn stored_file<'a>(
        &'a self,
        _object: &'a str,
        field: &'a str,
        found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        Box::pin(self.read_file(field, found))
    }
}

impl HighLevel {
    /// Keeps a file open until its record is made.
    pub(super) async fn stage_file(
        &self,
        _object: &str,
        field: &str,
        path: &Path,
        name: &str,
    ) -> Result<Uploaded, LoadError> {
        let (path, named) = (path.to_owned(), name.to_owned());
        let read = tokio::task::spawn_blocking(move || read(&path, &named)).await;
        let fault = |why: String| LoadError::File { path: name.to_owned(), why };
        let (waiting, hash) = read.map_err(|error| fault(error.to_string()))??;
        let bytes = waiting.bytes;
        let number = self.staged.add(waiting);
        let body = Map::from_iter([(field.to_owned(), json!({STAGED: number, NAME: name, BYTES: bytes}))]);
        Ok(Uploaded { body, hash, bytes })
    }

    /// The id of the field that holds a contact's files.
    fn file_field(&self) -> Result<String, LoadError> {
        let live = self.live()?;
        let missing = || LoadError::Missing { what: "field of files of `contacts`".to_owned() };
        live.field("contactFiles", FILE).map(|field| field.id.clone()).ok_or_else(missing)
    }

    /// Sends a file to where it belongs. It is known by our own id there, or by the server's in the library.
    pub(super) async fn send_file(&self, kind: Kind, token: &str, values: &Map) -> Result<Written, LoadError> {
        let number = values.get(FILE).and_then(|file| file.get(STAGED)).and_then(Value::as_u64);
        let Some(waiting) = number.and_then(|number| self.staged.get(number)) else {
            return Ok(Written::Refused(Refusal::new(400, "the record has no file")));
        };
        let contact = values.get("contactId").and_then(Value::as_str).unwrap_or_default();
        let (path, part, texts) = match kind {
            Kind::Media => ("medias/upload-file", FILE.to_owned(), vec![("name", waiting.name.clone())]),
            _ => ("forms/upload-custom-files", format!("{}_{token}", self.file_field()?), Vec::new()),
        };
        let payload = Payload::Form {
            texts,
            part,
            file: FormFile::Open(&waiting.file),
            name: &waiting.name,
            media: waiting.media,
            bytes: waiting.bytes,
        };
        let mut call = Call::new(Method::POST, path, payload).once();
        if kind == Kind::ContactFiles {
            call.query = vec![("contactId", contact.to_owned()), self.here()];
        }
        let written = match self.send(call).await {
            Ok(_) if kind == Kind::ContactFiles => Ok(Written::Created { id: format!("{contact}{UNDER}{token}") }),
            Ok(answer) => Ok(match text(&answer, "fileId") {
                Some(id) => Written::Created { id: id.to_owned() },
                None => Written::Uncertain { why: "the answer names no file".to_owned(), is_answered: true },
            }),
            Err(error) => unsent(&error).map_or_else(|| outcome(error), |error| Ok(Written::Unsent(error))),
        }?;
        match (&written, number) {
            // It may have to be sent again.
            (Written::Uncertain { .. }, _) | (_, None) => {}
            (Written::Created { id }, Some(number)) => {
                self.knows(id);
                self.staged.close(number);
            }
            (_, Some(number)) => self.staged.close(number),
        }
        Ok(written)
    }

    /// A file of a contact, by both ids.
    pub(super) async fn fetch_file(&self, id: &str) -> Result<Option<Found>, LoadError> {
        let Some((contact, own)) = both(id) else { return Ok(None) };
        let path = format!("contacts/{contact}");
        let answer = match self.get(path.as_str(), Vec::new()).await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(error.into_load_error(format!("GET {path}"))),
        };
        let field = self.file_field()?;
        let fields = list(answer.get("contact").unwrap_or(&answer), &["customFields"]);
        let value = fields.iter().find(|known| text(known, "id") == Some(&field)).and_then(|known| known.get("value"));
        let file = value.and_then(|files| files.get(own)).cloned();
        Ok(file.map(|file| {
            let values = Map::from_iter([("contactId".to_owned(), Value::from(contact)), (FILE.to_owned(), file)]);
            Found { id: id.to_owned(), deleted: false, values }
        }))
    }

    /// Files of the library, by their ids: its list is read until all are found.
    pub(super) async fn fetch_medias(&self, ids: &[String]) -> Result<Vec<Found>, LoadError> {
        let mut found: Vec<Found> = Vec::with_capacity(ids.len());
        let mut offset = 0;
        while found.len() < ids.len() {
            let files = self.library_page(offset).await?;
            for file in &files {
                let own = text(file, "id").or_else(|| text(file, "_id"));
                let is_new = |own: &&str| !found.iter().any(|known| known.id == **own);
                let Some(id) = own.filter(|own| ids.iter().any(|id| id == own)).filter(is_new) else { continue };
                let values = Map::from_iter([(FILE.to_owned(), file.clone())]);
                found.push(Found { id: id.to_owned(), deleted: false, values });
            }
            offset += files.len();
            if files.len() < LIBRARY {
                break;
            }
        }
        Ok(found)
    }

    /// Every file of the library, the newest first.
    pub(super) async fn library(&self) -> Result<Vec<Value>, LoadError> {
        let mut all = Vec::new();
        loop {
            let files = self.library_page(all.len()).await?;
            let is_last = files.len() < LIBRARY;
            all.extend(files);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn library_page(&self, offset: usize) -> Result<Vec<Value>, LoadError> {
        let query = vec![
            ("offset", offset.to_string()),
            ("limit", LIBRARY.to_string()),
            ("sortBy", "createdAt".to_owned()),
            ("sortOrder", "desc".to_owned()),
            ("type", "file".to_owned()),
            ("altType", "location".to_owned()),
            ("altId", self.location.clone()),
        ];
        Ok(list(&self.read("medias/files", query).await?, &["files"]).to_vec())
    }

    /// A file that a record holds: read back whole and hashed.
    pub(super) async fn read_file(&self, field: &str, found: &Map) -> Result<Option<StoredFile>, LoadError> {
        let Some(file) = found.get(field) else { return Ok(None) };
        let meta = file.get("meta").unwrap_or(file);
        let name = text(meta, "originalname").or_else(|| text(file, "name")).unwrap_or_default().to_owned();
        let Some(url) = text(file, "url") else { return Ok(None) };
        let (mut hash, mut bytes, mut start);
        let mut attempt = 0;
        loop {
            (hash, bytes, start) = (blake3::Hasher::new(), 0_u64, Vec::new());
            let mut each = |part: &[u8]| {
                if start.len() < crate::FILE_START {
                    start.extend_from_slice(part);
                }
                hash.update(part);
                bytes += part.len() as u64;
            };
            attempt += 1;
            match self.http.read(url, &mut each).await {
                Ok(()) => break,
                Err(CallError::Refused { status: 404 | 410, .. }) => return Ok(None),
                // Reading once more changes nothing.
                Err(CallError::Unknown { .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(pause(self.http.options(), url, attempt)).await;
                }
                Err(error) => return Err(error.into_load_error("GET a file".to_owned())),
            }
        }
        let page = AnsweredPage::of(&start);
        Ok(Some(StoredFile { name, hash: format!("blake3:{}", hash.finalize().to_hex()), bytes, page }))
    }
}
