//! The audit with a destination: what it asks, what it keeps of the answers, and whether a run then does what it said.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too, and says on stderr what it left out"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use migr_connect::connect;
use migr_engine::audit::{Audit, AuditOptions, FindingKind, Quiet, Severity, audit};
use migr_engine::{CancellationFlag, Context, RunOptions, SharedJournal, Silent};
use migr_extract::Export;
use migr_journal::{Identity, Journal};
use migr_load::{Destination, Endpoint, HttpOptions, NewRecord, Rate, Secret};
use migr_plan::{Lock, Plan};
use migr_sandbox::{Sandbox, SandboxOptions, start};
use migr_source::MemorySystem;
use serde_json::json;

const SPEC: &str = r#"
use "std/systems/twenty"

system clinic {
  object User from "users.csv" {
    key id
    id: text
    email: email unique ignore case
  }
  object Company from "companies.csv" {
    key id
    id: text
    name: text
    domain: text
    owner: -> User.email ignore case
  }
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
  fallback "front.desk@clinic.example"
}

map Company -> companies {
  match domainName
  name = name
  domainName = domain | domain
  accountOwner = owner
}
"#;

const USERS: &str = "ID,Email\nU1,rep0@visualpractice.example\nU2,nobody@visualpractice.example\n";
// The sandbox is born with a company of the second domain, and one of the third in its trash.
const COMPANIES: &str = "\
ID,Name,Domain,Owner
K1,New,https://www.new.example/,rep0@visualpractice.example
K2,Clinic 3,Clinic3.example,nobody@visualpractice.example
K3,Closed,closed-practice.example,nobody@visualpractice.example
";

fn compiled(system: &MemorySystem) -> Plan {
    let project = migr_driver::Project { system, entry: None, destination: None, lock: None };
    let compiled = migr_driver::compile(&project);
    compiled.plan.unwrap_or_else(|| panic!("it compiles: {:#?}", compiled.diagnostics))
}

async fn sandbox() -> (Sandbox, Arc<dyn Destination>, Plan) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = start(SandboxOptions::default()).await.expect("the sandbox starts");
    let plan = compiled(&MemorySystem::default().with("main.migr", SPEC));
    let destination = open(&sandbox, &plan);
    (sandbox, destination, plan)
}

fn open(sandbox: &Sandbox, plan: &Plan) -> Arc<dyn Destination> {
    let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
    let rate = Some(Rate { requests: 60_000, per_seconds: 60, burst: None });
    connect(plan, endpoint, HttpOptions { rate, ..HttpOptions::default() }).expect("it connects").into()
}

async fn audited(
    plan: &Plan,
    folder: &Path,
    destination: Option<&Arc<dyn Destination>>,
    previous: Option<&Lock>,
) -> Audit {
    let spill = folder.join(".migr");
    let options = AuditOptions {
        plan,
        project: folder,
        spill: &spill,
        destination: destination.cloned(),
        journal: None,
        previous,
        salt: "salt",
        sink: None,
        attachments: None,
        preview: None,
        expected: BTreeMap::new(),
    };
    audit(options, &Quiet).await.expect("the audit goes through")
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("export")).expect("made");
    fs::write(folder.path().join("export/users.csv"), USERS).expect("written");
    fs::write(folder.path().join("export/companies.csv"), COMPANIES).expect("written");
    folder
}

