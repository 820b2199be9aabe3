//! The pace against a server's bucket, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Pace;
use crate::Rate;
use crate::http::under_way::UnderWay;

/// Refill of a server's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refill {
    /// By the exact time that passed.
    Exact,
    /// By the whole tokens of the time since the last request that was let through, as Twenty counts.
    Whole,
}

/// A server's bucket, counted as the server would at a request's arrival, on a clock of whole milliseconds.
struct Server {
    tokens: f64,
    size: f64,
    interval: Duration,
    start: Instant,
    last: u128,
    refill: Refill,
    /// When it let each request through.
    let_through: Vec<Duration>,
}

impl Server {
    fn admits(&mut self) -> bool {
        let now = self.start.elapsed().as_millis();
        let passed = Duration::from_millis(u64::try_from(now - self.last).unwrap());
        let gained = passed.div_duration_f64(self.interval);
        let gained = if self.refill == Refill::Whole { (gained + 1e-9).floor() } else { gained };
        let tokens = (self.tokens + gained).min(self.size);
        let admitted = tokens >= 1.0;
        if admitted || self.refill == Refill::Exact {
            self.tokens = tokens - f64::from(u8::from(admitted));
            self.last = now;
        }
        if admitted {
            self.let_through.push(self.start.elapsed());
        }
        admitted
    }
}

#[derive(Debug)]
struct Outcome {
    refused: u32,
    /// Requests sent over what the server would have allowed in the time.
    used: f64,
}

/// Sends `total` requests, as many at once as the pace asks for. Each is `latency` on its way in all, half of it before it arrives, up to 20 ms more or less.
async fn run(rate: Rate, refill: Refill, total: u32, latency: Duration) -> Outcome {
    run_spread(rate, refill, total, latency, 20).await
}

/// The same, each up to so many milliseconds later than it might be.
async fn run_spread(rate: Rate, refill: Refill, total: u32, latency: Duration, spread: u64) -> Outcome {
    run_after(rate, refill, (0, total), latency, (spread, 0), None).await
}

/// The same, after so many requests one after the other, and with answers that come up to so many milliseconds later than they might. With a limit, as the
/// client has it, few are under way at first, and then more and more.
async fn run_after(
    rate: Rate,
    refill: Refill,
    (one_by_one, total): (u32, u32),
    latency: Duration,
    (spread, back): (u64, u64),
    under_way: Option<UnderWay>,
) -> Outcome {
    let pace = Arc::new(Pace::new(Some(rate)));
    let under_way = Arc::new(under_way);
    let size = f64::from(rate.burst.unwrap_or(rate.requests));
    let interval = Duration::from_secs(u64::from(rate.per_seconds)) / rate.requests;
    let start = Instant::now();
    let server =
        Arc::new(Mutex::new(Server { tokens: size, size, interval, start, last: 0, refill, let_through: Vec::new() }));
    let later = |number: u32, most: u64| {
        Duration::from_millis(u64::from(number.wrapping_mul(2_654_435_761) >> 16) % (most + 1))
    };
    let ask = |number: u32| {
        let (pace, under_way, server) = (Arc::clone(&pace), Arc::clone(&under_way), Arc::clone(&server));
        let (spread, back) = (later(number, spread), later(number.wrapping_add(7_919), back));
        async move {
            let waiting = pace.wait();
            let _slot = match &*under_way {
                Some(under_way) => Some(under_way.slot().await),
                None => None,
            };
            let _started = waiting.turn(1).await;
            let started = Instant::now();
            sleep(latency / 2 + spread).await;
            let admitted = server.lock().unwrap().admits();
            sleep(latency / 2 + back).await;
            if let Some(under_way) = &*under_way {
                under_way.answered(started);
            }
            if admitted {
                pace.allowed(started);
            } else {
                pace.refused(started, None, None);
            }
            admitted
        }
    };
    for number in 0..one_by_one {
        assert!(ask(number).await, "one after the other is never too many");
    }
    let (mut refused, mut done, mut begun) = (0, 0, 0_u32);
    let (mut flights, mut is_answered) = (JoinSet::new(), under_way.is_none());
    while done < total {
        let most = if is_answered { pace.width().max(4) } else { 4 };
        while done + u32::try_from(flights.len()).unwrap() < total && flights.len() < most {
            begun += 1;
            flights.spawn(ask(begun));
        }
        if flights.join_next().await.unwrap().unwrap() {
            done += 1;
        } else {
            refused += 1;
        }
        is_answered = true;
    }
    let all = std::mem::take(&mut server.lock().unwrap().let_through);
    let let_through = all.get(usize::try_from(one_by_one).unwrap()..).unwrap_or_default();
    // What went before is gone from the bucket, but for what grew until then.
    let full =
        (size - f64::from(one_by_one) + let_through[0].saturating_sub(all[0]).div_duration_f64(interval)).min(size);
    // Requests come in steps: what counts is where the last tenth of them stands best.
    let used = let_through.iter().zip(1_u32..).skip(let_through.len() / 10 * 9).map(|(at, count)| {
        let allowed = full + at.saturating_sub(let_through[0]).div_duration_f64(interval);
        f64::from(count) / allowed
    });
    Outcome { refused, used: used.fold(0.0, f64::max) }
}

