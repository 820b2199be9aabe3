//! `migr check --data`: the rows of an export, as findings of `check`.

use serde_json::Value;

use crate::harness::{Project, Ran};

const SPEC: &str = r#"system shop {
  object Firm from "firms.csv" { key id; id: text; name: text }
  object Customer from "customers.csv" {
    key id
    id: text
    name: text
    mail: email sensitive
    born: date format "%Y-%m-%d"
    seen: date format "%Y-%m-%d"
    firm: -> Firm
  }
}
system crm {
  connector twenty
  object companies { name: text }
  object people { name: text; mail: email sensitive; born: date; seen: date; company: -> companies }
}
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("CRM_URL"); token = secret("CRM_KEY") }
}
map Firm -> companies { name = name }
map Customer -> people {
  name = name
  mail = mail
  born = born
  seen = seen otherwise none
  company = firm
}
"#;

const FIRMS: &str = "ID,Name\nK1,Acme\n";
const HEADER: &str = "ID,Name,Mail,Born,Seen,Firm\n";

/// A project whose export has these customers.
fn project(customers: &str) -> Project {
    let project = Project::empty();
    project.write("shop.migr", SPEC);
    project.write("export/firms.csv", FIRMS);
    project.write("export/customers.csv", &format!("{HEADER}{customers}"));
    project
}

/// Dates, an address and a firm that are none; a cell in quotes with a comma, a quote and a letter of two bytes, and one of two lines.
const CUSTOMERS: &str = "\
C1,\"Ada, \"\"née\"\" Byron\",ada@x.example,yesterday,2020-01-01,K1
C2,\"Bob
the second\",bob@x.example,,,K1
C3,Cy,no address at all,,soon,
C4,Di,di@x.example,1/2/03,,
C5,Ed,ed@x.example,?,,
C6,Flo,flo@x.example,n.n.,,
C7,Gus,gus@x.example,x,,K9
C8,Hal,hal@x.example,y,,
C9,Ida,ida@x.example,z,,
";

fn checked(project: &Project, format: &str, exit: i32) -> Ran {
    project.migr(&["check", "--data", "--format", format]).exits(exit)
}

#[test]
fn the_rows_of_an_export_are_findings_at_their_file_line_and_column_in_every_format() {
    let project = project(CUSTOMERS);
    for format in ["human", "short", "json", "github", "gitlab", "junit"] {
        let ran = checked(&project, format, 1);
        assert!(!ran.stdout.contains("no address at all"), "a sensitive value: {}", ran.stdout);
        insta::assert_snapshot!(format!("rows_{format}"), ran.stdout);
    }
    let mut sarif = checked(&project, "sarif", 1).json();
    // The pages and the version have tests of their own.
    let driver = &mut sarif["runs"][0]["tool"]["driver"];
    driver["version"] = Value::from("[version]");
    for rule in driver["rules"].as_array_mut().unwrap() {
        rule["help"] = Value::from("[page]");
    }
    insta::assert_snapshot!("rows_sarif", serde_json::to_string_pretty(&sarif).unwrap());
}

