//! Trial of a changed plan: a sample has brought some records to it, and no run has carried it out yet. Written records are then of several plans.

use std::collections::BTreeMap;

use migr_decide::slice::Slice;
use migr_journal::{Change, Reader};
use serde::{Deserialize, Serialize};

use crate::EngineError;
use migr_decide::SharedJournal;

/// The journal keeps it under this name.
const NAME: &str = "trial";

/// Trial as the journal has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// Hashes of the plans that written records may be of, beside the one that the journal was last used with.
    plans: Vec<String>,
    /// Lines of the records that samples brought to a changed plan, by stage.
    #[serde(default)]
    rows: BTreeMap<String, Vec<u64>>,
}

impl Trial {
    /// The one that a journal knows of; an empty one where there is none.
    pub(crate) fn of(reader: &Reader) -> Result<Self, EngineError> {
        let text = reader.finding(NAME)?;
        Ok(text.and_then(|text| serde_json::from_str::<Option<Self>>(&text).ok().flatten()).unwrap_or_default())
    }

    /// Adds the rows that samples took.
    pub(crate) fn add_to(&self, slice: &mut Slice) {
        for (stage, lines) in &self.rows {
            for line in lines {
                slice.insert(stage, *line);
            }
        }
    }

    /// Notes the rows that a sample takes.
    pub(crate) fn take(mut self, slice: &Slice) -> Change {
        for (stage, rows) in slice.stages() {
            let lines = self.rows.entry(stage.to_owned()).or_default();
            lines.extend(rows.iter());
            lines.sort_unstable();
            lines.dedup();
        }
        self.note()
    }

    fn note(&self) -> Change {
        Change::finding(NAME, serde_json::to_string(self).unwrap_or_default())
    }
}

/// Hashes of the plans that written records may be of, beside the one that the journal was last used with.
pub(crate) fn tried_plans(reader: &Reader) -> Result<Vec<String>, EngineError> {
    Ok(Trial::of(reader)?.plans)
}

/// Notes that a sample brings some records to another plan than the last one; those of the last one stay of it until a run.
pub fn begin_trial(journal: &SharedJournal) -> Result<(), EngineError> {
    let reader = journal.reader()?;
    let (mut trial, last) = (Trial::of(&reader)?, reader.plan_hash()?);
    if !trial.plans.contains(&last) {
        trial.plans.push(last);
        journal.write(&[trial.note()])?;
    }
    Ok(())
}

/// Notes that a run carries the plan out: it brings every record to it.
pub fn end_trial(journal: &SharedJournal) -> Result<(), EngineError> {
    if Trial::of(&journal.reader()?)? == Trial::default() {
        return Ok(());
    }
    Ok(journal.write(&[Change::no_finding(NAME)])?)
}
