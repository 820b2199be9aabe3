//! The program, projects to run it in, and exports with known defects.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The id that a project has in place of one that is drawn: the same ids every time.
pub(crate) const PROJECT: &str = "project-of-the-tests";

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Fails unless the exit code is this, showing both streams.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Stdout as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{}", self.stdout))
    }
}

/// A number that the environment sets for a longer form of a drill.
pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => otherwise,
    }
}

/// Runs `migr` in a folder.
pub(crate) fn migr_in(folder: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_migr"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("MIGR_PROJECT_ID", PROJECT)
        .env_remove("RUST_LOG")
        .output()
        .expect("migr starts");
    Ran::from(output)
}

/// A project of its own in a temporary folder.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A copy of the committed example, without anything a run left there.
    pub(crate) fn example() -> Self {
        Self::copy_of(&repository().join("examples/visual-practice-to-twenty"), Some(".migr"))
    }

    /// A copy of a folder, but for what has this name.
    pub(crate) fn copy_of(folder: &Path, without: Option<&str>) -> Self {
        let project = Self::empty();
        copy(folder, project.path(), without);
        project
    }

    /// The example's spec over a generated export; also gives the generator's list of defects. `None` where there is no Python, said loudly.
    pub(crate) fn generated(contacts: u32, seed: u32) -> Option<(Self, Value)> {
        let project = Self::example();
        let export = project.path().join("export");
        std::fs::remove_dir_all(&export).expect("the copied export can be removed");
        let made = Command::new("python3")
            .arg(repository().join("tests/generate_export.py"))
            .args(["--contacts", &contacts.to_string(), "--seed", &seed.to_string(), "--variants", "0", "--out"])
            .arg(&export)
            .output();
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                eprintln!("LEFT OUT: python3 does not start ({error}), so no export with seed {seed} was generated");
                return None;
            }
        };
        assert!(made.status.success(), "the generator failed: {}", String::from_utf8_lossy(&made.stderr));
        let truth = std::fs::read_to_string(export.join("truth.json")).expect("the generator lists its defects");
        for extra in ["truth.json", "mapping.json", "idmap_owners.csv", "idmap_companies.csv"] {
            std::fs::remove_file(export.join(extra)).expect("the generator's extra files are there");
        }
        Some((project, serde_json::from_str(&truth).expect("truth.json is JSON")))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Runs `migr` in the project's folder.
    pub(crate) fn migr(&self, arguments: &[&str]) -> Ran {
        migr_in(self.path(), arguments)
    }

    /// The first 200 live records of an object in the project's sandbox, read over its API.
    pub(crate) fn sandbox_records(&self, object: &str) -> Vec<Value> {
        let mut server = Command::new(env!("CARGO_BIN_EXE_migr"))
            .args(["sandbox", "twenty", "--state", ".migr/sandbox.db"])
            .current_dir(self.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut lines = BufReader::new(server.stdout.take().expect("its stdout")).lines();
        let url = lines.next().expect("its address").expect("text");
        let mut news = BufReader::new(server.stderr.take().expect("its stderr")).lines();
        let token = news.find_map(|line| line.ok()?.strip_prefix("token: ").map(str::to_owned)).expect("its token");
        let answer =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
                let _ = rustls::crypto::ring::default_provider().install_default();
                let client = reqwest::Client::new();
                let request = client.get(format!("{url}/rest/{object}?limit=200")).bearer_auth(token);
                request.send().await.expect("an answer").json::<Value>().await.expect("JSON")
            });
        server.kill().expect("the sandbox ends");
        server.wait().expect("the sandbox ended");
        answer["data"][object].as_array().expect("a list of records").clone()
    }

    /// The report of the last run.
    pub(crate) fn report(&self) -> Value {
        self.migr(&["report", "--format", "json"]).exits(0).json()
    }
}

pub(crate) fn copy(from: &Path, to: &Path, without: Option<&str>) {
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the entry can be read");
        let target = to.join(entry.file_name());
        if without.is_some_and(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).expect("the folder can be made");
            copy(&entry.path(), &target, without);
        } else {
            std::fs::copy(entry.path(), &target).expect("the file can be copied");
        }
    }
}
