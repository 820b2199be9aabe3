//! Days and times as people write them, and the clocks of time zones.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::failure::Fault;
use crate::text::trimmed;

/// A time zone with the rules that come with the program, so that the same plan gives the same instants everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) name: String,
    rules: TimeZone,
}

/// Rule for a wall-clock time that was there twice or never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ambiguity {
    pub(crate) overlap: Overlap,
    /// A time that never was moves forward by the length of the gap; else it fails.
    pub(crate) gap_forward: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overlap {
    #[default]
    Fail,
    Earlier,
    Later,
}

impl Zone {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let rules = TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { name: name.to_owned(), rules })
    }

    /// The instant of a wall-clock time. `text` is what the fault names.
    pub(crate) fn instant(&self, wall: DateTime, ambiguity: Ambiguity, text: &str) -> Result<Timestamp, Fault> {
        let found = self.rules.to_ambiguous_timestamp(wall);
        let instant = match (found.offset(), ambiguity.overlap) {
            (AmbiguousOffset::Unambiguous { .. }, _) => found.compatible(),
            (AmbiguousOffset::Gap { .. }, _) if ambiguity.gap_forward => found.compatible(),
            (AmbiguousOffset::Gap { .. }, _) => {
                let says = format!(
                    "never was on the clocks of {}, which went forward over it; decide with `gap = forward`",
                    self.name
                );
                return Err(Fault::of(text, says));
            }
            (AmbiguousOffset::Fold { .. }, Overlap::Earlier) => found.earlier(),
            (AmbiguousOffset::Fold { .. }, Overlap::Later) => found.later(),
            (AmbiguousOffset::Fold { .. }, Overlap::Fail) => {
                let says = format!(
                    "was twice on the clocks of {}, which went back over it; decide with `overlap = earlier` or `overlap = later`",
                    self.name
                );
                return Err(Fault::of(text, says));
            }
        };
        instant.map_err(|_| Fault::of(text, "is outside the years that can be held (-9999 to 9999)"))
    }

    /// The wall-clock time of an instant.
    pub(crate) fn wall(&self, instant: Timestamp) -> DateTime {
        self.rules.to_datetime(instant)
    }

    /// An instant as text.
    pub(crate) fn format(&self, instant: Timestamp, format: &str) -> Result<String, Fault> {
        written(format, &BrokenDownTime::from(&instant.to_zoned(self.rules.clone())))
    }
}

/// A calendar date as text.
pub(crate) fn format_date(date: Date, format: &str) -> Result<String, Fault> {
    written(format, &BrokenDownTime::from(date))
}

fn written(format: &str, time: &BrokenDownTime) -> Result<String, Fault> {
    time.to_string(format).map_err(|error| Fault::plain(format!("the format `{format}` cannot be written: {error}")))
}

/// Format in which a date or a date with time is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    text: String,
    /// The format where each part has a fixed width; read without a detour.
    fixed: Option<Vec<Part>>,
    /// The last year that a year of two digits may mean.
    pivot: Option<i16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
    Half,
    Byte(u8),
}

