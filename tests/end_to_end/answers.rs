//! Answers of a location that say something else than what was done.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::studio::{location_on_disk, studio};
use crate::wire::{Act, Asked, Wire};

fn over(wire: &Wire, stand_in: &StandIn, project: &Project, arguments: &[&str]) -> Ran {
    Ran::from(stand_in.command_over(&wire.url(), project.path(), arguments).output().expect("migr starts"))
}

/// The kind of record that a request makes; none where it makes none, or one that a search alone tells of.
fn made(asked: &Asked<'_>) -> Option<&'static str> {
    let path = asked.path.split('?').next().unwrap_or_default();
    if asked.method != "POST" {
        return None;
    }
    match path {
        "/businesses/" => Some("business"),
        "/calendars/events/appointments" => Some("appointment"),
        "/associations/relations" => Some("relation"),
        "/forms/upload-custom-files" => Some("contact's file"),
        "/medias/upload-file" => Some("file"),
        path if path.starts_with("/contacts/") && path.ends_with("/notes") => Some("note"),
        path if path.starts_with("/contacts/") && path.ends_with("/tasks") => Some("task"),
        _ => None,
    }
}

/// The id that a client became.
pub(crate) fn project_id(project: &Project, client: &str) -> String {
    let trail = project.migr(&["journal"]).exits(0).stdout;
    let lines = trail.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut created =
        lines.filter(|line| line["type"] == "created" && line["step"] == "Client" && line["key"] == client);
    created.next().and_then(|line| line["id"].as_str().map(str::to_owned)).expect("a contact")
}

#[test]
fn a_refusal_that_made_the_record_all_the_same_loses_and_doubles_nothing() {
    let honest = {
        let (project, stand_in) = (studio(), location_on_disk(None));
        stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
        stand_in.contents()
    };
    let (project, stand_in) = (studio(), location_on_disk(None));
    let seen: Arc<Mutex<BTreeSet<&'static str>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let wire = Wire::to(&stand_in.url(), move |asked| match made(asked) {
        Some(kind) if noted.lock().expect("the notes").insert(kind) => Act::Change(
            None,
            Box::new(|told| {
                told.status = 422;
                let body = json!({"statusCode": 422, "message": ["it is invalid"], "error": "Unprocessable Entity"});
                told.body = body.to_string().into_bytes();
            }),
        ),
        _ => Act::Pass,
    });
    let ran = over(&wire, &stand_in, &project, &["run", "--no-approval"]).exits(5);
    assert_eq!(seen.lock().expect("the notes").len(), 7, "each kind was refused once");
    // The library's files have no key: a person may have to look.
    assert_eq!(stand_in.contents(), honest, "{}", ran.stdout);
    let report = project.report();
    let refused = report["quarantine"].as_array().expect("a list").iter().filter(|entry| entry["code"] == "Q501");
    assert_eq!(refused.count(), 0, "{report:#}");
}

#[test]
fn a_relation_whose_answer_describes_the_association_is_known_by_its_own_id() {
    let (project, stand_in) = (studio(), location_on_disk(None));
    let wire = Wire::to(&stand_in.url(), |asked| {
        if made(asked) != Some("relation") {
            return Act::Pass;
        }
        let sent: Value = serde_json::from_slice(asked.body).expect("JSON");
        Act::Change(
            None,
            Box::new(move |told| {
                let body =
                    json!({"id": sent["associationId"], "key": "takes_part_in", "locationId": sent["locationId"]});
                told.body = body.to_string().into_bytes();
            }),
        )
    });
    over(&wire, &stand_in, &project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
    let undone = stand_in.migr(&project, &["rollback", "--map", "Joined"]).exits(0);
    let said = "Rollback of Joined: 2 records were destroyed, ";
    assert!(undone.stdout.starts_with(said) && undone.stdout.ends_with("all is as before.\n"), "{}", undone.stdout);
    let contact = project_id(&project, "C1");
    let place = highlevel::Options::default().location;
    let path = format!("/associations/relations/{contact}?locationId={place}&skip=0&limit=10");
    let left = stand_in.ask(&Method::GET, &path, &Value::Null);
    assert_eq!(left["relations"], json!([]), "{left:#}");
}

#[test]
fn a_later_export_in_which_nothing_changed_changes_nothing() {
    let project = studio();
    let spec = project.read("migration.migr");
    let with = spec
        .replace("currency = \"USD\"\n", "currency = \"USD\"\n  delta = 48h\n")
        .replace("assignedTo = coach\n}\n\nmap Scan", "assignedTo = coach on outside first\n}\n\nmap Scan");
    assert_ne!(spec, with);
    project.write("migration.migr", &with);
    // Stages of one name stand in two pipelines, and the team of the calendar has another user.
    let before = json!({
        "name": "Two of a name", "timezone": "America/New_York", "country": "US",
        "settings": {"allowDuplicateContact": false, "allowDuplicateOpportunity": true},
        "users": [
            {"name": "Jane Smith", "email": "jane.smith@clinic.example"},
            {"name": "Front Desk", "email": "front.desk@clinic.example"},
        ],
        "pipelines": [
            {"name": "Coaching", "stages": ["New lead", "Signed"]},
            {"name": "Elsewhere", "stages": ["New lead", "Signed", "Booked"]},
        ],
        "calendars": [{"name": "Client sessions", "team": ["front.desk@clinic.example"]}],
    });
    let stand_in = StandIn::location(highlevel::Options { before: Some(before), ..highlevel::Options::default() });
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let clients = project.read("export/clients.csv");
    project.write("export/clients.csv", &format!("{clients}C7,Zed,New,zed@x.example,,,,,,\n"));
    let delta = stand_in.migr(&project, &["delta"]);
    assert!(matches!(delta.code, 0 | 5), "{}{}", delta.stdout, delta.stderr);
    assert!(!delta.stdout.contains("would get another value"), "{}", delta.stdout);
    let changed = delta.stdout.lines().filter(|line| line.contains(" changed, "));
    assert!(
        changed.clone().count() > 9 && changed.clone().all(|line| line.contains(" 0 changed, ")),
        "{}",
        delta.stdout
    );
}
