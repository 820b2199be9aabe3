//! Owners that a change of ownership concerns, as a lock counts them.

use migr_plan::lock::{LockedOwners, OwnedRecords};
use migr_plan::{Lock, Plan};

use crate::changes::{Found, Step};

/// Owners that a change concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    /// Number of them.
    pub(crate) owners: u64,
    /// Records that name them.
    pub(crate) records: u64,
    /// True where they get the fallback by it.
    pub(crate) to_fallback: bool,
}

/// Owners that a change of the owners' table concerns; none where it is another change, or the lock does not tell.
pub(crate) fn of(found: &Found, after: &Plan, lock: &Lock) -> Option<Owned> {
    let [Step::Key(owners), rest @ ..] = found.place.as_slice() else { return None };
    let known = lock.stages.owners.as_ref().filter(|_| owners == "owners")?;
    match rest {
        [Step::Key(list), Step::Member(source), ..] if list == "overrides" => {
            let owner = known.owner(source);
            let is_user = owner.is_some_and(|owner| owner.is_user != Some(false));
            let to_fallback = found.change.after.is_none() && !is_user;
            Some(sum(owner.into_iter(), to_fallback))
        }
        [Step::Key(fallback), ..] if fallback == "fallback" => {
            let overridden = overridden(after, known);
            let is_without = |owner: &&OwnedRecords| owner.is_user == Some(false) && !overridden.contains(&owner.owner);
            let all_are_known = known.owners.iter().all(|owner| owner.is_user.is_some());
            all_are_known.then(|| sum(known.owners.iter().filter(is_without), found.change.after.is_some()))
        }
        _ => Some(sum(known.owners.iter(), false)),
    }
}

fn sum<'a>(owners: impl Iterator<Item = &'a OwnedRecords>, to_fallback: bool) -> Owned {
    let none = Owned { owners: 0, records: 0, to_fallback };
    owners.fold(none, |sum, one| Owned {
        owners: sum.owners + 1,
        records: sum.records.saturating_add(one.records),
        ..sum
    })
}

/// Hashes of the owners that a written override names.
fn overridden(plan: &Plan, known: &LockedOwners) -> Vec<String> {
    let pairs = plan.owners.iter().flat_map(|owners| &owners.overrides);
    pairs.map(|pair| migr_plan::lock::member_hash(&known.salt, &pair.source)).collect()
}
