use crate::harness::{Project, migr_in, repository};

const FIVE_MISTAKES: &str = include_str!("five_mistakes.migr");

#[test]
fn five_unrelated_mistakes_are_all_reported_with_file_place_code_and_help() {
    let project = Project::empty();
    project.write("five_mistakes.migr", FIVE_MISTAKES);
    let found = project.migr(&["check", "--format", "json"]).exits(1).json();
    let expected: Vec<(u64, String)> = FIVE_MISTAKES
        .lines()
        .zip(1..)
        .filter_map(|(line, number)| line.split_once("//~ ").map(|(_, code)| (number, code.trim().to_owned())))
        .collect();
    let diagnostics = found["diagnostics"].as_array().unwrap();
    let seen: Vec<(u64, String)> = diagnostics
        .iter()
        .map(|one| (one["start"]["line"].as_u64().unwrap(), one["code"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(expected.len(), 5, "the file marks five lines");
    assert_eq!(seen, expected);
    for one in diagnostics {
        assert_eq!(one["file"], "five_mistakes.migr");
        assert!(one["help"].as_str().is_some_and(|help| !help.is_empty()), "no help: {one}");
        assert!(one["start"]["column"].as_u64().unwrap() >= 1);
    }
    assert_eq!(found["summary"]["errors"], 5);
    let shown = project.migr(&["check"]).exits(1);
    insta::assert_snapshot!(shown.stdout);
}

#[test]
fn the_shipped_specs_and_examples_have_no_problems_and_are_in_the_one_layout() {
    for folder in ["specs", "examples"] {
        let checked = migr_in(&repository(), &["check", folder]).exits(0);
        assert_eq!(checked.stdout, "", "{folder}");
        migr_in(&repository(), &["fmt", "--check", folder]).exits(0);
    }
}

#[test]
fn a_folder_without_specs_is_wrong_usage() {
    let project = Project::empty();
    let ran = project.migr(&["check"]).exits(2);
    assert!(ran.stderr.contains("no `.migr` file"), "{}", ran.stderr);
}

const EIGHT_MISTAKES: &str = include_str!("eight_mistakes.migr");

#[test]
fn eight_mistakes_of_eight_kinds_fill_one_screen_and_hide_nothing() {
    let project = Project::empty();
    project.write("eight_mistakes.migr", EIGHT_MISTAKES);
    let found = project.migr(&["check", "--format", "json"]).exits(1).json();
    let marks = EIGHT_MISTAKES.lines().zip(1..).filter_map(|(line, number)| Some((number, line.split_once("//~ ")?.1)));
    let marks: Vec<(u64, String)> = marks.map(|(number, code)| (number, code.trim().to_owned())).collect();
    let diagnostics = found["diagnostics"].as_array().unwrap();
    let seen = diagnostics.iter().map(|one| (one["start"]["line"].as_u64().unwrap(), one["code"].as_str().unwrap()));
    let seen: Vec<(u64, String)> = seen.map(|(number, code)| (number, code.to_owned())).collect();
    assert_eq!((marks.len(), &seen), (8, &marks));
    insta::assert_snapshot!(project.migr(&["check"]).exits(1).stdout);
    let lines = project.migr(&["check", "--format", "github"]).exits(1).stdout;
    assert_eq!(lines.lines().filter(|line| line.starts_with("::error ")).count(), 8, "{lines}");
}

#[test]
fn a_spec_that_is_no_utf_8_text_is_said_with_its_byte_and_left_as_it_was() {
    let project = Project::empty();
    let bytes = b"// R\xe9sum\xe9\n";
    std::fs::write(project.path().join("spec.migr"), bytes).unwrap();
    for command in ["check", "fmt"] {
        let ran = project.migr(&[command, "spec.migr"]).exits(1);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("it is not UTF-8 text (byte 5)") && said.contains("saved as UTF-8"), "{said}");
    }
    assert_eq!(std::fs::read(project.path().join("spec.migr")).unwrap(), bytes);
}

/// A project whose map leaves a column out, and whose picklist nothing uses.
const UNTIDY: &str = r#"system shop {
  object Customer from "customers.csv" { key id; id: text; title: text; fax: text }
}
system crm {
  connector twenty
  object companies { name: text; stage: select { NEW } }
}
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("CRM_URL"); token = secret("CRM_KEY") }
}
map Customer -> companies {
  name = title
  drop fax : "nobody has one"
}
"#;

