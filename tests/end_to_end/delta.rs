//! A later export: what is new, changed and gone in it arrives, and what people did in the destination since goes by the policies.

use std::collections::BTreeMap;

use migr_sandbox::{Faults, SandboxOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{clinic, others};
use crate::harness::{Project, Ran};
use crate::killed::{DELTA, Left, Rest};
use crate::small::Small;
use crate::stand_in::{StandIn, hurry};

const OBJECTS: &str = "object Person from \"people.csv\" {\n  key id\n  id: text\n  first: text\n  job: text\n  mail: email\n}\nobject Note from \"notes.csv\" {\n  key id\n  id: text\n  text: text\n  person: -> Person\n}";

const MAPS: &str = r#"map Person -> people {
  name = { firstName: first, lastName: id }
  jobTitle = job
  emails = { primaryEmail: mail } otherwise none
}

map Note -> notes {
  title = text
  targets = [person]
  drop id : "a key"
}
"#;

/// Numbers of a drill: records, and of these changed, new and vanished ones; and how many people changed by hand, in a field that the export changes too and
/// in another one.
#[derive(Clone, Copy)]
struct Drill {
    records: u64,
    changed: u64,
    new: u64,
    vanished: u64,
    by_hand: u64,
}

/// The full numbers: `MIGR_DELTA_DRILL=1`.
fn drill() -> Drill {
    if crate::harness::number("MIGR_DELTA_DRILL", 0) > 0 {
        return Drill { records: 1000, changed: 50, new: 20, vanished: 10, by_hand: 15 };
    }
    Drill { records: 60, changed: 12, new: 4, vanished: 3, by_hand: 3 }
}

fn row(number: u64, job: &str) -> String {
    let host = if job == "Doctor" { "later" } else { "old" };
    format!("P{number},First{number},{job},p{number}@{host}.example\n")
}

impl Drill {
    fn first(self) -> String {
        format!("id,first,job,mail\n{}", (1..=self.records).map(|number| row(number, "Nurse")).collect::<String>())
    }

    /// New rows come first, so that every other one moves; the first are changed, the last are gone.
    fn later(self) -> String {
        let new = (1..=self.new).map(|number| row(10_000 + number, "New"));
        let old = (1..=self.records - self.vanished)
            .map(|number| row(number, if number <= self.changed { "Doctor" } else { "Nurse" }));
        format!("id,first,job,mail\n{}", new.chain(old).collect::<String>())
    }
}

impl Drill {
    /// People change the field that the export changes too of the first, and another one of those after them.
    fn work_by_hand(self, stand_in: &StandIn) {
        let people = people(stand_in);
        let patch = |number: u64, body: &Value| {
            let path = format!("/rest/people/{}", people[&number]["id"].as_str().unwrap());
            stand_in.ask(&Method::PATCH, &path, body);
        };
        for number in 1..=self.by_hand {
            patch(number, &json!({"jobTitle": "By hand"}));
            let link = json!({"linkedinLink": {"primaryLinkUrl": format!("https://hand{number}.example")}});
            patch(self.by_hand + number, &link);
        }
    }
}

struct Moved {
    drill: Drill,
    project: Project,
    stand_in: StandIn,
    before: String,
}

fn project(drill: Drill, policies: &str) -> Project {
    let people = drill.first();
    let notes = "id,text,person\nN1,Hello,P1\nN2,Again,P2\n";
    let small = Small {
        objects: OBJECTS,
        maps: MAPS,
        files: &[("people.csv", &people), ("notes.csv", notes)],
        held: Vec::new(),
    };
    let project = small.project();
    hurry(&project, 60);
    let spec = project.read("migration.migr");
    project
        .write("migration.migr", &spec.replace("currency = \"USD\"\n", &format!("currency = \"USD\"\n  {policies}\n")));
    project
}

