//! The formatter's own check, made every time: the result, read again, is the same tree with the same comments and the same signs, and is its own layout.

use migr_syntax::ast::{Ast, Item, ItemKind};

use crate::FormatError;
use crate::reading::Reading;

/// Holds what was printed, read again, against what it was printed from.
pub(crate) fn same(given: &Reading<'_>, again: &Reading<'_>) -> Result<(), FormatError> {
    let differs = |(one, other): &(&Item, &Item)| {
        let unread = matches!(one.kind, ItemKind::Error);
        one != other || (unread && slice(given.text, one) != slice(again.text, other))
    };
    let offset = |item: Option<&Item>| item.map_or(given.text.len(), |item| item.span.start as usize);
    if let Some((one, _)) = given.ast.items.iter().zip(&again.ast.items).find(differs) {
        return Err(FormatError::ChangedMeaning { offset: offset(Some(one)) });
    }
    if given.ast.items.len() != again.ast.items.len() {
        return Err(FormatError::ChangedMeaning { offset: offset(given.ast.items.get(again.ast.items.len())) });
    }
    let words =
        |ast: &Ast| ast.comments.iter().map(|comment| comment.text.node.trim_end().to_owned()).collect::<Vec<_>>();
    if words(&given.ast) != words(&again.ast) {
        return Err(FormatError::ChangedMeaning { offset: 0 });
    }
    match difference(given.text, again.text) {
        Some(offset) => Err(FormatError::ChangedMeaning { offset }),
        None => Ok(()),
    }
}

/// Holds a second print against the first: the style has one layout for a text.
pub(crate) fn settled(given: &Reading<'_>, once: &str, twice: &str) -> Result<(), FormatError> {
    if once == twice {
        return Ok(());
    }
    // Signs before the first difference are as many in the text given.
    let alike = once.char_indices().zip(twice.chars()).find(|((_, one), other)| one != other);
    let before = once.get(..alike.map_or(0, |((at, _), _)| at)).map_or(0, |text| signs(text).count());
    Err(FormatError::Unsettled { offset: signs(given.text).nth(before).map_or(0, |(at, _)| at) })
}

/// Signs that no layout changes: all but blanks and what parts things in a line.
fn signs(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|(_, sign)| !sign.is_whitespace() && ![',', ';'].contains(sign))
}

/// Offset at which the signs of a text part from those of another; none where they are the same.
fn difference(text: &str, other: &str) -> Option<usize> {
    let mut others = signs(other).map(|(_, sign)| sign);
    let parts = signs(text).find(|(_, sign)| others.next() != Some(*sign));
    parts.map(|(at, _)| at).or_else(|| others.next().map(|_| text.len()))
}

fn slice(text: &str, item: &Item) -> String {
    // Blanks at the end of a file are nobody's, and lines end as in all of the file.
    text.get(item.span.range()).unwrap_or_default().trim_end().replace("\r\n", "\n")
}
