//! End of what a crash or an interruption left in doubt.

use std::time::Duration;

use jiff::Timestamp;
use migr_decide::Event;
use migr_deliver::{Known, OpenIntent, doubt, outcome_of_intent, unknown_outcome};
use migr_journal::{Change, Intent, Operation};
use migr_plan::Step;

use crate::{Context, EngineError};

/// Closes what our ids tell of: asks the destination for those that were meant to be created. What only the bodies tell of comes back, for the steps that make
/// them again.
pub(crate) async fn close_open(context: &Context) -> Result<Vec<OpenIntent>, EngineError> {
    let intents = context.journal.lock().open_intents();
    if intents.is_empty() {
        return Ok(Vec::new());
    }
    let open = dated(context, intents)?;
    let mut later = Vec::new();
    let lagging = close(context, open, &mut later).await?;
    if !lagging.is_empty() {
        let settle = context.destination.capabilities().settle;
        let youngest = lagging.iter().map(|open| open.age).min().unwrap_or_default();
        let left = settle.saturating_sub(youngest);
        if !left.is_zero() {
            let reason = "the destination does not tell yet whether it has what a run that was cut off sent".to_owned();
            context.progress.event(Event::Waiting { seconds: left.as_secs() + 1, reason });
            tokio::time::sleep(left).await;
        }
        let older = |open: OpenIntent| OpenIntent { age: open.age.max(settle), ..open };
        let lagging = lagging.into_iter().map(older).collect();
        close(context, lagging, &mut later).await?;
    }
    Ok(later)
}

/// Closes some intents. Those come back that are asked about again once a look-up tells.
async fn close(
    context: &Context,
    open: Vec<OpenIntent>,
    later: &mut Vec<OpenIntent>,
) -> Result<Vec<OpenIntent>, EngineError> {
    let mut lagging = Vec::new();
    for OpenIntent { intent, age } in open {
        let (name, object) = context.journal.reader()?.step_named(intent.step)?;
        let known = outcome_of_intent(&*context.destination, &intent, &object, age).await?;
        let change = match known {
            Known::Outcome(change) => change,
            Known::Lagging => {
                lagging.push(OpenIntent { intent, age });
                continue;
            }
            Known::Bodies if context.plan.steps().iter().any(|step| step.to_string() == name) => {
                later.push(OpenIntent { intent, age });
                continue;
            }
            Known::Bodies => {
                let stage = context.plan.stages.iter().find(|stage| stage.id == Step::stage_of(&name));
                let file = stage.and_then(|stage| context.export.file(&stage.source_object));
                unknown_outcome(&intent, file.map_or("", migr_extract::SourcePath::shown))
            }
        };
        if let (Operation::Create, Change::Outcome { results, .. }) = (intent.operation, &change) {
            // Their request may still be on its way.
            let doubtful = intent.records.iter().zip(results).filter(|(_, result)| result.state.is_none());
            doubt(&context.journal, doubtful.map(|(record, _)| record.id.clone()).collect()).await?;
        }
        context.journal.write_later(vec![change]).await?;
    }
    Ok(lagging)
}

/// Intents with the time since they were meant.
fn dated(context: &Context, intents: Vec<Intent>) -> Result<Vec<OpenIntent>, EngineError> {
    let reader = context.journal.reader()?;
    let mut open = Vec::with_capacity(intents.len());
    for intent in intents {
        let age = reader.meant_at(intent.batch)?.map_or(Duration::ZERO, since);
        open.push(OpenIntent { intent, age });
    }
    Ok(open)
}

/// Time since a moment in milliseconds.
fn since(at: i64) -> Duration {
    let age = Timestamp::now().as_millisecond().saturating_sub(at);
    Duration::from_millis(u64::try_from(age).unwrap_or_default())
}
