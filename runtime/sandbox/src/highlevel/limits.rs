//! Limits: so many requests in an interval, so many in a day, told by headers with every answer.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::RateLimit;
use crate::highlevel::refusal::Refusal;
use crate::http::Response;

/// The limits that are told where none was asked for; the interval is what a client waits after a 429 that was asked for.
const UNLIMITED: RateLimit = RateLimit { requests: 1_000_000, per: Duration::from_secs(1) };
const UNLIMITED_DAY: u64 = 1_000_000_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Requests within a window that begins with its first request.
#[derive(Debug)]
struct Window {
    begun: Option<Instant>,
    long: Duration,
    most: u64,
    used: u64,
}

impl Window {
    fn new(most: u64, long: Duration) -> Self {
        Self { begun: None, long, most, used: 0 }
    }

    fn left(&mut self, now: Instant) -> u64 {
        if self.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= self.long) {
            self.begun = Some(now);
            self.used = 0;
        }
        self.most.saturating_sub(self.used)
    }
}

/// The counters of a token and of its location.
#[derive(Debug)]
pub(crate) struct Limits {
    burst: Window,
    day: Window,
}

impl Limits {
    /// Counters that nothing has been taken from.
    pub(crate) fn new(rate: Option<RateLimit>, daily: Option<u64>) -> Self {
        let rate = rate.unwrap_or(UNLIMITED);
        let day = Window::new(daily.unwrap_or(UNLIMITED_DAY), DAY);
        Self { burst: Window::new(u64::from(rate.requests), rate.per), day }
    }

    /// Takes one request out, or refuses it.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Refusal> {
        if self.burst.left(now) == 0 || self.day.left(now) == 0 {
            return Err(refusal());
        }
        self.burst.used += 1;
        self.day.used += 1;
        Ok(())
    }

    /// Uses the day's requests up as another integration of the location would.
    pub(crate) fn spend(&mut self, requests: u64, now: Instant) {
        let _begun = self.day.left(now);
        self.day.used = self.day.used.saturating_add(requests);
    }

    /// The answer that the interval's requests are used up, though they are not.
    pub(crate) fn reached(&mut self, now: Instant) -> Response {
        let used = std::mem::replace(&mut self.burst.used, self.burst.most);
        let response = self.told(refusal().into(), now);
        self.burst.used = used;
        response
    }

    /// The answer with the headers that tell where the counters stand.
    pub(crate) fn told(&mut self, mut response: Response, now: Instant) -> Response {
        response.headers.extend([
            ("x-ratelimit-limit-daily", self.day.most.to_string()),
            ("x-ratelimit-daily-remaining", self.day.left(now).to_string()),
            ("x-ratelimit-interval-milliseconds", self.burst.long.as_millis().to_string()),
            ("x-ratelimit-max", self.burst.most.to_string()),
            ("x-ratelimit-remaining", self.burst.left(now).to_string()),
        ]);
        response
    }
}

/// The refusal, the same for both limits: only the headers tell them apart.
fn refusal() -> Refusal {
    Refusal::new(429, json!({"message": "Too Many Requests"}))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Limits;
    use crate::RateLimit;

    #[test]
    fn a_burst_ends_with_its_interval_and_the_day_counts_on() {
        let rate = RateLimit { requests: 3, per: Duration::from_secs(10) };
        let mut limits = Limits::new(Some(rate), Some(5));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!((0..5).filter(|_| limits.take(at(0)).is_ok()).count(), 3);
        assert!(limits.take(at(9)).is_err());
        assert_eq!((0..5).filter(|_| limits.take(at(10)).is_ok()).count(), 2, "the day has five");
        assert!(limits.take(at(30)).is_err());
        assert!(limits.take(at(24 * 3600)).is_ok());
    }

    #[test]
    fn a_limit_on_demand_costs_nothing() {
        let mut limits = Limits::new(None, None);
        let now = Instant::now();
        assert!(limits.take(now).is_ok());
        let left = |headers: &[(&str, String)]| {
            headers.iter().find(|(name, _)| *name == "x-ratelimit-remaining").map(|(_, left)| left.clone())
        };
        let refused = limits.reached(now);
        assert_eq!((refused.status, left(&refused.headers).as_deref()), (429, Some("0")));
        assert!(limits.take(now).is_ok());
    }
}
