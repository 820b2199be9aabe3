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

/// Rows that become one record, by a policy.
const MERGED: &str = r#"
system shop {
  object Customer from "customers.csv" {
    key id
    id: text; title: text; mail: email; phone: text; tags: list(text) split ","; seen: date format "%Y-%m-%d"
  }
  object Sale from "sales.csv" { key id; id: text; customer: -> Customer }
}
system crm {
  connector twenty
  object companies { name: text; mail: email; phone: text; tags: list(text) }
  object sales { name: text; company: -> companies }
}
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("CRM_URL"); token = secret("CRM_KEY") }
}
map Customer -> companies {
  match mail or phone
  on duplicate POLICY
  name  = title
  mail  = mail
  phone = phone
  tags  = tags
  drop seen : "decides"
}
map Sale -> sales {
  name    = id
  company = customer
}
test "rows that are one" {
  given Customer { id: "1", title: "Old", mail: "A@x.example", tags: "a,b", seen: "2024-01-01" }
  given Customer { id: "2", title: "New", mail: "a@x.example", phone: "5", tags: "b,c", seen: "2025-01-01" }
  given Customer { id: "3", title: "Other", phone: "9" }
  given Sale { id: "S1", customer: "1" }
EXPECTED
}
"#;

#[test]
fn rows_that_a_run_makes_one_are_one_in_a_test_and_references_follow() {
    for (policy, expected) in [
        (
            "merge newest seen",
            r#"
  expect companies { name: "New", phone: "5", tags: ["b", "c", "a"] }
  expect companies { name: "Other" }
  expect skipped Customer("1")
  expect sales { name: "S1", company: companies("2") }"#,
        ),
        (
            "keep oldest seen",
            r#"
  expect companies { name: "Old", phone: none, tags: ["a", "b"] }
  expect skipped Customer("2")
  expect sales { name: "S1", company: companies("1") }"#,
        ),
        (
            "quarantine",
            r#"
  expect companies { name: "Old" }
  expect quarantined Customer("2") on "mail or phone""#,
        ),
    ] {
        let project = Project::empty();
        let expected = expected.replace(" on \"mail or phone\"", "");
        project.write("main.migr", &MERGED.replace("POLICY", policy).replace("EXPECTED", &expected));
        assert_eq!(project.migr(&["test"]).exits(0).stdout, "1 test passed\n", "{policy}");
    }
}

/// Rows that are told apart, or not, by what a map says of values that must be unique.
const UNIQUE: &str = r#"
system shop {
  object Customer from "customers.csv" { key id; id: text; title: text; mail: email; phone: text; fax: text; place: number }
  object Sale from "sales.csv" { key id; id: text; mail: -> Customer.mail ignore case; customer: -> Customer }
}
system crm {
  connector twenty
  object companies { name: text; mail: email; phone: text unique; fax: text unique }
  object sales { name: text; company: -> companies }
}
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("CRM_URL"); token = secret("CRM_KEY") }
}
map Customer -> companies {
  match mail or phone
  on duplicate merge oldest place
  UNIDENTIFIED
  name  = title
  mail  = mail
  phone = phone on taken none
  fax   = fax FAX
  drop place : "decides"
}
map Sale -> sales {
  name    = id
  company = REFERENCE on missing none
}
test "rows" {
GIVEN
}
"#;

fn unique(with: [&str; 4]) -> Project {
    let project = Project::empty();
    let [unidentified, fax, reference, given] = with;
    let spec = UNIQUE.replace("UNIDENTIFIED", unidentified).replace("FAX", fax).replace("GIVEN", given);
    let spec = spec.replace("REFERENCE", reference);
    let unread = if reference == "mail" { "customer" } else { "mail" };
    project.write(
        "main.migr",
        &spec.replace("on missing none\n", &format!("on missing none\n  drop {unread} : \"double\"\n")),
    );
    project
}

#[test]
fn a_reference_by_a_value_that_rows_of_one_record_share_finds_that_record() {
    let given = r#"
  given Customer { id: "1", title: "Old", mail: "A@x.example", phone: "1", place: "1" }
  given Customer { id: "2", title: "Zoe", mail: "a@x.example", phone: "2", place: "2" }
  given Sale { id: "S1", mail: "a@X.example" }
  expect companies { name: "Old", phone: "1" }
  expect sales { name: "S1", company: companies("1") }"#;
    assert_eq!(unique(["", "", "mail", given]).migr(&["test"]).exits(0).stdout, "1 test passed\n");
}

