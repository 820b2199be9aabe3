use super::scratch::Scratch;

const ON_PATH: i64 = 1;
const DONE: i64 = 2;

/// Members of one cycle that are named; the others are counted.
const NAMED: usize = 12;

/// Records that refer to each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// Keys and lines, each referring to the next, the last to the first.
    pub(crate) records: Vec<(String, u64)>,
}

impl Cycle {
    /// `A → B → A`
    pub(crate) fn drawn(&self, shown: impl Fn(&str) -> String) -> String {
        let mut parts: Vec<String> = self.records.iter().take(NAMED).map(|(key, _)| shown(key)).collect();
        if self.records.len() > NAMED {
            parts.push(format!("… {} more …", self.records.len() - NAMED));
        }
        parts.extend(self.records.first().map(|(key, _)| shown(key)));
        parts.join(" → ")
    }
}

/// Calls for every cycle among the edges: a walk in depth with its colours on disk, in the order of keys. Only the path walked is in memory.
pub(crate) fn cycles(scratch: &Scratch, mut found: impl FnMut(Cycle)) -> rusqlite::Result<()> {
    let mut start = String::new();
    while let Some(root) = scratch.uncoloured(&start)? {
        walk(scratch, &root, &mut found)?;
        start = root;
    }
    Ok(())
}

/// A record on the path, and the last of its references that was followed.
struct Step {
    key: String,
    line: u64,
    followed: String,
}

fn walk(scratch: &Scratch, root: &str, found: &mut impl FnMut(Cycle)) -> rusqlite::Result<()> {
    let mut path: Vec<Step> = Vec::new();
    enter(scratch, root, &mut path)?;
    while let Some(step) = path.last_mut() {
        let Some(parent) = scratch.parent_after(&step.key, &step.followed)? else {
            scratch.colour(&step.key, DONE)?;
            path.pop();
            continue;
        };
        step.followed.clone_from(&parent);
        match scratch.node(&parent)? {
            Some((ON_PATH, _)) => {
                let from = path.iter().position(|step| step.key == parent).unwrap_or_default();
                let records = path.iter().skip(from).map(|step| (step.key.clone(), step.line)).collect();
                found(Cycle { records });
            }
            Some((0, _)) => enter(scratch, &parent, &mut path)?,
            _ => {}
        }
    }
    Ok(())
}

fn enter(scratch: &Scratch, key: &str, path: &mut Vec<Step>) -> rusqlite::Result<()> {
    if let Some((_, line)) = scratch.node(key)? {
        scratch.colour(key, ON_PATH)?;
        path.push(Step { key: key.to_owned(), line, followed: String::new() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(edges: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(folder.path()).unwrap();
        for (at, (child, parent)) in edges.iter().enumerate() {
            scratch.add_edge(child, parent, u64::try_from(at).unwrap() + 2).unwrap();
        }
        let mut drawn = Vec::new();
        cycles(&scratch, |cycle| drawn.push(cycle.drawn(ToOwned::to_owned))).unwrap();
        drawn
    }

    #[test]
    fn circles_of_one_two_and_three_are_drawn_and_chains_are_not() {
        let edges = [
            ("1", "1"),
            ("2", "3"),
            ("3", "2"),
            ("4", "5"),
            ("5", "6"),
            ("6", "4"),
            ("7", "1"),
            ("8", "7"),
            ("9", "x"),
        ];
        assert_eq!(drawn(&edges), ["1 → 1", "2 → 3 → 2", "4 → 5 → 6 → 4"]);
    }

    #[test]
    fn a_record_with_several_references_is_followed_along_each() {
        assert_eq!(drawn(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "a"), ("d", "e")]), ["a → c → a"]);
    }
}
