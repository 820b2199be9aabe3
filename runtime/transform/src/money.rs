//! Amounts of money as people write them, and their currencies.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::failure::Fault;
use crate::number_format::{NumberFormat, Unread, plain};
use crate::numbers::several;
use crate::{Currency, Money};

/// The currencies of ISO 4217 that are in use.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK \
DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT \
LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR \
SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";

/// Signs and the currencies they may stand for, the usual one first.
const SIGNS: &[(char, &str)] = &[
    (
        '$',
        "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP UYU BMD BSD BBD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD BND",
    ),
    ('€', "EUR"),
    ('£', "GBP EGP FKP GIP LBP SHP SYP"),
    ('¥', "JPY CNY"),
    ('₹', "INR"),
    ('₩', "KRW KPW"),
    ('₪', "ILS"),
    ('₺', "TRY"),
    ('₽', "RUB"),
    ('₴', "UAH"),
    ('₫', "VND"),
    ('₱', "PHP"),
    ('₦', "NGN"),
    ('₡', "CRC"),
    ('฿', "THB"),
];

impl Currency {
    /// The currency of an ISO 4217 code, in any case; none where there is no such currency.
    pub fn from_code(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.trim().as_bytes().try_into().ok()?;
        let capitals = bytes.map(|byte| byte.to_ascii_uppercase());
        let known = bytes.iter().all(u8::is_ascii_alphabetic)
            && CODES.as_bytes().chunks(4).any(|known| known.starts_with(&capitals));
        known.then_some(Self(capitals))
    }
}

/// The currency that a text must name.
pub(crate) fn currency(code: &str) -> Result<Currency, Fault> {
    Currency::from_code(code).ok_or_else(|| Fault::of(code, "is not a currency of ISO 4217"))
}

/// An amount of money: `$1,234.50`, `90686.59`, ` $ 93,701.71 `, `(12.00)`, `EUR 5`. The currency is the `named` one, else what the text says for itself,
/// else the `default`; a sign or code in the text that contradicts it is a failure.
pub(crate) fn money(
    text: &str,
    named: Option<Currency>,
    default: Option<Currency>,
    formats: &[NumberFormat],
) -> Result<Money, Fault> {
    let amount = Written::read(text).ok_or_else(|| Fault::of(text, "is not an amount of money"))?;
    let currency = amount.currency(named, default).map_err(|says| Fault::of(text, says))?;
    Ok(Money { micros: amount.micros(text, formats)?, currency })
}

/// The number of an amount, whatever its currency.
pub(crate) fn amount(text: &str, formats: &[NumberFormat]) -> Result<Decimal, Fault> {
    let written = Written::read(text).ok_or_else(|| Fault::of(text, "is not an amount of money"))?;
    Ok(Decimal::new(written.micros(text, formats)?, 6).normalize())
}

/// True where an amount names no currency but the default, by its sign or its code.
pub(crate) fn names_no_other(text: &str, default: Option<Currency>) -> bool {
    let Some(written) = Written::read(text) else { return true };
    match default {
        Some(currency) => written.currency(Some(currency), None).is_ok(),
        None => written.sign.is_none() && written.code.is_none(),
    }
}

/// Currency that the text of an amount names, by its sign or its code: a sign of several means the default where it is one of them. Absent where the text is no
/// amount, none where it names none.
pub fn named_currency(text: &str, default: Option<Currency>) -> Option<Option<Currency>> {
    if is_bare(text) {
        return Some(None);
    }
    let written = Written::read(text)?;
    if written.sign.is_none() && written.code.is_none() {
        return Some(None);
    }
    written.currency(None, default).ok().map(Some)
}

/// `90686.59`: most amounts of an export.
fn is_bare(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.len() < 16 && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(fraction)
}

/// A number as an amount.
pub(crate) fn of_decimal(number: Decimal, currency: Currency) -> Result<Money, Fault> {
    let micros = number.checked_mul(Decimal::from(1_000_000)).filter(|micros| micros.fract().is_zero());
    let micros = micros.and_then(|micros| micros.to_i64());
    let micros =
        micros.ok_or_else(|| Fault::of(number.to_string(), "is too large or too fine for an amount of money"))?;
    Ok(Money { micros, currency })
}

