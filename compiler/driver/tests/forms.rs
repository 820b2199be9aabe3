//! Forms of the language that say how values are read and what happens to them: each is in the plan as it was written.
#![expect(clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod common;

use common::{compile_text, shown};
use migr_plan::{EmptyPolicy, Expr, Plan, TakenPolicy, UnidentifiedPolicy, Within};

const PROGRAM: &str = r#"
system shop {
  blank "NA"
  format number "1.234.567,89"
  format date "%d.%m.%Y" | "%Y-%m-%d"
  object Customer from "customers.csv" {
    key id
    id:      text
    title:   text blank "n/a", "-"
    country: text blank never
    revenue: currency
    share:   number format "1,234,567.89"
    born:    date
    made:    date format "%d-%m-%y" pivot 2026
    seen:    datetime format "milliseconds"
    paid:    text
    kind:    text
    stage:   text
  }
}

system crm {
  connector twenty
  object companies {
    name:   text
    domain: text unique
    status: select { TODO, DONE } extensible
    born:   date
    made:   datetime
    paid:   currency
    phones: phones
    emails: emails
  }
}

picklist Stage (kind, stage) -> companies (status, pipeline) {
  ("Sales", "Lost") = (new LOST "Lost" red, "Sales")
  otherwise quarantine
}

migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("CRM_URL"); token = secret("CRM_KEY"); plaintext = "inside one network" }
  deny warnings
  allow W0605 max 77 : "people who have left"
  on rollback list
}

map Customer as Client -> companies {
  match name or domain
  on existing update
  on empty clear
  on unidentified create
  name   = title on empty keep
  domain = country on taken quarantine
  born   = born
  made   = made | at("12:00", "Europe/Berlin")
  paid   = paid | money("EUR") otherwise none
  (status, new pipeline "Pipeline": text) = (kind, stage) | Stage
  new day "Day": date = kind | date("%m/%d/%Y") otherwise kind | date otherwise none
  new spelt "Spelt": date = "2024-03-01" | date otherwise none
  drop revenue, share, seen : "not needed"
}
"#;

