//! The files of a project folder, as the compiler reads them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use migr_source::{System, SystemError};

use crate::trusted::{self, LARGEST_SPEC};

/// The files of a project folder.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    root: PathBuf,
}

impl Disk {
    /// Files below `root`; the empty path is the current folder.
    pub(crate) fn new(root: &Path) -> Self {
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root.to_owned() };
        Self { root }
    }
}

impl System for Disk {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        let failed = |reason: String| SystemError { path: path.to_owned(), reason };
        let bytes = trusted::read(&self.root, Path::new(path), LARGEST_SPEC).map_err(failed)?;
        let text = text(bytes).map_err(failed)?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).into())
    }

    fn migr_files(&self, folder: &str) -> Result<Vec<String>, SystemError> {
        let failed = |error: std::io::Error| SystemError { path: folder.to_owned(), reason: error.to_string() };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.root.join(folder)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_migr = Path::new(&name).extension().is_some_and(|extension| extension == "migr");
            // A link is listed too, so that it is told why it is not read.
            if is_migr && entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
                files.push(if folder.is_empty() { name } else { format!("{folder}/{name}") });
            }
        }
        files.sort();
        Ok(files)
    }

    fn exists(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }
}

/// The text that a file's bytes are, or why they are none.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 text (byte {})", error.utf8_error().valid_up_to() + 1))
}
