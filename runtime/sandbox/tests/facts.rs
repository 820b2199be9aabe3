//! Facts that a whole migration on a running Twenty 2.19 showed, line by line, as `FACTS.md` has it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its small functions too")]
#![expect(clippy::indexing_slicing, reason = "indexing into JSON gives null, not a panic")]

use std::path::Path;

use migr_sandbox::{Role, Sandbox, SandboxOptions, start};
use reqwest::Client;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const ID: &str = "8b41cf00-8372-56df-948b-6d174af2a64f";
const OTHER: &str = "8b41cf00-8372-56df-948b-6d174af2a650";

fn client() -> Client {
    // A second installation is refused and changes nothing.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Client::builder().build().unwrap()
}

async fn call(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let method = method.parse().unwrap();
    let mut request = client().request(method, format!("{}{path}", sandbox.url())).bearer_auth(sandbox.token());
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn get(sandbox: &Sandbox, path: &str) -> Value {
    call(sandbox, "GET", path, None).await.1
}

async fn field_id(sandbox: &Sandbox, object: &str, field: &str) -> (Value, Value) {
    let listed = get(sandbox, "/rest/metadata/objects?limit=200").await;
    let objects = listed["data"].as_array().unwrap();
    let found = objects.iter().find(|found| found["nameSingular"] == object).unwrap();
    let field = found["fields"].as_array().unwrap().iter().find(|found| found["name"] == field).unwrap();
    (found["id"].clone(), field["id"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_value_of_a_filter_that_no_record_could_hold_is_refused() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    for (object, filter, status) in [
        ("companies", "id[eq]:abc", 400),
        ("companies", "accountOwnerId[eq]:abc", 400),
        ("companies", "createdAt[gte]:yesterday", 400),
        ("opportunities", "stage[eq]:NOPE", 400),
        ("opportunities", "stage[in]:[NEW,NOPE]", 400),
        ("companies", "annualRevenue.amountMicros[gt]:much", 400),
        ("companies", "id[in]:[]", 400),
        ("companies", "name[in]:a,b", 400),
        ("people", "emails.nothing[eq]:x", 400),
        ("people", "emails[eq]:x", 400),
        ("companies", "deletedAt[is]:MAYBE", 400),
        ("companies", "name[eq]:O'Neil, Inc.", 200),
        ("companies", "name[eq]:Acme [x, y", 200),
        ("companies", "deletedAt[is]:NOT_NULL", 200),
        ("opportunities", "stage[in]:[NEW,MEETING]", 200),
    ] {
        let (found, body) = call(&sandbox, "GET", &format!("/rest/{object}?filter={filter}"), None).await;
        assert_eq!(found, status, "{object}?filter={filter}: {body}");
    }
    let all = get(&sandbox, "/rest/companies?limit=0").await["totalCount"].clone();
    let two = get(&sandbox, "/rest/companies?limit=0&filter=name[eq]:x&filter=name[eq]:y").await;
    assert_eq!(two["totalCount"], all, "two filters are no filter");
    let (status, body) = call(&sandbox, "GET", "/rest/companies?limit=1.5", None).await;
    assert_eq!((status, body["data"]["companies"].as_array().unwrap().len()), (200, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_taken_and_refused_as_on_the_server() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    for (path, body, status) in [
        ("/rest/batch/companies", json!([{"name": "good"}, null]), 400),
        ("/rest/batch/companies", json!([{"name": "good"}, "text"]), 400),
        ("/rest/notes", json!({"title": "n", "bodyV2": {"blocknote": "no JSON"}}), 400),
        ("/rest/notes", json!({"title": "n", "bodyV2": {"blocknote": "[]"}}), 201),
        ("/rest/companies", json!({"name": "n", "createdAt": "10000-01-01T00:00:00.000Z"}), 500),
        ("/rest/companies", json!({"name": "n", "createdAt": "+010000-01-01T00:00:00.000Z"}), 500),
        ("/rest/companies", json!({"name": "n", "createdAt": "9999-01-01T00:00:00.000Z"}), 201),
        ("/rest/people", json!({"phones": {"primaryPhoneNumber": "12", "primaryPhoneCountryCode": "US"}}), 201),
        ("/rest/companies", json!({"name": "a", "domainName": {"primaryLinkUrl": "https://d.example"}}), 201),
        ("/rest/companies", json!({"name": "b", "domainName": {"primaryLinkUrl": "https://d.example/"}}), 400),
        ("/rest/companies", json!({"name": "c", "domainName": {"primaryLinkUrl": "http://d.example"}}), 201),
        ("/rest/companies", json!({"name": "d", "domainName": {"primaryLinkUrl": "https://www.d.example"}}), 201),
        ("/rest/companies", json!({"name": "e", "domainName": {"primaryLinkUrl": "d.example"}}), 201),
        ("/rest/companies", json!({"name": "f", "domainName": {"primaryLinkUrl": "https://d.example/about"}}), 201),
    ] {
        let (found, answer) = call(&sandbox, "POST", path, Some(body.clone())).await;
        assert_eq!(found, status, "{path} {body}: {answer}");
    }
    let note = json!({"title": "t", "bodyV2": {"markdown": "a | b\n--- | ---\n1 | 2\n\n# head\n\n_x_"}});
    let (_, made) = call(&sandbox, "POST", "/rest/notes", Some(note)).await;
    let blocks = made["data"]["createNote"]["bodyV2"]["blocknote"].as_str().unwrap();
    let blocks: Value = serde_json::from_str(blocks).unwrap();
    let kinds: Vec<&str> = blocks.as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["table", "heading", "paragraph"]);
    for (markdown, kind, text, style) in [
        ("# x", "heading", "x", None),
        ("* x", "bulletListItem", "x", None),
        ("1. x", "numberedListItem", "x", None),
        ("_x_", "paragraph", "x", Some("italic")),
        ("plain, 1.5 x (y) a_b", "paragraph", "plain, 1.5 x (y) a_b", None),
    ] {
        let note = json!({"title": "t", "bodyV2": {"markdown": markdown}});
        let (_, made) = call(&sandbox, "POST", "/rest/notes", Some(note)).await;
        let blocks = made["data"]["createNote"]["bodyV2"]["blocknote"].as_str().unwrap();
        let blocks: Value = serde_json::from_str(blocks).unwrap();
        let content = blocks[0]["content"].as_array().unwrap();
        assert_eq!(blocks[0]["type"], kind, "{markdown}");
        assert_eq!(content.iter().map(|part| part["text"].as_str().unwrap()).collect::<String>(), text, "{markdown}");
        let styles = content[0]["styles"].as_object().unwrap();
        assert_eq!(styles.keys().map(String::as_str).next(), style, "{markdown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_is_reached_by_id_and_times_can_be_put_back() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let path = format!("/rest/companies/{ID}");
    let soft = format!("{path}?soft_delete=true");
    assert_eq!(call(&sandbox, "POST", "/rest/companies", Some(json!({"id": ID, "name": "x"}))).await.0, 201);
    assert_eq!(call(&sandbox, "DELETE", &soft, None).await.0, 200);
    assert_eq!(call(&sandbox, "DELETE", &soft, None).await.0, 200, "what is in the trash can be put there");
    assert_eq!(call(&sandbox, "PATCH", &path, Some(json!({"name": "y"}))).await.0, 200);
    assert_eq!(call(&sandbox, "GET", &path, None).await.0, 404, "and it is there still");
    let times = json!({"updatedAt": "2020-01-02T03:04:05.000Z", "deletedAt": "2020-01-02T00:00:00.000Z"});
    let (status, body) = call(&sandbox, "PATCH", &path, Some(times)).await;
    assert_eq!(status, 200);
    assert_eq!(body["data"]["updateCompany"]["updatedAt"], "2020-01-02T03:04:05.000Z");
    assert_eq!(body["data"]["updateCompany"]["deletedAt"], "2020-01-02T00:00:00.000Z");
    assert_eq!(call(&sandbox, "PATCH", &path, Some(json!({"deletedAt": null}))).await.0, 200);
    assert_eq!(get(&sandbox, &path).await["data"]["company"]["name"], "y", "and it is out");
    assert_eq!(call(&sandbox, "PATCH", &format!("/rest/companies/{OTHER}"), Some(json!({}))).await.0, 404);
    // Without id or filter every record is rewritten.
    let (status, body) = call(&sandbox, "PATCH", "/rest/companies", Some(json!({"name": "all"}))).await;
    let all = get(&sandbox, "/rest/companies").await;
    assert_eq!(status, 200, "{body}");
    assert!(all["data"]["companies"].as_array().unwrap().iter().all(|company| company["name"] == "all"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_timeline_says_of_a_destroyed_record_stays() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    call(&sandbox, "POST", "/rest/companies", Some(json!({"id": ID, "name": "x"}))).await;
    let entry = json!({"id": OTHER, "name": "company.created", "targetCompanyId": ID});
    assert_eq!(call(&sandbox, "POST", "/rest/timelineActivities", Some(entry)).await.0, 201);
    assert_eq!(call(&sandbox, "DELETE", &format!("/rest/companies/{ID}"), None).await.0, 200);
    assert_eq!(call(&sandbox, "GET", &format!("/rest/timelineActivities/{OTHER}"), None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_checked_and_labels_need_not_be_unique() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let (object, _) = field_id(&sandbox, "company", "name").await;
    let option = |value: &str, label: &str, position: u32| json!({"value": value, "label": label, "position": position, "color": "no-such-colour"});
    let long = "A".repeat(64);
    let just = "A".repeat(63);
    let (a, b) = (option("A", "A", 0), option("B", "B", 1));
    for (name, options, default, status) in [
        ("plain", json!([a, b]), Value::Null, 201),
        ("sameLabels", json!([option("A", "Same", 0), option("B", "Same", 1)]), json!("'A'"), 201),
        ("just", json!([option(&just, "A", 0)]), Value::Null, 201),
        ("long", json!([option(&long, "A", 0)]), Value::Null, 400),
        ("twice", json!([option("A", "A", 0), option("B", "B", 0)]), Value::Null, 400),
        ("default", json!([a, b]), json!("'C'"), 400),
        ("unlabelled", json!([option("A", "", 0)]), Value::Null, 400),
        ("comma", json!([option("A", "A, B", 0)]), Value::Null, 400),
    ] {
        let field = json!({"objectMetadataId": object, "type": "SELECT", "name": name, "label": "The same label", "options": options, "defaultValue": default});
        let (found, body) = call(&sandbox, "POST", "/rest/metadata/fields", Some(field)).await;
        assert_eq!(found, status, "{name}: {body}");
    }
    let (_, stage) = field_id(&sandbox, "opportunity", "stage").await;
    let path = format!("/rest/metadata/fields/{}", stage.as_str().unwrap());
    let options = json!({"options": [option("NEW", "", 0)]});
    assert_eq!(call(&sandbox, "PATCH", &path, Some(options)).await.0, 400, "an empty label");
    for name in ["firstThing", "secondThing"] {
        let object = json!({"nameSingular": name, "namePlural": format!("{name}s"), "labelSingular": format!("Same {name}"), "labelPlural": "The same things"});
        let (status, body) = call(&sandbox, "POST", "/rest/metadata/objects", Some(object)).await;
        assert_eq!(status, 201, "labels of objects need not be unique: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_kept_and_listed_as_the_description_of_the_api_has_them() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let place = "/rest/metadata/webhooks";
    assert_eq!(get(&sandbox, place).await["data"]["webhooks"], json!([]));
    let (status, made) = call(&sandbox, "POST", place, Some(json!({"targetUrl": "https://hooks.example.com/x"}))).await;
    assert_eq!((status, &made["operations"]), (201, &json!(["*.*"])), "{made}");
    assert_eq!(call(&sandbox, "POST", place, Some(json!({"operations": ["person.created"]}))).await.0, 400);
    let listed = get(&sandbox, place).await;
    assert_eq!(
        (listed["data"]["webhooks"][0]["id"].clone(), listed["totalCount"].clone()),
        (made["id"].clone(), json!(1))
    );
    let one = format!("{place}/{}", made["id"].as_str().unwrap());
    assert_eq!(call(&sandbox, "DELETE", &one, None).await.0, 200);
    assert_eq!(get(&sandbox, place).await["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_hides_fields_and_refuses_others() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let made = call(&sandbox, "POST", "/rest/people", Some(json!({"jobTitle": "Chief"}))).await.1;
    let id = made["data"]["createPerson"]["id"].as_str().unwrap();
    sandbox.set_role(Role {
        unreadable: vec!["people.jobTitle".to_owned()],
        unwritable: vec!["people.company".to_owned()],
    });
    let shown = get(&sandbox, &format!("/rest/people/{id}")).await["data"]["person"].clone();
    assert!(shown.get("jobTitle").is_none() && shown.get("name").is_some(), "{shown}");
    let query = json!({"query": "{people{edges{node{id jobTitle}}}}"});
    let refused = call(&sandbox, "POST", "/graphql", Some(query)).await.1;
    assert_eq!(refused["errors"][0]["extensions"]["subCode"], "PERMISSION_DENIED", "{refused}");
    let metadata = get(&sandbox, "/rest/metadata/objects?limit=200").await.to_string();
    assert!(metadata.contains("jobTitle"), "metadata show it all the same");
    let before = get(&sandbox, "/rest/people?limit=0").await["totalCount"].clone();
    for path in ["/rest/people", "/rest/batch/people"] {
        let record = json!({"name": {"firstName": "A"}, "companyId": null});
        let body = if path == "/rest/people" { record } else { json!([{"name": {"firstName": "B"}}, record]) };
        let (status, refused) = call(&sandbox, "POST", path, Some(body)).await;
        assert_eq!((status, &refused["code"]), (400, &json!("PERMISSION_DENIED")), "{refused}");
        assert_eq!(refused["messages"][0], "Entity performing the request does not have permission");
    }
    assert_eq!(get(&sandbox, "/rest/people?limit=0").await["totalCount"], before, "nothing of it was carried out");
}

/// Each line of `FACTS.md` by its beginning, and the test that asks for what it says; no test where only time, load or the database show it.
const LINES: [(&str, Option<&str>); 19] = [
    ("`uploadFilesFieldFile` answers", Some("a_file_is_refused_by_its_name_and_by_bytes_that_are_not_of_its_kind")),
    ("SVG is written anew", Some("a_file_is_refused_by_its_name_and_by_bytes_that_are_not_of_its_kind")),
    ("`DELETE /rest/attachments/ID`", Some("one_attachment_takes_its_file_along_and_many_at_once_leave_theirs")),
    (
        "A new workspace has the active workflow",
        Some("the_stock_workflow_makes_companies_of_peoples_addresses_where_it_is_active_and_tells_of_itself"),
    ),
    (
        "`GET /rest/workflowAutomatedTriggers`",
        Some("the_stock_workflow_makes_companies_of_peoples_addresses_where_it_is_active_and_tells_of_itself"),
    ),
    ("Webhooks: nothing was seen", Some("webhooks_are_kept_and_listed_as_the_description_of_the_api_has_them")),
    ("`domainName.primaryLinkUrl` is unique", Some("values_are_taken_and_refused_as_on_the_server")),
    ("PATCH and soft delete of a record in the trash", Some("the_trash_is_reached_by_id_and_times_can_be_put_back")),
    ("`timelineActivities` of destroyed records stay", Some("what_the_timeline_says_of_a_destroyed_record_stays")),
    ("The server drops its index", None),
    ("PATCH of an object without id or filter", Some("the_trash_is_reached_by_id_and_times_can_be_put_back")),
    (
        "The value of a filter that the field can never hold",
        Some("the_value_of_a_filter_that_no_record_could_hold_is_refused"),
    ),
    ("`null` or a text among the records of a batch", Some("values_are_taken_and_refused_as_on_the_server")),
    ("Tables, `# x`", Some("values_are_taken_and_refused_as_on_the_server")),
    ("Sixteen requests of 200 at once", None),
    ("A field that the role may not see", Some("a_role_hides_fields_and_refuses_others")),
    ("A request that names a field which the role may not write", Some("a_role_hides_fields_and_refuses_others")),
    ("400 for an option's value over 63 characters", Some("options_are_checked_and_labels_need_not_be_unique")),
    ("200 custom fields of ten types", None),
];

#[test]
fn every_line_of_the_page_has_a_request_that_shows_it_or_says_why_none_can() {
    let (page, tests) = (include_str!("../FACTS.md"), include_str!("facts.rs"));
    let lines: Vec<String> = page
        .split("\n- ")
        .skip(1)
        .map(|line| line.split("\n## ").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in &lines {
        let known: Vec<_> = LINES.iter().filter(|(start, _)| line.starts_with(start)).collect();
        assert_eq!(known.len(), 1, "has no request of its own: {line}");
        match known[0].1 {
            Some(test) => assert!(tests.contains(&format!("fn {test}()")), "no test is called {test}"),
            None => assert!(line.contains("not modelled"), "neither answered nor said to be left out: {line}"),
        }
    }
    assert_eq!(lines.len(), LINES.len(), "each entry is of a line");
}

/// Number of the recordings of a version.
fn recordings(version: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/twenty").join(version);
    let files = std::fs::read_dir(folder).unwrap();
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "json")).count()
}

#[test]
fn every_point_of_the_page_has_a_test_that_is_there_and_its_counts_are_right() {
    let page = include_str!("../FACTS.md");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let points = page.split("## What the whole migration found").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut found = 0;
    for row in points.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let proof = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let mut quoted = proof.split('`').skip(1).step_by(2);
        let (file, test) = (quoted.next().unwrap(), quoted.next().unwrap());
        let source = std::fs::read_to_string(repository.join(file)).unwrap();
        assert!(source.contains(&format!("fn {test}()")), "{file} has no test {test}");
        found += 1;
    }
    assert_eq!(found, 14);
    let not_yet = std::fs::read_to_string(repository.join("tests/recordings/twenty/not_yet.toml")).unwrap();
    let not_yet = not_yet.lines().filter(|line| line.starts_with('"')).count();
    let unasked = LINES.iter().filter(|(_, test)| test.is_none()).count();
    let (new, old) = (recordings("2.19"), recordings("1.10"));
    let told: String = points.split_whitespace().collect::<Vec<_>>().join(" ");
    for count in [
        format!("by {} recordings ({new} of version 2.19, {old} of 1.10; {not_yet} are answered otherwise", new + old),
        format!("by {} facts of this page, of which {unasked} are about time", LINES.len()),
    ] {
        assert!(told.contains(&count), "{count}");
    }
}

async fn upload(sandbox: &Sandbox, name: &str, content: &[u8]) -> Value {
    let (_, field) = field_id(sandbox, "attachment", "file").await;
    let query = "mutation Up($file: Upload!, $fieldMetadataId: String!){uploadFilesFieldFile(file:$file, fieldMetadataId:$fieldMetadataId){id path size url}}";
    let operations = json!({"query": query, "variables": {"file": null, "fieldMetadataId": field}});
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", r#"{"0":["variables.file"]}"#)
        .part("0", Part::bytes(content.to_vec()).file_name(name.to_owned()));
    let request = client().post(format!("{}/metadata", sandbox.url())).bearer_auth(sandbox.token()).multipart(form);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "a refusal is answered 200 too");
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_refused_by_its_name_and_by_bytes_that_are_not_of_its_kind() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let no_name = "Filename must have an extension";
    let no_kind = "File content does not match its extension. The file has extension";
    for (name, content, refusal) in [
        ("README", b"text".as_slice(), Some(no_name)),
        ("scan.", b"%PDF-1.4", Some(no_name)),
        ("scan.pdf", b"", Some(no_kind)),
        ("photo.JPEG", b"not a photo", Some(no_kind)),
        ("photo.jpg", b"\xff\xd8", Some(no_kind)),
        ("photo.heic", b"x", Some(no_kind)),
        ("voice.mp3", b"x", Some(no_kind)),
        ("film.mp4", b"x", Some(no_kind)),
        ("scan.pdf", b"%PDF-1.4\n%x", None),
        ("scan.pdf", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None),
        ("empty.txt", b"", None),
        ("odd.docx", b"x", None),
        ("page.html", b"<html></html>", None),
        ("other.bin", b"x", None),
    ] {
        let answer = upload(&sandbox, name, content).await;
        let error = &answer["errors"][0];
        match refusal {
            Some(message) => {
                assert!(error["message"].as_str().unwrap().starts_with(message), "{name}: {answer}");
                assert_eq!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{name}");
            }
            None => assert!(error.is_null(), "{name}: {answer}"),
        }
    }
    let drawing = upload(&sandbox, "a.svg", br#"<svg xmlns="http://www.w3.org/2000/svg"/>"#).await;
    assert_eq!(drawing["data"]["uploadFilesFieldFile"]["size"], 46, "41 bytes were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attachment_takes_its_file_along_and_many_at_once_leave_theirs() {
    for (one_by_one, left) in [(true, 0), (false, 2)] {
        let sandbox = start(SandboxOptions::default()).await.unwrap();
        let mut ids = Vec::new();
        for at in 0..3 {
            let file = upload(&sandbox, "a.txt", b"text").await["data"]["uploadFilesFieldFile"]["id"].clone();
            let id = format!("8b41cf00-8372-56df-948b-6d174af2a6{at:02}");
            let body = json!({"id": id, "file": [{"fileId": file, "label": "a.txt"}]});
            assert_eq!(call(&sandbox, "POST", "/rest/attachments", Some(body)).await.0, 201);
            ids.push(id);
        }
        assert_eq!(sandbox.file_count().unwrap(), 3);
        if one_by_one {
            for id in &ids {
                assert_eq!(call(&sandbox, "DELETE", &format!("/rest/attachments/{id}"), None).await.0, 200);
            }
        } else {
            let path = format!("/rest/attachments?filter=id[in]:[{}]", ids.join(","));
            assert_eq!(call(&sandbox, "DELETE", &path, None).await.0, 200);
        }
        assert_eq!(get(&sandbox, "/rest/attachments?limit=0").await["totalCount"], 0);
        assert_eq!(sandbox.file_count().unwrap(), left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_workflow_makes_companies_of_peoples_addresses_where_it_is_active_and_tells_of_itself() {
    for workflows in [true, false] {
        let sandbox = start(SandboxOptions { workflows, ..SandboxOptions::default() }).await.unwrap();
        let active = get(&sandbox, "/rest/workflows?filter=statuses[containsAny]:[ACTIVE]").await;
        let triggers = get(&sandbox, "/rest/workflowAutomatedTriggers").await;
        let before = get(&sandbox, "/rest/companies?limit=0").await["totalCount"].as_u64().unwrap();
        let people = json!([
            {"id": ID, "emails": {"primaryEmail": "ada@new.example"}},
            {"emails": {"primaryEmail": "bob@new.example"}},
            {"emails": {"primaryEmail": "eve@gmail.com"}},
            {"name": {"firstName": "Nobody"}},
        ]);
        assert_eq!(call(&sandbox, "POST", "/rest/batch/people", Some(people)).await.0, 201);
        let made = get(&sandbox, "/rest/companies?filter=createdBy.source[eq]:WORKFLOW").await;
        let after = get(&sandbox, "/rest/companies?limit=0").await["totalCount"].as_u64().unwrap();
        let runs = get(&sandbox, "/rest/workflowRuns?limit=0").await["totalCount"].as_u64().unwrap();
        if !workflows {
            assert_eq!((active["totalCount"].as_u64(), triggers["totalCount"].as_u64()), (Some(0), Some(0)));
            assert_eq!((after, runs), (before, 0));
            continue;
        }
        assert_eq!(active["data"]["workflows"][0]["name"], "Create company when adding a new person");
        let trigger = &triggers["data"]["workflowAutomatedTriggers"][0];
        assert_eq!(trigger["settings"]["eventName"], "person.upserted");
        assert_eq!(trigger["workflowId"], active["data"]["workflows"][0]["id"]);
        assert_eq!((after, runs), (before + 1, 4));
        let company = &made["data"]["companies"][0];
        assert_eq!(company["domainName"]["primaryLinkUrl"], "https://new.example");
        let ada = get(&sandbox, &format!("/rest/people/{ID}")).await;
        assert_eq!(ada["data"]["person"]["companyId"], company["id"]);
        assert_eq!(ada["data"]["person"]["updatedBy"]["source"], "WORKFLOW");
    }
}
