//! Tests of what a run does to a destination, and of what the journal says of it.

use crate::common::Project;
use crate::common::memory::Fault;
use crate::common::plans::{self, deferred, link, matching, object, policy, reference, stage, target, text, with};
use migr_engine::{EngineError, MaxFailures};
use serde_json::json;

const COMPANIES: &str =
    "company_id,name,parent,domain,created\nK1,Acme,,acme.example,2020-01-01\nK2,Beta,K1,beta.example,2021-01-01\n";

pub(crate) fn clinic() -> Project {
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,ada@x.example,K1,2020-01-01,\nC2,Bob,bob@x.example,K2,2021-01-01,\nC3,Cy,cy@x.example,,2022-01-01,\n";
    Project::new(plans::read(&plans::clinic()), &[("companies.csv", COMPANIES), ("contacts.csv", contacts)])
}

/// Rows of `number` companies, named `Company 1` and so on.
fn many(number: usize) -> String {
    let rows: Vec<String> = (1..=number).map(|row| format!("K{row},Company {row},,c{row}.example,\n")).collect();
    format!("company_id,name,parent,domain,created\n{}", rows.concat())
}

fn companies(change: impl FnOnce(serde_json::Value) -> serde_json::Value, csv: &str) -> Project {
    Project::new(plans::only_companies(change), &[("companies.csv", csv)])
}

