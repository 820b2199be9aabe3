//! Records through a whole plan, in memory: what comes of them, what is said about what does not.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot be set up fails")]

mod practice;

use std::fmt::Write as _;

use migr_plan::Plan;
use migr_transform::{
    Kinships, Lookup, LookupError, MemoryLookup, Outcome, OwnerFound, Pass, Program, Resolved, to_json,
};
use practice::{
    binary, call_otherwise, col, field, kind, otherwise_none, pipe, plan, reference, target, text, through,
};
use serde_json::json;

type Given<'g> = (&'g str, &'g [(&'g str, &'g str)]);

/// Outcomes of the given records, in lines of text.
fn outcomes(plan: &Plan, given: &[Given<'_>]) -> String {
    let mut memory = MemoryLookup::new(plan).unwrap();
    for (object, cells) in given {
        memory.give(object, cells).unwrap();
    }
    let mut shown = String::new();
    for trial in memory.trials(&|_, _| Kinships::default()).unwrap() {
        let stage = trial.program.stage();
        let key = trial.key.unwrap_or_else(|failure| format!("{failure:?}"));
        writeln!(shown, "{} {key}", stage.id).unwrap();
        match trial.outcome {
            Outcome::Ready((fields, links)) => {
                for (index, value) in &fields.values {
                    if !value.is_none() {
                        writeln!(shown, "  {} = {}", stage.fields[*index].field, to_json(value)).unwrap();
                    }
                }
                for (index, targets) in &links.links {
                    let targets: Vec<String> =
                        targets.iter().map(|target| format!("{}({})", target.object, target.id)).collect();
                    writeln!(shown, "  {} -> {}", stage.links[*index].field, targets.join(", ")).unwrap();
                }
                for repair in fields.repairs.iter().chain(&links.repairs) {
                    writeln!(shown, "  repair {}: {}", repair.field, repair.reason).unwrap();
                }
                for orphan in &fields.orphans {
                    writeln!(shown, "  orphan {}: {} (fallback: {})", orphan.field, orphan.owner, orphan.fallback)
                        .unwrap();
                }
                for created in &fields.created {
                    writeln!(shown, "  creates {}.{} of {:?}", created.picklist, created.value, created.label).unwrap();
                }
            }
            Outcome::Skip { reason } => writeln!(shown, "  skipped: {reason}").unwrap(),
            Outcome::Quarantine(failures) => {
                for failure in failures {
                    writeln!(shown, "  quarantined on {}: {}", failure.field, failure.reason).unwrap();
                }
            }
        }
    }
    shown
}

const ACME: Given<'_> =
    ("Company", &[("company_id", "K3"), ("name", " Acme "), ("domain", "https://www.acme.example/")]);
const BETA: Given<'_> = ("Company", &[("company_id", "K9"), ("name", "Beta"), ("parent_company_id", "K3")]);
const JANE: Given<'_> = ("User", &[("owner_id", "U1"), ("name", "Jane"), ("email", "Jane@old.example")]);
const OPEN: Given<'_> = ("PipelineStage", &[("pipeline", "Sales"), ("stage", "In  Progress"), ("probability", "20")]);

#[test]
fn a_contact_becomes_a_person() {
    let contact: Given<'_> = (
        "Contact",
        &[
            ("contact_id", "C7"),
            ("first_name", " Zoë"),
            ("last_name", "Öztürk"),
            ("email", " A@X.com"),
            ("phone", "(201) 234-5678 x12"),
            ("job_title", "  CEO "),
            ("lead_status", "  in  PROGRESS "),
            ("company_ids", "K3; K9;K9"),
            ("owner_email", "JANE@old.example"),
            ("created_at", "07/15/2021 12:05 PM"),
            ("annual_value", " $ 93,701.71 "),
            ("tags", "VIP; Trade Show;;VIP"),
            ("bio", "<p>Met at <b>Boston</b> &amp; <u>liked</u> it</p>"),
            ("city", "n/a"),
            ("unsubscribed", "Yes"),
        ],
    );
    insta::assert_snapshot!(outcomes(&plan(|_| {}), &[ACME, BETA, JANE, contact]));
}

#[test]
fn a_blank_record_becomes_a_record_of_none() {
    let contact: Given<'_> = ("Contact", &[("contact_id", "C8"), ("email", "-"), ("city", "  ")]);
    insta::assert_snapshot!(outcomes(&plan(|_| {}), &[contact]));
}

