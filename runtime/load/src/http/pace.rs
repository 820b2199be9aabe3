//! The pace of requests: a token bucket that mirrors the server's, and gives way when the server says so.
//!
//! Twenty counts whole tokens: each request that it lets through starts the clock anew, and the part of a token that had grown by then is lost. Requests that
//! come one by one, each a little late, lose a part of a token each. So they go in salvos: a pause in which several tokens grow, then as many requests at once.
//! The lateness is lost once a salvo, and a server that counts exactly lets the same requests through. Where fewer requests wait than
//! waited for the salvo before, no more come: the last ones of a run do not wait for tokens that nobody takes.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::Rate;

/// Refilled a little slower than stated, against clocks that differ.
const MARGIN: f64 = 1.001;
/// Factor that each refusal adds to the time of a token.
const GIVE_WAY: f64 = 1.05;
/// The slowest refill, as a multiple of the stated time.
const SLOWEST: f64 = 4.0;
/// Factor that each answer takes off again.
const RECOVER: f64 = 0.999;
/// Number of refusals in a row after which the limit that the server names is taken in place of the one we were told.
const INSISTS: u32 = 3;
/// The first pause where the server names neither a limit nor a time.
const BLIND_PAUSE: Duration = Duration::from_secs(1);
/// Lateness of one request after another that left with it, until refusals prove more.
const LATE: Duration = Duration::from_millis(25);
/// The least lateness that is reckoned with.
const LEAST_LATE: Duration = Duration::from_millis(4);
/// The most lateness that is reckoned with before a refusal proves more.
const MOST_SEEN: Duration = Duration::from_millis(500);
/// The most lateness that is reckoned with.
const MOST_LATE: Duration = Duration::from_secs(1);
/// A salvo's pause is so many times the lateness: what is lost is one part in so many.
const PATIENCE: f64 = 600.0;
/// The largest salvo.
const SALVO: u16 = 512;
/// The most requests that are worth having under way, in salvos.
const WIDEST: u16 = 2 * SALVO;
/// A few answers say little about how much they differ.
const FEW: u32 = 32;
/// After so many answers the times of those before them are forgotten. More than a salvo: its last answers are alike.
const GENERATION: u32 = 2 * 512;

/// Lets requests through at the server's pace, first come, first served.
#[derive(Debug)]
pub(crate) struct Pace {
    queue: tokio::sync::Mutex<()>,
    /// Requests that wait for their turn.
    waiting: AtomicU16,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bucket: Option<Bucket>,
    /// Limit that the server told last.
    told: Option<Rate>,
    /// Time before which no request starts.
    not_before: Option<Instant>,
    /// Requests that started before this one's refusal tell nothing new.
    refused_at: Option<Instant>,
    /// Refusals since the last answer.
    refusals: u32,
    /// Times that the answers of this generation took.
    answers: Extremes,
    /// And those of the one before.
    before: Extremes,
    /// Lateness that refusals have proved.
    proved: Duration,
}

/// The shortest and the longest of some answers.
#[derive(Clone, Copy, Debug)]
struct Extremes {
    count: u32,
    least: Duration,
    most: Duration,
}

impl Extremes {
    const NONE: Self = Self { count: 0, least: Duration::MAX, most: Duration::ZERO };

    fn add(&mut self, took: Duration) {
        self.count += 1;
        self.least = self.least.min(took);
        self.most = self.most.max(took);
    }

