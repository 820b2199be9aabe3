//! Implementation of each function; the table describes it in words.
#![expect(clippy::unnecessary_wraps, reason = "the functions of the table have one signature")]

use std::borrow::Cow;
use std::collections::HashSet;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Arguments, Scope, countries};
use crate::convert::{self, text_of};
use crate::dates::{self, Ambiguity};
use crate::failure::Fault;
use crate::phones::Region;
use crate::{Value, addresses, markup, money as amounts, numbers, phones, text};

/// Note on an address of which `domain` takes the site alone.
const PATH_LEFT: &str = "the address holds more than its site: `domain` leaves it out";

type Applied<'r> = Result<Value<'r>, Fault>;

fn with_text<'r>(value: Value<'r>, change: impl FnOnce(Cow<'r, str>) -> Cow<'r, str>) -> Applied<'r> {
    Ok(Value::text(change(text_of(value)?)))
}

pub(super) fn trim<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, text::trim)
}

pub(super) fn collapse<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, text::collapse)
}

pub(super) fn lower<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, text::lower)
}

pub(super) fn upper<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, text::upper)
}

pub(super) fn title<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, |value| Cow::Owned(text::title(&value)))
}

pub(super) fn digits<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, text::digits)
}

pub(super) fn mask<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, |value| Cow::Owned(text::mask(&value)))
}

pub(super) fn plain<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    with_text(value, markup::plain)
}

pub(super) fn markdown<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let (markdown, losses) = markup::markdown(text_of(value)?);
    scope.losses.extend(losses.in_words());
    Ok(Value::text(markdown))
}

pub(super) fn truncate<'r>(_: &mut Scope<'_>, value: Value<'r>, [length, ..]: Arguments<'r>) -> Applied<'r> {
    let most = whole(length)?;
    let most = usize::try_from(most).map_err(|_| Fault::plain("truncate needs a length that is not negative"))?;
    with_text(value, |value| text::truncate(value, most))
}

pub(super) fn replace<'r>(_: &mut Scope<'_>, value: Value<'r>, [from, to, ..]: Arguments<'r>) -> Applied<'r> {
    let (from, to) = (line_ends(optional_text(from)?), optional_text(to)?);
    with_text(value, |value| {
        if from.is_empty() || !value.contains(&*from) { value } else { Cow::Owned(value.replace(&*from, &to)) }
    })
}

pub(super) fn matches<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let value = text_of(value)?;
    Ok(Value::Boolean(scope.prepared.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&value))))
}

pub(super) fn capture<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let value = text_of(value)?;
    let found = scope.prepared.pattern.as_ref().and_then(|pattern| pattern.captures(&value));
    let part = found.and_then(|found| found.get(1).or_else(|| (found.len() == 1).then(|| found.get(0)).flatten()));
    Ok(part.map_or(Value::None, |part| Value::text(part.as_str().to_owned())))
}

pub(super) fn split<'r>(_: &mut Scope<'_>, value: Value<'r>, [separator, ..]: Arguments<'r>) -> Applied<'r> {
    let separator = line_ends(optional_text(separator)?);
    // Blanks around an element, the return of a line end among them, are no part of it.
    let part = |part: &str| Value::text(part.trim().to_owned());
    let parts = match text_of(value)? {
        whole if separator.is_empty() => vec![Value::text(whole)],
        Cow::Borrowed(whole) => whole.split(&*separator).map(|part: &'r str| Value::text(part.trim())).collect(),
        Cow::Owned(whole) => whole.split(&*separator).map(part).collect(),
    };
    Ok(Value::List(parts))
}

pub(super) fn join<'r>(_: &mut Scope<'_>, value: Value<'r>, [separator, ..]: Arguments<'r>) -> Applied<'r> {
    let separator = optional_text(separator)?;
    let mut items = elements(value).into_iter().filter(|item| !item.is_none());
    let Some(first) = items.next() else { return Ok(Value::None) };
    let mut joined = text_of(first)?;
    for item in items {
        let joined = joined.to_mut();
        joined.push_str(&separator);
        joined.push_str(&text_of(item)?);
    }
    Ok(Value::text(joined))
}

pub(super) fn first<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    Ok(elements(value).into_iter().next().unwrap_or(Value::None))
}

pub(super) fn rest<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    Ok(Value::list(elements(value).into_iter().skip(1).collect()))
}

