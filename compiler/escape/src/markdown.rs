//! Markdown, CommonMark with GitHub's tables.

use std::fmt::Write as _;

use crate::deceptive::push;
use crate::is_deceptive;

/// Text that is no markup, ends no table's cell, starts no block and is no command in the log it is printed to. Line ends become spaces.
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    let mut before_is_number = true;
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        let starts = safe.is_empty();
        match character {
            '\n' | '\r' | '\t' => safe.push(' '),
            // Within a word it is itself: names read as they are written.
            '_' if safe.ends_with(char::is_alphanumeric)
                && characters.peek().is_some_and(|next| next.is_alphanumeric()) =>
            {
                safe.push('_');
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' | '$' => {
                safe.push('\\');
                safe.push(character);
            }
            // A list, a rule, a heading's underline, a table's.
            '-' | '+' | '=' | ':' if starts => {
                safe.push('\\');
                safe.push(character);
            }
            ':' if safe.ends_with(':') => safe.push_str("\\:"),
            // A numbered list.
            '.' | ')' if before_is_number && !starts => {
                safe.push('\\');
                safe.push(character);
            }
            character => push(character, is_deceptive(character), &mut safe),
        }
        before_is_number &= character.is_ascii_digit();
    }
    safe
}

/// Text of ours that marks code with backquotes: each part is what it says it is, and nothing else.
pub fn markdown_prose(text: &str) -> String {
    if text.matches('`').count() % 2 == 1 {
        return markdown(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            safe.push_str(&markdown_code(part));
        } else {
            let spaces = |is_space: bool| if is_space { " " } else { "" };
            safe.push_str(spaces(at > 0 && part.starts_with(' ')));
            safe.push_str(&markdown(part));
            safe.push_str(spaces(part.trim() != "" && part.ends_with(' ')));
        }
    }
    safe
}

/// Text in a fixed width, in a table's cell too; a dash where there is none.
pub fn markdown_code(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "–".to_owned();
    }
    let is_plain = |one: char| !matches!(one, '|' | '\n' | '\r' | '\t' | '\\') && !is_deceptive(one);
    if text.chars().all(is_plain) && !text.contains("##") && !text.contains("::") {
        // Backquotes stand between more of them.
        let longest = text.split(|one| one != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        return format!("{fence}{pad}{text}{pad}{fence}");
    }
    // Nothing but its own end is markup in a code span, and nothing in one can be escaped: the rest is written in HTML's way.
    let mut safe = String::from("<code>");
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => safe.push(' '),
            character if is_deceptive(character) => {
                let _ = write!(safe, "&#92;u{{{:x}}}", u32::from(character));
            }
            character if character.is_ascii_punctuation() => {
                let _ = write!(safe, "&#{};", u32::from(character));
            }
            character => safe.push(character),
        }
    }
    safe.push_str("</code>");
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;
    use crate::deceptive::written_out;

    fn hostile() -> impl Strategy<Value = String> {
        let pieces = [
            "`",
            "``",
            "|",
            "\\",
            "*",
            "_",
            "[x](http://e)",
            "![",
            "<b>",
            "<!--",
            "&lt;",
            "&#35;",
            "#",
            "##[",
            "::",
            "-",
            "+",
            "=",
            "1.",
            "2)",
            ":",
            "~~",
            "\n",
            "\r\n",
            "\t",
            " ",
            "    ",
            "\u{202e}",
            "\u{1b}",
            "a",
            "é",
            "---",
            "$x$",
            "http://e.example",
            "\\|",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..10).prop_map(|pieces| pieces.concat())
    }

    /// Texts of the document, with markup of any kind named.
    fn read(document: &str) -> (String, Vec<String>) {
        let (mut text, mut markup) = (String::new(), Vec::new());
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH;
        for event in Parser::new_ext(document, options) {
            match event {
                Event::Text(part) | Event::Code(part) => text.push_str(&part),
                Event::InlineHtml(tag) if &*tag == "<code>" || &*tag == "</code>" => {}
                Event::SoftBreak | Event::HardBreak => text.push('\n'),
                Event::Start(
                    Tag::Paragraph
                    | Tag::List(None)
                    | Tag::Item
                    | Tag::Table(_)
                    | Tag::TableHead
                    | Tag::TableRow
                    | Tag::TableCell,
                ) => markup.push("start".to_owned()),
                Event::End(
                    TagEnd::TableCell
                    | TagEnd::Paragraph
                    | TagEnd::List(_)
                    | TagEnd::Item
                    | TagEnd::Table
                    | TagEnd::TableHead
                    | TagEnd::TableRow,
                ) => {}
                other => markup.push(format!("{other:?}")),
            }
        }
        (text, markup)
    }

    /// The text as a reader of Markdown sees it: white space is one space.
    fn seen(text: &str) -> String {
        written_out(text, &['\n', '\r', '\t']).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn one_space(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    proptest! {
        #[test]
        fn a_value_is_text_and_nothing_else_wherever_it_stands(text in hostile()) {
            for (document, starts) in [
                (format!("{}\n", markdown(&text)), usize::from(!text.trim().is_empty())),
                (format!("- {}\n", markdown(&text)), 2),
                (format!("| a |\n|---|\n| {} |\n", markdown(&text)), 5),
                (format!("| a |\n|---|\n| {} |\n", markdown_code(&text)), 5),
                (format!("- {}\n", markdown_code(&text)), 2),
            ] {
                let (read, markup) = read(&document);
                let read = one_space(&read.replacen('a', "", usize::from(starts == 5)));
                let expected = if seen(&text).is_empty() && (document.contains('–')) { "–".to_owned() } else { seen(&text) };
                prop_assert_eq!(&read, &expected, "{}", document);
                prop_assert!(markup.iter().all(|one| one == "start") && markup.len() == starts, "{}: {:?}", document, markup);
                prop_assert!(!document.contains("##[") && !document.trim_start().starts_with("::"), "{}", document);
            }
        }
    }

    #[test]
    fn plain_text_stays_readable() {
        assert_eq!(markdown("Ada Lovelace (2 of 3)"), "Ada Lovelace (2 of 3)");
        assert_eq!(markdown_code("deals.stage"), "`deals.stage`");
        assert_eq!(markdown_code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(markdown_code("a `b`"), "`` a `b` ``");
        assert_eq!(markdown_prose("Write `drop file \"…\"`, or a_b `x`."), "Write `drop file \"…\"`, or a_b `x`.");
        assert_eq!(markdown_prose("<b>` and _x_"), "\\<b\\>\\` and \\_x\\_");
    }
}
