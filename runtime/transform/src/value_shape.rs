//! Shapes of values: what of a text tells whether a format reads it, and whether two formats read it alike. Values of one shape are read once.

/// Digits beyond which the size of a number tells whether it can be read.
const SAFE_DIGITS: usize = 12;

/// The shape of a number or amount: its digits but for whether they are nought. Formats put the point of the same digits in different places, so that their readings
/// are equal for nought alone. None where more than that may tell.
pub(crate) fn of_number<'s>(cell: &str, shape: &'s mut String) -> Option<&'s str> {
    shape.clear();
    let mut digits = 0;
    for sign in cell.chars() {
        match sign {
            'e' | 'E' => return None,
            '1'..='9' => shape.push('9'),
            other => shape.push(other),
        }
        digits += usize::from(sign.is_ascii_digit());
    }
    (digits <= SAFE_DIGITS).then_some(shape)
}

/// The shape of a day or time: of a year of four digits whether it is a leap year, of an hour to which half of the day it belongs, and no minutes and seconds.
pub(crate) fn of_date<'s>(cell: &str, shape: &'s mut String) -> &'s str {
    shape.clear();
    let mut rest = cell;
    let mut is_time = false;
    while let Some(sign) = rest.chars().next() {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            shape.push(sign);
            rest = rest.get(sign.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (digits, behind) = rest.split_at(length);
        let number: u32 = digits.parse().unwrap_or(u32::MAX);
        let known = match (length, number) {
            (4, 1000..=2999) if is_leap(number) => "2000",
            (4, 1000..=2999) => "2001",
            // Minutes and seconds.
            (2, 0..=59) if is_time && shape.ends_with(':') => "00",
            (1, 1..) if behind.starts_with(':') && !is_time => "1",
            (2, 1..=12) if behind.starts_with(':') && !is_time => "01",
            (2, 13..=23) if behind.starts_with(':') && !is_time => "13",
            _ => digits,
        };
        shape.push_str(known);
        is_time |= behind.starts_with(':');
        rest = behind;
    }
    shape
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

/// True where a format of days and times reads values of one shape alike: its hours and minutes stand as they usually do.
pub(crate) fn is_usual(format: &str) -> bool {
    let without = ["%H:%M:%S", "%I:%M:%S", "%H:%M", "%I:%M", "%:z"]
        .iter()
        .fold(format.to_owned(), |rest, time| rest.replace(time, ""));
    !without.contains(':') && !["%M", "%T", "%R", "%X", "%c"].iter().any(|other| without.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_formats_read_alike_have_one_shape() {
        let mut shape = String::new();
        for (cell, expected) in [
            ("1,234", Some("9,999")),
            ("1,034", Some("9,099")),
            ("€ -12.500", Some("€ -99.900")),
            ("1e5", None),
            ("1234567890123", None),
        ] {
            assert_eq!(of_number(cell, &mut shape), expected, "{cell}");
        }
        for (cell, expected) in [
            ("03/04/2021 17:45", "03/04/2001 13:00"),
            ("29.2.1996 9:05:59", "29.2.2000 1:00:00"),
            ("03/04/2021 12:45 PM", "03/04/2001 01:00 PM"),
            ("03/04/2021 00:61", "03/04/2001 00:61"),
            ("2021-04-03T24:00", "2001-04-03T24:00"),
            ("0024-04-03", "0024-04-03"),
            ("03/04/21", "03/04/21"),
            ("4 März 2023", "4 März 2001"),
        ] {
            assert_eq!(of_date(cell, &mut shape), expected, "{cell}");
        }
    }

    #[test]
    fn formats_whose_minutes_stand_elsewhere_are_not_usual() {
        for (format, expected) in [
            ("%d/%m/%Y %H:%M", true),
            ("%d/%m/%Y, %I:%M:%S %p", true),
            ("%Y-%m-%dT%H:%M:%S%:z", true),
            ("%d/%m/%y", true),
            ("%d:%m:%Y %H:%M", false),
            ("%d.%m.%Y %M:%H", false),
            ("%d.%m.%Y %H.%M", false),
        ] {
            assert_eq!(is_usual(format), expected, "{format}");
        }
    }
}