impl Format {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), fixed: fixed_parts(text), pivot: None }
    }

    /// The same with the last year that a year of two digits may mean.
    pub(crate) fn with_pivot(mut self, pivot: Option<i16>) -> Self {
        self.pivot = pivot.filter(|_| self.text.contains("%y"));
        self
    }

    /// The format as it is written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The day that is meant, where the year has two digits.
    fn meant(&self, date: Date) -> Date {
        let Some(pivot) = self.pivot else { return date };
        let year = pivot - (pivot - date.year()).rem_euclid(100);
        date.with().year(year).build().unwrap_or(date)
    }

    /// A date; a time of the day in the text is none to read past.
    pub(crate) fn date(&self, text: &str) -> Result<Date, Fault> {
        let trimmed = trimmed(text);
        if let Some((date, time)) = self.fixed(trimmed) {
            return day_alone(date, time, text);
        }
        let not = || self.not(text, "a date");
        let parsed = self.parse(trimmed).ok_or_else(not)?;
        let date = parsed.to_date().map_err(|_| not())?;
        let date = modern(self.meant(date), text)?;
        day_alone(date, parsed.to_time().unwrap_or_else(|_| Time::midnight()), text)
    }

    /// An instant: by the offset in the text, else as a wall-clock time of the zone.
    pub(crate) fn instant(&self, text: &str, zone: Option<&Zone>, ambiguity: Ambiguity) -> Result<Timestamp, Fault> {
        let trimmed = trimmed(text);
        if let (Some((date, time)), Some(zone)) = (self.fixed(trimmed), zone) {
            return zone.instant(date.to_datetime(time), ambiguity, text);
        }
        let not = || self.not(text, "a date with time");
        let parsed = self.parse(trimmed).ok_or_else(not)?;
        if trimmed.contains("60") && self.is_shortened(&parsed, trimmed) {
            return Err(leap(text));
        }
        if parsed.offset().is_some() && self.pivot.is_none() {
            return parsed.to_timestamp().map_err(|_| not());
        }
        let wall = parsed.to_datetime().map_err(|_| not())?;
        let wall = self.meant(wall.date()).to_datetime(wall.time());
        modern(wall.date(), text)?;
        if let Some(offset) = parsed.offset() {
            return offset.to_timestamp(wall).map_err(|_| not());
        }
        wall_clock(wall, zone, ambiguity, text)
    }

    fn parse(&self, trimmed: &str) -> Option<BrokenDownTime> {
        BrokenDownTime::parse(&self.text, trimmed).ok()
    }

    /// True where a second 60 was read as the one before.
    fn is_shortened(&self, parsed: &BrokenDownTime, text: &str) -> bool {
        let written = parsed.to_string(&self.text);
        written.is_ok_and(|written| written.matches("60").count() < text.matches("60").count())
    }

    fn not(&self, text: &str, what: &str) -> Fault {
        Fault::of(text, format!("is not {what} of the form {}", self.text))
    }

    fn fixed(&self, text: &str) -> Option<(Date, Time)> {
        let parts = self.fixed.as_ref()?;
        let mut rest = text.as_bytes();
        let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (0, 0, 0, 0, 0, 0);
        let mut half = None;
        for part in parts {
            match part {
                Part::Year => year = digits(&mut rest, 4)?,
                Part::Month => month = digits(&mut rest, 2)?,
                Part::Day => day = digits(&mut rest, 2)?,
                Part::Hour => hour = digits(&mut rest, 2)?,
                Part::Hour12 => {
                    hour = digits(&mut rest, 2)?;
                    if !(1..=12).contains(&hour) {
                        return None;
                    }
                }
                Part::Minute => minute = digits(&mut rest, 2)?,
                Part::Second => {
                    second = digits(&mut rest, 2)?;
                    if second > 59 {
                        return None;
                    }
                }
                Part::Half => {
                    let (name, after) = rest.split_at_checked(2)?;
                    half = Some(if name.eq_ignore_ascii_case(b"AM") {
                        0
                    } else if name.eq_ignore_ascii_case(b"PM") {
                        12
                    } else {
                        return None;
                    });
                    rest = after;
                }
                Part::Byte(expected) => {
                    let (byte, after) = rest.split_first()?;
                    if byte != expected {
                        return None;
                    }
                    rest = after;
                }
            }
        }
        if !rest.is_empty() || year < 1000 {
            return None;
        }
        let hour = half.map_or(hour, |half| hour % 12 + half);
        let small = |number: i16| i8::try_from(number).ok();
        let date = Date::new(year, small(month)?, small(day)?).ok()?;
        let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
        Some((date, time))
    }
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i16> {
    let (digits, after) = rest.split_at_checked(count)?;
    *rest = after;
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
}

