//! Values of several parts, written whole.

use migr_transform::{Phone, Value};
use serde_json::{Map, Value as Json, json};

use super::encode::{Encoded, Fault, checked, each, fault, id, number, plain_json, text, unfit};
use super::native::ACTOR_SOURCES;
use super::normal::link;
use super::refused;

/// Text parts of an address.
pub(super) const ADDRESS_TEXTS: [&str; 6] =
    ["addressStreet1", "addressStreet2", "addressCity", "addressPostcode", "addressState", "addressCountry"];
/// Number parts of an address.
pub(super) const ADDRESS_NUMBERS: [&str; 2] = ["addressLat", "addressLng"];

/// The part that a key of a composite belongs to: a number and its codes are one, an address and its label, an amount and its currency.
pub(super) fn part_of(key: &str) -> &str {
    match key {
        "primaryPhoneCountryCode" | "primaryPhoneCallingCode" => "primaryPhoneNumber",
        "primaryLinkLabel" => "primaryLinkUrl",
        "currencyCode" => "amountMicros",
        "workspaceMemberId" | "name" | "context" => "source",
        "blocknote" => "markdown",
        part => part,
    }
}

fn one_email(value: &Value<'_>) -> Result<String, Fault> {
    refused::address(&text(value)?)
}

pub(super) fn emails(value: &Value<'_>) -> Encoded {
    let (first, others): (Option<String>, Vec<String>) = match value {
        Value::Record(parts) => {
            known(parts, &["primaryEmail", "additionalEmails"])?;
            let first = match get(parts, "primaryEmail") {
                Some(value) => Some(one_email(value).map_err(|fault| fault.inside("primaryEmail"))?),
                None => None,
            };
            let others = match get(parts, "additionalEmails") {
                Some(value) => each(value)
                    .map(one_email)
                    .collect::<Result<_, _>>()
                    .map_err(|fault| fault.inside("additionalEmails"))?,
                None => Vec::new(),
            };
            (first, others)
        }
        value => {
            let mut all = each(value).map(one_email).collect::<Result<Vec<_>, _>>()?.into_iter();
            (all.next(), all.collect())
        }
    };
    Ok(json!({"primaryEmail": first.unwrap_or_default(), "additionalEmails": others}))
}

pub(super) fn phones_body(number: &str, country: &str, code: &str, others: Vec<Json>) -> Json {
    let mut body = Map::new();
    body.insert("primaryPhoneNumber".to_owned(), json!(number));
    for (name, part) in [("primaryPhoneCountryCode", country), ("primaryPhoneCallingCode", code)] {
        // A number with neither is split by the server, if they are not sent as empty.
        if number.is_empty() || !part.is_empty() {
            body.insert(name.to_owned(), json!(part));
        }
    }
    body.insert("additionalPhones".to_owned(), Json::Array(others));
    Json::Object(body)
}

fn one_phone(phone: &Phone) -> (String, String, String) {
    match phone.country {
        Some(country) => (phone.national().to_owned(), country.code().to_owned(), format!("+{}", phone.calling_code)),
        // Without a country the server splits the whole number itself.
        None => (phone.e164.clone(), String::new(), String::new()),
    }
}

fn other_phone(value: &Value<'_>) -> Encoded {
    match value {
        Value::Phone(phone) => {
            let (number, country, code) = one_phone(phone);
            if country.is_empty() {
                return Ok(json!({"number": number}));
            }
            Ok(json!({"number": number, "countryCode": country, "callingCode": code}))
        }
        Value::Text(text) => {
            refused::phone(checked(text)?, "", "")?;
            Ok(json!({"number": text}))
        }
        Value::Record(_) | Value::Json(_) => {
            let parts = plain_json(value)?;
            let part = |name: &str| parts.get(name).and_then(Json::as_str).unwrap_or_default();
            refused::phone(part("number"), part("countryCode"), part("callingCode"))?;
            Ok(parts)
        }
        other => Err(unfit(other, "a phone number")),
    }
}

