use migr_journal::{
    Counts, Fold, OrphanFold, OwnerNote, QuarantineFold, RepairFold, RunFold, SetupNote, SkipFold, StepFold,
};
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
    let plan = json!({
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
    Plan::from_json(&plan.to_string()).unwrap()
}

fn step(name: &str, object: &str, read: Option<u64>, counts: Counts) -> StepFold {
    StepFold { name: name.to_owned(), object: object.to_owned(), read, done: true, counts }
}

fn quarantined(key: &str, line: u64, field: Option<&str>, reason: &str) -> QuarantineFold {
    QuarantineFold {
        step: "Contact".to_owned(),
        key: key.to_owned(),
        file: "export/contacts.csv".to_owned(),
        line,
        field: field.map(str::to_owned),
        reason: reason.to_owned(),
    }
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
            step("Company.second", "companies", None, Counts { updated: 700, ..Counts::default() }),
            step(
                "Contact",
                "people",
                Some(25_003),
                Counts { created: 24_990, skipped: 10, quarantined: 3, ..Counts::default() },
            ),
        ],
        quarantine: vec![
            quarantined("C7", 8, Some("createdAt"), "\"yesterday\" is not a date of the form %m/%d/%Y"),
            quarantined("C9", 10, Some("createdAt"), "\"0000-00-00\" is not a date of the form %m/%d/%Y"),
            quarantined("", 12, None, "the row has 3 cells, the header 5: <b>ragged</b> | row"),
        ],
        skips: vec![SkipFold { step: "Contact".to_owned(), reason: "duplicate of C1".to_owned(), records: 10 }],
        repairs: vec![RepairFold {
            step: "Company.second".to_owned(),
            key: "K2".to_owned(),
            file: "export/companies.csv".to_owned(),
            line: 3,
            field: "parentCompany".to_owned(),
            reason: "left empty: K2 is its own parent".to_owned(),
        }],
        orphans: ["C1", "C2"]
            .iter()
            .zip(2..)
            .map(|(key, line)| OrphanFold {
                owner: "left3@old.example".to_owned(),
                step: "Contact".to_owned(),
                key: (*key).to_owned(),
                field: "owner".to_owned(),
                line,
            })
            .collect(),
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
        setup: vec![SetupNote {
            position: 0,
            action: "create field companies.parentCompany".to_owned(),
            outcome: "done".to_owned(),
            undo: "{}".to_owned(),
        }],
        verify: None,
        rollback: None,
    }
}

#[test]
fn the_json_form_is_the_contract() {
    insta::assert_snapshot!(Report::new(&plan(), &fold()).to_json().unwrap());
}

#[test]
fn the_markdown_form_reads_well() {
    insta::assert_snapshot!(markdown::render(&Report::new(&plan(), &fold())));
}

#[test]
fn the_page_reads_well_and_escapes_what_it_shows() {
    let page = html::render(&Report::new(&plan(), &fold()));
    let body = page.split("</style>").nth(1).unwrap();
    assert!(!page.contains("<b>ragged"), "a reason got into the markup");
    assert!(!page.contains("<script") && !page.contains("http"), "the page loads or runs something");
    insta::assert_snapshot!(body);
}

#[test]
fn numbers_that_do_not_add_up_are_said_first() {
    let mut fold = fold();
    fold.steps[2].read = Some(25_004);
    let report = Report::new(&plan(), &fold);
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
    let report = Report::new(&plan(), &fold);
    assert!(!report.finished);
    assert_eq!(report.imbalances(), []);
    assert_eq!(report.attention[0].what, "The migration is not finished yet; still to come: Contact.");
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
    let report = Report::new(&plan(), &fold);
    assert_eq!(report.attention[0].what, "90.00 % of the fields hold what the export says: 1 of 10 differ.");
    assert!(markdown::render(&report).contains("| Contact | `C1` | 2 | jobTitle | `CEO` | `Boss` |"));
    assert!(html::render(&report).contains("<td><code>CEO</code></td><td><code>Boss</code></td>"));
}
