//! Batches that are asked about before they are sent: once records were refused for what the destination holds, one question about thousands of records costs
//! less than a refusal of each batch.

use std::collections::BTreeMap;

use migr_journal::{Change, Operation};
use migr_load::{AtFault, Destination, Fault, LoadError, Suspect};

use migr_decide::record_write::RecordWrite;

/// Records that are asked about together.
const MOST_RECORDS: usize = 10_000;
/// The same in bytes.
const MOST_BYTES: usize = 8 << 20;

/// A batch that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) items: Vec<RecordWrite>,
    pub(crate) operation: Operation,
    /// Changes that are journaled with the batch's intent.
    pub(crate) with: Vec<Change>,
}

impl Prepared {
    fn suspects(&self) -> Vec<Suspect<'_>> {
        self.items.iter().map(|item| Suspect { id: &item.id, body: &item.body }).collect()
    }
}

/// Batches that are held back.
#[derive(Debug, Default)]
pub(crate) struct Precheck {
    pub(crate) batches: Vec<Prepared>,
    records: usize,
    bytes: usize,
}

impl Precheck {
    pub(crate) fn add(&mut self, prepared: Prepared) {
        self.records += prepared.items.len();
        self.bytes += prepared.items.iter().map(|item| item.size).sum::<usize>();
        self.batches.push(prepared);
    }

    /// True where as much is held back as one question should be about.
    pub(crate) fn is_full(&self) -> bool {
        self.records >= MOST_RECORDS || self.bytes >= MOST_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Which records of each batch would be refused, by their positions.
    pub(crate) async fn faults(
        &self,
        destination: &dyn Destination,
        object: &str,
        refusals: &[String],
    ) -> Result<Vec<BTreeMap<usize, Fault>>, LoadError> {
        let batches: Vec<_> = self.batches.iter().map(|prepared| (prepared.operation, prepared.suspects())).collect();
        faults(destination, object, refusals, &batches).await
    }
}

/// Records of batches that would be refused, by their positions.
pub(crate) async fn faults(
    destination: &dyn Destination,
    object: &str,
    refusals: &[String],
    batches: &[(Operation, Vec<Suspect<'_>>)],
) -> Result<Vec<BTreeMap<usize, Fault>>, LoadError> {
    let mut faults: Vec<BTreeMap<usize, Fault>> = batches.iter().map(|_| BTreeMap::new()).collect();
    for is_new in [true, false] {
        let (mut suspects, mut places) = (Vec::new(), Vec::new());
        for (batch, (operation, records)) in batches.iter().enumerate() {
            if (*operation != Operation::Update) == is_new {
                suspects.extend(records.iter().copied());
                places.extend((0..records.len()).map(|position| (batch, position)));
            }
        }
        if suspects.is_empty() {
            continue;
        }
        for AtFault { position, fault } in destination.at_fault(object, &suspects, is_new, refusals).await? {
            if let Some((batch, position)) = places.get(position)
                && let Some(faults) = faults.get_mut(*batch)
            {
                faults.insert(*position, fault);
            }
        }
    }
    Ok(faults)
}
