//! Slice of an export: the rows that a sample writes. A run over a slice leaves all other rows for later.

use std::collections::BTreeMap;

use migr_spill::RowSet;

/// Rows of each stage that a sample takes, by line.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    rows: BTreeMap<String, RowSet>,
}

impl Slice {
    /// Adds a row of a stage.
    pub fn insert(&mut self, stage: &str, line: u64) {
        if let Some(rows) = self.rows.get_mut(stage) {
            rows.insert(line);
        } else {
            let mut rows = RowSet::default();
            rows.insert(line);
            self.rows.insert(stage.to_owned(), rows);
        }
    }

    /// Adds rows of a stage.
    pub fn add(&mut self, stage: &str, rows: RowSet) {
        match self.rows.get_mut(stage) {
            Some(known) => rows.iter().for_each(|line| known.insert(line)),
            None => drop(self.rows.insert(stage.to_owned(), rows)),
        }
    }

    /// The stages with their rows.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &RowSet)> {
        self.rows.iter().map(|(stage, rows)| (stage.as_str(), rows))
    }

    /// True where the slice has a row of a stage.
    pub fn contains(&self, stage: &str, line: u64) -> bool {
        self.rows.get(stage).is_some_and(|rows| rows.contains(line))
    }

    /// Number of rows of a stage.
    pub fn len_of(&self, stage: &str) -> u64 {
        self.rows.get(stage).map_or(0, RowSet::len)
    }

    /// Number of rows in all.
    pub fn len(&self) -> u64 {
        self.rows.values().map(RowSet::len).sum()
    }

    /// True where no row is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