/// The project of the full drill, with a record that is quarantined.
pub(crate) fn full_drill() -> Option<Project> {
    let drill = Some(drill()).filter(|drill| drill.records >= 1000)?;
    let project = project(drill, "delta = 48h\n  on vanished delete");
    project.write("export/notes.csv", "id,text,person\nN1,Hello,P1\nN2,Again,P2\nN3,Lost,P999999\n");
    Some(project)
}

/// Changes that people make by hand in it, and its later export.
pub(crate) fn moves_on(project: &Project, stand_in: &StandIn) {
    let drill = drill();
    drill.work_by_hand(stand_in);
    project.write("export/people.csv", &drill.later());
}

/// People by the number of their key.
fn people(stand_in: &StandIn) -> BTreeMap<u64, Value> {
    let people = stand_in.records("people").into_iter();
    let numbered = people.filter_map(|person| {
        let number = person["name"]["lastName"].as_str()?.strip_prefix('P')?.parse().ok()?;
        Some((number, person))
    });
    numbered.collect()
}

fn moved(policies: &str) -> Moved {
    let drill = drill();
    let (project, stand_in) = (project(drill, policies), StandIn::new());
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    Moved { drill, project, stand_in, before }
}

impl Moved {
    fn migr(&self, arguments: &[&str]) -> Ran {
        self.stand_in.migr(&self.project, arguments)
    }

    fn take_later(&self) {
        self.project.write("export/people.csv", &self.drill.later());
    }
}

#[test]
fn each_record_of_a_later_export_ends_as_the_policy_says_and_a_rollback_goes_back_to_the_start() {
    for (policy, wanted) in [("list", "By hand"), ("keep", "By hand"), ("overwrite", "Doctor")] {
        let moved = moved(&format!("delta = 48h\n  on conflict {policy}"));
        let drill = moved.drill;
        let there = moved.stand_in.records("people").len() as u64;
        moved.migr(&["drift", "--exit-code"]).exits(0);
        drill.work_by_hand(&moved.stand_in);
        let requests = moved.stand_in.requests();
        let drift = moved.migr(&["drift", "--exit-code"]).exits(1);
        assert!(moved.stand_in.requests() - requests < 10, "it reads in pages");
        let drifted = drift.stdout.lines().filter(|line| line.contains(": jobTitle, at ")).count() as u64;
        assert_eq!(drifted, drill.by_hand, "a field that was never written is no drift: {}", drift.stdout);
        moved.take_later();
        let run = moved.migr(&["run", "--no-approval"]).exits(4);
        assert!(run.stderr.contains("`migr delta`"), "{}", run.stderr);
        let foreseen = moved.migr(&["plan", "--since-run"]).exits(0).stdout;
        let line = format!("  ~ Person: {} new, {} gone\n", drill.new, drill.vanished);
        assert!(foreseen.contains(&line) && foreseen.contains("Go on: migr delta"), "{foreseen}");
        let delta = moved.migr(&["delta"]).exits(0);
        let unchanged = drill.records - drill.changed - drill.vanished;
        let line = format!(
            "Person: {} created, {} changed, {unchanged} unchanged, {} vanished",
            drill.new, drill.changed, drill.vanished
        );
        assert!(delta.stdout.contains(&line), "{}", delta.stdout);
        assert!(delta.stdout.contains(&format!("  Person.jobTitle: {} records", drill.changed)), "{}", delta.stdout);
        assert_eq!(moved.stand_in.records("people").len() as u64, there + drill.new, "vanished records are left");
        let people = people(&moved.stand_in);
        let job = |number: u64| people[&number]["jobTitle"].clone();
        for number in 1..=drill.by_hand {
            assert_eq!(job(number), json!(wanted), "{policy}");
            let mail = |person: &Value| person["emails"]["primaryEmail"].clone();
            assert_eq!(mail(&people[&number]), format!("p{number}@later.example"), "the conflict is of one field");
            let (place, other) = (drill.by_hand + number, &people[&(drill.by_hand + number)]);
            assert_eq!(other["jobTitle"], "Doctor", "another field of it is nobody's conflict");
            assert_eq!(mail(other), format!("p{place}@later.example"));
            assert_eq!(other["linkedinLink"]["primaryLinkUrl"], format!("https://hand{number}.example"));
        }
        assert_eq!(
            (job(drill.changed), job(drill.changed + 1), job(10_001)),
            (json!("Doctor"), json!("Nurse"), json!("New"))
        );
        let conflicts = delta.stdout.contains(&format!("{} fields left as a person changed them", drill.by_hand));
        assert_eq!(conflicts, policy != "overwrite", "{}", delta.stdout);
        let requests = moved.stand_in.requests();
        let again = moved.migr(&["delta"]).exits(0);
        assert!(again.stdout.contains("nothing was done"), "{}", again.stdout);
        assert!(moved.stand_in.requests() - requests < 5, "an export that did not change costs nothing");
        let object = moved.project.report()["objects"][0].clone();
        assert_eq!(object["read"], drill.records + drill.new - drill.vanished, "{object}");
        assert_eq!(object["created"], drill.records + drill.new - drill.vanished, "{object}");
        moved.migr(&["rollback", "--changed", "destroy"]).exits(0);
        assert_eq!(moved.stand_in.fingerprint(), moved.before, "{policy}");
    }
}

