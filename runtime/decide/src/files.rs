//! The files that records name: how each stands before anything is sent.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use migr_connect::{FILE_START, FileFitness, FileRule};
use migr_extract::{Export, ExtractError};
use migr_load::{check_link, is_link, shown_link};
use migr_plan::{ColumnType, Expr, FetchHost, FieldMapping, FieldType, Plan, SourceColumn, SourceObject};
use migr_transform::Cells;
use serde::Serialize;

/// Status of a file that a record names.
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
    /// Status in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Found => "it is in the export",
            Self::ToFetch => "it will be fetched",
            Self::LinkOnly => "it is a link that is not followed",
            Self::Missing => "it is not in the export",
            Self::Refused => "it cannot be used",
            Self::TooLarge => "it is larger than the destination takes",
        }
    }

    /// Name of the status in documents.
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
pub struct Standing {
    /// State of the file.
    pub state: FileState,
    /// Where it is, where it is in the export.
    pub path: Option<PathBuf>,
    /// Length of the file there.
    pub bytes: Option<u64>,
    /// Why it cannot be sent, without its path.
    pub reason: Option<String>,
    /// The name that it is sent under, where that is not its own.
    pub sent_as: Option<String>,
    /// The destination refuses it for its name or content.
    pub is_unfit: bool,
}

impl Standing {
    /// Why it cannot be sent, for where the path is not told besides.
    pub fn fault(&self, cell: &str, is_sensitive: bool) -> Option<String> {
        let reason = self.reason(is_sensitive)?;
        let path = shown_path(cell, is_sensitive);
        Some(match self.state {
            FileState::Missing if !is_sensitive => format!("the file `{path}` is not in the export"),
            FileState::Refused if !is_sensitive => format!("`{path}` is refused: {reason}"),
            _ => reason,
        })
    }

    /// Why it cannot be sent, without its path; of a sensitive cell nothing but how it stands.
    pub fn reason(&self, is_sensitive: bool) -> Option<String> {
        let reason = self.reason.as_ref()?;
        let is_told = !is_sensitive || self.state == FileState::TooLarge || self.is_unfit;
        Some(if is_told { reason.clone() } else { self.state.in_words().to_owned() })
    }
}

/// Rules that decide the status of files.
#[derive(Clone, Debug)]
pub struct Standard<'s> {
    /// The export.
    pub export: &'s Export,
    /// The hosts that are asked.
    pub hosts: &'s [FetchHost],
    /// The most bytes of a file that the destination takes, where it is known.
    pub most: Option<u64>,
    /// Which files it refuses by name and content.
    pub rule: FileRule<'s>,
}

impl Standard<'_> {
    /// Status of the file of a cell, under the name that it gets; without one its name and content are not looked at.
    pub fn standing(&self, cell: &str, name: Option<&str>) -> Standing {
        let plain = |state, reason| Standing { state, path: None, bytes: None, reason, sent_as: None, is_unfit: false };
        let without = |state, reason: String| plain(state, Some(reason));
        if is_link(cell) {
            return match check_link(cell, self.hosts) {
                Ok(()) => plain(FileState::ToFetch, None),
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
        let exceeded = self.rule.most(name.unwrap_or(cell), self.most).filter(|most| bytes > *most);
        let state = if exceeded.is_some() { FileState::TooLarge } else { FileState::Found };
        let reason = exceeded;
        let reason = reason.map(|most| format!("it has {bytes} bytes; the destination takes {most}"));
        let mut standing =
            Standing { state, path: Some(path), bytes: Some(bytes), reason, sent_as: None, is_unfit: false };
        let Some(name) = name.filter(|_| standing.reason.is_none()) else { return standing };
        let start = match standing.path.as_deref().map(start_of) {
            Some(Ok(start)) => start,
            Some(Err(error)) => return without(FileState::Refused, format!("it cannot be read: {error}")),
            None => return standing,
        };
        match self.rule.fitness(name, &start) {
            FileFitness::Sent(sent_as) => {
                standing.sent_as = Some(sent_as.into_owned()).filter(|sent_as| sent_as != name);
            }
            FileFitness::Refused(reason) => {
                standing.state = FileState::Refused;
                standing.reason = Some(reason);
                standing.is_unfit = true;
            }
        }
        standing
    }
}

/// The first bytes of a file.
fn start_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(FILE_START);
    std::fs::File::open(path)?.take(FILE_START as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Where the name comes from that a file of a column gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Name of the file itself.
    Own,
    /// The cell of another column.
    Column(usize),
    /// Name made of more than that, or a column that nothing reads.
    Otherwise,
}

impl Named {
    /// For a column of an object, by the first map that sends its files.
    pub fn of(plan: &Plan, object: &SourceObject, column: &str) -> Self {
        let stages = plan.stages.iter().filter(|stage| stage.source_object == object.name);
        let mut fields = stages.flat_map(|stage| &stage.fields).filter(|field| field.ty == FieldType::File);
        match fields.find(|field| column_of(object, field) == column).map(|field| &field.file_name) {
            Some(None) => Self::Own,
            Some(Some(Expr::Column { name, .. })) => {
                let at = object.columns.iter().position(|column| column.name == *name);
                at.map_or(Self::Otherwise, Self::Column)
            }
            Some(Some(_)) | None => Self::Otherwise,
        }
    }

    /// The name of the file of a cell.
    pub fn name(self, cell: &str, record: &dyn Cells) -> Option<String> {
        match self {
            Self::Own => cell.trim().rsplit(['/', '\\']).next().map(str::to_owned),
            Self::Column(at) => Some(record.cell(at).trim().to_owned()).filter(|name| !name.is_empty()),
            Self::Otherwise => None,
        }
    }
}

/// The columns of an object that name files, with their places.
pub fn file_columns(object: &SourceObject) -> Vec<(usize, &SourceColumn)> {
    object.columns.iter().enumerate().filter(|(_, column)| column.ty == ColumnType::File).collect()
}

/// The source column that fills a field with files.
pub fn column_of<'f>(object: &SourceObject, field: &'f FieldMapping) -> &'f str {
    let is_file = |name: &&String| object.column(name).is_some_and(|column| column.ty == ColumnType::File);
    field.reads.iter().find(is_file).or_else(|| field.reads.first()).map_or("", String::as_str)
}

/// A cell that names a file, as a person may see it.
pub fn shown_path(cell: &str, is_sensitive: bool) -> String {
    if is_sensitive { "***".to_owned() } else { shown_link(cell.trim()) }
}
