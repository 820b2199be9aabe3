use std::sync::Arc;

use migr_extract::Row;
use migr_journal::{Change, Operation, RepairNote, Settled, State, StepId};
use migr_load::Body;
use migr_transform::{Cells, Evaluated, Outcome, Pass, Value};
use rusqlite::types::Value as Sort;
use tokio::sync::mpsc;

use crate::cells::Lent;
use crate::item::{Item, There};
use crate::job::Job;
use crate::lines::LineSet;
use crate::links::written;
use crate::sender::{Refused, Sender, Target};
use crate::stage::{Ended, Shared, joined};
use crate::world::World;
use crate::{EngineError, Event, cycles, there};

/// The name of the second pass of a stage.
pub(crate) fn step_name(stage: &str) -> String {
    format!("{stage}.second")
}

/// Records whose waiting fields can be written now.
enum Ready {
    /// This run created them: nothing is there to be read first.
    Created(Vec<Item>),
    /// They were there.
    There(Vec<There>),
}

/// Writes the fields of a stage that had to wait until all records are there.
pub(crate) async fn run(job: Arc<Job>, world: World, shared: &Shared) -> Result<(World, Ended), EngineError> {
    let context = job.context.clone();
    let name = step_name(&job.stage.id);
    let step = context.journal.lock().step(&name, &job.stage.destination_object)?;
    if world.reader.is_done(step)? {
        return Ok((world, Ended::Through));
    }
    context.tell(Event::StepStarted {
        step: name.clone(),
        source_object: job.stage.source_object.clone(),
        destination_object: job.stage.destination_object.clone(),
        bytes: context.export.file(&job.stage.source_object).map_or(0, migr_extract::SourcePath::bytes),
    });
    let (hand_on, mut ready) = mpsc::channel(2);
    let producer = {
        let (job, cancellation) = (Arc::clone(&job), context.cancellation.clone());
        tokio::task::spawn_blocking(move || {
            let made = produce(&job, &world, step, &mut |batch, repairs| {
                !cancellation.is_cancelled() && hand_on.blocking_send((batch, repairs)).is_ok()
            });
            made.map(|()| world)
        })
    };
    let object = &job.stage.destination_object;
    let target = Target { name: name.clone(), step, object, file: &job.file, refused: Refused::Note };
    let mut sender = Sender::new(&context, shared, target);
    let mut sent = Ok(());
    while let Some((batch, repairs)) = ready.recv().await {
        if !repairs.is_empty() {
            sender.remember([Change::Repairs { step, repairs }]);
        }
        sent = send(&job, step, &mut sender, batch).await;
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

async fn send(job: &Job, step: StepId, sender: &mut Sender<'_>, batch: Option<Ready>) -> Result<(), EngineError> {
    match batch {
        None => Ok(()),
        Some(Ready::Created(items)) => sender.send(items, Operation::Update, Vec::new()).await,
        Some(Ready::There(items)) => {
            let sorted = there::sort(job, step, items).await?;
            // A record that was as it should be was changed after all.
            let records: Vec<Settled> = sorted
                .change
                .iter()
                .map(|item| Settled {
                    step: job.step,
                    key: item.key.clone(),
                    line: item.line,
                    state: State::Updated,
                    id: Some(item.id.clone()),
                    winner: None,
                })
                .collect();
            if !records.is_empty() {
                sender.remember([Change::Settled { records, quarantine: Vec::new(), skips: Vec::new() }]);
            }
            sender.remember(sorted.with);
            sender.send(sorted.change, Operation::Update, Vec::new()).await
        }
    }
}

/// Takes a batch and what was repaired in it; false when nobody takes it.
type HandOn<'h> = dyn FnMut(Option<Ready>, Vec<RepairNote>) -> bool + 'h;

fn produce(job: &Job, world: &World, step: StepId, hand_on: &mut HandOn<'_>) -> Result<(), EngineError> {
    if job.file.is_empty() {
        return Ok(());
    }
    let cuts = if job.refers_to_itself() { cuts(job, world)? } else { LineSet::default() };
    let resumed = world.reader.has_records(step)?;
    let size = job.context.destination.capabilities().batch_size.max(1);
    let (mut created, mut there, mut repairs) = (Vec::new(), Vec::new(), Vec::new());
    let mut records = job.context.export.records(&job.stage.source_object)?;
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let cells = Lent(record);
        let Some((key, mapped)) = written(job, world, record.line, &cells)? else { continue };
        let Some(id) = mapped.id.filter(|_| mapped.winner.is_none()) else { continue };
        if resumed && world.reader.id_of(step, &key)?.is_some() {
            continue;
        }
        let note = |field: &str, reason: String| RepairNote {
            key: key.clone(),
            file: job.file.clone(),
            line: record.line,
            field: field.to_owned(),
            reason,
        };
        let Some(evaluated) = evaluate(job, world, &cells, &note, &mut repairs)? else { continue };
        let mut values: Vec<(usize, Value<'static>)> = Vec::new();
        for (index, value) in evaluated.values {
            match value {
                _ if cuts.contains(record.line) && leads_to_itself(job, &value) => {
                    let circle = world.scratch.cut(record.line)?.unwrap_or_default();
                    let field = job.stage.fields.get(index).map(|field| field.field.as_str()).unwrap_or_default();
                    repairs.push(note(field, format!("left empty, because it goes round in a circle: {circle}")));
                }
                Value::None | Value::Default => {}
                value => values.push((index, value.into_owned())),
            }
        }
        if values.is_empty() {
            continue;
        }
        let body = match job.encode_text(&values) {
            Ok(body) => body,
            Err(failures) => {
                repairs.extend(failures.into_iter().map(|failure| note(&failure.field, failure.reason)));
                continue;
            }
        };
        let item = Item {
            key: key.clone(),
            line: record.line,
            id,
            body: Body::default(),
            replaces: None,
            values,
            uploads: Vec::new(),
            repairs: Vec::new(),
            orphans: Vec::new(),
            size: 0,
            digest: String::new(),
            before: String::new(),
        };
        let item = item.with_body(body);
        let full = if mapped.state == State::Created {
            created.push(Item { values: Vec::new(), ..item });
            (created.len() >= size).then(|| Ready::Created(std::mem::take(&mut created)))
        } else {
            there.push(There { item, deleted: false });
            (there.len() >= size).then(|| Ready::There(std::mem::take(&mut there)))
        };
        if full.is_some() && !hand_on(full, std::mem::take(&mut repairs)) {
            return Ok(());
        }
    }
    let is_taken = there.is_empty() || hand_on(Some(Ready::There(there)), std::mem::take(&mut repairs));
    if is_taken && !(created.is_empty() && repairs.is_empty()) {
        hand_on(Some(Ready::Created(created)), repairs);
    }
    Ok(())
}

fn evaluate<'r>(
    job: &'r Job,
    world: &'r World,
    cells: &'r dyn Cells,
    note: &dyn Fn(&str, String) -> RepairNote,
    repairs: &mut Vec<RepairNote>,
) -> Result<Option<Evaluated<'r>>, EngineError> {
    Ok(match job.program.fields(cells, world, Pass::Deferred)? {
        Outcome::Ready(evaluated) => {
            repairs.extend(evaluated.repairs.iter().map(|repair| note(&repair.field, repair.reason.clone())));
            Some(evaluated)
        }
        Outcome::Skip { .. } => None,
        // The record is there already; only this field of it stays empty.
        Outcome::Quarantine(failures) => {
            repairs.extend(
                failures.into_iter().map(|failure| note(&failure.field, format!("left empty: {}", failure.reason))),
            );
            None
        }
    })
}

