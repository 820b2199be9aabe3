//! Records of a later export that exchange values which one alone may hold: none loses its value where another change is refused, and far apart ones find each other.

use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::small::Small;
use crate::stand_in::{StandIn, hurry};
use crate::wire::{Act, Wire};

const MAPS: &str =
    "map Person -> people {\n  name.lastName = id\n  emails = { primaryEmail: email }\n  jobTitle = job\n}";

/// A migration of people, each row one of `id,email,job`, that is through; a later export may follow.
fn people(rows: &[String]) -> (Project, StandIn) {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; email: email; job: text }",
        maps: MAPS,
        files: &[("people.csv", &table(rows))],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    let spec = project.read("migration.migr").replace("currency = \"USD\"\n", "currency = \"USD\"\n  delta = 48h\n");
    project.write("migration.migr", &spec);
    hurry(&project, 60);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    (project, stand_in)
}

fn table(rows: &[String]) -> String {
    format!("id,email,job\n{}\n", rows.join("\n"))
}

fn rows(rows: &[(&str, &str, &str)]) -> Vec<String> {
    rows.iter()
        .map(|(id, who, job)| format!("{id},{who}{},{job}", if who.is_empty() { "" } else { "@x.example" }))
        .collect()
}

/// A delta in which the destination refuses to write some values to some records, of all of them and their ids.
fn delta_that_refuses(
    project: &Project,
    stand_in: &StandIn,
    refuses: impl Fn(&str, &Value) -> bool + Send + Sync + 'static,
) -> Ran {
    let wire = Wire::to(&stand_in.url(), move |asked| {
        let sent: Value = serde_json::from_slice(asked.body).unwrap_or_default();
        let records = sent.as_array().map_or_else(|| vec![sent.clone()], Clone::clone);
        let id = |sent: &Value| sent["id"].as_str().or(asked.path.rsplit('/').next()).unwrap_or_default().to_owned();
        if asked.writes() && records.iter().any(|sent| refuses(&id(sent), sent)) {
            let answer = json!({"statusCode": 400, "error": "BadRequestException", "messages": ["Not to be written"]});
            return Act::Answer(400, answer.to_string());
        }
        Act::Pass
    });
    Ran::from(stand_in.command_over(&wire.url(), project.path(), &["delta"]).output().expect("migr starts"))
}

/// Address and job of a person.
fn of(stand_in: &StandIn, name: &str) -> (String, String) {
    let is_it = |it: &&Value| it["name"]["lastName"] == name;
    let person = stand_in.records("people").iter().find(is_it).cloned().expect("it is there");
    let text = |value: &Value| value.as_str().unwrap_or_default().trim_end_matches("@x.example").to_owned();
    (text(&person["emails"]["primaryEmail"]), text(&person["jobTitle"]))
}

/// Reasons by record and field.
fn reasons(project: &Project) -> Vec<(String, String, String)> {
    let report = project.report();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let notes = report["repairs"].as_array().expect("a list").iter();
    notes.map(|it| (text(&it["key"]), text(&it["field"]), text(&it["reason"]))).collect()
}

#[test]
fn a_record_of_a_circle_that_is_refused_for_another_field_keeps_its_value() {
    for refused in ["1", "2", "3"] {
        let before = [("1", "ann", "Nurse"), ("2", "bob", "Cook"), ("3", "carl", "Vet")];
        let (project, stand_in) = people(&rows(&before));
        let job = |id: &str| if id == refused { "Refused" } else { "Chef" };
        let after = [("1", "bob", job("1")), ("2", "carl", job("2")), ("3", "ann", job("3"))];
        project.write("export/people.csv", &table(&rows(&after)));
        let delta = delta_that_refuses(&project, &stand_in, |_, sent| sent["jobTitle"] == "Refused").exits(5);
        for (id, email, was) in before {
            let job = if id == refused { was } else { "Chef" };
            assert_eq!(of(&stand_in, id), (email.to_owned(), job.to_owned()), "{refused} {id}: {}", delta.stdout);
        }
        let notes = reasons(&project);
        assert_eq!(notes.len(), 4, "{notes:?}");
        assert!(notes.iter().all(|(_, _, why)| why.starts_with("left as it was written")), "{notes:?}");
        assert!(notes.iter().any(|(key, field, _)| key == refused && field == "emails"), "{notes:?}");
        assert!(!delta.stdout.contains("empty now"), "{}", delta.stdout);
        // Once the other field can be written, the exchange takes place.
        let mended = after.map(|(id, email, _)| (id, email, "Surgeon"));
        project.write("export/people.csv", &table(&rows(&mended)));
        stand_in.migr(&project, &["delta"]).exits(0);
        stand_in.migr(&project, &["verify"]).exits(0);
    }
}

