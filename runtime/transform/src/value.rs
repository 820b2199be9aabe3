//! Values that expressions give.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// Value of an expression. Text borrows from the record, the plan or the lookup where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value: an empty cell, a part that is not there. An empty text and an empty list are none too.
    None,
    /// Nothing is written; the destination decides.
    Default,
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// An exact number.
    Decimal(Decimal),
    /// True or false.
    Boolean(bool),
    /// A calendar date.
    Date(Date),
    /// An instant.
    Datetime(Timestamp),
    /// An amount with its currency.
    Money(Money),
    /// A phone number.
    Phone(Phone),
    /// An option of a select, by its value.
    Option(Cow<'a, str>),
    /// A record of the destination.
    Reference(Reference<'a>),
    /// A file of the export.
    File(FileValue<'a>),
    /// Several values. An element may be none where a position is kept (`company_ids.name`).
    List(Vec<Value<'a>>),
    /// Named parts, in order.
    Record(Vec<(Cow<'a, str>, Value<'a>)>),
    /// Several values side by side.
    Tuple(Vec<Value<'a>>),
    /// Any JSON.
    Json(Box<serde_json::Value>),
}

/// An amount with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Millionths of the currency's unit: `1_500_000` is 1.50.
    pub micros: i64,
    /// Which.
    pub currency: Currency,
}

/// A currency by its ISO 4217 code, in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency(pub(crate) [u8; 3]);

impl Currency {
    /// From three capitals; none for anything else.
    pub fn new(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The code: `USD`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A country by its ISO 3166-1 code, in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country(pub(crate) [u8; 2]);

impl Country {
    /// From two capitals; none for anything else.
    pub fn new(code: &str) -> Option<Self> {
        let letters: [u8; 2] = code.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The code: `US`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A phone number that is possible by the rules of its country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// `+12015550123`
    pub e164: String,
    /// The country's calling code: 1.
    pub calling_code: u16,
    /// The country, where the number tells; else the migration's, where its calling code is the same.
    pub country: Option<Country>,
    /// Digits that are dialled after the number.
    pub extension: Option<Box<str>>,
}

impl Phone {
    /// The number within its country, digits only: `2015550123`.
    pub fn national(&self) -> &str {
        let digits = match self.calling_code {
            0..=9 => 1,
            10..=99 => 2,
            _ => 3,
        };
        self.e164.get(1 + digits..).unwrap_or_default()
    }
}

/// A record of the destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference<'a> {
    /// The destination object.
    pub object: Cow<'a, str>,
    /// Id of the record there.
    pub id: Cow<'a, str>,
}

/// A file of the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileValue<'a> {
    /// The path as the cell has it.
    pub path: Cow<'a, str>,
    /// The name it gets; the path's last part where the plan says nothing.
    pub name: Cow<'a, str>,
}

impl<'a> Value<'a> {
    /// A text, or none where it is empty.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::None } else { Self::Text(text) }
    }

    /// A list, or none where it is empty.
    pub fn list(items: Vec<Value<'a>>) -> Self {
        if items.is_empty() { Self::None } else { Self::List(items) }
    }

    /// True where there is no value.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The same value, free of what it borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::None => Value::None,
            Self::Default => Value::Default,
            Self::Text(text) => Value::Text(owned(text)),
            Self::Integer(number) => Value::Integer(number),
            Self::Decimal(number) => Value::Decimal(number),
            Self::Boolean(truth) => Value::Boolean(truth),
            Self::Date(date) => Value::Date(date),
            Self::Datetime(instant) => Value::Datetime(instant),
            Self::Money(money) => Value::Money(money),
            Self::Phone(phone) => Value::Phone(phone),
            Self::Option(option) => Value::Option(owned(option)),
            Self::Reference(reference) => Value::Reference(reference.into_owned()),
            Self::File(file) => Value::File(FileValue { path: owned(file.path), name: owned(file.name) }),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Self::Record(parts) => {
                Value::Record(parts.into_iter().map(|(name, value)| (owned(name), value.into_owned())).collect())
            }
            Self::Tuple(items) => Value::Tuple(items.into_iter().map(Value::into_owned).collect()),
            Self::Json(json) => Value::Json(json),
        }
    }

    /// Name of such a value for a person, with its article: `a date`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "no value",
            Self::Default => "`default`",
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Decimal(_) => "a number",
            Self::Boolean(_) => "a truth value",
            Self::Date(_) => "a date",
            Self::Datetime(_) => "a date with time",
            Self::Money(_) => "an amount of money",
            Self::Phone(_) => "a phone number",
            Self::Option(_) => "an option",
            Self::Reference(_) => "a reference",
            Self::File(_) => "a file",
            Self::List(_) => "a list",
            Self::Record(_) => "a record",
            Self::Tuple(_) => "a tuple",
            Self::Json(_) => "a JSON value",
        }
    }
}

impl Reference<'_> {
    /// The same reference, free of what it borrowed.
    pub fn into_owned(self) -> Reference<'static> {
        Reference { object: owned(self.object), id: owned(self.id) }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
