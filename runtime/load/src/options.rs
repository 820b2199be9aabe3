//! Where a destination is and how it is spoken to.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::{Clock, Rate, Secret, SystemClock};

/// Where a destination is.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Address of the destination, without a path: `https://crm.example`.
    pub url: String,
    /// The key that opens it.
    pub token: Secret,
}

impl Endpoint {
    /// True for an address of this machine.
    pub fn is_here(&self) -> bool {
        let host = reqwest::Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let name = host.unwrap_or_default();
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

/// A pause before a request is sent again.
#[derive(Clone, Debug)]
pub struct Wait {
    /// Server, without path and query.
    pub host: String,
    /// The reason for it.
    pub why: String,
    /// Length of the pause.
    pub pause: Duration,
}

/// Whoever tells people of pauses.
pub trait WaitSink: Send + Sync {
    /// A pause has begun.
    fn wait(&self, wait: &Wait);
}

/// Options of the connection to a destination.
#[derive(Clone)]
pub struct HttpOptions {
    /// Settings of the destination that its connector reads, such as `location`.
    pub settings: BTreeMap<String, String>,
    /// A proxy for all requests; absent: what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
    pub proxy: Option<String>,
    /// Certificates that are trusted besides the system's, as PEM.
    pub certificates: Vec<Vec<u8>>,
    /// Rate that goes before the plan's.
    pub rate: Option<Rate>,
    /// The folder in which requests of a long time are counted (`requests 20000 per 24h`); absent: this connection's own alone.
    pub counts: Option<PathBuf>,
    /// True where the plan's quotas of long times hold.
    pub allowances: bool,
    /// By which clock long times are counted.
    pub clock: Arc<dyn Clock>,
    /// The most requests under way at the same time, those that wait for their turn included.
    pub in_flight: usize,
    /// No more requests are under way than are answered within this time.
    pub answer_within: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer to an empty request.
    pub timeout: Duration,
    /// Time that each mebibyte of a request's body adds to it.
    pub timeout_per_mebibyte: Duration,
    /// Number of times that one request is tried.
    pub attempts: u32,
    /// The first pause between attempts; doubled each time.
    pub back_off: Duration,
    /// The longest pause between attempts.
    pub longest_back_off: Duration,
    /// A pause that the server asks for beyond this ends the run as used up.
    pub longest_wait: Duration,
    /// Bytes of an answer that are taken; a longer one is none.
    pub largest_answer: usize,
    /// Receiver of the news of pauses.
    pub waits: Option<Arc<dyn WaitSink>>,
    /// Spreads the pauses of several clients; the same seed gives the same pauses.
    pub jitter_seed: u64,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            settings: BTreeMap::new(),
            proxy: None,
            certificates: Vec::new(),
            rate: None,
            counts: None,
            allowances: true,
            clock: Arc::new(SystemClock),
            in_flight: 1024,
            answer_within: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            timeout_per_mebibyte: Duration::from_secs(120),
            attempts: 8,
            back_off: Duration::from_millis(500),
            longest_back_off: Duration::from_secs(30),
            longest_wait: Duration::from_secs(15 * 60),
            largest_answer: 256 << 20,
            waits: None,
            jitter_seed: 0,
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may hold a password.
        f.debug_struct("HttpOptions")
            .field("proxy", &self.proxy.as_ref().map(|_| "***"))
            .field("rate", &self.rate)
            .field("in_flight", &self.in_flight)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_machine_is_told_from_others() {
        for (url, is_here) in [
            ("http://127.0.0.1:4700", true),
            ("http://localhost:4700", true),
            ("http://[::1]:4700", true),
            ("https://services.leadconnectorhq.com", false),
            ("https://localhost.example", false),
            ("nonsense", false),
        ] {
            assert_eq!(Endpoint { url: url.to_owned(), token: Secret::new("key") }.is_here(), is_here, "{url}");
        }
    }
}
