//! Examples on the pages of codes.

use crate::Code;

/// A program that a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageExample {
    /// True where the example stands under *Wrong* and raises the page's code; one under *Right* raises nothing.
    pub wrong: bool,
    /// Paths and texts of its files, the first one the main file. A line `// file: name.migr` starts another.
    pub files: Vec<(String, String)>,
}

/// The examples of a code's page, in order. None where the page says that no program can show the code.
pub fn page_examples(code: Code) -> Vec<PageExample> {
    let mut examples: Vec<PageExample> = Vec::new();
    let mut wrong = None;
    let mut in_example = false;
    for line in code.page().lines() {
        match (line, in_example) {
            ("```", true) => in_example = false,
            (_, true) => {
                let Some(example) = examples.last_mut() else { continue };
                if let Some(path) = line.strip_prefix("// file: ") {
                    example.files.retain(|(_, text)| !text.trim().is_empty());
                    example.files.push((path.trim().to_owned(), String::new()));
                } else if let Some((_, text)) = example.files.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            ("## Wrong", false) => wrong = Some(true),
            ("## Right", false) => wrong = Some(false),
            ("```migr", false) => {
                if let Some(wrong) = wrong {
                    examples.push(PageExample { wrong, files: vec![("main.migr".to_owned(), String::new())] });
                    in_example = true;
                }
            }
            (heading, false) if heading.starts_with("## ") => wrong = None,
            _ => {}
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;

    #[test]
    fn a_page_names_its_code_and_has_the_four_headings() {
        for code in Code::ALL {
            let page = code.page();
            assert_eq!(page.lines().next(), Some(format!("# {code}: {}", code.summary()).as_str()), "{code}");
            let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(headings, ["## What it means", "## Wrong", "## Right", "## Why"], "{code}");
            let empty = page.lines().collect::<Vec<_>>().windows(3).any(|at| {
                at[0].starts_with("## ") && (!at[1].is_empty() || at[2].is_empty() || at[2].starts_with('#'))
            });
            assert!(!empty && !page.ends_with("## Why\n"), "{code}: a heading is followed by an empty line and text");
        }
    }

    #[test]
    fn a_page_shows_a_wrong_and_a_right_program_or_says_why_not() {
        for code in Code::ALL {
            let examples = page_examples(*code);
            let fences = code.page().lines().filter(|line| line.starts_with("```")).count();
            assert_eq!(fences, examples.len() * 2, "{code}: every block is a `migr` block under Wrong or Right");
            let (wrong, right): (Vec<_>, Vec<_>) = examples.iter().partition(|example| example.wrong);
            if code.page().contains("\nNo example: ") {
                assert!(examples.is_empty(), "{code}");
            } else {
                assert!(!wrong.is_empty() && !right.is_empty(), "{code}");
            }
            for (path, text) in examples.iter().flat_map(|example| &example.files) {
                assert!(!text.trim().is_empty(), "{code}: {path}");
            }
        }
    }

    #[test]
    fn the_letter_of_a_code_is_its_severity() {
        for code in Code::ALL {
            let letter = match code.severity() {
                Severity::Error => "E",
                Severity::Warning => "W",
            };
            assert!(code.as_str().starts_with(letter), "{code}");
        }
    }

    #[test]
    fn no_number_is_used_twice() {
        let numbers: std::collections::BTreeSet<&str> =
            Code::ALL.iter().map(|code| code.as_str().trim_start_matches(char::is_alphabetic)).collect();
        assert_eq!(numbers.len(), Code::ALL.len());
    }
}
