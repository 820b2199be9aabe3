//! Files, by either protocol.

use std::path::Path;
use std::time::SystemTime;

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Map as JsonMap, Value, json};
use tokio::io::AsyncReadExt;
use tokio::time::sleep;

use super::Twenty;
use super::live::{Version, text};
use super::unfit;
use migr_load::{
    AnsweredPage, BoxFuture, Call, CallError, Deleted, FormFile, Found, LoadError, Map, Payload, StoredFile, Uploaded,
    pause,
};

/// Larger files go in a request of their own, without the form around them.
const FORM: u64 = 10 * 1024 * 1024;
/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

impl migr_load::Files for Twenty {
    fn most_bytes(&self, _object: &str, _name: &str) -> Option<u64> {
        self.capabilities.file_bytes
    }

    fn upload<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        Box::pin(self.upload_file(object, field, path, name))
    }

    fn stored_file<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        Box::pin(self.read_file(object, field, found))
    }
}

impl Twenty {
    pub(super) async fn upload_file(
        &self,
        object: &str,
        field: &str,
        path: &Path,
        name: &str,
    ) -> Result<Uploaded, LoadError> {
        let live = self.live()?;
        let before = stand(path, name).await?;
        let (hash, bytes) = hashed(path, name).await?;
        if self.capabilities.file_bytes.is_some_and(|most| bytes > most) {
            let why = format!(
                "it has {bytes} bytes; the destination takes {}",
                self.capabilities.file_bytes.unwrap_or_default()
            );
            return Err(LoadError::File { path: name.to_owned(), why });
        }
        let body = match live.version {
            Version::Two => {
                let id = live.field(object, field)?.id.clone();
                let plain = self.plain(live.version, path, name).await?;
                let sent_as = plain.as_deref().unwrap_or(name);
                let file = if bytes <= FORM {
                    self.by_form(&id, path, sent_as, bytes).await?
                } else {
                    self.direct(&id, path, sent_as, bytes).await?
                };
                let mut body = JsonMap::new();
                body.insert(field.to_owned(), json!([{"fileId": file, "label": name}]));
                body
            }
            Version::One => self.by_folder(path, name, bytes).await?,
        };
        if stand(path, name).await? != before {
            let why = "it changed while it was sent; leave it alone, and try the record again".to_owned();
            return Err(LoadError::File { path: name.to_owned(), why });
        }
        Ok(Uploaded { body, hash, bytes })
    }

    /// The plain name that a file goes by, where it would be refused under its own and is sent all the same.
    async fn plain(&self, version: Version, path: &Path, name: &str) -> Result<Option<String>, LoadError> {
        if !self.renames {
            return Ok(None);
        }
        let failed = |error: std::io::Error| LoadError::File { path: name.to_owned(), why: error.to_string() };
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let mut start = Vec::with_capacity(crate::FILE_START);
        file.take(crate::FILE_START as u64).read_to_end(&mut start).await.map_err(failed)?;
        Ok(unfit::refusal(Some(version.name()), name, &start).map(|_| unfit::plain_name(name)))
    }

    async fn by_form(&self, field: &str, path: &Path, name: &str, bytes: u64) -> Result<String, LoadError> {
        const QUERY: &str = "mutation($file:Upload!,$fieldMetadataId:String!){uploadFilesFieldFile(file:$file,fieldMetadataId:$fieldMetadataId){id path size url}}";
        let operations = json!({"query": QUERY, "variables": {"file": null, "fieldMetadataId": field}});
        let data = self.form(operations, path, name, bytes).await?;
        let found = data.get("uploadFilesFieldFile").and_then(|file| text(file, "id")).map(str::to_owned);
        found.ok_or_else(|| unexpected("uploadFilesFieldFile gave no id"))
    }

    async fn by_folder(&self, path: &Path, name: &str, bytes: u64) -> Result<Map, LoadError> {
        const QUERY: &str =
            "mutation($file:Upload!,$fileFolder:FileFolder){uploadFile(file:$file,fileFolder:$fileFolder){path token}}";
        let operations = json!({"query": QUERY, "variables": {"file": null, "fileFolder": "Attachment"}});
        let data = self.form(operations, path, name, bytes).await?;
        let stored = data
            .get("uploadFile")
            .and_then(|file| text(file, "path"))
            .ok_or_else(|| unexpected("uploadFile gave no path"))?;
        let mut body = Map::new();
        body.insert("name".to_owned(), json!(name));
        body.insert("fullPath".to_owned(), json!(stored));
        body.insert("fileCategory".to_owned(), json!(kind(name).1));
        Ok(body)
    }

