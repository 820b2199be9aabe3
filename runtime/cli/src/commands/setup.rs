//! `migr setup`: changes the destination's schema as the plan needs it.

use std::sync::Arc;

use migr_engine::{ChecklistItem, ChecklistState, RunOptions, SetupSummary};
use migr_journal::SetupNote;

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
    let opening = Opening {
        live: &arguments.live,
        saved_plan: None,
        reached: None,
        writes: !arguments.checklist,
        goes_on: false,
        counts: false,
        options,
        shown: quiet,
    };
    let Some(session) = Session::open(opening, console).await? else { return Ok(Exit::Findings) };
    if arguments.checklist {
        let listed = migr_engine::checklist(&session.context).await;
        session.close().await;
        let items = listed.map_err(fault)?;
        for item in &items {
            console.result(format_args!("{}\n", line(item)));
        }
        let open = open_items(&items).len();
        console.result(format_args!("Checklist: {} done, {open} open.\n", items.len() - open));
        return Ok(if open > 0 { Exit::Blocked } else { Exit::Done });
    }
    let done = migr_engine::setup(&session.context).await;
    let page = session.report().await;
    let summary = done.map_err(fault)?;
    page?;
    for (action, outcome) in summary.actions.iter().filter(|(_, outcome)| outcome != SetupNote::ALREADY_THERE) {
        console.result(format_args!("{outcome:<13}  {action}\n"));
    }
    console.result(format_args!("Setup: {}.\n", in_words(&summary)));
    Ok(if summary.blocked > 0 { Exit::Blocked } else { Exit::Done })
}

/// `33 changed, 0 already there, 0 blocked`
pub(crate) fn in_words(summary: &SetupSummary) -> String {
    format!("{} changed, {} already there, {} blocked", summary.done, summary.already_there, summary.blocked)
}

/// Checklist items that are not as the plan needs them, a line each.
pub(crate) fn open_items(items: &[ChecklistItem]) -> Vec<String> {
    items.iter().filter(|item| item.state != ChecklistState::Done).map(line).collect()
}

fn line(item: &ChecklistItem) -> String {
    let (state, found) = match &item.state {
        ChecklistState::Done => ("done", String::new()),
        ChecklistState::Missing { what } => ("missing", format!(": {what}")),
        ChecklistState::Mismatch { why } => ("mismatch", format!(": {why}")),
    };
    let told: Vec<String> = item.told.iter().map(|told| format!("\n          {told}")).collect();
    let told = told.concat();
    format!("{state:<8}  {}  (look at the {}){found}{told}", item.action, item.probe)
}
