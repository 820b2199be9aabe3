//! Records in doubt that only their values tell: each is one of those that are alike to it and that no other record has.

use std::collections::{BTreeMap, BTreeSet};

use migr_load::{Found, Settlement};

/// Records in doubt to which the same ones are alike.
struct Group {
    alike: Vec<Found>,
    /// Their positions.
    records: Vec<usize>,
}

/// Settlement of records of which several may be alike. `is_taken` tells of an id whether another record has it. Where more are alike to a record than are in
/// doubt, somebody else made some of them, and nothing tells which.
pub(crate) fn told_apart(settled: Vec<Settlement>, is_taken: impl Fn(&str) -> bool) -> Vec<Settlement> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for settlement in &settled {
        if let Settlement::There(found) = settlement {
            taken.insert(found.id.clone());
        }
    }
    let mut groups: BTreeMap<(usize, Vec<String>), Group> = BTreeMap::new();
    for (at, settlement) in settled.iter().enumerate() {
        let Settlement::Among(alike) = settlement else { continue };
        let free: Vec<&Found> = alike.iter().filter(|found| !is_taken(&found.id)).collect();
        let mut ids: Vec<String> = free.iter().map(|found| found.id.clone()).collect();
        ids.sort();
        let group = groups
            .entry((ids.len(), ids))
            .or_insert_with(|| Group { alike: free.into_iter().cloned().collect(), records: Vec::new() });
        group.records.push(at);
    }
    let mut settled = settled;
    // What fits fewest is told first.
    for Group { alike, records } in groups.into_values() {
        let free: Vec<Found> = alike.into_iter().filter(|found| !taken.contains(&found.id)).collect();
        let is_ours_alone = free.len() <= records.len();
        let mut free = free.into_iter();
        for at in records {
            let Some(slot) = settled.get_mut(at) else { continue };
            *slot = match free.next().filter(|_| is_ours_alone) {
                Some(found) => {
                    taken.insert(found.id.clone());
                    Settlement::There(found)
                }
                None if is_ours_alone => Settlement::Absent,
                None => Settlement::Unknown,
            };
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use migr_load::{Found, Map, Settlement};

    use super::told_apart;

    fn among(ids: &[&str]) -> Settlement {
        let found = |id: &&str| Found { id: (*id).to_owned(), deleted: false, values: Map::new() };
        Settlement::Among(ids.iter().map(found).collect())
    }

    fn told(settled: Vec<Settlement>, taken: &[&str]) -> Vec<String> {
        let word = |settlement: &Settlement| match settlement {
            Settlement::There(found) => found.id.clone(),
            Settlement::Absent => "absent".to_owned(),
            Settlement::Unknown => "unknown".to_owned(),
            Settlement::Among(_) => "among".to_owned(),
        };
        told_apart(settled, |id| taken.contains(&id)).iter().map(word).collect()
    }

    #[test]
    fn two_alike_are_two_and_nobody_gets_what_another_has() {
        assert_eq!(told(vec![among(&["a"])], &[]), ["a"]);
        assert_eq!(told(vec![among(&["a"])], &["a"]), ["absent"]);
        assert_eq!(told(vec![among(&["a", "b"]), among(&["a", "b"])], &[]), ["a", "b"]);
        assert_eq!(told(vec![among(&["a"]), among(&["a"])], &[]), ["a", "absent"]);
        assert_eq!(told(vec![among(&["a", "b"]), among(&["a"])], &[]), ["b", "a"], "what fits fewest is told first");
        assert_eq!(told(vec![among(&["a", "b"])], &[]), ["unknown"], "somebody else made one");
        assert_eq!(told(vec![among(&["a", "b"])], &["b"]), ["a"]);
        assert_eq!(told(vec![Settlement::Unknown, among(&[])], &[]), ["unknown", "absent"]);
    }
}
