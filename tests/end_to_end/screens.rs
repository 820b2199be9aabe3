//! Screens as a person sees them: on a terminal of 80 and of 120 columns no line is wider than the terminal.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use migr_escape::columns;

use crate::harness::{PROJECT, Project, repository};

/// Shell words that mean themselves.
fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}

/// Output of a command on a terminal of so many columns; none where this machine has no terminals to give, which is said.
fn screen(folder: &Path, width: usize, arguments: &[&str]) -> Option<String> {
    let command = format!("{} {}", quoted(&[env!("CARGO_BIN_EXE_migr")]), quoted(arguments));
    let shown = Command::new("script")
        .args(["--quiet", "--command", &command, "/dev/null"])
        .current_dir(folder)
        .env("COLUMNS", width.to_string())
        .env("MIGR_PROJECT_ID", PROJECT)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .output();
    match shown {
        Ok(shown) if !shown.stdout.is_empty() => {
            let text = String::from_utf8_lossy(&shown.stdout).replace("\r\n", "\n");
            // A bar is drawn over itself: each drawing is a line.
            let steering = ["\r", "\u{1b}[2K", "\u{1b}[1A", "\u{1b}[1B"];
            Some(steering.iter().fold(text, |text, one| text.replace(one, "\n")))
        }
        _ => {
            eprintln!("LEFT OUT: `script` gives no terminal here, so no screen was looked at");
            None
        }
    }
}

/// Lines that are wider than the terminal, but for those of one word that nothing can break, and marked lines of a spec that a finding quotes.
fn too_wide(screen: &str, width: usize) -> String {
    let mut wide = String::new();
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    let is_marked = |at: usize| lines.get(at + 1).is_some_and(|below| below.contains('·'));
    let wider = lines.iter().enumerate().filter(|(_, line)| columns(line) > width);
    for (_, line) in wider.filter(|(at, line)| !(line.contains(" │ ") && is_marked(*at))) {
        let is_one_word = line.split_whitespace().any(|word| columns(word) + 12 > width);
        if !is_one_word {
            let _ = writeln!(wide, "{} columns: {line}", columns(line));
        }
    }
    wide
}

#[test]
fn no_line_of_a_screen_is_wider_than_the_terminal() {
    let project = Project::example();
    let wrong = Project::empty();
    wrong.write(
        "main.migr",
        &std::fs::read_to_string(repository().join("tests/end_to_end/five_mistakes.migr")).unwrap(),
    );
    project.migr(&["audit", "--offline"]).exits(1);
    std::fs::copy(project.path().join("migr.lock"), project.path().join("kept.lock")).unwrap();
    let plan = project.path().join("before.json");
    project.migr(&["plan", "--out", "before.json"]).exits(0);
    assert!(plan.is_file());
    let spec = project.read("migration.migr");
    project
        .write("migration.migr", &spec.replace("jobTitle  = job_title | trim", "jobTitle  = job_title | trim | upper"));
    let commands: &[&[&str]] = &[
        &["check", "."],
        &["plan"],
        &["plan", "--full"],
        &["diff", "before.json", "."],
        &["audit", "--offline"],
        &["estimate"],
        &["setup", "--sandbox"],
        &["run", "--sandbox"],
        &["run", "--sandbox"],
        &["report", "--sandbox"],
        &["quarantine", "list", "--sandbox"],
        &["status"],
        &["verify", "--sandbox"],
        &["rollback", "--sandbox", "--dry-run"],
        &["graph"],
        &["explain", "E0306"],
        &["test"],
    ];
    let mut wide = String::new();
    for width in [80, 120] {
        let Some(shown) = screen(wrong.path(), width, &["check"]) else { return };
        let _ = write!(wide, "{}", too_wide(&shown, width));
        for arguments in commands {
            let Some(shown) = screen(project.path(), width, arguments) else { return };
            let found = too_wide(&shown, width);
            if !found.is_empty() {
                let _ = writeln!(wide, "## {} at {width}\n{found}", arguments.join(" "));
            }
        }
    }
    assert!(wide.is_empty(), "{wide}");
}

#[test]
fn a_run_counts_what_is_there_already_in_one_line() {
    let project = Project::example();
    project.migr(&["run", "--sandbox"]).exits(5);
    let again = project.migr(&["run", "--sandbox"]).exits(5);
    assert!(again.stderr.contains("33 already there"), "{}", again.stderr);
    assert_eq!(again.stderr.matches("already there").count(), 1, "{}", again.stderr);
}
