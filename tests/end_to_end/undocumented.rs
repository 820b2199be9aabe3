//! Parts that the documents of a destination do not name: sent where the spec says so by its name, else not, and told either way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::studio::studio;
use crate::wire::{Act, Wire};

fn location() -> StandIn {
    StandIn::location(highlevel::Options { lag: Duration::ZERO, ..highlevel::Options::default() })
}

/// The small migration, with a list of options besides, and the part that is sent where `says` so.
fn with_options(says: bool) -> Project {
    let project = studio();
    let spec = project.read("migration.migr");
    let setting = if says { "settle = 1s; undocumented = [\"customFields.options\"]" } else { "settle = 1s" };
    let spec = spec.replace("settle = 1s", setting).replace(
        "  closeDate     = closes\n",
        "  closeDate     = closes\n  new heat \"Heat\": select { Hot, Cold } = if title == \"Ada one\" then Hot else Cold\n",
    );
    project.write("migration.migr", &spec);
    project
}

fn heat(stand_in: &StandIn) -> Value {
    let path = format!("/locations/{}/customFields?model=opportunity", highlevel::Options::default().location);
    let answer = stand_in.ask(&Method::GET, &path, &Value::Null);
    let fields = answer["customFields"].as_array().expect("a list");
    fields.iter().find(|field| field["name"] == "Heat").cloned().unwrap_or_default()
}

#[test]
fn options_of_a_new_field_are_sent_by_name_alone_and_are_a_text_else() {
    for (says, ty, options) in [(false, "TEXT", Value::Null), (true, "SINGLE_OPTIONS", json!(["Hot", "Cold"]))] {
        let (project, stand_in) = (with_options(says), location());
        let plan = project.migr(&["plan"]).exits(0).stdout;
        let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
        let sent = "Sent, though the destination's documents do not name it: customFields.options";
        assert_eq!(plan.contains(sent), says, "{plan}");
        assert_eq!(plan.contains("the API's documents name no way to give options"), !says, "{plan}");
        let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&bodies);
        let wire = Wire::to(&stand_in.url(), move |asked| {
            if asked.method == "POST" && asked.path.ends_with("/customFields") {
                noted.lock().expect("the notes").push(String::from_utf8_lossy(asked.body).into_owned());
            }
            Act::Pass
        });
        let run = &["run", "--no-approval"];
        let output = stand_in.command_over(&wire.url(), project.path(), run).output().expect("migr starts");
        Ran::from(output).exits(5);
        assert_eq!(bodies.lock().expect("the notes").iter().any(|body| body.contains("\"options\"")), says);
        let field = heat(&stand_in);
        assert_eq!((&field["dataType"], &field["picklistOptions"]), (&json!(ty), &options), "{field}");
        stand_in.migr(&project, &["verify"]).exits(0);
        stand_in.migr(&project, &["rollback"]).exits(0);
        assert_eq!(heat(&stand_in), Value::Null, "the field goes with the rollback");
    }
}

/// The small migration with a list of options of an object of one's own; parts that no document names are sent.
fn with_options_of_own() -> Project {
    let project = with_options(true);
    let spec = project.read("migration.migr");
    let field = "  new price \"Price\": currency = price | money\n";
    let kind = "  new kind \"Kind\": select { Long, Short } = if name == \"Breathing\" then Long else Short\n";
    project.write("migration.migr", &spec.replace(field, &format!("{field}{kind}")));
    project
}

