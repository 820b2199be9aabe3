//! Long texts: one of half a million bytes, and new fields that have room for what the export has.

use migr_sandbox::highlevel;
use reqwest::Method;
use serde_json::Value;

use crate::harness::Project;
use crate::stand_in::{StandIn, hurry};
use crate::studio::{hurried, lagging};

const SPEC: &str = r#"use "std/systems/twenty"

system clinic {
  object Note from "notes.csv" { key id; id: text; body: text }
}
migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}
map Note -> notes {
  title  = id
  bodyV2 = body
}
"#;

#[test]
fn a_note_of_half_a_million_bytes_arrives_whole_and_is_read_back() {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    let mut body = "Grüße, \u{1f44d} und “alles” Übrige dazu, Zeile für Zeile\n".repeat(8_500);
    body.push_str("the end");
    assert!(body.len() > 500_000, "{}", body.len());
    project.write("export/notes.csv", &format!("ID,Body\nlong,\"{body}\"\nshort,x\n"));
    hurry(&project, 200);
    let server = StandIn::new();
    server.migr(&project, &["run", "--no-approval"]).exits(0);
    let notes = server.records("notes");
    let long = notes.iter().find(|note| note["title"] == "long").unwrap();
    let arrived = long["bodyV2"]["markdown"].as_str().unwrap();
    // A line of a plain text ends in a line break of Markdown, so that it shows as it was written.
    assert!(arrived.replace("  \n", "\n") == body, "{} of {} bytes arrived", arrived.len(), body.len());
    let read_back = server.migr(&project, &["verify"]).exits(0);
    assert!(!read_back.stdout.contains("the end"), "a text of this length is not printed");
}

const NEW_FIELDS: &str = r#"use "std/systems/highlevel"

system old {
  object Client from "clients.csv" { key id; id: text; email: email; short: text; long: text; lines: text }
}
migration old_to_highlevel {
  source old { files = "export/*.csv" }
  destination highlevel as staging { url = env("STAGING_URL"); location = env("STAGING_LOCATION"); token = secret("STAGING_KEY"); settle = 1s }
}
map Client -> contacts {
  match email
  email = email
  new short "Short": text = short
  new long "Long": text = long
  new lines "Lines": text = lines
}
"#;

#[test]
fn a_new_field_of_a_location_has_room_for_the_longest_text_of_the_export() {
    let project = Project::empty();
    project.write("migration.migr", NEW_FIELDS);
    hurried(&project);
    let (most, more) = ("s".repeat(255), "l".repeat(256));
    let rows = format!("id,email,short,long,lines\n1,a@x.example,{most},x,x\n2,b@x.example,x,{more},\"one\ntwo\"\n");
    project.write("export/clients.csv", &rows);
    let stand_in = StandIn::location(lagging(None));
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let location = highlevel::Options::default().location;
    let found = stand_in.ask(&Method::GET, &format!("/locations/{location}/customFields?model=contact"), &Value::Null);
    let fields = found["customFields"].as_array().expect("a list");
    let ty = |label: &str| {
        let field = fields.iter().find(|field| field["name"] == label).unwrap_or_else(|| panic!("{found:#}"));
        field["dataType"].as_str().expect("a type").to_owned()
    };
    assert_eq!(["Short", "Long", "Lines"].map(ty), ["TEXT", "LARGE_TEXT", "LARGE_TEXT"]);
    stand_in.migr(&project, &["verify"]).exits(0);
    // The field of a short export stays where a later one has longer texts.
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, &["rollback"]).exits(0);
}
