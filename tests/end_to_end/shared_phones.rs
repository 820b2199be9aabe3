//! Numbers that several clients of an export have, in a location that gives each to one contact alone.

use std::collections::BTreeMap;
use std::time::Duration;

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::json;

use crate::harness::Project;
use crate::stand_in::StandIn;
use crate::studio::hurried;

const SPEC: &str = r#"use "std/systems/highlevel"

system old {
  object Client from "clients.csv" {
    key id
    id: text; name: text; email: email; phone: phone; seen: date format "%Y-%m-%d"
  }
}
migration old_to_highlevel {
  source old { files = "export/*.csv" }
  destination highlevel as staging { url = env("STAGING_URL"); location = env("STAGING_LOCATION"); token = secret("STAGING_KEY"); settle = 1s }
  country = "US"
}
map Client -> contacts {
  match email or phone
  on duplicate merge newest seen
  firstName = name
  email     = email
  phone     = phone ON_TAKEN
  drop seen : "decides"
}
"#;

/// Phones of the contacts that a run makes of some rows, by their addresses, in a location that allows no duplicates.
fn phones(on_taken: &str, rows: &str) -> BTreeMap<String, String> {
    phones_where(false, on_taken, rows)
}

fn phones_where(allowed: bool, on_taken: &str, rows: &str) -> BTreeMap<String, String> {
    phones_beside(&json!([]), allowed, &SPEC.replace("ON_TAKEN", on_taken), rows)
}

/// Phones of a run beside contacts that the location has.
fn phones_beside(contacts: &serde_json::Value, allowed: bool, spec: &str, rows: &str) -> BTreeMap<String, String> {
    let project = Project::empty();
    project.write("migration.migr", spec);
    hurried(&project);
    project.write("export/clients.csv", &format!("id,name,email,phone,seen\n{rows}"));
    let settings = json!({"allowDuplicateContact": allowed, "duplicateOrder": ["email", "phone"]});
    let before = json!({"country": "US", "settings": settings, "contacts": contacts});
    let options = highlevel::Options { lag: Duration::ZERO, before: Some(before), ..highlevel::Options::default() };
    let stand_in = StandIn::location(options);
    let ran = stand_in.migr(&project, &["run", "--no-approval"]);
    assert!(matches!(ran.code, 0 | 5), "{}{}", ran.stdout, ran.stderr);
    let location = highlevel::Options::default().location;
    let body = json!({"locationId": location, "page": 1, "pageLimit": 100});
    let found = stand_in.ask(&Method::POST, "/contacts/search", &body);
    let text = |contact: &serde_json::Value, key: &str| contact[key].as_str().unwrap_or_default().to_owned();
    let contacts = found["contacts"].as_array().expect("contacts").iter();
    contacts.map(|contact| (text(contact, "email"), text(contact, "phone"))).collect()
}

fn expected(phones: &[(&str, &str)]) -> BTreeMap<String, String> {
    phones.iter().map(|(email, phone)| ((*email).to_owned(), (*phone).to_owned())).collect()
}

#[test]
fn a_number_that_gives_way_in_a_merge_is_free_for_another_client() {
    let rows = "1,Ann,ann@x.example,+12015550101,2024-01-01\n\
        2,Ann,ann@x.example,+12015550102,2025-01-01\n\
        3,Cy,cy@x.example,+12015550101,2024-01-01\n";
    let both = expected(&[("ann@x.example", "+12015550102"), ("cy@x.example", "+12015550101")]);
    for on_taken in ["on taken none", "on taken skip", ""] {
        assert_eq!(phones(on_taken, rows), both, "{on_taken}");
    }
    // The same where the other client comes first.
    let turned: Vec<&str> = rows.lines().rev().collect();
    assert_eq!(phones("on taken none", &format!("{}\n", turned.join("\n"))), both);
}

#[test]
fn the_number_that_a_merged_contact_gets_is_no_other_clients() {
    let rows = "1,Ann,ann@x.example,+12015550101,2025-01-01\n\
        2,Ann,ann@x.example,+12015550102,2024-01-01\n\
        3,Cy,cy@x.example,+12015550101,2024-06-01\n";
    let without = expected(&[("ann@x.example", "+12015550101"), ("cy@x.example", "")]);
    assert_eq!(phones("on taken none", rows), without);
    assert_eq!(phones("on taken skip", rows), expected(&[("ann@x.example", "+12015550101")]));
}

