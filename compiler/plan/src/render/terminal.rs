//! The plan as text for a terminal: sections laid out within its width.

use std::fmt::Write as _;

use migr_escape::{columns, line, wrapped};

use super::section::{Group, Row, Section, Sign, counted};
use super::{View, sections, summary, title};
use crate::Plan;

/// Least room for the last column; with less it stands on lines of its own.
const LEAST_ROOM: usize = 28;

/// The plan as a terminal's text.
pub fn terminal(plan: &Plan, view: &View<'_>) -> String {
    let page = Page { width: view.width.max(40), color: view.color };
    let mut out = String::new();
    page.text("", "", &page.bold(&line(&title(plan))), &mut out);
    if let Some(description) = &plan.description {
        page.text("", "", &line(&description.replace('\n', " ")), &mut out);
    }
    for section in sections(plan, view) {
        page.section(&section, &mut out);
    }
    if !view.full {
        page.text("\n", "", "`migr plan --full` shows every field, column, option and picklist row.", &mut out);
    }
    let _ = writeln!(out, "\n{}", summary(plan, view));
    out
}

/// Width and colours of the text.
struct Page {
    width: usize,
    color: bool,
}

impl Page {
    fn painted(&self, code: &str, text: &str) -> String {
        if self.color && !text.trim().is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    fn sign(&self, sign: Sign) -> String {
        match sign {
            Sign::Plain => sign.text().to_owned(),
            Sign::Plus => self.painted("32", sign.text()),
            Sign::Tilde => self.painted("33", sign.text()),
            Sign::Minus => self.painted("31", sign.text()),
        }
    }

    /// Text behind a first part, broken at blanks; further lines are indented.
    fn text(&self, first: &str, indent: &str, text: &str, out: &mut String) {
        let (blank, first) = first.strip_prefix('\n').map_or(("", first), |first| ("\n", first));
        out.push_str(blank);
        wrapped(first, indent, text, self.width, out);
    }

    fn section(&self, section: &Section, out: &mut String) {
        self.text("\n", "", &self.bold(&line(&section.title)), out);
        for sentence in &section.about {
            self.text("  ", "    ", &line(sentence), out);
        }
        for group in &section.groups {
            self.group(group, out);
        }
    }

    fn group(&self, group: &Group, out: &mut String) {
        let indent = if let Some((heading, beside)) = &group.heading {
            let first = format!("  {}  ", line(heading));
            if columns(&first) > self.width / 2 {
                self.text("  ", "    ", line(heading).trim(), out);
                self.text("        ", "          ", &line(beside), out);
            } else {
                self.text(&first, "        ", &line(beside), out);
            }
            "        "
        } else {
            "  "
        };
        for note in &group.notes {
            self.text(indent, &format!("{indent}  "), &line(note), out);
        }
        let most = |at: usize| {
            let cells = group.rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| columns(&line(cell)));
            cells.filter(|width| *width <= self.width / 2).max().unwrap_or(0)
        };
        let widths = (most(0), most(1));
        let has_signs = group.rows.iter().any(|row| row.sign != Sign::Plain);
        for row in &group.rows {
            self.row(row, widths, has_signs, indent, out);
        }
        if group.left_out > 0 {
            let more = format!("… {} more", counted(group.left_out, "row"));
            self.text(indent, indent, &more, out);
        }
    }

    fn row(&self, row: &Row, (first, second): (usize, usize), has_signs: bool, indent: &str, out: &mut String) {
        let [name, kind, detail] = &row.cells;
        let mut start = indent.to_owned();
        if has_signs {
            start.push_str(&self.sign(row.sign));
            start.push(' ');
        }
        let mut head = start.clone();
        for (cell, width) in [(name, first), (kind, second)] {
            if width > 0 || !cell.is_empty() {
                let cell = line(cell);
                let _ = write!(head, "{cell}{}  ", " ".repeat(width.saturating_sub(columns(&cell))));
            }
        }
        let place = row.place.as_ref().map(|place| format!("({})", line(place))).unwrap_or_default();
        let detail = format!("{} {}", line(detail), self.painted("2", &place));
        let used = columns(&head);
        if used + LEAST_ROOM <= self.width || used + columns(detail.trim()) <= self.width {
            self.text(&head, &" ".repeat(used), detail.trim(), out);
        } else {
            let below = format!("{indent}    ");
            self.text(&start, &below, &line(name), out);
            self.text(&below, &below, format!("{} {detail}", line(kind)).trim(), out);
        }
    }
}
