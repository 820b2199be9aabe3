//! The sections that have an entry per record: some of each kind, and where all of them are.

use std::fmt::{self, Write as _};

use super::{Escaped, Marked};
use crate::ListName;
use crate::model::Report;
use crate::sections::{Row, Section};
use crate::words::{count, grouped};

/// Entries shown of one group.
pub(super) const SHOWN: usize = 200;

/// A section of entries by kind, where there is one.
pub(super) fn section(report: &Report, section: Option<Section<'_>>, page: &mut String) -> fmt::Result {
    let Some(section) = section else { return Ok(()) };
    writeln!(page, "<section>\n<h2>{}</h2>", section.title)?;
    if !section.lead.is_empty() {
        writeln!(page, "<p>{}</p>", Marked(&section.lead))?;
    }
    for kind in &section.kinds {
        write!(page, "<details><summary><b>{}</b> {}", grouped(kind.entries), Escaped(kind.map))?;
        if let Some(field) = kind.field {
            write!(page, " · {}", Escaped(field))?;
        }
        let code = kind.code.map(|code| format!(" ({code})")).unwrap_or_default();
        writeln!(page, ": {}{code}</summary>\n<ul>", Escaped(kind.reason))?;
        for Row { key, file, line, text } in kind.examples.iter().take(SHOWN) {
            let key = if key.is_empty() { "–" } else { key };
            writeln!(
                page,
                "<li><code>{}</code> <span class=\"place\">{}:{line}</span> {}</li>",
                Escaped(key),
                Escaped(file),
                Escaped(text)
            )?;
        }
        more(page, kind.examples.len(), kind.entries)?;
        writeln!(page, "</ul></details>")?;
    }
    in_full(report, section.list, page)?;
    writeln!(page, "</section>")
}

pub(super) fn orphans(report: &Report, page: &mut String) -> fmt::Result {
    if report.orphans.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Owners without an account</h2>")?;
    for orphan in &report.orphans {
        let assigned = orphan.assigned.as_deref().unwrap_or("no user");
        writeln!(
            page,
            "<details><summary><b>{}</b> {} → {}</summary>\n<ul>",
            grouped(orphan.count),
            Escaped(&orphan.owner),
            Escaped(assigned)
        )?;
        for record in orphan.records.iter().take(SHOWN) {
            writeln!(
                page,
                "<li>{} <code>{}</code>, line {}, {}</li>",
                Escaped(&record.map),
                Escaped(&record.key),
                record.line,
                Escaped(&record.field)
            )?;
        }
        more(page, orphan.records.len(), orphan.count)?;
        writeln!(page, "</ul></details>")?;
    }
    let rest = report.orphan_owners.saturating_sub(report.orphans.len() as u64);
    if rest > 0 {
        writeln!(page, "<p>and {}</p>", count(rest, "more owner", "more owners"))?;
    }
    in_full(report, ListName::Orphans, page)?;
    writeln!(page, "</section>")
}

pub(super) fn skipped(report: &Report, page: &mut String) -> fmt::Result {
    if report.skipped.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Stayed behind by a rule</h2>\n<ul>")?;
    for entry in &report.skipped {
        writeln!(
            page,
            "<li><b>{}</b> {}: {}</li>",
            grouped(entry.records),
            Escaped(&entry.map),
            Escaped(&entry.reason)
        )?;
    }
    writeln!(page, "</ul>")?;
    in_full(report, ListName::Skipped, page)?;
    writeln!(page, "</section>")
}

/// Fields of records that were there before, counted.
pub(super) fn updated_fields(report: &Report, page: &mut String) -> fmt::Result {
    if report.updated_fields.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Fields changed in records that were there</h2>\n<ul>")?;
    for updated in &report.updated_fields {
        writeln!(
            page,
            "<li><b>{}</b> {} · {}</li>",
            grouped(updated.records),
            Escaped(&updated.destination_object),
            Escaped(&updated.field)
        )?;
    }
    writeln!(page, "</ul>")?;
    if let Some(file) = &report.before_and_after {
        let file = Escaped(file);
        writeln!(
            page,
            "<p class=\"place\">Before and after, as the last audit read them, are in <code>{file}</code>.</p>"
        )?;
    }
    writeln!(page, "</section>")
}

/// Where a list is in full.
pub(super) fn in_full(report: &Report, list: ListName, page: &mut String) -> fmt::Result {
    match report.file_of(list) {
        Some(file) if report.entries_of(list) > 0 => {
            writeln!(page, "<p class=\"place\">Each of them has a line in <code>{}</code>.</p>", Escaped(file))
        }
        _ => Ok(()),
    }
}

/// Number of held entries that are shown.
pub(super) fn shown(held: usize) -> u64 {
    held.min(SHOWN) as u64
}

pub(super) fn more(page: &mut String, held: usize, entries: u64) -> fmt::Result {
    let rest = entries.saturating_sub(shown(held));
    if rest > 0 { writeln!(page, "<li>and {} more</li>", grouped(rest)) } else { Ok(()) }
}
