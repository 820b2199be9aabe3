//! Deeds of people in a location after a migration, and what drift and rollback make of it.

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answers::project_id;
use crate::harness::{Project, Ran};
use crate::outside::location;
use crate::stand_in::StandIn;
use crate::studio::{lagging, location_on_disk, studio};
use crate::wire::{Act, Wire};

const RUN: &[&str] = &["run", "--no-approval"];

/// The studio moved into a location, whose search has caught up.
fn moved(project: &Project) -> StandIn {
    let stand_in = location_on_disk(None);
    stand_in.migr(project, RUN).exits(5);
    stand_in
}

fn tag(stand_in: &StandIn, contact: &str, name: &str) {
    stand_in.ask(&Method::POST, &format!("/contacts/{contact}/tags"), &json!({"tags": [name]}));
}

fn tags(stand_in: &StandIn) -> Vec<String> {
    let place = highlevel::Options::default().location;
    let answer = stand_in.ask(&Method::GET, &format!("/locations/{place}/tags"), &Value::Null);
    let tags = answer["tags"].as_array().expect("a list").iter();
    tags.filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_tag_that_a_person_put_on_a_contact_is_a_change_of_it() {
    let project = studio();
    let stand_in = moved(&project);
    let drift = stand_in.migr(&project, &["drift", "--exit-code"]);
    assert_eq!(drift.code, 0, "{}{}", drift.stdout, drift.stderr);
    let ada = project_id(&project, "C1");
    tag(&stand_in, &ada, "by hand");
    let drift = stand_in.migr(&project, &["drift"]);
    assert!(drift.stdout.contains("tags"), "{}{}", drift.stdout, drift.stderr);
    let back = stand_in.migr(&project, &["rollback"]).exits(6);
    assert!(back.stdout.contains("it was changed since it was imported (tags)"), "{}", back.stdout);
    let contact = stand_in.ask(&Method::GET, &format!("/contacts/{ada}"), &Value::Null);
    assert!(contact["contact"]["tags"].to_string().contains("by hand"), "{contact:#}");
    // Tags that a contact which stayed bore are looked at again, once it goes.
    assert!(tags(&stand_in).contains(&"vip".to_owned()));
    stand_in.migr(&project, &["rollback", "--changed", "destroy"]).exits(0);
    assert!(!tags(&stand_in).contains(&"vip".to_owned()), "{:?}", tags(&stand_in));
}

#[test]
fn a_file_of_a_contact_that_stays_keeps_the_field_that_holds_it() {
    let project = studio();
    let scans = project.read("export/scans.csv");
    project.write("export/scans.csv", &scans.replace("S2,C1", "S2,C4"));
    let stand_in = moved(&project);
    let back = stand_in.migr(&project, &["rollback"]).exits(0);
    let said = "create field contactFiles.file: left, because 1 record still holds a value in it";
    assert!(back.stdout.contains(said), "{}", back.stdout);
    let place = highlevel::Options::default().location;
    let body = json!({"locationId": place, "page": 1, "pageLimit": 100});
    let found = stand_in.ask(&Method::POST, "/contacts/search", &body);
    let mara = found["contacts"].as_array().expect("a list").iter().find(|it| it["firstName"] == "mara").cloned();
    let mara = mara.or_else(|| found["contacts"].as_array()?.iter().find(|it| it["firstName"] == "Mara").cloned());
    let id = mara.expect("Mara stays")["id"].as_str().expect("an id").to_owned();
    let mara = stand_in.ask(&Method::GET, &format!("/contacts/{id}"), &Value::Null);
    assert!(mara["contact"]["customFields"].to_string().contains("S2.txt"), "{mara:#}");
}

#[test]
fn a_token_without_a_scope_or_of_another_location_is_told_with_what_to_do() {
    for (scope, request) in [("users.readonly", "users/search"), ("contacts.readonly", "contacts/search")] {
        let project = studio();
        let options = highlevel::Options { without_scopes: vec![scope.to_owned()], ..lagging(None) };
        let stand_in = StandIn::location(options);
        let ran = stand_in.migr(&project, RUN).exits(3);
        let said = format!("Give the private integration the scope `{scope}`, which ");
        assert!(ran.stderr.contains(&said) && ran.stderr.contains(request), "{}", ran.stderr);
    }
    let project = studio();
    let stand_in = location_on_disk(None);
    let mut command = stand_in.command(project.path(), &["audit"]);
    let ran =
        Ran::from(command.env("STAGING_LOCATION", "AnotherLocation00001").output().expect("migr starts")).exits(3);
    let said = "The token is of another location than AnotherLocation00001: check the destination's `location`";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn the_team_of_a_calendar_is_asked_for_where_the_list_does_not_tell_it() {
    let (project, stand_in) = (studio(), location());
    let wire = Wire::to(&stand_in.url(), |asked| {
        if asked.path.split('?').next() != Some("/calendars/") {
            return Act::Pass;
        }
        Act::Change(
            None,
            Box::new(|told| {
                let mut answer: Value = serde_json::from_slice(&told.body).expect("JSON");
                for calendar in answer["calendars"].as_array_mut().expect("a list") {
                    calendar.as_object_mut().expect("a calendar").remove("teamMembers");
                }
                told.body = answer.to_string().into_bytes();
            }),
        )
    });
    let mut command = stand_in.command_over(&wire.url(), project.path(), &["audit", "--format", "json"]);
    let audit = Ran::from(command.output().expect("migr starts")).json();
    let found = audit["findings"].as_array().expect("a list").iter();
    let about = found.filter(|one| one["message"].as_str().unwrap_or_default().contains("not in the calendar's team"));
    assert_eq!(about.count(), 2, "each of the two is foreseen: {audit:#}");
}
