//! A batch on its way: its files first, then their entry in the journal, then its records. Whatever dies in between, the journal knows what the files are
//! that records of the destination carry.

use migr_journal::{Change, FileSent, RepairNote, StepId};
use migr_plan::ReasonCode;

use crate::error::DeliverError;
use crate::{Doubtful, Executor, FileFate, RefusedTogether, Unit, UnitRecord, UnitResult, Uploads, WriteResult};
use migr_decide::SharedJournal;

/// Where files of a batch are journaled.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) journal: SharedJournal,
    pub(crate) step: StepId,
    /// The export's file.
    pub(crate) file: String,
    /// Key and line of each record.
    pub(crate) subjects: Vec<Option<(String, u64)>>,
}

/// Carries a batch out; without a ledger one that has no files.
pub(crate) async fn fly(
    executor: &dyn Executor,
    unit: Unit,
    ledger: Option<Ledger>,
) -> Result<UnitResult, DeliverError> {
    let Some(ledger) = ledger else { return Ok(executor.execute(unit).await?) };
    let records = unit.records.len();
    let Uploads { unit, positions, refused, files } = executor.upload(unit).await?;
    ledger.note(&files, &refused).await?;
    let UnitResult { results: known, unresolved, doubtful, attempts, stopped } = executor.execute(unit).await?;
    let mut results = vec![None; records];
    let refused = refused.into_iter().map(|(position, why)| (position, Some(WriteResult::refused(why, 0))));
    for (position, result) in positions.iter().copied().zip(known).chain(refused) {
        if let Some(slot) = results.get_mut(position) {
            *slot = result;
        }
    }
    let place = |(place, record): (usize, UnitRecord)| positions.get(place).map(|position| (*position, record));
    let unresolved = unresolved.into_iter().map(|RefusedTogether { records, refusal }| RefusedTogether {
        records: records.into_iter().filter_map(place).collect(),
        refusal,
    });
    let later = |doubtful: Doubtful| {
        positions.get(doubtful.position).map(|position| Doubtful { position: *position, ..doubtful })
    };
    let doubtful = doubtful.into_iter().filter_map(later).collect();
    Ok(UnitResult { results, unresolved: unresolved.collect(), doubtful, attempts, stopped })
}

impl Ledger {
    /// Journals what became of files, and which records go without one.
    pub(crate) async fn note(
        self,
        files: &[(usize, FileFate)],
        refused: &[(usize, String)],
    ) -> Result<(), DeliverError> {
        let (mut sent, mut repairs) = (Vec::with_capacity(files.len()), Vec::new());
        for (position, fate) in files {
            let Some(Some((key, line))) = self.subjects.get(*position) else { continue };
            let is_refused = refused.iter().any(|(refused, _)| refused == position);
            // One whose record is not written was sent for nothing.
            let uploaded = fate.sent.as_ref().ok().filter(|_| !is_refused);
            sent.push(FileSent {
                file: self.file.clone(),
                line: *line,
                column: fate.column.clone(),
                hash: uploaded.map(|(hash, _)| hash.clone()),
                bytes: uploaded.map(|(_, bytes)| *bytes),
                reason: fate.sent.as_ref().err().cloned(),
            });
            if let (Err(why), false) = (&fate.sent, is_refused) {
                let (file, field) = (self.file.clone(), fate.field.clone());
                let reason = format!("left empty: {why}");
                let code = Some(ReasonCode::R103.to_string());
                repairs.push(RepairNote { key: key.clone(), file, line: *line, field, reason, code });
            }
        }
        let mut changes = vec![Change::FilesSent { step: self.step, files: sent }];
        if !repairs.is_empty() {
            changes.push(Change::Repairs { step: self.step, repairs });
        }
        Ok(self.journal.write_later(changes).await?)
    }
}
