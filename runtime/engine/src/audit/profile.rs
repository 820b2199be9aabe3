//! Profile of a column, learnt from its cells.

use std::collections::{BTreeMap, BTreeSet};

use migr_plan::lock::{Evidence, InferredType, LockedColumn, LockedValues, Shape, ValueCount};
use migr_plan::{ColumnType, SourceColumn};

use super::distinct::{Distinct, hash};
use super::near_duplicates::near_duplicates;
use super::shapes::Shapes;
use super::type_inference::{Mask, READINGS, has_leading_zero, narrowest_first, reading, readings};
use migr_decide::cells::compared;

/// Shapes that the lock keeps.
const SHAPES_KEPT: usize = 5;
/// Values that the lock keeps of a column.
pub(crate) const VALUES_KEPT: usize = 2_000;
/// Longest value that is taken for one of a picklist, in bytes.
const LONGEST_VALUE: usize = 200;
/// Readings that the lock shows as evidence.
const EVIDENCE_KEPT: usize = 3;

/// Cells of late that are remembered of a column.
const RECENT: usize = 64;
/// Longest cell that is remembered, in bytes.
const LONGEST_RECENT: usize = 64;

/// Cell of late with what was learnt from it.
#[derive(Debug, Default)]
struct Recent {
    hash: u64,
    text: String,
    mask: Mask,
    shape: Option<usize>,
    is_several: bool,
    has_nought: bool,
}

/// Place of a cell among those of late.
fn place(hash: u64) -> usize {
    usize::try_from(hash).unwrap_or_default() % RECENT
}

/// Profile of a column from all of its cells. Its size does not depend on their number.
#[derive(Debug)]
pub(crate) struct Profile {
    name: String,
    header: String,
    declared: Option<ColumnType>,
    format: Option<String>,
    split: Option<String>,
    /// Of a list: what its elements are split by, and how many cells have more than one.
    several: Option<(String, u64)>,
    filled: u64,
    blank: u64,
    /// By set of readings: how many cells have exactly this set, and the line of the first.
    readings: Vec<(Mask, u64, u64)>,
    leading_zeros: u64,
    lengths: Option<(usize, usize)>,
    distinct: Distinct,
    shapes: Shapes,
    /// Cells of late, each at the place that its hash names: most columns repeat theirs.
    recent: Vec<Recent>,
    /// Kept only where the spec compares the values.
    values: Option<BTreeMap<String, u64>>,
    is_incomplete: bool,
}

impl Profile {
    /// For a column of the catalog. Values are kept where `compared` and the column is not sensitive.
    pub(crate) fn of(column: &SourceColumn, compared: bool) -> Self {
        let is_texts = column.ty == ColumnType::TextList && column.elements.is_none();
        Self {
            declared: Some(column.ty),
            format: column.format.clone(),
            split: column.split.clone().filter(|_| is_texts),
            several: column
                .split
                .clone()
                .filter(|split| is_list(column.ty) && !split.is_empty())
                .map(|split| (split, 0)),
            values: ((compared || is_texts) && !column.sensitive).then(BTreeMap::new),
            ..Self::unknown(&column.name, column.header.as_deref().unwrap_or(&column.name))
        }
    }

    /// For a column that the catalog does not know.
    pub(crate) fn unknown(name: &str, header: &str) -> Self {
        Self {
            name: name.to_owned(),
            header: header.to_owned(),
            declared: None,
            format: None,
            split: None,
            several: None,
            filled: 0,
            blank: 0,
            readings: Vec::new(),
            leading_zeros: 0,
            lengths: None,
            distinct: Distinct::default(),
            shapes: Shapes::default(),
            recent: Vec::new(),
            values: None,
            is_incomplete: false,
        }
    }

    /// The header as the file has it.
    pub(crate) fn headed(&mut self, header: &str) {
        header.clone_into(&mut self.header);
    }

    /// Takes a cell.
    pub(crate) fn add(&mut self, cell: &str, is_blank: bool, line: u64) {
        if is_blank {
            self.blank += 1;
            return;
        }
        self.filled += 1;
        let hash = hash(cell);
        if !self.is_met(hash, cell, line) {
            self.look(hash, cell, line);
        }
        let Some(values) = &mut self.values else { return };
        match self.split.as_deref() {
            Some(split) if !split.is_empty() => {
                for element in cell.split(split).map(str::trim).filter(|element| !element.is_empty()) {
                    self.is_incomplete |= !is_noted(values, element);
                }
            }
            _ => self.is_incomplete |= !is_noted(values, cell),
        }
    }

    /// Counts a cell like one of late; false where there is none.
    fn is_met(&mut self, hash: u64, cell: &str, line: u64) -> bool {
        let Some(known) = self.recent.get(place(hash)).filter(|known| known.hash == hash && known.text == cell) else {
            return false;
        };
        let (mask, is_several, has_nought, shape) = (known.mask, known.is_several, known.has_nought, known.shape);
        if let Some((_, several)) = &mut self.several {
            *several += u64::from(is_several);
        }
        self.leading_zeros += u64::from(has_nought);
        self.note_readings(mask, line);
        if let Some(number) = shape {
            self.shapes.again(number);
        }
        true
    }

