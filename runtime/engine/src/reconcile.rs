//! Intents without an outcome: what a crash or an interruption left in doubt.

use std::collections::BTreeMap;

use migr_deliver::{those_there, uncertain};
use migr_journal::{Change, Intent, Operation, Planned, QuarantineNote, RecordResult, State};
use migr_load::Deleted;

use crate::{Context, EngineError};
use migr_decide::outcome_recorder::shown;

/// Closes what a crash or an interruption left in doubt: asks the destination for the ids that were meant to be created.
pub(crate) async fn run(context: &Context) -> Result<(), EngineError> {
    let open = context.journal.lock().open_intents();
    if open.is_empty() {
        return Ok(());
    }
    let reader = context.journal.reader()?;
    for intent in open {
        let (name, object) = reader.step_named(intent.step)?;
        let change = outcome(context, &intent, &name, &object).await?;
        if let (Operation::Create, Change::Outcome { results, .. }) = (intent.operation, &change) {
            // Their request may still be on its way.
            let doubtful = intent.records.iter().zip(results).filter(|(_, result)| result.state.is_none());
            crate::adopted::doubt(context, doubtful.map(|(record, _)| record.id.clone()).collect()).await?;
        }
        context.journal.write_later(vec![change]).await?;
    }
    Ok(())
}

/// Outcome of an intent: what was created is known by our ids, where the destination can be asked for them. Whatever else was meant is simply done again: it
/// changes nothing where it was done.
async fn outcome(context: &Context, intent: &Intent, step: &str, object: &str) -> Result<Change, EngineError> {
    let is_new = intent.operation == Operation::Create;
    let ids: Vec<String> = intent.records.iter().filter(|_| is_new).map(|record| record.id.clone()).collect();
    let there = if ids.is_empty() {
        Some(BTreeMap::new())
    } else {
        those_there(&*context.destination, object, &ids, Deleted::Live).await?
    };
    let stage = context.plan.stages.iter().find(|stage| stage.id == migr_plan::Step::stage_of(step));
    let file = stage.and_then(|stage| context.export.file(&stage.source_object));
    let file = file.map(|file| file.shown().to_owned()).unwrap_or_default();
    let mut quarantine = Vec::new();
    let result = |record: &Planned| {
        if let Some(there) = &there {
            let id = there.get(&record.id).map(|found| &found.id);
            return RecordResult {
                state: id.map(|_| State::Created),
                attempts: 1,
                reason: None,
                id: id.filter(|id| **id != record.id).cloned(),
            };
        }
        let reason = "the run ended before the answer came".to_owned();
        quarantine.push(QuarantineNote {
            key: record.key.clone(),
            source_key: shown(&record.key),
            file: file.clone(),
            line: record.line,
            field: None,
            reason: uncertain(&reason),
        });
        RecordResult { state: Some(State::Uncertain), attempts: 1, reason: Some(reason), id: None }
    };
    let results = intent.records.iter().map(result).collect();
    Ok(Change::Outcome { batch: intent.batch, results, quarantine })
}
