//! Form that a plan is shown in.

use crate::lock::LockedDestination;

/// Columns of a text that no terminal asks for.
const WIDTH: usize = 90;

/// Form that a plan is shown in: how much of it, how wide, and beside what is known of the destination.
#[derive(Clone, Copy, Debug)]
pub struct View<'l> {
    /// True for every field, column and picklist row; else their counts.
    pub full: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// True for colours, by the sequences that terminals know.
    pub color: bool,
    /// Contents of the destination as an audit found them; what setup made there already is told apart.
    pub destination: Option<&'l LockedDestination>,
}

impl Default for View<'_> {
    fn default() -> Self {
        Self { full: false, width: WIDTH, color: false, destination: None }
    }
}
