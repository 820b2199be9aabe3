//! Records of the export as the transform reads them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use migr_extract::{OwnedRecord, Record};
use migr_transform::{Cells, trimmed};

/// A record while it is lent.
#[derive(Debug)]
pub struct Lent<'r>(pub Record<'r>);

impl Cells for Lent<'_> {
    fn cell(&self, column: usize) -> &str {
        self.0.cell(column)
    }
}

/// A record that was kept.
#[derive(Debug)]
pub struct Kept(pub OwnedRecord);

impl Cells for Kept {
    fn cell(&self, column: usize) -> &str {
        self.0.cell(column)
    }
}

/// Digest of what a row says in its cells.
pub fn digest<'c>(cells: impl Iterator<Item = &'c str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    cells.for_each(|cell| cell.hash(&mut hasher));
    hasher.finish()
}

/// True where a cell counts as empty.
pub fn is_blank(cell: &str, blanks: &[String]) -> bool {
    let cell = trimmed(cell);
    cell.is_empty() || blanks.iter().any(|blank| blank == cell)
}
