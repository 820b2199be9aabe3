use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Project, Ran};

/// A whole run of the example in the sandbox: finished, some records quarantined.
fn run(project: &Project) -> Ran {
    project.migr(&["run", "--sandbox", "--no-approval", "--format", "jsonl"]).exits(5)
}

/// The last event of a run.
fn summary(ran: &Ran) -> Value {
    let events: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
    assert_eq!(events.first().unwrap()["type"], "version");
    let last = events.last().unwrap().clone();
    assert_eq!(last["type"], "summary");
    last
}

/// `read = created + updated + unchanged + skipped + quarantined` for every object.
#[track_caller]
fn assert_identity(report: &Value) {
    let objects = report["objects"].as_array().unwrap();
    assert!(!objects.is_empty());
    for object in objects {
        let count = |name: &str| object[name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {object}"));
        let sum: u64 = ["created", "updated", "unchanged", "skipped", "quarantined"].map(count).iter().sum();
        assert_eq!(count("read"), sum, "{object}");
    }
}

/// The keys a map quarantined, with the field.
fn quarantined(report: &Value, map: &str) -> BTreeSet<(String, String)> {
    let all = report["quarantine"].as_array().unwrap().iter();
    all.filter(|one| one["map"] == map)
        .map(|one| (one["key"].as_str().unwrap().to_owned(), one["field"].as_str().unwrap_or("").to_owned()))
        .collect()
}

fn defects(truth: &Value, class: &str) -> BTreeSet<String> {
    let ids = truth["defects"][class]["ids"].as_array().cloned().unwrap_or_default();
    ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_second_run_writes_nothing_and_the_report_stays() {
    let project = Project::example();
    let first = summary(&run(&project));
    assert!(first["written"].as_u64().unwrap() > 0, "{first}");
    // Runs, and the plans that they were carried out by, are told with their times.
    let without_runs = |mut report: Value| {
        let whole = report.as_object_mut().unwrap();
        whole.remove("runs").unwrap();
        whole.remove("plans").unwrap();
        report.to_string()
    };
    let report = project.report();
    assert_identity(&report);
    let report = without_runs(report);
    let second = summary(&run(&project));
    assert_eq!(second["written"], 0, "{second}");
    assert!(without_runs(project.report()) == report, "the report changed, beyond its lists of runs and plans");
}

#[test]
fn custom_fields_and_options_are_there_after_setup_and_a_second_setup_changes_nothing() {
    let project = Project::example();
    let first = project.migr(&["setup", "--sandbox"]).exits(0);
    assert!(first.stdout.contains("people.originalCreatedAt"), "{}", first.stdout);
    let second = project.migr(&["setup", "--sandbox"]).exits(0);
    assert!(second.stdout.contains("0 changed"), "{}", second.stdout);
}

#[test]
fn planted_defects_are_quarantined_or_repaired_for_the_expected_reasons_whatever_the_seed() {
    for seed in [8, 21, 1234] {
        let Some((project, truth)) = Project::generated(400, seed) else { return };
        run(&project);
        let report = project.report();
        assert_identity(&report);
        let contacts = quarantined(&report, "Contact");
        let failed = |class: &str, field: &str| -> BTreeSet<(String, String)> {
            defects(&truth, class).into_iter().map(|key| (key, field.to_owned())).collect()
        };
        for expected in [failed("contacts.bad_date", "createdAt"), failed("contacts.over_long", "jobTitle")] {
            assert!(contacts.is_superset(&expected), "seed {seed}: {expected:?} of {contacts:?}");
        }
        let known: BTreeSet<String> =
            ["contacts.bad_date", "contacts.over_long"].iter().flat_map(|class| defects(&truth, class)).collect();
        let unexpected: Vec<_> = contacts.iter().filter(|(key, _)| !known.contains(key)).collect();
        assert!(unexpected.is_empty(), "seed {seed}: {unexpected:?} are clean");
        let deals = quarantined(&report, "Deal");
        for expected in [failed("deals.unknown_stage", "stage"), failed("deals.bad_amount", "amount")] {
            assert!(deals.is_superset(&expected), "seed {seed}: {expected:?} of {deals:?}");
        }
        for entry in report["quarantine"].as_array().unwrap() {
            assert!(entry["file"].as_str().is_some_and(|file| file.contains(".csv")), "{entry}");
            assert!(entry["line"].as_u64().is_some_and(|line| line > 1), "{entry}");
            assert!(entry["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{entry}");
        }
    }
}

#[test]
fn renamed_files_and_reordered_columns_change_nothing_in_the_result() {
    let project = Project::example();
    run(&project);
    let expected = project.report()["objects"].clone();

    let moved = Project::example();
    let catalog =
        std::fs::read_to_string(crate::harness::repository().join("specs/systems/visual_practice.migr")).unwrap();
    moved.write("visual_practice.migr", &catalog.replace("\"contacts.csv\"", "\"kontakte 2026.csv\""));
    let spec =
        moved.read("migration.migr").replace("use \"std/systems/visual_practice\"\n", "use \"visual_practice\"\n");
    moved.write("migration.migr", &spec);
    let text = moved.read("export/contacts.csv");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut writer = csv::Writer::from_path(moved.path().join("export/kontakte 2026.csv")).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let mut cells: Vec<&str> = row.iter().collect();
        cells.reverse();
        writer.write_record(cells).unwrap();
    }
    writer.flush().unwrap();
    std::fs::remove_file(moved.path().join("export/contacts.csv")).unwrap();
    run(&moved);
    assert_eq!(moved.report()["objects"], expected);
}

#[test]
fn a_record_whose_required_reference_is_missing_is_quarantined_not_emptied() {
    let Some((project, truth)) = Project::generated(400, 8) else { return };
    run(&project);
    let report = project.report();
    let notes: BTreeSet<String> = quarantined(&report, "Note").into_iter().map(|(key, _)| key).collect();
    let dangling = defects(&truth, "notes.dangling_contact");
    assert!(!dangling.is_empty());
    assert!(notes.is_superset(&dangling), "{dangling:?} of {notes:?}");
}

#[test]
fn owners_match_by_address_and_orphans_are_listed_with_their_records() {
    let Some((project, truth)) = Project::generated(400, 3) else { return };
    run(&project);
    let report = project.report();
    let orphans = report["orphans"].to_string();
    let expected = defects(&truth, "contacts.orphan_owner");
    assert!(!expected.is_empty());
    for key in expected {
        assert!(orphans.contains(&key), "{key} is not among the orphans: {orphans}");
    }
}

#[test]
fn the_original_creation_time_is_kept_in_a_custom_field() {
    let project = Project::example();
    run(&project);
    let export = project.read("export/contacts.csv");
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let at = |name: &str, reader: &mut csv::Reader<&[u8]>| {
        reader.headers().unwrap().iter().position(|header| header == name).unwrap()
    };
    let created = at("Created At", &mut reader);
    let instant = |text: &str| {
        let local = jiff::civil::DateTime::strptime("%m/%d/%Y %I:%M %p", text).ok()?;
        Some(local.in_tz("America/New_York").unwrap().timestamp())
    };
    let expected: BTreeSet<_> = reader.records().filter_map(|row| instant(&row.unwrap()[created])).collect();
    let people = project.sandbox_records("people");
    let kept: Vec<jiff::Timestamp> =
        people.iter().filter_map(|person| Some(person["originalCreatedAt"].as_str()?.parse().unwrap())).collect();
    assert!(kept.len() >= 190, "{} of {} people have it", kept.len(), people.len());
    assert!(kept.iter().all(|one| expected.contains(one)));
}
