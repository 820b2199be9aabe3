//! The pace of requests: a token bucket that mirrors the server's, and gives way when the server says so.
//!
//! Twenty counts whole tokens: each request that it lets through starts the clock anew, and the part of a token that had grown by then is lost. Requests that
//! come one by one, each a little late, lose a part of a token each. So they go in salvos: a pause in which several tokens grow, then as many requests at once.
//! The lateness is lost once a salvo, and a server that counts exactly lets the same requests through. Where fewer requests wait than
//! waited for the salvo before, no more come: the last ones of a run do not wait for tokens that nobody takes. Before the first salvo, while more
//! and more requests are under way, each round of them waits for a whole token, where enough wait to use up what there is.
//!
//! A server that tells an interval counts by it: so many in each, however they come ([`window`]).
//!
//! Lateness of a salvo is known once its last answer is there: no later than that answer less the shortest time that one took.

mod window;

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::Rate;
use window::Window;

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
const PATIENCE: f64 = 1_000.0;
/// The largest salvo.
const SALVO: u16 = 512;
/// The most requests that are worth having under way, in salvos.
const WIDEST: f64 = 1_024.0;
/// Time after which it is looked again whether more requests wait.
const LOOK: Duration = Duration::from_millis(50);
/// Number of requests under way or waiting that are followed by more.
const MANY: usize = 16;
/// A few answers say little about how much they differ.
const FEW: u32 = 32;
/// After so many answers the times of those before them are forgotten. More than a salvo: its last answers are alike.
const GENERATION: u32 = 2 * 512;

/// Lets requests through at the server's pace, first come, first served.
#[derive(Debug)]
pub(crate) struct Pace {
    queue: tokio::sync::Mutex<()>,
    /// Requests that wait for their turn, those included that have no place among those under way yet.
    waiting: AtomicU16,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bucket: Option<Bucket>,
    /// Count of a server that counts by intervals, in place of a bucket.
    window: Option<Window>,
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
    /// Requests that had their turn and are not over.
    under_way: u32,
    /// The latest that one of those that are over can have arrived.
    arrived: Option<Instant>,
}

/// Lateness of what was sent.
#[derive(Clone, Copy, Debug)]
struct Late {
    /// The most that one request arrives later than another that left with it.
    most: Duration,
    /// The moment by which all that was sent has arrived, where it is known.
    arrived: Option<Instant>,
}

/// Requests that wait for their turn.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    waiting: u16,
    /// True where so many wait that more will follow: whatever there is will be used up.
    is_large: bool,
    /// True where they are, with those that had their turn, as many as are worth having.
    is_full: bool,
    /// True while some had their turn and are not over: others may follow them.
    is_moving: bool,
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
    /// Tokens that have to have grown before the next request, which waits for whole ones.
    awaited: Option<f64>,
    /// The most requests that waited at once since the last pause ended.
    crowd: u16,
    /// True where they were as many as are worth having.
    was_full: bool,
}

/// The pause before the next salvo.
#[derive(Clone, Copy, Debug)]
struct Pause {
    /// Tokens that it brings.
    salvo: f64,
    /// End of the pause, where the server set it: it is not made longer for a larger salvo.
    until: Option<Instant>,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let burst = f64::from(rate.burst.unwrap_or(rate.requests)).max(1.0);
        // One in a hundred is kept back: a salvo may once arrive more spread than any before.
        let capacity = if burst < 10.0 { burst } else { burst - (burst / 100.0).ceil().min(16.0) };
        let interval = Duration::from_secs(u64::from(rate.per_seconds)) / rate.requests.max(1);
        Self {
            capacity,
            tokens: capacity,
            interval,
            slow: MARGIN,
            last: None,
            pause: None,
            awaited: None,
            crowd: 0,
            was_full: false,
        }
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

