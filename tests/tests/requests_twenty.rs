//! How many requests a run takes, by a clean export and by one with rows that only the server can refuse; and what faults do to a large one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a drill tells its figures")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use migr_engine::{CancellationFlag, Context, RunOptions, SharedJournal, Silent, run, setup};
use migr_extract::Export;
use migr_journal::{Identity, Journal};
use migr_load::{Endpoint, HttpOptions, Rate, Secret, connect};
use migr_plan::Plan;
use migr_report::Report;
use migr_sandbox::{Faults, Sandbox, SandboxOptions, start};
use migr_source::{System, SystemError};

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

map Person -> people {
  match emails.primaryEmail
  name   = { firstName: first, lastName: last }
  emails = { primaryEmail: email }
  phones = { primaryPhoneNumber: phone, primaryPhoneCountryCode: country }
}

map Note -> notes {
  title   = title
  targets = [person_id]
}
"#;

const CATALOG: &str = r#"system clinic {
  object Person from "people.csv" {
    key person_id
    person_id: text
    first: text
    last: text
    email: text
    phone: phone
    country: text
  }
  object Note from "notes.csv" {
    key note_id
    note_id: text
    title: text
    person_id: -> Person
  }
}
"#;

struct Written;

impl System for Written {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        match path {
            "migration.migr" => Ok(Arc::from(SPEC)),
            "clinic.migr" => Ok(Arc::from(CATALOG)),
            _ => Err(SystemError { path: path.to_owned(), reason: "there is no such file".to_owned() }),
        }
    }

    fn migr_files(&self, _folder: &str) -> Result<Vec<String>, SystemError> {
        Ok(vec!["migration.migr".to_owned()])
    }

    fn exists(&self, path: &str) -> bool {
        matches!(path, "migration.migr" | "clinic.migr")
    }
}

fn plan() -> Plan {
    let project = migr_driver::Project { system: &Written, entry: None, destination: None, lock: None };
    let compiled = migr_driver::compile(&project);
    compiled.plan.unwrap_or_else(|| panic!("the spec compiles: {:#?}", compiled.diagnostics))
}

/// What a run took and gave.
struct Ran {
    /// Requests of the run itself.
    requests: u64,
    report: Report,
    sandbox: Sandbox,
}

impl Ran {
    fn created(&self) -> u64 {
        self.report.objects.iter().map(|object| object.created).sum()
    }

    fn quarantined(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.report.quarantine.iter().map(|note| note.key.clone()).collect();
        keys.sort();
        keys
    }
}

/// People, the country of each by its number; each of the first `notes` has a note.
async fn carry_out(people: u64, notes: u64, country: &dyn Fn(u64) -> String, faults: Faults) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("export")).unwrap();
    let mut rows = "person_id,first,last,email,phone,country\n".to_owned();
    for number in 0..people {
        let (phone, country) = (2_025_550_100 + number % 100, country(number));
        writeln!(rows, "P{number:06},First{number},Last,person{number}@clinic.example,+1{phone},{country}").unwrap();
    }
    std::fs::write(folder.path().join("export/people.csv"), rows).unwrap();
    let mut rows = "note_id,title,person_id\n".to_owned();
    for number in 0..notes {
        writeln!(rows, "N{number:06},Note {number},P{number:06}").unwrap();
    }
    std::fs::write(folder.path().join("export/notes.csv"), rows).unwrap();
    let plan = plan();
    let sandbox = start(SandboxOptions { seed: false, faults, ..SandboxOptions::default() }).await.unwrap();
    let options = HttpOptions {
        attempts: 12,
        back_off: Duration::from_millis(5),
        longest_back_off: Duration::from_millis(50),
        timeout: Duration::from_secs(30),
        rate: Some(Rate { requests: 1_000_000, per_seconds: 1, burst: None }),
        ..HttpOptions::default()
    };
    let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
    let hash = plan.hash().unwrap();
    let identity = Identity { migration: &plan.migration, destination: &plan.destination.name, plan_hash: &hash };
    let journal = Journal::open(&folder.path().join("journal.db"), &identity).unwrap();
    let context = Context {
        export: Arc::new(Export::open(&plan, folder.path()).unwrap()),
        destination: Arc::from(connect(&plan, endpoint, options).unwrap()),
        journal: SharedJournal::new(journal),
        progress: Arc::new(Silent),
        cancellation: CancellationFlag::default(),
        options: RunOptions::default(),
        work: folder.path().to_owned(),
        plan: Arc::new(plan),
    };
    setup(&context).await.unwrap();
    context.destination.schema().await.unwrap();
    let metadata = {
        let before = sandbox.request_count();
        context.destination.schema().await.unwrap();
        sandbox.request_count() - before
    };
    let before = sandbox.request_count();
    let report = run(&context).await.unwrap().report;
    let requests = sandbox.request_count() - before;
    assert_eq!(report.imbalances(), []);
    Ran { requests: requests.saturating_sub(metadata), report, sandbox }
}

