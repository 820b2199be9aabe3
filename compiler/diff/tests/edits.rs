//! Edits as a reviewer meets them, each with what the diff of its two plans says.
#![expect(clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use migr_diff::render::{self, Look};
use migr_diff::{Counts, Diff, diff};
use migr_driver::{Project, compile};
use migr_escape::markdown_code;
use migr_plan::{Lock, Plan};
use migr_source::MemorySystem;
use std::fmt::Write as _;

const SPEC: &str = include_str!("../../../specs/migrations/visual-practice-to-twenty/migration.migr");
/// Lock of the example's export and the sandbox; without shapes and evidence, which no count needs.
const LOCK: &str = include_str!("example.lock.json");
const CATALOG: &str = include_str!("../../../specs/systems/visual_practice.migr");

/// The plan of the shipped spec with edits, each a text and what it becomes.
fn plan(edits: &[(&str, &str)]) -> Plan {
    let (mut spec, mut catalog) = (SPEC.replace("use \"std/systems/visual_practice\"\n", ""), CATALOG.to_owned());
    for (from, to) in edits {
        assert!(spec.contains(from) || catalog.contains(from), "no such text: {from}");
        spec = spec.replacen(from, to, 1);
        catalog = catalog.replacen(from, to, 1);
    }
    let system = MemorySystem::default().with("catalog.migr", catalog).with("main.migr", spec);
    let compilation = compile(&Project { system: &system, entry: None, destination: None, lock: None });
    let found: Vec<String> =
        compilation.diagnostics.iter().map(|one| format!("{} {}", one.code, one.message)).collect();
    compilation.plan.unwrap_or_else(|| panic!("no plan: {found:#?}"))
}

fn lock() -> Lock {
    Lock::from_json(LOCK).unwrap_or_else(|error| panic!("no lock: {error}"))
}

fn differences(edits: &[(&str, &str)]) -> Diff {
    diff(&plan(&[]), &plan(edits), Counts { lock: Some(&lock()), ..Counts::default() })
}

/// Name of an edit, and the texts that it replaces.
type Edit = (&'static str, &'static [(&'static str, &'static str)]);

