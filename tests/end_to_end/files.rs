//! The files that records name: in the export and behind links, what is refused, and that each is accounted for.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use crate::harness::Project;

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv"; fetch = ["HOST"] }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

map Person -> people { name = { firstName: name } }

map Scan -> attachments {
  file   = path as name
  target = person
}

map Letter -> attachments {
  file   = url on missing none
  target = person
  new sourceLink "Source": text = url
}
"#;

const CATALOG: &str = r#"system clinic {
  object Person from "people.csv" { key person_id; person_id: text; name: text }
  object Scan from "scans.csv" { key scan_id; scan_id: text; person: -> Person; name: text; path: file }
  object Letter from "letters.csv" { key letter_id; letter_id: text; person: -> Person; url: file }
}
"#;

/// Gives files behind links, one of them never, and one that leads into the network of a cloud machine.
fn files_behind_links() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4_096];
            let read = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let path = head.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
            let answer = match path.as_str() {
                "/b.pdf" => "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n%PDF-b",
                "/letter%20one.pdf" => "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n%PDF-1",
                "/moved.pdf" => {
                    "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                }
                _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

fn project(address: SocketAddr) -> Project {
    let project = Project::empty();
    project.write("migration.migr", &SPEC.replace("HOST", &address.to_string()));
    project.write("clinic.migr", CATALOG);
    project.write("export/people.csv", "person_id,name\nP1,Ada\n");
    project.write("export/files/a.pdf", "%PDF-a");
    project.write("secret.txt", "not of the export");
    let scans = [
        "S1,P1,a.pdf,files/a.pdf".to_owned(),
        format!("S2,P1,b.pdf,http://{address}/b.pdf?sig=SIGNED"),
        "S3,P1,gone.pdf,files/gone.pdf".to_owned(),
        "S4,P1,secret.txt,../secret.txt".to_owned(),
        format!("S5,P1,c.pdf,http://{address}/c.pdf?sig=SIGNED"),
        "S6,P1,d.pdf,https://elsewhere.example/d.pdf?sig=SIGNED".to_owned(),
        format!("S7,P1,e.pdf,http://{address}/moved.pdf"),
        "S8,P9,f.pdf,files/a.pdf".to_owned(),
    ];
    project.write("export/scans.csv", &format!("scan_id,person,name,path\n{}\n", scans.join("\n")));
    let letters = [
        format!("L1,P1,http://{address}/letter%20one.pdf"),
        format!("L2,P1,http://{address}/letter%20two.pdf"),
        "L3,P1,https://elsewhere.example/three.pdf".to_owned(),
        "L4,P1,".to_owned(),
    ];
    project.write("export/letters.csv", &format!("letter_id,person,url\n{}\n", letters.join("\n")));
    project
}

fn without(address: SocketAddr, text: &str) -> String {
    text.replace(&address.to_string(), "HOST")
}

#[test]
fn every_file_that_a_record_names_is_listed_before_and_after_the_run_and_none_is_assumed() {
    let address = files_behind_links();
    let project = project(address);
    let audit = project.migr(&["audit", "--sandbox"]).exits(1);
    insta::assert_snapshot!("audited_files", without(address, &audit.stdout));
    let audited = without(address, &project.read(".migr/sandbox/attachments.jsonl"));
    assert_eq!(audited.lines().count(), 11);
    assert!(audited.contains(r#""path":"http://HOST/b.pdf?…","state":"to_fetch""#), "{audited}");

    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    project.migr(&["verify", "--sandbox"]).exits(0);
    insta::assert_snapshot!("files_of_the_report", without(address, &project.read(".migr/sandbox/report/files.csv")));
    let report = project.report();
    insta::assert_snapshot!("files_counted", serde_json::to_string_pretty(&report["files"]).unwrap());
    assert!(project.read(".migr/sandbox/report.html").contains("<h2>Files</h2>"));

    let mut stored: Vec<(String, String)> = Vec::new();
    for record in project.sandbox_records("attachments") {
        let label = record["file"][0]["label"].as_str().unwrap_or("no file").to_owned();
        stored.push((label, without(address, record["sourceLink"].as_str().unwrap_or_default())));
    }
    stored.sort();
    let found: Vec<(&str, &str)> = stored.iter().map(|(label, link)| (label.as_str(), link.as_str())).collect();
    assert_eq!(
        found,
        [
            ("a.pdf", ""),
            ("b.pdf", ""),
            ("letter one.pdf", "http://HOST/letter%20one.pdf"),
            ("no file", ""),
            ("no file", "http://HOST/letter%20two.pdf"),
            ("no file", "https://elsewhere.example/three.pdf"),
        ]
    );
    for entry in std::fs::read_dir(project.path().join(".migr/sandbox")).unwrap() {
        let path = entry.unwrap().path();
        assert!(!path.file_name().unwrap().to_string_lossy().starts_with("fetched"), "{path:?} was left behind");
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"SIGNED"), "{path:?} holds the key of a link");
        }
    }
}

#[test]
fn a_file_that_changed_since_the_audit_is_not_sent_until_it_is_audited_again() {
    let project = project(files_behind_links());
    project.migr(&["audit", "--sandbox"]).exits(1);
    project.write("export/files/a.pdf", "%PDF another contract");
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    let set_aside = project.read(".migr/sandbox/report/set-aside.csv");
    let line = set_aside.lines().find(|line| line.starts_with("Scan,S1,")).unwrap();
    assert!(line.contains("the file is no longer what the audit found"), "{line}");
    project.migr(&["audit", "--sandbox"]).exits(1);
    project.migr(&["quarantine", "retry", "--sandbox"]).exits(0);
    project.migr(&["run", "--sandbox", "--no-approval"]).exits(5);
    assert!(!project.read(".migr/sandbox/report/set-aside.csv").contains("Scan,S1,"));
    project.migr(&["verify", "--sandbox"]).exits(0);

    project.write("export/files/a.pdf", "a third one");
    let verified = project.migr(&["verify", "--sandbox"]).exits(6);
    let differences = project.read(".migr/sandbox/report/differences.csv");
    assert!(differences.contains("(the export had another one when it was sent)"), "{}{differences}", verified.stdout);
}
