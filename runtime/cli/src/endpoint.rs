//! Where a destination is and the key that opens it, from the environment or from files. Values never appear in a message.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use migr_load::{Endpoint, HttpOptions, Secret, Wait, WaitSink};
use migr_plan::{Destination, SettingValue};

use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::state::State;
use crate::trusted::{self, LARGEST_CERTIFICATES};

/// The address and token that a plan's destination names.
pub(crate) fn endpoint(destination: &Destination) -> Result<Endpoint, Fault> {
    let known = migr_connect::connector(&destination.connector).and_then(|connector| connector.url);
    let url = match known.filter(|_| !destination.settings.contains_key("url")) {
        Some(url) => url.to_owned(),
        None => setting(destination, "url")?,
    };
    let parsed = url.trim().trim_end_matches('/').to_owned();
    if !parsed.starts_with("https://") && !parsed.starts_with("http://") {
        return Err(Fault::usage(format!(
            "the `url` of destination `{}` does not begin with https:// or http://",
            destination.name
        )));
    }
    if let Some(host) = in_the_open(&parsed).filter(|_| !destination.settings.contains_key("plaintext")) {
        return Err(Fault::usage(format!(
            "the token of destination `{}` would go to {host} over plain http, where everybody on the way can read it",
            destination.name
        ))
        .with_help("use its https:// address, or say why it may: `plaintext = \"…\"` in the destination"));
    }
    Ok(Endpoint { url: parsed, token: Secret::new(setting(destination, "token")?) })
}

/// Options for reaching a plan's destination: its proxy, the certificates that are trusted, how long an answer may
/// take, where requests are counted.
pub(crate) fn reach(destination: &Destination, state: &State, console: Console) -> Result<HttpOptions, Fault> {
    let optional = |name: &str| destination.settings.contains_key(name).then(|| setting(destination, name)).transpose();
    let mut options = HttpOptions {
        counts: Some(state.folder()),
        proxy: optional("proxy")?,
        waits: Some(Arc::new(Waits(console))),
        ..HttpOptions::default()
    };
    for name in migr_connect::connector(&destination.connector).map_or(&[][..], |connector| connector.settings) {
        if let Some(value) = optional(name)? {
            options.settings.insert((*name).to_owned(), value);
        }
    }
    if let Some(seconds) = optional("timeout")?.and_then(|seconds| seconds.parse().ok()) {
        options.timeout = Duration::from_secs(seconds);
    }
    if let Some(file) = optional("certificates")? {
        let pem = trusted::read(state.project(), Path::new(&file), LARGEST_CERTIFICATES)
            .and_then(|pem| if holds_certificates(&pem) { Ok(pem) } else { Err("it holds no certificates".to_owned()) })
            .map_err(|error| {
                Fault::usage(format!(
                    "cannot read {file}, which holds the `certificates` of destination `{}`: {error}",
                    destination.name
                ))
                .with_help("it is a file of the project, certificates in PEM form")
            })?;
        options.certificates.push(pem);
    }
    Ok(options)
}

/// Tells of pauses on the screen.
struct Waits(Console);

impl WaitSink for Waits {
    fn wait(&self, wait: &Wait) {
        let pause = wait.pause;
        let until = jiff::Timestamp::now()
            .checked_add(pause)
            .map_or_else(|_| String::new(), |until| format!(", until {}", until.strftime("%H:%M:%S UTC")));
        self.0.news(format_args!(
            "waiting {} s{until} for {}: {}",
            pause.as_secs(),
            wait.host,
            migr_escape::line(&wait.why)
        ));
    }
}

/// True for certificates in PEM form with nothing of another kind, such as a key, among them.
fn holds_certificates(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    let mut kinds = text.lines().filter(|line| line.starts_with("-----BEGIN ")).map(str::trim_end).peekable();
    kinds.peek().is_some()
        && kinds.all(|kind| matches!(kind, "-----BEGIN CERTIFICATE-----" | "-----BEGIN TRUSTED CERTIFICATE-----"))
}

/// The host of a plain http address that is not this machine.
fn in_the_open(url: &str) -> Option<String> {
    let address = url.strip_prefix("http://")?;
    let authority = address.split(['/', '?', '#', '\\']).next().unwrap_or(address);
    // A name and password before it are refused elsewhere.
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => host.split(':').next().unwrap_or(host),
    };
    let is_here = name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    (!is_here).then(|| name.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_in_the_open() {
        for url in [
            "https://crm.example",
            "http://127.0.0.1:3000",
            "http://localhost",
            "http://[::1]:80/x",
            "http://127.9.9.9",
        ] {
            assert_eq!(in_the_open(url), None, "{url}");
        }
        for (url, host) in [
            ("http://crm.example", "crm.example"),
            ("http://localhost.evil.example:80/", "localhost.evil.example"),
            ("http://127.0.0.1@evil.example/", "evil.example"),
            ("http://10.0.0.5:3000", "10.0.0.5"),
            ("http://127.0.0.1.nip.io", "127.0.0.1.nip.io"),
        ] {
            assert_eq!(in_the_open(url).as_deref(), Some(host), "{url}");
        }
    }

    #[test]
    fn certificates_are_certificates_and_nothing_else() {
        assert!(holds_certificates(b"# ours\n-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"));
        for other in [
            "",
            "root:x:0:0",
            "-----BEGIN PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n",
        ] {
            assert!(!holds_certificates(other.as_bytes()), "{other}");
        }
    }
}