const EDITS: &[Edit] = &[
    (
        "existing records are updated",
        &[("match domainName\n  on existing fill", "match domainName\n  on existing update")],
    ),
    ("another match", &[("match emails.primaryEmail", "match phones.primaryPhoneNumber")]),
    ("duplicates are treated otherwise", &[("on duplicate merge newest created_at", "on duplicate keep first")]),
    (
        "the trash is left alone",
        &[("on duplicate keep oldest created_at\n  on deleted restore", "on duplicate keep oldest created_at")],
    ),
    (
        "a map takes some records only",
        &[("map Deal -> opportunities {", "map Deal -> opportunities when amount != none {")],
    ),
    ("an owner goes to somebody else", &[("= \"jane.smith@clinic.example\"", "= \"joe.doe@clinic.example\"")]),
    ("another fallback owner", &[("fallback \"front.desk@clinic.example\"", "fallback none")]),
    ("another time zone", &[("timezone = \"America/New_York\"", "timezone = \"Europe/Berlin\"")]),
    ("another currency", &[("currency = \"USD\"", "currency = \"EUR\"")]),
    ("another country", &[("country  = \"US\"", "country  = \"DE\"")]),
    ("another destination", &[("env(\"TWENTY_STAGING_URL\")", "env(\"OTHER_URL\")")]),
    (
        "a sensitive column",
        &[("    close_date: date format \"%m/%d/%Y\"\n", "    close_date: date format \"%m/%d/%Y\" sensitive\n")],
    ),
    ("another separator", &[("split \";\"", "split \",\"")]),
    (
        "another date format",
        &[("    close_date: date format \"%m/%d/%Y\"\n", "    close_date: date format \"%d/%m/%Y\"\n")],
    ),
    (
        "a column of another type",
        &[(
            "    stage: -> PipelineStage.stage ignore case, space\n    amount: text",
            "    stage: -> PipelineStage.stage ignore case, space\n    amount: currency",
        )],
    ),
    ("a picklist row more", &[("\"Qualified\"  ", "\"Signed\" = CUSTOMER\n  \"Qualified\"  ")]),
    ("a picklist row less", &[("  \"Demo done\"                          = new DEMO_DONE \"Demo done\" blue\n", "")]),
    (
        "a picklist row to another option",
        &[(
            "\"In progress\" | \"Demo scheduled\"     = MEETING",
            "\"In progress\" | \"Demo scheduled\"     = SCREENING",
        )],
    ),
    (
        "a value of a picklist row goes elsewhere",
        &[(
            "\"In progress\" | \"Demo scheduled\"     = MEETING",
            "\"In progress\" = MEETING\n  \"Demo scheduled\" = SCREENING",
        )],
    ),
    ("unknown values of a picklist", &[("gray\n  otherwise quarantine", "gray\n  otherwise NEW")]),
    ("a label of an option", &[("\"Lost\" red", "\"Gone\" red")]),
    ("another expression", &[("jobTitle  = job_title | trim", "jobTitle  = job_title | trim | upper")]),
    ("a dropped field", &[("  new city \"City\": text = city\n", "  drop city : \"in the address\"\n")]),
    ("a renamed field", &[("new city \"City\": text", "new town \"City\": text")]),
    ("a field that may miss its record", &[("contact_id on missing none\n  owner", "contact_id\n  owner")]),
    ("a link less", &[("targets   = [contact_id, deal_id]", "targets   = [contact_id]")]),
    ("files that stay behind", &[("drop file \"idmap_*.csv\" : \"made for benchmarks\"\n", "")]),
    (
        "records that are skipped",
        &[(
            "skip Activity when (type | trim | lower) not in [\"call\", \"email\", \"meeting\"]",
            "skip Activity when (type | trim | lower) not in [\"call\", \"email\"]",
        )],
    ),
    ("a threshold", &[(">= 99.9%", ">= 99%")]),
    ("a conflict is decided otherwise", &[("on conflict list", "on conflict overwrite")]),
    ("a larger sample", &[("sample   = 300", "sample   = 500")]),
    (
        "another proxy",
        &[("token = secret(\"TWENTY_STAGING_KEY\") }", "token = secret(\"TWENTY_STAGING_KEY\"); timeout = 20s }")],
    ),
    ("another key", &[("    key note_id\n", "    key note_id, created_at\n")]),
    ("a map less", &[("map Task -> tasks {", "map Task -> tasks when false {")]),
];

const SAME: &[Edit] = &[
    ("a comment", &[("map Deal -> opportunities {", "// what is sold\nmap Deal -> opportunities {")]),
    ("a blank line", &[("map Deal -> opportunities {", "\n\nmap Deal -> opportunities {")]),
    (
        "a row of two values as two rows",
        &[(
            "  \"In progress\" | \"Demo scheduled\"     = MEETING\n",
            "  \"In progress\" = MEETING\n  \"Demo scheduled\" = MEETING\n",
        )],
    ),
    (
        "another order of fields",
        &[(
            "  new phone \"Phone\": phone = phone otherwise none\n  new phoneExtension \"Phone extension\": text = phone | extension\n",
            "  new phoneExtension \"Phone extension\": text = phone | extension\n  new phone \"Phone\": phone = phone otherwise none\n",
        )],
    ),
];

#[test]
fn every_edit_shows_by_the_name_of_what_changed_in_every_form() {
    let (mut shown, mut table) = (String::new(), String::from("edit | kind | path | before | after | records\n"));
    for (name, edits) in EDITS {
        let found = differences(edits);
        let causes: Vec<_> = found.changes.iter().filter(|change| !change.follows).collect();
        assert!(!causes.is_empty(), "no cause is shown for: {name}");
        let text = render::terminal(&found, Look { width: 500, color: false });
        let markdown = render::markdown(&found);
        let json = serde_json::to_value(&found).unwrap_or_default();
        for change in causes {
            let kind = change.kind.words();
            assert!(text.contains(kind) && text.contains(&change.path), "{name}:\n{text}");
            assert!(markdown.contains(kind) && markdown.contains(&markdown_code(&change.path)), "{name}:\n{markdown}");
            let told = json["changes"].as_array().into_iter().flatten();
            let keys = ["kind", "path", "before", "after", "records"];
            let is_told = |one: &serde_json::Value| {
                one["path"] == change.path.as_str() && keys.iter().all(|key| one.get(*key).is_some())
            };
            assert!(told.into_iter().any(is_told), "{name}: {json}");
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "·".to_owned());
            let (before, after) = (value(&change.before), value(&change.after));
            let records = change.records.map_or_else(|| "·".to_owned(), |records| records.to_string());
            let _ = writeln!(table, "{name} | {kind} | {} | {before} | {after} | {records}", change.path);
        }
        let _ = writeln!(shown, "## {name}\n\n{}", render::terminal(&found, Look::default()));
    }
    insta::assert_snapshot!("edits", shown);
    insta::assert_snapshot!("table", table);
}

