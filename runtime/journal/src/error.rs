//! Errors of a journal.

use std::path::PathBuf;

/// Advice for a journal that cannot be trusted.
const WAY_ON: &str = "Put it back from a backup, with the `.lock` file beside it. Without one, move both away to begin anew: records that were written before are found by their ids, and not doubled; but what they held before is known to the old file alone";

/// Error of a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// SQLite refused.
    #[error("the journal cannot be {what}: {source}")]
    Sqlite {
        /// Action that was attempted, as a participle: `opened`, `written`.
        what: &'static str,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// No room on the disk, or the disk refuses to be written.
    #[error(
        "the journal cannot be {what}: {reason}. Make room on its disk and run the same command again: it goes on where it stopped, and what was sent is known"
    )]
    Disk {
        /// Action that was attempted, as a participle.
        what: &'static str,
        /// SQLite's answer.
        reason: String,
    },
    /// SQLite says that the file is damaged.
    #[error("the journal cannot be {what}: {reason}. {WAY_ON}")]
    Damaged {
        /// Action that was attempted, as a participle.
        what: &'static str,
        /// SQLite's answer.
        reason: String,
    },
    /// The journal is not what was written.
    #[error("{}: the journal is not what was written: {what}. {WAY_ON}", path.display())]
    Changed {
        /// Which journal.
        path: PathBuf,
        /// Fault of the journal.
        what: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There is no journal yet.
    #[error("{}: there is no journal yet; `migr run` begins one", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The journal belongs to another migration or destination.
    #[error("{}: this is the journal of `{found}`, not of `{wanted}`; move it away or name the right folder", path.display())]
    OtherMigration {
        /// Which journal.
        path: PathBuf,
        /// Migration and destination that the journal names.
        found: String,
        /// Migration and destination that were asked for.
        wanted: String,
    },
    /// The journal is bound to another workspace.
    #[error(
        "{}: this journal is of another {word} ({found}, not {wanted}); nothing was sent. Name the {word} that it was begun with in the settings again; or give the \
         other {word} a destination of its own in the spec: each has a journal of its own",
        path.display()
    )]
    OtherWorkspace {
        /// Which journal.
        path: PathBuf,
        /// The destination's own word for a workspace.
        word: &'static str,
        /// The workspace that it is bound to.
        found: String,
        /// The workspace at hand.
        wanted: String,
    },
    /// A second writer.
    #[error("{}: another `migr` is writing this journal ({who}); wait until it is done or stop it", path.display())]
    Busy {
        /// Which journal.
        path: PathBuf,
        /// The process that holds it.
        who: String,
    },
    /// Not a journal, or one of another version.
    #[error(
        "{}: this journal has format {found}, this program writes format {wanted}. Go on, or roll back, with the `migr` that began it; or move the file away, with \
         the `.lock` file beside it, to begin anew: records that were written before are found by their ids and not doubled, but what they held before is \
         known to the old file alone",
        path.display()
    )]
    Format {
        /// Which file.
        path: PathBuf,
        /// Format that the file names.
        found: String,
        /// Format that this program writes.
        wanted: u32,
    },
    /// A row that this program cannot read.
    #[error("entry {seq} of the journal cannot be read: {reason}; check it with `migr journal --verify`")]
    Entry {
        /// Number of the entry.
        seq: i64,
        /// Why.
        reason: String,
    },
}

/// Names what was attempted when SQLite refuses.
pub(crate) trait Attempt<T> {
    /// `what` as a participle.
    fn attempting(self, what: &'static str) -> Result<T, JournalError>;
}

impl<T> Attempt<T> for Result<T, rusqlite::Error> {
    fn attempting(self, what: &'static str) -> Result<T, JournalError> {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, SystemIoFailure};
        self.map_err(|source| match source.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => JournalError::Damaged { what, reason: source.to_string() },
            Some(DiskFull | SystemIoFailure) => JournalError::Disk { what, reason: source.to_string() },
            _ => JournalError::Sqlite { what, source },
        })
    }
}
