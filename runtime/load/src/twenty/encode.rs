//! Typed values into the bodies that Twenty takes. Composites are always written whole: a part that is left out may blank another.

use migr_transform::{Money, Phone, Value};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value as Json, json};

use super::native::ACTOR_SOURCES;
use super::normal::{email, link, moment};
use crate::FieldSchema;

/// Text parts of an address.
pub(super) const ADDRESS_TEXTS: [&str; 6] =
    ["addressStreet1", "addressStreet2", "addressCity", "addressPostcode", "addressState", "addressCountry"];
/// Number parts of an address.
pub(super) const ADDRESS_NUMBERS: [&str; 2] = ["addressLat", "addressLng"];
/// The largest whole number that survives JSON at the server.
const EXACT: i64 = 1 << 53;
/// Longest e-mail address that the server takes.
const LONGEST_EMAIL: usize = 254;

/// Why a value cannot be written. `says` never holds the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The part of the composite.
    pub(super) part: Option<String>,
    pub(super) value: Option<String>,
    pub(super) says: String,
}

type Encoded = Result<Json, Fault>;

fn fault(value: impl Into<String>, says: impl Into<String>) -> Fault {
    Fault { part: None, value: Some(value.into()), says: says.into() }
}

fn unfit(value: &Value<'_>, what: &str) -> Fault {
    Fault { part: None, value: None, says: format!("{} is not {what}", value.kind()) }
}

impl Fault {
    fn inside(mut self, part: &str) -> Self {
        self.part.get_or_insert_with(|| part.to_owned());
        self
    }
}

/// The empty value of a field; none where the field cannot be empty and is left out.
pub(super) fn blank(field: &FieldSchema) -> Option<Json> {
    Some(match field.native.as_str() {
        "TEXT" => json!(""),
        "RICH_TEXT" | "RICH_TEXT_V2" => json!({"blocknote": null, "markdown": null}),
        "EMAILS" => json!({"primaryEmail": "", "additionalEmails": []}),
        "PHONES" => phones_body("", "", "", Vec::new()),
        "LINKS" => json!({"primaryLinkUrl": "", "primaryLinkLabel": "", "secondaryLinks": []}),
        "CURRENCY" => json!({"amountMicros": null, "currencyCode": null}),
        "FULL_NAME" => json!({"firstName": "", "lastName": ""}),
        "ADDRESS" => address(&[])?,
        "ARRAY" | "MULTI_SELECT" if field.nullable => json!([]),
        _ if field.nullable => Json::Null,
        _ => return None,
    })
}

/// The native value of a field; none where the field is left out. References give an id, whatever key it goes by.
pub(super) fn encode(field: &FieldSchema, value: &Value<'_>) -> Result<Option<Json>, Fault> {
    if value.is_none() {
        return Ok(blank(field));
    }
    let encoded = match field.native.as_str() {
        "TEXT" => text(value).map(Json::String),
        "RICH_TEXT" | "RICH_TEXT_V2" => text(value).map(|text| json!({"markdown": text})),
        "NUMBER" | "NUMERIC" | "POSITION" => number(value),
        "BOOLEAN" => match value {
            Value::Boolean(truth) => Ok(Json::Bool(*truth)),
            other => Err(unfit(other, "a truth value")),
        },
        "DATE" => match value {
            Value::Date(date) if (1..=9999).contains(&date.year()) => Ok(Json::String(date.to_string())),
            Value::Date(date) => Err(fault(date.to_string(), "is before year 1, which the destination has not")),
            other => Err(unfit(other, "a date")),
        },
        "DATE_TIME" => match value {
            Value::Datetime(instant) => Ok(Json::String(moment(*instant))),
            other => Err(unfit(other, "a date with time")),
        },
        "SELECT" | "RATING" => option(field, value).map(Json::String),
        "MULTI_SELECT" => options(field, value),
        "RELATION" | "MORPH_RELATION" => match value {
            Value::Reference(reference) => id(&reference.id),
            other => Err(unfit(other, "a reference")),
        },
        "UUID" => text(value).and_then(|text| id(&text)),
        "EMAILS" => emails(value),
        "PHONES" => phones(value),
        "LINKS" => links(value),
        "CURRENCY" => money(value),
        "ADDRESS" => match value {
            Value::Record(parts) => address_of(parts),
            other => Err(unfit(other, "an address")),
        },
        "FULL_NAME" => match value {
            Value::Record(parts) => full_name(parts),
            other => Err(unfit(other, "a name with `firstName` and `lastName`")),
        },
        "ACTOR" => match value {
            Value::Record(parts) => actor(parts),
            other => Err(unfit(other, "an actor with `source`, `name` and `workspaceMember`")),
        },
        "RAW_JSON" => plain_json(value),
        "ARRAY" => array(value),
        other => {
            Err(Fault { part: None, value: None, says: format!("the destination's {other} fields cannot be written") })
        }
    };
    encoded.map(Some)
}

