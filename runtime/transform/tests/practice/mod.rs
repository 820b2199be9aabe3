//! A plan for a small practice, as the compiler would make it, and short names for its expressions.

#![expect(
    clippy::needless_pass_by_value,
    clippy::indexing_slicing,
    reason = "expressions are built from the inside out; a plan is known"
)]

use migr_plan::Plan;
use serde_json::{Value as Json, json};

pub(crate) fn place() -> Json {
    json!({"file": "main.migr", "line": 1, "column": 1})
}

pub(crate) fn col(name: &str) -> Json {
    json!({"op": "column", "name": name})
}

pub(crate) fn text(value: &str) -> Json {
    json!({"op": "text", "value": value})
}

/// `input | function(arguments)`
pub(crate) fn pipe(input: Json, function: &str, arguments: &[Json]) -> Json {
    let all: Vec<Json> = [input].into_iter().chain(arguments.iter().cloned()).collect();
    json!({"op": "call", "function": function, "arguments": all})
}

pub(crate) fn convert(value: Json, to: Json) -> Json {
    json!({"op": "convert", "value": value, "to": to})
}

pub(crate) fn otherwise_none(value: Json) -> Json {
    json!({"op": "otherwise", "value": value, "recovery": {"do": "use", "value": {"op": "none"}}})
}

/// `value otherwise skip`
pub(crate) fn call_otherwise(value: Json, rule: &str) -> Json {
    json!({"op": "otherwise", "value": value, "recovery": {"do": rule}})
}

pub(crate) fn target(object: &str, stages: &[&str]) -> Json {
    json!({"object": object, "stages": stages})
}

pub(crate) fn reference(key: Json, target: Json, on_missing: &str) -> Json {
    json!({"op": "reference", "key": key, "targets": [target], "on_missing": on_missing})
}

pub(crate) fn through(key: Json, target: Json, field: &str) -> Json {
    json!({"op": "through", "key": key, "target": target, "field": field})
}

pub(crate) fn user() -> Json {
    json!({"object": "User", "column": "email", "ignore_case": true})
}

pub(crate) fn owner(key: Json) -> Json {
    json!({"op": "owner", "key": key, "target": user()})
}

pub(crate) fn record(parts: &[(&str, Json)]) -> Json {
    let fields: Vec<Json> = parts.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({"op": "record", "fields": fields})
}

pub(crate) fn binary(operator: &str, left: Json, right: Json) -> Json {
    json!({"op": "binary", "operator": operator, "left": left, "right": right})
}

pub(crate) fn kind(name: &str) -> Json {
    json!({"kind": name})
}

pub(crate) fn composite(name: &str, parts: &[(&str, &str)]) -> Json {
    let parts: Vec<Json> = parts
        .iter()
        .map(|(name, ty)| json!({"name": name, "type": kind(ty), "unique": name.starts_with("primary")}))
        .collect();
    json!({"kind": "composite", "name": name, "parts": parts})
}

/// `field = value`; the conversion into the field's type stands inside `otherwise`, whose rule it falls under.
pub(crate) fn field(name: &str, ty: Json, mut value: Json) -> Json {
    let value = if value["op"] == "otherwise" {
        value["value"] = convert(value["value"].take(), ty.clone());
        value
    } else if value["function"] == "markdown" {
        // Of the field's type already.
        value
    } else {
        convert(value, ty.clone())
    };
    json!({"field": name, "type": ty, "value": value, "reads": [], "origin": place()})
}

fn column(name: &str, ty: &str) -> Json {
    let mut column = json!({"name": name, "type": ty});
    match ty {
        "datetime" => {
            column["format"] = json!("%m/%d/%Y %I:%M %p");
            column["zone"] = json!("America/New_York");
        }
        "date" => column["format"] = json!("%m/%d/%Y"),
        "text_list" | "reference_list" => column["split"] = json!(";"),
        _ => {}
    }
    column
}

fn object(name: &str, file: &str, key: &[&str], columns: &[(&str, &str)]) -> Json {
    let columns: Vec<Json> = columns.iter().map(|(name, ty)| column(name, ty)).collect();
    json!({"name": name, "file": file, "key": key, "columns": columns, "origin": place()})
}

fn stage(id: &str, source: &str, destination: &str, fields: &[Json]) -> Json {
    json!({
        "id": id, "map": id, "source_object": source, "destination_object": destination, "depends_on": [], "edges": [],
        "policies": {"existing": "fill", "duplicate": {"do": "quarantine"}, "deleted": "quarantine", "cycle": "cut"},
        "fields": fields, "deferred": [], "rollback": {"class": "exact"}, "origin": place(),
    })
}

fn picklist(name: &str, rows: &[(&[Option<&str>], &str)], otherwise: Json) -> Json {
    let rows: Vec<Json> = rows
        .iter()
        .map(|(keys, value)| json!({"keys": keys.iter().map(|key| [key]).collect::<Vec<_>>(), "values": [value], "origin": place()}))
        .collect();
    json!({"name": name, "object": "o", "fields": ["f"], "ignore_case": true, "ignore_space": true, "rows": rows, "otherwise": otherwise, "origin": place()})
}

