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
use crate::written::written;

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

    /// True where a value is left empty, because with it the references would be circular.
    pub fn is_cut(&self, job: &StageRun, line: u64, value: &Value<'_>) -> bool {
        self.cuts.contains(line) && leads_to_itself(job, value)
    }
}

/// True where a value refers to the stage's own destination object.
fn leads_to_itself(job: &StageRun, value: &Value<'_>) -> bool {
    match value {
        Value::Reference(reference) => reference.object == job.stage.destination_object,
        Value::List(items) => items.iter().any(|item| leads_to_itself(job, item)),
        _ => false,
    }
}

/// Lines at which a circular reference is cut: the last record of it in the file. The spill database has the circle as it is drawn.
fn cuts(job: &StageRun, world: &RecordLookup, families: &Families) -> Result<RowSet, DecideError> {
    world.spill.together::<_, DecideError>(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let cells = Lent(record);
            let Some((key, mapped)) = written(job, world, record.line, &cells)? else { continue };
            let Some(id) = mapped.id.filter(|_| mapped.winner.is_none()) else { continue };
            let rows = families.of(job, world, &key, record)?;
            world.spill.add_record(record.line, &id, &SortValue::Null)?;
            world.spill.add_key(record.line, &key, 0)?;
            let waiting = families::values(job, world, &cells, rows.as_deref(), Pass::Deferred)?;
            for (_, value) in &waiting.evaluated.values {
                if let Value::Reference(reference) = value
                    && leads_to_itself(job, value)
                {
                    world.spill.add_edge(record.line, &reference.id)?;
                }
            }
        }
        Ok(())
    })?;
    let spill = &world.spill;
    spill.index_records()?;
    spill.draw_arcs()?;
    let mut cuts = RowSet::default();
    cycles::each::<DecideError>(spill, |circle| {
        let Some(last) = circle.iter().max() else { return Ok(()) };
        cuts.insert(*last);
        let drawn = cycles::drawn(&circle, |line| Ok::<_, DecideError>(shown(&spill.key(line)?.unwrap_or_default())))?;
        Ok(spill.add_cut(*last, &drawn)?)
    })?;
    Ok(cuts)
}
