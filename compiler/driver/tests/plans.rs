//! Plans for people: each form says all of the plan, the terminal's within its width, and Markdown within what a comment may hold.
#![expect(clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use common::compile_text;
use migr_plan::lock::{LockedCapabilities, LockedDestination, LockedField, LockedObject};
use migr_plan::render::{self, View};
use migr_plan::{Plan, SetupAction};
use serde_json::Value;

const SHIPPED: &[(&str, &str)] = &[
    ("twenty", include_str!("../../../specs/migrations/visual-practice-to-twenty/migration.migr")),
    ("highlevel", include_str!("../../../specs/migrations/the-practice-to-highlevel/migration.migr")),
];

/// Every policy, trait and consent that the shipped specs do without.
const MORE: &str = r#"
system clinic {
  object Firm from "firms.csv" { key id; id: text; name: text; kind: text; line: text; tel: text; check id != "0" : "no firm has that number" }
  object Secret from "secrets.csv" restricted "needs consent" { key id; id: text; born: text column "Date of birth" retain 7y; note: text }
}
system crm {
  connector twenty
  object companies { name: text; size: select { SMALL, LARGE }; sort: select { A, B }; domain: text unique }
}
migration rich {
  source clinic { files = "export/*" }
  destination crm as live { url = env("CRM_URL"); token = secret("CRM_TOKEN") }
  permit Secret : "J. Doe, 2026-11-02"
  deny warnings
  on rollback keep
  country = "CH"
}
picklist Size (kind, line) -> companies (size, sort) {
  ("s", "one") | ("s", "two") = (SMALL, A)
  otherwise (LARGE, B)
}
map Firm formerly Practice -> companies {
  match name and domain
  on existing update
  on duplicate keep last
  on deleted destroy
  name         = name on empty quarantine
  domain       = id on taken skip
  (size, sort) = (kind, line) | Size
  drop tel : "nobody answers"
}
map Secret -> companies when id != "9" {
  name = id
  new born "Born": text = born
  drop note : "private"
}
"#;

fn plan(text: &str) -> Plan {
    let compilation = compile_text(text);
    let found: Vec<String> =
        compilation.diagnostics.iter().map(|one| format!("{} {}", one.code, one.message)).collect();
    compilation.plan.unwrap_or_else(|| panic!("no plan: {found:#?}"))
}

fn plans() -> Vec<(&'static str, Plan)> {
    let shipped = SHIPPED.iter().map(|(name, text)| (*name, plan(text)));
    shipped.chain([("rich", plan(MORE))]).collect()
}

/// Keys of a plan that no person decides by, or whose words stand elsewhere: hashes, places, what follows from an expression, tags of enumerations.
const APART: &[&str] = &[
    "inputs",
    "origin",
    "depends_on",
    "reads",
    "edges",
    "order",
    "parts",
    "action",
    "kind",
    "from",
    "do",
    "is",
    "permits",
    "value",
    "condition",
    "when",
    "type",
    "singular",
    "singular_label",
    "connector",
    "rollback",
    "id",
    "file_name",
    "description",
    "counts",
    "what",
    "format_version",
    "plural_label",
    "new_objects",
];

/// Every text of the plan's JSON form that a person may decide by, with its place.
fn texts(value: &Value, place: &str, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::String(text) => {
            found.insert((text.clone(), place.to_owned()));
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, place, found)),
        Value::Object(object) if object.contains_key("op") => {}
        Value::Object(object) => {
            for (key, value) in object.iter().filter(|(key, _)| !APART.contains(&key.as_str())) {
                texts(value, &format!("{place}.{key}"), found);
            }
        }
        _ => {}
    }
}

/// Text without the blanks that a layout puts in, and without the signs that a form escapes.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|one| !one.is_whitespace() && !matches!(one, '\\' | '`'))
        .collect::<String>()
        .replace("&lt;", "<")
}

#[test]
fn every_form_says_all_that_a_person_may_decide_by() {
    let mut missing = String::new();
    for (name, plan) in plans() {
        let mut wanted = BTreeSet::new();
        texts(&serde_json::to_value(&plan).unwrap_or_default(), "", &mut wanted);
        assert!(wanted.len() > 20, "{name}: {}", wanted.len());
        let full = View { full: true, ..View::default() };
        for (form, text) in [("terminal", render::terminal(&plan, &full)), ("markdown", render::markdown(&plan, &full))]
        {
            let shown = bare(&text);
            for (text, place) in wanted.iter().filter(|(text, _)| {
                !shown.contains(&bare(text).replace('_', ""))
                    && !shown.contains(&bare(text))
                    && !shown.contains(&bare(&text.replace('_', " ")))
            }) {
                let _ = writeln!(missing, "{name}, {form}: {place} = {text:?}");
            }
        }
    }
    assert!(missing.is_empty(), "{missing}");
}

