//! The token bucket, as the server keeps it per workspace.

use std::time::Instant;

use crate::RateLimit;
use crate::twenty::problem::Problem;

/// A bucket of calls, counted as the server counts: in whole tokens and whole milliseconds since the last call that passed. What had grown beyond a whole token
/// is lost with each call that passes; refused calls cost nothing and change nothing.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: RateLimit,
    tokens: u64,
    begun: Instant,
    /// Milliseconds after `begun` of the last call that passed.
    filled: u128,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, tokens: u64::from(limit.requests), begun: Instant::now(), filled: 0 }
    }

    /// Takes one call out, or refuses it.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Problem> {
        let size = u64::from(self.limit.requests);
        let now = now.saturating_duration_since(self.begun).as_millis();
        let window = self.limit.per.as_millis().max(1);
        let grown = now.saturating_sub(self.filled) * u128::from(size) / window;
        let tokens = self.tokens.saturating_add(u64::try_from(grown).unwrap_or(u64::MAX)).min(size);
        if tokens >= 1 {
            self.tokens = tokens - 1;
            self.filled = now;
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

    #[test]
    fn what_had_grown_beyond_a_whole_token_is_lost() {
        let mut bucket = Bucket::new(RateLimit { requests: 100, per: Duration::from_secs(60) });
        let start = Instant::now();
        assert_eq!((0..150).filter(|_| bucket.take(start).is_ok()).count(), 100);
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        // One and a half tokens have grown, and then half of one: the first half is gone.
        assert!(bucket.take(at(910)).is_ok());
        assert!(bucket.take(at(1_250)).is_err());
        assert!(bucket.take(at(1_520)).is_ok());
    }
}
