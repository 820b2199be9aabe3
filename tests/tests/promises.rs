//! `promises.toml` names, for every promise that is due, the tests that prove it.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// The promises kept by what is built so far.
const DUE: &[&str] = &[
    "S1", "S2", "S3", "S4", "S5", "S6", "S8", "S9", "S10", "S11", "S12", "S13", "S15", "S16", "S17", "S18", "S19",
    "S20", "S21", "S22", "S23", "S24", "S25", "S26", "S27", "S28", "S29", "S30", "S31", "S32", "S33", "S34", "S35",
    "S36", "S37", "S38", "S39", "S40", "S41", "S42", "S43", "S44", "S45", "S46", "S47", "S48", "S51", "S52", "S53",
    "S54", "S55", "S57", "S58", "S59", "S60", "S61", "S62", "S63", "S64", "S65", "S66", "S68", "S69", "S70",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    promise: String,
    proof: Vec<String>,
}

fn rows() -> BTreeMap<String, Row> {
    toml::from_str(include_str!("../promises.toml")).expect("promises.toml is a table of rows")
}

#[test]
fn every_due_promise_has_a_row_and_no_row_is_unknown() {
    let rows = rows();
    for promise in DUE {
        assert!(rows.contains_key(*promise), "promises.toml has no row for {promise}");
    }
    for (number, row) in &rows {
        assert!(DUE.contains(&number.as_str()), "{number} is in promises.toml and nobody asked for it");
        assert!(!row.promise.is_empty() && !row.proof.is_empty(), "{number} needs a sentence and a proof");
    }
}

#[test]
fn every_proof_is_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (number, row) in rows() {
        for proof in &row.proof {
            let (file, test) =
                proof.split_once(": ").unwrap_or_else(|| panic!("{number}: `{proof}` is not `file: test`"));
            let source =
                std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{number}: {file}: {error}"));
            let at = source.find(&format!("fn {test}(")).unwrap_or_else(|| panic!("{number}: {file} has no `{test}`"));
            let attributes: Vec<&str> =
                source.get(..at).unwrap_or("").lines().rev().skip_while(|line| line.is_empty()).take(3).collect();
            assert!(
                attributes.iter().any(|line| line.contains("test]") || line.contains("::test(")),
                "{number}: `{test}` is not a test"
            );
            assert!(!attributes.iter().any(|line| line.contains("#[ignore")), "{number}: `{test}` is ignored");
        }
    }
}
