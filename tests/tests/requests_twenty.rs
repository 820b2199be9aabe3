//! How many requests a run takes, by a clean export and by one with rows that only the server can refuse; and what faults do to a large one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a drill tells its figures")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use migr_connect::connect;
use migr_engine::{CancellationFlag, Context, Event, Progress, RunOptions, SharedJournal, Silent, run, setup};
use migr_extract::Export;
use migr_journal::{Identity, Journal};
use migr_load::{
    BoxFuture, Deleted, Destination, Endpoint, HttpOptions, LoadError, NewRecord, Rate, Refusal, Secret, Written,
};
use migr_plan::Plan;
use migr_report::Report;
use migr_sandbox::{Faults, Sandbox, SandboxOptions, start};
use migr_source::{System, SystemError};
use serde_json::json;

const SPEC: &str = r#"use "clinic"
use "std/systems/twenty"

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty as staging { url = env("TWENTY_STAGING_URL"); token = secret("TWENTY_STAGING_KEY") }
}

map Firm -> companies {
  name = name
}

map Person -> people {
  match emails.primaryEmail
  name         = { firstName: first, lastName: last }
  emails       = { primaryEmail: email }
  phones       = { primaryPhoneNumber: phone, primaryPhoneCountryCode: country, primaryPhoneCallingCode: code }
  linkedinLink = { primaryLinkUrl: profile }
  company      = firm_id
}

map Note -> notes {
  title   = title
  targets = [person_id]
}
"#;

const CATALOG: &str = r#"system clinic {
  object Firm from "firms.csv" {
    key firm_id
    firm_id: text
    name: text
  }
  object Person from "people.csv" {
    key person_id
    person_id: text
    first: text
    last: text
    email: text
    phone: text
    country: text
    code: text
    profile: text
    firm_id: -> Firm
  }
  object Note from "notes.csv" {
    key note_id
    note_id: text
    title: text
    person_id: -> Person
  }
}
"#;

struct SpecText;

impl System for SpecText {
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
    let project = migr_driver::Project { system: &SpecText, entry: None, destination: None, lock: None };
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

/// A person of the export, by their number.
#[derive(Clone)]
struct Person {
    first: String,
    email: String,
    phone: String,
    country: String,
    code: String,
    profile: String,
    firm: String,
}

impl Person {
    fn good(number: u64) -> Self {
        Self {
            first: format!("First{number}"),
            email: format!("person{number}@clinic.example"),
            phone: format!("+1{}", 2_025_550_100 + number % 100),
            country: "US".to_owned(),
            code: "+1".to_owned(),
            profile: format!("https://www.linkedin.com/in/person{number}"),
            firm: String::new(),
        }
    }
}

/// What is run: an export, and what happens to the destination meanwhile.
struct Case {
    people: Vec<Person>,
    firms: u64,
    /// The first so many people have a note.
    notes: u64,
    faults: Faults,
    /// Records of a batch; 0: as many as the destination takes.
    batch: u64,
    /// When the destination was asked what it has of a map's records, and what happens to it then.
    meanwhile: Option<(&'static str, Meddling)>,
}

impl Case {
    fn clean(people: u64) -> Self {
        let people = (0..people).map(Person::good).collect();
        Self { people, firms: 0, notes: 0, faults: Faults::default(), batch: 0, meanwhile: None }
    }

    /// Every hundredth person is changed.
    fn dirty(people: u64, change: impl Fn(u64, &mut Person)) -> Self {
        let mut case = Self::clean(people);
        for (number, person) in (0..).zip(&mut case.people).filter(|(number, _)| is_bad(*number)) {
            change(number, person);
        }
        case
    }
}

fn is_bad(number: u64) -> bool {
    number % 100 == 37
}

fn bad_keys(people: u64) -> Vec<String> {
    (0..people).filter(|number| is_bad(*number)).map(|number| format!("P{number:06}")).collect()
}

/// Somebody else who works in the destination, through a connection of their own.
type Meddling = Arc<dyn Fn(Box<dyn Destination>) -> BoxFuture<'static, ()> + Send + Sync>;

/// Lets somebody else in when the destination was looked through for a map.
struct Meddler {
    step: &'static str,
    meddling: Meddling,
    connect: Box<dyn Fn() -> Box<dyn Destination> + Send + Sync>,
}

impl std::fmt::Debug for Meddler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddler")
    }
}

impl Progress for Meddler {
    fn event(&self, event: Event) {
        if event != (Event::Compared { step: self.step.to_owned() }) {
            return;
        }
        let (destination, meddling) = ((self.connect)(), Arc::clone(&self.meddling));
        let meddle = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                destination.schema().await.unwrap();
                meddling(destination).await;
            });
        };
        std::thread::spawn(meddle).join().unwrap();
    }
}

