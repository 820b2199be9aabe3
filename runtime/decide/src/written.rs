//! Records that this migration has written.

use migr_journal::{Mapped, State};
use migr_transform::Cells;

use crate::DecideError;
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;

/// Sign between the owner's key and the target's id in the key of a link.
pub const LINK_KEY_SEPARATOR: char = '\u{1e}';

/// The key of a row and what became of it, where its record, or one that stands for it, is in the destination by this run.
pub fn written(
    job: &StageRun,
    world: &RecordLookup,
    line: u64,
    cells: &dyn Cells,
) -> Result<Option<(String, Mapped)>, DecideError> {
    let Ok(key) = job.key(cells, world)? else { return Ok(None) };
    Ok(written_as(job, world, line, &key)?.map(|mapped| (key, mapped)))
}

/// Key and outcome of a written row, as [`written`] gives them, unless the stage takes the row no more: by a later export a `skip` or `when` leaves it out, and
/// what was written of it stays.
pub fn still_written(
    job: &StageRun,
    world: &RecordLookup,
    line: u64,
    cells: &dyn Cells,
) -> Result<Option<(String, Mapped)>, DecideError> {
    let found = written(job, world, line, cells)?;
    Ok(if found.is_some() && job.program.leaves_out(cells, world)? { None } else { found })
}

/// Outcome of a record by its key alone, as [`written`] gives it.
pub fn written_as(job: &StageRun, world: &RecordLookup, line: u64, key: &str) -> Result<Option<Mapped>, DecideError> {
    let Some(mapped) = world.reader.settled(job.step, key)? else { return Ok(None) };
    // Another row may have the same key: it was quarantined.
    let is_it = job.stage.distinct.is_some() || mapped.line == line;
    let is_there = mapped.state != State::Skipped || mapped.winner.is_some();
    Ok((is_it && is_there && mapped.id.is_some()).then_some(mapped))
}
