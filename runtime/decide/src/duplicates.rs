//! Groups of duplicates, and which record of a group survives.

use std::cmp::Ordering;

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

/// Calls for every family of records that share an identity of `match`. One family at a time is held in memory.
pub fn each(
    spill: &Spill,
    matching: usize,
    policy: &DuplicatePolicy,
    mut found: impl FnMut(Family) -> Result<(), DecideError>,
) -> Result<(), DecideError> {
    spill.double_identities::<DecideError>(0, matching, |_, lines| Ok(spill.join(lines)?))?;
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

    #[test]
    fn records_belong_together_over_what_each_shares_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::create(folder.path()).unwrap();
        for line in [2, 4, 7, 9, 11, 30, 31, 32] {
            spill.add_record(line, &format!("C{line}"), &Sort::Null).unwrap();
        }
        // Two identities: the first joins 4 and 9, 2 and 7, and the three last; the second 4 and 7.
        let shared: [(usize, &str, &[u64]); 5] =
            [(0, "a", &[4, 9]), (0, "b", &[2, 7]), (0, "c", &[30, 31, 32]), (0, "d", &[11]), (1, "a", &[4, 7])];
        for (path, value, lines) in shared {
            for line in lines {
                spill.add_identity(path, value, *line).unwrap();
            }
        }
        let mut families = Vec::new();
        each(&spill, 2, &DuplicatePolicy::Quarantine, |family| {
            families.push(family.members.into_iter().map(|(line, _)| line).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
        assert_eq!(families, [vec![2, 4, 7, 9], vec![30, 31, 32]]);
    }

    #[test]
    fn the_newest_comes_first_and_one_without_a_date_last() {
        let policy = DuplicatePolicy::KeepNewest { column: "created_at".to_owned() };
        let mut rows = [(2, Sort::Integer(5)), (3, Sort::Null), (4, Sort::Integer(9)), (5, Sort::Integer(9))];
        rows.sort_by(|a, b| prefer(&policy, (a.0, &a.1), (b.0, &b.1)));
        assert_eq!(rows.map(|row| row.0), [4, 5, 2, 3]);
    }
}
