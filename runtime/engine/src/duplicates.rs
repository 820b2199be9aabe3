use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use migr_plan::DuplicatePolicy;
use rusqlite::types::Value as Sort;

use crate::EngineError;
use crate::scratch::Scratch;

/// Records of the export that would become one, the preferred one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Line and key of each.
    pub(crate) members: Vec<(u64, String)>,
}

/// What lines share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// By identity of `match`.
    pub(crate) families: Vec<Family>,
    /// Lines that share a unique value besides: path and lines, in order.
    pub(crate) clashes: Vec<(usize, Vec<u64>)>,
}

/// Finds the records that share an identity. Only those are held in memory.
pub(crate) fn find(scratch: &Scratch, matching: usize, policy: &DuplicatePolicy) -> Result<Shared, EngineError> {
    let mut joined = Joined::default();
    let mut clashes = Vec::new();
    scratch.double_identities(|path, lines| {
        if path < matching {
            joined.join(lines);
        } else {
            clashes.push((path, lines.to_vec()));
        }
    })?;
    let mut families = Vec::new();
    for lines in joined.families() {
        let mut members = Vec::with_capacity(lines.len());
        for line in lines {
            if let Some((key, sort)) = scratch.record(line)? {
                members.push((line, key, sort));
            }
        }
        members.sort_by(|a, b| prefer(policy, (a.0, &a.2), (b.0, &b.2)));
        families.push(Family { members: members.into_iter().map(|(line, key, _)| (line, key)).collect() });
    }
    families.retain(|family| family.members.len() > 1);
    Ok(Shared { families, clashes })
}

/// Which of two records comes first. Where the policy does not tell, the file's order does; a record without the value comes last.
pub(crate) fn prefer(policy: &DuplicatePolicy, a: (u64, &Sort), b: (u64, &Sort)) -> Ordering {
    let by_line = a.0.cmp(&b.0);
    let with_value = |order: fn(Ordering) -> Ordering| match (a.1, b.1) {
        (Sort::Null, Sort::Null) => by_line,
        (Sort::Null, _) => Ordering::Greater,
        (_, Sort::Null) => Ordering::Less,
        (left, right) => order(compare(left, right)).then(by_line),
    };
    match policy {
        DuplicatePolicy::Quarantine | DuplicatePolicy::KeepFirst => by_line,
        DuplicatePolicy::KeepLast => by_line.reverse(),
        DuplicatePolicy::KeepOldest { .. } | DuplicatePolicy::MergeOldest { .. } => with_value(|order| order),
        DuplicatePolicy::KeepNewest { .. } | DuplicatePolicy::MergeNewest { .. } => with_value(Ordering::reverse),
    }
}

fn compare(a: &Sort, b: &Sort) -> Ordering {
    match (a, b) {
        (Sort::Integer(a), Sort::Integer(b)) => a.cmp(b),
        (Sort::Real(a), Sort::Real(b)) => a.total_cmp(b),
        (Sort::Text(a), Sort::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// Lines that belong together because one shares something with the next.
#[derive(Debug, Default)]
struct Joined {
    parent: HashMap<u64, u64>,
}

impl Joined {
    fn root(&mut self, line: u64) -> u64 {
        let mut root = line;
        while let Some(parent) = self.parent.get(&root).copied().filter(|parent| *parent != root) {
            root = parent;
        }
        let mut at = line;
        while at != root {
            at = self.parent.insert(at, root).unwrap_or(root);
        }
        root
    }

    fn join(&mut self, lines: &[u64]) {
        let Some(first) = lines.first() else { return };
        for line in lines {
            let (a, b) = (self.root(*first), self.root(*line));
            self.parent.insert(a.max(b), a.min(b));
            self.parent.entry(a.min(b)).or_insert(a.min(b));
        }
    }

    fn families(mut self) -> Vec<Vec<u64>> {
        let mut lines: Vec<u64> = self.parent.keys().copied().collect();
        lines.sort_unstable();
        let mut families: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for line in lines {
            let root = self.root(line);
            families.entry(root).or_default().push(line);
        }
        families.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_belong_together_over_what_each_shares_with_the_next() {
        let mut joined = Joined::default();
        joined.join(&[9, 4]);
        joined.join(&[7, 2]);
        joined.join(&[4, 7]);
        joined.join(&[30, 31, 32]);
        assert_eq!(joined.families(), [vec![2, 4, 7, 9], vec![30, 31, 32]]);
    }

    #[test]
    fn the_newest_comes_first_and_one_without_a_date_last() {
        let policy = DuplicatePolicy::KeepNewest { column: "created_at".to_owned() };
        let mut rows = [(2, Sort::Integer(5)), (3, Sort::Null), (4, Sort::Integer(9)), (5, Sort::Integer(9))];
        rows.sort_by(|a, b| prefer(&policy, (a.0, &a.1), (b.0, &b.1)));
        assert_eq!(rows.map(|row| row.0), [4, 5, 2, 3]);
    }
}
