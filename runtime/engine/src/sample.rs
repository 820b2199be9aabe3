//! Sample: the smallest slice of an export that shows every case, written like any run, read back and compared field by field.

mod cases;
mod choose;
mod records;

use std::sync::Arc;

use migr_decide::outcomes::{DecisionContext, Outcomes};
use migr_decide::owners::OwnerTable;
use migr_decide::slice::Slice;
use migr_decide::{CancellationFlag, Silent};
use migr_report::sample::{SAMPLE_FORMAT_VERSION, Sample, SampleChanges, SampledRecord};

use crate::audit::{Quiet, foresee};
use crate::bound::effect_of;
use crate::run::{RunSummary, run};
use crate::shared::blocking;
use crate::since::Touched;
use crate::trial::Trial;
use crate::{Context, EngineError, opening};
use choose::{Choice, choose};

/// Options of a sample.
#[derive(Clone, Debug)]
pub struct SampleOptions {
    /// Records to choose; more where the cases need more.
    pub records: u64,
    /// Records that a change of the spec touches: none but these are chosen, and those that they need. Absent: all records.
    pub touched: Option<Touched>,
}

/// Result of a sample.
#[derive(Clone, Debug)]
pub struct SampleRun {
    /// The sample.
    pub sample: Sample,
    /// The run that wrote it.
    pub run: RunSummary,
}

/// Chooses a sample, writes it, reads it back and compares. Setup must be done. None where it was asked to stop: the same command goes on.
pub async fn sample(context: &Context, options: &SampleOptions) -> Result<Option<SampleRun>, EngineError> {
    let choice = chosen(context, options).await?;
    let mut context = context.clone();
    let slice: Arc<Slice> = Arc::new(choice.slice.clone());
    context.options.slice = Some(Arc::clone(&slice));
    let before = match &options.touched {
        Some(_) => Some(before(&context, &choice, &slice).await?),
        None => None,
    };
    let written = run(&context).await?;
    if written.interrupted {
        return Ok(None);
    }
    let (records, findings) = records::records(&context, &choice).await?;
    let plan = &context.plan;
    let mut sample = Sample {
        format_version: SAMPLE_FORMAT_VERSION,
        migration: plan.migration.clone(),
        source: plan.source.system.clone(),
        destination: plan.destination.name.clone(),
        effect: effect_of(plan).digest.to_string(),
        asked: options.records,
        of: choice.of,
        coverage: choice.cases.coverage(),
        uncovered: choice.cases.uncovered(),
        findings,
        records,
        ..Sample::default()
    };
    sample.count();
    sample.changes = before.map(|before| SampleChanges::since_the_run(before, &sample));
    Ok(Some(SampleRun { sample, run: written }))
}

/// The records of a slice as the destination holds them before they are brought to a changed plan. Which they are is noted: they are chosen again by the next
/// sample of the same plan.
async fn before(context: &Context, choice: &Choice, slice: &Slice) -> Result<Vec<SampledRecord>, EngineError> {
    let trial = Trial::of(&context.journal.reader()?)?;
    context.journal.write_later(vec![trial.take(slice)]).await?;
    Ok(records::records(context, choice).await?.0)
}

/// Chooses the records, by what a run would make of each.
async fn chosen(context: &Context, options: &SampleOptions) -> Result<Choice, EngineError> {
    let schema = context.destination.known_schema().await?;
    let folder = context.work.join("sample");
    let journal = context.journal.lock().path().to_owned();
    let live = Some((Arc::clone(&context.destination), schema));
    let forecast = foresee(&context.plan, &context.export, live, (&folder, Some(&journal)), &Quiet).await?;
    let deciding = DecisionContext {
        plan: Arc::clone(&context.plan),
        export: Arc::clone(&context.export),
        destination: Arc::clone(&context.destination),
        outcomes: Outcomes::Forecast(Arc::clone(&forecast)),
        progress: Arc::new(Silent),
        cancellation: CancellationFlag::default(),
        work: folder.clone(),
        slice: None,
    };
    let owners = Arc::new(OwnerTable::load_leniently(&context.plan, &*context.destination).await?);
    let mut world = opening::world(&deciding, owners)?;
    opening::existing_records(&deciding, &mut world).await?;
    let (asked, touched) = (options.records, options.touched.clone());
    let choice = blocking(move || choose(&deciding, (&forecast, &mut world), asked, touched.as_ref(), &folder)).await?;
    let _ = std::fs::remove_dir(context.work.join("sample"));
    Ok(choice)
}
