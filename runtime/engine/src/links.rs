use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{Change, Mapped, Operation, RepairNote, StepId};
use migr_load::Body;
use migr_transform::{Cells, Outcome};

use crate::EngineError;
use crate::later::{HandOn, Later};
use crate::produce::Packer;
use crate::writer::Writer;
use migr_decide::cells::Lent;
use migr_decide::item::{Batch, Item};
use migr_decide::job::Job;
use migr_decide::world::World;
use migr_decide::written::{LINK_KEY_SEPARATOR, written};

/// One kind of links of a stage whose records are through.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) job: Arc<Job>,
    pub(crate) index: usize,
}

/// What making links needs.
struct Linking<'l> {
    job: &'l Job,
    index: usize,
    step: StepId,
    resumed: bool,
}

impl Later for Links {
    type Batch = (Option<Batch>, Vec<Change>);

    fn job(&self) -> &Job {
        &self.job
    }

    fn object(&self) -> &str {
        self.job.stage.links.get(self.index).map_or("", |link| link.through.as_str())
    }

    fn produce(&self, world: &World, step: StepId, hand_on: &mut HandOn<'_, Self::Batch>) -> Result<(), EngineError> {
        let resumed = world.reader.has_records(step)?;
        Linking { job: &self.job, index: self.index, step, resumed }.produce(world, hand_on)
    }

    async fn send(&self, _: StepId, sender: &mut Writer<'_>, batch: Self::Batch) -> Result<(), EngineError> {
        let (batch, notes) = batch;
        if let Some(Batch::New(items)) = batch {
            sender.send(items, Operation::Create, notes).await
        } else {
            sender.remember(notes);
            Ok(())
        }
    }
}

impl Linking<'_> {
    fn produce(
        &self,
        world: &World,
        hand_on: &mut HandOn<'_, (Option<Batch>, Vec<Change>)>,
    ) -> Result<(), EngineError> {
        let job = self.job;
        let mut packer = Packer::new(job);
        let mut repairs = Vec::new();
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let cells = Lent(record);
            let Some((key, mapped)) = written(job, world, record.line, &cells)? else { continue };
            for item in self.links(world, record.line, &cells, (&key, &mapped), &mut repairs)? {
                if let Some(batch) = packer.add_new(item)
                    && !hand_on((Some(batch), self.notes(&mut repairs)))
                {
                    return Ok(());
                }
            }
        }
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

    fn notes(&self, repairs: &mut Vec<RepairNote>) -> Vec<Change> {
        if repairs.is_empty() {
            return Vec::new();
        }
        vec![Change::Repairs { step: self.step, repairs: std::mem::take(repairs) }]
    }

    fn links(
        &self,
        world: &World,
        line: u64,
        cells: &dyn Cells,
        (key, mapped): (&str, &Mapped),
        repairs: &mut Vec<RepairNote>,
    ) -> Result<Vec<Item>, EngineError> {
        let job = self.job;
        let (Some(mapping), Some(owner)) = (job.stage.links.get(self.index), &mapped.id) else { return Ok(Vec::new()) };
        let note = |field: &str, reason: String| RepairNote {
            key: key.to_owned(),
            file: job.file.clone(),
            line,
            field: field.to_owned(),
            reason,
        };
        let linked = match job.program.links(cells, world)? {
            Outcome::Ready(linked) => linked,
            // Only of a record that another one stands for: any other was quarantined for it.
            Outcome::Quarantine(failures) => {
                repairs.extend(failures.into_iter().map(|failure| note(&failure.field, failure.reason)));
                return Ok(Vec::new());
            }
            Outcome::Skip { .. } => return Ok(Vec::new()),
        };
        if self.index == 0 {
            repairs.extend(linked.repairs.into_iter().map(|repair| note(&repair.field, repair.reason)));
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
                    repairs.push(note(&mapping.field, error.to_string()));
                    continue;
                }
            };
            let id = job.ids.link(&job.stage.id, winner, &mapping.field, &target.id);
            let item = Item { fields: vec![mapping.field.clone()], ..Item::new(link_key, line, id) };
            items.push(item.with_body(Body::from(body)));
        }
        Ok(items)
    }
}
