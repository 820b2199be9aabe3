//! Counts of records that a run has written: their values are derived anew, so that what of them is lost is counted though nothing is left to write.

use migr_decide::cells::Lent;
use migr_decide::evaluate::told_of;
use migr_decide::families::{self, Families};
use migr_decide::forecast::Forecast;
use migr_decide::outcomes::DecisionContext;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::StageRun;
use migr_extract::Row;
use migr_journal::Reader;
use migr_plan::Step;
use migr_transform::Pass;

use crate::EngineError;
use crate::since::written;

/// Counts the written records of every stage that a journal has some of.
pub(super) fn count(context: &DecisionContext, world: &RecordLookup, forecast: &Forecast) -> Result<(), EngineError> {
    let Some(reader) = forecast.reader()? else { return Ok(()) };
    for stage in &context.plan.stages {
        let (Some(step), Some(_)) =
            (forecast.known(&Step::records(&stage.id)), context.export.file(&stage.source_object))
        else {
            continue;
        };
        if step.is_begun() && written(&reader, step)? > 0 {
            of_stage(&StageRun::new(context, stage, step)?, world, &reader, forecast)?;
        }
    }
    Ok(())
}

fn of_stage(job: &StageRun, world: &RecordLookup, reader: &Reader, forecast: &Forecast) -> Result<(), EngineError> {
    world.spill.begin_stage()?;
    let families = Families::read(job, world)?;
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        let Ok(key) = job.key(&cells, world)? else { continue };
        let Some(mapped) = reader.id_of(job.step, &key)? else { continue };
        let is_its_own = mapped.state.is_there() && mapped.winner.is_none() && mapped.line == record.line;
        if !is_its_own || job.program.leaves_out(&cells, world)? {
            continue;
        }
        let rows = families.of(job, world, &key, record)?;
        for pass in [Pass::First, Pass::Deferred] {
            let mut evaluated = families::values(job, world, &cells, rows.as_deref(), pass)?.evaluated;
            if rows.is_none() && pass == Pass::First {
                evaluated.cut = job.cut(&cells, world)?;
            }
            forecast.counted(job.step, &told_of(job, &evaluated, forecast.today()));
        }
    }
    world.take_owned();
    world.take_asked();
    Ok(())
}
