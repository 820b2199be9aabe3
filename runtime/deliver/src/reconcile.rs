//! Intents without an outcome: what a crash or an interruption left in doubt.

use std::collections::BTreeMap;

use migr_journal::{Change, Intent, Operation, Planned, QuarantineNote, RecordResult, State};
use migr_load::{Deleted, Destination};

use crate::error::DeliverError;
use crate::lost::{those_there, uncertain};
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
    let ids: Vec<String> = intent.records.iter().filter(|_| is_new).map(|record| record.id.clone()).collect();
    let there = if ids.is_empty() {
        Some(BTreeMap::new())
    } else {
        those_there(destination, object, &ids, Deleted::Live).await?
    };
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
