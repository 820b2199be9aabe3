//! A sample: what it shows, what it leaves for later, and what it says of a record that is not as expected.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Project;
use crate::small::Small;
use crate::stand_in::StandIn;

fn records(sample: &Value) -> &Vec<Value> {
    sample["records"].as_array().expect("records")
}

fn place(record: &Value) -> (String, String) {
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    (text("map"), text("key"))
}

/// A report without what tells of runs.
fn outcome(project: &Project) -> Value {
    let mut report = project.report();
    for name in ["runs", "attention", "verify", "approvals", "plans"] {
        report.as_object_mut().unwrap().remove(name);
    }
    report
}

#[test]
fn a_sample_shows_every_case_needs_no_other_record_and_the_full_run_goes_on_from_it() {
    let project = Project::example();
    let arguments = ["sample", "--sandbox", "--records", "150", "--format", "json"];
    let sample = project.migr(&arguments).exits(5).json();
    assert!((150..160).contains(&records(&sample).len()), "as many as were asked for, and what the last one needs");
    let covered: BTreeMap<&str, (u64, u64)> = sample["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), (one["shown"].as_u64().unwrap(), one["all"].as_u64().unwrap())))
        .collect();
    for kind in
        ["maps", "fields with a value", "links", "rows of picklists", "reasons for which a record is not written"]
    {
        let (shown, all) = covered[kind];
        assert!(shown == all && all > 0, "{kind}: {shown} of {all}");
    }
    // An owner who is named, and whom no record of the export has.
    let missing: Vec<&str> =
        sample["uncovered"].as_array().unwrap().iter().filter_map(|one| one["what"].as_str()).collect();
    assert!(missing.iter().any(|what| what.starts_with("left3@visualpractice.example")), "{missing:?}");
    assert!(missing.iter().any(|what| what.contains("unknown kind")), "{missing:?}");
    for (shown, all) in covered.values() {
        assert!(shown <= all);
    }
    let not_shown: u64 = covered.values().map(|(shown, all)| all - shown).sum();
    assert_eq!(not_shown, missing.len() as u64, "what is not shown is listed");

    // One entry for each map, field and code, whatever the values are.
    let refused: Vec<(String, &Value)> = records(&sample)
        .iter()
        .filter(|one| one["state"] == "quarantined")
        .flat_map(|one| one["reasons"].as_array().unwrap().iter().map(|reason| (one["map"].to_string(), reason)))
        .collect();
    assert!(refused.iter().all(|(_, reason)| reason["code"].as_str().is_some_and(|code| code.starts_with('Q'))));
    let kinds: BTreeSet<(String, String, String)> = refused
        .iter()
        .map(|(map, reason)| (map.clone(), reason["field"].to_string(), reason["code"].to_string()))
        .collect();
    assert_eq!(covered["reasons for which a record is not written"].1, kinds.len() as u64, "{kinds:?}");

    // Source, rule, expected and found value of each field; sensitive ones masked.
    let contact = records(&sample).iter().find(|one| one["map"] == "Contact" && one["state"] == "created").unwrap();
    let field = |name: &str| contact["fields"].as_array().unwrap().iter().find(|field| field["field"] == name).unwrap();
    let title = field("jobTitle");
    assert_eq!((&title["source"][0]["column"], &title["rule"]), (&json!("Job Title"), &json!("job_title | trim")));
    assert!(title["place"].as_str().unwrap().starts_with("migration.migr:"), "{title}");
    assert_eq!((&title["standing"], &title["expected"]), (&json!("same"), &title["actual"]));
    let name = field("name");
    assert_eq!((&name["expected"], &name["actual"]), (&json!("***"), &json!("***")));
    assert_eq!(name["source"][0]["text"], "***");
    let text = sample.to_string();
    let cells = project.read("export/contacts.csv");
    let addresses = cells.split([',', '\n']).filter(|cell| {
        let cell = cell.to_lowercase();
        cell.contains('@') && !cell.contains("visualpractice")
    });
    for address in addresses.filter(|address| !address.trim().is_empty()) {
        assert!(!text.contains(address.trim()), "{address} is in the sample");
    }
    // The forms say the same.
    let page = project.read(".migr/sandbox/sample/sample.html");
    assert!(page.contains("Every value is as expected.") && !page.contains("<script"), "{page}");
    let table = project.read(".migr/sandbox/sample/sample.csv");
    let lines = csv::Reader::from_reader(table.as_bytes()).records().count();
    let fields: usize = records(&sample).iter().map(|one| one["fields"].as_array().unwrap().len().max(1)).sum();
    assert_eq!(lines, fields);

    // Again: nothing is written and nothing is another.
    let again = project.migr(&arguments).exits(5).json();
    let plain = |sample: &Value| records(sample).iter().map(place).collect::<BTreeSet<_>>();
    assert_eq!(plain(&again), plain(&sample));
    assert_eq!(again["changes"]["in_both"], records(&sample).len(), "{}", again["changes"]);
    assert_eq!(again["changes"]["fields"], json!([]));

    // The full run ends as one without a sample does, and writes each record once.
    project.migr(&["run", "--sandbox"]).exits(5);
    let alone = Project::example();
    alone.migr(&["run", "--sandbox"]).exits(5);
    assert_eq!(outcome(&project), outcome(&alone));
    project.migr(&["verify", "--sandbox"]).exits(0);
    let mut created: BTreeMap<(String, String), u32> = BTreeMap::new();
    for line in project.migr(&["journal", "--sandbox"]).exits(0).stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["type"] == "created" {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            *created.entry((text("step"), text("key"))).or_default() += 1;
        }
    }
    assert!(created.len() > 1_000 && created.values().all(|times| *times == 1));
    // What became of each record of the sample is what becomes of it in a run alone.
    let report = outcome(&alone);
    let quarantined: BTreeSet<(String, String)> = report["quarantine"].as_array().unwrap().iter().map(place).collect();
    for record in records(&sample) {
        let is_quarantined = quarantined.contains(&place(record));
        assert_eq!(record["state"] == "quarantined", is_quarantined, "{record}");
    }
}

