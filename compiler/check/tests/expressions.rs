//! Results of checked expressions: names resolved, conversions written out, transforms expanded.

use std::fmt::Write as _;

use migr_check::{CheckOptions, Spec, check};
use migr_diagnostics::{Code, Diagnostics};
use migr_plan::{Expr, Recovery};
use migr_source::{FileId, SourceMap};

const SYSTEMS: &str = r#"
system shop {
  timezone "Europe/Vienna"
  object Firm from "firms.csv" {
    key id
    id:      text
    name:    text
    web:     text
    mail:    email
    tel:     phone sensitive
    founded: date format "%d.%m.%Y"
    seen:    datetime format "%Y-%m-%d %H:%M"
    size:    integer
    rate:    decimal
    active:  boolean
    revenue: text
    about:   richtext
    tags:    list(text) split ";"
    parent:  -> Firm
    allies:  list(-> Firm) split ";"
    owner:   -> User.mail
    state:   text
    logo:    file
  }
  object User from "users.csv" {
    key id
    id:   text
    mail: email unique ignore case
    name: text sensitive
  }
}
system crm {
  connector twenty
  object companies {
    name: text; domain: links unique; emails: emails unique; phones: phones; note: richtext
    count: integer; share: number; exact: decimal; amount: currency; on: date; at: datetime; live: boolean
    stage: select { OPEN, WON }; marks: multiselect { A, B }; labels: list(text)
    parent: -> companies; allies: many companies through allyTargets; owner: -> members; by: actor
  }
  object allyTargets { company: -> companies; ally: -> companies }
  object members matched only { mail: email unique }
}
migration m {
  source shop { files = "export/*.csv" }
  destination crm { url = env("URL"); token = secret("TOKEN") }
}
owners { match User.mail = members.mail; fallback none }
picklist State -> companies.stage ignore case { "open" = OPEN; "won" = WON; otherwise none }
transform tidy(x) = x | trim | collapse
transform named(x, y) = "{x | tidy} ({y})"
"#;

/// The spec of one map with these entries, and what is found; every other column is dropped.
fn checked(entries: &str) -> (Option<Spec>, Diagnostics) {
    let columns =
        "id name web mail tel founded seen size rate active revenue about tags parent allies owner state logo";
    let unread: Vec<&str> = columns.split(' ').filter(|column| !mentions(entries, column)).collect();
    let text = format!(
        "{SYSTEMS}\nmap Firm -> companies {{\n{entries}\n  drop {} : \"not in this test\"\n}}\n",
        unread.join(", ")
    );
    let mut sources = SourceMap::default();
    let file = sources.add("main.migr", text.as_str());
    let mut diagnostics = Diagnostics::default();
    let ast = migr_syntax::parse(file, &text, &mut diagnostics);
    let spec = check(&[ast], CheckOptions::default(), &mut diagnostics);
    (spec, diagnostics)
}

fn spec(entries: &str) -> Result<Spec, String> {
    let (spec, diagnostics) = checked(entries);
    let errors: Vec<_> = diagnostics
        .items()
        .iter()
        .filter(|one| !one.code.as_str().starts_with('W'))
        .map(|one| format!("{} {}", one.code, one.message))
        .collect();
    spec.ok_or_else(|| errors.join("\n"))
}

fn mentions(text: &str, name: &str) -> bool {
    let values = text.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value);
    values.flat_map(|value| value.split(|one: char| !one.is_alphanumeric() && one != '_')).any(|word| word == name)
}

/// `field = expression`, short.
fn fields(entries: &str) -> String {
    let spec = match spec(entries) {
        Ok(spec) => spec,
        Err(findings) => return findings,
    };
    let mut text = String::new();
    for field in spec.maps.iter().flat_map(|map| &map.fields) {
        let mark = if field.is_sensitive { " (sensitive)" } else { "" };
        let _ = writeln!(text, "{} = {}{mark}", field.name, short(&field.value));
    }
    for link in spec.maps.iter().flat_map(|map| &map.links) {
        let _ = writeln!(text, "{} => {}", link.name, short(&link.value));
    }
    text
}