/// The part of a full page in Markdown that is about one stage: from its heading to the next.
fn about<'t>(markdown: &'t str, number: usize, map: &str) -> &'t str {
    let head = format!("### {number}\\. {map}");
    let (_, part) = markdown.split_once(&head).unwrap_or_else(|| panic!("no `{head}` in {markdown}"));
    part.split("\n##").next().unwrap_or(part)
}

#[test]
fn each_field_and_column_of_each_map_has_its_row() {
    let mut missing = String::new();
    for (name, plan) in plans() {
        let page = render::markdown(&plan, &View { full: true, ..View::default() });
        for (stage, number) in plan.stages.iter().zip(1..) {
            let part = about(&page, number, &stage.map);
            let mut rows = part.lines().filter(|line| line.starts_with("| ")).skip(1);
            for field in &stage.fields {
                let place = format!("{}:{}", field.origin.file, field.origin.line);
                let new = if field.is_new { "new " } else { "" };
                let is_row = |row: &&str| {
                    let cells: Vec<&str> = row.split(" | ").collect();
                    let [named, ty, value, line] = cells.as_slice() else { return false };
                    named.contains(&format!("`{}`", field.field))
                        && ty.starts_with(new)
                        && ty.len() > new.len()
                        && !value.trim_matches(['`', ' ']).is_empty()
                        && line.contains(&place)
                };
                if !rows.any(|row| is_row(&row)) {
                    let _ = writeln!(missing, "{name}, {}: no row of {} in\n{part}", stage.map, field.field);
                }
            }
            for dropped in &stage.dropped {
                let column = format!("column {}.{}", stage.source_object, dropped.column);
                if !bare(&page).contains(&bare(&column)) {
                    let _ = writeln!(missing, "{name}: nothing of {column}");
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing}");
}

#[test]
fn the_plan_of_every_trait_reads_so() {
    let plan = plan(MORE);
    insta::assert_snapshot!("terminal", render::terminal(&plan, &View { width: 80, ..View::default() }));
    insta::assert_snapshot!("full", render::terminal(&plan, &View { width: 100, full: true, ..View::default() }));
    insta::assert_snapshot!("markdown", render::markdown(&plan, &View::default()));
    let colored = render::terminal(&plan, &View { color: true, ..View::default() });
    assert!(colored.contains("\u{1b}[32m+\u{1b}[0m") && colored.contains("\u{1b}[31m-\u{1b}[0m"), "{colored}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, plan) in plans() {
        for width in [60, 80, 120] {
            for full in [false, true] {
                let text = render::terminal(&plan, &View { width, full, ..View::default() });
                for line in text.lines() {
                    // A word of its own cannot be broken.
                    let is_one_word = line.split_whitespace().count() < 2;
                    assert!(line.chars().count() <= width || is_one_word, "{name} at {width}: {line}");
                }
            }
        }
    }
}

#[test]
fn what_an_audit_found_in_the_destination_is_not_to_be_made_again() {
    let plan = plan(SHIPPED.first().map_or("", |(_, text)| text));
    let field = |name: &str| LockedField {
        name: name.to_owned(),
        label: String::new(),
        ty: None,
        native: String::new(),
        options: Vec::new(),
        unique: false,
        required: false,
        readonly: false,
        custom: true,
        inactive: false,
    };
    let companies = LockedObject {
        name: "companies".to_owned(),
        singular: "company".to_owned(),
        label: "Companies".to_owned(),
        custom: false,
        active: true,
        records: 0,
        trashed: 0,
        fields: vec![field("employees"), field("phone")],
    };
    let mut destination = LockedDestination {
        system: plan.destination.system.clone(),
        name: plan.destination.name.clone(),
        version: String::new(),
        capabilities: LockedCapabilities::default(),
        objects: vec![companies],
        other_objects: Vec::new(),
        members: None,
        existing: Vec::new(),
        automations: Vec::new(),
    };
    let all = plan.setup.len();
    let is_shown = |text: &str| text.contains("companies.employees  ");
    let view = View { destination: Some(&destination), ..View::default() };
    let text = render::terminal(&plan, &view);
    assert!(text.contains(&format!("{} of {all} changes are still to be made", all - 2)), "{text}");
    assert!(text.contains(&format!("{} schema changes", all - 2)) && !is_shown(&text), "{text}");
    let text = render::terminal(&plan, &View { full: true, width: 120, ..view });
    assert!(text.contains("\"Employees\": integer; there already"), "{text}");
    // Another destination's lock says nothing.
    destination.name = "another".to_owned();
    let text = render::terminal(&plan, &View { destination: Some(&destination), ..View::default() });
    assert!(text.contains(&format!("{all} schema changes")) && is_shown(&text), "{text}");
    assert!(
        plan.setup
            .iter()
            .any(|action| matches!(action, SetupAction::CreateField { field, .. } if field == "employees"))
    );
}

/// A spec of many maps, each with a few fields.
fn many(maps: usize) -> String {
    let mut text = "migration many {\n  source clinic { files = \"export/*\" }\n  destination crm { url = env(\"URL\"); token = secret(\"TOKEN\") }\n}\n".to_owned();
    let (mut source, mut destination, mut items) = (String::new(), String::new(), String::new());
    for at in 0..maps {
        let _ = writeln!(source, "  object S{at} from \"s{at}.csv\" {{ key id; id: text; a: text; b: text; c: text }}");
        let _ = writeln!(destination, "  object things{at} {{ name: text; a: text }}");
        let _ = writeln!(
            items,
            "map S{at} -> things{at} {{\n  name = id\n  a = a | trim\n  new b \"B\": text = b\n  new c \"C\": text = c | trim | upper\n}}"
        );
    }
    let _ = write!(text, "system clinic {{\n{source}}}\nsystem crm {{\n  connector twenty\n{destination}}}\n{items}");
    text
}

#[test]
fn the_markdown_of_many_maps_stays_below_the_limit_and_says_what_it_leaves_out() {
    let plan = plan(&many(200));
    let text = render::markdown(&plan, &View::default());
    assert!(text.chars().count() <= render::LONGEST, "{}", text.chars().count());
    assert!(text.contains("Left out here, for length"), "{text}");
    // Every map is named, whatever is left out of it.
    assert!((0..200).all(|at| text.contains(&format!("S{at} → things{at}"))), "{text}");
    let full = render::markdown(&plan, &View { full: true, ..View::default() });
    assert!(full.chars().count() > render::LONGEST && !full.contains("Left out here"), "{}", full.chars().count());
}

#[test]
fn a_task_of_a_deal_that_goes_to_its_contact_is_told_and_one_of_a_contact_is_not() {
    let spec = |contact: &str| {
        format!(
            r#"use "std/systems/highlevel"

system shop {{
  object Client from "clients.csv" {{ key id; id: text; name: text }}
  object Deal from "deals.csv" {{ key id; id: text; client: -> Client }}
  object Todo from "todos.csv" {{ key id; id: text; deal: -> Deal; client: -> Client; title: text; due: datetime format "%Y-%m-%d" }}
}}

migration m {{
  source shop {{ files = "export/*" }}
  destination highlevel {{ location = env("LOCATION"); token = secret("TOKEN") }}
  timezone = "UTC"
  country = "US"
  currency = "USD"
}}

drop object Deal : "read through tasks alone"

map Client -> contacts {{ firstName = name }}

map Todo -> tasks {{
  contact   = {contact}
  title     = title
  dueDate   = due
  completed = false
  drop {} : "the other one"
}}
"#,
            if contact == "client" { "deal" } else { "client" }
        )
    };
    let told = |contact: &str| {
        let compilation = common::compile_text(&spec(contact));
        let found: Vec<String> = compilation.diagnostics.iter().map(|one| one.message.clone()).collect();
        let plan = compilation.plan.unwrap_or_else(|| panic!("no plan: {found:#?}"));
        let of_tasks = plan.degradations.iter().filter(|one| one.what == "tasks.contact");
        of_tasks.map(|one| one.reason.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("client"), Vec::<String>::new());
    assert_eq!(told("deal.client"), ["a task belongs to a contact: one of a deal goes to the deal's contact"]);
}
