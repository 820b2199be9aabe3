//! What the program says of a migration: the schema it made, what does not move, the trail it leaves, and whether the numbers add up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::clinic::clinic;
use crate::harness::{Project, Ran};
use crate::moved::moved;
use crate::stand_in::StandIn;

#[test]
fn custom_objects_are_there_with_their_fields_options_and_relations_of_both_sides() {
    let moved = moved();
    for (object, singular, plural) in
        [("treatmentPlans", "Treatment plan", "Treatment plans"), ("planProviders", "Plan provider", "Plan providers")]
    {
        let found = moved.object(object);
        assert_eq!((&found["labelSingular"], &found["labelPlural"]), (&json!(singular), &json!(plural)));
    }
    for (object, field, ty) in [
        ("treatmentPlans", "name", "TEXT"),
        ("treatmentPlans", "planStatus", "SELECT"),
        ("treatmentPlans", "estimatedFee", "CURRENCY"),
        ("treatmentPlans", "originalCreatedAt", "DATE_TIME"),
        ("planProviders", "providerRole", "TEXT"),
    ] {
        assert_eq!(moved.field(object, field)["type"], ty, "{object}.{field}");
    }
    let options = moved.field("treatmentPlans", "planStatus")["options"].as_array().unwrap();
    let values: Vec<&str> = options.iter().map(|option| option["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["PROPOSED", "ACCEPTED", "COMPLETED"]);
    for (object, field, side) in [
        ("treatmentPlans", "patient", "MANY_TO_ONE"),
        ("planProviders", "treatmentPlan", "MANY_TO_ONE"),
        ("planProviders", "provider", "MANY_TO_ONE"),
    ] {
        let found = moved.field(object, field);
        assert_eq!((&found["type"], &found["settings"]["relationType"]), (&json!("RELATION"), &json!(side)));
    }
    for (object, label) in
        [("people", "Treatment plans"), ("treatmentPlans", "Providers"), ("workspaceMembers", "Treatment plans")]
    {
        let fields = moved.object(object)["fields"].as_array().unwrap();
        let other = fields.iter().find(|field| field["label"] == label && field["type"] == "RELATION");
        let other = other.unwrap_or_else(|| panic!("{object} has no \"{label}\""));
        assert_eq!(other["settings"]["relationType"], "ONE_TO_MANY");
    }
    // An object before its fields, and a relation after both of its ends.
    let setup = moved.plan["setup"].as_array().unwrap();
    let place = |is: &dyn Fn(&Value) -> bool| setup.iter().position(is).unwrap();
    let object = |name: &str| place(&|one| one["action"] == "create_object" && one["object"] == name);
    let relation = place(&|one| one["object"] == "planProviders" && one["field"] == "treatmentPlan");
    assert!(relation > object("planProviders") && relation > object("treatmentPlans"));
    assert!(flat(&moved.plan_text).contains("+ object planProviders"), "the junction is in the plan");
}

#[test]
fn custom_fields_have_the_type_that_the_spec_gives_them() {
    let moved = moved();
    for (object, field, ty) in [
        ("companies", "phone", "PHONES"),
        ("companies", "phoneExtension", "TEXT"),
        ("companies", "employees", "NUMBER"),
        ("companies", "parentCompany", "RELATION"),
        ("companies", "originalCreatedAt", "DATE_TIME"),
        ("people", "leadStatus", "SELECT"),
        ("people", "tags", "ARRAY"),
        ("people", "bio", "RICH_TEXT"),
        ("people", "annualValue", "CURRENCY"),
        ("people", "unsubscribed", "BOOLEAN"),
        ("opportunities", "probability", "NUMBER"),
        ("tasks", "kind", "SELECT"),
        ("tasks", "completedAt", "DATE_TIME"),
    ] {
        let found = moved.field(object, field)["type"].as_str().unwrap();
        assert!(found.starts_with(ty), "{object}.{field} is {found}");
    }
}

/// Text without the blanks of its layout.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_stays_behind_is_named_with_its_reason_and_its_number_of_records() {
    let moved = moved();
    for rows in [&moved.plan["rows"], &moved.report["rows"]] {
        let row = |concept: &str| {
            let mut all = rows.as_array().unwrap().iter();
            let found = all.find(|row| row["concept"] == concept && row["kind"] != "custom_fields");
            found.unwrap_or_else(|| panic!("no row of {concept}"))
        };
        let stages = moved.rows("pipelines.csv").len();
        assert_eq!(
            (&row("PipelineStage")["state"], &row("PipelineStage")["records"]),
            (&json!("none"), &json!(stages))
        );
        let workflows: Value = serde_json::from_str(&moved.project.read("export/workflows.json")).unwrap();
        let workflows = workflows.as_array().unwrap().len();
        assert_eq!((&row("Workflow")["state"], &row("Workflow")["records"]), (&json!("by_hand"), &json!(workflows)));
        let unexplained =
            rows.as_array().unwrap().iter().filter(|row| row["state"] != "exact" && !row["reason"].is_string());
        assert_eq!(unexplained.collect::<Vec<_>>(), Vec::<&Value>::new());
    }
    let text = flat(&moved.plan_text);
    for said in [
        "stays behind object PipelineStage, 20 records stages are options",
        "by hand reference Workflow, ",
        "stays behind column Attachment.bytes, 12 records compared with the file by audit",
        "drop file idmap_*.csv made for benchmarks",
    ] {
        assert!(text.contains(said), "no `{said}` in\n{text}");
    }
    let report = moved.project.migr(&["report", "--format", "markdown"]).exits(0).stdout;
    assert!(report.contains("## Does not migrate\n\n- PipelineStage (20 records): "), "{report}");
}

#[test]
fn how_much_moves_one_to_one_is_counted_and_every_exception_is_listed() {
    let moved = moved();
    let objects = ["object", "owners", "reference"];
    let rows = moved.plan["rows"].as_array().unwrap();
    // What an audit found in its records counts as what the spec says of it.
    let is_exact = |row: &Value| row["state"] == "exact" && row["found"].is_null();
    let count = |is_object: bool, only_exact: bool| {
        let of_kind = rows.iter().filter(|row| objects.contains(&row["kind"].as_str().unwrap()) == is_object);
        of_kind.filter(|row| !only_exact || is_exact(row)).count()
    };
    let expected = json!({
        "objects": {"exact": count(true, true), "all": count(true, false)},
        "others": {"exact": count(false, true), "all": count(false, false)},
    });
    assert_eq!(moved.report["compatibility"], expected);
    assert_eq!(
        (count(true, true), count(true, false)),
        (4, 12),
        "skips, drops, references and values that fall together are not one to one"
    );
    let text = flat(&moved.plan_text);
    assert!(text.contains("One to one, every value arriving apart from every other: 4 of 12 objects and "), "{text}");
    let listed = text.split("Not one to one ").nth(1).unwrap();
    for row in rows.iter().filter(|row| !is_exact(row)) {
        assert!(
            listed.contains(&format!("{} {}", row["kind"].as_str().unwrap(), row["concept"].as_str().unwrap())),
            "{row}"
        );
    }
    // A picklist that merges two values is no longer one to one, and one that does not is.
    let project = Project::example();
    let spec = project
        .read("migration.migr")
        .replace("  \"New\" | \"Open\"   = new NEW \"New\" blue\n", "  \"New\" = new NEW \"New\" blue\n");
    project.write("migration.migr", &spec);
    let plan = project.migr(&["plan", "--format", "json"]).exits(0).json();
    let state = |plan: &Value| {
        let row = plan["rows"].as_array().unwrap().iter().find(|row| row["concept"] == "LeadStatus").unwrap();
        row["state"].as_str().unwrap().to_owned()
    };
    assert_eq!((state(&moved.plan), state(&plan)), ("degraded".to_owned(), "exact".to_owned()));
}

#[test]
fn the_trail_has_a_line_for_every_record_written_updated_or_skipped() {
    let moved = moved();
    for object in moved.report["objects"].as_array().unwrap() {
        let map = object["map"].as_str().unwrap();
        let mut by_type: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for line in moved.trail.iter().filter(|line| line["step"] == map) {
            by_type.entry(line["type"].as_str().unwrap()).or_default().insert(line["key"].as_str().unwrap_or_default());
        }
        for (count, ty) in
            [("created", "created"), ("updated", "updated"), ("skipped", "skipped"), ("quarantined", "quarantined")]
        {
            let lines = by_type.get(ty).map_or(0, BTreeSet::len) as u64;
            assert_eq!(object[count].as_u64(), Some(lines), "{map}: {count}, {by_type:?}");
        }
    }
    let written = || moved.trail.iter().filter(|line| matches!(line["type"].as_str(), Some("created" | "updated")));
    let hex = |value: &Value| {
        value.as_str().is_some_and(|text| text.len() >= 16 && text.chars().all(|c| c.is_ascii_hexdigit()))
    };
    for line in written() {
        assert!(line["id"].is_string() && line["attempts"].as_u64() >= Some(1) && hex(&line["digest"]), "{line}");
        assert!(hex(&line["hash"]), "{line}");
    }
    assert!(
        written()
            .filter(|line| !line["step"].as_str().unwrap().contains('.'))
            .all(|line| line["line"].as_u64() > Some(1))
    );
    // What was there before an update is told apart from what is there after it.
    let updated: Vec<&Value> =
        written().filter(|line| line["step"] == "Company" && line["type"] == "updated").collect();
    assert!(
        !updated.is_empty() && updated.iter().all(|line| hex(&line["before"]) && line["before"] != line["digest"]),
        "{updated:?}"
    );
}

#[test]
fn a_journal_that_somebody_changed_says_so_and_numbers_that_do_not_add_up_are_an_error() {
    let project = Project::example();
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    project.migr(&["journal", "--verify"]).exits(0);
    project.migr(&["report"]).exits(0);
    let change = |sql: &str| {
        let journal = rusqlite::Connection::open(project.path().join(".migr/sandbox/journal.db")).unwrap();
        assert!(journal.execute(sql, []).unwrap() > 0, "{sql}");
    };
    change("DELETE FROM id_map WHERE key = 'C00000010'");
    for arguments in
        [["report"].as_slice(), &["status"], &["journal", "--verify"], &["run", "--sandbox", "--no-approval"]]
    {
        let ran = project.migr(arguments).exits(3);
        let said = "journal.db: the journal is not what was written: the file was changed since it was closed. Put it back from a backup";
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
    // Whoever changes it may also remove what tells so.
    std::fs::remove_file(project.path().join(".migr/sandbox/journal.db.lock")).unwrap();
    let ran = project.migr(&["report"]).exits(6);
    assert!(ran.stderr.contains("Contact: 300 records were read and 299 are accounted for"), "{}", ran.stderr);
    change("UPDATE entries SET data = data || 'x' WHERE seq = (SELECT max(seq) - 1 FROM entries)");
    let ran = project.migr(&["journal", "--verify"]).exits(6);
    assert!(ran.stdout.contains("the chain is broken at entry "), "{}", ran.stdout);
}

#[test]
fn the_report_ends_with_counts_coverage_and_what_needs_a_person() {
    let moved = moved();
    for object in moved.report["objects"].as_array().unwrap() {
        let file_rows = match object["map"].as_str().unwrap() {
            "Company" => Some("companies.csv"),
            "Contact" => Some("contacts.csv"),
            "Deal" => Some("deals.csv"),
            "Note" => Some("notes.csv"),
            "Task" => Some("tasks.csv"),
            "Attachment" => Some("attachments.csv"),
            _ => None,
        };
        let read = object["read"].as_u64().unwrap();
        if let Some(file) = file_rows {
            assert_eq!(read, moved.rows(file).len() as u64, "{object}");
        }
        let parts =
            ["created", "updated", "unchanged", "skipped", "quarantined"].map(|part| object[part].as_u64().unwrap());
        assert_eq!(read, parts.iter().sum::<u64>(), "{object}");
    }
    let coverage = moved.report["coverage"].as_array().unwrap();
    assert!(coverage.len() >= 9);
    for one in coverage {
        let part = |name: &str| one[name].as_u64().unwrap();
        assert_eq!(part("columns"), part("mapped") + part("dropped") + one["unused"].as_array().unwrap().len() as u64);
    }
    let attention = moved.report["attention"].to_string();
    for said in ["17 records were quarantined", "2 owners have no account", "Workflow is to be rebuilt by hand"] {
        assert!(attention.contains(said), "no `{said}` in {attention}");
    }
}

#[test]
fn logs_are_a_json_object_a_line_with_the_run_its_steps_and_its_batches_as_spans() {
    let project = clinic(2);
    let stand_in = StandIn::new();
    let mut command = stand_in.command(project.path(), &["run", "--no-approval", "--log", "json"]);
    let ran = Ran::from(command.env("RUST_LOG", "debug").output().unwrap()).exits(5);
    let lines: Vec<Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
    let ended: Vec<&Value> = lines.iter().filter(|line| line["fields"]["time.busy"].is_string()).collect();
    // What is counted for the report is of no run.
    let is_of_run = |line: &Value| line["spans"].as_array().into_iter().flatten().any(|span| span["name"] == "run");
    let spans = |name: &str, part: &str| -> Vec<&str> {
        let of = ended.iter().filter(|line| line["span"]["name"] == name && (name != "step" || is_of_run(line)));
        of.map(|line| line["span"][part].as_str().unwrap()).collect()
    };
    assert_eq!(spans("run", "migration"), ["clinic_to_twenty"]);
    assert_eq!(
        spans("step", "step"),
        ["Firm", "Person", "Deal", "Memo", "Memo.targets", "Visit", "Scan", "Firm:deferred"]
    );
    let batches: BTreeSet<&str> = spans("batch", "object").into_iter().collect();
    assert_eq!(
        batches,
        ["attachments", "companies", "noteTargets", "notes", "opportunities", "people", "visits"].into_iter().collect()
    );
    for value in ["lovelace", "ada@clinic", "acme", "a shadow"] {
        assert!(!ran.stderr.to_lowercase().contains(value), "{value} is told");
    }
}

#[test]
fn a_run_without_an_audit_reports_the_same_counts_as_one_after_an_audit() {
    let lived = |audited: bool| {
        let project = clinic(3);
        // A column and a file that nobody declared.
        let people = project.read("export/people.csv");
        let wide: Vec<String> = people.lines().map(|line| format!("{line},x")).collect();
        project.write("export/people.csv", &(wide.join("\n") + "\n"));
        project.write("export/faxes.csv", "id,number\n1,2\n");
        let spec = project.read("migration.migr").replace("jobTitle = job\n", "jobTitle = job | truncate(3)\n");
        project.write("migration.migr", &spec);
        let stand_in = StandIn::new();
        if audited {
            stand_in.migr(&project, &["audit"]);
        }
        stand_in.migr(&project, &["run", "--no-approval"]);
        let counts = |mut report: Value| {
            let whole = report.as_object_mut().unwrap();
            for own in ["runs", "plans", "estimate", "before_and_after", "setup"] {
                whole.remove(own);
            }
            report
        };
        let first = counts(project.report());
        stand_in.migr(&project, &["run", "--no-approval"]);
        assert_eq!(counts(project.report()), first);
        first
    };
    let (audited, alone) = (lived(true), lived(false));
    for part in ["degradations", "rows", "coverage", "undeclared", "attention", "reasons", "accepted", "compatibility"]
    {
        assert_eq!(alone[part], audited[part], "{part}");
    }
    assert_eq!(alone, audited);
    let counted = alone["degradations"].as_array().unwrap();
    assert!(counted.iter().all(|one| one["records"].is_u64()), "{counted:#?}");
    assert!(counted.iter().any(|one| one["what"] == "people.jobTitle" && one["records"] != 0), "{counted:#?}");
    assert_eq!(alone["undeclared"]["files"], json!(["export/faxes.csv"]));
}
