//! Outcomes of records: where they are noted, and what is known of them. A run notes them in the journal; a forecast keeps what a run would note.

use std::path::PathBuf;
use std::sync::Arc;

use migr_extract::Export;
use migr_journal::{
    BeforeImage, Change, Filed, HeldReader, Mapped, NoteKind, NotedField, Operation, Reader, RepairNote, StepId,
};
use migr_load::Destination;
use migr_plan::{Plan, Stage, Step};

use crate::field_numbers::FieldNumbers;
use crate::forecast::Forecast;
use crate::slice::Slice;
use crate::{CancellationFlag, DecideError, Event, Progress, SharedJournal, steps};

/// Context in which records are decided.
#[derive(Clone, Debug)]
pub struct DecisionContext {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The export that it reads.
    pub export: Arc<Export>,
    /// The destination as it is when records are written.
    pub destination: Arc<dyn Destination>,
    /// Where outcomes are noted.
    pub outcomes: Outcomes,
    /// Whoever waits for the command.
    pub progress: Arc<dyn Progress>,
    /// Flag that asks the work to stop.
    pub cancellation: CancellationFlag,
    /// A folder for the spill database.
    pub work: PathBuf,
    /// Rows that are written; absent: all of them.
    pub slice: Option<Arc<Slice>>,
}

impl DecisionContext {
    /// Tells who waits.
    pub fn tell(&self, event: Event) {
        self.progress.event(event);
    }
}

/// Where outcomes are noted.
#[derive(Clone, Debug)]
pub enum Outcomes {
    /// The journal of a run.
    Journal(SharedJournal),
    /// Events that a run would add to the journal.
    Forecast(Arc<Forecast>),
}

impl Outcomes {
    /// The forecast, where this is one.
    pub fn forecast(&self) -> Option<&Arc<Forecast>> {
        match self {
            Self::Journal(_) => None,
            Self::Forecast(forecast) => Some(forecast),
        }
    }

    /// Notes changes, on this thread.
    pub fn write(&self, changes: &[Change]) -> Result<(), DecideError> {
        match self {
            Self::Journal(journal) => Ok(journal.write(changes)?),
            Self::Forecast(forecast) => forecast.write(changes),
        }
    }

    /// Notes changes without holding up other tasks while the disk writes.
    pub async fn write_later(&self, changes: Vec<Change>) -> Result<(), DecideError> {
        match self {
            Self::Journal(journal) => journal.write_later(changes).await,
            Self::Forecast(forecast) => forecast.write(&changes),
        }
    }

    /// The step's id, begun where it was not.
    pub fn begin(&self, stage: &Stage, step: &Step) -> Result<StepId, DecideError> {
        match self {
            Self::Journal(journal) => steps::begin(journal, stage, step),
            Self::Forecast(forecast) => forecast.step(stage, step),
        }
    }

    /// Numbers of the fields that a step writes.
    pub fn fields(&self, step: StepId) -> Result<FieldNumbers, DecideError> {
        match self {
            Self::Journal(journal) => FieldNumbers::of(journal, step),
            Self::Forecast(_) => Ok(FieldNumbers::default()),
        }
    }

    /// Knowledge of outcomes, on a connection of its own.
    pub fn knowledge(&self) -> Result<Knowledge, DecideError> {
        Ok(match self {
            Self::Journal(journal) => Knowledge::of(journal.reader()?)?,
            Self::Forecast(forecast) => Knowledge {
                reader: forecast.reader()?,
                held: forecast.reader()?.map(HeldReader::new),
                forecast: Some(Arc::clone(forecast)),
            },
        })
    }
}

/// Knowledge of outcomes: by the journal, and in a forecast by what a run would add to it.
#[derive(Debug)]
pub struct Knowledge {
    reader: Option<Reader>,
    /// Answers about steps that are finished.
    held: Option<HeldReader>,
    forecast: Option<Arc<Forecast>>,
}

impl Knowledge {
    /// By a journal alone.
    pub fn of(reader: Reader) -> Result<Self, DecideError> {
        let held = HeldReader::new(reader.another()?);
        Ok(Self { reader: Some(reader), held: Some(held), forecast: None })
    }

    /// The project whose ids the journal's records have; none before projects had one, or without a journal.
    pub(crate) fn project(&self) -> Result<Option<String>, DecideError> {
        self.reader.as_ref().map_or(Ok(None), |reader| Ok(reader.finding(crate::project::PROJECT)?))
    }

    /// True where nothing but a forecast is asked: its answers are as quick as remembering them.
    pub(crate) fn is_quick(&self) -> bool {
        self.forecast.is_some() && self.reader.is_none()
    }

