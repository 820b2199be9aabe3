//! The action for code hosts, run as a script: a temporary git repository, and a stand-in for the host's API on loopback.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Project, Ran, copy, repository};
use crate::small::Small;
use crate::web_host::{Asked, serve};

/// Comments of the one pull request, and each request's method and path.
#[derive(Default)]
struct Host {
    comments: Vec<Value>,
    uploads: Vec<Value>,
    asked: Vec<String>,
    refuses_writes: bool,
}

/// Serves the comments of a pull request; gives the API's address.
fn host(state: &Arc<Mutex<Host>>) -> String {
    let state = Arc::clone(state);
    serve(move |asked| answer(&asked, &mut state.lock().expect("the host's state")))
}

fn answer(asked: &Asked, host: &mut Host) -> (&'static str, Value) {
    let Asked { method, path, body } = asked;
    host.asked.push(format!("{method} {path}"));
    match (method.as_str(), path.as_str()) {
        ("POST", "/repos/clinic/crm/code-scanning/sarifs") if !host.refuses_writes => {
            host.uploads.push(body.clone());
            ("202 Accepted", json!({ "id": "1" }))
        }
        ("POST", "/repos/clinic/crm/code-scanning/sarifs") => ("403 Forbidden", Value::Null),
        (_, path) if !path.starts_with("/repos/clinic/crm/issues/") => ("404 Not Found", Value::Null),
        ("GET", _) => ("200 OK", json!(host.comments)),
        _ if host.refuses_writes => ("403 Forbidden", Value::Null),
        ("POST", _) => {
            let id = host.comments.len() + 1;
            host.comments.push(json!({ "id": id, "body": body["body"], "user": { "login": "github-actions[bot]" } }));
            ("201 Created", json!({}))
        }
        (_, path) => {
            let id: usize = path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
            host.comments[id - 1]["body"] = body["body"].clone();
            ("200 OK", json!({}))
        }
    }
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let author = ["-c", "user.name=Ada", "-c", "user.email=ada@clinic.example", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").args(author).args(arguments).current_dir(folder).output().expect("git starts");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// True where a program is there; where it is not, the test says that it is left out.
pub(crate) fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        eprintln!("LEFT OUT: {program} does not start, so what needs it was not run");
    }
    is_there
}

/// A step of the action, as its `action.yml` runs it.
fn step(project: &Project, name: &str, base: &str, api: &str) -> Ran {
    let output = Command::new("sh")
        .arg(repository().join(".github/actions/migr/migr.sh"))
        .current_dir(project.path())
        .env("MIGR_STEP", name)
        .env("MIGR", env!("CARGO_BIN_EXE_migr"))
        .env("MIGR_PATH", "crm")
        .env("MIGR_SARIF", "migr.sarif")
        .env("MIGR_BASE", base)
        .env("MIGR_TOKEN", "a-token")
        .env("MIGR_AUTHOR", "github-actions[bot]")
        .env("GITHUB_API_URL", api)
        .env("GITHUB_REPOSITORY", "clinic/crm")
        .env("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567")
        .env("GITHUB_REF", "refs/pull/7/merge")
        .env("GITHUB_EVENT_PATH", "event.json")
        .env("GITHUB_OUTPUT", "output")
        .output()
        .expect("the script starts");
    Ran::from(output)
}

/// Three changes of the example's spec: a row of a picklist, a field that is dropped, and a map more.
fn three_changes(project: &Project) {
    let spec = project.read("crm/migration.migr");
    let changed = spec
        .replace("  \"Customer\"       = new", "  \"Connected\" = NEW\n  \"Customer\"       = new")
        .replace("  new city \"City\": text = city\n", "  drop city : \"in the address\"\n");
    assert_ne!(spec, changed, "the example has both");
    let more = "\nmap Company as Branch -> new branches \"Branches\" one branch \"Branch\" {\n  name = name\n}\n";
    project.write("crm/migration.migr", &format!("{changed}{more}"));
}

/// A repository of two commits, with the example in `crm`.
pub(crate) fn two_commits() -> (Project, String) {
    let project = Project::empty();
    let crm = project.path().join("crm");
    std::fs::create_dir(&crm).expect("a folder");
    copy(&repository().join("examples/visual-practice-to-twenty"), &crm, Some(".migr"));
    git(project.path(), &["init", "--quiet"]);
    git(project.path(), &["add", "."]);
    git(project.path(), &["commit", "--quiet", "-m", "before"]);
    let base = git(project.path(), &["rev-parse", "HEAD"]);
    three_changes(&project);
    git(project.path(), &["commit", "--quiet", "-am", "after"]);
    (project, base)
}

