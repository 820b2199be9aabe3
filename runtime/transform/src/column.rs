use std::borrow::Cow;

use migr_plan::{ColumnType, SourceColumn};

use crate::dates::{self, Ambiguity, Format, Overlap, Zone};
use crate::failure::Fault;
use crate::functions::Settings;
use crate::{Value, convert, money, numbers};

/// What separates the elements of a list where the catalog does not say.
const SEPARATOR: &str = ";";

/// How the cells of one column are read.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// In `SourceObject.columns`.
    pub(crate) position: usize,
    pub(crate) name: String,
    pub(crate) is_sensitive: bool,
    longest: Option<usize>,
    reading: Reading,
}

#[derive(Clone, Debug)]
enum Reading {
    Text,
    Integer,
    Number,
    Boolean,
    Date(Option<Format>),
    Datetime { format: Option<Format>, zone: Option<Zone>, ambiguity: Ambiguity },
    Currency,
    Json,
    List { separator: String },
}

impl Column {
    /// Reads the catalog's entry; an unknown zone or rule is an error.
    pub(crate) fn new(position: usize, column: &SourceColumn, settings: &Settings) -> Result<Self, String> {
        let reading = match column.ty {
            ColumnType::Text
            | ColumnType::Richtext
            | ColumnType::Email
            | ColumnType::Phone
            | ColumnType::Url
            | ColumnType::File
            | ColumnType::Uuid
            | ColumnType::Reference => Reading::Text,
            ColumnType::Integer => Reading::Integer,
            ColumnType::Number | ColumnType::Decimal => Reading::Number,
            ColumnType::Boolean => Reading::Boolean,
            ColumnType::Date => Reading::Date(column.format.as_deref().map(Format::new)),
            ColumnType::Datetime => Reading::Datetime {
                format: column.format.as_deref().map(Format::new),
                zone: zone(column, settings)?,
                ambiguity: ambiguity(column)?,
            },
            ColumnType::Currency => Reading::Currency,
            ColumnType::Json => Reading::Json,
            ColumnType::TextList | ColumnType::ReferenceList => Reading::List {
                separator: column
                    .split
                    .clone()
                    .filter(|split| !split.is_empty())
                    .unwrap_or_else(|| SEPARATOR.to_owned()),
            },
        };
        Ok(Self {
            position,
            name: column.name.clone(),
            is_sensitive: column.sensitive,
            longest: column.max.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            reading,
        })
    }

    /// The value of a cell. A blank one is none.
    pub(crate) fn read<'r>(&self, cell: &'r str, blanks: &Blanks, settings: &Settings) -> Result<Value<'r>, Fault> {
        if blanks.are(cell) {
            return Ok(Value::None);
        }
        if let Some(most) = self.longest.filter(|most| cell.len() > *most)
            && cell.chars().nth(most).is_some()
        {
            let length = cell.chars().count();
            return Err(Fault::of(cell, format!("has {length} characters, of which {most} are allowed")));
        }
        match &self.reading {
            Reading::Text => Ok(Value::Text(Cow::Borrowed(cell))),
            Reading::Integer => numbers::integer(cell).map(Value::Integer),
            Reading::Number => numbers::number(cell).map(Value::Decimal),
            Reading::Boolean => numbers::boolean(cell).map(Value::Boolean),
            Reading::Date(None) => dates::iso_date(cell).map(Value::Date),
            Reading::Date(Some(format)) => format.date(cell).map(Value::Date),
            Reading::Datetime { format: None, zone, ambiguity } => {
                dates::iso_instant(cell, zone.as_ref(), *ambiguity).map(Value::Datetime)
            }
            Reading::Datetime { format: Some(format), zone, ambiguity } => {
                format.instant(cell, zone.as_ref(), *ambiguity).map(Value::Datetime)
            }
            Reading::Currency => money::money(cell, None, settings.currency).map(Value::Money),
            Reading::Json => convert::json_text(cell),
            Reading::List { separator } => {
                let elements = cell.split(separator.as_str()).map(str::trim).filter(|element| !blanks.are(element));
                Ok(Value::list(elements.map(|element| Value::Text(Cow::Borrowed(element))).collect()))
            }
        }
    }

    /// The same for a cell that is not the record's own.
    pub(crate) fn read_cow<'r>(
        &self,
        cell: Cow<'r, str>,
        blanks: &Blanks,
        settings: &Settings,
    ) -> Result<Value<'r>, Fault> {
        match cell {
            Cow::Borrowed(cell) => self.read(cell, blanks, settings),
            Cow::Owned(cell) => self.read(&cell, blanks, settings).map(Value::into_owned),
        }
    }
}

fn zone(column: &SourceColumn, settings: &Settings) -> Result<Option<Zone>, String> {
    let Some(name) = &column.zone else { return Ok(settings.zone.clone()) };
    let zone = Zone::named(name).ok_or_else(|| format!("`{name}` is not a time zone of the IANA database"))?;
    Ok(Some(zone))
}

fn ambiguity(column: &SourceColumn) -> Result<Ambiguity, String> {
    let overlap = match column.overlap.as_deref() {
        None | Some("fail") => Overlap::Fail,
        Some("earlier") => Overlap::Earlier,
        Some("later") => Overlap::Later,
        Some(other) => return Err(format!("`overlap = {other}` is not known (earlier, later, fail)")),
    };
    let gap_forward = match column.gap.as_deref() {
        None | Some("fail") => false,
        Some("forward") => true,
        Some(other) => return Err(format!("`gap = {other}` is not known (forward, fail)")),
    };
    Ok(Ambiguity { overlap, gap_forward })
}

/// The cells that count as empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blanks {
    texts: Vec<String>,
    first_bytes: Vec<u8>,
}

impl Blanks {
    pub(crate) fn new(blanks: &[String]) -> Self {
        let texts: Vec<String> = blanks.iter().map(|blank| blank.trim().to_owned()).collect();
        let first_bytes = texts.iter().filter_map(|blank| blank.bytes().next()).collect();
        Self { texts, first_bytes }
    }

    pub(crate) fn are(&self, cell: &str) -> bool {
        // Nearly every cell is decided by its first byte.
        match cell.bytes().next() {
            None => return true,
            Some(first) if first.is_ascii_graphic() && !self.first_bytes.contains(&first) => return false,
            Some(_) => {}
        }
        let trimmed = cell.trim();
        trimmed.is_empty() || self.texts.iter().any(|blank| blank == trimmed)
    }
}
