//! Text within a terminal's width: long lines are broken at blanks, and what goes on is indented.

/// Signs of a drawing or a table, whose lines stay as they are.
const DRAWN: [char; 10] = ['│', '╭', '╰', '┬', '─', '┴', '░', '█', '✶', '✔'];

/// Blanks by which a line that goes on stands further in.
const FURTHER: usize = 2;

/// The text with every line broken that is wider than the terminal.
pub(crate) fn fitted(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let is_drawn = line.contains(DRAWN) || line.trim_start().starts_with('|');
        if is_drawn || columns(line) <= width {
            out.push_str(line);
        } else {
            broken(line, width, &mut out);
        }
    }
    out
}

fn broken(line: &str, width: usize, out: &mut String) {
    let bare = line.trim_start_matches(' ');
    let indent = line.len() - bare.len();
    let further = " ".repeat((indent + FURTHER).min(width / 2));
    let mut length = indent;
    out.push_str(&" ".repeat(indent));
    let mut is_begun = false;
    for word in bare.split(' ') {
        let word_columns = columns(word);
        if is_begun && length + 1 + word_columns > width && !word.trim().is_empty() {
            let kept = out.trim_end_matches(' ').len();
            out.truncate(kept);
            out.push('\n');
            out.push_str(&further);
            length = further.len();
        } else if is_begun {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += word_columns;
        is_begun = true;
    }
}

/// Columns that a text takes, colours and the line's end apart.
fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut is_sequence = false;
    for character in text.chars() {
        match character {
            '\u{1b}' => is_sequence = true,
            'm' if is_sequence => is_sequence = false,
            _ if is_sequence => {}
            '\n' | '\r' => {}
            _ => columns += 1,
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::fitted;

    #[test]
    fn a_long_line_goes_on_below_and_a_drawing_stays() {
        assert_eq!(fitted("  one two three\nfour\n", 9), "  one two\n    three\nfour\n");
        assert_eq!(fitted("a │ b b b b b b\n", 5), "a │ b b b b b b\n");
        assert_eq!(fitted("| a | b | c |\n", 5), "| a | b | c |\n");
        assert_eq!(fitted("\u{1b}[1mone\u{1b}[0m two", 3), "\u{1b}[1mone\u{1b}[0m\n two");
        assert_eq!(fitted("averylongword", 3), "averylongword");
    }
}
