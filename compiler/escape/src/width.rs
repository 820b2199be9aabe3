//! Columns of a terminal: how many a text takes, and text broken to fit them.

use unicode_width::UnicodeWidthChar as _;

/// Columns that a text takes on a terminal, colours and line ends apart.
pub fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut is_sequence = false;
    for character in text.chars() {
        match character {
            '\u{1b}' => is_sequence = true,
            'm' if is_sequence => is_sequence = false,
            _ if is_sequence => {}
            character => columns += character.width().unwrap_or(0),
        }
    }
    columns
}

/// Writes a text behind a first part, broken at blanks within a width; further lines are indented. A word that is wider than all stays whole.
pub fn wrapped(first: &str, indent: &str, text: &str, width: usize, out: &mut String) {
    let mut line = first.to_owned();
    let mut length = columns(first);
    let mut is_begun = false;
    for word in text.split(' ') {
        let taken = columns(word);
        if is_begun && length + 1 + taken > width && !word.is_empty() {
            out.push_str(line.trim_end());
            out.push('\n');
            indent.clone_into(&mut line);
            length = columns(indent);
        } else if is_begun {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += taken;
        is_begun = true;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The text in so many columns at least: filled up with blanks, and whole where it is wider.
pub fn filled_up(text: &str, width: usize) -> String {
    let room = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(room))
}

/// The text in so many columns: filled up with blanks, or cut with `…`.
pub fn in_columns(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return filled_up(text, width);
    }
    let mut cut = String::new();
    let mut length = 1;
    for character in text.chars() {
        length += character.width().unwrap_or(0);
        if length > width {
            break;
        }
        cut.push(character);
    }
    filled_up(&format!("{cut}…"), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns_and_colours_none() {
        assert_eq!(columns("abc"), 3);
        assert_eq!(columns("日本\n"), 4);
        assert_eq!(columns("\u{1b}[1;32mé\u{1b}[0m"), 1);
        assert_eq!(columns("e\u{301}"), 1);
    }

    #[test]
    fn a_text_is_broken_at_blanks_by_the_columns_that_it_takes() {
        let broken = |text: &str, width| {
            let mut out = String::new();
            wrapped("- ", "  ", text, width, &mut out);
            out
        };
        assert_eq!(broken("one two three", 9), "- one two\n  three\n");
        assert_eq!(broken("日本 日本 日本", 9), "- 日本\n  日本\n  日本\n");
        assert_eq!(broken("averylongword", 5), "- averylongword\n");
        assert_eq!(broken("", 5), "-\n");
    }

    #[test]
    fn a_text_that_is_filled_up_stays_whole() {
        assert_eq!(filled_up("日本", 6), "日本  ");
        assert_eq!(filled_up("日本日本", 6), "日本日本");
    }

    #[test]
    fn a_cell_has_the_columns_that_it_is_given() {
        for (text, cell) in [("ab", "ab   "), ("abcdef", "abcd…"), ("日本日本", "日本…"), ("日本日", "日本…")]
        {
            assert_eq!(in_columns(text, 5), cell, "{text}");
            assert_eq!(columns(&in_columns(text, 5)), 5, "{text}");
        }
    }
}
