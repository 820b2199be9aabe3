//! Links of a stage, made once its records are through.

use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{Change, Mapped, Operation, RepairNote, StepId};
use migr_load::Body;
use migr_plan::ReasonCode;
use migr_transform::{Failure, Linked, Outcome};

use crate::EngineError;
use crate::step_writer::StepWriter;
use crate::steps::following::{HandOn, Later};
use migr_decide::cells::Lent;
use migr_decide::link_spool::SpooledLinks;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::record_write::{Batch, RecordWrite};
use migr_decide::stage_run::StageRun;
use migr_decide::written::{LINK_KEY_SEPARATOR, still_written, written_as};
use migr_deliver::Batcher;

/// One kind of links of a stage whose records are through.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) job: Arc<StageRun>,
    pub(crate) index: usize,
}

/// Context of making links.
struct Linking<'l> {
    job: &'l StageRun,
    index: usize,
    step: StepId,
    resumed: bool,
}

/// Links that are gathered for a batch, and what is noted of them.
struct Making {
    packer: Batcher,
    repairs: Vec<RepairNote>,
}

impl Later for Links {
    type Batch = (Option<Batch>, Vec<Change>);

    fn job(&self) -> &StageRun {
        &self.job
    }

    fn object(&self) -> &str {
        self.job.stage.links.get(self.index).map_or("", |link| link.through.as_str())
    }

    fn produce(
        &self,
        world: &RecordLookup,
        step: StepId,
        hand_on: &mut HandOn<'_, Self::Batch>,
    ) -> Result<(), EngineError> {
        let resumed = world.reader.has_records(step)?;
        Linking { job: &self.job, index: self.index, step, resumed }.produce(world, hand_on)
    }

    fn bytes(batch: &Self::Batch) -> usize {
        batch.0.as_ref().map_or(0, Batch::bytes)
    }

    async fn send(&self, _: StepId, sender: &mut StepWriter<'_>, batch: Self::Batch) -> Result<(), EngineError> {
        let (batch, notes) = batch;
        if let Some(Batch::Create(items)) = batch {
            sender.send(items, Operation::Create, notes)
        } else {
            sender.remember(notes);
            Ok(())
        }
    }
}

impl Linking<'_> {
    fn produce(
        &self,
        world: &RecordLookup,
        hand_on: &mut HandOn<'_, (Option<Batch>, Vec<Change>)>,
    ) -> Result<(), EngineError> {
        let job = self.job;
        let mut making = Making { packer: Batcher::new(job), repairs: Vec::new() };
        let kept = if self.resumed { None } else { world.kept_links()? };
        if let Some(mut kept) = kept {
            while let Some(SpooledLinks { line, key, linked }) = kept.next()? {
                if !job.takes(line) {
                    continue;
                }
                let Some(mapped) = written_as(job, world, line, &key)? else { continue };
                if !self.take(world, line, (&key, &mapped), linked, &mut making, hand_on)? {
                    return Ok(());
                }
            }
        } else {
            let mut records = job.context.export.records(&job.stage.source_object)?;
            while let Some(row) = records.next()? {
                let Row::Record(record) = row else { continue };
                let (line, cells) = (record.line, Lent(record));
                if !job.takes(line) {
                    continue;
                }
                let Some((key, mapped)) = still_written(job, world, line, &cells)? else { continue };
                let linked = match job.program.links(&cells, world)? {
                    Outcome::Ready(linked) => linked,
                    // Only of a record that another one stands for: any other was set aside for it.
                    Outcome::Quarantine(failures) => {
                        let failures = failures.into_iter();
                        let note = |failure: Failure| self.note(line, &key, &failure.field, failure.reason);
                        making.repairs.extend(failures.map(note));
                        continue;
                    }
                    Outcome::Skip { .. } => continue,
                };
                if !self.take(world, line, (&key, &mapped), linked, &mut making, hand_on)? {
                    return Ok(());
                }
            }
        }
        let Making { mut packer, mut repairs } = making;
        for batch in packer.rest() {
            if !hand_on((Some(batch), self.notes(&mut repairs))) {
                return Ok(());
            }
        }
        if !repairs.is_empty() {
            hand_on((None, self.notes(&mut repairs)));
        }
        Ok(())
    }

    /// Takes the links of a record in; false when nobody takes them any more.
    #[expect(clippy::too_many_arguments, reason = "what is made and to whom it is handed on stay with the caller")]
    fn take(
        &self,
        world: &RecordLookup,
        line: u64,
        record: (&str, &Mapped),
        linked: Linked<'_>,
        making: &mut Making,
        hand_on: &mut HandOn<'_, (Option<Batch>, Vec<Change>)>,
    ) -> Result<bool, EngineError> {
        for item in self.items(world, line, record, linked, &mut making.repairs)? {
            if let Some(batch) = making.packer.add_new(item)
                && !hand_on((Some(batch), self.notes(&mut making.repairs)))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn note(&self, line: u64, key: &str, field: &str, reason: String) -> RepairNote {
        let code = Some(ReasonCode::R301.to_string());
        RepairNote { key: key.to_owned(), file: self.job.file.clone(), line, field: field.to_owned(), reason, code }
    }

    fn notes(&self, repairs: &mut Vec<RepairNote>) -> Vec<Change> {
        if repairs.is_empty() {
            return Vec::new();
        }
        vec![Change::Repairs { step: self.step, repairs: std::mem::take(repairs) }]
    }

    fn items(
        &self,
        world: &RecordLookup,
        line: u64,
        (key, mapped): (&str, &Mapped),
        linked: Linked<'_>,
        repairs: &mut Vec<RepairNote>,
    ) -> Result<Vec<RecordWrite>, EngineError> {
        let job = self.job;
        let (Some(mapping), Some(owner)) = (job.stage.links.get(self.index), &mapped.id) else { return Ok(Vec::new()) };
        if self.index == 0 {
            let noted = linked.repairs.into_iter().map(|repair| self.note(line, key, &repair.field, repair.reason));
            repairs.extend(noted);
        }
        let winner = mapped.winner.as_deref().unwrap_or(key);
        let mut items = Vec::new();
        for target in linked.links.iter().filter(|(index, _)| *index == self.index).flat_map(|(_, targets)| targets) {
            let link_key = format!("{winner}{LINK_KEY_SEPARATOR}{}", target.id);
            if (self.resumed || mapped.winner.is_some()) && world.reader.id_of(self.step, &link_key)?.is_some() {
                continue;
            }
            let body = match job.context.destination.link_body(mapping, &job.stage.destination_object, owner, target) {
                Ok(body) => body,
                Err(error) if error.stops_the_run() => return Err(error.into()),
                Err(error) => {
                    repairs.push(self.note(line, key, &mapping.field, error.to_string()));
                    continue;
                }
            };
            let id = job.ids.link(&job.stage.id, winner, &mapping.field, &target.id);
            let item = RecordWrite { fields: vec![mapping.field.clone()], ..RecordWrite::new(link_key, line, id) };
            items.push(item.with_body(Body::from(body)));
        }
        Ok(items)
    }
}
