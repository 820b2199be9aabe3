//! StepWriter of a step: sends batches of records to the destination, or, in a forecast, notes what they would become.

use std::collections::BTreeMap;
use std::sync::Arc;

use migr_journal::{Change, Operation, StepId};

use crate::EngineError;
use migr_decide::forecast::Forecast;
use migr_decide::outcomes::Outcomes;
use migr_decide::record_write::{ExistingRecord, RecordWrite};
use migr_decide::stage_run::StageRun;
use migr_deliver::{BatchWriter, Shared, Target};

/// Where the records of a step go.
#[derive(Debug)]
pub(crate) enum StepWriter<'w> {
    /// To the destination.
    BatchWriter(Box<BatchWriter<'w>>),
    /// Nowhere: what they would become is noted.
    Forecast {
        /// The stage.
        job: &'w StageRun,
        /// The notes.
        forecast: Arc<Forecast>,
        /// The step.
        step: StepId,
        /// The step of the stage's records.
        of: StepId,
        /// Notes that go with the next batch.
        waiting: Vec<Change>,
    },
}

impl<'w> StepWriter<'w> {
    /// The writer of a step of a stage.
    pub(crate) fn new(job: &'w StageRun, shared: &Shared, target: Target<'_>) -> Self {
        match &job.context.outcomes {
            Outcomes::Journal(journal) => {
                Self::BatchWriter(Box::new(BatchWriter::new(&job.context, journal, shared, target)))
            }
            Outcomes::Forecast(forecast) => Self::Forecast {
                job,
                forecast: Arc::clone(forecast),
                step: target.step,
                of: job.step,
                waiting: Vec::new(),
            },
        }
    }

    /// Takes a batch, with what is journaled together with its intent; it is sent with the next [`Self::flush`].
    pub(crate) fn send(
        &mut self,
        items: Vec<RecordWrite>,
        operation: Operation,
        with: Vec<Change>,
    ) -> Result<(), EngineError> {
        match self {
            Self::BatchWriter(sender) => {
                sender.add(items, operation, with);
                Ok(())
            }
            Self::Forecast { job, forecast, step, of, waiting } => {
                forecast.write(&std::mem::take(waiting))?;
                forecast.write(&with)?;
                forecast.written(*step, *of, operation, &items)?;
                let is_link = step != of && operation == Operation::Create;
                if job.is_met && !is_link {
                    for item in &items {
                        job.comes(forecast, item)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Takes out of records that were found to be there those that an earlier run sent, as far as nobody knows whose they are.
    pub(crate) fn without_sent_before(&mut self, items: Vec<ExistingRecord>) -> Vec<ExistingRecord> {
        match self {
            Self::BatchWriter(sender) => sender.without_sent_before(items),
            Self::Forecast { .. } => items,
        }
    }

    /// Sends what was taken.
    pub(crate) async fn flush(&mut self) -> Result<(), EngineError> {
        match self {
            Self::BatchWriter(sender) => Ok(sender.flush().await?),
            Self::Forecast { .. } => Ok(()),
        }
    }

    /// Journals something with the next intent.
    pub(crate) fn remember(&mut self, changes: impl IntoIterator<Item = Change>) {
        match self {
            Self::BatchWriter(sender) => sender.remember(changes),
            Self::Forecast { waiting, .. } => {
                let is_kept = |change: &Change| matches!(change, Change::Settled { .. } | Change::Repairs { .. });
                waiting.extend(changes.into_iter().filter(is_kept));
            }
        }
    }

    /// Notes what was adjusted and who is missing in some records.
    pub(crate) fn notes(&self, items: &[RecordWrite], changes: &mut Vec<Change>) {
        if let Self::BatchWriter(sender) = self {
            sender.notes(items.iter(), changes);
        }
    }

    /// Changes that were not written since the last such question, with the reasons, by the record's key.
    pub(crate) fn take_unwritten(&mut self) -> BTreeMap<String, String> {
        match self {
            Self::BatchWriter(sender) => sender.take_unwritten(),
            Self::Forecast { .. } => BTreeMap::new(),
        }
    }

    /// True where something concerns every record, so that nothing more is worth sending.
    pub(crate) fn has_stopped(&self) -> bool {
        match self {
            Self::BatchWriter(sender) => sender.has_stopped(),
            Self::Forecast { .. } => false,
        }
    }

    /// True where a batch is under way.
    pub(crate) fn is_flying(&self) -> bool {
        match self {
            Self::BatchWriter(sender) => sender.is_flying(),
            Self::Forecast { .. } => false,
        }
    }

    /// Waits for the oldest batch under way. Dropped while it waits, it loses nothing.
    pub(crate) async fn land(&mut self) -> Result<(), EngineError> {
        match self {
            Self::BatchWriter(sender) => Ok(sender.land().await?),
            Self::Forecast { .. } => Ok(()),
        }
    }

    /// Waits for all batches, and for what is journaled of them.
    pub(crate) async fn finish(&mut self) -> Result<(), EngineError> {
        match self {
            Self::BatchWriter(sender) => Ok(sender.finish().await?),
            Self::Forecast { forecast, waiting, .. } => Ok(forecast.write(&std::mem::take(waiting))?),
        }
    }
}
