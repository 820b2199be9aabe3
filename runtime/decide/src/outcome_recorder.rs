//! Recorder of outcomes that need no request: what is quarantined, and what a written rule leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use migr_journal::{Change, QuarantineNote, Settled, SkipNote, State};

use crate::decision::{QuarantineReason, SkipReason, Subject};
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;
use crate::{DecideError, Event};

/// Settled records that are journaled together.
const TOGETHER: usize = 500;

pub use crate::decision::shown;

/// Collects what is quarantined or skipped and journals it in groups.
#[derive(Debug)]
pub struct OutcomeRecorder<'j> {
    job: &'j StageRun,
    /// Something of the stage is in the journal: a record that is there is not settled again.
    resumed: bool,
    failures: Arc<AtomicU64>,
    records: Vec<Settled>,
    quarantine: Vec<QuarantineNote>,
    skips: Vec<SkipNote>,
    quarantined: u64,
}

impl<'j> OutcomeRecorder<'j> {
    /// Empty recorder of a stage; `resumed` where the journal has records of it already.
    pub fn new(job: &'j StageRun, resumed: bool, failures: Arc<AtomicU64>) -> Self {
        Self { job, resumed, failures, records: Vec::new(), quarantine: Vec::new(), skips: Vec::new(), quarantined: 0 }
    }

    /// Quarantines a record.
    pub fn quarantine(
        &mut self,
        world: &RecordLookup,
        subject: Subject<'_>,
        reason: &QuarantineReason,
    ) -> Result<(), DecideError> {
        if !self.job.takes(subject.line) {
            return Ok(());
        }
        self.failures.fetch_add(1, Ordering::Relaxed);
        if self.is_settled(world, subject.key)? {
            return Ok(());
        }
        if let Some(forecast) = self.job.context.outcomes.forecast() {
            return forecast.quarantined(self.job.step, subject, reason, &self.job.identities);
        }
        self.quarantined += 1;
        let failures = reason.failures(subject.source_key, &self.job.identities);
        self.quarantine.extend(failures.iter().map(|failure| QuarantineNote {
            key: subject.key.to_owned(),
            source_key: shown(subject.source_key),
            file: self.job.file.clone(),
            line: subject.line,
            field: (!failure.field.is_empty()).then(|| failure.field.clone()),
            reason: failure.reason.clone(),
            code: Some(failure.code.to_string()),
        }));
        self.settle(subject, State::Quarantined, None, None)
    }

    /// Leaves a record out by a written rule.
    pub fn skip(&mut self, world: &RecordLookup, subject: Subject<'_>, reason: &SkipReason) -> Result<(), DecideError> {
        if !self.job.takes(subject.line) {
            return Ok(());
        }
        if self.is_settled(world, subject.key)? {
            return Ok(());
        }
        let id = match reason {
            SkipReason::Existing { id } => Some(id.as_str()),
            SkipReason::Rule(_) | SkipReason::SameKey { .. } | SkipReason::MergeInto { .. } => None,
        };
        if let Some(forecast) = self.job.context.outcomes.forecast() {
            return forecast.skipped(self.job.step, subject, reason, id);
        }
        self.skips.push(SkipNote {
            key: subject.key.to_owned(),
            reason: reason.text(subject.source_key),
            code: Some(reason.code().to_string()),
        });
        self.settle(subject, State::Skipped, id, None)
    }

    fn is_settled(&self, world: &RecordLookup, key: &str) -> Result<bool, DecideError> {
        Ok(self.resumed && world.reader.id_of(self.job.step, key)?.is_some())
    }

    fn settle(
        &mut self,
        subject: Subject<'_>,
        state: State,
        id: Option<&str>,
        winner: Option<&str>,
    ) -> Result<(), DecideError> {
        self.records.push(Settled {
            step: self.job.step,
            key: subject.key.to_owned(),
            line: subject.line,
            state,
            id: id.map(str::to_owned),
            winner: winner.map(str::to_owned),
        });
        if self.records.len() >= TOGETHER { self.flush() } else { Ok(()) }
    }

    /// Journals what was collected.
    pub fn flush(&mut self) -> Result<(), DecideError> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.job.context.outcomes.write(&[Change::Settled {
            records: std::mem::take(&mut self.records),
            quarantine: std::mem::take(&mut self.quarantine),
            skips: std::mem::take(&mut self.skips),
        }])?;
        let records = std::mem::take(&mut self.quarantined);
        if records > 0 {
            self.job.context.tell(Event::SetAside { step: self.job.stage.id.clone(), records });
        }
        Ok(())
    }
}
