//! Answers as far as they are read: a bounded part of the body, and the time that the server asks us to wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::{Clock, Rate};

/// Bytes of a refusal that are read.
pub(super) const LARGEST_REFUSAL: usize = 1 << 20;

/// The longest pause that a server can ask for: beyond it a number is no time.
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Values that an answer may have: each takes many times what it takes in the answer.
const MOST_VALUES: usize = 2_000_000;

/// The body of an answer.
pub(super) enum Body {
    /// The whole body.
    Whole(Vec<u8>),
    /// Beginning of a body that is more than what may be taken, and why.
    Cut(Vec<u8>, String),
}

/// Bytes of all the answers that are being read.
#[derive(Debug, Default)]
pub(super) struct Held(AtomicUsize);

/// Part of one answer in [`Held`], free again when it is dropped.
struct Share<'h> {
    held: &'h Held,
    bytes: usize,
}

impl Share<'_> {
    /// Adds bytes; how many all answers have together.
    fn add(&mut self, bytes: usize) -> usize {
        self.bytes += bytes;
        self.held.0.fetch_add(bytes, Ordering::Relaxed) + bytes
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Count of a JSON text's values, piece by piece.
#[derive(Default)]
struct Values {
    count: usize,
    in_text: bool,
    is_escaped: bool,
}

impl Values {
    /// Counts what begins one in the next piece; how many there are so far.
    fn add(&mut self, piece: &[u8]) -> usize {
        for byte in piece {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_text => self.is_escaped = true,
                b'"' => self.in_text = !self.in_text,
                b',' | b'[' | b'{' if !self.in_text => self.count += 1,
                _ => {}
            }
        }
        self.count
    }
}

/// Reads a body as it comes, up to so many bytes, and twice as many with the answers beside it.
pub(super) async fn body(mut response: reqwest::Response, most: usize, held: &Held) -> reqwest::Result<Body> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(announced.min(1 << 20));
    let (mut share, mut values) = (Share { held, bytes: 0 }, Values::default());
    let mebibytes = |bytes: usize| bytes >> 20;
    while let Some(chunk) = response.chunk().await? {
        let room = most.saturating_sub(bytes.len());
        if chunk.len() > room {
            bytes.extend_from_slice(chunk.get(..room).unwrap_or_default());
            return Ok(Body::Cut(bytes, format!("it is longer than {} MiB", mebibytes(most))));
        }
        if share.add(chunk.len()) > most.saturating_mul(2) {
            let why = format!("it is longer than {} MiB with those beside it", mebibytes(most.saturating_mul(2)));
            return Ok(Body::Cut(bytes, why));
        }
        if values.add(&chunk) > MOST_VALUES {
            return Ok(Body::Cut(bytes, format!("it has more than {} million values", MOST_VALUES / 1_000_000)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body::Whole(bytes))
}

/// Number that a header holds.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Limit that two headers tell: how many requests an interval takes, and its milliseconds. Nothing for what is no limit.
pub(super) fn rate(headers: &HeaderMap, [requests, milliseconds]: [&str; 2]) -> Option<Rate> {
    let requests = u32::try_from(number(headers, requests)?).ok().filter(|requests| *requests > 0)?;
    let milliseconds = number(headers, milliseconds).filter(|milliseconds| *milliseconds > 0)?;
    let per_seconds = u32::try_from(milliseconds.div_ceil(1000)).ok()?;
    Some(Rate { requests, per_seconds, burst: None })
}

/// Seconds, with a fraction too, or a date; by the server's own clock where it tells it. Nothing for what is neither.
pub(super) fn retry_after(headers: &HeaderMap, clock: &dyn Clock) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        // Below zero and no number at all are now; endless is as long as can be.
        let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST_PAUSE.as_secs_f64()) };
        return Some(Duration::from_secs_f64(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    let until = date(value)?;
    let now = headers.get(DATE).and_then(|now| now.to_str().ok()).and_then(date).unwrap_or_else(|| clock.now());
    let seconds = until.as_second().saturating_sub(now.as_second());
    Some(u64::try_from(seconds).map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;
    use crate::SystemClock;

    #[test]
    fn answers_beside_one_another_add_up_until_they_are_read() {
        let held = Held::default();
        let mut one = Share { held: &held, bytes: 0 };
        assert_eq!(one.add(3), 3);
        {
            let mut other = Share { held: &held, bytes: 0 };
            assert_eq!((other.add(4), one.add(1), other.add(1)), (7, 8, 9));
        }
        assert_eq!(one.add(0), 4);
    }

    #[test]
    fn values_are_counted_across_pieces_and_not_within_texts() {
        let count = |pieces: &[&str]| {
            let mut values = Values::default();
            pieces.iter().map(|piece| values.add(piece.as_bytes())).last()
        };
        assert_eq!(count(&["[1,2,{", "},[]]"]), Some(6));
        assert_eq!(count(&["[\"a,\\", "\",[{\\\\\",1]"]), Some(2));
    }

    #[test]
    fn a_limit_is_what_both_headers_tell() {
        let told = |requests: &str, milliseconds: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("max", HeaderValue::from_str(requests).unwrap());
            headers.insert("interval", HeaderValue::from_str(milliseconds).unwrap());
            rate(&headers, ["max", "interval"]).map(|rate| (rate.requests, rate.per_seconds))
        };
        assert_eq!(told("25", " 10000"), Some((25, 10)));
        assert_eq!(told("25", "10001"), Some((25, 11)), "rather slower than refused");
        for (requests, milliseconds) in [("0", "10000"), ("25", "0"), ("many", "10000"), ("-1", "10000"), ("25", "")] {
            assert_eq!(told(requests, milliseconds), None, "{requests} in {milliseconds}");
        }
        assert_eq!(rate(&HeaderMap::new(), ["max", "interval"]), None);
    }

    #[test]
    fn a_pause_of_any_value_is_a_time_or_none() {
        let asked = |value: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_str(date).unwrap());
            }
            retry_after(&headers, &SystemClock).map(|pause| pause.as_secs())
        };
        let now = Some("Wed, 21 Oct 2015 07:28:00 GMT");
        for (value, seconds) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("1.5", Some(1)),
            ("-3", Some(0)),
            ("1e999", Some(LONGEST_PAUSE.as_secs())),
            ("18446744073709551615", Some(LONGEST_PAUSE.as_secs())),
            ("99999999999999999999999999", Some(LONGEST_PAUSE.as_secs())),
            ("NaN", Some(0)),
            ("inf", Some(LONGEST_PAUSE.as_secs())),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
            ("Wed, 21 Oct 2015 07:27:30 GMT", Some(0)),
            ("Fri, 01 Jan 9999 00:00:00 GMT", Some(LONGEST_PAUSE.as_secs())),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(asked(value, now), seconds, "{value}");
        }
        assert_eq!(
            asked("Wed, 21 Oct 2015 07:28:30 GMT", None),
            Some(0),
            "by our own clock where the server tells none"
        );
    }
}