pub(super) fn phones(value: &Value<'_>) -> Encoded {
    match value {
        Value::Record(parts) => {
            known(
                parts,
                &["primaryPhoneNumber", "primaryPhoneCountryCode", "primaryPhoneCallingCode", "additionalPhones"],
            )?;
            let (mut number, mut country, mut code) = match get(parts, "primaryPhoneNumber") {
                Some(Value::Phone(phone)) => one_phone(phone),
                Some(other) => {
                    (text(other).map_err(|fault| fault.inside("primaryPhoneNumber"))?, String::new(), String::new())
                }
                None => Default::default(),
            };
            if let Some(given) = get(parts, "primaryPhoneCountryCode") {
                country = text(given).map_err(|fault| fault.inside("primaryPhoneCountryCode"))?;
            }
            if let Some(given) = get(parts, "primaryPhoneCallingCode") {
                code = text(given).map_err(|fault| fault.inside("primaryPhoneCallingCode"))?;
            }
            number = number.trim().to_owned();
            refused::phone(&number, &country, &code)?;
            let others =
                get(parts, "additionalPhones").map(|value| each(value).map(other_phone).collect::<Result<Vec<_>, _>>());
            let others = others.transpose().map_err(|fault| fault.inside("additionalPhones"))?.unwrap_or_default();
            Ok(phones_body(&number, &country, &code, others))
        }
        value => {
            let mut all = each(value);
            let (number, country, code) = match all.next() {
                Some(Value::Phone(phone)) => one_phone(phone),
                Some(other @ Value::Text(_)) => {
                    let number = text(other)?;
                    refused::phone(&number, "", "")?;
                    (number, String::new(), String::new())
                }
                Some(other) => return Err(unfit(other, "a phone number")),
                None => Default::default(),
            };
            let others = all.map(other_phone).collect::<Result<Vec<_>, _>>()?;
            Ok(phones_body(&number, &country, &code, others))
        }
    }
}

fn one_link(value: &Value<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    match link(&text) {
        // As given: the server brings it into its own form, and must be free to.
        Some(_) => Ok(text.trim().to_owned()),
        None => Err(fault(text, "is not an address of the web that the destination can keep")),
    }
}

fn other_link(value: &Value<'_>) -> Encoded {
    match value {
        Value::Text(_) => Ok(json!({"url": one_link(value)?, "label": ""})),
        Value::Record(_) | Value::Json(_) => {
            let parts = plain_json(value)?;
            if let Some(url) = parts.get("url").and_then(Json::as_str).filter(|url| !url.is_empty()) {
                one_link(&Value::text(url))?;
            }
            Ok(parts)
        }
        other => Err(unfit(other, "a link")),
    }
}

pub(super) fn links(value: &Value<'_>) -> Encoded {
    let (url, label, others) = match value {
        Value::Record(parts) => {
            known(parts, &["primaryLinkUrl", "primaryLinkLabel", "secondaryLinks"])?;
            let url = get(parts, "primaryLinkUrl")
                .map(one_link)
                .transpose()
                .map_err(|fault| fault.inside("primaryLinkUrl"))?;
            let label = get(parts, "primaryLinkLabel")
                .map(text)
                .transpose()
                .map_err(|fault| fault.inside("primaryLinkLabel"))?;
            let others =
                get(parts, "secondaryLinks").map(|value| each(value).map(other_link).collect::<Result<Vec<_>, _>>());
            let others = others.transpose().map_err(|fault| fault.inside("secondaryLinks"))?;
            (url, label, others.unwrap_or_default())
        }
        value => {
            let mut all = each(value);
            let url = all.next().map(one_link).transpose()?;
            (url, None, all.map(other_link).collect::<Result<Vec<_>, _>>()?)
        }
    };
    Ok(
        json!({"primaryLinkUrl": url.unwrap_or_default(), "primaryLinkLabel": label.unwrap_or_default(), "secondaryLinks": others}),
    )
}

