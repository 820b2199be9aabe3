//! `migr delta`: picks up what changed in the source since.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use migr_engine::RunOptions;
use migr_escape::line;
use migr_journal::Reader;
use migr_plan::Plan;
use migr_report::{Delta, Report};

use crate::args::{DeltaArguments, EventFormat};
use crate::commands::run::{Outcome, carry_out, exit};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::going_on;
use crate::progress::Shown;
use crate::project::{Project, shown};
use crate::room;
use crate::session::{Opening, Session, export, state, stop_on_interrupt};
use crate::state::State;

/// Pause between two looks at the export's files. Those that stand the same at two looks are whole.
const LOOK: Duration = Duration::from_secs(2);

/// Pause after a system failed, before a delta goes on where it stopped.
const AGAIN: Duration = Duration::from_secs(30);

/// Brings the destination to a later export, within the window of the spec's `delta`; to one after the other where it is to wait for them.
pub(crate) async fn run(arguments: &DeltaArguments, console: Console) -> Result<Exit, Fault> {
    let progress = Arc::new(Shown::new(console, arguments.format));
    if arguments.watch { watch(arguments, progress, console).await } else { once(arguments, progress, console).await }
}

/// Files of an export as they stand: place, length, time of the last change.
type Standing = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Picks up one export after the other until the window closes. What stops one delta is said, and the next export is waited for.
async fn watch(arguments: &DeltaArguments, progress: Arc<Shown>, console: Console) -> Result<Exit, Fault> {
    let cancellation = stop_on_interrupt(console);
    let mut closes = closing(arguments)?;
    loop {
        let taken = standing_files(arguments);
        let done = once(arguments, Arc::clone(&progress), console).await;
        let failed = matches!(&done, Err(fault) if fault.exit == Exit::Failed);
        let exit = match done {
            Ok(Exit::Interrupted) => return Ok(Exit::Interrupted),
            Ok(exit) => exit,
            Err(fault) if matches!(fault.exit, Exit::Blocked | Exit::Findings | Exit::Failed) => {
                console.error(&fault);
                fault.exit
            }
            Err(fault) => return Err(fault),
        };
        console.news(format_args!("waiting for a later export until {closes}; Ctrl-C ends it"));
        let (mut seen, mut waited) = (taken.clone(), Duration::ZERO);
        loop {
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
            if cancellation.is_cancelled() {
                console.news("no later export is waited for any more");
                return Ok(exit);
            }
            // A longer or shorter window in the spec counts at once.
            match closing(arguments) {
                Ok(later) => closes = later,
                Err(fault) => {
                    console.news(&fault.message);
                    return Ok(exit);
                }
            }
            let now = standing_files(arguments);
            let is_whole = std::mem::replace(&mut seen, now.clone()) == now;
            if is_whole && (now != taken || (failed && waited >= AGAIN)) {
                break;
            }
        }
    }
}

/// Moment when the window closes; a fault where it is closed, or none is open.
fn closing(arguments: &DeltaArguments) -> Result<Timestamp, Fault> {
    let project = Project::at(&arguments.live.project.path)?;
    let Ok((plan, _)) = project.plan(arguments.live.project.to.as_deref()) else {
        return Err(
            Fault::new(Exit::Findings, "the spec has errors; nothing was done").with_help("`migr check` names them")
        );
    };
    window(&plan, &state(&project, &arguments.live, &plan).reader()?)
}

/// The files that the maps read, as they stand; none where they cannot be told.
fn standing_files(arguments: &DeltaArguments) -> Standing {
    let files = || -> Result<Standing, Fault> {
        let project = Project::at(&arguments.live.project.path)?;
        let Ok((plan, _)) = project.plan(arguments.live.project.to.as_deref()) else { return Ok(Vec::new()) };
        let export = export(&plan, &project)?;
        let files = plan.stages.iter().filter_map(|stage| export.file(&stage.source_object));
        let of = |file: &migr_extract::SourcePath| {
            let modified = std::fs::metadata(file.path()).and_then(|metadata| metadata.modified()).ok();
            (file.path().to_owned(), file.bytes(), modified)
        };
        Ok(files.map(of).collect())
    };
    files().unwrap_or_default()
}

