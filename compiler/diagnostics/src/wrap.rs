//! Wrapping of text to the width of a terminal.

use migr_escape::wrapped;

/// Breaks each line of `text` at spaces so that it fits `width` columns, the first after `first`, the others after `rest`. A line's own indent is kept; a
/// word that is too long stays whole.
pub(crate) fn wrap(text: &str, width: usize, first: &str, rest: &str) -> String {
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        let indent: String = line.chars().take_while(|character| *character == ' ').collect();
        let before = if at == 0 { first } else { rest };
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        wrapped(&format!("{before}{indent}"), &format!("{rest}{indent}"), &words.join(" "), width, &mut out);
    }
    out
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
