//! What the destination holds in another spelling, under another label or with times of its own: found, told, and put back to the letter.

use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

use crate::harness::Project;
use crate::small::Small;
use crate::stand_in::StandIn;

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

map Firm -> companies {
  match domainName
  on existing update
  on deleted restore
  name       = name
  domainName = { primaryLinkUrl: site | domain }
FIELDS}
"#;

const CATALOG: &str = r#"system clinic {
  object Firm from "firms.csv" { key firm_id; firm_id: text; name: text; site: text; size: text }
}
"#;

fn project(fields: &str, firms: &[(String, String)]) -> Project {
    let project = Project::empty();
    let fields = if fields.is_empty() { "  drop size : \"nobody asked for it\"\n" } else { fields };
    project.write("migration.migr", &SPEC.replace("FIELDS", fields));
    project.write("clinic.migr", CATALOG);
    let mut rows = String::from("firm_id,name,site,size\n");
    for (number, (name, site)) in firms.iter().enumerate() {
        writeln!(rows, "F{number},{name},{site},big").unwrap();
    }
    project.write("export/firms.csv", &rows);
    project
}

fn company(stand_in: &StandIn, name: &str, url: &str) -> String {
    let body = json!({"name": name, "domainName": {"primaryLinkUrl": url}});
    let made = stand_in.ask(&Method::POST, "/rest/companies", &body);
    made["data"]["createCompany"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn no_company_is_made_again_because_its_site_is_spelt_otherwise() {
    let spellings: [fn(&str) -> String; 5] = [
        |host| format!("https://{host}"),
        |host| format!("http://{host}"),
        |host| format!("https://www.{host}"),
        |host| host.to_owned(),
        |host| format!("https://{host}/about"),
    ];
    let stand_in = StandIn::new();
    let mut firms = Vec::new();
    for number in 0..50 {
        let host = format!("firm{number}.example");
        company(&stand_in, &format!("Firm {number}"), &spellings[number % 5](&host));
        firms.push((format!("Firm {number}"), format!("HTTPS://WWW.{}/", host.to_uppercase())));
    }
    let before = stand_in.records("companies").len();
    let project = project("", &firms);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    assert_eq!(stand_in.records("companies").len(), before, "none was made again");
    stand_in.migr(&project, &["verify"]).exits(0);
}

#[test]
fn a_rollback_puts_back_the_times_of_what_it_changed_and_of_what_was_in_the_trash() {
    let stand_in = StandIn::new();
    let changed = company(&stand_in, "Before", "https://one.example");
    let trashed = company(&stand_in, "Thrown", "https://two.example");
    let time = |id: &str, body: Value| stand_in.ask(&Method::PATCH, &format!("/rest/companies/{id}"), &body);
    time(&changed, json!({"updatedAt": "2020-01-02T03:04:05.678Z"}));
    let thrown = json!({"updatedAt": "2021-01-02T03:04:05.678Z", "deletedAt": "2021-01-02T00:00:00.000Z"});
    time(&trashed, thrown);
    let fingerprint = stand_in.fingerprint();
    let firms = [("After".to_owned(), "one.example".to_owned()), ("Back".to_owned(), "two.example".to_owned())];
    let project = project("", &firms);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    assert_eq!(stand_in.records("companies").iter().filter(|one| one["name"] == "Back").count(), 1);
    // What cannot go back is told before and after: the timeline keeps what it says of them.
    let told = "what the timeline says of its records stays";
    let plan = project.migr(&["plan"]).exits(0).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains(told), "{plan}");
    let rollback = stand_in.migr(&project, &["rollback"]).exits(0);
    assert!(rollback.stdout.contains("; all is as before") && rollback.stdout.contains(told), "{}", rollback.stdout);
    assert!(project.read(".migr/staging/report.html").contains(told));
    assert_eq!(stand_in.fingerprint(), fingerprint);
    let get = |filter: &str| {
        let found = stand_in.ask(&Method::GET, &format!("/rest/companies?filter={filter}"), &Value::Null);
        found["data"]["companies"][0].clone()
    };
    assert_eq!(get(&format!("id[eq]:{changed}"))["updatedAt"], "2020-01-02T03:04:05.678Z");
    let back = get(&format!("and(id[eq]:{trashed},deletedAt[is]:NOT_NULL)"));
    assert_eq!(
        (&back["updatedAt"], &back["deletedAt"]),
        (&json!("2021-01-02T03:04:05.678Z"), &json!("2021-01-02T00:00:00.000Z"))
    );
}

#[test]
fn where_one_change_of_the_schema_would_be_refused_none_is_begun() {
    let stand_in = StandIn::new();
    let company = stand_in.metadata().into_iter().find(|object| object["nameSingular"] == "company").unwrap();
    let field = json!({"objectMetadataId": company["id"], "type": "NUMBER", "name": "extent", "label": "Extent"});
    stand_in.ask(&Method::POST, "/rest/metadata/fields", &field);
    let fingerprint = stand_in.fingerprint();
    let fields = "  new remark \"Remark\": text = name\n  new extent \"Extent\": text = size\n";
    let project = project(fields, &[("A".to_owned(), "a.example".to_owned())]);
    let setup = stand_in.migr(&project, &["setup"]).exits(4);
    assert!(setup.stdout.contains("extent") && setup.stdout.contains("1 blocked"), "{}", setup.stdout);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(4);
    assert_eq!(stand_in.fingerprint(), fingerprint, "nothing was made");
    let audit = stand_in.migr(&project, &["audit"]).exits(1);
    assert!(audit.stdout.contains("setup cannot create field companies.extent"), "{}", audit.stdout);
}

#[test]
fn an_option_that_the_server_alone_has_is_named_by_its_label_once_an_audit_has_asked_for_it() {
    let deals = "  object Deal from \"deals.csv\" { key id; id: text; stage: text }";
    let maps = "picklist Stage -> opportunities.stage {\n  \"held\" = ROW\n  otherwise quarantine\n}\n\nmap Deal -> opportunities { name = id; stage = stage | Stage }";
    let small = |maps| Small { objects: deals, maps, files: &[("deals.csv", "id,stage\n1,held\n")], held: Vec::new() };
    let stand_in = StandIn::new();
    let made = maps.replace("ROW", "new ON_HOLD \"On hold\"");
    stand_in.migr(&small(&made).project(), &["setup"]).exits(0);
    let named = maps.replace("ROW", "\"On hold\"");
    let project = small(&named).project();
    let asks = project.migr(&["check"]).exits(1).stdout;
    assert!(asks.contains("E0305") && asks.contains("once `migr audit`"), "{asks}");
    stand_in.migr(&project, &["run", "--no-approval"]).exits(1);
    stand_in.migr(&project, &["audit", "--offline"]).exits(1);
    stand_in.migr(&project, &["audit"]).exits(0);
    project.migr(&["check"]).exits(0);
    for command in [&["plan"][..], &["run", "--no-approval"], &["run", "--no-approval"], &["verify"]] {
        stand_in.migr(&project, command).exits(0);
    }
    let deal = stand_in.records("opportunities").into_iter().find(|deal| deal["name"] == "1").unwrap();
    assert_eq!(deal["stage"], "ON_HOLD");
    project.write("migration.migr", &project.read("migration.migr").replace("On hold", "On hald"));
    let listed = stand_in.migr(&project, &["audit"]).exits(1);
    assert!(listed.stderr.contains("E0305") && listed.stderr.contains("`ON_HOLD`"), "{}", listed.stderr);
}

#[test]
fn identities_and_references_that_miss_each_other_by_their_spelling_alone_are_told() {
    let small = Small {
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text }\n  object Person from \"people.csv\" { key id; id: text; firm: -> Firm.name }",
        maps: "map Firm -> companies {\n  match name\n  name = name\n}\n\nmap Person -> people {\n  name.lastName = id\n  company = firm on missing none\n}",
        files: &[
            (
                "firms.csv",
                "id,name\n1,Acme GmbH\n2,ACME  GmbH\n3,Café\n4,Cafe\u{301}\n5,Beta\n6,Beta Ltd\n7,Gamma\u{a0}Inc\n8,gamma inc\n",
            ),
            ("people.csv", "id,firm\n1,beta\n2,BETA LTD\n3,Beta Inc\n4,Beta\n"),
        ],
        held: Vec::new(),
    };
    let moved = small.moved();
    assert_eq!(moved.codes, [0, 0, 0, 0], "{}", moved.said);
    moved.says(&[
        "warning[near-identity]",
        "3 records have the name of another record but for case, blanks or the form of a letter, and no `match` makes them one: \"Acme GmbH\" (line 2) and \"ACME  GmbH\" (line 3); \"Caf\\u{e9}\" (line 4) and \"Cafe\\u{301}\" (line 5)",
        "firm: \"beta\" is the key of no Firm; \"Beta\" is one, but for case, blanks or the form of a letter",
        "firm: \"BETA LTD\" is the key of no Firm; \"Beta Ltd\" is one",
        "firm: \"Beta Inc\" is the key of no Firm\n",
    ]);
}
