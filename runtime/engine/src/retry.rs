//! Release of quarantined records for retry.

use migr_journal::{Change, Reader, State, StepId};
use migr_plan::{Expr, OnMissing, Stage, Step, StepKind};

use crate::steps::backfill;
use crate::{Context, EngineError};
use migr_decide::{expressions, steps};

/// Records that are released for retry together.
const TOGETHER: usize = 500;

/// Counts of what the next run tries again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Records that were quarantined.
    pub records: u64,
    /// Values of other records that were left out or replaced, or whose owner has no member.
    pub values: u64,
}

/// Lets records in quarantine go, of one map or of all, so that the next run tries them again, and with them what was left empty because of them. The export
/// may have been mended since.
pub async fn retry(context: &Context, map: Option<&str>) -> Result<Released, EngineError> {
    let reader = context.journal.reader()?;
    let mut released = Released::default();
    let mut releasing = Vec::new();
    let mut later = Vec::new();
    for stage in &context.plan.stages {
        let Some(step) = reader.step(&stage.id)? else { continue };
        if map.is_none_or(|map| stage.map == map) {
            for state in [State::Quarantined, State::Uncertain] {
                released.records += reader.count(step, state)?;
                releasing.push((step, state));
            }
        }
        // Of a rule that leaves a record behind where its target is missing, nobody knows whether it still does.
        if skips_where_missing(stage) {
            releasing.push((step, State::Skipped));
        }
        // What the destination refused of links and deferred fields is in no quarantine.
        let own = context.plan.steps().into_iter().filter(|step| step.stage == stage.id);
        for step in own.filter(|step| matches!(step.kind, StepKind::Links(_) | StepKind::Deferred)) {
            let Some(step) = steps::find(&reader, &step)? else { continue };
            releasing.extend([(step, State::Quarantined), (step, State::Uncertain)]);
            later.push(step);
        }
        let mut values = 0;
        for step in backfill::noting_steps(&context.plan, stage, &reader)? {
            values += reader.count_noted(step)?;
        }
        if values > 0 {
            released.values += values;
            later.push(steps::begin(&context.journal, stage, &Step::backfill(&stage.id))?);
        }
    }
    if released == Released::default() {
        return Ok(released);
    }
    // First what must look at the records again: ended half-way, nothing is released for retry that is not looked at.
    let finding = |name: &str| Change::Finding { name: name.to_owned(), value: "null".to_owned() };
    let mut changes = vec![finding("export"), finding("verify")];
    changes.extend(later.into_iter().map(|step| Change::TakenBack { step, keys: Vec::new() }));
    context.journal.write_later(changes).await?;
    for (step, state) in releasing {
        release(context, &reader, step, state).await?;
    }
    Ok(released)
}

/// Forgets the records of a step that ended so. A record that another one stands for, or that is there, is none of a rule.
async fn release(context: &Context, reader: &Reader, step: StepId, state: State) -> Result<(), EngineError> {
    let mut after: Option<String> = None;
    loop {
        let rows = reader.rows_after(step, after.as_deref(), TOGETHER)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.clone());
        let is_it = |mapped: &migr_journal::Mapped| {
            mapped.state == state && (state != State::Skipped || (mapped.winner.is_none() && mapped.id.is_none()))
        };
        let keys: Vec<String> = rows.into_iter().filter(|row| is_it(&row.mapped)).map(|row| row.key).collect();
        if !keys.is_empty() {
            context.journal.write_later(vec![Change::TakenBack { step, keys }]).await?;
        }
    }
}

/// True where a stage leaves records behind that refer to what is missing.
fn skips_where_missing(stage: &Stage) -> bool {
    let mut found = false;
    for expression in expressions::of_stage(stage) {
        expression.walk(&mut |inner| {
            found |= matches!(inner, Expr::Reference { on_missing: OnMissing::Skip, .. });
        });
    }
    found
}