    /// Takes a token, or says when to ask again. Only what must have grown at the server is counted.
    fn take(&mut self, now: Instant, late: Late, crowd: Crowd) -> Result<(), Instant> {
        let grown = match self.pause {
            Some(Pause { until: Some(until), .. }) if now < until => return Err(until),
            Some(Pause { until: Some(_), salvo }) => salvo,
            Some(Pause { until: None, salvo }) => {
                let salvo = salvo.max(self.wanted(late.most, crowd));
                self.pause = Some(Pause { until: None, salvo });
                let until = self.grown_by(now, late, salvo);
                if now < until {
                    return Err(until);
                }
                // Fewer than there should be: whether they are the last is known once the others are over.
                if crowd.is_moving && now < self.grown_by(now, late, self.salvo(late.most)) {
                    return Err(now + LOOK);
                }
                salvo
            }
            None => {
                let passed = now.saturating_duration_since(self.counted_from(now, late));
                let grown = passed.div_duration_f64(self.per_token()).floor();
                if self.awaited.is_none() && self.is_worth_waiting(now, late, crowd, grown) {
                    self.awaited = Some(grown + 1.0);
                }
                // Answers that came meanwhile may tell of more lateness.
                if let Some(awaited) = self.awaited.filter(|awaited| grown < *awaited) {
                    return Err(self.counted_from(now, late) + self.growing(awaited));
                }
                grown
            }
        };
        let tokens = (self.tokens + grown).min(self.whole(late.most));
        if tokens >= 1.0 {
            let anew = self.pause.is_some();
            self.crowd = if anew { crowd.waiting } else { self.crowd.max(crowd.waiting) };
            self.was_full = crowd.is_full || self.was_full && !anew;
            self.tokens = tokens - 1.0;
            self.last = Some(now);
            self.pause = None;
            self.awaited = None;
            if self.tokens < 1.0 {
                self.rest(late, Crowd { waiting: crowd.waiting.saturating_sub(1), ..crowd });
            }
            return Ok(());
        }
        let salvo = self.rest(late, crowd);
        Err(self.grown_by(now, late, salvo).max(now + Duration::from_millis(1)))
    }

    /// True where so much of a token has grown that would be lost with the next request, and what is there will be used up.
    fn is_worth_waiting(&self, now: Instant, late: Late, crowd: Crowd, grown: f64) -> bool {
        let Some(last) = self.last.filter(|_| crowd.is_large) else { return false };
        let uncounted = now.saturating_duration_since(last).saturating_sub(self.per_token().mul_f64(grown));
        // What the wait itself may lose.
        let unsure = self.counted_from(now, late).saturating_duration_since(last);
        self.tokens + grown + 1.0 <= self.whole(late.most) && uncounted > unsure * 2
    }

    /// Tokens that the next salvo should have: no more than requests wait for it, where fewer wait than before.
    fn wanted(&self, late: Duration, crowd: Crowd) -> f64 {
        let salvo = self.salvo(late);
        let are_the_last = crowd.waiting < self.crowd || self.was_full && !crowd.is_full;
        if are_the_last { salvo.min(f64::from(crowd.waiting)).max(1.0) } else { salvo }
    }

    /// Begins the pause in which the next salvo grows; gives its tokens.
    fn rest(&mut self, late: Late, crowd: Crowd) -> f64 {
        let salvo = self.wanted(late.most, crowd);
        self.pause = Some(Pause { salvo, until: None });
        salvo
    }

    /// The moment from which what grows at the server is counted: that by which all that was sent has arrived.
    fn counted_from(&self, now: Instant, late: Late) -> Instant {
        let last = self.last.unwrap_or(now);
        late.arrived.map_or(last + late.most, |arrived| arrived.max(last))
    }

    /// The time in which so many tokens grow, and a millisecond.
    fn growing(&self, tokens: f64) -> Duration {
        self.per_token().mul_f64(tokens) + Duration::from_millis(1)
    }

    /// The moment by which so many tokens have grown; the earliest that it can be, where that is still to come and not all has arrived.
    fn grown_by(&self, now: Instant, late: Late, tokens: f64) -> Instant {
        let grows = self.growing(tokens);
        let earliest = self.last.unwrap_or(now) + grows;
        if late.arrived.is_none() && now < earliest { earliest } else { self.counted_from(now, late) + grows }
    }

    /// Nothing is left at the server; after this pause one request may try.
    fn emptied(&mut self, now: Instant, late: Duration) -> Duration {
        self.tokens = 0.0;
        self.last = Some(now);
        let pause = self.per_token() + late;
        self.pause = Some(Pause { until: Some(now + pause), salvo: 1.0 });
        pause
    }
}

impl State {
    fn answers(&self) -> Extremes {
        self.answers.with(self.before)
    }

    fn late(&self) -> Duration {
        let answers = self.answers();
        let apart = answers.most.saturating_sub(answers.least);
        let seen = match answers.count {
            0 => LATE,
            1..FEW => LATE.max(apart * 2),
            // And a little: the next may be later still.
            _ => apart.mul_f64(1.1) + Duration::from_millis(2),
        };
        seen.clamp(LEAST_LATE, MOST_SEEN).max(self.proved)
    }

    /// The same for what was sent until now, which may be known better.
    fn lateness(&self) -> Late {
        let most = self.late();
        let answers = self.answers();
        let is_known = self.under_way == 0 && answers.count >= FEW && self.proved.is_zero();
        // The shortest that was seen may not be the shortest that there is.
        let slack = answers.most.saturating_sub(answers.least) / 10 + LEAST_LATE;
        Late { most, arrived: self.arrived.filter(|_| is_known).map(|arrived| arrived + slack) }
    }

