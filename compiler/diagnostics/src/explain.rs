//! Pages of codes as plain text for a terminal.

use crate::Code;
use crate::wrap::wrap;

const WIDTH: usize = 90;

/// The page of a code as plain text for a terminal: headings as lines of their own, examples indented, paragraphs wrapped at 90 columns.
pub fn explain(code: Code) -> String {
    page_text(code.page())
}

/// A page, written in Markdown, as plain text for a terminal.
pub fn page_text(page: &str) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut in_example = false;
    for line in page.lines() {
        if line.starts_with("```") {
            flush(&mut paragraph, &mut text);
            in_example = !in_example;
        } else if in_example {
            text.push_str(format!("    {line}").trim_end());
            text.push('\n');
        } else if let Some(heading) = line.strip_prefix("# ").or_else(|| line.strip_prefix("## ")) {
            flush(&mut paragraph, &mut text);
            text.push_str(heading);
            text.push('\n');
        } else if line.is_empty() {
            flush(&mut paragraph, &mut text);
            text.push('\n');
        } else {
            if line.starts_with("- ") {
                flush(&mut paragraph, &mut text);
            } else if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line.trim_start());
        }
    }
    flush(&mut paragraph, &mut text);
    text
}

fn flush(paragraph: &mut String, text: &mut String) {
    match paragraph.strip_prefix("- ") {
        Some(item) => text.push_str(&wrap(item, WIDTH, "- ", "  ")),
        None => text.push_str(&wrap(paragraph, WIDTH, "", "")),
    }
    paragraph.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_in_a_terminal() {
        insta::assert_snapshot!(explain(Code::E0304));
    }

    #[test]
    fn no_page_shows_its_markup() {
        for code in Code::ALL {
            let text = explain(*code);
            assert!(!text.contains("```") && !text.lines().any(|line| line.starts_with('#')), "{code}");
        }
    }
}
