//! Table of a report's counts for a terminal.

use std::fmt;

use migr_escape::{columns, in_columns};
use migr_report::words::grouped;
use migr_report::{Object, Report};

/// Columns that a map's name keeps, however narrow the terminal is.
const LEAST_NAME: usize = 4;

/// The counts of a report as a table for a terminal.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// Blanks before each cell.
    gap: usize,
}

impl Table {
    /// One row per map, and their sum.
    pub(crate) fn of_objects(report: &Report) -> Self {
        let head = ["", "read", "created", "updated", "unchanged", "skipped", "quarantined"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for object in &report.objects {
            rows.push(row(format!("{} → {}", object.map, object.destination_object), object));
        }
        rows.push(row("all".to_owned(), &report.total()));
        Self { rows, gap: 2 }
    }

    /// The table within a terminal's width: where it is wider, a row has the map's name alone, and of a long one its beginning.
    pub(crate) fn within(mut self, width: usize) -> Self {
        let widest = self.widest();
        if widest > width {
            for name in self.rows.iter_mut().filter_map(|row| row.first_mut()) {
                let map = name.split(" → ").next().unwrap_or_default().to_owned();
                *name = map;
            }
            self.gap = 1;
        }
        let beyond = self.widest().saturating_sub(width);
        if beyond > 0 {
            let names = || self.rows.iter().filter_map(|row| row.first());
            let room = names().map(|name| columns(name)).max().unwrap_or(0).saturating_sub(beyond).max(LEAST_NAME);
            for name in self.rows.iter_mut().filter_map(|row| row.first_mut()) {
                *name = in_columns(name, room);
            }
        }
        self
    }

    fn widest(&self) -> usize {
        self.to_string().lines().map(columns).max().unwrap_or(0)
    }
}

fn row(name: String, object: &Object) -> Vec<String> {
    let counts = [object.read, object.created, object.updated, object.unchanged, object.skipped, object.quarantined];
    let shown = counts.iter().map(|count| if *count == 0 { "·".to_owned() } else { grouped(*count) });
    std::iter::once(name).chain(shown).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max();
        let widths: Vec<usize> = (0..all).map(|column| width(column).unwrap_or(0)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width.saturating_sub(columns(cell)));
                line.push_str(&" ".repeat(self.gap));
                let (left, right) = if at == 0 { (cell.as_str(), pad.as_str()) } else { (pad.as_str(), cell.as_str()) };
                line.push_str(left);
                line.push_str(right);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
