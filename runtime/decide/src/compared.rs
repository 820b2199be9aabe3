//! Comparison of a stage's classified rows with the records of the destination.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::prepass::Classification;
use crate::record_lookup::RecordLookup;
use crate::stage_run::StageRun;
use crate::{DecideError, prepass, same_there, settle, uniques};

/// Settles what the records of the destination tell of a stage's: those that it has as one, values that one record alone may hold, and what was sent before.
pub fn compare(
    job: &StageRun,
    world: &RecordLookup,
    look: &mut Classification,
    has_existing: bool,
    failures: &Arc<AtomicU64>,
) -> Result<(), DecideError> {
    if has_existing {
        same_there::join(job, world, look, failures)?;
    }
    // A record that another one of the stage keeps out holds no value that others want.
    if uniques::has_rivals(job, world)? {
        settle::settle(job, world, look, has_existing, failures)?;
    }
    uniques::judge(job, world, look, has_existing, failures)?;
    prepass::end(job, world, look)
}
