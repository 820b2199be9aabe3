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