#[test]
fn options_of_an_own_object_are_a_text_whatever_is_sent_and_that_is_told_with_its_records() {
    let (project, stand_in) = (with_options_of_own(), location());
    let reason = "no document says whether a record of an object of one's own holds an option's key or its label";
    let lost = |degradations: &Value| -> Vec<(String, Option<u64>)> {
        let degradations = degradations.as_array().expect("a list").iter();
        let of_options = degradations.filter(|one| one["reason"].as_str().is_some_and(|why| why.contains("option")));
        let told = of_options.map(|one| {
            assert!(one["reason"].as_str().is_some_and(|why| why.starts_with(reason)), "{one}");
            (one["what"].as_str().unwrap_or_default().to_owned(), one["records"].as_u64())
        });
        told.collect()
    };
    stand_in.migr(&project, &["audit"]);
    let plan = project.migr(&["plan", "--to", "staging", "--format", "json"]).exits(0).json();
    let records = project.read("export/courses.csv").lines().count() as u64 - 1;
    let expected = vec![("courses.kind".to_owned(), Some(records))];
    assert_eq!(lost(&plan["degradations"]), expected, "of an opportunity's field nothing is lost");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
    let report = stand_in.migr(&project, &["report", "--format", "json"]).exits(0).json();
    assert_eq!(lost(&report["degradations"]), expected, "{:#}", report["degradations"]);
}

#[test]
fn a_property_of_options_of_an_own_object_is_refused_since_nobody_knows_what_its_records_hold() {
    let (project, stand_in) = (with_options_of_own(), location());
    stand_in.migr(&project, &["setup"]).exits(0);
    let here = highlevel::Options::default().location;
    let key = "custom_objects.course";
    let known = stand_in.ask(&Method::GET, &format!("/custom-fields/object-key/{key}?locationId={here}"), &Value::Null);
    let fields = known["fields"].as_array().expect("a list");
    let kind = fields.iter().find(|field| field["name"] == "Kind").expect("setup made it");
    stand_in.ask(&Method::DELETE, &format!("/custom-fields/{}", kind["id"].as_str().unwrap_or_default()), &Value::Null);
    let options = json!([{"key": "long", "label": "Long"}, {"key": "short", "label": "Short"}]);
    let field = json!({
        "locationId": here, "name": "Kind", "dataType": "SINGLE_OPTIONS", "showInForms": false, "objectKey": key,
        "fieldKey": format!("{key}.kind"), "parentId": kind["parentId"], "options": options,
    });
    stand_in.ask(&Method::POST, "/custom-fields/", &field);
    let said = stand_in.migr(&project, &["setup"]).exits(4);
    assert!(said.stdout.contains("an option's key or its label"), "{}{}", said.stdout, said.stderr);
}

#[test]
fn options_that_the_server_drops_without_a_word_leave_no_field_behind() {
    let (project, stand_in) = (with_options(true), location());
    let wire = Wire::to(&stand_in.url(), |asked| {
        let is_field = asked.method == "GET" && asked.path.contains("/customFields/");
        if !is_field {
            return Act::Pass;
        }
        Act::Change(
            None,
            Box::new(|told| {
                let text = String::from_utf8_lossy(&told.body).replace("\"picklistOptions\"", "\"other\"");
                told.body = text.into_bytes();
            }),
        )
    });
    let output = stand_in.command_over(&wire.url(), project.path(), &["setup"]).output().expect("migr starts");
    let ran = Ran::from(output).exits(4);
    assert!(ran.stdout.contains("without the options that it was sent"), "{}", ran.stdout);
    assert_eq!(heat(&stand_in), Value::Null);
}

#[test]
fn a_field_of_options_that_is_there_must_have_those_of_the_plan() {
    let (project, stand_in) = (with_options(false), location());
    let path = format!("/locations/{}/customFields", highlevel::Options::default().location);
    let field =
        json!({"name": "Heat", "dataType": "SINGLE_OPTIONS", "model": "opportunity", "options": ["Hot", "Warm"]});
    let made = stand_in.ask(&Method::POST, &path, &field);
    let said = stand_in.migr(&project, &["setup"]).exits(4);
    assert!(said.stdout.contains("has none called \"Cold\""), "{}", said.stdout);
    let id = made["customField"]["id"].as_str().expect("an id");
    stand_in.ask(&Method::PUT, &format!("{path}/{id}"), &json!({"name": "Heat", "options": ["Hot", "Cold"]}));
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
}