#[test]
fn what_changes_nothing_is_no_change() {
    for (name, edits) in SAME {
        let found = differences(edits);
        assert!(found.is_empty(), "{name}: {:#?}", found.changes);
        assert_eq!(render::terminal(&found, Look::default()), "No change in meaning.\n");
    }
}

#[test]
fn the_markdown_of_many_changes_stays_below_the_limit_and_says_what_it_leaves_out() {
    let rows: Vec<String> =
        (0..3_000).map(|at| format!("  \"a value of a rather long name, number {at}\" = NEW\n")).collect();
    let with_rows = format!("{}  otherwise create", rows.concat());
    let before = "  otherwise create";
    let found = diff(&plan(&[]), &plan(&[(before, &with_rows)]), Counts::default());
    let text = render::markdown(&found);
    assert!(text.chars().count() <= render::LONGEST, "{}", text.chars().count());
    assert!(text.contains("more changes are left out here"), "{}", text.len());
}

#[test]
fn records_are_counted_for_owners_options_and_rows_that_a_reference_feeds() {
    for (edits, records, owners, sentence) in [
        ([("= MEETING", "= SCREENING")], Some(17), None, "17 opportunities change stage; no field is lost."),
        ([("\"Lost\" red", "\"Gone\" red")], Some(38), None, "38 opportunities change stage; no field is lost."),
        (
            [("fallback \"front.desk@clinic.example\"", "fallback \"jane.smith@clinic.example\"")],
            Some(2),
            Some(2),
            "2 owners move to the fallback (2 records); no field is lost.",
        ),
        (
            [(
                "fallback \"front.desk",
                "\"left4@visualpractice.example\" = \"joe.doe@clinic.example\"\n  fallback \"front.desk",
            )],
            Some(1),
            Some(1),
            "1 owner gets another user (1 record); no field is lost.",
        ),
        (
            [("timezone = \"America/New_York\"", "timezone = \"Europe/Berlin\"")],
            Some(151),
            None,
            "1 column or setting is read otherwise (up to 151 records); no field is lost.",
        ),
        (
            [("country  = \"US\"", "country  = \"DE\"")],
            Some(331),
            None,
            "1 column or setting is read otherwise (up to 331 records); no field is lost.",
        ),
        (
            [("currency = \"USD\"", "currency = \"EUR\"")],
            Some(398),
            None,
            "1 column or setting is read otherwise (up to 398 records); no field is lost.",
        ),
        (
            [("= new DEMO_DONE \"Demo done\" blue", "= MEETING")],
            Some(8),
            None,
            "8 opportunities change stage; no field is lost.",
        ),
        (
            [("  new city \"City\": text = city\n", "  drop city : \"in the address\"\n")],
            Some(298),
            None,
            "1 field or column is lost (298 records).",
        ),
        (
            [("gray\n  otherwise quarantine", "gray\n  otherwise NEW")],
            Some(1),
            None,
            "1 record of opportunities changes stage; no field is lost.",
        ),
    ] {
        let found = differences(&edits);
        let cause = found.changes.iter().find(|change| !change.follows).unwrap_or_else(|| panic!("{edits:?}"));
        assert_eq!((cause.records, cause.owners), (records, owners), "{edits:?}");
        assert_eq!(found.summary.sentence, sentence, "{edits:?}");
    }
}

#[test]
fn the_json_form_has_the_contracts_keys() {
    let found = differences(&[("on existing fill", "on existing update")]);
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&found).unwrap_or_default());
}
