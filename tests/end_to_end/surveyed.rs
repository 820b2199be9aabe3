//! What an audit says of an export before anything is written: counts, columns, types, values, files. And what then arrives of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::harness::{Project, Ran, repository};
use crate::stand_in::StandIn;

const CATALOG: &str = r#"system clinic {
  timezone "America/New_York"
  object Person from "people.csv" {
    key person_id
    person_id: text
    first: text
    last: text
    email: email sensitive
    company: text
    tags: list(text) split ";"
    code: text
    seen: date format "%m/%d/%Y"
  }
  object Scan from "scans.csv" {
    key scan_id
    scan_id: text
    person_id: -> Person
    path: file
    label: text
    uploaded_at: datetime format "%m/%d/%Y %I:%M %p"
  }
  object Note from "notes.csv" { key note_id; note_id: text; person_id: -> Person; title: text; body: richtext }
  optional object Chart from "charts.csv" { key chart_id; chart_id: text }
  object Ledger from "ledger.csv" { key ledger_id; ledger_id: text }
}
"#;

const SPEC: &str = r#"use "clinic"
use "twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
  timezone = "America/New_York"
  country  = "US"
  currency = "USD"
}

drop object Ledger : "kept by the accountant"
drop object Chart : "a module that this practice does not have"

/// A company for each name that a person gives.
map distinct Person.company | collapse as Employer -> companies {
  same "Acme Inc." = "ACME"
  match name
  name = value
}

map Person -> people {
  name    = { firstName: first, lastName: last }
  emails  = { primaryEmail: email } otherwise none
  company = Employer(company) on missing none
  new tags "Tags": list(text) = tags | trim
  new code "Code": text = code
  new seen "Seen": date = seen
}

map Note -> notes {
  title   = title
  bodyV2  = body | markdown
  targets = [person_id]
}

map Scan -> attachments {
  file      = path as label
  target    = person_id
  createdAt = uploaded_at
}
"#;

/// Nine rows of which seven are records.
const PEOPLE: &str = "\
Person ID,First,Last,Email,Company,Tags,Code,Seen,Joined,Shoe Size
P1,Ada,Lovelace,ada@clinic.example,Acme Inc.,VIP;recall,007,01/31/2024,01/02/2024,38
P2,Bob,Hopper,bob@clinic.example,ACME,vip,008,02/28/2024,03/04/2024,39
P3,Cy,Curie,cy@clinic.example,\"Acme, LLC\",recall,009,03/05/2024,05/06/2024,40
P4,Di,Noether,di@clinic.example,Beta  Dental,VIP,010,,07/08/2024,forty
P5,Ed,Turing,ed@clinic.example,beta dental pllc,Trade Show;trade-show,011,04/01/2024,09/10/2024,42
P6,Flo,Hooke,flo@clinic.example,,,012,05/01/2024,11/12/2024,43
P7,Gus,Bohr,gus@clinic.example,Gamma,,013,06/01/2024,01/03/2024,44
P7,Gus,Again,gus2@clinic.example,Gamma,,014,06/01/2024,01/03/2024,44
,Nobody,Else,no@clinic.example,Delta,,015,06/01/2024,01/03/2024,45
P8,Ragged,Row
";

const SCANS: &str = "\
Scan ID,Person ID,Path,Label,Uploaded At
S1,P1,files/note.txt,Letter.txt,03/01/2021 10:00 AM
S2,P2,files/large.bin,Large.bin,03/02/2021 10:00 AM
S3,P3,files/gone.pdf,Gone.pdf,03/03/2021 10:00 AM
S4,P4,https://files.clinic.example/contract.pdf,Contract.pdf,03/04/2021 10:00 AM
S5,P5,../migration.migr,Escape.migr,03/05/2021 10:00 AM
";

const NOTES: &str = "\
Note ID,Person ID,Title,Body
N1,P1,Visit,\"<p>Came <b>early</b></p><p>and was <u>glad</u> of the <font color=\"\"red\"\">new</font> chair</p><script>x()</script>\"
N2,P2,Call,2 * 3 is not *six*; see #4 & <Tom> or _you_
";