#[test]
fn of_two_clients_with_one_number_the_one_that_the_policy_prefers_has_it() {
    let rows = "1,Ann,ann@x.example,+12015550101,2024-01-01\n2,Cy,cy@x.example,+12015550101,2025-01-01\n";
    let newest = expected(&[("ann@x.example", ""), ("cy@x.example", "+12015550101")]);
    assert_eq!(phones("on taken none", rows), newest);
    assert_eq!(phones("on taken skip", rows), expected(&[("cy@x.example", "+12015550101")]));
}

#[test]
fn where_a_location_allows_duplicates_each_client_keeps_the_number() {
    let rows = "1,Ann,ann@x.example,+12015550101,2025-01-01\n2,Cy,cy@x.example,+12015550101,2024-01-01\n";
    let both = expected(&[("ann@x.example", "+12015550101"), ("cy@x.example", "+12015550101")]);
    assert_eq!(phones_where(true, "on taken none", rows), both);
    let first = expected(&[("ann@x.example", "+12015550101"), ("cy@x.example", "")]);
    assert_eq!(phones_where(false, "on taken none", rows), first);
}

#[test]
fn a_row_that_stays_out_gives_its_contact_nothing() {
    // The second row of Ann gives way to Bo for its number: the first one's is written then, which Cy has too.
    let rows = "9,Bo,bo@x.example,+12015550102,2026-01-01\n\
        1,Ann,ann@x.example,+12015550101,2024-01-01\n\
        2,Ann,ann@x.example,+12015550102,2025-01-01\n\
        3,Cy,cy@x.example,+12015550101,2024-01-01\n";
    let kept = expected(&[("ann@x.example", "+12015550101"), ("bo@x.example", "+12015550102")]);
    assert_eq!(phones("on taken skip", rows), kept);
}

#[test]
fn two_addresses_are_two_contacts_though_one_contact_of_the_location_has_the_number_of_both() {
    let bare = json!([{"firstName": "Bare", "phone": "+12015550101"}]);
    let rows = "1,Ann,ann@x.example,+12015550101,2025-01-01\n2,Cy,cy@x.example,+12015550101,2024-01-01\n";
    let spec = SPEC.replace("ON_TAKEN", "").replace("  on duplicate", "  on existing fill\n  on duplicate");
    // The newer one is written into it, and the other is told and left to a person.
    for allowed in [true, false] {
        let found = phones_beside(&bare, allowed, &spec, rows);
        assert_eq!(found, expected(&[("ann@x.example", "+12015550101")]));
    }
}

#[test]
fn a_number_goes_to_the_client_whose_contact_really_bears_it() {
    let rows = "1,Ann,ann@x.example,+12015550101,2024-01-01\n2,Cy,cy@x.example,+12015550101,2025-01-01\n";
    let with_another = json!([{"firstName": "Cy", "email": "cy@x.example", "phone": "+12015550109"}]);
    let without = json!([{"firstName": "Cy", "email": "cy@x.example"}]);
    let found = |on_taken, existing, contacts| {
        let policy = format!("  on existing {existing}\n  on duplicate");
        let spec = SPEC.replace("ON_TAKEN", on_taken).replace("  on duplicate", &policy);
        phones_beside(contacts, false, &spec, rows)
    };
    let kept = expected(&[("ann@x.example", "+12015550101"), ("cy@x.example", "+12015550109")]);
    for on_taken in ["on taken none", "on taken skip", ""] {
        // Cy is preferred, and the contact keeps its number: Ann's is free.
        assert_eq!(found(on_taken, "fill", &with_another), kept, "{on_taken}");
    }
    assert_eq!(found("on taken none", "skip", &with_another), kept);
    let given = expected(&[("ann@x.example", ""), ("cy@x.example", "+12015550101")]);
    assert_eq!(found("on taken none", "fill", &without), given);
    assert_eq!(found("on taken none", "update", &with_another), given);
}
