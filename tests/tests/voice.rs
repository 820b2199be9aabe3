//! The voice of the code: every file says what it holds, and a doc comment names its subject first.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use migr_diagnostics::Code;

/// Folders whose files open with a line that says what they hold, and whose doc comments begin with what the thing is.
const FOLDERS: &[&str] = &["compiler", "runtime"];

/// First words that do not name a subject.
const NO_SUBJECT: &[&str] =
    &["It", "Its", "They", "What", "Who", "Whom", "Whether", "How", "All", "None", "So", "Nobody", "Somebody"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Files of the folders, each with its text.
fn files(folders: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in folders {
        let mut paths = Vec::new();
        sources(&root().join(folder), &mut paths);
        assert!(!paths.is_empty(), "{folder} has no Rust file");
        for path in paths {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(root()).unwrap().display().to_string(), text));
        }
    }
    found
}

/// Lines that begin a doc comment with a word that names no subject.
fn without_subject(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let comment = line.trim_start().strip_prefix("///").or_else(|| line.trim_start().strip_prefix("//!"));
        let Some(comment) = comment else {
            goes_on = false;
            continue;
        };
        let first = comment.trim_start().split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default();
        if !goes_on && NO_SUBJECT.contains(&first) {
            found.push((number + 1, line.trim()));
        }
        goes_on = true;
    }
    found
}

#[test]
fn every_file_opens_with_a_line_that_says_what_it_holds() {
    let silent: Vec<String> = files(FOLDERS)
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! ") && !text.starts_with("#![doc = include_str!"))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "{} files open without a word:\n{}", silent.len(), silent.join("\n"));
}

#[test]
fn a_doc_comment_begins_with_its_subject() {
    let mut found = Vec::new();
    for (path, text) in files(FOLDERS) {
        found.extend(without_subject(&text).into_iter().map(|(line, words)| format!("{path}:{line}: {words}")));
    }
    assert!(found.is_empty(), "{} doc comments do not name their subject:\n{}", found.len(), found.join("\n"));
}

#[test]
fn only_the_first_word_of_a_comment_is_judged() {
    let text =
        "/// What a run came to.\n/// It ends here.\nfn a() {}\n/// Result of a run.\n/// All of it.\nfn b() {}\n";
    assert_eq!(without_subject(text), [(1, "/// What a run came to.")]);
}

/// Codes of diagnostics that a text names: `W0613`.
fn codes(text: &str) -> BTreeSet<String> {
    let words = text.split(|sign: char| !sign.is_ascii_alphanumeric());
    let is_code = |word: &&str| {
        let mut signs = word.chars();
        matches!(signs.next(), Some('E' | 'W')) && word.len() == 5 && signs.all(|sign| sign.is_ascii_digit())
    };
    words.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn every_code_that_is_said_anywhere_has_its_page() {
    let known: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    let pages = root().join("compiler/diagnostics/pages");
    let without: Vec<&String> = known.iter().filter(|code| !pages.join(format!("{code}.md")).is_file()).collect();
    assert!(without.is_empty(), "codes without a page: {without:?}");
    // Of messages about codes that there are not.
    let examples = ["W9999", "W0302"];
    let mut unknown = Vec::new();
    for (path, text) in files(FOLDERS) {
        unknown.extend(
            codes(&text)
                .difference(&known)
                .filter(|code| !examples.contains(&code.as_str()))
                .map(|code| format!("{path}: {code}")),
        );
    }
    for page in ["README.md", "grammar/README.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        unknown.extend(codes(&text).difference(&known).map(|code| format!("{page}: {code}")));
    }
    assert!(unknown.is_empty(), "codes that `migr explain` does not know: {unknown:#?}");
    assert_eq!(codes("W0613, (E0304) W03201 xW0320"), ["E0304", "W0613"].map(str::to_owned).into());
}