/// The project as it is before anything is wrong with it beyond its own defects.
fn clinic() -> Project {
    let project = Project::empty();
    let catalog = std::fs::read_to_string(repository().join("specs/systems/twenty.migr")).unwrap();
    let small =
        catalog.replace("requests 100 per 60s; batch 200; file 1GB", "requests 1000000 per 1s; batch 200; file 1MB");
    assert_ne!(small, catalog, "the catalog's limits are written otherwise now");
    project.write("twenty.migr", &small);
    project.write("clinic.migr", CATALOG);
    project.write("migration.migr", SPEC);
    project.write("export/people.csv", PEOPLE);
    project.write("export/scans.csv", SCANS);
    project.write("export/notes.csv", NOTES);
    project.write("export/ledger.csv", "Ledger ID,Amount\nL1,5\nL2,6\n");
    project.write("export/files/note.txt", "a letter");
    project.write("export/files/large.bin", &"x".repeat(1_100_000));
    project
}

/// An audit of the export alone.
fn audit(project: &Project, arguments: &[&str]) -> Value {
    let all = [&["audit", "--offline", "--format", "json"], arguments].concat();
    let ran = project.migr(&all);
    assert!(matches!(ran.code, 0 | 1), "{}\n{}", ran.code, ran.stderr);
    ran.json()
}

fn lock(project: &Project) -> Value {
    serde_json::from_str(&project.read("migr.lock")).unwrap()
}

fn object<'l>(lock: &'l Value, name: &str) -> &'l Value {
    lock["export"]["objects"].as_array().unwrap().iter().find(|object| object["name"] == name).unwrap()
}

fn column<'l>(lock: &'l Value, of: &str, name: &str) -> &'l Value {
    object(lock, of)["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

/// The findings of a kind, as object, column and message.
fn found<'a>(audit: &'a Value, kind: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let of_kind = audit["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == kind);
    let text = |finding: &'a Value, part: &str| finding[part].as_str().unwrap_or_default();
    of_kind.map(|one| (text(one, "object"), text(one, "column"), text(one, "message"))).collect()
}

/// The clinic audited, moved, and read back.
struct Arrived {
    project: Project,
    audit: Value,
    /// The same for a terminal, with every column.
    full: String,
    lock: Value,
    report: Value,
    companies: Vec<Value>,
    people: Vec<Value>,
    attachments: Vec<Value>,
    notes: Vec<Value>,
    /// The ids of companies that another destination got.
    elsewhere: BTreeSet<(String, String)>,
}

fn arrived() -> &'static Arrived {
    static ONCE: OnceLock<Arrived> = OnceLock::new();
    ONCE.get_or_init(|| {
        let fresh = || StandIn::with(migr_sandbox::SandboxOptions { seed: false, ..Default::default() });
        let project = clinic();
        let audit = audit(&project, &[]);
        let full = project.migr(&["audit", "--offline", "--full"]).exits(1).stdout;
        let lock = lock(&project);
        let stand_in = fresh();
        stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
        let elsewhere = fresh();
        // Its name in the spec is another, too.
        let other = clinic();
        other.write("migration.migr", &SPEC.replace("twenty as staging", "twenty as elsewhere"));
        let known = elsewhere.command(other.path(), &[]);
        let mut command = std::process::Command::new(known.get_program());
        let variables = known.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.args(["run", "--no-approval", "--to", "elsewhere"]).current_dir(other.path()).envs(variables);
        Ran::from(command.output().unwrap()).exits(5);
        Arrived {
            audit,
            full,
            lock,
            report: project.report(),
            companies: stand_in.records("companies"),
            people: stand_in.records("people"),
            attachments: stand_in.records("attachments"),
            notes: stand_in.records("notes"),
            elsewhere: names_and_ids(&elsewhere.records("companies")),
            project,
        }
    })
}

fn names_and_ids(companies: &[Value]) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    companies.iter().map(|company| (text(&company["name"]), text(&company["id"]))).collect()
}

