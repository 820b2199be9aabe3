//! The state of a location before a migration.

use migr_sandbox::highlevel::Options;
use serde_json::{Value, json};

use crate::site::{COMPANY, LOCATION, Site, at_once, located};

/// State of a location before, in the form that the generator of exports writes.
fn before() -> Value {
    json!({
        "settings": {"allowDuplicateContact": false, "allowDuplicateOpportunity": true, "duplicateOrder": ["phone", "email"]},
        "users": [{"name": "Ada Lovelace", "email": "coach0@p.example"}, {"name": "Zoë Brown", "email": "Coach1@P.Example"}],
        "pipelines": [{"name": "Coaching", "stages": ["New lead", "Closed"]}],
        "calendars": [{"name": "Client sessions", "team": ["coach0@p.example", "coach1@p.example"]}, {"name": "Intro calls", "team": []}],
        "businesses": [{"name": "Acme Inc.", "city": "Old Town"}],
        "contacts": [
            {"firstName": "Iván", "lastName": "There", "email": "ivan@c.example", "tags": ["old-customer", "Keep Me"], "source": "web form"},
            {"firstName": "By", "phone": "+12015550144", "tags": ["phone-only"]},
        ],
        "customFields": [{"model": "contact", "name": "Shoe size", "dataType": "TEXT"}],
        "customValues": [{"name": "Practice phone", "value": "+12015550100"}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_begins_with_what_it_held_before() {
    let site = Site::with(Options { before: Some(before()), ..Options::default() }).await;
    let contacts = site.post("/contacts/search", json!({"pageLimit": 10})).await;
    assert_eq!(contacts["total"], 2, "searches find what was there before, whatever the lag");
    let ivan = contacts["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|contact| contact["email"] == "ivan@c.example")
        .unwrap()
        .clone();
    assert_eq!((&ivan["tags"], &ivan["source"]), (&json!(["old-customer", "keep me"]), &json!("web form")));
    let both = located(&json!({"email": "ivan@c.example", "phone": "+12015550144"}));
    let (_, answer) = site.call("POST", "/contacts/", Some(both)).await;
    assert_eq!(answer["meta"]["matchingField"], "phone", "in the order of the location");
    let calendars = site.get(&format!("/calendars/?locationId={LOCATION}")).await;
    let members = |at: usize| calendars["calendars"][at]["teamMembers"].as_array().unwrap().len();
    assert_eq!((members(0), members(1)), (2, 0), "addresses are compared in whatever case");
    let businesses = site.get(&format!("/businesses/?locationId={LOCATION}")).await;
    assert_eq!(businesses["businesses"][0]["city"], "Old Town");
    assert_eq!(
        site.get(&format!("/locations/{LOCATION}/customFields?model=contact")).await["customFields"][0]["fieldKey"],
        "contact.shoe_size"
    );
    assert_eq!(
        site.get(&format!("/locations/{LOCATION}/customValues")).await["customValues"][0]["value"],
        "+12015550100"
    );
    let odd = migr_sandbox::highlevel::start(Options {
        before: Some(json!({"contacts": [{"email": "no address"}]})),
        ..at_once()
    })
    .await;
    assert!(odd.unwrap_err().to_string().contains("email must be an email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_begins_with_what_the_generator_of_exports_writes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("before.json");
    let mut up = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let Some(tool) = up
        .find_map(|folder| Some(folder.join("shared/tools/generate_practice_export.py")).filter(|tool| tool.is_file()))
    else {
        eprintln!(
            "LEFT OUT: no `shared/tools/generate_practice_export.py` was found, so no location of its making was tried"
        );
        return;
    };
    let run = std::process::Command::new("python3")
        .arg(tool)
        .args(["--contacts", "60", "--out"])
        .arg(folder.path().join("export"))
        .arg("--destination")
        .arg(&file)
        .output();
    match run {
        Ok(run) => assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr)),
        Err(error) => {
            eprintln!("LEFT OUT: python3 does not start ({error}), so no location of the generator's making was tried");
            return;
        }
    }
    let before: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let count = |key: &str| before[key].as_array().unwrap().len();
    let wanted = ["contacts", "users", "calendars", "businesses"].map(count);
    let site = Site::with(Options { before: Some(before), ..at_once() }).await;
    let contacts = site.post("/contacts/search", json!({"pageLimit": 100})).await["total"].as_u64().unwrap();
    let users = site.get(&format!("/users/search?companyId={COMPANY}")).await["count"].as_u64().unwrap();
    let listed = |answer: &Value, key: &str| answer[key].as_array().unwrap().len();
    let calendars = listed(&site.get(&format!("/calendars/?locationId={LOCATION}")).await, "calendars");
    let businesses = listed(&site.get(&format!("/businesses/?locationId={LOCATION}")).await, "businesses");
    assert_eq!([usize::try_from(contacts).unwrap(), usize::try_from(users).unwrap(), calendars, businesses], wanted);
}