    async fn form(&self, operations: Value, path: &Path, name: &str, bytes: u64) -> Result<Value, LoadError> {
        let payload = Payload::Form {
            texts: vec![("operations", operations.to_string()), ("map", r#"{"0":["variables.file"]}"#.to_owned())],
            part: "0".to_owned(),
            file: FormFile::At(path),
            name,
            media: kind(name).0,
            bytes,
        };
        self.graphql(payload).await
    }

    async fn direct(&self, field: &str, path: &Path, name: &str, bytes: u64) -> Result<String, LoadError> {
        const START: &str = "mutation($filename:String!,$size:Float!,$fileFolder:FileFolder!,$field:String){createFileUpload(filename:$filename,size:$size,fileFolder:$fileFolder,fieldMetadataId:$field){fileId uploadUrl contentType}}";
        const END: &str = "mutation($id:String!){completeFileUpload(fileId:$id){id size}}";
        let start = json!({"query": START, "variables": {"filename": name, "size": bytes, "fileFolder": "FilesField", "field": field}});
        let data = self.graphql(Payload::Json(start.to_string().into())).await?;
        let place = data.get("createFileUpload").ok_or_else(|| unexpected("createFileUpload gave nothing"))?;
        let (Some(id), Some(address)) = (text(place, "fileId"), text(place, "uploadUrl")) else {
            return Err(unexpected("createFileUpload gave no place"));
        };
        let media = text(place, "contentType").unwrap_or("application/octet-stream").to_owned();
        let sent = self.http.put_file(address, &Payload::Bytes { file: path, media, bytes }).await;
        sent.map_err(|error| error.into_load_error("PUT of a file".to_owned()))?;
        let end = json!({"query": END, "variables": {"id": id}});
        self.graphql(Payload::Json(end.to_string().into())).await?;
        Ok(id.to_owned())
    }

    async fn graphql(&self, payload: Payload<'_>) -> Result<Value, LoadError> {
        // Three internal errors for one file, while the server answers others, are about the file.
        let call = Call::new(Method::POST, "/metadata", payload).unpaced().about_one("/rest/metadata/objects");
        let mut answer = self.http.call(&call).await.map_err(|error| error.into_load_error(call.name()))?;
        Ok(answer.get_mut("data").map(Value::take).unwrap_or_default())
    }

    pub(super) async fn read_file(
        &self,
        object: &str,
        field: &str,
        found: &Map,
    ) -> Result<Option<StoredFile>, LoadError> {
        let (name, address) = match self.live()?.version {
            Version::Two => {
                self.live()?.field(object, field)?;
                let Some(file) = found.get(field).and_then(|files| files.get(0)) else { return Ok(None) };
                (text(file, "label"), text(file, "url"))
            }
            Version::One => (found.get("name").and_then(Value::as_str), found.get("fullPath").and_then(Value::as_str)),
        };
        let Some(address) = address.filter(|address| !address.is_empty()) else { return Ok(None) };
        let options = self.http.options();
        let mut failures = 0;
        loop {
            let mut hash = blake3::Hasher::new();
            let mut bytes = 0_u64;
            let mut start = Vec::new();
            let read = self
                .http
                .read(address, &mut |piece| {
                    hash.update(piece);
                    start.extend(piece.iter().take(START.saturating_sub(start.len())));
                    bytes += u64::try_from(piece.len()).unwrap_or_default();
                })
                .await;
            match read {
                Ok(()) => {
                    let hash = format!("blake3:{}", hash.finalize().to_hex());
                    let (name, page) = (name.unwrap_or_default().to_owned(), AnsweredPage::of(&start));
                    return Ok(Some(StoredFile { name, hash, bytes, page }));
                }
                Err(CallError::Unknown { why, .. }) => {
                    failures += 1;
                    if failures >= options.attempts.max(1) {
                        let request = "GET of a file".to_owned();
                        return Err(LoadError::Unavailable { url: self.http.host(), request, attempts: failures, why });
                    }
                    sleep(pause(options, "file", failures)).await;
                }
                Err(error) => return Err(error.into_load_error("GET of a file".to_owned())),
            }
        }
    }
}

impl Twenty {
    /// Destroys records with their files: a delete of many leaves the bytes of all files but one, so each goes by itself. Then the files are asked for.
    pub(super) async fn destroy_with_files(&self, object: &str, field: &str, ids: &[String]) -> Result<(), LoadError> {
        let there = self.fetch_records(object, ids, Deleted::Both).await?;
        let address = |found: &Found| {
            let file = found.values.get(field)?.get(0)?;
            text(file, "url").map(str::to_owned)
        };
        let mut addresses = Vec::new();
        let mut plain = Vec::new();
        let mut calls = Vec::new();
        for found in &there {
            match address(found) {
                Some(address) => {
                    addresses.push(address);
                    calls.push(Call::new(Method::DELETE, format!("/rest/{object}/{}", found.id), Payload::Empty));
                }
                None => plain.push(found.id.clone()),
            }
        }
        let requests: Vec<_> = calls.iter().map(|call| self.http.call(call)).collect();
        let mut gone = stream::iter(requests).buffer_unordered(self.http.width().max(TOGETHER));
        let mut left = false;
        while let Some(answer) = gone.next().await {
            match answer {
                Ok(_) => {}
                Err(CallError::Refused { status: 404, .. }) => left = true,
                Err(error) => return Err(error.into_load_error(format!("DELETE /rest/{object}"))),
            }
        }
        if left {
            // What a single delete does not find in the trash a delete by filter does; the file is asked for below.
            plain.extend(there.iter().map(|found| found.id.clone()));
        }
        if !plain.is_empty() {
            self.destroy_in_bulk(object, &plain).await?;
        }
        let mut stored = 0_usize;
        for address in &addresses {
            if self.is_stored(address).await? {
                stored += 1;
            }
        }
        if stored == 0 {
            return Ok(());
        }
        let message = format!("{stored} of {} files are stored still, though their records are gone", addresses.len());
        Err(LoadError::Refused { request: "GET of a file".to_owned(), status: 200, message, code: None })
    }

    /// True where an address still gives a file; asked again, since the server may remove it a little later. An error where no answer tells.
    async fn is_stored(&self, address: &str) -> Result<bool, LoadError> {
        let options = self.http.options();
        let (mut given, mut unknown) = (0, 0);
        loop {
            match self.http.read(address, &mut |_| {}).await {
                Err(CallError::Refused { .. }) => return Ok(false),
                Err(CallError::Fatal(error)) => return Err(error),
                Ok(()) => given += 1,
                Err(CallError::Unknown { why, .. }) => {
                    unknown += 1;
                    if unknown >= options.attempts.max(1) {
                        let request = "GET of a file".to_owned();
                        return Err(LoadError::Unavailable { url: self.http.host(), request, attempts: unknown, why });
                    }
                }
            }
            if given >= ASKED {
                return Ok(true);
            }
            sleep(pause(options, "file", given + unknown)).await;
        }
    }
}

/// Deletes under way at the same time, where nothing says how many.
const TOGETHER: usize = 4;
/// Number of times that a file that should be gone is given before it is believed to be there.
const ASKED: u32 = 4;

/// Number of bytes that tell an answer from a file.
const START: usize = 64;

/// State of a file, which tells it from another one without reading the file.
async fn stand(path: &Path, name: &str) -> Result<(u64, Option<SystemTime>), LoadError> {
    let failed = |error: std::io::Error| LoadError::File { path: name.to_owned(), why: error.to_string() };
    let found = tokio::fs::metadata(path).await.map_err(failed)?;
    Ok((found.len(), found.modified().ok()))
}

/// A file's hash and size, read piece by piece.
async fn hashed(path: &Path, name: &str) -> Result<(String, u64), LoadError> {
    let failed = |error: std::io::Error| LoadError::File { path: name.to_owned(), why: error.to_string() };
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut piece = vec![0; PIECE];
    let mut hash = blake3::Hasher::new();
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece).await.map_err(failed)?;
        if read == 0 {
            return Ok((format!("blake3:{}", hash.finalize().to_hex()), bytes));
        }
        hash.update(piece.get(..read).unwrap_or_default());
        bytes += u64::try_from(read).unwrap_or_default();
    }
}

