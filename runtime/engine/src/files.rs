//! The files that records name: how each stands before anything is sent.

use std::path::PathBuf;

use migr_extract::{Export, ExtractError};
use migr_load::{check_link, is_link, shown_link};
use migr_plan::{ColumnType, FetchHost, FieldMapping, SourceColumn, SourceObject};
use serde::Serialize;

/// How a file stands that a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// In the export, and fit to be sent.
    Found,
    /// A link to a host that the specification names: fetched when its record is sent.
    ToFetch,
    /// A link that is not followed.
    LinkOnly,
    /// Not in the export.
    Missing,
    /// Not to be used: a folder, a link of the file system, a path that leads out of the export.
    Refused,
    /// Larger than the destination takes.
    TooLarge,
}

impl FileState {
    /// It in words.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Found => "it is in the export",
            Self::ToFetch => "it will be fetched",
            Self::LinkOnly => "it is a link that is not followed",
            Self::Missing => "it is not in the export",
            Self::Refused => "it cannot be used",
            Self::TooLarge => "it is larger than the destination takes",
        }
    }

    /// Its name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::ToFetch => "to_fetch",
            Self::LinkOnly => "link_only",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::TooLarge => "too_large",
        }
    }
}

/// A file as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: FileState,
    /// Where it is, where it is in the export.
    pub(crate) path: Option<PathBuf>,
    /// Its length there.
    pub(crate) bytes: Option<u64>,
    /// Why it cannot be sent, without its path.
    pub(crate) reason: Option<String>,
}

impl Standing {
    /// Why it cannot be sent, for where the path is not told besides.
    pub(crate) fn fault(&self, cell: &str, is_sensitive: bool) -> Option<String> {
        let reason = self.reason(is_sensitive)?;
        let path = shown_path(cell, is_sensitive);
        Some(match self.state {
            FileState::Missing if !is_sensitive => format!("the file `{path}` is not in the export"),
            FileState::Refused if !is_sensitive => format!("`{path}` is refused: {reason}"),
            _ => reason,
        })
    }

    /// Why it cannot be sent, without its path; of a sensitive cell nothing but how it stands.
    pub(crate) fn reason(&self, is_sensitive: bool) -> Option<String> {
        let reason = self.reason.as_ref()?;
        let is_told = !is_sensitive || self.state == FileState::TooLarge;
        Some(if is_told { reason.clone() } else { self.state.in_words().to_owned() })
    }
}

/// What decides how files stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standard<'s> {
    pub(crate) export: &'s Export,
    /// The hosts that are asked.
    pub(crate) hosts: &'s [FetchHost],
    /// The most bytes of a file that the destination takes, where it is known.
    pub(crate) most: Option<u64>,
}

impl Standard<'_> {
    /// How the file of a cell stands.
    pub(crate) fn standing(&self, cell: &str) -> Standing {
        let without = |state, reason: String| Standing { state, path: None, bytes: None, reason: Some(reason) };
        if is_link(cell) {
            return match check_link(cell, self.hosts) {
                Ok(()) => Standing { state: FileState::ToFetch, path: None, bytes: None, reason: None },
                Err(error) => without(FileState::LinkOnly, error.to_string()),
            };
        }
        let path = match self.export.attachment(cell) {
            Ok(path) => path,
            Err(ExtractError::Refused { reason, .. }) => return without(FileState::Refused, reason),
            Err(_) => return without(FileState::Missing, FileState::Missing.in_words().to_owned()),
        };
        let bytes = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) => return without(FileState::Refused, format!("it cannot be read: {error}")),
        };
        let is_too_large = self.most.is_some_and(|most| bytes > most);
        let state = if is_too_large { FileState::TooLarge } else { FileState::Found };
        let reason = self.most.filter(|most| bytes > *most);
        let reason = reason.map(|most| format!("it has {bytes} bytes; the destination takes {most}"));
        Standing { state, path: Some(path), bytes: Some(bytes), reason }
    }
}

/// The columns of an object that name files, with their places.
pub(crate) fn file_columns(object: &SourceObject) -> Vec<(usize, &SourceColumn)> {
    object.columns.iter().enumerate().filter(|(_, column)| column.ty == ColumnType::File).collect()
}

/// The source column that fills a field with files.
pub(crate) fn column_of<'f>(object: &SourceObject, field: &'f FieldMapping) -> &'f str {
    let is_file = |name: &&String| object.column(name).is_some_and(|column| column.ty == ColumnType::File);
    field.reads.iter().find(is_file).or_else(|| field.reads.first()).map_or("", String::as_str)
}

/// A cell that names a file, as a person may see it.
pub(crate) fn shown_path(cell: &str, is_sensitive: bool) -> String {
    if is_sensitive { "***".to_owned() } else { shown_link(cell.trim()) }
}
