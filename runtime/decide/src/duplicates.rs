//! Groups of duplicates, and which record of a group survives.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use migr_plan::DuplicatePolicy;
use migr_spill::SortValue as Sort;

use crate::DecideError;
use migr_spill::Spill;

/// Records of the export that would become one, the preferred one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Line and key of each.
    pub members: Vec<(u64, String)>,
}

/// Record of which it is not clear with which others it would become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// Line of the record.
    pub line: u64,
    /// Position of the identity that it shares with the candidates.
    pub path: usize,
    /// Lines of the candidates, one for each of those that are not the same.
    pub candidates: Vec<u64>,
}

/// Records with their identities, as far as the joining of them asks; each is known by its line.
pub trait Joined {
    /// Makes ready to ask for identities by the line.
    fn prepare(&self) -> Result<(), DecideError>;

    /// Calls for the lines of each value of an identity that several have, in their order.
    fn each_shared(
        &self,
        path: usize,
        found: &mut dyn FnMut(&[u64]) -> Result<(), DecideError>,
    ) -> Result<(), DecideError>;

    /// The identities before one that a line has, as bits.
    fn earlier_of(&self, line: u64, path: usize) -> Result<u64, DecideError>;

    /// The line that stands for all that a line was united with.
    fn root_of(&self, line: u64) -> Result<u64, DecideError>;

    /// Makes lines one.
    fn unite(&self, lines: &[u64]) -> Result<(), DecideError>;
}

impl Joined for Spill {
    fn prepare(&self) -> Result<(), DecideError> {
        Ok(self.index_identities_by_line()?)
    }

    fn each_shared(
        &self,
        path: usize,
        found: &mut dyn FnMut(&[u64]) -> Result<(), DecideError>,
    ) -> Result<(), DecideError> {
        self.double_identities::<DecideError>(path, path + 1, |_, _, lines| found(lines))
    }

    fn earlier_of(&self, line: u64, path: usize) -> Result<u64, DecideError> {
        Ok(self.identities_of(line, path)?)
    }

    fn root_of(&self, line: u64) -> Result<u64, DecideError> {
        Ok(self.root(line)?)
    }

    fn unite(&self, lines: &[u64]) -> Result<(), DecideError> {
        Ok(self.join(lines)?)
    }
}

/// Joins the records that are one by `match a or b`: of two records the first of the fields that both have decides, and one that has none of the earlier fields
/// joins by a later one the only record that fits. Those that several fit are given to `ambiguous`, and join none of them.
pub fn join(
    records: &impl Joined,
    matching: usize,
    mut ambiguous: impl FnMut(Ambiguous) -> Result<(), DecideError>,
) -> Result<(), DecideError> {
    if matching > 1 {
        records.prepare()?;
    }
    for path in 0..matching {
        records.each_shared(path, &mut |lines| {
            if path == 0 {
                return records.unite(lines);
            }
            let (mut free, mut known) = (Vec::new(), BTreeMap::<u64, (u64, u64)>::new());
            for line in lines {
                match records.earlier_of(*line, path)? {
                    0 => free.push(*line),
                    earlier => {
                        let of_root = known.entry(records.root_of(*line)?).or_insert((*line, 0));
                        of_root.1 |= earlier;
                    }
                }
            }
            let candidates: Vec<u64> = known.values().map(|(line, _)| *line).collect();
            // Records that have an earlier field in common differ in it, or were joined by it.
            let mut seen = 0;
            let are_apart = known.values().any(|(_, earlier)| {
                let meets = seen & earlier != 0;
                seen |= earlier;
                meets
            });
            if !are_apart {
                free.extend(candidates);
                free.sort_unstable();
                return records.unite(&free);
            }
            free.into_iter().try_for_each(|line| ambiguous(Ambiguous { line, path, candidates: candidates.clone() }))
        })?;
    }
    Ok(())
}

/// Calls for every family of records that were joined. One family at a time is held in memory.
pub fn each(
    spill: &Spill,
    policy: &DuplicatePolicy,
    mut found: impl FnMut(Family) -> Result<(), DecideError>,
) -> Result<(), DecideError> {
    spill.kin::<DecideError>(|mut members| {
        if members.len() < 2 {
            return Ok(());
        }
        members.sort_by(|a, b| prefer(policy, (a.0, &a.2), (b.0, &b.2)));
        found(Family { members: members.into_iter().map(|(line, key, _)| (line, key)).collect() })
    })
}

/// Which of two records comes first. Where the policy does not tell, the file's order does; a record without the value comes last.
pub fn prefer(policy: &DuplicatePolicy, a: (u64, &Sort), b: (u64, &Sort)) -> Ordering {
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

#[cfg(test)]
mod tests {
    use super::*;

    type Joined = (Vec<Vec<u64>>, Vec<(u64, Vec<u64>)>);

    /// Families and ambiguous lines of records with values of two identities, `line: first/second`.
    fn families(records: &[(u64, &str, &str)]) -> Joined {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::create(folder.path()).unwrap();
        for (line, first, second) in records {
            spill.add_record(*line, &format!("C{line}"), &Sort::Null).unwrap();
            for (path, value) in [first, second].into_iter().enumerate().filter(|(_, value)| !value.is_empty()) {
                spill.add_identity(path, value, *line).unwrap();
            }
        }
        let (mut families, mut unclear) = (Vec::new(), Vec::new());
        join(&spill, 2, |ambiguous| {
            unclear.push((ambiguous.line, ambiguous.candidates));
            Ok(())
        })
        .unwrap();
        each(&spill, &DuplicatePolicy::Quarantine, |family| {
            families.push(family.members.into_iter().map(|(line, _)| line).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
        (families, unclear)
    }

    #[test]
    fn records_with_one_value_are_one_and_no_chain_leads_over_another_field() {
        let records =
            [(2, "b", ""), (4, "a", "x"), (7, "b", "x"), (9, "a", ""), (30, "c", ""), (31, "c", ""), (32, "c", "")];
        assert_eq!(families(&records), (vec![vec![2, 7], vec![4, 9], vec![30, 31, 32]], vec![]));
    }

    #[test]
    fn a_record_without_the_first_field_joins_by_the_second_the_one_that_fits() {
        assert_eq!(families(&[(2, "a", "x"), (3, "a", ""), (4, "", "x")]), (vec![vec![2, 3, 4]], vec![]));
        assert_eq!(families(&[(2, "", "x"), (3, "", "x")]), (vec![vec![2, 3]], vec![]));
    }

    #[test]
    fn one_switchboard_makes_no_one_of_people_with_addresses_of_their_own() {
        let records = [(2, "ann", "x"), (3, "bob", "x"), (4, "cy", "x"), (5, "", "x")];
        assert_eq!(families(&records), (vec![], vec![(5, vec![2, 3, 4])]));
    }

    #[test]
    fn the_newest_comes_first_and_one_without_a_date_last() {
        let policy = DuplicatePolicy::KeepNewest { column: "created_at".to_owned() };
        let mut rows = [(2, Sort::Integer(5)), (3, Sort::Null), (4, Sort::Integer(9)), (5, Sort::Integer(9))];
        rows.sort_by(|a, b| prefer(&policy, (a.0, &a.1), (b.0, &b.1)));
        assert_eq!(rows.map(|row| row.0), [4, 5, 2, 3]);
    }
}