/// Brings the destination to the export that is there.
async fn once(arguments: &DeltaArguments, progress: Arc<Shown>, console: Console) -> Result<Exit, Fault> {
    // A run that was killed is looked for by the first word.
    let options = RunOptions { command: "run (delta)".to_owned(), ..RunOptions::default() };
    let opening = Opening {
        live: &arguments.live,
        saved_plan: None,
        reached: None,
        writes: true,
        goes_on: false,
        counts: true,
        options,
        shown: Arc::clone(&progress),
    };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let done = bring(&session, arguments, console).await;
    let state = session.state.clone();
    let page = session.report().await;
    let Some((delta, outcome)) = done? else { return Ok(Exit::Blocked) };
    let page = page?;
    let exit = match &outcome {
        Some(outcome) => exit(&outcome.summary, console),
        None => standing(&state)?,
    };
    let is_left = delta.maps.iter().any(|map| map.left + map.emptied > 0);
    let exit = if exit == Exit::Done && is_left { Exit::Quarantined } else { exit };
    if arguments.format == EventFormat::Human {
        show(&delta, outcome.is_some(), console);
        console.news(format_args!("report: {}", shown(&page)));
    }
    progress.summary(serde_json::json!({ "delta": delta, "exit": exit as u8 }));
    Ok(exit)
}

/// Exit code where nothing was left to do: as the last run ended.
fn standing(state: &State) -> Result<Exit, Fault> {
    let plan = crate::commands::report::plan(state)?;
    let fold = state.reader()?.fold().map_err(|error| Fault::failed(error.to_string()))?;
    let is_quarantined = Report::counted(&plan, &fold).total().quarantined > 0;
    Ok(if is_quarantined { Exit::Quarantined } else { Exit::Done })
}

/// The delta, and the run that carried it out; no run where nothing changed. None where the schema stands in the way, which is said.
async fn bring(
    session: &Session,
    arguments: &DeltaArguments,
    console: Console,
) -> Result<Option<(Delta, Option<Outcome>)>, Fault> {
    window(&session.context.plan, &session.context.journal.reader()?)?;
    room::check(&session.context.export, &session.state)?;
    if !migr_engine::has_delta(&session.context).map_err(fault)? {
        return Ok(Some((migr_engine::look_at_files(&session.context).await.map_err(fault)?, None)));
    }
    let delta = migr_engine::pick_up(&session.context, arguments.accept_shrunk).await.map_err(fault)?;
    let Some(outcome) = carry_out(session, console).await? else { return Ok(None) };
    if outcome.summary.interrupted {
        return Ok(Some((delta, Some(outcome))));
    }
    let delta = migr_engine::close_delta(&session.context, delta).await.map_err(fault)?;
    Ok(Some((delta, Some(outcome))))
}

/// Moment when the window closes that begins with the end of the first run that was through; a fault where none was, or it is closed.
fn window(plan: &Plan, reader: &Reader) -> Result<Timestamp, Fault> {
    let Some(seconds) = plan.options.delta_seconds else {
        return Err(Fault::new(Exit::Blocked, "the spec has no window for a delta; nothing was done")
            .with_help("write how long it is open after the run: `delta = 48h`"));
    };
    let fold = reader.fold()?;
    let Some(ended) = going_on::first_through(&fold).and_then(|run| run.ended.as_deref()?.parse::<Timestamp>().ok())
    else {
        return Err(Fault::new(Exit::Blocked, "no run is through yet; nothing was done")
            .with_help("`migr run` carries the migration out, or goes on where it stopped"));
    };
    let window = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let closes = ended.checked_add(window).unwrap_or(Timestamp::MAX);
    if Timestamp::now() > closes {
        return Err(Fault::new(Exit::Blocked, format!("the window for deltas closed at {closes}; nothing was done"))
            .with_help("a longer `delta` in the migration opens it again"));
    }
    Ok(closes)
}

/// The result for a person.
fn show(delta: &Delta, has_run: bool, console: Console) {
    if !has_run {
        console.result("The export is the one that was carried out last: nothing was done.\n");
        for words in delta.maps.iter().flat_map(|map| &map.stays) {
            console.result(format_args!("  {}\n", line(words)));
        }
        return;
    }
    for map in &delta.maps {
        let lines = map.in_lines();
        for (place, line) in lines.iter().enumerate() {
            console.result(format_args!("{}{line}\n", if place == 0 { "" } else { "  " }));
        }
    }
}