/// Two maps, a branch, a reference, a picklist with a row that nobody has.
fn small() -> Small<'static> {
    Small {
        objects: "  object Firm from \"firms.csv\" {\n    key id\n    id: text\n    name: text\n  }\n  object Person from \"people.csv\" {\n    key id\n    id: text\n    mail: email sensitive\n    title: text\n    firm: -> Firm\n    kind: text\n  }",
        maps: "picklist Kind -> people.kind {\n  \"a\" = new ALPHA \"Alpha\"\n  \"b\" = new BETA \"Beta\"\n  \"z\" = new ZETA \"Zeta\"\n  otherwise none\n}\n\nmap Firm -> companies {\n  name = name\n}\n\nmap Person -> people {\n  emails = { primaryEmail: mail }\n  jobTitle = if title == \"boss\" then \"Boss\" else title\n  company = firm\n  new kind \"Kind\": select Kind = kind | Kind\n}",
        files: &[
            ("firms.csv", "id,name\nF1,One\nF2,Two\nF3,Three\nF4,Four\nF5,Five\n"),
            (
                "people.csv",
                "id,mail,title,firm,kind\nP1,p1@x.example,boss,F4,a\nP2,p2@x.example,clerk,F2,b\nP3,p3@x.example,clerk,F2,q\nP4,p4@x.example,clerk,F9,a\nP5,p5@x.example,clerk,F1,a\nP6,p6@x.example,clerk,F1,a\nP7,p7@x.example,clerk,F1,a\n",
            ),
        ],
        held: Vec::new(),
    }
}

#[test]
fn the_smallest_sample_is_closed_over_references_and_names_what_nothing_shows() {
    let (project, stand_in) = (small().project(), StandIn::new());
    let sample = stand_in.migr(&project, &["sample", "--records", "0", "--format", "json"]).exits(5).json();
    let chosen: BTreeSet<String> = records(&sample).iter().map(|one| place(one).1).collect();
    let uncovered: Vec<&str> =
        sample["uncovered"].as_array().unwrap().iter().filter_map(|one| one["what"].as_str()).collect();
    assert_eq!(uncovered, ["Kind: \"z\""], "{sample}");
    for record in records(&sample).iter().filter(|one| one["map"] == "Person") {
        let firm = record["fields"][2]["source"][0]["text"].as_str().unwrap();
        assert!(firm == "F9" || chosen.contains(firm), "{firm} of {record} is not in {chosen:?}");
    }
    // Two titles, two rows, a value in no row, a reason: four people, and the firms that they need.
    assert_eq!(chosen.len(), 6, "{chosen:?}");
    assert_eq!(
        stand_in
            .records("people")
            .iter()
            .filter(|one| one["emails"]["primaryEmail"].as_str().is_some_and(|it| it.ends_with("x.example")))
            .count(),
        3
    );
    // The rest moves later, by the same ids.
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
}

#[test]
fn a_value_that_is_not_as_expected_is_shown_with_its_source_its_rule_and_what_is_there() {
    let (project, stand_in) = (small().project(), StandIn::new());
    stand_in.migr(&project, &["sample", "--records", "50"]).exits(5);
    let people = stand_in.records("people");
    let person = people.iter().find(|one| one["emails"]["primaryEmail"] == "p2@x.example").expect("P2");
    let path = format!("/rest/people/{}", person["id"].as_str().unwrap());
    stand_in.ask(
        &Method::PATCH,
        &path,
        &json!({ "jobTitle": "Director", "emails": { "primaryEmail": "other@x.example" } }),
    );
    let ran = stand_in.migr(&project, &["sample", "--records", "50"]).exits(6);
    for words in [
        "different  Person P2 (export/people.csv:3), jobTitle",
        "export    title \"clerk\"",
        "rule      if title == \"boss\" then \"Boss\" else title (migration.migr:",
        "expected  clerk",
        "found     Director",
        "different  Person P2 (export/people.csv:3), emails",
        "Person P2, jobTitle: clerk → Director",
    ] {
        assert!(ran.stdout.contains(words), "nothing says {words:?}:\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("other@x.example") && !ran.stdout.contains("p2@x.example"), "{}", ran.stdout);
    let page = project.read(".migr/staging/sample/sample.html");
    assert!(page.contains("2 values are not as expected.") && page.contains("<b class=\"bad\">Director</b>"), "{page}");
    assert!(!page.contains("x.example"), "an address is on the page");
}
