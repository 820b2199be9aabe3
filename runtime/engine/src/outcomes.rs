//! Outcomes of records: where they are noted, and what is known of them. A run notes them in the journal; a forecast keeps what a run would note.

use std::path::PathBuf;
use std::sync::Arc;

use migr_extract::Export;
use migr_journal::{BeforeImage, Change, Filed, HeldReader, Mapped, NotedField, Operation, Reader, StepId};
use migr_load::Destination;
use migr_plan::{Plan, Stage, Step};

use crate::field_numbers::FieldNumbers;
use crate::forecast::Forecast;
use crate::{CancellationFlag, Context, EngineError, Event, Progress, steps};

/// What deciding about records works with.
#[derive(Clone, Debug)]
pub(crate) struct DecisionContext {
    /// The plan.
    pub(crate) plan: Arc<Plan>,
    /// The export that it reads.
    pub(crate) export: Arc<Export>,
    /// The destination as it is when records are written.
    pub(crate) destination: Arc<dyn Destination>,
    /// Where outcomes are noted.
    pub(crate) outcomes: Outcomes,
    /// Whoever waits for the command.
    pub(crate) progress: Arc<dyn Progress>,
    /// Whether to stop.
    pub(crate) cancellation: CancellationFlag,
    /// A folder for the spill database.
    pub(crate) work: PathBuf,
}

impl From<&Context> for DecisionContext {
    fn from(context: &Context) -> Self {
        Self {
            plan: Arc::clone(&context.plan),
            export: Arc::clone(&context.export),
            destination: Arc::clone(&context.destination),
            outcomes: Outcomes::Journal(Arc::new(context.clone())),
            progress: Arc::clone(&context.progress),
            cancellation: context.cancellation.clone(),
            work: context.work.clone(),
        }
    }
}

impl DecisionContext {
    /// Tells who waits.
    pub(crate) fn tell(&self, event: Event) {
        self.progress.event(event);
    }
}

/// Where outcomes are noted.
#[derive(Clone, Debug)]
pub(crate) enum Outcomes {
    /// The journal of a run.
    Journal(Arc<Context>),
    /// What a run would add to the journal.
    Forecast(Arc<Forecast>),
}

impl Outcomes {
    /// The forecast, where this is one.
    pub(crate) fn forecast(&self) -> Option<&Arc<Forecast>> {
        match self {
            Self::Journal(_) => None,
            Self::Forecast(forecast) => Some(forecast),
        }
    }

    /// Notes changes, on this thread.
    pub(crate) fn write(&self, changes: &[Change]) -> Result<(), EngineError> {
        match self {
            Self::Journal(context) => Ok(context.journal.write(changes)?),
            Self::Forecast(forecast) => forecast.write(changes),
        }
    }

    /// Notes changes without holding up other tasks while the disk writes.
    pub(crate) async fn write_later(&self, changes: Vec<Change>) -> Result<(), EngineError> {
        match self {
            Self::Journal(context) => context.journal.write_later(changes).await,
            Self::Forecast(forecast) => forecast.write(&changes),
        }
    }

    /// The step's id, begun where it was not.
    pub(crate) fn begin(&self, stage: &Stage, step: &Step) -> Result<StepId, EngineError> {
        match self {
            Self::Journal(context) => steps::begin(&context.journal, stage, step),
            Self::Forecast(forecast) => forecast.step(stage, step),
        }
    }

    /// Numbers of the fields that a step writes.
    pub(crate) fn fields(&self, step: StepId) -> Result<FieldNumbers, EngineError> {
        match self {
            Self::Journal(context) => FieldNumbers::of(context, step),
            Self::Forecast(_) => Ok(FieldNumbers::default()),
        }
    }

    /// What is known of outcomes, on a connection of its own.
    pub(crate) fn knowledge(&self) -> Result<Knowledge, EngineError> {
        Ok(match self {
            Self::Journal(context) => Knowledge::of(context.journal.reader()?)?,
            Self::Forecast(forecast) => Knowledge {
                reader: forecast.reader()?,
                held: forecast.reader()?.map(HeldReader::new),
                forecast: Some(Arc::clone(forecast)),
            },
        })
    }
}

/// What is known of outcomes: by the journal, and in a forecast by what a run would add to it.
#[derive(Debug)]
pub(crate) struct Knowledge {
    reader: Option<Reader>,
    /// Answers about steps that are finished.
    held: Option<HeldReader>,
    forecast: Option<Arc<Forecast>>,
}

