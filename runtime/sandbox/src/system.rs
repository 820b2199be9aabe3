//! Systems that a sandbox stands in for, as they are registered.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use crate::{Faults, RateLimit, Sandbox, SandboxError, highlevel, twenty};

/// The systems of this program. A new one is a line here and a folder beside the others.
pub const SYSTEMS: &[&System] = &[&twenty::SYSTEM, &highlevel::SYSTEM];

/// A sandbox that starts.
pub type Starting = Pin<Box<dyn Future<Output = Result<Sandbox, SandboxError>> + Send>>;

/// System that a sandbox stands in for.
#[derive(Clone, Copy, Debug)]
pub struct System {
    /// Name of its connector.
    pub name: &'static str,
    /// Name of the system as people write it.
    pub title: &'static str,
    /// Words for what is served.
    pub about: &'static str,
    /// Options that are this system's and not every one's: `lag`, `daily`, `location`, `before`, `without-scope`, `workflows`, `version`.
    pub options: &'static [&'static str],
    /// Settings of a destination that a rehearsal has in place of the plan's.
    pub settings: &'static [(&'static str, &'static str)],
    /// The same of settings that the plan may give.
    pub defaults: &'static [(&'static str, &'static str)],
    /// Start of a sandbox.
    pub start: fn(Wanted) -> Starting,
}

/// The system of a connector's name.
pub fn system(name: &str) -> Option<&'static System> {
    SYSTEMS.iter().copied().find(|system| system.name == name)
}

/// Options with which a sandbox is wanted; a system takes those that are its own.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The database file, created if absent. `None` keeps the state in memory.
    pub state: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Requests allowed in a time. `None` is unlimited.
    pub rate: Option<RateLimit>,
    /// Requests allowed within 24 hours. `None` is unlimited.
    pub daily: Option<u64>,
    /// Time for which every answer is held back.
    pub latency: Duration,
    /// The faults to make.
    pub faults: Faults,
    /// E-mail addresses of people who use it, besides those of a new state.
    pub people: Vec<String>,
    /// Time that passes before a search finds what was written; as the system has it where absent.
    pub lag: Option<Duration>,
    /// The place that the token is bound to; the usual one where absent.
    pub location: Option<String>,
    /// State of it before, in its own form.
    pub before: Option<Value>,
    /// Scopes that the token lacks.
    pub without_scopes: Vec<String>,
    /// True where a stock workflow is active.
    pub workflows: bool,
    /// The version to stand in for; the newest where absent.
    pub version: Option<String>,
}
