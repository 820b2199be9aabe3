//! Tests of what follows once records are written: deferred references, links, and the backfill.

use crate::common::Project;
use crate::common::memory::Fault;
use crate::common::plans::{self, deferred, link, matching, policy, reference, stage, target, text, with};
use serde_json::{Value, json};

fn retry(project: &Project) -> migr_engine::Released {
    let context = project.context();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(migr_engine::retry(&context, None)).unwrap()
}

fn verify(project: &Project) -> Vec<String> {
    let context = project.context();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let summary = runtime.block_on(migr_engine::verify(&context, None, &mut |_| {})).unwrap();
    let different =
        summary.differences.iter().map(|it| format!("{} {}: {}, not {}", it.key, it.field, it.found, it.expected));
    different.chain(summary.findings.iter().map(|(_, what)| what.clone())).collect()
}

fn parent(on_missing: &str) -> Value {
    deferred(reference("parent", "parent", target("Company", &["Company"]), "companies", on_missing))
}

fn companies(fields: Vec<Value>, change: impl FnOnce(Value) -> Value, csv: &str) -> Project {
    let company = change(stage("Company", "Company", "companies", fields));
    Project::new(plans::read(&plans::plan(vec![plans::companies()], vec![company])), &[("companies.csv", csv)])
}

#[test]
fn a_merged_record_gets_its_waiting_reference_from_the_first_row_that_has_one() {
    let csv = "company_id,name,parent,domain,created\nK1,Old,K3,a.example,2020-01-01\nK2,New,,a.example,2022-01-01\nK3,Top,,b.example,2020-01-01\n";
    let fields = vec![text("name", "name"), text("domain", "domain"), parent("none")];
    let newest =
        |stage| policy(matching(stage, &["domain"]), "duplicate", json!({"do": "merge_newest", "column": "created"}));
    let project = companies(fields, newest, csv);
    project.run().unwrap();
    assert_eq!(project.destination.refers("companies", "parent", "companies"), ["New -> Top", "Top -> nothing"]);
    insta::assert_snapshot!(project.reasons(), @r#"
    skipped Company: merged into K2 (1)
    repaired K1 export/companies.csv:2 name: gave way in the merge into K2 (`on duplicate merge newest created`)
    "#);
    assert_eq!(verify(&project), [""; 0]);
}

#[test]
fn a_rule_that_leaves_a_record_behind_holds_for_links_and_waiting_references_too() {
    let csv = "company_id,name,parent,domain,created\nK1,One,K9,,\nK2,Two,K1,,\nK3,Three,,,\n";
    let project = companies(vec![text("name", "name"), parent("skip")], |stage| stage, csv);
    project.run().unwrap();
    assert_eq!(project.destination.values("companies", "name"), ["Three"]);
    insta::assert_snapshot!(project.reasons(), @r#"
    skipped Company: "K1" is no Company of the destination: it is not in the export, or was quarantined (1)
    skipped Company: "K9" is no Company of the destination: it is not in the export, or was quarantined (1)
    "#);

    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,,K9,,\nC2,Bob,,K3,,\n";
    let mut plan = plans::clinic();
    let links = link("targets", "personTargets", "company", target("Company", &["Company"]), "skip");
    plan["stages"][1] =
        with(stage("Contact", "Contact", "people", vec![text("name", "name")]), json!({"links": [links]}));
    let project = Project::new(plans::read(&plan), &[("companies.csv", csv), ("contacts.csv", contacts)]);
    project.run().unwrap();
    assert_eq!(project.destination.values("people", "name"), ["Bob"]);
    assert_eq!(project.destination.live("personTargets"), 1);
}

/// Companies that wait for a person and a company, and people who refer to companies: circles of two objects.
fn two_objects(csv: &str, contacts: &str) -> Project {
    let lead = deferred(reference("lead", "domain", target("Contact", &["Contact"]), "people", "quarantine"));
    let mut plan = plans::clinic();
    plan["stages"][0] = stage("Company", "Company", "companies", vec![text("name", "name"), parent("none"), lead]);
    plan["stages"][1]["fields"][2] =
        reference("company", "company", target("Company", &["Company"]), "companies", "none");
    Project::new(plans::read(&plan), &[("companies.csv", csv), ("contacts.csv", contacts)])
}

const CIRCLE: &str = "company_id,name,parent,domain,created\nK1,Acme,,C1,\nK2,Beta,K1,C2,\nK3,Gamma,K2,C1,\n";
const PEOPLE: &str = "contact_id,name,email,company,created,kind\nC1,Ada,,K2,,\nC2,Bob,,K1,,\n";

#[test]
fn circles_of_two_objects_are_written_whole_wherever_the_run_dies() {
    let whole = two_objects(CIRCLE, PEOPLE);
    whole.destination.batch(1);
    whole.run().unwrap();
    assert_eq!(whole.destination.refers("companies", "lead", "people"), ["Acme -> Ada", "Beta -> Bob", "Gamma -> Ada"]);
    assert_eq!(
        whole.destination.refers("companies", "parent", "companies"),
        ["Acme -> nothing", "Beta -> Acme", "Gamma -> Beta"]
    );
    assert_eq!(whole.destination.refers("people", "company", "companies"), ["Ada -> Beta", "Bob -> Acme"]);
    assert_eq!((whole.reasons().as_str(), verify(&whole)), ("", Vec::new()));
    let all = |project: &Project| {
        (project.destination.all("companies"), project.destination.all("people"), project.counts(), project.reasons())
    };
    for at in 0..whole.destination.writes() {
        for fault in [Fault::DiesBefore, Fault::DiesAfter] {
            let project = two_objects(CIRCLE, PEOPLE);
            project.destination.batch(1);
            let mut faults = vec![None; at];
            faults.push(Some(fault));
            project.destination.faults(&faults);
            project.run().unwrap_err();
            project.run().unwrap();
            assert_eq!(all(&project), all(&whole), "request {at}, {fault:?}");
        }
    }
}

#[test]
fn of_two_waiting_references_the_one_that_can_be_is_written_and_the_other_is_noted() {
    let project = two_objects(CIRCLE, PEOPLE);
    project.destination.refuse("Ada");
    project.run().unwrap();
    assert_eq!(
        project.destination.refers("companies", "parent", "companies"),
        ["Acme -> nothing", "Beta -> Acme", "Gamma -> Beta"]
    );
    assert_eq!(
        project.destination.refers("companies", "lead", "people"),
        ["Acme -> nothing", "Beta -> Bob", "Gamma -> nothing"]
    );
    insta::assert_snapshot!(project.reasons(), @r#"
    quarantined C1 export/contacts.csv:2 the destination refused it: a value is not to its liking (400)
    repaired K1 export/companies.csv:2 lead: left empty: "C1" is no Contact of the destination: it was quarantined
    repaired K3 export/companies.csv:4 lead: left empty: "C1" is no Contact of the destination: it was quarantined
    "#);
    project.destination.refuse("nothing at all");
    retry(&project);
    project.run().unwrap();
    assert_eq!(
        project.destination.refers("companies", "lead", "people"),
        ["Acme -> Ada", "Beta -> Bob", "Gamma -> Ada"]
    );
    assert_eq!((project.reasons().as_str(), verify(&project)), ("", Vec::new()));
}

#[test]
fn what_the_destination_refuses_later_is_noted_with_its_field_and_tried_again() {
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,,K1,,\nC2,Bob,,K2,,\n";
    let csv = "company_id,name,parent,domain,created\nK1,Acme,K2,,\nK2,Beta,,,\n";
    let mut plan = plans::clinic();
    plan["stages"][0] = stage("Company", "Company", "companies", vec![text("name", "name"), parent("none")]);
    let links = link("targets", "personTargets", "company", target("Company", &["Company"]), "none");
    plan["stages"][1] =
        with(stage("Contact", "Contact", "people", vec![text("name", "name")]), json!({"links": [links]}));
    let project = Project::new(plans::read(&plan), &[("companies.csv", csv), ("contacts.csv", contacts)]);
    // Every body that refers to Beta.
    let beta = migr_engine::Ids::of("clinic").record("Company", "K2");
    project.destination.refuse(&format!(":\"{beta}\""));
    project.run().unwrap();
    insta::assert_snapshot!(project.reasons(), @r#"
    repaired C2 export/contacts.csv:3 targets: left empty: the destination refused it: a value is not to its liking (400)
    repaired K1 export/companies.csv:2 parent: left empty: the destination refused it: a value is not to its liking (400)
    "#);
    assert_eq!(verify(&project).len(), 2, "verify tells of what was refused");
    project.destination.refuse("nothing at all");
    retry(&project);
    project.run().unwrap();
    assert_eq!(project.destination.refers("companies", "parent", "companies"), ["Acme -> Beta", "Beta -> nothing"]);
    assert_eq!(project.destination.live("personTargets"), 2);
    assert_eq!((project.reasons().as_str(), verify(&project)), ("", Vec::new()));
}

#[test]
fn filling_in_what_was_left_empty_can_die_anywhere() {
    let csv = "company_id,name,parent,domain,created\nK1,Acme,,,\nK2,Beta,K1,,\nK3,Gamma,K1,,\n";
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,,K1,,\nC2,Bob,,K1,,\nC3,Cy,,K1,,\n";
    let mut plan = plans::clinic();
    plan["stages"][0] = stage("Company", "Company", "companies", vec![text("name", "name"), parent("none")]);
    plan["stages"][1]["fields"][2] =
        reference("company", "company", target("Company", &["Company"]), "companies", "none");
    let begun = || {
        let project = Project::new(plans::read(&plan), &[("companies.csv", csv), ("contacts.csv", contacts)]);
        project.destination.batch(1);
        project.destination.refuse("Acme");
        project.run().unwrap();
        project.destination.refuse("nothing at all");
        let released = retry(&project);
        assert_eq!((released.records, released.values), (1, 5));
        project
    };
    let all = |project: &Project| {
        (project.destination.all("companies"), project.destination.all("people"), project.counts(), project.reasons())
    };
    let whole = begun();
    let before = whole.destination.writes();
    whole.run().unwrap();
    assert_eq!(
        whole.destination.refers("people", "company", "companies"),
        ["Ada -> Acme", "Bob -> Acme", "Cy -> Acme"]
    );
    assert_eq!((whole.reasons().as_str(), verify(&whole)), ("", Vec::new()));
    for at in 0..whole.destination.writes() - before {
        for fault in [Fault::DiesBefore, Fault::DiesAfter] {
            let project = begun();
            let mut faults = vec![None; at];
            faults.push(Some(fault));
            project.destination.faults(&faults);
            project.run().unwrap_err();
            project.run().unwrap();
            assert_eq!(all(&project), all(&whole), "request {at}, {fault:?}");
            assert!(project.run().unwrap().nothing_to_do);
        }
    }
}

#[test]
fn a_field_that_somebody_filled_meanwhile_is_left_and_one_who_stood_in_for_an_owner_gives_way() {
    let csv = "company_id,name,parent,domain,created\nK1,Acme,,new@x.example,\nK2,Beta,,new@x.example,\nK3,Gamma,,nobody@x.example,\n";
    let project =
        Project::new(plans::read(&plans::owned()), &[("users.csv", "user_id,email\n"), ("companies.csv", csv)]);
    project.destination.member("desk", "desk@x.example");
    project.run().unwrap();
    assert_eq!(project.destination.values("companies", "owner"), ["desk"; 3]);
    let ids = migr_engine::Ids::of("clinic");
    project.destination.holds(
        "companies",
        &ids.record("Company", "K2"),
        &json!({"name": "Beta", "owner": "somebody"}),
        false,
    );
    project.destination.member("newcomer", "new@x.example");
    let released = retry(&project);
    assert_eq!((released.records, released.values), (0, 3));
    project.run().unwrap();
    assert_eq!(project.destination.values("companies", "owner"), ["desk", "newcomer", "somebody"]);
    insta::assert_snapshot!(project.reasons(), @r#"
    orphan of new@x.example: Company K2 line 3
    orphan of nobody@x.example: Company K3 line 4
    "#);
    let owners = project.journal().reader().unwrap().owners().unwrap();
    let how: Vec<String> = owners.iter().map(|owner| format!("{} {}", owner.source, owner.how)).collect();
    assert_eq!(how, ["new@x.example match", "nobody@x.example fallback"]);
}

/// People with links whose field has a name, and a boss that has to wait.
fn linked(field: &str) -> Project {
    let companies = "company_id,name,parent,domain,created\nK1,Acme,,,\n";
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,C2,K1,,\nC2,Bob,,K1,,\n";
    let mut plan = plans::clinic();
    let links = link(field, "personTargets", "company", target("Company", &["Company"]), "none");
    let boss = deferred(reference("boss", "email", target("Contact", &["Contact"]), "people", "none"));
    plan["stages"][1] =
        with(stage("Contact", "Contact", "people", vec![text("name", "name"), boss]), json!({"links": [links]}));
    Project::new(plans::read(&plan), &[("companies.csv", companies), ("contacts.csv", contacts)])
}

#[test]
fn a_link_field_of_any_name_leaves_deferred_fields_their_own_step() {
    for field in ["second", "filled", "deferred", "backfill", "others"] {
        let project = linked(field);
        project.run().unwrap();
        assert_eq!(project.destination.refers("people", "boss", "people"), ["Ada -> Bob", "Bob -> nothing"], "{field}");
        assert_eq!(project.destination.live("personTargets"), 2, "{field}");
        assert!(project.run().unwrap().nothing_to_do, "{field}");
    }
}

#[test]
fn a_record_that_needs_one_of_its_stage_stays_out_with_it_wherever_that_stands_in_the_file() {
    // K1 is there and is quarantined for it; K2 needs K1, K3 needs K2, K4 is merged into nobody and needs nobody.
    for csv in [
        "company_id,name,parent,domain,created\nK1,One,,a.example,\nK2,Two,K1,b.example,\nK3,Three,K2,c.example,\nK4,Four,,d.example,\n",
        "company_id,name,parent,domain,created\nK3,Three,K2,c.example,\nK2,Two,K1,b.example,\nK4,Four,,d.example,\nK1,One,,a.example,\n",
    ] {
        let fields = vec![text("name", "name"), text("domain", "domain"), parent("quarantine")];
        let there = |stage| policy(matching(stage, &["domain"]), "existing", json!("quarantine"));
        let project = companies(fields, there, csv);
        project.destination.holds("companies", "X1", &json!({"name": "One", "domain": "a.example"}), false);
        project.run().unwrap();
        assert_eq!(project.destination.values("companies", "name"), ["Four", "One"]);
        assert_eq!(project.counts(), "Company: 4 read, 1 created, 0 updated, 0 unchanged, 0 skipped, 3 quarantined");
        assert_eq!(verify(&project), [""; 0]);
    }
}