    /// Learns from a cell whatever it may hold.
    fn look(&mut self, hash: u64, cell: &str, line: u64) {
        let length = if cell.is_ascii() { cell.len() } else { cell.chars().count() };
        let (least, most) = self.lengths.unwrap_or((length, length));
        self.lengths = Some((least.min(length), most.max(length)));
        let mut is_several = false;
        if let Some((split, several)) = &mut self.several {
            is_several = cell.split(split.as_str()).filter(|element| !element.trim().is_empty()).nth(1).is_some();
            *several += u64::from(is_several);
        }
        let has_nought = has_leading_zero(cell);
        self.leading_zeros += u64::from(has_nought);
        self.distinct.add(hash);
        let mask = readings(cell);
        self.note_readings(mask, line);
        let shape = self.shapes.add(cell);
        // Many cells hardly repeat.
        if cell.len() > LONGEST_RECENT || self.distinct.is_estimated() {
            return;
        }
        if self.recent.is_empty() {
            self.recent.resize_with(RECENT, Recent::default);
        }
        if let Some(known) = self.recent.get_mut(place(hash)) {
            known.text.clear();
            known.text.push_str(cell);
            (known.hash, known.mask, known.shape) = (hash, mask, shape);
            (known.is_several, known.has_nought) = (is_several, has_nought);
        }
    }

    fn note_readings(&mut self, mask: Mask, line: u64) {
        if let Some(at) = self.readings.iter().position(|(known, ..)| *known == mask) {
            if let Some((_, count, _)) = self.readings.get_mut(at) {
                *count += 1;
            }
            // Most cells of a column are of one kind: the frequent ones come to the front.
            if at > 0 {
                self.readings.swap(at, at - 1);
            }
        } else {
            self.readings.push((mask, 1, line));
        }
    }

    /// Column as the lock keeps it.
    pub(crate) fn locked(&self) -> LockedColumn {
        let (inferred, kept_as_text) = self.infer();
        let (distinct, distinct_estimated) = self.distinct.count();
        let (least, most) = self.lengths.unwrap_or_default();
        let mut shapes: Vec<Shape> = self.shapes.counts().map(|(shape, count)| Shape { shape, count }).collect();
        shapes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
        shapes.truncate(SHAPES_KEPT);
        LockedColumn {
            name: self.name.clone(),
            header: self.header.clone(),
            declared: self.declared,
            filled: self.filled,
            blank: self.blank,
            inferred,
            evidence: self.evidence(),
            kept_as_text,
            min_length: u64::try_from(least).unwrap_or(u64::MAX),
            max_length: u64::try_from(most).unwrap_or(u64::MAX),
            distinct,
            distinct_estimated,
            leading_zeros: self.leading_zeros,
            several: self.several.as_ref().map(|(_, several)| *several),
            shapes,
            values: self.values.as_ref().map(|values| LockedValues {
                near_duplicates: self.near_duplicates(values),
                values: values
                    .iter()
                    .map(|(value, count)| ValueCount { value: value.clone(), count: *count })
                    .collect(),
                incomplete: self.is_incomplete,
            }),
        }
    }

    /// Values that may be one. Those of a list show every spelling; those of a picklist are compared without case and blanks, as its table can be told to.
    fn near_duplicates(&self, values: &BTreeMap<String, u64>) -> Vec<Vec<String>> {
        if self.declared == Some(ColumnType::TextList) {
            return near_duplicates(values.keys().map(String::as_str));
        }
        let folded: BTreeSet<String> = values.keys().map(|value| compared(value, true, true).into_owned()).collect();
        near_duplicates(folded.iter().map(String::as_str))
    }

    /// Number of cells that a reading holds for, and the first line for which it does not.
    fn held(&self, bit: u32) -> (u64, Option<u64>) {
        let holds = |mask: &Mask| mask & (1 << bit) != 0;
        let matched = self.readings.iter().filter(|(mask, ..)| holds(mask)).map(|(_, count, _)| count).sum();
        let exception = self.readings.iter().filter(|(mask, ..)| !holds(mask)).map(|(.., line)| *line).min();
        (matched, exception)
    }

    fn infer(&self) -> (InferredType, Option<String>) {
        let text = InferredType { ty: ColumnType::Text, format: None };
        if self.filled == 0 {
            return (text, None);
        }
        let holding: Vec<u32> = narrowest_first().filter(|bit| self.held(*bit).0 == self.filled).collect();
        let Some(first) = holding.first().map(|bit| reading(*bit)) else { return (text, None) };
        let inferred = |format: Option<&str>| InferredType { ty: first.ty, format: format.map(ToOwned::to_owned) };
        if matches!(first.ty, ColumnType::Integer | ColumnType::Number) && self.leading_zeros > 0 {
            let cells = self.leading_zeros;
            return (text, Some(format!("{cells} of {} begin with a zero that a number would lose", self.filled)));
        }
        if matches!(first.ty, ColumnType::Date | ColumnType::Datetime) {
            let formats: Vec<&str> = holding.iter().filter_map(|bit| reading(*bit).format).collect();
            if let Some(declared) = formats.iter().find(|format| Some(**format) == self.format.as_deref()) {
                return (inferred(Some(declared)), None);
            }
            if let [one, other, ..] = formats.as_slice() {
                return (
                    text,
                    Some(format!("every cell can be read as {one} and as {other}; say which with `format`")),
                );
            }
        }
        (inferred(first.format), None)
    }

