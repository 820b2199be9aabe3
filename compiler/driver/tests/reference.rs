//! The language reference lists every function as the table of functions documents it.

use std::fmt::Write as _;

use migr_plan::functions::FUNCTIONS;

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