#[test]
fn a_row_that_nothing_identifies_goes_by_its_policy_in_a_test_too() {
    for (policy, expected) in [
        ("", "expect companies { name: \"Bare\" }"),
        ("on unidentified create", "expect companies { name: \"Bare\" }"),
        ("on unidentified skip", "expect skipped Customer(\"1\")"),
        ("on unidentified quarantine", "expect quarantined Customer(\"1\") on phone"),
    ] {
        let given = format!("  given Customer {{ id: \"1\", title: \"Bare\", fax: \"5\" }}\n  {expected}");
        let ran = unique([policy, "", "customer", &given]).migr(&["test"]);
        assert_eq!(ran.exits(0).stdout, "1 test passed\n", "{policy}");
    }
}

#[test]
fn a_value_that_must_be_unique_and_an_earlier_row_has_goes_by_its_policy_in_a_test_too() {
    let one_phone = r#"
  given Customer { id: "1", title: "Ann", mail: "a@x.example", phone: "5" }
  given Customer { id: "2", title: "Bob", mail: "b@x.example", phone: "5", fax: "7" }
  given Sale { id: "S1", customer: "2" }
  expect companies { name: "Ann", phone: "5" }
  expect companies { name: "Bob", phone: none, fax: "7" }
  expect sales { company: companies("2") }"#;
    assert_eq!(unique(["", "", "customer", one_phone]).migr(&["test"]).exits(0).stdout, "1 test passed\n");
    let given_way = r#"
  given Customer { id: "1", title: "Ann", mail: "a@x.example", phone: "5", place: "2" }
  given Customer { id: "2", title: "Ann", mail: "a@x.example", phone: "6", place: "1" }
  given Customer { id: "3", title: "Cy", mail: "c@x.example", phone: "5" }
  expect companies { name: "Ann", phone: "6" }
  expect companies { name: "Cy", phone: "5" }"#;
    assert_eq!(unique(["", "", "customer", given_way]).migr(&["test"]).exits(0).stdout, "1 test passed\n");
    let one_fax = r#"
  given Customer { id: "1", title: "Ann", mail: "a@x.example", fax: "5" }
  given Customer { id: "2", title: "Ben", mail: "a@x.example", fax: "5" }
  given Customer { id: "3", title: "Cy", mail: "c@x.example", fax: "5" }
  given Sale { id: "S1", customer: "3" }
  expect companies { name: "Ann", fax: "5" }
EXPECTED"#;
    for (policy, expected) in [
        ("", "  expect quarantined Customer(\"3\") on fax\n  expect sales { company: none }"),
        ("on taken skip", "  expect skipped Customer(\"3\")\n  expect sales { company: none }"),
        (
            "on taken none",
            "  expect companies { name: \"Cy\", fax: none }\n  expect sales { company: companies(\"3\") }",
        ),
    ] {
        let given = one_fax.replace("EXPECTED", expected);
        let ran = unique(["", policy, "customer", &given]).migr(&["test"]);
        assert_eq!(ran.exits(0).stdout, "1 test passed\n", "{policy}");
    }
}

#[test]
fn values_that_may_not_be_shown_are_told_apart_by_length_or_by_what_differs() {
    for (given, expected, said) in [
        (
            "a@x.example",
            "ab@x.example",
            "expected *** (sensitive: a text of 12 characters), got *** (sensitive: a text of 11 characters)",
        ),
        ("a@x.example", "b@x.example", "got *** (sensitive: a text of 11 characters), another one from character 1 on"),
        (
            "ab@x.example",
            "AB@x.example",
            "got *** (sensitive: a text of 12 characters), which differs in capitals alone",
        ),
    ] {
        let project = Project::empty();
        let test = format!(
            "test \"mail\" {{\n  given Customer {{ id: \"1\", title: \"A\", kind: \"Fresh\", email: \"{given}\" }}\n  expect companies {{ mail: \"{expected}\" }}\n}}\n"
        );
        project.write("main.migr", &format!("{SPEC}{test}"));
        let shown = project.migr(&["test"]).exits(1).stdout;
        assert!(shown.contains(said) && !shown.contains("x.example"), "{shown}");
    }
}
