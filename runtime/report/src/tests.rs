//! Tests of the report and its renderings.

use migr_journal::{ChangedField, Counts, Fold, OwnerNote, PlanFold, Remark, RunFold, SetupNote, StepFold};
use migr_plan::Plan;
use serde_json::json;

use super::*;

/// Two maps of a small clinic.
fn plan() -> Plan {
    let origin = json!({"file": "main.migr", "line": 3, "column": 1});
    let column = |name: &str| json!({"name": name, "type": "text"});
    let field = |name: &str, reads: &[&str]| json!({"field": name, "type": {"kind": "text"}, "value": {"op": "column", "name": reads[0]}, "reads": reads, "origin": origin});
    let stage = |id: &str, object: &str, fields: Vec<serde_json::Value>| {
        json!({"id": id, "map": id, "source_object": id, "destination_object": object, "depends_on": [], "edges": [],
            "policies": {"existing": "fill", "duplicate": {"do": "quarantine"}, "deleted": "quarantine", "cycle": "cut"},
            "fields": fields, "deferred": [], "dropped": [{"column": "fax", "reason": "unused", "origin": origin}],
            "rollback": {"class": "exact"}, "origin": origin})
    };
    let object = |name: &str, file: &str, columns: &[&str]| json!({"name": name, "file": file, "key": [columns[0]], "columns": columns.iter().map(|name| column(name)).collect::<Vec<_>>(), "origin": origin});
    let mut plan = json!({
        "format_version": 1, "migration": "clinic <north>", "inputs": {"files": []}, "options": {},
        "source": {"system": "visual_practice", "files": "export/*.csv", "blank": [], "objects": [
            object("Company", "companies.csv", &["company_id", "name", "fax"]),
            object("Contact", "contacts.csv", &["contact_id", "name", "email", "fax", "shoe_size"]),
        ]},
        "destination": {"system": "twenty", "connector": "twenty", "name": "staging", "settings": {}, "limits": []},
        "setup": [], "picklists": [],
        "stages": [
            stage("Company", "companies", vec![field("name", &["name"])]),
            stage("Contact", "people", vec![field("name", &["name"]), field("emails", &["email"])]),
        ],
        "degradations": [{"map": "Contact", "what": "phone extensions", "reason": "Twenty drops them", "kept_in": "people.phoneExtension", "records": null, "origin": origin}],
        "rows": [
            {"kind": "object", "concept": "Company", "destination": "companies", "state": "exact", "origin": origin},
            {"kind": "workflows", "concept": "Workflow", "state": "by_hand", "reason": "Twenty cannot import workflows", "origin": origin},
        ],
        "estimate": {"records": null, "requests": null, "seconds": null},
        "summary": {"create": null, "update": null, "unchanged": null, "skip": null, "quarantine": null, "schema_changes": 0, "blocking": 0},
    });
    plan["source"]["objects"][1]["columns"][2]["retain"] = json!("7y");
    Plan::from_json(&plan.to_string()).unwrap()
}

fn step(name: &str, object: &str, read: Option<u64>, counts: Counts) -> StepFold {
    StepFold { name: name.to_owned(), object: object.to_owned(), read, done: true, vanished: 0, counts }
}

fn quarantined(key: &str, line: u64, field: Option<&str>, reason: &str) -> Remark {
    Remark::Quarantined(migr_journal::Quarantined {
        step: "Contact".to_owned(),
        key: key.to_owned(),
        file: "export/contacts.csv".to_owned(),
        line,
        field: field.map(str::to_owned),
        reason: reason.to_owned(),
        code: None,
    })
}

fn orphan(owner: &str, key: &str, line: u64) -> Remark {
    Remark::Orphaned(migr_journal::Orphaned {
        owner: owner.to_owned(),
        assigned: Some("front.desk@clinic.example".to_owned()),
        step: "Contact".to_owned(),
        key: key.to_owned(),
        field: "owner".to_owned(),
        line,
    })
}

fn skipped(key: &str, line: u64) -> Remark {
    Remark::Skipped(migr_journal::Skipped {
        step: "Contact".to_owned(),
        key: key.to_owned(),
        line,
        reason: "duplicate of C1".to_owned(),
        code: None,
    })
}

