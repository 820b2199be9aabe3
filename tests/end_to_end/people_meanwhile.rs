//! Deeds of people in a location after a migration, and what drift and rollback make of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answers::project_id;
use crate::harness::{Project, Ran};
use crate::outside::location;
use crate::stand_in::StandIn;
use crate::studio::{hurried, lagging, location_on_disk, studio};
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

/// A run of one client beside whom somebody makes a contact right before the program does; its code, and the contacts in the end.
fn made_meanwhile(existing: &str, theirs: &Value) -> (Ran, Vec<Value>) {
    let project = Project::empty();
    let spec = MEANWHILE.replace("EXISTING", existing);
    project.write("migration.migr", &spec);
    hurried(&project);
    project.write("export/clients.csv", "id,name,email,phone,city\n1,Ann,ann@x.example,+12015550101,Rome\n");
    // The list lags so far behind that it never tells of them.
    let lag = Duration::from_secs(600);
    let before =
        json!({"country": "US", "settings": {"allowDuplicateContact": false, "duplicateOrder": ["email", "phone"]}});
    let options = highlevel::Options { lag, before: Some(before), ..highlevel::Options::default() };
    let stand_in = Arc::new(StandIn::location(options));
    let (once, theirs, behind) = (AtomicBool::new(false), theirs.clone(), Arc::clone(&stand_in));
    let wire = Wire::to(&stand_in.url(), move |asked| {
        if asked.method != "POST" || asked.path != "/contacts/" || once.swap(true, Ordering::Relaxed) {
            return Act::Pass;
        }
        let (behind, theirs) = (Arc::clone(&behind), theirs.clone());
        Act::First(Box::new(move || drop(behind.ask(&Method::POST, "/contacts/", &theirs))))
    });
    let mut command = stand_in.command_over(&wire.url(), project.path(), &["run", "--no-approval"]);
    let ran = Ran::from(command.output().expect("migr starts"));
    stand_in.sandbox().settle_searches().expect("a list");
    let location = highlevel::Options::default().location;
    let body = json!({"locationId": location, "page": 1, "pageLimit": 100});
    let found = stand_in.ask(&Method::POST, "/contacts/search", &body);
    let again = stand_in.migr(&project, &["run", "--no-approval"]);
    assert!(again.stdout.contains("Nothing was left to do") || ran.code == 5, "{}{}", again.stdout, again.stderr);
    (ran, found["contacts"].as_array().expect("a list").clone())
}

const MEANWHILE: &str = r#"use "std/systems/highlevel"

system old {
  object Client from "clients.csv" { key id; id: text; name: text; email: email; phone: phone; city: text }
}
migration old_to_highlevel {
  source old { files = "export/*.csv" }
  destination highlevel as staging { url = env("STAGING_URL"); location = env("STAGING_LOCATION"); token = secret("STAGING_KEY"); settle = 1s }
  country = "US"
}
map Client -> contacts {
  match email or phone
  on existing EXISTING
  firstName = name
  email     = email
  phone     = phone on taken none
  city      = city
}
"#;

#[test]
fn a_contact_that_somebody_makes_meanwhile_is_taken_by_the_policy_as_one_that_was_there() {
    let location = highlevel::Options::default().location;
    let theirs = json!({"locationId": location, "firstName": "Anna", "email": "ann@x.example"});
    let values = |contact: &Value| {
        ["firstName", "email", "phone", "city"].map(|key| contact[key].as_str().unwrap_or_default().to_lowercase())
    };
    for (existing, code, expected) in [
        ("fill", 0, ["anna", "ann@x.example", "+12015550101", "rome"]),
        ("update", 0, ["ann", "ann@x.example", "+12015550101", "rome"]),
        ("skip", 0, ["anna", "ann@x.example", "", ""]),
        ("quarantine", 5, ["anna", "ann@x.example", "", ""]),
    ] {
        let (ran, found) = made_meanwhile(existing, &theirs);
        assert_eq!(ran.code, code, "{existing}: {}{}", ran.stdout, ran.stderr);
        let found: Vec<_> = found.iter().map(values).collect();
        assert_eq!(found, [expected.map(str::to_owned)], "{existing}: {}", ran.stdout);
    }
    // Another address is another contact, whose number is not given twice.
    let theirs = json!({"locationId": location, "firstName": "Bo", "email": "bo@x.example", "phone": "+12015550101"});
    let (ran, found) = made_meanwhile("fill", &theirs);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let mut found: Vec<_> = found.iter().map(values).collect();
    found.sort();
    assert_eq!(
        found,
        [["ann", "ann@x.example", "", "rome"], ["bo", "bo@x.example", "+12015550101", ""]]
            .map(|it| it.map(str::to_owned))
    );
}
