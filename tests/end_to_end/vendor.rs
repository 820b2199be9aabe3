//! Every request of a migration into a location, held against the vendor's own schemas of both versions, where they are at hand.
//!
//! `MIGR_CLIENTS=1000` takes the shipped migration over a generated export of so many clients instead of the small one, and says how many requests each
//! command sent to which endpoint.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migr_sandbox::highlevel;
use serde_json::Value;

use crate::harness::{Project, number, repository};
use crate::stand_in::StandIn;
use crate::studio::{hurried, studio};
use crate::wire::{Act, Wire};

#[expect(dead_code, reason = "answers are held against the schemas by the sandbox's own tests")]
#[path = "../../runtime/sandbox/tests/highlevel_facts/contract.rs"]
mod contract;

use contract::{Contract, contract};

/// Commands of a whole life, and the codes that they may end with.
const LIFE: [(&[&str], &[i32]); 5] = [
    (&["audit"], &[0, 1]),
    (&["setup"], &[0]),
    (&["run", "--no-approval"], &[0, 5]),
    (&["verify"], &[0]),
    (&["rollback"], &[0]),
];

/// Requests that the vendor's site describes since, and no document at hand does.
const LATER: [(&str, &str); 2] = [("POST", "/opportunities/pipelines"), ("DELETE", "/opportunities/pipelines/")];

/// Requests of a life: how many, by command and endpoint, and what is wrong with some.
#[derive(Default)]
struct Seen {
    counts: BTreeMap<(usize, String), u64>,
    faults: Vec<String>,
}

/// A request as it is sent.
struct Sent<'s> {
    method: &'s str,
    /// Path and query.
    target: &'s str,
    version: Option<&'s str>,
    media: Option<&'s str>,
    body: &'s [u8],
}

/// The faults of a request alone, as it is sent: an operation that is described, its version, its query, its body.
fn faults(documents: &Contract, sent: &Sent<'_>) -> Vec<String> {
    let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
    let Some((_, operation)) = documents.operation(&sent.method.to_lowercase(), path) else {
        return vec!["no document describes it".to_owned()];
    };
    let mut faults = Vec::new();
    let parameters = || operation["parameters"].as_array().into_iter().flatten().map(|one| documents.followed(one));
    let of = |place: &'static str| parameters().filter(move |one| one["in"] == place);
    for header in of("header").filter(|header| header["name"] == "Version") {
        documents.check(&header["schema"], &Value::from(sent.version.unwrap_or_default()), "Version", &mut faults);
    }
    let asked: Vec<&str> =
        query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty()).collect();
    for name in &asked {
        if !of("query").any(|known| known["name"] == **name) {
            faults.push(format!("query: no parameter {name}"));
        }
    }
    for known in of("query").filter(|known| known["required"] == true) {
        if !asked.iter().any(|name| known["name"] == **name) {
            faults.push(format!("query: without {}", known["name"]));
        }
    }
    let contents = &operation["requestBody"]["content"];
    let media = sent.media.unwrap_or_default();
    if media.starts_with("multipart/form-data") {
        let described = documents.followed(&contents["multipart/form-data"]["schema"]);
        if described.is_null() {
            faults.push("a form is sent where none is described".to_owned());
        }
        let known = described["properties"].as_object();
        let names = String::from_utf8_lossy(sent.body);
        for name in names.split("form-data; name=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            if known.is_some_and(|known| !known.contains_key(name)) {
                faults.push(format!("form: no part {name}"));
            }
        }
    } else if !sent.body.is_empty() {
        match serde_json::from_slice::<Value>(sent.body) {
            Ok(_) if contents["application/json"].is_null() => {
                faults.push("a body is sent where none is described".to_owned());
            }
            Ok(body) => documents.check(&contents["application/json"]["schema"], &body, "request", &mut faults),
            Err(error) => faults.push(format!("request: no JSON: {error}")),
        }
    } else if operation["requestBody"]["required"] == true {
        faults.push("request: without a body".to_owned());
    }
    faults
}

