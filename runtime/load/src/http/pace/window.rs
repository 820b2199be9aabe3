//! Requests of an interval, as a server counts them that lets so many through in each, however they come.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::Rate;

/// Time that is added to an interval, against clocks that differ.
const SLACK: Duration = Duration::from_millis(20);
/// The most of it that refusals prove.
const MOST_SLACK: Duration = Duration::from_secs(1);
/// Time after which it is looked again whether an answer came.
const LOOK: Duration = Duration::from_millis(50);

/// Requests that may still count at the server: in no interval, whenever it begins there, do more arrive than it takes.
#[derive(Debug)]
pub(super) struct Window {
    most: u32,
    interval: Duration,
    slack: Duration,
    /// Ends of the requests that are over: each arrived before.
    over: VecDeque<Instant>,
    under_way: u32,
}

impl Window {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            most: rate.requests.max(1),
            interval: Duration::from_secs(u64::from(rate.per_seconds)),
            slack: SLACK,
            over: VecDeque::new(),
            under_way: 0,
        }
    }

    pub(super) fn most(&self) -> u32 {
        self.most
    }

    fn long(&self) -> Duration {
        self.interval + self.slack
    }

    /// Lets a request go, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let long = self.long();
        while self.over.front().is_some_and(|over| now.saturating_duration_since(*over) >= long) {
            self.over.pop_front();
        }
        let counted = u32::try_from(self.over.len()).unwrap_or(u32::MAX).saturating_add(self.under_way);
        if counted < self.most {
            self.under_way += 1;
            return Ok(());
        }
        Err(self.over.front().map_or(now + LOOK, |over| *over + long))
    }

    /// A request that had its turn is over.
    pub(super) fn over(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.over.push_back(now);
    }

    /// The server tells its limit; what was sent before counts against it.
    pub(super) fn told(&mut self, rate: Rate) {
        let told = Self::new(rate);
        (self.most, self.interval) = (told.most, told.interval);
    }

    /// The server refused one as too many, all of whose interval is used up by then. Gives the pause. `is_news`: it is the first of its interval.
    pub(super) fn refused(&mut self, is_news: bool) -> Duration {
        if is_news {
            self.slack = (self.slack * 2).min(MOST_SLACK);
        }
        self.long()
    }
}