    /// Outcome of a source key of a step that is finished.
    pub fn settled(&self, step: StepId, key: &str) -> Result<Option<Mapped>, DecideError> {
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
    pub fn release(&self) -> Result<(), DecideError> {
        self.held.as_ref().map_or(Ok(()), |held| Ok(held.release()?))
    }

    /// The journal's reader, for a step that the journal has.
    fn journal(&self, step: StepId) -> Option<&Reader> {
        self.reader.as_ref().filter(|_| step.is_begun())
    }

    /// Outcome of a source key.
    pub fn id_of(&self, step: StepId, key: &str) -> Result<Option<Mapped>, DecideError> {
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

    /// True where the journal has anything of a step.
    pub fn has_records(&self, step: StepId) -> Result<bool, DecideError> {
        if self.forecast.as_ref().is_some_and(|forecast| forecast.has_closed(step)) {
            return Ok(true);
        }
        self.journal(step).map_or(Ok(false), |reader| Ok(reader.has_records(step)?))
    }

    /// True where the journal has a step as done.
    pub fn is_done(&self, step: StepId) -> Result<bool, DecideError> {
        self.journal(step).map_or(Ok(false), |reader| Ok(reader.is_done(step)?))
    }

    /// The journal's id of a step, if it was begun.
    pub fn find(&self, step: &Step) -> Result<Option<StepId>, DecideError> {
        match (&self.reader, &self.forecast) {
            (Some(reader), _) => match steps::find(reader, step)? {
                None => Ok(self.forecast.as_ref().and_then(|forecast| forecast.known(step))),
                found => Ok(found),
            },
            (None, forecast) => Ok(forecast.as_ref().and_then(|forecast| forecast.known(step))),
        }
    }

    /// True where the journal has a step to backfill that is open.
    pub fn is_open(&self, step: &Step) -> Result<bool, DecideError> {
        match &self.reader {
            Some(reader) => match steps::find(reader, step)? {
                Some(id) => Ok(!reader.is_done(id)?),
                None => Ok(false),
            },
            None => Ok(false),
        }
    }

    /// The file that a column of a record names.
    pub fn file(&self, file: &str, line: u64, column: &str) -> Result<Option<Filed>, DecideError> {
        self.reader.as_ref().map_or(Ok(None), |reader| Ok(reader.file(file, line, column)?))
    }

    /// Values that a record held before it was changed.
    pub fn before_image(
        &self,
        step: StepId,
        id: &str,
        operation: Operation,
    ) -> Result<Option<BeforeImage>, DecideError> {
        self.journal(step).map_or(Ok(None), |reader| Ok(reader.before_image(step, id, operation)?))
    }

    /// Records of which a step noted something, by their keys and the lines of the values.
    pub fn noted_records(&self, step: StepId, take: impl FnMut(&str, u64)) -> Result<(), DecideError> {
        self.journal(step).map_or(Ok(()), |reader| Ok(reader.noted_records(step, take)?))
    }

    /// Fields of a record about which a step noted a remark of a kind.
    pub fn fields_noted(&self, step: StepId, key: &str, kind: NoteKind<'_>) -> Result<Vec<String>, DecideError> {
        self.journal(step).map_or(Ok(Vec::new()), |reader| Ok(reader.fields_noted(step, key, kind)?))
    }

    /// Remarks of a kind that a step noted on a record: fields and reasons.
    pub fn notes_on(
        &self,
        step: StepId,
        key: &str,
        kind: NoteKind<'_>,
    ) -> Result<Vec<(String, Option<String>)>, DecideError> {
        self.journal(step).map_or(Ok(Vec::new()), |reader| Ok(reader.notes_on(step, key, kind)?))
    }

    /// Finding that the journal keeps by a name.
    pub fn finding(&self, name: &str) -> Result<Option<String>, DecideError> {
        self.reader.as_ref().map_or(Ok(None), |reader| Ok(reader.finding(name)?))
    }

    /// Notes without those that the journal has of these steps in the same words, and those on records that it does not know.
    pub fn without_noted(&self, steps: &[StepId], notes: Vec<RepairNote>) -> Result<Vec<RepairNote>, DecideError> {
        let mut new = Vec::new();
        for note in notes {
            let (mut is_known, mut is_noted) = (false, false);
            for step in steps {
                let Some(reader) = self.journal(*step) else { continue };
                is_known |= reader.id_of(*step, &note.key)?.is_some();
                is_noted |= reader.is_noted(*step, &note)?;
            }
            new.extend(Some(note).filter(|_| is_known && !is_noted));
        }
        Ok(new)
    }

    /// Fields of a record of which a step noted something.
    pub fn noted_fields(&self, step: StepId, key: &str) -> Result<Vec<NotedField>, DecideError> {
        self.journal(step).map_or(Ok(Vec::new()), |reader| Ok(reader.noted_fields(step, key)?))
    }
}
