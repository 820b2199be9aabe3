use std::fmt::Write as _;

use super::{
    compatibility, expression, fetched_from, field_type, heading, mapped, retentions, second_calls, setup_words,
    summary_line, title,
};
use crate::{Plan, RowState};

/// The plan as Markdown, for a pull request.
pub fn markdown(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", title(plan));
    if let Some(description) = &plan.description {
        let _ = writeln!(out, "{description}\n");
    }
    let _ = writeln!(out, "**{}**\n", summary_line(&plan.summary));
    if !plan.setup.is_empty() {
        let _ = writeln!(out, "## Setup\n\n| | what | detail |\n|---|---|---|");
        for (kind, what, detail) in plan.setup.iter().map(setup_words) {
            let _ = writeln!(out, "| {kind} | `{what}` | {} |", cell(&detail));
        }
        out.push('\n');
    }
    for (at, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "## {}. {}\n", at + 1, heading(stage));
        for edge in &stage.edges {
            let after = if edge.deferred { "Second pass".to_owned() } else { format!("After {}", edge.on) };
            let _ = writeln!(out, "- {after}: {} (`{}:{}`)", edge.reason, edge.origin.file, edge.origin.line);
        }
        for call in second_calls(stage) {
            let _ = writeln!(out, "- {call}");
        }
        if let Some(there) = &stage.there {
            let _ = writeln!(out, "- {}", there.in_words());
        }
        let _ = writeln!(out, "\n| field | type | value | line |\n|---|---|---|---|");
        for field in &stage.fields {
            let new = if field.is_new { "new " } else { "" };
            let _ = writeln!(
                out,
                "| `{}` | {new}{} | `{}` | {}:{} |",
                field.field,
                cell(&field_type(&field.ty)),
                cell(&mapped(field)),
                field.origin.file,
                field.origin.line,
            );
        }
        for link in &stage.links {
            let _ = writeln!(
                out,
                "| `{}` | through {} | `{}` | {}:{} |",
                link.field,
                link.through,
                cell(&expression(&link.value)),
                link.origin.file,
                link.origin.line,
            );
        }
        for dropped in &stage.dropped {
            let _ = writeln!(out, "\nDropped: `{}`, {}", dropped.column, dropped.reason);
        }
        out.push('\n');
    }
    if let Some(hosts) = fetched_from(plan) {
        let _ = writeln!(out, "- {hosts}\n");
    }
    let kept = retentions(plan);
    if !kept.is_empty() {
        let _ = writeln!(out, "- {}\n", kept.join("\n- "));
    }
    if !plan.rows.is_empty() {
        let _ = writeln!(
            out,
            "## What becomes of each concept\n\nOne to one: {}.\n\n| concept | records | state | becomes | why |\n|---|---|---|---|---|",
            compatibility(plan)
        );
        for row in &plan.rows {
            let state = match row.state {
                RowState::Exact => "exact",
                RowState::Degraded => "degraded",
                RowState::ByHand => "by hand",
                RowState::None => "stays behind",
            };
            let destination = row.destination.as_deref().unwrap_or("");
            let reason = row.reason.as_deref().unwrap_or("");
            let records = row.records.map(|records| records.to_string()).unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} {} | {records} | {state} | {} | {} |",
                row.kind,
                row.concept,
                cell(destination),
                cell(reason)
            );
        }
    }
    out
}

/// Text that cannot break a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
