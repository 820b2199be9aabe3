//! HTML as people's exports hold it: with plain line ends, stray signs and half a tag.

mod elements;
mod entities;
mod links;
mod shown;
mod simple;
mod tokens;

pub use entities::has_entity;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use htmd::HtmlToMarkdown;

use elements::{Kind, REMOVED, has_no_end, in_brackets};
pub(crate) use shown::shown;
use tokens::{Token, tokens};

/// Deeper than any document, and not so deep that reading it could exhaust the stack.
const DEEPEST: usize = 200;

static CONVERTER: LazyLock<HtmlToMarkdown> =
    LazyLock::new(|| HtmlToMarkdown::builder().skip_tags(REMOVED.to_vec()).build());

/// Losses: elements that Markdown could not hold, by name, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses(BTreeMap<&'static str, usize>);

impl Losses {
    fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// In words: `Markdown has no form for 1 <script>, 2 <u>`; none where nothing was lost.
    pub(crate) fn in_words(&self) -> Option<String> {
        let mut words = String::from("Markdown has no form for ");
        for (at, (what, count)) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            let _ = write!(words, "{separator}{count} {what}");
        }
        (!self.0.is_empty()).then_some(words)
    }
}

/// Findings about a text as HTML.
struct Survey {
    is_html: bool,
    has_blocks: bool,
    is_too_deep: bool,
    has_tables: bool,
    losses: Losses,
}

fn survey<'t>(tokens: impl Iterator<Item = Token<'t>>) -> Survey {
    let mut found =
        Survey { is_html: false, has_blocks: false, is_too_deep: false, has_tables: false, losses: Losses::default() };
    let mut depth = 0_usize;
    // For each table that is open, whether it has a head.
    let mut tables: Vec<bool> = Vec::new();
    for token in tokens {
        match token {
            Token::Text(text) => found.is_html = found.is_html || entities::first(text).is_some(),
            Token::Comment => {
                found.is_html = true;
                found.losses.add("comment");
            }
            Token::Tag { raw, element, is_end, has_style, .. } => {
                found.is_html = true;
                let unfit = if is_end { None } else { links::unfit(element.name, raw) };
                if let Some(kind) = unfit {
                    found.losses.add(kind);
                }
                found.has_blocks |= element.kind == Kind::Block;
                match (element.name, is_end) {
                    ("img", false) if unfit.is_none() => found.losses.add("image, of which the address stays"),
                    ("table", false) => {
                        found.has_tables = true;
                        tables.push(false);
                    }
                    ("thead" | "th", false) => {
                        if let Some(open) = tables.last_mut() {
                            *open = true;
                        }
                    }
                    ("table", true) if tables.pop() == Some(false) => found.losses.add("table without a head"),
                    (name, false) if matches!(element.kind, Kind::Removed | Kind::Flattened) => {
                        found.losses.add(in_brackets(name));
                    }
                    _ => {}
                }
                depth = if is_end { depth.saturating_sub(1) } else { depth + 1 };
                found.is_too_deep |= depth > DEEPEST;
                if has_style {
                    found.losses.add("style");
                }
            }
        }
    }
    tables.iter().filter(|has_head| !**has_head).for_each(|_| found.losses.add("table without a head"));
    found
}

