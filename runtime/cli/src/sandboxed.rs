//! The sandbox that stands in for a plan's destination, by the connector's name.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use migr_plan::{Plan, SettingValue};
use migr_sandbox::{Sandbox, Wanted};
use serde_json::Value;

use crate::fault::Fault;
use crate::rehearsed;
use crate::state::State;

/// Content of a destination before, beside the spec, in the system's own form.
pub(crate) const LOCATION: &str = "location.json";

/// A sandbox that serves, with the settings that its connector reads.
pub(crate) struct Started {
    pub(crate) sandbox: Sandbox,
    pub(crate) settings: BTreeMap<String, String>,
}

/// Starts the sandbox, with the people whom a lock or a list of the project says that the destination has.
pub(crate) async fn start(plan: &Plan, state: &State) -> Result<Started, Fault> {
    let connector = &plan.destination.connector;
    let Some(system) = migr_sandbox::system(connector) else {
        return Err(Fault::usage(format!("there is no sandbox of `{connector}`")));
    };
    let database = state.sandbox_database();
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Fault::failed(format!("cannot make the folder {}: {error}", folder.display())))?;
    }
    let folder = database.parent().and_then(Path::parent).unwrap_or_else(|| Path::new(".")).to_owned();
    let mut settings = BTreeMap::new();
    for (name, value) in &plan.destination.settings {
        if let SettingValue::Text { value } = value {
            settings.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in system.settings {
        settings.insert((*name).to_owned(), (*value).to_owned());
    }
    for (name, value) in system.defaults {
        settings.entry((*name).to_owned()).or_insert_with(|| (*value).to_owned());
    }
    let wanted = Wanted {
        state: Some(database),
        people: rehearsed::members(plan, &folder),
        lag: Some(Duration::ZERO),
        before: before(&folder)?,
        ..Wanted::default()
    };
    let sandbox = (system.start)(wanted).await;
    let sandbox = sandbox.map_err(|error| Fault::failed(format!("the sandbox did not start: {error}")))?;
    Ok(Started { sandbox, settings })
}

/// Content of the destination before, where the project has it.
fn before(folder: &Path) -> Result<Option<Value>, Fault> {
    let path = folder.join(LOCATION);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let unreadable = |error| Fault::usage(format!("{} is no JSON: {error}", path.display()));
            serde_json::from_str(&text).map(Some).map_err(unreadable)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::failed(format!("cannot read {}: {error}", path.display()))),
    }
}
