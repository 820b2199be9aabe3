//! Days that a record hardly means: births still to come, and years far from any in which it could lie.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use migr_plan::FieldMapping;
use migr_transform::Value;
use serde::{Deserialize, Serialize};

/// Years that a person may be old.
const AGE: i16 = 130;
/// First year of days that a record may hold.
const FIRST_YEAR: i16 = 1800;
/// Years from now within which days may lie.
const AHEAD: i16 = 100;
/// Days that systems write where they have none: those are told as such.
const PLACEHOLDERS: [Date; 3] = [date(1753, 1, 1), date(2999, 12, 31), date(9999, 12, 31)];
/// Parts of names of births, in small letters without separators.
const BIRTHS: [&str; 9] =
    ["birth", "geburt", "gebdat", "geboorte", "geboren", "naissance", "nacimiento", "nascimento", "nascita"];
/// Words of names of births.
const BIRTH_WORDS: [&str; 3] = ["born", "dob", "bday"];

/// Day of a record that it hardly means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddDay {
    /// Position of the field.
    pub field: usize,
    /// Oddity of the day.
    pub oddity: Oddity,
    /// The day: `2068-07-16`.
    pub day: String,
}

/// Oddity of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Oddity {
    /// Birth that lies in the future.
    ToCome,
    /// Birth that nobody alive had.
    TooOld,
    /// Year far from any in which it could lie.
    FarOff,
}

/// Days of a record that it hardly means, by the day of today.
pub(crate) fn odd_days(fields: &[FieldMapping], values: &[(usize, Value<'_>)], today: Date) -> Vec<OddDay> {
    let of_value = |(index, value): &(usize, Value<'_>)| {
        let day = match value {
            Value::Date(day) => *day,
            Value::Datetime(instant) => instant.to_zoned(TimeZone::UTC).date(),
            _ => return None,
        };
        let is_birth = || fields.get(*index).is_some_and(is_birth);
        let oddity = oddity(day, today, is_birth)?;
        Some(OddDay { field: *index, oddity, day: day.to_string() })
    };
    values.iter().filter_map(of_value).collect()
}

fn oddity(day: Date, today: Date, is_birth: impl Fn() -> bool) -> Option<Oddity> {
    // A day in the time zone that is ahead the most may be tomorrow's.
    if day > today.tomorrow().unwrap_or(today) && is_birth() {
        return Some(Oddity::ToCome);
    }
    let age = today.year() - day.year();
    if (FIRST_YEAR..=today.year() + AHEAD).contains(&day.year()) {
        return (age > AGE && is_birth()).then_some(Oddity::TooOld);
    }
    (!PLACEHOLDERS.contains(&day)).then_some(Oddity::FarOff)
}

/// True for a field of births, by its name or by that of a column that it reads.
fn is_birth(field: &FieldMapping) -> bool {
    std::iter::once(&field.field).chain(&field.reads).any(|name| is_name_of_birth(name))
}

/// `dateOfBirth`, `born_on`; and not `next_birthday`.
fn is_name_of_birth(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    !has(&["next", "upcoming"]) && (has(&BIRTH_WORDS) || BIRTHS.iter().any(|part| joined.contains(part)))
}

/// Words of a name, in small letters: `bornOn` and `born_on` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_small = false;
    for sign in name.chars() {
        if !sign.is_alphanumeric() || is_small && sign.is_uppercase() {
            words.push(String::new());
        }
        is_small = sign.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| sign.is_alphanumeric()) {
            word.extend(sign.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_nothing_can_have_are_told_from_those_that_are_rare() {
        let today = date(2026, 12, 1);
        for (day, birth, other) in [
            (date(2026, 12, 2), None, None),
            (date(2026, 12, 3), Some(Oddity::ToCome), None),
            (date(2068, 7, 16), Some(Oddity::ToCome), None),
            (date(2204, 1, 1), Some(Oddity::ToCome), Some(Oddity::FarOff)),
            (date(24, 3, 1), Some(Oddity::FarOff), Some(Oddity::FarOff)),
            (date(1889, 4, 20), Some(Oddity::TooOld), None),
            (date(1921, 4, 20), None, None),
            (date(1753, 1, 1), None, None),
            (date(9999, 12, 31), Some(Oddity::ToCome), None),
        ] {
            assert_eq!(oddity(day, today, || true), birth, "{day}");
            assert_eq!(oddity(day, today, || false), other, "{day}");
        }
    }

    #[test]
    fn births_are_known_by_their_names() {
        for (name, expected) in [
            ("dateOfBirth", true),
            ("born_on", true),
            ("bornOn", true),
            ("DOB", true),
            ("patient_dob", true),
            ("Geburtsdatum", true),
            ("geb_datum", true),
            ("next_birthday", false),
            ("stubborn", false),
            ("closeDate", false),
        ] {
            assert_eq!(is_name_of_birth(name), expected, "{name}");
        }
    }
}
