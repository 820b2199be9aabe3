//! Times as the server writes them: UTC, milliseconds, `Z`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

const FORM: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// The present.
pub(crate) fn now() -> String {
    write(Timestamp::now())
}

/// The present, `seconds` later.
pub(crate) fn in_seconds(seconds: i64) -> String {
    let now = Timestamp::now();
    write(now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now))
}

fn write(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime(FORM).to_string()
}

/// A time in any of the forms that the server takes, in its own form.
pub(crate) fn normalise(text: &str) -> Option<String> {
    let starts_with_year = text.len() >= 10 && text.bytes().take(4).all(|byte| byte.is_ascii_digit());
    if !starts_with_year {
        return None;
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(write(time));
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M:%S%.f%z"] {
        if let Ok(time) = Timestamp::strptime(form, text) {
            return Some(write(time));
        }
    }
    let civil = match text.len() {
        10 => date(text)?.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse::<DateTime>().ok()?,
    };
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| write(zoned.timestamp()))
}

/// True where a text is a time after the year 9999.
pub(crate) fn is_beyond(text: &str) -> bool {
    let Some((year, rest)) = text.trim_start_matches('+').split_once('-') else { return false };
    let digits = year.trim_start_matches('0');
    digits.len() > 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) && rest.len() >= 5
}

/// A day in the form `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Option<Date> {
    if text.len() != 10 {
        return None;
    }
    Date::strptime("%Y-%m-%d", text).ok()
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn every_accepted_form_becomes_utc_with_milliseconds() {
        for text in ["2019-03-04T05:06:07Z", "2019-03-04T05:06:07.000+0000", "2019-03-04T06:06:07+01:00"] {
            assert_eq!(normalise(text).as_deref(), Some("2019-03-04T05:06:07.000Z"), "{text}");
        }
        assert_eq!(normalise("2019-03-04").as_deref(), Some("2019-03-04T00:00:00.000Z"));
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        assert_eq!(normalise("yesterday"), None);
        assert_eq!(normalise(""), None);
        assert_eq!(normalise("12/31/2019"), None);
    }
}