#[test]
fn nothing_is_written_and_an_audit_finds_the_same() {
    let project = project(CUSTOMERS);
    let listed = || {
        let mut names: Vec<String> = std::fs::read_dir(project.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let found = checked(&project, "json", 1).json();
    assert_eq!(listed(), ["export", "shop.migr"], "neither a lock nor a folder is left behind");
    let audit = project.migr(&["audit", "--offline", "--format", "json"]).exits(1).json();
    let said = found["diagnostics"].as_array().unwrap();
    let mut of_class = std::collections::BTreeMap::new();
    for finding in audit["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] != "note") {
        let class = finding["kind"].as_str().unwrap();
        let before = of_class.entry((class, finding["severity"].as_str().unwrap())).or_insert(0);
        *before += 1;
        let is_said = said.iter().any(|one| {
            one["message"].as_str().unwrap().starts_with(&format!("{class}: "))
                && one["file"] == finding["file"]
                && one["start"]["line"] == finding["line"]
        });
        assert!(is_said || *before > 6, "{finding}");
    }
    assert_eq!(of_class.get(&("bad-date", "error")), Some(&7));
    let before = (project.read("migr.lock"), listed());
    checked(&project, "json", 1);
    assert_eq!((project.read("migr.lock"), listed()), before, "the lock of an audit is left as it is");
}

#[test]
fn warnings_alone_are_done_unless_they_are_denied_and_clean_rows_are_counted() {
    let project = project("C1,Ada,ada@x.example,1985-12-10,soon,K1\n");
    let shown = checked(&project, "short", 0).stdout;
    assert!(shown.starts_with("export/customers.csv:2:33: warning[W0612]: bad-date: Customer C1 seen: "), "{shown}");
    project.migr(&["check", "--data", "--deny", "warnings"]).exits(1);
    project.migr(&["check", "--deny", "warnings"]).exits(0);
    project.write("export/customers.csv", &format!("{HEADER}C1,Ada,ada@x.example,1985-12-10,,K1\n"));
    let ran = checked(&project, "human", 0);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("no problems in 1 file and 2 rows of the export"), "{}", ran.stderr);
}

#[test]
fn what_the_spec_says_of_its_export_is_said_of_the_rows_that_are_there_and_once() {
    let project = project("C1,Ada,ada@x.example,1985-12-10,,K1\n");
    project.write("export/firms.csv", "ID,Name,Fax\nK1,Acme,1\n");
    project.write("export/notes.csv", "ID\n1\n");
    let shown = checked(&project, "short", 1).stdout;
    let with = |code: &str| shown.lines().filter(|line| line.contains(code)).count();
    assert_eq!((with("W0604"), with("extra-column")), (1, 0), "{shown}");
    assert_eq!((with("W0610"), with("unclaimed-file")), (0, 1), "{shown}");
    std::fs::remove_file(project.path().join("export/firms.csv")).unwrap();
    let shown = checked(&project, "short", 1).stdout;
    let with = |code: &str| shown.lines().filter(|line| line.contains(code)).count();
    assert_eq!((with("W0602"), with("missing-file")), (0, 1), "{shown}");
    let line = SPEC.lines().position(|line| line.starts_with("map Firm")).unwrap() + 1;
    assert!(shown.contains(&format!("shop.migr:{line}:1: error[E0611]: missing-file: Firm: ")), "{shown}");
}

#[test]
fn a_spec_that_does_not_hold_is_mended_first_and_fixes_come_before_the_rows() {
    let project = project("C1,Ada,ada@x.example,yesterday,,K1\n");
    project.write("shop.migr", &SPEC.replace("born = born", "born = bron"));
    let ran = checked(&project, "short", 1);
    assert!(ran.stdout.contains("E0304") && !ran.stdout.contains("E0611"), "{}", ran.stdout);
    assert!(ran.stderr.contains("was not read: mend its spec first"), "{}", ran.stderr);
    project.write("shop.migr", &SPEC.replace("name = name\n  mail", "name = name | trim otherwise none\n  mail"));
    let ran = project.migr(&["check", "--data", "--fix", "--format", "short"]).exits(1);
    assert!(ran.stdout.contains("E0611") && ran.stdout.lines().count() == 1, "{}", ran.stdout);
    assert!(project.read("shop.migr").contains("name = name | trim\n"));
}

#[test]
fn rows_are_not_compared_with_a_revision_of_the_spec() {
    let project = project("C1,Ada,ada@x.example,yesterday,,K1\n");
    let ran = project.migr(&["check", "--data", "--base", "HEAD"]).exits(2);
    assert!(ran.stderr.contains("git keeps no export") && ran.stderr.contains("leave out"), "{}", ran.stderr);
}