fn good(_: u64) -> String {
    "US".to_owned()
}

/// Every hundredth has a country of its own that there is none of: the server alone knows.
fn one_in_a_hundred_is_bad(number: u64) -> String {
    if number % 100 == 37 { format!("X{number}") } else { good(number) }
}

/// A number that the environment sets for the longer form of a drill.
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clean_records_take_five_requests_and_one_and_links_have_batches_of_their_own() {
    let people = carry_out(1_000, 0, &good, Faults::default()).await;
    assert_eq!(people.created(), 1_000);
    assert!(people.requests <= 1_000 / 200 + 1, "{} requests", people.requests);
    // A thousand notes and the thousand links of theirs.
    let all = carry_out(1_000, 1_000, &good, Faults::default()).await;
    assert_eq!(all.created(), 2_000);
    assert!(all.requests - people.requests <= 2 * (1_000 / 200) + 1, "{} requests", all.requests);
}

/// `MIGR_REFUSED_RECORDS` makes it longer.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_only_the_server_can_refuse_are_set_aside_alone_without_halving_the_batch() {
    let records = number("MIGR_REFUSED_RECORDS", 2_000);
    let clean = carry_out(records, 0, &good, Faults::default()).await;
    let dirty = carry_out(records, 0, &one_in_a_hundred_is_bad, Faults::default()).await;
    let bad: Vec<String> =
        (0..records).filter(|number| number % 100 == 37).map(|number| format!("P{number:06}")).collect();
    assert_eq!(dirty.quarantined(), bad);
    assert_eq!(dirty.created(), records - records / 100);
    let more = dirty.requests - clean.requests;
    eprintln!("{records} records: {} requests clean, {} with {} bad rows", clean.requests, dirty.requests, bad.len());
    // The server names one row a refusal: it cannot be fewer.
    assert!(more <= records / 100, "{more} more requests for {} bad rows", bad.len());
}

/// `MIGR_FAULTS_RECORDS` and `MIGR_DRILL_SEED` make it longer or other.
#[tokio::test(flavor = "multi_thread")]
async fn failing_requests_and_resets_before_and_after_the_commit_lose_and_double_nothing() {
    let people = number("MIGR_FAULTS_RECORDS", 3_000) / 3;
    let faults = Faults {
        percent_500: 5.0,
        percent_reset_before: 1.0,
        percent_reset_after: 1.0,
        seed: number("MIGR_DRILL_SEED", 1),
        ..Faults::default()
    };
    let calm = carry_out(people, people, &good, Faults::default()).await;
    let rough = carry_out(people, people, &good, faults).await;
    assert_eq!(rough.created(), 2 * people);
    assert_eq!(rough.quarantined(), Vec::<String>::new());
    let expected = calm.sandbox.fingerprint().unwrap();
    assert!(rough.sandbox.fingerprint().unwrap() == expected, "the records are others than without faults");
    eprintln!(
        "{} records and links, {} requests with faults, {} without: lost 0, doubled 0",
        3 * people,
        rough.requests,
        calm.requests
    );
}
