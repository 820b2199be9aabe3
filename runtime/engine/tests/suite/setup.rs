//! What setup changes, and what it finds in the export.

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
