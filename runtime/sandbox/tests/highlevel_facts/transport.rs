//! Versions, tokens, scopes, locations, shapes, limits and faults.

use std::time::Duration;

use migr_sandbox::highlevel::Options;
use migr_sandbox::{Faults, RateLimit};
use serde_json::{Value, json};

use crate::site::{LOCATION, Site, at_once, client, located};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_needs_a_known_version_a_token_its_scope_and_its_own_location() {
    let site = Site::with(Options { without_scopes: vec!["businesses.write".to_owned()], ..at_once() }).await;
    let url = format!("{}/contacts/search/duplicate?locationId={LOCATION}", site.sandbox.url());
    for (version, status, message) in [
        ("v3", 200, ""),
        ("2021-07-28", 200, ""),
        ("2021-04-15", 200, ""),
        ("2023-02-21", 200, ""),
        ("", 401, "version header was not found."),
        ("v2", 401, "version header is invalid"),
    ] {
        let mut request = client().get(&url).bearer_auth(site.sandbox.token());
        if !version.is_empty() {
            request = request.header("Version", version);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{version}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["message"].as_str().unwrap_or_default(), message, "{version}");
    }
    let stranger = client().get(&url).bearer_auth("pit-other").header("Version", "v3").send().await.unwrap();
    assert_eq!(stranger.status().as_u16(), 401);
    let (status, body) = site.call("POST", "/businesses/", Some(located(&json!({"name": "a"})))).await;
    assert_eq!((status, &body["message"]), (401, &json!("The token is not authorized for this scope.")));
    for (method, path, body) in [
        ("GET", "/contacts/search/duplicate?locationId=other", None),
        ("GET", "/locations/other/tags", None),
        ("POST", "/contacts/", Some(json!({"locationId": "other", "email": "a@x.example"}))),
    ] {
        let (status, answer) = site.call(method, path, body).await;
        assert_eq!(
            (status, &answer["message"]),
            (403, &json!("The token does not have access to this location.")),
            "{path}"
        );
    }
    assert_eq!(site.call("GET", "/nothing", None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_and_wrong_types_are_refused_at_every_depth_in_each_version() {
    let site = Site::new().await;
    let field = json!([{"id": "f", "fieldValue": "a", "more": 1}]);
    for (body, message) in [
        (json!({"companyId": "x"}), "property companyId should not exist"),
        (json!({"businessId": "x"}), "property businessId should not exist"),
        (json!({"dateAdded": "2020-01-01"}), "property dateAdded should not exist"),
        (json!({"additionalEmails": []}), "property additionalEmails should not exist"),
        (json!({"postalCode": null}), "postalCode must be a string"),
        (json!({"country": null}), "country must be a string"),
        (json!({"assignedTo": null}), "assignedTo must be a string"),
        (json!({"tags": "a"}), "tags must be an array"),
        (json!({"customFields": field}), "customFields.0.property more should not exist"),
        (json!({"dndSettings": {"SMS": {"status": "active"}}}), "dndSettings.property SMS should not exist"),
        (json!({"email": "no address"}), "email must be an email"),
        (json!({"country": "United States"}), "country must be a valid enum value"),
        (json!({"dateOfBirth": "tomorrow"}), "dateOfBirth must be a valid date"),
        (json!({"assignedTo": "nobody"}), "assignedTo is not a user of this location"),
    ] {
        let (status, answer) = site.call("POST", "/contacts/", Some(located(&body))).await;
        assert_eq!((status, &answer["message"]), (422, &json!([message])), "{body}");
    }
    let (status, answer) = site.call("POST", "/contacts/", Some(json!({}))).await;
    assert_eq!((status, &answer["message"][0]), (422, &json!("locationId should not be empty")));
    let id = site.contact("a@x.example").await;
    for key in ["locationId", "gender", "companyName"] {
        let (status, answer) = site.call("PUT", &format!("/contacts/{id}"), Some(json!({key: LOCATION}))).await;
        assert_eq!((status, &answer["message"]), (422, &json!([format!("property {key} should not exist")])));
    }
    let older = Site::new().await.asked_in("2021-07-28");
    let (status, answer) = older
        .call("POST", "/contacts/", Some(located(&json!({"customFields": [{"id": "f", "fieldValue": "a"}]}))))
        .await;
    assert_eq!((status, &answer["message"]), (422, &json!(["customFields.0.property fieldValue should not exist"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_told_by_headers_and_a_429_names_no_time() {
    let rate = RateLimit { requests: 5, per: Duration::from_secs(600) };
    let site = Site::with(Options { rate: Some(rate), daily: Some(100), ..at_once() }).await;
    let path = format!("/locations/{LOCATION}");
    let header = |response: &reqwest::Response, name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    let first = site.send("GET", &path, None).await;
    for (name, value) in [
        ("X-RateLimit-Limit-Daily", "100"),
        ("X-RateLimit-Daily-Remaining", "99"),
        ("X-RateLimit-Interval-Milliseconds", "600000"),
        ("X-RateLimit-Max", "5"),
        ("X-RateLimit-Remaining", "4"),
    ] {
        assert_eq!(header(&first, name).as_deref(), Some(value), "{name}");
    }
    for _ in 0..4 {
        assert_eq!(site.send("GET", &path, None).await.status().as_u16(), 200);
    }
    let refused = site.send("GET", &path, None).await;
    assert_eq!((refused.status().as_u16(), header(&refused, "Retry-After")), (429, None));
    assert_eq!(header(&refused, "X-RateLimit-Remaining").as_deref(), Some("0"));
    assert_eq!(header(&refused, "X-RateLimit-Daily-Remaining").as_deref(), Some("95"), "a refusal costs nothing");
    let site = Site::with(Options { daily: Some(10), ..at_once() }).await;
    site.sandbox.spend_daily(9);
    assert_eq!(site.send("GET", &path, None).await.status().as_u16(), 200);
    let refused = site.send("GET", &path, None).await;
    assert_eq!(refused.status().as_u16(), 429, "another integration used the day up");
    assert_eq!(header(&refused, "X-RateLimit-Daily-Remaining").as_deref(), Some("0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_may_be_refused_and_have_been_carried_out() {
    let faults = Faults { percent_contradiction: 100.0, ..Faults::default() };
    let site = Site::with(Options { faults, ..at_once() }).await;
    let body = located(&json!({"email": "a@x.example"}));
    assert_eq!(site.call("POST", "/contacts/", Some(body.clone())).await.0, 422);
    let (status, answer) = site.call("POST", "/contacts/", Some(body)).await;
    assert_eq!((status, &answer["meta"]["matchingField"]), (400, &json!("email")), "it is there");
    let (status, _) = site.call("POST", "/businesses/", Some(located(&json!({"name": "Acme"})))).await;
    assert_eq!(status, 201, "only contacts were seen to do so");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_those_of_any_sandbox() {
    let faults = Faults { percent_500: 100.0, ..Faults::default() };
    let site = Site::with(Options { faults, ..at_once() }).await;
    assert_eq!(site.call("GET", &format!("/locations/{LOCATION}"), None).await.0, 500);
    let faults = Faults { refuse_quoting: Some("bad word".to_owned()), ..Faults::default() };
    let site = Site::with(Options { faults, ..at_once() }).await;
    let (status, answer) = site.call("POST", "/contacts/", Some(located(&json!({"firstName": "a bad word"})))).await;
    assert_eq!((status, &answer["message"]), (422, &json!(["firstName has the invalid value a bad word"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_kept_in_a_file_and_two_new_ones_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state: Some(folder.path().join("sandbox.db")), ..at_once() };
    let site = Site::with(options.clone()).await;
    let fresh = site.sandbox.fingerprint().unwrap();
    assert_eq!(fresh, Site::new().await.sandbox.fingerprint().unwrap());
    let id = site.contact("a@x.example").await;
    let changed = site.sandbox.fingerprint().unwrap();
    assert_ne!(changed, fresh);
    site.sandbox.stop().await;
    let site = Site::with(Options { location: "another".to_owned(), ..options.clone() }).await;
    assert_eq!(site.sandbox.fingerprint().unwrap(), changed);
    assert_eq!(site.call("GET", &format!("/contacts/{id}"), None).await.0, 200);
    site.sandbox.stop().await;
    let twenty = migr_sandbox::SandboxOptions { state: options.state, ..migr_sandbox::SandboxOptions::default() };
    let error = migr_sandbox::start(twenty).await.unwrap_err();
    assert!(error.to_string().contains("HighLevel"), "{error}");
}
