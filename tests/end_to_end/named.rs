//! Names of commands and flags: each that a message, a page or a help text says is one that the program takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{migr_in, repository};

/// Folders and files whose texts people read.
const READ: &[&str] = &["README.md", "CHANGELOG.md", "grammar", "compiler", "runtime", "examples", "specs"];

fn texts(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().filter(|entry| !entry.ends_with("target")).for_each(|entry| texts(entry, found));
    } else if path.extension().is_some_and(|end| end == "rs" || end == "md" || end == "migr") {
        found.push(path.to_owned());
    }
}

/// Calls that a text names between backquotes: `migr run --wait`.
fn calls(text: &str) -> Vec<String> {
    let starts = text.match_indices("`migr ");
    let call = |(at, _): (usize, &str)| {
        let rest = &text[at + 1..];
        let end = rest.find(['`', '\n'])?;
        rest[end..].starts_with('`').then(|| rest[..end].to_owned())
    };
    starts.filter_map(call).collect()
}

/// Words of a call that name a command, and its flags.
fn parts(call: &str) -> (Vec<String>, Vec<String>) {
    let is_name = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let words: Vec<&str> = call.split_whitespace().skip(1).collect();
    let command = words.iter().copied().take_while(|word| is_name(word) && !word.starts_with('-')).take(2);
    let flag = |word: &&str| {
        let name: String =
            word.trim_start_matches('[').chars().take_while(|sign| sign.is_ascii_lowercase() || *sign == '-').collect();
        (name.len() > 2 && name.starts_with("--")).then_some(name)
    };
    (command.map(str::to_owned).collect(), words.iter().filter_map(flag).collect())
}

#[test]
fn every_command_and_flag_that_is_named_anywhere_is_one_that_the_program_takes() {
    let root = repository();
    let mut files = Vec::new();
    for name in READ {
        texts(&root.join(name), &mut files);
    }
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        for call in calls(&fs::read_to_string(&file).unwrap()) {
            named.entry(call).or_default().insert(file.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    assert!(named.len() > 30, "only {} calls are named anywhere", named.len());
    let mut helps: BTreeMap<Vec<String>, Option<String>> = BTreeMap::new();
    let mut help = |command: &[String]| {
        let known = helps.entry(command.to_vec()).or_insert_with(|| {
            let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
            let ran = migr_in(&root, &arguments);
            (ran.code == 0).then_some(ran.stdout)
        });
        known.clone()
    };
    let mut wrong = Vec::new();
    for (call, files) in &named {
        let (command, flags) = parts(call);
        let Some(first) = command.first() else { continue };
        // A second word is a command of its own where the program takes it for one: `quarantine retry`.
        let whole = help(std::slice::from_ref(first)).filter(|text| text.contains("Commands:"));
        let text = if whole.is_some() { help(&command) } else { help(std::slice::from_ref(first)) };
        let Some(text) = text else {
            wrong.push(format!("`{call}`: there is no such command ({files:?})"));
            continue;
        };
        for flag in flags {
            let takes = text.split(|sign: char| !(sign.is_ascii_lowercase() || sign == '-')).any(|word| word == flag);
            if !takes {
                wrong.push(format!("`{call}`: it takes no {flag} ({files:?})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_call_is_taken_apart_into_its_command_and_its_flags() {
    let taken = |call: &str| {
        let (command, flags) = parts(call);
        format!("{} | {}", command.join(" "), flags.join(" "))
    };
    assert_eq!(taken("migr run --plan FILE"), "run | --plan");
    assert_eq!(taken("migr quarantine settle KEY --id ID"), "quarantine settle | --id");
    assert_eq!(taken("migr init [DIR] [--from FOLDER]"), "init | --from");
    assert_eq!(calls("say `migr a --b` and `migr\nno` and `migr c"), ["migr a --b"]);
}
