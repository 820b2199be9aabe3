//! E-mail addresses and phone numbers.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use phonenumber::metadata::DATABASE;
use phonenumber::{PhoneNumber, country};
use serde_json::{Map, Value, json};

use super::inspect;
use crate::twenty::problem::Problem;

const LONGEST_EMAIL: usize = 254;

/// The stored form of an EMAILS value: the primary one is blanked when it is not sent, the others stay.
pub(crate) fn emails(old: bool, name: &str, parts: &Map<String, Value>) -> Result<Value, Problem> {
    let primary = match parts.get("primaryEmail") {
        None | Some(Value::Null) => String::new(),
        Some(value) => email(old, &format!("{name}.primaryEmail"), value)?,
    };
    let mut stored = json!({ "primaryEmail": primary });
    let path = format!("{name}.additionalEmails");
    let additional = match parts.get("additionalEmails") {
        None => return Ok(stored),
        Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().map(|item| email(old, &path, item)).collect::<Result<_, _>>()?,
        Some(other) => return Err(bad_email(&path, other)),
    };
    if let Some(stored) = stored.as_object_mut() {
        stored.insert("additionalEmails".into(), json!(additional));
    }
    Ok(stored)
}

fn bad_email(path: &str, value: &Value) -> Problem {
    Problem::invalid(format!("Invalid string value {} for email field \"{path}\"", inspect(value)))
}

fn email(old: bool, path: &str, value: &Value) -> Result<String, Problem> {
    let text = value.as_str().ok_or_else(|| bad_email(path, value))?;
    let formed = text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    let plain = !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    if text.is_empty() || old || (formed && plain && text.len() <= LONGEST_EMAIL) {
        return Ok(text.to_lowercase());
    }
    Err(bad_email(path, value))
}

/// The stored form of a PHONES value: number, country and calling code apart; extensions are lost.
pub(crate) fn phones(parts: &Map<String, Value>) -> Result<Value, Problem> {
    let part = |key: &str| parts.get(key).and_then(Value::as_str).unwrap_or_default();
    let primary = phone(part("primaryPhoneNumber"), part("primaryPhoneCountryCode"), part("primaryPhoneCallingCode"))?;
    let listed = match parts.get("additionalPhones") {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut additional = Vec::new();
    for item in listed {
        let part = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let found = phone(&part("number"), &part("countryCode"), &part("callingCode"))?;
        additional.push(json!({"number": found.0, "callingCode": found.2, "countryCode": found.1}));
    }
    let mut stored = json!({
        "primaryPhoneNumber": primary.0,
        "primaryPhoneCountryCode": primary.1,
        "primaryPhoneCallingCode": primary.2,
    });
    if let (true, Some(stored)) = (parts.contains_key("additionalPhones"), stored.as_object_mut()) {
        stored.insert("additionalPhones".into(), Value::Array(additional));
    }
    Ok(stored)
}

/// National number, country and calling code.
fn phone(number: &str, country: &str, calling: &str) -> Result<(String, String, String), Problem> {
    let known = match country {
        "" => None,
        code => {
            let id = country::Id::from_str(code);
            let message = format!("Invalid country code {code}");
            Some(id.map_err(|_| Problem::coded("INVALID_PHONE_COUNTRY_CODE", message))?)
        }
    };
    let code_of_country = known.and_then(|id| DATABASE.by_id(id.as_ref())).map(phonenumber::Metadata::country_code);
    let digits = calling.trim_start_matches('+').parse::<u16>().ok();
    if let (Some(of_country), Some(given)) = (code_of_country, digits)
        && of_country != given
    {
        let message = "Provided country code and calling code are conflicting";
        return Err(Problem::coded("CONFLICTING_PHONE_CALLING_CODE_AND_COUNTRY_CODE", message));
    }
    if number.is_empty() {
        return Ok((String::new(), country.to_owned(), calling.to_owned()));
    }
    let refuse = || Problem::coded("INVALID_PHONE_NUMBER", format!("Provided phone number is invalid {number}"));
    let text = match (known, digits) {
        (None, Some(code)) if !number.trim_start().starts_with('+') => format!("+{code}{number}"),
        _ => number.to_owned(),
    };
    let parsed = match (phonenumber::parse(known, text), code_of_country) {
        (Ok(parsed), _) => parsed,
        // Two digits are a number, where the country is said.
        (Err(_), Some(code)) if number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Ok((number.to_owned(), country.to_owned(), format!("+{code}")));
        }
        _ => return Err(refuse()),
    };
    let country = if country.is_empty() { country_of(&parsed) } else { country.to_owned() };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    // The server keeps a number that is too short as it is, without taking a trunk prefix off it.
    let short = !number.trim_start().starts_with('+') && !phonenumber::is_valid(&parsed);
    let national = if short { digits } else { parsed.national().to_string() };
    Ok((national, country, format!("+{}", parsed.country().code())))
}

/// Countries by calling code, length and leading digits: finding one anew costs the library dozens of patterns.
static COUNTRIES: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
/// Number of leading digits that settle the country: an area code in North America, a block on the Channel Islands.
const LEADING: usize = 6;

fn country_of(number: &PhoneNumber) -> String {
    let national = number.national().to_string();
    let leading: String = national.chars().take(LEADING).collect();
    let key = format!("{}/{}/{leading}", number.country().code(), national.len());
    let mut known = COUNTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(country) = known.get(&key) {
        return country.clone();
    }
    let country = number.country().id().map(|id| id.as_ref().to_owned()).unwrap_or_default();
    known.insert(key, country.clone());
    country
}

#[cfg(test)]
mod tests {
    use super::phone;

    #[test]
    fn a_number_is_split_into_three() {
        let split = |number: &str, country: &str, calling: &str| phone(number, country, calling).unwrap();
        assert_eq!(split("+12025550199", "", ""), ("2025550199".into(), "US".into(), "+1".into()));
        assert_eq!(split("+1 202 555 0188 ext. 55", "", ""), ("2025550188".into(), "US".into(), "+1".into()));
        assert_eq!(split("12", "US", ""), ("12".into(), "US".into(), "+1".into()));
        assert_eq!(split("123", "US", ""), ("123".into(), "US".into(), "+1".into()));
        assert_eq!(split("+442079460000", "", ""), ("2079460000".into(), "GB".into(), "+44".into()));
    }

    #[test]
    fn refusals_carry_the_code_of_the_server() {
        let code = |number: &str, country: &str, calling: &str| phone(number, country, calling).unwrap_err().code;
        assert_eq!(code("(202) 555-0177", "", ""), Some("INVALID_PHONE_NUMBER"));
        assert_eq!(code("call me", "", ""), Some("INVALID_PHONE_NUMBER"));
        assert_eq!(code("612345678", "XX", ""), Some("INVALID_PHONE_COUNTRY_CODE"));
        let conflict = "CONFLICTING_PHONE_CALLING_CODE_AND_COUNTRY_CODE";
        assert_eq!(code("612345678", "FR", "+1"), Some(conflict));
    }
}
