//! Changes of a workspace's schema, and taking them back.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use migr_load::{Made, SetupOutcome, SetupRecord, UndoOutcome};
use migr_plan::SetupAction;
use serde_json::{Value, json};
use support::{Reply, Seen, Server, metadata_one, metadata_two, proofs, recording};

fn action(value: Value) -> SetupAction {
    let mut value = value;
    value["origin"] = json!({"file": "main.migr", "line": 3, "column": 3});
    serde_json::from_value(value).unwrap()
}

fn field(object: &str, field: &str, ty: Value, more: Value) -> SetupAction {
    let mut value = json!({"action": "create_field", "object": object, "field": field, "label": "A label", "type": ty});
    value.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    action(value)
}

fn options() -> Value {
    json!([{"value": "CLOSED_WON", "label": "Closed Won", "color": "green"}, {"value": "LOST", "label": "Lost"}])
}

/// A workspace whose metadata change as it is asked to. Faults are made on the first writes.
async fn workspace(faults: Vec<fn() -> Reply>, after: bool) -> (Server, Arc<Mutex<Value>>) {
    let state = Arc::new(Mutex::new(recording("metadata-2")));
    let held = state.clone();
    let turn = AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        let mut objects = held.lock().unwrap();
        if seen.path == "/metadata" {
            return metadata_two(seen).unwrap();
        }
        let write = seen.method != "GET";
        let fault = if write { faults.get(turn.fetch_add(1, Ordering::SeqCst)) } else { None };
        if let (Some(fault), false) = (fault, after) {
            return fault();
        }
        let reply = carry_out(&mut objects, seen);
        match fault {
            Some(fault) => fault(),
            None => reply,
        }
    })
    .await;
    (server, state)
}

fn carry_out(objects: &mut Value, seen: &Seen) -> Reply {
    let list = objects.as_array_mut().unwrap();
    let id = seen.path.rsplit('/').next().unwrap().to_owned();
    match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/rest/metadata/objects") => {
            Reply::Json(200, json!({"data": list, "pageInfo": {"hasNextPage": false}, "totalCount": list.len()}))
        }
        ("POST", "/rest/metadata/objects") => {
            let mut body = seen.json();
            if list.iter().any(|object| object["namePlural"] == body["namePlural"]) {
                return Reply::Json(400, recording("302-object-reserved")["answer"].clone());
            }
            body["id"] = json!(format!("o-{}", list.len()));
            body["applicationId"] = json!("custom");
            body["fields"] = json!([{"id": format!("i-{}", list.len()), "name": "id", "type": "UUID", "label": "Id"}]);
            list.push(body.clone());
            Reply::Json(201, body)
        }
        ("POST", "/rest/metadata/fields") => {
            let mut body = seen.json();
            let object = list.iter_mut().find(|object| object["id"] == body["objectMetadataId"]).unwrap();
            let fields = object["fields"].as_array_mut().unwrap();
            if fields.iter().any(|field| field["name"] == body["name"]) {
                return Reply::Json(400, recording("235-err-dup-field")["answer"].clone());
            }
            body["id"] = json!(format!("f-{}", fields.len()));
            if body["type"] == "RELATION" {
                body["settings"] = json!({"relationType": "MANY_TO_ONE", "joinColumnName": format!("{}Id", body["name"].as_str().unwrap())});
            }
            fields.push(body.clone());
            Reply::Json(201, body)
        }
        (method, path) if path.starts_with("/rest/metadata/fields/") => {
            let fields = list.iter_mut().flat_map(|object| object["fields"].as_array_mut().unwrap());
            let Some(field) = fields.into_iter().find(|field| field["id"] == id.as_str()) else {
                return Reply::Json(404, json!({"statusCode": 404, "messages": ["Field not found"]}));
            };
            if method == "PATCH" {
                let mut options = seen.json()["options"].clone();
                for option in options.as_array_mut().unwrap() {
                    if option["id"].is_null() {
                        option["id"] = json!(format!("new-{}", option["value"].as_str().unwrap()));
                    }
                }
                field["options"] = options;
            }
            let answer = field.clone();
            if method == "DELETE" {
                for object in list {
                    object["fields"].as_array_mut().unwrap().retain(|field| field["id"] != id.as_str());
                }
            }
            Reply::Json(200, answer)
        }
        ("DELETE", _) => {
            list.retain(|object| object["id"] != id.as_str());
            Reply::Json(200, json!({"id": id}))
        }
        // Records: there are none but whoever uses the workspace, and two opportunities that hold the option LOST.
        (_, path) => proofs(seen).unwrap_or_else(|| {
            let held = if seen.asks("filter") == Some("stage[eq]:LOST") { 2 } else { 0 };
            let info = json!({"hasNextPage": false});
            Reply::Json(
                200,
                json!({"data": {path.trim_start_matches("/rest/"): []}, "totalCount": held, "pageInfo": info}),
            )
        }),
    }
}

