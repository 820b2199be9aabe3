//! The terminal's text: a line for the place, a line for the values.

use std::fmt::Write as _;

use super::{records, short, sign};
use crate::{Change, Diff};

/// The diff as a terminal's text, without colour.
pub fn terminal(diff: &Diff) -> String {
    let mut out = String::new();
    let (causes, follows): (Vec<&Change>, Vec<&Change>) = diff.changes.iter().partition(|change| !change.follows);
    for change in causes {
        line(change, &mut out);
    }
    if !follows.is_empty() {
        let _ = writeln!(out, "\nWhat follows from it");
        for change in follows {
            line(change, &mut out);
        }
    }
    if !diff.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{}", diff.summary.sentence);
    out
}

fn line(change: &Change, out: &mut String) {
    let records = records(change);
    let records = if records.is_empty() { records } else { format!("  ({records})") };
    let _ = writeln!(out, "{} {:<15} {}{records}", sign(change), change.kind.words(), change.path);
    let values = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before == after => return,
        (Some(before), Some(after)) => format!("{} → {}", short(before), short(after)),
        (Some(value), None) | (None, Some(value)) => short(value),
        (None, None) => return,
    };
    let _ = writeln!(out, "      {values}");
}
