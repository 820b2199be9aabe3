//! The live metadata of both versions.
#![expect(clippy::indexing_slicing, clippy::string_slice, reason = "a test fails by panicking")]

mod support;

use migr_load::{Deleted, LoadError, RecordUpdate, Schema, Written};
use migr_plan::FieldType;
use serde_json::json;
use support::{Reply, Server, list, metadata_one, metadata_two, proofs, recording};

fn unanswered() -> Reply {
    Reply::Json(404, json!({"statusCode": 404, "messages": ["not scripted"]}))
}

/// One line per field, without ids.
fn told(schema: &Schema, objects: &[&str]) -> String {
    let mut lines = vec![format!("version {}", schema.version)];
    for object in objects {
        let object = &schema.objects[*object];
        lines.push(format!("{} (one {})", object.name, object.singular));
        for field in object.fields.values() {
            let to = match &field.ty {
                Some(FieldType::Reference { objects }) => format!(" -> {}", objects.join(" | ")),
                Some(FieldType::Select { options }) => format!(" {{{}}}", options.join(", ")),
                Some(FieldType::Composite { name, .. }) => format!(" {name}"),
                Some(_) => String::new(),
                None => " (not ours)".to_owned(),
            };
            let unique = if field.unique { " unique" } else { "" };
            let keys: Vec<String> = field.write_keys.iter().map(|(object, key)| format!("{object}={key}")).collect();
            let key = if keys.is_empty() { field.write_key.clone() } else { keys.join(" ") };
            lines.push(format!("  {}: {}{to}{unique}, written as {key}", field.name, field.native));
        }
    }
    lines.join("\n")
}

/// Every record was written.
fn all_written(written: &Result<Vec<Written>, LoadError>) {
    let is_done = |outcome: &Written| matches!(outcome, Written::Created { .. } | Written::Updated);
    assert!(written.as_ref().is_ok_and(|written| written.iter().all(is_done)), "{written:?}");
}

#[tokio::test]
async fn the_newer_versions_metadata_tell_targets_and_keys() {
    let server = Server::start(|seen| metadata_two(seen).unwrap_or_else(unanswered)).await;
    let schema = server.connect().schema().await.unwrap();
    insta::assert_snapshot!(told(&schema, &["companies", "people", "opportunities", "noteTargets", "attachments"]));
    assert_eq!(server.requests(), ["GET /rest/metadata/objects", "GET /rest/metadata/objects", "POST /metadata"]);
}

#[tokio::test]
async fn the_older_versions_metadata_tell_targets_and_keys() {
    let server = Server::start(|seen| metadata_one(seen).unwrap_or_else(unanswered)).await;
    let destination = server.connect();
    let schema = destination.schema().await.unwrap();
    insta::assert_snapshot!(told(&schema, &["people", "opportunities", "noteTargets", "attachments"]));
    assert_eq!(destination.capabilities().version.as_deref(), Some("1.x"));
}

#[tokio::test]
async fn the_newer_version_in_the_older_format_reads_the_same() {
    let newer = Server::start(|seen| metadata_two(seen).unwrap_or_else(unanswered)).await;
    let legacy = Server::start(|seen| match metadata_two(seen).unwrap_or_else(unanswered) {
        Reply::Json(200, mut answer) if answer["data"].is_array() => {
            answer["data"] = json!({"objects": answer["data"]});
            Reply::Json(200, answer)
        }
        other => other,
    })
    .await;
    assert_eq!(newer.connect().schema().await.unwrap(), legacy.connect().schema().await.unwrap());
}

#[tokio::test]
async fn a_schema_goes_through_json_unchanged() {
    let server = Server::start(|seen| metadata_two(seen).unwrap_or_else(unanswered)).await;
    let schema = server.connect().schema().await.unwrap();
    let text = serde_json::to_string(&schema).unwrap();
    assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
}

