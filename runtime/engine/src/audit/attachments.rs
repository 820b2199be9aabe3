use std::io;
use std::path::Path;

use migr_extract::{Export, ExtractError};
use migr_plan::ColumnType;
use migr_plan::lock::AttachmentCounts;
use migr_transform::Cells;
use serde::Serialize;

use super::AuditError;
use super::finding::{JsonLines, shown_key};
use super::shape::shape;
use super::survey::{Place, is_blank};
use crate::hashing::file_hash;

/// A file that a record of the export names: a line of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// The source object.
    pub object: String,
    /// The record's source key; absent where it is sensitive or there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file of the export that names it, relative to the project.
    pub file: String,
    /// The 1-based physical line there.
    pub line: u64,
    /// The source column.
    pub column: String,
    /// The cell; the shape of it where the column is sensitive.
    pub path: String,
    /// How it stands.
    pub state: AttachmentState,
    /// Its length in bytes, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// `blake3:` and the hash of its bytes, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// How a file stands that a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentState {
    /// In the export, and fit to be sent.
    Found,
    /// A link in place of a file.
    Linked,
    /// Not in the export.
    Missing,
    /// Not to be used: a folder, a link of the file system, a path that leads out of the export.
    Refused,
    /// Larger than the destination takes.
    TooLarge,
}

/// Takes every file that a record names, in the order of the export.
pub trait AttachmentSink {
    /// Takes one.
    fn attachment(&mut self, attachment: &Attachment) -> io::Result<()>;
}

impl<W: io::Write> AttachmentSink for JsonLines<W> {
    fn attachment(&mut self, attachment: &Attachment) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, attachment)?;
        self.0.write_all(b"\n")
    }
}

/// Whether a cell holds a web address in place of a path.
pub(crate) fn is_link(cell: &str) -> bool {
    let lower = cell.trim().to_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// The columns of an object that name files, with their places.
pub(crate) fn file_columns<'o>(place: &Place<'o>) -> Vec<(usize, &'o migr_plan::SourceColumn)> {
    place.object.columns.iter().enumerate().filter(|(_, column)| column.ty == ColumnType::File).collect()
}

/// The files of the export's records: hashed, counted and handed on.
pub(crate) struct Manifest<'m, 's> {
    pub(crate) export: &'m Export,
    pub(crate) blank: &'m [String],
    /// The most bytes of a file that the destination takes, where it is known.
    pub(crate) file_bytes: Option<u64>,
    pub(crate) sink: Option<&'s mut (dyn AttachmentSink + Send)>,
}

impl Manifest<'_, '_> {
    /// Takes the files of one record.
    pub(crate) fn record(
        &mut self,
        columns: &[(usize, &migr_plan::SourceColumn)],
        (place, line, key): (&Place<'_>, u64, Option<&str>),
        record: &dyn Cells,
        counts: &mut AttachmentCounts,
    ) -> Result<(), AuditError> {
        for (at, column) in columns {
            let cell = record.cell(*at);
            if is_blank(cell, self.blank) {
                continue;
            }
            let (state, hashed) = self.state(cell)?;
            let (hash, bytes) = hashed.unzip();
            match state {
                AttachmentState::Found => {
                    counts.found += 1;
                    counts.bytes += bytes.unwrap_or_default();
                }
                AttachmentState::Linked => counts.linked += 1,
                AttachmentState::Missing => counts.missing += 1,
                AttachmentState::Refused => counts.refused += 1,
                AttachmentState::TooLarge => counts.too_large += 1,
            }
            let Some(sink) = self.sink.as_mut() else { continue };
            let attachment = Attachment {
                object: place.object.name.clone(),
                key: key.filter(|key| !key.is_empty()).map(shown_key),
                file: place.file.to_owned(),
                line,
                column: column.name.clone(),
                path: if column.sensitive { shape(cell) } else { cell.trim().to_owned() },
                state,
                bytes,
                hash,
            };
            sink.attachment(&attachment).map_err(AuditError::Manifest)?;
        }
        Ok(())
    }

    /// How the file of a cell stands; its hash and length, where it is there.
    fn state(&self, cell: &str) -> Result<(AttachmentState, Option<(String, u64)>), AuditError> {
        if is_link(cell) {
            return Ok((AttachmentState::Linked, None));
        }
        let path = match self.export.attachment(cell) {
            Ok(path) => path,
            Err(ExtractError::Refused { .. }) => return Ok((AttachmentState::Refused, None)),
            Err(_) => return Ok((AttachmentState::Missing, None)),
        };
        let (hash, bytes) = hashed(&path)?;
        let is_too_large = self.file_bytes.is_some_and(|most| bytes > most);
        let state = if is_too_large { AttachmentState::TooLarge } else { AttachmentState::Found };
        Ok((state, Some((hash, bytes))))
    }
}

fn hashed(path: &Path) -> Result<(String, u64), AuditError> {
    file_hash(path).map_err(|source| AuditError::Folder { path: path.display().to_string(), source })
}