    fn evidence(&self) -> Vec<Evidence> {
        let mut held: Vec<(u32, u64, Option<u64>)> = (0..READINGS)
            .map(|bit| {
                let (matched, exception) = self.held(bit);
                (bit, matched, exception)
            })
            .filter(|(_, matched, _)| *matched > 0)
            .collect();
        let rank = |bit: u32| narrowest_first().position(|other| other == bit);
        held.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| rank(a.0).cmp(&rank(b.0))));
        held.into_iter()
            .take(EVIDENCE_KEPT)
            .map(|(bit, matched, first_exception)| {
                let reading = reading(bit);
                Evidence { ty: reading.ty, format: reading.format.map(ToOwned::to_owned), matched, first_exception }
            })
            .collect()
    }

    /// Name of the column.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Counts a value; false where no more are kept.
fn is_noted(values: &mut BTreeMap<String, u64>, value: &str) -> bool {
    if let Some(count) = values.get_mut(value) {
        *count += 1;
    } else if values.len() < VALUES_KEPT && value.len() <= LONGEST_VALUE {
        values.insert(value.to_owned(), 1);
    } else {
        return false;
    }
    true
}

/// True where cells of a type are split into several keys.
pub(crate) fn is_list(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::TextList | ColumnType::ReferenceList)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiled(cells: &[&str]) -> LockedColumn {
        let mut profile = Profile::unknown("column", "Column");
        for (at, cell) in cells.iter().enumerate() {
            profile.add(cell, cell.trim().is_empty(), u64::try_from(at).unwrap() + 2);
        }
        profile.locked()
    }

    #[test]
    fn a_type_holds_for_every_cell_or_not_at_all_and_names_the_first_that_breaks_it() {
        let column = profiled(&["1", "2", "", "three", "4"]);
        assert_eq!(column.inferred.ty, ColumnType::Text);
        assert_eq!((column.filled, column.blank, column.distinct), (4, 1, 4));
        let integer = &column.evidence[0];
        assert_eq!((integer.ty, integer.matched, integer.first_exception), (ColumnType::Integer, 3, Some(5)));
        assert_eq!(profiled(&["1", "2", " 4 "]).inferred.ty, ColumnType::Integer);
        assert_eq!(profiled(&["1", "2.5"]).inferred.ty, ColumnType::Number);
        assert_eq!(profiled(&["$1,200", "7.50"]).inferred.ty, ColumnType::Currency);
    }

    #[test]
    fn ids_with_leading_zeros_stay_text() {
        let column = profiled(&["0017", "1234"]);
        assert_eq!(column.inferred.ty, ColumnType::Text);
        insta::assert_snapshot!(column.kept_as_text.unwrap(), @"1 of 2 begin with a zero that a number would lose");
    }

    #[test]
    fn dates_whose_day_and_month_cannot_be_told_apart_stay_text_unless_declared() {
        let column = profiled(&["01/02/2024", "03/04/2024"]);
        assert_eq!(column.inferred.ty, ColumnType::Text);
        insta::assert_snapshot!(column.kept_as_text.unwrap(), @"every cell can be read as %m/%d/%Y and as %d/%m/%Y; say which with `format`");
        let told = profiled(&["01/02/2024", "03/14/2024"]);
        assert_eq!(told.inferred.format.as_deref(), Some("%m/%d/%Y"));
    }

    proptest::proptest! {
        #[test]
        fn a_column_that_remembers_its_cells_is_that_which_does_not(cells in proptest::collection::vec("[0a ;é]{0,3}", 0..200)) {
            let list = || Profile {
                several: Some((";".to_owned(), 0)),
                values: Some(BTreeMap::new()),
                ..Profile::unknown("column", "Column")
            };
            let (mut remembering, mut forgetful) = (list(), list());
            for (at, cell) in cells.iter().enumerate() {
                let line = u64::try_from(at).unwrap() + 2;
                remembering.add(cell, cell.trim().is_empty(), line);
                forgetful.add(cell, cell.trim().is_empty(), line);
                forgetful.recent.clear();
            }
            proptest::prop_assert_eq!(format!("{:?}", remembering.locked()), format!("{:?}", forgetful.locked()));
        }
    }

    #[test]
    fn a_lock_column_holds_shapes_and_no_values() {
        let column = profiled(&["Ada@x.com", "Bob@y.com", "ada"]);
        assert!(column.values.is_none());
        let shapes: Vec<(&str, u64)> = column.shapes.iter().map(|shape| (shape.shape.as_str(), shape.count)).collect();
        assert_eq!(shapes, [("Aaa@a.aaa", 2), ("aaa", 1)]);
    }
}
