//! Projects that the engine carries out in the test's own process, against a sandbox over real HTTP.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use migr_connect::connect;
use migr_engine::{CancellationFlag, Context, EngineError, RunOptions, RunSummary, SharedJournal, Silent, run, setup};
use migr_extract::Export;
use migr_journal::{Identity, Journal, JournalError};
use migr_load::{Endpoint, HttpOptions, Rate, Secret};
use migr_plan::Plan;
use migr_report::Report;
use migr_sandbox::{Sandbox, SandboxOptions, start};
use migr_source::{System, SystemError};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

const EXAMPLE: &str = "examples/visual-practice-to-twenty";
const CLINIC: &str = "tests/clinic";

/// The files of a project's folder.
struct Disk(PathBuf);

impl System for Disk {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        std::fs::read_to_string(self.0.join(path))
            .map(Arc::from)
            .map_err(|error| SystemError { path: path.to_owned(), reason: error.to_string() })
    }

    fn migr_files(&self, _folder: &str) -> Result<Vec<String>, SystemError> {
        let files = ["clinic.migr", "migration.migr"].into_iter().filter(|file| self.exists(file));
        Ok(files.map(str::to_owned).collect())
    }

    fn exists(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }
}

/// The plan of a project, with batches of this size.
fn plan(folder: &Path, batch: u64) -> Plan {
    let disk = Disk(folder.to_owned());
    let project = migr_driver::Project { system: &disk, entry: None, destination: None, lock: None };
    let compiled = migr_driver::compile(&project);
    let mut plan =
        compiled.plan.unwrap_or_else(|| panic!("{} compiles: {:#?}", folder.display(), compiled.diagnostics));
    for limit in plan.destination.limits.iter_mut().filter(|limit| limit.what == "batch") {
        limit.value = batch;
    }
    plan
}

/// A project in a temporary folder, and how its destination is spoken to.
pub(crate) struct Project {
    folder: TempDir,
    pub(crate) plan: Plan,
    pub(crate) options: HttpOptions,
}

impl Project {
    fn new(folder: &str, batch: u64) -> Self {
        Self::at(tempfile::tempdir().unwrap(), &repository().join(folder), batch)
    }

    /// A project in a folder, with the spec of this one.
    pub(crate) fn at(folder: TempDir, spec: &Path, batch: u64) -> Self {
        let options = HttpOptions {
            attempts: 12,
            back_off: Duration::from_millis(5),
            longest_back_off: Duration::from_millis(50),
            timeout: Duration::from_secs(20),
            rate: Some(Rate { requests: 1_000_000, per_seconds: 1, burst: None }),
            ..HttpOptions::default()
        };
        Self { folder, plan: plan(spec, batch), options }
    }

    fn with_export(folder: &str, batch: u64) -> Self {
        let project = Self::new(folder, batch);
        copy(&repository().join(folder).join("export"), &project.path().join("export"));
        project
    }

    /// With the example's export.
    pub(crate) fn example(batch: u64) -> Self {
        Self::with_export(EXAMPLE, batch)
    }

    /// A small one that does everything a migration can do.
    pub(crate) fn clinic(batch: u64) -> Self {
        Self::with_export(CLINIC, batch)
    }

    /// The same project once more, untouched.
    pub(crate) fn anew(&self) -> Self {
        let (plan, options) = (self.plan.clone(), self.options.clone());
        let project = Self { folder: tempfile::tempdir().unwrap(), plan, options };
        copy(&self.path().join("export"), &project.path().join("export"));
        project
    }

