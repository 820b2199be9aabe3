//! Parsing of a file into its tree, section by section.

use std::ops::Range;

use migr_diagnostics::Diagnostics;
use migr_source::FileId;
use pest::Parser as _;

use crate::ast::{Ast, Item, ItemKind};
use crate::errors;
use crate::grammar::{Grammar, Rule};
use crate::limits;
use crate::pieces;
use crate::read;
use crate::sections::sections;
use crate::walk::{Children, Walk};

/// Reads a file. Always gives a tree: what cannot be read is an [`ItemKind::Error`] or an entry without a node, reported once in `diagnostics`; all the
/// rest is there. Comments and documentation are kept. This is the one parse of compiler, formatter, linter and language server.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Ast {
    parse_within(usize::MAX, file, text, diagnostics)
}

/// [`parse`] with a lower limit on the work for one section, in calls of pest's rules; a section beyond it is reported as too long. The limit is one
/// for the process: this is for measuring what a reading costs without a clock.
pub fn parse_within(most: usize, file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Ast {
    let mut ast = Ast::default();
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let content = text.get(mark..).unwrap_or_default();
    let mut open: i64 = 0;
    for range in sections(content) {
        if open >= limits::LEFT_OPEN {
            give_up(file, content, range.start, mark, &mut ast, diagnostics);
            break;
        }
        let range = range.start..range.end;
        // However much an item leaves open, the next one stands one deeper.
        open = (open + limits::left_open(content.get(range.clone()).unwrap_or_default()).min(1)).max(0);
        limits::within(most.min(limits::calls(range.len())), || {
            section(file, content, &range, mark, &mut ast, diagnostics);
        });
    }
    ast
}

/// Leaves out an item and all that follows it.
fn give_up(file: FileId, content: &str, start: usize, mark: usize, ast: &mut Ast, diagnostics: &mut Diagnostics) {
    let walk = Walk::new(file, mark + start);
    let rest = content.get(start..).unwrap_or_default();
    // Its documentation stands before it.
    let docs: usize = rest.split_inclusive('\n').take_while(|line| line.starts_with("//")).map(str::len).sum();
    let word = rest.bytes().skip(docs).take_while(u8::is_ascii_alphabetic).count();
    diagnostics.push(errors::too_deep(walk.span(docs, docs + word), limits::BRACKETS));
    let span = walk.span(0, rest.trim_ascii_end().len());
    ast.items.push(Item { docs: Vec::new(), extend: false, kind: ItemKind::Error, span });
}

fn section(
    file: FileId,
    content: &str,
    range: &Range<usize>,
    mark: usize,
    ast: &mut Ast,
    diagnostics: &mut Diagnostics,
) {
    let Some(text) = content.get(range.clone()).filter(|text| !text.is_empty()) else { return };
    let walk = Walk::new(file, mark + range.start);
    let whole = walk.span(0, text.trim_ascii_end().len());
    if let Some(at) = limits::too_deep(text) {
        diagnostics.push(errors::too_deep(walk.span(at, at + 1), limits::BRACKETS));
        ast.items.push(Item { docs: Vec::new(), extend: false, kind: ItemKind::Error, span: whole });
        return;
    }
    if let Some((item, mut comments)) = pieces::read_large(file, text, walk.base) {
        ast.items.push(item);
        ast.comments.append(&mut comments);
        return;
    }
    if let Ok(mut pairs) = Grammar::parse(Rule::section, text) {
        if let Some(pair) = pairs.next() {
            read::items(Children::of(pair.into_inner(), &walk), text, &mut ast.items);
        }
    } else {
        walk.report(errors::gave_up(whole));
        ast.items.push(Item { docs: Vec::new(), extend: false, kind: ItemKind::Error, span: whole });
    }
    let mut comments = walk.comments.into_inner();
    comments.sort_by_key(|comment| comment.text.span.start);
    ast.comments.append(&mut comments);
    diagnostics.extend(walk.findings.into_inner());
}
