//! Files with odd names and contents: which are sent, which go under another name, which are quarantined, and that the audit had said so of each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::harness::Project;
use crate::stand_in::StandIn;

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY")SETTING }
}

map Person -> people { name = { firstName: name } }

map Scan -> attachments {
  file   = path as name
  target = person
}
"#;

const CATALOG: &str = r#"system clinic {
  object Person from "people.csv" { key person_id; person_id: text; name: text }
  object Scan from "scans.csv" { key scan_id; scan_id: text; person: -> Person; name: text; path: file }
}
"#;

const PDF: &[u8] = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
const TEXT: &[u8] = b"a letter";

/// Name, content, and whether the server takes it under its own name.
const FILES: [(&str, &[u8], bool); 40] = [
    ("letter.txt", TEXT, true),
    ("empty.txt", b"", true),
    ("table.csv", b"a,b\n1,2\n", true),
    ("page.html", b"<!doctype html><p>x</p>", true),
    ("report.docx", b"no document", true),
    ("sheet.xlsx", ZIP, true),
    ("old.doc", b"", true),
    ("data.json", b"{}", true),
    ("drawing.bin", b"\0\x01\x02", true),
    ("note.md", TEXT, true),
    ("mail.eml", b"From: a@b.example", true),
    ("odd.xyz", TEXT, true),
    (".hidden", TEXT, true),
    ("two.dots.txt", TEXT, true),
    ("with blank.txt", TEXT, true),
    ("Größe 2020 (1).txt", TEXT, true),
    ("ملف.txt", TEXT, true),
    ("🦷.txt", TEXT, true),
    ("semi;colon.txt", TEXT, true),
    ("it's.txt", TEXT, true),
    ("scan.pdf", PDF, true),
    ("SCAN.PDF", PDF, true),
    ("really a picture.pdf", PNG, true),
    ("photo.png", PNG, true),
    ("photo.jpg", JPEG, true),
    ("photo.JPEG", JPEG, true),
    ("archive.zip", ZIP, true),
    ("README", TEXT, false),
    ("no ending", PDF, false),
    ("ends with a dot.", TEXT, false),
    ("scan empty.pdf", b"", false),
    ("scan text.pdf", TEXT, false),
    ("signed out.pdf", b"<!doctype html><title>Sign in</title>", false),
    ("cut.jpg", b"\xff\xd8", false),
    ("text.JPEG", TEXT, false),
    ("text.png", TEXT, false),
    ("text.heic", TEXT, false),
    ("text.mp3", TEXT, false),
    ("text.mp4", TEXT, false),
    ("empty.zip", b"", false),
];

fn project(setting: &str) -> Project {
    let project = Project::empty();
    project.write("migration.migr", &SPEC.replace("SETTING", setting));
    project.write("clinic.migr", CATALOG);
    project.write("export/people.csv", "person_id,name\nP1,Ada\n");
    let mut scans = String::from("scan_id,person,name,path\n");
    for (number, (name, content, _)) in FILES.iter().enumerate() {
        let path = format!("export/files/{number}");
        project.write(&path, "");
        std::fs::write(project.path().join(&path), content).unwrap();
        writeln!(scans, "S{number},P1,\"{name}\",files/{number}").unwrap();
    }
    project.write("export/scans.csv", &scans);
    project
}

/// What the audit listed of each file, by its number.
fn listed(project: &Project) -> BTreeMap<usize, Value> {
    let text = project.read(".migr/staging/attachments.jsonl");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["key"].as_str().unwrap()[1..].parse().unwrap(), line)).collect()
}

/// The labels under which files arrived.
fn arrived(stand_in: &StandIn) -> Vec<String> {
    let records = stand_in.records("attachments");
    let mut labels: Vec<String> =
        records.iter().map(|record| record["file"][0]["label"].as_str().unwrap_or_default().to_owned()).collect();
    labels.sort();
    labels
}

fn names(taken: impl Fn(bool) -> bool) -> Vec<String> {
    let mut names: Vec<String> =
        FILES.iter().filter(|(.., is_taken)| taken(*is_taken)).map(|(name, ..)| (*name).to_owned()).collect();
    names.sort();
    names
}

#[test]
fn of_forty_odd_files_those_that_the_server_refuses_are_set_aside_as_the_audit_said_and_all_others_arrive() {
    let (project, stand_in) = (project(""), StandIn::new());
    let before = stand_in.fingerprint();
    stand_in.migr(&project, &["audit", "--findings", "findings.jsonl"]).exits(1);
    let listed = listed(&project);
    assert_eq!(listed.len(), FILES.len());
    for (number, (name, _, is_taken)) in FILES.iter().enumerate() {
        let state = if *is_taken { "found" } else { "refused" };
        assert_eq!(listed[&number]["state"], state, "{name}: {}", listed[&number]);
    }
    let findings = project.read("findings.jsonl");
    let unfit = findings.lines().filter(|line| line.contains("\"unfit-file\"")).count();
    assert_eq!(unfit, names(|is_taken| !is_taken).len(), "{findings}");

    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    assert_eq!(arrived(&stand_in), names(|is_taken| is_taken));
    assert_eq!(stand_in.files(), names(|is_taken| is_taken).len() as u64);
    let report = project.migr(&["report", "--format", "json"]).exits(0).json();
    let aside: Vec<&str> =
        report["quarantine"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(aside.len(), names(|is_taken| !is_taken).len(), "{aside:?}");
    stand_in.migr(&project, &["verify"]).exits(0);

    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.files(), 0, "no file is left in its storage");
    assert_eq!(stand_in.fingerprint(), before);
    let refused = names(|is_taken| !is_taken).len();
    eprintln!("{} files: {} sent, {refused} quarantined, each as audited", FILES.len(), FILES.len() - refused);
}

#[test]
fn where_the_specification_says_so_refused_files_go_under_a_plain_name_and_are_shown_under_their_own() {
    let (project, stand_in) = (project("; unfit_files = \"rename\""), StandIn::new());
    stand_in.migr(&project, &["audit"]).exits(0);
    let listed = listed(&project);
    for (number, (name, _, is_taken)) in FILES.iter().enumerate() {
        let line = &listed[&number];
        assert_eq!(line["state"], "found", "{name}: {line}");
        let plain = format!("{}.bin", name.trim_end_matches('.'));
        let sent_as = line["sent_as"].as_str();
        assert_eq!(sent_as, (!is_taken).then_some(plain.as_str()), "{name}: {line}");
    }
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    assert_eq!(arrived(&stand_in), names(|_| true));
    stand_in.migr(&project, &["verify"]).exits(0);
    stand_in.migr(&project, &["rollback"]).exits(0);
    assert_eq!(stand_in.files(), 0);
}
