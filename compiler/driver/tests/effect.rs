//! Effect of a plan: which edits of a spec change what is done to records, and where.

mod common;

use common::{compile_text, shown};
use migr_plan::{Effect, Plan};

/// Spec that every edit starts from.
const BASE: &str = r#"
system shop {
  blank "n/a"
  object Firm from "firms.csv" { key id; id: text; name: text; city: text }
  object Person from "people.csv" {
    key id
    id: text
    email: email
    first: text
    last: text
    status: text
    firm: -> Firm
    born: date format "%m/%d/%Y"
    changed: datetime format "%Y-%m-%d %H:%M"
  }
}
system crm {
  connector twenty
  object companies { name: text; town: text }
  object people {
    first: text
    last: text
    email: email unique
    born: date
    status: select { OPEN, CLOSED, LOST }
    company: -> companies
  }
}
migration m {
  source shop { files = "*.csv" }
  destination crm { url = env("U"); token = secret("T") }
  timezone = "America/New_York"
  country = "US"
  sample = 300
  delta = 48h
  on conflict list
  on vanished list
  require match >= 99%
}
picklist Status -> people.status {
  "Open" = OPEN
  "Closed" | "Done" = CLOSED
  otherwise quarantine
}
transform tidy(x) = x | trim
map Firm -> companies { name = name | trim; town = city }
map Person -> people {
  match email
  on existing fill
  on duplicate keep newest changed
  first = first | tidy
  last = last | trim
  email = email | lower
  status = status | Status
  company = firm
  born = born
}
"#;

fn effect(text: &str) -> Result<Effect, String> {
    let compilation = compile_text(text);
    compilation.plan.as_ref().map(Plan::effect).ok_or_else(|| shown(&compilation))
}

/// The parts of an effect that differ: `Person.status`, `Person identity`, `destination`.
fn differing(one: &Effect, other: &Effect) -> String {
    let mut parts = Vec::new();
    if one.destination != other.destination {
        parts.push("destination".to_owned());
    }
    if one.policies != other.policies {
        parts.push("policies".to_owned());
    }
    let mut ids: Vec<&String> = one.stages.keys().chain(other.stages.keys()).collect();
    ids.sort();
    ids.dedup();
    for id in ids {
        let (Some(before), Some(after)) = (one.stages.get(id), other.stages.get(id)) else {
            parts.push(format!("{id} alone"));
            continue;
        };
        if before.identity != after.identity {
            parts.push(format!("{id} identity"));
        }
        if before.selection != after.selection {
            parts.push(format!("{id} selection"));
        }
        if before.policies != after.policies {
            parts.push(format!("{id} policies"));
        }
        parts.extend(before.differing_fields(after).iter().map(|field| format!("{id}.{field}")));
        assert_eq!(before.digest == after.digest, !parts.iter().any(|part| part.starts_with(id.as_str())), "{id}");
    }
    assert_eq!(one.digest == other.digest, parts.is_empty(), "{parts:?}");
    parts.join(", ")
}

#[test]
fn an_edit_changes_the_effect_of_what_it_decides_and_nothing_else() {
    let base = effect(BASE).unwrap();
    assert!(base.digest.to_string().starts_with("effect:"));
    let table: &[(&str, &str, &str)] = &[
        // Text, order, and what is not about records.
        ("map Firm", "// a comment\n\n/// A description.\nmap Firm", ""),
        ("  first = first | tidy\n  last = last | trim\n", "  last = last | trim\n  first = first | tidy\n", ""),
        (
            "  \"Open\" = OPEN\n  \"Closed\" | \"Done\" = CLOSED\n",
            "  \"Done\" | \"Closed\" = CLOSED\n  \"Open\" = OPEN\n",
            "",
        ),
        ("sample = 300", "sample = 200", ""),
        ("  require match >= 99%\n", "", ""),
        ("token = secret(\"T\")", "token = secret(\"T2\"); timeout = 90s; requests = 100 per 60s", ""),
        ("transform tidy(x) = x | trim", "transform tidy(y) = y | trim", ""),
        ("first = first | tidy", "first = first | trim", ""),
        (
            "map Firm",
            "test \"t\" {\n  given Firm { id: \"F\", name: \"A\" }\n  expect companies { name: \"A\" }\n}\nmap Firm",
            "",
        ),
        ("  on duplicate", "  allow \"orphan-owner\" : \"known\"\n  on duplicate", ""),
        // Values, by field.
        ("\"Open\" = OPEN", "\"Open\" | \"New\" = OPEN", "Person.status"),
        ("otherwise quarantine", "otherwise LOST", "Person.status"),
        ("transform tidy(x) = x | trim", "transform tidy(x) = x | trim | collapse", "Person.first"),
        ("format \"%m/%d/%Y\"", "format \"%d/%m/%Y\"", "Person.born"),
        ("  company = firm\n", "  company = firm on missing none\n", "Person.company"),
        ("  last = last | trim\n", "  drop last : \"not needed\"\n", "Person.last"),
        ("on existing fill", "on existing update", "Person policies"),
        // Identity.
        ("  match email\n", "", "Person identity"),
        ("keep newest changed", "keep oldest changed", "Person identity"),
        ("map Person -> people {", "map Person -> people when status != \"x\" {", "Person selection"),
        ("map Person -> people {", "map Person as Human -> people {", "Human alone, Person alone"),
        ("map Person -> people {", "map Person as Human formerly Person -> people {", ""),
        ("destination crm {", "destination crm as other {", "destination"),
        // Policies of the whole.
        ("on conflict list", "on conflict overwrite", "policies"),
        ("delta = 48h", "delta = 24h", "policies"),
    ];
    let mut wrong = Vec::new();
    for (from, to, expected) in table {
        assert!(BASE.contains(from), "{from}");
        let found = effect(&BASE.replacen(from, to, 1)).map(|edited| differing(&base, &edited));
        if found.as_deref() != Ok(*expected) {
            wrong.push(format!("{from} → {to}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_every_field_is_read_by_changes_them_all() {
    let base = effect(BASE).unwrap();
    for (from, to) in [("blank \"n/a\"", "blank \"n/a\", \"-\""), ("country = \"US\"", "country = \"DE\"")] {
        let edited = effect(&BASE.replacen(from, to, 1)).unwrap();
        let person = base.stages.get("Person").zip(edited.stages.get("Person"));
        let fields = person.map(|(before, after)| before.differing_fields(after).len());
        assert_eq!(fields, Some(6), "{from} → {to}");
    }
}
