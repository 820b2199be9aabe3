use std::collections::BTreeMap;

/// Circles in references: each line with the lines that it refers to. A circle begins at its smallest line and follows the references.
pub(crate) fn find(edges: &[(u64, u64)]) -> Vec<Vec<u64>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        OnTheWay,
        Done,
    }
    let mut marks: BTreeMap<u64, Mark> = BTreeMap::new();
    let mut circles = Vec::new();
    for (start, _) in edges {
        if marks.contains_key(start) {
            continue;
        }
        // Each entry: a line and the position of its next edge. A stack of our own: a chain may be as long as the file.
        let mut way: Vec<(u64, usize)> = vec![(*start, first_edge(edges, *start))];
        marks.insert(*start, Mark::OnTheWay);
        while let Some((line, next)) = way.last_mut() {
            let (line, position) = (*line, *next);
            *next += 1;
            match edges.get(position).filter(|(from, _)| *from == line) {
                None => {
                    marks.insert(line, Mark::Done);
                    way.pop();
                }
                Some((_, to)) => match marks.get(to) {
                    None => {
                        marks.insert(*to, Mark::OnTheWay);
                        way.push((*to, first_edge(edges, *to)));
                    }
                    Some(Mark::OnTheWay) => {
                        let from = way.iter().position(|(on_way, _)| on_way == to).unwrap_or(0);
                        let circle: Vec<u64> = way.iter().skip(from).map(|(line, _)| *line).collect();
                        circles.push(from_smallest(circle));
                    }
                    Some(Mark::Done) => {}
                },
            }
        }
    }
    circles.sort();
    circles
}

fn first_edge(edges: &[(u64, u64)], line: u64) -> usize {
    edges.partition_point(|(from, _)| *from < line)
}

fn from_smallest(mut circle: Vec<u64>) -> Vec<u64> {
    let smallest = circle.iter().enumerate().min_by_key(|(_, line)| **line).map_or(0, |(position, _)| position);
    circle.rotate_left(smallest);
    circle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_from_wherever_it_is_entered() {
        let edges = [(2, 3), (3, 4), (4, 3), (5, 5), (6, 7), (8, 2)];
        assert_eq!(find(&edges), [vec![3, 4], vec![5]]);
    }

    #[test]
    fn a_chain_is_no_circle_however_long() {
        let mut edges: Vec<(u64, u64)> = (2..200_000).map(|line| (line, line + 1)).collect();
        assert_eq!(find(&edges), Vec::<Vec<u64>>::new());
        edges.push((200_000, 2));
        assert_eq!(find(&edges).iter().map(Vec::len).collect::<Vec<_>>(), [199_999]);
    }
}
