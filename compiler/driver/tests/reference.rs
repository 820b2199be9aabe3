//! The language reference keeps its word: it lists every function as the table of functions documents it, and its examples compile.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use migr_diagnostics::{Code, Severity};
use migr_driver::Compilation;
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

/// Reason with which an example leaves out what it does not show.
const LEFT_OUT: &str = "not shown";

/// Files of an example with a `drop` for each column and object that it leaves out, as an administrator would write them.
fn completed(mut files: Vec<(&'static str, String)>) -> (Vec<(&'static str, String)>, Compilation) {
    let compiled = |files: &[(&str, String)]| {
        let system =
            files.iter().fold(MemorySystem::default(), |system, (name, text)| system.with(*name, text.as_str()));
        common::compile_folder(&system)
    };
    let quoted = |message: &str, at: usize| message.split('`').nth(2 * at + 1).unwrap_or_default().to_owned();
    let mut compilation = compiled(&files);
    let mut rest = String::new();
    let mut drops: BTreeMap<(String, usize), Vec<String>> = BTreeMap::new();
    for one in &compilation.diagnostics {
        match (one.code, one.span()) {
            (Code::E0310, _) => {
                let _ = writeln!(rest, "drop object {} : \"{LEFT_OUT}\"", quoted(&one.message, 0));
            }
            (Code::E0306, Some(span)) => {
                let map = (compilation.sources.path(span).to_owned(), span.range().start);
                drops.entry(map).or_default().push(format!("`{}`", quoted(&one.message, 0)));
            }
            _ => {}
        }
    }
    if rest.is_empty() && drops.is_empty() {
        return (files, compilation);
    }
    for ((path, start), columns) in drops.into_iter().rev() {
        // What cannot be completed stays an error.
        let Some((_, text)) = files.iter_mut().find(|(name, _)| path.ends_with(name)) else { continue };
        let Some(open) = text.get(start..).and_then(|rest| rest.find('{')) else { continue };
        text.insert_str(start + open + 1, &format!(" drop {} : \"{LEFT_OUT}\";", columns.join(", ")));
    }
    files.push(("rest.migr", rest));
    compilation = compiled(&files);
    (files, compilation)
}

/// Parts of the base beside an example: those that it does not bring. A picklist comes where something names it, and nothing where the example moves data of
/// other systems.
fn beside(example: &str) -> String {
    let is_other = example.contains("\nmigration ") || example.starts_with("migration ");
    if is_other && !example.contains("source old ") {
        return String::new();
    }
    let is_brought = |part: &&str| {
        let head = part.split(['{', '(']).next().unwrap_or_default().trim();
        let of_one = head.strip_prefix("map ").map_or(head, |_| head.split(" -> ").next().unwrap_or(head));
        let text = format!("\n{example}").replace("extend map ", "");
        // Maps fill the base's own destination.
        let is_homeless = text.contains("\nsystem crm ") && (head.starts_with("map ") || head.starts_with("picklist "));
        let head = match head.split_once(' ') {
            Some(("migration", _)) => "\nmigration ".to_owned(),
            Some(("system", _)) => format!("{head} "),
            _ => of_one.to_owned(),
        };
        is_homeless || text.contains(&head) && !text.contains(&format!("{of_one}s "))
    };
    let base = include_str!("reference/base.migr");
    let parts: Vec<&str> = base.split("\n\n").filter(|part| !part.starts_with("//") && !is_brought(part)).collect();
    let is_used = |part: &&&str| {
        let Some(name) = part.strip_prefix("picklist ").and_then(|rest| rest.split(' ').next()) else { return true };
        let used = [format!("| {name}"), format!("select {name}")];
        let names = |text: &str| used.iter().any(|used| text.contains(used.as_str()));
        names(example) || parts.iter().any(|other| names(other))
    };
    parts.iter().filter(is_used).copied().collect::<Vec<_>>().join("\n\n")
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
        let (files, compilation) = completed(vec![
            ("main.migr", example.to_owned()),
            ("base.migr", format!("{uses}\n{base}")),
            ("picklists.migr", "// rows".to_owned()),
        ]);
        let errors = compilation.diagnostics.iter().filter(|one| one.severity() == Severity::Error);
        for one in errors {
            let place = one.span().map_or_else(String::new, |span| {
                format!("{}:{}", compilation.sources.path(span), compilation.sources.start(span).line)
            });
            let _ = writeln!(wrong, "{number} {place} {} {}", one.code, one.message);
        }
        assert!(compilation.plan.is_some() || compilation.has_errors(), "{files:?}");
    }
    assert!(wrong.is_empty(), "{wrong}");
}
