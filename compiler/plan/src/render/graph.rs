//! Dependency graph in the languages of Mermaid and Graphviz.

use std::fmt::Write as _;

use super::heading;
use crate::{Plan, Stage};

/// The dependency graph in Mermaid's language. An arrow points from what must be there first; a dotted one is deferred.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    for (at, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "  s{at}[\"{}\"]", migr_escape::mermaid(&heading(stage)));
    }
    for_each_edge(plan, |from, to, label, deferred| {
        let arrow = if deferred { "-.->" } else { "-->" };
        let _ = writeln!(out, "  s{from} {arrow}|\"{}\"| s{to}", migr_escape::mermaid(label));
    });
    out
}

/// The dependency graph in Graphviz' language.
pub fn dot(plan: &Plan) -> String {
    let mut out = format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n", migr_escape::dot(&plan.migration));
    for (at, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "  s{at} [label={}];", migr_escape::dot(&heading(stage)));
    }
    for_each_edge(plan, |from, to, label, deferred| {
        let style = if deferred { ", style=dotted" } else { "" };
        let _ = writeln!(out, "  s{from} -> s{to} [label={}{style}];", migr_escape::dot(label));
    });
    out.push_str("}\n");
    out
}

/// Calls `show` with the position of the stage that comes first, of the one that waits, the fields that refer, and whether they are deferred.
pub(super) fn for_each_edge(plan: &Plan, mut show: impl FnMut(usize, usize, &str, bool)) {
    let position = |id: &str| plan.stages.iter().position(|stage| stage.id == id);
    for (to, stage) in plan.stages.iter().enumerate() {
        for (on, fields, deferred) in joined_edges(stage) {
            if let Some(from) = position(on) {
                show(from, to, &fields.join(", "), deferred);
            }
        }
    }
}

/// A stage's edges, one per stage and pass, with the fields that refer.
fn joined_edges(stage: &Stage) -> Vec<(&str, Vec<&str>, bool)> {
    let mut edges: Vec<(&str, Vec<&str>, bool)> = Vec::new();
    for edge in &stage.edges {
        match edges.iter_mut().find(|(on, _, deferred)| *on == edge.on && *deferred == edge.deferred) {
            Some((_, fields, _)) if fields.contains(&edge.field.as_str()) => {}
            Some((_, fields, _)) => fields.push(&edge.field),
            None => edges.push((&edge.on, vec![&edge.field], edge.deferred)),
        }
    }
    edges
}
