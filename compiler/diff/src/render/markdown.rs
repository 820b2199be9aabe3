//! Markdown: one comment of a pull request, never longer than a code host takes.

use std::fmt::Write as _;

use migr_escape::{markdown as markdown_text, markdown_code as code};

use super::{records, short, sign};
use crate::{Change, Diff};

/// Longest comment that code hosts take, in characters, with room to spare.
pub const LONGEST: usize = 65_000;

/// Room for the line that says what was left out.
const CLOSING: usize = 200;

/// The diff as Markdown of at most [`LONGEST`] characters; what it leaves out it says.
pub fn markdown(diff: &Diff) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "**{}**\n", markdown_text(&diff.summary.sentence));
    let (causes, follows): (Vec<&Change>, Vec<&Change>) = diff.changes.iter().partition(|change| !change.follows);
    let mut left_out = table(&causes, &mut out);
    if !follows.is_empty() {
        out.push_str("\n<details><summary>What follows from it</summary>\n\n");
        left_out += table(&follows, &mut out);
        out.push_str("\n</details>\n");
    }
    if left_out > 0 {
        let _ =
            writeln!(out, "\n{left_out} more changes are left out here; `migr diff --format json` has all of them.");
    }
    out
}

/// Writes the rows that fit; gives the number of those that do not.
fn table(changes: &[&Change], out: &mut String) -> usize {
    if changes.is_empty() {
        return 0;
    }
    out.push_str("| | change | where | before | after | records |\n|---|---|---|---|---|---|\n");
    let mut length = out.chars().count();
    for (at, change) in changes.iter().enumerate() {
        let value = |value: &Option<String>| value.as_deref().map_or_else(String::new, |value| code(&short(value)));
        // What it stands on changed, and its words did not.
        let after = if change.before == change.after { "as before".to_owned() } else { value(&change.after) };
        let row = format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            sign(change),
            change.kind.words(),
            code(&change.path),
            value(&change.before),
            after,
            records(change),
        );
        length += row.chars().count();
        if length + CLOSING > LONGEST {
            return changes.len() - at;
        }
        out.push_str(&row);
    }
    0
}
