//! Date formats: every format of a column of days or times, those of spreadsheets and clocks among them.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::dates::{Ambiguity, Format, Zone};
use crate::failure::Fault;

/// Formats that are tried all: one that fits decides, two that fit must give the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DateFormats(Vec<Form>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Written(Format),
    /// A spreadsheet's day number.
    Serial {
        is_1904: bool,
    },
    /// Time since 1970 in units of so many milliseconds.
    Clock {
        milliseconds: i64,
    },
}

impl DateFormats {
    /// Formats as they are written; none where there is none.
    pub(crate) fn of<'t>(formats: impl IntoIterator<Item = &'t str>, pivot: Option<i16>) -> Option<Self> {
        let forms: Vec<Form> = formats.into_iter().map(|text| Form::of(text, pivot)).collect();
        (!forms.is_empty()).then_some(Self(forms))
    }

    /// A day.
    pub(crate) fn date(&self, text: &str) -> Result<Date, Fault> {
        self.one(text, "a day", |form| form.date(text))
    }

    /// An instant; a wall-clock time is one of the zone.
    pub(crate) fn instant(&self, text: &str, zone: Option<&Zone>, ambiguity: Ambiguity) -> Result<Timestamp, Fault> {
        self.one(text, "a time", |form| form.instant(text, zone, ambiguity))
    }

    fn one<T: PartialEq>(&self, text: &str, what: &str, read: impl Fn(&Form) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut found: Option<(&Form, T)> = None;
        let mut fault = None;
        for form in &self.0 {
            match (read(form), &found) {
                (Ok(value), None) => found = Some((form, value)),
                (Ok(value), Some((first, known))) if *known != value => {
                    let says = format!("is {what} by {} and another by {}", first.shown(), form.shown());
                    return Err(Fault::of(text, says));
                }
                (Ok(_), _) => {}
                (Err(error), _) => fault = fault.or(Some(error)),
            }
        }
        match (found, fault) {
            (Some((_, value)), _) => Ok(value),
            (None, Some(fault)) if self.0.len() == 1 => Err(fault),
            (None, _) => {
                let forms: Vec<String> = self.0.iter().map(Form::shown).collect();
                Err(Fault::of(text, format!("is not {what} of any of the forms {}", forms.join(" | "))))
            }
        }
    }
}

impl Form {
    fn of(text: &str, pivot: Option<i16>) -> Self {
        match text {
            "serial" => Self::Serial { is_1904: false },
            "serial 1904" => Self::Serial { is_1904: true },
            "seconds" => Self::Clock { milliseconds: 1000 },
            "milliseconds" => Self::Clock { milliseconds: 1 },
            text => Self::Written(Format::new(text).with_pivot(pivot)),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Written(format) => format!("`{}`", format.text()),
            Self::Serial { is_1904: false } => "`serial`".to_owned(),
            Self::Serial { is_1904: true } => "`serial 1904`".to_owned(),
            Self::Clock { milliseconds: 1 } => "`milliseconds`".to_owned(),
            Self::Clock { .. } => "`seconds`".to_owned(),
        }
    }

    fn date(&self, text: &str) -> Result<Date, Fault> {
        match self {
            Self::Written(format) => format.date(text),
            Self::Serial { is_1904 } => {
                let (date, rest) = serial(text, *is_1904)?;
                if rest.is_zero() {
                    return Ok(date);
                }
                Err(Fault::of(text, "is a spreadsheet's day number with a time of the day, and a day was expected"))
            }
            Self::Clock { .. } => Err(Fault::of(text, "is a point in time, and a day was expected")),
        }
    }

    fn instant(&self, text: &str, zone: Option<&Zone>, ambiguity: Ambiguity) -> Result<Timestamp, Fault> {
        match self {
            Self::Written(format) => format.instant(text, zone, ambiguity),
            Self::Serial { is_1904 } => {
                let (date, rest) = serial(text, *is_1904)?;
                // To the second: a fraction of a day has no exact form.
                let seconds = (rest * Decimal::from(86_400)).round().to_i64().unwrap_or_default();
                let wall = date.to_datetime(jiff::civil::Time::midnight());
                let wall: DateTime = wall.saturating_add(SignedDuration::from_secs(seconds));
                crate::dates::wall_clock(wall, zone, ambiguity, text)
            }
            Self::Clock { milliseconds } => {
                let count = number(text).ok_or_else(|| Fault::of(text, "is no count of time since 1970"))?;
                let count = count * Decimal::from(*milliseconds);
                let instant = count.to_i64().filter(|_| count.fract().is_zero()).map(Timestamp::from_millisecond);
                match instant {
                    Some(Ok(instant)) => Ok(instant),
                    _ => Err(Fault::of(text, "is outside the years that can be held (-9999 to 9999)")),
                }
            }
        }
    }
}

