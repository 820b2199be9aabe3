//! Rows of the export that became one record.

use migr_extract::{OwnedRecord, Record, Row};
use migr_spill::SortValue as Sort;
use migr_transform::{Cells, Partial, Pass, Value, unite};

use crate::DecideError;
use crate::cells::{Kept, Lent};
use crate::duplicates::prefer;
use crate::identities::sort;
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;
use crate::written::still_written;

pub use migr_transform::is_empty;

/// End of a note on a value that was left out.
pub const LEFT_EMPTY: &str = "left empty";

/// Several rows that became one record; they wait in the spill database.
#[derive(Debug, Default)]
pub struct Families {
    any: bool,
}

impl Families {
    /// Reads the rows that another one stands for, where a stage merges, into the spill tables of the stage.
    pub fn read(job: &StageRun, world: &RecordLookup) -> Result<Self, DecideError> {
        let mut families = Self::default();
        if !job.merges() {
            return Ok(families);
        }
        world.spill.together::<_, DecideError>(|| {
            let mut records = job.context.export.records(&job.stage.source_object)?;
            while let Some(row) = records.next()? {
                let Row::Record(record) = row else { continue };
                let Some((_, mapped)) = still_written(job, world, record.line, &Lent(record))? else { continue };
                let Some(winner) = mapped.winner else { continue };
                world.spill.add_merging(0, record.line, &record.to_owned().to_bytes())?;
                world.spill.add_follower(&winner, record.line, &sorted_by(job, record))?;
                families.any = true;
            }
            Ok(())
        })?;
        Ok(families)
    }

    /// The rows of a winner's record, itself included, the preferred one first; none where it stands alone.
    pub fn of(
        &self,
        job: &StageRun,
        world: &RecordLookup,
        key: &str,
        winner: Record<'_>,
    ) -> Result<Option<Vec<Kept>>, DecideError> {
        let mut lines = if self.any { world.spill.followers(key)? } else { Vec::new() };
        if lines.is_empty() {
            return Ok(None);
        }
        lines.push((winner.line, sorted_by(job, winner)));
        lines.sort_by(|a, b| prefer(&job.stage.policies.duplicate, (a.0, &a.1), (b.0, &b.1)));
        let mut rows = Vec::with_capacity(lines.len());
        for (line, _) in lines {
            if line == winner.line {
                rows.push(Kept(winner.to_owned()));
                continue;
            }
            let bytes = world.spill.merging(0, line)?;
            rows.extend(bytes.and_then(|bytes| OwnedRecord::from_bytes(&bytes)).map(Kept));
        }
        Ok(Some(rows))
    }
}

/// Value that the stage's policy sorts a row by.
pub fn sorted_by(job: &StageRun, record: Record<'_>) -> Sort {
    let column = job.stage.policies.duplicate.sort_column();
    column.map_or(Sort::Null, |column| {
        job.program.column_value(&Lent(record), column).map_or(Sort::Null, |value| sort(&value))
    })
}

/// The values of one record: of its row, or of all the rows that became it.
pub fn values<'r>(
    job: &'r StageRun,
    world: &'r RecordLookup,
    cells: &'r dyn Cells,
    rows: Option<&'r [Kept]>,
    pass: Pass,
) -> Result<Partial<'r>, DecideError> {
    match rows {
        Some(rows) => merged(job, world, rows, pass),
        None => Ok(job.program.fields_apart(cells, world, pass)?),
    }
}

/// The values of several rows as one: each field, and each part of one, from the first that has a value, lists from all of them. What was noted of a value that could
/// not be taken stays noted, whichever row gives the field its value. Failures are those of every row.
pub fn merged<'r>(
    job: &'r StageRun,
    world: &'r RecordLookup,
    members: &'r [Kept],
    pass: Pass,
) -> Result<Partial<'r>, DecideError> {
    let mut whole = Partial::default();
    for member in members {
        let Partial { evaluated, failures, skip } = job.program.fields_apart(member, world, pass)?;
        if pass == Pass::First {
            let is_taken =
                |index: &usize| whole.evaluated.values.iter().any(|(at, value)| at == index && !is_empty(value));
            let cut = job.cut(member, world)?.into_iter().filter(|index| !is_taken(index));
            let cut: Vec<usize> = cut.collect();
            whole.evaluated.cut.extend(cut);
        }
        let taken = filled_fields(job, &whole.evaluated.values);
        let own = filled_fields(job, &evaluated.values);
        let given: Vec<&str> = own.iter().filter(|field| !taken.contains(field)).copied().collect();
        whole.evaluated.orphans.retain(|orphan| !given.contains(&orphan.field.as_str()));
        let united = united(job, &evaluated.values);
        // A value that gives way as a whole is told as that.
        let gives_way = |field: &str| taken.contains(&field) && own.contains(&field) && !united.contains(&field);
        let repairs = evaluated.repairs.into_iter().filter(|repair| !gives_way(&repair.field));
        whole.evaluated.repairs.extend(repairs);
        let orphans = evaluated.orphans.into_iter().filter(|orphan| !taken.contains(&orphan.field.as_str()));
        whole.evaluated.orphans.extend(orphans);
        for (index, value) in evaluated.values {
            match whole.evaluated.values.iter_mut().find(|(known, _)| *known == index) {
                Some((_, slot)) => unite(slot, value),
                None => whole.evaluated.values.push((index, value)),
            }
        }
        whole.evaluated.created.extend(evaluated.created);
        whole.failures.extend(failures);
        whole.skip = whole.skip.take().or(skip);
    }
    let filled = filled_fields(job, &whole.evaluated.values);
    for repair in whole.evaluated.repairs.iter_mut().filter(|repair| filled.contains(&repair.field.as_str())) {
        if let Some(why) = repair.reason.strip_suffix(LEFT_EMPTY) {
            repair.reason = format!("{why}the value of another row taken");
        }
    }
    Ok(whole)
}

/// The fields whose values are lists, or records that may hold some: they are united.
fn united<'j>(job: &'j StageRun, values: &[(usize, Value<'_>)]) -> Vec<&'j str> {
    let united = values.iter().filter(|(_, value)| matches!(value, Value::List(_) | Value::Record(_)));
    united.filter_map(|(index, _)| job.stage.fields.get(*index)).map(|field| field.field.as_str()).collect()
}

/// The fields that have a value.
fn filled_fields<'j>(job: &'j StageRun, values: &[(usize, Value<'_>)]) -> Vec<&'j str> {
    let filled = values.iter().filter(|(_, value)| !is_empty(value));
    filled.filter_map(|(index, _)| job.stage.fields.get(*index)).map(|field| field.field.as_str()).collect()
}
