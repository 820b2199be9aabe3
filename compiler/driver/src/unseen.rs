//! Characters of a spec that a reader does not see for what they are.

use migr_diagnostics::{Code, Diagnostic};
use migr_escape::{is_deceptive, is_harmless, written_out};
use migr_source::{FileId, Span};

/// Lines of one file that are told of.
const MOST: usize = 20;

/// A finding for each line that has such characters, up to so many.
pub(crate) fn unseen(file: FileId, text: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if is_harmless(text, &['\n', '\r', '\t']) {
        return found;
    }
    let mut from = 0;
    let is_unseen = |one: char| is_deceptive(one) && !matches!(one, '\n' | '\r' | '\t');
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(is_unseen)).map(|at| from + at) {
        let rest = text.get(at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or(rest);
        let run: usize = rest.chars().take_while(|one| is_unseen(*one)).map(char::len_utf8).sum();
        let names: Vec<String> = line
            .chars()
            .filter(|one| is_unseen(*one))
            .take(4)
            .map(|one| format!("`{}`", written_out(&one.to_string(), &[])))
            .collect();
        if found.len() == MOST {
            let message = "more lines have invisible characters from here on".to_owned();
            found.push(told(message, Span::new(file, at, at + run)));
            break;
        }
        let message = format!("this line has invisible characters: {}", names.join(", "));
        found.push(told(message, Span::new(file, at, at + run)));
        from = at + line.len().max(run);
    }
    found
}

fn told(message: String, span: Span) -> Diagnostic {
    Diagnostic::new(Code::W0110, message, span, "here")
        .with_help("remove them, or keep them with `// allow W0110: reason` where they are meant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_told_once_and_a_thousand_are_cut_short() {
        let told = |text: &str| unseen(FileId(0), text).into_iter().map(|one| one.message).collect::<Vec<_>>();
        assert_eq!(told("a\tb\r\nc é 👩‍👧"), Vec::<String>::new());
        assert_eq!(
            told("a\u{202e}b\u{7}\nx\n\u{200b}"),
            [
                "this line has invisible characters: `\\u{202e}`, `\\u{7}`",
                "this line has invisible characters: `\\u{200b}`"
            ]
        );
        assert_eq!(told(&"\u{7}\n".repeat(1000)).len(), 21);
    }
}