pub(super) fn nth<'r>(_: &mut Scope<'_>, value: Value<'r>, [index, ..]: Arguments<'r>) -> Applied<'r> {
    let index = whole(index)?;
    let mut items = elements(value);
    let from_end = usize::try_from(index.unsigned_abs()).ok().filter(|_| index < 0);
    let at = match from_end {
        Some(back) => items.len().checked_sub(back),
        None => usize::try_from(index).ok(),
    };
    Ok(at.filter(|at| *at < items.len()).map_or(Value::None, |at| items.swap_remove(at)))
}

pub(super) fn length<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let length = match value {
        Value::None => 0,
        Value::List(items) => items.len(),
        other => text_of(other)?.chars().count(),
    };
    Ok(Value::Integer(i64::try_from(length).unwrap_or(i64::MAX)))
}

pub(super) fn unique<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let mut items = elements(value);
    if items.len() <= 16 {
        let mut kept: Vec<Value<'r>> = Vec::with_capacity(items.len());
        for item in items {
            if !item.is_none() && !kept.contains(&item) {
                kept.push(item);
            }
        }
        return Ok(Value::list(kept));
    }
    let mut seen = HashSet::new();
    items.retain(|item| !item.is_none() && seen.insert(crate::to_json(item).to_string()));
    Ok(Value::list(items))
}

pub(super) fn flatten<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let items = elements(value).into_iter().flat_map(elements).filter(|item| !item.is_none());
    Ok(Value::list(items.collect()))
}

pub(super) fn integer<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    convert::integer(value, &scope.prepared.numbers)
}

pub(super) fn number<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    convert::number(value, &scope.prepared.numbers)
}

pub(super) fn boolean<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    match value {
        Value::Boolean(truth) => Ok(Value::Boolean(truth)),
        other => numbers::boolean(&text_of(other)?).map(Value::Boolean),
    }
}

pub(super) fn money<'r>(scope: &mut Scope<'_>, value: Value<'r>, [code, ..]: Arguments<'r>) -> Applied<'r> {
    let named = match (scope.prepared.currency, code) {
        (Some(currency), _) => Some(currency),
        (None, Value::None) => None,
        (None, code) => Some(amounts::currency(&text_of(code)?)?),
    };
    match value {
        Value::Money(money) => match named.filter(|named| *named != money.currency) {
            Some(named) => {
                let amount = Decimal::new(money.micros, 6).normalize();
                let text = format!("{amount} {}", money.currency.code());
                Err(Fault::of(text, format!("names another currency than {}", named.code())))
            }
            None => Ok(Value::Money(money)),
        },
        Value::Integer(_) | Value::Decimal(_) => {
            let number = decimal_of(&value);
            let currency = named.or(scope.settings.currency).ok_or_else(|| no_currency(number))?;
            amounts::of_decimal(number, currency).map(Value::Money)
        }
        other => {
            amounts::money(&text_of(other)?, named, scope.settings.currency, &scope.prepared.numbers).map(Value::Money)
        }
    }
}

fn no_currency(number: Decimal) -> Fault {
    Fault::of(number.to_string(), "names no currency, and neither does the migration")
}

fn decimal_of(value: &Value<'_>) -> Decimal {
    match value {
        Value::Decimal(number) => *number,
        Value::Integer(number) => Decimal::from(*number),
        _ => Decimal::ZERO,
    }
}

pub(super) fn amount<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    match value {
        Value::Money(money) => Ok(Value::Decimal(Decimal::new(money.micros, 6).normalize())),
        Value::Integer(_) | Value::Decimal(_) => Ok(value),
        other => amounts::amount(&text_of(other)?, &scope.prepared.numbers).map(Value::Decimal),
    }
}

pub(super) fn date<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    match value {
        Value::Date(date) => Ok(Value::Date(date)),
        Value::Datetime(instant) => {
            let zone = scope.zone().ok_or_else(|| {
                Fault::of(instant.to_string(), "has no calendar date without a time zone, and the migration names none")
            })?;
            Ok(Value::Date(zone.wall(instant).date()))
        }
        other => {
            let text = text_of(other)?;
            let date = match &scope.prepared.format {
                Some(format) => format.date(&text),
                None => dates::iso_date(&text),
            };
            date.map(Value::Date)
        }
    }
}

pub(super) fn datetime<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    match value {
        Value::Datetime(instant) => Ok(Value::Datetime(instant)),
        other => {
            let text = text_of(other)?;
            let instant = match &scope.prepared.format {
                Some(format) => format.instant(&text, scope.zone(), Ambiguity::default()),
                None => dates::iso_instant(&text, scope.zone(), Ambiguity::default()),
            };
            instant.map(Value::Datetime)
        }
    }
}

