use super::elements::{Element, element};

/// A piece of HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// Text, with its entities.
    Text(&'t str),
    /// A tag whose name is made of letters, digits, `:` and `-`.
    Tag { name: &'t str, element: Option<Element>, is_end: bool, has_style: bool },
    /// A comment, a document type, a processing instruction.
    Comment,
}

/// Splits HTML. What only looks like a tag (`a < b`, `<john@x.example>`) is text.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { rest: text }
}

#[derive(Clone, Debug)]
pub(super) struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        if let Some((token, length)) = markup(self.rest) {
            self.rest = self.rest.get(length..).unwrap_or_default();
            return Some(token);
        }
        // The first sign is text in any case; the next one may begin a tag.
        let mut from = self.rest.chars().next().map_or(1, char::len_utf8);
        let end = loop {
            match self.rest.get(from..).and_then(|rest| rest.find('<')) {
                None => break self.rest.len(),
                Some(at) if self.rest.get(from + at..).and_then(markup).is_some() => break from + at,
                Some(at) => from += at + 1,
            }
        };
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(Token::Text(text))
    }
}

/// The markup at the start of a text, and its length.
fn markup(text: &str) -> Option<(Token<'_>, usize)> {
    let inner = text.strip_prefix('<')?;
    if inner.starts_with("!--") {
        let end = text.find("-->").map_or(text.len(), |at| at + 3);
        return Some((Token::Comment, end));
    }
    if inner.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("!doctype")) || inner.starts_with("?xml") {
        return Some((Token::Comment, text.find('>')? + 1));
    }
    let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    let length = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-')).count();
    let (name, attributes) = inner.split_at_checked(length)?;
    if !name.starts_with(|first: char| first.is_ascii_alphabetic())
        || !attributes.starts_with(|next: char| matches!(next, '>' | '/') || next.is_ascii_whitespace())
    {
        return None;
    }
    let end = attributes_end(attributes)?;
    let has_style =
        end > 0 && attributes.get(..end).is_some_and(|written| written.to_ascii_lowercase().contains(" style="));
    let token = Token::Tag { name, element: element(name), is_end, has_style };
    Some((token, text.len() - attributes.len() + end + 1))
}

/// Where the `>` stands that ends a tag; one inside quotes does not.
fn attributes_end(attributes: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in attributes.bytes().enumerate() {
        match (byte, quote) {
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b'>', None) => return Some(at),
            (b'<', None) => return None,
            _ => {}
        }
    }
    None
}
