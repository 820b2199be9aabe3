use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::JournalError;

/// The right to write, held as long as the file stays open. The system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock beside a journal.
    pub(crate) fn take(journal: &Path) -> Result<Self, JournalError> {
        let path = lock_path(journal);
        let failed = |source| JournalError::File { path: path.clone(), source };
        let mut file = private(&path).map_err(failed)?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut who = String::new();
                // What the holder wrote is only for the message.
                let _ = file.read_to_string(&mut who);
                let who = if who.trim().is_empty() { "process unknown".to_owned() } else { who.trim().to_owned() };
                return Err(JournalError::Busy { path: journal.to_owned(), who });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "process {} on {}", std::process::id(), host()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Tries for a fifth of a second: a writer that has just ended may be held open a moment longer by a process that was being started.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..20 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            settled => return settled,
        }
    }
    file.try_lock()
}

fn lock_path(journal: &Path) -> PathBuf {
    let mut name = journal.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    journal.with_file_name(name)
}

/// Opens a file for reading and writing that its owner alone can read, making it where it is missing.
pub(crate) fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this machine".to_owned(), |name| name.trim().to_owned())
}
