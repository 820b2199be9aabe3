//! What must not leave the places where it belongs: tokens, values of sensitive columns, and the network.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::stand_in::{StandIn, hurry};
use crate::wire::{Act, Wire};

/// Stands in every sensitive cell of the export.
const MARK: &str = "zqxw";
/// The number that every phone of the export has.
const PHONE: &str = "8675309";

/// Puts marks into sensitive columns of a file; every few rows something that cannot be read as what it should be.
fn mark(project: &Project, file: &str, columns: &[&str]) {
    let text = project.read(file);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let place: Vec<Option<&str>> = headers
        .iter()
        .map(|header| columns.iter().copied().find(|column| header.to_lowercase().replace(' ', "_") == **column))
        .collect();
    assert_eq!(place.iter().flatten().count(), columns.len(), "{headers:?}");
    let mut writer = csv::Writer::from_path(project.path().join(file)).unwrap();
    writer.write_record(&headers).unwrap();
    for (row, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let cells = record.iter().zip(&place).map(|(cell, column)| match column {
            None => cell.to_owned(),
            Some("email") if row % 11 == 3 => format!("{MARK}{row} at nowhere"),
            Some("email") if row % 17 == 5 => format!("{MARK}twin@{MARK}.example"),
            Some("email") => format!("{MARK}{row}@{MARK}.example"),
            Some("phone") if row % 7 == 2 => format!("{MARK} call {PHONE}"),
            Some("phone") => format!("(617) {}-{} x{row}", &PHONE[..3], &PHONE[3..]),
            Some("bio" | "body") => format!("<p>{MARK} {row}</p>"),
            Some(_) => format!("{MARK}{row}"),
        });
        writer.write_record(cells.collect::<Vec<_>>()).unwrap();
    }
    writer.flush().unwrap();
}

/// Where a text holds something that it must not.
fn leaks(place: &str, bytes: &[u8], token: &str) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    [MARK, PHONE, "867-5309", &token.to_lowercase()].into_iter().find_map(|secret| {
        let at = text.find(secret)?;
        let from = text[..at].char_indices().rev().take(120).last().map_or(0, |(at, _)| at);
        let around: String = text[from..].chars().take(300).collect();
        let shown = around.replace(&token.to_lowercase(), "(the token)");
        Some(format!("{place} holds {}: …{shown}…", if secret.len() > 20 { "the token" } else { secret }))
    })
}

fn below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

/// Every command of a migration's life that only looks, or does once what it does.
const LIFE: &[&[&str]] = &[
    &["audit", "--findings", "findings.jsonl"],
    &["audit", "--offline", "--full"],
    &["plan", "--full"],
    &["plan", "--format", "json"],
    &["plan", "--format", "markdown"],
    &["setup", "--checklist"],
    &["setup"],
    &["run", "--no-approval", "--format", "jsonl"],
    &["run", "--no-approval"],
    &["quarantine", "retry"],
    &["run", "--no-approval"],
    &["verify"],
    &["verify", "--format", "jsonl"],
    &["report", "--format", "markdown"],
    &["report", "--format", "json"],
    &["report", "--format", "html"],
    &["status"],
    &["quarantine", "list"],
    &["quarantine", "list", "--json"],
    &["journal"],
    &["journal", "--verify"],
    &["why", "C00000001"],
    &["why", "C00000001", "bio"],
    &["why", "C00000001", "emails", "--format", "json"],
    &["graph"],
    &["rollback", "--dry-run"],
];

/// Commands that know a project and no destination.
const OFFLINE: &[&[&str]] = &[&["check"], &["check", "--format", "json"], &["test"], &["fmt", "--check"]];

