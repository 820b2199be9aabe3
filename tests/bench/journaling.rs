use migr_engine::Ids;
use migr_journal::{Change, Intent, Operation, Planned, RecordResult, State};

use crate::fault::Fault;
use crate::loading;

/// Records of a batch.
const BATCH: u64 = 200;

/// Journals the intents and outcomes of so many records, in batches of [`BATCH`], each outcome with the next intent as in a run.
pub(crate) fn journal(records: u64) -> Result<u64, Fault> {
    let failed = |error| Fault::of("the journal", error);
    let folder = tempfile::tempdir().map_err(|error| Fault::of("a folder for the journal", error))?;
    let mut journal = loading::open(&folder.path().join("journal.db"))?;
    let step = journal.step("people", "people").map_err(failed)?;
    let ids = Ids::of("bench");
    let mut waiting = Vec::new();
    let mut first = 0;
    while first < records {
        let numbers = first..records.min(first + BATCH);
        first = numbers.end;
        let planned: Vec<Planned> = numbers.map(|number| planned(&ids, number)).collect();
        let result = RecordResult { state: Some(State::Created), attempts: 1, ..RecordResult::default() };
        let results = vec![result; planned.len()];
        let batch = journal.next_batch();
        waiting.push(Change::Intent(Intent { batch, step, operation: Operation::Create, records: planned }));
        journal.write(&std::mem::take(&mut waiting)).map_err(failed)?;
        waiting.push(Change::Outcome { batch, results, quarantine: Vec::new() });
    }
    journal.write(&waiting).map_err(failed)?;
    Ok(records)
}

fn planned(ids: &Ids, number: u64) -> Planned {
    let key = format!("C{number:08}");
    let id = ids.record("people", &key);
    Planned {
        key,
        id,
        line: number + 2,
        digest: format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        ..Planned::default()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_batch_that_is_not_full_is_journaled_too() {
        assert_eq!(super::journal(450).unwrap(), 450);
    }
}
