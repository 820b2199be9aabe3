//! The work of a reading grows with the text and not with its square. It is counted in calls of pest's rules, so that no clock is needed; the limit on
//! them is one for the process, so this file holds one test.

mod common;

use common::UNITS;
use migr_diagnostics::{Code, Diagnostics};
use migr_source::FileId;
use migr_syntax::parse_within;

/// Calls for each byte of a text: ordinary text needs about 30.
const CALLS_PER_BYTE: usize = 300;

/// A text of some size made of one unit, at the top level, in a block, and as a value.
fn hostile(unit: &str, size: usize) -> [String; 3] {
    let many = unit.repeat(size / unit.len());
    [many.clone(), format!("system s {{\n object A {{\n{many}"), format!("map A -> b {{\n  x = {many}\n}}\n")]
}

fn gives_up(text: &str, calls: usize) -> bool {
    let mut diagnostics = Diagnostics::default();
    parse_within(calls, FileId(0), text, &mut diagnostics);
    let found = diagnostics.items();
    let faults: Vec<_> = found.iter().filter(|finding| finding.code == Code::E0901).collect();
    assert!(faults.is_empty(), "{faults:?} in {text:.80}");
    found.iter().any(|finding| finding.message.contains("too long, to be read"))
}

#[test]
fn a_text_of_any_pieces_is_read_with_a_few_calls_for_each_byte() {
    let mut costly = Vec::new();
    for unit in UNITS {
        for (text, place) in hostile(unit, 6_000).iter().zip(["at the top", "in a block", "as a value"]) {
            let calls = CALLS_PER_BYTE * text.len();
            // What more calls do not help with ended because it is nested too deeply.
            if gives_up(text, calls) && !gives_up(text, 100 * calls) {
                costly.push(format!("{unit:?} {place}"));
            }
        }
    }
    assert!(costly.is_empty(), "more than {CALLS_PER_BYTE} calls for each byte: {costly:#?}");
}
