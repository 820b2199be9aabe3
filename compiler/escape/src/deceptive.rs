//! Characters that a reader does not see for what they are.

use std::borrow::Cow;
use std::fmt::Write as _;

/// True for a character that steers a terminal, turns the reading direction, ends a line unseen or takes no room. A joiner inside a word or an emoji is none.
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// True for a text of letters, digits, blanks and signs of ASCII alone, as most are.
pub(crate) fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// True for a text that has no deceptive character but those that `keep` names, which its bytes alone show of nearly every page.
pub fn is_harmless(text: &str, keep: &[char]) -> bool {
    is_plain(text, keep) || !text.contains(|character: char| is_deceptive(character) && !keep.contains(&character))
}

/// True for a byte that a deceptive character may begin with.
fn is_suspect(byte: u8) -> bool {
    matches!(byte, ..b' ' | 0x7f | 0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3)
}

/// Bytes that are looked at together.
const RUN: usize = 32;

/// True for a text whose bytes alone show that it has no deceptive character but those that `keep` names: nearly every page.
fn is_plain(text: &str, keep: &[char]) -> bool {
    let bytes = text.as_bytes();
    let may_deceive = |at: usize, byte: u8| match (byte, bytes.get(at + 1)) {
        (..=b'~', _) => !keep.contains(&char::from(byte)),
        // Of most of their characters the second byte tells that they are seen: frames, signs and letters.
        (0xc2, Some(second)) => *second < 0xa0,
        (0xd8, Some(second)) => *second == 0x9c,
        (0xe1 | 0xf3, Some(second)) => *second == 0xa0,
        (0xe2, Some(second)) => matches!(second, 0x80 | 0x81),
        (0xef, Some(second)) => matches!(second, 0xbb | 0xbf),
        _ => true,
    };
    // Runs without a suspect byte are passed over at once; nearly all have nothing but ends of lines.
    let keeps_ends = keep.contains(&'\n');
    let is_quiet = |byte: u8| !is_suspect(byte) || keeps_ends && byte == b'\n';
    bytes.chunks(RUN).enumerate().all(|(number, run)| {
        let is_quiet_run = run.iter().fold(true, |quiet, byte| quiet & is_quiet(*byte));
        let mut places = run.iter().enumerate().map(|(at, byte)| (number * RUN + at, *byte));
        is_quiet_run || !places.any(|(at, byte)| is_suspect(byte) && may_deceive(at, byte))
    })
}

/// The text with deceptive characters written out as `\u{202e}`, but for those that `keep` names.
pub fn written_out<'t>(text: &'t str, keep: &[char]) -> Cow<'t, str> {
    let is_bad = |character: char| is_deceptive(character) && !keep.contains(&character);
    if is_harmless(text, keep) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push(character, is_bad(character), &mut shown);
    }
    Cow::Owned(shown)
}

/// Adds a character, written out where that is asked for.
pub(crate) fn push(character: char, write_out: bool, text: &mut String) {
    match character {
        '\n' if write_out => text.push_str("\\n"),
        '\r' if write_out => text.push_str("\\r"),
        '\t' if write_out => text.push_str("\\t"),
        _ if write_out => {
            // Writing into a String cannot fail.
            let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
        }
        _ => text.push(character),
    }
}

/// The text with each deceptive character replaced by a mark of as many bytes, so that places in it stay; line ends and tabs are kept.
pub fn same_width(text: &str) -> Cow<'_, str> {
    let is_bad = |character: char| is_deceptive(character) && !matches!(character, '\n' | '\r' | '\t');
    if is_harmless(text, &['\n', '\r', '\t']) && !has_lone_return(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let is_lone_return = character == '\r' && rest.peek() != Some(&'\n');
        if !is_bad(character) && !is_lone_return {
            shown.push(character);
            continue;
        }
        shown.push(match character.len_utf8() {
            1 => '?',
            2 => '¿',
            3 => '\u{fffd}',
            _ => '\u{1fbc4}',
        });
    }
    Cow::Owned(shown)
}

/// True where a carriage return ends no line: a terminal would write over what stands before it.
fn has_lone_return(text: &str) -> bool {
    text.match_indices('\r').any(|(at, _)| text.as_bytes().get(at + 1) != Some(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bytes_call_plain_has_no_deceptive_character() {
        for character in '\0'..=char::MAX {
            let text = format!("a{character}b");
            for keep in [&[][..], &['\n', '\t']] {
                let is_bad = is_deceptive(character) && !keep.contains(&character);
                assert!(!(is_bad && is_plain(&text, keep)), "{character:?}");
            }
        }
        assert!(is_plain("╭─[a.migr:1:2] ☞ é", &[]) && is_plain("a\tb\n", &['\n', '\t']));
    }

    #[test]
    fn what_is_not_seen_is_written_out_and_languages_are_left_alone() {
        assert_eq!(written_out("a\u{202e}b\u{1b}[2Jc\n", &['\n']), "a\\u{202e}b\\u{1b}[2Jc\n");
        assert_eq!(written_out("a\nb", &[]), "a\\nb");
        for plain in ["Ω é 漢 👩‍👩‍👧 שלום می‌خواهم", "a-b_c"] {
            assert!(matches!(written_out(plain, &[]), Cow::Borrowed(_)), "{plain}");
        }
    }

    #[test]
    fn a_text_for_an_excerpt_keeps_its_places() {
        let text = "a\u{7}b\u{85}c\u{202e}d\u{e0041}e\rf\r\n\tg";
        let shown = same_width(text);
        assert_eq!(shown.len(), text.len());
        assert_eq!(shown, "a?b¿c\u{fffd}d\u{1fbc4}e?f\r\n\tg");
    }
}
