//! Lost answers: for each kind of record there is a question whose answer tells that it is there, and nothing is made twice.

use std::collections::BTreeSet;

use migr_sandbox::Faults;
use migr_sandbox::highlevel::Options;
use serde_json::{Value, json};

use crate::site::{LOCATION, Site, located, word};

const CLIENTS: usize = 25;

impl Site {
    /// The answer to a request that is sent once; `None` where it is lost or tells nothing.
    async fn once(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let response = self.tried("POST", path, Some(body)).await?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?)).filter(|(status, _)| *status < 500 && *status != 422)
    }

    /// The answer to a question, which is asked until it comes.
    async fn surely(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        loop {
            let Some(response) = self.tried(method, path, body).await else { continue };
            if let (true, Ok(answer)) = (response.status().is_success(), response.json().await) {
                return answer;
            }
        }
    }

    /// The id of a record: of the answer that makes it, or else of the one that the question finds.
    async fn made(&self, path: &str, body: &Value, name: &str, find: impl AsyncFn() -> Option<String>) -> String {
        loop {
            if let Some((status, answer)) = self.once(path, body).await {
                assert!(status < 300, "POST {path} {body}: {answer}");
                let record = answer.get(name).unwrap_or(&answer);
                return word(&record["id"]);
            }
            if let Some(id) = find().await {
                return id;
            }
        }
    }
}

/// The id of the one record of a list for which all values are these; a second one is one too many.
fn one(list: &Value, values: &[(&str, &Value)]) -> Option<String> {
    let records = list.as_array().unwrap().iter();
    let found: Vec<&Value> =
        records.filter(|record| values.iter().all(|(key, value)| &record[*key] == *value)).collect();
    assert!(found.len() < 2, "made twice: {found:?}");
    found.first().map(|record| word(&record["id"]))
}

