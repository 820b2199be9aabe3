//! The pace of requests: a token bucket that mirrors the server's, and gives way when the server says so.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::Rate;

/// Refilled a little slower than stated, against clocks that differ.
const MARGIN: f64 = 1.002;
/// What each refusal adds to the time of a token.
const GIVE_WAY: f64 = 1.05;
/// The slowest refill, as a multiple of the stated time.
const SLOWEST: f64 = 4.0;
/// What each answer takes off again.
const RECOVER: f64 = 0.999;
/// What each refusal adds to the margin for good: requests are not equally long on their way.
const LEARN: f64 = 0.01;
/// The widest margin.
const WIDEST: f64 = 1.05;
/// So many refusals in a row make us take the limit that the server names in place of the one we were told.
const INSISTS: u32 = 3;
/// The first pause where the server names neither a limit nor a time.
const BLIND_PAUSE: Duration = Duration::from_secs(1);

/// How a server's bucket refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refill {
    /// By the exact time that passed.
    Exact,
    /// By the whole tokens of the time since the request before; the rest of that time is lost. Twenty's own counter does so.
    Whole,
}

/// Lets requests through at the server's pace, first come, first served.
#[derive(Debug)]
pub(crate) struct Pace {
    queue: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bucket: Option<Bucket>,
    /// Nobody starts before.
    not_before: Option<Instant>,
    /// Requests that started before this one's refusal tell nothing new.
    refused_at: Option<Instant>,
    /// Refusals since the last answer.
    refusals: u32,
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    tokens: f64,
    interval: Duration,
    slow: f64,
    margin: f64,
    last: Option<Instant>,
    refill: Refill,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let burst = f64::from(rate.burst.unwrap_or(rate.requests)).max(1.0);
        // One in a hundred is kept back: the first request may be longer on its way than the ones after it.
        let capacity = if burst < 10.0 { burst } else { burst - (burst / 100.0).ceil() };
        let interval = Duration::from_secs(u64::from(rate.per_seconds)) / rate.requests.max(1);
        Self { capacity, tokens: capacity, interval, slow: MARGIN, margin: MARGIN, last: None, refill: Refill::Exact }
    }

    fn per_token(&self) -> Duration {
        self.interval.mul_f64(self.slow)
    }

    /// Takes a token, or says when there is one.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let last = self.last.unwrap_or(now);
        let gained = now.saturating_duration_since(last).div_duration_f64(self.per_token());
        let available = match self.refill {
            Refill::Exact => self.tokens + gained,
            Refill::Whole => self.tokens + gained.floor(),
        }
        .min(self.capacity);
        if available >= 1.0 {
            self.tokens = available - 1.0;
            self.last = Some(now);
            return Ok(());
        }
        let missing = match self.refill {
            Refill::Exact => 1.0 - self.tokens,
            Refill::Whole => 1.0,
        };
        self.last = Some(last);
        Err((last + self.per_token().mul_f64(missing)).max(now + Duration::from_millis(1)))
    }
}

