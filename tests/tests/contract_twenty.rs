//! The sandbox answers as the recorded servers did.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the counts are this test's report")]

use std::collections::BTreeMap;

use migr_sandbox::TwentyVersion;

#[path = "../contract/mod.rs"]
mod contract;

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_exchange_is_answered_alike_or_is_on_the_list() {
    let mut different: BTreeMap<String, String> = BTreeMap::new();
    let mut names = Vec::new();
    let mut replayed = 0;
    for (version, name) in [(TwentyVersion::V2_19, "2.19"), (TwentyVersion::V1_10, "1.10")] {
        let outcome = contract::replay(version, name).await;
        println!(
            "Twenty {name}: {} replayed ({} of them compared in part), {} differ",
            outcome.replayed,
            outcome.in_part,
            outcome.different.len()
        );
        replayed += outcome.replayed;
        different.extend(outcome.different);
        names.extend(outcome.names);
    }
    let listed = contract::not_yet();
    println!("{replayed} exchanges replayed, {} on the list of exceptions", listed.len());
    let mut complaints: Vec<String> = Vec::new();
    for (name, how) in &different {
        if !listed.contains_key(name) {
            complaints.push(format!("{name} differs {how}"));
        }
    }
    for (name, reason) in &listed {
        if reason.trim().is_empty() {
            complaints.push(format!("{name} is on the list without a reason"));
        } else if !names.contains(name) {
            complaints.push(format!("{name} is on the list, but there is no such recording"));
        } else if !different.contains_key(name) {
            complaints.push(format!("{name} is answered alike: take it off the list"));
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
