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

/// A spec of one object whose columns lose something in some records, and its rows.
const PARTS: &str = r#"system clinic {
  object Person from "people.csv" {
    key id
    id: text; name: text; address: text; tags: list(text) split ";"; about: richtext; note: text; seen: datetime format "%Y-%m-%d %H:%M"
    fee: text; code: text; born: text; sum: text; phone: text; mobile: text; kind: text; firm: text; agent: text
  }
}
"#;

const TAKES: &str = r#"map Person -> people when kind != "draft" {
  name     = { firstName: name | split(" ") | nth(0), lastName: name | split(" ") | nth(1) }
  jobTitle = tags | first
  new street "Street": text = address | split("\n") | nth(0)
  new town "Town": text = address | split("\n") | nth(1) | split(", ") | nth(-1)
  new about "About": text = about | plain
  new note "Note": text = note | truncate(10)
  new seen "Seen": date = seen | date
  new fee "Fee": number = fee | money | amount
  new code "Code": text = code | digits
  new born "Born": text = born | lower | title
  new sum "Sum": text = sum | replace("-", "") | digits
  new plus "Sum without its sign": text = sum | replace("-", " ")
  new shown "Shown": text = phone ?? mobile
  new by "By": text = if firm == "self" then "self" else agent
}
"#;

#[test]
fn what_a_part_leaves_is_counted_where_something_is_left_and_in_no_other_record() {
    let project = Project::empty();
    let head = SPEC.split("map Person").next().unwrap();
    project.write(
        "migration.migr",
        &format!(
            "{}\n{TAKES}",
            head.replace("country = \"US\"", "country = \"US\"\n  currency = \"USD\"\n  timezone = \"Europe/Berlin\"")
        ),
    );
    project.write("clinic.migr", PARTS);
    let head = "id,name,address,tags,about,note,seen,fee,code,born,sum,phone,mobile,kind,firm,agent\n";
    let rows = [
        // Nothing is left of this one but its kind.
        "1,Ada Byron,\"Main St 1\nReno\",x,<p>plain</p>,short,2024-05-01 00:00,$5,12,o'brien,078-05,1,,call,self,",
        // Something of each value is.
        "2,Ada King Noel,\"Main St 1\nSuite 2, Reno\",x;y,<p><b>bold</b></p>,longer than ten,2024-05-01 10:00,€5,A-12,McDonald,-5,1,2,call,self,Bob",
        "3,Bob,\"Main St 1\nReno\n3rd floor\",,text,exactly 10,,5,,,,,2,mail,other,Cy",
    ];
    project.write("export/people.csv", &format!("{head}{}\n", rows.join("\n")));
    StandIn::new().migr(&project, &["audit"]);
    let plan = project.migr(&["plan", "--to", "staging", "--format", "json"]).exits(0).json();
    let told = plan["degradations"].as_array().unwrap().iter();
    let mut told: Vec<(&str, Option<u64>)> =
        told.map(|one| (one["what"].as_str().unwrap(), one["records"].as_u64())).collect();
    told.retain(|(_, records)| *records != Some(0));
    told.sort_unstable();
    let expected = [
        ("Person.firm", Some(3)),
        ("Person.kind", Some(3)),
        ("people.about", Some(1)),
        ("people.born", Some(1)),
        ("people.by", Some(1)),
        ("people.code", Some(1)),
        ("people.fee", Some(1)),
        ("people.jobTitle", Some(1)),
        ("people.name", Some(1)),
        ("people.note", Some(1)),
        ("people.seen", Some(1)),
        ("people.shown", Some(1)),
        ("people.street", Some(1)),
        ("people.sum", Some(1)),
        ("people.town", Some(1)),
    ];
    assert_eq!(told, expected);
}
