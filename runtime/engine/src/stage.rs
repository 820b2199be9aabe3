//! One stage of a run: its rows classified, matched and decided about on threads of their own, while batches are on their way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use migr_journal::{Change, Operation, OwnerNote, QuarantineNote, Settled, SkipNote, State};
use migr_load::{Deleted, Found};
use tokio::sync::mpsc;

use crate::shared::{Ended, blocking, joined};
use crate::step_writer::StepWriter;
use crate::update_plan;
use crate::{EngineError, produce};
use migr_decide::decision::Subject;
use migr_decide::decision::{QuarantineReason, SkipReason, shown};
use migr_decide::outcomes::Outcomes;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::record_write::Batch;
use migr_decide::stage_run::StageRun;
use migr_decide::{Event, compared, existing, given_way, prepass, settle};
use migr_deliver::{Groups, Refused, Shared, Target};

/// Losers that are settled together.
const TOGETHER: u32 = 500;
/// Records of the journal that are looked at together.
const READ_TOGETHER: usize = 500;

/// Times that the records of a stage are gone through anew for those of the destination that somebody made meanwhile.
const AGAIN: usize = 2;

/// Writes the records of one stage.
pub(crate) async fn run(
    job: Arc<StageRun>,
    mut world: RecordLookup,
    shared: &Shared,
) -> Result<(RecordLookup, Ended), EngineError> {
    let context = job.context.clone();
    let bytes = context.export.file(&job.stage.source_object).map_or(0, migr_extract::SourcePath::bytes);
    context.tell(Event::StepStarted {
        step: job.stage.id.clone(),
        source_object: job.stage.source_object.clone(),
        destination_object: job.stage.destination_object.clone(),
        bytes,
    });
    world.set_sent(match context.outcomes.forecast() {
        Some(forecast) => forecast.sent_of(job.step),
        None => shared.left_open(job.step),
    });
    let mut met = None;
    for round in 0..=AGAIN {
        let ended;
        (world, ended) = pass(&job, world, shared, met.as_deref()).await?;
        if ended == Ended::Interrupted {
            return Ok((world, ended));
        }
        met = if round < AGAIN { made_meanwhile(&job, &mut world, shared).await? } else { None };
        if met.is_none() {
            break;
        }
    }
    let world = {
        let job = Arc::clone(&job);
        blocking(move || {
            given_way::settle_doubles(&job, &world)?;
            settle_losers(&job, &world).map(|()| world)
        })
        .await?
    };
    // A sample leaves the other rows for later.
    if context.slice.is_none() {
        context.outcomes.write_later(vec![Change::Done { step: job.step }]).await?;
    }
    context.tell(Event::StepDone { step: job.stage.id.clone() });
    Ok((world, Ended::Through))
}

/// Records of the destination that new ones were refused for, since nobody saw them before: the refused are released, to be decided about beside them. None
/// where nothing was released.
async fn made_meanwhile(
    job: &StageRun,
    world: &mut RecordLookup,
    shared: &Shared,
) -> Result<Option<Vec<Found>>, EngineError> {
    let context = &job.context;
    let object = &job.stage.destination_object;
    let told: BTreeMap<String, String> = context.destination.take_met(object).into_iter().collect();
    if told.is_empty() {
        return Ok(None);
    }
    let Outcomes::Journal(journal) = &context.outcomes else { return Ok(None) };
    let reader = journal.reader()?;
    let (mut keys, mut ids, mut after) = (Vec::new(), BTreeSet::new(), None::<String>);
    loop {
        let rows = reader.rows_after(job.step, after.as_deref(), READ_TOGETHER)?;
        let Some(last) = rows.last() else { break };
        after = Some(last.key.clone());
        for row in rows.into_iter().filter(|row| row.mapped.state == State::Quarantined) {
            if let Some(id) = told.get(&job.ids.record(&job.stage.id, &row.key)) {
                ids.insert(id.clone());
                keys.push(row.key);
            }
        }
    }
    if keys.is_empty() {
        return Ok(None);
    }
    let ids: Vec<String> = ids.into_iter().collect();
    let found = context.destination.fetch(object, &ids, Deleted::Live).await?;
    shared.failures.fetch_sub(keys.len() as u64, Ordering::Relaxed);
    context.outcomes.write_later(vec![Change::TakenBack { step: job.step, keys }]).await?;
    world.begin_stage(&job.stage.id)?;
    world.rest()?;
    Ok(Some(found))
}

