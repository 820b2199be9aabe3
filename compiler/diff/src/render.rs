//! A diff for people: a terminal's text, and Markdown for one comment of a pull request.

mod markdown;
mod terminal;

pub use markdown::{LONGEST, markdown};
pub use terminal::{Look, terminal};

use crate::Change;

/// Longest value that is shown in full, in characters.
const LONGEST_VALUE: usize = 160;

/// `+` comes, `-` goes, `~` changes.
fn sign(change: &Change) -> char {
    match (&change.before, &change.after) {
        (None, _) => '+',
        (_, None) => '-',
        _ => '~',
    }
}

/// A value on one line, cut short.
fn short(value: &str) -> String {
    let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= LONGEST_VALUE {
        return line;
    }
    let cut: String = line.chars().take(LONGEST_VALUE).collect();
    format!("{cut}…")
}

/// `312 records`, `up to 312 records`; nothing where they were not counted.
fn records(change: &Change) -> String {
    let bound = if change.at_most { "up to " } else { "" };
    match change.records {
        None => String::new(),
        Some(1) => format!("{bound}1 record"),
        Some(records) => format!("{bound}{records} records"),
    }
}
