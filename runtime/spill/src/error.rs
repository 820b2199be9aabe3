//! Errors of a spill database.

/// Reason why a spill database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    /// The database refused.
    #[error("{0}; is there room on the disk?")]
    Database(#[from] rusqlite::Error),
    /// The system refused a file.
    #[error("{path}: {source}")]
    File {
        /// Path of the file or folder.
        path: String,
        /// Answer of the system.
        source: std::io::Error,
    },
}

/// Conversion of a database's answer, for functions whose callers have errors of their own.
pub(crate) trait Spilled<T> {
    fn spilled(self) -> Result<T, SpillError>;
}

impl<T> Spilled<T> for rusqlite::Result<T> {
    fn spilled(self) -> Result<T, SpillError> {
        self.map_err(SpillError::from)
    }
}
