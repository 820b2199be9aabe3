//! Forms of the language that say how values are read and what happens to them: each is in the plan as it was written.

mod common;

use common::{compile_text, shown};
use migr_plan::{EmptyPolicy, Expr, FieldDefault, Permitted, Plan, TakenPolicy, UnidentifiedPolicy, Within};

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
    status: select { TODO, DONE } default TODO extensible
    born:   date
    made:   datetime default now
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
  permit workflow "Create company" : "checked"
  permit irreversible : "the schema stays"
  deny warnings
  allow "orphan-owner" max 77 : "people who have left"
  on rollback keep
}

map Customer as Client formerly Customer -> companies {
  match name or domain
  on existing update
  on empty clear
  on unidentified skip
  name   = title on empty keep
  domain = country on taken none
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
    compilation.plan.unwrap_or_else(|| unreachable!("{said}"))
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
    assert_eq!(field("domain"), Some((EmptyPolicy::Clear, TakenPolicy::None)));
    assert_eq!(stage.as_ref().map(|stage| stage.policies.unidentified), Some(UnidentifiedPolicy::Skip));
    let default = |name: &str| {
        stage
            .iter()
            .flat_map(|stage| &stage.fields)
            .find(|field| field.field == name)
            .and_then(|one| one.default.clone())
    };
    assert_eq!(default("status"), Some(FieldDefault::Value { value: "TODO".to_owned() }));
    assert_eq!(default("made"), Some(FieldDefault::Now));
    assert_eq!(default("name"), None);
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
fn what_is_accepted_denied_and_permitted_stands_in_the_plan_with_its_reason() {
    let plan = plan();
    let accepted: Vec<_> = plan
        .accepted
        .iter()
        .map(|one| (one.finding.as_str(), one.within.clone(), one.max, one.reason.as_str()))
        .collect();
    assert_eq!(accepted, [("orphan-owner", Within::Migration, Some(77), "people who have left")]);
    assert_eq!(plan.denied, ["warnings"]);
    let permits: Vec<_> = plan.permits.iter().map(|one| (one.what.clone(), one.reason.as_str())).collect();
    assert_eq!(
        permits,
        [
            (Permitted::Workflow { name: "Create company".to_owned() }, "checked"),
            (Permitted::Irreversible, "the schema stays"),
        ]
    );
    assert_eq!(plan.options.on_rollback.as_deref(), Some("keep"));
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let plan = plan();
    let text = plan.to_json().unwrap_or_default();
    assert_eq!(Plan::from_json(&text).ok(), Some(plan));
}
