//! Intents without an outcome: what a crash or an interruption left in doubt.

use std::time::Duration;

use migr_journal::{Change, Intent, Operation, Planned, QuarantineNote, RecordResult, State};
use migr_load::{Destination, Settlement, Unsettled};
use migr_plan::ReasonCode;

use crate::error::DeliverError;
use crate::lost::uncertain;
use migr_decide::outcome_recorder::shown;

/// Knowledge about an intent without an outcome.
#[derive(Clone, Debug)]
pub enum Known {
    /// Outcome of the intent.
    Outcome(Change),
    /// Nothing for sure before a look-up tells: some seem not to be there.
    Lagging,
    /// Nothing without what was sent.
    Bodies,
}

/// Outcome of an intent of which none is known, as far as our ids tell: what was created is asked for by them. Whatever else was meant is simply done again: it
/// changes nothing where it was done. Records of an `age` short of what a look-up needs are asked about again once they have it.
pub async fn outcome_of_intent(
    destination: &dyn Destination,
    intent: &Intent,
    object: &str,
    age: Duration,
) -> Result<Known, DeliverError> {
    if intent.operation != Operation::Create {
        let results = vec![RecordResult { attempts: 1, ..RecordResult::default() }; intent.records.len()];
        return Ok(Known::Outcome(Change::Outcome { batch: intent.batch, results, quarantine: Vec::new() }));
    }
    // Asked as if they were old enough: those that are not there are asked about again.
    let settle = destination.capabilities().settle;
    let unsettled: Vec<Unsettled<'_>> =
        intent.records.iter().map(|record| Unsettled { token: &record.id, body: None, age: age.max(settle) }).collect();
    let settled = destination.settle(object, &unsettled).await?;
    if settled.iter().any(|settlement| matches!(settlement, Settlement::Unknown | Settlement::Among(_))) {
        return Ok(Known::Bodies);
    }
    if settled.contains(&Settlement::Absent) && age < settle {
        return Ok(Known::Lagging);
    }
    let result = |(record, settlement): (&Planned, Settlement)| {
        let none = RecordResult { attempts: 1, ..RecordResult::default() };
        match settlement {
            // What somebody put into the trash since is sent again, and told so.
            Settlement::There(found) if !found.deleted => {
                let id = (found.id != record.id).then_some(found.id);
                RecordResult { state: Some(State::Created), id, ..none }
            }
            _ => none,
        }
    };
    let results = intent.records.iter().zip(settled).map(result).collect();
    Ok(Known::Outcome(Change::Outcome { batch: intent.batch, results, quarantine: Vec::new() }))
}

/// Outcome of an intent of which nothing can be known, about records of a file of the export.
pub fn unknown_outcome(intent: &Intent, file: &str) -> Change {
    let reason = "the run ended before the answer came";
    let quarantine = intent.records.iter().map(|record| QuarantineNote {
        key: record.key.clone(),
        source_key: shown(&record.key),
        file: file.to_owned(),
        line: record.line,
        field: None,
        reason: uncertain(reason),
        code: Some(ReasonCode::Q502.to_string()),
    });
    let result = RecordResult {
        state: Some(State::Uncertain),
        attempts: 1,
        reason: Some(reason.to_owned()),
        ..RecordResult::default()
    };
    Change::Outcome {
        batch: intent.batch,
        results: vec![result; intent.records.len()],
        quarantine: quarantine.collect(),
    }
}
