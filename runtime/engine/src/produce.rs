//! Producer of a stage: decides about the records that are still to be written, in source order, and hands them on in batches.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_extract::{OwnedRecord, Row};
use migr_plan::FieldType;
use migr_transform::Cells;

use crate::EngineError;
use migr_decide::cells::{Kept, Lent};
use migr_decide::decision::Decision;
use migr_decide::decision::Subject;
use migr_decide::evaluate::{Decided, Evaluator};
use migr_decide::merging;
use migr_decide::outcome_recorder::OutcomeRecorder;
use migr_decide::prepass::Classification;
use migr_decide::preview::PreviewAction;
use migr_decide::record_lookup::{Own, RecordLookup};
use migr_decide::record_write::{Batch, ExistingRecord, RecordWrite};
use migr_decide::stage_run::StageRun;

/// Goes on, or stops because nobody takes what is produced any more.
pub(crate) type Taken = bool;

/// Computes the records of a stage that are still to be written, in source order, and hands them on in batches.
pub(crate) fn produce(
    job: &StageRun,
    world: &RecordLookup,
    look: &Classification,
    has_existing: bool,
    failures: &Arc<AtomicU64>,
    hand_on: &mut dyn FnMut(Batch) -> Taken,
) -> Result<(), EngineError> {
    if job.file.is_empty() || look.pending.is_empty() {
        return Ok(());
    }
    world.answer_own(Own::Admitted);
    if job.hands_links_on() && !look.resumed {
        world.keep_links(&job.context.work)?;
    }
    let mut producer = Producer {
        evaluator: Evaluator { job, world, has_existing },
        aside: OutcomeRecorder::new(job, false, Arc::clone(failures)),
        packer: Batcher::new(job),
        counts_links: job.links_follow_rows() && !world.reader.has_records(job.step)?,
    };
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        if !look.pending.contains(record.line) {
            continue;
        }
        let batch = if look.merging.contains(record.line) {
            producer.member(&record.to_owned())?
        } else {
            producer.record(record.line, &Lent(record))?
        };
        world.take_asked();
        if let Some(batch) = batch
            && !hand_on(batch)
        {
            return Ok(producer.aside.flush()?);
        }
    }
    producer.aside.flush()?;
    for batch in producer.packer.rest() {
        if !hand_on(batch) {
            return Ok(());
        }
    }
    Ok(world.close_links()?)
}

struct Producer<'p> {
    evaluator: Evaluator<'p>,
    aside: OutcomeRecorder<'p>,
    packer: Batcher,
    /// A forecast counts links with their records.
    counts_links: bool,
}

impl Producer<'_> {
    fn record(&mut self, line: u64, cells: &dyn Cells) -> Result<Option<Batch>, EngineError> {
        let Evaluator { job, world, .. } = self.evaluator;
        let Ok(key) = job.key(cells, world)? else { return Ok(None) };
        let subject = Subject { key: &key, source_key: &key, line };
        let decided = self.evaluator.row(subject, cells)?;
        self.take(subject, decided)
    }

    /// One of several records that are written as one: kept until the last of them was read.
    fn member(&mut self, record: &OwnedRecord) -> Result<Option<Batch>, EngineError> {
        let spill = &self.evaluator.world.spill;
        let Some((leader, last)) = spill.family_of(record.line)? else { return Ok(None) };
        spill.add_merging(leader, record.line, &record.to_bytes())?;
        if record.line != last {
            return Ok(None);
        }
        let members = spill.family(leader)?;
        let Some((line, key)) = members.first() else { return Ok(None) };
        let subject = Subject { key, source_key: key, line: *line };
        let rows = self.evaluator.rows(leader, &members)?;
        let Some(decided) = self.evaluator.family(subject, &rows)? else { return Ok(None) };
        self.losses(&decided, &members, &rows)?;
        self.take(subject, decided)
    }

    /// Tells a forecast which values lose where several records are written as one.
    fn losses(&self, decided: &Decided, members: &[(u64, String)], rows: &[Kept]) -> Result<(), EngineError> {
        let Evaluator { job, world, .. } = self.evaluator;
        let Some(forecast) = job.context.outcomes.forecast() else { return Ok(()) };
        if matches!(decided.decision, Decision::Skip(_) | Decision::Quarantine(_)) {
            return Ok(());
        }
        let lost = merging::lost(job, world, rows)?;
        for (at, (line, key)) in members.iter().enumerate() {
            let changes: Vec<_> = lost.iter().filter(|(row, _)| *row == at).map(|(_, change)| change.clone()).collect();
            if !changes.is_empty() {
                forecast.loses(job.step, (key, *line), &changes)?;
            }
        }
        Ok(())
    }

    /// Carries a decision out as far as no request is needed; a batch that is full comes back.
    fn take(&mut self, subject: Subject<'_>, decided: Decided) -> Result<Option<Batch>, EngineError> {
        let Evaluator { job, world, .. } = self.evaluator;
        let Decided { decision, mut told } = decided;
        if !self.counts_links {
            // Counted when the links are made.
            told.links = 0;
        }
        if let Some(forecast) = job.context.outcomes.forecast() {
            let at = (subject.key, subject.line);
            let met = match &decision {
                Decision::Create(_) | Decision::Skip(_) | Decision::Quarantine(_) => None,
                Decision::Update(item) => Some((PreviewAction::Change, item.id.as_str())),
                Decision::Restore(item) => Some((PreviewAction::Restore, item.id.as_str())),
                Decision::Replace(item) => Some((PreviewAction::Replace, item.replaces.as_deref().unwrap_or_default())),
            };
            if let Some((action, id)) = met {
                forecast.there(job.step, at, action, id)?;
            }
            forecast.owned(&told.owned);
            if !matches!(decision, Decision::Skip(_) | Decision::Quarantine(_)) {
                forecast.evaluated((job.step, job.number), at, &told)?;
            }
        }
        match decision {
            Decision::Create(item) => Ok(self.packer.add_new(*item)),
            Decision::Update(item) => Ok(self.packer.add_there(*item, false)),
            Decision::Restore(item) | Decision::Replace(item) => Ok(self.packer.add_there(*item, true)),
            Decision::Skip(reason) => {
                self.aside.skip(world, subject, &reason)?;
                Ok(None)
            }
            Decision::Quarantine(reason) => {
                self.aside.quarantine(world, subject, &reason)?;
                Ok(None)
            }
        }
    }
}