/// Lines of the list of what becomes of records that are there, by key: action, field, value now, value then, conflict.
fn foreseen(project: &Project) -> BTreeMap<String, Vec<[String; 5]>> {
    let text = project.read(".migr/staging/preview.csv");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let mut found: BTreeMap<String, Vec<[String; 5]>> = BTreeMap::new();
    for row in rows.records() {
        let row = row.expect("a row");
        let cell = |at: usize| row[at].to_owned();
        found.entry(cell(1)).or_default().push([cell(4), cell(6), cell(7), cell(8), cell(9)]);
    }
    found
}

#[test]
fn an_audit_of_a_later_export_says_what_the_delta_then_does_to_each_record_and_field() {
    for (conflict, vanished) in [("list", "list"), ("keep", "keep"), ("overwrite", "delete")] {
        let moved = moved(&format!("delta = 48h\n  on conflict {conflict}\n  on vanished {vanished}"));
        let drill = moved.drill;
        drill.work_by_hand(&moved.stand_in);
        // One of those that vanish was changed by hand too: it stays.
        let last = people(&moved.stand_in)[&drill.records]["id"].as_str().unwrap().to_owned();
        moved.stand_in.ask(
            &Method::PATCH,
            &format!("/rest/people/{last}"),
            &json!({"linkedinLink": {"primaryLinkUrl": "https://last.example"}}),
        );
        moved.take_later();
        let there = moved.stand_in.fingerprint();
        let audit = moved.migr(&["audit", "--format", "json"]).exits(0).json();
        assert_eq!(moved.stand_in.fingerprint(), there, "an audit writes nothing");
        let left = std::fs::read_dir(moved.project.path().join(".migr/staging/audit")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing of the copy stays");
        assert_eq!(audit["going_on"]["later_export"], "export/people.csv");
        let stage = audit["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == "Person").unwrap();
        let rest = drill.records - drill.changed - drill.vanished;
        let counts = ["create", "update", "unchanged", "quarantine", "read"].map(|name| stage[name].as_u64().unwrap());
        assert_eq!(counts, [drill.new, drill.changed, rest, 0, drill.records + drill.new - drill.vanished], "{stage}");
        let preview = audit["preview"].as_array().unwrap().iter().find(|one| one["map"] == "Person").unwrap();
        assert_eq!(preview["conflicts"], json!([{"field": "jobTitle", "records": drill.by_hand}]), "{preview}");

        let before = people(&moved.stand_in);
        let foreseen = foreseen(&moved.project);
        moved.migr(&["delta"]).exits(0);
        let after = people(&moved.stand_in);
        let held = |people: &BTreeMap<u64, Value>, number: u64, field: &str| {
            let person = &people[&number];
            let value = if field == "emails" { &person["emails"]["primaryEmail"] } else { &person[field] };
            value.as_str().unwrap_or_default().to_owned()
        };
        let plain = |shown: &str| shown.rsplit(": ").next().unwrap_or_default().to_owned();
        for number in 1..=drill.records {
            let lines = foreseen.get(&format!("P{number}")).cloned().unwrap_or_default();
            let is_there = after.contains_key(&number);
            if number > drill.records - drill.vanished {
                let is_trashed = vanished == "delete" && number != drill.records;
                assert_eq!(lines[0][0], if is_trashed { "trash" } else { "vanish" }, "P{number}: {lines:?}");
                assert_eq!(is_there, !is_trashed, "P{number}");
                continue;
            }
            for field in ["jobTitle", "emails"] {
                let line = lines.iter().find(|line| line[1] == field);
                let (was, is) = (held(&before, number, field), held(&after, number, field));
                let Some([_, _, now, then, by_hand]) = line else {
                    assert_eq!(was, is, "P{number}.{field} changed, and nothing foresaw it");
                    continue;
                };
                assert_eq!(plain(now), was, "P{number}.{field}");
                let is_conflict = field == "jobTitle" && number <= drill.by_hand;
                assert_eq!(by_hand, if is_conflict { conflict } else { "" }, "P{number}.{field}");
                let stays = is_conflict && conflict != "overwrite";
                assert_eq!(is, if stays { was } else { plain(then) }, "P{number}.{field}");
            }
            assert_eq!(lines.is_empty(), number > drill.changed, "P{number}: {lines:?}");
        }
        let again = moved.migr(&["audit", "--format", "json"]).exits(0).json();
        assert_eq!(again["going_on"], json!({}), "nothing is left to go on with");
        moved.migr(&["rollback", "--changed", "destroy"]).exits(0);
    }
}

#[test]
fn what_a_person_changed_before_the_migration_wrote_last_is_told_by_its_value() {
    let moved = moved("delta = 48h\n  on conflict list\n  on vanished delete");
    let by_hand = people(&moved.stand_in);
    for number in [1, 5] {
        let path = format!("/rest/people/{}", by_hand[&number]["id"].as_str().unwrap());
        moved.stand_in.ask(&Method::PATCH, &path, &json!({"jobTitle": "By hand"}));
    }
    // A delta that touches neither writes to other people after that.
    let export = |row_of: &dyn Fn(u64) -> Option<String>| {
        let rows: String = (1..=moved.drill.records).filter_map(row_of).collect();
        moved.project.write("export/people.csv", &format!("id,first,job,mail\n{rows}"));
    };
    export(&|number| Some(row(number, if number == 2 { "Doctor" } else { "Nurse" })));
    moved.migr(&["delta"]).exits(0);
    let drift = moved.migr(&["drift", "--exit-code"]).exits(1);
    assert_eq!(drift.stdout.lines().filter(|line| line.contains(": jobTitle, at ")).count(), 2, "{}", drift.stdout);
    // The first changes in the export too, and the other one is gone from it.
    export(&|number| match number {
        1 | 2 => Some(row(number, "Doctor")),
        5 | 6 => None,
        other => Some(row(other, "Nurse")),
    });
    moved.migr(&["audit"]).exits(0);
    let lines = foreseen(&moved.project);
    assert_eq!((lines["P1"][0][1].as_str(), lines["P1"][0][4].as_str()), ("jobTitle", "list"), "{:?}", lines["P1"]);
    assert_eq!((lines["P5"][0][0].as_str(), lines["P6"][0][0].as_str()), ("vanish", "trash"));
    let delta = moved.migr(&["delta"]).exits(0);
    assert!(delta.stdout.contains("1 field left as a person changed it"), "{}", delta.stdout);
    assert!(delta.stdout.contains("1 record was put into the trash"), "{}", delta.stdout);
    let people = people(&moved.stand_in);
    assert_eq!((&people[&1]["jobTitle"], &people[&5]["jobTitle"]), (&json!("By hand"), &json!("By hand")));
    assert!(!people.contains_key(&6), "{people:?}");
    moved.migr(&["rollback", "--changed", "destroy"]).exits(0);
    assert_eq!(moved.stand_in.fingerprint(), moved.before);
}

#[test]
fn several_deltas_follow_each_other_and_records_that_vanished_come_back_out_of_the_trash() {
    let moved = moved("delta = 48h\n  on vanished delete");
    let there = moved.stand_in.records("people").len() as u64;
    moved.take_later();
    let delta = moved.migr(&["delta"]).exits(0);
    assert!(
        delta.stdout.contains(&format!("  {} records were put into the trash", moved.drill.vanished)),
        "{}",
        delta.stdout
    );
    assert_eq!(moved.stand_in.records("people").len() as u64, there + moved.drill.new - moved.drill.vanished);
    moved.migr(&["verify"]).exits(0);
    moved.project.write("export/people.csv", &moved.drill.first());
    let back = moved.migr(&["delta", "--format", "jsonl"]).exits(0);
    let last: Value = serde_json::from_str(back.stdout.lines().last().unwrap()).unwrap();
    let person = &last["delta"]["maps"][0];
    assert_eq!(
        (&person["returned"], &person["changed"], &person["trashed"]),
        (&json!(moved.drill.vanished), &json!(moved.drill.changed), &json!(moved.drill.new)),
        "{last}"
    );
    assert_eq!(people(&moved.stand_in)[&1]["jobTitle"], "Nurse");
    assert_eq!(moved.stand_in.records("people").len() as u64, there);
    moved.migr(&["verify"]).exits(0);
    moved.migr(&["rollback"]).exits(0);
    assert_eq!(moved.stand_in.fingerprint(), moved.before);
}

#[test]
fn a_delta_asks_where_a_file_shrank_and_needs_a_window_and_a_run() {
    let moved = moved("delta = 48h");
    let rows = moved.drill.first().lines().take(10).fold(String::new(), |text, line| text + line + "\n");
    moved.project.write("export/people.csv", &rows);
    let asked = moved.migr(&["delta"]).exits(4);
    assert!(
        asked.stderr.contains("more than a fifth is gone") && asked.stderr.contains("`migr delta --accept-shrunk`"),
        "{}",
        asked.stderr
    );
    let taken = moved.migr(&["delta", "--accept-shrunk"]).exits(0);
    assert!(taken.stdout.contains("0 changed, 9 unchanged"), "{}", taken.stdout);
    let spec = moved.project.read("migration.migr");
    moved.project.write("migration.migr", &spec.replace("delta = 48h", "delta = 1s"));
    std::thread::sleep(std::time::Duration::from_secs(1));
    let closed = moved.migr(&["delta"]).exits(4);
    assert!(closed.stderr.contains("the window for deltas closed at"), "{}", closed.stderr);
    moved.project.write("migration.migr", &spec.replace("delta = 48h", ""));
    let none = moved.migr(&["delta"]).exits(4);
    assert!(none.stderr.contains("the spec has no window for a delta"), "{}", none.stderr);
}

/// The clinic with a window, and what a later export of it has: a firm that was there before and was filled, one that came out of the trash, two people who became
/// one, a person more, one less, and rows in another order.
pub(crate) fn with_window(project: &Project, policies: &str) {
    let spec = project
        .read("migration.migr")
        .replace("currency = \"USD\"\n", &format!("currency = \"USD\"\n  delta = 48h\n  {policies}\n"));
    assert!(spec.contains("delta = 48h"), "{spec}");
    project.write("migration.migr", &spec);
}

pub(crate) fn later_clinic(project: &Project) {
    let firms = project.read("export/firms.csv");
    let firms = firms.replace("acme.example,12,", "acme.example,14,").replace("beta.example,3,F1", "beta.example,4,F4");
    project.write("export/firms.csv", &firms);
    let people = project.read("export/people.csv");
    let people = people
        .replace("P1,Ada", "P7,Rosalind,Franklin,rosalind@clinic.example,Doctor,F2,2024-06-08\nP1,Ada")
        .replace("Chief nurse", "Head nurse")
        .replace("P6,Emmy,Noether,emmy@clinic.example,Teacher,F4,2024-05-09\n", "");
    project.write("export/people.csv", &people);
}

#[test]
fn records_that_were_there_that_became_one_or_came_out_of_the_trash_change_and_go_back_too() {
    let (project, stand_in) = (clinic(2), StandIn::new());
    others(&stand_in);
    with_window(&project, "on vanished delete");
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
    later_clinic(&project);
    let delta = stand_in.migr(&project, &["delta"]).exits(5);
    for line in [
        "Firm.employees: 2 records",
        "Firm.parentFirm: 1 record",
        "Person.jobTitle: 1 record",
        "1 record was put into the trash",
    ] {
        assert!(delta.stdout.contains(line), "{line}:\n{}", delta.stdout);
    }
    let companies = stand_in.records("companies");
    let employees = |name: &str| {
        let found =
            companies.iter().find(|company| company["name"].as_str().is_some_and(|known| known.starts_with(name)));
        found.unwrap()["employees"].clone()
    };
    assert_eq!((employees("Acme"), employees("Beta")), (json!(14), json!(4)));
    let people = stand_in.records("people");
    let has = |field: &str, value: &str| {
        people.iter().any(|person| person.to_string().contains(&format!("\"{field}\":\"{value}\"")))
    };
    assert!(has("jobTitle", "Head nurse") && !has("jobTitle", "Chief nurse") && has("firstName", "Rosalind"));
    assert!(!has("firstName", "Emmy"));
    stand_in.migr(&project, &["verify"]).exits(0);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), before);
}

