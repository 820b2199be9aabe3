//! Proof of a column's format by all of its values: another known format that reads all that the column's own does, and some of it otherwise, leaves it unproven;
//! one that reads more contradicts it.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::date_formats::DateFormats;
use crate::dates::{self, Ambiguity, Overlap, Zone};
use crate::number_format::NumberFormat;
use crate::{Currency, money, numbers, value_shape};

/// Writings of numbers that are known, as samples.
const NUMBERS: &[&str] = &["1,234,567.89", "1.234.567,89", "1 234 567,89", "1'234'567.89", "12,34,567.89"];
/// Formats of days that are known.
const DAYS: &[&str] = &[
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d %b %Y",
    "%b %d, %Y",
];
/// Times of the day behind them.
const TIMES: &[&str] = &[" %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", "T%H:%M:%S"];

/// Kind of values that a format is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormatKind {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// An amount of money.
    Money,
    /// A day.
    Date,
    /// A day with a time.
    Datetime,
}

/// The trial of one column's formats against those that are known.
#[derive(Debug)]
pub struct FormatTrial {
    kind: FormatKind,
    own: Reader,
    is_written: bool,
    zone: Option<Zone>,
    others: Vec<Other>,
    filled: u64,
    fits: u64,
    /// Readings of values by the formats that are left, by what tells them.
    remembered: HashMap<String, Readings>,
    /// True where values of one shape are read alike.
    has_shapes: bool,
    /// Space for a shape.
    shape: String,
    /// Greatest number of these.
    capacity: usize,
}

/// Readings of a value by several formats; of the others one bit each, in their order.
#[derive(Clone, Copy, Debug)]
struct Readings {
    own: bool,
    others: u64,
    otherwise: u64,
}

#[derive(Debug)]
struct Other {
    name: String,
    reader: Reader,
    fits: u64,
    differs: u64,
}

#[derive(Debug)]
enum Reader {
    Numbers(Vec<NumberFormat>),
    Dates(Option<DateFormats>),
}

#[derive(Debug, PartialEq)]
enum Read {
    Number(Decimal),
    Date(Date),
    Instant(Timestamp),
}

/// Result of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Filled cells, as far as they were looked at.
    pub filled: u64,
    /// Those that the column's own format reads.
    pub fits: u64,
    /// Standing of the format: proven, or the other one that speaks against it.
    pub standing: Standing,
}

/// Standing of a column's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No other known format reads all that it does and some of it otherwise.
    Proven,
    /// Another one does, and reads no more.
    Unproven {
        /// The other one.
        other: String,
        /// Number of values that the other one reads otherwise.
        differs: u64,
        /// The column's own format is written out.
        is_written: bool,
    },
    /// Another one does, and reads more.
    Contradicted {
        /// The other one.
        other: String,
        /// Number of values that the other one reads.
        fits: u64,
        /// Number of values that the other one reads otherwise.
        differs: u64,
    },
}

