//! Manifest of the files that records name: the status of each, and its hash.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use migr_load::link_host;
use migr_plan::Plan;
use migr_plan::lock::{AttachmentCounts, LINK_HOSTS, LinkHost};
use migr_transform::Cells;
use serde::Serialize;

use super::AuditError;
use super::finding::{JsonLines, shown_key};
use super::survey::Place;
use migr_decide::cells::is_blank;
use migr_decide::files::{FileState, Named, Standard, shown_path};
use migr_decide::hashing::file_hash;

/// Hosts of links that are counted apart.
const HOSTS_COUNTED: usize = 10_000;

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
    /// The cell: a link without what may be a key; `***` where the column is sensitive.
    pub path: String,
    /// Status of the file.
    pub state: FileState,
    /// Why it cannot be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The name that it is sent under, where the destination refuses its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_as: Option<String>,
    /// Length of the file in bytes, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// `blake3:` and the hash of its bytes, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
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

/// The files of the export's records: hashed, counted and handed on.
pub(crate) struct Manifest<'m, 's> {
    pub(crate) standard: Standard<'m>,
    pub(crate) plan: &'m Plan,
    pub(crate) blank: &'m [String],
    pub(crate) sink: Option<&'s mut (dyn AttachmentSink + Send)>,
}

/// Counts of the files of one object by status.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: AttachmentCounts,
    /// Links by host and port; of a bounded number of hosts.
    hosts: BTreeMap<(String, u16), u64>,
}

impl Tally {
    /// The hosts that links lead to, most links first.
    pub(crate) fn hosts(self) -> Vec<LinkHost> {
        let mut hosts: Vec<LinkHost> =
            self.hosts.into_iter().map(|((host, port), links)| LinkHost { host, port, links }).collect();
        hosts.sort_by_key(|host| std::cmp::Reverse(host.links));
        hosts.truncate(LINK_HOSTS);
        hosts
    }

    fn host(&mut self, link: &str) {
        let Some(host) = link_host(link) else { return };
        if self.hosts.len() < HOSTS_COUNTED || self.hosts.contains_key(&host) {
            *self.hosts.entry(host).or_default() += 1;
        }
    }
}

impl Manifest<'_, '_> {
    /// Takes the files of one record.
    pub(crate) fn record(
        &mut self,
        columns: &[(usize, &migr_plan::SourceColumn)],
        (place, line, key): (&Place<'_>, u64, Option<&str>),
        record: &dyn Cells,
        tally: &mut Tally,
    ) -> Result<(), AuditError> {
        for (at, column) in columns {
            let cell = record.cell(*at);
            if is_blank(cell, self.blank) {
                continue;
            }
            let name = Named::of(self.plan, place.object, &column.name).name(cell, record);
            let standing = self.standard.standing(cell, name.as_deref());
            let counts = &mut tally.counts;
            let count = match standing.state {
                FileState::Found => &mut counts.found,
                FileState::ToFetch => &mut counts.to_fetch,
                FileState::LinkOnly => &mut counts.linked,
                FileState::Missing => &mut counts.missing,
                FileState::Refused => &mut counts.refused,
                FileState::TooLarge => &mut counts.too_large,
            };
            *count += 1;
            if standing.state == FileState::Found {
                counts.bytes += standing.bytes.unwrap_or_default();
            }
            if matches!(standing.state, FileState::ToFetch | FileState::LinkOnly) {
                tally.host(cell);
            }
            let Some(sink) = self.sink.as_mut() else { continue };
            let (hash, bytes) = standing.path.as_deref().map(hashed).transpose()?.unzip();
            let attachment = Attachment {
                object: place.object.name.clone(),
                key: key.filter(|key| !key.is_empty()).map(shown_key),
                file: place.file.to_owned(),
                line,
                column: column.name.clone(),
                path: shown_path(cell, column.sensitive),
                state: standing.state,
                reason: standing.reason(column.sensitive),
                sent_as: standing.sent_as.filter(|_| !column.sensitive),
                bytes,
                hash,
            };
            sink.attachment(&attachment).map_err(AuditError::Manifest)?;
        }
        Ok(())
    }
}

fn hashed(path: &Path) -> Result<(String, u64), AuditError> {
    file_hash(path).map_err(|source| AuditError::Folder { path: path.display().to_string(), source })
}
