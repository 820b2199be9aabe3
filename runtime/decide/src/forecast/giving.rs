//! Values that one record alone may hold, after a run: who will hold them, and which records go without.

use std::collections::{BTreeMap, BTreeSet};

use migr_journal::StepId;
use migr_plan::ReasonCode;

use super::Forecast;
use crate::decision::Reason;

/// Values as records will hold them, as far as a forecast changes that.
#[derive(Debug, Default)]
pub(super) struct Giving {
    /// By object, id and path.
    held: BTreeMap<(String, String, String), Option<String>>,
    /// By object, path and value.
    holders: BTreeMap<(String, String, String), String>,
    /// Paths that are left out of new records, by step and line.
    left_out: BTreeMap<(StepId, u64), Vec<String>>,
    /// Values that are given to their records after all.
    given: BTreeSet<(StepId, u64, String)>,
}

impl Giving {
    pub(super) fn leave_out(&mut self, step: StepId, line: u64, reasons: &[Reason]) {
        for reason in reasons.iter().filter(|reason| reason.code == ReasonCode::Q402) {
            self.left_out.entry((step, line)).or_default().push(reason.field.clone());
        }
    }
}

impl Forecast {
    /// Takes what a record will hold of what one record alone may.
    pub fn holds(&self, object: &str, id: &str, path: &str, value: Option<String>) {
        let giving = &mut self.store().giving;
        if let Some(value) = &value {
            giving.holders.insert((object.to_owned(), path.to_owned(), value.clone()), id.to_owned());
        }
        giving.held.insert((object.to_owned(), id.to_owned(), path.to_owned()), value);
    }

    /// Value that a record will hold, where that changes.
    pub fn will_hold(&self, object: &str, id: &str, path: &str) -> Option<Option<String>> {
        self.store().giving.held.get(&(object.to_owned(), id.to_owned(), path.to_owned())).cloned()
    }

    /// The record that will hold a value, where one comes to hold it.
    pub fn holder_to_come(&self, object: &str, path: &str, value: &str) -> Option<String> {
        self.store().giving.holders.get(&(object.to_owned(), path.to_owned(), value.to_owned())).cloned()
    }

    /// Paths that are left out of a new record.
    pub fn left_out(&self, step: StepId, line: u64) -> Vec<String> {
        self.store().giving.left_out.get(&(step, line)).cloned().unwrap_or_default()
    }

    /// Takes that a value goes to a record after all.
    pub fn gives(&self, step: StepId, line: u64, path: &str) {
        self.store().giving.given.insert((step, line, path.to_owned()));
    }

    /// True where a value that was left out goes to the record after all.
    pub fn is_given(&self, step: StepId, line: u64, path: &str) -> bool {
        self.store().giving.given.contains(&(step, line, path.to_owned()))
    }
}
