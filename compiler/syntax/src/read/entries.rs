//! Reading of blocks and their entries.

use migr_source::{Span, Spanned};

use crate::ast::Entry;
use crate::grammar::Rule;
use crate::walk::{Children, Node};
use crate::{errors, strict};

/// The rest of a block: its entries, those that cannot be read reported and kept without a node.
pub(super) fn entries<T>(
    children: &mut Children<'_, '_>,
    open: Span,
    strict: Rule,
    build: impl Fn(Node<'_, '_>) -> Option<T>,
) -> Vec<Entry<T>> {
    let mut entries = Vec::new();
    let mut overriding: Option<Span> = None;
    while let Some(node) = children.next() {
        let span = overriding.map_or(node.span(), |from| from.to(node.span()));
        match node.rule() {
            Rule::overriding => {
                overriding = Some(node.span());
                continue;
            }
            Rule::missing_brace | Rule::missing_inner_brace => {
                node.walk.report(errors::missing_brace(open, node.span()));
            }
            Rule::bad_entry => {
                strict::explain(&node, strict);
                entries.push(Entry { docs: children.take_docs(), overrides: false, node: None, span });
            }
            // The end of a piece of a large block.
            Rule::EOI | Rule::last_brace => {}
            _ => {
                let docs = children.take_docs();
                entries.push(Entry { docs, overrides: overriding.is_some(), node: build(node), span });
            }
        }
        overriding = None;
    }
    entries
}

/// The brace that opens a block.
pub(super) fn open(children: &mut Children<'_, '_>) -> Option<Span> {
    children.expect(Rule::open).map(|node| node.span())
}

/// A node with the place it was read at.
pub(super) fn placed<'w, 'i, T>(node: Node<'w, 'i>, read: impl Fn(Node<'w, 'i>) -> Option<T>) -> Option<Spanned<T>> {
    let span = node.span();
    Some(Spanned::new(read(node)?, span))
}
