//! Whole runs of the shipped migration against the sandbox, over real HTTP, with and without faults.
#![expect(
    clippy::print_stderr,
    reason = "a test fails by panicking, in its helpers too, and says on stderr what it left out"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use migr_engine::{
    CancellationFlag, ChecklistItem, ChecklistState, Context, EngineError, RunOptions, RunSummary, SharedJournal,
    Silent, checklist, run, setup,
};
use migr_extract::Export;
use migr_journal::{Identity, Journal, JournalError};
use migr_load::{Endpoint, HttpOptions, Rate, Secret, connect};
use migr_plan::Plan;
use migr_report::Report;
use migr_sandbox::{Faults, Sandbox, SandboxOptions, TwentyVersion, start};
use migr_source::{System, SystemError};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

struct Disk;

impl System for Disk {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        let path = repository().join("examples/visual-practice-to-twenty").join(path);
        std::fs::read_to_string(&path)
            .map(Arc::from)
            .map_err(|error| SystemError { path: path.display().to_string(), reason: error.to_string() })
    }

    fn migr_files(&self, _folder: &str) -> Result<Vec<String>, SystemError> {
        Ok(vec!["migration.migr".to_owned()])
    }

    fn exists(&self, path: &str) -> bool {
        repository().join("examples/visual-practice-to-twenty").join(path).exists()
    }
}

/// The plan of the example, with small batches so that there are many requests.
fn plan(batch: u64) -> Plan {
    let project = migr_driver::Project { system: &Disk, entry: None, destination: None, lock: None };
    let compiled = migr_driver::compile(&project);
    let mut plan = compiled.plan.unwrap_or_else(|| panic!("the example compiles: {:#?}", compiled.diagnostics));
    for limit in plan.destination.limits.iter_mut().filter(|limit| limit.what == "batch") {
        limit.value = batch;
    }
    plan
}

/// A project with the example's export, or a generated one.
struct Project {
    folder: TempDir,
    plan: Plan,
    timeout: Duration,
}

impl Project {
    fn example(batch: u64) -> Self {
        let project =
            Self { folder: tempfile::tempdir().unwrap(), plan: plan(batch), timeout: Duration::from_secs(20) };
        copy(&repository().join("examples/visual-practice-to-twenty/export"), &project.path().join("export"));
        project
    }

