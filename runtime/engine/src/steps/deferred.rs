//! Deferred fields of a stage, written once every record is there.

use std::sync::Arc;

use migr_extract::{Record, Row};
use migr_journal::{Change, Mapped, Operation, RepairNote, Settled, State, StepId};
use migr_plan::ReasonCode;
use migr_transform::{Partial, Pass, Value};

use crate::EngineError;
use crate::step_writer::StepWriter;
use crate::steps::following::{HandOn, Later};
use crate::steps::together::Together;
use crate::update_plan;
use migr_decide::cells::Lent;
use migr_decide::deferred::DeferredRows;
use migr_decide::families::{self, is_empty};
use migr_decide::forecast::CIRCLE;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::record_write::{ExistingRecord, RecordWrite};
use migr_decide::stage_run::StageRun;
use migr_decide::written::still_written;

/// The fields of a stage that had to wait until all records are there.
#[derive(Debug)]
pub(crate) struct DeferredFields {
    pub(crate) job: Arc<StageRun>,
}

/// Records whose waiting fields can be written now.
pub(crate) enum Ready {
    /// This run created them: nothing is there to be read first.
    Created(Vec<RecordWrite>),
    /// Records that were there.
    There(Vec<ExistingRecord>),
}

impl Later for DeferredFields {
    type Batch = (Option<Ready>, Vec<RepairNote>);

    fn job(&self) -> &StageRun {
        &self.job
    }

    fn object(&self) -> &str {
        &self.job.stage.destination_object
    }

    fn produce(
        &self,
        world: &RecordLookup,
        step: StepId,
        hand_on: &mut HandOn<'_, Self::Batch>,
    ) -> Result<(), EngineError> {
        produce(&self.job, world, step, hand_on)
    }

    fn bytes(batch: &Self::Batch) -> usize {
        match &batch.0 {
            None => 0,
            Some(Ready::Created(items)) => items.iter().map(|item| item.size).sum(),
            Some(Ready::There(items)) => items.iter().map(|there| there.item.size).sum(),
        }
    }

    async fn send(&self, step: StepId, sender: &mut StepWriter<'_>, batch: Self::Batch) -> Result<(), EngineError> {
        let (batch, repairs) = batch;
        if !repairs.is_empty() {
            sender.remember([Change::Repairs { step, repairs }]);
        }
        match batch {
            None => Ok(()),
            Some(Ready::Created(items)) => sender.send(items, Operation::Update, Vec::new()),
            Some(Ready::There(items)) => {
                let sorted = update_plan::plan_updates(&self.job, step, items).await?;
                // What this migration made is counted as made.
                let there: Vec<&RecordWrite> = sorted.change.iter().filter(|item| !item.is_ours).collect();
                sender.remember(updated(self.job.step, &there));
                sender.remember(sorted.with);
                sender.send(sorted.change, Operation::Update, Vec::new())
            }
        }
    }
}

/// Records that were as they should be, and are changed after all.
pub(crate) fn updated(step: StepId, items: &[&RecordWrite]) -> Option<Change> {
    let records: Vec<Settled> = items
        .iter()
        .map(|item| Settled {
            step,
            key: item.key.clone(),
            line: item.line,
            state: State::Updated,
            id: Some(item.id.clone()),
            winner: None,
        })
        .collect();
    (!records.is_empty()).then(|| Change::Settled { records, quarantine: Vec::new(), skips: Vec::new() })
}

