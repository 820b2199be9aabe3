use crate::EngineError;
use crate::lines::LineSet;
use crate::scratch::Scratch;

/// Records of a circle that are named; of a longer one the rest is counted.
const NAMED: usize = 12;

/// Where references are found.
pub(crate) trait References {
    /// The first line after a line that refers to any; lines begin at 1.
    fn referring_after(&self, line: u64) -> Result<Option<u64>, EngineError>;
    /// The first line after `target` that a line refers to.
    fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, EngineError>;
}

impl References for Scratch {
    fn referring_after(&self, line: u64) -> Result<Option<u64>, EngineError> {
        Self::referring_after(self, line)
    }

    fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, EngineError> {
        Self::target_after(self, line, target)
    }
}

/// Calls for every circle in references. A circle begins at its smallest line and follows the references. Two bits per line are held, and the way from where it
/// began to where it is.
pub(crate) fn each(
    references: &impl References,
    mut found: impl FnMut(Vec<u64>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let (mut seen, mut on_the_way) = (LineSet::default(), LineSet::default());
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

/// `K1 (line 2) → K2 (line 5) → K1`
pub(crate) fn drawn(
    circle: &[u64],
    key: impl Fn(u64) -> Result<Option<String>, EngineError>,
) -> Result<String, EngineError> {
    let named = |line: u64| -> Result<String, EngineError> { Ok(crate::aside::shown(&key(line)?.unwrap_or_default())) };
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
        fn referring_after(&self, line: u64) -> Result<Option<u64>, EngineError> {
            Ok(self.get(self.partition_point(|(from, _)| *from <= line)).map(|(from, _)| *from))
        }

        fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, EngineError> {
            let next = self.get(self.partition_point(|edge| *edge <= (line, target)));
            Ok(next.filter(|(from, _)| *from == line).map(|(_, to)| *to))
        }
    }

    fn find(edges: &Vec<(u64, u64)>) -> Vec<Vec<u64>> {
        let mut circles = Vec::new();
        each(edges, |circle| {
            circles.push(circle);
            Ok(())
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
        let key = |line: u64| Ok(Some(format!("K{line}")));
        assert_eq!(drawn(&[2, 5], key).unwrap(), "K2 (line 2) → K5 (line 5) → K2");
        let long = drawn(&(2..1_000).collect::<Vec<_>>(), key).unwrap();
        assert!(long.ends_with("K13 (line 13) → … 986 more … → K2"), "{long}");
    }
}
