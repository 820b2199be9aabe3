//! Programs made to hurt are checked to their end: no panic, no fault of ours, and every place that is named is a place of its file.

mod common;

use migr_diagnostics::Code;
use migr_driver::library;
use proptest::prelude::*;

/// Words that mean something somewhere, put where they mean nothing.
const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "|",
    "=",
    "->",
    "\"",
    ";",
    ",",
    ".",
    "\n",
    " none ",
    " otherwise ",
    " if ",
    " new ",
    " select ",
    " default ",
    " 9999999999999999999999 ",
    " -0.0000001 ",
    "map A -> b {\n",
    "extend ",
    "override ",
    "many ",
    " through ",
    "list(",
    " existing ",
    " by ",
    "value",
    "é👍",
    "\t",
    "``",
    "\\",
    "99.9%",
];

fn is_sound(text: &str) -> Result<(), TestCaseError> {
    let compilation = common::compile_text(text);
    for finding in &compilation.diagnostics {
        prop_assert!(finding.code != Code::E0901, "{finding:?}");
        prop_assert!(finding.help.is_some(), "no help: {finding:?}");
        for label in &finding.labels {
            let file = compilation.sources.file(label.span.file);
            prop_assert!(file.is_some_and(|file| file.text.get(label.span.range()).is_some()), "{finding:?}");
        }
    }
    prop_assert!(compilation.plan.is_none() || !compilation.has_errors());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_shipped_spec_with_a_piece_taken_out_and_others_put_in_is_checked(
        spec in 0..library().len(),
        at in any::<prop::sample::Index>(),
        removed in 0_usize..60,
        inserted in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..6),
    ) {
        let text: Vec<char> = library()[spec].1.chars().collect();
        let at = at.index(text.len());
        let before: String = text.iter().take(at).collect();
        let behind: String = text.iter().skip(at + removed).collect();
        is_sound(&format!("{before}{}{behind}", inserted.concat()))?;
    }
}