/// The parts of a format that has fixed widths, every part once, and one way to say the hour.
fn fixed_parts(format: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut bytes = format.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            // The general reader takes any run of blanks for a blank; this one takes the blank itself and leaves the rest to it.
            parts.push(Part::Byte(byte));
            continue;
        }
        let part = match bytes.next()? {
            b'Y' => Part::Year,
            b'm' => Part::Month,
            b'd' => Part::Day,
            b'H' => Part::Hour,
            b'I' => Part::Hour12,
            b'M' => Part::Minute,
            b'S' => Part::Second,
            b'p' => Part::Half,
            _ => return None,
        };
        if parts.contains(&part) {
            return None;
        }
        parts.push(part);
    }
    let has = |part: Part| parts.contains(&part);
    let is_whole = has(Part::Year) && has(Part::Month) && has(Part::Day);
    (is_whole && has(Part::Hour12) == has(Part::Half) && !(has(Part::Hour12) && has(Part::Hour))).then_some(parts)
}

/// `2024-03-01`.
pub(crate) fn iso_date(text: &str) -> Result<Date, Fault> {
    let trimmed = trimmed(text);
    let date = trimmed.parse::<Date>().map_err(|_| Fault::of(text, "is not a date of the form YYYY-MM-DD"))?;
    let date = modern(date, text)?;
    match trimmed.parse::<DateTime>() {
        Ok(wall) if trimmed.len() > 10 => day_alone(date, wall.time(), text),
        _ => Ok(date),
    }
}

/// A day of which no time is told.
fn day_alone(date: Date, time: Time, text: &str) -> Result<Date, Fault> {
    if time == Time::midnight() {
        return Ok(date);
    }
    Err(Fault::of(text, "has a time of the day, and a day was expected; read it as `datetime`, and take `| date`"))
}

/// Fault of a second that no clock of a destination shows.
fn leap(text: &str) -> Fault {
    Fault::of(text, "is a leap second, which would become the second before it")
}

/// `2024-03-01T09:30:00Z`, `2024-03-01 09:30-05:00`; without an offset, a wall-clock time of the zone.
pub(crate) fn iso_instant(text: &str, zone: Option<&Zone>, ambiguity: Ambiguity) -> Result<Timestamp, Fault> {
    let trimmed = trimmed(text);
    if trimmed.get(16..).is_some_and(|rest| rest.starts_with(":60")) {
        return Err(leap(text));
    }
    if let Ok(instant) = trimmed.parse() {
        return Ok(instant);
    }
    let has_time = trimmed.len() > 10;
    let wall = trimmed.parse::<DateTime>().ok().filter(|_| has_time);
    let wall = wall.ok_or_else(|| Fault::of(text, "is not a date with time of the form YYYY-MM-DD hh:mm:ss"))?;
    modern(wall.date(), text)?;
    zone.ok_or_else(|| no_zone(text))?.instant(wall, ambiguity, text)
}

/// The instant of a wall-clock time of a zone that must be known.
pub(crate) fn wall_clock(
    wall: DateTime,
    zone: Option<&Zone>,
    ambiguity: Ambiguity,
    text: &str,
) -> Result<Timestamp, Fault> {
    zone.ok_or_else(|| no_zone(text))?.instant(wall, ambiguity, text)
}

/// `12:00`, `17:30:15`
pub(crate) fn time_of_day(text: &str) -> Option<Time> {
    let parts: Vec<i8> = text.trim().split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hour, minute] => Time::new(*hour, *minute, 0, 0).ok(),
        [hour, minute, second] => Time::new(*hour, *minute, *second, 0).ok(),
        _ => None,
    }
}

/// A year of fewer than four digits is a format that does not fit.
fn modern(date: Date, text: &str) -> Result<Date, Fault> {
    if date.year() >= 1000 {
        return Ok(date);
    }
    Err(Fault::of(text, format!("reads as the year {}; a year of two digits is %y", date.year())))
}

