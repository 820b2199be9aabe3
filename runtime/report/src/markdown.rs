//! The report for pull requests and tickets.

use std::fmt::{self, Write as _};

use migr_escape::{markdown as inline, markdown_code as code};

use crate::ListName;
use crate::approvals;
use crate::model::{Moved, Object, Report, Urgency};
use crate::outcome::{Rollback, not_there};
use crate::sections::{self, Section};
use crate::words::{count, grouped};

/// Entries shown of one group.
const SHOWN: usize = 20;

/// The report as Markdown.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // A string takes everything; there is no error to report.
    let _ = write(report, &mut text);
    text
}

fn write(report: &Report, text: &mut String) -> fmt::Result {
    writeln!(text, "# {}: {} to {}\n", inline(&report.migration), inline(&report.source), inline(&report.destination))?;
    attention(report, text)?;
    objects(report, text)?;
    verification(report, text)?;
    left_by_rollback(report, text)?;
    deltas(report, text)?;
    section(report, sections::quarantine(report), true, text)?;
    updated_fields(report, text)?;
    section(report, sections::files(report), true, text)?;
    orphans(report, text)?;
    section(report, sections::repairs(report), false, text)?;
    skipped(report, text)?;
    left_behind(report, text)?;
    degradations(report, text)?;
    accepted(report, text)?;
    coverage(report, text)?;
    report.undeclared.markdown(text)?;
    setup(report, text)?;
    approvals::markdown(report, text)?;
    runs(report, text)
}

fn attention(report: &Report, text: &mut String) -> fmt::Result {
    if report.attention.is_empty() {
        return writeln!(text, "Nothing needs you.\n");
    }
    writeln!(text, "## What needs you\n")?;
    for attention in &report.attention {
        let mark = match attention.urgency {
            Urgency::Now => "**Now.** ",
            Urgency::Todo => "",
            Urgency::Know => "Good to know: ",
        };
        // The actions are ours, with code marked as Markdown marks it.
        writeln!(text, "- {mark}{} {}", inline(&attention.what), attention.action)?;
    }
    writeln!(text)
}

fn objects(report: &Report, text: &mut String) -> fmt::Result {
    writeln!(text, "## Records\n")?;
    writeln!(text, "| map | to | read | created | updated | unchanged | skipped | quarantined |")?;
    writeln!(text, "|---|---|---:|---:|---:|---:|---:|---:|")?;
    for object in &report.objects {
        // The object is the map's name, unless the map has another.
        let from = Some(&object.source_object).filter(|source| **source != object.map);
        let from = from.map(|source| format!(" ({})", inline(source))).unwrap_or_default();
        let open = if object.finished || report.is_taken_back() { "" } else { ", not finished" };
        row(text, &format!("{}{from}{open}", inline(&object.map)), &inline(&object.destination_object), object)?;
    }
    row(text, "**all**", "", &report.total())?;
    writeln!(text)
}

fn row(text: &mut String, map: &str, to: &str, object: &Object) -> fmt::Result {
    let numbers = [object.read, object.created, object.updated, object.unchanged, object.skipped, object.quarantined]
        .map(grouped);
    writeln!(text, "| {map} | {to} | {} |", numbers.join(" | "))
}

fn deltas(report: &Report, text: &mut String) -> fmt::Result {
    for (number, delta) in report.deltas.iter().enumerate() {
        writeln!(text, "## Delta {}\n", number + 1)?;
        for map in &delta.maps {
            for line in map.in_lines() {
                writeln!(text, "- {}", inline(&line))?;
            }
        }
        writeln!(text)?;
    }
    Ok(())
}

fn left_by_rollback(report: &Report, text: &mut String) -> fmt::Result {
    let is_told = |rollback: &&Rollback| !rollback.kept.is_empty() || !rollback.stays.is_empty();
    let Some(rollback) = report.rollback.as_ref().filter(is_told) else { return Ok(()) };
    writeln!(text, "## What the rollback left\n")?;
    for stays in &rollback.stays {
        writeln!(text, "- by its class in the plan: {}", inline(stays))?;
    }
    for finding in rollback.kept.iter().take(SHOWN) {
        writeln!(text, "- {}", inline(&finding.what))?;
    }
    let rest = rollback.kept.len().saturating_sub(SHOWN);
    if rest > 0 {
        writeln!(text, "- and {rest} more")?;
    }
    writeln!(text)
}

