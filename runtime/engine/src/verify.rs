//! Reads everything back and compares it with what the source rows say.

mod read_back;
mod schema;
mod summary;

use crate::opening;
use std::sync::Arc;

use migr_journal::{Change, Reader, State, findings};
use migr_plan::Step;
use migr_report::{MapVerification, Report};
use tokio::sync::mpsc;

use crate::shared::joined;
use crate::{Context, EngineError};
use migr_decide::expected::{Derivation, Derived, Sample};
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::StageRun;
use migr_decide::{Event, steps};
use migr_load::{Comparison, Map};
use migr_transform::Value;

pub use summary::{VerifyDifference, VerifyMissing, VerifySummary};

/// Batches that wait to be read back.
const READY: usize = 2;
/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;

/// Takes every difference as it is found, also those that the summary does not list any more. A record that is not there comes as a difference without a field.
pub type DifferenceSink<'s> = dyn FnMut(&VerifyDifference) + Send + 's;

/// Part of a record that was read back.
#[derive(Debug)]
pub(crate) enum SeenPart<'s> {
    /// The record is not there.
    Missing,
    /// Field by its index, with the expected value and the record as it was found.
    Field(usize, &'s Value<'static>, &'s Map, &'s Comparison),
    /// Link by its index, with its target and, where it is not there as expected, the state that was found.
    Link(usize, &'s str, Option<&'s str>),
}

/// Takes every comparison, those that hold too, with the stage, the source key and the line of the record.
pub(crate) type SeenSink<'s> = dyn FnMut(&StageRun, (&str, u64), SeenPart<'_>) + Send + 's;

/// Derives every value again from the source rows, reads the destination back and compares; what came of it is kept in the journal. `sample` limits it to
/// about so many records, always the same ones.
pub async fn verify(
    context: &Context,
    sample: Option<u64>,
    sink: &mut DifferenceSink<'_>,
) -> Result<VerifySummary, EngineError> {
    read_back(context, sample, (sink, &mut |_, _, _| {})).await
}

/// The same, with every comparison. Of a slice it is no verification of the migration: nothing of it is kept in the journal.
pub(crate) async fn read_back(
    context: &Context,
    sample: Option<u64>,
    (sink, seen): (&mut DifferenceSink<'_>, &mut SeenSink<'_>),
) -> Result<VerifySummary, EngineError> {
    let is_slice = context.options.slice.is_some();
    let reader = context.journal.reader()?;
    opening::same_export(context, &reader)?;
    // What is read back is not what was known before.
    let live = context.destination.schema().await?;
    if !is_slice {
        context.journal.lock().begin_run("verify")?;
    }
    let mut summary = VerifySummary::requiring(context.plan.options.require_match_percent.clone());
    schema::check(context, &live, &reader.setup()?, &mut summary);
    let checked = Checking { context, sample: sampled(context, &reader, sample)?, sink, seen, summary: &mut summary };
    let ended = checked.all().await;
    if ended.is_ok() && !summary.interrupted && !is_slice {
        balance(context, &reader, &mut summary)?;
    }
    let word = match &ended {
        Ok(()) if summary.interrupted => "interrupted",
        Ok(()) => "done",
        Err(_) => "stopped",
    };
    let summary = summary.closed();
    if is_slice {
        return ended.map(|()| summary);
    }
    if ended.is_ok() && !summary.interrupted {
        let value = serde_json::to_string(&summary.report()).unwrap_or_default();
        context.journal.write_later(vec![Change::finding(findings::VERIFICATION, value)]).await?;
    }
    context.journal.lock().end_run(word)?;
    ended.map(|()| summary)
}

fn sampled(context: &Context, reader: &Reader, sample: Option<u64>) -> Result<Sample, EngineError> {
    let Some(wanted) = sample else { return Ok(Sample::All) };
    let mut total = 0;
    for stage in &context.plan.stages {
        if let Some(step) = reader.step(&stage.id)? {
            total += there(reader, step)?;
        }
    }
    Ok(Sample::of(wanted, total))
}

/// Records of a step that the journal says are in the destination.
fn there(reader: &Reader, step: migr_journal::StepId) -> Result<u64, EngineError> {
    let mut total = 0;
    for state in [State::Created, State::Updated, State::Unchanged] {
        total += reader.count(step, state)?;
    }
    // Those that the export has no more follow from nothing.
    let mut after: Option<String> = None;
    loop {
        let vanished = reader.vanished_after(step, after.as_deref(), TOGETHER)?;
        let Some((last, _)) = vanished.last() else { return Ok(total) };
        after = Some(last.clone());
        for (key, _) in vanished {
            let mapped = reader.id_of(step, &key)?;
            total -= u64::from(mapped.is_some_and(|mapped| mapped.id.is_some() && mapped.winner.is_none()));
        }
    }
}