fn list(items: &[Expr]) -> String {
    items.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn short(expr: &Expr) -> String {
    match expr {
        Expr::None => "none".to_owned(),
        Expr::Default => "default".to_owned(),
        Expr::Boolean { value } => value.to_string(),
        Expr::Number { value } => value.clone(),
        Expr::Text { value } => format!("{value:?}"),
        Expr::Option { value } => format!("#{value}"),
        Expr::Column { name } => name.clone(),
        Expr::DistinctValue => "value".to_owned(),
        Expr::Through { key, field, .. } => format!("{}.{field}", short(key)),
        Expr::Call { function, arguments } => format!("{function}({})", list(arguments)),
        Expr::Binary { operator, left, right } => format!("({} {operator:?} {})", short(left), short(right)),
        Expr::Not { value } => format!("not {}", short(value)),
        Expr::If { condition, then, otherwise } => {
            format!("if {} then {} else {}", short(condition), short(then), short(otherwise))
        }
        Expr::Record { fields } => {
            let parts: Vec<String> =
                fields.iter().map(|part| format!("{}: {}", part.name, short(&part.value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Expr::List { items } => format!("[{}]", list(items)),
        Expr::Tuple { items } => format!("({})", list(items)),
        Expr::Template { parts } => format!("template({})", list(parts)),
        Expr::Picklist { table, inputs, output } => format!("{table}({})@{output}", list(inputs)),
        Expr::Reference { key, targets, on_missing, .. } => {
            let stages: Vec<&str> = targets.iter().flat_map(|target| &target.stages).map(String::as_str).collect();
            format!("reference({} by {}, missing {on_missing:?})", short(key), stages.join("|"))
        }
        Expr::Owner { key, .. } => format!("owner({})", short(key)),
        Expr::Existing { object, .. } => format!("existing {object}"),
        Expr::Convert { value, to } => {
            let to = serde_json::to_value(to).map_or_else(
                |error| error.to_string(),
                |to| to.get("kind").map_or_else(String::new, ToString::to_string),
            );
            format!("convert({} to {})", short(value), to.trim_matches('"'))
        }
        Expr::Otherwise { value, recovery } => match recovery {
            Recovery::Quarantine => format!("({} otherwise quarantine)", short(value)),
            Recovery::Skip => format!("({} otherwise skip)", short(value)),
            Recovery::Use { value: with } => format!("({} otherwise {})", short(value), short(with)),
        },
    }
}

#[test]
fn what_loses_nothing_converts_by_itself() {
    insta::assert_snapshot!(fields(
        r"
  name   = name
  note   = state
  count  = size
  share  = size
  exact  = rate
  on     = founded
  at     = seen
  live   = active
  labels = tags
  stage  = state
  marks  = tags"
    ), @r"
    name = name
    note = convert(state to richtext)
    count = size
    share = convert(size to number)
    exact = rate
    on = founded
    at = seen
    live = active
    labels = tags
    stage = convert(state to select)
    marks = convert(tags to multiselect)
    ");
}

#[test]
fn numbers_of_a_list_and_a_tables_option_become_text_where_text_is_wanted() {
    insta::assert_snapshot!(fields(
        r"
  name   = state | State
  labels = [1, size, name]
  note   = tags | trim | first"
    ), @r"
    name = convert(State(state)@0 to text)
    labels = [convert(1 to text), convert(size to text), name]
    note = convert(first(trim(tags)) to richtext)
    ");
}

#[test]
fn a_single_value_is_the_primary_part_of_a_composite() {
    insta::assert_snapshot!(fields(
        r"
  domain = web | domain
  emails = mail otherwise none
  phones.primaryPhoneNumber = tel | phone"
    ), @r"
    domain = { primaryLinkUrl: domain(web) }
    emails = ({ primaryEmail: convert(mail to email) } otherwise none)
    phones = { primaryPhoneNumber: phone(tel) } (sensitive)
    ");
}

#[test]
fn references_know_the_maps_that_make_their_records() {
    insta::assert_snapshot!(fields(
        r#"
  parent = parent on missing none
  owner  = owner
  by     = { source: IMPORT, name: owner.name }
  allies = [parent, allies | first]
  name   = parent.parent.name ?? "none""#
    ), @r#"
    parent = reference(parent by Firm, missing None)
    owner = owner(owner)
    by = { source: #IMPORT, name: owner.name } (sensitive)
    name = (parent.parent.name Coalesce "none")
    allies => [reference(parent by Firm, missing Quarantine), reference(first(allies) by Firm, missing Quarantine)]
    "#);
}

#[test]
fn a_list_of_references_reads_a_list_and_links_a_list() {
    insta::assert_snapshot!(fields(
        r#"
  labels = allies.tags | trim | unique
  name   = allies.name | join(", ")
  allies = allies on missing skip"#
    ), @r#"
    labels = unique(trim(flatten(allies.tags)))
    name = join(allies.name, ", ")
    allies => reference(allies by Firm, missing Skip)
    "#);
}

#[test]
fn transforms_are_written_out_where_they_are_used() {
    insta::assert_snapshot!(fields(
        r"
  name   = name | named(state)
  labels = tags | tidy"
    ), @r#"
    name = template(collapse(trim(name)), " (", state, ")")
    labels = collapse(trim(tags))
    "#);
}

#[test]
fn conversions_go_to_where_the_values_are() {
    insta::assert_snapshot!(fields(
        r#"
  stage = if active then WON else state | upper otherwise OPEN
  note  = (about | markdown) ?? "nothing said"
  on    = founded otherwise skip"#
    ), @r#"
    stage = (if active then #WON else convert(upper(state) to select) otherwise #OPEN)
    note = (markdown(about) Coalesce convert("nothing said" to richtext))
    on = (founded otherwise skip)
    "#);
}

#[test]
fn picklists_give_options_and_money_gives_currency() {
    insta::assert_snapshot!(fields(
        r#"
  stage  = state | State
  amount = revenue | money("EUR")
  exact  = revenue | money | amount"#
    ), @r#"
    stage = State(state)@0
    amount = money(revenue, "EUR")
    exact = amount(money(revenue))
    "#);
}

#[test]
fn columns_that_an_expression_reads_are_noted_through_references_too() {
    let spec = spec("  name = \"{parent.name} {state}\"").unwrap();
    assert_eq!(spec.maps[0].fields[0].reads, ["parent", "state"]);
    let file = FileId(0);
    assert_eq!(spec.maps[0].span.file, file);
}

#[test]
fn otherwise_is_needless_where_nothing_can_fail_and_a_referred_record_can_be_missing() {
    let is_needless = |entry: &str| checked(entry).1.items().iter().any(|one| one.code == Code::W0320);
    for entry in ["name = name otherwise none", "name = name | trim otherwise \"x\""] {
        assert!(is_needless(entry), "{entry}");
    }
    for entry in
        ["name = parent.name otherwise none", "name = owner.name | trim otherwise \"x\"", "on = founded otherwise none"]
    {
        assert!(!is_needless(entry), "{entry}");
    }
}

#[test]
fn a_spec_is_proof_so_an_error_leaves_none() {
    let text = SYSTEMS.replace("transform tidy(x)", "transform tidy(x) = nothing\ntransform other(x)");
    let mut diagnostics = Diagnostics::default();
    let ast = migr_syntax::parse(FileId(0), &text, &mut diagnostics);
    assert!(check(&[ast], CheckOptions::default(), &mut diagnostics).is_none());
    assert!(diagnostics.has_errors());
}
