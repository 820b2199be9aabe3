//! Files that the records of a stage name.

use migr_journal::{Change, FileNote};
use migr_plan::SourceColumn;
use migr_transform::Cells;

use crate::DecideError;
use crate::cells::is_blank;
use crate::files::{Named, file_columns, shown_path};
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;

/// Files that are journaled together.
const TOGETHER: usize = 500;

/// Journals every file that the rows of an object name, whatever becomes of their records. The first stage of an object does it for all.
#[derive(Debug)]
pub struct FileList<'j> {
    job: &'j StageRun,
    columns: Vec<(usize, &'j SourceColumn, Named)>,
    /// Some may be in the journal already.
    resumed: bool,
    notes: Vec<FileNote>,
}

impl<'j> FileList<'j> {
    /// Empty list of a stage; `resumed` where its journal has files already.
    pub fn new(job: &'j StageRun, resumed: bool) -> Self {
        let lists = job.is_first && job.context.outcomes.forecast().is_none();
        let columns = if lists { file_columns(&job.object) } else { Vec::new() };
        let named = |(at, column): (usize, &'j SourceColumn)| {
            (at, column, Named::of(&job.context.plan, &job.object, &column.name))
        };
        let columns = columns.into_iter().map(named).collect();
        Self { job, columns, resumed, notes: Vec::new() }
    }

    /// Takes the files of a row.
    pub fn row(&mut self, world: &RecordLookup, line: u64, cells: &dyn Cells) -> Result<(), DecideError> {
        let job = self.job;
        for (at, column, named) in &self.columns {
            let cell = cells.cell(*at);
            if is_blank(cell, &job.context.plan.source.blank) {
                continue;
            }
            let standing = job.standard().standing(cell, named.name(cell, cells).as_deref());
            let reason = standing
                .reason
                .map(|reason| if column.sensitive { standing.state.in_words().to_owned() } else { reason });
            let note = FileNote {
                file: job.file.clone(),
                line,
                column: column.name.clone(),
                key: job.program.key(cells).unwrap_or_default(),
                path: shown_path(cell, column.sensitive),
                state: standing.state.as_str().to_owned(),
                bytes: standing.bytes,
                reason,
            };
            if !(self.resumed && is_known(world, &note)?) {
                self.notes.push(note);
            }
        }
        if self.notes.len() >= TOGETHER { self.flush() } else { Ok(()) }
    }

    /// Journals what was collected.
    pub fn flush(&mut self) -> Result<(), DecideError> {
        if self.notes.is_empty() {
            return Ok(());
        }
        let files = std::mem::take(&mut self.notes);
        self.job.context.outcomes.write(&[Change::Files { step: self.job.step, files }])
    }
}

/// True where the journal says the same of a file, or that it was sent.
fn is_known(world: &RecordLookup, note: &FileNote) -> Result<bool, DecideError> {
    let known = world.reader.file(&note.file, note.line, &note.column)?;
    Ok(known.is_some_and(|known| known.is_sent() || (known.state == note.state && known.bytes == note.bytes)))
}
