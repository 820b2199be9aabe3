//! Plain text as Markdown that shows it as it is written: what Markdown would take for a mark is escaped, and line ends stay.

use std::borrow::Cow;

/// Markdown that shows a text. Text without anything that Markdown reads in its own way stays as it stands.
pub(crate) fn shown(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_plain(&text) {
        return text;
    }
    let mut written = String::with_capacity(text.len() + 16);
    let whole = text.replace("\r\n", "\n").replace('\r', "\n");
    let whole = whole.trim_matches('\n');
    // Lines that are empty since the last one that is not.
    let mut empty = 0_usize;
    for line in whole.split('\n') {
        let line = line.trim_end();
        if line.is_empty() {
            empty += 1;
            continue;
        }
        match empty {
            _ if written.is_empty() => {}
            0 => written.push_str("  \n"),
            // A blank line parts two paragraphs; each further one is a line break.
            more => {
                written.push_str("\n\n");
                (1..more).for_each(|_| written.push_str("\\\n"));
            }
        }
        empty = 0;
        push_line(&mut written, line);
    }
    Cow::Owned(written)
}

/// True where Markdown shows a text as it stands.
fn is_plain(text: &str) -> bool {
    let first = text.trim_start().bytes().next();
    let begins = first.is_none_or(|first| {
        first.is_ascii_digit() || matches!(first, b'#' | b'+' | b'-' | b'=' | b'>' | b':' | b' ' | b'\t')
    });
    !begins
        && !text
            .bytes()
            .any(|byte| matches!(byte, b'\\' | b'`' | b'*' | b'_' | b'[' | b'<' | b'&' | b'~' | b'|' | b'\n' | b'\r'))
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
}

fn push_line(written: &mut String, line: &str) {
    let text = line.trim_start();
    // Blanks in front would be dropped, or make a block of code.
    for blank in line.chars().take(line.chars().count() - text.chars().count()) {
        written.push_str(if blank == '\t' { "\u{a0}\u{a0}\u{a0}\u{a0}" } else { "\u{a0}" });
    }
    let begins_at_margin = text.len() == line.len();
    let head = if begins_at_margin { head(text) } else { 0 };
    let (head, rest) = text.split_at_checked(head).unwrap_or(("", text));
    if let Some(sign) = head.chars().next_back() {
        written.push_str(head.strip_suffix(sign).unwrap_or_default());
        written.push('\\');
        written.push(sign);
    }
    push_inline(written, rest, head.chars().next_back());
}

/// Number of bytes of a line's beginning up to a sign that would make it a heading, an item, a quote, a rule or a
/// table; none where there is no such sign.
fn head(line: &str) -> usize {
    let ends_after = |at: usize| line.get(at..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    let is_rule = line.bytes().all(|byte| matches!(byte, b'-' | b'=' | b':' | b'|' | b'+' | b' ' | b'\t'));
    match line.bytes().next() {
        Some(b'#') => {
            let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
            usize::from(hashes <= 6 && ends_after(hashes))
        }
        Some(b'>') => 1,
        Some(b'-' | b'=' | b':') if is_rule => 1,
        Some(b'-' | b'+') => usize::from(ends_after(1)),
        Some(first) if first.is_ascii_digit() => {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let is_sign = line.as_bytes().get(digits).is_some_and(|sign| matches!(sign, b'.' | b')'));
            if digits <= 9 && is_sign && ends_after(digits + 1) { digits + 1 } else { 0 }
        }
        _ => 0,
    }
}

fn push_inline(written: &mut String, text: &str, mut before: Option<char>) {
    let mut rest = text;
    let has_link = text.contains("](") || text.contains("][") || text.contains("]:") || text.contains("[^");
    while let Some(sign) = rest.chars().next() {
        if sign == 'h' || sign == 'w' {
            // An address becomes a link as it stands; signs inside it are no marks.
            let is_address = ["http://", "https://", "www."].iter().any(|start| rest.starts_with(start));
            if is_address && before.is_none_or(|before| !before.is_alphanumeric()) {
                let length = rest.find(|next: char| next.is_whitespace() || next == '<').unwrap_or(rest.len());
                let (address, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
                written.push_str(address);
                before = address.chars().next_back();
                rest = after;
                continue;
            }
        }
        let after = rest.get(sign.len_utf8()..).unwrap_or_default();
        let next = after.chars().next();
        let is_blank = |one: Option<char>| one.is_none_or(char::is_whitespace);
        let is_word = |one: Option<char>| one.is_some_and(char::is_alphanumeric);
        let is_mark = match sign {
            '`' | '~' | '|' => true,
            '*' => !(is_blank(before) && is_blank(next)) || before.is_none(),
            '_' => !(is_word(before) && is_word(next) || is_blank(before) && is_blank(next) && before.is_some()),
            '[' => has_link,
            '\\' => next.is_none_or(|next| next.is_ascii_punctuation()),
            '<' => next.is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
            '&' => is_entity(after),
            _ => false,
        };
        if is_mark {
            written.push('\\');
        }
        written.push(sign);
        before = Some(sign);
        rest = after;
    }
}

/// True where the text behind a `&` makes an entity of it.
fn is_entity(after: &str) -> bool {
    let Some((name, _)) = after.split_once(';') else { return false };
    let name = name.strip_prefix('#').unwrap_or(name);
    !name.is_empty() && name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_marks_stays_as_it_stands() {
        for text in [
            "Prefers phone, \"urgent\" only",
            "a - b, 50 % + 3 = x (y) {z} #1 $5 > 4",
            "name.surname@x.example",
            "é 👍 漢字",
        ] {
            assert!(matches!(shown(Cow::Borrowed(text)), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_markdown_would_read_in_its_own_way_is_escaped() {
        for (text, expected) in [
            ("# of seats: 5", "\\# of seats: 5"),
            ("#1 of 5", "#1 of 5"),
            ("2024. was good", "2024\\. was good"),
            ("3) third", "3\\) third"),
            ("1.5 hours", "1.5 hours"),
            ("+ 5 more", "\\+ 5 more"),
            ("- 5", "\\- 5"),
            ("-5 °C", "-5 °C"),
            ("> quoted", "\\> quoted"),
            ("* star", "\\* star"),
            ("2*3*4", "2\\*3\\*4"),
            ("2 * 3", "2 * 3"),
            ("_soft_ snake_case", "\\_soft\\_ snake_case"),
            ("`code` ~~gone~~", "\\`code\\` \\~\\~gone\\~\\~"),
            ("use <company> as placeholder", "use \\<company> as placeholder"),
            ("a < b && c > d", "a < b && c > d"),
            ("AT&T R&amp;D", "AT&T R\\&amp;D"),
            ("[a](b) [c]", "\\[a](b) \\[c]"),
            ("[Jane] called", "[Jane] called"),
            ("C:\\temp and \\* ", "C:\\temp and \\\\\\*"),
            ("see https://x.example/a_b_?q=*1*", "see https://x.example/a_b_?q=*1*"),
            ("a | b\n--|--\nc | d", "a \\| b  \n\\--\\|--  \nc \\| d"),
            ("Title\n===\nx\n---", "Title  \n\\===  \nx  \n\\---"),
            ("one\r\ntwo\r\n\r\nthree\n\n\nfour", "one  \ntwo\n\nthree\n\n\\\nfour"),
            ("a\n    b", "a  \n\u{a0}\u{a0}\u{a0}\u{a0}b"),
        ] {
            assert_eq!(shown(Cow::Borrowed(text)), expected, "{text}");
        }
    }
}
