//! The terminal's text: a line for the place, and its values below, within the terminal's width.

use std::fmt::Write as _;

use migr_escape::{line as harmless, wrapped};

use super::{records, short, sign};
use crate::{Change, Diff};

/// Look of a terminal's text.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// True for colours, by the sequences that terminals know.
    pub color: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 90, color: false }
    }
}

/// The diff as a terminal's text.
pub fn terminal(diff: &Diff, look: Look) -> String {
    let mut out = String::new();
    let (causes, follows): (Vec<&Change>, Vec<&Change>) = diff.changes.iter().partition(|change| !change.follows);
    for change in causes {
        line(change, look, &mut out);
    }
    if !follows.is_empty() {
        let _ = writeln!(out, "\nWhat follows from it");
        for change in follows {
            line(change, look, &mut out);
        }
    }
    if !diff.is_empty() {
        out.push('\n');
    }
    wrapped("", "", &diff.summary.sentence, look.width, &mut out);
    out
}

fn line(change: &Change, look: Look, out: &mut String) {
    let records = records(change);
    let records = if records.is_empty() { records } else { format!("  ({records})") };
    let sign = sign(change);
    let color = match sign {
        '+' => "32",
        '-' => "31",
        _ => "33",
    };
    let sign = if look.color { format!("\u{1b}[{color}m{sign}\u{1b}[0m") } else { sign.to_string() };
    let first = format!("  {:<15} ", change.kind.words());
    let mut place = String::new();
    wrapped(&first, "      ", &format!("{}{records}", harmless(&change.path)), look.width, &mut place);
    let _ = write!(out, "{sign}{}", place.strip_prefix(' ').unwrap_or(&place));
    let values = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before == after => return,
        (Some(before), Some(after)) => format!("{} → {}", harmless(&short(before)), harmless(&short(after))),
        (Some(value), None) | (None, Some(value)) => harmless(&short(value)).into_owned(),
        (None, None) => return,
    };
    wrapped("      ", "        ", &values, look.width, out);
}
