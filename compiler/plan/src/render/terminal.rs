//! The plan as text for a terminal.

use std::fmt::Write as _;

use migr_escape::line;

use super::{
    accepted, compatibility, counted, counted_records, creation, expression, fetched_from, field_type, heading, mapped,
    retentions, rolled_back, second_calls, setup_words, summary_line, title, workflows,
};
use crate::{Plan, RowState, Stage};

/// The plan as a terminal's text, without colour. `full` also shows every field with the expression that fills it.
pub fn terminal(plan: &Plan, full: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", title(plan));
    if let Some(description) = &plan.description {
        let _ = writeln!(out, "{}", migr_escape::terminal(description));
    }
    setup(plan, &mut out);
    let _ = writeln!(out, "\nStages, in this order");
    let width = plan.stages.iter().map(|stage| heading(stage).chars().count()).max().unwrap_or(0);
    for (at, stage) in plan.stages.iter().enumerate() {
        stage_lines(at + 1, stage, width, full, &mut out);
    }
    let _ = writeln!(out, "\n{}", rolled_back(plan));
    owners(plan, &mut out);
    if let Some(hosts) = fetched_from(plan) {
        let _ = writeln!(out, "\n{hosts}");
    }
    let kept = retentions(plan);
    if !kept.is_empty() {
        let _ = writeln!(out, "\n{}", kept.join("\n"));
    }
    let workflows: Vec<String> = workflows(plan).iter().map(|one| line(one).to_string()).collect();
    if !workflows.is_empty() {
        let _ = writeln!(out, "\n{}", workflows.join("\n"));
    }
    let accepted: Vec<String> = accepted(plan).iter().map(|one| line(one).to_string()).collect();
    if !accepted.is_empty() {
        let _ = writeln!(out, "\n{}", accepted.join("\n"));
    }
    left_behind(plan, &mut out);
    let _ = writeln!(out, "\n{}", summary_line(&plan.summary));
    out
}

fn setup(plan: &Plan, out: &mut String) {
    if plan.setup.is_empty() {
        let _ = writeln!(out, "\nSetup: the destination's schema stays as it is");
        return;
    }
    let _ = writeln!(out, "\nSetup, before any record moves");
    let words: Vec<_> = plan.setup.iter().map(setup_words).collect();
    let width = words.iter().map(|(_, what, _)| what.chars().count()).max().unwrap_or(0).min(40);
    for (kind, what, detail) in words {
        let _ = writeln!(out, "  + {kind:<7} {what:<width$}  {}", line(&detail));
    }
}

fn stage_lines(number: usize, stage: &Stage, width: usize, full: bool, out: &mut String) {
    let links =
        if stage.links.is_empty() { String::new() } else { format!(", {}", counted(stage.links.len(), "link")) };
    let _ = writeln!(
        out,
        "  {number:>2}. {:<width$}  {}{links}; rollback {}",
        heading(stage),
        counted(stage.fields.len(), "field"),
        rollback(stage),
    );
    for edge in &stage.edges {
        let after = if edge.deferred { "deferred" } else { "after" };
        let on = if edge.deferred { String::new() } else { format!(" {}", edge.on) };
        let _ =
            writeln!(out, "        {after}{on}: {} ({}:{})", line(&edge.reason), edge.origin.file, edge.origin.line);
    }
    for call in second_calls(stage) {
        let _ = writeln!(out, "        {call}");
    }
    if let Some(there) = &stage.there {
        let _ = writeln!(out, "        {}", there.in_words());
    }
    if !full {
        return;
    }
    if let Some(creation) = creation(stage) {
        let _ = writeln!(out, "        {creation}");
    }
    if let Some(when) = &stage.when {
        let _ = writeln!(out, "        when {}", expression(when));
    }
    if let Some(matching) = &stage.matching {
        let joint = if matching.all { " and " } else { " or " };
        let _ = writeln!(out, "        match {}", matching.fields.join(joint));
    }
    let fields = stage.fields.iter().map(|field| {
        let kind = format!("{}{}", if field.is_new { "new " } else { "" }, field_type(&field.ty));
        (format!("{}: {kind}", field.field), mapped(field), &field.origin)
    });
    let links = stage
        .links
        .iter()
        .map(|link| (format!("{}: through {}", link.field, link.through), expression(&link.value), &link.origin));
    let mappings: Vec<_> = fields.chain(links).collect();
    let width = mappings.iter().map(|(left, ..)| left.chars().count()).max().unwrap_or(0).min(44);
    for (left, right, origin) in mappings {
        let _ = writeln!(out, "        {left:<width$} = {right}  ({}:{})", origin.file, origin.line);
    }
    for dropped in &stage.dropped {
        let _ = writeln!(out, "        drop {} : {}", dropped.column, line(&dropped.reason));
    }
}

fn rollback(stage: &Stage) -> &'static str {
    match stage.rollback.class {
        crate::RollbackClass::Exact => "exact",
        crate::RollbackClass::BestEffort => "best effort",
        crate::RollbackClass::Irreversible => "not possible",
    }
}

fn owners(plan: &Plan, out: &mut String) {
    let Some(owners) = &plan.owners else { return };
    let fallback = owners.fallback.as_deref().map_or_else(
        || "an owner without a matching user leaves the field empty".to_owned(),
        |fallback| format!("an owner without a matching user becomes {fallback}"),
    );
    let _ = writeln!(
        out,
        "\nOwners: {}.{} = {}.{}, {}; {fallback}",
        owners.source_object,
        owners.source_column,
        owners.destination_object,
        owners.destination_field,
        counted(owners.overrides.len(), "written override"),
    );
}

fn left_behind(plan: &Plan, out: &mut String) {
    let rows: Vec<_> = plan.rows.iter().filter(|row| row.standing().0 != RowState::Exact).collect();
    let dropped: Vec<_> =
        plan.stages.iter().flat_map(|stage| stage.dropped.iter().map(move |one| (stage, one))).collect();
    if !plan.rows.is_empty() {
        let _ = writeln!(out, "\nOne to one, every value arriving apart from every other: {}", compatibility(plan));
    }
    if rows.is_empty() && dropped.is_empty() && plan.source.dropped_files.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nNot one to one");
    for row in rows {
        let (state, reason) = row.standing();
        let state = match state {
            RowState::Exact => "exact",
            RowState::Degraded => "degraded",
            RowState::ByHand => "by hand",
            RowState::None => "stays",
        };
        let reason = reason.unwrap_or("");
        let _ = writeln!(
            out,
            "  {state:<8} {} {}{}: {reason} ({}:{})",
            row.kind,
            row.concept,
            counted_records(row.records),
            row.origin.file,
            row.origin.line
        );
    }
    for (stage, dropped) in dropped {
        let _ = writeln!(
            out,
            "  {:<8} column {}.{}{}: {} ({}:{})",
            "stays",
            stage.source_object,
            dropped.column,
            counted_records(dropped.records),
            dropped.reason,
            dropped.origin.file,
            dropped.origin.line
        );
    }
    for rule in &plan.source.dropped_files {
        let _ = writeln!(
            out,
            "  {:<8} file {}: {} ({}:{})",
            "stays", rule.pattern, rule.reason, rule.origin.file, rule.origin.line
        );
    }
}
