//! A text of half a million bytes.

use crate::harness::Project;
use crate::stand_in::{StandIn, hurry};

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