/// A file of a record: its state, whether it was sent, and why not.
fn file(line: u64, path: &str, state: &str, sent: bool, reason: Option<&str>) -> Remark {
    Remark::Filed(migr_journal::Filed {
        step: "Contact".to_owned(),
        key: format!("C{line}"),
        file: "export/contacts.csv".to_owned(),
        line,
        column: "contract".to_owned(),
        path: path.to_owned(),
        state: state.to_owned(),
        bytes: (state == "found" || sent).then_some(2_048),
        reason: reason.map(str::to_owned),
        hash: sent.then(|| "blake3:aa".to_owned()),
    })
}

fn remarks() -> Vec<Remark> {
    let mut remarks = vec![
        quarantined("C7", 8, Some("createdAt"), "\"yesterday\" is not a date of the form %m/%d/%Y"),
        quarantined("C9", 10, Some("createdAt"), "\"0000-00-00\" is not a date of the form %m/%d/%Y"),
        quarantined("", 12, None, "the row has 3 cells, the header 5: <b>ragged</b> | row"),
    ];
    remarks.extend((20..30).map(|line| skipped(&format!("C{line}"), line)));
    remarks.push(Remark::Repaired(migr_journal::Repaired {
        code: Some("R101".to_owned()),
        step: "Company:deferred".to_owned(),
        key: "K2".to_owned(),
        file: "export/companies.csv".to_owned(),
        line: 3,
        field: "parentCompany".to_owned(),
        reason: "left empty: K2 is its own parent".to_owned(),
    }));
    remarks.extend([
        file(2, "files/a.pdf", "found", true, None),
        file(3, "https://files.example.com/b.pdf?…", "to_fetch", true, None),
        file(4, "files/c.pdf", "missing", false, Some("it is not in the export")),
        file(5, "https://old.example/d.pdf", "link_only", false, Some("it is a link to old.example, <b>unnamed</b>")),
        file(8, "files/e.pdf", "found", false, None),
    ]);
    remarks.extend([orphan("left3@old.example", "C1", 2), orphan("left3@old.example", "C2", 3)]);
    remarks.extend(fold().owners.into_iter().map(Remark::Owner));
    remarks
}

/// As a program makes it: the lists are kept in files.
fn report(remarks: &[Remark]) -> Report {
    let mut lists =
        Lists::new(&plan()).kept_in(".migr/staging/report").with_before_and_after(".migr/staging/preview.csv");
    for remark in remarks {
        lists.add(remark);
    }
    Report::new(&plan(), &fold(), lists)
}

fn plan_fold(hash: &str, at: &str) -> PlanFold {
    PlanFold { hash: hash.to_owned(), first: at.to_owned(), last: at.to_owned() }
}

fn fold() -> Fold {
    Fold {
        migration: "clinic".to_owned(),
        destination: "staging".to_owned(),
        plan_hash: "blake3:00".to_owned(),
        runs: vec![RunFold {
            id: 1,
            command: "run --no-approval".to_owned(),
            started: "2026-01-02T08:00:00Z".to_owned(),
            ended: Some("2026-01-02T08:01:15Z".to_owned()),
            result: Some("done".to_owned()),
        }],
        steps: vec![
            step(
                "Company",
                "companies",
                Some(1200),
                Counts { created: 1190, updated: 4, unchanged: 6, ..Counts::default() },
            ),
            step("Company:deferred", "companies", None, Counts { updated: 700, ..Counts::default() }),
            step(
                "Contact",
                "people",
                Some(25_003),
                Counts { created: 24_990, skipped: 10, quarantined: 3, ..Counts::default() },
            ),
        ],
        changed: vec![
            ChangedField { step: "Company".to_owned(), field: "name".to_owned(), records: 1_200 },
            ChangedField { step: "Company:deferred".to_owned(), field: "name".to_owned(), records: 3 },
            ChangedField { step: "Contact".to_owned(), field: "emails".to_owned(), records: 1 },
        ],
        repaired_records: 1,
        owners: vec![
            OwnerNote {
                source: "left3@old.example".to_owned(),
                destination: Some("front.desk@clinic.example".to_owned()),
                id: None,
                how: "fallback".to_owned(),
            },
            OwnerNote {
                source: "rep1@old.example".to_owned(),
                destination: Some("rep1@old.example".to_owned()),
                id: None,
                how: "match".to_owned(),
            },
        ],
        owner_count: 2,
        setup: vec![SetupNote {
            position: 0,
            action: "create field companies.parentCompany".to_owned(),
            outcome: "done".to_owned(),
            undo:
                r#"{"action": {"options": [{"value": "NEW", "label": "New"}]}, "made": {"made": "field", "id": "1"}}"#
                    .to_owned(),
        }],
        verify: None,
        rollback: None,
        approvals: None,
        deltas: None,
        undeclared: Some(
            r#"{"columns": [{"source_object": "Contact", "column": "Fax"}], "files": ["export/old.csv"]}"#.to_owned(),
        ),
        plans: vec![plan_fold("blake3:aa", "2026-01-01T08:00:00Z"), plan_fold("blake3:00", "2026-01-02T08:00:00Z")],
    }
}

