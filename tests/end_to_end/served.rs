//! `migr sandbox` as a server: its address and its token, and the options that are a system's own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::migr_in;

/// A served sandbox; it ends with the test.
struct Served {
    server: Child,
    url: String,
    token: String,
    /// The line behind the token's.
    next: String,
}

impl Served {
    fn with(folder: &std::path::Path, arguments: &[&str]) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_migr"))
            .arg("sandbox")
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut lines = BufReader::new(server.stdout.take().expect("its stdout")).lines();
        let url = lines.next().expect("its address").expect("text");
        let mut news = BufReader::new(server.stderr.take().expect("its stderr")).lines();
        let token = news.find_map(|line| line.ok()?.strip_prefix("token: ").map(str::to_owned)).expect("its token");
        let next = news.next().expect("a line").expect("text");
        Self { server, url, token, next }
    }

    /// Status and body of the answer to a GET.
    fn get(&self, path: &str) -> (u16, Value) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let request = reqwest::Client::new().get(format!("{}{path}", self.url)).bearer_auth(&self.token);
            let answer = request.header("Version", "v3").send().await.expect("an answer");
            (answer.status().as_u16(), answer.json().await.expect("JSON"))
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

#[test]
fn a_location_of_highlevel_is_served_with_what_it_held_before() {
    let folder = tempfile::tempdir().unwrap();
    let before = json!({"businesses": [{"name": "Acme Inc."}]});
    std::fs::write(folder.path().join("before.json"), before.to_string()).unwrap();
    let options = [
        "highlevel",
        "--location",
        "L1",
        "--before",
        "before.json",
        "--lag",
        "0",
        "--daily",
        "50",
        "--state",
        "kept.db",
    ];
    let served = Served::with(folder.path(), &[&options[..], &["--without-scope", "users.readonly"]].concat());
    assert_eq!(served.next, "location: L1", "a spec needs it");
    let (status, answer) = served.get("/businesses/?locationId=L1");
    assert_eq!((status, &answer["businesses"][0]["name"]), (200, &json!("Acme Inc.")));
    assert_eq!(served.get("/businesses/?locationId=L2").0, 403);
    assert_eq!(served.get("/users/search?companyId=x").0, 401);
    drop(served);
    let served = Served::with(folder.path(), &["highlevel", "--state", "kept.db"]);
    assert_eq!(served.get("/locations/L1").1["location"]["id"], "L1", "the state keeps its location");
}

#[test]
fn an_option_of_another_system_and_a_file_that_is_no_json_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("before.json"), "users").unwrap();
    for (arguments, says) in [
        (["highlevel", "--version", "1.10"], "`--version` is no option of a sandbox of HighLevel"),
        (["twenty", "--lag", "2s"], "`--lag` is no option of a sandbox of Twenty"),
        (["highlevel", "--lag", "soon"], "`--lag soon` is no number of seconds, as 12s is"),
        (["highlevel", "--before", "before.json"], "cannot read before.json"),
        (["highlevel", "--fail", "boom=1"], "`--fail` knows no kind `boom`"),
    ] {
        let ran = migr_in(folder.path(), &[&["sandbox"], &arguments[..]].concat()).exits(2);
        assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.stderr);
    }
}