/// Media type, and category in 1.x, by the name's ending.
fn kind(name: &str) -> (&'static str, &'static str) {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "txt" | "md" | "log" => ("text/plain", "TEXT_DOCUMENT"),
        "pdf" => ("application/pdf", "TEXT_DOCUMENT"),
        "doc" => ("application/msword", "TEXT_DOCUMENT"),
        "docx" => ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "TEXT_DOCUMENT"),
        "rtf" => ("application/rtf", "TEXT_DOCUMENT"),
        "csv" => ("text/csv", "SPREADSHEET"),
        "xls" => ("application/vnd.ms-excel", "SPREADSHEET"),
        "xlsx" => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "SPREADSHEET"),
        "ppt" => ("application/vnd.ms-powerpoint", "PRESENTATION"),
        "pptx" => ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "PRESENTATION"),
        "png" => ("image/png", "IMAGE"),
        "jpg" | "jpeg" => ("image/jpeg", "IMAGE"),
        "gif" => ("image/gif", "IMAGE"),
        "webp" => ("image/webp", "IMAGE"),
        "tif" | "tiff" => ("image/tiff", "IMAGE"),
        "heic" => ("image/heic", "IMAGE"),
        "mp3" => ("audio/mpeg", "AUDIO"),
        "wav" => ("audio/wav", "AUDIO"),
        "m4a" => ("audio/mp4", "AUDIO"),
        "mp4" => ("video/mp4", "VIDEO"),
        "mov" => ("video/quicktime", "VIDEO"),
        "zip" => ("application/zip", "ARCHIVE"),
        "gz" => ("application/gzip", "ARCHIVE"),
        "json" => ("application/json", "OTHER"),
        "html" | "htm" => ("text/html", "OTHER"),
        _ => ("application/octet-stream", "OTHER"),
    }
}

fn unexpected(why: &str) -> LoadError {
    LoadError::Unexpected { request: "POST /metadata".to_owned(), why: why.to_owned() }
}