pub(super) fn address(parts: &[(&str, Json)]) -> Option<Json> {
    let mut whole = Map::new();
    for name in ADDRESS_TEXTS {
        whole.insert(name.to_owned(), json!(""));
    }
    for name in ADDRESS_NUMBERS {
        whole.insert(name.to_owned(), Json::Null);
    }
    for (name, value) in parts {
        *whole.get_mut(*name)? = value.clone();
    }
    Some(Json::Object(whole))
}

pub(super) fn address_of(parts: &Parts<'_>) -> Encoded {
    let mut given: Vec<(&str, Json)> = Vec::new();
    for (name, value) in parts.iter().filter(|(_, value)| !value.is_none()) {
        let encoded =
            if ADDRESS_NUMBERS.contains(&name.as_ref()) { number(value) } else { text(value).map(Json::String) };
        given.push((name, encoded.map_err(|fault| fault.inside(name))?));
    }
    known(parts, &[ADDRESS_TEXTS.as_slice(), ADDRESS_NUMBERS.as_slice()].concat())?;
    Ok(address(&given).unwrap_or(Json::Null))
}

pub(super) fn full_name(parts: &Parts<'_>) -> Encoded {
    known(parts, &["firstName", "lastName"])?;
    let part = |name| {
        get(parts, name).map(text).transpose().map_err(|fault| fault.inside(name)).map(Option::unwrap_or_default)
    };
    Ok(json!({"firstName": part("firstName")?, "lastName": part("lastName")?}))
}

pub(super) fn actor(parts: &Parts<'_>) -> Encoded {
    known(parts, &["source", "name", "workspaceMember", "context"])?;
    let mut body = Map::new();
    if let Some(source) = get(parts, "source") {
        let source = text(source).map_err(|fault| fault.inside("source"))?;
        if !ACTOR_SOURCES.contains(&source.as_str()) {
            return Err(fault(source, format!("is not one of {}", ACTOR_SOURCES.join(", "))).inside("source"));
        }
        body.insert("source".to_owned(), Json::String(source));
    }
    let name = get(parts, "name")
        .map(text)
        .transpose()
        .map_err(|fault| fault.inside("name"))?
        .filter(|name| !name.trim().is_empty());
    let member = match get(parts, "workspaceMember") {
        Some(Value::Reference(reference)) => Some(id(&reference.id).map_err(|fault| fault.inside("workspaceMember"))?),
        Some(other) => return Err(unfit(other, "a reference to workspaceMembers").inside("workspaceMember")),
        None => None,
    };
    if member.is_some() && name.is_none() {
        let says = "it is empty, and without it the destination names the API key in place of the member; give a name (`… ?? \"Import\"`)";
        return Err(Fault { part: Some("name".to_owned()), value: None, says: says.to_owned() });
    }
    if let Some(name) = name {
        body.insert("name".to_owned(), Json::String(name));
        body.insert("workspaceMemberId".to_owned(), member.unwrap_or(Json::Null));
    }
    Ok(Json::Object(body))
}

type Parts<'a> = [(std::borrow::Cow<'a, str>, Value<'a>)];

fn get<'v, 'a>(parts: &'v Parts<'a>, name: &str) -> Option<&'v Value<'a>> {
    parts.iter().find(|(part, _)| part == name).map(|(_, value)| value).filter(|value| !value.is_none())
}

fn known(parts: &Parts<'_>, names: &[&str]) -> Result<(), Fault> {
    match parts.iter().find(|(part, value)| !names.contains(&part.as_ref()) && !value.is_none()) {
        None => Ok(()),
        Some((part, _)) => Err(Fault {
            part: Some(part.to_string()),
            value: None,
            says: format!("there is no such part; there are {}", names.join(", ")),
        }),
    }
}
