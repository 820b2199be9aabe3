//! Count of the shapes of a column's cells.

use super::distinct::hash;
use super::masking::write_shape;

/// Different shapes that are counted; the few most frequent are shown.
const COUNTED: usize = 256;
/// Places for their numbers: twice as many, so that a free one is near.
const PLACES: usize = 2 * COUNTED;

/// Counts shapes, in the order in which they were met first.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    counts: Vec<(Vec<u8>, u64)>,
    /// Numbers of shapes, each from the place on that its hash names; zero is a free place.
    places: Vec<u16>,
    /// Room for the shape at work.
    shape: Vec<u8>,
}

impl Shapes {
    /// Takes a cell; gives the number of its shape where that is counted.
    pub(crate) fn add(&mut self, cell: &str) -> Option<usize> {
        self.shape.clear();
        write_shape(cell, &mut self.shape);
        if self.places.is_empty() {
            self.places.resize(PLACES, 0);
        }
        let mut place = usize::try_from(hash(&self.shape)).unwrap_or_default() % PLACES;
        while let Some(slot) = self.places.get_mut(place) {
            let Some(number) = usize::from(*slot).checked_sub(1) else {
                if let (true, Ok(number)) = (self.counts.len() < COUNTED, u16::try_from(self.counts.len() + 1)) {
                    *slot = number;
                    self.counts.push((self.shape.clone(), 1));
                    return Some(self.counts.len() - 1);
                }
                return None;
            };
            if let Some((_, count)) = self.counts.get_mut(number).filter(|(known, _)| *known == self.shape) {
                *count += 1;
                return Some(number);
            }
            place = (place + 1) % PLACES;
        }
        None
    }

    /// Takes a cell whose shape has a number.
    pub(crate) fn again(&mut self, number: usize) {
        if let Some((_, count)) = self.counts.get_mut(number) {
            *count += 1;
        }
    }

    /// The shapes with their counts.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (String, u64)> {
        self.counts.iter().map(|(shape, count)| (String::from_utf8_lossy(shape).into_owned(), *count))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::audit::masking::shape;

    /// A cell of signs whose shapes differ, by its number.
    fn cell(mut number: usize) -> String {
        let mut cell = String::new();
        while number > 0 {
            cell.push(['a', 'A', '1', ',', '.', ';', ':'][number % 7]);
            number /= 7;
        }
        cell
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(32))]
        #[test]
        fn the_first_shapes_are_counted_and_later_ones_left_out(numbers in proptest::collection::vec(0_usize..700, 0..900)) {
            let cells: Vec<String> = numbers.into_iter().map(cell).collect();
            let mut shapes = Shapes::default();
            let mut plain: BTreeMap<String, u64> = BTreeMap::new();
            for cell in &cells {
                shapes.add(cell);
                let shape = shape(cell);
                if plain.len() < COUNTED || plain.contains_key(&shape) {
                    *plain.entry(shape).or_default() += 1;
                }
            }
            let counted: BTreeMap<String, u64> = shapes.counts().collect();
            proptest::prop_assert_eq!(counted, plain);
        }
    }
}