fn no_zone(text: &str) -> Fault {
    Fault::of(text, "names no time zone, and neither does its column or the migration")
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: &str = "%m/%d/%Y %I:%M %p";

    fn instant(text: &str, format: &str, ambiguity: Ambiguity) -> Result<String, String> {
        let zone = Zone::named("America/New_York");
        let found = Format::new(format).instant(text, zone.as_ref(), ambiguity);
        found.map(|instant| instant.to_string()).map_err(|fault| fault.reason(false))
    }

    #[test]
    fn wall_clock_times_are_instants_of_their_zone() {
        let read = |text: &str| instant(text, US, Ambiguity::default());
        assert_eq!(read("01/15/2021 12:05 AM"), Ok("2021-01-15T05:05:00Z".to_owned()));
        assert_eq!(read(" 07/15/2021 12:05 PM "), Ok("2021-07-15T16:05:00Z".to_owned()));
        assert_eq!(read("7/5/2021 9:05 pm"), Ok("2021-07-06T01:05:00Z".to_owned()));
        assert_eq!(
            instant("15.07.2021, 18:00", "%d.%m.%Y, %H:%M", Ambiguity::default()),
            Ok("2021-07-15T22:00:00Z".to_owned())
        );
        assert_eq!(
            instant("Jul 5, 2021 18:00 +0200", "%b %d, %Y %H:%M %z", Ambiguity::default()),
            Ok("2021-07-05T16:00:00Z".to_owned())
        );
    }

    #[test]
    fn what_is_no_date_fails_and_names_the_form() {
        for text in [
            "13/45/2021 10:00 AM",
            "yesterday",
            "0000-00-00",
            "02/30/2022 09:15 AM",
            "01/01/2021 13:00 PM",
            "01/01/2021 00:10 AM",
            "01/01/2021 10:00 AMx",
        ] {
            assert_eq!(
                instant(text, US, Ambiguity::default()),
                Err(format!("{text:?} is not a date with time of the form %m/%d/%Y %I:%M %p"))
            );
        }
        let two_digits = Format::new("%m/%d/%Y").date("01/05/21").unwrap_err();
        assert_eq!(two_digits.reason(false), "\"01/05/21\" reads as the year 21; a year of two digits is %y");
    }

    #[test]
    fn gaps_and_overlaps_fail_unless_decided() {
        let (gap, fold) = ("03/14/2021 02:30 AM", "11/07/2021 01:30 AM");
        assert!(
            instant(gap, US, Ambiguity::default()).unwrap_err().contains("never was on the clocks of America/New_York")
        );
        assert!(
            instant(fold, US, Ambiguity::default())
                .unwrap_err()
                .contains("was twice on the clocks of America/New_York")
        );
        let decided = |overlap| Ambiguity { overlap, gap_forward: true };
        assert_eq!(instant(gap, US, decided(Overlap::Fail)), Ok("2021-03-14T07:30:00Z".to_owned()));
        assert_eq!(instant(fold, US, decided(Overlap::Earlier)), Ok("2021-11-07T05:30:00Z".to_owned()));
        assert_eq!(instant(fold, US, decided(Overlap::Later)), Ok("2021-11-07T06:30:00Z".to_owned()));
    }

    #[test]
    fn iso_dates_need_no_format() {
        let zone = Zone::named("Europe/Berlin");
        let read =
            |text: &str| iso_instant(text, zone.as_ref(), Ambiguity::default()).map(|instant| instant.to_string());
        assert_eq!(read("2024-03-01T09:30:00Z").unwrap(), "2024-03-01T09:30:00Z");
        assert_eq!(read("2024-03-01 09:30").unwrap(), "2024-03-01T08:30:00Z");
        assert!(read("2024-03-01").is_err());
        assert_eq!(iso_date("2024-03-01").unwrap().to_string(), "2024-03-01");
    }

    #[test]
    fn a_day_with_a_time_is_no_day_and_a_leap_second_none_before_it() {
        let says = |found: Result<Date, Fault>| found.map(|date| date.to_string()).map_err(|fault| fault.reason(false));
        for text in ["2024-03-01 17:30", "2024-03-01T17:30:00"] {
            assert!(says(iso_date(text)).unwrap_err().contains("has a time of the day"), "{text}");
        }
        assert_eq!(says(iso_date("2024-03-01T00:00:00")), Ok("2024-03-01".to_owned()));
        for (format, text) in [(US, "03/01/2024 05:30 PM"), ("%d.%m.%Y %H:%M", "1.3.2024 17:30")] {
            assert!(says(Format::new(format).date(text)).unwrap_err().contains("has a time of the day"), "{text}");
        }
        assert_eq!(says(Format::new(US).date("03/01/2024 12:00 AM")), Ok("2024-03-01".to_owned()));
        let utc = Zone::named("UTC");
        let read =
            |text: &str| iso_instant(text, utc.as_ref(), Ambiguity::default()).map_err(|fault| fault.reason(false));
        for text in ["2016-12-31T23:59:60Z", "2016-12-31 23:59:60"] {
            assert!(read(text).unwrap_err().contains("leap second"), "{text}");
        }
        for (format, text) in [("%Y-%m-%d %H:%M:%S", "2016-12-31 23:59:60"), ("%Y%m%d%H%M%S", "20161231235960")] {
            let found = Format::new(format).instant(text, utc.as_ref(), Ambiguity::default());
            assert!(found.unwrap_err().reason(false).contains("leap second"), "{text}");
        }
        assert!(Format::new("%Y%m%d%H%M%S").instant("19600160600000", utc.as_ref(), Ambiguity::default()).is_err());
        assert!(
            Format::new("%Y-%m-%d %H:%M:%S").instant("1960-12-31 23:59:06", utc.as_ref(), Ambiguity::default()).is_ok()
        );
    }

    #[test]
    fn a_time_of_day_has_two_or_three_parts() {
        assert_eq!(time_of_day("17:30").map(|time| time.to_string()).as_deref(), Some("17:30:00"));
        assert_eq!(time_of_day("24:00"), None);
        assert_eq!(time_of_day("5pm"), None);
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_reads_what_the_long_way_reads(text in "[01][0-9]/[0-3][0-9]/[12][09][0-9]{2} [01][0-9]:[0-5][0-9] [AaPpx][Mm]") {
            let format = Format::new(US);
            let long = format.parse(&text).and_then(|time| time.to_datetime().ok());
            let short = format.fixed(&text).map(|(date, time)| date.to_datetime(time));
            proptest::prop_assert_eq!(short, long);
        }

        #[test]
        fn dates_survive_their_text(days in 0..700_000_i32, format in proptest::sample::select(vec!["%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y", "%d %B %Y"])) {
            let date = Date::new(1000, 1, 1).unwrap().saturating_add(jiff::Span::new().days(days));
            let text = format_date(date, format).unwrap();
            proptest::prop_assert_eq!(Format::new(format).date(&text), Ok(date));
        }

        #[test]
        fn instants_survive_their_wall_clock_text(seconds in 0..4_000_000_000_i64) {
            let zone = Zone::named("America/New_York").unwrap();
            let instant = Timestamp::from_second(seconds / 60 * 60).unwrap();
            let text = zone.format(instant, US).unwrap();
            let either = [Overlap::Earlier, Overlap::Later].map(|overlap| Format::new(US).instant(&text, Some(&zone), Ambiguity { overlap, gap_forward: false }).unwrap());
            proptest::prop_assert!(either.contains(&instant));
        }

        #[test]
        fn no_text_panics(text in ".*", format in ".*") {
            let zone = Zone::named("America/New_York");
            let _ = Format::new(&format).instant(&text, zone.as_ref(), Ambiguity::default());
            let _ = Format::new(&format).date(&text);
            let _ = (iso_date(&text), iso_instant(&text, zone.as_ref(), Ambiguity::default()), time_of_day(&text));
        }
    }
}
