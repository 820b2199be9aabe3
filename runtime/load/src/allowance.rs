//! Requests that are allowed in a long time, such as a day: counted over runs, in a file beside the journal.
//!
//! The time slides: whatever the server's day is, no time of that length sees more. Times are counted in a twenty-fourth of it, rounded up. A clock that was
//! set back is met by taking what lies in the future for used now; one that was set forward is believed, and then the server's own count stops us.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use migr_plan::Destination;

/// Parts of the time that are counted each by itself.
const PARTS: i64 = 24;
/// The most requests that a process takes at once; what it does not use it gives back at its end.
const MOST_AT_ONCE: u64 = 50;

/// Tells what time it is.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// An amount of requests that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    /// `20000 requests per 24h`
    pub(crate) allowance: String,
    /// When the next one may go.
    pub(crate) until: Timestamp,
}

/// Requests that a destination allows in a long time.
#[derive(Debug)]
pub struct Allowance {
    requests: u64,
    milliseconds: i64,
    clock: Arc<dyn Clock>,
    file: Option<PathBuf>,
    used: Mutex<Used>,
}

/// Requests by the beginning of their part of the time, in milliseconds, in order.
#[derive(Debug, Default)]
struct Used {
    parts: Vec<(i64, u64)>,
    /// Taken and not used yet.
    left: u64,
}

impl Allowance {
    /// Those that a destination has, each kept in a file of its own in the folder; in memory alone without one.
    pub fn of(destination: &Destination, folder: Option<&Path>, clock: &Arc<dyn Clock>) -> Vec<Self> {
        let one = |(requests, seconds): (u64, u64)| Self {
            requests,
            milliseconds: i64::try_from(seconds).unwrap_or(i64::MAX / 2000).saturating_mul(1000),
            clock: Arc::clone(clock),
            file: folder.map(|folder| folder.join(format!("requests-per-{seconds}s.json"))),
            used: Mutex::default(),
        };
        destination.allowances().into_iter().map(one).collect()
    }

    /// Takes one request, or says when one may go.
    pub(crate) fn take(&self) -> Result<(), Spent> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.left == 0 {
            let mut file = self.file.as_deref().and_then(open);
            if let Some(parts) = file.as_mut().and_then(read) {
                used.parts = parts;
            }
            let now = self.clock.now().as_millisecond();
            self.forget(&mut used.parts, now);
            let spent: u64 = used.parts.iter().map(|(_, requests)| requests).sum();
            let left = self.requests.saturating_sub(spent);
            let taken = left.min((self.requests / 1000).clamp(1, MOST_AT_ONCE));
            if taken > 0 {
                add(&mut used.parts, self.part(now), taken);
            }
            // Also where none is left: by then the clock may be another.
            if let Some(file) = &mut file {
                write(file, &used.parts);
            }
            if left == 0 {
                return Err(Spent { allowance: self.to_string(), until: self.until(&used.parts, now) });
            }
            used.left = taken;
        }
        used.left -= 1;
        Ok(())
    }

    /// The beginning of the part of the time that a moment is in.
    fn part(&self, moment: i64) -> i64 {
        let length = (self.milliseconds / PARTS).max(1);
        moment.div_euclid(length) * length
    }

    /// Forgets what is over; what lies in the future was counted by a clock that was set back since.
    fn forget(&self, parts: &mut Vec<(i64, u64)>, now: i64) {
        let current = self.part(now);
        let future: u64 = parts.iter().filter(|(begin, _)| *begin > current).map(|(_, requests)| requests).sum();
        parts.retain(|(begin, _)| *begin <= current && self.end(*begin) > now);
        if future > 0 {
            add(parts, current, future);
        }
    }

    /// When a part of the time counts no more.
    fn end(&self, begin: i64) -> i64 {
        begin.saturating_add((self.milliseconds / PARTS).max(1)).saturating_add(self.milliseconds)
    }

    fn until(&self, parts: &[(i64, u64)], now: i64) -> Timestamp {
        let first = parts.first().map_or(now, |(begin, _)| self.end(*begin));
        Timestamp::from_millisecond(first).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.milliseconds / 1000;
        match seconds {
            _ if seconds % 3600 == 0 => write!(f, "{} requests per {}h", self.requests, seconds / 3600),
            _ => write!(f, "{} requests per {seconds}s", self.requests),
        }
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        let used = self.used.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(mut file) = self.file.as_deref().filter(|_| used.left > 0).and_then(open) else { return };
        let Some(mut parts) = read(&mut file) else { return };
        // The latest are ours, or as good as ours.
        for (_, requests) in parts.iter_mut().rev() {
            let back = used.left.min(*requests);
            *requests -= back;
            used.left -= back;
        }
        write(&mut file, &parts);
    }
}

fn add(parts: &mut Vec<(i64, u64)>, begin: i64, requests: u64) {
    match parts.last_mut() {
        Some((last, known)) if *last == begin => *known = known.saturating_add(requests),
        _ => parts.push((begin, requests)),
    }
}

/// Opens the file for this process alone, until it is closed. A file that cannot be kept is done without: the server counts too.
fn open(path: &Path) -> Option<File> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let locked = opened.and_then(|file| file.lock().map(|()| file));
    locked.inspect_err(|error| tracing::warn!(%error, "the count of requests cannot be kept")).ok()
}

/// Count as the file has it; none where the file has nothing that can be read.
fn read(file: &mut File) -> Option<Vec<(i64, u64)>> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    // Only the first document: what follows is left of a longer one that was being overwritten.
    let mut parts: Vec<(i64, u64)> = serde_json::Deserializer::from_str(&text).into_iter().next()?.ok()?;
    parts.sort_unstable();
    Some(parts)
}

fn write(file: &mut File, parts: &[(i64, u64)]) {
    let text = serde_json::to_string(parts).unwrap_or_default();
    let written = file
        .rewind()
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.set_len(text.len().try_into().unwrap_or(u64::MAX)));
    if let Err(error) = written {
        tracing::warn!(%error, "the count of requests cannot be kept");
    }
}

#[cfg(test)]
mod tests;
