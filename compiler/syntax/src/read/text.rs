//! Reading of texts and paths.

use std::sync::Arc;

use migr_source::Spanned;

use crate::ast::{Path, Text};
use crate::errors;
use crate::grammar::Rule;
use crate::walk::{Children, Node, unquoted};

/// A text without holes.
pub(super) fn text(node: &Node<'_, '_>) -> Text {
    let written = node.str();
    let inner = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written);
    Spanned::new(unescaped(inner, node, 1), node.span())
}

/// The text that must follow.
pub(super) fn expect_text(children: &mut Children<'_, '_>) -> Option<Text> {
    children.expect(Rule::text).map(|node| text(&node))
}

/// Texts that follow, every one.
pub(super) fn texts(children: &mut Children<'_, '_>) -> Vec<Text> {
    let mut texts = Vec::new();
    while let Some(node) = children.optional(Rule::text) {
        texts.push(text(&node));
    }
    texts
}

/// The value of what stands between quotes; `skipped` bytes of the node stand before it.
pub(super) fn unescaped(written: &str, node: &Node<'_, '_>, skipped: usize) -> Arc<str> {
    if !written.contains('\\') {
        return Arc::from(written);
    }
    let mut value = String::with_capacity(written.len());
    let mut characters = written.char_indices();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next().map(|(_, escaped)| escaped) {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some(escaped @ ('"' | '\\' | '{' | '}')) => value.push(escaped),
            Some(escaped) => {
                let start = node.start() + skipped + at;
                let span = node.walk.span(start, start + 1 + escaped.len_utf8());
                node.walk.report(errors::unknown_escape(span, escaped));
                value.push('\\');
                value.push(escaped);
            }
            None => value.push('\\'),
        }
    }
    Arc::from(value)
}

/// `a.b.c`, each name with its place.
pub(super) fn path(node: &Node<'_, '_>) -> Path {
    let written = node.str();
    let start = node.start();
    let mut names = Vec::new();
    let (mut from, mut quoted) = (0, false);
    let mut push = |from: usize, to: usize| {
        let name = written.get(from..to).unwrap_or_default();
        names.push(Spanned::new(Arc::from(unquoted(name)), node.walk.span(start + from, start + to)));
    };
    for (at, byte) in written.bytes().enumerate() {
        match byte {
            b'`' => quoted = !quoted,
            b'.' if !quoted => {
                push(from, at);
                from = at + 1;
            }
            _ => {}
        }
    }
    push(from, written.len());
    Spanned::new(names, node.span())
}

/// The path that must follow.
pub(super) fn expect_path(children: &mut Children<'_, '_>) -> Option<Path> {
    children.expect(Rule::path).map(|node| path(&node))
}
