//! Form of an audit for a terminal.

use std::fmt::Write as _;

use migr_escape::{columns, filled_up, in_columns, line};
use migr_plan::lock::{AttachmentCounts, LockedSourceObject, ValueCount};

use super::{
    accepted_words, counted, counts, entry_that_accepts, filled_percent, groups, message, outcome, place,
    preview_entry, reading_words, state,
};
use crate::audit::Audit;
use crate::audit::masking::shown;

/// Values of a column that are shown.
const VALUES_SHOWN: usize = 12;

/// Folder that all files of the export lie in, with the `/` behind it: said once, it leaves their names the room of a line.
fn common_folder(objects: &[LockedSourceObject]) -> &str {
    let mut folders = objects.iter().filter_map(|object| object.file.as_deref()).map(|file| {
        let name = file.rsplit('/').next().unwrap_or_default();
        file.strip_suffix(name).unwrap_or_default()
    });
    let first = folders.next().unwrap_or_default();
    if folders.all(|folder| folder == first) { first } else { "" }
}

/// An audit as a terminal's text, without colour. `full` also shows every column.
pub fn terminal(audit: &Audit, full: bool) -> String {
    let mut out = String::new();
    let objects = &audit.lock.export.objects;
    let folder = common_folder(objects);
    let _ = writeln!(
        out,
        "{}: {} in {}{}",
        audit.lock.export.system,
        counted(objects.iter().map(|object| object.rows).sum(), "row"),
        counted(u64::try_from(audit.lock.export.files.len()).unwrap_or_default(), "file"),
        if folder.is_empty() { String::new() } else { format!(" of {}", line(folder)) },
    );
    let width = objects.iter().map(|object| columns(&object.name)).max().unwrap_or(0);
    let states: Vec<String> = objects.iter().map(state).collect();
    let state_width = states.iter().map(|state| columns(state)).max().unwrap_or(0);
    for (object, state) in objects.iter().zip(&states) {
        let read = counted(u64::try_from(object.columns.len()).unwrap_or_default(), "column");
        let read = if object.columns.is_empty() { String::new() } else { read };
        let file = object.file.as_deref().unwrap_or_default();
        let file = file.strip_prefix(folder).unwrap_or(file);
        let row = format!("  {}  {state:>state_width$}  {read:>10}  {}", in_columns(&object.name, width), line(file));
        let _ = writeln!(out, "{}", row.trim_end());
        if let Some(counts) = &object.attachments {
            let _ = writeln!(out, "      files: {}", attachments(counts));
        }
        if !object.link_hosts.is_empty() {
            let hosts: Vec<String> = object
                .link_hosts
                .iter()
                .take(VALUES_SHOWN)
                .map(|host| format!("{} {}", line(&host.place().to_string()), host.links))
                .collect();
            let rest = if object.link_hosts.len() > VALUES_SHOWN { ", …" } else { "" };
            let _ = writeln!(out, "      links lead to: {}{rest}", hosts.join(", "));
        }
        if full {
            columns_of(object, &mut out);
        }
    }
    for group in groups(audit) {
        let per_object: Vec<String> = group.objects.iter().map(|(object, count)| format!("{object} {count}")).collect();
        let per_object = if per_object.is_empty() { String::new() } else { format!(" ({})", per_object.join(", ")) };
        let _ = writeln!(
            out,
            "\n{}[{}]: {}: {}{per_object}",
            group.severity.name(),
            group.kind,
            group.kind.title(),
            group.total
        );
        for finding in &group.examples {
            let place = place(finding);
            let place = if place.is_empty() { place } else { format!("{place}: ") };
            let _ = writeln!(out, "    {}{}", line(&place), line(&message(finding)));
        }
        let shown = u64::try_from(group.examples.len()).unwrap_or_default();
        if group.total > shown {
            let _ = writeln!(out, "    … and {} more", group.total - shown);
        }
        let _ = writeln!(out, "    → {}", group.help);
        if let Some(entry) = entry_that_accepts(&group) {
            let _ = writeln!(out, "    → To accept them, write in the migration: {entry}");
        }
    }
    for accepted in &audit.accepted {
        let _ = writeln!(out, "\n{}", line(&accepted_words(accepted)));
    }
    preview(audit, &mut out);
    let _ = writeln!(out, "\n{}", outcome(audit));
    let _ = writeln!(out, "Audit: {}.", counts(audit));
    out
}

/// Section on what a run would do to records that are there already.
fn preview(audit: &Audit, out: &mut String) {
    if audit.preview.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nWhat a run would do to records that are there, and which would become one");
    for stage in &audit.preview {
        let _ = writeln!(out, "  {} → {}: {}", stage.map, stage.destination_object, stage.there.in_words());
        for entry in &stage.examples {
            let _ = writeln!(out, "    {}", line(&preview_entry(entry)));
        }
    }
}

/// `58 of 60 can be read as integer; line 17 is the first that cannot`, where most cells agree and some do not.
fn nearly(column: &migr_plan::lock::LockedColumn) -> Option<String> {
    let best =
        column.evidence.first().filter(|best| best.matched < column.filled && best.matched * 2 > column.filled)?;
    let reading = reading_words(best.ty, best.format.as_deref());
    let line = best.first_exception?;
    Some(format!(
        "{} of {} can be read as {reading}; line {line} is the first that cannot",
        best.matched, column.filled
    ))
}

/// `3 values: VIP 120, news 14, vip 1`, most frequent first.
fn values_of(values: &migr_plan::lock::LockedValues) -> String {
    let mut sorted: Vec<&ValueCount> = values.values.iter().collect();
    sorted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    let shown: Vec<String> = sorted
        .iter()
        .take(VALUES_SHOWN)
        .map(|value| format!("{} {}", shown(&value.value, false), value.count))
        .collect();
    let more = if values.incomplete { "more than " } else { "" };
    let rest = if sorted.len() > VALUES_SHOWN { ", …" } else { "" };
    format!("{more}{}: {}{rest}", counted(u64::try_from(sorted.len()).unwrap_or_default(), "value"), shown.join(", "))
}

/// `11 found (8192 bytes), 1 missing`
fn attachments(counts: &AttachmentCounts) -> String {
    let mut words = vec![format!("{} found ({})", counts.found, counted(counts.bytes, "byte"))];
    let others = [
        (counts.to_fetch, "to be fetched"),
        (counts.linked, "only links"),
        (counts.missing, "missing"),
        (counts.refused, "not to be used"),
        (counts.too_large, "too large"),
    ];
    words.extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
    words.join(", ")
}

fn columns_of(object: &LockedSourceObject, out: &mut String) {
    let width = object.columns.iter().map(|column| columns(&column.name)).max().unwrap_or(0).min(40);
    for column in &object.columns {
        let about = if column.distinct_estimated { "about " } else { "" };
        let shape = column.shapes.first().map_or_else(String::new, |shape| format!(", like {}", shape.shape));
        let _ = writeln!(
            out,
            "      {}  {}, {} % filled, {about}{} different, {} to {} characters{shape}",
            filled_up(&line(&column.name), width),
            reading_words(column.inferred.ty, column.inferred.format.as_deref()),
            filled_percent(column),
            column.distinct,
            column.min_length,
            column.max_length,
        );
        if let Some(reason) = &column.kept_as_text {
            let _ = writeln!(out, "      {:<width$}  kept as text: {reason}", "");
        } else if let Some(nearly) = nearly(column) {
            let _ = writeln!(out, "      {:<width$}  {nearly}", "");
        }
        if let Some(values) = &column.values {
            let _ = writeln!(out, "      {:<width$}  {}", "", values_of(values));
        }
    }
}
