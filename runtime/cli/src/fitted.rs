//! Text within a terminal's width: long lines are broken at blanks, what goes on is indented, a Markdown table without room is a list, and a quoted line of a
//! drawing ends where nothing behind is marked.

use migr_escape::{columns, wrapped};

/// Signs of a drawing, whose lines stay as they are.
const DRAWN: [char; 10] = ['│', '╭', '╰', '┬', '─', '┴', '░', '█', '✶', '✔'];

/// Blanks by which a line that goes on stands further in.
const FURTHER: usize = 2;

/// The text with every line broken that is wider than the terminal.
pub(crate) fn fitted(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut table: Vec<&str> = Vec::new();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (at, line) in lines.iter().copied().enumerate() {
        if line.starts_with('|') {
            table.push(line);
            continue;
        }
        show_table(&table, width, &mut out);
        table.clear();
        if columns(line) <= width {
            out.push_str(line);
        } else if is_quoted(line) && marked(&lines, at) <= width {
            cut(line, width, &mut out);
        } else if line.contains(DRAWN) {
            out.push_str(line);
        } else {
            broken(line, width, &mut out);
        }
    }
    show_table(&table, width, &mut out);
    out
}

/// True for a line of a file, drawn behind its number.
fn is_quoted(line: &str) -> bool {
    let number = line.split_once('│').map_or("", |(number, _)| number);
    let (mut is_sequence, mut shown) = (false, String::new());
    for character in number.chars() {
        match character {
            '\u{1b}' => is_sequence = true,
            'm' if is_sequence => is_sequence = false,
            _ if is_sequence => {}
            other => shown.push(other),
        }
    }
    let shown = shown.trim();
    !shown.is_empty() && shown.chars().all(|one| one.is_ascii_digit())
}

/// Columns that the marks under a quoted line take.
fn marked(lines: &[&str], at: usize) -> usize {
    let below = lines.iter().skip(at + 1).take_while(|line| line.contains('·'));
    below.map(|line| columns(line.trim_end())).max().unwrap_or(0)
}

/// The beginning of a line that fits, and a sign that it goes on.
fn cut(line: &str, width: usize, out: &mut String) {
    let mut kept = String::new();
    for character in line.trim_end().chars() {
        kept.push(character);
        if columns(&kept) >= width {
            kept.pop();
            break;
        }
    }
    out.push_str(&kept);
    out.push('…');
    if line.ends_with('\n') {
        out.push('\n');
    }
}

fn broken(line: &str, width: usize, out: &mut String) {
    let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
    let bare = line.trim_start_matches(' ');
    let indent = line.len() - bare.len();
    let further = " ".repeat((indent + FURTHER).min(width / 2));
    wrapped(&" ".repeat(indent), &further, bare, width, out);
    if end.is_empty() {
        out.pop();
    }
}

/// A Markdown table as it stands where it has room; else a list with an item for each row, and the columns' names before their cells.
fn show_table(rows: &[&str], width: usize, out: &mut String) {
    let [head, _, body @ ..] = rows else {
        out.extend(rows.iter().copied());
        return;
    };
    if rows.iter().all(|row| columns(row) <= width) {
        out.extend(rows.iter().copied());
        return;
    }
    let titles = cells(head);
    for row in body {
        let cells = cells(row);
        let (first, rest) = cells.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let filled = rest.iter().zip(titles.iter().skip(1)).filter(|(cell, _)| !cell.is_empty());
        let said: Vec<String> = filled.map(|(cell, title)| format!("{title} {cell}").trim().to_owned()).collect();
        wrapped("- ", "  ", &format!("{first}: {}", said.join("; ")), width, out);
    }
}

/// Cells of a row; `\|` is no end of one.
fn cells(row: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut is_escaped = false;
    for character in row.trim().trim_start_matches('|').chars() {
        if character == '|' && !is_escaped {
            cells.push(std::mem::take(&mut cell).trim().to_owned());
        } else {
            cell.push(character);
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::fitted;

    #[test]
    fn a_long_line_goes_on_below_and_a_drawing_stays() {
        assert_eq!(fitted("  one two three\nfour\n", 9), "  one two\n    three\nfour\n");
        assert_eq!(fitted("a │ b b b b b b\n", 5), "a │ b b b b b b\n");
        assert_eq!(fitted("\u{1b}[1mone\u{1b}[0m two", 3), "\u{1b}[1mone\u{1b}[0m\n two");
        assert_eq!(fitted("averylongword", 3), "averylongword");
        assert_eq!(fitted("日本 日本", 5), "日本\n  日本");
    }

    #[test]
    fn a_quoted_line_ends_where_nothing_behind_is_marked() {
        let marked = " 7 │ name = first | trimm\n   ·        ──┬──\n";
        assert_eq!(fitted(marked, 20), " 7 │ name = first |…\n   ·        ──┬──\n");
        assert_eq!(fitted(marked, 15), marked, "the mark would stand under nothing");
        assert_eq!(fitted(" 12 │ one two three\n", 12), " 12 │ one t…\n");
        let colored = " \u{1b}[2m12\u{1b}[0m │ one two three\n";
        assert_eq!(fitted(colored, 12), " \u{1b}[2m12\u{1b}[0m │ one t…\n");
    }

    #[test]
    fn a_table_without_room_is_a_list_and_no_line_of_it_is_too_wide() {
        let table = "| map | read | why |\n|---|---:|---|\n| Deal | 3 | one \\| two three |\n| all | 3 | |\n";
        assert_eq!(fitted(table, 40), table);
        assert_eq!(fitted(table, 20), "- Deal: read 3; why\n  one \\| two three\n- all: read 3\n");
    }
}
