//! Moving a journal that is through out of the way.

use std::path::{Path, PathBuf};

use crate::JournalError;
use crate::error::Attempt as _;
use crate::writer::Journal;

/// Files that SQLite keeps beside a journal, and the journal itself at last: after a crash in between it is still there.
const PARTS: [&str; 3] = ["-wal", "-shm", ""];

impl Journal {
    /// Closes the journal and gives it a name under which no run finds it, such as `journal.db.rolled-back-1`. The right to write is held until that name
    /// stands, so that no other run begins in between.
    pub fn set_aside(self) -> Result<PathBuf, JournalError> {
        let (connection, path, mut lock) = self.into_parts();
        connection.close().map_err(|(_, error)| error).attempting("closed")?;
        let aside = free_name(&path);
        lock.forget_seal().map_err(|source| JournalError::File { path: path.clone(), source })?;
        for part in PARTS {
            let from = with_ending(&path, part);
            if from.exists() {
                std::fs::rename(&from, with_ending(&aside, part))
                    .map_err(|source| JournalError::File { path: from, source })?;
            }
        }
        drop(lock);
        Ok(aside)
    }
}

fn free_name(path: &Path) -> PathBuf {
    let mut number = 1_u32;
    loop {
        let name = with_ending(path, &format!(".rolled-back-{number}"));
        if !name.exists() {
            return name;
        }
        number += 1;
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
