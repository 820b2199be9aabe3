//! Records that a run sent which ended before their answers came.

use std::collections::BTreeMap;

use migr_journal::{Planned, State, StepId};

use super::Forecast;
use crate::DecideError;

impl Forecast {
    /// Takes a record whose request was sent by a run that ended before the answer came, with the id that it has there.
    pub fn closed(&self, step: StepId, record: &Planned, id: &str) -> Result<(), DecideError> {
        let mut store = self.store();
        store.closed.insert(step);
        store.outcome(step, (&record.key, record.line), State::Created, Some(id), None)
    }

    /// Takes a record whose request was sent by a run that ended before the answer came, where nobody knows yet whether it arrived.
    pub fn sent(&self, step: StepId, record: &Planned) {
        self.store().sent.insert((step, record.key.clone()), record.digest.clone());
    }

    /// Digests of the records of a step that such a run sent, by key.
    pub fn sent_of(&self, step: StepId) -> BTreeMap<String, String> {
        let sent = &self.store().sent;
        sent.iter().filter(|((of, _), _)| *of == step).map(|((_, key), digest)| (key.clone(), digest.clone())).collect()
    }

    /// True where records of a step were sent whose answers never came.
    pub fn has_closed(&self, step: StepId) -> bool {
        self.store().closed.contains(&step)
    }
}
