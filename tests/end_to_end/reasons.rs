//! Reasons for which records are quarantined or left behind, as codes: in the list, the report and `migr explain`.

use std::collections::BTreeMap;

use migr_plan::ReasonCode;
use serde_json::Value;

use crate::harness::{Project, repository};

/// Entries by the code that they have.
fn by_code(entries: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        let code = entry["code"].as_str().unwrap_or_else(|| panic!("no code: {entry}"));
        assert!(ReasonCode::find(code).is_some(), "{entry}");
        *counts.entry(code.to_owned()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn each_reason_has_a_code_that_the_list_is_asked_by_and_that_is_explained() {
    let project = Project::copy_of(&repository().join("tests/clinic"), Some(".migr"));
    project.migr(&["run", "--sandbox"]).exits(5);
    let list = |more: &[&str]| {
        let arguments = [&["quarantine", "list", "--sandbox", "--json"], more].concat();
        project.migr(&arguments).exits(0).json()["quarantine"].as_array().expect("a list").clone()
    };
    let all = by_code(&list(&[]));
    assert!(all.len() > 1, "{all:?}");
    for (code, entries) in &all {
        let of_code = list(&["--reason", &code.to_lowercase()]);
        assert_eq!(by_code(&of_code), BTreeMap::from([(code.clone(), *entries)]));
        let page = project.migr(&["explain", code]).exits(0).stdout;
        assert!(page.starts_with(code) && page.contains("What to do"), "{page}");
    }
    let unknown = project.migr(&["quarantine", "list", "--sandbox", "--reason", "Q99"]).exits(2);
    assert!(unknown.stderr.contains("there is no reason `Q99`"), "{}", unknown.stderr);
    // The report counts by the same codes, and those that stayed behind have theirs.
    let report = project.migr(&["report", "--sandbox", "--format", "json"]).exits(0).json();
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for reason in report["reasons"].as_array().expect("reasons").iter().filter(|one| one["list"] == "quarantine") {
        let entries = usize::try_from(reason["entries"].as_u64().expect("a number")).expect("it fits");
        *counted.entry(reason["code"].as_str().expect("a code").to_owned()).or_default() += entries;
    }
    assert_eq!(counted, all);
    let skipped = by_code(report["skipped"].as_array().expect("a list"));
    assert!(skipped.keys().all(|code| code.starts_with('S')) && !skipped.is_empty(), "{skipped:?}");
}
