//! Where a destination is and the key that opens it, from the environment or from files. Values never appear in a message.

use std::time::Duration;

use migr_load::{Endpoint, HttpOptions, Secret};
use migr_plan::{Destination, SettingValue};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::state::State;

/// The address and token that a plan's destination names.
pub(crate) fn endpoint(destination: &Destination) -> Result<Endpoint, Fault> {
    let url = setting(destination, "url")?;
    let parsed = url.trim().trim_end_matches('/').to_owned();
    if !parsed.starts_with("https://") && !parsed.starts_with("http://") {
        return Err(Fault::usage(format!(
            "the `url` of destination `{}` does not begin with https:// or http://",
            destination.name
        )));
    }
    Ok(Endpoint { url: parsed, token: Secret::new(setting(destination, "token")?) })
}

/// How a plan's destination is reached: its proxy, the certificates that are trusted, how long an answer may take, where requests are counted.
pub(crate) fn reach(destination: &Destination, state: &State) -> Result<HttpOptions, Fault> {
    let optional = |name: &str| destination.settings.contains_key(name).then(|| setting(destination, name)).transpose();
    let mut options = HttpOptions { counts: Some(state.folder()), proxy: optional("proxy")?, ..HttpOptions::default() };
    if let Some(seconds) = optional("timeout")?.and_then(|seconds| seconds.parse().ok()) {
        options.timeout = Duration::from_secs(seconds);
    }
    if let Some(file) = optional("certificates")? {
        let path = state.project().join(&file);
        let pem = std::fs::read(&path).map_err(|error| {
            Fault::usage(format!(
                "cannot read {file}, which holds the `certificates` of destination `{}`: {error}",
                destination.name
            ))
            .with_help("it is a file in PEM form; its path is the project's")
        })?;
        options.certificates.push(pem);
    }
    Ok(options)
}

fn setting(destination: &Destination, name: &str) -> Result<String, Fault> {
    match destination.settings.get(name) {
        Some(SettingValue::Text { value }) => Ok(value.clone()),
        Some(SettingValue::Env { name: variable }) => std::env::var(variable).map_err(|_| {
            missing(destination, name, variable).with_help(format!("set it, as in `export {variable}=…`"))
        }),
        Some(SettingValue::Secret { name: variable }) => secret(destination, name, variable),
        None => Err(Fault::usage(format!("destination `{}` has no `{name}`", destination.name)).with_help(format!(
            "write `destination {} {{ url = env(\"…\"); token = secret(\"…\") }}`",
            destination.system
        ))),
    }
}

/// A secret: the variable, or the file that `VARIABLE_FILE` names.
fn secret(destination: &Destination, name: &str, variable: &str) -> Result<String, Fault> {
    if let Ok(value) = std::env::var(variable) {
        return Ok(value);
    }
    let file_variable = format!("{variable}_FILE");
    let Ok(path) = std::env::var(&file_variable) else {
        return Err(missing(destination, name, variable)
            .with_help(format!("set it, or let {file_variable} name a file that holds it")));
    };
    std::fs::read_to_string(&path)
        .map_err(|error| Fault::new(Exit::Failed, format!("cannot read {path}, which {file_variable} names: {error}")))
}

fn missing(destination: &Destination, name: &str, variable: &str) -> Fault {
    Fault::usage(format!(
        "the environment has no {variable}, which holds the `{name}` of destination `{}`; `--sandbox` needs none",
        destination.name
    ))
}
