//! The terminal's text: a line for the place, and its values below, within the terminal's width.

use std::fmt::Write as _;

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
    wrapped("", "", &diff.summary.sentence, look, &mut out);
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
    wrapped(&first, "      ", &format!("{}{records}", change.path), look, &mut place);
    let _ = write!(out, "{sign}{}", place.strip_prefix(' ').unwrap_or(&place));
    let values = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before == after => return,
        (Some(before), Some(after)) => format!("{} → {}", short(before), short(after)),
        (Some(value), None) | (None, Some(value)) => short(value),
        (None, None) => return,
    };
    wrapped("      ", "        ", &values, look, out);
}

/// Text behind a first part, broken at blanks; further lines are indented.
fn wrapped(first: &str, indent: &str, text: &str, look: Look, out: &mut String) {
    let mut line = first.to_owned();
    let mut is_begun = false;
    for word in text.split(' ') {
        let is_full = line.chars().count() + usize::from(is_begun) + word.chars().count() > look.width;
        if is_begun && is_full {
            let _ = writeln!(out, "{}", line.trim_end());
            indent.clone_into(&mut line);
        } else if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}
