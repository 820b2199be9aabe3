//! Documents for other programs: each is of its published schema, those of the first release too, and shells and manuals are served.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Project, migr_in, repository};

const DOCUMENTS: [&str; 7] = ["plan", "lock", "report", "diagnostics", "diff", "approval", "quarantine"];

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema_file(document: &str) -> PathBuf {
    repository().join("grammar/schema").join(format!("{document}.json"))
}

/// Fails where a document is not of its published schema.
#[track_caller]
fn is_of(document: &str, name: &str, value: &Value) {
    let schema = jsonschema::validator_for(&json(&schema_file(document))).expect("a schema");
    let wrong: Vec<String> =
        schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).take(5).collect();
    assert!(wrong.is_empty(), "{name} is no {document}:\n{}", wrong.join("\n"));
}

#[test]
fn the_published_schemas_are_those_of_the_program() {
    for document in DOCUMENTS {
        let told = migr_in(&repository(), &["schema", document]).exits(0);
        let published = std::fs::read_to_string(schema_file(document)).unwrap_or_default();
        assert_eq!(
            told.stdout, published,
            "grammar/schema/{document}.json is stale: `migr schema {document}` prints it anew"
        );
        assert!(told.stdout.contains("draft/2020-12"), "{document}");
    }
}

/// The JSON files below a folder.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

/// Kind of a document by what only it has.
fn kind(value: &Value) -> Option<&'static str> {
    let has = |key: &str| value.get(key).is_some();
    match () {
        () if !has("format_version") => None,
        () if has("inputs") && has("stages") => Some("plan"),
        () if has("export") && has("stages") => Some("lock"),
        () if has("quarantine") && has("objects") => Some("report"),
        () if has("diagnostics") => Some("diagnostics"),
        () if has("changes") => Some("diff"),
        () if has("by") && has("sample") => Some("approval"),
        () if has("quarantine") => Some("quarantine"),
        () => None,
    }
}

#[test]
fn every_document_of_the_repository_is_of_its_schema_and_those_of_the_first_release_load() {
    let mut files = Vec::new();
    for folder in ["examples", "specs", "tests/documents", "compiler/driver/tests/locked", "compiler/diff/tests"] {
        files_below(&repository().join(folder), &mut files);
    }
    let mut counted = std::collections::BTreeMap::new();
    for path in &files {
        let value = json(path);
        let Some(document) = kind(&value) else { continue };
        is_of(document, &path.display().to_string(), &value);
        *counted.entry(document).or_insert(0) += 1;
        let text = value.to_string();
        match document {
            "plan" => {
                drop(migr_plan::Plan::from_json(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
            }
            "lock" => {
                drop(migr_plan::Lock::from_json(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
            }
            _ => {}
        }
    }
    for document in DOCUMENTS {
        assert!(counted.get(document).is_some_and(|count| *count > 0), "no {document} in {counted:?}");
    }
    // A plan of the first release is compared with one of today.
    let first = "tests/documents/0.1.0/plan.json";
    migr_in(&repository(), &["diff", first, "examples/visual-practice-to-twenty", "--format", "json"]).exits(0);
}

#[test]
fn what_the_program_writes_is_of_its_schema() {
    let project = Project::example();
    project.migr(&["audit", "--offline"]);
    is_of("lock", "migr.lock", &json(&project.path().join("migr.lock")));
    let plan = project.migr(&["plan", "--format", "json"]).exits(0).json();
    is_of("plan", "a counted plan", &plan);
    project.write("before.json", &plan.to_string());
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("city = city", "city = city | trim"));
    let diff = project.migr(&["diff", "before.json", ".", "--format", "json"]).exits(0).json();
    is_of("diff", "a diff", &diff);
    project.write("migration.migr", &spec.replace("| trim", "| trimm"));
    is_of("diagnostics", "findings", &project.migr(&["check", "--format", "json"]).exits(1).json());
    project.write("migration.migr", &spec);
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    is_of("report", "a report", &project.migr(&["report", "--sandbox", "--format", "json"]).exits(0).json());
    let quarantine = project.migr(&["quarantine", "list", "--sandbox", "--json"]).exits(0).json();
    is_of("quarantine", "what is quarantined", &quarantine);
}

#[test]
fn an_approval_is_of_its_schema() {
    let project = Project::copy_of(&repository().join("tests/clinic"), Some(".migr"));
    project.migr(&["sample", "--sandbox"]);
    project.migr(&["approve", "--by", "Ada Brown", "--note", "as agreed", "--sandbox"]).exits(0);
    is_of("approval", "migr.approval", &json(&project.path().join("migr.approval")));
}

#[test]
fn a_json_form_has_a_published_schema_or_is_named_as_one_without() {
    let project = Project::empty();
    let readme = std::fs::read_to_string(repository().join("grammar/schema/README.md")).expect("the page");
    let listed = project.migr(&["--help"]).exits(0).stdout;
    let commands = listed.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut seen = 0;
    for command in
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| !matches!(*name, "help" | "sandbox"))
    {
        let help = project.migr(&[command, "--help"]).exits(0).stdout;
        // The form of the logs is no document.
        let help = help.replace("- json: For machines", "");
        if help.split(|one: char| !one.is_ascii_alphanumeric()).any(|word| matches!(word, "json" | "jsonl")) {
            seen += 1;
            assert!(
                readme.contains(&format!("`migr {command}")),
                "`migr {command}` writes JSON, and the page does not name it"
            );
        }
    }
    assert!(seen > 8, "{seen}\n{listed}");
}

#[test]
fn every_shell_and_the_manual_know_every_command() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = project.migr(&["completions", shell]).exits(0).stdout;
        for command in ["quarantine", "rollback", "plan", "--no-approval"] {
            let command = if shell == "fish" { command.trim_start_matches('-') } else { command };
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
    project.migr(&["man", "pages"]).exits(0);
    let page = project.read("pages/migr-plan.1");
    assert!(page.contains(".TH") && page.contains("base"), "{page}");
    for page in ["migr", "migr-quarantine-list", "migr-completions"] {
        assert!(project.path().join(format!("pages/{page}.1")).is_file(), "no page {page}");
    }
}
