//! Going on after the spec changed: what is said beforehand is what happens, and nothing else is touched.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::killed::kill_behind;
use crate::small::Small;
use crate::stand_in::StandIn;

const PEOPLE: &str = "object Person from \"people.csv\" {\n  key id\n  id: text\n  first: text\n  job: text\n  city: text\n  status: text\n}";

const MAPS: &str = r#"picklist Status -> people.leadStatus {
  "Open" = new OPEN "Open" blue
  "Closed" = new CLOSED "Closed" red
  otherwise quarantine
}

map Person -> people {
  name = { firstName: first, lastName: id }
  jobTitle = job | trim
  drop city : "not asked for"
  new leadStatus "Lead status": select Status = status | Status
}
"#;

const ROWS: u64 = 30;

/// Thirty people: every tenth has two blanks in a row in the job, and every sixth a status that no row names.
fn people() -> String {
    let row = |number: u64| {
        let job = if number.is_multiple_of(10) { "Head  nurse" } else { "Nurse" };
        let status = if number.is_multiple_of(6) { "Nurture" } else { "Open" };
        format!("P{number},First{number},{job},Town{number},{status}\n")
    };
    format!("id,first,job,city,status\n{}", (1..=ROWS).map(row).collect::<String>())
}

struct Moved {
    project: Project,
    stand_in: StandIn,
    before: String,
}