#[test]
fn every_row_of_every_object_is_counted_and_none_is_passed_over() {
    let arrived = arrived();
    let inventory: Vec<(&str, u64, u64)> = arrived.audit["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["rows"].as_u64().unwrap(), one["malformed"].as_u64().unwrap()))
        .collect();
    assert_eq!(inventory, [("Chart", 0, 0), ("Ledger", 2, 0), ("Note", 2, 0), ("Person", 10, 1), ("Scan", 5, 0)]);
    let keys = &object(&arrived.lock, "Person")["keys"];
    assert_eq!(keys, &json!({"distinct": 7, "blank": 1, "repeated": 1}));
    for (kind, line) in [("malformed-row", 11), ("blank-key", 10), ("duplicate-key", 9)] {
        let all = arrived.audit["findings"].as_array().unwrap();
        let lines: Vec<&Value> = all.iter().filter(|one| one["kind"] == kind).map(|one| &one["line"]).collect();
        assert_eq!(lines, [&json!(line)], "{kind}");
    }
    // Rows behind any number of good ones are read too.
    let project = clinic();
    let mut many = String::from(PEOPLE.lines().next().unwrap());
    for row in 0..3_000 {
        write!(many, "\nQ{row},A,B,q{row}@clinic.example,Acme Inc.,,1,,,").unwrap();
    }
    project.write("export/people.csv", &(many + "\nlast,row\n"));
    let audited = audit(&project, &[]);
    assert_eq!(found(&audited, "malformed-row").len(), 1);
    assert_eq!(object(&lock(&project), "Person")["rows"], 3_001);
}

#[test]
fn a_hidden_column_is_named_with_the_clicks_that_show_it_and_the_next_audit_says_that_it_came_back() {
    let project = clinic();
    let without: String = SCANS.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    project.write("export/scans.csv", &without);
    let first = audit(&project, &[]);
    let message = "the catalog has \"Uploaded At\", this export has not";
    assert_eq!(found(&first, "hidden-column"), [("Scan", "uploaded_at", message)]);
    let all = first["findings"].as_array().unwrap();
    let help = all.iter().find(|finding| finding["kind"] == "hidden-column").unwrap()["help"].as_str().unwrap();
    assert_eq!(
        help,
        "In clinic, open the list of Scan records, show the column \"Uploaded At\", and export again; the next audit says whether it came back."
    );
    assert_eq!(found(&audit(&project, &[]), "hidden-column").len(), 1, "it stays hidden until it is there");
    project.write("export/scans.csv", SCANS);
    let third = audit(&project, &[]);
    assert_eq!(found(&third, "hidden-column"), []);
    let message = "\"Uploaded At\" was not in the export before and is now";
    assert_eq!(found(&third, "column-came-back"), [("Scan", "uploaded_at", message)]);
    // A column that no catalog names, but an earlier export had.
    let shorter = PEOPLE.lines().map(|line| line.rsplit_once(',').map_or(line, |(rest, _)| rest).to_owned() + "\n");
    project.write("export/people.csv", &shorter.collect::<String>());
    let message = "an earlier export had \"Shoe Size\", this export has not";
    assert_eq!(found(&audit(&project, &[]), "hidden-column"), [("Person", "shoe_size", message)]);
}

#[test]
fn where_nobody_knows_the_columns_the_first_audit_says_that_hidden_ones_are_unknown() {
    let unknown = found(&arrived().audit, "unknown-columns");
    assert_eq!(unknown.iter().map(|(object, ..)| *object).collect::<Vec<_>>(), ["Ledger"]);
    assert!(unknown[0].2.ends_with("whether some are hidden is unknown"), "{unknown:?}");
    let project = clinic();
    audit(&project, &[]);
    assert_eq!(found(&audit(&project, &[]), "unknown-columns"), [], "the second compares with the first");
}

#[test]
fn a_file_cut_where_exports_are_cut_and_a_count_that_is_not_the_sources_are_found() {
    let project = clinic();
    let filled = |rows: u32| {
        let head = NOTES.lines().next().unwrap().to_owned();
        (0..rows).fold(head, |mut text, row| {
            write!(text, "\nN{row},P1,Visit,ok").unwrap();
            text
        })
    };
    for (rows, is_cut) in [(9_999, false), (10_000, true), (20_000, true), (20_001, false)] {
        project.write("export/notes.csv", &filled(rows));
        let cut = audit(&project, &[]);
        let expected = format!("notes.csv has exactly {rows} records, a number at which exports are cut");
        let expected = if is_cut { vec![("Note", "", expected.as_str())] } else { Vec::new() };
        assert_eq!(found(&cut, "cut-export"), expected, "{rows}");
    }
    project.write("export/notes.csv", NOTES);
    let other = audit(&project, &["--expect", "Note=25", "--expect", "Scan=5"]);
    let message = "the file has 2 records, the source is said to have 25";
    assert_eq!(found(&other, "count-differs"), [("Note", "", message)]);
    assert_eq!(found(&audit(&project, &["--expect", "Note=2"]), "count-differs"), []);
    let ran = project.migr(&["audit", "--offline", "--expect", "Notes=2"]).exits(2);
    assert!(ran.stderr.contains("reads no object `Notes`"), "{}", ran.stderr);
}

#[test]
fn each_column_is_profiled_with_samples_that_hold_no_personal_data() {
    let arrived = arrived();
    let full = &arrived.full;
    for said in [
        "shoe_size  text, 100 % filled, 8 different, 2 to 5 characters, like 99",
        "email      email, 100 % filled, 9 different, 17 to 19 characters, like aa@aaa+.aaa+",
    ] {
        assert!(full.contains(said), "no `{said}` in\n{full}");
    }
    // Of nine rows one has no company, and one was never seen.
    for (name, filled) in [("email", 9), ("company", 8), ("seen", 8), ("shoe_size", 9)] {
        let column = column(&arrived.lock, "Person", name);
        assert_eq!((&column["filled"], &column["blank"]), (&json!(filled), &json!(9 - filled)), "{column}");
        let share = filled * 100 / 9;
        let line = full.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        assert!(line.contains(&format!(", {share} % filled, ")), "{line}");
    }
    for object in arrived.lock["export"]["objects"].as_array().unwrap() {
        for column in object["columns"].as_array().unwrap() {
            assert!(column["inferred"]["type"].is_string(), "{}: {column}", object["name"]);
            let name = column["name"].as_str().unwrap();
            // With the type that its values have.
            let ty = column["inferred"]["type"].as_str().unwrap();
            let is_shown = full.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(name) && words.next().map(|word| word.trim_end_matches(',')) == Some(ty)
            });
            assert!(is_shown, "nothing shows {name} as {ty} in\n{full}");
        }
    }
    let lock = arrived.project.read("migr.lock");
    for secret in ["ada@", "Lovelace", "Turing", "gus2"] {
        assert!(!full.contains(secret) && !lock.contains(secret), "{secret} is shown");
    }
}