/// An amount taken apart.
struct Written<'t> {
    is_negative: bool,
    number: &'t str,
    sign: Option<char>,
    code: Option<Currency>,
}

impl<'t> Written<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let mut rest = text.trim();
        let mut found = Written { is_negative: false, number: "", sign: None, code: None };
        let in_brackets = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
        if let Some(inner) = in_brackets {
            found.is_negative = true;
            rest = inner.trim();
        }
        // A minus may stand before or after the sign of the currency, once.
        let mut is_signed = found.is_negative;
        let take_minus = |rest: &mut &'t str, found: &mut Self, is_signed: &mut bool| {
            if let (false, Some(after)) = (*is_signed, rest.strip_prefix(['-', '−', '+'])) {
                found.is_negative = !rest.starts_with('+');
                *is_signed = true;
                *rest = after.trim_start();
            }
        };
        take_minus(&mut rest, &mut found, &mut is_signed);
        rest = found.take_currency(rest, true);
        take_minus(&mut rest, &mut found, &mut is_signed);
        rest = found.take_currency(rest, false);
        found.number = rest;
        rest.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '.' | ',')).then_some(found)
    }

    /// Takes a sign or code off the front or the back.
    fn take_currency(&mut self, text: &'t str, at_front: bool) -> &'t str {
        let first = if at_front { text.chars().next() } else { text.chars().next_back() };
        if self.sign.is_none()
            && let Some(sign) = first.filter(|first| SIGNS.iter().any(|(sign, _)| sign == first))
        {
            self.sign = Some(sign);
            let rest = if at_front { text.strip_prefix(sign) } else { text.strip_suffix(sign) };
            return rest.unwrap_or(text).trim();
        }
        let split = if at_front { Some(3) } else { text.len().checked_sub(3) };
        if self.code.is_none()
            && first.is_some_and(|first| first.is_ascii_alphabetic())
            && let Some((front, back)) = split.and_then(|at| text.split_at_checked(at))
        {
            let (code, rest) = if at_front { (front, back) } else { (back, front) };
            self.code = Currency::from_code(code).filter(|_| code.trim() == code);
            if self.code.is_some() {
                return rest.trim();
            }
        }
        text
    }

    fn currency(&self, named: Option<Currency>, default: Option<Currency>) -> Result<Currency, String> {
        let may_be = |currency: Currency| {
            let by_sign = self.sign.is_none_or(|written| {
                SIGNS
                    .iter()
                    .any(|(sign, codes)| *sign == written && codes.split(' ').any(|code| code == currency.code()))
            });
            by_sign && self.code.is_none_or(|code| code == currency)
        };
        // The sign decides, whichever it is: the default where it is written so, else the usual currency of the sign.
        let of_sign = || {
            let (_, codes) = SIGNS.iter().find(|(sign, _)| Some(*sign) == self.sign)?;
            let usual = || codes.split(' ').next().and_then(Currency::from_code);
            default.filter(|default| codes.split(' ').any(|code| code == default.code())).or_else(usual)
        };
        match named.or(self.code).or_else(of_sign).or(default) {
            Some(currency) if may_be(currency) => Ok(currency),
            Some(currency) => Err(format!("names another currency than {}", currency.code())),
            None => Err("names no currency, and neither does the migration".to_owned()),
        }
    }

    fn micros(&self, text: &str, formats: &[NumberFormat]) -> Result<i64, Fault> {
        let plain = plain(formats, self.number).map_err(|unread| match unread {
            Unread::None => Fault::of(text, "is not an amount of money"),
            Unread::Several => several(text),
        })?;
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut micros: i64 = 0;
        for digit in whole.bytes() {
            micros = next_digit(micros, digit).ok_or_else(|| too_large(text))?;
        }
        let mut fraction = fraction.bytes();
        for _ in 0..6 {
            micros = next_digit(micros, fraction.next().unwrap_or(b'0')).ok_or_else(|| too_large(text))?;
        }
        if fraction.any(|digit| digit != b'0') {
            return Err(Fault::of(text, "has more than six decimal places"));
        }
        Ok(if self.is_negative { -micros } else { micros })
    }
}

