//! The sandbox over its real HTTP port.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its small functions too")]

use std::time::{Duration, Instant};

use migr_sandbox::{Faults, RateLimit, Sandbox, SandboxOptions, start};
use reqwest::Client;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_all_or_nothing_and_changes_nothing_when_refused() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let before = sandbox.fingerprint().unwrap();
    let batch = json!([{"name": "good"}, {"name": "bad", "domainName": {"primaryLinkUrl": "https://clinic3.example"}}]);
    let (status, body) = call(&sandbox, "POST", "/rest/batch/companies", Some(batch)).await;
    assert_eq!((status, &body["messages"][0]), (400, &json!("A duplicate entry was detected")));
    assert_eq!(sandbox.fingerprint().unwrap(), before);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destroying_what_was_created_brings_the_fingerprint_back() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let before = sandbox.fingerprint().unwrap();
    let id = "8b41cf00-8372-56df-948b-6d174af2a64f";
    let (status, _) = call(&sandbox, "POST", "/rest/companies", Some(json!({"id": id, "name": "x"}))).await;
    assert_eq!(status, 201);
    assert_ne!(sandbox.fingerprint().unwrap(), before);
    let (status, _) = call(&sandbox, "DELETE", &format!("/rest/companies/{id}?soft_delete=true"), None).await;
    assert_eq!(status, 200);
    assert_ne!(sandbox.fingerprint().unwrap(), before, "the trash counts");
    let (status, _) = call(&sandbox, "DELETE", &format!("/rest/companies/{id}"), None).await;
    assert_eq!(status, 200);
    assert_eq!(sandbox.fingerprint().unwrap(), before);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_new_sandboxes_have_the_same_fingerprint_and_a_file_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions { state: Some(folder.path().join("sandbox.db")), ..SandboxOptions::default() };
    let one = start(SandboxOptions::default()).await.unwrap();
    let other = start(options.clone()).await.unwrap();
    let fingerprint = one.fingerprint().unwrap();
    assert_eq!(fingerprint, other.fingerprint().unwrap());
    other.stop().await;
    let again = start(options).await.unwrap();
    assert_eq!(fingerprint, again.fingerprint().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_refuses_with_the_servers_words() {
    let rate = Some(RateLimit { requests: 3, per: Duration::from_secs(60) });
    let sandbox = start(SandboxOptions { rate, ..SandboxOptions::default() }).await.unwrap();
    for _ in 0..3 {
        assert_eq!(call(&sandbox, "GET", "/rest/companies?limit=1", None).await.0, 200);
    }
    let (status, body) = call(&sandbox, "GET", "/rest/companies?limit=1", None).await;
    assert_eq!(status, 429);
    let expected =
        json!({"statusCode": 429, "error": "HttpException", "messages": ["Limit reached (3 tokens per 60000 ms)"]});
    assert_eq!(body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_after_the_commit_leaves_the_record_and_one_before_does_not() {
    let id = "8b41cf00-8372-56df-948b-6d174af2a64f";
    for (faults, there) in [
        (Faults { percent_reset_after: 100.0, ..Faults::default() }, true),
        (Faults { percent_reset_before: 100.0, ..Faults::default() }, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let state = Some(folder.path().join("sandbox.db"));
        let sandbox =
            start(SandboxOptions { state: state.clone(), faults, ..SandboxOptions::default() }).await.unwrap();
        let request = client().post(format!("{}/rest/companies", sandbox.url())).bearer_auth(sandbox.token());
        request.json(&json!({"id": id, "name": "x"})).send().await.unwrap_err();
        sandbox.stop().await;
        let sandbox = start(SandboxOptions { state, ..SandboxOptions::default() }).await.unwrap();
        let (status, _) = call(&sandbox, "GET", &format!("/rest/companies/{id}"), None).await;
        assert_eq!(status == 200, there);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_records_a_second_go_in() {
    let sandbox = start(SandboxOptions::default()).await.unwrap();
    let client = client();
    let started = Instant::now();
    for batch in 0..20 {
        let records: Vec<Value> = (0..200)
            .map(|at| {
                json!({"name": {"firstName": "A", "lastName": format!("{at}")}, "jobTitle": "dev",
                "emails": {"primaryEmail": format!("p{batch}.{at}@clinic.example")},
                "phones": {"primaryPhoneNumber": "+12025550123"}, "createdAt": "2020-01-01T00:00:00Z"})
            })
            .collect();
        let request = client.post(format!("{}/rest/batch/people", sandbox.url())).bearer_auth(sandbox.token());
        assert_eq!(request.json(&records).send().await.unwrap().status(), 201);
    }
    let taken = started.elapsed();
    // A debug build on a busy machine: the bound is loose on purpose.
    assert!(taken < Duration::from_secs(30), "4000 records took {taken:?}");
    assert_eq!(call(&sandbox, "GET", "/rest/people?limit=0", None).await.1["totalCount"], 4002);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_repeats_with_its_own_ids_ends_with_every_record_once() {
    let faults = Faults {
        percent_500: 10.0,
        percent_reset_before: 10.0,
        percent_reset_after: 10.0,
        percent_429: 10.0,
        percent_bad_json: 5.0,
        seed: 3,
        ..Faults::default()
    };
    let sandbox = start(SandboxOptions { faults, ..SandboxOptions::default() }).await.unwrap();
    let client = client();
    for batch in 0..20 {
        let records: Vec<Value> = (0..50)
            .map(|at| json!({"id": format!("00000000-0000-5000-8000-{:012}", batch * 50 + at), "name": "x"}))
            .collect();
        let mut answered = false;
        while !answered {
            let url = format!("{}/rest/batch/companies?upsert=true", sandbox.url());
            let request = client.post(url).bearer_auth(sandbox.token()).json(&records);
            answered = match request.send().await {
                Ok(response) => response.status() == 201 && response.json::<Value>().await.is_ok(),
                Err(_) => false,
            };
        }
    }
    assert!(sandbox.request_count() > 20, "some requests must have failed");
    let quiet = sandbox.fingerprint().unwrap();
    let other = start(SandboxOptions::default()).await.unwrap();
    for batch in 0..20 {
        let records: Vec<Value> = (0..50)
            .map(|at| json!({"id": format!("00000000-0000-5000-8000-{:012}", batch * 50 + at), "name": "x"}))
            .collect();
        assert_eq!(call(&other, "POST", "/rest/batch/companies", Some(records.into())).await.0, 201);
    }
    assert_eq!(other.fingerprint().unwrap(), quiet);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_asked_for_are_there_once_in_a_new_state_and_in_an_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().join("sandbox.db"));
    let mut counts = Vec::new();
    for address in ["boss@salon.example", "Boss@salon.example", "jane.smith@clinic.example", "second@salon.example"] {
        let members = vec![address.to_owned()];
        let options = SandboxOptions { state: state.clone(), members, ..SandboxOptions::default() };
        let sandbox = start(options).await.unwrap();
        let (_, answer) = call(&sandbox, "GET", "/rest/workspaceMembers?limit=0", None).await;
        counts.push(answer["totalCount"].as_u64().unwrap());
        sandbox.stop().await;
    }
    assert_eq!(counts, [15, 15, 15, 16]);
}
