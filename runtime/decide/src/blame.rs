//! Rows to blame for what is said of a record that several rows are: the one whose value it is.

use migr_transform::Pass;

use crate::DecideError;
use crate::cells::Kept;
use crate::decision::{OfRow, Reason};
use crate::families::LEFT_EMPTY;
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;

/// Row of a record, with what its own values are told of: field and reason.
#[derive(Debug)]
pub(crate) struct BlamedRow {
    row: OfRow,
    said: Vec<(String, String)>,
}

/// The rows that are a record, each with what is said of its values.
pub(crate) fn rows(job: &StageRun, world: &RecordLookup, rows: &[Kept]) -> Result<Vec<BlamedRow>, DecideError> {
    let mut blamed = Vec::with_capacity(rows.len());
    for kept in rows {
        let Ok(key) = job.key(kept, world)? else { continue };
        let mut said = Vec::new();
        for pass in [Pass::First, Pass::Deferred] {
            let partial = job.program.fields_apart(kept, world, pass)?;
            let (written, refused) = match job.body(&partial.evaluated.values) {
                Ok((_, adjusted)) => (adjusted, Vec::new()),
                Err(refused) => (Vec::new(), refused),
            };
            said.extend(partial.evaluated.repairs.into_iter().map(|it| (it.field, it.reason)));
            let failures = partial.failures.into_iter().chain(written).chain(refused);
            said.extend(failures.map(|it| (it.field, it.reason)));
        }
        blamed.push(BlamedRow { row: OfRow { key, line: kept.0.line }, said });
    }
    Ok(blamed)
}

/// The row of whose value this is said; none where no row says it by itself.
pub(crate) fn row_of<'b>(blamed: &'b [BlamedRow], field: &str, reason: &str) -> Option<&'b OfRow> {
    let is_it = |(of, why): &(String, String)| {
        of == field && (why == reason || why.strip_suffix(LEFT_EMPTY).is_some_and(|why| reason.starts_with(why)))
    };
    blamed.iter().find(|row| row.said.iter().any(is_it)).map(|found| &found.row)
}

/// Gives reasons the rows of whose values they speak, where that is not the record's own.
pub(crate) fn blame(blamed: &[BlamedRow], own: u64, reasons: &mut [Reason]) {
    for reason in reasons {
        reason.row = row_of(blamed, &reason.field, &reason.reason).filter(|row| row.line != own).cloned();
    }
}
