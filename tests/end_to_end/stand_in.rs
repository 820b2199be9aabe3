//! A sandbox in the tests' process: it lives on whatever happens to the program, and is read by its handle.

use std::path::Path;
use std::process::{Command, Stdio};

use migr_sandbox::{Sandbox, SandboxError, SandboxOptions, Wanted, highlevel, start};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{PROJECT, Project, Ran, repository};

/// A running sandbox.
pub(crate) struct StandIn {
    runtime: Option<Runtime>,
    sandbox: Option<Sandbox>,
}

impl StandIn {
    /// One in memory, as a new workspace is.
    pub(crate) fn new() -> Self {
        Self::with(SandboxOptions::default())
    }

    /// One with the state that the program's embedded sandbox left behind.
    pub(crate) fn left_by(project: &Project) -> Self {
        Self::with(SandboxOptions { state: Some(project.path().join(".migr/sandbox.db")), ..SandboxOptions::default() })
    }

    pub(crate) fn with(options: SandboxOptions) -> Self {
        Self::started(start(options))
    }

    /// One of HighLevel.
    pub(crate) fn location(options: highlevel::Options) -> Self {
        Self::started(highlevel::start(options))
    }

    /// One of a system, by its name.
    pub(crate) fn of(system: &str, wanted: Wanted) -> Self {
        let system = migr_sandbox::system(system).expect("a system of that name");
        Self::started((system.start)(wanted))
    }

    fn started(starting: impl Future<Output = Result<Sandbox, SandboxError>>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let sandbox = runtime.block_on(starting).expect("the sandbox starts");
        Self { runtime: Some(runtime), sandbox: Some(sandbox) }
    }

    /// Ends it; its state is at rest on the disk.
    pub(crate) fn stop(mut self) {
        if let (Some(runtime), Some(sandbox)) = (&self.runtime, self.sandbox.take()) {
            runtime.block_on(sandbox.stop());
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("it runs")
    }

    /// A hash over every record with its id and values, and the schema.
    pub(crate) fn fingerprint(&self) -> String {
        self.sandbox().fingerprint().expect("the state can be read")
    }

    /// A hash over the same, whatever ids the server gave.
    pub(crate) fn contents(&self) -> String {
        self.sandbox().contents().expect("the state can be read")
    }

    /// How many files it keeps.
    pub(crate) fn files(&self) -> u64 {
        self.sandbox().file_count().expect("the state can be read")
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.sandbox().request_count()
    }

    pub(crate) fn url(&self) -> String {
        self.sandbox().url()
    }

    pub(crate) fn token(&self) -> String {
        self.sandbox().token().to_owned()
    }

    /// `migr` with this as the destination `staging`.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        self.command_over(&self.url(), folder, arguments)
    }

    /// The same at another address that leads here.
    pub(crate) fn command_over(&self, url: &str, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migr"));
        command
            .args(arguments)
            .args(["--to", "staging"])
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .env("MIGR_PROJECT_ID", PROJECT)
            .env("TWENTY_STAGING_URL", url)
            .env("TWENTY_STAGING_KEY", self.token())
            .env("STAGING_URL", url)
            .env("STAGING_KEY", self.token())
            .env("STAGING_LOCATION", highlevel::Options::default().location)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `migr` to its end.
    pub(crate) fn migr(&self, project: &Project, arguments: &[&str]) -> Ran {
        Ran::from(self.command(project.path(), arguments).output().expect("migr starts"))
    }

    /// Sends a request to its API, as somebody else would.
    pub(crate) fn ask(&self, method: &reqwest::Method, path: &str, body: &serde_json::Value) -> serde_json::Value {
        let runtime = self.runtime.as_ref().expect("it runs");
        let (url, token) = (format!("{}{path}", self.url()), self.token());
        let body = body.to_string();
        runtime.block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let mut request = reqwest::Client::new().request(method.clone(), url).bearer_auth(token);
            if *method != reqwest::Method::GET {
                request = request.header("content-type", "application/json").body(body);
            }
            // A location asks for it.
            let request = request.header("version", "v3");
            let answer = request.send().await.expect("an answer");
            let status = answer.status();
            let text = answer.text().await.expect("text");
            assert!(status.is_success(), "{path}: {status} {text}");
            serde_json::from_str(&text).expect("JSON")
        })
    }

    /// The objects of its schema, with their fields.
    pub(crate) fn metadata(&self) -> Vec<serde_json::Value> {
        let answer = self.ask(&reqwest::Method::GET, "/rest/metadata/objects", &serde_json::Value::Null);
        answer["data"].as_array().expect("a list of objects").clone()
    }

    /// The bytes at an address that a record holds.
    pub(crate) fn download(&self, url: &str) -> Vec<u8> {
        self.runtime.as_ref().expect("it runs").block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let answer = reqwest::Client::new().get(url).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.bytes().await.expect("bytes").to_vec()
        })
    }

    /// Every live record of an object.
    pub(crate) fn records(&self, object: &str) -> Vec<serde_json::Value> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page =
                self.ask(&reqwest::Method::GET, &format!("/rest/{object}?limit=200{after}"), &serde_json::Value::Null);
            all.extend(page["data"][object].as_array().expect("a list of records").iter().cloned());
            if page["pageInfo"]["hasNextPage"] != true {
                return all;
            }
            after = format!("&starting_after={}", page["pageInfo"]["endCursor"].as_str().expect("a cursor"));
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.sandbox.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets a project's spec use a catalog of Twenty with other limits: unpaced, and with so many records a request.
pub(crate) fn hurry(project: &Project, batch: u32) {
    let catalog = std::fs::read_to_string(repository().join("specs/systems/twenty.migr")).expect("the shipped catalog");
    let fast = catalog.replace("requests 100 per 60s; batch 200", &format!("requests 1000000 per 1s; batch {batch}"));
    assert_ne!(fast, catalog, "the catalog's limits are written otherwise now");
    project.write("twenty.migr", &fast);
    let spec = project.read("migration.migr").replace("use \"std/systems/twenty\"\n", "use \"twenty\"\n");
    project.write("migration.migr", &spec);
}