#[test]
fn a_value_that_was_taken_for_another_record_is_put_back_or_told_as_gone() {
    // The first is emptied; what it is to get is refused of it, and the second has its value by then.
    let before = [("1", "ann", "Nurse"), ("2", "bob", "Cook")];
    let after = [("1", "bob", "Nurse"), ("2", "ann", "Cook")];
    for (refused, expected) in [("bob", ["", "ann"]), ("ann", ["ann", "bob"])] {
        let (project, stand_in) = people(&rows(&before));
        project.write("export/people.csv", &table(&rows(&after)));
        let address = format!("{refused}@x.example");
        let people = stand_in.records("people");
        let second = people.iter().find(|it| it["name"]["lastName"] == "2").expect("it is there")["id"].clone();
        let delta = delta_that_refuses(&project, &stand_in, move |id, sent| {
            (second == id) == (refused == "ann") && sent["emails"]["primaryEmail"] == address
        });
        let held = ["1", "2"].map(|id| of(&stand_in, id).0);
        assert_eq!(held, expected.map(str::to_owned), "{}", delta.stdout);
        let notes = reasons(&project);
        let first = notes.iter().find(|(key, ..)| key == "1").expect("it is told");
        let is_gone = expected[0].is_empty();
        assert_eq!(first.2.starts_with("left empty"), is_gone, "{notes:?}");
        assert_eq!(
            delta.stdout.contains("1 value could not be written, and is empty now"),
            is_gone,
            "{}",
            delta.stdout
        );
        delta.exits(5);
    }
}

#[test]
fn records_far_from_each_other_exchange_their_values() {
    const MANY: usize = 2_100;
    let person = |id: usize, of: usize| format!("{id},p{of}@x.example,Nurse");
    let (project, stand_in) = people(&(0..MANY).map(|id| person(id, id)).collect::<Vec<_>>());
    project.write("export/people.csv", &table(&(0..MANY).map(|id| person(id, MANY - 1 - id)).collect::<Vec<_>>()));
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    assert!(!audit.stdout.contains("holds another value, which stays"), "{}", audit.stdout);
    stand_in.migr(&project, &["delta"]).exits(0);
    let wanted: Vec<String> = (0..MANY).map(|id| format!("p{}@x.example", MANY - 1 - id)).collect();
    let mut found = vec![String::new(); MANY];
    for it in stand_in.records("people") {
        if let Some(id) = it["name"]["lastName"].as_str().and_then(|id| id.parse::<usize>().ok()) {
            found[id] = it["emails"]["primaryEmail"].as_str().unwrap_or_default().to_owned();
        }
    }
    assert!(found == wanted);
}

#[test]
fn a_location_is_asked_beforehand_who_holds_an_address() {
    let project = Project::empty();
    project.write(
        "migration.migr",
        "use \"std/systems/highlevel\"\n\nmigration small {\n  source old { files = \"export/*.csv\" }\n  destination highlevel as staging { url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); settle = 1s }\n  timezone = \"UTC\"\n  country = \"US\"\n  currency = \"USD\"\n  delta = 48h\n}\n\nsystem old {\n  object Client from \"clients.csv\" { key id; id: text; name: text; email: email }\n}\n\nmap Client -> contacts {\n  match email\n  lastName = name\n  email = email\n}\n",
    );
    let clients = |rows: &[&str]| format!("id,name,email\n{}\n", rows.join("\n"));
    project.write(
        "export/clients.csv",
        &clients(&["C1,Lee,ann@x.example", "C2,Ray,bob@x.example", "C3,Fox,carl@x.example"]),
    );
    let stand_in = StandIn::location(highlevel::Options { lag: Duration::ZERO, ..highlevel::Options::default() });
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let place = highlevel::Options::default().location;
    let theirs = json!({"locationId": place, "lastName": "Theirs", "email": "theirs@x.example"});
    stand_in.ask(&Method::POST, "/contacts/", &theirs);
    // The first is to get an address that somebody else has; so its own stays, and the second does not get that.
    project.write(
        "export/clients.csv",
        &clients(&["C1,Leeds,theirs@x.example", "C2,Rayner,ann@x.example", "C3,Fox,free@x.example"]),
    );
    let audit = stand_in.migr(&project, &["audit"]).exits(0);
    for words in [
        "\"theirs@x.example\" of the export is not written",
        "\"ann@x.example\" of the export is not written",
        "3 records there change; fields that change: lastName 2, email 1",
    ] {
        assert!(audit.stdout.contains(words), "nothing says {words:?}: {}", audit.stdout);
    }
    let delta = stand_in.migr(&project, &["delta"]).exits(5);
    assert!(delta.stdout.contains("2 changes could not be written"), "{}", delta.stdout);
    let body = json!({"locationId": place, "page": 1, "pageLimit": 100});
    let found = stand_in.ask(&Method::POST, "/contacts/search", &body);
    let found = found["contacts"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
    let held: Vec<(String, String)> = found.map(|it| (text(&it["lastName"]), text(&it["email"]))).collect();
    for (name, email) in [
        ("Leeds", "ann@x.example"),
        ("Rayner", "bob@x.example"),
        ("Fox", "free@x.example"),
        ("Theirs", "theirs@x.example"),
    ] {
        assert!(held.contains(&(name.to_lowercase(), email.to_owned())), "{name}: {held:?}");
    }
}
