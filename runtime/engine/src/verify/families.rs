use migr_extract::{OwnedRecord, Row};
use rusqlite::types::Value as Sort;

use crate::EngineError;
use crate::cells::{Kept, Lent};
use crate::duplicates::prefer;
use crate::job::Job;
use crate::links::written;
use crate::prepass::{sort, sort_column};
use crate::world::World;

/// Several rows that became one record; they wait in the scratch database.
#[derive(Debug, Default)]
pub(super) struct Families {
    any: bool,
}

impl Families {
    /// Reads the rows that another one stands for, where a stage merges.
    pub(super) fn read(job: &Job, world: &World) -> Result<Self, EngineError> {
        let mut families = Self::default();
        if !job.merges() {
            return Ok(families);
        }
        world.scratch.begin_stage()?;
        world.scratch.together(|| {
            let mut records = job.context.export.records(&job.stage.source_object)?;
            while let Some(row) = records.next()? {
                let Row::Record(record) = row else { continue };
                let Some((_, mapped)) = written(job, world, record.line, &Lent(record))? else { continue };
                let Some(winner) = mapped.winner else { continue };
                world.scratch.add_merging(0, record.line, &record.to_owned().to_bytes())?;
                world.scratch.add_follower(&winner, record.line, &sorted_by(job, record))?;
                families.any = true;
            }
            Ok(())
        })?;
        Ok(families)
    }

    /// The rows of a winner's record, itself included, the preferred one first; none where it stands alone.
    pub(super) fn of(
        &self,
        job: &Job,
        world: &World,
        key: &str,
        winner: &OwnedRecord,
        by: &Sort,
    ) -> Result<Option<Vec<Kept>>, EngineError> {
        let mut lines = if self.any { world.scratch.followers(key)? } else { Vec::new() };
        if lines.is_empty() {
            return Ok(None);
        }
        lines.push((winner.line, by.clone()));
        lines.sort_by(|a, b| prefer(&job.stage.policies.duplicate, (a.0, &a.1), (b.0, &b.1)));
        let mut rows = Vec::with_capacity(lines.len());
        for (line, _) in lines {
            if line == winner.line {
                rows.push(Kept(winner.clone()));
                continue;
            }
            let bytes = world.scratch.merging(0, line)?;
            rows.extend(bytes.and_then(|bytes| OwnedRecord::from_bytes(&bytes)).map(Kept));
        }
        Ok(Some(rows))
    }
}

/// What the stage's policy sorts a row by.
pub(super) fn sorted_by(job: &Job, record: migr_extract::Record<'_>) -> Sort {
    let column = sort_column(&job.stage.policies.duplicate);
    column.map_or(Sort::Null, |column| {
        job.program.column_value(&Lent(record), column).map_or(Sort::Null, |value| sort(&value))
    })
}
