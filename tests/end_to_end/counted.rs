//! Counts and places of what is told, once records are written and where several rows are one.

use serde_json::Value;

use crate::delta::with_window;
use crate::harness::Project;
use crate::small::Small;
use crate::stand_in::StandIn;

const OBJECTS: &str = "object Client from \"clients.csv\" {\n  key id\n  id: text\n  email: email\n  title: text\n  phone: phone\n  note: richtext\n  seen: date\n}";

fn project(maps: &str, rows: &str) -> Project {
    let rows = format!("id,email,title,phone,note,seen\n{rows}");
    Small { objects: OBJECTS, maps, files: &[("clients.csv", &rows)], held: Vec::new() }.project()
}

/// Records of each degradation of a plan.
fn degraded(project: &Project) -> Vec<(String, Option<u64>)> {
    let plan = project.migr(&["plan", "--to", "staging", "--format", "json"]).exits(0).json();
    let all = plan["degradations"].as_array().expect("a list").iter();
    let mut all: Vec<_> =
        all.map(|one| (one["what"].as_str().unwrap_or_default().to_owned(), one["records"].as_u64())).collect();
    all.sort();
    all
}

#[test]
fn what_is_lost_of_written_records_is_counted_by_an_audit_after_the_run_too() {
    let maps = "map Client -> people {\n  match emails.primaryEmail\n  on duplicate merge newest seen\n  name = { lastName: id }\n  emails = { primaryEmail: email }\n  jobTitle = title | truncate(5)\n  phones = { primaryPhoneNumber: phone }\n  new remark \"Remark\": richtext = note | markdown\n}\n";
    let rows = "C1,ann@x.example,Engineer,+12015550101 x12,<p>Hi <u>you</u></p>,2024-01-01\nC2,bob@x.example,Boss,,,2024-01-01\nC3,bob@x.example,Director,+12015550102 x7,,2023-01-01\n";
    let (project, stand_in) = (project(maps, rows), StandIn::new());
    with_window(&project, "on conflict keep");
    stand_in.migr(&project, &["audit"]);
    let before = degraded(&project);
    assert!(before.iter().any(|(what, records)| what == "people.jobTitle" && *records == Some(1)), "{before:?}");
    assert!(before.iter().any(|(what, records)| what == "people.phones" && *records == Some(2)), "{before:?}");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    stand_in.migr(&project, &["audit"]);
    assert_eq!(degraded(&project), before, "after the run");
    let later = format!("id,email,title,phone,note,seen\n{rows}C4,cy@x.example,Secretary,,,2024-01-01\n");
    project.write("export/clients.csv", &later.replace("Boss", "Bosses all"));
    stand_in.migr(&project, &["audit"]);
    let counted = degraded(&project);
    assert!(counted.iter().any(|(what, records)| what == "people.jobTitle" && *records == Some(3)), "{counted:?}");
}

/// Findings of an audit that hold these words: line and key.
fn places(audit: &Value, words: &str) -> Vec<(u64, String)> {
    let all = audit["findings"].as_array().expect("a list").iter();
    let told = all.filter(|one| one["message"].as_str().is_some_and(|message| message.contains(words)));
    told.map(|one| (one["line"].as_u64().unwrap_or_default(), one["key"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

#[test]
fn what_is_told_of_a_merged_record_stands_at_the_line_of_the_row_whose_value_it_is() {
    let maps = "map Client -> people {\n  match emails.primaryEmail\n  on duplicate merge newest seen\n  name = { lastName: id }\n  emails = { primaryEmail: email }\n  new age \"Age\": integer = title | integer otherwise none\n  phones = { primaryPhoneNumber: phone }\n  new remark \"Remark\": richtext = note | markdown\n}\n";
    let rows = "C1,ann@x.example,,,,2024-01-01\nC2,ann@x.example,soon,,<p>Hi <u>you</u></p>,2023-01-01\nC3,bob@x.example,,,,2024-01-01\nC4,bob@x.example,,nobody knows,,2023-01-01\n";
    let (project, stand_in) = (project(maps, rows), StandIn::new());
    let audit = stand_in.migr(&project, &["audit", "--format", "json"]).json();
    assert_eq!(places(&audit, "Markdown has no form"), [(3, "C2".to_owned())], "{:#}", audit["findings"]);
    assert_eq!(places(&audit, "\"soon\""), [(3, "C2".to_owned())], "{:#}", audit["findings"]);
    assert_eq!(places(&audit, "nobody knows"), [(5, "C4".to_owned())], "{:#}", audit["findings"]);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    let list = project.read(".migr/staging/report/repairs.csv");
    assert!(list.contains("C1,export/clients.csv,3,remark,Markdown has no form"), "{list}");
}

#[test]
fn a_reference_to_a_record_that_the_same_delta_makes_is_told_as_changed_and_notes_move_with_their_rows() {
    let objects = "object Firm from \"firms.csv\" { key id; id: text; parent: -> Firm }\nobject Deal from \"deals.csv\" { key id; id: text; firm: -> Firm }";
    let maps = "map Firm -> companies {\n  name = id\n  new parent \"Parent\": -> companies inverse \"Children\" = parent on missing none\n}\nmap Deal -> opportunities {\n  name = id\n  company = firm on missing none\n}\n";
    let files = &[("firms.csv", "id,parent\nF1,\nF2,F8\n"), ("deals.csv", "id,firm\nD1,F1\nD2,F1\n")];
    let (project, stand_in) = (Small { objects, maps, files, held: Vec::new() }.project(), StandIn::new());
    with_window(&project, "on conflict keep");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    project.write("export/firms.csv", "id,parent\nF3,\nF1,\nF2,F8\n");
    project.write("export/deals.csv", "id,firm\nD1,F3\nD2,F9\n");
    let delta = stand_in.migr(&project, &["delta"]).exits(0).stdout;
    assert!(delta.contains("Deal: 0 created, 1 changed, 1 unchanged, 0 vanished"), "{delta}");
    assert!(delta.contains("Deal.company: 1 record\n"), "{delta}");
    assert!(delta.contains("Deal.company: 1 record whose value cannot be taken now keeps what was written"), "{delta}");
    stand_in.migr(&project, &["verify"]).exits(0);
    let list = project.read(".migr/staging/report/repairs.csv");
    assert!(list.contains("Firm,F2,export/firms.csv,4,parent,"), "{list}");
}
