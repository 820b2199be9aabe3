//! Where a skipped piece went wrong: it is read again by a strict rule, for pest's furthest failure.

use crate::errors;
use crate::grammar::{Grammar, Rule};
use crate::walk::Node;
use pest::Parser as _;
use pest::error::InputLocation;

/// Reports why an entry could not be read.
pub(crate) fn explain(node: &Node<'_, '_>, strict: Rule) {
    let text = node.str();
    match Grammar::parse(strict, text) {
        Ok(_) => node.walk.report(errors::unexplained(node.span())),
        Err(error) => {
            let at = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            let start = node.span().start as usize - node.walk.base + at;
            node.walk.report(errors::syntax_error("something else", "this", node.walk.span(start, start + 1)));
        }
    }
}

/// Reports why an item could not be read.
pub(crate) fn explain_item(node: &Node<'_, '_>) {
    explain(node, Rule::strict_item);
}