fn http() -> HttpOptions {
    HttpOptions {
        attempts: 12,
        back_off: Duration::from_millis(5),
        longest_back_off: Duration::from_millis(50),
        timeout: Duration::from_secs(30),
        rate: Some(Rate { requests: 1_000_000, per_seconds: 1, burst: None }),
        ..HttpOptions::default()
    }
}

fn export(case: &Case, folder: &Path) {
    std::fs::create_dir(folder.join("export")).unwrap();
    let mut rows = "firm_id,name\n".to_owned();
    for number in 0..case.firms {
        writeln!(rows, "F{number:06},Firm {number}").unwrap();
    }
    std::fs::write(folder.join("export/firms.csv"), rows).unwrap();
    let mut rows = "person_id,first,last,email,phone,country,code,profile,firm_id\n".to_owned();
    for (number, person) in case.people.iter().enumerate() {
        let Person { first, email, phone, country, code, profile, firm } = person;
        writeln!(rows, "P{number:06},{first},Last,{email},{phone},{country},{code},{profile},{firm}").unwrap();
    }
    std::fs::write(folder.join("export/people.csv"), rows).unwrap();
    let mut rows = "note_id,title,person_id\n".to_owned();
    for number in 0..case.notes {
        writeln!(rows, "N{number:06},Note {number},P{number:06}").unwrap();
    }
    std::fs::write(folder.join("export/notes.csv"), rows).unwrap();
}

async fn carry_out(case: Case) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    export(&case, folder.path());
    let mut plan = plan();
    if case.batch > 0 {
        let limits = &mut plan.destination.limits;
        limits.iter_mut().filter(|limit| limit.what == "batch").for_each(|limit| limit.value = case.batch);
    }
    let sandbox =
        start(SandboxOptions { seed: false, faults: case.faults, ..SandboxOptions::default() }).await.unwrap();
    let endpoint = || Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
    let hash = plan.hash().unwrap();
    let identity = Identity { migration: &plan.migration, destination: &plan.destination.name, plan_hash: &hash };
    let journal = Journal::open(&folder.path().join("journal.db"), &identity).unwrap();
    let mut progress: Arc<dyn Progress> = Arc::new(Silent);
    if let Some((step, meddling)) = case.meanwhile {
        let (plan, url, token) = (plan.clone(), sandbox.url(), sandbox.token().to_owned());
        let connect =
            move || connect(&plan, Endpoint { url: url.clone(), token: Secret::new(token.as_str()) }, http()).unwrap();
        progress = Arc::new(Meddler { step, meddling, connect: Box::new(connect) });
    }
    let context = Context {
        export: Arc::new(Export::open(&plan, folder.path()).unwrap()),
        destination: Arc::from(connect(&plan, endpoint(), http()).unwrap()),
        journal: SharedJournal::new(journal),
        progress,
        cancellation: CancellationFlag::default(),
        options: RunOptions::default(),
        work: folder.path().to_owned(),
        plan: Arc::new(plan),
    };
    setup(&context).await.unwrap();
    context.destination.schema().await.unwrap();
    let count = || context.destination.requests();
    let before = count();
    context.destination.schema().await.unwrap();
    let metadata = count() - before;
    let before = count();
    let report = run(&context).await.unwrap().report;
    // A run reads the metadata first.
    let requests = (count() - before).saturating_sub(metadata);
    assert_eq!(report.imbalances(), []);
    Ran { requests, report, sandbox }
}

