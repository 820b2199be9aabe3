use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{Change, Mapped, Operation, RepairNote, State, StepId};
use migr_load::Body;
use migr_plan::LinkMapping;
use migr_transform::{Cells, Outcome};
use tokio::sync::mpsc;

use crate::cells::Lent;
use crate::item::{Batch, Item};
use crate::job::Job;
use crate::produce::Packer;
use crate::sender::{Refused, Sender, Target};
use crate::stage::{Ended, Shared, joined};
use crate::world::World;
use crate::{EngineError, Event};

/// Parts the key of a link in the journal: source key, target id.
pub(crate) const PART: char = '\u{1e}';

/// The name of the step that writes one kind of links of a stage.
pub(crate) fn step_name(stage: &str, link: &LinkMapping) -> String {
    format!("{stage}.{}", link.field)
}

/// What one kind of links needs.
struct Linking {
    job: Arc<Job>,
    index: usize,
    step: StepId,
    resumed: bool,
}

/// Writes one kind of links of a stage whose records are through.
pub(crate) async fn run(
    job: Arc<Job>,
    world: World,
    shared: &Shared,
    index: usize,
) -> Result<(World, Ended), EngineError> {
    let context = job.context.clone();
    let Some(link) = job.stage.links.get(index) else { return Ok((world, Ended::Through)) };
    let name = step_name(&job.stage.id, link);
    let step = context.journal.lock().step(&name, &link.through)?;
    if world.reader.is_done(step)? {
        return Ok((world, Ended::Through));
    }
    context.tell(Event::StepStarted {
        step: name.clone(),
        source_object: job.stage.source_object.clone(),
        destination_object: link.through.clone(),
        bytes: context.export.file(&job.stage.source_object).map_or(0, migr_extract::SourcePath::bytes),
    });
    let resumed = world.reader.has_records(step)?;
    let (hand_on, mut ready) = mpsc::channel(2);
    let producer = {
        let linking = Linking { job: Arc::clone(&job), index, step, resumed };
        let cancellation = context.cancellation.clone();
        tokio::task::spawn_blocking(move || {
            let made = linking.produce(&world, &mut |batch, notes| {
                !cancellation.is_cancelled() && hand_on.blocking_send((batch, notes)).is_ok()
            });
            made.map(|()| world)
        })
    };
    let target = Target { name: name.clone(), step, object: &link.through, file: &job.file, refused: Refused::Note };
    let mut sender = Sender::new(&context, shared, target);
    let mut sent = Ok(());
    while let Some((batch, notes)) = ready.recv().await {
        if let Some(Batch::New(items)) = batch {
            sent = sender.send(items, Operation::Create, notes).await;
        } else {
            sender.remember(notes);
        }
        if sent.is_err() || sender.has_stopped() || context.cancellation.is_cancelled() {
            break;
        }
    }
    drop(ready);
    let finished = sender.finish().await;
    let made = joined(producer.await);
    sent?;
    finished?;
    let world = made?;
    if context.cancellation.is_cancelled() {
        return Ok((world, Ended::Interrupted));
    }
    context.journal.write_later(vec![Change::Done { step }]).await?;
    context.tell(Event::StepDone { step: name });
    Ok((world, Ended::Through))
}

impl Linking {
    fn produce(
        &self,
        world: &World,
        hand_on: &mut dyn FnMut(Option<Batch>, Vec<Change>) -> bool,
    ) -> Result<(), EngineError> {
        let job = &self.job;
        if job.file.is_empty() {
            return Ok(());
        }
        let mut packer = Packer::new(job);
        let mut repairs = Vec::new();
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let cells = Lent(record);
            let Some((key, mapped)) = written(job, world, record.line, &cells)? else { continue };
            for item in self.links(world, record.line, &cells, (&key, &mapped), &mut repairs)? {
                if let Some(batch) = packer.add_new(item)
                    && !hand_on(Some(batch), self.notes(&mut repairs))
                {
                    return Ok(());
                }
            }
        }
        for batch in packer.rest() {
            if !hand_on(Some(batch), self.notes(&mut repairs)) {
                return Ok(());
            }
        }
        if !repairs.is_empty() {
            hand_on(None, self.notes(&mut repairs));
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
        let job = &self.job;
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
            // Only of a record that another one stands for: any other was set aside for it.
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
            let link_key = format!("{winner}{PART}{}", target.id);
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
            let item = Item {
                id: job.ids.link(&job.stage.id, winner, &mapping.field, &target.id),
                key: link_key,
                line,
                body: Body::default(),
                replaces: None,
                values: Vec::new(),
                uploads: Vec::new(),
                repairs: Vec::new(),
                orphans: Vec::new(),
                size: 0,
                digest: String::new(),
                before: String::new(),
            };
            items.push(item.with_body(Body::from(body)));
        }
        Ok(items)
    }
}

/// The key of a row and what became of it, where its record, or one that stands for it, is in the destination by this run.
pub(crate) fn written(
    job: &Job,
    world: &World,
    line: u64,
    cells: &dyn Cells,
) -> Result<Option<(String, Mapped)>, EngineError> {
    let Ok(key) = job.key(cells, world)? else { return Ok(None) };
    let Some(mapped) = world.reader.id_of(job.step, &key)? else { return Ok(None) };
    // Another row may have the same key: it was set aside.
    let is_it = job.stage.distinct.is_some() || mapped.line == line;
    let is_there = mapped.state != State::Skipped || mapped.winner.is_some();
    Ok((is_it && is_there && mapped.id.is_some()).then_some((key, mapped)))
}