#[tokio::test]
async fn nothing_is_encoded_before_the_metadata_are_read() {
    let server = Server::start(|_| unanswered()).await;
    let failures = server.connect().encode("people", &[]).unwrap_err();
    assert_eq!(failures[0].reason, "the destination's metadata have not been read yet");
}

#[tokio::test]
async fn pages_are_followed_through_live_records_and_the_trash() {
    let row = |id: u32, deleted: bool| json!({"id": format!("00000000-0000-4000-8000-{id:012}"), "deletedAt": deleted.then_some("2026-11-22T07:51:17.143Z")});
    let server = Server::start(move |seen| {
        if let Some(reply) = metadata_two(seen) {
            return reply;
        }
        assert_eq!((seen.path.as_str(), seen.asks("limit"), seen.asks("depth")), ("/rest/companies", Some("200"), Some("0")));
        let (records, more, total) = match (seen.asks("filter"), seen.asks("starting_after")) {
            (None, None) => (vec![row(1, false)], true, 2),
            (None, Some("c1")) => (vec![row(2, false)], false, 2),
            (Some("deletedAt[is]:NOT_NULL"), None) => (vec![row(3, true)], false, 1),
            other => panic!("{other:?}"),
        };
        Reply::Json(200, json!({"data": {"companies": records}, "totalCount": total, "pageInfo": {"hasNextPage": more, "endCursor": "c1"}}))
    })
    .await;
    let destination = server.twenty().await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = destination.scan("companies", Deleted::Both, after).await.unwrap();
        seen.extend(page.records.iter().map(|record| (record.id[35..].to_owned(), record.deleted)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [("1".to_owned(), false), ("2".to_owned(), false), ("3".to_owned(), true)]);
}

#[tokio::test]
async fn members_are_listed_by_their_lower_cased_address() {
    let server = Server::start(|seen| {
        metadata_two(seen).unwrap_or_else(|| {
            let people = json!([
                {"id": "00000000-0000-4000-8000-00000000000a", "userEmail": "Tim@Apple.dev", "deletedAt": null},
                {"id": "00000000-0000-4000-8000-00000000000b", "userEmail": "", "deletedAt": null},
            ]);
            Reply::Json(
                200,
                json!({"data": {"workspaceMembers": people}, "totalCount": 2, "pageInfo": {"hasNextPage": false}}),
            )
        })
    })
    .await;
    let members = server.twenty().await.members("workspaceMembers", "userEmail").await.unwrap();
    assert_eq!(
        members,
        [migr_load::Member {
            id: "00000000-0000-4000-8000-00000000000a".to_owned(),
            value: "tim@apple.dev".to_owned()
        }]
    );
}

#[tokio::test]
async fn restore_and_destroy_name_the_ids_and_nothing_else_gets_through() {
    let server = Server::start(|seen| {
        metadata_two(seen).unwrap_or_else(|| match seen.method.as_str() {
            // The second one it leaves, wherever that is.
            "DELETE" => {
                let first = "00000000-0000-4000-8000-000000000001";
                let gone =
                    seen.asks("filter").is_some_and(|filter| filter.contains(first)).then(|| json!({"id": first}));
                Reply::Json(200, json!({"data": {"deleteCompanies": gone.into_iter().collect::<Vec<_>>()}}))
            }
            "PATCH" => Reply::Json(200, json!({"data": {"restoreCompanies": []}})),
            _ => proofs(seen).unwrap_or_else(|| Reply::Json(200, list("companies", Vec::new()))),
        })
    })
    .await;
    let destination = server.twenty().await;
    let ids = ["00000000-0000-4000-8000-000000000001".to_owned(), "00000000-0000-4000-8000-000000000002".to_owned()];
    destination.restore("companies", &ids).await.unwrap();
    let list = "id[in]:[00000000-0000-4000-8000-000000000001,00000000-0000-4000-8000-000000000002]";
    assert_eq!(server.last("PATCH", "/rest/restore/companies").asks("filter"), Some(list));
    destination.destroy("companies", &ids).await.unwrap();
    let second = "and(id[in]:[00000000-0000-4000-8000-000000000002],deletedAt[is]:NOT_NULL)";
    assert_eq!(server.last("DELETE", "/rest/companies").asks("filter"), Some(second));
    let sent = server.requests().len();
    destination.destroy("companies", &[]).await.unwrap();
    for odd in ["", "x],name[startsWith]:[a"] {
        assert!(destination.destroy("companies", &[odd.to_owned()]).await.is_err());
        assert!(destination.restore("companies", &[odd.to_owned()]).await.is_err());
    }
    assert_eq!(server.requests().len(), sent);
}

#[tokio::test]
async fn one_record_is_patched_and_several_are_upserted_by_their_ids() {
    let recorded = recording("011-create-company")["answer"]["data"]["createCompany"].clone();
    let server = Server::start(move |seen| {
        metadata_two(seen).unwrap_or_else(|| {
            if seen.method == "PATCH" {
                let mut recorded = recorded.clone();
                recorded["id"] = json!(seen.path.rsplit('/').next().unwrap());
                return Reply::Json(200, json!({"data": {"updateCompany": recorded}}));
            }
            if seen.method == "GET" {
                let there =
                    |number: u32| json!({"id": format!("00000000-0000-4000-8000-{number:012}"), "deletedAt": null});
                return Reply::Json(200, list("companies", vec![there(1), there(2)]));
            }
            // As the server does: in an order of its own.
            let mut rows = seen.json().as_array().unwrap().clone();
            rows.reverse();
            Reply::Json(201, json!({"data": {"createCompanies": rows}}))
        })
    })
    .await;
    let destination = server.twenty().await;
    let change = |number: u32| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        RecordUpdate::new(id, json!({"name": "N"}).as_object().unwrap())
    };
    all_written(&destination.update("companies", &[change(1)]).await);
    assert_eq!(server.last("PATCH", "/rest/companies/").json(), json!({"name": "N"}));
    all_written(&destination.update("companies", &[change(1), change(2)]).await);
    let seen = server.last("POST", "/rest/batch/companies");
    assert_eq!(seen.asks("upsert"), Some("true"));
    assert_eq!(seen.json()[1], json!({"id": "00000000-0000-4000-8000-000000000002", "name": "N"}));
}