impl Pace {
    /// The pace of a rate; without one only refusals slow it down.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let state = State { bucket: rate.map(Bucket::new), not_before: None, refused_at: None, refusals: 0 };
        Self { queue: tokio::sync::Mutex::new(()), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request may start.
    pub(crate) async fn turn(&self) {
        let _first_in_line = self.queue.lock().await;
        loop {
            let Some(until) = self.wait_until(Instant::now()) else { return };
            sleep_until(until).await;
        }
    }

    fn wait_until(&self, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        if let Some(until) = state.not_before {
            if until > now {
                return Some(until);
            }
            state.not_before = None;
        }
        state.bucket.as_mut().and_then(|bucket| bucket.take(now).err())
    }

    /// The server refused a request as one too many: everybody pauses, and the bucket refills slower. `started` is when that request started; `named` the
    /// limit that the server names. Gives the pause.
    pub(crate) fn refused(&self, started: Instant, retry_after: Option<Duration>, named: Option<Rate>) -> Duration {
        let now = Instant::now();
        let mut state = self.state();
        let news = state.refused_at.is_none_or(|at| started > at);
        if news {
            state.refusals += 1;
            state.refused_at = Some(now);
            if let Some(rate) = named {
                // One refusal may be a whim; a limit that is named again and again is the limit.
                let insists = state.refusals >= INSISTS;
                let slower = |bucket: &Bucket| insists && Bucket::new(rate).interval > bucket.interval;
                if state.bucket.as_ref().is_none_or(slower) {
                    state.bucket = Some(Bucket::new(rate));
                }
            }
        }
        let refusals = state.refusals;
        let own = match state.bucket.as_mut() {
            Some(bucket) => {
                if news {
                    // Our count said that there was a token: the server counts as Twenty does, or somebody else uses the same allowance.
                    bucket.refill = Refill::Whole;
                    bucket.slow = (bucket.slow * GIVE_WAY).min(SLOWEST);
                    bucket.margin = (bucket.margin + LEARN).min(WIDEST);
                }
                bucket.tokens = 0.0;
                bucket.last = Some(now);
                bucket.per_token()
            }
            None => BLIND_PAUSE.saturating_mul(1_u32.checked_shl(refusals.saturating_sub(1).min(6)).unwrap_or(64)),
        };
        let pause = retry_after.unwrap_or(Duration::ZERO).max(own);
        let until = now + pause;
        state.not_before = Some(state.not_before.map_or(until, |before| before.max(until)));
        pause
    }

    /// The server let a request through.
    pub(crate) fn allowed(&self) {
        let mut state = self.state();
        state.refusals = 0;
        if let Some(bucket) = state.bucket.as_mut() {
            bucket.slow = (bucket.slow * RECOVER).max(bucket.margin);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::{Instant, sleep};

    use super::{Pace, Refill};
    use crate::Rate;

    /// A server's bucket, counted as the server would at a request's arrival.
    struct Server {
        tokens: f64,
        size: f64,
        interval: Duration,
        last: Option<Instant>,
        refill: Refill,
    }

    impl Server {
        fn admits(&mut self, now: Instant) -> bool {
            let gained = self.last.map_or(0.0, |last| (now - last).div_duration_f64(self.interval));
            let gained = if self.refill == Refill::Whole { gained.floor() } else { gained };
            let tokens = (self.tokens + gained).min(self.size);
            if self.refill == Refill::Exact {
                self.tokens = tokens;
                self.last = Some(now);
            }
            if tokens < 1.0 {
                return false;
            }
            self.tokens = tokens - 1.0;
            self.last = Some(now);
            true
        }
    }

    struct Outcome {
        refused: u32,
        took: Duration,
    }

    /// Sends `total` requests with `workers` at a time; each is `latency` on its way in all, half of it before it arrives.
    async fn run(rate: Rate, refill: Refill, total: u32, workers: u32, latency: Duration) -> Outcome {
        let pace = Arc::new(Pace::new(Some(rate)));
        let size = f64::from(rate.burst.unwrap_or(rate.requests));
        let interval = Duration::from_secs(u64::from(rate.per_seconds)) / rate.requests;
        let server = Arc::new(Mutex::new(Server { tokens: size, size, interval, last: None, refill }));
        let counts = Arc::new(Mutex::new((0, 0)));
        let start = Instant::now();
        let mut crowd = JoinSet::new();
        for worker in 0..workers {
            let (pace, server, counts) = (pace.clone(), server.clone(), counts.clone());
            crowd.spawn(async move {
                let mut sent = worker;
                while sent < total {
                    pace.turn().await;
                    let started = Instant::now();
                    // The way there is not always the same: up to 20 ms more or less.
                    sleep(latency / 2 + Duration::from_millis(u64::from(sent * 7919 % 21))).await;
                    let admitted = server.lock().unwrap().admits(Instant::now());
                    sleep(latency / 2).await;
                    if admitted {
                        pace.allowed();
                        counts.lock().unwrap().0 += 1;
                        sent += workers;
                    } else {
                        counts.lock().unwrap().1 += 1;
                        pace.refused(started, None, None);
                    }
                }
            });
        }
        while crowd.join_next().await.is_some() {}
        let (done, refused) = *counts.lock().unwrap();
        assert_eq!(done, total);
        Outcome { refused, took: start.elapsed() }
    }

    fn allowance(rate: Rate, took: Duration) -> f64 {
        f64::from(rate.burst.unwrap_or(rate.requests))
            + took.as_secs_f64() * f64::from(rate.requests) / f64::from(rate.per_seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_allowance_is_used_without_a_refusal() {
        for (rate, latency) in [
            (Rate { requests: 200, per_seconds: 60, burst: None }, 100),
            (Rate { requests: 200, per_seconds: 60, burst: None }, 1500),
            (Rate { requests: 200, per_seconds: 60, burst: Some(10) }, 100),
            (Rate { requests: 100, per_seconds: 60, burst: None }, 100),
        ] {
            let outcome = run(rate, Refill::Exact, 1000, 8, Duration::from_millis(latency)).await;
            let used = 1000.0 / allowance(rate, outcome.took);
            assert_eq!(outcome.refused, 0, "{rate:?} at {latency} ms");
            assert!(used >= 0.99, "{rate:?} at {latency} ms: {used}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_counts_whole_tokens_is_learnt_from_its_first_refusal() {
        let rate = Rate { requests: 100, per_seconds: 60, burst: None };
        let outcome = run(rate, Refill::Whole, 1000, 4, Duration::from_millis(200)).await;
        assert!(outcome.refused <= 8, "{} refusals", outcome.refused);
        assert!(1000.0 / allowance(rate, outcome.took) >= 0.95, "took {:?}", outcome.took);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_pauses_everybody_for_as_long_as_the_server_asks() {
        let pace = Pace::new(None);
        pace.turn().await;
        let start = Instant::now();
        pace.refused(start, Some(Duration::from_secs(7)), None);
        pace.turn().await;
        assert_eq!(start.elapsed().as_secs(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_was_stated_wrong_gives_way_to_the_servers_once_it_insists() {
        let pace = Pace::new(Some(Rate { requests: 60_000, per_seconds: 60, burst: None }));
        let named = Some(Rate { requests: 100, per_seconds: 60, burst: None });
        for refusal in 1..=3 {
            pace.turn().await;
            let pause = pace.refused(Instant::now(), None, named);
            assert_eq!(pause > Duration::from_millis(500), refusal == 3, "{refusal}: {pause:?}");
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_the_server_names_is_kept_from_then_on() {
        let pace = Pace::new(None);
        pace.turn().await;
        pace.refused(Instant::now(), None, Some(Rate { requests: 100, per_seconds: 60, burst: None }));
        let start = Instant::now();
        for _ in 0..10 {
            pace.turn().await;
        }
        let took = start.elapsed();
        assert!(took >= Duration::from_secs(6) && took < Duration::from_secs(7), "{took:?}");
    }
}
