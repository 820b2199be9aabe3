//! Plans put together for tests.

use migr_plan::Plan;
use serde_json::{Value, json};

fn origin() -> Value {
    json!({"file": "main.migr", "line": 1, "column": 1})
}

/// An object whose first column is its key; a column is `name`, or `name:type`, dates as `%Y-%m-%d`.
pub(crate) fn object(name: &str, file: &str, columns: &[&str]) -> Value {
    let columns: Vec<Value> = columns
        .iter()
        .map(|column| {
            let (name, ty) = column.split_once(':').unwrap_or((column, "text"));
            let mut column = json!({"name": name, "type": ty});
            if ty == "date" {
                column["format"] = json!("%Y-%m-%d");
            }
            column
        })
        .collect();
    let key = columns[0]["name"].clone();
    json!({"name": name, "file": file, "key": [key], "columns": columns, "origin": origin()})
}

pub(crate) fn column(name: &str) -> Value {
    json!({"op": "column", "name": name})
}

/// A text field of a column.
pub(crate) fn text(field: &str, from: &str) -> Value {
    json!({"field": field, "type": {"kind": "text"}, "value": column(from), "reads": [from], "origin": origin()})
}

pub(crate) fn target(object: &str, stages: &[&str]) -> Value {
    json!({"object": object, "stages": stages})
}

/// A reference to what a column names.
pub(crate) fn reference(field: &str, from: &str, target: Value, to: &str, on_missing: &str) -> Value {
    let value = json!({"op": "reference", "key": column(from), "targets": [target], "on_missing": on_missing});
    json!({"field": field, "type": {"kind": "reference", "objects": [to]}, "value": value, "reads": [from], "origin": origin()})
}

/// The same field, written in the deferred step.
pub(crate) fn deferred(mut field: Value) -> Value {
    field["deferred"] = json!(true);
    field
}

/// A stage; more is set by `with`.
pub(crate) fn stage(id: &str, from: &str, to: &str, fields: Vec<Value>) -> Value {
    let waits: Vec<Value> = fields
        .iter()
        .filter(|field| field["deferred"] == json!(true))
        .map(|field| json!({"field": field["field"], "reason": "it refers to its own object", "origin": origin()}))
        .collect();
    json!({"id": id, "map": id, "source_object": from, "destination_object": to, "depends_on": [], "edges": [],
        "policies": {"existing": "fill", "duplicate": {"do": "quarantine"}, "deleted": "quarantine", "cycle": "cut"},
        "fields": fields, "deferred": waits, "rollback": {"class": "exact"}, "origin": origin()})
}

/// A stage with some of its keys set.
pub(crate) fn with(mut stage: Value, keys: Value) -> Value {
    for (key, value) in keys.as_object().unwrap() {
        stage[key] = value.clone();
    }
    stage
}

/// A stage with one policy set.
pub(crate) fn policy(mut stage: Value, name: &str, value: Value) -> Value {
    stage["policies"][name] = value;
    stage
}

/// A stage that recognises records by a field.
pub(crate) fn matching(stage: Value, fields: &[&str]) -> Value {
    with(stage, json!({"match": {"all": false, "fields": fields, "origin": origin()}}))
}

/// Links from a column.
pub(crate) fn link(field: &str, through: &str, from: &str, target: Value, on_missing: &str) -> Value {
    let reference = json!({"op": "reference", "key": column(from), "targets": [target], "on_missing": on_missing});
    json!({"field": field, "through": through, "objects": ["people"], "value": {"op": "list", "items": [reference]},
        "on_missing": on_missing, "reads": [from], "origin": origin()})
}

pub(crate) fn plan(objects: Vec<Value>, stages: Vec<Value>) -> Value {
    json!({
        "format_version": 1, "migration": "clinic", "inputs": {"files": []}, "options": {},
        "source": {"system": "practice", "files": "export/*.csv", "blank": [], "objects": objects},
        "destination": {"system": "memory", "connector": "memory", "name": "memory", "settings": {}, "limits": []},
        "setup": [], "stages": stages, "picklists": [], "degradations": [], "rows": [],
        "estimate": {"records": null, "requests": null, "seconds": null},
        "summary": {"create": null, "update": null, "unchanged": null, "skip": null, "quarantine": null, "schema_changes": 0, "blocking": 0},
    })
}

pub(crate) fn read(plan: &Value) -> Plan {
    Plan::from_json(&plan.to_string()).unwrap()
}

pub(crate) fn companies() -> Value {
    object("Company", "companies.csv", &["company_id", "name", "parent", "domain", "created:date"])
}

pub(crate) fn contacts() -> Value {
    object("Contact", "contacts.csv", &["contact_id", "name", "email", "company", "created:date", "kind"])
}

/// Companies, then contacts that refer to them.
pub(crate) fn clinic() -> Value {
    plan(
        vec![companies(), contacts()],
        vec![
            stage("Company", "Company", "companies", vec![text("name", "name")]),
            stage(
                "Contact",
                "Contact",
                "people",
                vec![
                    text("name", "name"),
                    text("email", "email"),
                    reference("company", "company", target("Company", &["Company"]), "companies", "quarantine"),
                ],
            ),
        ],
    )
}

/// Companies alone, with keys of the stage set.
pub(crate) fn only_companies(change: impl FnOnce(Value) -> Value) -> Plan {
    let fields = vec![text("name", "name"), text("domain", "domain")];
    read(&plan(vec![companies()], vec![change(stage("Company", "Company", "companies", fields))]))
}

/// Companies with an owner, and who stands for whom.
pub(crate) fn owned() -> Value {
    let user = object("User", "users.csv", &["user_id", "email"]);
    let owner = json!({"field": "owner", "type": {"kind": "reference", "objects": ["members"]}, "reads": ["domain"],
        "value": {"op": "owner", "key": column("domain"), "target": {"object": "User", "column": "email"}},
        "origin": {"file": "m", "line": 1, "column": 1}});
    let company = stage("Company", "Company", "companies", vec![text("name", "name"), owner]);
    let mut plan = self::plan(vec![user, companies()], vec![company]);
    plan["owners"] = json!({"source_object": "User", "source_column": "email", "destination_object": "members", "destination_field": "email",
        "overrides": [{"source": "Gone@Old.example", "destination": "ada@x.example", "origin": {"file": "m", "line": 1, "column": 1}}],
        "fallback": "desk@x.example", "origin": {"file": "m", "line": 1, "column": 1}});
    plan
}