/// A number that the environment sets for the longer form of a drill.
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// Every record was written.
fn all_written(written: Result<Vec<Written>, LoadError>) {
    let written = written.unwrap();
    let is_done = |outcome: &Written| matches!(outcome, Written::Created { .. } | Written::Updated);
    assert!(written.iter().all(is_done), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clean_records_take_five_requests_and_one_and_links_have_batches_of_their_own() {
    let people = carry_out(Case::clean(1_000)).await;
    assert_eq!(people.created(), 1_000);
    assert!(people.requests <= 1_000 / 200 + 1, "{} requests", people.requests);
    // A thousand notes and the thousand links of theirs.
    let all = carry_out(Case { notes: 1_000, ..Case::clean(1_000) }).await;
    assert_eq!(all.created(), 2_000);
    assert!(all.requests - people.requests <= 2 * (1_000 / 200) + 1, "{} requests", all.requests);
}

/// A destination with many more records than the export is asked for those that matter, not read whole; whoever is there is found, in the trash too.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_there_is_found_among_many_others_in_a_few_requests() {
    let there: Meddling = Arc::new(|destination| {
        Box::pin(async move {
            let person = |number: u64| {
                let name = if number.is_multiple_of(100) { "person" } else { "other" };
                let body = json!({"emails": {"primaryEmail": format!("{name}{number}@clinic.example")}});
                NewRecord::new(foreign(number), body.as_object().unwrap())
            };
            let records: Vec<NewRecord> = (0..6_000).map(person).collect();
            for batch in records.chunks(200) {
                all_written(destination.create("people", batch).await);
            }
            destination.trash("people", &[foreign(100)]).await.unwrap();
        })
    });
    let ran = carry_out(Case { meanwhile: Some(("Firm", there)), ..Case::clean(201) }).await;
    let people = ran.report.objects.iter().find(|object| object.destination_object == "people").unwrap();
    assert_eq!((people.read, people.created, people.quarantined), (201, 198, 1), "{people:?}");
    // The count, one question, and two batches; those that are there are read and changed; nothing like the 30 pages of the table.
    assert!(ran.requests <= 8, "{} requests", ran.requests);
}

/// Values that the server refuses, one kind after the other: each is refused by it, as the test asks it, and by us beforehand.
fn refused_values(number: u64, person: &mut Person) {
    match number / 100 % 8 {
        0 => person.email = format!("not an email {number}"),
        1 => person.country = format!("X{}", number % 7),
        2 => "+33".clone_into(&mut person.code),
        3 => "call me".clone_into(&mut person.phone),
        4 => person.profile = format!("not a url {number}"),
        5 => (person.phone, person.country, person.code) = ("(202) 555-0177".to_owned(), String::new(), String::new()),
        6 => person.email = format!("{}@clinic.example", "a".repeat(250)),
        _ => person.email = format!("{number}@two@clinic.example"),
    }
}

/// Ids of records that somebody else made.
fn foreign(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// 100 e-mails are given to other people, half of them trashed, after the destination was looked through.
fn addresses_taken(people: u64) -> Meddling {
    Arc::new(move |destination| {
        Box::pin(async move {
            let others: Vec<NewRecord> = (0..people)
                .filter(|number| is_bad(*number))
                .map(|number| {
                    let body = json!({"emails": {"primaryEmail": format!("person{number}@clinic.example")}});
                    NewRecord::new(foreign(number), body.as_object().unwrap())
                })
                .collect();
            for batch in others.chunks(200) {
                all_written(destination.create("people", batch).await);
            }
            let trashed: Vec<String> = others.into_iter().map(|other| other.id).step_by(2).collect();
            destination.trash("people", &trashed).await.unwrap();
        })
    })
}

/// Companies that people of the export belong to are destroyed after they were written.
fn firms_destroyed() -> Meddling {
    Arc::new(|destination| {
        Box::pin(async move {
            let mut gone = Vec::new();
            let mut after = None;
            loop {
                let page = destination.scan("companies", Deleted::Live, after).await.unwrap();
                let bad = |name: &str| name.strip_prefix("Firm ").is_some_and(|number| is_bad(number.parse().unwrap()));
                gone.extend(
                    page.records.into_iter().filter(|found| bad(found.values.get("name").unwrap().as_str().unwrap())),
                );
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let gone: Vec<String> = gone.into_iter().map(|found| found.id).collect();
            destination.destroy("companies", &gone).await.unwrap();
        })
    })
}

/// One line of the table: what is wrong with 1 % of the rows, and the requests.
async fn line(records: u64, what: &str, case: Case, clean: u64, most: u64) -> String {
    let ran = carry_out(case).await;
    assert_eq!(ran.quarantined(), bad_keys(records), "{what}");
    let people = ran.report.objects.iter().find(|object| object.destination_object == "people").unwrap();
    assert_eq!(people.created, records - records / 100, "{what}");
    assert!(ran.requests <= most, "{what}: {} requests, at most {most} expected, {clean} clean", ran.requests);
    format!("{what:<60} {:>5} clean {:>5} bad, at most {most}\n", clean, ran.requests)
}

/// `MIGR_REFUSED_RECORDS` makes it longer: the promise is made for 10,000. Printed: the table of requests by what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_refused_records_are_set_aside_in_few_requests_more() {
    let records = number("MIGR_REFUSED_RECORDS", 2_000);
    let bad = records / 100;
    let clean = carry_out(Case::clean(records)).await.requests;
    let with_firms = || {
        let mut case = Case { firms: records, ..Case::clean(records) };
        for (number, person) in case.people.iter_mut().enumerate() {
            person.firm = format!("F{number:06}");
        }
        case
    };
    let clean_firms = carry_out(with_firms()).await.requests;
    // The promise is made for 10,000 records; below that the few questions weigh more.
    let most = |clean: u64| (clean + clean * 15 / 100).max(clean + 7);
    let mut table = format!("{records} records, {bad} of them refused\n");
    let values = Case::dirty(records, refused_values);
    table += &line(records, "values that the server refuses", values, clean, clean).await;
    // Batches that are on their way when the first refusal arrives are refused too: more of them on a busy machine.
    let on_their_way = 12;
    let taken = Case { meanwhile: Some(("Person", addresses_taken(records))), ..Case::clean(records) };
    let at_most = most(clean) + on_their_way;
    table += &line(records, "e-mails taken by others after the first look", taken, clean, at_most).await;
    let dangling = Case { meanwhile: Some(("Person", firms_destroyed())), ..with_firms() };
    let what = "references to records destroyed meanwhile";
    table += &line(records, what, dangling, clean_firms, most(clean_firms) + on_their_way).await;
    // Each refusal names one row: no way takes fewer requests than one a row, besides those for the good ones.
    let faults = Faults { refuse_quoting: Some("broken".to_owned()), ..Faults::default() };
    let quoted = Case { faults, ..Case::dirty(records, |number, person| person.first = format!("broken{number}")) };
    let what = "a rule unknown to us, the refusal quotes the value";
    table += &line(records, what, quoted, clean, clean + bad + 7).await;
    // Each refusal says no more than yes or no: log2 of the choices, about 8 a row, is the least.
    let faults = Faults { refuse_silently: Some("broken".to_owned()), ..Faults::default() };
    let silent = Case { faults, ..Case::dirty(records, |number, person| person.first = format!("broken{number}")) };
    table +=
        &line(records, "a rule unknown to us, the refusal tells nothing", silent, clean, clean + bad * 10 + 7).await;
    eprint!("{table}");
}

/// Every value that is refused beforehand is one that the sandbox, as the server was recorded to, refuses.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_beforehand_would_have_been_refused() {
    let sandbox = start(SandboxOptions { seed: false, ..SandboxOptions::default() }).await.unwrap();
    let plan = plan();
    let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
    let destination = connect(&plan, endpoint, http()).unwrap();
    destination.schema().await.unwrap();
    for number in (0..800).filter(|number| is_bad(*number)) {
        let mut person = Person::good(number);
        refused_values(number, &mut person);
        let body = json!({
            "emails": {"primaryEmail": person.email},
            "phones": {
                "primaryPhoneNumber": person.phone,
                "primaryPhoneCountryCode": person.country,
                "primaryPhoneCallingCode": person.code,
            },
            "linkedinLink": {"primaryLinkUrl": person.profile},
        });
        let record = NewRecord::new(foreign(number), body.as_object().unwrap());
        let refused = destination.create("people", &[record]).await;
        assert!(
            matches!(refused.as_deref(), Ok([Written::Refused(Refusal { status: Some(400), .. })])),
            "{body}: {refused:?}"
        );
    }
}

/// `MIGR_FAULTS_RECORDS` and `MIGR_DRILL_SEED` make it longer or other. Batches are small, so that many requests fail.
#[tokio::test(flavor = "multi_thread")]
async fn failing_requests_and_resets_before_and_after_the_commit_lose_and_double_nothing() {
    let people = number("MIGR_FAULTS_RECORDS", 1_500) / 3;
    let case = |faults| Case { notes: people, batch: 10, faults, ..Case::clean(people) };
    let calm = carry_out(case(Faults::default())).await;
    let expected = calm.sandbox.fingerprint().unwrap();
    let seed = number("MIGR_DRILL_SEED", 1);
    let resets =
        Faults { percent_500: 5.0, percent_reset_before: 1.0, percent_reset_after: 1.0, seed, ..Faults::default() };
    let odd_answers = Faults { percent_bad_json: 2.0, percent_half: 2.0, percent_429: 1.0, seed, ..Faults::default() };
    for (what, faults) in [("5 % 500 and 2 % resets", resets), ("4 % broken answers, 1 % 429", odd_answers)] {
        let rough = carry_out(case(faults)).await;
        assert_eq!(rough.created(), 2 * people, "{what}");
        assert_eq!(rough.quarantined(), Vec::<String>::new(), "{what}");
        assert!(rough.sandbox.fingerprint().unwrap() == expected, "{what}: the records are others than without faults");
        eprintln!(
            "{what}, seed {seed}: {} records and links, {} requests, {} without: lost 0, doubled 0",
            3 * people,
            rough.requests,
            calm.requests
        );
    }
}
