//! Lost answers: which records are there after all.

use std::collections::{BTreeMap, BTreeSet};

use migr_load::{Deleted, Destination, Found, IdPolicy, LoadError};

/// Reason for quarantine of a record that may have been written.
pub fn uncertain(why: &str) -> String {
    format!(
        "it may be in the destination or not, as the answer was lost: {why}. Look for it there; \
         then `migr quarantine settle KEY --id ID` takes it, or `--create` has the next run send it again"
    )
}

/// Records that are there of those that were sent with some ids of ours, by these. None where the destination cannot be asked.
pub async fn those_there(
    destination: &dyn Destination,
    object: &str,
    ids: &[String],
    deleted: Deleted,
) -> Result<Option<BTreeMap<String, Found>>, LoadError> {
    match destination.capabilities().ids {
        IdPolicy::Client => {
            let found = destination.fetch(object, ids, deleted).await?;
            Ok(Some(found.into_iter().map(|found| (found.id.clone(), found)).collect()))
        }
        IdPolicy::Server { token: None } => Ok(None),
        IdPolicy::Server { token: Some(path) } => {
            let Some(found) = destination.holders(object, &[(path.clone(), ids.to_vec())]).await? else {
                return Ok(None);
            };
            let mut there = BTreeMap::new();
            let mut doubled = BTreeSet::new();
            for found in found {
                let is_wanted = deleted == Deleted::Both || found.deleted == (deleted == Deleted::Trashed);
                let token = destination.identity(object, &path, &found.values).filter(|_| is_wanted);
                let Some(token) = token else { continue };
                if there.insert(token.clone(), found).is_some() {
                    doubled.insert(token);
                }
            }
            // Two records of one token are for a person to tell apart.
            there.retain(|token, _| !doubled.contains(token));
            Ok(Some(there))
        }
    }
}
