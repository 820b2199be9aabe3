//! Options that a sandbox is started with, and the reasons why it may not start.

use std::path::PathBuf;
use std::time::Duration;

/// The version of Twenty that a sandbox stands in for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwentyVersion {
    /// Twenty 2.19 (July 2026).
    #[default]
    V2_19,
    /// Twenty 1.10 (December 2025).
    V1_10,
}

impl TwentyVersion {
    /// True for the older server.
    pub(crate) fn is_old(self) -> bool {
        self == Self::V1_10
    }

    /// The version as its vendor writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V2_19 => "2.19",
            Self::V1_10 => "1.10",
        }
    }
}

/// Options with which a sandbox is started.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// The database file, created if absent. `None` keeps the state in memory.
    pub state: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The rate limit on record queries. `None` is unlimited.
    pub rate: Option<RateLimit>,
    /// Time for which every answer is held back.
    pub latency: Duration,
    /// The faults to make.
    pub faults: Faults,
    /// The version to stand in for; kept in the state, which refuses another one.
    pub version: TwentyVersion,
    /// True where a new state is given members and a few records.
    pub seed: bool,
    /// True where the newer server answers on metadata in the older one's envelopes, as a workspace that was upgraded
    /// from 1.x does.
    pub legacy_metadata: bool,
    /// True where the stock workflow is active that makes companies of people's addresses, as it is in a new workspace.
    /// Without it the state begins without active workflows.
    pub workflows: bool,
    /// E-mail addresses of members to have besides, in a state that is there too.
    pub members: Vec<String>,
    /// The workspace's id, which the token names as the server's own keys do. `None`: the token names none.
    pub workspace: Option<String>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            state: None,
            port: 0,
            rate: None,
            latency: Duration::ZERO,
            faults: Faults::default(),
            version: TwentyVersion::default(),
            seed: true,
            legacy_metadata: false,
            workflows: false,
            members: Vec::new(),
            workspace: None,
        }
    }
}

/// A token bucket: a burst of `requests`, then one more each `per / requests`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The size of the bucket, in calls.
    pub requests: u32,
    /// The time in which an empty bucket is full again.
    pub per: Duration,
}

/// Which share of the requests fails, and how; each share in percent (0 to 100) of all requests.
///
/// Whether request number n fails depends on `seed` and n alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Answered 500 without being carried out.
    pub percent_500: f64,
    /// The connection is cut before the request is carried out.
    pub percent_reset_before: f64,
    /// The request is carried out, then the connection is cut.
    pub percent_reset_after: f64,
    /// Answered 429 without being carried out.
    pub percent_429: f64,
    /// No answer comes for a minute; about half of these requests are carried out all the same.
    pub percent_timeout: f64,
    /// Carried out, and answered with text that is not JSON.
    pub percent_bad_json: f64,
    /// Carried out, and answered two seconds late.
    pub percent_slow: f64,
    /// Carried out, and answered with the first half of the answer, the connection cut after it.
    pub percent_half: f64,
    /// Values of text that hold this text are refused by a rule of the server's own; the refusal quotes the value.
    pub refuse_quoting: Option<String>,
    /// The same, and the refusal tells nothing.
    pub refuse_silently: Option<String>,
    /// The seed of the choice.
    pub seed: u64,
}

/// Why a sandbox could not be started or read.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The database could not be opened, read or written.
    #[error("the sandbox's database failed: {0}; give another --state file, or delete it to start afresh")]
    Database(#[from] rusqlite::Error),
    /// The port could not be listened on.
    #[error("the sandbox cannot listen on 127.0.0.1:{port}: {reason}; choose another --port, or 0 for a free one")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// Error of the system.
        reason: std::io::Error,
    },
    /// The state was made for another version.
    #[error("the sandbox's state is of Twenty {found}, not {asked}; give another --state file")]
    Version {
        /// The version in the state.
        found: String,
        /// The version that was asked for.
        asked: String,
    },
    /// The stock schema or a stored one cannot be read.
    #[error("the sandbox's schema is not readable: {0}")]
    Schema(#[from] serde_json::Error),
}
