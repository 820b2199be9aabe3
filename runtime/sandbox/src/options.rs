//! Limits and faults that a sandbox is started with, and the reasons why it may not start.

use std::time::Duration;

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
    /// A create is carried out, and answered 422 all the same; only where the system was seen to do so (contacts of HighLevel).
    pub percent_contradiction: f64,
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
    #[error("the sandbox's state was made for version {found}, not {asked}; give another --state file")]
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
