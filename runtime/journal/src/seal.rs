//! Seal that a writer notes beside its journal: how many entries there are at least, and the file's hash once it is
//! closed. An end that is missing and a byte that was changed are noticed by it.

use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use crate::chain::{self, ChainReport};
use crate::error::Attempt as _;
use crate::{JournalError, replay, schema};

/// Seal as it was noted; empty where none was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seal {
    /// Entries that were written, with the last one's hash.
    entries: Option<(i64, String)>,
    /// The hash of the closed file.
    file: Option<String>,
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((entries, head)) = &self.entries {
            writeln!(f, "entries {entries} {head}")?;
        }
        self.file.as_ref().map_or(Ok(()), |file| writeln!(f, "closed {file}"))
    }
}

impl Seal {
    /// Of a journal that is being written.
    pub(crate) fn of(entries: i64, head: &[u8; 32]) -> Self {
        Self { entries: Some((entries, chain::hex(head))), file: None }
    }

    /// Reads it out of the text beside a journal. A line that was cut off says nothing.
    pub(crate) fn read(text: &str) -> Self {
        let mut seal = Self::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["entries", entries, head] => {
                    seal.entries = entries.parse().ok().map(|entries| (entries, (*head).to_owned()));
                }
                ["closed", file] => seal.file = Some((*file).to_owned()),
                _ => {}
            }
        }
        seal
    }

    /// The same with the hash of the file, where that is all there is of the journal.
    pub(crate) fn closed(mut self, journal: &Path) -> Option<Self> {
        let mut name = journal.file_name()?.to_owned();
        name.push("-wal");
        if std::fs::metadata(journal.with_file_name(name)).is_ok_and(|wal| wal.len() > 0) {
            return None;
        }
        self.file = Some(hash(journal)?);
        Some(self)
    }

    /// Fails where something was written and nothing is there.
    pub(crate) fn check_presence(&self, journal: &Path) -> Result<(), JournalError> {
        let what = match std::fs::metadata(journal) {
            Ok(file) if file.len() > 0 => return Ok(()),
            Ok(_) => "it is empty",
            Err(_) => "it is gone",
        };
        self.check_unwritten(journal, what)
    }

    /// Fails where something was written; `what` became of it.
    pub(crate) fn check_unwritten(&self, journal: &Path, what: &str) -> Result<(), JournalError> {
        match &self.entries {
            Some((entries, _)) if *entries > 0 => Err(JournalError::Changed {
                path: journal.to_owned(),
                what: format!("{what}, and {entries} entries were written"),
            }),
            _ => Ok(()),
        }
    }

    /// True where the file is the one that was closed; none where it was not closed, or is being written.
    pub(crate) fn holds(&self, journal: &Path) -> Option<bool> {
        let file = self.file.as_ref()?;
        Some(hash(journal).as_ref() == Some(file))
    }

    /// Fails where a journal that is at rest is not what was written. One that is being written, or was not closed, is taken as it is.
    pub(crate) fn check_at_rest(&self, journal: &Path) -> Result<(), JournalError> {
        let is_current = || crate::lock::noted(journal) == *self;
        // Somebody may have begun to write, or moved it away, since: then another seal is there.
        if self.holds(journal) == Some(false) && is_current() {
            self.check_presence(journal)?;
            let what = "the file was changed since it was closed".to_owned();
            return Err(JournalError::Changed { path: journal.to_owned(), what });
        }
        Ok(())
    }

    /// Fails where the journal is not what was written. One that was not closed is read through.
    pub(crate) fn check(&self, connection: &Connection, journal: &Path) -> Result<(), JournalError> {
        let changed = |what: String| Err(JournalError::Changed { path: journal.to_owned(), what });
        match self.holds(journal) {
            Some(true) => return Ok(()),
            Some(false) => return changed("the file was changed since it was closed".to_owned()),
            None => {}
        }
        schema::check_format(connection, journal)?;
        let sound: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).attempting("read")?;
        if sound != "ok" {
            return changed(sound);
        }
        match chain::verify(connection)? {
            ChainReport::Broken { seq, why } => changed(format!("entry {seq}: {why}")),
            ChainReport::Whole { entries, .. } => match &self.entries {
                Some((noted, _)) if i64::try_from(entries).unwrap_or(i64::MAX) < *noted => {
                    changed(format!("its end is missing: {noted} entries were written, and {entries} are there"))
                }
                _ => replay::differs(connection)?.map_or(Ok(()), changed),
            },
        }
    }
}

/// The hash of a file, read piece by piece.
fn hash(path: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).ok()?).ok()?;
    Some(format!("blake3:{}", hasher.finalize().to_hex()))
}

#[cfg(test)]
mod tests;
