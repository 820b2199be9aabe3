//! Opportunities, pipelines, users and appointments.

use migr_sandbox::highlevel::Options;
use serde_json::{Value, json};

use crate::site::{COMPANY, LOCATION, Site, at_once, located, word};

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