#[test]
fn every_failing_field_is_named_and_sensitive_values_are_not_shown() {
    let long = "Very Long Title ".repeat(320);
    let contact: Given<'_> = (
        "Contact",
        &[
            ("contact_id", "C7"),
            ("job_title", &long),
            ("lead_status", "Zombie"),
            ("created_at", "yesterday"),
            ("annual_value", "TBD"),
            ("unsubscribed", "perhaps"),
            ("city", "Boston"),
        ],
    );
    let plan = plan(|plan| {
        plan["stages"][1]["fields"].as_array_mut().unwrap().push(field("size", kind("integer"), col("city")));
    });
    insta::assert_snapshot!(outcomes(&plan, &[contact]));
}

#[test]
fn written_rules_repair_and_are_reported() {
    let contact: Given<'_> = (
        "Contact",
        &[
            ("contact_id", "C7"),
            ("email", "not an address"),
            ("phone", "call me"),
            ("lead_status", "Zombie  stage 9"),
            ("company_ids", "K404;K9"),
            ("owner_email", "gone@old.example"),
        ],
    );
    let other: Given<'_> = ("Contact", &[("contact_id", "C8"), ("owner_email", "LEFT3@old.example")]);
    insta::assert_snapshot!(outcomes(&plan(|_| {}), &[ACME, BETA, contact, other]));
}

#[test]
fn a_deal_reads_through_its_stage() {
    let deal = |id, stage| {
        [
            ("deal_id", id),
            ("name", "x"),
            ("stage", stage),
            ("amount", "$5"),
            ("currency", "usd"),
            ("close_date", "03/01/2024"),
        ]
    };
    let connected: Given<'_> =
        ("PipelineStage", &[("pipeline", "Sales"), ("stage", "Connected"), ("probability", "15")]);
    insta::assert_snapshot!(outcomes(
        &plan(|_| {}),
        &[
            connected,
            OPEN,
            ("Deal", &deal("D1", " connected ")),
            ("Deal", &deal("D2", "in progress")),
            ("Deal", &deal("D3", "Verbal yes!!")),
        ]
    ));
}

#[test]
fn activities_are_skipped_checked_and_linked() {
    let contact: Given<'_> = ("Contact", &[("contact_id", "C7")]);
    let activity = |id, kind, start, end, contact| {
        [
            ("activity_id", id),
            ("type", kind),
            ("start", start),
            ("end", end),
            ("contact_id", contact),
            ("owner_email", "jane@old.example"),
        ]
    };
    let noon = "01/05/2021 12:00 PM";
    insta::assert_snapshot!(outcomes(
        &plan(|_| {}),
        &[
            JANE,
            contact,
            ("Activity", &activity("A1", " Meeting", noon, "01/05/2021 12:30 PM", "C7")),
            ("Activity", &activity("A2", "fax", noon, noon, "C7")),
            ("Activity", &activity("A3", "call", noon, noon, "C7")),
            ("Activity", &activity("A4", "meeting", noon, "01/05/2021 11:30 AM", "C7")),
            ("Activity", &activity("A5", "meeting", "03/14/2021 02:30 AM", noon, "C7")),
            ("Activity", &activity("A6", "meeting", noon, "", "C404")),
        ]
    ));
}

#[test]
fn a_key_of_several_columns_is_joined_and_an_empty_part_is_a_failure() {
    let plan = plan(|_| {});
    let stage = plan.stage("Deal").unwrap().clone();
    let program = Program::compile(
        &plan,
        &migr_plan::Stage { source_object: "PipelineStage".to_owned(), fields: Vec::new(), ..stage },
    )
    .unwrap();
    assert_eq!(program.key(&vec![" Sales", "New ", ""]), Ok("Sales\u{1f}New".to_owned()));
    let failure = program.key(&vec!["Sales", " - ", ""]).unwrap_err();
    assert_eq!((failure.field.as_str(), failure.reason.as_str()), ("stage", "the key is empty"));
}