    /// The example's plan with a generated export. None where there is no Python, said loudly.
    pub(crate) fn generated(contacts: u32, batch: u64) -> Option<Self> {
        let project = Self::new(EXAMPLE, batch);
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

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Waits for a process that died to let the journal go.
    pub(crate) fn journal(&self) -> Journal {
        let hash = self.plan.without_reach().hash().unwrap();
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

    pub(crate) fn context(&self, sandbox: &Sandbox) -> Context {
        self.context_at(&sandbox.url(), sandbox.token())
    }

    /// With the destination at an address.
    pub(crate) fn context_at(&self, url: &str, token: &str) -> Context {
        let endpoint = Endpoint { url: url.to_owned(), token: Secret::new(token) };
        Context {
            plan: Arc::new(self.plan.clone()),
            export: Arc::new(Export::open(&self.plan, self.path()).unwrap()),
            destination: Arc::from(connect(&self.plan, endpoint, self.options.clone()).unwrap()),
            journal: SharedJournal::new(self.journal()),
            progress: Arc::new(Silent),
            cancellation: CancellationFlag::default(),
            options: RunOptions::default(),
            work: self.path().join(".migr"),
        }
    }

    /// One process: setup, run, end.
    pub(crate) fn carry_out(&self, sandbox: &Sandbox) -> Result<RunSummary, EngineError> {
        self.carry_out_at(&sandbox.url(), sandbox.token())
    }

    /// The same with the destination at an address.
    pub(crate) fn carry_out_at(&self, url: &str, token: &str) -> Result<RunSummary, EngineError> {
        let context = self.context_at(url, token);
        runtime().block_on(async {
            setup(&context).await?;
            run(&context).await
        })
    }

    pub(crate) fn report(&self) -> Report {
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

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A server of its own, on threads that no test's process ends.
pub(crate) struct Server {
    runtime: Option<Runtime>,
    sandbox: Option<Sandbox>,
    folder: Option<TempDir>,
}

impl Server {
    pub(crate) fn new(options: SandboxOptions) -> Self {
        let runtime = runtime();
        let sandbox = runtime.block_on(start(options)).unwrap();
        Self { runtime: Some(runtime), sandbox: Some(sandbox), folder: None }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.sandbox.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        drop(self.folder.take());
    }
}

/// A workspace at rest in which others have companies that the small export has too, one of them in the trash: where each try begins.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub(crate) fn begun() -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        let state = workspace.folder.path().join("workspace.db");
        runtime().block_on(async {
            let sandbox = start(SandboxOptions { state: Some(state), ..SandboxOptions::default() }).await.unwrap();
            drop(rustls::crypto::ring::default_provider().install_default());
            let client = reqwest::Client::new();
            let address = |path: &str| format!("{}/rest/companies{path}", sandbox.url());
            for domain in ["acme", "elsewhere", "beta"] {
                let link = json!({"primaryLinkUrl": format!("https://{domain}.example")});
                let body = json!({"name": format!("{domain} before"), "domainName": link});
                let made = client.post(address("")).bearer_auth(sandbox.token()).json(&body).send().await.unwrap();
                let made: Value = made.error_for_status().unwrap().json().await.unwrap();
                if domain == "beta" {
                    let id = made["data"]["createCompany"]["id"].as_str().unwrap();
                    let gone = client.delete(address(&format!("/{id}?soft_delete=true"))).bearer_auth(sandbox.token());
                    gone.send().await.unwrap().error_for_status().unwrap();
                }
            }
            sandbox.stop().await;
        });
        workspace
    }

    /// A server of a copy of it.
    pub(crate) fn wake(&self) -> Server {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        let state = Some(folder.path().join("workspace.db"));
        let mut server = Server::new(SandboxOptions { state, ..SandboxOptions::default() });
        server.folder = Some(folder);
        server
    }
}

/// What the workspace holds after a run without faults.
pub(crate) fn undisturbed(project: &Project) -> (String, Report) {
    let server = Server::new(SandboxOptions::default());
    let summary = project.carry_out(server.sandbox()).unwrap();
    assert!(summary.report.finished);
    assert_eq!(summary.report.imbalances(), []);
    (server.sandbox().fingerprint().unwrap(), summary.report)
}

pub(crate) fn counts(report: &Report) -> String {
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

/// A number that the environment sets for a longer form of a drill.
pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => otherwise,
    }
}