/// Goes through the rows of a stage once: what is not settled is sent. After the first time some records of the destination are known
/// besides those that it lists.
async fn pass(
    job: &Arc<StageRun>,
    world: RecordLookup,
    shared: &Shared,
    met: Option<&[Found]>,
) -> Result<(RecordLookup, Ended), EngineError> {
    let context = job.context.clone();
    let (is_first, met) = (met.is_none(), met.unwrap_or_default());
    let (world, look) = {
        let (job, failures) = (Arc::clone(job), counted(shared, is_first));
        blocking(move || {
            let look = prepass::classify(&job, &world, &failures)?;
            Ok((world, look))
        })
        .await?
    };
    let pending = look.open(job);
    if is_first {
        shared.read.fetch_add(look.read, Ordering::Relaxed);
        context.tell(Event::Read { step: job.stage.id.clone(), records: look.read, pending });
    }
    shared.within_limit()?;
    let (world, has_existing) = if pending == 0 { (world, false) } else { existing::index(job, world, met).await? };
    let (world, look) = {
        let (job, failures, mut look) = (Arc::clone(job), counted(shared, is_first), look);
        blocking(move || {
            compared::compare(&job, &world, &mut look, has_existing, &failures)?;
            settle::settle(&job, &world, &mut look, has_existing, &failures)?;
            Ok((world, look))
        })
        .await?
    };
    if is_first {
        context.tell(Event::Compared { step: job.stage.id.clone() });
    }
    let (mut groups, mut ready) = Groups::new(job);
    let producer = {
        let (job, failures) = (Arc::clone(job), Arc::clone(&shared.failures));
        tokio::task::spawn_blocking(move || {
            let made = produce::produce(&job, &world, &look, has_existing, &failures, &mut |batch| {
                let bytes = batch.bytes();
                groups.add((batch, world.take_owners()), bytes)
            });
            groups.rest();
            let owners = world.take_owners();
            made?;
            world.rest()?;
            Ok::<_, EngineError>((world, owners))
        })
    };
    let target = Target {
        name: job.stage.id.clone(),
        step: job.step,
        object: &job.stage.destination_object,
        file: &job.file,
        refused: Refused::Quarantine,
        fields: context.outcomes.fields(job.step)?,
    };
    let mut sender = StepWriter::new(job, shared, target);
    let sent = send_all(job, &mut sender, &mut ready, shared).await;
    // The producer stops at its next batch when nobody takes it.
    drop(ready);
    let finished = sender.finish().await;
    let made = joined(producer.await);
    sent?;
    finished?;
    let (world, owners) = made?;
    if !owners.is_empty() {
        context.outcomes.write_later(vec![Change::Owners(owners)]).await?;
    }
    shared.within_limit()?;
    if context.cancellation.is_cancelled() {
        return Ok((world, Ended::Interrupted));
    }
    Ok((world, Ended::Through))
}

/// Counter of the records that are quarantined; those that were counted before are not once more.
fn counted(shared: &Shared, is_first: bool) -> Arc<AtomicU64> {
    if is_first { Arc::clone(&shared.failures) } else { Arc::default() }
}

type Ready = mpsc::Receiver<Vec<(Batch, Vec<OwnerNote>)>>;

