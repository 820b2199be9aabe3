//! Files that a command leaves behind for people: the page, and beside it every list in full.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use migr_engine::VerifyDifference;
use migr_journal::{JournalError, Reader};
use migr_plan::Plan;
use migr_report::{ListName, Listings, Lists, Report, html};

use crate::fault::Fault;
use crate::files::unwritten;
use crate::project::shown;
use crate::state::State;

/// Reads the report of a journal and writes each of its lists to a file. Holds a bounded part of them in memory.
pub(crate) fn write_lists(state: &State, plan: &Plan, journal: &Reader) -> Result<Report, Fault> {
    let folder = state.lists();
    make(&folder)?;
    let written = lists_in(&folder, state, plan, journal);
    if written.is_err() {
        for list in ListName::OF_THE_JOURNAL {
            let _ = std::fs::remove_file(part(&folder, list));
        }
    }
    written
}

fn lists_in(folder: &Path, state: &State, plan: &Plan, journal: &Reader) -> Result<Report, Fault> {
    let mut lists = Lists::new(plan).kept_in(&shown(folder));
    if folder.join(ListName::Differences.file_name()).exists() {
        lists = lists.with_differences();
    }
    if state.preview().exists() {
        lists = lists.with_before_and_after(&shown(&state.preview()));
    }
    let mut listings = Listings::begin(plan, |list| begin(folder, list)).map_err(|error| unwritten(folder, &error))?;
    journal.remarks(|remark| {
        lists.add(&remark);
        listings.add(&remark).map_err(|error| unwritten(folder, &error))
    })?;
    listings.finish().map_err(|error| unwritten(folder, &error))?;
    for list in ListName::OF_THE_JOURNAL {
        finish(folder, list)?;
    }
    Ok(Report::new(plan, &journal.fold()?, lists))
}

/// The same, and the page.
pub(crate) fn write_page(state: &State, plan: &Plan) -> Result<PathBuf, Fault> {
    let report = write_lists(state, plan, &state.reader()?)?;
    let page = state.report_page();
    crate::files::replace_private(&page, html::render(&report).as_bytes())?;
    Ok(page)
}

/// The list of what a verification found, written while it finds it.
#[derive(Debug)]
pub(crate) struct Differences {
    folder: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
    error: Option<io::Error>,
}

impl Differences {
    /// Begins the list.
    pub(crate) fn begin(state: &State) -> Result<Self, Fault> {
        let folder = state.lists();
        make(&folder)?;
        let file = begin(&folder, ListName::Differences).map_err(|error| unwritten(&folder, &error))?;
        let mut writer = csv::Writer::from_writer(file);
        let header = ["map", "key", "file", "line", "id", "field", "should be", "is"];
        let error = writer.write_record(header).err().map(io::Error::from);
        Ok(Self { folder, writer, error })
    }

    /// Takes a difference. What goes wrong is said by [`Self::finish`].
    pub(crate) fn take(&mut self, one: &VerifyDifference) {
        if self.error.is_none() {
            let line = one.line.to_string();
            let cells: [&str; 8] =
                [&one.map, &one.key, &one.file, &line, &one.id, &one.field, &one.expected, &one.found];
            self.error = migr_report::write_cells(&mut self.writer, cells).err();
        }
    }

    /// Puts the list in its place.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        let written = self.error.take().map_or(Ok(()), Err);
        written.and_then(|()| self.writer.flush()).map_err(|error| {
            let _ = std::fs::remove_file(part(&self.folder, ListName::Differences));
            unwritten(&self.folder, &error)
        })?;
        finish(&self.folder, ListName::Differences)
    }
}

fn part(folder: &Path, list: ListName) -> PathBuf {
    folder.join(format!("{}.part", list.file_name()))
}

fn make(folder: &Path) -> Result<(), Fault> {
    std::fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))
}

// Keys, and values within reasons: for its owner alone, as the journal that they come from.
fn begin(folder: &Path, list: ListName) -> io::Result<BufWriter<File>> {
    let mut options = File::options();
    let _ = std::fs::remove_file(part(folder, list));
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    Ok(BufWriter::new(options.open(part(folder, list))?))
}

fn finish(folder: &Path, list: ListName) -> Result<(), Fault> {
    let place = folder.join(list.file_name());
    std::fs::rename(part(folder, list), &place).map_err(|error| unwritten(&place, &error))
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self::failed(error.to_string())
    }
}