/// The stages that a contact may have.
pub(crate) const STAGES: &[(&str, &str)] = &[
    ("new", "NEW"),
    ("open", "OPEN"),
    ("attempted to contact", "ATTEMPTED"),
    ("connected", "CONNECTED"),
    ("in progress", "IN_PROGRESS"),
    ("qualified", "QUALIFIED"),
    ("unqualified", "UNQUALIFIED"),
    ("bad timing", "BAD_TIMING"),
    ("demo scheduled", "DEMO_SCHEDULED"),
    ("demo done", "DEMO_DONE"),
    ("proposal sent", "PROPOSAL"),
    ("negotiation", "NEGOTIATION"),
    ("contract sent", "CONTRACT"),
    ("closed won", "WON"),
    ("closed lost", "LOST"),
    ("on hold", "ON_HOLD"),
    ("nurture", "NURTURE"),
    ("customer", "CUSTOMER"),
    ("former customer", "CHURNED"),
    ("do not contact", "DNC"),
];

fn contact_fields() -> Vec<Json> {
    let companies = || target("Company", &["Company"]);
    vec![
        field(
            "name",
            composite("name", &[("firstName", "text"), ("lastName", "text")]),
            record(&[
                ("firstName", pipe(col("first_name"), "trim", &[])),
                ("lastName", pipe(col("last_name"), "trim", &[])),
            ]),
        ),
        field(
            "emails",
            composite("emails", &[("primaryEmail", "email")]),
            otherwise_none(record(&[("primaryEmail", pipe(pipe(col("email"), "trim", &[]), "lower", &[]))])),
        ),
        field(
            "phones",
            composite("phones", &[("primaryPhoneNumber", "phone")]),
            otherwise_none(record(&[("primaryPhoneNumber", pipe(col("phone"), "phone", &[]))])),
        ),
        field("jobTitle", kind("text"), pipe(col("job_title"), "trim", &[])),
        field(
            "company",
            json!({"kind": "reference", "objects": ["companies"]}),
            reference(pipe(col("company_ids"), "first", &[]), companies(), "none"),
        ),
        field("createdAt", kind("datetime"), col("created_at")),
        field(
            "otherCompanies",
            kind("text"),
            pipe(
                pipe(pipe(through(col("company_ids"), companies(), "name"), "rest", &[]), "unique", &[]),
                "join",
                &[text("; ")],
            ),
        ),
        field(
            "leadStatus",
            json!({"kind": "select", "options": ["NEW"]}),
            json!({"op": "picklist", "table": "LeadStatus", "inputs": [col("lead_status")], "output": 0}),
        ),
        field("owner", json!({"kind": "reference", "objects": ["workspaceMembers"]}), owner(col("owner_email"))),
        field("tags", json!({"kind": "list", "of": kind("text")}), pipe(pipe(col("tags"), "trim", &[]), "unique", &[])),
        field("bio", kind("richtext"), pipe(col("bio"), "markdown", &[])),
        field("city", kind("text"), col("city")),
        field("annualValue", kind("currency"), pipe(col("annual_value"), "money", &[])),
        field("unsubscribed", kind("boolean"), col("unsubscribed")),
    ]
}

