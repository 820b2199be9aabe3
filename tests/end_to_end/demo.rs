//! The demo as a newcomer runs it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Project, migr_in};
use crate::stand_in::StandIn;

/// Records by id, without what the server itself keeps of them.
fn by_id(records: Vec<Value>) -> BTreeMap<String, Value> {
    let plain = |mut record: Value| {
        let fields = record.as_object_mut().unwrap();
        fields.retain(|name, _| !matches!(name.as_str(), "updatedAt" | "updatedBy" | "searchVector"));
        (record["id"].as_str().unwrap().to_owned(), record)
    };
    records.into_iter().map(plain).collect()
}

#[test]
fn the_demo_of_a_location_goes_back_but_for_what_nothing_removes_and_tells_nobody() {
    let folder = Project::empty();
    let arguments = ["demo", "the-practice-to-highlevel", "--rollback", "--dir", "back"];
    let ran = migr_in(folder.path(), &arguments).exits(0);
    let row = |start: &str| {
        let row = ran.stdout.lines().find(|line| line.trim_start().starts_with(start)).expect("a row of the object");
        row.split_whitespace().skip(3).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("Client → contacts"), "101 85 4 · 4 8");
    assert_eq!(row("Deal → opportunities"), "60 44 · · · 16");
    assert_eq!(row("SessionNote → notes"), "150 144 · · · 6");
    assert_eq!(row("Enrolment → associations"), "46 40 · · 2 4");
    assert!(ran.stdout.contains("fields read back, 100.00% as the source says; holds."), "{}", ran.stdout);
    assert!(ran.stdout.contains("not back  setup: create object programs: left"), "{}", ran.stdout);
    assert!(ran.stdout.contains("; all else is as before."), "{}", ran.stdout);

    migr_in(folder.path(), &["demo", "the-practice-to-highlevel", "--dir", "forth"]).exits(0);
    let again = migr_in(folder.path(), &["run", "--sandbox", "--no-approval", "forth"]).exits(5);
    assert!(again.stdout.contains("Nothing was left to do: nothing was written."), "{}", again.stdout);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let state = Some(folder.path().join("forth/.migr/sandbox.db"));
        let options = migr_sandbox::highlevel::Options { state, ..migr_sandbox::highlevel::Options::default() };
        let sandbox = migr_sandbox::highlevel::start(options).await.unwrap();
        assert_eq!(sandbox.messages_sent().unwrap(), 0, "messages to clients");
        sandbox.stop().await;
    });
}

#[test]
fn the_demo_goes_back_to_the_workspace_that_others_used_before_it() {
    let folder = Project::empty();
    let ran = migr_in(folder.path(), &["demo", "--rollback", "--dir", "back"]).exits(0);
    assert!(ran.stderr.contains("500 records of others are there, 40 of which the export has too"), "{}", ran.stderr);
    let row = ran.stdout.lines().find(|line| line.starts_with(" Company ")).expect("a row of companies");
    let counts: Vec<&str> = row.split_whitespace().skip(1).collect();
    assert_eq!(counts, ["60", "18", "41", "·", "1", "·"], "40 of theirs and one that every sandbox has: {row}");
    assert!(ran.stdout.contains("The destination's fingerprint is the one it had before."), "{}", ran.stdout);

    // Beside it a demo that does not go back: what it made is gone from the other, what others made is not.
    migr_in(folder.path(), &["demo", "--dir", "forth"]).exits(0);
    let stand_in = |name: &str| {
        let state = Some(folder.path().join(name).join(".migr/sandbox.db"));
        StandIn::with(migr_sandbox::SandboxOptions { state, ..migr_sandbox::SandboxOptions::default() })
    };
    let (back, forth) = (stand_in("back"), stand_in("forth"));
    assert_ne!(back.fingerprint(), forth.fingerprint());
    let (companies, moved) = (by_id(back.records("companies")), by_id(forth.records("companies")));
    let others = |records: &BTreeMap<String, Value>| records.keys().filter(|id| id.starts_with("00000000-")).count();
    assert_eq!((others(&companies), others(&moved)), (60, 60));
    assert!(moved.len() > companies.len());
    let filled = |records: &BTreeMap<String, Value>| {
        let revenue = |one: &&Value| {
            one["name"].as_str().is_some_and(|name| name.starts_with("There before"))
                && !one["annualRevenue"]["amountMicros"].is_null()
        };
        records.values().filter(revenue).count()
    };
    assert_eq!(filled(&companies), 0, "what was filled into records of others is taken out again");
    assert!(filled(&moved) > 30, "{}", filled(&moved));
    let people = by_id(back.records("people"));
    assert_eq!(others(&people), 440);
    for (id, person) in people.iter().filter(|(id, _)| id.starts_with("00000000-")) {
        assert!(person.get("leadStatus").is_none(), "{id} keeps a field that the migration made");
    }
    let names = |stand_in: &StandIn| -> Vec<String> {
        let objects = stand_in.metadata();
        objects.iter().map(|object| object["namePlural"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names(&forth).contains(&"treatmentPlans".to_owned()));
    assert!(!names(&back).contains(&"treatmentPlans".to_owned()));
}
