//! What a run would do to records that are there already, a line for each field that changes, as a table that a spreadsheet opens.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

use migr_engine::audit::{PreviewEntry, PreviewSink};

use crate::fault::Fault;
use crate::state::State;

/// The list while it is written.
#[derive(Debug)]
pub(crate) struct PreviewList {
    place: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

impl PreviewList {
    /// Begins it.
    pub(crate) fn begin(state: &State) -> Result<Self, Fault> {
        let place = state.preview();
        let failed = |error: io::Error| Fault::failed(format!("cannot write {}: {error}", place.display()));
        std::fs::create_dir_all(state.folder()).map_err(failed)?;
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // Values of the destination: for its owner alone.
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&place).map_err(failed)?;
        let mut writer = csv::Writer::from_writer(BufWriter::new(file));
        let header = ["map", "key", "file", "line", "action", "other", "field", "before", "after"];
        writer.write_record(header).map_err(|error| failed(error.into()))?;
        Ok(Self { place, writer })
    }

    /// Hands the rest to the disk.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        let failed = |error: io::Error| Fault::failed(format!("cannot write {}: {error}", self.place.display()));
        self.writer.flush().map_err(failed)
    }
}

impl PreviewSink for PreviewList {
    fn entry(&mut self, entry: &PreviewEntry) -> io::Result<()> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let line = entry.line.to_string();
        self.writer
            .write_record([
                &entry.map,
                &text(&entry.key),
                &entry.file,
                &line,
                entry.action.as_str(),
                &text(&entry.other),
                &text(&entry.field),
                &text(&entry.before),
                &text(&entry.after),
            ])
            .map_err(io::Error::from)
    }
}
