//! A project from a stranger: nothing is read or written outside of it, nothing in it makes the program hang, its token goes nowhere in the open, and what is
//! kept of it is its owner's alone.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::clinic::clinic;
use crate::harness::{Project, Ran};

const SECRET: &str = "what stands elsewhere";

/// A project beside a folder that is none of its business.
fn beside() -> (Project, tempfile::TempDir) {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret"), SECRET).unwrap();
    (clinic(2), elsewhere)
}

fn said(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

#[test]
fn nothing_is_read_or_written_through_a_link_in_a_project() {
    type Make = fn(project: &Path, secret: &Path);
    let cases: &[(&str, Make, &[&str])] = &[
        ("a spec", |project, secret| symlink(secret, project.join("more.migr")).unwrap(), &["check"]),
        (
            "the folder of a spec",
            |project, secret| {
                fs::rename(secret, secret.with_file_name("secret.migr")).unwrap();
                symlink(secret.parent().unwrap(), project.join("sub")).unwrap();
                fs::write(project.join("more.migr"), "use \"sub/secret\"\n").unwrap();
            },
            &["check"],
        ),
        ("the lock", |project, secret| symlink(secret, project.join("migr.lock")).unwrap(), &["check"]),
        ("a named lock", |project, secret| symlink(secret, project.join("migr.staging.lock")).unwrap(), &["plan"]),
        (
            "the state",
            |project, secret| symlink(secret.parent().unwrap(), project.join(".migr")).unwrap(),
            &["audit", "--offline"],
        ),
        (
            "a state",
            |project, secret| {
                fs::create_dir(project.join(".migr")).unwrap();
                symlink(secret.parent().unwrap(), project.join(".migr/sandbox")).unwrap();
            },
            &["run", "--sandbox", "--no-approval"],
        ),
        (
            "a file of a state",
            |project, secret| {
                fs::create_dir_all(project.join(".migr/sandbox/report")).unwrap();
                symlink(secret, project.join(".migr/sandbox/report/skipped.csv.part")).unwrap();
            },
            &["run", "--sandbox", "--no-approval"],
        ),
        (
            "the journal",
            |project, secret| {
                fs::create_dir_all(project.join(".migr/sandbox")).unwrap();
                symlink(secret, project.join(".migr/sandbox/journal.db")).unwrap();
            },
            &["status"],
        ),
    ];
    for (what, make, arguments) in cases {
        let (project, elsewhere) = beside();
        make(project.path(), &elsewhere.path().join("secret"));
        let before = listed(elsewhere.path());
        let ran = project.migr(arguments);
        assert!(matches!(ran.code, 1 | 2), "{what}: {} {}", ran.code, said(&ran));
        assert!(said(&ran).contains("symbolic link"), "{what}: {}", said(&ran));
        assert!(!said(&ran).contains(SECRET), "{what}: {}", said(&ran));
        assert_eq!(listed(elsewhere.path()), before, "{what}");
    }
}

/// Names and texts of a folder.
fn listed(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap_or_default())).collect();
    files.sort();
    files
}

#[test]
fn what_was_put_where_a_file_is_begun_is_not_written_through() {
    let (project, elsewhere) = beside();
    let secret = elsewhere.path().join("secret");
    symlink(&secret, project.path().join("migr.lock.part")).unwrap();
    project.migr(&["audit", "--offline"]);
    assert!(project.path().join("migr.lock").is_file());
    assert_eq!(fs::read_to_string(&secret).unwrap(), SECRET);
    fs::write(project.path().join(".migr/last"), "../../elsewhere\n").unwrap();
    let ran = project.migr(&["report"]).exits(2);
    assert!(ran.stderr.contains("names no destination"), "{}", ran.stderr);
    project.migr(&["report", "--to", "../elsewhere"]).exits(2);
}

#[test]
fn a_spec_that_is_no_file_or_too_large_is_said_so_at_once() {
    let project = clinic(2);
    let pipe = project.path().join("pipe.migr");
    let made = Command::new("mkfifo").arg(&pipe).status();
    if made.is_ok_and(|made| made.success()) {
        let ran = project.migr(&["check"]).exits(1);
        assert!(ran.stdout.contains("it is not a file"), "{}", ran.stdout);
        fs::remove_file(&pipe).unwrap();
    }
    fs::write(project.path().join("large.migr"), "// padding\n".repeat(1 << 20)).unwrap();
    let ran = project.migr(&["check"]).exits(1);
    assert!(ran.stdout.contains("larger than the 8 MiB"), "{}", ran.stdout);
}

/// The clinic with more in its destination.
fn with_settings(settings: &str) -> Project {
    let project = clinic(2);
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replacen("{ url =", &format!("{{ {settings}; url ="), 1));
    project
}

