use crate::harness::{Project, migr_in, repository};

const SPEC: &str = r#"system shop {
  object Customer from "customers.csv" {
    key id
    id: text; title: text; kind: text; parent: -> Customer
    email: email sensitive
  }
}
system crm {
  connector twenty
  object companies {
    name: text; stage: select { NEW, WON }; parent: -> companies; mail: email sensitive
  }
}
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("CRM_URL"); token = secret("CRM_KEY") }
}
skip Customer when kind == "Old" : "older than ten years"
picklist Stage -> companies.stage {
  "Fresh" = NEW
  otherwise quarantine
}
map Customer -> companies {
  name   = title | trim
  stage  = kind | Stage
  parent = parent
  mail   = email
}
"#;

const RIGHT: &str = r#"
test "what is expected comes out" {
  given Customer { id: "1", title: " Acme ", kind: "Fresh" }
  given Customer { id: "2", title: "Beta", parent: "1" }
  given Customer { id: "3", kind: "Stale" }
  given Customer { id: "4", kind: "Old" }
  expect companies { name: "Acme", stage: NEW, parent: none }
  expect quarantined Customer("3") on stage
  expect skipped Customer("4")
}
"#;

const WRONG: &str = r#"
test "values are compared" {
  given Customer { id: "1", title: "Acme", kind: "Fresh" }
  given Customer { id: "2", title: "Beta", kind: "Fresh", parent: "1", email: "b@shop.example" }
  expect companies { name: "Beta", stage: WON, parent: companies("2"), mail: "private@shop.example" }
}
test "what is quarantined is compared" {
  given Customer { id: "1", title: "Acme", kind: "Fresh" }
  given Customer { id: "3", kind: "Stale" }
  expect skipped Customer("3")
  expect quarantined Customer("1") on stage
  expect quarantined Customer("9")
}
"#;

#[test]
fn the_tests_of_the_shipped_specs_and_examples_pass() {
    for (folder, said) in [("specs", "3 tests passed\n"), ("examples", "3 tests passed\n")] {
        let ran = migr_in(&repository(), &["test", folder]).exits(0);
        assert_eq!(ran.stdout, said, "{folder}");
    }
}

#[test]
fn a_test_that_holds_passes_and_one_that_does_not_shows_what_differs() {
    let project = Project::empty();
    project.write("main.migr", &format!("{SPEC}{RIGHT}"));
    assert_eq!(project.migr(&["test"]).exits(0).stdout, "1 test passed\n");
    project.write("main.migr", &format!("{SPEC}{RIGHT}{WRONG}"));
    let shown = project.migr(&["test"]).exits(1).stdout;
    assert!(!shown.contains("@shop.example"), "a sensitive value is shown: {shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn results_come_as_json_and_junit_too() {
    let project = Project::empty();
    project.write("main.migr", &format!("{SPEC}{RIGHT}{WRONG}"));
    let found = project.migr(&["test", "--format", "json"]).exits(1).json();
    assert_eq!(found["summary"]["passed"], 1);
    assert_eq!(found["summary"]["failed"], 2);
    let first = &found["tests"][1]["mismatches"][0];
    assert_eq!((first["expected"].as_str(), first["actual"].as_str()), (Some("\"WON\""), Some("\"NEW\"")));
    insta::assert_snapshot!(project.migr(&["test", "--format", "junit"]).exits(1).stdout);
}

/// Two fields from one decision, with what becomes of values without a row.
const SEVERAL: &str = r#"
system shop {
  object Customer from "customers.csv" { key id; id: text; kind: text; state: text }
}
system crm {
  connector twenty
  object companies { name: text; stage: select { NEW, WON, OPEN }; rank: select { HIGH, LOW } }
}
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("CRM_URL"); token = secret("CRM_KEY") }
}
picklist Stage (kind, state) -> companies (stage, rank) {
  ("Fresh", "open") = (NEW, HIGH)
  ("Fresh", "won") = (WON, HIGH)
  otherwise (OPEN, LOW)
}
map Customer -> companies {
  name = id
  (stage, rank) = (kind, state) | Stage
}
test "a value without a row becomes what otherwise says, in every field" {
  given Customer { id: "1", kind: "Fresh", state: "won" }
  given Customer { id: "2", kind: "Fresh", state: "lost" }
  given Customer { id: "3", kind: "Stale" }
  given Customer { id: "4" }
  expect companies { name: "1", stage: WON, rank: HIGH }
  expect companies { name: "2", stage: OPEN, rank: LOW }
  expect companies { name: "3", stage: OPEN, rank: LOW }
  expect companies { name: "4", stage: none, rank: none }
}
"#;

#[test]
fn a_table_of_several_fields_gives_values_without_a_row_what_otherwise_says() {
    let project = Project::empty();
    project.write("main.migr", SEVERAL);
    assert_eq!(project.migr(&["test"]).exits(0).stdout, "1 test passed\n");
    project.write(
        "main.migr",
        &SEVERAL.replace(
            "stage: OPEN, rank: LOW }\n  expect companies { name: \"4\"",
            "stage: OPEN, rank: HIGH }\n  expect companies { name: \"4\"",
        ),
    );
    let shown = project.migr(&["test"]).exits(1).stdout;
    assert!(shown.contains("rank") && shown.contains("LOW"), "{shown}");
}

#[test]
fn a_spec_that_does_not_check_is_not_tested() {
    let project = Project::empty();
    project.write("main.migr", &format!("{SPEC}{}", RIGHT.replace("title:", "titel:")));
    let ran = project.migr(&["test"]).exits(1);
    assert!(ran.stderr.contains("E0304"), "{}", ran.stderr);
    project.migr(&["test", "nowhere"]).exits(2);
}