#[test]
fn the_json_form_is_the_contract() {
    insta::assert_snapshot!(report(&remarks()).to_json().unwrap());
}

#[test]
fn the_markdown_form_reads_well() {
    insta::assert_snapshot!(markdown::render(&report(&remarks())));
}

#[test]
fn the_page_reads_well_and_escapes_what_it_shows() {
    let page = html::render(&report(&remarks()));
    let body = page.split("</style>").nth(1).unwrap();
    assert!(!page.contains("<b>ragged"), "a reason got into the markup");
    let loading = ["<script", "src=", "href=", "url(", "@import"];
    assert!(loading.iter().all(|word| !page.contains(word)), "the page loads or runs something");
    insta::assert_snapshot!(body);
}

#[test]
fn a_run_that_ended_before_it_began_is_told_with_the_reason() {
    let mut report = report(&remarks());
    let said = "(the clock was set back meanwhile)";
    assert!(!html::render(&report).contains(said));
    report.runs[0].ended = Some("1970-01-01T00:00:05.25Z".to_owned());
    assert!(html::render(&report).contains(said));
}

#[test]
fn numbers_that_do_not_add_up_are_said_first() {
    let mut fold = fold();
    fold.steps[2].read = Some(25_004);
    let report = Report::counted(&plan(), &fold);
    assert_eq!(report.imbalances(), [Imbalance { map: "Contact".to_owned(), read: 25_004, accounted: 25_003 }]);
    assert_eq!(
        report.attention[0].what,
        "The numbers of Contact do not add up: 25,004 records in the export, 25003 accounted for."
    );
}

#[test]
fn a_run_that_is_not_through_says_what_is_still_to_come() {
    let mut fold = fold();
    fold.steps[2].done = false;
    let report = Report::counted(&plan(), &fold);
    assert!(!report.finished);
    assert_eq!(report.imbalances(), []);
    assert_eq!(report.attention[0].what, "The migration is not finished yet; still to come: Contact.");
}

#[test]
fn what_was_rolled_back_is_not_called_unfinished() {
    let mut fold = fold();
    for step in &mut fold.steps {
        step.done = false;
        step.counts = Counts::default();
    }
    let kept = vec![Finding { map: None, what: "setup: create object programs: left".to_owned() }];
    let rollback = Rollback { held: true, kept, ..Rollback::default() };
    fold.rollback = Some(serde_json::to_string(&rollback).unwrap());
    let report = Report::counted(&plan(), &fold);
    let told: Vec<&str> = report.attention.iter().map(|attention| attention.what.as_str()).collect();
    assert!(told.contains(&"The migration was rolled back, but for 1 thing that nothing takes back."), "{told:?}");
    assert!(!told.iter().any(|what| what.contains("not finished")), "{told:?}");
    for page in [html::render(&report), markdown::render(&report)] {
        assert!(page.contains("setup: create object programs: left"), "{page}");
        assert!(!page.contains("not finished") && !page.contains("under way"), "{page}");
    }
}

#[test]
fn a_verification_that_failed_is_urgent_and_listed() {
    let mut fold = fold();
    let verification = Verification {
        held: false,
        records: 2,
        fields: 10,
        same: 9,
        differences: vec![Difference {
            map: "Contact".to_owned(),
            key: "C1".to_owned(),
            line: 2,
            id: "6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned(),
            field: "jobTitle".to_owned(),
            expected: "CEO".to_owned(),
            found: "Boss".to_owned(),
        }],
        ..Verification::default()
    };
    fold.verify = Some(serde_json::to_string(&verification).unwrap());
    let report = Report::counted(&plan(), &fold);
    assert_eq!(report.attention[0].what, "90.00 % of the fields hold what the export says: 1 of 10 differ.");
    assert!(markdown::render(&report).contains("| Contact | `C1` | 2 | jobTitle | `CEO` | `Boss` |"));
    assert!(html::render(&report).contains("<td><code>CEO</code></td><td><code>Boss</code></td>"));
}

