use std::fmt::Write as _;

use super::{counts, groups, message, outcome, place, preview_entry, state};
use crate::audit::Audit;

/// An audit as Markdown, for a pull request.
pub fn markdown(audit: &Audit) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "## Audit of {}\n\n{}. {}\n", audit.lock.export.system, counts(audit), outcome(audit));
    let _ = writeln!(out, "| object | rows | columns | file |\n|---|---|---|---|");
    for object in &audit.lock.export.objects {
        let file = object.file.as_deref().unwrap_or_default();
        let _ = writeln!(out, "| {} | {} | {} | {} |", object.name, state(object), object.columns.len(), code(file));
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
            group.help
        );
        for finding in &group.examples {
            let _ = writeln!(out, "- {} {}", code(&place(finding)), code(&message(finding)));
        }
        let shown = u64::try_from(group.examples.len()).unwrap_or_default();
        if group.total > shown {
            let _ = writeln!(out, "- … and {} more", group.total - shown);
        }
    }
    out
}

/// Text from the export as code: nothing in it is markup.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = text.replace(['\n', '\r', '|'], " ");
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}
