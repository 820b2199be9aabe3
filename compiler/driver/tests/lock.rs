//! Facts of an audit, checked offline and counted.

mod common;

use common::short;
use migr_driver::{Compilation, Project, compile};
use migr_source::MemorySystem;
use serde_json::{Value, json};

const PROGRAM: &str = r#"
system shop {
  object Customer from "customers.csv" {
    key id
    id: text; title: text; kind: text; mood: text
  }
  object Invoice from "invoices.csv" { key number; number: text }
}
system crm {
  connector twenty
  limits { requests 100 per 60s; batch 200 }
  object companies { name: text; stage: select { NEW, WON }; status: select { OPEN } }
  object bills { name: text }
}
migration m {
  source shop { files = "export/*.csv" }
  destination crm { url = env("URL"); token = secret("TOKEN") }
}
picklist Stage -> companies.stage ignore case, space {
  "new" | "fresh" = NEW
  "won"           = WON
  "lost"          = NEW
  otherwise quarantine
}
picklist Status -> companies.status { "open" = OPEN; otherwise none }
map Customer -> companies { name = title; stage = kind | Stage; status = mood | Status }
map Invoice -> bills { name = number }
"#;

fn column(name: &str, values: &Value) -> Value {
    json!({
        "name": name, "header": name, "declared": "text", "filled": 1, "blank": 0, "inferred": {"type": "text"},
        "min_length": 1, "max_length": 1, "distinct": 1, "values": values,
    })
}

fn object(name: &str, state: &str, columns: &Value, hidden: &[&str]) -> Value {
    json!({
        "name": name, "state": state, "rows": 9, "malformed": 0, "keys": {"distinct": 9, "blank": 0, "repeated": 0},
        "columns": columns, "hidden": hidden,
    })
}

fn with_lock(objects: &Value) -> Compilation {
    let lock = json!({
        "format_version": 1, "migration": "m",
        "export": {"system": "shop", "files": [], "objects": objects},
        "stages": {"inputs": "", "with_destination": false, "stages": []},
    });
    let system = MemorySystem::default().with("main.migr", PROGRAM);
    compile(&Project { system: &system, entry: None, destination: None, lock: Some(lock.to_string().into()) })
}

