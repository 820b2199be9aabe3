//! Any text is read to its end, and every place that is named is a place of the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migr_diagnostics::{Code, Diagnostics};
use migr_source::FileId;

fuzz_target!(|text: &str| {
    let mut diagnostics = Diagnostics::default();
    let ast = migr_syntax::parse(FileId(0), text, &mut diagnostics);
    let labels = diagnostics.items().iter().flat_map(|finding| finding.labels.iter().map(|label| label.span));
    for span in labels.chain(ast.items.iter().map(|item| item.span)) {
        assert!(text.get(span.range()).is_some(), "{span:?} is not a place of the text");
    }
    assert!(diagnostics.items().iter().all(|finding| finding.code != Code::E0901), "{:?}", diagnostics.items());
});
