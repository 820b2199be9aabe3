//! The template for GitLab and the hooks for pre-commit, their steps run as a script on a temporary git repository.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Project, Ran, migr_in, repository};
use crate::hosted::{git, has, two_commits};
use crate::web_host::{Asked, serve};

/// The script of the template: what stands below `- |`.
fn script() -> String {
    let text = std::fs::read_to_string(repository().join(".gitlab/migr.gitlab-ci.yml")).expect("the template");
    let lines = text.lines().skip_while(|line| line.trim() != "- |").skip(1);
    let script: Vec<&str> = lines.take_while(|line| line.starts_with("      ")).map(str::trim_start).collect();
    assert!(script.len() > 10, "{text}");
    script.join("\n")
}

/// The job on a merge request, with migr on its path.
fn job(project: &Project, base: &str, api: &str) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_migr")).parent().expect("a folder").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-eu", "-c", &script()])
        .current_dir(project.path())
        .env("PATH", format!("{program}:{path}"))
        .env("MIGR_PATH", "crm")
        .env("MIGR_TOKEN", "a-token")
        .env("CI_MERGE_REQUEST_IID", "7")
        .env("CI_PROJECT_ID", "11")
        .env("CI_API_V4_URL", api)
        .env("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)
        .output()
        .expect("the script starts");
    Ran::from(output)
}

/// Notes of the merge request.
fn answer(asked: &Asked, notes: &mut Vec<Value>) -> (&'static str, Value) {
    let of_request = "/projects/11/merge_requests/7/notes";
    let id: Option<usize> = asked.path.strip_prefix(&format!("{of_request}/")).and_then(|id| id.parse().ok());
    match (asked.method.as_str(), asked.path.as_str(), id) {
        ("GET", "/user", _) => ("200 OK", json!({ "username": "migr-bot" })),
        ("GET", path, _) if path == of_request => ("200 OK", json!(notes)),
        ("POST", path, _) if path == of_request => {
            let id = notes.len() + 1;
            notes.push(json!({ "id": id, "body": asked.body["body"], "author": { "username": "migr-bot" } }));
            ("201 Created", json!({}))
        }
        ("PUT", _, Some(id)) => {
            notes[id - 1]["body"] = asked.body["body"].clone();
            ("200 OK", json!({}))
        }
        _ => ("404 Not Found", Value::Null),
    }
}

#[test]
fn the_gitlab_template_keeps_one_note_and_reports_findings_beside_their_lines() {
    if !has("jq") || !has("curl") {
        return;
    }
    let (project, base) = two_commits();
    let theirs = json!({ "id": 1, "body": "<!-- migr plan: crm -->\nmine", "author": { "username": "mallory" } });
    let notes = Arc::new(Mutex::new(vec![theirs.clone()]));
    let kept = Arc::clone(&notes);
    let api = serve(move |asked| answer(&asked, &mut kept.lock().expect("the notes")));

    job(&project, &base, &api).exits(0);
    let body = notes.lock().unwrap()[1]["body"].as_str().expect("a text").to_owned();
    for part in ["picklist LeadStatus", "map Contact.city", "map Branch"] {
        assert!(body.contains(part), "no `{part}` in\n{body}");
    }
    let report: Value = serde_json::from_str(&project.read("gl-code-quality-report.json")).expect("JSON");
    assert!(report.is_array(), "{report}");
    // A spec with errors: the job fails, the note says so, and the findings are those of the lines.
    let spec = project.read("crm/migration.migr");
    project.write("crm/migration.migr", &spec.replace("| trim", "| trimm"));
    job(&project, &base, &api).exits(1);
    let notes = notes.lock().unwrap();
    assert_eq!((notes.len(), &notes[0]), (2, &theirs));
    assert!(notes[1]["body"].as_str().unwrap().contains("The spec has errors"), "{}", notes[1]);
    let report: Value = serde_json::from_str(&project.read("gl-code-quality-report.json")).expect("JSON");
    assert_eq!(report[0]["location"]["path"], "crm/migration.migr", "{report}");
}

/// A hook of the repository: its command, and whether it is given the files.
fn hook(id: &str) -> (Vec<String>, bool) {
    let text = std::fs::read_to_string(repository().join(".pre-commit-hooks.yaml")).expect("the hooks");
    let own = text.split("- id: ").find(|hook| hook.starts_with(id)).expect("the hook");
    let value =
        |key: &str| own.lines().find_map(|line| line.trim().strip_prefix(key)).map(|value| value.trim().to_owned());
    let entry = value("entry:").expect("a command").split(' ').map(str::to_owned).collect();
    (entry, value("pass_filenames:").as_deref() != Some("false"))
}

/// Runs a hook on what is staged, as pre-commit does.
fn run(id: &str, project: &Project) -> Ran {
    let (entry, takes_files) = hook(id);
    let (program, arguments) = entry.split_first().expect("a program");
    assert_eq!(program, "migr");
    let staged = git(project.path(), &["diff", "--cached", "--name-only"]);
    let is_migr = |file: &str| Path::new(file).extension().is_some_and(|extension| extension == "migr");
    let files = staged.lines().filter(|file| takes_files && is_migr(file));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(files).collect();
    migr_in(project.path(), &arguments)
}

#[test]
fn the_hooks_bring_staged_files_into_the_layout_and_report_their_problems() {
    let (project, _) = two_commits();
    let spec = project.read("crm/migration.migr");
    project.write("crm/migration.migr", &spec.replace("  jobTitle  = job_title | trim", "jobTitle=job_title|trim"));
    git(project.path(), &["add", "."]);
    run("migr-fmt", &project).exits(0);
    let changed = git(project.path(), &["diff", "--name-only"]);
    assert_eq!(changed, "crm/migration.migr", "pre-commit refuses a commit whose files a hook changed");
    git(project.path(), &["add", "."]);
    run("migr-fmt", &project).exits(0);
    assert_eq!(git(project.path(), &["diff", "--name-only"]), "");
    run("migr-check", &project).exits(0);
    project.write("crm/migration.migr", &spec.replace("| trim", "| trimm"));
    let found = run("migr-check", &project).exits(1);
    assert!(found.stdout.contains("crm/migration.migr:"), "{}", found.stdout);
}
