//! Values that Twenty refuses, refused before it is asked. Each rule is one that was recorded; what no recording tells is left to the server.

use migr_transform::Country;

use super::encode::{Fault, fault};
use super::normal::email;

/// Longest e-mail address that the server takes.
const LONGEST_EMAIL: usize = 254;
/// Fewest digits of what the server takes for a phone number.
const FEWEST_DIGITS: usize = 2;

/// An e-mail address in the form in which it is kept.
pub(super) fn address(text: &str) -> Result<String, Fault> {
    let address = email(text);
    let sides = address.split_once('@');
    if !sides.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'))
        || address.contains(|character: char| character.is_whitespace() || character.is_control())
    {
        return Err(fault(text, "is not an e-mail address"));
    }
    if address.len() > LONGEST_EMAIL {
        return Err(fault(text, format!("is longer than the {LONGEST_EMAIL} characters of an e-mail address")));
    }
    Ok(address)
}

/// A phone number by its parts, each empty where it is not sent.
pub(super) fn phone(number: &str, country: &str, calling_code: &str) -> Result<(), Fault> {
    // Whether the server takes a code in small letters was not recorded.
    let known = Country::new(&country.to_ascii_uppercase()).and_then(|country| country.calling_code());
    if !country.is_empty() && known.is_none() {
        return Err(fault(country, "is not the code of a country that has phone numbers (`US`, `DE`)"));
    }
    let given: Option<u16> = calling_code.trim_start_matches('+').parse().ok();
    if let (Some(known), Some(given)) = (known, given)
        && known != given
    {
        let says = format!(
            "is not the calling code of {country}, which is +{known}; the destination refuses the two together"
        );
        return Err(fault(calling_code, says));
    }
    if number.is_empty() {
        return Ok(());
    }
    if number.chars().filter(|character| character.is_numeric()).count() < FEWEST_DIGITS {
        return Err(fault(number, "is not a phone number: it has fewer than two digits"));
    }
    if country.is_empty() && calling_code.is_empty() && !number.contains(['+', '\u{ff0b}']) {
        return Err(fault(number, "has neither `+` and a country's code nor a country, so the destination refuses it"));
    }
    Ok(())
}

/// A UUID of a version and variant that the RFC knows.
pub(super) fn uuid(text: &str) -> Result<uuid::Uuid, Fault> {
    let id = uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    let id = id.ok_or_else(|| fault(text, "is not a UUID"))?;
    if (1..=8).contains(&id.get_version_num()) && id.get_variant() == uuid::Variant::RFC4122 {
        return Ok(id);
    }
    Err(fault(text, "is not a UUID of a version that the destination takes (1 to 8, by RFC 9562)"))
}

#[cfg(test)]
mod tests {
    use super::{address, phone, uuid};

    #[test]
    fn phone_numbers_are_refused_as_they_were_recorded_to_be() {
        for (number, country, code) in [
            ("call me", "", ""),
            ("abc", "US", "+1"),
            ("(202) 555-0177", "", ""),
            ("612345678", "FR", "+1"),
            ("612345678", "XX", ""),
        ] {
            assert!(phone(number, country, code).is_err(), "{number} {country} {code}");
        }
        for (number, country, code) in [
            ("+12025550199", "", ""),
            ("+1 202 555 0188 ext. 55", "", ""),
            ("123", "US", ""),
            ("2025550199", "US", "+1"),
            ("", "", ""),
        ] {
            assert_eq!(phone(number, country, code), Ok(()), "{number} {country} {code}");
        }
    }

    #[test]
    fn addresses_are_refused_as_they_were_recorded_to_be() {
        for refused in ["not an email", "bad email", &format!("{}@x.example", "a".repeat(254))] {
            assert!(address(refused).is_err(), "{refused}");
        }
        for taken in ["root@localhost", "josé@münchen.example"] {
            assert_eq!(address(taken).as_deref(), Ok(taken));
        }
    }

    #[test]
    fn a_uuid_has_a_version() {
        assert!(uuid("8b41cf00-8372-56df-948b-6d174af2a64f").is_ok());
        for refused in ["11111111-1111-1111-1111-111111111112", "001xx000003DGb1", "8b41cf00837256df948b6d174af2a64f"] {
            assert!(uuid(refused).is_err(), "{refused}");
        }
    }
}
