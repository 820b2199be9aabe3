//! Records that must not be written because a record of the same stage is not: found before anything of the stage is sent.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_extract::{OwnedRecord, Row};

use crate::cells::Lent;
use crate::decision::Subject;
use crate::decision::{Decision, SkipReason};
use crate::evaluate::{Decided, Evaluator};
use crate::outcome_recorder::OutcomeRecorder;
use crate::prepass::Classification;
use crate::record_lookup::{Own, RecordLookup};
use crate::stage_run::StageRun;
use crate::{DecideError, expressions};
use migr_spill::RowSet;

/// Decides about every record of a stage whose records need each other, and takes those out that are not written, until nothing changes.
pub fn settle(
    job: &StageRun,
    world: &RecordLookup,
    look: &mut Classification,
    has_existing: bool,
    failures: &Arc<AtomicU64>,
) -> Result<(), DecideError> {
    if job.file.is_empty() || look.pending.is_empty() || !expressions::needs_itself(&job.stage) {
        return Ok(());
    }
    world.answer_own(Own::Admitted);
    world.take_asked();
    let mut settling = Settling {
        evaluator: Evaluator { job, world, has_existing, takes_fields: false },
        aside: OutcomeRecorder::new(job, look.resumed, Arc::clone(failures)),
        affected: RowSet::default(),
    };
    world.spill.index_losers()?;
    let mut wanted: Option<RowSet> = None;
    loop {
        world.spill.together::<_, DecideError>(|| settling.round(look, wanted.as_ref()))?;
        let affected = std::mem::take(&mut settling.affected);
        if affected.is_empty() {
            break;
        }
        wanted = Some(affected);
    }
    settling.aside.flush()
}

struct Settling<'s> {
    evaluator: Evaluator<'s>,
    aside: OutcomeRecorder<'s>,
    /// Lines whose records refer to one that was taken out, and that were decided about before.
    affected: RowSet,
}

impl Settling<'_> {
    /// One pass over the file. `wanted` limits it to some lines.
    fn round(&mut self, look: &mut Classification, wanted: Option<&RowSet>) -> Result<(), DecideError> {
        let Evaluator { job, world, .. } = self.evaluator;
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let line = record.line;
            // Records of an earlier run are there, whatever others are.
            if !look.pending.contains(line) || look.is_settled(line) {
                continue;
            }
            if look.merging.contains(line) {
                self.member(&record.to_owned(), look, wanted)?;
                continue;
            }
            if wanted.is_some_and(|wanted| !wanted.contains(line)) {
                continue;
            }
            let cells = Lent(record);
            let Ok(key) = job.key(&cells, world)? else { continue };
            let subject = Subject { key: &key, source_key: &key, line };
            let decided = self.evaluator.row(subject, &cells)?;
            self.take(subject, &[(line, key.clone())], decided, look)?;
        }
        Ok(())
    }

    /// One of several records that are written as one: decided about once the last of them was read.
    fn member(
        &mut self,
        record: &OwnedRecord,
        look: &mut Classification,
        wanted: Option<&RowSet>,
    ) -> Result<(), DecideError> {
        let spill = &self.evaluator.world.spill;
        let Some((leader, last)) = spill.family_of(record.line)? else { return Ok(()) };
        spill.add_merging(leader, record.line, &record.to_bytes())?;
        if record.line != last {
            return Ok(());
        }
        let members = spill.family(leader)?;
        if wanted.is_some_and(|wanted| !members.iter().any(|(line, _)| wanted.contains(*line))) {
            return Ok(());
        }
        let Some((line, key)) = members.first() else { return Ok(()) };
        let subject = Subject { key, source_key: key, line: *line };
        let rows = self.evaluator.rows(leader, &members)?;
        match self.evaluator.family(subject, &rows)? {
            Some(decided) => self.take(subject, &members, decided, look),
            None => Ok(()),
        }
    }

    /// Notes whom a record refers to; takes it out where it is not written.
    fn take(
        &mut self,
        subject: Subject<'_>,
        members: &[(u64, String)],
        decided: Decided,
        look: &mut Classification,
    ) -> Result<(), DecideError> {
        let world = self.evaluator.world;
        let asked = world.take_asked();
        match decided.decision {
            Decision::Skip(SkipReason::Existing { .. })
            | Decision::Create(_)
            | Decision::Update(_)
            | Decision::Restore(_)
            | Decision::Replace(_) => {
                for parent in asked {
                    world.spill.add_dependent(&parent, subject.line)?;
                }
                return Ok(());
            }
            Decision::Skip(reason) => self.aside.skip(world, subject, &reason)?,
            Decision::Quarantine(reason) => self.aside.quarantine(world, subject, &reason)?,
        }
        let mut out: Vec<(u64, String)> = members.to_vec();
        out.extend(world.spill.losers_of(subject.key)?);
        for (line, key) in out {
            look.keep_out(line);
            world.spill.remove_record(line)?;
            for dependent in world.spill.dependents(&key)? {
                self.affected.insert(dependent);
            }
        }
        Ok(())
    }
}
