//! Limit of the requests under way: no more than the server answers within a stated time. A busy server answers later,
//! and more requests at once do not help it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Number of requests at the start.
const FIRST: usize = 8;
/// An answer within this part of the stated time lets more through.
const PROMPT: u32 = 4;

/// Lets requests out as long as their answers come within the stated time.
#[derive(Debug)]
pub(crate) struct UnderWay {
    within: Duration,
    most: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    busy: usize,
    limit: usize,
    /// No answer has come late yet: the limit doubles with every round.
    is_new: bool,
    /// Prompt answers since the limit was raised last.
    prompt: usize,
    /// Time of the last lowering: answers to what was sent before it tell nothing new.
    lowered: Option<Instant>,
}

/// The place of one request; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot<'u>(&'u UnderWay);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.busy = state.busy.saturating_sub(1);
        drop(state);
        self.0.freed.notify_one();
    }
}

impl UnderWay {
    /// At most `most`, and no more than are answered `within` a time.
    pub(crate) fn new(most: usize, within: Duration) -> Self {
        let most = most.max(1);
        let state = State { busy: 0, limit: FIRST.min(most), is_new: true, prompt: 0, lowered: None };
        Self { within, most, state: Mutex::new(state), freed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    pub(crate) async fn slot(&self) -> Slot<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                if state.busy < state.limit {
                    state.busy += 1;
                    return Slot(self);
                }
            }
            freed.await;
        }
    }

    /// An answer came, after its request had started then; or the time for it is over.
    pub(crate) fn answered(&self, started: Instant) {
        let took = started.elapsed();
        let mut state = self.state();
        if took > self.within {
            if state.lowered.is_none_or(|lowered| started > lowered) {
                state.limit = (state.limit / 2).max(1);
                state.lowered = Some(Instant::now());
                state.is_new = false;
                state.prompt = 0;
            }
            return;
        }
        // What is not used up says nothing about more.
        let is_used = state.busy * 2 >= state.limit;
        if took * PROMPT > self.within || !is_used || state.limit >= self.most {
            return;
        }
        state.prompt += 1;
        if state.is_new || state.prompt >= state.limit {
            state.limit += 1;
            state.prompt = 0;
            drop(state);
            self.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::{Instant, sleep};

    use super::UnderWay;

    /// Sends requests to a server that works on them one after the other; gives the longest wait for an answer of the later half, and how long all took.
    async fn send(total: usize, each: Duration, latency: Duration) -> (Duration, Duration) {
        let under_way = Arc::new(UnderWay::new(1024, Duration::from_secs(10)));
        let server = Arc::new(tokio::sync::Mutex::new(()));
        let longest = Arc::new(std::sync::Mutex::new(Duration::ZERO));
        let number = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let mut all = JoinSet::new();
        for _ in 0..total {
            let (under_way, server) = (Arc::clone(&under_way), Arc::clone(&server));
            let (longest, number) = (Arc::clone(&longest), Arc::clone(&number));
            all.spawn(async move {
                let _slot = under_way.slot().await;
                let started = Instant::now();
                sleep(latency).await;
                let worked = server.lock().await;
                sleep(each).await;
                drop(worked);
                under_way.answered(started);
                if number.fetch_add(1, Ordering::Relaxed) > total / 2 {
                    let mut longest = longest.lock().unwrap();
                    *longest = (*longest).max(started.elapsed());
                }
            });
        }
        while all.join_next().await.is_some() {}
        let longest = *longest.lock().unwrap();
        (longest, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_is_not_given_more_than_it_answers_in_time() {
        let (longest, took) = send(400, Duration::from_secs(1), Duration::ZERO).await;
        assert!(longest <= Duration::from_secs(12), "{longest:?}");
        assert!(took <= Duration::from_secs(402), "and it is never idle: {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_far_away_is_given_as_many_as_it_takes() {
        let (_, took) = send(2_000, Duration::from_millis(1), Duration::from_millis(1_500)).await;
        assert!(took <= Duration::from_secs(25), "{took:?}");
    }
}
