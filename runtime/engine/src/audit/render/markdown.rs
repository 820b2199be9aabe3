//! Markdown form of an audit.

use std::fmt::Write as _;

use migr_escape::{markdown as inline, markdown_code as code, markdown_prose as prose};

use super::{accepted_words, counts, entry_that_accepts, groups, message, outcome, place, preview_entry, state};
use crate::audit::Audit;

/// An audit as Markdown, for a pull request.
pub fn markdown(audit: &Audit) -> String {
    let mut out = String::new();
    let _ =
        writeln!(out, "## Audit of {}\n\n{}. {}\n", inline(&audit.lock.export.system), counts(audit), outcome(audit));
    let _ = writeln!(out, "| object | rows | columns | file |\n|---|---|---|---|");
    for object in &audit.lock.export.objects {
        let file = object.file.as_deref().map_or_else(String::new, code);
        let _ = writeln!(out, "| {} | {} | {} | {} |", inline(&object.name), state(object), object.columns.len(), file);
    }
    if !audit.preview.is_empty() {
        let _ = writeln!(out, "\n### What a run would do to records that are there, and which would become one");
    }
    for stage in &audit.preview {
        let _ = writeln!(out, "\n{} → {}: {}\n", stage.map, stage.destination_object, stage.there.in_words());
        for entry in &stage.examples {
            let _ = writeln!(out, "- {}", code(&preview_entry(entry)));
        }
    }
    for group in groups(audit) {
        let _ = writeln!(
            out,
            "\n### {}: {}\n\n`{}`, {}. {}\n",
            group.kind.title(),
            group.total,
            group.kind,
            group.severity.name(),
            prose(group.help)
        );
        for finding in &group.examples {
            let place = place(finding);
            let place = if place.is_empty() { place } else { format!("{} ", code(&place)) };
            let _ = writeln!(out, "- {place}{}", code(&message(finding)));
        }
        let shown = u64::try_from(group.examples.len()).unwrap_or_default();
        if group.total > shown {
            let _ = writeln!(out, "- … and {} more", group.total - shown);
        }
        if let Some(entry) = entry_that_accepts(&group) {
            let _ = writeln!(out, "\nTo accept them, write in the migration: {}", code(&entry));
        }
    }
    if !audit.accepted.is_empty() {
        let _ = writeln!(out, "\n### Accepted\n");
    }
    for accepted in &audit.accepted {
        let _ = writeln!(out, "- {}", prose(&accepted_words(accepted)));
    }
    out
}
