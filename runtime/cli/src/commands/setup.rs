use std::sync::Arc;

use migr_engine::{RunOptions, SetupSummary};

use crate::args::{EventFormat, SetupArguments};
use crate::console::Console;
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Shown;
use crate::session::{Opening, Session};

/// Creates what the plan needs in the destination's schema; what is there already is left.
pub(crate) async fn run(arguments: &SetupArguments, console: Console) -> Result<Exit, Fault> {
    let quiet = Arc::new(Shown::new(console, EventFormat::Human));
    let options = RunOptions { command: "setup".to_owned(), ..RunOptions::default() };
    let opening = Opening { live: &arguments.live, saved_plan: None, options, shown: quiet };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    let done = migr_engine::setup(&session.context).await;
    session.close().await;
    let summary = done.map_err(fault)?;
    for (action, outcome) in &summary.actions {
        console.result(format_args!("{outcome:<13}  {action}\n"));
    }
    console.result(format_args!("Setup: {}.\n", in_words(&summary)));
    Ok(if summary.blocked > 0 { Exit::Blocked } else { Exit::Done })
}

/// `33 changed, 0 already there, 0 blocked`
pub(crate) fn in_words(summary: &SetupSummary) -> String {
    format!("{} changed, {} already there, {} blocked", summary.done, summary.already_there, summary.blocked)
}
