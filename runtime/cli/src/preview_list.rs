//! Preview of a run for records that are there already, a line for each field that changes, as a table for
//! spreadsheets.

use std::io;
use std::path::PathBuf;

use migr_engine::audit::{ConflictPolicy, PreviewEntry, PreviewSink};

use crate::fault::Fault;
use crate::files::{Part, Readers, unwritten};
use crate::state::State;

/// The list while it is written.
#[derive(Debug)]
pub(crate) struct PreviewList {
    place: PathBuf,
    writer: csv::Writer<Part>,
}

impl PreviewList {
    /// Begins it.
    pub(crate) fn begin(state: &State) -> Result<Self, Fault> {
        let place = state.preview();
        // Values of the destination.
        let mut writer = csv::Writer::from_writer(Part::begin(&place, Readers::Owner)?);
        let header = ["map", "key", "file", "line", "action", "other", "field", "before", "after", "conflict"];
        writer.write_record(header).map_err(|error| unwritten(&place, &error.into()))?;
        Ok(Self { place, writer })
    }

    /// Puts it in its place.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        let place = self.place;
        self.writer.into_inner().map_err(|error| unwritten(&place, error.error()))?.finish()
    }
}

impl PreviewSink for PreviewList {
    fn entry(&mut self, entry: &PreviewEntry) -> io::Result<()> {
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let line = entry.line.to_string();
        migr_report::write_cells(
            &mut self.writer,
            [
                &entry.map,
                &text(&entry.key),
                &entry.file,
                &line,
                entry.action.as_str(),
                &text(&entry.other),
                &text(&entry.field),
                &text(&entry.before),
                &text(&entry.after),
                entry.conflict.map_or("", ConflictPolicy::as_str),
            ],
        )
    }
}
