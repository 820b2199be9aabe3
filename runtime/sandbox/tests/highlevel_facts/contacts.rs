//! Contacts and what hangs on them: tags, custom fields, businesses, notes, tasks, searches.

use std::time::Duration;

use migr_sandbox::highlevel::Options;
use serde_json::{Value, json};

use crate::site::{LOCATION, Site, at_once, located, word};

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

/// A new custom field.
pub(crate) async fn field(site: &Site, body: Value) -> Value {
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
    let number = word(&field(&site, json!({"name": "Score", "dataType": "NUMERICAL"})).await["id"]);
    let filter = json!([{"field": format!("customFields.{number}"), "operator": "eq", "value": 5}]);
    let (status, _) =
        site.call("POST", "/contacts/search", Some(located(&json!({"pageLimit": 10, "filters": filter})))).await;
    assert_eq!(status, 400, "numbers are not searched");
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