/// A contact: where no duplicates are allowed, the same request again is the question.
async fn contact(site: &Site, at: usize, ext: &str) -> String {
    let key = format!("k-{at}");
    let body = located(&json!({"email": format!("c{at}@x.example"), "customFields": [{"id": ext, "fieldValue": key}]}));
    loop {
        match site.once("/contacts/", &body).await {
            Some((201, answer)) => return word(&answer["contact"]["id"]),
            Some((400, answer)) => {
                let id = word(&answer["meta"]["contactId"]);
                let read = site.surely("GET", &format!("/contacts/{id}"), None).await;
                assert_eq!(read["contact"]["customFields"][0]["value"], json!(key), "it is ours");
                return id;
            }
            Some((status, answer)) => panic!("{status} {answer}"),
            None => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_answers_are_lost_each_record_is_made_once() {
    let faults = Faults {
        percent_500: 8.0,
        percent_reset_before: 8.0,
        percent_reset_after: 12.0,
        percent_half: 4.0,
        percent_bad_json: 4.0,
        percent_contradiction: 8.0,
        seed: 11,
        ..Faults::default()
    };
    let before = json!({
        "users": [{"name": "A", "email": "a@p.example"}],
        "calendars": [{"name": "Client sessions", "team": ["a@p.example"]}],
        "pipelines": [{"name": "Coaching", "stages": ["New"]}],
        "customFields": [{"name": "migr id", "dataType": "TEXT"}, {"name": "migr id", "dataType": "TEXT", "model": "opportunity"}],
    });
    let lag = std::time::Duration::from_secs(600);
    let site = Site::with(Options { faults, before: Some(before), lag, ..Options::default() }).await;
    let fields = site.surely("GET", &format!("/locations/{LOCATION}/customFields?model=all"), None).await;
    let ext = |at: usize| word(&fields["customFields"][at]["id"]);
    let pipeline = site.surely("GET", &format!("/opportunities/pipelines?locationId={LOCATION}"), None).await["pipelines"][0]["id"].clone();
    let calendar =
        site.surely("GET", &format!("/calendars/?locationId={LOCATION}"), None).await["calendars"][0]["id"].clone();
    let object = json!({"labels": {"singular": "Program", "plural": "Programs"}, "key": "programs",
        "primaryDisplayPropertyDetails": {"key": "name", "name": "Name", "dataType": "TEXT"}});
    let objects = format!("/objects/?locationId={LOCATION}");
    let keyed = |list: &Value| {
        list.as_array().unwrap().iter().find(|it| it["key"] == "custom_objects.programs").map(|it| word(&it["id"]))
    };
    site.made("/objects/", &located(&object), "object", async || {
        keyed(&site.surely("GET", &objects, None).await["objects"])
    })
    .await;
    let association = json!({"key": "in", "firstObjectLabel": "a", "firstObjectKey": "contact", "secondObjectLabel": "b", "secondObjectKey": "custom_objects.programs"});
    let associations = format!("/associations/?locationId={LOCATION}&skip=0&limit=10");
    let find = async || one(&site.surely("GET", &associations, None).await["associations"], &[("key", &json!("in"))]);
    let association = site.made("/associations/", &located(&association), "", find).await;
    let mut made = BTreeSet::new();
    for at in 0..CLIENTS {
        let name = json!(format!("Acme {at}"));
        let businesses = format!("/businesses/?locationId={LOCATION}");
        let find = async || one(&site.surely("GET", &businesses, None).await["businesses"], &[("name", &name)]);
        made.insert(site.made("/businesses/", &located(&json!({"name": name})), "buiseness", find).await);

        let id = contact(&site, at, &ext(0)).await;
        for (path, list, body, key) in [
            ("notes", "notes", json!({"body": "same"}), "body"),
            (
                "tasks",
                "tasks",
                json!({"title": "same", "dueDate": "2024-07-01T09:00:00.000Z", "completed": true}),
                "title",
            ),
        ] {
            let path = format!("/contacts/{id}/{path}");
            let find = async || one(&site.surely("GET", &path, None).await[list], &[(key, &body[key])]);
            made.insert(site.made(&path, &body, list.trim_end_matches('s'), find).await);
        }
        let event = json!({"calendarId": calendar, "contactId": id, "title": "Session", "startTime": "2023-07-01T09:00:00-04:00",
            "ignoreFreeSlotValidation": true, "toNotify": false});
        let events = format!("/contacts/{id}/appointments");
        let find = async || one(&site.surely("GET", &events, None).await["events"], &[("title", &json!("Session"))]);
        made.insert(site.made("/calendars/events/appointments", &located(&event), "", find).await);

        let key = json!([{"id": ext(1), "fieldValue": format!("d-{at}")}]);
        let deal =
            json!({"pipelineId": pipeline, "contactId": id, "name": "Deal", "status": "open", "customFields": key});
        let search = format!("/opportunities/search?locationId={LOCATION}&contactId={id}");
        let find = async || {
            // What a search does not find proves something after a while alone.
            site.sandbox.settle_searches().unwrap();
            one(&site.surely("GET", &search, None).await["opportunities"], &[("customFields", &key)])
        };
        made.insert(site.made("/opportunities/", &located(&deal), "opportunity", find).await);

        let records = "/objects/custom_objects.programs/records";
        let record = located(&json!({"properties": {"name": format!("Program {at}.")}}));
        let asked =
            located(&json!({"page": 1, "pageLimit": 10, "query": format!("name:Program {at}."), "searchAfter": []}));
        let find = async || {
            site.sandbox.settle_searches().unwrap();
            one(&site.surely("POST", &format!("{records}/search"), Some(&asked)).await["records"], &[])
        };
        let record = site.made(records, &record, "record", find).await;

        let relation = located(&json!({"associationId": association, "firstRecordId": id, "secondRecordId": record}));
        while !match site.once("/associations/relations", &relation).await {
            Some((201, _)) => true,
            Some((400, answer)) => answer["message"].as_str().unwrap().contains("duplicate relation"),
            _ => false,
        } {}
        let related = format!("/associations/relations/{id}?locationId={LOCATION}&skip=0&limit=10");
        assert_eq!(site.surely("GET", &related, None).await["total"], 1);
        made.extend([id, record]);
    }
    assert_eq!(made.len(), CLIENTS * 7);
    let sent = site.sandbox.request_count();
    assert!(sent > 300, "{sent} requests are no more than without a fault");
    site.sandbox.settle_searches().unwrap();
    let contacts = site.surely("POST", "/contacts/search", Some(&located(&json!({"pageLimit": 100})))).await;
    let deals = site.surely("GET", &format!("/opportunities/search?locationId={LOCATION}&limit=100"), None).await;
    let businesses = site.surely("GET", &format!("/businesses/?locationId={LOCATION}"), None).await;
    let events = format!(
        "/calendars/events?locationId={LOCATION}&calendarId={}&startTime=0&endTime=4102444800000",
        word(&calendar)
    );
    let events = site.surely("GET", &events, None).await;
    let count = |list: &Value| list.as_array().unwrap().len();
    let counts = [
        count(&contacts["contacts"]),
        count(&deals["opportunities"]),
        count(&businesses["businesses"]),
        count(&events["events"]),
    ];
    assert_eq!(counts, [CLIENTS; 4]);
    assert_eq!(site.sandbox.messages_sent().unwrap(), 0);
}