/// The plan, with changes.
pub(crate) fn plan(changes: impl FnOnce(&mut Json)) -> Plan {
    let mut contact = object(
        "Contact",
        "contacts.csv",
        &["contact_id"],
        &[
            ("contact_id", "text"),
            ("first_name", "text"),
            ("last_name", "text"),
            ("email", "email"),
            ("phone", "phone"),
            ("job_title", "text"),
            ("lead_status", "text"),
            ("company_ids", "reference_list"),
            ("owner_email", "reference"),
            ("created_at", "datetime"),
            ("annual_value", "text"),
            ("tags", "text_list"),
            ("bio", "richtext"),
            ("city", "text"),
            ("unsubscribed", "boolean"),
        ],
    );
    for sensitive in [1, 2, 3, 4, 12, 13] {
        contact["columns"][sensitive]["sensitive"] = json!(true);
    }
    contact["columns"][5]["max"] = json!(500);
    let mut activity = object(
        "Activity",
        "activities.csv",
        &["activity_id"],
        &[
            ("activity_id", "text"),
            ("type", "text"),
            ("subject", "text"),
            ("start", "datetime"),
            ("end", "datetime"),
            ("contact_id", "reference"),
            ("deal_id", "reference"),
            ("owner_email", "reference"),
            ("outcome", "text"),
        ],
    );
    let type_of = || pipe(pipe(col("type"), "trim", &[]), "lower", &[]);
    let kinds = json!({"op": "list", "items": [text("call"), text("email"), text("meeting")]});
    activity["skips"] =
        json!([{"condition": binary("not_in", type_of(), kinds), "reason": "unknown kind", "origin": place()}]);
    activity["checks"] = json!([{"condition": binary("greater_or_equal", col("end"), col("start")), "reason": "ends before it starts", "origin": place()}]);
    let mut meeting = stage(
        "Meeting",
        "Activity",
        "notes",
        &[
            field(
                "title",
                kind("text"),
                binary(
                    "coalesce",
                    col("subject"),
                    json!({"op": "template", "parts": [text("Meeting "), pipe(col("start"), "format", &[text("%b %d, %Y")])]}),
                ),
            ),
            field("createdAt", kind("datetime"), col("start")),
            field(
                "createdBy",
                composite("actor", &[("source", "text"), ("workspaceMember", "json"), ("name", "text")]),
                record(&[
                    ("source", json!({"op": "option", "value": "IMPORT"})),
                    ("name", through(col("owner_email"), user(), "name")),
                ]),
            ),
            field("endedAt", kind("datetime"), otherwise_none(col("end"))),
        ],
    );
    meeting["when"] = binary("equal", type_of(), text("meeting"));
    let links = json!({"op": "list", "items": [reference(col("contact_id"), target("Contact", &["Contact"]), "quarantine"), reference(col("deal_id"), target("Deal", &["Deal"]), "quarantine")]});
    meeting["links"] = json!([{"field": "targets", "through": "noteTargets", "objects": ["people", "opportunities"], "value": links, "on_missing": "quarantine", "reads": [], "origin": place()}]);
    let stage_name = json!({"object": "PipelineStage", "column": "stage", "ignore_case": true, "ignore_space": true});
    let mut company_stage = stage(
        "Company",
        "Company",
        "companies",
        &[
            field("name", kind("text"), pipe(col("name"), "trim", &[])),
            field("domainName", kind("url"), pipe(col("domain"), "domain", &[])),
            field(
                "parentCompany",
                json!({"kind": "reference", "objects": ["companies"]}),
                reference(col("parent_company_id"), target("Company", &["Company"]), "quarantine"),
            ),
        ],
    );
    company_stage["fields"][2]["deferred"] = json!(true);
    let mut plan = json!({
        "format_version": 1, "migration": "practice", "inputs": {"files": []},
        "options": {"timezone": "America/New_York", "country": "US", "currency": "USD"},
        "source": {
            "system": "visual_practice", "files": "export/*.csv", "blank": ["n/a", "-"],
            "objects": [
                object("User", "owners.csv", &["owner_id"], &[("owner_id", "text"), ("name", "text"), ("email", "email")]),
                object("Company", "companies.csv", &["company_id"], &[("company_id", "text"), ("name", "text"), ("domain", "text"), ("parent_company_id", "reference")]),
                contact,
                object("Deal", "deals.csv", &["deal_id"], &[("deal_id", "text"), ("name", "text"), ("stage", "reference"), ("amount", "text"), ("currency", "text"), ("close_date", "date")]),
                activity,
                object("PipelineStage", "pipelines.csv", &["pipeline", "stage"], &[("pipeline", "text"), ("stage", "text"), ("probability", "number")]),
            ],
        },
        "destination": {"system": "twenty", "connector": "twenty", "name": "staging", "settings": {}, "limits": []},
        "setup": [],
        "stages": [
            company_stage,
            stage("Contact", "Contact", "people", &contact_fields()),
            stage("Deal", "Deal", "opportunities", &[
                field("name", kind("text"), col("name")),
                field("amount", kind("currency"), pipe(col("amount"), "money", &[pipe(col("currency"), "upper", &[])])),
                field("closeDate", kind("datetime"), pipe(col("close_date"), "at", &[text("12:00"), text("America/New_York")])),
                field("stage", json!({"kind": "select", "options": ["NEW", "SCREENING"]}), json!({"op": "picklist", "table": "DealStage", "inputs": [through(col("stage"), stage_name.clone(), "stage")], "output": 0})),
                field("probability", kind("number"), through(col("stage"), stage_name, "probability")),
            ]),
            meeting,
        ],
        "owners": {
            "source_object": "User", "source_column": "email", "destination_object": "workspaceMembers", "destination_field": "userEmail",
            "overrides": [{"source": "left3@old.example", "destination": "jane.smith@clinic.example", "origin": place()}],
            "fallback": "front.desk@clinic.example", "origin": place(),
        },
        "picklists": [
            picklist("DealStage", &[(&[Some("New"), Some("Open")], "NEW"), (&[Some("Connected")], "SCREENING")], json!({"do": "quarantine"})),
            picklist("LeadStatus", &STAGES.iter().map(|(key, value)| (std::slice::from_ref(Box::leak(Box::new(Some(*key)))), *value)).collect::<Vec<_>>(), json!({"do": "create"})),
        ],
        "degradations": [], "rows": [],
        "estimate": {"records": null, "requests": null, "seconds": null},
        "summary": {"create": null, "update": null, "unchanged": null, "skip": null, "quarantine": null, "schema_changes": 0, "blocking": 0},
    });
    changes(&mut plan);
    serde_json::from_value(plan).unwrap_or_else(|error| panic!("not a plan: {error}"))
}