fn next_digit(number: i64, digit: u8) -> Option<i64> {
    number.checked_mul(10)?.checked_add(i64::from(digit.checked_sub(b'0')?))
}

fn too_large(text: &str) -> Fault {
    Fault::of(text, "is larger than an amount of money can be (9,223,372,036,854)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Result<i64, String> {
        let found = money(text, None, Currency::from_code("USD"), &[]);
        found.map(|money| money.micros).map_err(|fault| fault.reason(false))
    }

    #[test]
    fn amounts_as_people_write_them_are_read() {
        for (text, micros) in [
            ("$245,906", 245_906_000_000),
            ("90686.59", 90_686_590_000),
            (" $ 93,701.71 ", 93_701_710_000),
            ("-$5", -5_000_000),
            ("$-5", -5_000_000),
            ("($5.00)", -5_000_000),
            ("5 USD", 5_000_000),
            ("USD5", 5_000_000),
            ("US 5", i64::MIN),
            (".5", 500_000),
            ("0", 0),
            ("1.000001", 1_000_001),
            ("1.0000010", 1_000_001),
        ] {
            assert_eq!(usd(text).unwrap_or(i64::MIN), micros, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_fails() {
        for text in ["TBD", "$1.2.3", "12,34", "$", "", "5$5", "--5", "(-5)", "1.234,56", "five", "$$5", "5%", "-(5)"] {
            assert!(usd(text).is_err(), "{text}: {:?}", usd(text));
        }
        assert_eq!(usd("TBD"), Err("\"TBD\" is not an amount of money".to_owned()));
        assert_eq!(usd("1.0000001"), Err("\"1.0000001\" has more than six decimal places".to_owned()));
        assert_eq!(
            usd("99999999999999"),
            Err("\"99999999999999\" is larger than an amount of money can be (9,223,372,036,854)".to_owned())
        );
    }

    #[test]
    fn the_currency_is_named_or_written_or_the_default() {
        let code = |text: &str, named: &str, default: &str| {
            money(text, Currency::from_code(named), Currency::from_code(default), &[])
                .map(|money| money.currency.code().to_owned())
                .map_err(|fault| fault.reason(false))
        };
        assert_eq!(code("5", "eur", "USD"), Ok("EUR".to_owned()));
        assert_eq!(code("€5", "", "USD"), Ok("EUR".to_owned()));
        assert_eq!(code("5 CHF", "", "USD"), Ok("CHF".to_owned()));
        assert_eq!(code("£5", "", "USD"), Ok("GBP".to_owned()));
        assert_eq!(code("£5", "", "EGP"), Ok("EGP".to_owned()));
        assert_eq!(code("$5", "", "EUR"), Ok("USD".to_owned()));
        assert_eq!(code("$5 EUR", "", "EUR"), Err("\"$5 EUR\" names another currency than EUR".to_owned()));
        assert_eq!(code("€5", "USD", ""), Err("\"€5\" names another currency than USD".to_owned()));
        assert_eq!(code("$5", "", "CAD"), Ok("CAD".to_owned()));
        assert_eq!(code("$5", "EUR", "USD"), Err("\"$5\" names another currency than EUR".to_owned()));
        assert_eq!(code("5", "", ""), Err("\"5\" names no currency, and neither does the migration".to_owned()));
        assert_eq!(code("5 XYZ", "", "USD"), Err("\"5 XYZ\" is not an amount of money".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn every_amount_survives_its_text(micros in -9_223_372_036_854_775_807..=9_223_372_036_854_775_807_i64) {
            let text = Decimal::new(micros, 6).to_string();
            proptest::prop_assert_eq!(usd(&text), Ok(micros));
            proptest::prop_assert_eq!(amount(&text, &[]).unwrap(), Decimal::new(micros, 6));
        }

        #[test]
        fn no_text_panics(text in ".*", near in "[-+($€ ,.0-9A-Z)]{0,12}") {
            let _ = (usd(&text), usd(&near), Currency::from_code(&text));
        }
    }
}
