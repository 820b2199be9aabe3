//! Files of an export that are no table: JSON that went wrong, and files that vanish or change while a migration is under way.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bad_exports::{bytes_below, clinic as in_order};
use crate::clinic::clinic;
use crate::harness::{Project, Ran};
use crate::stand_in::StandIn;
use crate::wire::{Act, Wire};

fn kinds() -> Vec<(&'static str, Vec<u8>, Option<&'static str>)> {
    let bad = |name, bytes: &[u8], says| (name, bytes.to_vec(), Some(says));
    let fine = |name, bytes: &[u8]| (name, bytes.to_vec(), None);
    let utf16: Vec<u8> = "\u{feff}[{\"id\": 1}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        bad("nothing", b"", "EOF while parsing a value at line 1"),
        bad("blanks alone", b"\n \n", "at line 3"),
        bad("cut off", b"[{\"id\": 1},\n {\"id\":", "at line 2"),
        bad("more after its end", b"[]\n[]", "trailing characters at line 2"),
        bad("a line for each", b"{\"id\": [1]}\n{\"id\": [2]}\n", "at line 2"),
        bad("a table", b"id,name\n1,A\n", "at line 1"),
        bad("a web page", b"<!DOCTYPE html>", "at line 1"),
        bad("a number", b"17", "array"),
        bad("a text", b"\"x\"", "array"),
        bad("null", b"null", "array"),
        bad("an object without an array", b"{\"id\": 1}", "array"),
        bad("a NUL", b"[{\"id\": \"a\0b\"}]", "control character"),
        bad("bytes that are no UTF-8", b"[\n{\"id\": \"ren\xe9\"}]", "at line 2"),
        bad("half a surrogate pair", b"[{\"id\": \"\\ud800\"}]", "at line 1"),
        bad("no number", b"[{\"id\": NaN}]", "at line 1"),
        bad("a number beyond all bounds", b"[{\"id\": 1e999}]", "number out of range"),
        bad("a comma at the end", b"[{\"id\": 1},]", "at line 1"),
        bad("a hundred thousand brackets", &b"[".repeat(100_000), "recursion limit"),
        fine("a mark in front", "\u{feff}[{\"id\": 1}]".as_bytes()),
        fine("UTF-16", &utf16),
        fine("an empty array", b"[]"),
        fine("an array in an object", b"{\"workflows\": [{\"id\": 1}]}"),
        fine("elements that are no objects", b"[1, null, \"x\", [2]]"),
        fine("a field twice", b"[{\"id\": 1, \"id\": 2}]"),
        fine("ten megabytes", &[b"[{\"id\": \"", "x".repeat(10 << 20).as_bytes(), b"\"}]"].concat()),
    ]
}

#[test]
fn json_that_went_wrong_is_found_with_its_file_and_line() {
    let (project, kinds) = (in_order(), kinds());
    let (mut objects, mut references) = (String::from("system clinic {\n"), String::new());
    for (number, (_, bytes, _)) in kinds.iter().enumerate() {
        std::fs::write(project.path().join(format!("export/kind{number}.json")), bytes).unwrap();
        writeln!(objects, "  object Kind{number} from \"kind{number}.json\"").unwrap();
        writeln!(references, "reference Kind{number} from \"kind{number}.json\"").unwrap();
    }
    project.write("clinic.migr", &project.read("clinic.migr").replacen("system clinic {\n", &objects, 1));
    let spec = project.read("migration.migr").replace("export/*.csv", "export/*");
    project.write("migration.migr", &format!("{spec}\n{references}"));
    let export = project.path().join("export");
    let before = bytes_below(&export);
    let stand_in = StandIn::with(migr_sandbox::SandboxOptions { seed: false, ..Default::default() });
    stand_in.migr(&project, &["audit", "--offline", "--findings", "findings.jsonl"]).exits(1);
    // A run reads no file that is only kept as a reference.
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    assert!(bytes_below(&export) == before, "the export was touched");
    let findings = project.read("findings.jsonl");
    for (number, (name, _, says)) in kinds.iter().enumerate() {
        let place = format!("export/kind{number}.json:");
        let found: Vec<&str> = findings.lines().filter(|line| line.contains(&place)).collect();
        match says {
            None => assert!(found.is_empty(), "{name}: {found:?}"),
            Some(says) => assert!(found.len() == 1 && found[0].contains(says), "{name}: {found:?}\n{findings:.5000}"),
        }
    }
    eprintln!("{} kinds of bad JSON", kinds.len());
}