/// Remarks of each kind, as many as `records`.
fn many(records: u64) -> impl Iterator<Item = Remark> {
    let of_owner = move |owner: u64| {
        (0..records / 4).map(move |line| orphan(&format!("left{owner}@old.example"), &format!("C{line}"), line))
    };
    let quarantined = (0..records).map(|line| {
        quarantined(
            &format!("C{line}"),
            line,
            Some("createdAt"),
            &format!("\"{line}\" is not a date of the form %m/%d/%Y"),
        )
    });
    let skipped = (0..records).map(|line| {
        Remark::Skipped(migr_journal::Skipped {
            step: "Contact".to_owned(),
            key: format!("C{line}"),
            line,
            reason: format!("duplicate of C{}", line / 2),
            code: None,
        })
    });
    quarantined.chain(skipped).chain((0..4).flat_map(of_owner))
}

/// The report of remarks, and how many lines each file has.
fn gathered(remarks: impl Iterator<Item = Remark>) -> (Report, Vec<(&'static str, usize)>) {
    let folder = tempfile::tempdir().unwrap();
    let mut lists = Lists::new(&plan()).kept_in("report");
    let open = |list: ListName| std::fs::File::create(folder.path().join(list.file_name()));
    let mut listings = Listings::begin(&plan(), open).unwrap();
    for remark in remarks {
        lists.add(&remark);
        listings.add(&remark).unwrap();
    }
    listings.finish().unwrap();
    let lines = |list: ListName| {
        let text = std::fs::read_to_string(folder.path().join(list.file_name())).unwrap();
        (list.file_name(), text.lines().count())
    };
    (Report::new(&plan(), &fold(), lists), ListName::OF_THE_JOURNAL.map(lines).to_vec())
}

#[test]
fn a_report_counts_every_record_and_holds_no_more_of_them_when_there_are_more() {
    let (small, _) = gathered(many(20_000));
    let (large, files) = gathered(many(80_000));
    let entries = |list| large.lists.iter().find(|known| known.list == list).unwrap().clone();
    assert_eq!(entries(ListName::Quarantine).entries, 80_000);
    assert_eq!(entries(ListName::Orphans).entries, 80_000);
    assert_eq!(
        large.orphans.iter().map(|orphan| (orphan.count, orphan.records.len())).collect::<Vec<_>>(),
        [(20_000, 1_000); 4]
    );
    assert_eq!((small.quarantine.len(), large.quarantine.len()), (1_000, 1_000));
    assert_eq!(
        large.skipped,
        [Skipped { map: "Contact".to_owned(), reason: "duplicate of …".to_owned(), code: None, records: 80_000 }]
    );
    let difference = large.to_json().unwrap().len().abs_diff(small.to_json().unwrap().len());
    assert!(difference < 200, "only numbers are longer: {difference} bytes");
    let lines = [
        ("set-aside.csv", 80_001),
        ("skipped.csv", 80_001),
        ("repairs.csv", 1),
        ("files.csv", 1),
        ("orphans.csv", 80_001),
        ("owners.csv", 1),
    ];
    assert_eq!(files, lines, "every record is in a file, below a header");
}

#[test]
fn what_is_not_shown_is_counted_and_the_file_with_all_of_it_is_named() {
    let (report, _) = gathered(many(8_000));
    let (text, page) = (markdown::render(&report), html::render(&report));
    for shown in [
        "(8,000)",
        "- and 7,980 more",
        "Each of them has a line in `report/set-aside.csv`.",
        "Each of them has a line in `report/orphans.csv`.",
    ] {
        assert!(text.contains(shown), "{shown} is not in\n{text}");
    }
    for shown in [
        "<b>8,000</b> Contact · createdAt",
        "<li>and 7,800 more</li>",
        "<li>and 1,800 more</li>",
        "a line in <code>report/orphans.csv</code>",
    ] {
        assert!(page.contains(shown), "{shown} is not in the page");
    }
}

#[test]
fn the_files_have_every_entry_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let open = |list: ListName| std::fs::File::create(folder.path().join(list.file_name()));
    let mut listings = Listings::begin(&plan(), open).unwrap();
    for remark in remarks() {
        listings.add(&remark).unwrap();
    }
    listings.finish().unwrap();
    let read = |list: ListName| {
        format!("{}\n{}", list.file_name(), std::fs::read_to_string(folder.path().join(list.file_name())).unwrap())
    };
    insta::assert_snapshot!(ListName::OF_THE_JOURNAL.map(read).join("\n"));
}