    fn with(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    tokens: f64,
    interval: Duration,
    slow: f64,
    last: Option<Instant>,
    pause: Option<Pause>,
    /// The most requests that waited at once since the last pause ended.
    crowd: u16,
}

/// The pause before the next salvo.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    /// Tokens that it brings.
    salvo: f64,
    /// The server set it: it is not made longer for a larger salvo.
    is_set: bool,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let burst = f64::from(rate.burst.unwrap_or(rate.requests)).max(1.0);
        // One in a hundred is kept back: a salvo may once arrive more spread than any before.
        let capacity = if burst < 10.0 { burst } else { burst - (burst / 100.0).ceil().min(16.0) };
        let interval = Duration::from_secs(u64::from(rate.per_seconds)) / rate.requests.max(1);
        Self { capacity, tokens: capacity, interval, slow: MARGIN, last: None, pause: None, crowd: 0 }
    }

    fn per_token(&self) -> Duration {
        self.interval.mul_f64(self.slow)
    }

    /// Tokens that a pause should bring.
    fn salvo(&self, late: Duration) -> f64 {
        let enough = late.mul_f64(PATIENCE).div_duration_f64(self.per_token()).ceil();
        enough.clamp(1.0, self.whole(late).min(f64::from(SALVO)).max(1.0))
    }

    /// The tokens that may be spent at once: what grows while the latest of a salvo is on its way is not there yet for the first.
    fn whole(&self, late: Duration) -> f64 {
        (self.capacity - late.div_duration_f64(self.per_token()).floor()).max(1.0)
    }

    /// Takes a token, or says when the next salvo may start. Only what must have grown at the server is counted. `waiting`: requests that wait for their turn.
    fn take(&mut self, now: Instant, late: Duration, waiting: u16) -> Result<(), Instant> {
        let grown = match self.pause {
            Some(pause) if now < pause.until => return Err(pause.until),
            Some(pause) if !pause.is_set && self.wanted(late, waiting) > pause.salvo => {
                let until = self.rest(now, late, waiting);
                if until > now {
                    return Err(until);
                }
                self.wanted(late, waiting)
            }
            Some(pause) => pause.salvo,
            None => {
                let passed = now.saturating_duration_since(self.last.unwrap_or(now)).saturating_sub(late);
                passed.div_duration_f64(self.per_token()).floor()
            }
        };
        let tokens = (self.tokens + grown).min(self.whole(late));
        if tokens >= 1.0 {
            self.crowd = if self.pause.is_some() { waiting } else { self.crowd.max(waiting) };
            self.tokens = tokens - 1.0;
            self.last = Some(now);
            self.pause = None;
            if self.tokens < 1.0 {
                self.rest(now, late, waiting.saturating_sub(1));
            }
            return Ok(());
        }
        Err(self.rest(now, late, waiting).max(now + Duration::from_millis(1)))
    }

    /// Tokens that the next salvo should have: no more than requests wait for it, where fewer wait than before.
    fn wanted(&self, late: Duration, waiting: u16) -> f64 {
        let salvo = self.salvo(late);
        if waiting < self.crowd { salvo.min(f64::from(waiting)).max(1.0) } else { salvo }
    }

    /// Begins the pause in which the next salvo grows, counted from the last request; gives its end.
    fn rest(&mut self, now: Instant, late: Duration, waiting: u16) -> Instant {
        let salvo = self.wanted(late, waiting);
        let until = self.last.unwrap_or(now) + self.per_token().mul_f64(salvo) + late + Duration::from_millis(1);
        self.pause = Some(Pause { until, salvo, is_set: false });
        until
    }

    /// Nothing is left at the server; after this pause one request may try.
    fn emptied(&mut self, now: Instant, late: Duration) -> Duration {
        self.tokens = 0.0;
        self.last = Some(now);
        let pause = self.per_token() + late;
        self.pause = Some(Pause { until: now + pause, salvo: 1.0, is_set: true });
        pause
    }
}

impl State {
    fn answers(&self) -> Extremes {
        self.answers.with(self.before)
    }

    fn late(&self) -> Duration {
        let answers = self.answers();
        let seen = match answers.count {
            0..FEW => LATE,
            // And a little: the next may be later still.
            _ => answers.most.saturating_sub(answers.least).mul_f64(1.1) + Duration::from_millis(2),
        };
        seen.clamp(LEAST_LATE, MOST_SEEN).max(self.proved)
    }

