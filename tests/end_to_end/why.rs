//! `migr why`: where a record came from, from either end.

use serde_json::Value;

use crate::harness::Project;

/// The example, carried out.
fn carried_out() -> Project {
    let project = Project::example();
    project.migr(&["setup", "--sandbox"]).exits(0);
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    project
}

/// The lineage of one field.
fn field<'a>(record: &'a Value, name: &str) -> &'a Value {
    let fields = record["fields"].as_array().expect("fields");
    fields.iter().find(|field| field["field"] == name).unwrap_or_else(|| panic!("no {name} in {record}"))
}

#[test]
fn a_record_leads_from_either_end_to_its_cells_rows_and_requests() {
    let project = carried_out();
    let by_key = project.migr(&["why", "C00000002", "--format", "json"]).exits(0).json();
    let [record] = by_key["records"].as_array().expect("records").as_slice() else { panic!("one record: {by_key}") };
    assert_eq!((&record["file"], &record["line"]), (&"export/contacts.csv".into(), &3.into()));

    let stage = field(record, "leadStatus");
    assert_eq!(stage["value"], "CUSTOMER");
    assert_eq!(stage["cells"][0]["header"], "Lead Status");
    assert_eq!(stage["cells"][0]["text"], "Customer");
    let spec = project.read("migration.migr");
    let line = |origin: &Value| {
        let number = usize::try_from(origin["line"].as_u64().expect("a line")).expect("small");
        spec.lines().nth(number - 1).expect("the line is there").trim().to_owned()
    };
    assert!(line(&stage["origin"]).contains("leadStatus"), "{}", line(&stage["origin"]));
    assert!(
        line(&stage["picklists"][0]["origin"]).to_lowercase().starts_with("\"customer\""),
        "{}",
        line(&stage["picklists"][0]["origin"])
    );

    // Names and numbers of people are no one's business; where they stand is.
    let phones = field(record, "phones");
    assert_eq!((&phones["value"], &phones["cells"][0]["text"]), (&"***".into(), &"***".into()));
    assert_eq!(phones["cells"][0]["position"], 5);

    let kinds: Vec<&str> =
        record["history"].as_array().expect("history").iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(kinds, ["intent", "created"]);

    let id = record["id"].as_str().expect("an id");
    let by_id = project.migr(&["why", id, "--format", "json"]).exits(0).json();
    assert_eq!(by_id, by_key, "the id leads to the same record");
    let company = project.migr(&["why", "K0000003", "--format", "json"]).exits(0).json();
    let there = project.sandbox_records("companies");
    let id = &company["records"][0]["id"];
    assert!(there.iter().any(|company| company["id"] == *id), "{id} is the id of a record of the destination");
}

#[test]
fn one_field_of_a_record_reads_as_a_person_would_tell_it() {
    let project = carried_out();
    let shown = project.migr(&["why", "C00000002", "leadStatus", "."]).exits(0).stdout;
    let (lineage, _) = shown.split_once("  history").expect("its history");
    insta::assert_snapshot!(lineage);
}

#[test]
fn what_was_set_aside_says_why_and_what_is_not_there_is_an_error() {
    let project = carried_out();
    let aside = project.migr(&["why", "F00012"]).exits(0).stdout;
    assert!(aside.contains("quarantined") && aside.contains("files/missing.pdf"), "{aside}");
    let nothing = project.migr(&["why", "C99999999"]).exits(1);
    assert!(nothing.stderr.contains("knows no record `C99999999`"), "{}", nothing.stderr);
    let no_field = project.migr(&["why", "C00000002", "nickname"]).exits(1);
    assert!(no_field.stderr.contains("no map writes a field `nickname`"), "{}", no_field.stderr);
}

#[test]
fn a_file_that_changed_since_is_not_taken_for_the_one_that_was_read() {
    let project = carried_out();
    let contacts = project.read("export/contacts.csv");
    let (header, rows) = contacts.split_once('\n').expect("rows");
    let (first, rest) = rows.split_once('\n').expect("rows");
    project.write("export/contacts.csv", &format!("{header}\n{rest}{first}\n"));
    let shown = project.migr(&["why", "C00000002"]).exits(0).stdout;
    assert!(shown.contains("changed since the record was read"), "{shown}");
    assert!(!shown.contains("leadStatus"), "{shown}");
}