/// After a first run: 25 are written, 5 quarantined.
fn moved() -> Moved {
    let people = people();
    let small = Small { objects: PEOPLE, maps: MAPS, files: &[("people.csv", &people)], held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    assert_eq!(people_of(&stand_in).len(), 25);
    Moved { project, stand_in, before }
}

fn people_of(stand_in: &StandIn) -> Vec<Value> {
    stand_in.records("people").into_iter().filter(|person| !person["leadStatus"].is_null()).collect()
}

impl Moved {
    fn edit(&self, from: &str, to: &str) {
        let spec = self.project.read("migration.migr");
        assert!(spec.contains(from), "{from}");
        self.project.write("migration.migr", &spec.replacen(from, to, 1));
    }

    fn migr(&self, arguments: &[&str]) -> Ran {
        self.stand_in.migr(&self.project, arguments)
    }

    /// Number of requests that a command sends.
    fn requests(&self, arguments: &[&str], code: i32) -> (u64, Ran) {
        let before = self.stand_in.requests();
        let ran = self.migr(arguments).exits(code);
        (self.stand_in.requests() - before, ran)
    }

    fn with_job(&self, job: &str) -> usize {
        people_of(&self.stand_in).iter().filter(|person| person["jobTitle"] == job).count()
    }

    /// Everything goes back to the state before the first run.
    fn goes_back(self) {
        self.migr(&["rollback"]).exits(0);
        assert_eq!(self.stand_in.fingerprint(), self.before);
    }
}

#[test]
fn an_edit_that_changes_nothing_written_goes_on_without_a_word() {
    let moved = moved();
    let there = moved.stand_in.fingerprint();
    moved.edit("map Person", "// A comment.\n\n/// A description.\nmap Person");
    moved.edit(
        "  jobTitle = job | trim\n  drop city : \"not asked for\"\n",
        "  drop city : \"for another reason\"\n  jobTitle = job | trim\n",
    );
    let shown = moved.migr(&["plan", "--since-run"]).exits(0);
    assert!(shown.stdout.contains("nothing changes what is written"), "{}", shown.stdout);
    let (_, ran) = moved.requests(&["run", "--no-approval"], 5);
    assert!(ran.stdout.contains("nothing was written") && !ran.stderr.contains("Since the run"), "{}", ran.stderr);
    assert_eq!(moved.stand_in.fingerprint(), there);
    moved.goes_back();
}

#[test]
fn a_row_for_quarantined_values_and_a_new_field_are_more_and_go_on() {
    let moved = moved();
    moved.edit("\"Closed\" = new", "\"Nurture\" = new NURTURE \"Nurture\" green\n  \"Closed\" = new");
    moved.edit("  drop city : \"not asked for\"\n", "  new town \"Town\": text = city\n");
    let shown = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
    assert!(shown.contains("+ Person.town: 25 of 25 written records would be filled (more)"), "{shown}");
    assert!(shown.contains("+ Person: 5 quarantined records will be tried again (more)"), "{shown}");
    assert!(shown.contains("Go on: migr run\n"), "{shown}");
    let ran = moved.migr(&["run", "--no-approval"]).exits(0);
    assert!(ran.stderr.contains("25 of 25 written records would be filled"), "{}", ran.stderr);
    let people = people_of(&moved.stand_in);
    assert_eq!(people.len(), 30);
    assert!(people.iter().all(|person| person["town"].as_str().is_some_and(|town| town.starts_with("Town"))));
    assert_eq!(people.iter().filter(|person| person["leadStatus"] == "NURTURE").count(), 5);
    moved.migr(&["verify"]).exits(0);
    let (_, again) = moved.requests(&["run", "--no-approval"], 0);
    assert!(again.stdout.contains("nothing was written"), "{}", again.stdout);
    moved.goes_back();
}

#[test]
fn a_field_that_the_map_has_no_more_is_named_and_keeps_what_was_written() {
    let moved = moved();
    moved.edit("  jobTitle = job | trim\n  drop city : \"not asked for\"\n", "  drop city, job : \"not asked for\"\n");
    let shown = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
    assert!(shown.contains("= Person.jobTitle: written no more; what was written there stays"), "{shown}");
    let ran = moved.migr(&["run", "--no-approval"]).exits(5);
    assert!(ran.stderr.contains("= Person.jobTitle: written no more"), "{}", ran.stderr);
    assert_eq!(moved.with_job("Nurse"), 23);
    let again = moved.migr(&["run", "--no-approval"]).exits(5);
    assert!(!again.stderr.contains("written no more"), "{}", again.stderr);
    moved.goes_back();
}

#[test]
fn other_values_stop_the_run_until_a_person_accepts_just_this_change() {
    let moved = moved();
    let there = moved.stand_in.fingerprint();
    moved.edit("job | trim", "job | trim | collapse");
    let shown = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
    assert!(shown.contains("~ Person.jobTitle: 2 of 25 written records would change (values)"), "{shown}");
    let accept = shown.lines().find_map(|line| line.strip_prefix("Go on: migr run --accept-change ")).unwrap();
    let stopped = moved.migr(&["run", "--no-approval"]).exits(4);
    assert!(stopped.stderr.contains(&format!("migr run --accept-change {accept}")), "{}", stopped.stderr);
    let other = moved.migr(&["run", "--no-approval", "--accept-change", "00000000"]).exits(4);
    assert!(other.stderr.contains("another change than this one"), "{}", other.stderr);
    assert_eq!(moved.stand_in.fingerprint(), there, "a run that stops writes nothing");
    moved.migr(&["verify"]).exits(4);
    moved.migr(&["run", "--no-approval", "--accept-change", accept]).exits(5);
    assert_eq!((moved.with_job("Head nurse"), moved.with_job("Head  nurse")), (2, 0));
    moved.migr(&["verify"]).exits(0);
    let (_, again) = moved.requests(&["run", "--no-approval"], 5);
    assert!(again.stdout.contains("nothing was written"), "{}", again.stdout);
    moved.goes_back();
}

#[test]
fn what_a_person_changed_since_is_settled_by_the_policy() {
    for (policy, wanted) in [("list", "By hand"), ("keep", "By hand"), ("overwrite", "Head nurse")] {
        let moved = moved();
        moved.edit("currency = \"USD\"\n", &format!("currency = \"USD\"\n  on conflict {policy}\n"));
        let people = people_of(&moved.stand_in);
        let by_hand = people.iter().find(|person| person["name"]["lastName"] == "P10").unwrap();
        let elsewhere = people.iter().find(|person| person["name"]["lastName"] == "P20").unwrap();
        let patch = |person: &Value, body: &Value| {
            let path = format!("/rest/people/{}", person["id"].as_str().unwrap());
            moved.stand_in.ask(&Method::PATCH, &path, body);
        };
        patch(by_hand, &json!({"jobTitle": "By hand"}));
        patch(elsewhere, &json!({"linkedinLink": {"primaryLinkUrl": "https://ada.example"}}));
        moved.edit("job | trim", "job | trim | collapse");
        let shown = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
        let foreseen = "~ Person.jobTitle: 2 of 25 written records would change (values)\n      1 of them was changed in the destination since: they go by `on conflict`";
        assert!(shown.contains(foreseen), "{shown}");
        let accept = shown.lines().find_map(|line| line.strip_prefix("Go on: migr run --accept-change ")).unwrap();
        moved.migr(&["run", "--no-approval", "--accept-change", accept]).exits(5);
        let people = people_of(&moved.stand_in);
        let job =
            |key: &str| people.iter().find(|person| person["name"]["lastName"] == key).unwrap()["jobTitle"].clone();
        assert_eq!((job("P10"), job("P20")), (json!(wanted), json!("Head nurse")), "{policy}");
        moved.migr(&["verify"]).exits(0);
        let told = moved.project.report().to_string().contains("changed in the destination since it was written");
        assert_eq!(told, policy != "overwrite", "{policy}");
    }
}

#[test]
fn records_that_would_be_other_ones_are_refused_and_a_map_that_is_gone_is_named() {
    let moved = moved();
    moved.edit("map Person -> people {", "map Person -> people {\n  match name.lastName");
    let stopped = moved.migr(&["run", "--no-approval"]).exits(4);
    assert!(stopped.stderr.contains("`migr rollback --map Person`"), "{}", stopped.stderr);
    moved.edit("\n  match name.lastName", "");
    moved.edit("map Person -> people {", "map Person as Human -> people {");
    let stopped = moved.migr(&["run", "--no-approval"]).exits(4);
    assert!(stopped.stderr.contains("! Person: the map is there no more"), "{}", stopped.stderr);
    moved.edit("map Person as Human", "map Person as Human formerly Person");
    moved.migr(&["run", "--no-approval"]).exits(5);
    moved.edit("formerly Person -> people {", "formerly Person -> people when city != \"Town1\" {");
    let stopped = moved.migr(&["run", "--no-approval"]).exits(4);
    assert!(stopped.stderr.contains("1 of its written records would be the map's no more"), "{}", stopped.stderr);
}

#[test]
fn one_map_is_taken_back_with_what_refers_to_it_and_written_again_by_another_identity() {
    let objects = format!(
        "{PEOPLE}\nobject Firm from \"firms.csv\" {{\n  key id\n  id: text\n  name: text\n}}\nobject Deal from \"deals.csv\" {{\n  key id\n  id: text\n  person: -> Person\n}}"
    );
    let maps = format!(
        "{MAPS}\nmap Firm -> companies {{\n  name = name\n  drop id : \"x\"\n}}\n\nmap Deal -> opportunities {{\n  name = id\n  pointOfContact = person on missing none\n}}\n"
    );
    let people = people();
    let files = [
        ("people.csv", people.as_str()),
        ("firms.csv", "id,name\nF1,Acme\n"),
        ("deals.csv", "id,person\nD1,P1\nD2,P6\n"),
    ];
    let small = Small { objects: &objects, maps: &maps, files: &files, held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    let before = stand_in.fingerprint();
    let companies = stand_in.records("companies").len();
    let deals = stand_in.records("opportunities").len();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let moved = Moved { project, stand_in, before };
    let back = moved.migr(&["rollback", "--map", "Person"]).exits(0);
    assert!(back.stdout.contains("Rollback of Person, Deal: 27 records were destroyed"), "{}", back.stdout);
    let told = "27 records of Person, Deal were taken back; all else stays.";
    let page = moved.project.read(".migr/staging/report.html");
    assert!(page.contains(told) && !page.contains("The migration was rolled back"), "{page}");
    assert_eq!(people_of(&moved.stand_in).len(), 0);
    assert_eq!(moved.stand_in.records("companies").len(), companies + 1, "what does not refer to it stays");
    moved.migr(&["rollback", "--map", "Nobody"]).exits(2);
    moved.edit("map Person -> people {", "map Person -> people {\n  match name.lastName");
    moved.migr(&["run", "--no-approval"]).exits(5);
    assert_eq!(people_of(&moved.stand_in).len(), 25);
    assert_eq!(moved.stand_in.records("opportunities").len(), deals + 2);
    moved.migr(&["verify"]).exits(0);
    moved.goes_back();
}

#[test]
fn an_audit_after_a_run_foresees_what_a_changed_spec_does_to_written_and_quarantined_records() {
    let moved = moved();
    moved.edit("job | trim", "job | trim | collapse");
    moved.edit("\"Closed\" = new", "\"Nurture\" = new NURTURE \"Nurture\" green\n  \"Closed\" = new");
    let there = moved.stand_in.fingerprint();
    let audit = moved.migr(&["audit", "--format", "json"]).exits(0).json();
    assert_eq!(moved.stand_in.fingerprint(), there);
    let since = &audit["going_on"]["since"];
    assert_eq!((&since["maps"][0]["records"], &since["maps"][0]["quarantined"]), (&json!(2), &json!(5)), "{since}");
    let stage = &audit["stages"][0];
    let counts = ["create", "update", "unchanged", "quarantine"].map(|name| stage[name].as_u64().unwrap());
    assert_eq!(counts, [5, 2, 23, 0], "{stage}");
    let preview = &audit["preview"][0];
    assert_eq!(preview["fields"], json!([{"field": "jobTitle", "records": 2}]), "{preview}");
    let told = moved.migr(&["audit"]).exits(0);
    assert!(told.stdout.contains("jobTitle \"Head  nurse\" → \"Head nurse\""), "{}", told.stdout);
    let words = "~ Person.jobTitle: 2 of 25 written records would change (values)";
    assert!(told.stderr.contains(words) && told.stderr.contains("migr run --accept-change"), "{}", told.stderr);
    // It is what the run does, once the change is accepted.
    let accept = since["hash"].as_str().unwrap();
    let ran = moved.migr(&["run", "--no-approval", "--accept-change", accept]).exits(0);
    assert!(ran.stdout.contains("5 records were written; 2 records got other values"), "{}", ran.stdout);
    // An identity that changed is refused, and so foreseen.
    moved.edit("map Person -> people {", "map Person -> people {\n  match name.lastName");
    let told = moved.migr(&["audit"]).exits(0);
    assert!(told.stderr.contains("(identity; 30 written records)"), "{}", told.stderr);
    moved.goes_back();
}

#[test]
fn a_map_that_was_all_there_was_is_told_of_as_a_map_and_not_as_the_migration() {
    let moved = moved();
    moved.migr(&["rollback", "--map", "Person"]).exits(0);
    let report = moved.project.report();
    assert_eq!(report["rollback"]["maps"], json!(["Person"]));
    let told: Vec<&str> =
        report["attention"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert!(told.contains(&"25 records of Person were taken back; all else stays."), "{told:?}");
    assert!(told.contains(&"The migration is not finished yet; still to come: Person."), "{told:?}");
    assert!(!told.iter().any(|what| what.contains("The migration was rolled back")), "{told:?}");
    moved.migr(&["rollback"]).exits(0);
    let page = moved.project.read(".migr/staging/report.html");
    assert!(page.contains("The migration was rolled back."), "{page}");
    assert_eq!(moved.stand_in.fingerprint(), moved.before);
}

#[test]
fn the_report_is_written_anew_by_every_command_that_changes_what_it_tells() {
    let moved = moved();
    let page = || moved.project.read(".migr/staging/report.html");
    // What the page says is what the report says now.
    let is_new = |after: &str| {
        let written = page();
        let asked = moved.migr(&["report", "--format", "html"]).exits(0).stdout;
        assert_eq!(written.trim_end(), asked.trim_end(), "after {after}");
    };
    is_new("a run");
    moved.migr(&["quarantine", "retry"]).exits(0);
    is_new("a release");
    assert!(page().contains("The migration is not finished yet"), "{}", page());
    moved.edit("\"Closed\" = new", "\"Nurture\" = new NURTURE \"Nurture\" green\n  \"Closed\" = new");
    moved.migr(&["sample", "--records", "3"]).exits(0);
    is_new("a sample");
    moved.migr(&["run", "--no-approval"]).exits(0);
    moved.migr(&["setup"]).exits(0);
    is_new("a setup");
    moved.migr(&["verify"]).exits(0);
    is_new("a verification");
    let rows = moved.project.read("export/people.csv");
    moved
        .project
        .write("export/people.csv", &rows.replace("Town7,", "Town 7,").replace("First9,Nurse", "First9,Doctor"));
    let spec = moved.project.read("migration.migr");
    moved.project.write("migration.migr", &spec.replace("currency = \"USD\"\n", "currency = \"USD\"\n  delta = 48h\n"));
    moved.migr(&["delta"]).exits(0);
    is_new("a delta");
    moved.migr(&["rollback", "--map", "Person"]).exits(0);
    is_new("a rollback of a map");
    // A command that fails half-way has done what it did.
    moved.migr(&["run", "--no-approval", "--max-failures", "0"]);
    is_new("a run that stopped");
}

#[test]
fn a_sample_of_a_changed_spec_takes_what_the_change_touches_and_leaves_the_rest_to_an_approved_run() {
    let moved = moved();
    moved.edit("job | trim", "job | trim | collapse");
    moved.edit(
        "\"Closed\" = new",
        "\"Nurture\" = new NURTURE \"Nurture\" green\n  \"Gone\" = new GONE \"Gone\" gray\n  \"Closed\" = new",
    );
    let sample = moved.migr(&["sample", "--records", "2", "--format", "json"]).exits(0).json();
    let records = sample["records"].as_array().unwrap();
    assert_eq!(records.len(), 2, "one with another value, one that was quarantined: {records:?}");
    let changes = &sample["changes"];
    assert_eq!(changes["since_the_run"], true);
    assert_eq!(changes["fields"].as_array().unwrap().len(), 1, "{changes}");
    let field = &changes["fields"][0];
    assert_eq!(
        (&field["field"], &field["before"], &field["after"]),
        (&json!("jobTitle"), &json!("Head  nurse"), &json!("Head nurse"))
    );
    let outcomes = changes["outcomes"].as_array().unwrap();
    assert!(
        outcomes.len() == 1 && outcomes[0].as_str().unwrap().ends_with(": was not written → was created"),
        "{changes}"
    );
    let uncovered: Vec<&str> =
        sample["uncovered"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(uncovered, ["Status: \"Gone\""], "of the rows that the change leaves as they were nothing is asked");
    assert_eq!(people_of(&moved.stand_in).len(), 26, "four are left for the run");
    assert_eq!((moved.with_job("Head nurse"), moved.with_job("Head  nurse")), (1, 1));
    let page = moved.project.read(".migr/staging/sample/sample.html");
    assert!(page.contains("Since the last run") && page.contains("Head nurse"), "{page}");

    let shown = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
    assert!(shown.contains("~ Person.jobTitle: 1 of 26 written records would change (values)"), "{shown}");
    assert!(shown.contains("4 quarantined records will be tried again"), "{shown}");
    let accept = shown.lines().find_map(|line| line.strip_prefix("Go on: migr run --accept-change ")).unwrap();
    moved.migr(&["run"]).exits(4);
    moved.migr(&["approve", "--by", "Ada Brown"]).exits(0);
    let asked = moved.migr(&["run"]).exits(4);
    assert!(asked.stderr.contains("written records would get other values"), "{}", asked.stderr);
    // The spec is put back: what the sample wrote is what would change.
    let spec = moved.project.read("migration.migr");
    moved.edit("job | trim | collapse", "job | trim");
    let back = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
    assert!(back.contains("~ Person.jobTitle: 1 of 26 written records would change (values)"), "{back}");
    moved.project.write("migration.migr", &spec);
    let ran = moved.migr(&["run", "--accept-change", accept]).exits(0);
    assert!(ran.stdout.contains("4 records were written; 1 record got other values"), "{}", ran.stdout);
    assert_eq!(people_of(&moved.stand_in).len(), 30);
    assert_eq!((moved.with_job("Head nurse"), moved.with_job("Head  nurse")), (3, 0));
    moved.migr(&["verify"]).exits(0);
    moved.goes_back();
}

#[test]
fn records_whose_answers_a_kill_swallowed_get_what_a_changed_spec_says_and_count_as_the_audit_foresees() {
    let people = people();
    let small = Small { objects: PEOPLE, maps: MAPS, files: &[("people.csv", &people)], held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    assert!(kill_behind("POST /rest/batch/people", &stand_in, &project, &["run", "--no-approval"]));
    let before = String::new();
    let moved = Moved { project, stand_in, before };
    moved.edit("job | trim", "job | trim | upper");
    moved.migr(&["audit"]);
    let lock: Value = serde_json::from_str(&moved.project.read("migr.staging.lock")).expect("JSON");
    let foreseen = &lock["stages"]["stages"][0];
    moved.migr(&["run", "--no-approval"]).exits(5);
    let report = moved.project.report();
    let done = &report["objects"][0];
    let counts = |object: &Value, names: [&str; 2]| names.map(|name| object[name].as_u64().unwrap_or_default());
    assert_eq!(counts(foreseen, ["create", "update"]), counts(done, ["created", "updated"]), "{foreseen:#}\n{done:#}");
    assert_eq!((moved.with_job("NURSE"), moved.with_job("Nurse")), (23, 0), "all are of the changed spec");
    moved.migr(&["verify"]).exits(0);
}

#[test]
fn a_row_that_names_another_option_changes_the_values_of_a_field_that_cannot_be_empty() {
    let maps = "picklist Stage -> opportunities.stage {\n  \"Won\" = CUSTOMER\n  \"Open\" = NEW\n  otherwise quarantine\n}\n\nmap Deal -> opportunities {\n  name = id\n  stage = stage | Stage\n}\n";
    let small = Small {
        objects: "object Deal from \"deals.csv\" { key id; id: text; stage: text }",
        maps,
        files: &[("deals.csv", "id,stage\nD1,Won\nD2,Open\nD3,Won\n")],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let moved = Moved { project, stand_in, before };
    moved.edit("\"Won\" = CUSTOMER", "\"Won\" = new SIGNED \"Signed\"");
    let shown = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
    assert!(shown.contains("~ Deal.stage: 2 of 3 written records would change (values)"), "{shown}");
    moved.migr(&["run", "--no-approval"]).exits(4);
    let (_, number) = shown.split_once("--accept-change ").expect("a number to accept the change by");
    moved.migr(&["run", "--no-approval", "--accept-change", number.trim()]).exits(0);
    let signed = moved.stand_in.records("opportunities");
    assert_eq!(signed.iter().filter(|deal| deal["stage"] == "SIGNED").count(), 2);
    moved.migr(&["verify"]).exits(0);
}
