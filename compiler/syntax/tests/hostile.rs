//! Inputs made to hurt: they are read to their end without a panic, and every place that is named is a place of the text.
#![expect(clippy::indexing_slicing, reason = "a test may fail by a panic")]

mod common;

use common::UNITS;
use migr_diagnostics::{Code, Diagnostics};
use migr_source::FileId;
use migr_syntax::parse;
use proptest::prelude::*;

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

#[test]
fn a_hole_that_a_letter_of_several_bytes_ends_is_told_at_the_whole_letter() {
    let text = "system s {\n  labels \"[A-Z{ name: tr size \"→ ←\": text = a\n}\n";
    is_sound(text).unwrap();
    let mut diagnostics = Diagnostics::default();
    parse(FileId(0), text, &mut diagnostics);
    let labels = diagnostics.items().iter().flat_map(|finding| &finding.labels);
    assert!(labels.into_iter().any(|label| text.get(label.span.range()) == Some("→")), "{:#?}", diagnostics.items());
}

#[test]
fn below_sixty_four_open_blocks_nothing_more_is_read_and_a_forgotten_bracket_ends_nothing() {
    let found = |text: &str| {
        let mut diagnostics = Diagnostics::default();
        let items = parse(FileId(0), text, &mut diagnostics).items;
        let deep: Vec<usize> = diagnostics
            .items()
            .iter()
            .filter(|finding| finding.code == Code::E0109)
            .map(|finding| text.get(..finding.span().unwrap().start as usize).unwrap().lines().count())
            .collect();
        (items.len(), diagnostics.items().len(), deep)
    };
    let open = "/// One of many.\nmap A -> b {\n";
    assert_eq!(found(&open.repeat(50_000)), (65, 65, vec![129]), "the item of line 130, below its documentation");
    let closed = format!("{open}}}\n");
    let (items, findings, deep) = found(&format!("{open}{}", closed.repeat(500)));
    assert_eq!((items, findings, deep.len()), (501, 1, 0));
}
