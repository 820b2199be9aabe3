//! Sets of rows of one file.

/// A set of lines of one file, one bit each.
#[derive(Clone, Debug, Default)]
pub struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    /// Adds a line.
    pub fn insert(&mut self, line: u64) {
        let Some(word) = position(line) else { return };
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(slot) = self.words.get_mut(word) {
            *slot |= 1 << (line % 64);
        }
    }

    /// Removes a line.
    pub fn remove(&mut self, line: u64) {
        if let Some(slot) = position(line).and_then(|word| self.words.get_mut(word)) {
            *slot &= !(1 << (line % 64));
        }
    }

    /// Adds all lines of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// True where the set has a line.
    pub fn contains(&self, line: u64) -> bool {
        position(line).and_then(|word| self.words.get(word)).is_some_and(|slot| slot >> (line % 64) & 1 == 1)
    }

    /// The lines, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.words.iter().zip(0_u64..).flat_map(|(word, position)| {
            let word = *word;
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| position * 64 + bit)
        })
    }

    /// True where no line is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Number of lines in the set.
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

fn position(line: u64) -> Option<usize> {
    usize::try_from(line / 64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_in_until_they_are_removed() {
        let mut lines = RowSet::default();
        for line in [1, 64, 1_000_000] {
            lines.insert(line);
        }
        lines.remove(64);
        lines.remove(9_999_999);
        assert_eq!(lines.iter().collect::<Vec<_>>(), [1, 1_000_000]);
        assert_eq!(lines.len(), 2);
        assert!(lines.contains(1) && lines.contains(1_000_000));
        assert!(!lines.contains(64) && !lines.contains(2) && !lines.contains(u64::MAX));
        let mut others = RowSet::default();
        others.insert(2);
        others.extend(&lines);
        assert_eq!(others.iter().collect::<Vec<_>>(), [1, 2, 1_000_000]);
    }
}