#[test]
fn every_record_arrives_once_with_its_references() {
    let project = clinic();
    let summary = project.run().unwrap();
    assert!(summary.report.finished && !summary.interrupted);
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    Contact: 3 read, 3 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    "#);
    insta::assert_snapshot!(project.destination.refers("people", "company", "companies").join("\n"), @r#"
    Ada -> Acme
    Bob -> Beta
    Cy -> nothing
    "#);
}

#[test]
fn a_second_run_writes_nothing_and_says_the_same() {
    let project = clinic();
    let first = project.run().unwrap().report.to_json().unwrap();
    let writes = project.destination.writes();
    let second = project.run().unwrap();
    assert!(second.nothing_to_do);
    assert_eq!(second.report.to_json().unwrap(), first);
    assert_eq!(project.destination.writes(), writes);
}

#[test]
fn one_bad_row_of_a_batch_is_found_by_halves_and_the_others_arrive() {
    let project = companies(|stage| stage, &many(200));
    project.destination.refuse("Company 77\"");
    project.run().unwrap();
    assert_eq!(project.destination.live("companies"), 199);
    // 1 for all, one for each halving of 200, the bad one alone, and the others together.
    assert!(project.destination.writes() <= 11, "{} requests", project.destination.writes());
    insta::assert_snapshot!(project.reasons(), @"quarantined K77 export/companies.csv:78 the destination refused it: a value is not to its liking (400)");
    insta::assert_snapshot!(project.counts(), @"Company: 200 read, 199 created, 0 updated, 0 unchanged, 0 skipped, 1 quarantined");
}

#[test]
fn lost_answers_neither_lose_nor_double_a_record() {
    let project = companies(|stage| stage, &many(50));
    project.destination.batch(10);
    project.destination.faults(&[
        Some(Fault::LostAfter),
        None,
        Some(Fault::LostBefore),
        Some(Fault::LostBefore),
        Some(Fault::LostAfter),
    ]);
    project.run().unwrap();
    assert_eq!(project.destination.live("companies"), 50);
    insta::assert_snapshot!(project.counts(), @"Company: 50 read, 50 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined");
}

#[test]
fn a_run_that_dies_anywhere_ends_as_one_that_does_not() {
    let whole = clinic();
    whole.destination.batch(1);
    whole.run().unwrap();
    let wanted = (whole.destination.all("companies"), whole.destination.all("people"), whole.counts(), whole.reasons());
    for at in 0..5 {
        for fault in [Fault::DiesBefore, Fault::DiesAfter] {
            let project = clinic();
            project.destination.batch(1);
            let mut faults = vec![None; at];
            faults.push(Some(fault));
            project.destination.faults(&faults);
            assert!(matches!(project.run(), Err(EngineError::Load(_))), "request {at}, {fault:?}");
            project.run().unwrap();
            let found = (
                project.destination.all("companies"),
                project.destination.all("people"),
                project.counts(),
                project.reasons(),
            );
            assert_eq!(found, wanted, "request {at}, {fault:?}");
        }
    }
}

#[test]
fn a_run_that_is_asked_to_stop_goes_on_later() {
    let project = companies(|stage| stage, &many(100));
    project.destination.batch(10);
    project.destination.cancel_after(2, project.cancellation.clone());
    let summary = project.run().unwrap();
    assert!(summary.interrupted && !summary.report.finished);
    let halfway = project.destination.live("companies");
    assert!((10..100).contains(&halfway), "{halfway}");
    let project = Project { cancellation: migr_engine::CancellationFlag::default(), ..project };
    project.destination.cancel_after(usize::MAX, project.cancellation.clone());
    assert!(project.run().unwrap().report.finished);
    assert_eq!(project.destination.live("companies"), 100);
    insta::assert_snapshot!(project.counts(), @"Company: 100 read, 100 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined");
}

#[test]
fn too_many_failures_stop_the_run() {
    let mut project = companies(|stage| stage, &many(40));
    project.destination.batch(10);
    project.destination.refuse("Company");
    project.options.max_failures = Some(MaxFailures::Records(12));
    let error = project.run().unwrap_err();
    assert!(matches!(error, EngineError::TooManyFailures { .. }), "{error}");
    // What was quarantined until then is told; it did not go on to the end.
    let aside = project.reasons().lines().count();
    assert!((13..40).contains(&aside), "{aside} records were quarantined");
}

#[test]
fn rows_without_a_key_of_their_own_are_set_aside() {
    let csv = "company_id,name,parent,domain,created\nK1,Acme,,,\n,Nameless,,,\nK1,Again,,,\nK2,Ragged\nK3,Good,,,\n";
    let project = companies(|stage| stage, csv);
    project.run().unwrap();
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined  export/companies.csv:3 company_id: the key is empty
    quarantined K1 export/companies.csv:4 the key K1 is double; line 2 of export/companies.csv has it first
    quarantined  export/companies.csv:5 2 cells where the header has 5; a separator or quote in the text may not have been quoted
    "#);
    insta::assert_snapshot!(project.counts(), @"Company: 5 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 3 quarantined");
}

#[test]
fn each_row_belongs_to_one_map_and_one_that_none_takes_is_set_aside() {
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,,,,call\nC2,Bob,,,,note\nC3,Cy,,,,fax\nC4,Di,,,,spam\nC1,Twice,,,,note\n";
    let when = |kind: &str| {
        let condition = json!({"op": "binary", "operator": "equal", "left": plans::column("kind"), "right": {"op": "text", "value": kind}});
        json!({"when": condition})
    };
    let mut object = plans::contacts();
    object["skips"] = json!([{"condition": when("spam")["when"], "reason": "spam stays behind", "origin": {"file": "m", "line": 1, "column": 1}}]);
    let plan = plans::plan(
        vec![object],
        vec![
            with(stage("Call", "Contact", "calls", vec![text("name", "name")]), when("call")),
            with(stage("Note", "Contact", "notes", vec![text("name", "name")]), when("note")),
        ],
    );
    let project = Project::new(plans::read(&plan), &[("contacts.csv", contacts)]);
    project.run().unwrap();
    insta::assert_snapshot!(project.counts(), @r#"
    Call: 3 read, 1 created, 0 updated, 0 unchanged, 1 skipped, 1 quarantined
    Note: 2 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 1 quarantined
    "#);
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined C3 export/contacts.csv:4 no map takes this record of Contact; add a map, or a `skip` rule with the reason
    quarantined C1 export/contacts.csv:6 the key C1 is double; line 2 of export/contacts.csv has it first
    skipped Call: spam stays behind (1)
    "#);
}

#[test]
fn what_the_transform_or_the_connector_cannot_read_is_set_aside_with_every_field() {
    let mut plan = plans::clinic();
    plan["stages"][0]["fields"].as_array_mut().unwrap().push(json!({"field": "since", "type": {"kind": "date"},
        "value": plans::column("created"), "reads": ["created"], "origin": {"file": "m", "line": 1, "column": 1}}));
    let csv = "company_id,name,parent,domain,created\nK1,Acme,,,yesterday\nK2,unencodable,,,2020-01-01\nK3,Good,,,\n";
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,,K1,,\nC2,Bob,,K3,,\nC3,Cy,,K99,,\n";
    let project = Project::new(plans::read(&plan), &[("companies.csv", csv), ("contacts.csv", contacts)]);
    project.run().unwrap();
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined K1 export/companies.csv:2 since: "yesterday" is not a date of the form %Y-%m-%d
    quarantined K2 export/companies.csv:3 name: the destination cannot hold this
    quarantined C1 export/contacts.csv:2 company: "K1" is no Company of the destination: it was quarantined
    quarantined C3 export/contacts.csv:4 company: "K99" is no Company of the destination: it is not in the export
    "#);
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 3 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 2 quarantined
    Contact: 3 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 2 quarantined
    "#);
}

const TWINS: &str = "company_id,name,parent,domain,created\nK1,Acme,,acme.example,2021-01-01\nK2,,,beta.example,2020-01-01\nK3,Acme old,,ACME.example,2020-01-01\nK4,Acme new,,acme.example,2022-01-01\nK5,Free,,,\nK6,Free too,,,\n";

#[test]
fn records_of_one_identity_are_set_aside_but_for_the_first() {
    let project = companies(|stage| matching(stage, &["domain"]), TWINS);
    project.run().unwrap();
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined K3 export/companies.csv:4 it has the same domain as K1 (line 2)
    quarantined K4 export/companies.csv:5 it has the same domain as K1 (line 2)
    "#);
    assert_eq!(project.destination.values("companies", "name"), ["-", "Acme", "Free", "Free too"]);
}

#[test]
fn the_oldest_of_one_identity_is_kept_and_references_follow_it() {
    let mut plan = plans::clinic();
    plan["stages"][0]["fields"].as_array_mut().unwrap().push(text("domain", "domain"));
    let company = matching(plan["stages"][0].clone(), &["domain"]);
    plan["stages"][0] = policy(company, "duplicate", json!({"do": "keep_oldest", "column": "created"}));
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,,K1,,\nC2,Bob,,K3,,\nC3,Cy,,K4,,\nC4,Di,,K2,,\n";
    let project = Project::new(plans::read(&plan), &[("companies.csv", TWINS), ("contacts.csv", contacts)]);
    project.run().unwrap();
    insta::assert_snapshot!(project.destination.refers("people", "company", "companies").join("\n"), @r#"
    Ada -> Acme old
    Bob -> Acme old
    Cy -> Acme old
    Di -> -
    "#);
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 6 read, 4 created, 0 updated, 0 unchanged, 2 skipped, 0 quarantined
    Contact: 4 read, 4 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    "#);
    insta::assert_snapshot!(project.reasons(), @r#"
    skipped Company: duplicate of K3 (2)
    repaired K1 export/companies.csv:2 name: gave way to K3, which is kept (`on duplicate keep oldest created`)
    repaired K4 export/companies.csv:5 name: gave way to K3, which is kept (`on duplicate keep oldest created`)
    "#);
}

#[test]
fn rows_of_one_key_follow_the_policy_for_duplicates() {
    let csv = "company_id,name,parent,domain,created\nK1,First,,a.example,2021-01-01\nK1,Second,,b.example,2020-01-01\nK1,Third,,c.example,2022-01-01\nK2,Alone,,,\n";
    for (choice, kept) in
        [("keep_first", "First"), ("keep_last", "Third"), ("keep_oldest", "Second"), ("keep_newest", "Third")]
    {
        let column = choice.ends_with("est").then_some("created");
        let project = companies(|stage| policy(stage, "duplicate", json!({"do": choice, "column": column})), csv);
        project.run().unwrap();
        assert_eq!(project.destination.values("companies", "name"), ["Alone", kept], "{choice}");
        assert_eq!(project.counts(), "Company: 4 read, 2 created, 0 updated, 0 unchanged, 2 skipped, 0 quarantined");
        assert!(project.run().unwrap().nothing_to_do, "{choice}");
    }
}

#[test]
fn records_of_one_identity_become_one_with_the_newest_values() {
    let csv = "company_id,name,parent,domain,created\nK1,Acme,,acme.example,2021-01-01\nK2,,,acme.example,2023-01-01\nK3,Older,,acme.example,2020-01-01\n";
    let change =
        |stage| policy(matching(stage, &["domain"]), "duplicate", json!({"do": "merge_newest", "column": "created"}));
    let project = companies(change, csv);
    project.run().unwrap();
    // K2 is the newest and has no name: K1 gives it.
    assert_eq!(project.destination.values("companies", "name"), ["Acme"]);
    insta::assert_snapshot!(project.counts(), @"Company: 3 read, 1 created, 0 updated, 0 unchanged, 2 skipped, 0 quarantined");
    insta::assert_snapshot!(project.reasons(), @r"
    skipped Company: merged into K2 (2)
    repaired K3 export/companies.csv:4 name: gave way in the merge into K2 (`on duplicate merge newest created`)
    ");
    let writes = project.destination.writes();
    assert!(project.run().unwrap().nothing_to_do);
    assert_eq!(project.destination.writes(), writes);
}

#[test]
fn a_value_that_must_be_unique_never_refuses_a_batch() {
    let unique = |mut stage: serde_json::Value| {
        stage["fields"][1]["unique"] = json!("domain");
        stage
    };
    let project = companies(unique, TWINS);
    project.destination.unique("companies", "domain");
    project.run().unwrap();
    assert_eq!(project.destination.requests(), ["create 4 companies"]);
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined K3 export/companies.csv:4 domain: K1 (line 2) has the same value, which must be unique
    quarantined K4 export/companies.csv:5 domain: K1 (line 2) has the same value, which must be unique
    "#);
}

fn existing(policy_name: &str) -> Project {
    let project = beside_others(policy_name);
    project.run().unwrap();
    project
}

/// Companies of which three are in the destination already.
fn beside_others(policy_name: &str) -> Project {
    let change = |stage| policy(matching(stage, &["domain"]), "existing", json!(policy_name));
    let csv = "company_id,name,parent,domain,created\nK1,Acme,,acme.example,\nK2,Beta,,beta.example,\nK3,Gamma,,gamma.example,\nK4,New,,new.example,\n";
    let project = companies(change, csv);
    project.destination.holds("companies", "d1", &json!({"name": "", "domain": "ACME.example"}), false);
    project.destination.holds("companies", "d2", &json!({"name": "Beta of old", "domain": "beta.example"}), false);
    project.destination.holds("companies", "d3", &json!({"name": "Gamma", "domain": "gamma.example"}), false);
    for number in 0..5 {
        project.destination.holds("companies", &format!("e{number}"), &json!({"name": "other"}), false);
    }
    project
}

#[test]
fn a_run_that_dies_while_records_that_are_there_are_updated_counts_them_as_one_that_does_not() {
    for policy_name in ["fill", "update"] {
        let wanted = existing(policy_name);
        for at in 0..2 {
            for fault in [Fault::DiesBefore, Fault::DiesAfter] {
                let project = beside_others(policy_name);
                let mut faults = vec![None; at];
                faults.push(Some(fault));
                project.destination.faults(&faults);
                assert!(matches!(project.run(), Err(EngineError::Load(_))), "{policy_name}, request {at}, {fault:?}");
                project.run().unwrap();
                assert_eq!(project.counts(), wanted.counts(), "{policy_name}, request {at}, {fault:?}");
                assert_eq!(project.destination.all("companies"), wanted.destination.all("companies"));
            }
        }
    }
}

#[test]
fn a_record_that_is_there_is_filled_where_it_is_empty() {
    let project = existing("fill");
    insta::assert_snapshot!(project.counts(), @"Company: 4 read, 1 created, 1 updated, 2 unchanged, 0 skipped, 0 quarantined");
    let mut requests = project.destination.requests();
    // Both batches are journaled together, and on their way at the same time.
    requests.sort_unstable();
    assert_eq!(requests, ["create 1 companies", "update 1 companies"]);
    let values = project.destination.values("companies", "name");
    assert_eq!(
        values.iter().filter(|name| *name != "other").collect::<Vec<_>>(),
        ["Acme", "Beta of old", "Gamma", "New"]
    );
}

#[test]
fn a_record_that_is_there_is_updated_where_it_differs() {
    let project = existing("update");
    insta::assert_snapshot!(project.counts(), @"Company: 4 read, 1 created, 2 updated, 1 unchanged, 0 skipped, 0 quarantined");
    let values = project.destination.values("companies", "name");
    assert_eq!(values.iter().filter(|name| *name != "other").collect::<Vec<_>>(), ["Acme", "Beta", "Gamma", "New"]);
}

#[test]
fn a_record_that_is_there_is_left_or_set_aside() {
    let project = existing("skip");
    insta::assert_snapshot!(project.counts(), @"Company: 4 read, 1 created, 0 updated, 0 unchanged, 3 skipped, 0 quarantined");
    insta::assert_snapshot!(project.reasons(), @"skipped Company: it is in the destination already (3)");
    let project = existing("quarantine");
    insta::assert_snapshot!(project.counts(), @"Company: 4 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 3 quarantined");
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined K1 export/companies.csv:2 it is in the destination already, as d1
    quarantined K2 export/companies.csv:3 it is in the destination already, as d2
    quarantined K3 export/companies.csv:4 it is in the destination already, as d3
    "#);
}

#[test]
fn what_a_changed_record_held_is_kept() {
    let project = existing("update");
    let reader = project.journal().reader().unwrap();
    let step = reader.step("Company").unwrap().unwrap();
    let mut images: Vec<String> = reader
        .before_images(step, None, 10)
        .unwrap()
        .into_iter()
        .map(|(_, image)| format!("{} {} {} -> {}", image.operation.as_str(), image.id, image.image, image.written))
        .collect();
    images.sort();
    insta::assert_snapshot!(images.join("\n"), @r#"
    update d1 {"name":"","domain":"ACME.example"} -> {"name":"Acme","domain":"acme.example"}
    update d2 {"name":"Beta of old"} -> {"name":"Beta"}
    "#);
}

#[test]
fn two_records_that_could_be_it_are_not_guessed_between() {
    let project = companies(
        |stage| matching(stage, &["domain"]),
        "company_id,name,parent,domain,created\nK1,Acme,,acme.example,\n",
    );
    for id in ["d1", "d2"] {
        project.destination.holds("companies", id, &json!({"domain": "acme.example"}), false);
    }
    project.run().unwrap();
    insta::assert_snapshot!(project.reasons(), @"quarantined K1 export/companies.csv:2 domain: several records of the destination have this value; it is not clear which one is meant");
}

fn trashed(policy_name: &str) -> Project {
    let change = |stage| policy(matching(stage, &["domain"]), "deleted", json!(policy_name));
    let project = companies(change, "company_id,name,parent,domain,created\nK1,Acme,,acme.example,\n");
    project.destination.unique("companies", "domain");
    project.destination.holds("companies", "d1", &json!({"domain": "acme.example"}), true);
    project.run().unwrap();
    project
}

#[test]
fn a_twin_in_the_trash_is_restored_destroyed_or_left() {
    let restored = trashed("restore");
    assert_eq!(restored.destination.requests(), ["restore 1 companies", "update 1 companies"]);
    assert_eq!(
        restored.destination.all("companies"),
        [("d1".to_owned(), json!({"domain": "acme.example", "name": "Acme"}), false)]
    );
    let destroyed = trashed("destroy");
    assert_eq!(destroyed.destination.requests(), ["destroy 1 companies", "create 1 companies"]);
    assert_eq!(destroyed.destination.live("companies"), 1);
    let left = trashed("quarantine");
    assert_eq!(left.destination.writes(), 0);
    insta::assert_snapshot!(left.reasons(), @"quarantined K1 export/companies.csv:2 a match, d1, lies in the destination's trash; restore or destroy it there, or say `on deleted restore`");
}

fn family(cycle: &str, csv: &str) -> Project {
    let parent = deferred(reference("parent", "parent", target("Company", &["Company"]), "companies", "quarantine"));
    let fields = vec![text("name", "name"), parent];
    let company = policy(stage("Company", "Company", "companies", fields), "cycle", json!(cycle));
    let plan = plans::plan(vec![plans::companies()], vec![company]);
    let project = Project::new(plans::read(&plan), &[("companies.csv", csv)]);
    project.run().unwrap();
    project
}

const FAMILY: &str = "company_id,name,parent,domain,created\nK1,Root,,,\nK2,Child,K1,,\nK3,Early,K4,,\nK4,Late,K1,,\nK5,Left,K6,,\nK6,Right,K5,,\nK7,Self,K7,,\nK8,Lost,K99,,\n";

#[test]
fn parents_are_written_in_a_second_pass_and_circles_are_cut() {
    let project = family("cut", FAMILY);
    insta::assert_snapshot!(project.destination.refers("companies", "parent", "companies").join("\n"), @r#"
    Child -> Root
    Early -> Late
    Late -> Root
    Left -> Right
    Right -> nothing
    Root -> nothing
    Self -> nothing
    "#);
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined K8 export/companies.csv:9 parent: "K99" is no Company of the destination: it is not in the export, or was quarantined
    repaired K6 export/companies.csv:7 parent: left empty, because it is part of a circular reference: K5 (line 6) → K6 (line 7) → K5
    repaired K7 export/companies.csv:8 parent: left empty, because it is part of a circular reference: K7 (line 8) → K7
    "#);
    insta::assert_snapshot!(project.counts(), @"Company: 8 read, 7 created, 0 updated, 0 unchanged, 0 skipped, 1 quarantined");
    let writes = project.destination.writes();
    project.run().unwrap();
    assert_eq!(project.destination.writes(), writes);
}

#[test]
fn records_in_a_circle_are_set_aside_where_the_map_says_so() {
    let project = family("quarantine", FAMILY);
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined K5 export/companies.csv:6 it is part of a circular reference: K5 (line 6) → K6 (line 7) → K5
    quarantined K6 export/companies.csv:7 it is part of a circular reference: K5 (line 6) → K6 (line 7) → K5
    quarantined K7 export/companies.csv:8 it is part of a circular reference: K7 (line 8) → K7
    quarantined K8 export/companies.csv:9 parent: "K99" is no Company of the destination: it is not in the export, or was quarantined
    "#);
    assert_eq!(project.destination.live("companies"), 4);
}

const OWNED: &str = "company_id,name,parent,domain,created\nK1,Acme,,ADA@x.example,\nK2,Beta,,gone@old.example,\nK3,Gamma,,nobody@old.example,\nK4,Delta,,,\nK5,Eta,,Nobody@old.example,\n";

#[test]
fn owners_are_matched_overridden_or_fall_back_and_orphans_are_named() {
    let project = Project::new(
        plans::read(&plans::owned()),
        &[("users.csv", "user_id,email\nU1,ada@x.example\n"), ("companies.csv", OWNED)],
    );
    project.destination.member("m1", "Ada@x.example");
    project.destination.member("m2", "desk@x.example");
    project.run().unwrap();
    assert_eq!(project.destination.values("companies", "owner"), ["-", "m1", "m1", "m2", "m2"]);
    insta::assert_snapshot!(project.reasons(), @r#"
    orphan of nobody@old.example: Company K3 line 4
    orphan of nobody@old.example: Company K5 line 6
    "#);
    let fold = project.journal().reader().unwrap().fold().unwrap();
    let owners: Vec<String> = fold
        .owners
        .iter()
        .map(|owner| format!("{} {} {}", owner.source, owner.how, owner.destination.clone().unwrap_or_default()))
        .collect();
    insta::assert_snapshot!(owners.join("\n"), @r#"
    ada@x.example match ada@x.example
    gone@old.example override ada@x.example
    nobody@old.example fallback desk@x.example
    "#);
}

#[test]
fn a_fallback_that_is_nobody_is_said_before_anything_is_written() {
    let mut plan = plans::owned();
    plan["setup"] = json!([{"action": "create_field", "object": "companies", "field": "size", "label": "Size",
        "type": {"kind": "text"}, "origin": {"file": "m", "line": 1, "column": 1}}]);
    let project = Project::new(plans::read(&plan), &[("users.csv", "user_id,email\n"), ("companies.csv", OWNED)]);
    let error = project.setup().unwrap_err();
    assert_eq!(project.journal().reader().unwrap().setup().unwrap(), [], "the schema is as it was");
    plan["setup"] = json!([]);
    let project = Project::new(plans::read(&plan), &[("users.csv", "user_id,email\n"), ("companies.csv", OWNED)]);
    assert_eq!(project.run().unwrap_err().to_string(), error.to_string());
    assert_eq!(project.destination.writes(), 0);
    insta::assert_snapshot!(error.to_string(), @"the fallback owner `desk@x.example` is no member of members in the destination; invite this person or name another in `owners`");
}

#[test]
fn links_are_records_of_their_own_and_those_of_a_duplicate_go_to_the_one_that_was_kept() {
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,a@x.example,K1,,\nC2,Bob,b@x.example,K2,,\nC3,Ada again,A@x.example,K2,,\nC4,Ada thrice,a@x.example,K1,,\n";
    let mut plan = plans::clinic();
    let person =
        matching(stage("Contact", "Contact", "people", vec![text("name", "name"), text("email", "email")]), &["email"]);
    let links = link("targets", "personTargets", "company", target("Company", &["Company"]), "none");
    plan["stages"][1] = with(policy(person, "duplicate", json!({"do": "keep_first"})), json!({"links": [links]}));
    let project = Project::new(plans::read(&plan), &[("companies.csv", COMPANIES), ("contacts.csv", contacts)]);
    project.run().unwrap();
    let names = |object: &str| -> std::collections::BTreeMap<String, String> {
        let all = project.destination.all(object).into_iter();
        all.map(|(id, values, _)| (id, values["name"].as_str().unwrap().to_owned())).collect()
    };
    let (people, companies) = (names("people"), names("companies"));
    let mut links: Vec<String> = project
        .destination
        .all("personTargets")
        .into_iter()
        .map(|(_, link, _)| {
            let id = |object: &str| link[object].as_str().unwrap().to_owned();
            format!("{} - {}", people[&id("people")], companies[&id("companies")])
        })
        .collect();
    links.sort();
    assert_eq!(links, ["Ada - Acme", "Ada - Beta", "Bob - Beta"]);
    let writes = project.destination.writes();
    project.run().unwrap();
    assert_eq!(project.destination.writes(), writes);
    insta::assert_snapshot!(project.counts(), @r#"
    Company: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    Contact: 4 read, 2 created, 0 updated, 0 unchanged, 2 skipped, 0 quarantined
    "#);
}

#[test]
fn a_distinct_map_makes_one_record_per_value() {
    let distinct = json!({"value": plans::column("company"), "same": [{"canonical": "Acme", "variants": ["ACME"]}]});
    let name = json!({"field": "name", "type": {"kind": "text"}, "value": {"op": "distinct_value"}, "reads": [], "origin": {"file": "m", "line": 1, "column": 1}});
    let employers = with(stage("Employer", "Contact", "companies", vec![name]), json!({"distinct": distinct}));
    let people = stage(
        "Contact",
        "Contact",
        "people",
        vec![
            text("name", "name"),
            reference("company", "company", target("Contact", &["Employer"]), "companies", "quarantine"),
        ],
    );
    let contacts =
        "contact_id,name,email,company,created,kind\nC1,Ada,,Acme,,\nC2,Bob,,ACME,,\nC3,Cy,,Beta,,\nC4,Di,,,,\n";
    let plan = plans::plan(vec![plans::contacts()], vec![employers, people]);
    let project = Project::new(plans::read(&plan), &[("contacts.csv", contacts)]);
    project.run().unwrap();
    insta::assert_snapshot!(project.counts(), @r#"
    Employer: 2 read, 2 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    Contact: 4 read, 4 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined
    "#);
    insta::assert_snapshot!(project.destination.refers("people", "company", "companies").join("\n"), @r#"
    Ada -> Acme
    Bob -> Acme
    Cy -> Beta
    Di -> nothing
    "#);
}

#[test]
fn files_go_with_their_records_and_one_that_is_missing_sets_its_record_aside() {
    let file = json!({"field": "file", "type": {"kind": "file"}, "value": plans::column("path"), "reads": ["path"], "origin": {"file": "m", "line": 1, "column": 1}});
    let attachments = object("Attachment", "attachments.csv", &["id", "name", "path:file"]);
    let plan = plans::plan(
        vec![attachments],
        vec![stage("Attachment", "Attachment", "attachments", vec![text("name", "name"), file])],
    );
    let csv =
        "id,name,path\nA1,one,files/one.txt\nA2,two,files/two.txt\nA3,three,../secret.txt\nA4,four,files/empty.txt\n";
    let project = Project::new(plans::read(&plan), &[("attachments.csv", csv)]);
    std::fs::create_dir(project.path().join("export/files")).unwrap();
    std::fs::write(project.path().join("export/files/one.txt"), "hello").unwrap();
    std::fs::write(project.path().join("export/files/empty.txt"), "").unwrap();
    project.run().unwrap();
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined A2 export/attachments.csv:3 file: the file `files/two.txt` is not in the export
    quarantined A3 export/attachments.csv:4 file: `../secret.txt` is refused: it leads out of the export's folder
    quarantined A4 export/attachments.csv:5 the destination refused it: file: empty.txt: the file is empty
    "#);
    let stored: Vec<serde_json::Value> =
        project.destination.all("attachments").into_iter().map(|(_, values, _)| values).collect();
    assert_eq!(stored, [json!({"name": "one", "file": {"name": "one.txt", "bytes": 5}})]);
}

#[test]
fn an_export_that_changed_under_a_begun_migration_is_refused() {
    let project = clinic();
    project.run().unwrap();
    std::fs::write(project.path().join("export/companies.csv"), many(3)).unwrap();
    let error = project.run().unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"export/companies.csv changed since this migration was begun; put the earlier export back, or pick the changes up with `migr delta`");
}

#[test]
fn the_journal_says_the_same_of_two_equal_runs() {
    let lines = || {
        let project = clinic();
        project.destination.batch(1);
        project.run().unwrap();
        let reader = project.journal().reader().unwrap();
        let steps: Vec<String> = reader
            .lines()
            .map(|line| line.unwrap())
            .filter(|line| line.step.is_some())
            .map(|line| format!("{:?} {} {:?} {:?} {:?}", line.step, line.kind, line.key, line.id, line.digest))
            .collect();
        // Requests overlap: intents and outcomes each keep their order.
        let of = |kind: &str| steps.iter().filter(|step| step.contains(kind)).cloned().collect::<Vec<_>>();
        (of(" intent "), of(" created "))
    };
    assert_eq!(lines(), lines());
}

#[test]
fn a_record_in_quarantine_can_be_tried_again() {
    let project = companies(|stage| stage, &many(5));
    project.destination.refuse("Company 3\"");
    project.run().unwrap();
    project.destination.refuse("nothing at all");
    let released = {
        let context = project.context();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(migr_engine::retry(&context, Some("Company"))).unwrap().records
    };
    assert_eq!(released, 1);
    project.run().unwrap();
    assert_eq!(project.reasons(), "");
    insta::assert_snapshot!(project.counts(), @"Company: 5 read, 5 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined");
}

#[derive(Debug, Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl migr_engine::Progress for Told {
    fn event(&self, event: migr_engine::Event) {
        self.0.lock().unwrap().push(serde_json::to_string(&event).unwrap());
    }
}

#[test]
fn who_waits_is_told_step_by_step() {
    let project = clinic();
    project.destination.refuse("Bob");
    let told = std::sync::Arc::new(Told::default());
    let context = migr_engine::Context { progress: told.clone(), ..project.context() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(migr_engine::run(&context)).unwrap();
    insta::assert_snapshot!(told.0.lock().unwrap().join("\n"), @r#"
    {"type":"step_started","step":"Company","source_object":"Company","destination_object":"companies","bytes":106}
    {"type":"read","step":"Company","records":2,"pending":2}
    {"type":"compared","step":"Company"}
    {"type":"written","step":"Company","records":2}
    {"type":"step_done","step":"Company"}
    {"type":"step_started","step":"Contact","source_object":"Contact","destination_object":"people","bytes":147}
    {"type":"read","step":"Contact","records":3,"pending":3}
    {"type":"compared","step":"Contact"}
    {"type":"written","step":"Contact","records":2}
    {"type":"set_aside","step":"Contact","records":1}
    {"type":"step_done","step":"Contact"}
    "#);
}
