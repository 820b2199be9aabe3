//! The usual note: a few paragraphs with a word in bold. Read without a document tree; anything else is left to the converter, which gives the same.

use std::borrow::Cow;

use super::entities;
use super::tokens::{Token, tokens};

/// Markdown of HTML that has only `p`, `div`, `b`, `strong`, `i` and `em`, not nested in their like, and text without signs of Markdown.
pub(super) fn markdown(html: &str) -> Option<String> {
    let mut written = Written { text: String::with_capacity(html.len()), ..Written::default() };
    for token in tokens(html) {
        match token {
            Token::Text(text) => written.text(text)?,
            Token::Tag { name, is_end, has_style: false, .. } => match name {
                "p" | "div" => written.block(name, is_end)?,
                "b" | "strong" => written.emphasis("**", name, is_end)?,
                "i" | "em" => written.emphasis("*", name, is_end)?,
                _ => return None,
            },
            Token::Tag { .. } | Token::Comment => return None,
        }
    }
    // Without a tag it may not be HTML at all; without a block its line ends mean something.
    let is_read = written.has_tags && (written.has_blocks || !html.contains(['\n', '\r']));
    (is_read && written.block.is_none() && written.emphasis.is_none()).then_some(written.text)
}

#[derive(Default)]
struct Written<'t> {
    text: String,
    has_tags: bool,
    has_blocks: bool,
    block: Option<&'t str>,
    emphasis: Option<&'t str>,
    /// A new block begins with what comes next.
    is_parted: bool,
    /// A blank stands before what comes next.
    is_spaced: bool,
    /// Nothing was written since the emphasis began.
    is_empty: bool,
}

impl<'t> Written<'t> {
    fn block(&mut self, name: &'t str, is_end: bool) -> Option<()> {
        let fits = if is_end { self.block.take() == Some(name) } else { self.block.replace(name).is_none() };
        (self.is_parted, self.is_spaced) = (true, false);
        (self.has_tags, self.has_blocks) = (true, true);
        (fits && self.emphasis.is_none()).then_some(())
    }

    fn emphasis(&mut self, sign: &str, name: &'t str, is_end: bool) -> Option<()> {
        self.has_tags = true;
        if is_end {
            if self.is_empty || self.is_spaced || self.emphasis.take() != Some(name) {
                return None;
            }
            self.text.push_str(sign);
            return Some(());
        }
        // Two emphases side by side would read as one.
        if self.emphasis.replace(name).is_some() || !self.is_spaced && self.text.ends_with('*') {
            return None;
        }
        self.part();
        self.is_empty = true;
        self.text.push_str(sign);
        Some(())
    }

    fn text(&mut self, text: &str) -> Option<()> {
        let text = decoded(text)?;
        let begins = text.trim_start_matches(is_blank).chars().next();
        if begins.is_some_and(|first| matches!(first, '=' | '~' | '>' | '-' | '+' | '#' | '0'..='9' | '|' | '!')) {
            return None;
        }
        for (at, word) in text.split(is_blank).enumerate() {
            self.is_spaced |= at > 0;
            if word.is_empty() {
                continue;
            }
            if self.is_empty && self.is_spaced {
                return None;
            }
            self.part();
            self.is_empty = false;
            self.text.push_str(word);
        }
        Some(())
    }

    /// Adds the separator between the last word and the next.
    fn part(&mut self) {
        if !self.text.is_empty() {
            if self.is_parted {
                self.text.push_str("\n\n");
            } else if self.is_spaced {
                self.text.push(' ');
            }
        }
        (self.is_parted, self.is_spaced) = (false, false);
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// The text with its entities read, where neither it nor they hold signs of Markdown or blanks of another kind.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let is_plain = |text: &str| {
        !text.chars().any(|character| {
            matches!(character, '\\' | '*' | '_' | '`' | '[' | ']' | '<')
                || character.is_control() && !is_blank(character)
                || character.is_whitespace() && !is_blank(character)
        })
    };
    if !is_plain(text) {
        return None;
    }
    if !text.contains('&') {
        return Some(Cow::Borrowed(text));
    }
    let decoded = entities::decoded(text);
    // An entity without its semicolon, or one of those that are not known here, is for the converter.
    let ampersands = |text: &str| text.bytes().filter(|byte| *byte == b'&').count();
    (is_plain(&decoded)
        && ampersands(text) == text.matches("&amp;").count()
        && ampersands(&decoded) == ampersands(text))
    .then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_short_way_writes_what_the_converter_writes(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<i>", "</i>", "<em>", "</em>", "<strong>", "</strong>", "x", "two words", " ", "\n",
                    "é 👍", "&amp;", "&lt;", "&", ".", "1.", "-", " - ", "#", "a#b", "!", "|", "<p>a</p>", "<b>c</b>", " <i>d</i> ", "\u{a0}", "\"q\"", "'",
                ]),
                0..9,
            )
        ) {
            let html = parts.concat();
            if let Some(written) = markdown(&html) {
                let mut expected = super::super::CONVERTER.convert(&html).unwrap();
                // The converter may leave a blank at the end of a line, which means nothing.
                while expected.contains(" \n") {
                    expected = expected.replace(" \n", "\n");
                }
                proptest::prop_assert_eq!(written, expected.trim(), "{:?}", html);
            }
        }
    }
}