/// The day of a spreadsheet's number, and the part of a day that is left.
fn serial(text: &str, is_1904: bool) -> Result<(Date, Decimal), Fault> {
    let not = || Fault::of(text, "is no day number of a spreadsheet");
    let count = number(text).filter(|count| !count.is_sign_negative()).ok_or_else(not)?;
    let days = count.trunc().to_i64().filter(|days| *days < 2_958_466).ok_or_else(not)?;
    let first = match (is_1904, days) {
        (true, _) => Date::constant(1904, 1, 1),
        (false, 60) => return Err(Fault::of(text, "is the 29 February 1900 of a spreadsheet, a day that never was")),
        (false, 0) => return Err(not()),
        // Before that day the numbers are one less behind.
        (false, 1..60) => Date::constant(1899, 12, 31),
        (false, _) => Date::constant(1899, 12, 30),
    };
    let date = first.checked_add(SignedDuration::from_hours(24 * days)).map_err(|_| not())?;
    Ok((date, count.fract()))
}

fn number(text: &str) -> Option<Decimal> {
    crate::numbers::number(text, &[]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(formats: &[&str], pivot: Option<i16>, text: &str) -> Result<String, String> {
        let formats = DateFormats::of(formats.iter().copied(), pivot).unwrap();
        formats.date(text).map(|date| date.to_string()).map_err(|fault| fault.reason(false))
    }

    fn instant(formats: &[&str], text: &str) -> Result<String, String> {
        let zone = Zone::named("Europe/Berlin");
        let formats = DateFormats::of(formats.iter().copied(), Some(2026)).unwrap();
        let found = formats.instant(text, zone.as_ref(), Ambiguity::default());
        found.map(|instant| instant.to_string()).map_err(|fault| fault.reason(false))
    }

    #[test]
    fn days_are_read_by_all_their_formats() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(date(&["%d-%m-%y"], Some(2026), "16-07-68"), ok("1968-07-16"));
        assert_eq!(date(&["%d-%m-%y"], Some(2026), "16-07-27"), ok("1927-07-16"));
        assert_eq!(date(&["%d-%m-%y"], Some(2026), "16-07-26"), ok("2026-07-16"));
        assert_eq!(date(&["%d.%m.%Y", "%Y-%m-%d"], None, "2024-03-01"), ok("2024-03-01"));
        assert_eq!(date(&["%m/%d/%Y", "%d/%m/%Y"], None, "03/03/2024"), ok("2024-03-03"));
        assert_eq!(date(&["%m/%d/%Y", "%d/%m/%Y"], None, "13/03/2024"), ok("2024-03-13"));
        let two = date(&["%m/%d/%Y", "%d/%m/%Y"], None, "01/02/2024").unwrap_err();
        assert_eq!(two, "\"01/02/2024\" is a day by `%m/%d/%Y` and another by `%d/%m/%Y`");
        let none = date(&["%m/%d/%Y", "%d/%m/%Y"], None, "soon").unwrap_err();
        assert_eq!(none, "\"soon\" is not a day of any of the forms `%m/%d/%Y` | `%d/%m/%Y`");
        assert_eq!(date(&["serial"], None, "45123"), ok("2023-07-16"));
        assert_eq!(date(&["serial"], None, "1"), ok("1900-01-01"));
        assert_eq!(date(&["serial"], None, "59"), ok("1900-02-28"));
        assert_eq!(date(&["serial"], None, "61"), ok("1900-03-01"));
        assert_eq!(date(&["serial 1904"], None, "0"), ok("1904-01-01"));
        for text in ["60", "45123.5", "-1", "x", "0", "9999999999"] {
            assert!(date(&["serial"], None, text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_of_clocks_and_spreadsheets_are_instants() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(instant(&["serial"], "45123.5"), ok("2023-07-16T10:00:00Z"));
        assert_eq!(instant(&["serial"], "45123.333333333"), ok("2023-07-16T06:00:00Z"));
        assert_eq!(instant(&["seconds"], "1409443200"), ok("2014-08-31T00:00:00Z"));
        assert_eq!(instant(&["milliseconds"], "1409443200123"), ok("2014-08-31T00:00:00.123Z"));
        assert_eq!(instant(&["%d.%m.%y %H:%M"], "16.07.68 12:00"), ok("1968-07-16T11:00:00Z"));
        assert!(instant(&["seconds"], "99999999999999999").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".*", near in "[-+0-9.,eE]{0,20}") {
            for format in ["serial", "serial 1904", "seconds", "milliseconds", "%y"] {
                let _ = (date(&[format], Some(2026), &text), date(&[format], None, &near), instant(&[format], &near));
            }
        }
    }
}