fn produce(
    job: &StageRun,
    world: &RecordLookup,
    step: StepId,
    hand_on: &mut HandOn<'_, (Option<Ready>, Vec<RepairNote>)>,
) -> Result<(), EngineError> {
    let waiting = DeferredRows::read(job, world)?;
    let resumed = world.reader.has_records(step)?;
    let capabilities = job.context.destination.capabilities();
    let is_linked = job.stage.fields.iter().filter(|field| field.deferred).all(|field| field.linked_by.is_some());
    let size = if is_linked { capabilities.linked_size } else { capabilities.batch_size }.max(1);
    let mut created = if is_linked { Together::by_value(size) } else { Together::in_order(size) };
    let (mut there, mut repairs) = (Vec::new(), Vec::new());
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        if !job.takes(record.line) {
            continue;
        }
        let Some((key, mapped)) = still_written(job, world, record.line, &Lent(record))? else { continue };
        // Of rows of one distinct value the first does; another row's record is the winner's.
        if mapped.winner.is_some() || mapped.line != record.line {
            continue;
        }
        if resumed && world.reader.id_of(step, &key)?.is_some() {
            continue;
        }
        let Some(item) = item(job, world, &waiting, record, (key, &mapped), &mut repairs)? else { continue };
        // Of a record that an earlier run made a forecast looks at what it holds.
        let forecast = job.context.outcomes.forecast();
        let is_ours = mapped.state == State::Created;
        let was_made = match forecast {
            Some(forecast) => is_ours && forecast.outcome(job.step, &item.key)?.is_none(),
            None => false,
        };
        let item = RecordWrite { is_ours, ..item };
        let full = if is_ours && !was_made {
            created.add(RecordWrite { values: Vec::new(), ..item }).map(Ready::Created)
        } else {
            there.push(ExistingRecord { item, deleted: false });
            (there.len() >= size).then(|| Ready::There(std::mem::take(&mut there)))
        };
        if full.is_some() && !hand_on((full, std::mem::take(&mut repairs))) {
            return Ok(());
        }
    }
    let rest = (!there.is_empty()).then(|| Ready::There(there)).into_iter();
    for ready in rest.chain(created.rest().into_iter().map(Ready::Created)) {
        if !hand_on((Some(ready), std::mem::take(&mut repairs))) {
            return Ok(());
        }
    }
    if !repairs.is_empty() {
        hand_on((None, repairs));
    }
    Ok(())
}

/// The waiting fields of one record that have a value; why others have none is noted.
fn item(
    job: &StageRun,
    world: &RecordLookup,
    waiting: &DeferredRows,
    record: Record<'_>,
    (key, mapped): (String, &Mapped),
    repairs: &mut Vec<RepairNote>,
) -> Result<Option<RecordWrite>, EngineError> {
    let line = record.line;
    let note = |field: &str, reason: String| RepairNote {
        code: Some(ReasonCode::R301.to_string()),
        key: key.clone(),
        file: job.file.clone(),
        line,
        field: field.to_owned(),
        reason,
    };
    let Some(id) = mapped.id.clone() else { return Ok(None) };
    let cells = Lent(record);
    let rows = waiting.rows(job, world, &key, record)?;
    let Partial { evaluated, failures, skip } = families::values(job, world, &cells, rows.as_deref(), Pass::Deferred)?;
    let name = |index: usize| job.stage.fields.get(index).map(|field| field.field.as_str()).unwrap_or_default();
    let has_value =
        |field: &str| evaluated.values.iter().any(|(index, value)| name(*index) == field && !is_empty(value));
    repairs.extend(evaluated.repairs.iter().map(|repair| note(&repair.field, repair.reason.clone())));
    // The record is there already; only this field of it stays empty.
    for failure in failures.iter().chain(&skip).filter(|failure| !has_value(&failure.field)) {
        repairs.push(note(&failure.field, format!("left empty: {}", failure.reason)));
    }
    let mut values: Vec<(usize, Value<'static>)> = Vec::new();
    for (index, value) in evaluated.values {
        if let Some(circle) = waiting.cut(world, line, (index, &value))? {
            repairs.push(note(name(index), format!("{CIRCLE}: {circle}")));
        } else if !matches!(value, Value::None | Value::Default) {
            values.push((index, value.into_owned()));
        }
    }
    if values.is_empty() {
        return Ok(None);
    }
    let body = match job.encode_text(&values) {
        Ok(body) => body,
        Err(failures) => {
            repairs.extend(failures.into_iter().map(|failure| note(&failure.field, failure.reason)));
            return Ok(None);
        }
    };
    let fields = values.iter().map(|(index, _)| name(*index).to_owned()).collect();
    Ok(Some(RecordWrite { values, fields, ..RecordWrite::new(key, line, id) }.with_body(body)))
}