/// The shipped migration over a generated export, with what its location held before. `None` where there is no Python, said loudly.
pub(crate) fn generated(clients: u64, seed: u64) -> Option<(Project, Value)> {
    let project = Project::empty();
    let made = Command::new("python3")
        .arg(repository().join("tests/generate_practice_export.py"))
        .args(["--contacts", &clients.to_string(), "--seed", &seed.to_string()])
        .args(["--destination", "before.json", "--out", "export"])
        .current_dir(project.path())
        .output();
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            eprintln!("LEFT OUT: python3 does not start ({error}), so no export of The Practice was generated");
            return None;
        }
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let before = project.read("before.json");
    std::fs::remove_file(project.path().join("export/truth.json")).expect("the generator lists its defects");
    let spec = std::fs::read_to_string(repository().join("specs/migrations/the-practice-to-highlevel/migration.migr"));
    let spec = spec.expect("the shipped spec").replace(
        "destination highlevel { location = env(\"GHL_LOCATION\"); token = secret(\"GHL_TOKEN\");",
        "destination highlevel as staging { url = env(\"STAGING_URL\"); location = env(\"STAGING_LOCATION\"); token = secret(\"STAGING_KEY\"); settle = 2s;",
    );
    project.write("migration.migr", &spec);
    hurried(&project);
    Some((project, serde_json::from_str(&before).expect("JSON")))
}

/// Lives a whole life in a version; says how many requests it took.
fn live(version: &'static str, clients: u64) -> Option<u64> {
    let documents = contract(version)?;
    let (project, before) = match clients {
        0 => (studio(), None),
        clients => generated(clients, 7).map(|(project, before)| (project, Some(before)))?,
    };
    let spec = project.read("migration.migr").replace("; version = \"v3\"", "");
    let spec = spec.replace(
        "token = secret(\"STAGING_KEY\")",
        &format!("token = secret(\"STAGING_KEY\"); version = \"{version}\""),
    );
    project.write("migration.migr", &spec);
    let options = highlevel::Options { before, lag: Duration::from_millis(200), ..highlevel::Options::default() };
    let stand_in = StandIn::location(options);
    let seen: Arc<Mutex<Seen>> = Arc::default();
    for (at, (arguments, codes)) in LIFE.iter().enumerate() {
        let noted = Arc::clone(&seen);
        let wire = Wire::to(&stand_in.url(), move |asked| {
            if asked.path.starts_with("/documents/") {
                return Act::Pass;
            }
            let sent = Sent {
                method: asked.method,
                target: asked.path,
                version: asked.field("version"),
                media: asked.field("content-type"),
                body: asked.body,
            };
            let mut seen = noted.lock().expect("the notes");
            let path = asked.path.split('?').next().unwrap_or_default();
            let template =
                documents.operation(&asked.method.to_lowercase(), path).map_or(path, |(template, _)| template);
            *seen.counts.entry((at, format!("{} {template}", asked.method))).or_default() += 1;
            let faults = faults(documents, &sent);
            let is_later = LATER.iter().any(|(method, start)| asked.method == *method && path.starts_with(start));
            if !faults.is_empty() && !is_later && seen.faults.len() < 20 {
                seen.faults.push(format!("{} {}: {faults:?}", asked.method, asked.path));
            }
            Act::Pass
        });
        let output = stand_in.command_over(&wire.url(), project.path(), arguments).output().expect("migr starts");
        let code = output.status.code().unwrap_or(-1);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            codes.contains(&code),
            "{version} {arguments:?} ended {code}\n{}\n{told}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    let seen = seen.lock().expect("the notes");
    assert!(seen.faults.is_empty(), "{version}: {:#?}", seen.faults);
    if clients > 0 {
        for ((at, template), count) in &seen.counts {
            eprintln!("{version} {:?} {template}: {count}", LIFE[*at].0);
        }
    }
    assert_eq!(stand_in.sandbox().messages_sent().expect("a count"), 0, "messages to clients");
    Some(seen.counts.values().sum())
}

#[test]
fn every_request_of_a_whole_migration_is_one_that_the_vendors_schemas_describe() {
    let clients = number("MIGR_CLIENTS", 0);
    for version in ["v3", "2021-07-28"] {
        if let Some(requests) = live(version, clients) {
            eprintln!(
                "{version}: {requests} requests of audit, setup, run, verify and rollback held against the vendor's schemas"
            );
        }
    }
}
