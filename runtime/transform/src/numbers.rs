//! Numbers and truth values as people write them.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::failure::Fault;
use crate::number_format::{NumberFormat, USUAL, Unread, plain};

/// A whole number: `42`, `-1,024`, `5.00`; in the writing of its formats.
pub(crate) fn integer(text: &str, formats: &[NumberFormat]) -> Result<i64, Fault> {
    let trimmed = text.trim();
    if let Ok(number) = trimmed.parse() {
        return Ok(number);
    }
    let not = || Fault::of(text, "is not a whole number");
    let plain = match plain(formats, trimmed) {
        Ok(plain) => plain,
        Err(Unread::Several) => return Err(several(text)),
        Err(Unread::None) => {
            let number = scientific(trimmed).filter(|number| number.fract().is_zero()).ok_or_else(not)?;
            return number.to_i64().ok_or_else(not);
        }
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if fraction.bytes().any(|digit| digit != b'0') {
        return Err(not());
    }
    whole.parse().map_err(|_| Fault::of(text, "is a whole number of more than 18 digits"))
}

/// A number: `42`, `-1,024.5`, `1e5`; in the writing of its formats.
pub(crate) fn number(text: &str, formats: &[NumberFormat]) -> Result<Decimal, Fault> {
    let trimmed = text.trim();
    match plain(formats, trimmed) {
        Ok(plain) => Decimal::from_str_exact(&plain)
            .map_err(|_| Fault::of(text, "is a number of more digits than can be held exactly (28)")),
        Err(Unread::Several) => Err(several(text)),
        Err(Unread::None) => scientific(trimmed).ok_or_else(|| Fault::of(text, "is not a number")),
    }
}

/// `1.25E7`, which every format reads.
fn scientific(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let plain = USUAL.plain(mantissa)?;
    Decimal::from_scientific(&format!("{plain}e{exponent}")).ok()
}

/// A number that two formats read otherwise.
pub(crate) fn several(text: &str) -> Fault {
    Fault::of(text, "is one number by one of its formats and another by another")
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
            assert_eq!(USUAL.plain(text).as_deref(), Some(plain));
        }
        for text in ["12,34", "1,0245", ",024", "1.2.3", "1.", "", "-", "1 000", "1,024,", "٣", "0,125"] {
            assert_eq!(USUAL.plain(text), None, "{text}");
        }
    }

    #[test]
    fn a_whole_number_may_have_a_fraction_of_noughts_alone() {
        assert_eq!(integer(" 5.00 ", &[]), Ok(5));
        assert_eq!(integer("-9,223,372,036,854,775,808", &[]), Ok(i64::MIN));
        assert_eq!(integer("5.01", &[]).unwrap_err().reason(false), "\"5.01\" is not a whole number");
        assert_eq!(
            integer("9223372036854775808", &[]).unwrap_err().reason(true),
            "the value (masked) is a whole number of more than 18 digits"
        );
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(number("0.1", &[]).unwrap().to_string(), "0.1");
        assert_eq!(number("1e3", &[]).unwrap(), Decimal::from(1000));
        assert_eq!(number("1,5e2", &[]), Err(Fault::of("1,5e2", "is not a number")));
        for text in ["NaN", "inf", "0x10", "1e", "e5", "1e999", "45%"] {
            assert!(number(text, &[]).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_integer_survives_its_text(number: i64) {
            proptest::prop_assert_eq!(integer(&number.to_string(), &[]), Ok(number));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (integer(&text, &[]), number(&text, &[]), boolean(&text));
        }
    }
}