/// Deltas that it may take to come through: a read that fails again and again ends one.
const DELTAS: usize = 8;

#[test]
fn whatever_a_destination_fails_at_in_a_delta_each_record_is_there_once_as_without_faults() {
    let rest = Rest::later();
    let honest = {
        let (project, stand_in) = rest.wake();
        stand_in.migr(&project, DELTA.0).exits(DELTA.1);
        Left::by(&project, &stand_in)
    };
    let seeds = crate::harness::number("MIGR_DRILL_SEEDS", 2);
    for seed in 0..seeds {
        let project = rest.asleep();
        let faults = Faults {
            percent_500: 5.0,
            percent_reset_before: 2.0,
            percent_reset_after: 4.0,
            percent_429: 2.0,
            seed,
            ..Faults::default()
        };
        let state = Some(project.path().join("workspace.db"));
        let stand_in = StandIn::with(SandboxOptions { faults, state: state.clone(), ..SandboxOptions::default() });
        let mut last = stand_in.migr(&project, DELTA.0);
        for _ in 1..DELTAS {
            if last.code == DELTA.1 {
                break;
            }
            last = stand_in.migr(&project, DELTA.0);
        }
        assert_eq!(last.code, DELTA.1, "faults of seed {seed}\n{}{}", last.stdout, last.stderr);
        stand_in.stop();
        let stand_in = StandIn::with(SandboxOptions { state, ..SandboxOptions::default() });
        honest.is_same(&Left::by(&project, &stand_in), &format!("faults of seed {seed}"));
    }
    eprintln!("{seeds} deltas into a workspace that fails: lost 0, doubled 0");
}

