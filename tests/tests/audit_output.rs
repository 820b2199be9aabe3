//! What an administrator reads after an audit, and what the lock keeps, for a small export that has one of everything.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too, and says on stderr what it left out"
)]

use std::collections::BTreeMap;
use std::fs;

use migr_engine::audit::{Audit, AuditOptions, Quiet, audit, render};
use migr_plan::Plan;
use migr_source::MemorySystem;

const SPEC: &str = r#"
use "std/systems/twenty"

system clinic {
  timezone "America/New_York"
  blank "n/a"
  object User from "users.csv" {
    key id
    id: text
    email: email unique ignore case
  }
  object Company from "companies.csv" {
    key id
    id: text
    name: text
    parent: -> Company
  }
  object Contact from "contacts.csv" {
    key id
    id: text
    name: text sensitive
    email: email sensitive
    company: -> Company
    owner: -> User.email ignore case
    stage: text
    born: date format "%m/%d/%Y"
    seen: datetime format "%m/%d/%Y %I:%M %p"
    code: text
    tags: list(text) split ";"
    fax: text
  }
  optional object Chart from "charts.csv" { key id; id: text }
}

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty { url = env("URL"); token = secret("KEY") }
  timezone = "America/New_York"
  country = "US"
  currency = "USD"
}

owners {
  match User.email = workspaceMembers.userEmail
  fallback "desk@clinic.example"
}

picklist Stage -> people.stage ignore case, space {
  "New" = new NEW "New"
  "Old" = new OLD "Old"
  otherwise quarantine
}

drop object Chart : "kept on paper"

map Company -> companies {
  name = name
  new parentCompany "Parent company": -> companies inverse "Subsidiaries" = parent
}

map Contact -> people {
  match emails.primaryEmail
  on duplicate keep first
  name = { firstName: name, lastName: none }
  emails = { primaryEmail: email | trim | lower } otherwise none
  company = company on missing none
  new owner "Owner": -> workspaceMembers inverse "Owned people" = owner
  new stage "Stage": select Stage = stage | Stage
  new born "Born": date = born
  new seen "Seen": datetime = seen
  new code "Code": text = code
  new tags "Tags": list(text) = tags
  new fax "Fax": text = fax
}
"#;

const USERS: &str = "ID,Email\nU1,rep@clinic.example\n";
const COMPANIES: &str = "ID,Name,Parent\nK1,Acme,K2\nK2,Beta,K1\nK3,Gamma,\n";
const CONTACTS: &str = "\
ID,Name,Email,Company,Owner,Stage,Born,Seen,Code,Tags,Shoe Size
C1,Ada,ada@x.example,K1,REP@clinic.example,New,01/31/1980,03/01/2021 10:00 AM,007,VIP;news,38
C2,Bob,ada@X.example,K3,rep@clinic.example,old,02/28/1981,03/01/2021 10:00 AM,008,vip,39
C3,Cy,cy@x.example,K9,rep@clinic.example,New,02/30/1981,03/01/2021 10:00 AM,009,,40
C4,Di,,K1,left@clinic.example,Nwe,n/a,03/14/2021 02:30 AM,010,Trade Show,41
C4,Di,di@x.example,K1,rep@clinic.example,New,,11/07/2021 01:30 AM,011,trade-show,42
,Ed,ed@x.example,K1,rep@clinic.example,New,,03/01/2021 10:00 AM,012,,43
C7,Flo,flo@x.example,K1,rep@clinic.example
C8,Gus,gus@x.example,K1,rep@clinic.example,Older,,03/01/2021 10:00 AM,013,,44
";

fn audited() -> (Plan, Audit) {
    let system = MemorySystem::default().with("main.migr", SPEC);
    let project = migr_driver::Project { system: &system, entry: None, destination: None, lock: None };
    let compiled = migr_driver::compile(&project);
    let plan = compiled.plan.unwrap_or_else(|| panic!("the spec compiles: {:#?}", compiled.diagnostics));
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("export")).expect("made");
    for (name, text) in [("users", USERS), ("companies", COMPANIES), ("contacts", CONTACTS), ("backup", "ID\n1\n")] {
        fs::write(folder.path().join(format!("export/{name}.csv")), text).expect("written");
    }
    let options = AuditOptions {
        plan: &plan,
        project: folder.path(),
        spill: &folder.path().join(".migr"),
        destination: None,
        journal: None,
        previous: None,
        salt: "salt",
        sink: None,
        attachments: None,
        preview: None,
        expected: BTreeMap::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let audited = runtime.block_on(audit(options, &Quiet)).expect("the audit goes through");
    (plan, audited)
}

#[test]
fn an_administrator_reads_what_is_wrong_where_and_what_to_do() {
    let (_, audited) = audited();
    insta::assert_snapshot!("terminal", render::terminal(&audited, true));
    insta::assert_snapshot!("markdown", render::markdown(&audited));
    insta::assert_snapshot!("json", render::json(&audited).expect("JSON"));
}

#[test]
fn the_lock_keeps_shapes_and_compared_values_only() {
    let (_, audited) = audited();
    // The shipped catalog is one of the inputs and changes on its own.
    let text = audited.lock.to_json().expect("JSON").replace(&audited.lock.stages.inputs, "blake3:…");
    insta::assert_snapshot!("lock", text);
}

#[test]
fn the_lock_counts_the_plan() {
    let (mut plan, audited) = audited();
    assert!(migr_plan::lock::count(&mut plan, &audited.lock));
    insta::assert_snapshot!(
        migr_plan::render::summary_line(&plan.summary),
        @"Plan: 4 create, 0 update, 0 unchanged, 2 skip, 5 quarantine; 8 schema changes; 0 blocking."
    );
}
