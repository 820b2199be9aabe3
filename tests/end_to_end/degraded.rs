//! Losses of what the destination cannot hold as it was: told beforehand, counted by what is lost and not by what could be, and no failure of verify.

use serde_json::Value;

use crate::harness::Project;
use crate::stand_in::StandIn;

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
  country = "US"
}

map Person -> people {
  name   = { firstName: name }
  phones = { primaryPhoneNumber: phone | phone } otherwise none
}

map Letter -> notes {
  title  = body | plain
  bodyV2 = body | markdown
}

map Scan -> attachments {
  file   = path as name
  target = person
}
"#;

const CATALOG: &str = r#"system clinic {
  object Person from "people.csv" { key person_id; person_id: text; name: text; phone: text }
  object Letter from "letters.csv" { key letter_id; letter_id: text; body: richtext }
  object Scan from "scans.csv" { key scan_id; scan_id: text; person: -> Person; name: text; path: file }
}
"#;

const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg"/>"#;

fn project() -> Project {
    let project = Project::empty();
    project.write("migration.migr", SPEC);
    project.write("clinic.migr", CATALOG);
    let people = "person_id,name,phone\nP1,Ada,(212) 555-0123 ext. 42\nP2,Bob,(212) 555-0124\nP3,Cleo,(212) 555-0125\n";
    project.write("export/people.csv", people);
    let letters = "letter_id,body\nL1,<p>one</p><p>two</p>\nL2,<p>one <u>line</u></p>\nL3,plain\n";
    project.write("export/letters.csv", letters);
    project.write("export/scans.csv", "scan_id,person,name,path\nS1,P1,tooth.svg,files/1\nS2,P1,letter.txt,files/2\n");
    project.write("export/files/1", SVG);
    project.write("export/files/2", "a letter");
    project
}

#[test]
fn each_loss_is_counted_by_the_records_that_lose_something_and_verify_holds() {
    let (project, stand_in) = (project(), StandIn::new());
    stand_in.migr(&project, &["audit"]);
    let plan = project.migr(&["plan", "--to", "staging", "--format", "json"]).exits(0).json();
    let told: Vec<(&str, &str, Option<u64>)> = plan["degradations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let reason = one["reason"].as_str().unwrap();
            (one["what"].as_str().unwrap(), reason.split([':', ',']).next().unwrap(), one["records"].as_u64())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("people.phones", "the destination drops a phone number's extension", Some(1)),
            ("notes.title", "the destination shows a text on one line", Some(1)),
            ("notes.bodyV2", "formatting that Markdown lacks", Some(1)),
            ("attachments.file", "the destination writes drawings in SVG anew", Some(1)),
        ]
    );
    stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let drawing: Vec<Value> = stand_in
        .records("attachments")
        .into_iter()
        .filter(|record| record["file"][0]["label"] == "tooth.svg")
        .collect();
    let kept = stand_in.download(drawing[0]["file"][0]["url"].as_str().unwrap());
    assert_ne!(kept, SVG.as_bytes(), "the stand-in writes it anew, as the server was seen to");
    stand_in.migr(&project, &["verify"]).exits(0);
}