/// Findings as the host unpacks them.
fn uploaded(project: &Project, upload: &Value) -> Value {
    project.write("upload.base64", upload["sarif"].as_str().expect("a text"));
    let unpacked = Command::new("sh")
        .args(["-c", "base64 -d upload.base64 | gzip -dc"])
        .current_dir(project.path())
        .output()
        .expect("sh starts");
    serde_json::from_slice(&unpacked.stdout).expect("JSON that was packed")
}

#[test]
fn one_comment_says_what_a_pull_request_changes_and_is_edited_in_its_place() {
    if !has("jq") || !has("curl") {
        return;
    }
    let (project, base) = two_commits();
    project.write("event.json", &json!({ "pull_request": { "number": 7, "base": { "sha": base } } }).to_string());
    let state = Arc::new(Mutex::new(Host::default()));
    // Somebody else's comment that looks like ours stays as it is.
    let theirs = json!({ "id": 1, "body": "<!-- migr plan: crm -->\nmine", "user": { "login": "mallory" } });
    state.lock().unwrap().comments.push(theirs.clone());
    let api = host(&state);

    step(&project, "base", "", &api).exits(0);
    assert_eq!(project.read("output").trim(), format!("base={base}"));
    let checked = step(&project, "check", &base, &api).exits(0);
    assert!(!checked.stdout.contains("::error"), "{}", checked.stdout);
    let sarif: Value = serde_json::from_str(&project.read("migr.sarif")).expect("SARIF is JSON");
    assert_eq!(sarif["version"], "2.1.0");
    step(&project, "upload", &base, &api).exits(0);
    let upload = state.lock().unwrap().uploads[0].clone();
    assert_eq!((&upload["ref"], &upload["tool_name"]), (&json!("refs/pull/7/merge"), &json!("migr")));
    assert_eq!(upload["commit_sha"].as_str().map(str::len), Some(40));
    assert_eq!(uploaded(&project, &upload), sarif, "what is uploaded is what was found");

    step(&project, "comment", &base, &api).exits(0);
    let body = state.lock().unwrap().comments[1]["body"].as_str().expect("a text").to_owned();
    for part in ["picklist LeadStatus", "Connected", "map Contact.city", "map Branch", "### What this changes"] {
        assert!(body.contains(part), "no `{part}` in\n{body}");
    }
    // The next push edits the same comment.
    let spec = project.read("crm/migration.migr");
    project.write("crm/migration.migr", &spec.replace("\"Connected\" = NEW", "\"Closed won\" = NEW"));
    step(&project, "comment", &base, &api).exits(0);
    // A spec with errors has no plan: the check fails with annotations, and the comment says so.
    project.write("crm/migration.migr", &spec.replace("| trim", "| trimm"));
    let failed = step(&project, "check", &base, &api).exits(1);
    assert!(failed.stdout.contains("::error file=crm/migration.migr,line="), "{}", failed.stdout);
    {
        let host = state.lock().unwrap();
        assert_eq!(host.comments.len(), 2, "one comment of ours: {:#?}", host.asked);
        assert!(host.comments[1]["body"].as_str().unwrap().contains("Closed won"));
        assert_eq!(host.comments[0], theirs);
        assert!(host.asked.contains(&"PATCH /repos/clinic/crm/issues/comments/2".to_owned()), "{:#?}", host.asked);
    }
    step(&project, "comment", &base, &api).exits(0);
    assert!(state.lock().unwrap().comments[1]["body"].as_str().unwrap().contains("The spec has errors"));
    // A token of a fork may not write, and that fails nothing.
    state.lock().unwrap().refuses_writes = true;
    let refused = step(&project, "comment", &base, &api).exits(0);
    assert!(refused.stderr.contains("the comment cannot be changed"), "{}", refused.stderr);
    let refused = step(&project, "upload", &base, &api).exits(0);
    assert!(refused.stderr.contains("the findings cannot be uploaded"), "{}", refused.stderr);
    project.write("migr.sarif", "");
    let none = step(&project, "upload", &base, &api).exits(0);
    assert!(none.stderr.contains("there are no findings to upload"), "{}", none.stderr);
    assert_eq!(state.lock().unwrap().uploads.len(), 1);
}