fn checked(text: &str) -> Result<&str, Fault> {
    if text.contains('\0') {
        return Err(Fault {
            part: None,
            value: None,
            says: "it holds a NUL character, which the destination refuses".to_owned(),
        });
    }
    Ok(text)
}

fn text(value: &Value<'_>) -> Result<String, Fault> {
    match value {
        Value::Text(text) | Value::Option(text) => checked(text).map(str::to_owned),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Decimal(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Date(date) => Ok(date.to_string()),
        Value::Datetime(instant) => Ok(moment(*instant)),
        Value::Phone(phone) => Ok(phone.e164.clone()),
        Value::Json(json) => Ok(json.to_string()),
        other => Err(unfit(other, "a text")),
    }
}

fn number(value: &Value<'_>) -> Encoded {
    let lost = |shown: String| fault(shown, "has more digits than the destination's numbers keep; map it to a text");
    match value {
        Value::Integer(number) if (-EXACT..=EXACT).contains(number) => Ok(json!(number)),
        Value::Integer(number) => Err(lost(number.to_string())),
        Value::Decimal(number) => decimal(*number).ok_or_else(|| lost(number.to_string())),
        other => Err(unfit(other, "a number")),
    }
}

/// A decimal as a JSON number, where that loses nothing.
fn decimal(number: Decimal) -> Option<Json> {
    if number.is_integer() {
        let whole = number.to_i64().filter(|whole| (-EXACT..=EXACT).contains(whole))?;
        return Some(json!(whole));
    }
    let float = number.to_f64()?;
    let back: Decimal = float.to_string().parse().ok()?;
    (back == number).then(|| json!(float))
}

fn option(field: &FieldSchema, value: &Value<'_>) -> Result<String, Fault> {
    let (Value::Option(given) | Value::Text(given)) = value else {
        return Err(unfit(value, "an option"));
    };
    if field.options.iter().any(|option| option.value == **given) {
        return Ok(given.to_string());
    }
    let known: Vec<&str> = field.options.iter().take(8).map(|option| option.value.as_str()).collect();
    let more = if field.options.len() > known.len() { ", …" } else { "" };
    Err(fault(given.to_string(), format!("is not an option there; it has {}{more}", known.join(", "))))
}

fn options(field: &FieldSchema, value: &Value<'_>) -> Encoded {
    let items = match value {
        Value::List(items) | Value::Tuple(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found: Vec<String> = Vec::new();
    for item in items.iter().filter(|item| !item.is_none()) {
        let option = option(field, item)?;
        if !found.contains(&option) {
            found.push(option);
        }
    }
    Ok(json!(found))
}

fn id(text: &str) -> Encoded {
    match uuid::Uuid::try_parse(text) {
        Ok(id) if text.len() == 36 => Ok(Json::String(id.to_string())),
        _ => Err(fault(text, "is not a UUID")),
    }
}

fn one_email(value: &Value<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    let address = email(&text);
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

fn each<'v, 'a>(value: &'v Value<'a>) -> impl Iterator<Item = &'v Value<'a>> {
    let items = match value {
        Value::List(items) | Value::Tuple(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().filter(|item| !item.is_none())
}

fn emails(value: &Value<'_>) -> Encoded {
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

fn phones_body(number: &str, country: &str, code: &str, others: Vec<Json>) -> Json {
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
        Value::Text(text) => Ok(json!({"number": checked(text)?})),
        Value::Record(_) | Value::Json(_) => plain_json(value),
        other => Err(unfit(other, "a phone number")),
    }
}

fn phones(value: &Value<'_>) -> Encoded {
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
            let others =
                get(parts, "additionalPhones").map(|value| each(value).map(other_phone).collect::<Result<Vec<_>, _>>());
            let others = others.transpose().map_err(|fault| fault.inside("additionalPhones"))?.unwrap_or_default();
            Ok(phones_body(&number, &country, &code, others))
        }
        value => {
            let mut all = each(value);
            let (number, country, code) = match all.next() {
                Some(Value::Phone(phone)) => one_phone(phone),
                Some(other @ Value::Text(_)) => (text(other)?, String::new(), String::new()),
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
        Value::Record(_) | Value::Json(_) => plain_json(value),
        other => Err(unfit(other, "a link")),
    }
}

fn links(value: &Value<'_>) -> Encoded {
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

fn money(value: &Value<'_>) -> Encoded {
    match value {
        Value::Money(Money { micros, currency }) if (-EXACT..=EXACT).contains(micros) => {
            Ok(json!({"amountMicros": micros, "currencyCode": currency.code()}))
        }
        Value::Money(Money { micros, .. }) => {
            Err(fault(micros.to_string(), "millionths are more than the destination's amounts keep exactly"))
        }
        other => Err(unfit(other, "an amount of money")),
    }
}

fn address(parts: &[(&str, Json)]) -> Option<Json> {
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

fn address_of(parts: &Parts<'_>) -> Encoded {
    let mut given: Vec<(&str, Json)> = Vec::new();
    for (name, value) in parts.iter().filter(|(_, value)| !value.is_none()) {
        let encoded =
            if ADDRESS_NUMBERS.contains(&name.as_ref()) { number(value) } else { text(value).map(Json::String) };
        given.push((name, encoded.map_err(|fault| fault.inside(name))?));
    }
    known(parts, &[ADDRESS_TEXTS.as_slice(), ADDRESS_NUMBERS.as_slice()].concat())?;
    Ok(address(&given).unwrap_or(Json::Null))
}

fn full_name(parts: &Parts<'_>) -> Encoded {
    known(parts, &["firstName", "lastName"])?;
    let part = |name| {
        get(parts, name).map(text).transpose().map_err(|fault| fault.inside(name)).map(Option::unwrap_or_default)
    };
    Ok(json!({"firstName": part("firstName")?, "lastName": part("lastName")?}))
}

fn actor(parts: &Parts<'_>) -> Encoded {
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

fn array(value: &Value<'_>) -> Encoded {
    each(value).map(|item| text(item).map(Json::String)).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

fn plain_json(value: &Value<'_>) -> Encoded {
    Ok(match value {
        Value::None | Value::Default => Json::Null,
        Value::Json(json) => {
            if json.to_string().contains("\\u0000") {
                checked("\0")?;
            }
            (**json).clone()
        }
        Value::Integer(_) | Value::Decimal(_) => number(value)?,
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::List(items) | Value::Tuple(items) => {
            Json::Array(items.iter().map(plain_json).collect::<Result<_, _>>()?)
        }
        Value::Record(parts) => {
            let mut object = Map::new();
            for (name, value) in parts {
                object.insert(name.to_string(), plain_json(value)?);
            }
            Json::Object(object)
        }
        Value::Money(_) => money(value)?,
        Value::Reference(reference) => id(&reference.id)?,
        other => Json::String(text(other)?),
    })
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
