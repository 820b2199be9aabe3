//! Files of a destination.

use std::fmt;
use std::path::Path;

use super::{BoxFuture, Map};
use crate::LoadError;

/// Part of a destination that takes files, and reads them back.
pub trait Files: fmt::Debug + Send + Sync {
    /// The most bytes of a file of this name that a record of an object may hold; none where nobody knows.
    fn most_bytes(&self, object: &str, name: &str) -> Option<u64>;

    /// Uploads a file for a field of type `file` of one record that will be created or changed next. Each upload serves one record.
    fn upload<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>>;

    /// The file that a found record holds in a field of type `file`: read back whole and hashed. None where it holds none.
    fn stored_file<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>>;
}

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Uploaded {
    /// Values that are added to the body of the record that holds it.
    pub body: Map,
    /// `blake3:` and the hash of its bytes in hexadecimal.
    pub hash: String,
    /// Size of the file.
    pub bytes: u64,
}

/// A file that the destination holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The name that it is shown by.
    pub name: String,
    /// `blake3:` and the hash of its bytes in hexadecimal.
    pub hash: String,
    /// Size of the file.
    pub bytes: u64,
    /// Page that the bytes look like, where they may be an answer in place of the file.
    pub page: Option<AnsweredPage>,
}

/// Page that servers answer in place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredPage {
    /// A page, such as one to sign in.
    Html,
    /// An object, such as an error.
    Json,
}

impl AnsweredPage {
    /// By the first bytes.
    pub fn of(start: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
        match text {
            text if text.starts_with("<!doctype html") || text.starts_with("<html") => Some(Self::Html),
            text if text.starts_with('{') => Some(Self::Json),
            _ => None,
        }
    }
}

impl fmt::Display for AnsweredPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML page",
            Self::Json => "a JSON object",
        })
    }
}
