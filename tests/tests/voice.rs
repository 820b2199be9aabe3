//! The voice of the code: every file says what it holds, and a doc comment names its subject first.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};

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
