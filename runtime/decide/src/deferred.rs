//! Rows whose deferred fields are written once all records are there.

use migr_extract::{Record, Row};
use migr_spill::{RowSet, SortValue, cycles};
use migr_transform::{Pass, Value};

use crate::DecideError;
use crate::cells::{Kept, Lent};
use crate::decision::shown;
use crate::families::{self, Families};
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;
use crate::written::still_written;

/// Rows of a stage as its deferred fields need them: those that became one record, and those at which a circular reference is cut.
#[derive(Debug)]
pub struct DeferredRows {
    families: Families,
    /// Lines at which a circle is cut.
    cuts: RowSet,
}

impl DeferredRows {
    /// Reads the rows of a stage that go together, and where its references are circular.
    pub fn read(job: &StageRun, world: &RecordLookup) -> Result<Self, DecideError> {
        world.spill.begin_stage()?;
        let families = Families::read(job, world)?;
        let cuts = if job.refers_to_itself() { cuts(job, world, &families)? } else { RowSet::default() };
        Ok(Self { families, cuts })
    }

    /// The rows that became the record of a key; none where it is one row's.
    pub fn rows(
        &self,
        job: &StageRun,
        world: &RecordLookup,
        key: &str,
        record: Record<'_>,
    ) -> Result<Option<Vec<Kept>>, DecideError> {
        self.families.of(job, world, key, record)
    }

    /// The circle of references, as it is drawn, for which the value of a field is left empty.
    pub fn cut(
        &self,
        world: &RecordLookup,
        line: u64,
        (index, value): (usize, &Value<'_>),
    ) -> Result<Option<String>, DecideError> {
        match value {
            Value::Reference(reference) if self.cuts.contains(line) => {
                Ok(world.spill.cut(index, line, &reference.id)?)
            }
            _ => Ok(None),
        }
    }
}

/// Lines at which circular references of a field are cut: that of the last record of a circle in the file. The spill database has the circles as they are drawn.
fn cuts(job: &StageRun, world: &RecordLookup, families: &Families) -> Result<RowSet, DecideError> {
    world.spill.together::<_, DecideError>(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let cells = Lent(record);
            let Some((key, mapped)) = still_written(job, world, record.line, &cells)? else { continue };
            let Some(id) = mapped.id.filter(|_| mapped.winner.is_none()) else { continue };
            let rows = families.of(job, world, &key, record)?;
            world.spill.add_record(record.line, &id, &SortValue::Null)?;
            world.spill.add_key(record.line, &key, 0)?;
            let waiting = families::values(job, world, &cells, rows.as_deref(), Pass::Deferred)?;
            for (index, value) in &waiting.evaluated.values {
                if let Value::Reference(reference) = value
                    && reference.object == job.stage.destination_object
                {
                    world.spill.add_field_edge(*index, record.line, &reference.id)?;
                }
            }
        }
        Ok(())
    })?;
    let spill = &world.spill;
    spill.index_records()?;
    spill.draw_arcs()?;
    let mut cuts = RowSet::default();
    let deferred = job.stage.fields.iter().enumerate().filter(|(_, field)| field.deferred);
    for (index, _) in deferred {
        // A field refers to one record at most: no two circles have a record in common.
        cycles::each::<DecideError>(&spill.references(index), |circle| {
            let Some((at, last)) = circle.iter().enumerate().max_by_key(|(_, line)| **line) else { return Ok(()) };
            let Some(target) = circle.get(at + 1).or(circle.first()) else { return Ok(()) };
            cuts.insert(*last);
            let named = |line| Ok::<_, DecideError>(shown(&spill.key(line)?.unwrap_or_default()));
            Ok(spill.add_cut(index, (*last, *target), &cycles::drawn(&circle, named)?)?)
        })?;
    }
    Ok(cuts)
}
