//! Lock of a journal's writer, and the seal that it notes beside the journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::JournalError;
use crate::seal::Seal;

/// The right to write, held as long as the file stays open. The system takes it back when the process ends, however it ends.
///
/// The file tells who holds it, and what the journal must hold at least.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: File,
    journal: PathBuf,
    holder: String,
    /// The journal was found to be what was written.
    is_sound: bool,
}

impl WriterLock {
    /// Takes the lock beside a journal; also gives what its last holder noted.
    pub(crate) fn take(journal: &Path) -> Result<(Self, Seal), JournalError> {
        let path = lock_path(journal);
        let failed = |source| JournalError::File { path: path.clone(), source };
        let mut file = private(&path).map_err(failed)?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut who = String::new();
                // What the holder wrote is only for the message.
                let _ = file.read_to_string(&mut who);
                let who = who.lines().next().filter(|who| !who.is_empty()).unwrap_or("process unknown").to_owned();
                return Err(JournalError::Busy { path: journal.to_owned(), who });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let holder = format!("process {} on {}", std::process::id(), host());
        Ok((Self { file, journal: journal.to_owned(), holder, is_sound: false }, Seal::read(&text)))
    }

    /// Forgets what the journal must hold: it gets another name. The right to write stays.
    pub(crate) fn forget_seal(&mut self) -> std::io::Result<()> {
        self.is_sound = false;
        self.file.set_len(0)
    }

    /// Notes what the journal holds now, which was found to be what was written. Where that fails, what was noted before is less, and still true.
    pub(crate) fn note(&mut self, seal: &Seal) {
        self.is_sound = true;
        let text = format!("{}\n{seal}", self.holder);
        let written = self.file.rewind().and_then(|()| self.file.write_all(text.as_bytes()));
        if written.is_ok() {
            let _ = self.file.set_len(text.len().try_into().unwrap_or(u64::MAX));
        }
    }
}

impl Drop for WriterLock {
    /// Seals a journal that is at rest. By now its connection is closed. One that was refused keeps the seal that it does not fit.
    fn drop(&mut self) {
        if !self.is_sound {
            return;
        }
        let mut text = String::new();
        if self.file.rewind().and_then(|()| self.file.read_to_string(&mut text)).is_ok()
            && let Some(closed) = Seal::read(&text).closed(&self.journal)
        {
            self.note(&closed);
        }
    }
}

/// Seal that the last writer of a journal noted beside it.
pub(crate) fn noted(journal: &Path) -> Seal {
    std::fs::read_to_string(lock_path(journal)).map_or_else(|_| Seal::default(), |text| Seal::read(&text))
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
