//! The state after everything that was done is undone.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::site::{LOCATION, Site, word};

/// The path of every kind of record, made in the order in which each refers to those before it.
async fn one_of_each(site: &Site, object: &str) -> Vec<(String, Option<Value>)> {
    let mut made = Vec::new();
    let business = word(&site.post("/businesses/", json!({"name": "Acme"})).await["buiseness"]["id"]);
    made.push((format!("/businesses/{business}"), None));
    let field = json!({"name": "Files", "dataType": "FILE_UPLOAD"});
    let field = word(
        &site.call("POST", &format!("/locations/{LOCATION}/customFields"), Some(field)).await.1["customField"]["id"],
    );
    made.push((format!("/locations/{LOCATION}/customFields/{field}"), None));
    let tag = site.call("POST", &format!("/locations/{LOCATION}/tags"), Some(json!({"name": "new"}))).await.1;
    made.push((format!("/locations/{LOCATION}/tags/{}", word(&tag["tag"]["id"])), None));
    let contact =
        word(&site.post("/contacts/", json!({"email": "a@x.example", "tags": ["new"]})).await["contact"]["id"]);
    made.push((format!("/contacts/{contact}"), None));
    site.post("/contacts/bulk/business", json!({"ids": [contact], "businessId": business})).await;
    let content = || Part::bytes(b"text".to_vec()).file_name("a.txt");
    let upload = format!("/forms/upload-custom-files?contactId={contact}&locationId={LOCATION}");
    assert_eq!(site.form(&upload, Form::new().part(format!("{field}_u1"), content())).await.0, 200);
    let media = site.form("/medias/upload-file", Form::new().part("file", content())).await.1;
    made.push((format!("/medias/{}?altType=location&altId={LOCATION}", word(&media["fileId"])), None));
    let pipeline = site.post("/opportunities/pipelines", json!({"name": "New", "stages": [{"name": "One"}]})).await;
    made.push((format!("/opportunities/pipelines/{}", word(&pipeline["id"])), None));
    let deal = json!({"pipelineId": pipeline["id"], "name": "Deal", "status": "open", "contactId": contact});
    let deal = word(&site.post("/opportunities/", deal).await["opportunity"]["id"]);
    made.push((format!("/opportunities/{deal}"), None));
    let (_, note) = site.call("POST", &format!("/contacts/{contact}/notes"), Some(json!({"body": "n"}))).await;
    made.push((format!("/contacts/{contact}/notes/{}", word(&note["note"]["id"])), None));
    let task = json!({"title": "t", "dueDate": "2024-07-01T09:00:00Z", "completed": true});
    let (_, task) = site.call("POST", &format!("/contacts/{contact}/tasks"), Some(task)).await;
    made.push((format!("/contacts/{contact}/tasks/{}", word(&task["task"]["id"])), None));
    let calendar = site.get(&format!("/calendars/?locationId={LOCATION}")).await["calendars"][0]["id"].clone();
    let event = json!({"calendarId": calendar, "contactId": contact, "startTime": "2023-07-01T09:00:00Z", "ignoreFreeSlotValidation": true, "toNotify": false});
    let event = word(&site.post("/calendars/events/appointments", event).await["id"]);
    made.push((format!("/calendars/events/{event}"), Some(json!({}))));
    let folder = site.post("/custom-fields/folder", json!({"objectKey": object, "name": "More"})).await;
    made.push((format!("/custom-fields/folder/{}?locationId={LOCATION}", word(&folder["id"])), None));
    let field = json!({"name": "Price", "showInForms": false, "dataType": "NUMERICAL", "fieldKey": format!("{object}.price"), "objectKey": object, "parentId": folder["id"]});
    let field = site.post("/custom-fields/", field).await;
    made.push((format!("/custom-fields/{}", word(&field["field"]["id"])), None));
    let record = json!({"properties": {"name": "Rise", "price": 5}});
    let record = word(&site.post(&format!("/objects/{object}/records"), record).await["record"]["id"]);
    made.push((format!("/objects/{object}/records/{record}"), None));
    let association = json!({"key": "in", "firstObjectLabel": "a", "firstObjectKey": "contact", "secondObjectLabel": "b", "secondObjectKey": object});
    let association = site.post("/associations/", association).await;
    made.push((format!("/associations/{}", word(&association["id"])), None));
    let relation = json!({"associationId": association["id"], "firstRecordId": contact, "secondRecordId": record});
    let relation = word(&site.post("/associations/relations", relation).await["id"]);
    made.push((format!("/associations/relations/{relation}?locationId={LOCATION}"), None));
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_and_deleted_again_or_changed_and_put_back_leaves_the_fingerprint_as_it_was() {
    let site = Site::new().await;
    let object = json!({"labels": {"singular": "Program", "plural": "Programs"}, "key": "programs",
        "primaryDisplayPropertyDetails": {"key": "name", "name": "Name", "dataType": "TEXT"}});
    let object = word(&site.post("/objects/", object).await["object"]["key"]);
    let there = site.post("/contacts/search", json!({"pageLimit": 1, "query": "mara"})).await["contacts"][0].clone();
    let before = site.sandbox.fingerprint().unwrap();
    let made = one_of_each(&site, &object).await;
    assert_eq!(made.len(), 15);
    for (path, body) in made.into_iter().rev() {
        let left = site.sandbox.fingerprint().unwrap();
        let (status, answer) = site.call("DELETE", &path, body).await;
        assert!(status < 300, "DELETE {path}: {answer}");
        assert_ne!(site.sandbox.fingerprint().unwrap(), left, "{path} counts");
    }
    assert_eq!(site.sandbox.fingerprint().unwrap(), before);
    let path = format!("/contacts/{}", word(&there["id"]));
    let business = site.get(&format!("/businesses/?locationId={LOCATION}")).await["businesses"][0].clone();
    for (path, changed, back) in [
        (
            path.clone(),
            json!({"city": "Reno", "phone": "+12015550166", "timezone": "UTC"}),
            json!({"city": null, "phone": null, "timezone": ""}),
        ),
        (path, json!({"firstName": "Other"}), json!({"firstName": there["firstNameRaw"]})),
        (
            format!("/businesses/{}", word(&business["id"])),
            json!({"phone": "1", "city": "Reno"}),
            json!({"phone": "", "city": business["city"]}),
        ),
    ] {
        assert_eq!(site.call("PUT", &path, Some(changed)).await.0, 200);
        assert_ne!(site.sandbox.fingerprint().unwrap(), before);
        assert_eq!(site.call("PUT", &path, Some(back)).await.0, 200);
        assert_eq!(site.sandbox.fingerprint().unwrap(), before, "{path}");
    }
}
