//! Every page tells the truth: what stands under *Wrong* raises exactly its code, what stands under *Right* raises nothing.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use common::{compile_folder, shown};
use migr_diagnostics::{Code, page_examples};
use migr_source::MemorySystem;

#[test]
fn wrong_raises_exactly_the_code_and_right_raises_nothing() {
    let mut lies = String::new();
    for code in Code::ALL {
        for example in page_examples(*code) {
            let system = example
                .files
                .iter()
                .fold(MemorySystem::default(), |system, (path, text)| system.with(path, text.as_str()));
            let compilation = compile_folder(&system);
            let found: BTreeSet<Code> = compilation.diagnostics.iter().map(|one| one.code).collect();
            let expected: BTreeSet<Code> = if example.wrong { BTreeSet::from([*code]) } else { BTreeSet::new() };
            if found != expected {
                let heading = if example.wrong { "Wrong" } else { "Right" };
                let _ = writeln!(lies, "=== {code}, {heading}\n{}", shown(&compilation));
            }
        }
    }
    assert!(lies.is_empty(), "{lies}");
}
