//! Access to files, and files in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Access to files. The program implements it over the disk, tests over memory, an editor over unsaved buffers.
pub trait System {
    /// The text of a file. Paths use `/` and are relative to the project folder.
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError>;
    /// The `.migr` files of a folder, sorted by name, as paths that [`System::read`] takes. The empty path is the project folder.
    fn migr_files(&self, folder: &str) -> Result<Vec<String>, SystemError>;
    /// True where there is such a file.
    fn exists(&self, path: &str) -> bool;
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemError {
    /// The path asked for.
    pub path: String,
    /// Why, in the words of the operating system.
    pub reason: String,
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`: {}", self.path, self.reason)
    }
}

impl std::error::Error for SystemError {}

/// Files in memory, for tests and for editors' unsaved buffers.
#[derive(Clone, Debug, Default)]
pub struct MemorySystem {
    files: BTreeMap<String, Arc<str>>,
}

impl MemorySystem {
    /// Puts a file in, replacing one of the same path.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl System for MemorySystem {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| SystemError { path: path.to_owned(), reason: "no such file".to_owned() })
    }

    fn migr_files(&self, folder: &str) -> Result<Vec<String>, SystemError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let inside = |path: &&String| {
            path.strip_prefix(&prefix).is_some_and(|rest| {
                !rest.contains('/')
                    && std::path::Path::new(rest).extension().is_some_and(|extension| extension == "migr")
            })
        };
        Ok(self.files.keys().filter(inside).cloned().collect())
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}
