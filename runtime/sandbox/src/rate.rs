//! The token bucket, as the server keeps it per workspace.

use std::time::Instant;

use crate::RateLimit;
use crate::problem::Problem;

/// A bucket of calls; refused calls cost nothing.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: RateLimit,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, tokens: f64::from(limit.requests), filled: Instant::now() }
    }

    /// Takes one call out, or refuses it.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Problem> {
        let size = f64::from(self.limit.requests);
        let per_second = size / self.limit.per.as_secs_f64().max(0.001);
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * per_second).min(size);
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(refusal(self.limit))
    }
}

/// The refusal, with the limit in its text and no `Retry-After` beside it.
pub(crate) fn refusal(limit: RateLimit) -> Problem {
    let message = format!("Limit reached ({} tokens per {} ms)", limit.requests, limit.per.as_millis());
    Problem::new(429, "HttpException", message)
        .sub("LIMIT_REACHED")
        .friend("Rate limit reached. Please try again later.")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Bucket;
    use crate::RateLimit;

    #[test]
    fn a_burst_passes_and_then_one_call_each_600_ms() {
        let limit = RateLimit { requests: 100, per: Duration::from_secs(60) };
        let mut bucket = Bucket::new(limit);
        let start = Instant::now();
        assert_eq!((0..150).filter(|_| bucket.take(start).is_ok()).count(), 100);
        let problem = bucket.take(start + Duration::from_millis(300)).unwrap_err();
        assert_eq!(problem.message, "Limit reached (100 tokens per 60000 ms)");
        assert!(bucket.take(start + Duration::from_millis(700)).is_ok());
        assert!(bucket.take(start + Duration::from_millis(800)).is_err());
    }
}