    /// None where there is no Python, said loudly.
    fn generated(contacts: u32, batch: u64) -> Option<Self> {
        let project =
            Self { folder: tempfile::tempdir().unwrap(), plan: plan(batch), timeout: Duration::from_secs(20) };
        let export = project.path().join("export");
        let made = Command::new("python3")
            .arg(repository().join("tests/generate_export.py"))
            .args(["--contacts", &contacts.to_string(), "--seed", "11", "--variants", "0", "--out"])
            .arg(&export)
            .output();
        match made {
            Ok(made) => assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr)),
            Err(error) => {
                eprintln!("LEFT OUT: python3 does not start ({error}), so no export was generated");
                return None;
            }
        }
        for extra in ["truth.json", "mapping.json", "idmap_owners.csv", "idmap_companies.csv"] {
            std::fs::remove_file(export.join(extra)).unwrap();
        }
        Some(project)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Waits for a process that died to let go of the journal.
    fn journal(&self) -> Journal {
        let hash = self.plan.hash().unwrap();
        let identity =
            Identity { migration: &self.plan.migration, destination: &self.plan.destination.name, plan_hash: &hash };
        for _ in 0..200 {
            match Journal::open(&self.path().join(".migr/journal.db"), &identity) {
                Err(JournalError::Busy { .. }) => std::thread::sleep(Duration::from_millis(50)),
                opened => return opened.unwrap(),
            }
        }
        panic!("the journal stays busy")
    }

    fn context(&self, sandbox: &Sandbox) -> Context {
        let options = HttpOptions {
            attempts: 12,
            back_off: Duration::from_millis(5),
            longest_back_off: Duration::from_millis(50),
            timeout: self.timeout,
            rate: Some(Rate { requests: 1_000_000, per_seconds: 1, burst: None }),
            ..HttpOptions::default()
        };
        let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
        Context {
            plan: Arc::new(self.plan.clone()),
            export: Arc::new(Export::open(&self.plan, self.path()).unwrap()),
            destination: Arc::from(connect(&self.plan, endpoint, options).unwrap()),
            journal: SharedJournal::new(self.journal()),
            progress: Arc::new(Silent),
            cancellation: CancellationFlag::default(),
            options: RunOptions::default(),
            work: self.path().join(".migr"),
        }
    }

    /// One process: setup, run, end.
    fn carry_out(&self, sandbox: &Sandbox) -> Result<RunSummary, EngineError> {
        let context = self.context(sandbox);
        runtime().block_on(async {
            setup(&context).await?;
            run(&context).await
        })
    }

    fn report(&self) -> Report {
        Report::read(&self.plan, &self.journal().reader().unwrap()).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A server of its own, on threads that no test's process ends.
struct Server {
    runtime: Option<Runtime>,
    sandbox: Option<Sandbox>,
}

impl Server {
    fn new(options: SandboxOptions) -> Self {
        let runtime = runtime();
        let sandbox = runtime.block_on(start(options)).unwrap();
        Self { runtime: Some(runtime), sandbox: Some(sandbox) }
    }

    fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.sandbox.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the workspace holds after a run without faults.
fn undisturbed(project: &Project) -> (String, Report) {
    let server = Server::new(SandboxOptions::default());
    let summary = project.carry_out(server.sandbox()).unwrap();
    assert!(summary.report.finished);
    assert_eq!(summary.report.imbalances(), []);
    (server.sandbox().fingerprint().unwrap(), summary.report)
}

fn counts(report: &Report) -> String {
    let line = |object: &migr_report::Object| {
        format!(
            "{}: {} read, {} created, {} updated, {} unchanged, {} skipped, {} quarantined",
            object.map,
            object.read,
            object.created,
            object.updated,
            object.unchanged,
            object.skipped,
            object.quarantined
        )
    };
    report.objects.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_arrives_whole() {
    let project = Project::example(200);
    let (_, report) = undisturbed(&project);
    insta::assert_snapshot!(counts(&report));
}

#[test]
fn a_second_run_asks_nothing_of_the_server_and_reports_the_same() {
    let project = Project::example(200);
    let server = Server::new(SandboxOptions::default());
    let first = project.carry_out(server.sandbox()).unwrap();
    let requests = server.sandbox().request_count();
    let second = {
        let context = project.context(server.sandbox());
        runtime().block_on(run(&context)).unwrap()
    };
    assert!(second.nothing_to_do);
    assert_eq!(second.report.to_json().unwrap(), first.report.to_json().unwrap());
    assert_eq!(server.sandbox().request_count(), requests);
}

#[test]
fn failing_requests_and_lost_answers_change_nothing_in_the_result() {
    let project = Project::example(20);
    let (expected, _) = undisturbed(&project);
    let faults =
        Faults { percent_500: 5.0, percent_reset_before: 2.0, percent_reset_after: 2.0, seed: 1, ..Faults::default() };
    let server = Server::new(SandboxOptions { faults, ..SandboxOptions::default() });
    let project = Project::example(20);
    let summary = project.carry_out(server.sandbox()).unwrap();
    assert_eq!(summary.report.imbalances(), []);
    assert_eq!(server.sandbox().fingerprint().unwrap(), expected);
}

#[test]
fn what_an_older_server_lacks_is_said_before_anything_is_written() {
    let server = Server::new(SandboxOptions { version: TwentyVersion::V1_10, ..SandboxOptions::default() });
    let before = server.sandbox().fingerprint().unwrap();
    let project = Project::example(200);
    let context = project.context(server.sandbox());
    let (prepared, listed, ran) = runtime().block_on(async {
        let prepared = setup(&context).await.unwrap();
        (prepared, checklist(&context).await.unwrap(), run(&context).await)
    });
    assert_eq!((prepared.done, prepared.blocked > 0), (0, true), "{prepared:?}");
    let said: Vec<&str> = prepared.actions.iter().map(|(action, _)| action.as_str()).collect();
    assert!(
        said.iter().any(|line| line.starts_with("migration.migr:")
            && line.contains("`opportunities.owner`")
            && line.contains("twenty 1.x")
            && line.contains("`new owner`")),
        "{said:#?}"
    );
    let missing = |item: &&ChecklistItem| matches!(&item.state, ChecklistState::Missing { what } if said.contains(&what.as_str()));
    assert_eq!(listed.iter().filter(missing).count(), said.len());
    assert!(ran.is_err());
    assert!(server.sandbox().fingerprint().unwrap() == before, "nothing was changed");
}

/// A number that the environment sets for a longer form of a drill.
fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => otherwise,
    }
}

/// `MIGR_DRILL_CONTACTS` and `MIGR_DRILL_SEED` make it longer or other.
#[test]
fn under_faults_of_every_kind_nothing_is_lost_and_nothing_is_doubled() {
    let contacts = u32::try_from(number("MIGR_DRILL_CONTACTS", 250)).unwrap();
    let Some(calm) = Project::generated(contacts, 60) else { return };
    let (expected, report) = undisturbed(&calm);
    let faults = Faults {
        percent_500: 5.0,
        percent_reset_before: 1.0,
        percent_reset_after: 1.0,
        percent_429: 2.0,
        percent_bad_json: 2.0,
        percent_timeout: 0.5,
        seed: number("MIGR_DRILL_SEED", 1),
    };
    let server = Server::new(SandboxOptions { faults, ..SandboxOptions::default() });
    let Some(mut project) = Project::generated(contacts, 60) else { return };
    project.timeout = Duration::from_secs(3);
    let summary = project.carry_out(server.sandbox()).unwrap();
    assert_eq!(summary.report.imbalances(), []);
    assert_eq!(counts(&summary.report), counts(&report));
    assert_eq!(summary.report.quarantine, report.quarantine);
    assert!(server.sandbox().fingerprint().unwrap() == expected, "the records are others");
    let records: u64 = report.objects.iter().map(|object| object.created).sum();
    let requests = server.sandbox().request_count();
    eprintln!(
        "{records} records, {requests} requests, of which about {} failed: lost 0, doubled 0",
        requests * 115 / 1000
    );
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_as_one_that_was_not() {
    let project = Project::example(20);
    let (expected, report) = undisturbed(&project);
    let server = Server::new(SandboxOptions::default());
    let project = Project::example(20);
    {
        let context = project.context(server.sandbox());
        runtime().block_on(setup(&context)).unwrap();
    }
    let mut kills = 0;
    loop {
        let context = project.context(server.sandbox());
        let until = server.sandbox().request_count() + 17 + kills;
        let process = runtime();
        let task = process.spawn(async move { run(&context).await });
        while !task.is_finished() && server.sandbox().request_count() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let is_done = task.is_finished();
        if is_done {
            let summary = process.block_on(task).unwrap().unwrap();
            assert!(summary.report.finished);
            break;
        }
        // Nothing of it runs to its end.
        process.shutdown_background();
        kills += 1;
        assert!(kills < 100, "it makes no headway");
    }
    assert!(kills >= 3, "it was killed {kills} times");
    assert_eq!(server.sandbox().fingerprint().unwrap(), expected, "after {kills} kills");
    let after = project.report();
    assert_eq!(after.imbalances(), []);
    assert_eq!(counts(&after), counts(&report));
    assert_eq!(after.quarantine, report.quarantine);
}

#[test]
fn every_record_of_a_large_dirty_export_is_accounted_for() {
    let Some(project) = Project::generated(1500, 200) else { return };
    let (_, report) = undisturbed(&project);
    let contacts = report.objects.iter().find(|object| object.map == "Contact").unwrap();
    assert!(contacts.read >= 1500 && contacts.quarantined > 0 && contacts.created > 1300, "{}", counts(&report));
}