fn with_address(project: &Project, url: &str, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_migr"))
        .args(arguments)
        .current_dir(project.path())
        .env("NO_COLOR", "1")
        .env("TWENTY_STAGING_URL", url)
        .env("TWENTY_STAGING_KEY", "a-token")
        .output()
        .unwrap();
    Ran::from(output)
}

#[test]
fn certificates_are_certificates_of_the_project() {
    for (file, why) in [
        ("../secret.pem", "out of the project"),
        ("/etc/hostname", "out of the project"),
        ("link.pem", "symbolic link"),
        ("key.pem", "holds no certificates"),
        ("migration.migr", "holds no certificates"),
        ("export", "not a file"),
    ] {
        let project = with_settings(&format!("certificates = \"{file}\""));
        fs::write(project.path().join("key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .unwrap();
        symlink("/etc/hostname", project.path().join("link.pem")).unwrap();
        let ran = with_address(&project, "https://127.0.0.1:9", &["audit"]).exits(2);
        assert!(ran.stderr.contains(why), "{file}: {}", ran.stderr);
    }
}

#[test]
fn a_token_goes_over_plain_http_to_this_machine_alone_unless_the_spec_says_why() {
    let ran = with_address(&clinic(2), "http://crm.example", &["audit"]).exits(2);
    assert!(ran.stderr.contains("over plain http") && ran.stderr.contains("plaintext ="), "{}", ran.stderr);
    let begun = std::time::Instant::now();
    let ran = with_address(&clinic(2), "http://127.0.0.1:9", &["audit"]).exits(3);
    assert!(ran.stderr.contains("after 1 attempt: no connection"), "{}", ran.stderr);
    assert!(begun.elapsed().as_secs() < 20, "a refused port is said at once, not after {:?}", begun.elapsed());
    let project = with_settings("plaintext = \"a tunnel of ours\"");
    let ran = with_address(&project, "http://migr.invalid", &["audit"]).exits(3);
    assert!(ran.stderr.contains("no connection"), "{}", ran.stderr);
    let ran = with_settings("plaintext = \"\"").migr(&["check"]).exits(1);
    assert!(ran.stdout.contains("says why"), "{}", ran.stdout);
}

#[test]
fn check_names_what_is_read_from_the_environment() {
    let ran = clinic(2).migr(&["check"]);
    assert!(ran.stderr.contains("TWENTY_STAGING_KEY (token, a secret), TWENTY_STAGING_URL (url)"), "{}", ran.stderr);
}

#[test]
fn the_exports_folder_may_be_a_link_that_the_projects_owner_made() {
    let (project, elsewhere) = beside();
    let moved = elsewhere.path().join("export");
    fs::rename(project.path().join("export"), &moved).unwrap();
    symlink(&moved, project.path().join("export")).unwrap();
    let ran = project.migr(&["audit", "--offline"]);
    assert!(ran.stdout.contains("people.csv") && !said(&ran).contains("symbolic link"), "{}", said(&ran));
    symlink(elsewhere.path().join("secret"), moved.join("more.csv")).unwrap();
    let ran = project.migr(&["audit", "--offline"]);
    assert!(ran.stderr.contains("symbolic link"), "{}", said(&ran));
}

#[test]
fn whatever_holds_something_of_the_records_is_its_owners_alone() {
    let project = clinic(2);
    project.migr(&["audit", "--sandbox", "--findings", "found.jsonl"]);
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    project.migr(&["verify", "--sandbox"]);
    project.migr(&["report", "--sandbox", "--out", "report.html"]);
    let mut waiting =
        vec![project.path().join(".migr"), project.path().join("found.jsonl"), project.path().join("report.html")];
    let mut files = 0;
    while let Some(path) = waiting.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files += 1;
            assert_eq!(metadata.permissions().mode() & 0o077, 0, "{}", path.display());
        }
    }
    assert!(files > 10, "{files}");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    if !Path::new("/dev/full").exists() {
        eprintln!("LEFT OUT: there is no /dev/full here");
        return;
    }
    let project = clinic(2);
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    for arguments in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["check", "--format", "json"],
        &["graph"],
        &["report", "--sandbox", "--format", "json"],
        &["quarantine", "list", "--sandbox"],
        &["journal", "--sandbox"],
        &["status"],
        &["explain", "E0304"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_migr"))
            .args(arguments)
            .current_dir(project.path())
            .stdout(Stdio::from(full))
            .output()
            .unwrap();
        let ran = Ran::from(output);
        assert!(
            ran.code == 3 && ran.stderr.contains("cannot write to stdout"),
            "{arguments:?}: {} {}",
            ran.code,
            ran.stderr
        );
    }
    for arguments in [&["plan", "--out", "/dev/full"][..], &["report", "--sandbox", "--out", "/dev/full"]] {
        let ran = project.migr(arguments).exits(3);
        assert!(ran.stderr.contains("cannot write /dev/full"), "{}", ran.stderr);
    }
}
