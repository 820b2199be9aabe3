//! Finder of circular references among rows of one file.

use crate::{RowSet, SpillError};

/// Records of a circle that are named; of a longer one the rest is counted.
const NAMED: usize = 12;

/// Where references are found.
pub trait References {
    /// The first line after a line that refers to any; lines begin at 1.
    fn referring_after(&self, line: u64) -> Result<Option<u64>, SpillError>;
    /// The first line after `target` that a line refers to.
    fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, SpillError>;
}

/// Calls for every circle in references. A circle begins at its smallest line and follows the references. Two bits per line are held, and the way from where it
/// began to where it is.
pub fn each<E: From<SpillError>>(
    references: &impl References,
    mut found: impl FnMut(Vec<u64>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut seen, mut on_the_way) = (RowSet::default(), RowSet::default());
    let mut start = 0;
    while let Some(next) = references.referring_after(start)? {
        start = next;
        if seen.contains(start) {
            continue;
        }
        // Each entry: a line and the last line that was followed from it. A stack of our own: a chain may be as long as the file.
        let mut way: Vec<(u64, u64)> = vec![(start, 0)];
        seen.insert(start);
        on_the_way.insert(start);
        while let Some((line, last)) = way.last_mut() {
            let line = *line;
            let Some(to) = references.target_after(line, *last)? else {
                on_the_way.remove(line);
                way.pop();
                continue;
            };
            *last = to;
            if on_the_way.contains(to) {
                let from = way.iter().position(|(on_way, _)| *on_way == to).unwrap_or(0);
                found(from_smallest(way.iter().skip(from).map(|(line, _)| *line).collect()))?;
            } else if !seen.contains(to) {
                seen.insert(to);
                on_the_way.insert(to);
                way.push((to, 0));
            }
        }
    }
    Ok(())
}

fn from_smallest(mut circle: Vec<u64>) -> Vec<u64> {
    let smallest = circle.iter().enumerate().min_by_key(|(_, line)| **line).map_or(0, |(position, _)| position);
    circle.rotate_left(smallest);
    circle
}

/// Drawing of a circle, `K1 (line 2) → K2 (line 5) → K1`; `named` shows the key of a line.
pub fn drawn<E>(circle: &[u64], named: impl Fn(u64) -> Result<String, E>) -> Result<String, E> {
    let mut parts = Vec::with_capacity(circle.len().min(NAMED) + 2);
    for line in circle.iter().take(NAMED) {
        parts.push(format!("{} (line {line})", named(*line)?));
    }
    if circle.len() > NAMED {
        parts.push(format!("… {} more …", circle.len() - NAMED));
    }
    if let Some(first) = circle.first() {
        parts.push(named(*first)?);
    }
    Ok(parts.join(" → "))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl References for Vec<(u64, u64)> {
        fn referring_after(&self, line: u64) -> Result<Option<u64>, SpillError> {
            Ok(self.get(self.partition_point(|(from, _)| *from <= line)).map(|(from, _)| *from))
        }

        fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, SpillError> {
            let next = self.get(self.partition_point(|edge| *edge <= (line, target)));
            Ok(next.filter(|(from, _)| *from == line).map(|(_, to)| *to))
        }
    }

    fn find(edges: &Vec<(u64, u64)>) -> Vec<Vec<u64>> {
        let mut circles = Vec::new();
        each(edges, |circle| {
            circles.push(circle);
            Ok::<_, SpillError>(())
        })
        .unwrap();
        circles
    }

    #[test]
    fn a_circle_is_found_from_wherever_it_is_entered() {
        let edges = vec![(2, 3), (3, 4), (4, 3), (5, 5), (6, 7), (8, 2)];
        assert_eq!(find(&edges), [vec![3, 4], vec![5]]);
    }

    #[test]
    fn a_chain_is_no_circle_however_long() {
        let mut edges: Vec<(u64, u64)> = (2..200_000).map(|line| (line, line + 1)).collect();
        assert_eq!(find(&edges), Vec::<Vec<u64>>::new());
        edges.push((200_000, 2));
        assert_eq!(find(&edges).iter().map(Vec::len).collect::<Vec<_>>(), [199_999]);
    }

    #[test]
    fn a_long_circle_is_not_drawn_in_full() {
        let key = |line: u64| Ok::<_, SpillError>(format!("K{line}"));
        assert_eq!(drawn(&[2, 5], key).unwrap(), "K2 (line 2) → K5 (line 5) → K2");
        let long = drawn(&(2..1_000).collect::<Vec<_>>(), key).unwrap();
        assert!(long.ends_with("K13 (line 13) → … 986 more … → K2"), "{long}");
    }
}
