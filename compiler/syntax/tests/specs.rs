//! Whole programs of the language's design.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail by a panic, and reads its own cases"
)]

use migr_diagnostics::Diagnostics;
use migr_source::SourceMap;
use migr_syntax::{ast::Ast, parse};

fn read(text: &str) -> (Ast, Vec<String>) {
    let mut sources = SourceMap::default();
    let file = sources.add("a.migr", text);
    let mut diagnostics = Diagnostics::default();
    let ast = parse(file, text, &mut diagnostics);
    let shown = diagnostics
        .into_sorted(&sources)
        .iter()
        .map(|finding| format!("{} {:?} {}", finding.code, sources.start(finding.span().unwrap()), finding.message))
        .collect();
    (ast, shown)
}

#[test]
fn every_spec_is_read_without_a_finding() {
    for path in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/specs")).unwrap() {
        let text = std::fs::read_to_string(path.unwrap().path()).unwrap();
        let (ast, findings) = read(&text);
        assert_eq!(findings, Vec::<String>::new());
        assert!(!ast.items.is_empty());
    }
}
