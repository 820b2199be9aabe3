//! The plan as Markdown: one comment of a pull request, never longer than a code host takes.

use std::fmt::Write as _;

use migr_escape::{markdown as inline, markdown_code as code, markdown_prose as prose};

use super::section::{Group, Section, counted};
use super::{View, estimate, sections, summary, title};
use crate::Plan;

/// Longest comment that code hosts take, in characters, with room to spare.
pub const LONGEST: usize = 65_000;

/// Room for the line that says what was left out.
const CLOSING: usize = 300;

/// The plan as Markdown, for a pull request: of at most [`LONGEST`] characters unless it is to be full. What it leaves out it says.
pub fn markdown(plan: &Plan, view: &View<'_>) -> String {
    let full = View { full: true, ..*view };
    let whole = document(plan, &full, usize::MAX);
    if view.full || whole.chars().count() <= LONGEST {
        return whole;
    }
    let mut out = document(plan, &View { full: false, ..*view }, LONGEST - CLOSING);
    out.push_str(
        "\nLeft out here, for length: each field, column, option and picklist row; `migr plan --full --format markdown` has all of it.\n",
    );
    out
}

/// The plan as Markdown within a number of characters.
fn document(plan: &Plan, view: &View<'_>, longest: usize) -> String {
    let mut out = format!("# {}\n\n", inline(&title(plan)));
    if let Some(description) = &plan.description {
        let _ = writeln!(out, "{}\n", inline(description));
    }
    let _ = writeln!(out, "**{}**\n", summary(plan, view));
    if let Some(estimate) = estimate(plan) {
        let _ = writeln!(out, "{}\n", prose(&estimate));
    }
    let mut page = Page { length: out.chars().count(), out, longest, left_out: 0 };
    for one in sections(plan, view) {
        page.section(&one);
    }
    if page.left_out > 0 {
        let _ = writeln!(page.out, "\n… and {} more.", counted(page.left_out, "line"));
    }
    page.out
}

/// Text that grows line by line while there is room; lines without room are counted.
struct Page {
    out: String,
    length: usize,
    longest: usize,
    left_out: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        let length = line.chars().count() + 1;
        if self.left_out > 0 || self.length + length > self.longest {
            self.left_out += usize::from(!line.is_empty());
            return;
        }
        self.length += length;
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn section(&mut self, section: &Section) {
        self.line(&format!("## {}\n", inline(&section.title)));
        for sentence in &section.about {
            self.line(&format!("- {}", prose(sentence)));
        }
        if !section.about.is_empty() {
            self.line("");
        }
        for group in &section.groups {
            self.group(group);
        }
    }

    fn group(&mut self, group: &Group) {
        if let Some((heading, beside)) = &group.heading {
            self.line(&format!("### {}\n", inline(heading.trim())));
            self.line(&format!("- {}", prose(beside)));
        }
        for note in &group.notes {
            self.line(&format!("- {}", prose(note)));
        }
        if group.heading.is_some() || !group.notes.is_empty() {
            self.line("");
        }
        if group.rows.is_empty() {
            return;
        }
        let has = |at: usize| group.rows.iter().any(|row| row.cells.get(at).is_some_and(|cell| !cell.is_empty()));
        let shown: Vec<usize> = (0..3).filter(|at| has(*at)).collect();
        let has_place = group.rows.iter().any(|row| row.place.is_some());
        let mut names: Vec<&str> = shown.iter().filter_map(|at| group.columns.get(*at).copied()).collect();
        if has_place {
            names.push("line");
        }
        self.line(&format!("| {} |\n|{}", names.join(" | "), "---|".repeat(names.len())));
        for row in &group.rows {
            let mut cells: Vec<String> = Vec::new();
            for at in &shown {
                let cell = row.cells.get(*at).map_or("", |cell| cell.trim());
                let is_code = group.is_code.get(*at).copied().unwrap_or(false);
                cells.push(if is_code && !cell.is_empty() { code(cell) } else { inline(cell) });
            }
            if has_place {
                cells.push(row.place.as_deref().map(inline).unwrap_or_default());
            }
            self.line(&format!("| {} |", cells.join(" | ")));
        }
        if group.left_out > 0 {
            self.line(&format!("\n… {} more", counted(group.left_out, "row")));
        }
        self.line("");
    }
}
