//! The sandbox that stands in for a plan's destination, by the connector's name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use migr_plan::{Plan, SettingValue};
use migr_sandbox::{Sandbox, SandboxOptions, highlevel};

use crate::fault::Fault;
use crate::rehearsed;
use crate::state::State;

/// Content of a location before, beside the spec, as `generate_practice_export.py --destination` writes it.
pub(crate) const LOCATION: &str = "location.json";
/// The location of a rehearsal.
const REHEARSED: &str = "SandboxLocation00001";
/// Seconds after which a search of a rehearsal proves that nothing is there.
const SETTLE: &str = "2";

/// A sandbox that serves, with the settings that its connector reads.
pub(crate) struct Started {
    pub(crate) sandbox: Sandbox,
    pub(crate) settings: BTreeMap<String, String>,
}

/// Starts the sandbox, with the people whom a lock or a list of the project says that the destination has.
pub(crate) async fn start(plan: &Plan, state: &State) -> Result<Started, Fault> {
    let database = state.sandbox_database();
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Fault::failed(format!("cannot make the folder {}: {error}", folder.display())))?;
    }
    let folder = database.parent().and_then(Path::parent).unwrap_or_else(|| Path::new(".")).to_owned();
    let members = rehearsed::members(plan, &folder);
    let mut settings = BTreeMap::new();
    let started = if plan.destination.connector == "highlevel" {
        for (name, value) in &plan.destination.settings {
            if let SettingValue::Text { value } = value {
                settings.insert(name.clone(), value.clone());
            }
        }
        settings.insert("location".to_owned(), REHEARSED.to_owned());
        settings.entry("settle".to_owned()).or_insert_with(|| SETTLE.to_owned());
        highlevel::start(location(database, &folder, members)?).await
    } else {
        let options = SandboxOptions { state: Some(database), seed: true, members, ..SandboxOptions::default() };
        migr_sandbox::start(options).await
    };
    let sandbox = started.map_err(|error| Fault::failed(format!("the sandbox did not start: {error}")))?;
    Ok(Started { sandbox, settings })
}

fn location(database: PathBuf, folder: &Path, users: Vec<String>) -> Result<highlevel::Options, Fault> {
    let path = folder.join(LOCATION);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Some(
            serde_json::from_str(&text)
                .map_err(|error| Fault::usage(format!("{} is no JSON: {error}", path.display())))?,
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Fault::failed(format!("cannot read {}: {error}", path.display()))),
    };
    Ok(highlevel::Options {
        state: Some(database),
        rate: None,
        lag: Duration::ZERO,
        location: REHEARSED.to_owned(),
        before,
        users,
        ..highlevel::Options::default()
    })
}
