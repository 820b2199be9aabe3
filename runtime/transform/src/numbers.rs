use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::failure::Fault;

/// A whole number: `42`, `-1,024`, `5.00`.
pub(crate) fn integer(text: &str) -> Result<i64, Fault> {
    let trimmed = text.trim();
    if let Ok(number) = trimmed.parse() {
        return Ok(number);
    }
    let not = || Fault::of(text, "is not a whole number");
    let plain = ungrouped(trimmed).ok_or_else(not)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if fraction.bytes().any(|digit| digit != b'0') {
        return Err(not());
    }
    whole.parse().map_err(|_| Fault::of(text, "is a whole number of more than 18 digits"))
}

/// A number: `42`, `-1,024.5`, `1e5`.
pub(crate) fn number(text: &str) -> Result<Decimal, Fault> {
    let trimmed = text.trim();
    let not = || Fault::of(text, "is not a number");
    match ungrouped(trimmed) {
        Some(plain) => Decimal::from_str_exact(&plain)
            .map_err(|_| Fault::of(text, "is a number of more digits than can be held exactly (28)")),
        None if trimmed.bytes().any(|byte| matches!(byte, b'e' | b'E')) => {
            let (mantissa, exponent) = trimmed.split_once(['e', 'E']).ok_or_else(not)?;
            let plain = ungrouped(mantissa).ok_or_else(not)?;
            Decimal::from_scientific(&format!("{plain}e{exponent}")).map_err(|_| not())
        }
        None => Err(not()),
    }
}

/// A decimal numeral without its thousands separators; none where it is no numeral or the groups are not of three digits.
pub(crate) fn ungrouped(text: &str) -> Option<Cow<'_, str>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.is_some_and(|fraction| !is_digits(fraction)) {
        return None;
    }
    if is_digits(whole) || whole.is_empty() && fraction.is_some() {
        return Some(Cow::Borrowed(text.strip_prefix('+').unwrap_or(text)));
    }
    let mut groups = whole.split(',');
    let first = groups.next()?;
    if !is_digits(first) || first.len() > 3 || !groups.all(|group| group.len() == 3 && is_digits(group)) {
        return None;
    }
    let mut plain = text.replace(',', "");
    if plain.starts_with('+') {
        plain.remove(0);
    }
    Some(Cow::Owned(plain))
}

/// `Yes`, `No`, `Y`, `N`, `true`, `false`, `1`, `0`, in any case.
pub(crate) fn boolean(text: &str) -> Result<bool, Fault> {
    let trimmed = text.trim();
    let is = |words: [&str; 4]| words.iter().any(|word| trimmed.eq_ignore_ascii_case(word));
    if is(["yes", "y", "true", "1"]) {
        Ok(true)
    } else if is(["no", "n", "false", "0"]) {
        Ok(false)
    } else {
        Err(Fault::of(text, "is neither yes nor no (Yes, No, Y, N, true, false, 1, 0)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_come_in_threes() {
        for (text, plain) in
            [("1,024", "1024"), ("-1,024,000.5", "-1024000.5"), ("+7", "7"), (".5", ".5"), ("007", "007")]
        {
            assert_eq!(ungrouped(text).as_deref(), Some(plain));
        }
        for text in ["12,34", "1,0245", ",024", "1.2.3", "1.", "", "-", "1 000", "1,024,", "٣"] {
            assert_eq!(ungrouped(text), None, "{text}");
        }
    }

    #[test]
    fn a_whole_number_may_have_a_fraction_of_noughts_alone() {
        assert_eq!(integer(" 5.00 "), Ok(5));
        assert_eq!(integer("-9,223,372,036,854,775,808"), Ok(i64::MIN));
        assert_eq!(integer("5.01").unwrap_err().reason(false), "\"5.01\" is not a whole number");
        assert_eq!(
            integer("9223372036854775808").unwrap_err().reason(true),
            "the value (masked) is a whole number of more than 18 digits"
        );
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(number("0.1").unwrap().to_string(), "0.1");
        assert_eq!(number("1e3").unwrap(), Decimal::from(1000));
        assert_eq!(number("1,5e2"), Err(Fault::of("1,5e2", "is not a number")));
        for text in ["NaN", "inf", "0x10", "1e", "e5", "1e999", "45%"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_integer_survives_its_text(number: i64) {
            proptest::prop_assert_eq!(integer(&number.to_string()), Ok(number));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (integer(&text), number(&text), boolean(&text));
        }
    }
}