#[test]
fn links_and_fields_that_are_written_once_are_told_where_a_later_export_says_otherwise_and_stay() {
    let objects = "object Person from \"people.csv\" {\n  key id\n  id: text\n}\nobject Note from \"notes.csv\" {\n  key id\n  id: text\n  text: text\n  person: list(-> Person) split \";\"\n}";
    let maps = "map Person -> people {\n  name = { lastName: id }\n}\n\nmap Note -> notes {\n  title = text\n  targets = person\n  drop id : \"a key\"\n}\n";
    let files = [("people.csv", "id\nP1\nP2\n"), ("notes.csv", "id,text,person\nN1,Hello,P1;P2\nN2,Again,P2\n")];
    let small = Small { objects, maps, files: &files, held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    hurry(&project, 60);
    with_window(&project, "");
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let links = stand_in.records("noteTargets").len();
    project.write("export/notes.csv", "id,text,person\nN1,Hello,P2\nN2,Again,P2;P1\n");
    let delta = stand_in.migr(&project, &["delta"]).exits(0);
    assert!(
        delta.stdout.contains("Note: 1 link that nothing says any more; what was linked stays linked"),
        "{}",
        delta.stdout
    );
    assert_eq!(stand_in.records("noteTargets").len(), links + 1, "the new one is made, the other one stays");
    let report = stand_in.migr(&project, &["report"]).exits(0).stdout;
    assert!(report.contains("1 link that nothing says any more"), "{report}");
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), before);
}

