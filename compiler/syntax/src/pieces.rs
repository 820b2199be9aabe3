//! A large catalog in pieces. What pest keeps of a text is some twenty times the text, so a catalog of a thousand objects is cut where objects begin, and
//! each piece is read by itself. Only one in which nothing is wrong is read so: any other is left to be read whole, for one way to say what is wrong.

use std::ops::Range;

use migr_source::FileId;
use pest::Parser as _;
use pest::iterators::Pairs;

use crate::ast::{Comment, Item, ItemKind};
use crate::grammar::{Grammar, Rule};
use crate::read;
use crate::walk::{Children, Walk};

/// A piece has at least so many bytes, and a catalog that is cut at least two of them.
const PIECE: usize = 32_768;

/// The one item of a section that is a large catalog without a fault, and its comments.
pub(crate) fn read_large(file: FileId, text: &str, base: usize) -> Option<(Item, Vec<Comment>)> {
    if text.len() < 2 * PIECE || !begins_with_system(text) {
        return None;
    }
    let mut pieces = cut(text).into_iter();
    let (first, last) = (pieces.next()?, pieces.next_back()?);
    let mut comments = Vec::new();
    let piece = |range: &Range<usize>, rule: Rule| -> Option<(Pairs<'_, Rule>, Walk)> {
        let pairs = Grammar::parse(rule, text.get(range.clone())?).ok()?.next()?.into_inner();
        Some((pairs, Walk::new(file, base + range.start)))
    };
    let mut keep = |walk: Walk| {
        comments.append(&mut walk.comments.into_inner());
        walk.findings.into_inner().is_empty().then_some(())
    };
    let (pairs, walk) = piece(&first, Rule::system_head)?;
    let start = walk.span(text.find("system")?, 0);
    let (docs, mut system, open) = read::system_head(Children::of(pairs, &walk))?;
    keep(walk)?;
    for range in pieces {
        let (pairs, walk) = piece(&range, Rule::system_body)?;
        system.entries.append(&mut read::system_body(Children::of(pairs, &walk), open));
        keep(walk)?;
    }
    let (pairs, walk) = piece(&last, Rule::system_tail)?;
    let brace = pairs.clone().rev().find(|pair| pair.as_rule() == Rule::last_brace)?.as_span();
    let end = walk.span(brace.start(), brace.end());
    system.entries.append(&mut read::system_body(Children::of(pairs, &walk), open));
    keep(walk)?;
    comments.sort_by_key(|comment| comment.text.span.start);
    Some((Item { docs, extend: false, kind: ItemKind::System(system), span: start.to(end) }, comments))
}

/// True where nothing but comments and blank lines stands before `system`.
fn begins_with_system(text: &str) -> bool {
    let is_aside = |line: &&str| line.starts_with("//") || line.trim_ascii().is_empty();
    text.lines().find(|line| !is_aside(line)).is_some_and(|line| line.starts_with("system "))
}

/// Pieces that begin where an object does, below a line that is no comment.
fn cut(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut offset, mut below_comment) = (0, 0, true);
    for line in text.split_inclusive('\n') {
        let entry = line.trim_start_matches([' ', '\t']);
        let begins = entry.starts_with("object ") || entry.starts_with("optional object ");
        if begins && !below_comment && offset - start >= PIECE {
            pieces.push(start..offset);
            start = offset;
        }
        below_comment = entry.starts_with("//");
        offset += line.len();
    }
    pieces.push(start..text.len());
    pieces
}
