//! Inputs made to hurt: they end without a panic, in time that grows with their size and not with its square.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "the tests measure time, and may fail by a panic"
)]

use std::time::Instant;

use migr_diagnostics::{Code, Diagnostics};
use migr_source::FileId;
use migr_syntax::parse;
use proptest::prelude::*;

const UNITS: &[&str] = &[
    "\n",
    "\r\n",
    " ",
    "\t",
    "\r",
    "// comment\n",
    "/// doc\n",
    "//",
    "/",
    ";",
    ",",
    "(",
    ")",
    "()",
    "[",
    "]",
    "{",
    "}",
    "{}",
    "{\n",
    "{ )\n",
    "x {\n",
    "\"",
    "\"\"",
    "\"{",
    "\"{}\"",
    "\"{}",
    "\"{x",
    "\\",
    "\\\"",
    "`",
    "x",
    "x ",
    "x\n",
    "x.",
    ".",
    "x = ",
    "x = y\n",
    "x = y z\n",
    "x = y;",
    "|",
    "x | ",
    "x |\n",
    "not ",
    "if ",
    "if x then ",
    "- ",
    "1",
    "1 ",
    "a + ",
    "a, ",
    "a == ",
    "a in ",
    "??",
    "\u{1F600}",
    "e\u{301}",
    "\u{feff}",
    "\0",
    "map ",
    "map A -> b {\n",
    "object A {\n",
    "\"a\" | ",
    "( ]",
    "f(\"\", ",
    "x = {\n",
    "x = { a: b,\n",
    "x = f(a,\n",
    "new ",
    "override ",
    "drop ",
    "  | a\n",
    "a: b, ",
    "existing ",
    "none ",
    "and\n",
    "{ // c\n",
    "\u{a0}",
    "x = \"{f(\"a\")}\" \"",
    "-> ",
    "extend ",
    "use \"x\"\n",
    "use x\n",
    "\"\\",
    "otherwise ",
    "on missing ",
    "list(",
    "select {",
];

/// A text of some size made of one unit, at the top level, in a block, and as a value.
fn hostile(unit: &str, size: usize) -> [String; 3] {
    let many = unit.repeat(size / unit.len());
    [many.clone(), format!("system s {{\n object A {{\n{many}"), format!("map A -> b {{\n  x = {many}\n}}\n")]
}

fn seconds(text: &str) -> f64 {
    let start = Instant::now();
    let mut diagnostics = Diagnostics::default();
    let ast = parse(FileId(0), text, &mut diagnostics);
    let took = start.elapsed().as_secs_f64();
    let faults = diagnostics.items().iter().filter(|finding| finding.code == Code::E0901);
    assert_eq!(faults.count(), 0, "{:?}", text.chars().take(80).collect::<String>());
    drop(ast);
    took
}

#[test]
fn a_text_four_times_as_long_does_not_take_nine_times_as_long() {
    for unit in UNITS {
        for (long, short) in hostile(unit, 6_000).iter().zip(&hostile(unit, 1_500)) {
            let took = seconds(long);
            if took > 0.15 {
                // One fair pair is enough: the machine does other things too.
                let is_fair = (0..8).any(|_| seconds(long) < 9.0 * seconds(short));
                assert!(is_fair, "{unit:?} takes {took} s: {:?}", &long[..40.min(long.len())]);
            }
        }
    }
}

const SPECS: [&str; 6] = [
    include_str!("specs/highlevel.migr"),
    include_str!("specs/the_practice.migr"),
    include_str!("specs/the_practice_to_highlevel.migr"),
    include_str!("specs/twenty.migr"),
    include_str!("specs/visual_practice.migr"),
    include_str!("specs/visual_practice_to_twenty.migr"),
];

/// Reads a text and holds every place in it against the text.
fn is_sound(text: &str) -> Result<(), TestCaseError> {
    let mut diagnostics = Diagnostics::default();
    let ast = parse(FileId(0), text, &mut diagnostics);
    let labels = diagnostics.items().iter().flat_map(|finding| finding.labels.iter().map(|label| label.span));
    let spans = ast.items.iter().map(|item| item.span).chain(ast.comments.iter().map(|comment| comment.text.span));
    for span in labels.chain(spans) {
        prop_assert!(text.get(span.range()).is_some(), "{span:?} is not a place of the text");
    }
    prop_assert!(diagnostics.items().iter().all(|finding| finding.code != Code::E0901), "{:?}", diagnostics.items());
    let unread = ast.items.iter().any(|item| matches!(item.kind, migr_syntax::ast::ItemKind::Error));
    prop_assert!(!unread || diagnostics.has_errors(), "an item is lost in silence");
    let ordered = ast.items.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start);
    prop_assert!(ordered, "items overlap");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in "(\\PC|[\n\r\t{}()\\[\\]\"=|/]){0,60}") {
        is_sound(&text)?;
    }

    #[test]
    fn any_heap_of_words_is_read(words in prop::collection::vec(prop::sample::select(UNITS.to_vec()), 0..40)) {
        is_sound(&words.concat())?;
        is_sound(&format!("map A -> b {{\n{}", words.concat()))?;
    }

    #[test]
    fn a_spec_with_a_piece_taken_out_and_another_put_in_is_read(
        spec in 0..SPECS.len(),
        at in any::<prop::sample::Index>(),
        removed in 0_usize..40,
        inserted in prop::sample::select(UNITS.to_vec()),
    ) {
        let text: Vec<char> = SPECS[spec].chars().collect();
        let at = at.index(text.len());
        let behind = text.iter().skip(at + removed);
        let text: String = text[..at].iter().chain(&inserted.chars().collect::<Vec<_>>()).chain(behind).collect();
        is_sound(&text)?;
    }
}
