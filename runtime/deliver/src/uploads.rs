//! Files that go with records: where they are, and how they are sent.

use std::path::{Path, PathBuf};

use migr_decide::upload::{Upload, UploadFrom};
use migr_load::{FetchError, LinkFetcher, LoadError, Uploaded};
use migr_plan::OnMissing;

use crate::{FileFate, InProcess, Unit, Uploads};
use migr_decide::hashing::file_hash;

/// Fetcher of links, with the folder that its files go to.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) fetcher: LinkFetcher,
    pub(crate) folder: PathBuf,
}

/// Why a file was not sent.
enum NotSent {
    /// Reason that concerns every record.
    Stop(LoadError),
    /// Reason that may pass: the file may be sent another time.
    Now(String),
    /// Reason that stays the same at every attempt.
    For(String),
}

impl From<LoadError> for NotSent {
    fn from(error: LoadError) -> Self {
        match error {
            error if error.stops_the_run() => Self::Stop(error),
            // The same file is refused each time.
            LoadError::Refused { message, .. } => Self::For(format!("the destination refuses it: {message}")),
            error => Self::Now(error.to_string()),
        }
    }
}

impl From<FetchError> for NotSent {
    fn from(error: FetchError) -> Self {
        if error.may_pass() { Self::Now(error.to_string()) } else { Self::For(error.to_string()) }
    }
}

/// A file is what an audit found it to be.
async fn unchanged(path: &Path, audited: &str) -> Result<(), NotSent> {
    let owned = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || file_hash(&owned)).await;
    match hashed {
        Ok(Ok((hash, _))) if hash == audited => Ok(()),
        Ok(Ok(_)) => Err(NotSent::Now(
            "the file is no longer what the audit found; run `migr audit` again to take it as it is now, or put the old one back".to_owned(),
        )),
        Ok(Err(error)) => Err(NotSent::Now(format!("the file cannot be read: {error}"))),
        Err(error) => Err(NotSent::Now(format!("the file cannot be read: {error}"))),
    }
}

impl InProcess {
    /// A record whose file is refused is not sent, unless a rule lets it go without.
    pub(crate) async fn send_files(&self, mut unit: Unit) -> Result<Uploads, LoadError> {
        let records = std::mem::take(&mut unit.records);
        let (mut positions, mut refused, mut files) = (Vec::with_capacity(records.len()), Vec::new(), Vec::new());
        for (position, mut record) in records.into_iter().enumerate() {
            let mut refusal = None;
            for (number, upload) in std::mem::take(&mut record.uploads).into_iter().enumerate() {
                let place = format!("fetched-{}-{position}-{number}", unit.batch);
                let sent = match self.send(&unit.object, &upload, &place).await {
                    Ok(uploaded) => {
                        record.body.extend(uploaded.body);
                        Ok((uploaded.hash, uploaded.bytes))
                    }
                    Err(NotSent::Stop(error)) => return Err(error),
                    Err(NotSent::For(why)) if upload.missing == OnMissing::None => Err(why),
                    Err(NotSent::For(why) | NotSent::Now(why)) => {
                        refusal = Some(format!("{}: {why}", upload.field));
                        Err(why)
                    }
                };
                files.push((position, FileFate { field: upload.field, column: upload.column, sent }));
            }
            if let Some(refusal) = refusal {
                refused.push((position, refusal));
            } else {
                positions.push(position);
                unit.records.push(record);
            }
        }
        Ok(Uploads { unit, positions, refused, files })
    }

    /// Sends a file.
    async fn send(&self, object: &str, upload: &Upload, place: &str) -> Result<Uploaded, NotSent> {
        match &upload.from {
            UploadFrom::Export { path, audited } => {
                if let Some(audited) = audited {
                    unchanged(path, audited).await?;
                }
                Ok(self.destination.upload(object, &upload.field, path, &upload.name).await?)
            }
            UploadFrom::Link { url } => {
                let links =
                    self.links.as_ref().ok_or_else(|| NotSent::For("links are not followed here".to_owned()))?;
                let path = links.folder.join(place);
                let most = self.destination.most_bytes(object, &upload.name).unwrap_or(u64::MAX);
                links.fetcher.fetch(url, &upload.name, &path, most).await?;
                let sent = self.destination.upload(object, &upload.field, &path, &upload.name).await;
                if let Err(error) = tokio::fs::remove_file(&path).await {
                    tracing::debug!(%error, "a fetched file is not removed");
                }
                Ok(sent?)
            }
        }
    }
}
