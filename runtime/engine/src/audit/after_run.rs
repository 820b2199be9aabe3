//! Forecast of going on after a run: what the next run or delta would open is opened in a copy of the journal, and the forecast goes by that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use migr_decide::forecast::Forecast;
use migr_decide::preview::PreviewAction;
use migr_decide::vanished::{TRASHED, VanishedDecision, VanishedPolicy};
use migr_decide::{CancellationFlag, SharedJournal, Silent};
use migr_extract::Export;
use migr_journal::{Journal, Reader};
use migr_load::{Deleted, Destination, Schema};
use migr_plan::{Plan, Step};
use serde::Serialize;

use super::foreseen::Foreseen;
use crate::delta::Untouched;
use crate::going_on::{earlier_plans, go_on, has_records};
use crate::since::{Asked, ChangeClass, Since, since};
use crate::{Context, EngineError, RunOptions, delta, opening};

/// Name of the copy's folder.
const FOLDER: &str = "going-on";
/// Rows of the journal that are read together.
const TOGETHER: usize = 2000;

/// Effect of going on after a run where the spec or the export changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GoingOn {
    /// Effect of the changed spec on written records; absent where it does the same as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// The first file of the export that is another one; absent where all are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later_export: Option<String>,
    /// Reason why a delta would ask first, where the export shrank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
}

/// Journal that a forecast goes by.
#[derive(Debug)]
pub(super) struct AfterRun {
    journal: PathBuf,
    /// Folder of the copy, where there is one.
    copy: Option<PathBuf>,
    /// Effect of going on.
    pub(super) going_on: GoingOn,
}

impl Drop for AfterRun {
    fn drop(&mut self) {
        if let Some(folder) = &self.copy
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            tracing::debug!(%error, "a copy of the journal is not removed");
        }
    }
}

impl AfterRun {
    /// Takes a changed spec or a later export up, where records are written. `plan` is as it was compiled, `apart` as it is carried out.
    pub(super) async fn take_up(
        (plan, apart): (&Plan, &Plan),
        export: &Arc<Export>,
        live: Option<&(Arc<dyn Destination>, Schema)>,
        (folder, journal): (&Path, &Path),
    ) -> Result<Self, EngineError> {
        let mut after = Self { journal: journal.to_owned(), copy: None, going_on: GoingOn::default() };
        let reader = Reader::open(journal)?;
        // Where the destination is not asked nobody knows how its values are written, and a file that cannot be read is told of by itself.
        let Some(live) = live.filter(|_| opening::readable(apart, export).is_ok()) else { return Ok(after) };
        let plan = plan.without_reach();
        let hash = plan.hash().unwrap_or_default();
        let earlier = earlier_plans(&reader, (&plan, &hash))?;
        let file = opening::changed_in(apart, export, &reader)?;
        let is_later = (file.is_some() || delta::is_comparing(&reader)?) && has_records(&reader)?;
        if !earlier.differ && !is_later {
            return Ok(after);
        }
        let copied = folder.join(FOLDER);
        std::fs::create_dir_all(&copied)
            .map_err(|source| EngineError::File { path: copied.display().to_string(), source })?;
        after.journal = copied.join("journal.db");
        after.copy = Some(copied.clone());
        reader.copy_to(&after.journal)?;
        drop(reader);
        let context = context(apart, export, live, &after.journal, &copied)?;
        if earlier.differ {
            let (since, _) = match since(&context, &earlier.all, Asked::default()).await {
                Err(error) if is_fallback(&error) => return Ok(after),
                found => found?,
            };
            if since.class() != ChangeClass::Identity {
                go_on(&context, &since).await?;
            }
            after.going_on.since = Some(since);
        }
        if is_later {
            after.going_on.later_export = file;
            match delta::pick_up(&context, false).await {
                Err(error) if is_fallback(&error) => {}
                Err(error @ EngineError::Shrunk { .. }) => {
                    after.going_on.asks = Some(error.to_string());
                    delta::pick_up(&context, true).await?;
                }
                picked_up => drop(picked_up?),
            }
        }
        Ok(after)
    }

    /// The journal.
    pub(super) fn journal(&self) -> &Path {
        &self.journal
    }

    /// Tells a forecast of the records that the export has no more, and of what becomes of each.
    pub(super) async fn vanished(
        &self,
        plan: &Plan,
        forecast: &Forecast,
        live: &dyn Destination,
        before: &Path,
    ) -> Result<(), EngineError> {
        let (reader, before) = (Reader::open(&self.journal)?, Reader::open(before)?);
        let is_delta = self.going_on.later_export.is_some() || delta::is_under_way(&reader)?;
        if !is_delta {
            return Ok(());
        }
        let (policy, untouched) = (VanishedPolicy::of(plan), Untouched::of(live, reader.another()?)?);
        for stage in &plan.stages {
            let (Some(step), Some(of)) = (reader.step(&stage.id)?, forecast.known(&Step::records(&stage.id))) else {
                continue;
            };
            let mut after: Option<String> = None;
            loop {
                let vanished = reader.vanished_after(step, after.as_deref(), TOGETHER)?;
                let Some((last, _)) = vanished.last() else { break };
                after = Some(last.clone());
                let mut going = Vec::new();
                for (key, fate) in vanished {
                    let Some(mapped) = reader.id_of(step, &key)?.filter(|_| fate != TRASHED) else { continue };
                    let Some(id) = mapped.id.clone() else { continue };
                    if policy.decide(&mapped) == VanishedDecision::Trash {
                        going.push((key, mapped.line, id));
                    } else if before.fate(step, &key)?.is_none() {
                        forecast.vanished(of, (&key, mapped.line, &id), PreviewAction::Vanish)?;
                    }
                }
                let object = &stage.destination_object;
                for records in going.chunks(live.capabilities().page_size.max(1)) {
                    let ids: Vec<String> = records.iter().map(|(.., id)| id.clone()).collect();
                    let found = live.fetch(object, &ids, Deleted::Both).await?;
                    for (key, line, id) in records {
                        let goes = match found.iter().find(|found| found.id == *id) {
                            Some(there) => untouched.is(stage, key, there)?,
                            None => false,
                        };
                        let action = if goes { PreviewAction::Trash } else { PreviewAction::Vanish };
                        if goes || before.fate(step, key)?.is_none() {
                            forecast.vanished(of, (key, *line, id), action)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Context over a copy of a journal and a destination to which nothing is written.
fn context(
    plan: &Plan,
    export: &Arc<Export>,
    live: &(Arc<dyn Destination>, Schema),
    journal: &Path,
    work: &Path,
) -> Result<Context, EngineError> {
    let forecast = Arc::new(Forecast::create(work, None)?);
    Ok(Context {
        plan: Arc::new(plan.clone()),
        export: Arc::clone(export),
        destination: Arc::new(Foreseen::new(plan, Some(live.clone()), forecast)),
        journal: SharedJournal::new(Journal::reopen(journal)?),
        progress: Arc::new(Silent),
        cancellation: CancellationFlag::default(),
        options: RunOptions::default(),
        work: work.to_owned(),
    })
}

/// An owners' fallback that is nobody keeps a run from beginning; the audit says so by itself.
fn is_fallback(error: &EngineError) -> bool {
    matches!(error, EngineError::Fallback { .. })
}
