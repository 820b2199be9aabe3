//! Formats of numbers, read from a sample, which is always 1234567.89 in the writing that is meant.

use std::borrow::Cow;

use rust_decimal::Decimal;

/// The writing that is read where none is said: `1,234,567.89`.
pub(crate) const USUAL: NumberFormat = NumberFormat { group: Some(','), mark: Some('.'), by_two: false };

/// One way to write numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumberFormat {
    /// The mark between groups of digits; a blank stands for all blanks, `'` for the curved one too.
    group: Option<char>,
    /// The mark before decimals.
    mark: Option<char>,
    /// Groups of two digits before the last three, as in `12,34,567`.
    by_two: bool,
}

/// Why a text is no number of the formats that a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// No format fits.
    None,
    /// Two fit, and give different numbers.
    Several,
}

impl NumberFormat {
    /// The format of a sample; none where it is not 1234567.89, or 1234567.
    pub(crate) fn of(sample: &str) -> Option<Self> {
        let is_digit = |sign: &char| sign.is_ascii_digit();
        let digits: String = sample.chars().filter(is_digit).collect();
        let marks: Vec<char> = sample.chars().filter(|sign| !is_digit(sign)).map(folded).collect();
        let shape: String = sample.chars().map(|sign| if is_digit(&sign) { '0' } else { '-' }).collect();
        let (groups, by_two) = match shape.split_at_checked(shape.len() - if digits == "123456789" { 3 } else { 0 }) {
            Some(("0000000", _)) => (0, false),
            Some(("0-000-000", _)) => (2, false),
            Some(("00-00-000", _)) => (2, true),
            _ => return None,
        };
        let mark = match (digits.as_str(), marks.get(groups..)) {
            ("1234567", Some([])) => None,
            ("123456789", Some([mark @ ('.' | ',')])) if shape.ends_with("-00") => Some(*mark),
            _ => return None,
        };
        let group = match marks.get(..groups) {
            Some([]) => None,
            Some([one, other]) if one == other && matches!(one, ',' | '.' | '\'' | ' ') && mark != Some(*one) => {
                Some(*one)
            }
            _ => return None,
        };
        Some(Self { group, mark, by_two })
    }

    /// A numeral as it is written everywhere: digits, a point and decimals. None where it is not written so.
    pub(crate) fn plain<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = match self.mark.and_then(|mark| unsigned.split_once(mark)) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        if fraction.is_some_and(|fraction| !is_digits(fraction)) {
            return None;
        }
        let is_plain = is_digits(whole) || whole.is_empty() && fraction.is_some();
        if is_plain && self.mark.is_none_or(|mark| mark == '.') {
            return Some(Cow::Borrowed(text.strip_prefix('+').unwrap_or(text)));
        }
        if !is_plain && !self.is_grouped(whole) {
            return None;
        }
        let mut plain = String::with_capacity(text.len());
        if text.starts_with('-') {
            plain.push('-');
        }
        plain.extend(whole.chars().filter(char::is_ascii_digit));
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(Cow::Owned(plain))
    }

    /// True where marks stand exactly where groups end, and no group begins a number with a nought.
    fn is_grouped(&self, whole: &str) -> bool {
        let Some(group) = self.group else { return false };
        let mut parts = whole.split(|sign| folded(sign) == group);
        let Some(first) = parts.next() else { return false };
        let rest: Vec<&str> = parts.collect();
        let Some((last, middle)) = rest.split_last() else { return false };
        let (most, width) = if self.by_two { (2, 2) } else { (3, 3) };
        is_digits(first)
            && first.len() <= most
            && !first.starts_with('0')
            && is_digits(last)
            && last.len() == 3
            && middle.iter().all(|part| is_digits(part) && part.len() == width)
    }
}

/// The numeral of a text by several formats: one that fits decides, and two that fit must give the same number.
pub(crate) fn plain<'t>(formats: &[NumberFormat], text: &'t str) -> Result<Cow<'t, str>, Unread> {
    let formats = if formats.is_empty() { std::slice::from_ref(&USUAL) } else { formats };
    let mut found: Option<Cow<'t, str>> = None;
    for format in formats {
        let Some(plain) = format.plain(text) else { continue };
        match &found {
            None => found = Some(plain),
            Some(known) if is_same(known, &plain) => {}
            Some(_) => return Err(Unread::Several),
        }
    }
    found.ok_or(Unread::None)
}

fn is_same(one: &str, other: &str) -> bool {
    one == other
        || match (Decimal::from_str_exact(one), Decimal::from_str_exact(other)) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
}

/// A mark as it is compared.
fn folded(sign: char) -> char {
    match sign {
        '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        '’' => '\'',
        sign => sign,
    }
}

fn is_digits(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_same_number_in_any_writing() {
        for (sample, number, expected) in [
            ("1.234.567,89", "12.000", Some("12000")),
            ("1.234.567,89", "1.234,50", Some("1234.50")),
            ("1.234.567,89", "2,5", Some("2.5")),
            ("1.234.567,89", "-0,125", Some("-0.125")),
            ("1.234.567,89", "0.125", None),
            ("1.234.567,89", "12.5", None),
            ("1,234,567.89", "0,125", None),
            ("1,234,567.89", "1,024", Some("1024")),
            ("12,34,567.89", "1,25,000", Some("125000")),
            ("12,34,567.89", "125,000", None),
            ("1 234 567,89", "12\u{a0}500,5", Some("12500.5")),
            ("1 234 567,89", "12\u{202f}500", Some("12500")),
            ("1'234'567.89", "1’250.75", Some("1250.75")),
            ("1234567.89", "1,024", None),
            ("1234567,89", "0,5", Some("0.5")),
            ("1.234.567", "1.250", Some("1250")),
            ("1.234.567", "1.250,5", None),
            ("1,234,567.89", "+7", Some("7")),
            ("1,234,567.89", "1,0245", None),
        ] {
            let format = NumberFormat::of(sample).unwrap();
            assert_eq!(format.plain(number).as_deref(), expected, "{number} by {sample}");
        }
        for sample in ["1.000,00", "1.234.567.89", "1,234.567,89", "1234567.8", "12.34.56789", "", "1;234;567.89"] {
            assert_eq!(NumberFormat::of(sample), None, "{sample}");
        }
        assert_eq!(NumberFormat::of("1,234,567.89"), Some(USUAL));
    }

    #[test]
    fn two_formats_that_fit_must_agree() {
        let formats = ["1,234,567.89", "1.234.567,89"].map(|sample| NumberFormat::of(sample).unwrap());
        assert_eq!(plain(&formats, "12").as_deref(), Ok("12"));
        assert_eq!(plain(&formats, "1,234.5").as_deref(), Ok("1234.5"));
        assert_eq!(plain(&formats, "12.000"), Err(Unread::Several));
        assert_eq!(plain(&formats, "x"), Err(Unread::None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".*", near in "[-+0-9., '’\u{a0}]{0,14}") {
            let _ = (NumberFormat::of(&text), NumberFormat::of(&near), USUAL.plain(&text), USUAL.plain(&near));
        }
    }
}
