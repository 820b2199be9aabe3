//! Numbers of the fields that a step writes, and what of a record's body is noted under them.

use std::collections::HashMap;

use migr_journal::{FieldDigests, Planned, RecordSalt, StepId};
use migr_load::Body;

use crate::record_write::RecordWrite;
use crate::{DecideError, SharedJournal};

/// Numbers of the fields of a step, in the order in which they were first written.
#[derive(Debug, Default)]
pub struct FieldNumbers(HashMap<String, u32>);

impl FieldNumbers {
    /// As the journal has them.
    pub fn of(journal: &SharedJournal, step: StepId) -> Result<Self, DecideError> {
        Ok(Self((0..).zip(journal.reader()?.fields(step)?).map(|(number, name)| (name, number)).collect()))
    }

    /// The records of a batch as they stand in its intent, and the names of fields that are written for the first time.
    pub fn planned(&mut self, items: &[RecordWrite]) -> (Vec<Planned>, Vec<String>) {
        let mut names = Vec::new();
        let planned = |item: &RecordWrite| {
            let fields = self.digests(&item.id, &item.body, &mut names).to_bytes();
            Planned { fields, ..item.planned() }
        };
        (items.iter().map(planned).collect(), names)
    }

    fn digests(&mut self, id: &str, body: &Body, names: &mut Vec<String>) -> FieldDigests {
        let (record, mut digests) = (RecordSalt::of(id), FieldDigests::default());
        body.each_field(|name, value| {
            let number = self.0.get(name).copied().unwrap_or_else(|| {
                let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
                self.0.insert(name.to_owned(), number);
                names.push(name.to_owned());
                number
            });
            digests.add(record, number, value);
        });
        digests
    }
}