/// Runs the small migration; right before the first request of some kind something happens to its files.
fn run_while(
    stand_in: &StandIn,
    project: &Project,
    is_it: fn(&str) -> bool,
    happens: impl Fn() + Send + Sync + 'static,
) -> Ran {
    let is_over = AtomicBool::new(false);
    let wire = Wire::to(&stand_in.url(), move |asked| {
        if is_it(asked.path) && !is_over.swap(true, Ordering::Relaxed) {
            happens();
        }
        Act::Pass
    });
    let mut command = stand_in.command_over(&wire.url(), project.path(), &["run", "--no-approval"]);
    Ran::from(command.output().expect("migr starts"))
}

fn undisturbed() -> String {
    let (project, stand_in) = (clinic(2), StandIn::new());
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.fingerprint()
}

#[test]
fn a_table_that_vanishes_during_a_run_stops_it_and_put_back_it_goes_on() {
    let (project, stand_in) = (clinic(2), StandIn::new());
    let deals = project.read("export/deals.csv");
    let file = project.path().join("export/deals.csv");
    let is_companies = |path: &str| path.starts_with("/rest/batch/companies");
    let ran = run_while(&stand_in, &project, is_companies, move || std::fs::remove_file(&file).unwrap()).exits(1);
    assert!(ran.stderr.contains("export/deals.csv") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    let again = stand_in.migr(&project, &["run", "--no-approval"]).exits(1);
    assert!(again.stderr.contains("no file `deals.csv` for Deal"), "{}", again.stderr);
    // What was copied anew has another time of change, and is the same file.
    project.write("export/deals.csv", &deals);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    assert_eq!(stand_in.fingerprint(), undisturbed());
}

#[test]
fn an_attachment_that_vanishes_or_changes_during_a_run_is_told_and_never_sent_by_half() {
    type Happens = fn(&Path);
    let happenings: [(&str, Happens, Option<&str>); 4] = [
        ("it vanishes", |file| std::fs::remove_file(file).unwrap(), Some("is not in the export")),
        (
            "it becomes a folder",
            |file| {
                std::fs::remove_file(file).unwrap();
                std::fs::create_dir(file).unwrap();
            },
            Some("it is not a file"),
        ),
        ("it becomes longer", |file| std::fs::write(file, "something else, and longer").unwrap(), None),
        ("it is emptied", |file| std::fs::write(file, "").unwrap(), None),
    ];
    for (what, happens, aside) in happenings {
        let (project, stand_in) = (clinic(2), StandIn::new());
        let file = project.path().join("export/files/x-ray.txt");
        let was = std::fs::read(&file).unwrap();
        let (is_visits, changed) = (|path: &str| path.starts_with("/rest/batch/visits"), file.clone());
        let ran = run_while(&stand_in, &project, is_visits, move || happens(&changed)).exits(5);
        assert!(!ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
        let list = || project.migr(&["quarantine", "list"]).exits(0).stdout;
        let line = |list: &str| list.lines().find(|line| line.starts_with("export/scans.csv:2 ")).map(str::to_owned);
        let told = line(&list());
        assert_eq!(told.is_some(), aside.is_some(), "{what}: {told:?}");
        assert!(told.unwrap_or_default().contains(aside.unwrap_or_default()), "{what}");
        if aside.is_some() {
            let _ = std::fs::remove_dir(&file);
            std::fs::write(&file, &was).unwrap();
            stand_in.migr(&project, &["quarantine", "retry"]).exits(0);
            stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
            assert_eq!(line(&list()), None, "{what}: put back it is sent");
        }
        let sent = stand_in.records("attachments");
        let urls: Vec<&str> = sent.iter().map(|one| one["file"][0]["url"].as_str().unwrap()).collect();
        assert_eq!(urls.len(), 1, "{what}");
        assert_eq!(stand_in.download(urls[0]), std::fs::read(&file).unwrap(), "{what}: what was sent is what is there");
    }
}
