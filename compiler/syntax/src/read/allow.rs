//! `allow` and `deny` entries.

use super::text::{expect_text, path, text};
use super::types::number;
use crate::ast::{Allow, Findings};
use crate::grammar::Rule;
use crate::walk::{Children, Node};

/// `allow W0333 on field max 20 : "why"`
pub(super) fn allow(children: &mut Children<'_, '_>) -> Option<Allow> {
    let findings = findings(children);
    let on = children.optional(Rule::allowed_on).and_then(Node::first).map(|node| path(&node));
    let max = children.optional(Rule::allowed_max).and_then(Node::first).map(|node| number(&node));
    // Names in quotes and the reason are texts alike: the reason is the last.
    let (findings, reason) = match findings {
        Findings::Named(mut names) if on.is_none() && max.is_none() => {
            let reason = names.pop()?;
            (Findings::Named(names), reason)
        }
        other => (other, expect_text(children)?),
    };
    Some(Allow { findings, on, max, reason })
}

/// Codes, or names in quotes.
pub(super) fn findings(children: &mut Children<'_, '_>) -> Findings {
    if children.peek() == Some(Rule::text) {
        let mut names = Vec::new();
        while let Some(node) = children.optional(Rule::text) {
            names.push(text(&node));
        }
        return Findings::Named(names);
    }
    Findings::Codes(children.names())
}
