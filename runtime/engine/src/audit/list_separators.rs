//! Separators of lists: a sign that stands in a column's cells where another one is said to separate the values.

/// Signs that often separate values, with their names in a spec; the first ones hardly stand inside a value.
const KNOWN: [(&str, &str); 6] = [(";", ";"), ("|", "|"), ("\n", "\\n"), ("\t", "\\t"), (",", ","), ("/", "/")];
/// Number of those that hardly stand inside a value.
const SURE: usize = 4;

/// Signs that stand in the cells of a list.
#[derive(Debug)]
pub(super) struct ListSeparators<'t> {
    /// The sign that is said to separate the values.
    pub(super) own: &'t str,
    /// A cell has the sign that is said to separate the values.
    is_met: bool,
    /// Cells without it by the sign that they have, with the first line and its cell.
    others: [Option<(u64, u64, String)>; KNOWN.len()],
}

/// Another sign that stands in the cells of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OtherSeparator {
    /// Name of the sign in a spec.
    pub(super) name: &'static str,
    /// Number of the cells.
    pub(super) cells: u64,
    /// Line of the first.
    pub(super) line: u64,
    /// The first.
    pub(super) cell: String,
    /// No cell has the sign that is said to separate the values, and this one hardly stands inside a value.
    pub(super) is_sure: bool,
}

impl<'t> ListSeparators<'t> {
    pub(super) fn new(own: &'t str) -> Self {
        Self { own, is_met: false, others: Default::default() }
    }

    /// Takes a cell.
    pub(super) fn add(&mut self, cell: &str, line: u64) {
        if cell.contains(self.own) {
            self.is_met = true;
            return;
        }
        for ((sign, _), seen) in KNOWN.iter().zip(&mut self.others) {
            if cell.contains(sign) {
                seen.get_or_insert_with(|| (0, line, cell.chars().take(40).collect())).0 += 1;
            }
        }
    }

    /// The sign that most cells without the list's own have; of those that stand inside values too only where no cell has the own one.
    pub(super) fn other(&self) -> Option<OtherSeparator> {
        let seen = KNOWN.iter().zip(&self.others).enumerate();
        let seen = seen.filter_map(|(at, ((_, name), seen))| Some((at, *name, seen.as_ref()?)));
        let told = seen.filter(|(at, ..)| *at < SURE || !self.is_met);
        let most = told.max_by_key(|(at, _, (cells, ..))| (*at < SURE, *cells, std::cmp::Reverse(*at)));
        most.map(|(at, name, (cells, line, cell))| OtherSeparator {
            name,
            cells: *cells,
            line: *line,
            cell: cell.clone(),
            is_sure: at < SURE && !self.is_met,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_sign_than_the_lists_own_is_told() {
        for (cells, expected) in [
            (&["a|b", "c", "d|e"][..], Some(("|", 2, true))),
            (&["a;b", "c|d"], Some(("|", 1, false))),
            (&["a, b", "c"], Some((",", 1, false))),
            (&["a;b", "Bonn, am Rhein"], None),
            (&["a;b", "c"], None),
            (&["x\ny", "a, b", "a, c"], Some(("\\n", 1, true))),
        ] {
            let mut separators = ListSeparators::new(";");
            for (cell, line) in cells.iter().zip(2..) {
                separators.add(cell, line);
            }
            let other = separators.other();
            assert_eq!(other.map(|it| (it.name, it.cells, it.is_sure)), expected, "{cells:?}");
        }
    }
}
