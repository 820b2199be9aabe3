//! Lost answers: which records are there after all.

use std::collections::{BTreeMap, BTreeSet};

use migr_load::{Deleted, Destination, Found, IdPolicy, LoadError};

/// Reason for quarantine of a record that may have been written.
pub fn uncertain(why: &str) -> String {
    format!(
        "it may be in the destination or not, as the answer was lost: {why}. Look for it there; `migr quarantine retry` sends it again"
    )
}

/// Records that are there of those that were sent with some ids of ours: these, with the ids that the destination knows them by. None where it cannot be asked.
pub async fn those_there(
    destination: &dyn Destination,
    object: &str,
    ids: &[String],
    deleted: Deleted,
) -> Result<Option<BTreeMap<String, String>>, LoadError> {
    match destination.capabilities().ids {
        IdPolicy::Client => {
            let found = destination.fetch(object, ids, deleted).await?;
            Ok(Some(found.into_iter().map(|found| (found.id.clone(), found.id)).collect()))
        }
        IdPolicy::Server { token: None } => Ok(None),
        IdPolicy::Server { token: Some(path) } => {
            let Some(found) = destination.holders(object, &[(path.clone(), ids.to_vec())]).await? else {
                return Ok(None);
            };
            let mut there = BTreeMap::new();
            let mut doubled = BTreeSet::new();
            for Found { id, values, deleted: is_deleted } in found {
                let is_wanted = deleted == Deleted::Both || is_deleted == (deleted == Deleted::Trashed);
                let Some(token) = destination.identity(object, &path, &values).filter(|_| is_wanted) else { continue };
                if there.insert(token.clone(), id).is_some() {
                    doubled.insert(token);
                }
            }
            // Two records of one token are for a person to tell apart.
            there.retain(|token, _| !doubled.contains(token));
            Ok(Some(there))
        }
    }
}
