//! Times as the API takes and gives them: instants with an offset, days in several spellings, the location's own zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const FORM: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// The present in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// The milliseconds of a time as it is stored.
pub(crate) fn ms_of(stored: &str) -> i64 {
    stored.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond)
}

/// An instant in a spelling with offset or `Z`; nothing else names one.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let forms = ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M%:z"];
        forms.iter().find_map(|form| Timestamp::strptime(form, text).ok())
    })
}

/// An instant as it is stored: UTC with milliseconds.
pub(crate) fn stored(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime(FORM).to_string()
}

/// A stored instant with the offset of a zone.
pub(crate) fn with_offset(stored: &str, zone: &str) -> String {
    zoned(stored, zone, "%Y-%m-%dT%H:%M:%S%:z")
}

/// A stored instant as a clock in a zone shows it, without its offset.
pub(crate) fn on_the_wall(stored: &str, zone: &str) -> String {
    zoned(stored, zone, "%Y-%m-%d %H:%M:%S")
}

fn zoned(stored: &str, zone: &str, form: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    match stored.parse::<Timestamp>() {
        Ok(time) => time.to_zoned(zone).strftime(form).to_string(),
        Err(_) => stored.to_owned(),
    }
}

/// A day in one of the orders and with one of the signs that the API takes.
pub(crate) fn day(text: &str) -> Option<Date> {
    let plain: String =
        text.trim().chars().map(|sign| if matches!(sign, '/' | '.' | '_') { '-' } else { sign }).collect();
    let day = plain.split('T').next().unwrap_or_default();
    ["%Y-%m-%d", "%m-%d-%Y"].iter().find_map(|form| Date::strptime(form, day).ok())
}

#[cfg(test)]
mod tests {
    use super::{day, instant, on_the_wall, stored, with_offset};

    #[test]
    fn instants_need_an_offset_and_are_shown_in_the_zone() {
        let time = stored(instant("2024-07-01T09:30:00-04:00").unwrap());
        assert_eq!(time, "2024-07-01T13:30:00.000Z");
        assert_eq!(with_offset(&time, "America/New_York"), "2024-07-01T09:30:00-04:00");
        assert_eq!(on_the_wall(&time, "America/New_York"), "2024-07-01 09:30:00");
        for text in ["2024-07-01T09:30:00", "2024-07-01", "soon", ""] {
            assert!(instant(text).is_none(), "{text}");
        }
    }

    #[test]
    fn days_come_in_several_spellings() {
        for text in ["1990-09-25", "1990/09/25", "09/25/1990", "09.25.1990", "1990_09_25", "1990-09-25T00:00:00.000Z"] {
            assert_eq!(day(text).map(|day| day.to_string()).as_deref(), Some("1990-09-25"), "{text}");
        }
        assert!(day("25-25-1990").is_none());
    }
}