#[test]
fn a_file_of_another_path_length_or_content_and_a_field_that_is_set_once_are_told_of_and_stay() {
    let objects = "object Person from \"people.csv\" {\n  key id\n  id: text\n  author: text\n}\nobject Scan from \"scans.csv\" {\n  key id\n  id: text\n  person: -> Person\n  path: file\n}";
    let maps = "map Person -> people {\n  name = { lastName: id }\n  createdBy = { source: IMPORT, name: author }\n}\n\nmap Scan -> attachments {\n  file = path\n  target = person\n  drop id : \"a key\"\n}\n";
    let scans = "id,person,path\nS1,P1,files/a.pdf\nS2,P1,files/b.pdf\nS3,P2,files/c.pdf\nS4,P2,files/d.pdf\n";
    let files = [("people.csv", "id,author\nP1,Ada\nP2,Ada\n"), ("scans.csv", scans)];
    let small = Small { objects, maps, files: &files, held: Vec::new() };
    let (project, stand_in) = (small.project(), StandIn::new());
    for name in ["a", "b", "c", "d"] {
        project.write(&format!("export/files/{name}.pdf"), &format!("%PDF-{name}"));
    }
    with_window(&project, "");
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let there = stand_in.fingerprint();
    let again = stand_in.migr(&project, &["delta"]).exits(0);
    assert_eq!(again.stdout, "The export is the one that was carried out last: nothing was done.\n");

    // The same name and the same length: a hash alone tells. The tables are the same ones.
    project.write("export/files/a.pdf", "%PDF-A");
    let told = "Scan.file: 1 record would get another value; it is written once alone and stays";
    let same = stand_in.migr(&project, &["delta"]).exits(0);
    assert!(same.stdout.contains("nothing was done") && same.stdout.contains(told), "{}", same.stdout);

    project.write("export/files/b.pdf", "%PDF-longer");
    project.write("export/files/e.pdf", "%PDF-c");
    project.write("export/scans.csv", &scans.replace("files/c.pdf", "files/e.pdf"));
    project.write("export/people.csv", "id,author\nP1,Ada\nP2,Grace\n");
    let foreseen = stand_in.migr(&project, &["plan", "--since-run"]).exits(0);
    assert!(foreseen.stdout.contains("Go on: migr delta"), "{}", foreseen.stdout);
    let delta = stand_in.migr(&project, &["delta"]).exits(0);
    for words in [
        "Scan: 0 created, 0 changed, 4 unchanged, 0 vanished",
        "Scan.file: 3 records would get another value; it is written once alone and stays: S1; S2; S3\n",
        "Person.createdBy: 1 record would get another value; it is written once alone and stays: P2\n",
    ] {
        assert!(delta.stdout.contains(words), "{words}\n{}", delta.stdout);
    }
    assert_eq!(stand_in.fingerprint(), there, "nothing of it is written");
    let report = stand_in.migr(&project, &["report"]).exits(0).stdout;
    assert!(report.contains("Scan.file: 3 records would get another value"), "{report}");
    // A verification reads the files and says which the export has otherwise now.
    stand_in.migr(&project, &["verify"]).exits(6);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.fingerprint(), before);
}

