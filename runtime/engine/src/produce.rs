//! Producer of a stage: decides about the records that are still to be written, in source order, and hands them on in batches.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migr_extract::{OwnedRecord, Row};
use migr_transform::Cells;

use crate::EngineError;
use migr_decide::cells::{Kept, Lent};
use migr_decide::decision::Decision;
use migr_decide::decision::Subject;
use migr_decide::evaluate::{Decided, Evaluator};
use migr_decide::given_way;
use migr_decide::merging;
use migr_decide::outcome_recorder::OutcomeRecorder;
use migr_decide::prepass::Classification;
use migr_decide::preview::PreviewAction;
use migr_decide::record_lookup::{Own, RecordLookup};
use migr_decide::record_write::Batch;
use migr_decide::stage_run::StageRun;
use migr_decide::taken;
use migr_deliver::Batcher;

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
    if job.file.is_empty() || look.pending.is_empty() && look.rivals.is_empty() {
        return Ok(());
    }
    world.answer_own(Own::Admitted);
    if job.hands_links_on() && !look.resumed {
        world.keep_links(&job.context.work)?;
    }
    let mut producer = Producer {
        evaluator: Evaluator { job, world, has_existing, takes_fields: true },
        aside: OutcomeRecorder::new(job, false, Arc::clone(failures)),
        packer: Batcher::new(job),
        counts_links: job.links_follow_rows() && !world.reader.has_records(job.step)?,
    };
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        if look.rivals.contains(record.line) {
            given_way::keep(world, record)?;
        }
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
    if !look.rivals.is_empty() {
        given_way::compare(job, world)?;
    }
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
        let Some(mut decided) = self.evaluator.family(subject, &rows)? else { return Ok(None) };
        self.losses(&mut decided, &members, &rows)?;
        self.take(subject, decided)
    }

    /// Tells a forecast which values lose where several records are written as one; a run notes them with the record that is written.
    fn losses(&self, decided: &mut Decided, members: &[(u64, String)], rows: &[Kept]) -> Result<(), EngineError> {
        let Evaluator { job, world, .. } = self.evaluator;
        let item = match &mut decided.decision {
            Decision::Create(item) | Decision::Update(item) | Decision::Restore(item) | Decision::Replace(item) => item,
            Decision::Skip(_) | Decision::Quarantine(_) => return Ok(()),
        };
        let lost = merging::lost(job, world, rows)?;
        let Some(forecast) = job.context.outcomes.forecast() else {
            for (at, change) in lost {
                let Some((line, key)) = members.get(at) else { continue };
                item.repairs.push(merging::gave_way(job, (key.clone(), *line), change.field, &item.key));
            }
            return Ok(());
        };
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
            let has_arrived = match &decision {
                Decision::Update(item) if world.was_sent(item) => {
                    // The record counts as created: a run that ended before the answer came made it.
                    forecast.closed(job.step, &item.planned(), &item.id)?;
                    true
                }
                _ => false,
            };
            let met = match &decision {
                _ if has_arrived => None,
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
            if has_arrived {
                return Ok(None);
            }
            if let Decision::Create(item) = &decision
                && forecast.journal().is_some()
                && taken::is_asked(job)
            {
                for (at, value) in job.identities_of_values(&item.values) {
                    let path = job.identities.name(at);
                    forecast.holds(&job.stage.destination_object, &item.id, &path, Some(value));
                }
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