/// HTML as Markdown. Text that holds no HTML is shown as it is written. Where no tag begins a line of its own, line ends stay line breaks. No word is lost
/// but those inside elements that are counted among the losses.
pub(crate) fn markdown(text: Cow<'_, str>) -> (Cow<'_, str>, Losses) {
    if !text.bytes().any(|byte| matches!(byte, b'<' | b'&')) {
        return (shown(text), Losses::default());
    }
    if let Some(markdown) = simple::markdown(&text) {
        return (Cow::Owned(without_tables(markdown)), Losses::default());
    }
    let mut survey = survey(tokens(&text));
    if !survey.is_html {
        return (shown(text), Losses::default());
    }
    let words = |text: Cow<'_, str>| Cow::Owned(shown(plain(text)).into_owned());
    if survey.is_too_deep {
        survey.losses.add("nesting of more than 200 elements");
        return (words(text), survey.losses);
    }
    let html = clean(&text, survey.has_blocks);
    match CONVERTER.convert(&html) {
        Ok(markdown) if keeps_words(&plain(Cow::Borrowed(&text)), &markdown) => {
            let markdown = if survey.has_tables { markdown } else { without_tables(markdown) };
            (Cow::Owned(markdown), survey.losses)
        }
        _ => {
            survey.losses.add("arrangement of such a kind");
            (words(text), survey.losses)
        }
    }
}

/// The HTML as a document reads it: what is no tag cannot be taken for one, and line ends are line breaks where no tag makes lines.
fn clean(text: &str, has_blocks: bool) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for token in tokens(text) {
        match token {
            Token::Tag { raw, element, is_end, .. } => {
                let is_unfit = !is_end && links::unfit(element.name, raw).is_some();
                html.push_str(match element.name {
                    "a" if is_unfit => "<a>",
                    _ if is_unfit => "",
                    _ => raw,
                });
            }
            Token::Comment => {}
            Token::Text(text) => {
                let escaped = text.replace('<', "&lt;");
                html.push_str(&if has_blocks {
                    escaped
                } else {
                    escaped.replace("\r\n", "\n").replace(['\r', '\n'], "<br>")
                });
            }
        }
    }
    html
}

/// Markdown of HTML that has no table: a line of bars and dashes would make one of the line above it, and be gone.
fn without_tables(markdown: String) -> String {
    let is_rule = |line: &str| {
        line.contains('|')
            && line.contains('-')
            && line.chars().all(|sign| matches!(sign, '|' | '-' | ':' | ' ' | '\t'))
    };
    if !markdown.lines().any(is_rule) {
        return markdown;
    }
    let mut written = String::with_capacity(markdown.len() + 2);
    for line in markdown.split_inclusive('\n') {
        let (blanks, rest) = line.split_at(line.len() - line.trim_start().len());
        written.push_str(blanks);
        if is_rule(line.trim_end_matches('\n')) {
            written.push('\\');
        }
        written.push_str(rest);
    }
    written
}

/// True where the other text holds every letter and digit of the text in the same order.
fn keeps_words(text: &str, markdown: &str) -> bool {
    let mut written = markdown.chars();
    text.chars().filter(|one| one.is_alphanumeric()).all(|wanted| written.any(|found| found == wanted))
}

/// True where HTML holds more than its text in lines: links, images, formatting, comments.
pub(crate) fn has_form(text: &str) -> bool {
    tokens(text).any(|token| match token {
        Token::Text(_) => false,
        Token::Comment => true,
        Token::Tag { element, is_end, has_style, .. } => {
            has_style || !is_end && !matches!(element.name, "p" | "br" | "div" | "span" | "body" | "html" | "section")
        }
    })
}

/// The text of HTML without its tags. Text that holds no HTML stays as it stands. A tag that begins a line of its own gives a line break.
pub(crate) fn plain(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'<' | b'&')) {
        return text;
    }
    let tokens: Vec<Token<'_>> = tokens(&text).collect();
    let survey = survey(tokens.iter().copied());
    if !survey.is_html {
        return text;
    }
    let mut lines = Lines { keeps_line_ends: !survey.has_blocks, ..Lines::default() };
    lines.text.reserve(text.len());
    let mut removed: Option<&str> = None;
    for token in tokens {
        match token {
            Token::Tag { name, is_end: true, .. } if removed.is_some_and(|open| open.eq_ignore_ascii_case(name)) => {
                removed = None;
            }
            _ if removed.is_some() => {}
            Token::Tag { name, element, is_end, .. } => match element.kind {
                Kind::Removed if !is_end && !has_no_end(element.name) => removed = Some(name),
                Kind::Block => lines.end(),
                _ => {}
            },
            Token::Comment => {}
            Token::Text(text) => lines.push(&entities::decoded(text)),
        }
    }
    Cow::Owned(lines.done())
}