#[test]
fn no_token_and_no_sensitive_value_is_in_any_stream_or_file_that_a_migration_leaves() {
    let project = Project::example();
    hurry(&project, 60);
    mark(&project, "export/contacts.csv", &["first_name", "last_name", "email", "phone", "bio", "city"]);
    mark(&project, "export/notes.csv", &["body"]);
    let stand_in = StandIn::new();
    let token = stand_in.token();
    assert!(token.len() > 20);
    // A line on which every eleventh request goes wrong, each in another way.
    let wire = Wire::to(&stand_in.url(), |asked| match (asked.number % 11, asked.number / 11 % 5) {
        // Of a file's bytes nobody can tell.
        (3, 0) if !asked.path.starts_with("/file") => Act::Garbage,
        (3, 1) => Act::CutAfter,
        (3, 2) => Act::Half,
        (3, 3) => Act::CutBefore,
        (3, _) => Act::Answer(500, r#"{"statusCode":500,"messages":["Internal server error"]}"#.to_owned()),
        _ => Act::Pass,
    });
    let mut found = Vec::new();
    let mut look = |mut command: Command, arguments: &[&str]| {
        let ran = Ran::from(command.env("RUST_LOG", "trace").args(["--log", "json"]).output().unwrap());
        assert!(matches!(ran.code, 0 | 1 | 4 | 5 | 6), "{arguments:?}: {}\n{}", ran.code, ran.stderr);
        found.extend(leaks(&format!("stdout of {arguments:?}"), ran.stdout.as_bytes(), &token));
        found.extend(leaks(&format!("stderr of {arguments:?}"), ran.stderr.as_bytes(), &token));
        ran
    };
    for arguments in LIFE {
        look(stand_in.command_over(&wire.url(), project.path(), arguments), arguments);
    }
    for arguments in OFFLINE {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migr"));
        command.args(*arguments).current_dir(project.path());
        look(command, arguments);
    }
    let people = stand_in.records("people");
    let ours: Vec<&Value> = people.iter().filter(|person| person.to_string().contains(MARK)).collect();
    assert!(!ours.is_empty(), "the values did arrive");
    // Somebody changes some: what differs is told without saying what it is.
    for (number, person) in ours.iter().take(12).enumerate() {
        let other = json!({"city": format!("{MARK} town"), "emails": {"primaryEmail": format!("{MARK}new{number}@{MARK}.example")}});
        stand_in.ask(&reqwest::Method::PATCH, &format!("/rest/people/{}", person["id"].as_str().unwrap()), &other);
    }
    for arguments in [["verify"].as_slice(), &["report"], &["report", "--format", "html"], &["rollback"]] {
        let ran = look(stand_in.command_over(&wire.url(), project.path(), arguments), arguments);
        if arguments == ["verify"] {
            assert!(ran.code == 6 && ran.stdout.contains("expected ***, found ***"), "{}", ran.stdout);
        }
    }
    let mut files = Vec::new();
    below(project.path(), &mut files);
    let kept: Vec<_> = files.iter().filter(|file| !file.starts_with(project.path().join("export"))).collect();
    for written in
        ["journal.db.rolled-back-1", ".lock", "report.html", "findings.jsonl", "differences.csv", "set-aside.csv"]
    {
        assert!(kept.iter().any(|file| file.to_string_lossy().ends_with(written)), "no {written} among {kept:?}");
    }
    for file in kept {
        found.extend(leaks(&file.display().to_string(), &std::fs::read(file).unwrap(), &token));
    }
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_journal_is_its_owners_alone() {
    let project = Project::example();
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let journal = project.path().join(".migr/sandbox/journal.db");
        assert_eq!(std::fs::metadata(journal).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn no_command_changes_the_export_or_asks_another_host_than_the_destination() {
    let project = Project::example();
    hurry(&project, 200);
    let stand_in = StandIn::new();
    let export = project.path().join("export");
    let state = || {
        let mut files = Vec::new();
        below(&export, &mut files);
        files.sort();
        let hash = |file: &std::path::PathBuf| {
            let modified = std::fs::metadata(file).unwrap().modified().unwrap();
            (file.clone(), modified, blake3::hash(&std::fs::read(file).unwrap()))
        };
        files.iter().map(hash).collect::<Vec<_>>()
    };
    // Whatever does not go to the destination would come by here.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        proxy.incoming().for_each(|_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    });
    let before = state();
    for arguments in LIFE.iter().copied().chain([["rollback"].as_slice()]) {
        let mut command = stand_in.command(project.path(), arguments);
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(variable, &address);
        }
        let ran = Ran::from(command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").output().unwrap());
        assert!(matches!(ran.code, 0 | 1 | 4 | 5), "{arguments:?}: {}\n{}", ran.code, ran.stderr);
        assert!(state() == before, "{arguments:?} changed the export");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0, "requests that were not for the destination");
}