fn keys(audit: &Audit, kind: FindingKind, severity: Severity) -> Vec<(String, u64)> {
    let of_kind = audit.findings.iter().filter(|finding| finding.kind == kind && finding.severity == severity);
    of_kind.map(|finding| (finding.key.clone().unwrap_or_default(), finding.count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_in_use_and_in_the_trash_and_owners_without_a_member_are_found() {
    let (sandbox, destination, plan) = sandbox().await;
    let before = sandbox.fingerprint().expect("a fingerprint");
    let folder = project();
    let found = audited(&plan, folder.path(), Some(&destination), None).await;
    assert_eq!(keys(&found, FindingKind::ExistingTwin, Severity::Note), [("K2".to_owned(), 1)]);
    assert_eq!(keys(&found, FindingKind::TrashedTwin, Severity::Error), [("K3".to_owned(), 1)]);
    assert_eq!(keys(&found, FindingKind::OrphanOwner, Severity::Warning), [("U2".to_owned(), 2)]);
    let stage = found.lock.stage("Company").expect("the stage");
    assert_eq!((stage.read, stage.create, stage.update, stage.quarantine), (3, 1, 0, 1));
    assert_eq!(
        (stage.unchanged, stage.there.unchanged, stage.there.set_aside),
        (1, 1, 1),
        "it holds all of it already"
    );
    assert_eq!(sandbox.fingerprint().expect("a fingerprint"), before, "an audit writes nothing");
    assert_eq!(fs::read_dir(folder.path().join(".migr")).expect("listed").count(), 0, "nothing is left behind");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_whom_owners_names_and_who_are_no_members_are_said_with_their_lines() {
    let spec = SPEC.replace(
        "  fallback \"front.desk@clinic.example\"\n",
        "  \"a@visualpractice.example\" = \"gone@clinic.example\"\n  \"b@visualpractice.example\" = \"Jane.Smith@clinic.example\"\n  fallback \"boss@clinic.example\"\n",
    );
    let plan = compiled(&MemorySystem::default().with("main.migr", spec));
    let (sandbox, destination, _) = sandbox().await;
    let folder = project();
    let found = audited(&plan, folder.path(), Some(&destination), None).await;
    let said = |kind| {
        let of_kind = found.findings.iter().filter(move |finding| finding.kind == kind);
        of_kind.map(|found| (found.severity, found.line, found.message.clone())).collect::<Vec<_>>()
    };
    insta::assert_debug_snapshot!(said(FindingKind::UnknownMember));
    let offline = audited(&plan, folder.path(), None, None).await;
    assert_eq!(keys(&offline, FindingKind::UnknownMember, Severity::Error), [], "nobody was asked");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_knows_the_schema_and_members_without_naming_them_and_keeps_them_offline() {
    let (sandbox, destination, plan) = sandbox().await;
    let folder = project();
    let asked = audited(&plan, folder.path(), Some(&destination), None).await;
    sandbox.stop().await;
    let text = asked.lock.to_json().expect("JSON");
    for address in ["rep0@", "visualpractice", "front.desk", "jane.smith"] {
        assert!(!text.contains(address), "the lock holds {address}");
    }
    let known = asked.lock.destination.as_ref().expect("the destination");
    let members = known.members.as_ref().expect("members");
    assert!(members.contains("Rep0@visualpractice.example"));
    assert!(!members.contains("nobody@visualpractice.example"));
    let companies = known.object("companies").expect("companies");
    assert_eq!((companies.records, companies.trashed), (3, 1));
    assert!(companies.field("domainName").is_some_and(|field| field.unique));
    assert_eq!(known.capabilities.batch_size, 200);
    let offline = audited(&plan, folder.path(), None, Some(&asked.lock)).await;
    assert_eq!(offline.lock.destination, asked.lock.destination);
    assert!(!offline.lock.stages.with_destination);
}

/// The committed example with its export, in a folder of its own.
fn example() -> (tempfile::TempDir, Plan) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/visual-practice-to-twenty");
    let folder = tempfile::tempdir().expect("a folder");
    copy(&from, folder.path());
    let mut system = MemorySystem::default();
    for entry in fs::read_dir(&from).expect("listed") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "migr") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            system = system.with(name, fs::read_to_string(&path).expect("read"));
        }
    }
    let plan = compiled(&system);
    (folder, plan)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_makes_of_each_map_what_the_audit_said() {
    let (folder, plan) = example();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = start(SandboxOptions::default()).await.expect("the sandbox starts");
    let destination = open(&sandbox, &plan);
    let said = audited(&plan, folder.path(), Some(&destination), None).await;
    let hash = plan.hash().expect("a hash");
    let identity = Identity { migration: &plan.migration, destination: "twenty", plan_hash: &hash };
    let journal = Journal::open(&folder.path().join(".migr/journal.db"), &identity).expect("a journal");
    let context = Context {
        export: Arc::new(Export::open(&plan, folder.path()).expect("the export")),
        plan: Arc::new(plan),
        destination,
        journal: SharedJournal::new(journal),
        progress: Arc::new(Silent),
        cancellation: CancellationFlag::default(),
        options: RunOptions::default(),
        work: folder.path().join(".migr"),
    };
    migr_engine::setup(&context).await.expect("setup goes through");
    let done = migr_engine::run(&context).await.expect("the run goes through");
    let line = |name: &str, counts: [u64; 5]| {
        let [read, create, update, skip, quarantine] = counts;
        format!("{name}: {read} read, {create} created, {update} updated, {skip} skipped, {quarantine} quarantined")
    };
    let said: Vec<String> = said
        .lock
        .stages
        .stages
        .iter()
        .map(|stage| line(&stage.id, [stage.read, stage.create, stage.update, stage.skip, stage.quarantine]))
        .collect();
    let done: Vec<String> = done
        .report
        .objects
        .iter()
        .map(|map| line(&map.map, [map.read, map.created, map.updated + map.unchanged, map.skipped, map.quarantined]))
        .collect();
    assert_eq!(said.join("\n"), done.join("\n"));
    sandbox.stop().await;
}

/// The spec with no map but that of people.
const PEOPLE: &str = r#"
use "std/systems/twenty"

system clinic {
  object Person from "people.csv" { key id; id: text; first: text; email: text }
}

migration people_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty { url = env("URL"); token = secret("KEY") }
  timezone = "America/New_York"
  country = "US"
  currency = "USD"
}

map Person -> people {
  match emails.primaryEmail
  name = { firstName: first }
  emails = { primaryEmail: email }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_asks_for_the_records_of_a_small_export_and_does_not_page_through_all() {
    let (sandbox, _, _) = sandbox().await;
    let plan = compiled(&MemorySystem::default().with("main.migr", PEOPLE));
    let destination = open(&sandbox, &plan);
    destination.schema().await.expect("the schema");
    let numbers: Vec<u32> = (0..20_000).collect();
    for batch in numbers.chunks(200) {
        let person = |number: &u32| {
            let id = format!("20202020-0000-4000-8000-{number:012}");
            let body = json!({"name": {"firstName": "Ada", "lastName": ""}, "emails": {"primaryEmail": format!("p{number}@x.example"), "additionalEmails": []}});
            NewRecord::new(id, body.as_object().expect("an object").clone())
        };
        let people: Vec<NewRecord> = batch.iter().map(person).collect();
        destination.create("people", &people).await.expect("created");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("export")).expect("made");
    let rows: Vec<String> = (0..10).map(|row| format!("P{row},Bea,p{}@x.example\n", row * 3_000)).collect();
    let rows = rows.concat();
    fs::write(folder.path().join("export/people.csv"), format!("ID,First,Email\n{rows}")).expect("written");
    let before = destination.requests();
    destination.schema().await.expect("the schema");
    let schema = destination.requests() - before;
    let found = audited(&plan, folder.path(), Some(&destination), None).await;
    let asked = destination.requests() - before - 2 * schema;
    let stage = found.lock.stage("Person").expect("the stage");
    assert_eq!((stage.create, stage.unchanged), (3, 7), "of 10 records 7 are there and have a first name");
    assert!(asked <= 10, "{asked} requests besides the schema");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_whose_object_has_no_relation_to_both_records_are_lacking() {
    let spec = PEOPLE
        .replace("email: text }", "email: text; firm: -> Firm }\n  object Firm from \"firms.csv\" { key id; id: text; name: text }")
        .replace("map Person", "extend system twenty { object people { others: many companies through noteTargets } }\n\nmap Firm -> companies {\n  name = name\n}\n\nmap Person")
        .replace("primaryEmail: email }\n", "primaryEmail: email }\n  others = firm\n");
    let (sandbox, _, _) = sandbox().await;
    let plan = compiled(&MemorySystem::default().with("main.migr", spec));
    let destination = open(&sandbox, &plan);
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("export")).expect("made");
    fs::write(folder.path().join("export/people.csv"), "ID,First,Email,Firm\nP1,Ada,a@x.example,F1\n")
        .expect("written");
    fs::write(folder.path().join("export/firms.csv"), "ID,Name\nF1,Acme\n").expect("written");
    let found = audited(&plan, folder.path(), Some(&destination), None).await;
    let lacks = found.findings.iter().filter(|finding| finding.kind == FindingKind::DestinationLacks);
    let said: Vec<&str> = lacks.map(|finding| finding.message.as_str()).collect();
    assert!(matches!(said.as_slice(), [only] if only.contains("cannot link `people` to `companies`")), "{said:?}");
    sandbox.stop().await;
}