/// Text in the making: blanks run together, blank lines left out.
#[derive(Default)]
struct Lines {
    text: String,
    keeps_line_ends: bool,
    blank: bool,
    line_end: bool,
}

impl Lines {
    fn push(&mut self, text: &str) {
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if next.is_whitespace() {
                self.line_end |= next == '\n' && self.keeps_line_ends;
                self.blank |= next != '\n' || !self.keeps_line_ends;
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
                continue;
            }
            if !self.text.is_empty() {
                if self.line_end {
                    self.text.push('\n');
                } else if self.blank {
                    self.text.push(' ');
                }
            }
            (self.blank, self.line_end) = (false, false);
            let word;
            (word, rest) = rest.split_at_checked(word_length(rest)).unwrap_or((rest, ""));
            self.text.push_str(word);
        }
    }

    fn end(&mut self) {
        self.line_end = true;
    }

    fn done(self) -> String {
        self.text
    }
}

/// Number of bytes before the first blank.
fn word_length(text: &str) -> usize {
    match text.bytes().position(|byte| byte.is_ascii_whitespace() || byte == 0x0b || !byte.is_ascii()) {
        Some(at) if text.as_bytes().get(at).is_some_and(|byte| !byte.is_ascii()) => {
            text.find(char::is_whitespace).unwrap_or(text.len())
        }
        Some(at) => at,
        None => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str) -> String {
        let (markdown, losses) = markdown(Cow::Borrowed(text));
        match losses.in_words() {
            Some(words) => format!("{markdown} [{words}]"),
            None => markdown.into_owned(),
        }
    }

    #[test]
    fn html_becomes_markdown() {
        for (html, expected) in [
            ("<p>Met at <b>Boston</b> expo &amp; liked the demo 👍</p>", "Met at **Boston** expo & liked the demo 👍"),
            ("<div>line one</div>\nline two é, <i>x</i>", "line one\n\nline two é, *x*"),
            ("<ul><li>a</li><li>b</li></ul>", "*   a\n*   b"),
            ("<a href=\"https://x.example\">x</a>", "[x](https://x.example)"),
            ("a<br>b", "a  \nb"),
            ("<p>a | b<br>--|--<br>1 | 2</p>", "a | b  \n\\--|--  \n1 | 2"),
            ("<div>a | b</div><div>|---|:-:|</div>", "a | b\n\n\\|---|:-:|"),
        ] {
            assert_eq!(converted(html), expected, "{html}");
        }
    }

    #[test]
    fn plain_text_stays_as_it_stands() {
        for text in [
            "Prefers phone, \"urgent\" only",
            "a < b && c > d",
            "AT&T * _x_ # 1.",
            "Dear <firstname>,\n<3",
            "line\r\n\r\n  line",
            "x <john@x.example>",
            "A<B and C>D",
            "send <object> to <title>",
        ] {
            assert_eq!(plain(Cow::Borrowed(text)), text);
        }
    }

    #[test]
    fn line_ends_stay_where_no_tag_makes_lines() {
        let note = "Spoke with Ada é\nsaid \"call back, please\";\r\n<b>next</b>: 3 days";
        assert_eq!(converted(note), "Spoke with Ada é  \nsaid \"call back, please\";  \n**next**: 3 days");
        assert_eq!(plain(Cow::Borrowed(note)), "Spoke with Ada é\nsaid \"call back, please\";\nnext: 3 days");
    }

    #[test]
    fn what_markdown_cannot_hold_is_counted() {
        assert_eq!(
            converted("<p style=\"color:red\"><u>a</u> <U>b</U><script>alert(1)</script><!-- x --><firstname></p>"),
            "a b\\<firstname> [Markdown has no form for 1 <script>, 2 <u>, 1 comment, 1 style]"
        );
    }

    #[test]
    fn links_to_scripts_and_data_lose_their_address_and_are_counted() {
        for html in [
            "<p><a href=\"javascript:alert(1)\">Pay</a></p>",
            "<A class=x HREF=' java\tScript:alert(1)'>Pay</A>",
            "<a title='href=x' href=&#106;avascript&colon;alert(1)>Pay</a>",
            "<a\nhref = \"&#x1;vbscript:x\">Pay</a>",
        ] {
            assert_eq!(
                converted(html),
                "Pay [Markdown has no form for 1 link to a script, of which the text stays]",
                "{html}"
            );
        }
        assert_eq!(
            converted(
                "<a href=\"data:text/html;base64,PHA+\">Map</a> <a href=\"https://x.example/?q=javascript:\">y</a>"
            ),
            "Map [y](https://x.example/?q=javascript:) [Markdown has no form for 1 link to data, of which the text stays]"
        );
        for kept in
            ["<a href=\"mailto:a@x.example\">a</a>", "<a href=\"tel:+49891234\">a</a>", "<a href=\"/data:x\">a</a>"]
        {
            assert!(converted(kept).starts_with("[a]("), "{kept}: {}", converted(kept));
        }
        assert_eq!(converted("<p>[a](javascript:b)</p>"), "\\[a\\](javascript:b)");
    }

    #[test]
    fn no_word_is_lost_but_those_that_are_counted() {
        for (html, words, told) in [
            ("<p>Offer from <jane@client.example> of 3 May</p>", "<jane@client.example>", false),
            ("see <https://client.example/offer?id=7&x=1> <br>", "client.example/offer", false),
            ("<table><tr><td>a1</td><td>b2</td></tr><tr><td>c3</td></tr></table>", "c3", true),
            ("<table><tr><th>r1</th><td>x1</td></tr><tr><th>r2</th><td>x2</td></tr></table>", "r2", true),
            ("<table><tr><th>r1</th><td>x1</td></tr><tr><th>r2</th><td>x2</td></tr></table>", "x1", true),
            ("<img src=\"https://x.example/logo.png\" alt=\"Logo\"> hello", "logo.png", true),
            ("<p>use <object> and <title> here</p>", "<object> and", false),
            ("<ul><li>one<table><tr><td>x</td></tr></table></li></ul> after", "after", true),
        ] {
            let (markdown, losses) = markdown(Cow::Borrowed(html));
            assert!(markdown.replace('\\', "").contains(words), "{html}: {markdown}");
            assert_eq!(losses.in_words().is_some(), told, "{html}: {losses:?}");
        }
    }

    #[test]
    fn plain_leaves_the_words() {
        for (html, expected) in [
            ("<p>a</p><p>b  c</p>\n<ul><li>d</li></ul>", "a\nb c\nd"),
            ("é<i>x</i><script>var y = '<b>';</script>z &lt;3 &eacute;&#233;&#xE9; &nbsp;&hellip;", "éxz <3 ééé …"),
            ("<head><title>t</title></head>&amp;amp;", "&amp;"),
        ] {
            assert_eq!(plain(Cow::Borrowed(html)), expected, "{html}");
        }
    }

    #[test]
    fn a_million_open_tags_are_read_without_the_stack() {
        let deep = format!("{}x", "<div>".repeat(100_000));
        let (text, losses) = markdown(Cow::Owned(deep));
        assert_eq!(text, "x");
        assert_eq!(losses.in_words().as_deref(), Some("Markdown has no form for 1 nesting of more than 200 elements"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".*", near in "[<>/&;!a-e \n\"'=#x0-9-]{0,40}") {
            let _ = (converted(&text), converted(&near), plain(Cow::Borrowed(&text)), plain(Cow::Borrowed(&near)));
        }
    }
}