/// Rich texts that go in one request, in bytes: a server converts them while the request waits, at about a minute a mebibyte.
const RICH_TEXT: usize = 1 << 20;

/// Number of bytes that the bodies of a batch may have together, by the largest request and by whether they hold rich
/// text.
fn most_bytes(request: Option<u64>, converts: bool) -> usize {
    let bytes = request.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    // Room for ids and the brackets around the records.
    let bytes = bytes / 10 * 9;
    if converts { bytes.min(RICH_TEXT) } else { bytes }
}

/// Fills batches up to what one request takes.
pub(crate) struct Batcher {
    records: usize,
    bytes: usize,
    new: Vec<RecordWrite>,
    new_bytes: usize,
    there: Vec<ExistingRecord>,
}

impl Batcher {
    pub(crate) fn new(job: &StageRun) -> Self {
        let capabilities = job.context.destination.capabilities();
        let converts = job.stage.fields.iter().any(|field| field.ty == FieldType::Richtext);
        Self {
            records: capabilities.batch_size.max(1),
            bytes: most_bytes(capabilities.body_bytes, converts),
            new: Vec::new(),
            new_bytes: 0,
            there: Vec::new(),
        }
    }

    /// Takes a new record; a batch that is full comes back.
    pub(crate) fn add_new(&mut self, mut item: RecordWrite) -> Option<Batch> {
        item.values = Vec::new();
        let is_over = !self.new.is_empty() && self.new_bytes.saturating_add(item.size) > self.bytes;
        let full = is_over.then(|| self.take_new());
        self.new_bytes = self.new_bytes.saturating_add(item.size);
        self.new.push(item);
        if full.is_none() && self.new.len() >= self.records { Some(self.take_new()) } else { full }
    }

    fn add_there(&mut self, item: RecordWrite, deleted: bool) -> Option<Batch> {
        self.there.push(ExistingRecord { item, deleted });
        (self.there.len() >= self.records).then(|| Batch::Update(std::mem::take(&mut self.there)))
    }

    fn take_new(&mut self) -> Batch {
        self.new_bytes = 0;
        Batch::Create(std::mem::take(&mut self.new))
    }

    /// Rest of the records.
    pub(crate) fn rest(&mut self) -> Vec<Batch> {
        let mut rest = Vec::new();
        if !self.there.is_empty() {
            rest.push(Batch::Update(std::mem::take(&mut self.there)));
        }
        if !self.new.is_empty() {
            rest.push(self.take_new());
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::most_bytes;

    #[test]
    fn long_notes_go_in_small_batches_and_other_records_fill_the_request() {
        assert_eq!(most_bytes(Some(10 << 20), false), (10 << 20) / 10 * 9);
        assert_eq!(most_bytes(Some(10 << 20), true), 1 << 20);
        assert_eq!(most_bytes(Some(1000), true), 900);
    }
}