fn plan() -> Plan {
    let compilation = compile_text(PROGRAM);
    let said = shown(&compilation);
    compilation.plan.unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn columns_are_read_by_their_own_formats_and_blanks_and_else_by_the_systems() {
    let plan = plan();
    let object = plan.source_object("Customer").map(|object| object.columns.clone()).unwrap_or_default();
    let column = |name: &str| object.iter().find(|column| column.name == name).cloned();
    let formats =
        |name: &str| column(name).map(|column| (column.formats().map(str::to_owned).collect::<Vec<_>>(), column.pivot));
    assert_eq!(formats("revenue"), Some((vec!["1.234.567,89".to_owned()], None)));
    assert_eq!(formats("share"), Some((vec!["1,234,567.89".to_owned()], None)));
    assert_eq!(formats("born"), Some((vec!["%d.%m.%Y".to_owned(), "%Y-%m-%d".to_owned()], None)));
    assert_eq!(formats("made"), Some((vec!["%d-%m-%y".to_owned()], Some(2026))));
    assert_eq!(formats("seen"), Some((vec!["milliseconds".to_owned()], None)));
    assert_eq!(formats("title"), Some((Vec::new(), None)));
    let blank = |name: &str| column(name).map(|column| column.blank);
    assert_eq!(blank("title"), Some(Some(vec!["n/a".to_owned(), "-".to_owned()])));
    assert_eq!(blank("country"), Some(Some(Vec::new())));
    assert_eq!(blank("kind"), Some(None));
}

#[test]
fn what_is_empty_taken_or_unidentified_goes_by_the_word_nearest_to_it() {
    let plan = plan();
    let stage = plan.stages.first().cloned();
    let field = |name: &str| {
        let fields = stage.iter().flat_map(|stage| &stage.fields);
        fields.filter(|field| field.field == name).map(|field| (field.on_empty, field.on_taken)).next()
    };
    assert_eq!(field("name"), Some((EmptyPolicy::Keep, TakenPolicy::Quarantine)));
    assert_eq!(field("domain"), Some((EmptyPolicy::Clear, TakenPolicy::Quarantine)));
    assert_eq!(stage.as_ref().map(|stage| stage.policies.unidentified), Some(UnidentifiedPolicy::Create));
}

#[test]
fn a_decision_makes_fields_and_options_of_its_own() {
    let plan = plan();
    let made = serde_json::to_string(&plan.setup).unwrap_or_default();
    assert!(made.contains(r#""field":"pipeline","label":"Pipeline""#), "{made}");
    assert!(made.contains(r#"{"value":"LOST","label":"Lost","color":"red"}"#), "{made}");
}

#[test]
fn functions_go_by_the_systems_formats_unless_they_are_told_or_the_text_is_the_specs_own() {
    let plan = plan();
    let mut calls = Vec::new();
    for field in plan.stages.iter().flat_map(|stage| &stage.fields) {
        field.value.walk(&mut |expr| {
            if let Expr::Call { function, arguments } = expr {
                let formats = arguments.get(1..).unwrap_or_default();
                calls.push(format!(
                    "{} {function} {}",
                    field.field,
                    serde_json::to_string(formats).unwrap_or_default()
                ));
            }
        });
    }
    let has = |call: &str| assert!(calls.iter().any(|one| one == call), "{call}\n{calls:#?}");
    has(r#"paid money [{"op":"text","value":"EUR"},{"op":"text","value":"1.234.567,89"}]"#);
    has(r#"day date [{"op":"text","value":"%m/%d/%Y"}]"#);
    has(r#"day date [{"op":"list","items":[{"op":"text","value":"%d.%m.%Y"},{"op":"text","value":"%Y-%m-%d"}]}]"#);
    has("spelt date []");
}

#[test]
fn what_is_accepted_and_denied_stands_in_the_plan_with_its_reason() {
    let plan = plan();
    let accepted: Vec<_> = plan
        .accepted
        .iter()
        .map(|one| (one.finding.as_str(), one.within.clone(), one.max, one.reason.as_str()))
        .collect();
    assert_eq!(accepted, [("W0605", Within::Migration, Some(77), "people who have left")]);
    assert_eq!(plan.denied, ["warnings"]);
    assert_eq!(plan.options.on_rollback.as_deref(), Some("list"));
}

#[test]
fn what_is_taken_in_all_its_parts_or_kept_whole_elsewhere_loses_nothing() {
    let plan = |entries: &str| {
        let text = format!(
            r#"
system shop {{ object Customer from "customers.csv" {{ key id; id: text; address: text; skills: list(text) split ";" }} }}
system crm {{
  connector twenty
  object companies {{ name: text; note: text; line: text; city: text; labels: multiselect {{ C, CPP }} extensible }}
}}
picklist Skill -> companies.labels {{ "C" = C; "C++" = CPP; otherwise quarantine }}
migration shop_to_crm {{
  source shop {{ files = "export/*.csv" }}
  destination crm {{ url = env("CRM_URL"); token = secret("CRM_KEY") }}
}}
map Customer -> companies {{ {entries}; labels = skills | Skill }}
"#
        );
        let compilation = compile_text(&text);
        let codes: Vec<String> = compilation.diagnostics.iter().map(|one| one.code.to_string()).collect();
        let lost = compilation.plan.map_or(0, |plan| plan.degradations.len());
        (codes.join(" "), lost)
    };
    let lines = r#"address | split("\n")"#;
    for whole in [
        format!("name = {lines} | first; note = {lines} | rest | join(\"; \")"),
        "name = address | truncate(5); note = address".to_owned(),
        format!("name = {lines} | nth(0); note = \"at {{address}}\""),
        format!("name = {lines} | nth(1) | split(\", \") | nth(1); note = {lines} | join(\"; \")"),
    ] {
        assert_eq!(plan(&whole), (String::new(), 0), "{whole}");
    }
    for part in [
        format!("name = {lines} | nth(0); note = {lines} | nth(1)"),
        format!("name = {lines} | first; note = {lines} | length"),
        format!("name = {lines} | first; note = {lines} | rest | first"),
        format!("name = if address == none then \"x\" else {lines} | first"),
        "name = address | truncate(5); note = address | domain otherwise none".to_owned(),
    ] {
        assert_eq!(plan(&part), ("W0335".to_owned(), 1), "{part}");
    }
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let plan = plan();
    let text = plan.to_json().unwrap_or_default();
    assert_eq!(Plan::from_json(&text).ok(), Some(plan));
}

#[test]
fn a_map_under_a_new_name_is_known_by_the_one_that_it_had() {
    let plan = |note: &str| {
        let text = format!(
            r#"
system shop {{
  object Customer from "customers.csv" {{ key id; id: text; title: text; parent: -> Customer }}
}}
system crm {{ connector twenty; object companies {{ name: text; parent: -> companies }} }}
migration shop_to_crm {{
  source shop {{ files = "export/*.csv" }}
  destination crm {{ url = env("CRM_URL"); token = secret("CRM_KEY") }}
}}
map Customer {note} -> companies {{ name = title; parent = parent }}
"#
        );
        let compilation = compile_text(&text);
        compilation.plan.unwrap_or_else(|| panic!("{:#?}", compilation.diagnostics))
    };
    let (before, after) = (plan("as Client"), plan("as Firm formerly Client"));
    let stages = |plan: &Plan| {
        plan.stages
            .iter()
            .map(|stage| (stage.id.clone(), stage.map.clone(), stage.edges[0].on.clone()))
            .collect::<Vec<_>>()
    };
    let known = |map: &str| vec![("Client".to_owned(), map.to_owned(), "Client".to_owned())];
    assert_eq!((stages(&before), stages(&after)), (known("Client"), known("Firm")));
    let fields = |plan: &Plan| serde_json::to_value(&plan.stages[0].fields[1].value).ok();
    assert_eq!(fields(&before), fields(&after), "references look for records under the old name");
}

#[test]
fn a_record_and_parts_of_its_own_entries_are_one_field_in_either_order() {
    let spec = |entries: &str| {
        let system = "system shop { object Customer from \"c.csv\" { key id; id: text; title: text } }\nsystem crm { connector twenty; object companies { name: text; emails: emails } }";
        let migration = "migration shop_to_crm {\n  source shop { files = \"export/*.csv\" }\n  destination crm { url = env(\"U\"); token = secret(\"T\") }\n}";
        let compilation = compile_text(&format!("{system}\n{migration}\nmap Customer -> companies {{\n{entries}\n}}"));
        let said = shown(&compilation);
        compilation.plan.unwrap_or_else(|| panic!("{said}"))
    };
    let rest = "\n  on existing update\n  name = title";
    let (apart, before, behind) = (
        spec(&format!(
            "  emails.primaryEmail = title otherwise none\n  emails.additionalEmails = [title] on empty clear{rest}"
        )),
        spec(&format!(
            "  emails = {{ primaryEmail: title }} otherwise none\n  emails.additionalEmails = [title] on empty clear{rest}"
        )),
        spec(&format!(
            "  emails.additionalEmails = [title] on empty clear\n  emails = {{ primaryEmail: title }} otherwise none{rest}"
        )),
    );
    let written = |plan: &Plan| {
        let field = plan.stages.iter().flat_map(|stage| &stage.fields).find(|field| field.field == "emails").unwrap();
        let Expr::Record { fields } = &field.value else { panic!("{:?}", field.value) };
        let mut fields = fields.clone();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        (fields, field.parts.clone(), field.reads.clone())
    };
    assert_eq!(written(&apart), written(&before));
    assert_eq!(written(&apart), written(&behind));
}

#[test]
fn a_text_names_an_option_by_its_name_or_else_by_its_label() {
    let compilation = compile_text(
        r#"system shop { object Customer from "c.csv" { key id; id: text; title: text; kind: text; state: text } }
system crm { connector twenty; object companies { name: text; status: select { TODO, IN_PROGRESS } extensible; size: select { BIG, SMALL } } }
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("U"); token = secret("T") }
}
picklist Stage (kind, state) -> companies (status, size) {
  ("a", "b") = ("In progress", "Big")
  ("a", "c") = (new LOST "Gone for good" red, SMALL)
  ("a", "d") = ("Gone for good", SMALL)
  otherwise ("To do later", SMALL)
}
map Customer -> companies {
  name = title
  (status, size) = (kind, state) | Stage
}
"#,
    );
    let said = shown(&compilation);
    assert!(said.contains("has no option `To do later`") && said.matches("E0305").count() == 1, "{said}");
    let right = compile_text(
        r#"system shop { object Customer from "c.csv" { key id; id: text; title: text; kind: text } }
system crm { connector twenty; object companies { name: text; status: select { TODO, IN_PROGRESS } extensible; size: select { BIG, SMALL } } }
migration shop_to_crm {
  source shop { files = "export/*.csv" }
  destination crm { url = env("U"); token = secret("T") }
}
picklist Stage -> companies.status {
  "a" = "In progress"
  "b" = new LOST "Gone for good"
  "c" = "Gone for good"
  otherwise "In progress"
}
map Customer -> companies {
  name   = title
  status = kind | Stage
  size   = if kind == "a" then "Big" else "SMALL"
}
map Customer as Lost -> companies when kind == "c" {
  name   = title
  status = "Gone for good"
  drop kind : "said"
}
"#,
    );
    let said = shown(&right);
    let plan = right.plan.unwrap_or_else(|| panic!("{said}"));
    let rows: Vec<_> = plan.picklists.iter().flat_map(|one| &one.rows).map(|row| row.values.clone()).collect();
    let value = |text: &str| vec![Some(text.to_owned())];
    assert_eq!(rows, [value("IN_PROGRESS"), value("LOST"), value("LOST")], "{said}");
    let values = format!("{:?}", plan.stages);
    for option in ["BIG", "SMALL", "LOST"] {
        assert!(values.contains(&format!("Option {{ value: \"{option}\" }}")), "{option}: {values}");
    }
}
