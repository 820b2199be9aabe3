//! The sections that have an entry per record: some of each kind, and where all of them are.

use std::fmt::{self, Write as _};

use super::Escaped;
use crate::ListName;
use crate::groups::{self, Group};
use crate::model::Report;
use crate::words::{count, grouped};

/// Entries shown of one group.
pub(super) const SHOWN: usize = 200;

/// An entry as it is shown.
struct Entry<'e> {
    key: &'e str,
    file: &'e str,
    line: u64,
    text: &'e str,
}

/// What a section of entries is called, and what is said before them.
struct Section<'s> {
    list: ListName,
    title: &'s str,
    lead: String,
}

/// A section of entries by kind.
fn section<'r, T>(
    report: &Report,
    section: &Section<'_>,
    groups: Vec<Group<'r, T>>,
    entry: impl Fn(&'r T) -> Entry<'r>,
    page: &mut String,
) -> fmt::Result {
    writeln!(page, "<section>\n<h2>{}</h2>", section.title)?;
    if !section.lead.is_empty() {
        writeln!(page, "<p>{}</p>", section.lead)?;
    }
    for group in groups {
        write!(page, "<details><summary><b>{}</b> {}", grouped(group.entries), Escaped(group.map))?;
        if let Some(field) = group.field {
            write!(page, " · {}", Escaped(field))?;
        }
        writeln!(page, ": {}</summary>\n<ul>", Escaped(group.reason))?;
        for example in group.examples.iter().take(SHOWN) {
            let Entry { key, file, line, text } = entry(example);
            let key = if key.is_empty() { "–" } else { key };
            writeln!(
                page,
                "<li><code>{}</code> <span class=\"place\">{}:{line}</span> {}</li>",
                Escaped(key),
                Escaped(file),
                Escaped(text)
            )?;
        }
        more(page, group.examples.len(), group.entries)?;
        writeln!(page, "</ul></details>")?;
    }
    in_full(report, section.list, page)?;
    writeln!(page, "</section>")
}

pub(super) fn quarantine(report: &Report, page: &mut String) -> fmt::Result {
    if report.entries_of(ListName::Quarantine) == 0 {
        return Ok(());
    }
    let lead = "Nothing of these records was written. Mend the rows, or the rules, and try them again with <code>migr quarantine retry</code>.";
    let about = Section { list: ListName::Quarantine, title: "Set aside", lead: lead.to_owned() };
    section(
        report,
        &about,
        groups::of_quarantine(report),
        |entry| Entry { key: &entry.key, file: &entry.file, line: entry.line, text: &entry.reason },
        page,
    )
}

pub(super) fn repairs(report: &Report, page: &mut String) -> fmt::Result {
    if report.entries_of(ListName::Repairs) == 0 {
        return Ok(());
    }
    let about = Section { list: ListName::Repairs, title: "Left out or replaced by a rule", lead: String::new() };
    section(
        report,
        &about,
        groups::of_repairs(report),
        |entry| Entry { key: &entry.key, file: &entry.file, line: entry.line, text: &entry.reason },
        page,
    )
}

pub(super) fn files(report: &Report, page: &mut String) -> fmt::Result {
    if report.entries_of(ListName::Files) == 0 {
        return Ok(());
    }
    let lead = format!("{}.", report.files.in_words());
    let about = Section { list: ListName::Files, title: "Files", lead };
    section(
        report,
        &about,
        groups::of_unsent_files(report),
        |entry| Entry { key: &entry.key, file: &entry.file, line: entry.line, text: &entry.path },
        page,
    )
}

pub(super) fn orphans(report: &Report, page: &mut String) -> fmt::Result {
    if report.orphans.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>Owners without an account</h2>")?;
    for orphan in &report.orphans {
        let assigned = orphan.assigned.as_deref().unwrap_or("nobody");
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

/// Where a list is in full.
pub(super) fn in_full(report: &Report, list: ListName, page: &mut String) -> fmt::Result {
    match report.file_of(list) {
        Some(file) if report.entries_of(list) > 0 => {
            writeln!(page, "<p class=\"place\">Each of them has a line in <code>{}</code>.</p>", Escaped(file))
        }
        _ => Ok(()),
    }
}

/// How many of so many entries are shown.
pub(super) fn shown(held: usize) -> u64 {
    held.min(SHOWN) as u64
}

pub(super) fn more(page: &mut String, held: usize, entries: u64) -> fmt::Result {
    let rest = entries.saturating_sub(shown(held));
    if rest > 0 { writeln!(page, "<li>and {} more</li>", grouped(rest)) } else { Ok(()) }
}
