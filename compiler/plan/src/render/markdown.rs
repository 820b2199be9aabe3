//! The plan as Markdown.

use std::fmt::Write as _;

use migr_escape::{markdown as inline, markdown_code as code, markdown_prose as prose};

use super::{
    accepted, compatibility, expression, fetched_from, field_type, heading, mapped, retentions, rolled_back,
    second_calls, setup_words, summary_line, title, workflows,
};
use crate::{Origin, Plan, RowState};

/// The plan as Markdown, for a pull request.
pub fn markdown(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", inline(&title(plan)));
    if let Some(description) = &plan.description {
        let _ = writeln!(out, "{}\n", inline(description));
    }
    let _ = writeln!(out, "**{}**\n", summary_line(&plan.summary));
    if !plan.setup.is_empty() {
        let _ = writeln!(out, "## Setup\n\n| | what | detail |\n|---|---|---|");
        for (kind, what, detail) in plan.setup.iter().map(setup_words) {
            let _ = writeln!(out, "| {kind} | {} | {} |", code(&what), inline(&detail));
        }
        out.push('\n');
    }
    for (at, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "## {}. {}\n", at + 1, inline(&heading(stage)));
        for edge in &stage.edges {
            let after = if edge.deferred { "Second pass".to_owned() } else { format!("After {}", edge.on) };
            let _ = writeln!(out, "- {}: {} ({})", inline(&after), inline(&edge.reason), code(&place(&edge.origin)));
        }
        for call in second_calls(stage) {
            let _ = writeln!(out, "- {}", prose(&call));
        }
        if let Some(there) = &stage.there {
            let _ = writeln!(out, "- {}", there.in_words());
        }
        let _ = writeln!(out, "\n| field | type | value | line |\n|---|---|---|---|");
        for field in &stage.fields {
            let new = if field.is_new { "new " } else { "" };
            let _ = writeln!(
                out,
                "| {} | {new}{} | {} | {} |",
                code(&field.field),
                inline(&field_type(&field.ty)),
                code(&mapped(field)),
                inline(&place(&field.origin)),
            );
        }
        for link in &stage.links {
            let _ = writeln!(
                out,
                "| {} | through {} | {} | {} |",
                code(&link.field),
                inline(&link.through),
                code(&expression(&link.value)),
                inline(&place(&link.origin)),
            );
        }
        for dropped in &stage.dropped {
            let _ = writeln!(out, "\nDropped: {}, {}", code(&dropped.column), inline(&dropped.reason));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "- {}\n", rolled_back(plan));
    if let Some(hosts) = fetched_from(plan) {
        let _ = writeln!(out, "- {}\n", inline(&hosts));
    }
    let kept: Vec<String> = retentions(plan).iter().map(|line| inline(line)).collect();
    if !kept.is_empty() {
        let _ = writeln!(out, "- {}\n", kept.join("\n- "));
    }
    let workflows: Vec<String> = workflows(plan).iter().map(|line| prose(line).clone()).collect();
    if !workflows.is_empty() {
        let _ = writeln!(out, "- {}\n", workflows.join("\n- "));
    }
    let accepted: Vec<String> = accepted(plan).iter().map(|line| prose(line).clone()).collect();
    if !accepted.is_empty() {
        let _ = writeln!(out, "- {}\n", accepted.join("\n- "));
    }
    if !plan.rows.is_empty() {
        let _ = writeln!(
            out,
            "## What becomes of each concept\n\nOne to one: {}.\n\n| concept | records | state | becomes | why |\n|---|---|---|---|---|",
            compatibility(plan)
        );
        for row in &plan.rows {
            let (state, reason) = row.standing();
            let state = match state {
                RowState::Exact => "exact",
                RowState::Degraded => "degraded",
                RowState::ByHand => "by hand",
                RowState::None => "stays behind",
            };
            let destination = row.destination.as_deref().unwrap_or("");
            let reason = reason.unwrap_or("");
            let records = row.records.map(|records| records.to_string()).unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} {} | {records} | {state} | {} | {} |",
                inline(&row.kind),
                inline(&row.concept),
                inline(destination),
                inline(reason)
            );
        }
    }
    out
}

/// `migration.migr:12`
fn place(origin: &Origin) -> String {
    format!("{}:{}", origin.file, origin.line)
}