#[test]
fn two_commits_are_told_apart_by_the_names_of_what_changed() {
    let (project, _) = two_commits();
    let folder = project.path().join("crm");
    let migr = |arguments: &[&str]| crate::harness::migr_in(&folder, arguments);
    // With what an audit counted at hand, each change says how many records it concerns.
    migr(&["audit", "--offline"]).exits(1);
    let text = migr(&["diff", "HEAD~1", "HEAD", "--format", "markdown"]).exits(0).stdout;
    let line = |name: &str| {
        let line = text.lines().find(|line| line.contains(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
    };
    assert!(line("picklist LeadStatus \"Connected\"").contains("records |"), "{text}");
    assert!(line("`map Contact.city`").contains("loses") && line("`map Contact.city`").contains("records |"), "{text}");
    assert!(line("map Branch").contains("| 60 records |"), "{text}");
    // Without a lock the export's rows say the same.
    std::fs::remove_file(folder.join("migr.lock")).unwrap();
    let uncounted = migr(&["diff", "HEAD~1", "HEAD"]).exits(0);
    assert!(uncounted.stderr.contains("`--data` counts them in the export"), "{}", uncounted.stderr);
    let counted = migr(&["diff", "HEAD~1", "HEAD", "--data", "--format", "markdown"]).exits(0).stdout;
    assert_eq!(
        counted.lines().find(|line| line.contains("map Branch")),
        text.lines().find(|line| line.contains("map Branch"))
    );
    assert!(!folder.join("migr.lock").exists(), "nothing is written");
    migr(&["diff", "HEAD~1", "HEAD", "--exit-code"]).exits(1);
    migr(&["diff", "HEAD", "HEAD", "--exit-code"]).exits(0);
    let same = migr(&["diff", "HEAD", "HEAD"]).exits(0);
    assert_eq!(same.stdout, "No change in meaning.\n");
    let unknown = migr(&["diff", "HEAD~9", "HEAD"]).exits(2);
    assert_eq!(unknown.stderr.matches("error:").count(), 1, "{}", unknown.stderr);
}

#[test]
fn a_setting_that_values_are_read_by_tells_how_many_of_them_differ() {
    let small = Small {
        objects: r#"  object Visit from "visits.csv" { key id; id: text; at: datetime format "%Y-%m-%d %H:%M"; phone: text; fee: text }"#,
        maps: r#"map Visit -> companies {
  name = id
  new at "At": datetime = at otherwise none
  new phone "Phone": phone = phone | phone otherwise none
  new fee "Fee": currency = fee | money otherwise none
}"#,
        // The wall clocks of both zones agree in winter; a number and an amount that name their own say the same either way.
        files: &[(
            "visits.csv",
            "id,at,phone,fee\n1,2024-01-10 09:00,020 7946 0000,12\n2,2024-07-10 09:00,+44 20 7946 0000,12 EUR\n3,,,\n4,2024-07-11 10:00,020 7946 0001,\n",
        )],
        held: Vec::new(),
    };
    let project = small.project();
    let was = project.read("migration.migr").replace("\"US\"", "\"GB\"");
    project.write("migration.migr", &was);
    git(project.path(), &["init", "-q"]);
    git(project.path(), &["add", "."]);
    git(project.path(), &["commit", "-qm", "before"]);
    project.migr(&["audit", "--offline"]);
    for (from, to, setting, at_most, exact) in [
        ("timezone = \"UTC\"", "timezone = \"Europe/London\"", "timezone", 3, 2),
        ("country = \"GB\"", "country = \"DE\"", "country", 3, 2),
        ("currency = \"USD\"", "currency = \"EUR\"", "currency", 2, 1),
    ] {
        project.write("migration.migr", &was.replace(from, to));
        let bound = project.migr(&["plan", "--base", "HEAD"]).exits(0);
        assert!(bound.stdout.contains(&format!("{setting}  (up to {at_most} records)")), "{}", bound.stdout);
        assert!(bound.stderr.contains("`--data` counts the rows whose values differ"), "{}", bound.stderr);
        let counted = project.migr(&["plan", "--base", "HEAD", "--data", "--format", "json"]).exits(0).json();
        let change = &counted["changes"][0];
        assert_eq!(
            (&change["path"], &change["kind"]),
            (&json!(format!("migration: {setting}")), &json!("reads_otherwise"))
        );
        assert_eq!((&change["records"], change.get("at_most")), (&json!(exact), None), "{counted}");
        let page = project.migr(&["plan", "--base", "HEAD", "--format", "markdown"]).exits(0).stdout;
        assert!(page.contains(&format!("| up to {at_most} records |")), "{page}");
    }
}

#[test]
fn what_hosts_read_is_well_formed_and_names_what_there_is() {
    let read =
        |path: &str| std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let action = read(".github/actions/migr/action.yml");
    for (name, text) in [("action.yml", &action), ("gitlab", &read(".gitlab/migr.gitlab-ci.yml"))] {
        assert!(!text.contains('\t'), "{name}: YAML has no tabs");
    }
    // Inputs reach a command by the environment alone.
    for line in action.lines().filter(|line| line.trim_start().starts_with("run:")) {
        assert!(!line.contains("${{"), "an input is part of a command: {line}");
    }
    for hook in ["migr fmt", "migr check"] {
        assert!(read(".pre-commit-hooks.yaml").contains(&format!("entry: {hook}")));
    }
    let container = read(".github/Containerfile");
    assert!(container.contains("FROM scratch") && container.contains("STRIP=symbols"), "{container}");
}
