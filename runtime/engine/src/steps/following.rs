//! The steps that follow once a stage's records are written: its links, its deferred fields, and what was left empty before.

use std::future::Future;
use std::sync::Arc;

use migr_journal::{Change, StepId};

use crate::EngineError;
use crate::shared::{Ended, joined};
use crate::step_writer::StepWriter;
use migr_decide::Event;
use migr_decide::record_lookup::RecordLookup;
use migr_decide::stage_run::StageRun;
use migr_deliver::{Groups, Refused, Shared, Target};

/// Takes a batch; false when nobody takes it any more.
pub(crate) type HandOn<'h, B> = dyn FnMut(B) -> bool + 'h;

/// Step that follows once a stage's records are written.
pub(crate) trait Later: Send + Sync + 'static {
    /// Batch that is handed from the thread that computes to the one that sends.
    type Batch: Send + 'static;

    /// The stage.
    fn job(&self) -> &StageRun;

    /// The destination object that is written.
    fn object(&self) -> &str;

    /// Treatment of a record that the destination refuses.
    fn refused(&self) -> Refused {
        Refused::Note
    }

    /// Computes, in source order. `step` is the journal's.
    fn produce(
        &self,
        world: &RecordLookup,
        step: StepId,
        hand_on: &mut HandOn<'_, Self::Batch>,
    ) -> Result<(), EngineError>;

    /// Size of the bodies of a batch.
    fn bytes(batch: &Self::Batch) -> usize;

    /// Hands what was computed to the writer.
    fn send(
        &self,
        step: StepId,
        sender: &mut StepWriter<'_>,
        batch: Self::Batch,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
}

/// Carries a step out, unless the journal has it as done.
pub(crate) async fn run<L: Later>(
    later: L,
    (name, step): (String, StepId),
    world: RecordLookup,
    shared: &Shared,
) -> Result<(RecordLookup, Ended), EngineError> {
    let later = Arc::new(later);
    let context = later.job().context.clone();
    if world.reader.is_done(step)? {
        return Ok((world, Ended::Through));
    }
    world.rest()?;
    let source_object = later.job().stage.source_object.clone();
    context.tell(Event::StepStarted {
        step: name.clone(),
        bytes: context.export.file(&source_object).map_or(0, migr_extract::SourcePath::bytes),
        source_object,
        destination_object: later.object().to_owned(),
    });
    let (mut groups, mut ready) = Groups::new(later.job());
    let producer = {
        let later = Arc::clone(&later);
        tokio::task::spawn_blocking(move || {
            let made = if later.job().file.is_empty() {
                Ok(())
            } else {
                later.produce(&world, step, &mut |batch| {
                    let bytes = L::bytes(&batch);
                    groups.add(batch, bytes)
                })
            };
            groups.rest();
            made?;
            world.rest()?;
            Ok::<_, EngineError>(world)
        })
    };
    let (object, file) = (later.object(), later.job().file.as_str());
    let fields = context.outcomes.fields(step)?;
    let target = Target { name: name.clone(), step, object, file, refused: later.refused(), fields };
    let mut sender = StepWriter::new(later.job(), shared, target);
    let mut sent = Ok(());
    while let Some(group) = ready.recv().await {
        sent = send_group(&*later, step, &mut sender, group).await;
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
    if context.slice.is_none() {
        context.outcomes.write_later(vec![Change::Done { step }]).await?;
    }
    context.tell(Event::StepDone { step: name });
    Ok((world, Ended::Through))
}

/// Sends batches whose intents are journaled together.
async fn send_group<L: Later>(
    later: &L,
    step: StepId,
    sender: &mut StepWriter<'_>,
    group: Vec<L::Batch>,
) -> Result<(), EngineError> {
    for batch in group {
        later.send(step, sender, batch).await?;
    }
    sender.flush().await
}
