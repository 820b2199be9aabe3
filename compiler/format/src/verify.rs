//! The formatter's own check, made every time: the result, read again, is the same tree with the same comments.

use migr_diagnostics::Diagnostics;
use migr_source::FileId;
use migr_syntax::ast::{Ast, Item, ItemKind};

use crate::FormatError;

pub(crate) fn same(text: &str, ast: &Ast, printed: &str) -> Result<(), FormatError> {
    let again = migr_syntax::parse(FileId(0), printed, &mut Diagnostics::default());
    let differs = |(one, other): &(&Item, &Item)| {
        let unread = matches!(one.kind, ItemKind::Error);
        one != other || (unread && slice(text, one) != slice(printed, other))
    };
    let offset = |item: Option<&Item>| item.map_or(text.len(), |item| item.span.start as usize);
    if let Some((one, _)) = ast.items.iter().zip(&again.items).find(differs) {
        return Err(FormatError::ChangedMeaning { offset: offset(Some(one)) });
    }
    if ast.items.len() != again.items.len() {
        return Err(FormatError::ChangedMeaning { offset: offset(ast.items.get(again.items.len())) });
    }
    let words =
        |ast: &Ast| ast.comments.iter().map(|comment| comment.text.node.trim_end().to_owned()).collect::<Vec<_>>();
    if words(ast) == words(&again) { Ok(()) } else { Err(FormatError::ChangedMeaning { offset: 0 }) }
}

fn slice<'a>(text: &'a str, item: &Item) -> &'a str {
    // Blanks at the end of a file are nobody's.
    text.get(item.span.range()).unwrap_or_default().trim_end()
}
