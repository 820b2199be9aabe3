//! `migr rollback`: undoes the migration.

use std::sync::Arc;

use migr_engine::{ChangedPolicy, RollbackContext, RollbackSummary, SharedJournal, set_journal_aside};
use migr_escape::line;
use migr_plan::Plan;
use migr_report::words::{count, grouped};

use crate::args::{Changed, EventFormat, LiveArguments, RollbackArguments};
use crate::commands::report::plan;
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Shown;
use crate::project::{Project, shown};
use crate::report_files::write_page;
use crate::session::{Reached, reopened, stop_on_interrupt};
use crate::state::State;

/// Things left as they are that are printed; the report has all.
const PRINTED: usize = 20;

/// Takes back what was done, by the journal and the plan that it was done by. Exit 6 when something is not as before.
pub(crate) async fn run(arguments: &RollbackArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.live.project.path)?;
    let progress = Arc::new(Shown::new(console, arguments.format));
    let state = meant(&project, &arguments.live)?;
    if arguments.forget {
        return forget(&state, console);
    }
    let changed = arguments.changed.map(|changed| match changed {
        Changed::Keep => ChangedPolicy::Keep,
        Changed::Destroy => ChangedPolicy::Destroy,
    });
    let (dry_run, adopted, map) = (arguments.dry_run, arguments.adopted, arguments.map.clone());
    let how = How { dry_run, changed, adopted, map };
    let summary = take_back(&state, Arc::clone(&progress), how, console).await?;
    if arguments.format == EventFormat::Human {
        show(&summary, console);
    }
    let exit = exit(&summary);
    progress.summary(serde_json::json!({
        "dry_run": summary.dry_run,
        "maps": summary.maps,
        "destroyed": summary.destroyed,
        "restored_records": summary.restored_records,
        "restored_fields": summary.restored_fields,
        "trashed": summary.trashed,
        "schema_removed": summary.schema_removed,
        "made_beside": summary.made_beside,
        "kept_because_changed": summary.kept_fields,
        "undecided": summary.undecided,
        "gone_with_what_others_did": summary.gone_with,
        "missing": summary.missing,
        "decided": summary.decided,
        "adopted": summary.adopted,
        "holds": summary.holds,
        "exit": exit as u8,
    }));
    Ok(exit)
}

fn meant(project: &Project, live: &LiveArguments) -> Result<State, Fault> {
    State::meant(project, live.project.to.as_deref(), live.sandbox)
}

/// Choices of a rollback.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    /// Nothing is changed.
    pub(crate) dry_run: bool,
    /// Policy for created records that others changed or refer to since; absent: the spec's.
    pub(crate) changed: Option<ChangedPolicy>,
    /// Records that were there already, by ids of ours, are destroyed too.
    pub(crate) adopted: bool,
    /// The one map that is taken back, with what depends on it; all of them where absent.
    pub(crate) map: Option<String>,
}

/// Policy that the spec names by `on rollback`.
fn policy(plan: &Plan) -> ChangedPolicy {
    match plan.options.on_rollback.as_deref() {
        Some("keep") => ChangedPolicy::Keep,
        Some("destroy") => ChangedPolicy::Destroy,
        _ => ChangedPolicy::List,
    }
}

/// Puts a journal aside without undoing anything.
fn forget(state: &State, console: Console) -> Result<Exit, Fault> {
    state.reader()?;
    let aside = reopened(state)?.set_aside().map_err(|error| Fault::failed(error.to_string()))?;
    console.result(format_args!(
        "Nothing was undone. The journal is kept in {}; the next run begins a fresh one.\n",
        shown(&aside)
    ));
    Ok(Exit::Done)
}

/// Takes back what a state's journal holds; a journal that is through is kept aside, so that a corrected spec begins anew.
pub(crate) async fn take_back(
    state: &State,
    progress: Arc<Shown>,
    How { dry_run, changed, adopted, map }: How,
    console: Console,
) -> Result<RollbackSummary, Fault> {
    state.reader()?;
    let plan = Arc::new(plan(state)?);
    let journal = SharedJournal::new(reopened(state)?);
    let reached = Reached::open(&plan, state, console).await?;
    let context = RollbackContext {
        destination: Arc::clone(&reached.destination),
        journal: journal.clone(),
        plan: Some(Arc::clone(&plan)),
        progress,
        cancellation: stop_on_interrupt(console),
        changed: changed.unwrap_or_else(|| policy(&plan)),
        adopted,
        map: map.clone(),
    };
    let done = migr_engine::rollback(&context, dry_run).await;
    drop(context);
    reached.close().await;
    // One that failed has taken back what it could.
    let page = if dry_run { Ok(None) } else { write_page(state, &plan).map(Some) };
    let summary = done.map_err(fault)?;
    if page?.is_some()
        && map.is_none()
        && let Some(aside) = set_journal_aside(journal, &summary).map_err(fault)?
    {
        console.news(format_args!("the journal is kept in {}; the next run begins a fresh one", shown(&aside)));
    }
    Ok(summary)
}

