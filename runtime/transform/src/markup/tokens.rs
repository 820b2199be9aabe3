//! HTML taken apart: tags are what HTML knows as such; all else, such as `<john@x.example>`, is text.

use super::elements::{Element, Kind, element, has_no_end, is_attribute};

/// A piece of HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// Text, with its entities.
    Text(&'t str),
    /// A tag of an element that HTML has.
    Tag { raw: &'t str, name: &'t str, element: Element, is_end: bool, has_style: bool },
    /// A comment, a document type, a processing instruction.
    Comment,
}

/// Splits HTML. What only looks like a tag (`a < b`, `<john@x.example>`, `<company>`) is text.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { rest: text, unclosed: Vec::new(), closed: Vec::new() }
}

#[derive(Clone, Debug)]
pub(super) struct Tokens<'t> {
    rest: &'t str,
    /// Elements that would go with all that is in them, and whose end does not come any more.
    unclosed: Vec<&'static str>,
    /// Others of them, with how much of the text is left at their next end.
    closed: Vec<(&'static str, usize)>,
}

impl<'t> Tokens<'t> {
    /// The markup at the start of a text, and its length.
    fn markup(&mut self, text: &'t str) -> Option<(Token<'t>, usize)> {
        let (token, length) = markup(text)?;
        if let Token::Tag { element, is_end: false, .. } = token
            && element.kind == Kind::Removed
            && !has_no_end(element.name)
        {
            // Without its end it would take the rest of the text with it.
            return self.is_closed(text.get(length..)?, element.name).then_some((token, length));
        }
        Some((token, length))
    }

    /// True where the end of an element comes; each end is looked for once.
    fn is_closed(&mut self, rest: &str, name: &'static str) -> bool {
        if self.unclosed.contains(&name) {
            return false;
        }
        let known = self.closed.iter().position(|(closed, _)| *closed == name);
        if known.and_then(|at| self.closed.get(at)).is_some_and(|(_, left)| rest.len() >= *left) {
            return true;
        }
        if let Some(at) = known {
            self.closed.swap_remove(at);
        }
        match end_of(rest, name) {
            Some(at) => self.closed.push((name, rest.len() - at)),
            None => self.unclosed.push(name),
        }
        !self.unclosed.contains(&name)
    }
}

/// Where the end of an element stands in a text.
fn end_of(text: &str, name: &str) -> Option<usize> {
    let mut ends = text.match_indices("</").map(|(at, _)| at);
    ends.find(|at| {
        let after = text.get(at + 2..).unwrap_or_default();
        after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
    })
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        let whole = self.rest;
        if let Some((token, length)) = self.markup(whole) {
            self.rest = whole.get(length..).unwrap_or_default();
            return Some(token);
        }
        // The first sign is text in any case; the next one may begin a tag.
        let mut from = whole.chars().next().map_or(1, char::len_utf8);
        let end = loop {
            match whole.get(from..).and_then(|rest| rest.find('<')) {
                None => break whole.len(),
                Some(at) if whole.get(from + at..).and_then(|rest| self.markup(rest)).is_some() => break from + at,
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
    let element = element(name)?;
    if !attributes.starts_with(|next: char| matches!(next, '>' | '/') || next.is_ascii_whitespace()) {
        return None;
    }
    let end = attributes_end(attributes)?;
    let written = attributes.get(..end)?;
    if !are_attributes(written) {
        return None;
    }
    let has_style = end > 0 && written.to_ascii_lowercase().contains(" style=");
    let length = text.len() - attributes.len() + end + 1;
    Some((Token::Tag { raw: text.get(..length)?, name, element, is_end, has_style }, length))
}

/// True where the text behind a tag's name is attributes: `name="value"`, or a word that HTML has.
fn are_attributes(written: &str) -> bool {
    let mut rest = written.trim_start_matches(|next: char| next.is_ascii_whitespace() || next == '/');
    while !rest.is_empty() {
        let length =
            rest.find(|next: char| next.is_ascii_whitespace() || matches!(next, '=' | '/')).unwrap_or(rest.len());
        let Some((name, after)) = rest.split_at_checked(length) else { return false };
        let after_blanks = after.trim_start();
        let Some(value) = after_blanks.strip_prefix('=') else {
            if !is_attribute(name) {
                return false;
            }
            rest = after.trim_start_matches(|next: char| next.is_ascii_whitespace() || next == '/');
            continue;
        };
        if name.is_empty() {
            return false;
        }
        let value = value.trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
        let end = match quote {
            Some(quote) => value.get(1..).and_then(|inner| inner.find(quote)).map(|at| at + 2),
            None => Some(value.find(|next: char| next.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        let Some(after) = end.and_then(|end| value.get(end..)) else { return false };
        rest = after.trim_start_matches(|next: char| next.is_ascii_whitespace() || next == '/');
    }
    true
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