#[tokio::test]
async fn a_link_is_written_by_the_keys_of_the_version() {
    let link: migr_plan::LinkMapping = serde_json::from_value(json!({
        "field": "targets", "through": "noteTargets", "objects": ["people"], "value": {"op": "none"}, "on_missing": "quarantine", "reads": [],
        "origin": {"file": "m.migr", "line": 1, "column": 1},
    }))
    .unwrap();
    let target = |object: &'static str| migr_transform::Reference { object: object.into(), id: "p1".into() };
    let two = Server::start(|seen| metadata_two(seen).unwrap_or_else(unanswered)).await.twenty().await;
    let one = Server::start(|seen| metadata_one(seen).unwrap_or_else(unanswered)).await.twenty().await;
    let body = |destination: &dyn migr_load::Destination, object| {
        destination.link_body(&link, "notes", "n1", &target(object)).map(serde_json::Value::Object)
    };
    assert_eq!(body(two.as_ref(), "people"), Ok(json!({"noteId": "n1", "targetPersonId": "p1"})));
    assert_eq!(body(one.as_ref(), "people"), Ok(json!({"noteId": "n1", "personId": "p1"})));
    assert_eq!(body(two.as_ref(), "companies"), Ok(json!({"noteId": "n1", "targetCompanyId": "p1"})));
    let error = body(two.as_ref(), "widgets").unwrap_err().to_string();
    assert!(error.contains("reference from `noteTargets` to `widgets`"), "{error}");
}