#[test]
fn tags_are_counted_one_by_one_and_those_that_may_be_one_are_listed() {
    let arrived = arrived();
    let values = &column(&arrived.lock, "Person", "tags")["values"];
    let counted: BTreeMap<&str, u64> = values["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["value"].as_str().unwrap(), one["count"].as_u64().unwrap()))
        .collect();
    let expected = [("Trade Show", 1), ("VIP", 2), ("recall", 2), ("trade-show", 1), ("vip", 1)];
    assert_eq!(counted, BTreeMap::from(expected));
    let near: Vec<&str> = found(&arrived.audit, "near-duplicate-values").iter().map(|(.., message)| *message).collect();
    assert_eq!(near, ["\"Trade Show\", \"trade-show\" may be one value", "\"VIP\", \"vip\" may be one value"]);
    let full = &arrived.full;
    assert!(
        full.contains("5 values: \"VIP\" 2, \"recall\" 2, \"Trade Show\" 1, \"trade-show\" 1, \"vip\" 1"),
        "{full}"
    );
}

#[test]
fn a_type_is_inferred_from_every_row_and_names_the_first_that_contradicts_it() {
    let lock = &arrived().lock;
    let shoes = column(lock, "Person", "shoe_size");
    assert_eq!(shoes["inferred"], json!({"type": "text"}));
    assert_eq!(shoes["evidence"][0], json!({"type": "integer", "matched": 8, "first_exception": 5}));
    let joined = column(lock, "Person", "joined");
    assert_eq!(joined["inferred"], json!({"type": "text"}), "day and month cannot be told apart");
    assert!(joined["kept_as_text"].as_str().unwrap().contains("%m/%d/%Y and as %d/%m/%Y"), "{joined}");
    let seen = column(lock, "Person", "seen");
    assert_eq!((&seen["declared"], &seen["inferred"]["format"]), (&json!("date"), &json!("%m/%d/%Y")));
    let code = column(lock, "Person", "code");
    assert_eq!((&code["inferred"]["type"], &code["leading_zeros"]), (&json!("text"), &json!(9)));
    // Declared otherwise, it is what the catalog says.
    let people = &arrived().people;
    let ada = people.iter().find(|person| person["name"]["firstName"] == "Ada").unwrap();
    assert_eq!((&ada["code"], &ada["seen"]), (&json!("007"), &json!("2024-01-31")));
    // One row at the very end is enough.
    let project = clinic();
    let mut many = String::from("Ledger ID,Amount");
    for row in 0..5_000 {
        write!(many, "\nL{row},{row}").unwrap();
    }
    project.write("export/ledger.csv", &(many + "\nL5000,none\n"));
    audit(&project, &[]);
    let lock = self::lock(&project);
    let amount = column(&lock, "Ledger", "amount");
    assert_eq!(amount["inferred"], json!({"type": "text"}));
    assert_eq!(amount["evidence"][0], json!({"type": "integer", "matched": 5_000, "first_exception": 5_002}));
}

#[test]
fn an_optional_object_is_said_to_be_present_or_absent_and_an_unknown_one_is_an_error() {
    let project = clinic();
    let absent = audit(&project, &[]);
    let message = "Chart is not in this export: there is no charts.csv";
    assert_eq!(found(&absent, "missing-object"), [("Chart", "", message)]);
    assert_eq!(object(&lock(&project), "Chart")["state"], "absent");
    project.write("export/charts.csv", "Chart ID\nK1\nK2\n");
    let present = audit(&project, &[]);
    assert_eq!(found(&present, "missing-object"), []);
    let lock = lock(&project);
    assert_eq!((&object(&lock, "Chart")["state"], &object(&lock, "Chart")["rows"]), (&json!("present"), &json!(2)));
    // Of an object that the migration neither maps nor drops, the file is read by nobody: an error.
    let spec = SPEC.replace("drop object Chart : \"a module that this practice does not have\"\n", "");
    project.write("migration.migr", &spec);
    let ran = project.migr(&["audit", "--offline"]).exits(1);
    assert!(ran.stdout.contains("error[unclaimed-file]") && ran.stdout.contains("charts.csv"), "{}", ran.stdout);
    project.write("export/devices.csv", "Device ID\nD1\n");
    let unknown = audit(&project, &[]);
    assert!(found(&unknown, "unclaimed-file").iter().any(|(.., message)| message.contains("devices.csv")));
    project.write("migration.migr", &(SPEC.to_owned() + "\ndrop object Device : \"none\"\n"));
    let ran = project.migr(&["check", "--format", "short"]).exits(1);
    assert!(ran.stdout.contains("Device"), "{}", ran.stdout);
}

#[test]
fn a_json_file_that_cannot_be_read_is_an_error_at_its_line_and_not_an_empty_object() {
    let project = clinic();
    let flows = "  object Flow from \"flows.json\" { key flow_id; flow_id: text }\n}\n";
    project.write("clinic.migr", &CATALOG.replace("ledger_id: text }\n}\n", &format!("ledger_id: text }}\n{flows}")));
    let spec = SPEC.replace("export/*.csv", "export/*") + "\ndrop object Flow : \"rebuilt by hand\"\n";
    project.write("migration.migr", &spec);
    project.write("export/flows.json", "[{\"flow_id\": 1},\n {\"flow_id\": 2}]\n");
    audit(&project, &[]);
    assert_eq!(
        (&object(&lock(&project), "Flow")["rows"], &object(&lock(&project), "Flow")["state"]),
        (&json!(2), &json!("present"))
    );
    project.write("export/flows.json", "[{\"flow_id\": 1},\n {\"flow_id\" 2}]\n");
    let broken = audit(&project, &[]);
    let finding = broken["findings"].as_array().unwrap().iter().find(|finding| finding["object"] == "Flow").unwrap();
    assert_eq!((&finding["severity"], &finding["kind"]), (&json!("error"), &json!("malformed-row")), "{finding}");
    assert_eq!((&finding["file"], &finding["line"]), (&json!("export/flows.json"), &json!(2)), "{finding}");
    assert_eq!(object(&lock(&project), "Flow")["state"], "unreadable");
}

#[test]
fn a_record_whose_twin_is_out_anyway_is_warned_of_and_no_error() {
    let project = clinic();
    let rows = |seen: &str| {
        format!("{}P8,Ada,Twin,ada@clinic.example,,,016,{seen},01/02/2024,38\n", PEOPLE.replace("P8,Ragged,Row\n", ""))
    };
    let severities = |seen: &str| {
        project.write("export/people.csv", &rows(seen));
        let audit = audit(&project, &[]);
        let shared =
            audit["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "duplicate-identity");
        shared
            .map(|one| (one["line"].as_u64().unwrap(), one["severity"].as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    let of = |line: u64, severity: &str| (line, severity.to_owned());
    assert_eq!(severities("06/01/2024"), [of(11, "error"), of(2, "warning")], "the second will be quarantined");
    assert_eq!(
        severities("yesterday"),
        [of(2, "warning"), of(11, "warning")],
        "it is out for its date, and the first stays"
    );
}

#[test]
fn files_that_are_missing_only_links_or_too_large_are_known_before_a_run_and_set_aside_by_it() {
    let arrived = arrived();
    let scans = object(&arrived.lock, "Scan");
    let counts =
        json!({"found": 1, "to_fetch": 0, "linked": 1, "missing": 1, "refused": 1, "too_large": 1, "bytes": 8});
    assert_eq!(scans["attachments"], counts);
    let manifest: Vec<Value> = clinic_manifest(&arrived.project);
    let states: Vec<(&str, &str)> =
        manifest.iter().map(|one| (one["key"].as_str().unwrap(), one["state"].as_str().unwrap())).collect();
    assert_eq!(
        states,
        [("S1", "found"), ("S2", "too_large"), ("S3", "missing"), ("S4", "link_only"), ("S5", "refused")]
    );
    for (line, bytes) in manifest.iter().zip(["a letter".to_owned(), "x".repeat(1_100_000)]) {
        let hash = format!("blake3:{}", blake3::hash(bytes.as_bytes()).to_hex());
        assert_eq!((&line["hash"], &line["bytes"]), (&json!(hash), &json!(bytes.len())));
    }
    assert!(manifest[2..].iter().all(|line| line.get("hash").is_none()), "{manifest:#?}");
    let limit = "\"files/large.bin\": it has 1100000 bytes; the destination takes 1000000";
    assert_eq!(found(&arrived.audit, "oversize-file"), [("Scan", "path", limit)]);
    assert_eq!(found(&arrived.audit, "linked-attachment").len(), 1);
    assert_eq!(found(&arrived.audit, "missing-attachment").len(), 2);
    let aside: BTreeSet<&str> = arrived.report["quarantine"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["map"] == "Scan")
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    assert_eq!(aside, BTreeSet::from(["S2", "S3", "S4", "S5"]));
}

fn clinic_manifest(project: &Project) -> Vec<Value> {
    let text = project.read(".migr/staging/attachments.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_file_keeps_its_name_its_type_and_when_it_was_uploaded() {
    let attachments = &arrived().attachments;
    assert_eq!(attachments.len(), 1);
    let file = &attachments[0]["file"][0];
    assert_eq!((&file["label"], &file["extension"]), (&json!("Letter.txt"), &json!(".txt")));
    assert_eq!(attachments[0]["createdAt"], "2021-03-01T15:00:00.000Z");
}

#[test]
fn html_becomes_markdown_and_what_that_cannot_hold_is_reported_by_record() {
    let arrived = arrived();
    let visit = arrived.notes.iter().find(|note| note["title"] == "Visit").unwrap();
    let body = visit["bodyV2"]["markdown"].as_str().unwrap();
    assert_eq!(body.trim(), "Came **early**\n\nand was glad of the new chair");
    let lost: Vec<(&str, &str)> = arrived.report["repairs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["map"] == "Note")
        .map(|one| (one["key"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(lost, [("N1", "Markdown has no form for 1 <font>, 1 <script>, 1 <u>")]);
}

#[test]
fn a_text_that_looks_like_markup_reads_in_the_destination_as_it_stood_in_the_source() {
    let call = arrived().notes.iter().find(|note| note["title"] == "Call").unwrap();
    let blocks: Value = serde_json::from_str(call["bodyV2"]["blocknote"].as_str().unwrap()).unwrap();
    let parts = blocks[0]["content"].as_array().unwrap();
    let text: String = parts.iter().map(|part| part["text"].as_str().unwrap()).collect();
    assert_eq!(text, "2 * 3 is not *six*; see #4 & <Tom> or _you_");
    assert!(parts.iter().all(|part| part["styles"] == json!({})), "nothing of it became bold: {parts:?}");
}

#[test]
fn names_make_one_company_each_with_spellings_listed_for_review_and_ids_that_any_destination_gets() {
    let arrived = arrived();
    let variants = found(&arrived.audit, "name-variants");
    let messages: Vec<&str> = variants.iter().map(|(.., message)| *message).collect();
    assert_eq!(
        messages,
        [
            "\"Acme Inc.\" (line 2), \"Acme, LLC\" (line 4) may be one; if they are, write in the map Employer: same \"Acme Inc.\" = \"Acme, LLC\"",
            "\"Beta Dental\" (line 5), \"beta dental pllc\" (line 6) may be one; if they are, write in the map Employer: same \"Beta Dental\" = \"beta dental pllc\"",
        ]
    );
    // `same` made ACME one of them; blanks were collapsed; nobody without a company made one.
    let found = names_and_ids(&arrived.companies);
    let names: BTreeSet<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["Acme Inc.", "Acme, LLC", "Beta Dental", "beta dental pllc", "Delta", "Gamma"]));
    assert_eq!(found, arrived.elsewhere, "the same names give the same ids");
    let company = |first: &str| {
        let person = arrived.people.iter().find(|person| person["name"]["firstName"] == first).unwrap();
        let id = person["companyId"].as_str();
        id.map(|id| found.iter().find(|(_, other)| other == id).unwrap().0.clone())
    };
    assert_eq!(company("Ada").as_deref(), Some("Acme Inc."));
    assert_eq!(company("Bob").as_deref(), Some("Acme Inc."));
    assert_eq!(company("Di").as_deref(), Some("Beta Dental"));
    assert_eq!(company("Flo"), None);
    // The proposed line makes them one.
    let project = clinic();
    let spec = SPEC.replace("same \"Acme Inc.\" = \"ACME\"", "same \"Acme Inc.\" = \"ACME\" | \"Acme, LLC\"");
    project.write("migration.migr", &spec);
    let messages: Vec<String> =
        found_messages(&audit(&project, &[]), "name-variants").into_iter().filter(|one| one.contains("Acme")).collect();
    assert_eq!(messages, Vec::<String>::new());
}

fn found_messages(audit: &Value, kind: &str) -> Vec<String> {
    found(audit, kind).into_iter().map(|(.., message)| message.to_owned()).collect()
}

#[test]
fn an_audit_streams_what_it_reads_and_finds_and_ends_with_a_summary() {
    let project = Project::example();
    let ran = project.migr(&["audit", "--sandbox", "--format", "jsonl", "--findings", "findings.jsonl"]).exits(1);
    let events: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(events[0], serde_json::json!({ "type": "version", "format_version": 1 }));
    let of_type = |kind: &'static str| events.iter().filter(move |event| event["type"] == kind);
    assert!(of_type("reading").any(|event| event["object"] == "Contact"));
    let found = of_type("finding").count();
    assert_eq!(found, project.read("findings.jsonl").lines().count());
    let summary = events.last().expect("a last line");
    assert_eq!((&summary["type"], &summary["exit"]), (&"summary".into(), &1.into()));
    let counted: u64 =
        ["errors", "warnings", "notes"].iter().map(|kind| summary[kind].as_u64().expect("a number")).sum();
    assert_eq!(counted, found as u64);
}
