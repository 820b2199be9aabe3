use std::sync::Arc;

use migr_load::Deleted;

use crate::EngineError;
use crate::job::{Identities, Job};
use crate::scratch::Scratch;
use crate::world::World;

/// What the destination has of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    /// Nothing.
    None,
    /// The record itself.
    Same {
        /// Its id.
        id: String,
        /// It lies in the trash.
        deleted: bool,
    },
    /// Several could be it.
    Several {
        /// What they share with it.
        path: usize,
    },
    /// Another record holds a value that must be unique.
    Taken {
        /// The value's path.
        path: usize,
        /// The other record.
        id: String,
        /// It lies in the trash.
        deleted: bool,
    },
}

/// Reads the identities of the destination's records, trash included. The scratch comes back with whether there are any.
pub(crate) async fn index(job: &Job, world: World) -> Result<(World, bool), EngineError> {
    if job.identities.len() == 0 {
        return Ok((world, false));
    }
    let destination = Arc::clone(&job.context.destination);
    let object = &job.stage.destination_object;
    let mut kinds = vec![Deleted::Live];
    if destination.capabilities().trash {
        kinds.push(Deleted::Trashed);
    }
    let mut any = false;
    let all = if destination.capabilities().trash { Deleted::Both } else { Deleted::Live };
    if destination.count(object, all).await? == 0 {
        return Ok((world, false));
    }
    for deleted in kinds {
        let mut after = None;
        loop {
            let page = destination.scan(object, deleted, after).await?;
            world.scratch.together(|| {
                for found in &page.records {
                    for (path, value) in job.identities.values(job, &found.values) {
                        world.scratch.add_existing(path, &value, &found.id, found.deleted)?;
                        any = true;
                    }
                }
                Ok(())
            })?;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    if any {
        world.scratch.index_existing()?;
    }
    Ok((world, any))
}

/// Looks a record's identities up. Those of `match` say which record it is; the others only must not be taken.
pub(crate) fn find(scratch: &Scratch, identities: &Identities, values: &[(usize, String)]) -> Result<Hit, EngineError> {
    let mut same: Option<(String, bool)> = None;
    for (path, value) in values.iter().filter(|(path, _)| *path < identities.matching()) {
        let found = scratch.existing(*path, value)?;
        let live: Vec<&(String, bool)> = found.iter().filter(|(_, deleted)| !deleted).collect();
        // A record that is in use counts before one in the trash.
        let candidates = if live.is_empty() { found.iter().collect() } else { live };
        match candidates.as_slice() {
            [] => {}
            [only] => {
                same = Some((*only).clone());
                break;
            }
            _ => return Ok(Hit::Several { path: *path }),
        }
    }
    for (path, value) in values.iter().filter(|(path, _)| *path >= identities.matching()) {
        let other =
            scratch.existing(*path, value)?.into_iter().find(|(id, _)| same.as_ref().is_none_or(|same| same.0 != *id));
        if let Some((id, deleted)) = other {
            return Ok(Hit::Taken { path: *path, id, deleted });
        }
    }
    Ok(same.map_or(Hit::None, |(id, deleted)| Hit::Same { id, deleted }))
}