fn verification(report: &Report, text: &mut String) -> fmt::Result {
    let Some(verify) = &report.verify else { return Ok(()) };
    writeln!(text, "## Read back\n")?;
    writeln!(text, "{}.\n", verify.in_words())?;
    if let Some(rest) = not_there(&report.total()) {
        writeln!(text, "{rest}.\n")?;
    }
    for finding in &verify.findings {
        writeln!(text, "- {}", inline(&finding.what))?;
    }
    for missing in verify.missing.iter().take(SHOWN) {
        writeln!(
            text,
            "- {} {} (line {}) is missing: {}",
            inline(&missing.map),
            code(&missing.key),
            missing.line,
            code(&missing.id)
        )?;
    }
    more(text, verify.missing.len(), verify.missing())?;
    if !verify.differences.is_empty() {
        writeln!(text, "| map | record | line | field | should be | is |\n|---|---|---:|---|---|---|")?;
        for difference in verify.differences.iter().take(SHOWN) {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                inline(&difference.map),
                code(&difference.key),
                difference.line,
                inline(&difference.field),
                code(&difference.expected),
                code(&difference.found)
            )?;
        }
        more(text, verify.differences.len(), verify.different())?;
    }
    writeln!(text)?;
    in_full(report, ListName::Differences, text)
}

/// A section of entries by kind, where there is one; of a long one of small weight the kinds alone.
fn section(report: &Report, section: Option<Section<'_>>, with_rows: bool, text: &mut String) -> fmt::Result {
    let Some(section) = section else { return Ok(()) };
    writeln!(text, "## {}\n", section.title)?;
    if !section.lead.is_empty() {
        writeln!(text, "{}\n", section.lead)?;
    }
    for kind in &section.kinds {
        let field = kind.field.map(|field| format!(", {}", inline(field))).unwrap_or_default();
        let (map, reason, entries) = (inline(kind.map), inline(kind.reason), grouped(kind.entries));
        let of = kind.code.map(|code| format!(", {code}")).unwrap_or_default();
        if !with_rows {
            writeln!(text, "- {map}{field}: {reason} ({entries}{of})")?;
            continue;
        }
        writeln!(text, "**{map}{field}**: {reason} ({entries}{of})\n")?;
        for row in kind.examples.iter().take(SHOWN) {
            writeln!(text, "- {} {}:{} {}", code(row.key), inline(row.file), row.line, inline(row.text))?;
        }
        more(text, kind.examples.len(), kind.entries)?;
        writeln!(text)?;
    }
    if !with_rows {
        writeln!(text)?;
    }
    in_full(report, section.list, text)
}

/// Fields of records that were there before, counted.
fn updated_fields(report: &Report, text: &mut String) -> fmt::Result {
    if report.updated_fields.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Fields changed in records that were there\n\n| object | field | records |\n|---|---|---:|")?;
    for updated in &report.updated_fields {
        let (object, field) = (inline(&updated.destination_object), inline(&updated.field));
        writeln!(text, "| {object} | {field} | {} |", grouped(updated.records))?;
    }
    writeln!(text)?;
    match &report.before_and_after {
        Some(file) => writeln!(text, "Before and after, as the last audit read them, are in {}.\n", code(file)),
        None => Ok(()),
    }
}

fn orphans(report: &Report, text: &mut String) -> fmt::Result {
    if report.orphans.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Owners without an account\n")?;
    writeln!(text, "| owner | went to | records |\n|---|---|---|")?;
    for orphan in &report.orphans {
        let mut records: Vec<String> = orphan
            .records
            .iter()
            .take(SHOWN)
            .map(|record| format!("{} {}", inline(&record.map), code(&record.key)))
            .collect();
        let rest = orphan.count.saturating_sub(records.len() as u64);
        if rest > 0 {
            records.push(format!("and {} more", grouped(rest)));
        }
        let assigned = orphan.assigned.as_deref().unwrap_or("no user");
        writeln!(text, "| {} | {} | {} |", inline(&orphan.owner), inline(assigned), records.join(", "))?;
    }
    writeln!(text)?;
    let rest = report.orphan_owners.saturating_sub(report.orphans.len() as u64);
    if rest > 0 {
        writeln!(text, "And {}.\n", count(rest, "more owner", "more owners"))?;
    }
    in_full(report, ListName::Orphans, text)
}

