//! Every entry of the report's lists, as tables that a spreadsheet opens.

use std::io::{self, Write};

use csv::Writer;
use migr_journal::Remark;
use migr_plan::Plan;

use crate::lists::{ListName, Maps, shown, why_not_sent};

/// Writes remarks as they come, a line each; holds none of them.
#[derive(Debug)]
pub struct Listings<W: Write> {
    maps: Maps,
    quarantine: Writer<W>,
    skipped: Writer<W>,
    repairs: Writer<W>,
    files: Writer<W>,
    orphans: Writer<W>,
    owners: Writer<W>,
}

/// Writes a record none of whose cells a spreadsheet computes.
pub fn write_cells<W: Write, const CELLS: usize>(writer: &mut Writer<W>, cells: [&str; CELLS]) -> io::Result<()> {
    writer
        .write_record(cells.map(|cell| migr_escape::csv_cell(cell)).iter().map(|cell| cell.as_bytes()))
        .map_err(io::Error::from)
}

impl<W: Write> Listings<W> {
    /// Begins every list of [`ListName::OF_THE_JOURNAL`]; `open` is given what each is called.
    pub fn begin(plan: &Plan, mut open: impl FnMut(ListName) -> io::Result<W>) -> io::Result<Self> {
        let mut begun = |list, header: &[&str]| -> io::Result<Writer<W>> {
            let mut writer = Writer::from_writer(open(list)?);
            writer.write_record(header)?;
            Ok(writer)
        };
        Ok(Self {
            maps: Maps::of(plan),
            quarantine: begun(ListName::Quarantine, &["map", "key", "file", "line", "field", "reason", "code"])?,
            skipped: begun(ListName::Skipped, &["map", "key", "line", "reason", "code"])?,
            repairs: begun(ListName::Repairs, &["map", "key", "file", "line", "field", "reason", "code"])?,
            files: begun(
                ListName::Files,
                &["map", "key", "file", "line", "column", "path", "state", "sent", "bytes", "hash", "reason", "code"],
            )?,
            orphans: begun(ListName::Orphans, &["owner", "went to", "map", "key", "line", "field"])?,
            owners: begun(ListName::Owners, &["owner", "went to", "how"])?,
        })
    }

    /// Writes a remark.
    pub fn add(&mut self, remark: &Remark) -> io::Result<()> {
        let maps = &self.maps;
        match remark {
            Remark::Quarantined(entry) => write_cells(
                &mut self.quarantine,
                [
                    maps.name(&entry.step),
                    &shown(&entry.key),
                    &entry.file,
                    &entry.line.to_string(),
                    entry.field.as_deref().unwrap_or_default(),
                    &entry.reason,
                    entry.code.as_deref().unwrap_or_default(),
                ],
            ),
            Remark::Skipped(entry) => write_cells(
                &mut self.skipped,
                [
                    maps.name(&entry.step),
                    &shown(&entry.key),
                    &entry.line.to_string(),
                    &entry.reason,
                    entry.code.as_deref().unwrap_or_default(),
                ],
            ),
            Remark::Repaired(entry) => write_cells(
                &mut self.repairs,
                [
                    maps.name(&entry.step),
                    &shown(&entry.key),
                    &entry.file,
                    &entry.line.to_string(),
                    &entry.field,
                    &entry.reason,
                    entry.code.as_deref().unwrap_or_default(),
                ],
            ),
            Remark::Filed(entry) => write_cells(
                &mut self.files,
                [
                    maps.name(&entry.step),
                    &shown(&entry.key),
                    &entry.file,
                    &entry.line.to_string(),
                    &entry.column,
                    &entry.path,
                    &entry.state,
                    if entry.is_sent() { "yes" } else { "no" },
                    &entry.bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
                    entry.hash.as_deref().unwrap_or_default(),
                    entry.reason.as_deref().unwrap_or_default(),
                    if entry.is_sent() { "" } else { why_not_sent(entry).as_str() },
                ],
            ),
            Remark::Orphaned(entry) => write_cells(
                &mut self.orphans,
                [
                    entry.owner.as_str(),
                    entry.assigned.as_deref().unwrap_or_default(),
                    maps.name(&entry.step),
                    &shown(&entry.key),
                    &entry.line.to_string(),
                    &entry.field,
                ],
            ),
            Remark::Owner(owner) => write_cells(
                &mut self.owners,
                [owner.source.as_str(), owner.destination.as_deref().unwrap_or_default(), &owner.how],
            ),
        }
    }

    /// Hands the rest on to where it is written.
    pub fn finish(mut self) -> io::Result<()> {
        let Self { quarantine, skipped, repairs, files, orphans, owners, .. } = &mut self;
        [quarantine, skipped, repairs, files, orphans, owners].into_iter().try_for_each(Writer::flush)
    }
}
