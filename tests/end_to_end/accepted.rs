//! Findings of an audit that a spec accepts or denies by name: what is told of them, and what goes on.

use serde_json::{Value, json};

use crate::harness::{Project, Ran};
use crate::small::Small;
use crate::stand_in::StandIn;

/// A project of which two columns are declared nowhere, with entries in its migration; these stand on line 9 and below.
fn project(entries: &str) -> Project {
    let small = Small {
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text }",
        maps: "map Firm -> companies {\n  name = name\n}",
        files: &[("firms.csv", "id,name,colour,size\n1,Acme,red,7\n")],
        held: Vec::new(),
    };
    let project = small.project();
    let spec = project.read("migration.migr");
    let currency = "  currency = \"USD\"\n";
    assert!(spec.contains(currency));
    project.write("migration.migr", &spec.replace(currency, &format!("{currency}{entries}\n")));
    project
}

fn audit(stand_in: &StandIn, project: &Project) -> (Ran, Value) {
    let shown = stand_in.migr(project, &["audit"]);
    let json = stand_in.migr(project, &["audit", "--format", "json"]);
    assert_eq!(shown.code, json.code);
    let json = json.json();
    (shown, json)
}

fn messages(audit: &Value, kind: &str) -> Vec<String> {
    let findings = audit["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == kind);
    findings.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn so_many_findings_are_accepted_by_name_with_their_reason_and_one_more_brings_all_back() {
    for (max, is_accepted) in [("", true), (" max 2", true), (" max 1", false), (" max 0", false)] {
        let project = project(&format!("  deny warnings\n  allow \"extra-column\"{max} : \"of no use to sales\""));
        let (shown, audit) = audit(&StandIn::new(), &project);
        assert_eq!(shown.code, i32::from(!is_accepted), "{max}\n{}", shown.stdout);
        let accepted = audit["accepted"].as_array().unwrap();
        let parts = accepted.iter().map(|one| {
            (one["finding"].as_str().unwrap(), one["reason"].as_str().unwrap(), &one["records"], &one["is_exceeded"])
        });
        let expected = ("extra-column", "of no use to sales", &json!(2), &json!(!is_accepted));
        assert_eq!(parts.collect::<Vec<_>>(), [expected], "{max}");
        let line = accepted[0]["origin"]["line"].as_u64().unwrap();
        let told = messages(&audit, "extra-column");
        if is_accepted {
            assert_eq!(told, Vec::<String>::new(), "{max}");
            let said = format!("accepted[extra-column]: 2 records (migration.migr:{line}): of no use to sales");
            assert!(shown.stdout.contains(&said), "{said}\n{}", shown.stdout);
        } else {
            let more = format!("({} accepted in migration.migr:{line}, now 2)", max.replace(" max ", ""));
            assert!(told.len() == 2 && told.iter().all(|one| one.ends_with(&more)), "{more}: {told:?}");
            assert!(shown.stdout.contains("not accepted[extra-column]: 2 records"), "{}", shown.stdout);
        }
        assert_eq!(messages(&audit, "idle-allow"), Vec::<String>::new(), "{max}");
    }
}

#[test]
fn what_is_denied_makes_an_audit_fail_and_what_is_not_denied_does_not() {
    for (entries, code) in [
        ("", 0),
        ("  deny warnings", 1),
        ("  deny \"extra-column\"", 1),
        ("  deny \"orphan-owner\"", 0),
        ("  deny \"extra-column\"\n  allow \"extra-column\" on colour : \"a whim\"", 1),
        (
            "  deny warnings\n  allow \"extra-column\" on colour : \"a whim\"\n  allow \"extra-column\" on size : \"old\"",
            0,
        ),
    ] {
        let shown = StandIn::new().migr(&project(entries), &["audit"]);
        assert_eq!(shown.code, code, "{entries}\n{}{}", shown.stdout, shown.stderr);
    }
}

#[test]
fn a_run_and_a_setup_do_not_begin_where_the_spec_denies_what_it_raises() {
    // Nothing calls it: W0331 of check.
    let unused = "\n\ntransform other(one) = one | trim\n";
    for (entries, commands) in [
        ("  deny warnings", [("check", 1), ("audit", 1), ("setup", 4), ("run", 4)]),
        (
            "  deny warnings\n  allow \"extra-column\" : \"a whim\"",
            [("check", 1), ("audit", 1), ("setup", 4), ("run", 4)],
        ),
        ("", [("check", 0), ("audit", 0), ("setup", 0), ("run", 0)]),
    ] {
        let project = project(entries);
        project.write("migration.migr", &format!("{}{unused}", project.read("migration.migr")));
        let stand_in = StandIn::new();
        for (command, code) in commands {
            let ran = match command {
                "check" => project.migr(&["check"]),
                "run" => stand_in.migr(&project, &["run", "--no-approval"]),
                other => stand_in.migr(&project, &[other]),
            };
            assert_eq!(ran.code, code, "{entries} {command}\n{}{}", ran.stdout, ran.stderr);
            if code == 4 {
                assert!(ran.stderr.contains("the spec's `deny` stops at what is said above"), "{}", ran.stderr);
            }
        }
        let written = stand_in.records("companies").iter().filter(|firm| firm["name"] == "Acme").count();
        assert_eq!(written, usize::from(entries.is_empty()), "{entries}");
    }
}

#[test]
fn an_entry_that_accepts_what_nothing_raises_is_told_where_the_destination_was_asked() {
    let entries = "  allow \"orphan-owner\" : \"they have left\"\n  allow \"extra-column\" : \"of no use to sales\"";
    let project = project(entries);
    let stand_in = StandIn::new();
    let (shown, audit) = audit(&stand_in, &project);
    assert_eq!(shown.code, 0, "{}", shown.stdout);
    assert_eq!(messages(&audit, "idle-allow"), ["nothing here raises \"orphan-owner\" as a warning or a note (W0211)"]);
    let accepted = audit["accepted"].as_array().unwrap();
    assert_eq!(accepted.iter().map(|one| &one["finding"]).collect::<Vec<_>>(), ["extra-column"]);
    let offline = project.migr(&["audit", "--offline", "--format", "json"]).exits(0).json();
    assert_eq!(messages(&offline, "idle-allow"), Vec::<String>::new(), "nobody was asked for owners");
    project.write(
        "migration.migr",
        &project.read("migration.migr").replace(entries, &format!("  deny warnings\n{entries}")),
    );
    stand_in.migr(&project, &["audit"]).exits(1);
}

#[test]
fn a_name_that_no_finding_has_is_refused_with_the_nearest_one() {
    for (entry, nearest) in
        [("  allow \"extra-colum\" : \"a whim\"", "extra-column"), ("  deny \"orphan-owners\"", "orphan-owner")]
    {
        let shown = project(entry).migr(&["check"]).exits(1).stdout;
        assert!(shown.contains("E0312") && shown.contains(nearest), "{entry}\n{shown}");
    }
}

#[test]
fn a_format_that_all_values_contradict_holds_a_run_until_it_is_mended_or_accepted() {
    for (format, entry, code, said) in [
        ("%d/%m/%Y", "", 4, "write `format \"%m/%d/%Y\"`, or `allow \"contradicted-format\" on seen : \"why\"`"),
        ("%d/%m/%Y", "allow \"contradicted-format\" on seen : \"why\";", 5, "quarantined"),
        ("%m/%d/%Y", "", 0, ""),
    ] {
        let objects = format!(
            "  object Firm from \"firms.csv\" {{ {entry} key id; id: text; name: text; seen: date format \"{format}\" }}"
        );
        let small = Small {
            objects: &objects,
            maps: "map Firm -> companies {\n  name = name\n  new seen \"Seen\": date = seen\n}",
            files: &[(
                "firms.csv",
                "id,name,seen\n1,Acme,01/02/2024\n2,Beta,01/31/2024\n3,Gamma,02/28/2024\n4,Delta,03/30/2024\n",
            )],
            held: Vec::new(),
        };
        let (project, stand_in) = (small.project(), StandIn::new());
        let ran = stand_in.migr(&project, &["run", "--no-approval"]);
        assert_eq!(ran.code, code, "{format} {entry}\n{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(said) || ran.stdout.contains(said), "{said}\n{}{}", ran.stdout, ran.stderr);
        let written = stand_in.records("companies").iter().filter(|firm| firm["name"] == "Acme").count();
        assert_eq!(written, usize::from(code != 4), "{format} {entry}");
        let (_, audit) = audit(&stand_in, &project);
        let told = messages(&audit, "contradicted-format").len() + messages(&audit, "idle-allow").len();
        assert_eq!(told, usize::from(code == 4), "{format} {entry}: {audit}");
    }
}

#[test]
fn what_is_denied_and_only_an_audit_finds_holds_a_run_until_it_is_accepted() {
    let project = project("  deny \"extra-column\"");
    let stand_in = StandIn::new();
    assert_eq!(stand_in.migr(&project, &["audit"]).code, 1);
    for command in [&["setup"][..], &["run", "--no-approval"]] {
        let held = stand_in.migr(&project, command).exits(4);
        assert!(held.stderr.contains("the audit found what the spec denies: 2 extra-column"), "{}", held.stderr);
    }
    let acme = || stand_in.records("companies").iter().filter(|company| company["name"] == "Acme").count();
    assert_eq!(acme(), 0);
    // A plan may still be looked at, and one that denies nothing goes on.
    stand_in.migr(&project, &["plan"]).exits(0);
    let spec = project.read("migration.migr");
    project.write(
        "migration.migr",
        &spec.replace("deny \"extra-column\"", "deny \"extra-column\"\n  allow \"extra-column\" : \"of no use\""),
    );
    stand_in.migr(&project, &["audit"]).exits(0);
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    assert!(!ran.stderr.contains("left behind: `colour`"), "what is accepted is said by no command: {}", ran.stderr);
    assert_eq!(acme(), 1);
}

#[test]
fn what_is_accepted_stands_in_plan_and_report_with_its_reason_and_its_number() {
    let project = project("  allow \"extra-column\" max 5 : \"of no use to <sales>\"");
    let stand_in = StandIn::new();
    stand_in.migr(&project, &["audit"]).exits(0);
    let line = "\"extra-column\", 2 records (migration.migr:9): of no use to <sales>";
    for format in [&["plan"][..], &["plan", "--format", "json"]] {
        let said = stand_in.migr(&project, format).exits(0).stdout;
        assert!(said.contains("of no use to"), "{said}");
    }
    let plan = stand_in.migr(&project, &["plan"]).exits(0).stdout;
    assert!(plan.contains(&format!("Accepted: {line}")), "{plan}");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let report = |format: &str| stand_in.migr(&project, &["report", "--format", format]).exits(0).stdout;
    let markdown = report("markdown");
    assert!(markdown.contains("## Accepted\n\n- \"extra-column\", 2 records"), "{markdown}");
    let html = report("html");
    assert!(html.contains("<h2>Accepted</h2>") && html.contains("of no use to &lt;sales&gt;"), "{html}");
    let json: Value = serde_json::from_str(&report("json")).unwrap();
    let expected = json!([{ "finding": "extra-column", "on": null, "reason": "of no use to <sales>", "place": "migration.migr:9", "max": 5, "found": 2 }]);
    assert_eq!(json["accepted"], expected);
}

#[test]
fn so_many_values_of_a_contradicted_format_are_accepted_by_audit_and_run_alike() {
    for (max, codes) in [("", [0, 0]), (" max 3", [0, 0]), (" max 2", [1, 4])] {
        let small = Small {
            objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text; size: integer }",
            maps: "map Firm -> companies {\n  name = name\n  new size \"Size\": integer = size otherwise none\n}",
            files: &[("firms.csv", "id,name,size\n1,A,1.500\n2,B,12.000\n3,C,\"1.234,0\"\n")],
            held: Vec::new(),
        };
        let project = small.project();
        let spec = project.read("migration.migr");
        let entry = format!("  allow \"contradicted-format\" on size{max} : \"misprints\"");
        project.write(
            "migration.migr",
            &spec.replace("  currency = \"USD\"\n", &format!("  currency = \"USD\"\n{entry}\n")),
        );
        let stand_in = StandIn::new();
        let audit = stand_in.migr(&project, &["audit"]);
        stand_in.migr(&project, &["setup"]).exits(0);
        let run = stand_in.migr(&project, &["run", "--no-approval"]);
        assert_eq!([audit.code, run.code], codes, "{max}\n{}\n{}", audit.stdout, run.stderr);
        let said = "(2 accepted in migration.migr:9, now 3)";
        assert_eq!(audit.stdout.contains(said), codes[0] == 1, "{}", audit.stdout);
        assert_eq!(run.stderr.contains(said), codes[1] == 4, "{}", run.stderr);
        assert!(!audit.stdout.contains("idle-allow"), "{}", audit.stdout);
    }
}

#[test]
fn a_warning_of_the_spec_is_told_by_check_and_not_before_every_command() {
    let small = Small {
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text }",
        maps: "map Firm -> companies {\n  name = name | truncate(3)\n}",
        files: &[("firms.csv", "id,name\n1,Acme\n")],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    assert!(project.migr(&["check"]).exits(0).stdout.contains("W0335"));
    for command in [&["audit"][..], &["setup"], &["run", "--no-approval"], &["verify"]] {
        let said = stand_in.migr(&project, command).exits(0).stderr;
        assert!(!said.contains("W0335") && said.contains("the spec has a warning: `migr check` tells it"), "{said}");
    }
}
