//! What HighLevel is known to do, fact for fact, over a real HTTP port.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, its small functions too, and says on stderr what it left out"
)]

mod highlevel;

use std::time::Duration;

use highlevel::{COMPANY, LOCATION, Site, at_once, client, located, word};
use migr_sandbox::highlevel::Options;
use migr_sandbox::{Faults, RateLimit};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

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
async fn a_duplicate_contact_is_refused_with_the_id_of_the_one_that_is_there() {
    let site = Site::new().await;
    let first =
        site.post("/contacts/", json!({"email": "Ada@X.example", "phone": "(201) 555-0155", "firstName": "Ada"})).await;
    let id = &first["contact"]["id"];
    assert_eq!(first["contact"]["phone"], "+12015550155");
    for (body, field) in [
        (json!({"email": "ada@x.EXAMPLE"}), "email"),
        (json!({"email": "other@x.example", "phone": "+1 201 555 0155"}), "phone"),
        (json!({"email": "ada@x.example", "phone": "+12015550155"}), "email"),
    ] {
        let (status, answer) = site.call("POST", "/contacts/", Some(located(&body))).await;
        assert_eq!(status, 400, "{answer}");
        assert_eq!(answer["message"], "This location does not allow duplicated contacts.");
        assert_eq!(answer["meta"], json!({"contactId": id, "contactName": "Ada", "matchingField": field}));
        assert!(answer["traceId"].is_string());
    }
    // An update may not take another's address either, and may write its own again.
    let other = site.contact("other@x.example").await;
    let path = format!("/contacts/{other}");
    assert_eq!(site.call("PUT", &path, Some(json!({"email": "ada@x.example"}))).await.0, 400);
    assert_eq!(site.call("PUT", &path, Some(json!({"email": "other@x.example"}))).await.0, 200);
    let found = site.get(&format!("/contacts/search/duplicate?locationId={LOCATION}&number=%2B12015550155")).await;
    assert_eq!(&found["contact"]["id"], id);
    let found = site.get(&format!("/contacts/search/duplicate?locationId={LOCATION}&email=nobody@x.example")).await;
    assert!(found["contact"].is_null());
    site.sandbox.set_location_setting("allowDuplicateContact", true).unwrap();
    assert_eq!(site.call("POST", "/contacts/", Some(located(&json!({"email": "ada@x.example"})))).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_back_in_small_letters_tags_too_and_a_birthday_with_a_time() {
    let site = Site::new().await;
    let body = json!({"name": "Ada King Lovelace", "email": "a@x.example", "tags": [" VIP", "vip", "Zürich"], "dateOfBirth": "12/10/1815"});
    let made = site.post("/contacts/", body).await["contact"].clone();
    assert_eq!(
        (&made["firstName"], &made["lastName"]),
        (&json!("Ada"), &json!("King Lovelace")),
        "a create tells them as written"
    );
    assert_eq!(made["country"], "US", "the location's, where none is given");
    let read = site.get(&format!("/contacts/{}", word(&made["id"]))).await["contact"].clone();
    assert_eq!((&read["firstName"], &read["firstNameRaw"]), (&json!("ada"), &json!("Ada")));
    assert_eq!(read["tags"], json!(["vip", "zürich"]));
    assert_eq!(read["dateOfBirth"], "1815-12-10T00:00:00.000Z");
    let tags = site.get(&format!("/locations/{LOCATION}/tags")).await;
    let names: Vec<&str> = tags["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"vip") && names.contains(&"zürich"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_taken_away_and_overwritten_by_an_update() {
    let site = Site::new().await;
    let id = word(&site.post("/contacts/", json!({"email": "a@x.example", "tags": ["mine"]})).await["contact"]["id"]);
    let tags = format!("/contacts/{id}/tags");
    for (method, given, status, left) in [
        ("POST", json!(["New", "MINE"]), 201, json!(["mine", "new"])),
        ("DELETE", json!(["new", "absent"]), 200, json!(["mine"])),
    ] {
        let (found, answer) = site.call(method, &tags, Some(json!({"tags": given}))).await;
        assert_eq!((found, &answer["tags"]), (status, &left));
    }
    let (_, answer) = site.call("PUT", &format!("/contacts/{id}"), Some(json!({"tags": ["other"]}))).await;
    assert_eq!(answer["contact"]["tags"], json!(["other"]));
    let made = site.call("POST", &format!("/locations/{LOCATION}/tags"), Some(json!({"name": "Fresh"}))).await;
    assert_eq!((made.0, &made.1["tag"]["name"]), (200, &json!("fresh")));
    assert_eq!(site.call("POST", &format!("/locations/{LOCATION}/tags"), Some(json!({"name": "FRESH"}))).await.0, 400);
    let all = site.get(&format!("/locations/{LOCATION}/tags")).await;
    let other = all["tags"].as_array().unwrap().iter().find(|tag| tag["name"] == "other").unwrap();
    let path = format!("/locations/{LOCATION}/tags/{}", word(&other["id"]));
    assert_eq!(site.call("DELETE", &path, None).await.0, 200);
    assert_eq!(site.get(&format!("/contacts/{id}")).await["contact"]["tags"], json!([]));
}

async fn field(site: &Site, body: Value) -> Value {
    let answer = site.call("POST", &format!("/locations/{LOCATION}/customFields"), Some(body)).await;
    assert_eq!(answer.0, 201, "{}", answer.1);
    answer.1["customField"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_keeps_what_it_can_hold_drops_the_rest_and_merges_by_id() {
    let site = Site::new().await;
    let mut ids = Vec::new();
    for (name, kind) in [
        ("Goal", "TEXT"),
        ("Level", "SINGLE_OPTIONS"),
        ("Topics", "MULTIPLE_OPTIONS"),
        ("Since", "DATE"),
        ("Score", "NUMERICAL"),
        ("Papers", "FILE_UPLOAD"),
    ] {
        let made =
            field(&site, json!({"name": name, "dataType": kind, "model": "contact", "options": ["High", "Low"]})).await;
        ids.push(word(&made["id"]));
    }
    let value = |at: usize, value: Value| json!({"id": ids[at], "fieldValue": value});
    let given = json!([
        value(0, json!("calm")),
        value(1, json!("high")),
        value(2, json!(["Low", "Middle"])),
        value(3, json!(1_700_000_000_000_i64)),
        value(4, json!("7")),
        value(5, json!({"x": {"url": "https://x.example"}})),
        {"id": "nowhere", "fieldValue": "x"},
    ]);
    let made = site.post("/contacts/", json!({"email": "a@x.example", "customFields": given})).await["contact"].clone();
    let expected =
        json!([{"id": ids[0], "value": "calm"}, {"id": ids[2], "value": ["Low"]}, {"id": ids[4], "value": 7}]);
    assert_eq!(
        made["customFields"], expected,
        "unknown options, milliseconds, files and unknown fields are dropped without a word"
    );
    let path = format!("/contacts/{}", word(&made["id"]));
    let over = json!({"customFields": [value(1, json!("High")), value(3, json!("2024-02-29")), value(4, json!(""))]});
    let (status, _) = site.call("PUT", &path, Some(over)).await;
    let read = site.get(&path).await;
    let expected = json!([
        {"id": ids[0], "value": "calm"}, {"id": ids[2], "value": ["Low"]},
        {"id": ids[1], "value": "High"}, {"id": ids[3], "value": "2024-02-29"},
    ]);
    assert_eq!((status, &read["contact"]["customFields"]), (200, &expected));
    let deleted = site.call("DELETE", &format!("/locations/{LOCATION}/customFields/{}", ids[0]), None).await;
    assert_eq!(deleted, (200, json!({"succeded": true})));
    assert_eq!(site.get(&path).await["contact"]["customFields"].as_array().unwrap().len(), 3, "its value is gone too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fields_key_is_folded_and_two_that_fold_alike_are_one_too_many() {
    let site = Site::new().await;
    let made = field(&site, json!({"name": "Second e-mail", "dataType": "TEXT"})).await;
    assert_eq!((&made["fieldKey"], &made["model"]), (&json!("contact.second_e_mail"), &json!("contact")));
    let path = format!("/locations/{LOCATION}/customFields");
    for (body, status) in [
        (json!({"name": "Second E/Mail", "dataType": "TEXT"}), 400),
        (json!({"name": "Second e-mail", "dataType": "TEXT", "model": "opportunity"}), 201),
        (json!({"name": "Kind", "dataType": "BOOLEAN"}), 422),
        (json!({"name": "Kind", "dataType": "TEXT", "model": "business"}), 422),
    ] {
        let (found, answer) = site.call("POST", &path, Some(body.clone())).await;
        assert_eq!(found, status, "{body}: {answer}");
    }
    let listed = |model: &str| format!("{path}?model={model}");
    assert_eq!(site.get(&listed("opportunity")).await["customFields"].as_array().unwrap().len(), 1);
    assert_eq!(site.get(&listed("all")).await["customFields"].as_array().unwrap().len(), 2);
    let own = format!("{path}/{}", word(&made["id"]));
    let (status, answer) = site.call("PUT", &own, Some(json!({"name": "Other mail"}))).await;
    assert_eq!((status, &answer["customField"]["fieldKey"]), (200, &json!("contact.second_e_mail")), "the key stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_linked_to_a_business_by_a_second_call_for_fifty_at_most() {
    let site = Site::new().await;
    let made = site.post("/businesses/", json!({"name": "Acme"})).await;
    let business = word(&made["buiseness"]["id"]);
    let id = site.contact("a@x.example").await;
    let link = |ids: Value, business: Value| json!({"locationId": LOCATION, "ids": ids, "businessId": business});
    let (status, answer) =
        site.call("POST", "/contacts/bulk/business", Some(link(json!([id, "nobody"]), json!(business)))).await;
    assert_eq!((status, &answer["ids"]), (200, &json!([id])), "those that are not there are not among the linked");
    assert_eq!(site.get(&format!("/contacts/{id}")).await["contact"]["businessId"], json!(business));
    let of = site.get(&format!("/contacts/business/{business}?locationId={LOCATION}")).await;
    assert_eq!(of["count"], 1);
    let many: Vec<String> = (0..51).map(|at| format!("c{at}")).collect();
    assert_eq!(site.call("POST", "/contacts/bulk/business", Some(link(json!(many), json!(business)))).await.0, 422);
    let (status, _) = site.call("POST", "/contacts/bulk/business", Some(link(json!([id]), Value::Null))).await;
    assert_eq!(status, 200);
    assert!(site.get(&format!("/contacts/{id}")).await["contact"]["businessId"].is_null());
    site.call("POST", "/contacts/bulk/business", Some(link(json!([id]), json!(business)))).await;
    assert_eq!(site.call("DELETE", &format!("/businesses/{business}"), None).await, (200, json!({"success": true})));
    assert!(site.get(&format!("/contacts/{id}")).await["contact"]["businessId"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_lags_and_reading_by_id_does_not() {
    let lag = Duration::from_secs(600);
    let site = Site::with(Options { lag, ..Options::default() }).await;
    let ext = word(&field(&site, json!({"name": "migr id", "dataType": "TEXT"})).await["id"]);
    let body = json!({"email": "new@x.example", "customFields": [{"id": ext, "fieldValue": "k-1"}]});
    let id = word(&site.post("/contacts/", body).await["contact"]["id"]);
    let filter = json!([{"field": format!("customFields.{ext}"), "operator": "eq", "value": "k-1"}]);
    let asked = json!({"pageLimit": 10, "filters": filter});
    assert_eq!(site.post("/contacts/search", asked.clone()).await["total"], 0, "absence proves nothing");
    assert_eq!(site.call("GET", &format!("/contacts/{id}"), None).await.0, 200);
    site.sandbox.settle_searches().unwrap();
    let found = site.post("/contacts/search", asked.clone()).await;
    assert_eq!((&found["total"], &found["contacts"][0]["id"]), (&json!(1), &json!(id)));
    site.call("DELETE", &format!("/contacts/{id}"), None).await;
    assert_eq!(site.post("/contacts/search", asked).await["total"], 1, "what is gone is found for a while");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_listed_by_pages_and_filtered() {
    let site = Site::with(Options { before: Some(json!({})), ..at_once() }).await;
    for at in 0..7 {
        let tags = if at % 2 == 0 { json!(["even"]) } else { json!([]) };
        site.post(
            "/contacts/",
            json!({"email": format!("c{at}@x.example"), "lastName": format!("O'Neil-{at}"), "tags": tags}),
        )
        .await;
    }
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut asked = json!({"pageLimit": 3});
        if !after.is_null() {
            asked["searchAfter"] = after;
        }
        let page = site.post("/contacts/search", asked).await;
        assert_eq!(page["total"], 7);
        let contacts = page["contacts"].as_array().unwrap().clone();
        let Some(last) = contacts.last() else { break };
        after = last["searchAfter"].clone();
        seen.extend(contacts.iter().map(|contact| word(&contact["email"])));
    }
    assert_eq!(
        seen,
        (0..7).rev().map(|at| format!("c{at}@x.example")).collect::<Vec<_>>(),
        "each once, the newest first"
    );
    for (filters, status, count) in [
        (json!([{"field": "email", "operator": "eq", "value": "C3@x.example"}]), 200, 1),
        (json!([{"field": "email", "operator": "contains", "value": "c3"}]), 400, 0),
        (json!([{"field": "tags", "operator": "eq", "value": "even"}]), 200, 4),
        (json!([{"field": "lastNameLowerCase", "operator": "contains", "value": "oneil5"}]), 200, 1),
        (json!([{"field": "phone", "operator": "exists"}]), 200, 0),
        (
            json!([{"group": "OR", "filters": [
            {"field": "email", "operator": "eq", "value": "c1@x.example"}, {"field": "email", "operator": "eq", "value": "c2@x.example"}]}]),
            200,
            2,
        ),
        (json!([{"field": "shoeSize", "operator": "eq", "value": 1}]), 400, 0),
    ] {
        let (found, answer) =
            site.call("POST", "/contacts/search", Some(located(&json!({"pageLimit": 10, "filters": filters})))).await;
        assert_eq!((found, answer["total"].as_u64().unwrap_or_default()), (status, count), "{filters}: {answer}");
    }
    assert_eq!(site.call("POST", "/contacts/search", Some(located(&json!({"pageLimit": 501})))).await.0, 400);
    assert_eq!(
        site.call("POST", "/contacts/search", Some(located(&json!({"pageLimit": 500, "page": 21})))).await.0,
        400
    );
    assert_eq!(site.call("GET", &format!("/contacts/?locationId={LOCATION}"), None).await.0, 404, "gone in v3");
    let older = site.asked_in("2021-07-28");
    assert_eq!(
        older.get(&format!("/contacts/?locationId={LOCATION}&limit=2")).await["contacts"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_overwrites_the_first_that_matches_and_leaves_the_other_alone() {
    let site = Site::new().await;
    let one = site.contact("one@x.example").await;
    let other = word(&site.post("/contacts/", json!({"phone": "+12015550177"})).await["contact"]["id"]);
    let body = json!({"email": "one@x.example", "phone": "+12015550177", "firstName": "Over", "tags": ["only"]});
    let answer = site.post("/contacts/upsert", body).await;
    assert_eq!((&answer["new"], &answer["contact"]["id"]), (&json!(false), &json!(one)));
    assert_eq!((&answer["contact"]["firstName"], &answer["contact"]["tags"]), (&json!("Over"), &json!(["only"])));
    assert!(answer["contact"]["phone"].is_null(), "the number is another's and silently left");
    assert_eq!(site.get(&format!("/contacts/{other}")).await["contact"]["phone"], "+12015550177");
    assert_eq!(site.call("POST", "/contacts/upsert", Some(located(&json!({"firstName": "x"})))).await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_contact_takes_everything_of_it_along_and_an_unknown_one_is_a_400() {
    let site = Site::new().await;
    let before = site.sandbox.fingerprint().unwrap();
    let id = site.contact("a@x.example").await;
    let pipeline = site.pipeline().await;
    let deal = json!({"pipelineId": pipeline["id"], "name": "Deal", "status": "open", "contactId": id});
    let deal = word(&site.post("/opportunities/", deal).await["opportunity"]["id"]);
    let (_, note) = site.call("POST", &format!("/contacts/{id}/notes"), Some(json!({"body": "hello"}))).await;
    assert!(note["note"]["id"].is_string());
    assert_eq!(
        site.call("DELETE", &format!("/contacts/{id}"), None).await,
        (200, json!({"succeeded": true, "succeded": true}))
    );
    let (status, answer) = site.call("GET", &format!("/contacts/{id}"), None).await;
    assert_eq!(status, 400, "not 404");
    assert!(answer["message"].as_str().unwrap().contains("not found"), "{answer}");
    assert_eq!(site.call("GET", &format!("/opportunities/{deal}"), None).await.0, 400);
    assert_eq!(site.sandbox.fingerprint().unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_and_tasks_hang_on_a_contact_and_are_read_directly() {
    let site = Site::with(Options::default()).await;
    let id = site.contact("a@x.example").await;
    let notes = format!("/contacts/{id}/notes");
    let long = "x".repeat(65_000);
    for (body, status) in [
        (json!({"body": "same"}), 201),
        (json!({"body": "same"}), 201),
        (json!({"body": long, "title": "t"}), 201),
        (json!({"body": ""}), 422),
        (json!({"body": "x", "dateAdded": "2020-01-01"}), 422),
        (json!({"body": "x", "userId": "nobody"}), 422),
    ] {
        assert_eq!(site.call("POST", &notes, Some(body)).await.0, status);
    }
    let listed = site.get(&notes).await["notes"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 3, "two alike are two");
    let one = format!("{notes}/{}", word(&listed[0]["id"]));
    assert_eq!(site.call("PUT", &one, Some(json!({"body": "new"}))).await.1["note"]["body"], "new");
    assert_eq!(site.call("DELETE", &one, None).await.0, 200);
    let tasks = format!("/contacts/{id}/tasks");
    for (body, status) in [
        (json!({"title": "t", "dueDate": "2024-07-01T09:00:00-04:00", "completed": false}), 201),
        (json!({"title": "t", "completed": false}), 422),
        (json!({"title": "t", "dueDate": "2024-07-01T09:00:00Z"}), 422),
        (json!({"title": "t", "dueDate": "soon", "completed": true}), 422),
    ] {
        assert_eq!(site.call("POST", &tasks, Some(body.clone())).await.0, status, "{body}");
    }
    let task = site.get(&tasks).await["tasks"][0].clone();
    assert_eq!(task["dueDate"], "2024-07-01T13:00:00.000Z");
    let one = format!("{tasks}/{}", word(&task["id"]));
    assert_eq!(
        site.call("PUT", &format!("{one}/completed"), Some(json!({"completed": true}))).await.1["task"]["completed"],
        true
    );
    let (_, found) =
        site.call("POST", &format!("/locations/{LOCATION}/tasks/search"), Some(json!({"completed": true}))).await;
    assert_eq!(found["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(site.call("DELETE", &one, None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opportunity_has_a_stage_of_its_pipeline_and_one_contact_for_ever() {
    let site = Site::new().await;
    let id = site.contact("a@x.example").await;
    let pipeline = site.pipeline().await;
    let base = json!({"locationId": LOCATION, "pipelineId": pipeline["id"], "name": "Deal", "status": "open", "contactId": id});
    let with = |more: Value| {
        let mut body = base.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, status) in [
        (with(json!({"status": "all"})), 422),
        (with(json!({"status": "closed"})), 422),
        (with(json!({"ownerId": "x"})), 422),
        (with(json!({"monetaryValue": "5"})), 422),
        (with(json!({"contactId": "nobody"})), 400),
        (with(json!({"pipelineId": "nowhere"})), 400),
        (with(json!({"pipelineStageId": "nowhere"})), 400),
        (with(json!({"customFields": [{"id": "x", "field_value": "a"}]})), 422),
        (with(json!({"customFields": [{"id": "x", "fieldValue": 5}]})), 422),
    ] {
        let (found, answer) = site.call("POST", "/opportunities/", Some(body.clone())).await;
        assert_eq!(found, status, "{body}: {answer}");
    }
    let made = site
        .post("/opportunities/", with(json!({"monetaryValue": 12.5, "forecastExpectedCloseDate": "2024-05-01"})))
        .await;
    let made = &made["opportunity"];
    assert_eq!(made["pipelineStageId"], pipeline["stages"][0]["id"], "the lowest, where none is named");
    assert_eq!((&made["monetaryValue"], &made["forecastExpectedCloseDate"]), (&json!(12.5), &json!("2024-05-01")));
    let path = format!("/opportunities/{}", word(&made["id"]));
    assert_eq!(site.call("PUT", &path, Some(json!({"contactId": id}))).await.0, 422);
    assert_eq!(
        site.call("PUT", &format!("{path}/status"), Some(json!({"status": "won"}))).await,
        (200, json!({"succeded": true, "success": true}))
    );
    assert_eq!(site.get(&path).await["opportunity"]["status"], "won");
    let older = Site::new().await.asked_in("2021-07-28");
    let (status, answer) = older.call("POST", "/opportunities/", Some(with(json!({"forecastProbability": 5})))).await;
    assert_eq!((status, &answer["message"]), (422, &json!(["property forecastProbability should not exist"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_opportunity_of_a_contact_in_a_pipeline_is_refused_where_the_location_says_so() {
    let before = json!({
        "settings": {"allowDuplicateOpportunity": false}, "contacts": [],
        "pipelines": [{"name": "A", "stages": ["One"]}, {"name": "B", "stages": ["One"]}],
    });
    let site = Site::with(Options { before: Some(before), ..at_once() }).await;
    let id = site.contact("a@x.example").await;
    let pipelines = site.get(&format!("/opportunities/pipelines?locationId={LOCATION}")).await;
    let deal = |at: usize| {
        located(
            &json!({"pipelineId": pipelines["pipelines"][at]["id"], "name": "x", "status": "lost", "contactId": id}),
        )
    };
    let (_, first) = site.call("POST", "/opportunities/", Some(deal(0))).await;
    let (status, answer) = site.call("POST", "/opportunities/", Some(deal(0))).await;
    assert_eq!((status, &answer["code"]), (400, &json!("OPPORTUNITY_NO_DUPLICATE")), "a closed one counts");
    assert_eq!(answer["message"], "Can not create duplicate opportunity for the contact.");
    assert_eq!(answer["meta"]["existingId"], first["opportunity"]["id"]);
    assert_eq!(site.call("POST", "/opportunities/", Some(deal(1))).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn opportunities_are_searched_by_other_names_in_each_version() {
    let site = Site::new().await;
    let id = site.contact("a@x.example").await;
    let pipeline = site.pipeline().await;
    for name in ["One", "Two", "Three"] {
        site.post(
            "/opportunities/",
            json!({"pipelineId": pipeline["id"], "name": name, "status": "open", "contactId": id}),
        )
        .await;
    }
    let found = site.get(&format!("/opportunities/search?locationId={LOCATION}&contactId={id}&limit=2")).await;
    assert_eq!((found["opportunities"].as_array().unwrap().len(), &found["meta"]["total"]), (2, &json!(3)));
    let after = (found["meta"]["startAfter"].as_i64().unwrap(), word(&found["meta"]["startAfterId"]));
    let rest = site
        .get(&format!(
            "/opportunities/search?locationId={LOCATION}&contactId={id}&startAfter={}&startAfterId={}",
            after.0, after.1
        ))
        .await;
    assert_eq!(rest["opportunities"][0]["name"], "One");
    assert_eq!(site.call("GET", &format!("/opportunities/search?location_id={LOCATION}"), None).await.0, 422);
    assert_eq!(site.call("GET", &format!("/opportunities/search?locationId={LOCATION}&limit=101"), None).await.0, 422);
    let older = site.asked_in("2021-07-28");
    let found = older.get(&format!("/opportunities/search?location_id={LOCATION}&contact_id={id}&q=two")).await;
    assert_eq!(found["meta"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_made_with_its_scope_replaced_as_a_whole_and_deleted_with_its_opportunities() {
    let lacking = Site::with(Options { without_scopes: vec!["pipelines.create".to_owned()], ..at_once() }).await;
    assert_eq!(
        lacking.call("POST", "/opportunities/pipelines", Some(json!({}))).await.0,
        401,
        "the probe of who may not"
    );
    let site = Site::new().await;
    assert_eq!(site.call("POST", "/opportunities/pipelines", Some(json!({}))).await.0, 422, "the probe of who may");
    for (body, status) in [
        (json!({"name": "coaching", "stages": [{"name": "a"}]}), 400),
        (json!({"name": "New", "stages": []}), 422),
        (json!({"name": "New", "stages": [{"name": "a"}, {"name": "A"}]}), 422),
        (json!({"name": "New", "stages": [{"name": "a", "colour": "red"}]}), 422),
    ] {
        assert_eq!(site.call("POST", "/opportunities/pipelines", Some(located(&body))).await.0, status, "{body}");
    }
    let made = site
        .post(
            "/opportunities/pipelines",
            json!({"name": "Workshops", "stages": [{"name": "Booked"}, {"name": "Done"}]}),
        )
        .await;
    let (pipeline, stages) = (word(&made["id"]), made["stages"].clone());
    let id = site.contact("a@x.example").await;
    let body = json!({"pipelineId": pipeline, "pipelineStageId": stages[1]["id"], "name": "x", "status": "open", "contactId": id});
    let deal = format!("/opportunities/{}", word(&site.post("/opportunities/", body).await["opportunity"]["id"]));
    let path = format!("/opportunities/pipelines/{pipeline}");
    let kept = json!({"stages": [{"id": stages[0]["id"], "name": "Booked"}, {"name": "Paid"}]});
    let (status, answer) = site.call("PUT", &path, Some(kept)).await;
    assert_eq!((status, &answer["stages"][0]["id"]), (200, &stages[0]["id"]));
    assert_eq!(site.get(&deal).await["opportunity"]["pipelineStageId"], stages[0]["id"], "moved to the lowest");
    assert_eq!(site.call("DELETE", &path, None).await.0, 200);
    assert_eq!(site.call("GET", &deal, None).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_by_a_part_of_their_address() {
    let options = Options { users: vec!["coach@practice.example".to_owned()], before: None, ..at_once() };
    let site = Site::with(options).await;
    let location = site.get(&format!("/locations/{LOCATION}")).await;
    assert_eq!(location["location"]["companyId"], COMPANY);
    assert_eq!(location["location"]["settings"]["allowDuplicateContact"], false);
    let found = site.get(&format!("/users/search?companyId={COMPANY}&locationId={LOCATION}&query=clinic")).await;
    assert_eq!(found["count"], 4, "compare the address yourself");
    let coach =
        site.get(&format!("/users/search?companyId={COMPANY}&query=coach@practice.example")).await["users"][0].clone();
    assert_eq!(coach["email"], "coach@practice.example");
    assert_eq!(site.call("GET", "/users/search", None).await.0, 422);
    assert_eq!(site.call("GET", &format!("/users/?locationId={LOCATION}"), None).await.0, 404, "gone in v3");
    let calendars = site.get(&format!("/calendars/?locationId={LOCATION}")).await;
    let team = calendars["calendars"][0]["teamMembers"].as_array().unwrap().clone();
    assert!(team.iter().any(|member| member["userId"] == coach["id"]), "who is invited joins the calendars' teams");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_wants_a_free_slot_and_a_member_of_the_team_and_tells_the_client_unless_told_not_to() {
    let before = json!({
        "timezone": "America/New_York",
        "users": [{"name": "A", "email": "a@p.example"}, {"name": "B", "email": "B@P.example"}],
        "calendars": [{"name": "Client sessions", "team": ["A@p.example"]}],
    });
    let site = Site::with(Options { before: Some(before), ..at_once() }).await;
    let calendar = site.get(&format!("/calendars/?locationId={LOCATION}")).await["calendars"][0].clone();
    let users = site.get(&format!("/users/search?companyId={COMPANY}")).await["users"].clone();
    let id = site.contact("c@x.example").await;
    let base = json!({"calendarId": calendar["id"], "contactId": id, "startTime": "2023-07-01T09:00:00-04:00", "endTime": "2023-07-01T10:00:00-04:00",
        "ignoreFreeSlotValidation": true, "toNotify": false});
    let with = |more: Value| {
        let mut body = located(&base);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let path = "/calendars/events/appointments";
    for (more, status, message) in [
        (json!({"ignoreFreeSlotValidation": false}), 400, json!("The slot you have selected is no longer available.")),
        (json!({"assignedUserId": users[1]["id"]}), 422, json!(["The user id not part of calendar team"])),
        (json!({"startTime": "2023-07-01T09:00:00"}), 422, json!(["startTime must be a valid ISO 8601 date string"])),
        (json!({"endTime": "2023-07-01T08:00:00-04:00"}), 400, json!("The end time must be after the start time.")),
        (json!({"attendees": []}), 422, json!(["property attendees should not exist"])),
    ] {
        let (found, answer) = site.call("POST", path, Some(with(more))).await;
        assert_eq!((found, &answer["message"]), (status, &message));
    }
    assert_eq!(site.sandbox.messages_sent().unwrap(), 0);
    let (status, made) = site.call("POST", path, Some(with(json!({"title": "Session"})))).await;
    assert_eq!((status, &made["startTime"]), (200, &json!("2023-07-01T09:00:00-04:00")));
    assert!(made["dateAdded"].is_null(), "a create tells no times of making");
    assert_eq!(made["assignedUserId"], users[0]["id"], "the server chose one");
    assert_eq!(site.sandbox.messages_sent().unwrap(), 0);
    let one = format!("{path}/{}", word(&made["id"]));
    assert_eq!(site.get(&one).await["event"]["title"], "Session");
    let of_contact = site.get(&format!("/contacts/{id}/appointments")).await;
    assert_eq!(of_contact["events"][0]["startTime"], "2023-07-01 09:00:00", "the location's clock, without an offset");
    let calendar = word(&calendar["id"]);
    let (from, to) = (1_688_169_600_000_i64, 1_688_256_000_000_i64);
    let events = site
        .get(&format!("/calendars/events?locationId={LOCATION}&calendarId={calendar}&startTime={from}&endTime={to}"))
        .await;
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
    assert_eq!(site.call("PUT", &one, Some(json!({"title": "Other"}))).await.0, 200);
    assert_eq!(site.sandbox.messages_sent().unwrap(), 1, "a change without a word about it is told to the client");
    let event = format!("/calendars/events/{}", word(&made["id"]));
    assert_eq!(site.call("DELETE", &event, None).await.0, 400, "a body is asked for");
    assert_eq!(site.call("DELETE", &event, Some(json!({}))).await, (201, json!({"succeeded": true})));
    assert_eq!(site.call("GET", &one, None).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_objects_have_folders_searchable_properties_and_no_end() {
    let site = Site::new().await;
    let body = json!({"labels": {"singular": "Program", "plural": "Programs"}, "key": "custom_objects.programs",
        "primaryDisplayPropertyDetails": {"key": "custom_objects.programs.name", "name": "Name", "dataType": "TEXT"}});
    let made = site.post("/objects/", body.clone()).await;
    assert_eq!(made["object"]["key"], "custom_objects.programs");
    assert_eq!(site.call("POST", "/objects/", Some(located(&body))).await.0, 400, "once");
    assert_eq!(site.call("DELETE", "/objects/custom_objects.programs", None).await.0, 404, "there is no way back");
    let listed = site.get(&format!("/custom-fields/object-key/custom_objects.programs?locationId={LOCATION}")).await;
    let folder = listed["folders"][0]["id"].clone();
    assert_eq!(listed["fields"][0]["fieldKey"], "custom_objects.programs.name");
    let field = |key: &str, kind: &str| {
        json!({"name": key, "showInForms": true, "dataType": kind, "fieldKey": format!("custom_object.programs.{key}"),
            "objectKey": "custom_objects.programs", "parentId": folder, "options": [{"key": "a", "label": "A"}]})
    };
    for (key, kind) in [("price", "MONETORY"), ("migr id", "TEXT"), ("level", "SINGLE_OPTIONS")] {
        let made = site.post("/custom-fields/", field(key, kind)).await;
        let read = key.replace(' ', "_");
        assert_eq!(made["field"]["fieldKey"], format!("custom_objects.programs.{read}"), "read the key back");
    }
    let records = "/objects/custom_objects.programs/records";
    for (properties, status) in [
        (json!({"name": "Rise"}), 201),
        (json!({"price": {"currency": "default", "value": 5}}), 400),
        (json!({"name": "a", "price": 5}), 400),
        (json!({"name": "a", "colour": "red"}), 400),
    ] {
        let (found, answer) = site.call("POST", records, Some(located(&json!({"properties": properties})))).await;
        assert_eq!(found, status, "{properties}: {answer}");
    }
    let properties =
        json!({"name": "Calm", "price": {"currency": "default", "value": 5}, "migr_id": "k-1", "level": "b"});
    let made = site.post(records, json!({"properties": properties})).await["record"].clone();
    assert!(made["properties"]["level"].is_null(), "an option that there is none of is dropped");
    let search = |query: &str| located(&json!({"page": 1, "pageLimit": 20, "query": query, "searchAfter": []}));
    let found = site.call("POST", &format!("{records}/search"), Some(search("migr_id:k-1"))).await.1;
    assert_eq!(found["total"], 0, "only searchable properties are searched");
    let keys = json!({"locationId": LOCATION, "searchableProperties": ["custom_objects.programs.name", "custom_objects.programs.migr_id"]});
    assert_eq!(site.call("PUT", "/objects/custom_objects.programs", Some(keys)).await.0, 200);
    let found = site.call("POST", &format!("{records}/search"), Some(search("migr_id:k-1"))).await.1;
    assert_eq!((&found["total"], &found["records"][0]["id"]), (&json!(1), &made["id"]));
    let one = format!("{records}/{}", word(&made["id"]));
    let over = json!({"properties": {"price": null}});
    let (status, answer) = site.call("PUT", &format!("{one}?locationId={LOCATION}"), Some(over)).await;
    assert_eq!((status, &answer["record"]["properties"]), (200, &json!({"name": "Calm", "migr_id": "k-1"})));
    assert_eq!(site.call("DELETE", &one, None).await.1["success"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_has_values_of_its_own_fields_through_records() {
    let site = Site::new().await;
    let id = word(&site.post("/businesses/", json!({"name": "Acme", "city": "Boston"})).await["buiseness"]["id"]);
    let listed = site.get(&format!("/custom-fields/object-key/business?locationId={LOCATION}")).await;
    let field = json!({"name": "Size", "showInForms": true, "dataType": "NUMERICAL", "fieldKey": "business.size",
        "objectKey": "business", "parentId": listed["folders"][0]["id"]});
    site.post("/custom-fields/", field).await;
    let path = format!("/objects/business/records/{id}?locationId={LOCATION}");
    let (status, answer) = site.call("PUT", &path, Some(json!({"properties": {"size": 40, "city": "Reno"}}))).await;
    assert_eq!((status, &answer["record"]["properties"]), (200, &json!({"name": "Acme", "city": "Reno", "size": 40})));
    assert_eq!(site.get(&format!("/businesses/{id}")).await["business"]["city"], "Reno");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_is_made_once_in_the_order_of_its_association() {
    let site = Site::new().await;
    let object = json!({"labels": {"singular": "Program", "plural": "Programs"}, "key": "programs",
        "primaryDisplayPropertyDetails": {"key": "name", "name": "Name", "dataType": "TEXT"}});
    site.post("/objects/", object).await;
    let association = json!({"key": "enrolled_in", "firstObjectLabel": "Client", "firstObjectKey": "contact",
        "secondObjectLabel": "Program", "secondObjectKey": "custom_objects.programs"});
    let made = site.post("/associations/", association.clone()).await;
    assert_eq!(site.call("POST", "/associations/", Some(located(&association))).await.0, 400);
    for side in ["opportunity", "business"] {
        let mut odd = located(&association);
        odd["key"] = json!("odd");
        odd["secondObjectKey"] = json!(side);
        assert_eq!(site.call("POST", "/associations/", Some(odd)).await.0, 400, "{side}");
    }
    let contact = site.contact("a@x.example").await;
    let program = word(
        &site.post("/objects/custom_objects.programs/records", json!({"properties": {"name": "Rise"}})).await["record"]
            ["id"],
    );
    let relation = |first: &str, second: &str| json!({"associationId": made["id"], "firstRecordId": first, "secondRecordId": second});
    let relate = "/associations/relations";
    assert_eq!(
        site.call("POST", relate, Some(located(&relation(&program, &contact)))).await.0,
        400,
        "the order counts"
    );
    let first = site.post(relate, relation(&contact, &program)).await;
    let (status, answer) = site.call("POST", relate, Some(located(&relation(&contact, &program)))).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().unwrap().contains("duplicate relation of object Ids"), "{answer}");
    let listed = site.get(&format!("{relate}/{program}?locationId={LOCATION}&skip=0&limit=10")).await;
    assert_eq!((&listed["total"], &listed["relations"][0]["id"]), (&json!(1), &first["id"]));
    assert_eq!(site.call("DELETE", &format!("/contacts/{contact}"), None).await.0, 200);
    assert_eq!(site.get(&format!("{relate}/{program}?locationId={LOCATION}&skip=0&limit=10")).await["total"], 0);
}

fn file(name: &str, mime: &str, content: Vec<u8>) -> Part {
    Part::bytes(content).file_name(name.to_owned()).mime_str(mime).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_takes_files_of_25_megabytes_and_larger_videos() {
    let site = Site::new().await;
    let large = vec![0; 25 * 1024 * 1024 + 1];
    for (name, mime, content, status) in [
        ("a.pdf", "application/pdf", b"%PDF-1.4".to_vec(), 200),
        ("large.pdf", "application/pdf", large.clone(), 413),
        ("film.mp4", "video/mp4", large, 200),
    ] {
        let (found, answer) =
            site.form("/medias/upload-file", Form::new().part("file", file(name, mime, content))).await;
        assert_eq!(found, status, "{name}: {answer}");
    }
    let all = format!("/medias/files?altType=location&altId={LOCATION}&type=file&sortBy=createdAt&sortOrder=asc");
    let listed = site.get(&all).await;
    assert_eq!((&listed["files"][0]["name"], &listed["files"][0]["size"]), (&json!("a.pdf"), &json!(8)));
    let bytes = client().get(word(&listed["files"][0]["url"])).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes.as_ref(), b"%PDF-1.4");
    assert_eq!(site.sandbox.file_count().unwrap(), 2);
    let path = format!("/medias/{}?altType=location&altId={LOCATION}", word(&listed["files"][0]["_id"]));
    assert_eq!(site.call("DELETE", &path, None).await.0, 200);
    assert_eq!(site.sandbox.file_count().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_field_of_a_contact_is_filled_by_an_upload_alone() {
    let site = Site::new().await;
    let body = json!({"name": "Files", "dataType": "FILE_UPLOAD", "isMultipleFile": true, "maxNumberOfFiles": 2});
    let one = word(&field(&site, body).await["id"]);
    let text = word(&field(&site, json!({"name": "Text", "dataType": "TEXT"})).await["id"]);
    let id = site.contact("a@x.example").await;
    let path = format!("/forms/upload-custom-files?contactId={id}&locationId={LOCATION}");
    for (part, name, status) in [
        (format!("{one}_u1"), "a.pdf", 200),
        (format!("{one}_u2"), "setup.exe", 400),
        (one.clone(), "a.pdf", 400),
        (format!("{text}_u3"), "a.pdf", 400),
        (format!("{one}_u4"), "b.PNG", 200),
        (format!("{one}_u5"), "c.txt", 400),
    ] {
        let form = Form::new().part(part.clone(), file(name, "application/pdf", name.as_bytes().to_vec()));
        let (found, answer) = site.form(&path, form).await;
        assert_eq!(found, status, "{part} {name}: {answer}");
    }
    let read = site.get(&format!("/contacts/{id}")).await;
    let held = &read["contact"]["customFields"][0];
    assert_eq!((&held["id"], &held["value"]["u1"]["meta"]["originalname"]), (&json!(one), &json!("a.pdf")));
    let bytes = client().get(word(&held["value"]["u4"]["url"])).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes.as_ref(), b"b.PNG");
    site.call("PUT", &format!("/contacts/{id}"), Some(json!({"customFields": [{"id": one, "fieldValue": ""}]}))).await;
    assert_eq!(
        site.get(&format!("/contacts/{id}")).await["contact"]["customFields"][0]["id"],
        json!(one),
        "an update is ignored"
    );
    site.call("DELETE", &format!("/contacts/{id}"), None).await;
    assert_eq!(site.sandbox.file_count().unwrap(), 0);
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
