use std::collections::BTreeMap;

use migr_extract::{OwnedRecord, Row};
use rusqlite::types::Value as Sort;

use crate::EngineError;
use crate::cells::{Kept, Lent};
use crate::duplicates::prefer;
use crate::job::Job;
use crate::links::written;
use crate::prepass::{sort, sort_column};
use crate::world::World;

/// Several rows that became one record; the rows themselves wait in the scratch database.
#[derive(Debug, Default)]
pub(super) struct Families {
    /// By the winner's key: lines and what they are sorted by.
    members: BTreeMap<String, Vec<(u64, Sort)>>,
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
                families.members.entry(winner).or_default().push((record.line, sorted_by(job, record)));
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
        let Some(others) = self.members.get(key) else { return Ok(None) };
        let mut lines = others.clone();
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