#[tokio::test(start_paused = true)]
async fn the_whole_allowance_is_used_without_a_refusal() {
    let mut short = Vec::new();
    for refill in [Refill::Whole, Refill::Exact] {
        for requests in [50, 100, 200, 600, 1_500, 6_000] {
            for latency in [50, 500, 2_000] {
                let rate = Rate { requests, per_seconds: 60, burst: None };
                let outcome = run(rate, refill, (requests * 20).min(24_000), Duration::from_millis(latency)).await;
                let case = format!("{refill:?}, {requests} a minute, {latency} ms: {outcome:?}");
                if outcome.refused > 0 || outcome.used < 0.99 {
                    short.push(case);
                }
            }
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_arrive_far_apart_are_not_refused_either() {
    for refill in [Refill::Whole, Refill::Exact] {
        for spread in [100, 300] {
            let rate = Rate { requests: 100, per_seconds: 60, burst: None };
            let outcome = run_spread(rate, refill, 2_000, Duration::from_millis(1_500), spread).await;
            assert!(outcome.refused == 0 && outcome.used >= 0.99, "{refill:?}, {spread} ms: {outcome:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_requests_wait_for_no_more_tokens_than_they_take() {
    let rate = Rate { requests: 100, per_seconds: 60, burst: None };
    for refill in [Refill::Whole, Refill::Exact] {
        for total in (350..=470).step_by(10) {
            let outcome = run_spread(rate, refill, total, Duration::from_millis(1_500), 150).await;
            assert!(outcome.refused == 0 && outcome.used >= 0.99, "{refill:?}, {total}: {outcome:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_requests_use_the_allowance_from_the_first_to_the_last() {
    let rate = Rate { requests: 100, per_seconds: 60, burst: None };
    let mut short = Vec::new();
    for refill in [Refill::Whole, Refill::Exact] {
        for latency in [100, 700, 1_500] {
            // Answers that come far apart leave it open what of the first rounds has grown.
            for (later, least) in [((10, 10), 0.99), ((30, 30), 0.99), ((100, 50), 0.985), ((150, 200), 0.97)] {
                for one_by_one in [3, 7] {
                    let limit = UnderWay::new(1024, Duration::from_secs(10));
                    let latency = Duration::from_millis(latency);
                    let outcome = run_after(rate, refill, (one_by_one, 400), latency, later, Some(limit)).await;
                    if outcome.refused > 0 || outcome.used < least {
                        short.push(format!("{refill:?}, {latency:?}, {later:?}, after {one_by_one}: {outcome:?}"));
                    }
                }
            }
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_small_bucket_is_used_too() {
    let rate = Rate { requests: 200, per_seconds: 60, burst: Some(10) };
    for refill in [Refill::Whole, Refill::Exact] {
        let outcome = run(rate, refill, 4_000, Duration::from_millis(100)).await;
        assert_eq!(outcome.refused, 0, "{refill:?}: {outcome:?}");
        assert!(outcome.used >= 0.985, "{refill:?}: {outcome:?}");
    }
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
async fn a_limit_that_the_server_tells_takes_the_place_of_the_stated_one_both_ways() {
    for (stated, told, least, most) in [(100, 25, 38.0, 50.0), (25, 100, 0.0, 12.0)] {
        let rate = |requests| Rate { requests, per_seconds: 10, burst: None };
        let pace = Pace::new(Some(rate(stated)));
        pace.turn().await;
        let start = Instant::now();
        for _ in 0..120 {
            pace.told(rate(told));
            pace.turn().await;
        }
        let took = start.elapsed().as_secs_f64();
        assert!((least..most).contains(&took), "{stated} stated, {told} told: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_the_server_told_its_limit_counts_against_it() {
    let pace = Pace::new(Some(Rate { requests: 100, per_seconds: 10, burst: None }));
    for _ in 0..24 {
        pace.turn().await;
    }
    let start = Instant::now();
    pace.told(Rate { requests: 25, per_seconds: 10, burst: None });
    for _ in 0..5 {
        pace.turn().await;
    }
    assert!(start.elapsed().as_secs_f64() > 1.2, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_the_server_names_is_kept_from_then_on() {
    let pace = Pace::new(None);
    pace.turn().await;
    pace.refused(Instant::now(), None, Some(Rate { requests: 100, per_seconds: 60, burst: None }));
    let start = Instant::now();
    for _ in 0..600 {
        pace.turn().await;
    }
    let took = start.elapsed().as_secs_f64();
    assert!((360.0 / took) > 0.9 && took >= 360.0 - 0.6 * 10.0, "{took}");
}

/// Server that lets so many requests through in an interval, which begins with its first request or is the time just gone.
struct Intervals {
    most: usize,
    long: Duration,
    slides: bool,
    begun: Option<Instant>,
    arrived: Vec<Instant>,
}

impl Intervals {
    fn admits(&mut self) -> bool {
        let now = Instant::now();
        let begun = match self.begun {
            _ if self.slides => now.checked_sub(self.long).unwrap_or(now),
            Some(begun) if now.duration_since(begun) < self.long => begun,
            _ => now,
        };
        self.begun = Some(begun);
        let counted = self.arrived.iter().rev().take_while(|at| **at > begun || !self.slides && **at == begun).count();
        if counted < self.most {
            self.arrived.push(now);
        }
        counted < self.most
    }
}

#[tokio::test(start_paused = true)]
async fn the_requests_of_each_interval_are_used_without_a_refusal_where_the_server_counts_by_them() {
    const TOTAL: u32 = 1_000;
    for slides in [false, true] {
        for latency in [5_u64, 100, 200] {
            let rate = Rate { requests: 100, per_seconds: 10, burst: None };
            let pace = Arc::new(Pace::by_intervals(Some(rate)));
            let long = Duration::from_secs(10);
            let server = Intervals { most: 100, long, slides, begun: None, arrived: Vec::new() };
            let server = Arc::new(Mutex::new(server));
            let start = Instant::now();
            let mut flights = JoinSet::new();
            for number in 0..TOTAL {
                let (pace, server) = (Arc::clone(&pace), Arc::clone(&server));
                let later = Duration::from_millis(u64::from(number.wrapping_mul(2_654_435_761) >> 16) % 50);
                flights.spawn(async move {
                    let _started = pace.wait().turn(1).await;
                    sleep(Duration::from_millis(latency / 2) + later).await;
                    let admitted = server.lock().unwrap().admits();
                    sleep(Duration::from_millis(latency / 2)).await;
                    admitted
                });
            }
            let refused = flights.join_all().await.into_iter().filter(|admitted| !admitted).count();
            // Nine intervals lie between the first hundred and the last.
            let used = 90.0 / start.elapsed().as_secs_f64();
            assert!(refused == 0 && used > 0.965, "slides: {slides}, {latency} ms: {refused} refused, {used:.3} used");
        }
    }
}
