//! Capabilities of a destination, read by those who deliver to it.

use std::time::Duration;

use migr_plan::Destination;

use crate::IdPolicy;

/// Capabilities of a destination. Values, not constants: stated by the plan's catalog, else the connector's own, else
/// probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Records per write request.
    pub batch_size: usize,
    /// Records that one request links by a field of their own (`linked by bulk`).
    pub linked_size: usize,
    /// Records per read request.
    pub page_size: usize,
    /// Requests per window; absent: no limit is known.
    pub rate: Option<Rate>,
    /// Largest file in bytes.
    pub file_bytes: Option<u64>,
    /// Largest request body in bytes.
    pub body_bytes: Option<u64>,
    /// Party that chooses ids.
    pub ids: IdPolicy,
    /// Time after which a look-up that finds nothing proves that nothing is there; zero where every look-up does.
    pub settle: Duration,
    /// Time by which look-ups of the destination were seen to lag behind a write; zero where none is known, and where it is a stand-in on this machine.
    pub lag: Duration,
    /// The time of creation may be written.
    pub settable_created_at: bool,
    /// A deleted record still holds its unique values, and can be restored.
    pub trash: bool,
    /// The server's version, as far as it could be told (`2.x`); absent before `schema`.
    pub version: Option<String>,
}

/// Number of requests that a window takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub requests: u32,
    /// The window, in seconds.
    pub per_seconds: u32,
    /// Requests that may go at once after a rest; absent: as many as `requests`.
    pub burst: Option<u32>,
}

impl Rate {
    /// The pace that a plan states (`requests 100 per 60s`).
    pub fn of(destination: &Destination) -> Option<Self> {
        let (requests, seconds) = destination.pace()?;
        let requests = u32::try_from(requests).ok()?;
        let per_seconds = u32::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
        Some(Self { requests, per_seconds, burst: None })
    }
}
