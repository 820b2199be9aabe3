//! The language reference keeps its word: it lists every function as the table of functions documents it, and its examples compile.

mod common;

use std::fmt::Write as _;

use migr_diagnostics::{Code, Diagnostic, Severity};
use migr_plan::functions::FUNCTIONS;
use migr_source::MemorySystem;

/// The rows of the reference's table.
fn rows() -> String {
    let mut rows = String::new();
    for function in FUNCTIONS {
        let mut meaning = function.meaning.replace('|', "\\|");
        if function.can_fail() {
            let _ = write!(meaning, " Fails where {}.", function.failure);
        }
        if function.only_in_settings {
            meaning.push_str(" In settings only.");
        }
        let _ = writeln!(rows, "| `{}` | {} | {meaning} |", function.signature(), function.output.describe());
    }
    rows
}

#[test]
fn the_reference_lists_every_function_with_its_types_its_meaning_and_its_failure() {
    let page = include_str!("../../../grammar/README.md");
    let rows = rows();
    assert!(page.contains(&rows), "the table under `## Functions` is to be:\n\n{rows}");
}

/// Columns that an example neither maps nor drops, and objects that it leaves out: it shows a part.
const LEFT_OUT: [Code; 2] = [Code::E0306, Code::E0310];

/// Parts of the base that an example names and does not bring.
fn beside(example: &str) -> String {
    let is_brought = |part: &&str| {
        let head = part.split(['{', '(']).next().unwrap_or_default().trim();
        let of_one = head.strip_prefix("map ").map_or(head, |_| head.split(" -> ").next().unwrap_or(head));
        let head = if head.starts_with("migration ") { "\nmigration " } else { of_one };
        let text = format!("\n{example}").replace("extend map ", "");
        text.contains(head) && !text.contains(&format!("{of_one}s "))
    };
    let base = include_str!("reference/base.migr");
    base.split("\n\n").filter(|part| !part.starts_with("//") && !is_brought(part)).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn every_example_of_the_reference_compiles() {
    let page = include_str!("../../../grammar/README.md");
    let mut wrong = String::new();
    for (number, example) in page.split("```migr\n").skip(1).enumerate() {
        let example = example.split("```").next().unwrap_or_default();
        let base = beside(example);
        let shipped = ["twenty", "visual_practice", "the_practice"];
        let shipped =
            shipped.iter().filter(|name| example.contains(&format!(" {name} ")) && !example.contains("system "));
        let uses = shipped.map(|name| format!("use \"std/systems/{name}\"")).collect::<Vec<_>>().join("\n");
        let system = MemorySystem::default()
            .with("main.migr", example)
            .with("base.migr", format!("{uses}\n{base}"))
            .with("picklists.migr", "// rows");
        let compilation = common::compile_folder(&system);
        let of_example = |one: &&Diagnostic| {
            one.severity() == Severity::Error
                && !LEFT_OUT.contains(&one.code)
                && one.span().is_none_or(|span| compilation.sources.path(span).ends_with("main.migr"))
        };
        for one in compilation.diagnostics.iter().filter(of_example) {
            let line = one.span().map_or(0, |span| compilation.sources.start(span).line);
            let _ = writeln!(wrong, "{number}:{line} {} {}", one.code, one.message);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
