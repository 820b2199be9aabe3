//! Errors of reading the export.

use std::io;

/// Why an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The plan's `files` pattern cannot be used.
    #[error("the source's `files` pattern `{pattern}` cannot be used: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Reason why it cannot be used.
        reason: String,
    },
    /// An object's file is not there.
    #[error("no file `{file}` for {object} among `{pattern}`{}", hint(near.as_deref(), "is it"))]
    MissingFile {
        /// The source object.
        object: String,
        /// The file it is read from.
        file: String,
        /// Where it was looked for.
        pattern: String,
        /// A file of a similar name that no object claims.
        near: Option<String>,
    },
    /// Two files could be the object's.
    #[error(
        "{object} is read from `{file}`, but `{first}` and `{second}` both have that name; narrow the source's `files` pattern"
    )]
    AmbiguousFile {
        /// The source object.
        object: String,
        /// The file it is read from.
        file: String,
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// The object has no file in the catalog, or the plan does not name it.
    #[error("{object} has no file to read")]
    NoFile {
        /// The source object.
        object: String,
    },
    /// The header lacks a column that the plan reads.
    #[error("{file}:{line}: no column `{column}` for {object}{}", hint(near.as_deref(), "is it"))]
    MissingColumn {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// The source object.
        object: String,
        /// The column.
        column: String,
        /// A header that is close.
        near: Option<String>,
    },
    /// Two headers read the same.
    #[error(
        "{file}:{line}: the headers `{first}` and `{second}` are the same column `{column}`; rename or remove one in the export"
    )]
    DuplicateColumn {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// Name that both headers read as.
        column: String,
        /// One header.
        first: String,
        /// The other.
        second: String,
    },
    /// The header cannot be read.
    #[error("{file}:{line}: {reason}")]
    Header {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// Reason why the header cannot be read.
        reason: String,
    },
    /// A path leads out of the export's folder, or through a link.
    #[error("`{path}` is refused: {reason}")]
    Refused {
        /// The path as it was given.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file that a cell names is not there.
    #[error("the file `{path}` is not in the export")]
    MissingAttachment {
        /// The path as the cell has it.
        path: String,
    },
    /// The file is not the JSON that was expected.
    #[error("{file}:{line}: {reason}")]
    Json {
        /// The file.
        file: String,
        /// The line at which reading it ended.
        line: u64,
        /// Reason why the JSON is not as expected.
        reason: String,
    },
    /// The system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file, relative to the project.
        path: String,
        /// Error of the system.
        source: io::Error,
    },
}

fn hint(near: Option<&str>, question: &str) -> String {
    near.map_or_else(String::new, |near| format!("; {question} `{near}`?"))
}