    fn width(&self) -> usize {
        let Some(bucket) = &self.bucket else { return 1 };
        // The shortest answer: a server that is busy answers later, and more requests at once would not help it.
        let answers = self.answers();
        let away = if answers.count == 0 { Duration::ZERO } else { answers.least };
        let wanted = bucket.salvo(self.late()) * 1.25 + away.div_duration_f64(bucket.per_token()).ceil();
        usize::from((1..WIDEST).find(|width| f64::from(*width) >= wanted).unwrap_or(WIDEST))
    }
}

/// A request among those that wait for their turn, until it is dropped.
struct Waiting<'w>(&'w AtomicU16);

impl<'w> Waiting<'w> {
    fn among(waiting: &'w AtomicU16) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pace {
    /// The pace of a rate; without one only refusals slow it down.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let state = State {
            bucket: rate.map(Bucket::new),
            told: None,
            not_before: None,
            refused_at: None,
            refusals: 0,
            answers: Extremes::NONE,
            before: Extremes::NONE,
            proved: Duration::ZERO,
        };
        Self { queue: tokio::sync::Mutex::new(()), waiting: AtomicU16::new(0), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of requests that should be under way, those that wait for their turn included, so that the whole quota is
    /// used.
    pub(crate) fn width(&self) -> usize {
        self.state().width()
    }

    /// Waits until a request may start.
    pub(crate) async fn turn(&self) {
        let _waiting = Waiting::among(&self.waiting);
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
        let late = state.late();
        let waiting = self.waiting.load(Ordering::Relaxed);
        state.bucket.as_mut().and_then(|bucket| bucket.take(now, late, waiting).err())
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
            // Our count said that there was a token: requests arrive more spread than we thought, or somebody else uses the same allowance.
            state.proved = state.late().mul_f64(1.5).min(MOST_LATE);
        }
        let (refusals, late) = (state.refusals, state.late());
        let own = match state.bucket.as_mut() {
            Some(bucket) => {
                if news {
                    bucket.slow = (bucket.slow * GIVE_WAY).min(SLOWEST);
                }
                bucket.emptied(now, late)
            }
            None => BLIND_PAUSE.saturating_mul(1_u32.checked_shl(refusals.saturating_sub(1).min(6)).unwrap_or(64)),
        };
        let pause = retry_after.unwrap_or(Duration::ZERO).max(own);
        let until = now.checked_add(pause).unwrap_or(now);
        state.not_before = Some(state.not_before.map_or(until, |before| before.max(until)));
        pause
    }

    /// The server tells its limit: it takes the place of the one that was stated. What was sent of the old one counts against it.
    pub(crate) fn told(&self, rate: Rate) {
        let mut state = self.state();
        if state.told == Some(rate) {
            return;
        }
        state.told = Some(rate);
        let mut bucket = Bucket::new(rate);
        if let Some(stated) = state.bucket.as_ref() {
            if (stated.interval, stated.capacity) == (bucket.interval, bucket.capacity) {
                return;
            }
            bucket.tokens = (bucket.capacity - (stated.capacity - stated.tokens)).max(0.0);
            bucket.last = stated.last;
        }
        tracing::debug!(requests = rate.requests, seconds = rate.per_seconds, "the server's limit");
        state.bucket = Some(bucket);
    }

    /// The server let a request through that started then.
    pub(crate) fn allowed(&self, started: Instant) {
        let mut state = self.state();
        state.refusals = 0;
        if state.answers.count >= GENERATION {
            state.before = std::mem::replace(&mut state.answers, Extremes::NONE);
        }
        state.answers.add(started.elapsed());
        if let Some(bucket) = state.bucket.as_mut() {
            bucket.slow = (bucket.slow * RECOVER).max(MARGIN);
        }
    }
}

#[cfg(test)]
mod simulation;