    fn width(&self) -> usize {
        if let Some(window) = &self.window {
            return usize::try_from(window.most()).unwrap_or(usize::MAX).min(SALVO.into());
        }
        let Some(bucket) = &self.bucket else { return 1 };
        // The shortest answer: a server that is busy answers later, and more requests at once would not help it.
        let answers = self.answers();
        let away = if answers.count == 0 { Duration::ZERO } else { answers.least };
        let wanted = bucket.salvo(self.late()) * 1.25 + away.div_duration_f64(bucket.per_token()).ceil();
        let whole = Duration::from_secs_f64(wanted.ceil().clamp(1.0, WIDEST));
        usize::try_from(whole.as_secs()).unwrap_or(usize::MAX)
    }
}

/// A request among those that wait for their turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'p>(&'p Pace);

impl<'p> Waiting<'p> {
    /// Waits until the request may start, where the server counts it as so many.
    pub(crate) async fn turn(self, tokens: u32) -> Started<'p> {
        let mut started = Started { pace: self.0, tokens: 0 };
        for _ in 0..tokens {
            self.0.turn().await;
            started.tokens += 1;
        }
        started
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that had its turn, until it is over.
#[derive(Debug)]
pub(crate) struct Started<'p> {
    pace: &'p Pace,
    tokens: u32,
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.pace.state();
        state.under_way = state.under_way.saturating_sub(self.tokens);
        if let Some(window) = state.window.as_mut() {
            (0..self.tokens).for_each(|_| window.over(now));
        }
        let answers = state.answers();
        let way = if answers.count == 0 { Duration::ZERO } else { answers.least };
        let arrived = now.checked_sub(way).unwrap_or(now);
        state.arrived = Some(state.arrived.map_or(arrived, |before| before.max(arrived)));
    }
}

impl Pace {
    /// The pace of a rate; without one only refusals slow it down.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let state = State {
            bucket: rate.map(Bucket::new),
            window: None,
            told: None,
            not_before: None,
            refused_at: None,
            refusals: 0,
            answers: Extremes::NONE,
            before: Extremes::NONE,
            proved: Duration::ZERO,
            under_way: 0,
            arrived: None,
        };
        Self { queue: tokio::sync::Mutex::new(()), waiting: AtomicU16::new(0), state: Mutex::new(state) }
    }

    /// The pace of a server that lets so many requests through in each interval, however they come.
    pub(crate) fn by_intervals(rate: Option<Rate>) -> Self {
        let pace = Self::new(None);
        pace.state().window = rate.map(Window::new);
        pace
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of requests that should be under way, those that wait for their turn included, so that the whole quota is
    /// used.
    pub(crate) fn width(&self) -> usize {
        self.state().width()
    }

    /// Takes a request in among those that wait for their turn.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    async fn turn(&self) {
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
        let late = state.lateness();
        let waiting = self.waiting.load(Ordering::Relaxed);
        let wanted = usize::from(waiting) + usize::try_from(state.under_way).unwrap_or(usize::MAX);
        let width = state.width();
        let is_large = wanted >= width.div_ceil(2).min(MANY);
        let crowd = Crowd { waiting, is_large, is_full: wanted >= width, is_moving: state.under_way > 0 };
        let later = match state.window.as_mut() {
            Some(window) => window.take(now).err(),
            None => state.bucket.as_mut().and_then(|bucket| bucket.take(now, late, crowd).err()),
        };
        state.under_way += u32::from(later.is_none());
        later
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
                if state.window.is_none() && state.bucket.as_ref().is_none_or(slower) {
                    state.bucket = Some(Bucket::new(rate));
                }
            }
            // Our count said that there was a token: requests arrive more spread than we thought, or somebody else uses the same allowance.
            state.proved = state.late().mul_f64(1.5).min(MOST_LATE);
        }
        let (refusals, late) = (state.refusals, state.late());
        let counted = state.window.as_mut().map(|window| window.refused(news));
        let own = match (counted, state.bucket.as_mut()) {
            (Some(pause), _) => pause,
            (None, Some(bucket)) => {
                if news {
                    bucket.slow = (bucket.slow * GIVE_WAY).min(SLOWEST);
                }
                bucket.emptied(now, late)
            }
            (None, None) => {
                BLIND_PAUSE.saturating_mul(1_u32.checked_shl(refusals.saturating_sub(1).min(6)).unwrap_or(64))
            }
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
        if let Some(window) = state.window.as_mut() {
            tracing::debug!(requests = rate.requests, seconds = rate.per_seconds, "the server's limit");
            window.told(rate);
            return;
        }
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
