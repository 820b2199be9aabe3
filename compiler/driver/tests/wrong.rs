//! Wrong specs: exactly the marked codes stand on the marked lines (`//~ E0304`), each finding says what to do, and the findings read as they did. A file
//! of `wrong/` has one mistake, a file of `several/` has more, none of which hides another; one of `locked/` is wrong beside the lock file of its name.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use common::{compile_text, shown};
use migr_diagnostics::{Code, Diagnostics};
use migr_driver::{Compilation, Project, compile};
use migr_source::MemorySystem;

/// Codes that no file here raises: a lock file that cannot be read, rows of an export, our own faults, and characters that nobody would see in the file.
const NOT_OF_A_SPEC: &[&str] =
    &["E0601", "W0110", "E0611", "W0612", "W0613", "W0614", "W0618", "W0619", "E0901", "E0902"];

/// `line code`, as the marks of a text say it.
fn marked(text: &str) -> BTreeSet<(u32, String)> {
    let marks = text.lines().zip(1..).filter_map(|(line, number)| Some((line.split_once("//~")?.1, number)));
    marks.flat_map(|(codes, number)| codes.split_whitespace().map(move |code| (number, code.to_owned()))).collect()
}

fn found(compilation: &Compilation) -> BTreeSet<(u32, String)> {
    let line = |span| compilation.sources.start(span).line;
    compilation.diagnostics.iter().map(|one| (one.span().map_or(0, line), one.code.to_string())).collect()
}

/// Parts that every case has in common, unless it brings its own: a source, a destination and a migration.
fn program(text: &str) -> String {
    let base = include_str!("wrong/base.migr");
    let brings = ["system ", "migration ", "use \"std", "use \"main"];
    if text.lines().any(|line| brings.iter().any(|begin| line.starts_with(begin))) {
        text.to_owned()
    } else {
        format!("{text}\n{base}")
    }
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own folder")]
fn read(path: &Path) -> Option<(String, String)> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    (name != "base.migr").then_some((name, text))
}

/// Holds a case against its marks; says what differs.
fn differs(name: &str, text: &str, compilation: &Compilation) -> String {
    let (marked, found) = (marked(text), found(compilation));
    let mut different = String::new();
    if found != marked {
        let more: Vec<_> = found.difference(&marked).collect();
        let fewer: Vec<_> = marked.difference(&found).collect();
        let _ = writeln!(different, "{name}: found and not marked {more:?}, marked and not found {fewer:?}");
        let _ = writeln!(different, "{}", shown(compilation));
    }
    for one in compilation.diagnostics.iter().filter(|one| one.help.as_ref().is_none_or(String::is_empty)) {
        let _ = writeln!(different, "{name}: no help: {} {}", one.code, one.message);
    }
    different
}

#[test]
fn each_mistake_is_found_where_it_stands_and_nothing_else_is() {
    let mut different = String::new();
    let mut codes = BTreeSet::new();
    insta::glob!("wrong/*.migr", |path| {
        let Some((name, text)) = read(path) else { return };
        let compilation = compile_text(&program(&text));
        let wrong = differs(&name, &text, &compilation);
        let lines: BTreeSet<u32> = marked(&text).iter().map(|(line, _)| *line).collect();
        if lines.len() != 1 {
            let _ = writeln!(different, "{name}: {} lines are marked", lines.len());
        }
        codes.extend(marked(&text).into_iter().map(|(_, code)| code));
        if wrong.is_empty() {
            insta::assert_snapshot!(shown(&compilation));
        }
        different.push_str(&wrong);
    });
    insta::glob!("locked/*.migr", |path| {
        let Some((name, text)) = read(path) else { return };
        let lock = read(&path.with_extension("json")).map(|(_, lock)| lock.into());
        let system = MemorySystem::default().with("main.migr", text.as_str());
        let compilation = compile(&Project { system: &system, entry: None, destination: None, lock });
        let wrong = differs(&name, &text, &compilation);
        codes.extend(marked(&text).into_iter().map(|(_, code)| code));
        if wrong.is_empty() {
            insta::assert_snapshot!(shown(&compilation));
        }
        different.push_str(&wrong);
    });
    let missing = Code::ALL.iter().map(|code| code.as_str());
    let missing: Vec<_> = missing.filter(|code| !codes.contains(*code) && !NOT_OF_A_SPEC.contains(code)).collect();
    if !missing.is_empty() {
        let _ = writeln!(different, "no file raises {missing:?}");
    }
    assert!(different.is_empty(), "{different}");
}

#[test]
fn no_mistake_hides_another() {
    let mut different = String::new();
    insta::glob!("several/*.migr", |path| {
        let Some((name, text)) = read(path) else { return };
        let compilation = compile_text(&program(&text));
        let wrong = differs(&name, &text, &compilation);
        if marked(&text).len() < 2 {
            let _ = writeln!(different, "{name}: this is one mistake");
        }
        if wrong.is_empty() {
            insta::assert_snapshot!(shown(&compilation));
        }
        different.push_str(&wrong);
    });
    assert!(different.is_empty(), "{different}");
}

#[test]
fn the_one_layout_changes_no_meaning() {
    let mut different = String::new();
    insta::glob!("{wrong,several}/*.migr", |path| {
        let Some((name, text)) = read(path) else { return };
        match migr_format::format(&text) {
            Ok(formatted) => {
                let codes = |text: &str| {
                    let mut codes: Vec<Code> =
                        compile_text(&program(text)).diagnostics.iter().map(|one| one.code).collect();
                    codes.sort_unstable();
                    codes
                };
                let tree = |text: &str| {
                    let ast = migr_syntax::parse(migr_source::FileId(0), text, &mut Diagnostics::default());
                    let comments: Vec<String> =
                        ast.comments.iter().map(|comment| comment.text.node.trim_end().to_owned()).collect();
                    (ast.items, comments)
                };
                if tree(&text) != tree(&formatted) {
                    let _ = writeln!(different, "{name}: another tree:\n{formatted}");
                }
                let (before, after) = (codes(&text), codes(&formatted));
                if before != after {
                    let _ = writeln!(different, "{name}: {before:?} became {after:?}:\n{formatted}");
                }
                if migr_format::format(&formatted).ok().as_ref() != Some(&formatted) {
                    let _ = writeln!(different, "{name}: formatted again it is another text:\n{formatted}");
                }
            }
            Err(error) => {
                let _ = writeln!(different, "{name}: {error}");
            }
        }
    });
    assert!(different.is_empty(), "{different}");
}
