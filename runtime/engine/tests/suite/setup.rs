//! Tests of what setup changes, and of what it finds in the export.

use crate::common::Project;
use crate::common::plans::{self, stage, text};
use serde_json::json;

fn project(actions: serde_json::Value) -> Project {
    let origin = json!({"file": "m", "line": 1, "column": 1});
    let status = json!({"field": "status", "type": {"kind": "select", "options": ["NEW"]}, "reads": ["kind"],
        "value": {"op": "picklist", "table": "Status", "inputs": [plans::column("kind")], "output": 0}, "origin": origin});
    let mut plan = plans::plan(
        vec![plans::contacts()],
        vec![stage("Contact", "Contact", "people", vec![text("name", "name"), status])],
    );
    plan["picklists"] = json!([{"name": "Status", "object": "people", "fields": ["status"], "ignore_case": true, "ignore_space": true,
        "rows": [{"keys": [["New"]], "values": ["NEW"], "origin": origin}], "otherwise": {"do": "create"}, "origin": origin}]);
    plan["setup"] = actions;
    let contacts = "contact_id,name,email,company,created,kind\nC1,Ada,,,,new\nC2,Bob,,,,In progress\nC3,Cy,,,,IN-PROGRESS\nC4,Di,,,,Won\nC5,Ed,,,,\n";
    Project::new(plans::read(&plan), &[("contacts.csv", contacts)])
}

fn create_field(name: &str, options_from: Option<&str>) -> serde_json::Value {
    json!({"action": "create_field", "object": if name == "taken" { "companies" } else { "people" }, "field": name, "label": name,
        "type": {"kind": "select", "options": ["NEW"]}, "options": [{"value": "NEW", "label": "New"}], "options_from": options_from,
        "origin": {"file": "m", "line": 1, "column": 1}})
}

#[test]
fn values_of_the_export_become_options_once_each() {
    let project = project(json!([create_field("status", Some("Status"))]));
    let summary = project.setup().unwrap();
    assert_eq!((summary.done, summary.already_there, summary.blocked), (1, 0, 0));
    let again = project.setup().unwrap();
    assert_eq!((again.done, again.already_there), (0, 1));
    let setup = project.journal().reader().unwrap().setup().unwrap();
    assert_eq!(setup[0].outcome, "done");
    let undo: serde_json::Value = serde_json::from_str(&setup[0].undo).unwrap();
    insta::assert_snapshot!(undo["action"]["options"], @r#"[{"value":"NEW","label":"New"},{"value":"IN_PROGRESS","label":"In progress"},{"value":"WON","label":"Won"}]"#);
}

#[test]
fn what_cannot_be_made_is_said_and_the_rest_is_made() {
    let project = project(json!([create_field("taken", None), create_field("free", None)]));
    let summary = project.setup().unwrap();
    insta::assert_snapshot!(
        summary.actions.iter().map(|(action, outcome)| format!("{action}: {outcome}")).collect::<Vec<_>>().join("\n"),
        @r#"
        create field companies.taken: a field of another type has this name
        create field people.free: done
        "#
    );
    assert_eq!(summary.blocked, 1);
}

#[test]
fn a_run_waits_for_setup() {
    let project = project(json!([create_field("taken", None), create_field("free", None)]));
    insta::assert_snapshot!(project.run().unwrap_err().to_string(), @"the destination is not set up yet: create field companies.taken; create field people.free. Run `migr setup` first");
    project.setup().unwrap();
    insta::assert_snapshot!(project.run().unwrap_err().to_string(), @"the destination is not set up yet: create field companies.taken (a field of another type has this name). Run `migr setup` first");
    assert_eq!(project.destination.writes(), 0);
}

#[test]
fn nothing_is_made_where_two_relations_of_one_object_would_have_one_label() {
    let relation = |name: &str| {
        json!({"action": "create_field", "object": "people", "field": name, "label": name, "inverse": "Staff",
            "type": {"kind": "reference", "objects": ["companies"]}, "origin": {"file": "m", "line": 1, "column": 1}})
    };
    let project = project(json!([create_field("free", None), relation("first"), relation("second")]));
    let summary = project.setup().unwrap();
    insta::assert_debug_snapshot!((summary.done, summary.blocked, summary.actions), @r#"
    (
        0,
        1,
        [
            (
                "create field people.second",
                "`companies` would have two relations \"Staff\", of first and second; give one another `inverse`",
            ),
        ],
    )
    "#);
    assert_eq!(project.journal().reader().unwrap().setup().unwrap(), []);
}

#[test]
fn a_column_that_is_gone_from_any_file_is_said_before_anything_is_changed() {
    let companies = "company_id,name,parent,domain,created\nK1,Acme,,,\n";
    let contacts = "contact_id,name,mail,company,created,kind\nC1,Ada,,K1,,\n";
    let project =
        Project::new(plans::read(&plans::clinic()), &[("companies.csv", companies), ("contacts.csv", contacts)]);
    for said in [project.setup().unwrap_err().to_string(), project.run().unwrap_err().to_string()] {
        assert!(said.contains("export/contacts.csv") && said.contains("email"), "{said}");
    }
    assert_eq!(
        (project.destination.writes(), project.counts().as_str()),
        (
            0,
            "Company: 0 read, 0 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined\nContact: 0 read, 0 created, 0 updated, 0 unchanged, 0 skipped, 0 quarantined"
        )
    );
}
