//! `promises.toml` names, for every promise that is due, the tests that prove it.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// The promises kept by what is built so far.
const DUE: &[&str] = &[
    "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14", "S15", "S16", "S17",
    "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S25", "S26", "S27", "S28", "S29", "S30", "S31", "S32", "S33",
    "S34", "S35", "S36", "S37", "S38", "S39", "S40", "S41", "S42", "S43", "S44", "S45", "S46", "S47", "S48", "S49",
    "S50", "S51", "S52", "S53", "S54", "S55", "S56", "S57", "S58", "S59", "S60", "S61", "S62", "S63", "S64", "S65",
    "S66", "S67", "S68", "S69", "S70",
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

/// The tests of the whole workspace by name, each with the folder of its program's source. They are asked of the programs themselves: a test that is commented
/// out, ignored or left out by a condition is none.
fn tests_that_run() -> Vec<(PathBuf, String)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(cargo);
    command.args(["test", "--workspace", "--locked", "--no-run", "--message-format=json"]).current_dir(&root);
    // What cargo tells a test program about its package would look like another machine to build scripts, and all would be built anew.
    let of_this_program =
        ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_", "LD_LIBRARY_"];
    for (name, _) in std::env::vars_os() {
        if of_this_program.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    let built = command.output().expect("cargo starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut tests = Vec::new();
    for line in built.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).expect("a line of JSON");
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let (Some(program), Some(source)) = (text("/executable"), text("/target/src_path")) else {
            continue;
        };
        if message.pointer("/profile/test") != Some(&Value::Bool(true)) {
            continue;
        }
        let list = |more: &[&str]| {
            let listed = Command::new(program).arg("--list").args(more).output().expect("the program starts");
            String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let ignored = list(&["--ignored"]);
        let source = Path::new(source).canonicalize().expect("the program's source");
        let folder = source.parent().expect("a file is in a folder").to_path_buf();
        tests.extend(
            list(&[])
                .into_iter()
                .filter(|line| !ignored.contains(line))
                .filter_map(|line| Some((folder.clone(), line.strip_suffix(": test")?.to_owned()))),
        );
    }
    tests
}

#[test]
fn every_proof_is_a_test_that_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository");
    let tests = tests_that_run();
    for (number, row) in rows() {
        for proof in &row.proof {
            let (file, test) =
                proof.split_once(": ").unwrap_or_else(|| panic!("{number}: `{proof}` is not `file: test`"));
            let file = root.join(file);
            assert!(file.is_file(), "{number}: there is no {}", file.display());
            let module = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let is_it = |(folder, name): &(PathBuf, String)| {
                let mut path = name.rsplit("::");
                // The test's module is its file's, unless the file is the program's own or a folder's `mod.rs`.
                let is_last = path.next() == Some(test);
                is_last
                    && file.starts_with(folder)
                    && path.next().is_none_or(|inner| inner == module || inner == "tests")
            };
            assert!(tests.iter().any(is_it), "{number}: no test `{test}` of {} runs", file.display());
        }
    }
}
