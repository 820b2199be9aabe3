//! Wrapping of text to the width of a terminal.

use unicode_width::UnicodeWidthStr;

/// Breaks each line of `text` at spaces so that it fits `width` columns, the first after `first`, the others after `rest`. A line's own indent is kept; a
/// word that is too long stays whole.
pub(crate) fn wrap(text: &str, width: usize, first: &str, rest: &str) -> String {
    let mut wrapped = String::new();
    for (at, line) in text.lines().enumerate() {
        let indent: String = line.chars().take_while(|character| *character == ' ').collect();
        wrapped.push_str(if at == 0 { first } else { rest });
        wrapped.push_str(&indent);
        let start = rest.width().max(first.width()) + indent.width();
        let mut column = start;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if column > start {
                if column + 1 + word.width() > width {
                    wrapped.push('\n');
                    wrapped.push_str(rest);
                    wrapped.push_str(&indent);
                    column = start;
                } else {
                    wrapped.push(' ');
                    column += 1;
                }
            }
            wrapped.push_str(word);
            column += word.width();
        }
        wrapped.push('\n');
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn breaks_at_spaces_and_keeps_a_lines_own_indent() {
        assert_eq!(wrap("one two three", 12, "  x: ", "     "), "  x: one two\n     three\n");
        assert_eq!(wrap("a\n  b c", 80, "", ""), "a\n  b c\n");
    }
}
