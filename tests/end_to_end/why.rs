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

#[test]
fn a_merged_record_tells_whose_value_it_has_and_which_values_lost() {
    let project = Project::empty();
    project.write(
        "migration.migr",
        "use \"std/systems/twenty\"\n\nsystem old {\n  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    \
         first: text\n    last: text\n    email: text\n    job: text\n    city: text\n    seen: date format \"%Y-%m-%d\"\n  }\n}\n\n\
         migration old_to_twenty {\n  source old { files = \"export/*.csv\" }\n  destination twenty { url = env(\"URL\"); token = secret(\"KEY\") }\n}\n\n\
         map Person -> people {\n  match emails.primaryEmail\n  on duplicate merge newest seen\n  name = { firstName: first, lastName: last }\n  \
         emails = { primaryEmail: email | email }\n  jobTitle = job\n  new city \"City\": text = city\n}\n",
    );
    let rows = "P1,Ada,,ada@x.example,Nurse,,2024-03-01\nP2,Eda,Hill,ada@x.example,Cook,Bonn,2024-01-01\n";
    project.write("export/people.csv", &format!("person_id,first,last,email,job,city,seen\n{rows}"));
    project.migr(&["audit", "--sandbox"]).exits(0);
    let preview = project.read(".migr/sandbox/preview.csv");
    let lost: Vec<&str> = preview.lines().filter(|line| line.contains(",merge,")).collect();
    let of = |field: &str| format!("Person,P2,export/people.csv,3,merge,P1,{field}");
    assert_eq!(lost, [of("name.firstName,Eda,Ada,"), of("jobTitle,Cook,Nurse,")], "{preview}");
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(0);
    let shown = project.migr(&["why", "P1", "--format", "json"]).exits(0).json();
    let record = &shown["records"][0];
    let told = |name: &str| {
        let field = field(record, name);
        let notes = field["notes"].as_array().cloned().unwrap_or_default();
        let notes: Vec<String> = notes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        (field["value"].clone(), notes)
    };
    let lost = |value: &str| format!("line 3 has \"{value}\", which lost the merge");
    let taken = "it is of line 3, which was merged into this record";
    assert_eq!(told("jobTitle"), ("Nurse".into(), vec![lost("Cook")]));
    assert_eq!(told("city"), ("Bonn".into(), vec![taken.to_owned()]));
    let (name, notes) = told("name");
    assert_eq!((&name["firstName"], &name["lastName"]), (&"Ada".into(), &"Hill".into()), "{name}");
    assert_eq!(notes, [format!("firstName: {}", lost("Eda")), format!("lastName: {taken}")]);
    let there = project.sandbox_records("people");
    let ada = there.iter().find(|person| person["emails"]["primaryEmail"] == "ada@x.example").expect("she is there");
    let held = (&ada["jobTitle"], &ada["city"], &ada["name"]["firstName"], &ada["name"]["lastName"]);
    assert_eq!(held, (&"Nurse".into(), &"Bonn".into(), &"Ada".into(), &"Hill".into()), "what `why` says is there");
}