/// The numbers of every map must add up.
fn balance(context: &Context, reader: &Reader, summary: &mut VerifySummary) -> Result<(), EngineError> {
    let report = Report::counted(&context.plan, &reader.fold()?);
    for imbalance in report.imbalances() {
        summary.finding(
            Some(&imbalance.map),
            format!(
                "the export has {} records, the journal accounts for {}; this is a fault of migr",
                imbalance.read, imbalance.accounted
            ),
        );
    }
    for object in report.objects.iter().filter(|object| !object.finished) {
        summary.finding(Some(&object.map), "it is not finished; `migr run` goes on where it stopped".to_owned());
    }
    Ok(())
}

/// A verification at work.
struct Checking<'c, 's, 'f> {
    context: &'c Context,
    sample: Sample,
    sink: &'s mut DifferenceSink<'f>,
    seen: &'s mut SeenSink<'f>,
    summary: &'s mut VerifySummary,
}

impl Checking<'_, '_, '_> {
    async fn all(mut self) -> Result<(), EngineError> {
        let context = self.context;
        self.summary.sampled = self.sample != Sample::All;
        let owners = Arc::new(OwnerTable::load(&context.plan, &*context.destination).await?);
        let deciding = DecisionContext::from(context);
        let mut world = opening::world(&deciding, owners)?;
        opening::existing_records(&deciding, &mut world).await?;
        let reader = context.journal.reader()?;
        let mut jobs = Vec::new();
        for stage in &context.plan.stages {
            let Some(step) = reader.step(&stage.id)? else { continue };
            world.end_stage(&stage.id, step)?;
            let second = steps::find(&reader, &Step::deferred(&stage.id))?;
            let filled = steps::find(&reader, &Step::backfill(&stage.id))?;
            let changed = steps::find(&reader, &Step::changes(&stage.id))?;
            let job = Arc::new(StageRun::new(&deciding, stage, step)?);
            let derivation = Derivation {
                job,
                second,
                filled,
                changed,
                leaves_conflicts: true,
                looks: Vec::new(),
                sample: self.sample,
                tells: false,
            };
            jobs.push((derivation, there(&reader, step)?));
        }
        for (derivation, expected) in jobs {
            world = self.stage(derivation, world, expected).await?;
            if context.cancellation.is_cancelled() {
                self.summary.interrupted = true;
                break;
            }
        }
        Ok(())
    }

    async fn stage(
        &mut self,
        derivation: Derivation,
        world: RecordLookup,
        expected: u64,
    ) -> Result<RecordLookup, EngineError> {
        let job = Arc::clone(&derivation.job);
        let (hand_on, mut ready) = mpsc::channel(READY);
        let cancellation = self.context.cancellation.clone();
        let deriving = tokio::task::spawn_blocking(move || {
            let mut taken = |derived| !cancellation.is_cancelled() && hand_on.blocking_send(derived).is_ok();
            derivation.produce(&world, &mut taken)?;
            Ok::<_, EngineError>(world)
        });
        let mut counts = MapVerification { map: job.stage.id.clone(), ..MapVerification::default() };
        let mut compared = Ok(());
        while let Some(derived) = ready.recv().await {
            compared = match derived {
                Derived::Records(records) => {
                    let count = records.len() as u64;
                    let done = self.records(&job, records, &mut counts).await;
                    self.context.tell(Event::Verified { step: job.stage.id.clone(), records: count });
                    done
                }
                Derived::Links(index, links) => self.links(&job, index, links, &mut counts).await,
                Derived::Fails { key, line, reason } => {
                    let what = format!(
                        "{} (line {line}): its values cannot be derived again: {reason}",
                        migr_decide::outcome_recorder::shown(&key)
                    );
                    self.summary.finding(Some(&job.stage.id), what);
                    counts.expected += 1;
                    Ok(())
                }
            };
            if compared.is_err() {
                break;
            }
        }
        drop(ready);
        let derived = joined(deriving.await);
        compared?;
        let world = derived?;
        let is_whole = self.sample == Sample::All && self.context.options.slice.is_none();
        if is_whole && !self.context.cancellation.is_cancelled() && counts.expected != expected {
            let what = format!(
                "the journal has {expected} records in the destination, but {} follow from the export",
                counts.expected
            );
            self.summary.finding(Some(&job.stage.id), what);
        }
        self.summary.map(counts);
        Ok(world)
    }
}