const UNUSED: &str = "picklist Stage -> companies.stage {\n  \"new\" = NEW\n  otherwise quarantine\n}\n";

#[test]
fn warnings_are_denied_on_request_and_allowed_with_a_reason_which_is_told_where_it_is_needless() {
    let project = Project::empty();
    project.write("main.migr", &format!("{UNTIDY}{UNUSED}"));
    let shown = project.migr(&["check", "--format", "short"]).exits(0).stdout;
    assert!(shown.contains("W0322"), "{shown}");
    project.migr(&["check", "--deny", "warnings"]).exits(1);
    project.write("main.migr", &format!("{UNTIDY}// allow W0322: for the second wave\n{UNUSED}"));
    assert_eq!(project.migr(&["check", "--deny", "warnings", "--format", "short"]).exits(0).stdout, "");
    project.write("main.migr", &format!("// allow W0322: nothing here\n{UNTIDY}"));
    let shown = project.migr(&["check", "--deny", "warnings", "--format", "short"]).exits(1).stdout;
    assert!(shown.contains("W0211"), "{shown}");
}

#[test]
fn against_a_revision_only_what_the_change_brought_is_told() {
    let project = Project::empty();
    project.write("main.migr", &format!("{UNTIDY}{UNUSED}"));
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=T", "-c", "user.email=t@clinic.example", "-c", "commit.gpgsign=false"]);
        let done = command.args(arguments).current_dir(project.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "main.migr"]);
    git(&["commit", "-q", "-m", "First"]);
    let short = |expected: i32| {
        let ran = project.migr(&["check", "--base", "HEAD", "--deny", "warnings", "--format", "short"]);
        ran.exits(expected).stdout
    };
    assert_eq!(short(0), "", "what was there before is not told");
    project.write("main.migr", &format!("// moved down by a line\n{UNTIDY}{UNUSED}").replace("= title", "= titel"));
    let shown = short(1);
    assert!(shown.contains("E0304") && !shown.contains("W0322"), "{shown}");
    let ran = project.migr(&["check", "--base", "nowhere"]).exits(2);
    assert!(ran.stderr.contains("git knows no revision `nowhere`"), "{}", ran.stderr);
}

#[test]
fn what_is_certain_is_mended_on_request_and_the_rest_is_told() {
    let project = Project::empty();
    let tidy = UNTIDY.replace("= title", "= titel");
    let wrong =
        tidy.replace("= titel", "= titel\n  stage = kind | Stage").replace("text; fax", "text; kind: text; fax");
    let needless = wrong
        .replace("= titel\n", "= titel // allow W0320: long gone\n")
        .replace("drop fax", "new copy \"Copy\": text = title | trim otherwise none\n  drop fax");
    project.write("main.migr", &format!("use \"std/systems/highlevel\"\n{needless}{UNUSED}"));
    let mended = project.migr(&["check", "--fix", "--format", "short"]).exits(1);
    assert!(mended.stdout.contains("E0304") && mended.stdout.lines().count() == 1, "{}", mended.stdout);
    let text = std::fs::read_to_string(project.path().join("main.migr")).unwrap();
    for gone in ["std/systems/highlevel", "otherwise none", "allow W0320"] {
        assert!(!text.contains(gone), "{text}");
    }
    assert!(text.contains("new copy \"Copy\": text = title | trim\n") && text.contains("titel"), "{text}");
}