/// Whether a value refers to the stage's own destination object.
pub(crate) fn leads_to_itself(job: &Job, value: &Value<'_>) -> bool {
    match value {
        Value::Reference(reference) => reference.object == job.stage.destination_object,
        Value::List(items) => items.iter().any(|item| leads_to_itself(job, item)),
        _ => false,
    }
}

/// Lines at which a circle is cut: the last record of it in the file. The scratch database has the circle as it is drawn.
pub(crate) fn cuts(job: &Job, world: &World) -> Result<LineSet, EngineError> {
    world.scratch.begin_stage()?;
    world.scratch.together(|| {
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let cells = Lent(record);
            let Some((key, mapped)) = written(job, world, record.line, &cells)? else { continue };
            let Some(id) = mapped.id.filter(|_| mapped.winner.is_none()) else { continue };
            world.scratch.add_record(record.line, &id, &Sort::Null)?;
            world.scratch.add_key(record.line, &key)?;
            let Outcome::Ready(evaluated) = job.program.fields(&cells, world, Pass::Deferred)? else { continue };
            for (_, value) in &evaluated.values {
                if let Value::Reference(reference) = value
                    && leads_to_itself(job, value)
                {
                    world.scratch.add_edge(record.line, &reference.id)?;
                }
            }
        }
        Ok(())
    })?;
    let scratch = &world.scratch;
    scratch.index_records()?;
    scratch.draw_arcs()?;
    let mut cuts = LineSet::default();
    cycles::each(scratch, |circle| {
        let Some(last) = circle.iter().max() else { return Ok(()) };
        cuts.insert(*last);
        scratch.add_cut(*last, &cycles::drawn(&circle, |line| scratch.key(line))?)
    })?;
    Ok(cuts)
}