impl FormatTrial {
    /// A trial of the formats that are written for a column; none where one of them is no format.
    pub fn new<'t>(kind: FormatKind, written: impl IntoIterator<Item = &'t str>, pivot: Option<i16>) -> Option<Self> {
        let written: Vec<&str> = written.into_iter().collect();
        let own = match kind {
            FormatKind::Integer | FormatKind::Number | FormatKind::Money => {
                Reader::Numbers(written.iter().map(|sample| NumberFormat::of(sample)).collect::<Option<_>>()?)
            }
            FormatKind::Date | FormatKind::Datetime => Reader::Dates(DateFormats::of(written.iter().copied(), pivot)),
        };
        let dates = |name: String| Other {
            reader: Reader::Dates(DateFormats::of([name.as_str()], None)),
            name,
            fits: 0,
            differs: 0,
        };
        let others: Vec<Other> = match kind {
            FormatKind::Integer | FormatKind::Number | FormatKind::Money => {
                let usual: &[&str] = if written.is_empty() { &["1,234,567.89"] } else { &[] };
                let known = NUMBERS.iter().filter(|sample| !written.contains(sample) && !usual.contains(sample));
                let other = |sample: &&str| {
                    let reader = Reader::Numbers(vec![NumberFormat::of(sample)?]);
                    Some(Other { name: (*sample).to_owned(), reader, fits: 0, differs: 0 })
                };
                known.filter_map(other).collect()
            }
            FormatKind::Date => {
                DAYS.iter().filter(|known| !written.contains(known)).map(|known| dates((*known).to_owned())).collect()
            }
            FormatKind::Datetime => {
                let both = DAYS.iter().flat_map(|day| TIMES.iter().map(move |time| format!("{day}{time}")));
                both.filter(|known| !written.contains(&known.as_str())).map(dates).collect()
            }
        };
        let zone = Zone::named("UTC");
        let is_number = matches!(kind, FormatKind::Integer | FormatKind::Number | FormatKind::Money);
        let has_shapes = is_number || written.iter().all(|format| value_shape::is_usual(format));
        Some(Self {
            kind,
            own,
            is_written: !written.is_empty(),
            zone,
            others,
            filled: 0,
            fits: 0,
            remembered: HashMap::new(),
            has_shapes,
            shape: String::new(),
            capacity: 0,
        })
    }

    /// Remembers the readings of so many values.
    pub fn remember(&mut self, values: usize) {
        self.capacity = values;
    }

    /// True where no value can tell more: no other format reads all that the column's own does.
    pub fn is_proven(&self) -> bool {
        self.filled > 0 && self.others.is_empty()
    }

    /// Takes a filled cell.
    pub fn add(&mut self, cell: &str) {
        self.filled += 1;
        let mut shape = std::mem::take(&mut self.shape);
        let told = match self.kind {
            _ if !self.has_shapes => cell,
            FormatKind::Integer | FormatKind::Number | FormatKind::Money => {
                value_shape::of_number(cell, &mut shape).unwrap_or(cell)
            }
            FormatKind::Date | FormatKind::Datetime => value_shape::of_date(cell, &mut shape),
        };
        let readings = if let Some(known) = self.remembered.get(told) {
            *known
        } else {
            let readings = self.readings(cell);
            if self.remembered.len() < self.capacity {
                self.remembered.insert(told.to_owned(), readings);
            }
            readings
        };
        self.shape = shape;
        self.fits += u64::from(readings.own);
        let bit = |bits: u64, at: usize| bits >> at & 1;
        for (at, other) in self.others.iter_mut().enumerate() {
            other.fits += bit(readings.others, at);
            other.differs += bit(readings.otherwise, at);
        }
        if readings.own && readings.others.count_ones() as usize != self.others.len() {
            let mut places = 0..;
            self.others.retain(|_| places.next().is_some_and(|at| bit(readings.others, at) == 1));
            self.remembered.clear();
        }
    }

    /// Readings of a cell by the column's own format and by those that are left.
    fn readings(&self, cell: &str) -> Readings {
        let own = self.read(&self.own, cell);
        let mut readings = Readings { own: own.is_some(), others: 0, otherwise: 0 };
        // Digits alone are the same number in every writing.
        let is_number = matches!(self.kind, FormatKind::Integer | FormatKind::Number | FormatKind::Money);
        let is_same = is_number && own.is_some() && cell.trim().bytes().all(|byte| byte.is_ascii_digit());
        for (at, other) in self.others.iter().enumerate() {
            let read = if is_same { None } else { self.read(&other.reader, cell) };
            readings.others |= u64::from(is_same || read.is_some()) << at;
            readings.otherwise |= u64::from(own.is_some() && read.is_some() && own != read) << at;
        }
        readings
    }

    /// Verdict of every value together.
    pub fn verdict(&self) -> Verdict {
        let rivals = self.others.iter().filter(|other| other.differs > 0 || self.fits == 0 && other.fits > 0);
        // Of several the one that reads the most; of equals the first that is known.
        let best = rivals.fold(None, |best: Option<&Other>, other| match best {
            Some(best) if best.fits >= other.fits => Some(best),
            _ => Some(other),
        });
        let standing = match best {
            None => Standing::Proven,
            Some(other) if other.fits > self.fits => {
                Standing::Contradicted { other: other.name.clone(), fits: other.fits, differs: other.differs }
            }
            Some(other) => {
                Standing::Unproven { other: other.name.clone(), differs: other.differs, is_written: self.is_written }
            }
        };
        Verdict { filled: self.filled, fits: self.fits, standing }
    }

    fn read(&self, reader: &Reader, cell: &str) -> Option<Read> {
        let ambiguity = Ambiguity { overlap: Overlap::Earlier, gap_forward: true };
        match (reader, self.kind) {
            (Reader::Numbers(formats), FormatKind::Money) => {
                let found = money::money(cell, None, Currency::from_code("EUR"), formats).ok()?;
                Some(Read::Number(Decimal::new(found.micros, 6)))
            }
            (Reader::Numbers(formats), FormatKind::Integer) => {
                numbers::integer(cell, formats).ok().map(|whole| Read::Number(Decimal::from(whole)))
            }
            (Reader::Numbers(formats), _) => numbers::number(cell, formats).ok().map(Read::Number),
            (Reader::Dates(Some(formats)), FormatKind::Datetime) => {
                formats.instant(cell, self.zone.as_ref(), ambiguity).ok().map(Read::Instant)
            }
            (Reader::Dates(None), FormatKind::Datetime) => {
                dates::iso_instant(cell, self.zone.as_ref(), ambiguity).ok().map(Read::Instant)
            }
            (Reader::Dates(Some(formats)), _) => formats.date(cell).ok().map(Read::Date),
            (Reader::Dates(None), _) => dates::iso_date(cell).ok().map(Read::Date),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: FormatKind, written: &[&str], cells: &[&str]) -> String {
        let mut trial = FormatTrial::new(kind, written.iter().copied(), Some(2026)).unwrap();
        trial.remember(2);
        for cell in cells {
            trial.add(cell);
        }
        match trial.verdict() {
            Verdict { standing: Standing::Proven, .. } => "proven".to_owned(),
            Verdict { standing: Standing::Unproven { other, differs, is_written }, .. } => {
                format!("unproven: {differs} otherwise by {other}{}", if is_written { ", written" } else { "" })
            }
            Verdict { standing: Standing::Contradicted { other, fits, differs }, fits: own, .. } => {
                format!("contradicted: {own} to {fits} by {other}, {differs} otherwise")
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_remembered_by_shape_makes_no_other_verdict(
            kind in proptest::sample::select(vec![FormatKind::Integer, FormatKind::Number, FormatKind::Money]),
            numbers in proptest::collection::vec("-?[0-9]{1,3}([.,' ][0-9]{3}){0,3}([.,][0-9]{1,2})?( ?€)?", 1..30),
            is_time in proptest::bool::ANY,
            days in proptest::collection::vec(
                ("[0-3][0-9]", "[0-3]?[0-9]", "(0|19|20)[0-9]{2}", "[0-2]?[0-9]:[0-6][0-9](:[0-6][0-9])?( [AP]M)?", "[-/.]"), 1..30,
            ),
            format in proptest::sample::select(vec!["%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d-%m-%y"]),
        ) {
            let days: Vec<String> = days
                .into_iter()
                .map(|(day, month, year, time, sign)| {
                    let time = if is_time { format!(" {time}") } else { String::new() };
                    format!("{day}{sign}{month}{sign}{year}{time}")
                })
                .collect();
            let (date, format) = if is_time {
                (FormatKind::Datetime, format!("{format} %H:%M"))
            } else {
                (FormatKind::Date, format.to_owned())
            };
            for (kind, written, cells) in [(kind, &[][..], &numbers), (date, &[format.as_str()][..], &days)] {
                let verdict = |capacity| {
                    let mut trial = FormatTrial::new(kind, written.iter().copied(), Some(2026)).unwrap();
                    trial.remember(capacity);
                    for cell in cells {
                        trial.add(cell);
                    }
                    trial.verdict()
                };
                proptest::prop_assert_eq!(verdict(1_000), verdict(0));
            }
        }
    }

    #[test]
    fn a_column_is_evidence_for_its_format() {
        use FormatKind::{Date, Datetime, Integer, Money, Number};
        let german = "contradicted: 1 to 3 by 1.234.567,89, 1 otherwise";
        for (kind, written, cells, expected) in [
            (Money, &[] as &[&str], &["12.500 €", "2,5", "99,90 €"] as &[&str], german),
            (Money, &["1.234.567,89"], &["12.500 €", "2,5"], "proven"),
            (Integer, &[], &["12.000", "1.500"], "contradicted: 1 to 2 by 1.234.567,89, 1 otherwise"),
            (Number, &[], &["12.000", "250"], "unproven: 1 otherwise by 1.234.567,89"),
            (Number, &[], &["0.125", "1.250"], "proven"),
            (Number, &[], &["12", "250"], "proven"),
            (Number, &[], &["1,234", "2"], "unproven: 1 otherwise by 1.234.567,89"),
            (Number, &[], &["1,234.5", "2"], "proven"),
            (Number, &["1,234,567.89"], &["12.000"], "unproven: 1 otherwise by 1.234.567,89, written"),
            (Number, &[], &["1,25,000", "10"], "proven"),
            (Number, &[], &["1,25,000", "1,000"], "unproven: 1 otherwise by 1.234.567,89"),
            (
                Date,
                &["%m/%d/%Y"],
                &["13/01/2024", "01/02/2024", "28/02/2024"],
                "contradicted: 1 to 3 by %d/%m/%Y, 1 otherwise",
            ),
            (Date, &["%m/%d/%Y"], &["01/13/2024", "01/02/2024"], "proven"),
            (Date, &["%m/%d/%Y"], &["01/02/2024"], "unproven: 1 otherwise by %d/%m/%Y, written"),
            (Date, &["%m/%d/%Y"], &["2024-01-02"], "contradicted: 0 to 1 by %Y-%m-%d, 0 otherwise"),
            (
                Datetime,
                &["%m/%d/%Y %H:%M"],
                &["13/01/2024 10:00", "01/02/2024 10:00"],
                "contradicted: 1 to 2 by %d/%m/%Y %H:%M, 1 otherwise",
            ),
        ] {
            assert_eq!(verdict(kind, written, cells), expected, "{cells:?}");
        }
    }
}
