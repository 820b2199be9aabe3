//! Reading of a file that must not change meanwhile.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

/// State of a file, which tells it from another one without reading the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) bytes: u64,
    pub(crate) modified: Option<SystemTime>,
}

/// A file that is only read while it stands as it did when the export was opened: rows of two states are never mixed.
#[derive(Debug)]
pub(crate) struct Watched {
    file: File,
    path: PathBuf,
    stand: Stand,
}

/// Error of a file whose state changed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it changed or vanished while it was read; put it back as it was, leave it alone, and run again")]
struct Moved;

impl Watched {
    /// Opens a file that should stand so.
    pub(crate) fn open(path: &std::path::Path, stand: Stand) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, path: path.to_owned(), stand })
    }
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        // Looked at after reading: what was read before the look is of the state that it confirms.
        let now = fs::symlink_metadata(&self.path).ok().filter(fs::Metadata::is_file);
        let now = now.map(|found| Stand { bytes: found.len(), modified: found.modified().ok() });
        if now == Some(self.stand) { Ok(read) } else { Err(io::Error::other(Moved)) }
    }
}

impl Seek for Watched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
