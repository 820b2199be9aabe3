//! `migr status`: the state of a migration.

use std::fmt::Write as _;

use migr_report::words::count;

use crate::args::ProjectArguments;
use crate::commands::report::counted;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::state::State;
use crate::table::Table;

/// Shows where a migration stands: per map what is done, and what to do next.
pub(crate) fn run(arguments: &ProjectArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.path)?;
    let state = State::meant(&project, arguments.to.as_deref(), false)?;
    let report = counted(&state)?;
    let mut text = String::new();
    let place = if state.is_sandbox() { "the sandbox" } else { state.name() };
    let stands = if report.finished { "finished" } else { "not finished" };
    let _ = writeln!(text, "{} to {place}: {stands}\n", report.migration);
    let _ = writeln!(text, "{}", Table::of_objects(&report).within(console.width()));
    if let Some(last) = report.runs.last() {
        let result = last.result.as_deref().unwrap_or("did not end");
        let _ = writeln!(text, "last run: began {}, {result}", last.started);
    }
    let total = report.total();
    if !report.finished {
        let _ = writeln!(text, "next: `migr run` goes on where it stopped");
    } else if total.quarantined > 0 {
        let _ = writeln!(
            text,
            "next: `migr report` lists the {} quarantined, each with its reason",
            count(total.quarantined, "record that was", "records that were")
        );
    }
    console.result(text);
    Ok(Exit::Done)
}
