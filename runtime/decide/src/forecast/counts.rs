//! Counts of what the values of records fill, and of what is lost of them.

use migr_journal::StepId;
use migr_plan::lock::FieldCount;

use super::{Forecast, Store, field_count};
use crate::decision::{OfRow, Reason, Told};

impl Forecast {
    /// Counts the values of a record that a run before has written.
    pub fn counted(&self, step: StepId, told: &Told) {
        self.store().count_values(step, (&told.filled, &told.lost, &told.cut));
    }
}

/// Reasons that speak of rows, by their row.
pub(super) fn by_row(reasons: Vec<Reason>) -> Vec<(OfRow, Vec<Reason>)> {
    let mut rows: Vec<(OfRow, Vec<Reason>)> = Vec::new();
    for reason in reasons {
        let Some(row) = reason.row.clone() else { continue };
        match rows.iter_mut().find(|(known, _)| *known == row) {
            Some((_, of_row)) => of_row.push(reason),
            None => rows.push((row, vec![reason])),
        }
    }
    rows
}

impl Store {
    /// Counts the positions of a record's fields that have a value, of those that the destination does not hold whole, and of those that leave something.
    pub(super) fn count_values(&mut self, step: StepId, (filled, lost, cut): (&[usize], &[usize], &[usize])) {
        let tally = self.tally(step);
        for index in filled {
            tally.fields.get_mut(*index).into_iter().for_each(|field| field.filled += 1);
        }
        for index in lost {
            tally.fields.get_mut(*index).into_iter().for_each(|field| field.lost += 1);
        }
        for index in cut {
            self.leaves(step, *index);
        }
    }

    /// Counts a record of which a field, or a link behind the fields, leaves something.
    fn leaves(&mut self, step: StepId, index: usize) {
        let link = self.links.get(&step).and_then(|(fields, links)| links.get(index.checked_sub(*fields)?)).cloned();
        let tally = self.tally(step);
        match link {
            None => tally.fields.get_mut(index).into_iter().for_each(|field| field.cut += 1),
            Some(link) => match field_count(&link, tally) {
                Some(field) => field.cut += 1,
                None => {
                    tally.fields.push(FieldCount { field: link, filled: 0, repaired: 0, failed: 0, lost: 0, cut: 1 });
                }
            },
        }
    }
}
