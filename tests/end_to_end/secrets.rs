//! What must not leave the places where it belongs: tokens, values of sensitive columns, and the network.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::stand_in::{StandIn, hurry};
use crate::wire::{Act, Wire};

/// Stands in every sensitive cell of the export.
const MARK: &str = "zqxwkvjh";
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
    let (text, token) = (String::from_utf8_lossy(bytes).to_lowercase(), token.to_lowercase());
    // A line may break a token in two.
    let (first, second) = token.split_at(token.len() / 2);
    [MARK, PHONE, "867-5309", first, second].into_iter().find_map(|secret| {
        let at = text.find(secret)?;
        let from = text[..at].char_indices().rev().take(120).last().map_or(0, |(at, _)| at);
        let around: String = text[from..].chars().take(300).collect();
        let shown = around.replace(first, "(half of the token)").replace(second, "(half of the token)");
        let what = if [first, second].contains(&secret) { "the token" } else { secret };
        Some(format!("{place} holds {what}: …{shown}…"))
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
const OFFLINE: &[&[&str]] = &[
    &["check"],
    &["check", "--format", "json"],
    &["check", "--data"],
    &["check", "--data", "--format", "json"],
    &["check", "--data", "--format", "sarif"],
    &["test"],
    &["fmt", "--check"],
    &["demo", "--rollback", "--dir", "demonstrated"],
    &["explain", "E0302"],
];

/// The example with marks in every sensitive cell.
fn marked() -> Project {
    let project = Project::example();
    hurry(&project, 60);
    mark(&project, "export/contacts.csv", &["first_name", "last_name", "email", "phone", "bio", "city"]);
    mark(&project, "export/notes.csv", &["body"]);
    project
}

/// What leaked into the files below a folder, but for the export.
fn leaks_below(folder: &Path, token: &str) -> Vec<String> {
    let mut files = Vec::new();
    below(folder, &mut files);
    let kept = files.iter().filter(|file| !file.starts_with(folder.join("export")));
    kept.filter_map(|file| leaks(&file.display().to_string(), &std::fs::read(file).unwrap(), token)).collect()
}

/// The same in what a command said.
fn leaks_of(what: &str, ran: &Ran, token: &str) -> Vec<String> {
    let streams = [("stdout", &ran.stdout), ("stderr", &ran.stderr)];
    streams.into_iter().filter_map(|(name, text)| leaks(&format!("{name} of {what}"), text.as_bytes(), token)).collect()
}

/// With everything that can be logged.
fn loudly(mut command: Command) -> Command {
    command.env("RUST_LOG", "trace").args(["--log", "json"]);
    command
}

#[test]
fn a_program_that_is_killed_leaves_no_token_and_no_sensitive_value_behind() {
    for at in [45, 70] {
        let (project, stand_in) = (marked(), StandIn::new());
        let elsewhere = tempfile::tempdir().unwrap();
        let child: Arc<Mutex<Option<Child>>> = Arc::default();
        let victim = Arc::clone(&child);
        let wire = Wire::to(&stand_in.url(), move |asked| {
            let victim = Arc::clone(&victim);
            if asked.number != at {
                return Act::Pass;
            }
            Act::Then(Box::new(move || victim.lock().unwrap().as_mut().unwrap().kill().unwrap()))
        });
        let log = elsewhere.path().join("log");
        let mut command = loudly(stand_in.command_over(&wire.url(), project.path(), &["run", "--no-approval"]));
        command.env("TMPDIR", elsewhere.path()).stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
        {
            let mut place = child.lock().unwrap();
            *place = Some(command.spawn().unwrap());
        }
        let gone = || child.lock().unwrap().as_mut().unwrap().try_wait().unwrap();
        let status = loop {
            match gone() {
                Some(status) => break status,
                None => std::thread::sleep(std::time::Duration::from_millis(5)),
            }
        };
        assert_eq!(status.code(), None, "it ended before request {at}");
        let mut found = leaks_below(project.path(), &stand_in.token());
        found.extend(leaks_below(elsewhere.path(), &stand_in.token()));
        assert!(found.is_empty(), "killed at request {at}, {} leaks:\n{}", found.len(), found.join("\n"));
        assert!(std::fs::metadata(&log).unwrap().len() > 1000, "it logged");
    }
}

#[test]
fn what_a_server_echoes_of_a_token_or_of_a_sensitive_value_is_not_told() {
    for status in [400, 401] {
        let (project, stand_in) = (marked(), StandIn::new());
        let (token, secret) = (stand_in.token(), stand_in.token());
        let wire = Wire::to(&stand_in.url(), move |asked| {
            if !asked.path.starts_with("/rest/batch/people") {
                return Act::Pass;
            }
            let body = String::from_utf8_lossy(asked.body);
            let message = format!("the token {token} may not write {body}");
            let answer = json!({"statusCode": status, "error": format!("Bearer {token}"), "messages": [message]});
            Act::Answer(status, answer.to_string())
        });
        let ran = loudly(stand_in.command_over(&wire.url(), project.path(), &["run", "--no-approval"])).output();
        let ran = Ran::from(ran.unwrap());
        assert!(matches!(ran.code, 3..=5), "{status}: {}\n{}", ran.code, ran.stderr);
        let mut found = leaks_of(&format!("a run that is answered {status}"), &ran, &secret);
        let report = project.migr(&["report"]);
        found.extend(leaks_of(&format!("the report after {status}"), &report, &secret));
        found.extend(leaks_below(project.path(), &secret));
        assert!(found.is_empty(), "answered {status}, {} leaks:\n{}", found.len(), found.join("\n"));
    }
}

#[test]
fn names_and_passwords_in_addresses_are_not_told() {
    const PASSWORD: &str = "zqxwkvjh-Passw0rd-zqxwkvjh-Passw0rd";
    // As the header says it.
    const ENCODED: &str = "YWRtaW46enF4dy1QYXNzdzByZC16cXh3LVBhc3N3MHJk";
    let (project, stand_in) = (marked(), StandIn::new());
    let found_in = |ran: &Ran| [leaks_of("a run", ran, PASSWORD), leaks_of("a run", ran, ENCODED)].concat();
    // In the destination's own address: refused, with what to do.
    let url = stand_in.url().replace("http://", &format!("http://admin:{PASSWORD}@"));
    for arguments in [["setup"].as_slice(), &["audit"], &["run", "--no-approval"]] {
        let ran = Ran::from(loudly(stand_in.command_over(&url, project.path(), arguments)).output().unwrap());
        assert!(ran.code != 0 && ran.stderr.contains("must not hold a name or password"), "{}", ran.stderr);
        assert_eq!(found_in(&ran), [] as [String; 0]);
    }
    // In a proxy's address, where nobody listens and where one refuses.
    let refuses = Wire::to(&stand_in.url(), |_| Act::Answer(407, "{\"messages\": [\"nobody\"]}".to_owned()));
    for proxy in ["127.0.0.1:9".to_owned(), refuses.address()] {
        let mut command = loudly(stand_in.command_over("https://crm.example", project.path(), &["audit"]));
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"] {
            command.env(variable, format!("http://admin:{PASSWORD}@{proxy}"));
        }
        let ran = Ran::from(command.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap()).exits(3);
        assert_eq!(found_in(&ran), [] as [String; 0]);
    }
    assert_eq!(leaks_below(project.path(), PASSWORD), [] as [String; 0]);
}

#[test]
fn the_stand_in_says_its_token_once_and_nothing_of_what_it_keeps() {
    let project = marked();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_migr"));
    command.args(["sandbox", "twenty", "--state", "kept.db"]).current_dir(folder.path());
    let mut server = loudly(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    let mut news = BufReader::new(server.stderr.take().unwrap()).lines();
    let token = news
        .find_map(|line| {
            let line: Value = serde_json::from_str(&line.ok()?).ok()?;
            line["fields"]["message"].as_str()?.strip_prefix("token: ").map(str::to_owned)
        })
        .unwrap();
    let said = std::thread::spawn(move || news.map_while(Result::ok).collect::<Vec<String>>().join("\n"));
    for (arguments, code) in [(["run", "--no-approval"].as_slice(), 5), (&["verify"], 0)] {
        let output = Command::new(env!("CARGO_BIN_EXE_migr"))
            .args(arguments)
            .args(["--to", "staging"])
            .current_dir(project.path())
            .env("TWENTY_STAGING_URL", &url)
            .env("TWENTY_STAGING_KEY", &token)
            .output();
        Ran::from(output.unwrap()).exits(code);
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let said = said.join().unwrap();
    assert_eq!(leaks("the sandbox's log", said.as_bytes(), &token), None);
    // What it keeps is what it was sent; only its owner may read it.
    #[cfg(unix)]
    for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn no_token_and_no_sensitive_value_is_in_any_stream_or_file_that_a_migration_leaves() {
    let project = marked();
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
