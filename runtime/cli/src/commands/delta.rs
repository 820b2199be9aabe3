//! `migr delta`: picks up what changed in the source since.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use migr_engine::RunOptions;
use migr_escape::line;
use migr_report::{Delta, Report};

use crate::args::{DeltaArguments, EventFormat};
use crate::commands::run::{Outcome, carry_out, exit};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::going_on;
use crate::progress::Shown;
use crate::project::shown;
use crate::room;
use crate::session::{Opening, Session};
use crate::state::State;

/// Brings the destination to a later export, within the window of the spec's `delta`.
pub(crate) async fn run(arguments: &DeltaArguments, console: Console) -> Result<Exit, Fault> {
    let progress = Arc::new(Shown::new(console, arguments.format));
    // A run that was killed is looked for by the first word.
    let options = RunOptions { command: "run (delta)".to_owned(), ..RunOptions::default() };
    let opening = Opening {
        live: &arguments.live,
        saved_plan: None,
        reached: None,
        writes: true,
        goes_on: false,
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
    within_window(session)?;
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

/// A delta follows a run that is through, while the window is open that begins with the end of the first one.
fn within_window(session: &Session) -> Result<(), Fault> {
    let Some(seconds) = session.context.plan.options.delta_seconds else {
        return Err(Fault::new(Exit::Blocked, "the spec has no window for a delta; nothing was done")
            .with_help("write how long it is open after the run: `delta = 48h`"));
    };
    let fold = session.context.journal.reader().and_then(|reader| reader.fold());
    let fold = fold.map_err(|error| Fault::failed(error.to_string()))?;
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
    Ok(())
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
