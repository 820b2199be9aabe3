//! Counts of a plan for the report: those of the last audit, or of the export itself where no audit has counted it.

use migr_extract::Export;
use migr_plan::lock::{LockedFile, count};
use migr_plan::{Lock, Plan};

use crate::commands::audit::previous;
use crate::console::Console;
use crate::data;
use crate::fault::Fault;
use crate::files::replace_private;
use crate::project::Project;
use crate::state::State;

/// Source of counts that no audit has made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'s> {
    /// The export that is carried out.
    pub(crate) export: &'s Export,
    /// State of the destination, which keeps them.
    pub(crate) state: &'s State,
}

/// The plan with the counts of the last audit; where that is of another export or spec, or there was none, what `source` counts in its place.
pub(crate) async fn counted(
    plan: &Plan,
    (project, to): (&Project, Option<&str>),
    source: Option<Source<'_>>,
    console: Console,
) -> Result<Plan, Fault> {
    let mut whole = plan.clone();
    let audited = previous(&project.lock(to)).ok().flatten();
    let Some(Source { export, state }) = source else {
        if let Some(lock) = audited {
            count(&mut whole, &lock);
        }
        return Ok(whole);
    };
    if let Some(lock) = &audited
        && is_of(lock, export)?
        && count(&mut whole, lock)
    {
        return Ok(whole);
    }
    let kept = previous(&state.counts()).ok().flatten();
    let is_known = match &kept {
        Some(lock) => is_of(lock, export)? && count(&mut whole, lock),
        None => false,
    };
    if !is_known {
        console.news("no audit has counted this export as the spec is now: the report's counts are made now");
        // What keeps it from being counted is told by the run.
        let Ok(lock) = Box::pin(data::counted_beside(project, plan, to, state)).await else { return Ok(whole) };
        let text = lock.to_json().map_err(|error| Fault::failed(error.to_string()))?;
        replace_private(&state.counts(), text.as_bytes())?;
        count(&mut whole, &lock);
    }
    // The destination was not asked: what it would take of requests and time is not known.
    whole.estimate = plan.estimate.clone();
    Ok(whole)
}

/// True where a lock was made of these files.
fn is_of(lock: &Lock, export: &Export) -> Result<bool, Fault> {
    let known = |path: &str| lock.export.files.iter().find(|file: &&LockedFile| file.path == path);
    let mut files = 0;
    for file in export.files() {
        files += 1;
        let hash = file.hash().map_err(|error| Fault::failed(error.to_string()))?;
        if known(file.shown()).is_none_or(|known| known.hash != hash) {
            return Ok(false);
        }
    }
    Ok(files == lock.export.files.len())
}