/// Exit code of a rollback.
pub(crate) fn exit(summary: &RollbackSummary) -> Exit {
    match (summary.interrupted, summary.holds || summary.dry_run) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::DoesNotHold,
    }
}

/// The result for a person.
pub(crate) fn show(summary: &RollbackSummary, console: Console) {
    for kept in summary.kept_because_changed.iter().take(PRINTED) {
        let field = kept.field.as_deref().map_or_else(String::new, |field| format!(", {field}"));
        console.result(format_args!("kept      {} {}{field}: {}\n", kept.object, line(&kept.id), line(&kept.reason)));
    }
    let goes = if summary.dry_run { "would go " } else { "gone     " };
    for gone in summary.gone_with_theirs.iter().take(PRINTED) {
        console.result(format_args!("{goes} {} {}: {}\n", gone.object, line(&gone.id), line(&gone.reason)));
    }
    for one in summary.not_undoable.iter().take(PRINTED) {
        let step = one.step.as_deref().map_or_else(String::new, |step| format!("{step}: "));
        console.result(format_args!("not back  {step}{}\n", line(&one.what)));
    }
    for stays in summary.stays_beside.iter().take(PRINTED) {
        console.result(format_args!("stays     {}\n", line(stays)));
    }
    let ends = match (summary.dry_run, summary.holds) {
        (true, _) => "",
        (false, true) if summary.decided > 0 || summary.stays_by_class() > 0 || !summary.stays_beside.is_empty() => {
            "; all else is as before"
        }
        (false, true) => "; all is as before",
        (false, false) => "; not all is as before, see above",
    };
    let records =
        if summary.dry_run { ("record would be", "records would be") } else { ("record was", "records were") };
    let of = if summary.maps.is_empty() { String::new() } else { format!(" of {}", line(&summary.maps.join(", "))) };
    console.result(format_args!(
        "Rollback{of}: {} destroyed, {} restored, {} put back into the trash, {} rolled back{ends}.\n",
        count(summary.destroyed, records.0, records.1),
        grouped(summary.restored_records),
        grouped(summary.trashed),
        count(summary.schema_removed, "schema change", "schema changes"),
    ));
    if summary.made_beside > 0 {
        let removed = if summary.dry_run { "would be removed, where nothing else uses them" } else { "removed" };
        console.result(format_args!(
            "{} that the destination made by itself beside records, {removed}.\n",
            count(summary.made_beside, "name, such as a tag,", "names, such as tags,"),
        ));
    }
    for stays in summary.stays.iter().filter(|_| summary.destroyed + summary.restored_records > 0) {
        console.result(format_args!("By its class in the plan: {}.\n", line(stays)));
    }
    if summary.adopted > 0 {
        console.result(format_args!(
            "{} there already, by ids of this migration, when the journal was begun: left. `migr rollback --adopted` destroys such records too.\n",
            count(summary.adopted, "record was", "records were"),
        ));
    }
    if summary.undecided > 0 {
        console.result(format_args!(
            "{} not the migration's alone any more, and left until you decide: `migr rollback --changed keep` leaves such records for good, `--changed destroy` destroys them with all that others changed and attached (with `--dry-run` it says beforehand what goes).\n",
            count(summary.undecided, "record is", "records are"),
        ));
    }
    if summary.gone_with > 0 {
        let (one, many) = if summary.dry_run {
            (
                "record is not the migration's alone any more, and would go",
                "records are not the migration's alone any more, and would go",
            )
        } else {
            (
                "record was not the migration's alone any more, and went",
                "records were not the migration's alone any more, and went",
            )
        };
        console.result(format_args!(
            "{} with all that others changed and attached, as you decided.\n",
            count(summary.gone_with, one, many),
        ));
    }
    if summary.missing > 0 && !summary.complete {
        console.result(format_args!(
            "{} there before, and the destination does not show them any more. Before you decide, nothing is destroyed: `migr rollback` asks for them again; if somebody removed them, `migr rollback --changed keep` goes on without them.\n",
            count(summary.missing, "record was", "records were"),
        ));
    }
    if summary.decided > 0 {
        console
            .result(format_args!("{} kept, as you decided.\n", count(summary.decided, "record was", "records were")));
    }
}
