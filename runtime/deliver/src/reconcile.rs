//! Intents without an outcome: what a crash or an interruption left in doubt.

use std::time::Duration;

use migr_journal::{Change, Intent, Operation, Planned, QuarantineNote, RecordResult, State};
use migr_load::{Destination, Settlement, Unsettled};

use crate::error::DeliverError;
use crate::lost::uncertain;
use migr_decide::outcome_recorder::shown;

/// Outcome of an intent of which none is known, about records of a file of the export: what was created is known by our ids, where the destination can be asked
/// for them. Whatever else was meant is simply done again: it changes nothing where it was done.
pub async fn outcome_of_intent(
    destination: &dyn Destination,
    intent: &Intent,
    object: &str,
    file: &str,
) -> Result<Change, DeliverError> {
    let is_new = intent.operation == Operation::Create;
    let settled = if is_new { settled(destination, intent, object).await? } else { Vec::new() };
    let mut settled = settled.into_iter();
    let mut quarantine = Vec::new();
    let result = |record: &Planned| {
        let none = || RecordResult { state: None, attempts: 1, reason: None, id: None };
        match settled.next() {
            None | Some(Settlement::Absent) => return none(),
            // What somebody put into the trash since is sent again, and told so.
            Some(Settlement::There(found)) if found.deleted => return none(),
            Some(Settlement::There(found)) => {
                let id = (found.id != record.id).then_some(found.id);
                return RecordResult { state: Some(State::Created), id, ..none() };
            }
            Some(Settlement::Unknown) => {}
        }
        let reason = "the run ended before the answer came".to_owned();
        quarantine.push(QuarantineNote {
            key: record.key.clone(),
            source_key: shown(&record.key),
            file: file.to_owned(),
            line: record.line,
            field: None,
            reason: uncertain(&reason),
        });
        RecordResult { state: Some(State::Uncertain), attempts: 1, reason: Some(reason), id: None }
    };
    let results = intent.records.iter().map(result).collect();
    Ok(Change::Outcome { batch: intent.batch, results, quarantine })
}

/// Settlement of new records that a run sent before it ended. Where a look-up lags, it is made again once it tells.
async fn settled(
    destination: &dyn Destination,
    intent: &Intent,
    object: &str,
) -> Result<Vec<Settlement>, DeliverError> {
    let unsettled = |age| -> Vec<Unsettled<'_>> {
        intent.records.iter().map(|record| Unsettled { token: &record.id, body: None, age }).collect()
    };
    let settle = destination.capabilities().settle;
    let settled = destination.settle(object, &unsettled(Duration::ZERO)).await?;
    if settle.is_zero() || !settled.contains(&Settlement::Unknown) {
        return Ok(settled);
    }
    tokio::time::sleep(settle).await;
    Ok(destination.settle(object, &unsettled(settle)).await?)
}
