//! One mistake a file: exactly the marked codes stand on the marked lines (`//~ E0304`), and the findings read as they did.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use common::{compile_text, shown};

/// `line code`, as the marks of a text say it.
fn marked(text: &str) -> BTreeSet<(u32, String)> {
    let marks = text.lines().zip(1..).filter_map(|(line, number)| Some((line.split_once("//~")?.1, number)));
    marks.flat_map(|(codes, number)| codes.split_whitespace().map(move |code| (number, code.to_owned()))).collect()
}

/// What every case has in common, unless it brings its own: a source, a destination and a migration.
fn program(text: &str) -> String {
    let base = include_str!("wrong/base.migr");
    if text.contains("\nsystem ") || text.contains("migration ") || text.starts_with("system ") {
        text.to_owned()
    } else {
        format!("{text}\n{base}")
    }
}

#[test]
fn each_mistake_is_found_where_it_stands_and_nothing_else_is() {
    let mut different = String::new();
    insta::glob!("wrong/*.migr", |path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "base.migr" {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "a test reads its own folder")]
        let text = std::fs::read_to_string(path).unwrap();
        let compilation = compile_text(&program(&text));
        let found: BTreeSet<(u32, String)> = compilation
            .diagnostics
            .iter()
            .map(|one| {
                let line = one.span().map_or(0, |span| compilation.sources.start(span).line);
                (line, one.code.to_string())
            })
            .collect();
        if found == marked(&text) {
            insta::assert_snapshot!(shown(&compilation));
        } else {
            let marked = marked(&text);
            let more: Vec<_> = found.difference(&marked).collect();
            let fewer: Vec<_> = marked.difference(&found).collect();
            let _ = writeln!(different, "{name}: found and not marked {more:?}, marked and not found {fewer:?}");
            let _ = writeln!(different, "{}", shown(&compilation));
        }
    });
    assert!(different.is_empty(), "{different}");
}