/// Lines of a program's stderr, as they come.
#[cfg(unix)]
fn until_said(lines: &mut impl Iterator<Item = std::io::Result<String>>, words: &str) {
    let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains(words));
    assert!(found, "{words:?} was never said");
}

#[cfg(unix)]
#[test]
fn a_watch_picks_up_one_export_after_the_other_until_it_is_ended_or_its_window_closes() {
    use std::io::{BufRead as _, BufReader};
    let moved = moved("delta = 48h");
    let spec = moved.project.read("migration.migr");
    let mut watch = moved.stand_in.command(moved.project.path(), &["delta", "--watch"]).spawn().unwrap();
    let mut said = BufReader::new(watch.stderr.take().unwrap()).lines();
    let waiting = "waiting for a later export until";
    until_said(&mut said, waiting);
    moved.take_later();
    until_said(&mut said, waiting);
    assert_eq!(people(&moved.stand_in)[&1]["jobTitle"], "Doctor");
    // An export that is asked about is left, and the next one is taken.
    moved.project.write("export/people.csv", &format!("id,first,job,mail\n{}", row(1, "Nurse")));
    until_said(&mut said, "more than a fifth is gone");
    until_said(&mut said, waiting);
    assert_eq!(people(&moved.stand_in)[&1]["jobTitle"], "Doctor");
    moved.project.write("export/people.csv", &moved.drill.first());
    until_said(&mut said, waiting);
    assert_eq!(people(&moved.stand_in)[&1]["jobTitle"], "Nurse");
    assert_eq!(moved.project.report()["deltas"].as_array().unwrap().len(), 2);
    let ended = std::process::Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert_eq!(watch.wait().unwrap().code(), Some(0), "a person ends it");

    let mut watch = moved.stand_in.command(moved.project.path(), &["delta", "--watch"]).spawn().unwrap();
    let mut said = BufReader::new(watch.stderr.take().unwrap()).lines();
    until_said(&mut said, waiting);
    moved.project.write("migration.migr", &spec.replace("delta = 48h", "delta = 1s"));
    until_said(&mut said, "the window for deltas closed at");
    assert_eq!(watch.wait().unwrap().code(), Some(0), "its time is over");
    moved.migr(&["delta", "--watch"]).exits(4);
}

#[test]
fn of_the_practice_a_deal_of_another_client_is_named_and_links_that_did_not_change_are_not() {
    let (project, _) = crate::practice_truth::example();
    for command in ["audit", "setup", "run"] {
        let no_approval: &[&str] = if command == "run" { &["--no-approval"] } else { &[] };
        project.migr(&[&[command, "--sandbox"], no_approval].concat());
    }
    let deals = project.read("export/deals.csv");
    let moved = deals.replace("CL000043,Workshops", "CL000041,Workshops");
    assert_ne!(deals, moved);
    project.write("export/deals.csv", &moved);
    let delta = project.migr(&["delta", "--sandbox"]).exits(5);
    let stays: Vec<&str> = delta.stdout.lines().filter(|line| line.contains("written once alone")).collect();
    assert_eq!(
        stays,
        ["  Deal.contact: 1 record would get another value; it is written once alone and stays: DL000001"]
    );
}