impl Knowledge {
    /// By a journal alone.
    pub(crate) fn of(reader: Reader) -> Result<Self, EngineError> {
        let held = HeldReader::new(reader.another()?);
        Ok(Self { reader: Some(reader), held: Some(held), forecast: None })
    }

    /// What became of a source key of a step that is finished.
    pub(crate) fn settled(&self, step: StepId, key: &str) -> Result<Option<Mapped>, EngineError> {
        if let Some(forecast) = &self.forecast
            && let Some(mapped) = forecast.outcome(step, key)?
        {
            return Ok(Some(mapped));
        }
        match self.held.as_ref().filter(|_| step.is_begun()) {
            Some(held) => Ok(held.id_of(step, key)?),
            None => Ok(None),
        }
    }

    /// Nothing is asked of finished steps for a while; what is asked next sees all that was written by then.
    pub(crate) fn release(&self) -> Result<(), EngineError> {
        self.held.as_ref().map_or(Ok(()), |held| Ok(held.release()?))
    }

    /// The journal's reader, for a step that the journal has.
    fn journal(&self, step: StepId) -> Option<&Reader> {
        self.reader.as_ref().filter(|_| step.is_begun())
    }

    /// What became of a source key.
    pub(crate) fn id_of(&self, step: StepId, key: &str) -> Result<Option<Mapped>, EngineError> {
        if let Some(forecast) = &self.forecast
            && let Some(mapped) = forecast.outcome(step, key)?
        {
            return Ok(Some(mapped));
        }
        match self.journal(step) {
            Some(reader) => Ok(reader.id_of(step, key)?),
            None => Ok(None),
        }
    }

    /// Whether the journal has anything of a step.
    pub(crate) fn has_records(&self, step: StepId) -> Result<bool, EngineError> {
        if self.forecast.as_ref().is_some_and(|forecast| forecast.has_closed(step)) {
            return Ok(true);
        }
        self.journal(step).map_or(Ok(false), |reader| Ok(reader.has_records(step)?))
    }

    /// Whether the journal has a step as done.
    pub(crate) fn is_done(&self, step: StepId) -> Result<bool, EngineError> {
        self.journal(step).map_or(Ok(false), |reader| Ok(reader.is_done(step)?))
    }

    /// The journal's id of a step, if it was begun.
    pub(crate) fn find(&self, stage: &Stage, step: &Step) -> Result<Option<StepId>, EngineError> {
        match (&self.reader, &self.forecast) {
            (Some(reader), _) => match steps::find(reader, stage, step)? {
                None => Ok(self.forecast.as_ref().and_then(|forecast| forecast.known(step))),
                found => Ok(found),
            },
            (None, forecast) => Ok(forecast.as_ref().and_then(|forecast| forecast.known(step))),
        }
    }

    /// Whether the journal has a step to backfill that is open.
    pub(crate) fn is_open(&self, stage: &Stage, step: &Step) -> Result<bool, EngineError> {
        match &self.reader {
            Some(reader) => match steps::find(reader, stage, step)? {
                Some(id) => Ok(!reader.is_done(id)?),
                None => Ok(false),
            },
            None => Ok(false),
        }
    }

    /// The file that a column of a record names.
    pub(crate) fn file(&self, file: &str, line: u64, column: &str) -> Result<Option<Filed>, EngineError> {
        self.reader.as_ref().map_or(Ok(None), |reader| Ok(reader.file(file, line, column)?))
    }

    /// What a record held before it was changed.
    pub(crate) fn before_image(
        &self,
        step: StepId,
        id: &str,
        operation: Operation,
    ) -> Result<Option<BeforeImage>, EngineError> {
        self.journal(step).map_or(Ok(None), |reader| Ok(reader.before_image(step, id, operation)?))
    }

    /// Lines of records of which a step noted something.
    pub(crate) fn noted_lines(&self, step: StepId, take: impl FnMut(u64)) -> Result<(), EngineError> {
        self.journal(step).map_or(Ok(()), |reader| Ok(reader.noted_lines(step, take)?))
    }

    /// Fields of a record of which a step noted something.
    pub(crate) fn noted_fields(&self, step: StepId, key: &str) -> Result<Vec<NotedField>, EngineError> {
        self.journal(step).map_or(Ok(Vec::new()), |reader| Ok(reader.noted_fields(step, key)?))
    }
}