fn done(outcome: Result<SetupOutcome, migr_load::LoadError>) -> SetupRecord {
    match outcome {
        Ok(SetupOutcome::Done(record)) => record,
        other => panic!("{other:?}"),
    }
}

fn why(outcome: Result<SetupOutcome, migr_load::LoadError>) -> String {
    match outcome {
        Ok(SetupOutcome::Mismatch { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn fields_of_every_type_are_asked_for_as_recorded() {
    let (server, _) = workspace(Vec::new(), false).await;
    let destination = server.twenty().await;
    let types = [
        ("legacyId", json!({"kind": "text"}), json!({"description": "Source id"})),
        ("employees", json!({"kind": "integer"}), json!({})),
        ("score", json!({"kind": "decimal"}), json!({})),
        ("about", json!({"kind": "richtext"}), json!({})),
        ("phone", json!({"kind": "phone"}), json!({})),
        ("tags", json!({"kind": "list", "of": {"kind": "text"}}), json!({})),
        ("tier", json!({"kind": "select", "options": ["CLOSED_WON", "LOST"]}), json!({"options": options()})),
        ("parentCompany", json!({"kind": "reference", "objects": ["companies"]}), json!({"inverse": "Subsidiaries"})),
    ];
    let mut bodies = Vec::new();
    for (name, ty, more) in types {
        let action = field("companies", name, ty, more);
        done(destination.setup(&action).await);
        assert_eq!(destination.setup(&action).await, Ok(SetupOutcome::AlreadyThere), "{name}");
        let mut body = server.last("POST", "/rest/metadata/fields").json();
        body.as_object_mut().unwrap().remove("objectMetadataId");
        bodies.push(body);
    }
    insta::assert_snapshot!(bodies.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn what_setup_made_can_be_written_at_once() {
    let (server, _) = workspace(Vec::new(), false).await;
    let destination = server.twenty().await;
    done(
        destination
            .setup(&field(
                "companies",
                "parentCompany",
                json!({"kind": "reference", "objects": ["companies"]}),
                json!({}),
            ))
            .await,
    );
    let mapping = support::mapping("parentCompany", json!({"kind": "reference", "objects": ["companies"]}));
    let id = "ea43ef93-32b2-40e8-92c2-2a8f0a271ca5";
    let value =
        migr_transform::Value::Reference(migr_transform::Reference { object: "companies".into(), id: id.into() });
    let body = destination.encode("companies", &[(&mapping, &value)]).unwrap();
    assert_eq!(Value::Object(body), json!({"parentCompanyId": id}));
}

#[tokio::test]
async fn an_object_is_created_once_and_taken_back() {
    let (server, _) = workspace(Vec::new(), false).await;
    let destination = server.twenty().await;
    let create = action(json!({
        "action": "create_object", "object": "treatmentPlans", "plural_label": "Treatment plans", "singular": "treatmentPlan", "singular_label": "Treatment plan",
    }));
    let record = done(destination.setup(&create).await);
    assert_eq!(
        server.last("POST", "/rest/metadata/objects").json(),
        json!({"nameSingular": "treatmentPlan", "namePlural": "treatmentPlans", "labelSingular": "Treatment plan", "labelPlural": "Treatment plans", "icon": "IconBox"})
    );
    assert_eq!(destination.setup(&create).await, Ok(SetupOutcome::AlreadyThere));
    done(destination.setup(&field("treatmentPlans", "planStatus", json!({"kind": "text"}), json!({}))).await);
    assert_eq!(destination.undo_setup(&record).await, Ok(UndoOutcome::Undone));
    assert_eq!(destination.undo_setup(&record).await, Ok(UndoOutcome::Gone));
}

#[tokio::test]
async fn options_are_added_to_all_that_are_there_in_the_order_asked() {
    let (server, _) = workspace(Vec::new(), false).await;
    let destination = server.twenty().await;
    let add = action(json!({
        "action": "add_options", "object": "opportunities", "field": "stage", "options": options(),
        "order": ["NEW", "SCREENING", "CLOSED_WON", "LOST"],
    }));
    let record = done(destination.setup(&add).await);
    let sent = server.last("PATCH", "/rest/metadata/fields/").json();
    let told: Vec<String> = sent["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| {
            assert_eq!(option["id"].is_null(), ["CLOSED_WON", "LOST"].contains(&option["value"].as_str().unwrap()));
            format!(
                "{} {} {}",
                option["position"],
                option["value"].as_str().unwrap(),
                option["color"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    let Made::Options { before, added, .. } = &record.made else { panic!("{record:?}") };
    assert_eq!((before.len(), added.as_slice()), (5, ["CLOSED_WON".to_owned(), "LOST".to_owned()].as_slice()));
    assert_eq!(destination.setup(&add).await, Ok(SetupOutcome::AlreadyThere));

    // A record holds LOST: removing it would rewrite the record.
    assert_eq!(
        destination.undo_setup(&record).await,
        Ok(UndoOutcome::Kept { why: "2 records of `opportunities` hold the option `LOST` of `stage`".to_owned() })
    );
    let unused = SetupRecord {
        made: Made::Options {
            id: match &record.made {
                Made::Options { id, .. } => id.clone(),
                _ => String::new(),
            },
            before: before.clone(),
            added: vec!["CLOSED_WON".to_owned()],
        },
        ..record.clone()
    };
    assert_eq!(destination.undo_setup(&unused).await, Ok(UndoOutcome::Undone));
    let left = server.last("PATCH", "/rest/metadata/fields/").json();
    let values: Vec<&str> =
        left["options"].as_array().unwrap().iter().map(|option| option["value"].as_str().unwrap()).collect();
    // In their earlier order, with what is not ours to remove behind.
    assert_eq!(values, ["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER", "LOST"]);
}

#[tokio::test]
async fn an_option_that_somebody_added_meanwhile_is_sent_back() {
    let (server, state) = workspace(Vec::new(), false).await;
    let destination = server.twenty().await;
    for object in state.lock().unwrap().as_array_mut().unwrap() {
        for field in object["fields"].as_array_mut().unwrap().iter_mut().filter(|field| field["name"] == "stage") {
            field["options"]
                .as_array_mut()
                .unwrap()
                .push(json!({"id": "theirs", "value": "THEIRS", "label": "Theirs", "position": 5}));
        }
    }
    let add = action(
        json!({"action": "add_options", "object": "opportunities", "field": "stage", "options": options(), "order": []}),
    );
    done(destination.setup(&add).await);
    let sent = server.last("PATCH", "/rest/metadata/fields/").json();
    assert!(sent["options"].as_array().unwrap().iter().any(|option| option["id"] == "theirs"));
    assert_eq!(sent["options"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn a_change_without_an_answer_is_made_once_and_recorded() {
    let faults: [fn() -> Reply; 3] =
        [|| Reply::Cut, || Reply::Text(502, "<html>".to_owned()), || Reply::Half(json!({"id": "x"}))];
    for after in [true, false] {
        for fault in faults {
            let (server, state) = workspace(vec![fault], after).await;
            let destination = server.twenty().await;
            let create = field("people", "legacyId", json!({"kind": "text"}), json!({}));
            let record = done(destination.setup(&create).await);
            assert_eq!(destination.undo_setup(&record).await, Ok(UndoOutcome::Undone));
            let held = state.lock().unwrap().to_string().contains("legacyId");
            assert!(!held, "after {after}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_said_before_the_server_is_asked() {
    let (server, _) = workspace(Vec::new(), false).await;
    let destination = server.twenty().await;
    let text = || json!({"kind": "text"});
    let object = |plural: &str, singular: &str| {
        action(
            json!({"action": "create_object", "object": plural, "plural_label": "X", "singular": singular, "singular_label": "Y"}),
        )
    };
    let select =
        |options: Value| field("people", "tier", json!({"kind": "select", "options": []}), json!({"options": options}));
    let actions = [
        field("people", "original__c", text(), json!({})),
        field("people", "type", text(), json!({})),
        field("people", "createdAt", json!({"kind": "text"}), json!({})),
        field("people", "companyId", text(), json!({})),
        field("people", "jobTitle", json!({"kind": "integer"}), json!({})),
        field("people", "company", json!({"kind": "reference", "objects": ["people"]}), json!({})),
        field("people", "helper", json!({"kind": "reference", "objects": ["people", "companies"]}), json!({})),
        select(json!([])),
        select(json!([{"value": "closed won", "label": "Closed"}])),
        select(json!([{"value": "A", "label": "A, B"}])),
        select(json!([{"value": "A", "label": "A", "color": "mauve"}])),
        select(json!([{"value": "A", "label": "A"}, {"value": "A", "label": "B"}])),
        object("plans", "plan"),
        object("sheep", "sheep"),
        object("companies", "company"),
        object("firms", "company"),
    ];
    let before = server.requests().len();
    let mut told = Vec::new();
    for action in &actions {
        told.push(why(destination.setup(action).await));
    }
    assert_eq!(server.requests().len(), before);
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_refusal_of_many_errors_is_told_by_its_cause() {
    let server = Server::start(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("POST", "/rest/metadata/objects") => Reply::Json(400, recording("302-object-reserved")["answer"].clone()),
        ("POST", "/rest/metadata/fields") => Reply::Json(400, recording("235-err-dup-field")["answer"].clone()),
        _ => metadata_two(seen).unwrap(),
    })
    .await;
    let destination = server.twenty().await;
    let object = action(
        json!({"action": "create_object", "object": "visits", "plural_label": "X", "singular": "visit", "singular_label": "Y"}),
    );
    assert_eq!(
        why(destination.setup(&object).await),
        "This name is reserved. Use a different name or the system will add \"Custom\" suffix."
    );
    let field = field("people", "legacyId", json!({"kind": "text"}), json!({}));
    assert_eq!(
        why(destination.setup(&field).await),
        "Name \"legacyId\" is not available as it is already used by another field"
    );
}

#[tokio::test]
async fn the_older_version_gets_its_own_types_and_switches_off_before_it_deletes() {
    let state = Arc::new(Mutex::new(recording("metadata-1")));
    let held = state.clone();
    let server = Server::start(move |seen| {
        let mut objects = held.lock().unwrap();
        if seen.method == "GET" {
            return match metadata_one(seen).unwrap() {
                Reply::Json(200, _) => Reply::Json(200, json!({"data": {"objects": *objects}})),
                other => other,
            };
        }
        let body = seen.json();
        let list = objects.as_array_mut().unwrap();
        match seen.method.as_str() {
            "POST" => {
                let mut raw = body.clone();
                raw["id"] = json!("f-new");
                raw["isCustom"] = json!(true);
                let object = list.iter_mut().find(|object| object["id"] == body["objectMetadataId"]).unwrap();
                object["fields"].as_array_mut().unwrap().push(raw.clone());
                Reply::Json(201, json!({"data": {"createOneField": raw}}))
            }
            "PATCH" => Reply::Json(200, json!({"data": {"updateOneField": {"id": "f-new", "isActive": false}}})),
            _ => {
                for object in list {
                    object["fields"].as_array_mut().unwrap().retain(|field| field["id"] != "f-new");
                }
                Reply::Json(200, json!({"data": {"deleteOneField": {"id": "f-new"}}}))
            }
        }
    })
    .await;
    let destination = server.twenty().await;
    let record = done(destination.setup(&field("people", "bio", json!({"kind": "richtext"}), json!({}))).await);
    assert_eq!(server.last("POST", "/rest/metadata/fields").json()["type"], "RICH_TEXT_V2");
    assert_eq!(destination.undo_setup(&record).await, Ok(UndoOutcome::Undone));
    let requests = server.requests();
    let changes: Vec<&String> = requests.iter().filter(|request| !request.starts_with("GET")).collect();
    assert_eq!(
        changes,
        ["POST /rest/metadata/fields", "PATCH /rest/metadata/fields/f-new", "DELETE /rest/metadata/fields/f-new"]
    );
    assert_eq!(server.last("PATCH", "/rest/metadata/fields/").json(), json!({"isActive": false}));
}