#[test]
fn values_that_no_row_names_and_rows_that_no_value_needs_are_told() {
    let kinds =
        json!({"values": [{"value": " Fresh", "count": 3}, {"value": "WON", "count": 2}, {"value": "??", "count": 4}]});
    let moods = json!({"values": [{"value": "grim", "count": 9}]});
    let customers = object("Customer", "present", &json!([column("kind", &kinds), column("mood", &moods)]), &[]);
    let compilation = with_lock(&json!([customers, object("Invoice", "present", &json!([]), &[])]));
    assert!(compilation.plan.as_ref().unwrap().inputs.lock.is_some());
    insta::assert_snapshot!(short(&compilation), @r#"
    main.migr:19 W0606 4 records of `Customer` are quarantined: no row of `Stage` names their `kind`: `??` (4)
        add rows for the values that are meant to move
        to accept it, write `allow W0606 : "why"` in picklist `Stage`
    main.migr:22 W0607 no record of the export has `lost`
        remove the row, or mend its spelling
        to accept it, write `allow W0607 : "why"` in picklist `Stage`
    main.migr:25 W0607 no record of the export has `open`
        remove the row, or mend its spelling
        to accept it, write `allow W0607 : "why"` in picklist `Status`
    "#);
}

#[test]
fn files_and_columns_that_are_missing_or_new_are_told() {
    let mut fax = column("fax", &Value::Null);
    fax["declared"] = Value::Null;
    let customers = object("Customer", "present", &json!([fax]), &["kind", "gone_long_ago"]);
    let compilation = with_lock(&json!([customers, object("Invoice", "absent", &json!([]), &[])]));
    insta::assert_snapshot!(short(&compilation), @r#"
    main.migr:26 W0603 the export of `Customer` lacks `kind`
        show the columns in the source and export again
        to accept it, write `allow W0603 : "why"` in map `Customer`
    main.migr:26 W0604 the export of `Customer` has columns that the catalog lacks: `fax`
        declare them, `extend system shop { object Customer { fax: text } }`, and map or drop them
        to accept it, write `allow W0604 : "why"` in map `Customer`
    main.migr:27 W0602 the export has no `invoices.csv`, and map `Invoice` reads it
        put the file into the export and run `migr audit` again, or declare the object `optional`
        to accept it, write `allow W0602 : "why"` in map `Invoice`
    "#);
}

#[test]
fn fields_that_the_destination_lacks_are_told_where_they_are_written() {
    let field =
        |name: &str, inactive: bool| json!({"name": name, "label": name, "native": "TEXT", "inactive": inactive});
    let object = |name: &str, fields: &Value| json!({"name": name, "singular": name, "label": name, "custom": false, "active": true, "records": 0, "trashed": 0, "fields": fields});
    let companies = object("companies", &json!([field("name", false), field("stage", true)]));
    let lock = json!({
        "format_version": 1, "migration": "m",
        "export": {"system": "shop", "files": [], "objects": []},
        "destination": {
            "system": "crm", "name": "crm", "version": "2", "objects": [companies], "other_objects": [], "existing": [],
            "capabilities": {"batch_size": 200, "client_ids": true, "settable_created_at": true, "trash": true},
        },
        "stages": {"inputs": "", "with_destination": true, "stages": []},
    });
    let system = MemorySystem::default().with("main.migr", PROGRAM);
    let compilation =
        compile(&Project { system: &system, entry: None, destination: None, lock: Some(lock.to_string().into()) });
    insta::assert_snapshot!(short(&compilation));
}

#[test]
fn links_to_hosts_that_nothing_is_fetched_from_are_told_where_the_file_is_written() {
    let program = |fetch: &str| {
        format!(
            r#"
system shop {{ object Paper from "papers.csv" {{ key id; id: text; path: file }} }}
system crm {{ connector twenty; object papers {{ file: file }} }}
migration m {{
  source shop {{ files = "export/*.csv"{fetch} }}
  destination crm {{ url = env("URL"); token = secret("TOKEN") }}
}}
map Paper -> papers {{ file = path }}
"#
        )
    };
    let mut papers = object("Paper", "present", &json!([column("path", &Value::Null)]), &[]);
    papers["link_hosts"] = json!([
        {"host": "files.example.com", "port": 443, "links": 30},
        {"host": "127.0.0.1", "port": 9000, "links": 2},
    ]);
    let lock = json!({
        "format_version": 1, "migration": "m",
        "export": {"system": "shop", "files": [], "objects": [papers]},
        "stages": {"inputs": "", "with_destination": false, "stages": []},
    });
    let told = |fetch: &str| {
        let system = MemorySystem::default().with("main.migr", program(fetch));
        short(&compile(&Project {
            system: &system,
            entry: None,
            destination: None,
            lock: Some(lock.to_string().into()),
        }))
    };
    insta::assert_snapshot!(told(""), @r#"
    main.migr:8 W0609 32 files of `Paper` are links to `files.example.com`, `127.0.0.1:9000`, which `fetch` does not name
        name the hosts, `source shop { fetch = ["files.example.com"] }`, or put the files into the export; with `on missing none` such records arrive without their file
        to accept it, write `allow W0609 on file : "why"` in map `Paper`
    "#);
    insta::assert_snapshot!(told("; fetch = [\"*.example.com\"]"), @r#"
    main.migr:8 W0609 2 files of `Paper` are links to `127.0.0.1:9000`, which `fetch` does not name
        name the hosts, `source shop { fetch = ["127.0.0.1:9000"] }`, or put the files into the export; with `on missing none` such records arrive without their file
        to accept it, write `allow W0609 on file : "why"` in map `Paper`
    "#);
    assert_eq!(told("; fetch = [\"*.example.com\", \"127.0.0.1:9000\"]"), "");
}

#[test]
fn options_that_the_server_alone_has_are_known_by_name_and_by_label() {
    let option = |value: &str, label: &str| json!({"value": value, "label": label});
    let lock = |options: &Value| {
        let stage = json!({"name": "stage", "label": "Stage", "native": "SELECT", "options": options});
        json!({
            "format_version": 1, "migration": "m",
            "export": {"system": "shop", "files": [], "objects": []},
            "destination": {
                "system": "crm", "name": "crm", "version": "2", "other_objects": [], "existing": [],
                "objects": [{"name": "companies", "singular": "company", "label": "Companies", "custom": false, "active": true, "records": 0, "trashed": 0, "fields": [stage]}],
                "capabilities": {"batch_size": 200, "client_ids": true, "settable_created_at": true, "trash": true},
            },
            "stages": {"inputs": "", "with_destination": true, "stages": []},
        })
        .to_string()
    };
    let two =
        json!([option("NEW", "Fresh"), option("ON_HOLD", "On hold"), option("HELD", "Held"), option("HELD_2", "Held")]);
    let told = |row: &str, lock: Option<&str>| {
        let program = PROGRAM.replace("\"lost\"          = NEW", &format!("\"lost\" = {row}"));
        let direct =
            PROGRAM.replace("stage = kind | Stage", &format!("stage = if kind == \"lost\" then {row} else NEW"));
        let said = [program, direct].map(|text| {
            let system = MemorySystem::default().with("main.migr", text);
            let lock = lock.map(Into::into);
            short(&compile(&Project { system: &system, entry: None, destination: None, lock }))
        });
        said.map(|said| {
            said.lines()
                .filter(|line| !line.contains("W0") && !line.starts_with("    "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
    };
    let (known, old) = (lock(&two), lock(&json!([])));
    for named in ["\"On hold\"", "ON_HOLD", "\"ON_HOLD\"", "\"Fresh\""] {
        assert_eq!(told(named, Some(&known)), [const { Vec::<String>::new() }; 2], "{named}");
        for unasked in [None, Some(old.as_str())] {
            let said = told(named, unasked);
            assert!(said.iter().all(|said| said.len() == 1 && said[0].contains("E0305")), "{named}: {said:?}");
        }
    }
    for said in told("\"Held\"", Some(&known)) {
        assert!(said.len() == 1 && said[0].contains("two options of `companies.stage`"), "{said:?}");
    }
}
