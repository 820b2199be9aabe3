//! Custom objects, relations and files.

use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::contacts::field;
use crate::site::{LOCATION, Site, client, located, word};

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