#[test]
fn distinct_values_become_records_that_others_refer_to() {
    let plan = plan(|plan| {
        let mut cities = plan["stages"][0].clone();
        cities["id"] = json!("City");
        cities["source_object"] = json!("Contact");
        cities["destination_object"] = json!("cities");
        cities["distinct"] = json!({"value": pipe(col("city"), "collapse", &[]), "same": [{"canonical": "New York", "variants": ["NYC", "N.Y."]}]});
        cities["fields"] = json!([field("name", kind("text"), json!({"op": "distinct_value"}))]);
        plan["stages"][1]["fields"] = json!([field(
            "city",
            json!({"kind": "reference", "objects": ["cities"]}),
            reference(pipe(col("city"), "collapse", &[]), target("Contact", &["City"]), "quarantine")
        )]);
        plan["stages"].as_array_mut().unwrap().insert(1, cities);
    });
    let contact = |id, city| [("contact_id", id), ("city", city)];
    insta::assert_snapshot!(outcomes(
        &plan,
        &[
            ("Contact", &contact("C1", "NYC")),
            ("Contact", &contact("C2", "New  York")),
            ("Contact", &contact("C3", "Boston")),
            ("Contact", &contact("C4", "")),
        ]
    ));
}

#[test]
fn a_polymorphic_reference_is_told_by_its_column() {
    let plan = plan(|plan| {
        let by = json!({"column": "type", "values": ["contact", "company"]});
        let both = [target("Contact", &["Contact"]), target("Company", &["Company"])];
        let parent =
            json!({"op": "reference", "key": col("deal_id"), "targets": both, "by": by, "on_missing": "quarantine"});
        plan["source"]["objects"][4]["skips"] = json!([]);
        plan["stages"][3]["when"] = json!({"op": "boolean", "value": true});
        plan["stages"][3]["links"] = json!([]);
        plan["stages"][3]["fields"] =
            json!([field("parent", json!({"kind": "reference", "objects": ["people", "companies"]}), parent)]);
    });
    let activity = |id, kind, parent| [("activity_id", id), ("type", kind), ("deal_id", parent)];
    insta::assert_snapshot!(outcomes(
        &plan,
        &[
            ACME,
            ("Activity", &activity("A1", " Company", "K3")),
            ("Activity", &activity("A2", "contact", "K3")),
            ("Activity", &activity("A3", "deal", "K3")),
            ("Activity", &activity("A4", "", "")),
        ]
    ));
}

#[test]
fn a_rule_that_skips_counts_more_than_a_failure() {
    let plan = plan(|plan| {
        plan["stages"][2]["fields"] = json!([
            field("amount", kind("currency"), pipe(col("amount"), "money", &[])),
            field("closeDate", kind("datetime"), call_otherwise(col("close_date"), "skip")),
        ]);
    });
    insta::assert_snapshot!(outcomes(
        &plan,
        &[("Deal", &[("deal_id", "D1"), ("amount", "TBD"), ("close_date", "soon")])]
    ));
}

#[test]
fn a_file_is_named_by_its_own_column() {
    let plan = plan(|plan| {
        let mut file = field("file", kind("file"), col("outcome"));
        file["file_name"] = pipe(col("subject"), "trim", &[]);
        plan["stages"][3]["links"] = json!([]);
        plan["stages"][3]["fields"] = json!([file]);
    });
    let activity = |id, subject| {
        [("activity_id", id), ("type", "meeting"), ("outcome", " files/scan 1.bin "), ("subject", subject)]
    };
    insta::assert_snapshot!(outcomes(
        &plan,
        &[("Activity", &activity("A1", " résumé.txt ")), ("Activity", &activity("A2", ""))]
    ));
}

#[test]
fn conditions_know_true_false_and_none() {
    let truth = |value: Option<bool>| match value {
        Some(value) => json!({"op": "boolean", "value": value}),
        None => json!({"op": "none"}),
    };
    let all = [Some(true), Some(false), None];
    for (operator, expected) in [
        ("and", "true false null false false false null false null"),
        ("or", "true true true true false null true null null"),
    ] {
        let mut found = Vec::new();
        for left in all {
            for right in all {
                let plan = plan(|plan| {
                    plan["stages"][2]["fields"] = json!([field(
                        "x",
                        kind("json"),
                        json!({"op": "list", "items": [pipe(binary(operator, truth(left), truth(right)), "length", &[])]})
                    )]);
                });
                let program = Program::compile(&plan, plan.stage("Deal").unwrap()).unwrap();
                let memory = MemoryLookup::new(&plan).unwrap();
                let record: Vec<&str> = Vec::new();
                let Outcome::Ready(fields) = program.fields(&record, &memory, Pass::First).unwrap() else {
                    panic!("no value")
                };
                // The length of `true` is 4, of `false` 5, of nothing 0.
                found.push(match to_json(&fields.values[0].1).to_string().as_str() {
                    "[4]" => "true",
                    "[5]" => "false",
                    _ => "null",
                });
            }
        }
        assert_eq!(found.join(" "), expected, "{operator}");
    }
}

