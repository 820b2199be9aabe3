//! A location with more contacts of others than its pages by number reach.

use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answers::project_id;
use crate::stand_in::StandIn;
use crate::studio::studio;

/// Contacts of others.
const OTHERS: usize = 10_200;

/// A location that many others use already; the first contact is one of the export's clients.
fn location() -> StandIn {
    let other = |number: usize| {
        let email = if number == 0 { "bob@x.example".to_owned() } else { format!("other{number}@elsewhere.example") };
        let tags = if number == 0 { json!(["old customer"]) } else { json!([]) };
        json!({"firstName": "Other", "lastName": format!("Number {number}"), "email": email, "tags": tags})
    };
    let before = json!({
        "name": "Crowded", "timezone": "America/New_York", "country": "US",
        "settings": {"allowDuplicateContact": false, "allowDuplicateOpportunity": true, "duplicateOrder": ["email", "phone"]},
        "users": [{"name": "Jane Smith", "email": "jane.smith@clinic.example"}],
        "pipelines": [{"name": "Coaching", "stages": ["New lead", "Discovery call", "Signed", "Closed"]}],
        "calendars": [{"name": "Client sessions", "everybody": true}],
        "contacts": (0..OTHERS).map(other).collect::<Vec<_>>(),
    });
    StandIn::location(highlevel::Options { before: Some(before), lag: Duration::ZERO, ..highlevel::Options::default() })
}

#[test]
fn a_location_of_more_than_ten_thousand_contacts_is_seen_whole_and_left_as_it_was() {
    let project = studio();
    let stand_in = location();
    let audit = stand_in.migr(&project, &["audit"]);
    assert_eq!(audit.code, 1, "{}{}", audit.stdout, audit.stderr);
    let lock: Value = serde_json::from_str(&project.read("migr.staging.lock")).expect("JSON");
    let stages = lock["stages"]["stages"].as_array().expect("stages");
    let clients = stages.iter().find(|stage| stage["id"] == "Client").expect("clients");
    assert_eq!((&clients["create"], &clients["update"]), (&json!(3), &json!(1)), "{clients:#}");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
    // A note of others on a contact of ours is seen, wherever it stands.
    let ada = project_id(&project, "C1");
    let path = format!("/contacts/{ada}/notes");
    let note = stand_in.ask(&Method::POST, &path, &json!({"body": "by hand"}));
    let back = stand_in.migr(&project, &["rollback"]).exits(6);
    assert!(back.stdout.contains("refers to it") && back.stdout.contains(&ada), "{}", back.stdout);
    let note = note["note"]["id"].as_str().expect("an id").to_owned();
    stand_in.ask(&Method::DELETE, &format!("{path}/{note}"), &json!({}));
    stand_in.migr(&project, &["rollback"]).exits(0);
    let rest = stand_in.ask(
        &Method::POST,
        "/contacts/search",
        &json!({"locationId": highlevel::Options::default().location, "page": 1, "pageLimit": 1}),
    );
    assert_eq!(rest["total"], json!(OTHERS));
}
