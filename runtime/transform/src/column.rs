//! Columns of a source object: the reading of their cells, and their blanks.

use std::borrow::Cow;

use migr_plan::{ColumnType, SourceColumn};

use crate::date_formats::DateFormats;
use crate::dates::{self, Ambiguity, Overlap, Zone};
use crate::failure::Fault;
use crate::functions::Settings;
use crate::number_format::NumberFormat;
use crate::{Value, convert, money, numbers};

/// Separator of the elements of a list where the catalog does not name one.
const SEPARATOR: &str = ";";

/// Column with the way in which its cells are read.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// In `SourceObject.columns`.
    pub(crate) position: usize,
    pub(crate) name: String,
    pub(crate) is_sensitive: bool,
    longest: Option<usize>,
    reading: Reading,
    /// Blanks of the column itself, in place of the system's.
    blanks: Option<Blanks>,
}

#[derive(Clone, Debug)]
enum Reading {
    Text,
    Integer(Vec<NumberFormat>),
    Number(Vec<NumberFormat>),
    Boolean,
    Date(Option<DateFormats>),
    Datetime {
        format: Option<DateFormats>,
        zone: Option<Zone>,
        ambiguity: Ambiguity,
    },
    Currency(Vec<NumberFormat>),
    Json,
    List {
        separator: String,
        element: Box<Reading>,
    },
    /// A text that can be read so, as it is written.
    Written(Box<Reading>),
}

impl Reading {
    /// The value of a cell, or of one element of it, that is not blank.
    fn read<'r>(&self, cell: &'r str, settings: &Settings) -> Result<Value<'r>, Fault> {
        match self {
            // A list has no lists as elements.
            Self::Text | Self::List { .. } => Ok(Value::Text(Cow::Borrowed(cell))),
            Self::Integer(formats) => numbers::integer(cell, formats).map(Value::Integer),
            Self::Number(formats) => numbers::number(cell, formats).map(Value::Decimal),
            Self::Boolean => numbers::boolean(cell).map(Value::Boolean),
            Self::Date(None) => dates::iso_date(cell).map(Value::Date),
            Self::Date(Some(format)) => format.date(cell).map(Value::Date),
            Self::Datetime { format: None, zone, ambiguity } => {
                dates::iso_instant(cell, zone.as_ref(), *ambiguity).map(Value::Datetime)
            }
            Self::Datetime { format: Some(format), zone, ambiguity } => {
                format.instant(cell, zone.as_ref(), *ambiguity).map(Value::Datetime)
            }
            Self::Currency(formats) => money::money(cell, None, settings.currency, formats).map(Value::Money),
            Self::Json => convert::json_text(cell),
            Self::Written(inner) => inner.read(cell, settings).map(|_| Value::Text(Cow::Borrowed(cell.trim()))),
        }
    }

    /// The same where a value is taken as it is written; absent where that is no number and no truth.
    fn as_written(&self) -> Option<Self> {
        match self {
            Self::Integer(_) | Self::Number(_) | Self::Boolean => Some(Self::Written(Box::new(self.clone()))),
            Self::List { separator, element } => {
                Some(Self::List { separator: separator.clone(), element: Box::new(element.as_written()?) })
            }
            _ => None,
        }
    }
}

impl Column {
    /// Reads the catalog's entry; an unknown zone or rule is an error.
    pub(crate) fn new(position: usize, column: &SourceColumn, settings: &Settings) -> Result<Self, String> {
        let reading = match column.ty {
            ColumnType::TextList | ColumnType::ReferenceList => Reading::List {
                separator: column
                    .split
                    .clone()
                    .filter(|split| !split.is_empty())
                    .unwrap_or_else(|| SEPARATOR.to_owned()),
                element: Box::new(reading(column.elements.unwrap_or(ColumnType::Text), column, settings)?),
            },
            ty => reading(ty, column, settings)?,
        };
        Ok(Self {
            position,
            name: column.name.clone(),
            is_sensitive: column.sensitive,
            longest: column.max.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            reading,
            blanks: column.blank.as_deref().map(Blanks::new),
        })
    }

    /// The same where its cells become texts; absent where they are none but as they are read.
    pub(crate) fn as_written(&self) -> Option<Self> {
        Some(Self { reading: self.reading.as_written()?, ..self.clone() })
    }

    /// True where a cell of the column counts as empty.
    pub(crate) fn is_blank(&self, cell: &str, blanks: &Blanks) -> bool {
        self.blanks.as_ref().unwrap_or(blanks).are(cell)
    }

    /// The value of a cell. A blank one is none.
    pub(crate) fn read<'r>(&self, cell: &'r str, blanks: &Blanks, settings: &Settings) -> Result<Value<'r>, Fault> {
        self.read_each(cell, blanks, settings, &mut Err)
    }

    /// The same; of a list each element that cannot be read is what `fallen` makes of it.
    #[inline]
    pub(crate) fn read_each<'r>(
        &self,
        cell: &'r str,
        blanks: &Blanks,
        settings: &Settings,
        fallen: &mut dyn FnMut(Fault) -> Result<Value<'r>, Fault>,
    ) -> Result<Value<'r>, Fault> {
        let blanks = self.blanks.as_ref().unwrap_or(blanks);
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
            Reading::List { separator, element } => {
                let elements = cell.split(separator.as_str()).map(str::trim).filter(|element| !blanks.are(element));
                let elements = elements.map(|one| element.read(one, settings).or_else(&mut *fallen));
                Ok(Value::list(elements.collect::<Result<_, _>>()?))
            }
            reading => reading.read(cell, settings),
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

/// The reading of a cell, or of an element of a list, by its type.
fn reading(ty: ColumnType, column: &SourceColumn, settings: &Settings) -> Result<Reading, String> {
    let numbers = || {
        let read = |sample: &str| {
            NumberFormat::of(sample).ok_or_else(|| format!("`{sample}` is not 1234567.89 as the export writes it"))
        };
        column.formats().map(read).collect::<Result<Vec<_>, _>>()
    };
    Ok(match ty {
        ColumnType::Text
        | ColumnType::Richtext
        | ColumnType::Email
        | ColumnType::Phone
        | ColumnType::Url
        | ColumnType::File
        | ColumnType::Uuid
        | ColumnType::Reference
        | ColumnType::TextList
        | ColumnType::ReferenceList => Reading::Text,
        ColumnType::Integer => Reading::Integer(numbers()?),
        ColumnType::Number | ColumnType::Decimal => Reading::Number(numbers()?),
        ColumnType::Boolean => Reading::Boolean,
        ColumnType::Date => Reading::Date(DateFormats::of(column.formats(), column.pivot)),
        ColumnType::Datetime => Reading::Datetime {
            format: DateFormats::of(column.formats(), column.pivot),
            zone: zone(column, settings)?,
            ambiguity: ambiguity(column)?,
        },
        ColumnType::Currency => Reading::Currency(numbers()?),
        ColumnType::Json => Reading::Json,
    })
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