#[test]
fn a_plan_that_names_what_is_not_there_does_not_compile() {
    let error = |value| {
        let plan = plan(|plan| plan["stages"][2]["fields"] = json!([field("x", kind("text"), value)]));
        Program::compile(&plan, plan.stage("Deal").unwrap()).unwrap_err().to_string()
    };
    let place = "stage Deal, field x (main.migr:1)";
    assert_eq!(error(col("colour")), format!("{place}: Deal has no column `colour`"));
    assert_eq!(error(pipe(col("name"), "shout", &[])), format!("{place}: there is no function `shout`"));
    assert_eq!(error(pipe(col("name"), "join", &[])), format!("{place}: join: 0 arguments, where 1 to 1 are taken"));
    assert_eq!(
        error(pipe(col("close_date"), "at", &[text("noon")])),
        format!("{place}: at: \"noon\" is not a time of day (hh:mm)")
    );
    assert_eq!(
        error(pipe(col("close_date"), "at", &[text("12:00"), col("name")])),
        format!("{place}: at: `zone` must be written out as a text")
    );
    assert_eq!(
        error(through(col("stage"), target("PipelineStage", &[]), "colour")),
        format!("{place}: PipelineStage has no column `colour`")
    );
    assert!(error(pipe(col("name"), "matches", &[text("(")])).contains("regex parse error"));
}

/// A world that cannot be asked.
struct Unreachable;

impl Lookup for Unreachable {
    fn cell<'l>(
        &'l self,
        _: &migr_plan::ReferenceTarget,
        _: &str,
        _: &str,
    ) -> Result<Option<std::borrow::Cow<'l, str>>, LookupError> {
        Err(LookupError::new("the disk is full"))
    }

    fn destination<'l>(&'l self, _: &migr_plan::ReferenceTarget, _: &str) -> Result<Resolved<'l>, LookupError> {
        Err(LookupError::new("the disk is full"))
    }

    fn owner<'l>(&'l self, _: &migr_plan::ReferenceTarget, _: &str) -> Result<OwnerFound<'l>, LookupError> {
        Err(LookupError::new("the disk is full"))
    }

    fn existing<'l>(
        &'l self,
        _: &str,
        _: &[(String, String)],
    ) -> Result<Option<std::borrow::Cow<'l, str>>, LookupError> {
        Err(LookupError::new("the disk is full"))
    }
}

#[test]
fn a_world_that_cannot_be_asked_is_no_fault_of_the_record() {
    let plan = plan(|plan| {
        plan["stages"][2]["fields"] = json!([field(
            "probability",
            kind("number"),
            otherwise_none(through(col("stage"), target("PipelineStage", &[]), "probability"))
        )]);
    });
    let program = Program::compile(&plan, plan.stage("Deal").unwrap()).unwrap();
    let record = vec!["D1", "x", "Open"];
    assert_eq!(program.fields(&record, &Unreachable, Pass::First).unwrap_err().to_string(), "the disk is full");
}

proptest::proptest! {
    #[test]
    fn no_record_panics_and_no_sensitive_value_is_ever_said(cells in proptest::collection::vec("[a-z0-9@.+$()/: <>&;-]{0,20}", 15)) {
        let secret = "Qx7Zsecret";
        let plan = plan(|_| {});
        let program = Program::compile(&plan, plan.stage("Contact").unwrap()).unwrap();
        let memory = MemoryLookup::new(&plan).unwrap();
        let mut cells = cells;
        for sensitive in [1, 2, 3, 4, 12, 13] {
            cells[sensitive].push_str(secret);
        }
        let said = match program.fields(&cells, &memory, Pass::First).unwrap() {
            Outcome::Ready(fields) => format!("{:?}{:?}{:?}", fields.repairs, fields.orphans, fields.created),
            Outcome::Skip { reason } => reason,
            Outcome::Quarantine(failures) => format!("{failures:?}"),
        };
        proptest::prop_assert!(!said.contains(secret), "{}", said);
    }
}

#[test]
fn a_program_may_be_used_by_several_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Program>();
}
