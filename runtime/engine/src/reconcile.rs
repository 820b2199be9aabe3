use std::collections::BTreeSet;

use migr_journal::{Change, Operation, RecordResult, State};
use migr_load::Deleted;

use crate::{Context, EngineError};

/// Closes what a crash or an interruption left in doubt: asks the destination for the ids that were meant to be created.
pub(crate) async fn run(context: &Context) -> Result<(), EngineError> {
    let open = context.journal.lock().open_intents();
    if open.is_empty() {
        return Ok(());
    }
    let reader = context.journal.reader()?;
    for intent in open {
        let (_, object) = reader.step_named(intent.step)?;
        let mut there = BTreeSet::new();
        if intent.operation == Operation::Create {
            let ids: Vec<String> = intent.records.iter().map(|record| record.id.clone()).collect();
            let found = context.destination.fetch(&object, &ids, Deleted::Live).await?;
            there.extend(found.into_iter().map(|found| found.id));
        }
        // Whatever else was meant is simply done again: it changes nothing where it was done.
        let results = intent
            .records
            .iter()
            .map(|record| RecordResult {
                state: there.contains(&record.id).then_some(State::Created),
                attempts: 1,
                reason: None,
            })
            .collect();
        let change = Change::Outcome { batch: intent.batch, results, quarantine: Vec::new() };
        context.journal.write_later(vec![change]).await?;
    }
    Ok(())
}