pub(super) fn at<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let date = match value {
        Value::Date(date) => date,
        Value::Datetime(instant) => return Err(Fault::of(instant.to_string(), "is a date with time already")),
        other => dates::iso_date(&text_of(other)?)?,
    };
    let time = scope.prepared.time.unwrap_or_default();
    let zone = scope.zone().ok_or_else(|| Fault::plain("`at` names no time zone, and neither does the migration"))?;
    let wall = date.to_datetime(time);
    zone.instant(wall, Ambiguity::default(), &wall.to_string()).map(Value::Datetime)
}

pub(super) fn format<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let format = scope.prepared.format_text.as_str();
    let written = match value {
        Value::Date(date) => dates::format_date(date, format)?,
        Value::Datetime(instant) => {
            let zone = scope.zone().ok_or_else(|| {
                Fault::of(instant.to_string(), "cannot be written without a time zone, and the migration names none")
            })?;
            zone.format(instant, format)?
        }
        other => dates::format_date(dates::iso_date(&text_of(other)?)?, format)?,
    };
    Ok(Value::text(written))
}

pub(super) fn in_zone<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    match value {
        Value::Datetime(_) => Ok(value),
        other => Err(Fault::plain(format!("in_zone takes a date with time, not {}", other.kind()))),
    }
}

pub(super) fn email<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    addresses::email(text_of(value)?).map(Value::Text)
}

pub(super) fn url<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    addresses::url(&text_of(value)?).map(Value::text)
}

pub(super) fn domain<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let text = text_of(value)?;
    let site = addresses::domain(&text)?;
    if addresses::has_more_than_site(&text) {
        scope.losses.push(PATH_LEFT.to_owned());
    }
    Ok(Value::text(site))
}

pub(super) fn phone<'r>(scope: &mut Scope<'_>, value: Value<'r>, [country, ..]: Arguments<'r>) -> Applied<'r> {
    if let Value::Phone(_) = value {
        return Ok(value);
    }
    let named = match (scope.prepared.region, country) {
        (Some(region), _) => Some(region),
        (None, Value::None) => None,
        (None, country) => {
            let code = text_of(country)?;
            Some(Region::of(&code).ok_or_else(|| Fault::of(code, "is not a country of ISO 3166-1"))?)
        }
    };
    let region = named.or(scope.settings.region);
    phones::phone(&text_of(value)?, region.as_ref()).map(Value::Phone)
}

pub(super) fn extension<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let extension = match value {
        Value::Phone(phone) => phone.extension.map(String::from),
        other => phones::split_extension(&text_of(other)?).1.map(ToOwned::to_owned),
    };
    Ok(extension.map_or(Value::None, Value::text))
}

pub(super) fn country_code<'r>(scope: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    let phone = match value {
        Value::Phone(phone) => phone,
        other => {
            let text = text_of(other)?;
            if !text.bytes().any(|byte| byte.is_ascii_digit()) {
                let code = countries::code_of(&text);
                return code.map(Value::text).ok_or_else(|| match countries::several(&text) {
                    Some(codes) => Fault::of(text, format!("is the name of several countries: {codes}")),
                    None => Fault::of(text, "is neither a country nor a phone number"),
                });
            }
            phones::phone(&text, scope.settings.region.as_ref())?
        }
    };
    Ok(phone.country.map_or(Value::None, |country| Value::text(country.code().to_owned())))
}

pub(super) fn json<'r>(_: &mut Scope<'_>, value: Value<'r>, _: Arguments<'r>) -> Applied<'r> {
    convert::json_text(&text_of(value)?)
}

/// The elements of a list; a single value is a list of one.
fn elements(value: Value<'_>) -> Vec<Value<'_>> {
    match value {
        Value::None => Vec::new(),
        Value::List(items) => items,
        single => vec![single],
    }
}

fn optional_text(value: Value<'_>) -> Result<Cow<'_, str>, Fault> {
    if value.is_none() { Ok(Cow::Borrowed("")) } else { text_of(value) }
}

/// Text that is looked for in a cell, whose line ends are `\n` whatever the file wrote.
pub(super) fn line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { text }
}

fn whole(value: Value<'_>) -> Result<i64, Fault> {
    match value {
        Value::Integer(number) => Ok(number),
        Value::Decimal(number) => number.to_i64().ok_or_else(|| Fault::of(number.to_string(), "is not a whole number")),
        other => numbers::integer(&text_of(other)?, &[]),
    }
}