#[test]
fn a_note_that_is_longer_than_is_known_to_arrive_is_foreseen_and_sent_whole() {
    let project = studio();
    let notes = project.read("export/memos.csv");
    let long = "word ".repeat(1_200);
    let line = notes.lines().nth(1).expect("a note").to_owned();
    let cells: Vec<&str> = line.split(',').collect();
    let other = format!("{},{long}", cells[..cells.len() - 1].join(","));
    project.write("export/memos.csv", &notes.replacen(&line, &other, 1));
    let stand_in = location();
    let audit = stand_in.migr(&project, &["audit", "--format", "json"]);
    let audit = audit.json();
    let found = audit["findings"].as_array().expect("a list");
    let long: Vec<&Value> = found.iter().filter(|one| one["kind"] == "long-text").collect();
    assert_eq!(long.len(), 1, "{audit:#}");
    assert!(long[0]["message"].as_str().unwrap_or_default().contains("W0619"), "{:#}", long[0]);
    let totals = audit["totals"].as_array().expect("a list");
    assert!(totals.iter().any(|one| one["kind"] == "long-text" && one["findings"] == 1), "{audit:#}");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
}

/// Clients of a location, with options that their values become: of a contact, of several, and of an own object.
fn with_created_options() -> Project {
    let project = Project::empty();
    let spec = "use \"std/systems/highlevel\"\n\nmigration small {\n  source old { files = \"export/*.csv\" }\n  destination highlevel as staging { url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); settle = 1s }\n  timezone = \"UTC\"\n  country = \"US\"\n  currency = \"USD\"\n  delta = 48h\n  permit irreversible : \"made for a test\"\n}\n\nsystem old {\n  object Client from \"clients.csv\" { key id; id: text; email: email; kind: text; likes: list(text) split \";\" }\n}\n\npicklist Kind -> contacts.kind { \"Gold\" = new GOLD \"Gold\"; otherwise create }\npicklist Likes -> contacts.likes { otherwise create }\npicklist Sort -> courses.sort { otherwise create }\n\nmap Client -> contacts {\n  match email\n  lastName = id\n  email = email\n  new kind \"Kind\": select Kind = kind | Kind\n  new likes \"Likes\": multiselect Likes = likes | Likes\n}\n\nmap Client as Course -> new courses \"Courses\" one course \"Course\" {\n  new name \"Name\": text = id\n  new sort \"Sort\": select Sort = kind | Sort\n}\n";
    project.write("migration.migr", spec);
    project.write("export/clients.csv", CLIENTS);
    project
}

const CLIENTS: &str = "id,email,kind,likes\nC1,ann@x.example,Gold,tea;coffee\nC2,bob@x.example,Silver ware,tea\n";

#[test]
fn values_that_become_options_of_a_text_are_written_and_verified_and_a_later_export_may_bring_more() {
    let (project, stand_in) = (with_created_options(), location());
    let place = highlevel::Options::default().location;
    let held = || {
        let search = json!({"locationId": place, "page": 1, "pageLimit": 10});
        stand_in.ask(&Method::POST, "/contacts/search", &search)["contacts"].to_string()
    };
    let before = held();
    stand_in.migr(&project, &["audit"]).exits(0);
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, &["setup", "--checklist"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.migr(&project, &["verify"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let there = held();
    for value in ["\"GOLD\"", "\"SILVER_WARE\"", "\"TEA, COFFEE\"", "\"TEA\""] {
        assert!(there.contains(value), "{value} in {there}");
    }
    project.write("export/clients.csv", &format!("{CLIENTS}C3,cy@x.example,Iron,milk;tea\n"));
    stand_in.migr(&project, &["delta"]).exits(0);
    assert!(held().contains("\"IRON\""), "{}", held());
    stand_in.migr(&project, &["verify"]).exits(0);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(held(), before);
}
