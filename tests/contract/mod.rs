//! Replays recorded exchanges against a running sandbox.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use migr_sandbox::{Sandbox, SandboxOptions, TwentyVersion, start};
use serde::Deserialize;
use serde_json::{Value, json};

mod compare;
mod replay;

/// What `steps.toml` says about one recording.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    place: Option<String>,
    #[serde(default)]
    before: Vec<Call>,
    path: Option<String>,
    body: Option<String>,
    raw: Option<String>,
    content_type: Option<String>,
    token: Option<String>,
    view: Option<String>,
    expect: Option<String>,
    expect_status: Option<u16>,
    compare: Option<String>,
    /// The workspace answers on metadata in the older envelopes.
    #[serde(default)]
    legacy: bool,
    reason: Option<String>,
}

/// A request made before a recording is replayed.
#[derive(Debug, Deserialize)]
struct Call {
    call: String,
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Steps {
    ids: BTreeMap<String, BTreeMap<String, String>>,
    step: BTreeMap<String, Step>,
}

/// One recorded exchange.
#[derive(Debug, Deserialize)]
pub(crate) struct Recording {
    request: Request,
    response: Response,
}

#[derive(Debug, Deserialize)]
struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    body: Value,
}

/// What came of a replay of one server's recordings.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many exchanges were replayed.
    pub(crate) replayed: usize,
    /// How many of them are compared in shape or status only.
    pub(crate) in_part: usize,
    /// The exchanges that differ, with how.
    pub(crate) different: BTreeMap<String, String>,
    /// All names.
    pub(crate) names: Vec<String>,
}

/// The folder of the recordings.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/twenty")
}

/// The list of exchanges that may differ, with reasons.
pub(crate) fn not_yet() -> BTreeMap<String, String> {
    toml::from_str(&fs::read_to_string(folder().join("not_yet.toml")).unwrap()).unwrap()
}

/// Replays every recording of a version, in order, against one new sandbox.
pub(crate) async fn replay(version: TwentyVersion, name: &str) -> Outcome {
    let steps: Steps = toml::from_str(&fs::read_to_string(folder().join("steps.toml")).unwrap()).unwrap();
    let recordings = recordings(name);
    let mut order: Vec<(String, String)> = recordings
        .keys()
        .map(|name| {
            let place = steps.step.get(name).and_then(|step| step.place.clone());
            (place.unwrap_or_else(|| name.clone()), name.clone())
        })
        .collect();
    order.sort();
    let sandbox = start(SandboxOptions { version, ..SandboxOptions::default() }).await.unwrap();
    let mut player = replay::Player::new(&sandbox);
    for (recorded, what) in &steps.ids[name] {
        bind_stock(&sandbox, &mut player, recorded, what, version).await;
    }
    let mut outcome = Outcome::default();
    let plain = Step::default();
    for (_, name) in order {
        let step = steps.step.get(&name).unwrap_or(&plain);
        assert!(step.compare.is_none() || step.reason.is_some(), "{name}: less is compared, but no reason is given");
        sandbox.set_legacy_metadata(step.legacy);
        if let Err(difference) = player.play(&recordings[&name], step).await {
            outcome.different.insert(name.clone(), difference);
        }
        outcome.replayed += 1;
        outcome.in_part += usize::from(step.compare.is_some());
        outcome.names.push(name);
    }
    sandbox.stop().await;
    outcome
}

fn recordings(version: &str) -> BTreeMap<String, Recording> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder().join(version)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let recording = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        found.insert(name, recording);
    }
    found
}

/// Finds what an id of the recorded workspace stands for, and binds it.
async fn bind_stock(
    sandbox: &Sandbox,
    player: &mut replay::Player<'_>,
    recorded: &str,
    what: &str,
    version: TwentyVersion,
) {
    let (kind, name) = what.split_once(' ').unwrap();
    if kind == "member" {
        let (_, members) = player.get("/rest/workspaceMembers?order_by=userEmail[AscNullsLast]").await;
        let members = members["data"]["workspaceMembers"].as_array().unwrap().clone();
        let taken = player.bindings.bound_members;
        player.bindings.bound_members += 1;
        player.bindings.bind(recorded, members[taken]["id"].as_str().unwrap());
        player.bindings.bind(name, members[taken]["userEmail"].as_str().unwrap());
        return;
    }
    let query = if version == TwentyVersion::V1_10 { "" } else { "?limit=200" };
    let (_, listed) = player.get(&format!("/rest/metadata/objects{query}")).await;
    let objects = listed["data"].as_array().or(listed["data"]["objects"].as_array()).unwrap().clone();
    let (object, field) = name.split_once('.').unwrap_or((name, ""));
    let object = objects.iter().find(|found| found["nameSingular"] == json!(object)).unwrap();
    let found = match field {
        "" => object,
        field => {
            let fields = object["fields"].as_array().unwrap();
            fields.iter().find(|found| found["name"] == json!(field)).unwrap()
        }
    };
    player.bindings.bind(recorded, found["id"].as_str().unwrap());
    let _ = sandbox;
}
