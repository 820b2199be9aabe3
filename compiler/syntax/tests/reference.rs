//! The language reference keeps its word: its examples are read without a finding.

use migr_diagnostics::Diagnostics;
use migr_source::FileId;

#[test]
fn every_example_of_the_reference_is_read() {
    let page = include_str!("../../../grammar/README.md");
    let mut examples = 0;
    for example in page.split("```migr\n").skip(1) {
        let example = example.split("```").next().unwrap();
        let mut diagnostics = Diagnostics::default();
        let ast = migr_syntax::parse(FileId(0), example, &mut diagnostics);
        assert_eq!(diagnostics.items(), [], "{example}");
        assert!(!ast.items.is_empty(), "{example}");
        examples += 1;
    }
    assert!(examples >= 20, "only {examples} examples");
}