async fn send_all(
    job: &StageRun,
    sender: &mut StepWriter<'_>,
    ready: &mut Ready,
    shared: &Shared,
) -> Result<(), EngineError> {
    loop {
        if sender.has_stopped() || job.context.cancellation.is_cancelled() {
            return Ok(());
        }
        shared.within_limit()?;
        let next = if sender.is_flying() {
            tokio::select! {
                biased;
                next = ready.recv() => next,
                landed = sender.land() => {
                    landed?;
                    continue;
                }
            }
        } else {
            ready.recv().await
        };
        let Some(group) = next else { return Ok(()) };
        for (batch, owners) in group {
            take(job, sender, batch, owners).await?;
        }
        sender.flush().await?;
    }
}

/// Hands a batch to the writer, as far as it is to be sent.
async fn take(
    job: &StageRun,
    sender: &mut StepWriter<'_>,
    batch: Batch,
    owners: Vec<OwnerNote>,
) -> Result<(), EngineError> {
    let with = if owners.is_empty() { Vec::new() } else { vec![Change::Owners(owners)] };
    match batch {
        Batch::Create(items) => sender.send(items, Operation::Create, with),
        Batch::Update(items) => {
            let items = sender.without_sent_before(items);
            let sorted = update_plan::plan_updates(job, job.step, items).await?;
            let unchanged = sorted.unchanged.len() as u64;
            sender.remember(with);
            sender.remember(sorted.with);
            let mut notes = Vec::new();
            sender.notes(&sorted.unchanged, &mut notes);
            sender.remember(notes);
            sender.send(sorted.change, Operation::Update, Vec::new())?;
            sender.send(sorted.create, Operation::Create, Vec::new())?;
            if unchanged > 0 {
                job.context.tell(Event::Written { step: job.stage.id.clone(), records: unchanged });
            }
            Ok(())
        }
    }
}

/// Records that another one stands for end as it did: references to them lead to it.
fn settle_losers(job: &StageRun, world: &RecordLookup) -> Result<(), EngineError> {
    let merges = job.merges();
    let mut line = 0;
    loop {
        let losers = world.spill.losers_after(line, TOGETHER)?;
        let Some(last) = losers.last() else { return Ok(()) };
        line = last.0;
        let mut records = Vec::new();
        let mut skips = Vec::new();
        let (mut quarantine, mut repairs) = (Vec::new(), Vec::new());
        for (line, key, winner) in losers {
            if !job.takes(line) || world.reader.id_of(job.step, &key)?.is_some() {
                continue;
            }
            let id = world.reader.id_of(job.step, &winner)?.and_then(|mapped| mapped.id);
            let state = if id.is_some() { State::Skipped } else { State::Quarantined };
            let subject = Subject { key: &key, source_key: &key, line };
            if id.is_some() {
                let reason = SkipReason::MergeInto { survivor: winner.clone(), merges };
                repairs.extend(given_way::notes(job, world, (line, &key), &given_way::kept_in_words(&winner))?);
                if let Some(forecast) = job.context.outcomes.forecast() {
                    forecast.skipped(job.step, subject, &reason, id.as_deref())?;
                    continue;
                }
                let code = Some(reason.code().to_string());
                skips.push(SkipNote { key: key.clone(), reason: reason.text(&key), code });
            } else {
                let reason = QuarantineReason::SurvivorQuarantined { survivor: winner.clone(), merges };
                if let Some(forecast) = job.context.outcomes.forecast() {
                    forecast.quarantined(job.step, subject, &reason, &job.identities)?;
                    continue;
                }
                quarantine.extend(reason.failures(&key, &job.identities).into_iter().map(|failure| QuarantineNote {
                    source_key: shown(&key),
                    key: key.clone(),
                    file: job.file.clone(),
                    line,
                    field: None,
                    reason: failure.reason,
                    code: Some(failure.code.to_string()),
                }));
            }
            records.push(Settled { step: job.step, key, line, state, id, winner: Some(winner) });
        }
        if !records.is_empty() {
            let settled = Change::Settled { records, quarantine, skips };
            job.context.outcomes.write(&given_way::with_notes(job, settled, repairs))?;
        }
    }
}