fn skipped(report: &Report, text: &mut String) -> fmt::Result {
    if report.skipped.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Stayed behind by a rule\n")?;
    for entry in &report.skipped {
        let records = count(entry.records, "record", "records");
        writeln!(text, "- {}: {} ({records})", inline(&entry.map), inline(&entry.reason))?;
    }
    writeln!(text)?;
    in_full(report, ListName::Skipped, text)
}

/// Section of what nobody should look for in the destination.
fn left_behind(report: &Report, text: &mut String) -> fmt::Result {
    let left: Vec<&Moved> = report.rows.iter().filter(|row| matches!(row.state.as_str(), "none" | "by_hand")).collect();
    if left.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Does not migrate\n")?;
    for row in left {
        let records = row.records.map(|records| format!(" ({})", count(records, "record", "records")));
        let reason = row.reason.as_deref().unwrap_or_default();
        writeln!(text, "- {}{}: {}", inline(&row.concept), records.unwrap_or_default(), inline(reason))?;
    }
    writeln!(text)
}

fn degradations(report: &Report, text: &mut String) -> fmt::Result {
    if report.degradations.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Kept in another form\n")?;
    for entry in &report.degradations {
        let map = entry.map.as_deref().map(|map| format!("{}, ", inline(map))).unwrap_or_default();
        let kept = entry.kept_in.as_deref().map(|kept| format!("; kept in {}", inline(kept))).unwrap_or_default();
        let records = entry.records.map(|records| format!(" ({})", count(records, "record", "records")));
        let records = records.unwrap_or_default();
        writeln!(text, "- {map}{}{records}: {}{kept}", inline(&entry.what), inline(&entry.reason))?;
    }
    writeln!(text)
}

fn accepted(report: &Report, text: &mut String) -> fmt::Result {
    if report.accepted.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Accepted\n")?;
    for entry in &report.accepted {
        writeln!(text, "- {}", inline(&entry.in_words))?;
    }
    writeln!(text)
}

fn coverage(report: &Report, text: &mut String) -> fmt::Result {
    if report.coverage.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Columns\n")?;
    writeln!(text, "| object | columns | mapped | dropped by a rule | unused |\n|---|---:|---:|---:|---|")?;
    for entry in &report.coverage {
        let unused: Vec<String> = entry.unused.iter().map(|column| inline(column)).collect();
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            inline(&entry.source_object),
            entry.columns,
            entry.mapped,
            entry.dropped,
            unused.join(", ")
        )?;
    }
    writeln!(text)
}

fn setup(report: &Report, text: &mut String) -> fmt::Result {
    if report.setup.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Changes of the destination's schema\n")?;
    for change in &report.setup {
        writeln!(
            text,
            "- {}: {}{}",
            inline(&change.action),
            inline(&change.outcome),
            inline(&change.options_in_words())
        )?;
    }
    writeln!(text)
}

fn runs(report: &Report, text: &mut String) -> fmt::Result {
    if !report.runs.is_empty() {
        writeln!(text, "## Runs\n")?;
    }
    for run in &report.runs {
        let ended = run.ended.as_deref().unwrap_or("–");
        let result = run.result.as_deref().unwrap_or("did not say how it ended");
        writeln!(text, "- {}, {} to {ended}: {}", code(&format!("migr {}", run.command)), run.started, inline(result))?;
    }
    if let Some(estimate) = &report.estimate {
        writeln!(text, "\nEstimated: {}.", inline(estimate))?;
    }
    if report.plans.len() > 1 {
        writeln!(text)?;
        for plan in &report.plans {
            writeln!(text, "- Plan {}, {} to {}", code(&plan.hash), plan.first, plan.last)?;
        }
    }
    writeln!(text, "\nPlan `{}`.", report.plan)
}

fn more(text: &mut String, held: usize, entries: u64) -> fmt::Result {
    let rest = entries.saturating_sub(held.min(SHOWN) as u64);
    if rest > 0 { writeln!(text, "- and {} more", grouped(rest)) } else { Ok(()) }
}

/// Where a list is in full.
fn in_full(report: &Report, list: ListName, text: &mut String) -> fmt::Result {
    match report.file_of(list) {
        Some(file) if report.entries_of(list) > 0 => writeln!(text, "Each of them has a line in {}.\n", code(file)),
        _ => Ok(()),
    }
}
