//! Options that a sandbox of HighLevel is started with.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::{Faults, RateLimit};

/// Options with which a sandbox of HighLevel is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file, created if absent. `None` keeps the state in memory.
    pub state: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The burst: so many requests in each interval. `None` is unlimited.
    pub rate: Option<RateLimit>,
    /// Requests allowed within 24 hours. `None` is unlimited.
    pub daily: Option<u64>,
    /// Time for which every answer is held back.
    pub latency: Duration,
    /// The faults to make.
    pub faults: Faults,
    /// Time that passes before a search finds what was written, or no longer finds what was deleted.
    pub lag: Duration,
    /// The location that the token is bound to; kept in the state.
    pub location: String,
    /// State of the location before: settings, users, pipelines, calendars, businesses, contacts, custom fields and custom values, as
    /// `generate_practice_export.py --destination` writes them. `None` gives a new state a small location.
    pub before: Option<Value>,
    /// E-mail addresses of users to have besides, in a state that is there too; they are in the team of every calendar of the small location.
    pub users: Vec<String>,
    /// Scopes that the token lacks, such as `pipelines.create`.
    pub without_scopes: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            state: None,
            port: 0,
            rate: None,
            daily: None,
            latency: Duration::ZERO,
            faults: Faults::default(),
            lag: Duration::from_secs(12),
            location: super::LOCATION.to_owned(),
            before: None,
            users: Vec::new(),
            without_scopes: Vec::new(),
        }
    }
}
