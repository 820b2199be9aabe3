//! The sandbox's metadata and GraphQL over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its small functions too")]
#![expect(clippy::indexing_slicing, reason = "indexing into JSON gives null, not a panic")]

use migr_sandbox::{Sandbox, SandboxOptions, TwentyVersion, start};
use reqwest::Client;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

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

async fn object(sandbox: &Sandbox, name: &str) -> Value {
    let (_, listed) = call(sandbox, "GET", "/rest/metadata/objects?limit=200", None).await;
    listed["data"].as_array().unwrap().iter().find(|found| found["nameSingular"] == name).unwrap().clone()
}

fn field<'a>(object: &'a Value, name: &str) -> &'a Value {
    object["fields"].as_array().unwrap().iter().find(|found| found["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_that_is_made_and_removed_leaves_no_trace() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let before = sandbox.fingerprint().unwrap();
    let company = object(&sandbox, "company").await;
    let input = json!({"objectMetadataId": company["id"], "type": "TEXT", "name": "legacyId", "label": "Legacy id",
        "isUnique": true});
    let (status, made) = call(&sandbox, "POST", "/rest/metadata/fields", Some(input)).await;
    assert_eq!(status, 201, "{made}");
    let input = json!({"nameSingular": "invoice", "namePlural": "invoices", "labelSingular": "Invoice",
        "labelPlural": "Invoices"});
    let (status, invoice) = call(&sandbox, "POST", "/rest/metadata/objects", Some(input)).await;
    assert_eq!(status, 201, "{invoice}");
    let relation = json!({"objectMetadataId": invoice["id"], "type": "RELATION", "name": "company", "label": "Company",
        "relationCreationPayload": {"type": "MANY_TO_ONE", "targetObjectMetadataId": company["id"],
            "targetFieldLabel": "Invoices", "targetFieldIcon": "IconList"}});
    assert_eq!(call(&sandbox, "POST", "/rest/metadata/fields", Some(relation)).await.0, 201);
    let (status, body) = call(&sandbox, "POST", "/rest/invoices", Some(json!({"name": "1"}))).await;
    assert_eq!(status, 201, "{body}");
    assert_ne!(sandbox.fingerprint().unwrap(), before);

    let path = format!("/rest/metadata/objects/{}", invoice["id"].as_str().unwrap());
    assert_eq!(call(&sandbox, "DELETE", &path, None).await.0, 200);
    let path = format!("/rest/metadata/fields/{}", made["id"].as_str().unwrap());
    assert_eq!(call(&sandbox, "DELETE", &path, None).await.0, 200);
    assert_eq!(sandbox.fingerprint().unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_is_left_out_resets_the_records_that_hold_it() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let opportunity = object(&sandbox, "opportunity").await;
    let stage = field(&opportunity, "stage");
    let path = format!("/rest/metadata/fields/{}", stage["id"].as_str().unwrap());
    let (_, made) =
        call(&sandbox, "POST", "/rest/opportunities", Some(json!({"name": "x", "stage": "PROPOSAL"}))).await;
    let record = format!("/rest/opportunities/{}", made["data"]["createOpportunity"]["id"].as_str().unwrap());

    let mut longer = stage["options"].as_array().unwrap().clone();
    longer.push(json!({"value": "WON", "label": "Won", "color": "green", "position": 5}));
    assert_eq!(call(&sandbox, "PATCH", &path, Some(json!({"options": longer}))).await.0, 200);
    let (_, kept) = call(&sandbox, "GET", &record, None).await;
    assert_eq!(kept["data"]["opportunity"]["stage"], "PROPOSAL");

    let shorter = json!({"options": [stage["options"][0]]});
    assert_eq!(call(&sandbox, "PATCH", &path, Some(shorter)).await.0, 200);
    let (_, reset) = call(&sandbox, "GET", &record, None).await;
    assert_eq!(reset["data"]["opportunity"]["stage"], "NEW");
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_tells_the_targets_that_rest_hides() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let query = "query{objects(paging:{first:100}){edges{node{nameSingular fieldsList{name relation{type \
                 targetObjectMetadata{nameSingular} targetFieldMetadata{name}} \
                 morphRelations{targetObjectMetadata{nameSingular}}}}}}}";
    let (_, answer) = call(&sandbox, "POST", "/metadata", Some(json!({ "query": query }))).await;
    let edges = answer["data"]["objects"]["edges"].as_array().unwrap();
    let of = |object: &str, name: &str| {
        let node = edges.iter().find(|edge| edge["node"]["nameSingular"] == object).unwrap();
        let fields = node["node"]["fieldsList"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap().clone()
    };
    let company = json!({"type": "MANY_TO_ONE", "targetObjectMetadata": {"nameSingular": "company"},
        "targetFieldMetadata": {"name": "people"}});
    assert_eq!(of("person", "company")["relation"], company);
    let notes = json!({"type": "ONE_TO_MANY", "targetObjectMetadata": {"nameSingular": "noteTarget"},
        "targetFieldMetadata": {"name": "target"}});
    assert_eq!(of("person", "noteTargets")["relation"], notes);
    let target = of("noteTarget", "target");
    assert_eq!(target["relation"], Value::Null);
    assert_eq!(target["morphRelations"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_is_attached_once_and_read_back_whole() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let attachment = object(&sandbox, "attachment").await;
    let operations = json!({
        "query": "mutation U($file:Upload!,$f:String!){uploadFilesFieldFile(file:$file,fieldMetadataId:$f){id path size}}",
        "variables": {"file": null, "f": field(&attachment, "file")["id"]},
    });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", json!({"0": ["variables.file"]}).to_string())
        .part("0", Part::bytes(b"hello world\n".to_vec()).file_name("hello.txt"));
    let request = client().post(format!("{}/metadata", sandbox.url())).bearer_auth(sandbox.token());
    let answer: Value = request.multipart(form).send().await.unwrap().json().await.unwrap();
    let file = &answer["data"]["uploadFilesFieldFile"];
    assert_eq!(file["size"], 12, "{answer}");
    let body = json!({"file": [{"fileId": file["id"], "label": "hello.txt"}]});
    let (status, made) = call(&sandbox, "POST", "/rest/attachments", Some(body.clone())).await;
    assert_eq!(status, 201, "{made}");
    let url = made["data"]["createAttachment"]["file"][0]["url"].as_str().unwrap();
    assert_eq!(client().get(url).send().await.unwrap().text().await.unwrap(), "hello world\n");
    let (status, again) = call(&sandbox, "POST", "/rest/attachments", Some(body)).await;
    assert_eq!(status, 400, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_server_tells_its_version_by_its_answers() {
    let options = SandboxOptions { version: TwentyVersion::V1_10, ..SandboxOptions::default() };
    let sandbox = start(options).await.unwrap();
    assert_eq!(call(&sandbox, "GET", "/rest/metadata/objects?limit=1", None).await.0, 400);
    let (_, listed) = call(&sandbox, "GET", "/rest/metadata/objects", None).await;
    let objects = listed["data"]["objects"].as_array().unwrap();
    let target = objects.iter().find(|found| found["nameSingular"] == "noteTarget").unwrap();
    assert_eq!(field(target, "person")["relation"]["targetObjectMetadata"]["nameSingular"], "person");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_not_opened_as_another_version() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().join("sandbox.db"));
    start(SandboxOptions { state: state.clone(), ..SandboxOptions::default() }).await.unwrap().stop().await;
    let options = SandboxOptions { state, version: TwentyVersion::V1_10, ..SandboxOptions::default() };
    let refused = start(options).await.unwrap_err().to_string();
    assert!(refused.contains("2.19") && refused.contains("1.10"), "{refused}");
}
