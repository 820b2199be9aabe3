//! Records of the destination that match records of the source.

use std::sync::Arc;

use migr_load::{Deleted, Found};

use crate::DecideError;
use crate::identities::Identities;
use crate::record_lookup::RecordLookup;
use crate::referrers;
use crate::stage_run::StageRun;
use migr_spill::Spill;

/// Identities in one question.
const ASKED: u32 = 10_000;

/// Match of a record in the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    /// Nothing.
    None,
    /// The record itself.
    Same {
        /// Field of `match` by which it is found, by place.
        path: usize,
        /// Id of the record there.
        id: String,
        /// True where the record there is soft-deleted.
        deleted: bool,
    },
    /// Several could be it.
    Several {
        /// Identity that they share with the record.
        path: usize,
        /// Number of these records; few are counted.
        records: usize,
    },
    /// Another record holds a value that must be unique.
    Taken {
        /// The value's path.
        path: usize,
        /// The other record.
        id: String,
        /// True where the other record is soft-deleted.
        deleted: bool,
    },
}

/// Reads the identities of the destination's records, trash included, and of some that are known besides. The spill comes back with whether there are any.
pub async fn index(job: &StageRun, world: RecordLookup, known: &[Found]) -> Result<(RecordLookup, bool), DecideError> {
    if job.identities.paths.is_empty() {
        return Ok((world, false));
    }
    let (world, mut any) = there(job, world).await?;
    for found in known {
        for (path, value) in job.identities_of(&found.values) {
            world.spill.add_existing(path, &value, &found.id, found.deleted)?;
            any = true;
        }
    }
    // What an earlier stage of a forecast makes would be there.
    if let Some(forecast) = job.context.outcomes.forecast() {
        world.spill.together::<_, DecideError>(|| {
            for path in 0..job.identities.paths.len() {
                let object = &job.stage.destination_object;
                forecast.coming_identities(object, &job.identities.name(path), |value, id| {
                    any = true;
                    Ok(world.spill.add_existing(path, value, id, false)?)
                })?;
            }
            Ok(())
        })?;
    }
    if any {
        world.spill.index_existing()?;
        if job.identities.matching > 1 {
            world.spill.index_existing_by_id()?;
        }
        return Ok((referrers::note(job, world).await?, true));
    }
    Ok((world, any))
}

/// The same for what is there now, not yet findable.
async fn there(job: &StageRun, mut world: RecordLookup) -> Result<(RecordLookup, bool), DecideError> {
    let destination = Arc::clone(&job.context.destination);
    let object = &job.stage.destination_object;
    let mut kinds = vec![Deleted::Live];
    if destination.capabilities().trash {
        kinds.push(Deleted::Trashed);
    }
    let mut any = false;
    let all = if destination.capabilities().trash { Deleted::Both } else { Deleted::Live };
    let total = destination.count(object, all).await?;
    if total == 0 {
        return Ok((world, false));
    }
    if let Some(any) = by_values(job, &mut world, total).await? {
        return Ok((world, any));
    }
    for deleted in kinds {
        let mut after = None;
        loop {
            let page = destination.scan(object, deleted, after).await?;
            world.spill.together::<_, DecideError>(|| {
                for found in &page.records {
                    for (path, value) in job.identities_of(&found.values) {
                        world.spill.add_existing(path, &value, &found.id, found.deleted)?;
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
    Ok((world, any))
}

/// Asks for the identities of the records that are to be written, where the destination has many more records than those. None where it cannot be asked so, or
/// where reading all of its records takes about as few requests.
// A world is not shared between threads: only one of its own can be waited with.
async fn by_values(job: &StageRun, world: &mut RecordLookup, total: u64) -> Result<Option<bool>, DecideError> {
    let destination = &job.context.destination;
    let paths: Option<Vec<&str>> = (0..job.identities.paths.len()).map(|path| job.identities.single(path)).collect();
    let Some(paths) = paths else { return Ok(None) };
    let mut values = 0;
    for path in 0..paths.len() {
        values += world.spill.count_identities(path)?;
    }
    let page = u64::try_from(destination.capabilities().page_size.max(1)).unwrap_or(u64::MAX);
    let questions = values.div_ceil(u64::from(ASKED)) + paths.len() as u64;
    if total < values.saturating_mul(2) || total.div_ceil(page) < questions.saturating_mul(4) {
        return Ok(None);
    }
    world.spill.index_identities()?;
    let object = &job.stage.destination_object;
    let mut any = false;
    for (path, name) in paths.iter().enumerate() {
        let mut after = String::new();
        loop {
            let asked = world.spill.identities_after(path, &after, ASKED)?;
            let Some(last) = asked.last() else { break };
            after.clone_from(last);
            let mut wanted = vec![((*name).to_owned(), asked)];
            for other in &paths {
                if wanted.iter().all(|(known, _)| known != other) {
                    wanted.push(((*other).to_owned(), Vec::new()));
                }
            }
            let Some(found) = destination.holders(object, &wanted).await? else { return Ok(None) };
            world.spill.together::<_, DecideError>(|| {
                for found in &found {
                    for (of, value) in job.identities_of(&found.values) {
                        world.spill.add_existing(of, &value, &found.id, found.deleted)?;
                        any = true;
                    }
                }
                Ok(())
            })?;
        }
    }
    Ok(Some(any))
}

/// Looks a record's identities up. Those of `match` say which record it is; the others only must not be taken.
pub fn find(spill: &Spill, identities: &Identities, values: &[(usize, String)]) -> Result<Hit, DecideError> {
    let mut same: Option<(usize, String, bool)> = None;
    for (path, value) in values.iter().filter(|(path, _)| *path < identities.matching) {
        let mut found = spill.existing(*path, value)?;
        // One that has a value of an earlier field, which this one has too, differs in it: it is another.
        for (earlier, _) in values.iter().filter(|(earlier, _)| earlier < path) {
            let mut others = Vec::new();
            for record in found {
                if !spill.existing_has(*earlier, &record.0)? {
                    others.push(record);
                }
            }
            found = others;
        }
        let live: Vec<&(String, bool)> = found.iter().filter(|(_, deleted)| !deleted).collect();
        // A record that is in use counts before one in the trash.
        let candidates = if live.is_empty() { found.iter().collect() } else { live };
        match candidates.as_slice() {
            [] => {}
            [only] => {
                same = Some((*path, only.0.clone(), only.1));
                break;
            }
            several => return Ok(Hit::Several { path: *path, records: several.len() }),
        }
    }
    for (path, value) in values.iter().filter(|(path, _)| *path >= identities.matching) {
        let other =
            spill.existing(*path, value)?.into_iter().find(|(id, _)| same.as_ref().is_none_or(|same| same.1 != *id));
        if let Some((id, deleted)) = other {
            return Ok(Hit::Taken { path: *path, id, deleted });
        }
    }
    Ok(same.map_or(Hit::None, |(path, id, deleted)| Hit::Same { path, id, deleted }))
}
